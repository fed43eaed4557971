//go:build !gateway

package main

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/label"
)

// newLabel is the verbs on the labels of products.
func newLabel(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "label", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "label "+args[0])
		}
		return c.Help()
	}}
	for _, verb := range []label.Verb{label.Suspend, label.Restore, label.Withdraw} {
		c.AddCommand(newLabelChange(e, words, verb))
	}
	c.AddCommand(
		newLabelAssess(e, words), newLabelCompare(e, words), newLabelExport(e), newLabelGrant(e, words), newLabelImport(e, words), newLabelPrint(e, words), newLabelQR(e, words),
		newLabelShow(e, words), newLabelSign(e), newLabelVerify(e, words),
	)
	return c
}

func newLabelSign(e env) *cobra.Command {
	var key, out string
	c := &cobra.Command{Use: "sign", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		if key == "" || out == "" {
			return wrongUsage("error.label.sign.flags")
		}
		data, err := e.readInput(args[0], maxLabel)
		if err != nil {
			return err
		}
		var s label.Statement
		if err := json.Unmarshal(data, &s); err != nil {
			return &fault{key: "error.label.statement", args: []any{"name", args[0], "cause", err.Error()}}
		}
		signer, err := readKey(key)
		if err != nil {
			return err
		}
		private, ok := signer.(ed25519.PrivateKey)
		if !ok {
			return &fault{key: "error.key.ed25519", args: []any{"name", key}}
		}
		sign1, err := label.Sign(&s, private)
		if err != nil {
			return &fault{key: "error.label.statement", args: []any{"name", args[0], "cause", err.Error()}}
		}
		envelope, err := (&label.Envelope{Version: label.Version, Label: sign1}).Marshal()
		if err != nil {
			return err
		}
		return e.writeOutput(out, envelope)
	}}
	c.Flags().StringVar(&key, "key", "", "")
	c.Flags().StringVar(&out, "out", "", "")
	return c
}

func newLabelShow(e env, words *locale.Catalogue) *cobra.Command {
	asJSON := false
	c := &cobra.Command{Use: "show", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		envelope, _, err := e.readLabel(args[0])
		if err != nil {
			return err
		}
		s, err := envelope.Statement()
		if err != nil {
			return &fault{errUnverified, "error.label.unreadable", []any{"name", args[0], "cause", err.Error()}}
		}
		if asJSON {
			return printJSON(e.out, s)
		}
		for _, l := range append(labelLines(words, s), words.Text("label.unchecked")) {
			if _, err := fmt.Fprintln(e.out, printable(l)); err != nil {
				return err
			}
		}
		return nil
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

// labelLines are what a label says, for people.
func labelLines(words *locale.Catalogue, s *label.Statement) []string {
	lines := []string{words.Text("label.product", "maker", s.Maker, "model", s.Model, "gtin", s.GTIN14())}
	if s.Support != 0 {
		lines = append(lines, words.Text("label.support", "day", words.Date(s.Support.Time())))
	} else {
		lines = append(lines, words.Text("label.support.none"))
	}
	counts := map[label.Class]int{}
	for _, n := range label.ProfileNorms(s.Profile) {
		counts[s.Class(n)]++
	}
	for c := label.Refuted; ; c-- {
		if n := counts[c]; n > 0 {
			lines = append(lines, "  "+words.Text("label.class."+c.String(), "n", n))
		}
		if c == label.NotClaimed {
			return lines
		}
	}
}

func newLabelQR(e env, words *locale.Catalogue) *cobra.Command {
	var resolver, out string
	c := &cobra.Command{Use: "qr", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		if resolver == "" {
			return wrongUsage("error.label.resolver")
		}
		form, file, err := pictureOf(out)
		if err != nil {
			return err
		}
		envelope, _, err := e.readLabel(args[0])
		if err != nil {
			return err
		}
		s, err := envelope.Statement()
		if err != nil {
			return &fault{errUnverified, "error.label.unreadable", []any{"name", args[0], "cause", err.Error()}}
		}
		data, err := envelope.Marshal()
		if err != nil {
			return err
		}
		code, err := qr.Encode(label.Link(resolver, s, data))
		if err != nil {
			return err
		}
		picture := []byte(code.Text())
		switch form {
		case "svg":
			picture = []byte(code.SVG(words.Text("label.qr.title", "name", s.Model), words.Text("label.qr.description", "gtin", s.GTIN14())))
		case "png":
			picture = code.PNG()
		}
		return e.writeOutput(file, picture)
	}}
	c.Flags().StringVar(&resolver, "resolver", "", "")
	c.Flags().StringVar(&out, "out", "", "")
	return c
}

// readBundle reads the trust that a label is held against.
func readBundle(bundle, registry string) (*label.Trust, error) {
	key, err := readPublicKey(registry)
	if err != nil {
		return nil, err
	}
	data, err := readFile(bundle, label.MaxBundle)
	if err != nil {
		return nil, err
	}
	t, err := label.ParseBundle(data, key)
	if err != nil {
		return nil, &fault{errUnverified, "error.label.bundle", []any{"name", bundle, "cause", err.Error()}}
	}
	return t, nil
}
