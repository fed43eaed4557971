// Package report writes what an inspection found as one page of HTML that needs nothing else: no network, no scripts,
// no other file. It is in English and in French, it prints, and it can be read by ear.
//
// Names on the page come from strangers. html/template escapes them by where they stand, a content security policy
// forbids whatever is not the page's own style, and characters that turn the direction of text do not get through.
package report

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/internal/web/asset"
	"plimsoll.example/plimsoll/norms"
)

//go:embed page.html
var pageSource string

//go:embed edition.css
var editionStyle string

// style is that of all pages, with what only this one has.
var style = asset.Base + editionStyle

// Options says how a page is made.
type Options struct {
	Lang     locale.Lang // shown first
	Version  string      // of the program
	Warnings func(*locale.Catalogue) []string
	// Thresholds are those that were set, by name; the others had their defaults.
	Thresholds map[string]float64
	Held       []inspect.Held   // the devices that were held against MUD files
	Norms      *norms.Catalogue // for the titles of those that findings speak to
}

// page is all that the template is given.
type page struct {
	Lang     locale.Lang
	Policy   string
	Style    template.CSS
	Shapes   template.HTML
	Editions []*edition // the one shown first is the last: the other's rules come before it
}

// Write writes the page.
func Write(w io.Writer, r *inspect.Result, o Options) error {
	tmpl, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("read the template of the page: %w", err)
	}
	p := page{Lang: locale.New(o.Lang).Lang(), Policy: "default-src 'none'; style-src " + asset.Source(style) + "; base-uri 'none'; form-action 'none'", Style: template.CSS(style), Shapes: template.HTML(asset.Shapes)}
	words := report.In(locale.New(p.Lang), r)
	for _, l := range locale.Languages {
		e := newEdition(r, words.With(locale.New(l)), o)
		e.First = l == p.Lang
		p.Editions = append(p.Editions, e)
	}
	slices.SortStableFunc(p.Editions, func(a, b *edition) int {
		if a.First == b.First {
			return 0
		} else if a.First {
			return -1
		}
		return 1
	})
	out := bufio.NewWriter(w)
	if err := tmpl.Execute(filter{out}, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return out.Flush()
}

// filter lets through what is visible. A template writes whole texts, so that no character comes in two parts.
type filter struct{ out *bufio.Writer }

func (f filter) Write(b []byte) (int, error) {
	if _, err := f.out.Write(bytes.Map(locale.Visible, b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
