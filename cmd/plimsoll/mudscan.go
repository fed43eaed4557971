//go:build !gateway

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/mud"
)

// scanned is what schema/mud-scan.json describes.
type scanned struct {
	Schema  string   `json:"schema"`
	URL     string   `json:"mud_url"`
	Brand   string   `json:"brand"`
	Product string   `json:"product"`
	Model   string   `json:"model"`
	MAC     string   `json:"mac"`
	Dropped string   `json:"dropped_query"`
	Skipped []string `json:"skipped"` // identifiers of records that are not known
}

func newMUDScan(e env, words *locale.Catalogue) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "scan", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.mud.picture")
		}
		data, err := e.readInput(args[0], qr.MaxFile)
		if err != nil {
			return err
		}
		text, err := qr.Decode(data)
		if errors.Is(err, qr.ErrNoPicture) { // it may be what a scanner read
			text, err = string(data), nil
		}
		if err != nil {
			return scanFault(err, args[0])
		}
		s, err := mud.ParseSticker(text)
		if err != nil {
			return scanFault(err, args[0])
		}
		r := scanned{"plimsoll.mud.scan/1", s.URL, s.Brand, s.Product, s.Model, s.MAC.String(), s.Dropped, append([]string{}, s.Skipped...)}
		if asJSON {
			return printJSON(e.out, r)
		}
		return r.print(e, words)
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

// scanFault says why there is no sticker.
func scanFault(err error, name string) error {
	key := "error.mud.scan.code"
	switch {
	case errors.Is(err, mud.ErrHostile):
		key = "error.mud.scan.hostile"
	case errors.Is(err, mud.ErrNotSticker):
		key = "error.mud.scan.sticker"
	case errors.Is(err, qr.ErrTooLarge):
		key = "error.mud.scan.large"
	}
	return &fault{cause: err, key: key, args: []any{"name", name, "cause", err.Error()}}
}

func (r *scanned) print(e env, words *locale.Catalogue) error {
	lines := []string{words.Text("mud.scan.device", "brand", r.Brand, "model", r.Model)}
	if r.Product != "" {
		lines = append(lines, words.Text("mud.scan.product", "product", r.Product))
	}
	lines = append(lines, words.Text("mud.scan.url", "url", r.URL))
	if r.Dropped != "" {
		lines = append(lines, words.Text("mud.scan.dropped", "query", r.Dropped))
	}
	if r.MAC != "" {
		lines = append(lines, words.Text("mud.scan.mac", "mac", r.MAC))
	}
	lines = append(lines, words.Text("mud.scan.proof"))
	for _, l := range lines {
		if _, err := fmt.Fprintln(e.out, printable(l)); err != nil {
			return err
		}
	}
	return nil
}
