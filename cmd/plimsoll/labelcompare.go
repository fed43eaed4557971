//go:build !gateway

package main

import (
	"fmt"
	"slices"
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
	Different []comparedRow     `json:"different"` // one at least says something else
	Same      []comparedRow     `json:"same"`
}

type comparedProduct struct {
	Name    string       `json:"name"` // of the file, picture or link
	GTIN    string       `json:"gtin"`
	Maker   string       `json:"maker"`
	Model   string       `json:"model"`
	Genuine bool         `json:"genuine"` // false: it is not, or there was no bundle to tell
	Status  label.Status `json:"status"`
}

type comparedRow struct {
	Topic  string   `json:"topic"` // verdict, one of the five of a label at a glance, or a norm
	Name   string   `json:"name"`
	Values []string `json:"values"` // in words, in the order of the products
	Known  []bool   `json:"known"`  // false: the label does not say
}

// mostCompared is how many products a person can hold beside each other.
const mostCompared = 3

func newLabelCompare(e env, words *locale.Catalogue) *cobra.Command {
	var bundle, registry, issuer string
	var asJSON bool
	c := &cobra.Command{Use: "compare", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) < 2 || len(args) > mostCompared {
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
		c := comparison{Schema: "plimsoll.label.compare/1", Different: []comparedRow{}, Same: []comparedRow{}}
		var statements []*label.Statement
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
			c.Products, statements = append(c.Products, p), append(statements, s)
		}
		rows, err := compare(c.Products, statements, label.DayOf(now), words)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if slices.ContainsFunc(row.Values, func(v string) bool { return v != row.Values[0] }) {
				c.Different = append(c.Different, row)
			} else {
				c.Same = append(c.Same, row)
			}
		}
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

// compare are the rows in the order in which buyers ask: the verdict, the five facts, the norms that any label speaks of.
func compare(products []comparedProduct, statements []*label.Statement, today label.Day, words *locale.Catalogue) ([]comparedRow, error) {
	catalogue, err := norms.Load()
	if err != nil {
		return nil, err
	}
	verdict := comparedRow{Topic: "verdict", Name: words.Text("label.compare.verdict")}
	for i, s := range statements {
		v, _ := glance.Judge(s, products[i].Status, today)
		verdict.Values, verdict.Known = append(verdict.Values, v.Text(words)), append(verdict.Known, true)
	}
	rows := []comparedRow{verdict}
	for i, s := range statements {
		for n, f := range glance.Facts(s, words) {
			if i == 0 {
				rows = append(rows, comparedRow{Topic: string(f.Topic), Name: f.Name})
			}
			r := &rows[1+n]
			r.Values, r.Known = append(r.Values, f.Text), append(r.Known, f.Known)
		}
	}
	var claimed []string
	for _, s := range statements {
		for _, n := range label.ProfileNorms(s.Profile) {
			if s.Class(n) != label.NotClaimed && !slices.Contains(claimed, n) {
				claimed = append(claimed, n)
			}
		}
	}
	for _, n := range claimed {
		r := comparedRow{Topic: n, Name: n}
		if norm, ok := catalogue.Norm(n); ok {
			r.Name = norm.Title.In(string(words.Lang()))
		}
		for _, s := range statements {
			c := s.Class(n)
			r.Values, r.Known = append(r.Values, words.Text("label.compare.class."+c.String())), append(r.Known, c != label.NotClaimed)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func tellComparison(e env, words *locale.Catalogue, c *comparison) error {
	var b strings.Builder
	for i, p := range c.Products {
		fmt.Fprintln(&b, words.Text("label.compare.product", "n", fmt.Sprint(i+1), "maker", p.Maker, "model", p.Model, "status", words.Text("label.status."+string(p.Status))))
	}
	for _, part := range []struct {
		title string
		rows  []comparedRow
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
