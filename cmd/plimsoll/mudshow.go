//go:build !gateway

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

// shown is what schema/mud-show.json describes.
type shown struct {
	Schema      string            `json:"schema"`
	File        string            `json:"file"`
	URL         string            `json:"mud_url"`
	Maker       string            `json:"maker"`
	Model       string            `json:"model"`
	SystemInfo  string            `json:"systeminfo"`
	IsSupported bool              `json:"is_supported"`
	Updated     string            `json:"last_update"`
	Permissions []shownPermission `json:"permissions"`
	Dead        int               `json:"dead"` // entries that do not hold, because they are not understood
}

type shownPermission struct {
	Allowed  bool           `json:"allowed"`
	Starts   mud.Starts     `json:"starts"`
	Peer     shownPeer      `json:"peer"`
	Services []shownService `json:"services"`
}

func newMUDShow(e env, words *locale.Catalogue) *cobra.Command {
	var html string
	var asJSON, dot, svg bool
	c := &cobra.Command{Use: "show", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.mud.file")
		}
		if many := count(true, asJSON, dot, svg, html == "-"); many > 1 {
			return wrongUsage("error.mud.show.flags")
		}
		f, err := e.readMUD(args[0], words)
		if err != nil {
			return err
		}
		if html != "" {
			page := f.HTML(words, string(words.Lang()))
			if err := e.writeOutput(html, []byte(page)); err != nil || html == "-" {
				return err
			}
			if !asJSON && !dot && !svg {
				return nil
			}
		}
		switch {
		case asJSON:
			return printJSON(e.out, newShown(args[0], f, words))
		case dot:
			_, err = io.WriteString(e.out, f.Dot(words))
		case svg:
			_, err = io.WriteString(e.out, f.SVG(words))
		default:
			_, err = io.WriteString(e.out, printable(tellMUD(f, words)))
		}
		return err
	}}
	f := c.Flags()
	f.StringVar(&html, "html", "", "")
	f.BoolVar(&dot, "dot", false, "")
	f.BoolVar(&svg, "svg", false, "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// tellMUD says in plain words what a device may do by its file.
func tellMUD(f *mud.File, words *locale.Catalogue) string {
	var b strings.Builder
	fmt.Fprintln(&b, words.Text("mud.show.picture", "name", f.Title()))
	fmt.Fprintln(&b, words.Text("mud.show.from", "url", f.URL))
	if !f.IsSupported {
		fmt.Fprintln(&b, words.Text("mud.problem.support.ended"))
	}
	fmt.Fprintf(&b, "\n%s\n%s\n", f.Describe(words), words.Text("mud.show.defaults"))
	if n := dead(f); n > 0 {
		fmt.Fprintln(&b, words.Text("mud.show.dead", "n", n))
	}
	return b.String()
}

func dead(f *mud.File) (n int) {
	for _, d := range []mud.Direction{mud.FromDevice, mud.ToDevice} {
		for _, e := range f.Entries(d) {
			if e.Dead() {
				n++
			}
		}
	}
	return n
}

func newShown(name string, f *mud.File, words *locale.Catalogue) shown {
	r := shown{
		Schema: "plimsoll.mud.show/1", File: name, URL: f.URL, Maker: f.MfgName, Model: f.ModelName, SystemInfo: f.SystemInfo,
		IsSupported: f.IsSupported, Updated: rfc3339(f.LastUpdate), Permissions: []shownPermission{}, Dead: dead(f),
	}
	for _, p := range f.Permissions() {
		s := shownPermission{Allowed: p.Allowed, Starts: p.Starts, Peer: newShownPeer(p.Peer, words), Services: []shownService{}}
		for _, service := range p.Services {
			s.Services = append(s.Services, newShownService(service, words))
		}
		r.Permissions = append(r.Permissions, s)
	}
	return r
}
