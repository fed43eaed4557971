//go:build !gateway

package main

import (
	"cmp"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/mud"
)

// sticker is what schema/mud-qr.json describes.
type sticker struct {
	Schema  string `json:"schema"`
	File    string `json:"file"`
	Payload string `json:"payload"`
	Brand   string `json:"brand"`
	Product string `json:"product"`
	Model   string `json:"model"`
	URL     string `json:"mud_url"`
	MAC     string `json:"mac"`
	Modules int    `json:"modules"` // how many of them the code is wide
}

// pictures are the forms in which a code is written; the first one is for terminals.
var pictures = []string{"text", "svg", "png"}

func newMUDQR(e env, words *locale.Catalogue) *cobra.Command {
	var out, product string
	var mac net.HardwareAddr
	var asJSON bool
	c := &cobra.Command{Use: "qr", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.mud.file")
		}
		form, file, err := pictureOf(out)
		if err != nil {
			return err
		}
		f, err := e.readMUD(args[0], words)
		if err != nil {
			return err
		}
		s := mud.Sticker{Brand: f.MfgName, Product: product, Model: f.ModelName, URL: f.URL, MAC: mac}
		payload, err := s.Payload()
		if err != nil {
			return &fault{key: "error.mud.sticker", args: []any{"name", args[0], "cause", err.Error()}}
		}
		code, err := qr.Encode(payload)
		if err != nil {
			return err
		}
		if asJSON && file == "-" {
			return printJSON(e.out, newSticker(args[0], payload, &s, code.Size()))
		}
		var picture []byte
		switch form {
		case "svg":
			picture = []byte(code.SVG(words.Text("mud.qr.title", "name", f.Title()), words.Text("mud.qr.description", "url", f.URL)))
		case "png":
			picture = code.PNG()
		default:
			picture = []byte(code.Text())
		}
		if err := e.writeOutput(file, picture); err != nil || !asJSON {
			return err
		}
		return printJSON(e.out, newSticker(args[0], payload, &s, code.Size()))
	}}
	f := c.Flags()
	f.StringVar(&out, "out", "", "")
	f.StringVar(&product, "product", "", "")
	f.Func("mac", "", func(s string) (err error) {
		mac, err = net.ParseMAC(s)
		return err
	})
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// pictureOf is the form of a picture, and its file: the flag names a form, for standard output, or a file that ends in one.
func pictureOf(out string) (form, file string, err error) {
	if out == "" || slices.Contains(pictures, out) {
		return cmp.Or(out, pictures[0]), "-", nil
	}
	form = strings.ToLower(strings.TrimPrefix(filepath.Ext(out), "."))
	if form == "txt" {
		form = "text"
	}
	if !slices.Contains(pictures, form) {
		return "", "", wrongUsage("error.mud.qr.out", "name", out)
	}
	return form, out, nil
}

func newSticker(file, payload string, s *mud.Sticker, modules int) sticker {
	return sticker{
		Schema: "plimsoll.mud.qr/1", File: file, Payload: payload, Brand: s.Brand, Product: s.Product, Model: s.Model, URL: s.URL,
		MAC: s.MAC.String(), Modules: modules,
	}
}
