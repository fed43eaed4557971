//go:build !gateway

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// comparison is what schema/label-compare.json describes.
type comparison struct {
	Schema    string            `json:"schema"`
	Products  []comparedProduct `json:"products"`
	Different []glance.Row      `json:"different"` // one at least says something else
	Same      []glance.Row      `json:"same"`
}

type comparedProduct struct {
	Name    string       `json:"name"` // of the file, picture or link
	GTIN    string       `json:"gtin"`
	Maker   string       `json:"maker"`
	Model   string       `json:"model"`
	Genuine bool         `json:"genuine"` // false: it is not, or there was no bundle to tell
	Status  label.Status `json:"status"`
}

func newLabelCompare(e env, words *locale.Catalogue) *cobra.Command {
	var bundle, registry, issuer string
	var asJSON bool
	c := &cobra.Command{Use: "compare", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) < 2 || len(args) > glance.MostCompared {
			return wrongUsage("error.label.compare")
		}
		var trust *label.Trust
		if bundle != "" || registry != "" || issuer != "" {
			var err error
			if trust, err = labelTrust(bundle, registry, issuer); err != nil {
				return err
			}
		}
		now := time.Now()
		c := comparison{Schema: "plimsoll.label.compare/1"}
		var sides []glance.Side
		for _, name := range args {
			envelope, gtin, err := e.readLabel(name)
			if err != nil {
				return err
			}
			s, err := envelope.Statement()
			if err != nil {
				return &fault{errUnverified, "error.label.unreadable", []any{"name", name, "cause", err.Error()}}
			}
			p := comparedProduct{Name: name, GTIN: s.GTIN14(), Maker: s.Maker, Model: s.Model, Status: label.Unknown}
			if trust != nil {
				v, err := trust.Verify(envelope, gtin, now)
				if err != nil {
					return &fault{errUnverified, "error.label.compare.not-genuine", []any{"name", name, "cause", words.Text(notGenuine(err))}}
				}
				p.Genuine, p.Status = true, v.Status
			}
			c.Products, sides = append(c.Products, p), append(sides, glance.Side{Label: s, Status: p.Status})
		}
		catalogue, err := norms.Load()
		if err != nil {
			return err
		}
		different, same := glance.Compare(sides, label.DayOf(now), catalogue, words)
		c.Different, c.Same = append([]glance.Row{}, different...), append([]glance.Row{}, same...)
		if asJSON {
			return printJSON(e.out, c)
		}
		return tellComparison(e, words, &c)
	}}
	f := c.Flags()
	f.StringVar(&bundle, "bundle", "", "")
	f.StringVar(&registry, "registry-key", "", "")
	f.StringVar(&issuer, "issuer-key", "", "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

func tellComparison(e env, words *locale.Catalogue, c *comparison) error {
	var b strings.Builder
	for i, p := range c.Products {
		fmt.Fprintln(&b, words.Text("label.compare.product", "n", fmt.Sprint(i+1), "maker", p.Maker, "model", p.Model, "status", words.Text("label.status."+string(p.Status))))
	}
	for _, part := range []struct {
		title string
		rows  []glance.Row
	}{{"label.compare.different", c.Different}, {"label.compare.same", c.Same}} {
		if len(part.rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", words.Text(part.title))
		for _, r := range part.rows {
			if part.title == "label.compare.same" {
				fmt.Fprintf(&b, "  %s\n", words.Text("label.print.fact", "name", r.Name, "text", r.Values[0]))
				continue
			}
			fmt.Fprintf(&b, "  %s\n", r.Name)
			for i, v := range r.Values {
				fmt.Fprintf(&b, "    %d  %s\n", i+1, v)
			}
		}
	}
	if !c.Products[0].Genuine {
		fmt.Fprintf(&b, "\n%s\n", words.Text("label.unchecked"))
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(e.out, printable(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
