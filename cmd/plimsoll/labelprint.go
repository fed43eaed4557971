//go:build !gateway

package main

import (
	"errors"
	"net"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/labelart"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// labelForms are what a label can be printed as.
var labelForms = map[string]func(*label.Statement, string, labelart.Words) (*labelart.Drawing, error){
	"shelf": labelart.Shelf,
	"pack":  labelart.Pack,
}

func newLabelPrint(e env, words *locale.Catalogue) *cobra.Command {
	var resolver, out, form, product string
	var mac net.HardwareAddr
	c := &cobra.Command{Use: "print", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		kind := strings.ToLower(filepath.Ext(out))
		if kind != ".svg" && kind != ".pdf" {
			return wrongUsage("error.label.print.out")
		}
		draw := labelForms[form]
		if draw == nil && form != "body" {
			return wrongUsage("error.label.print.form", "name", form)
		}
		if resolver == "" && draw != nil {
			return wrongUsage("error.label.resolver")
		}
		if draw != nil && (mac != nil || product != "") {
			return wrongUsage("error.label.print.body", "name", form)
		}
		envelope, _, err := e.readLabel(args[0])
		if err != nil {
			return err
		}
		s, err := envelope.Statement()
		if err != nil {
			return &fault{errUnverified, "error.label.unreadable", []any{"name", args[0], "cause", err.Error()}}
		}
		other := locale.French
		if words.Lang() == locale.French {
			other = locale.English
		}
		both := labelart.Words{words, locale.New(other)}
		var d *labelart.Drawing
		if draw != nil {
			data, err := envelope.Marshal()
			if err != nil {
				return err
			}
			d, err = draw(s, label.Link(resolver, s, data), both)
			if err != nil {
				return printFault(err, args[0], words)
			}
		} else {
			d, err = labelart.Body(&mud.Sticker{Brand: s.Maker, Product: product, Model: s.Model, URL: s.MUDURL, MAC: mac}, both)
			if err != nil {
				return printFault(err, args[0], words)
			}
		}
		if kind == ".svg" {
			return e.writeOutput(out, d.SVG())
		}
		pdf, err := d.PDF()
		if err != nil {
			return err
		}
		return e.writeOutput(out, pdf)
	}}
	f := c.Flags()
	f.StringVar(&form, "form", "shelf", "")
	f.StringVar(&resolver, "resolver", "", "")
	f.StringVar(&product, "product", "", "")
	f.Func("mac", "", func(s string) (err error) {
		mac, err = net.ParseMAC(s)
		return err
	})
	f.StringVar(&out, "out", "", "")
	return c
}

// printFault says why a label cannot be printed.
func printFault(err error, name string, words *locale.Catalogue) error {
	cause := err.Error()
	if errors.Is(err, labelart.ErrLetter) {
		cause = words.Text("error.label.print.letter")
	}
	return &fault{key: "error.label.print", args: []any{"name", name, "cause", cause}}
}
