//go:build !gateway

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

// checked is what schema/mud-check.json describes.
type checked struct {
	Schema      string           `json:"schema"`
	File        string           `json:"file"`
	OK          bool             `json:"ok"`
	Form        mud.Form         `json:"form"` // "" where it is no JSON object
	URL         string           `json:"mud_url"`
	IsSupported bool             `json:"is_supported"`
	ACEs        aceCount         `json:"aces"`
	Names       []string         `json:"names"`
	Problems    []checkedProblem `json:"problems"`
}

type aceCount struct {
	From int `json:"from"`
	To   int `json:"to"`
}

type checkedProblem struct {
	Level mud.Level `json:"level"`
	Code  string    `json:"code"`
	Path  string    `json:"path"`
	RFC   string    `json:"rfc"`
	Text  string    `json:"text"`
}

func newMUDCheck(e env, words *locale.Catalogue) *cobra.Command {
	var strict, asJSON bool
	c := &cobra.Command{Use: "check", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return wrongUsage("error.mud.files")
		}
		if count("-", args...) > 1 {
			return wrongUsage("error.mud.twice")
		}
		wrong := 0
		for _, name := range args {
			data, err := e.readInput(name, 16*mud.MaxBytes) // what is too large is a problem of the file, not of reading it
			if err != nil {
				return err
			}
			f, problems, err := mud.Check(data, strict)
			if err != nil {
				wrong++
			}
			r := newChecked(name, f, problems, err == nil, words)
			if asJSON {
				err = printJSON(e.out, r)
			} else {
				err = r.print(e.out, words)
			}
			if err != nil {
				return err
			}
		}
		if wrong > 0 {
			return &fault{key: "error.mud.invalid", args: []any{"n", wrong, "all", len(args)}}
		}
		return nil
	}}
	c.Flags().BoolVar(&strict, "strict", false, "")
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

// writeOutput writes a file whole, or standard output, whose name is -.
func (e env) writeOutput(name string, data []byte) error {
	if name != "-" {
		return durable.WriteFile(name, data, 0o644)
	}
	_, err := e.out.Write(data)
	return err
}

// readMUD reads a MUD file that is valid.
func (e env) readMUD(name string, words *locale.Catalogue) (*mud.File, error) {
	data, err := e.readInput(name, mud.MaxBytes)
	if err != nil {
		return nil, err
	}
	f, err := mud.Parse(data)
	if err != nil {
		text := err.Error()
		if invalid, ok := errors.AsType[*mud.InvalidError](err); ok {
			text = invalid.Problems[0].Text(words)
		}
		return nil, &fault{cause: err, key: "error.mud.file-invalid", args: []any{"name", name, "cause", text}}
	}
	return f, nil
}

func newChecked(name string, f *mud.File, problems []mud.Problem, ok bool, words *locale.Catalogue) checked {
	r := checked{Schema: "plimsoll.mud.check/1", File: name, OK: ok, Names: []string{}, Problems: []checkedProblem{}}
	if f != nil {
		r.Form, r.URL, r.IsSupported = f.Form, f.URL, f.IsSupported
		for _, e := range f.Entries(mud.FromDevice) {
			r.ACEs.From++
			r.name(e)
		}
		for _, e := range f.Entries(mud.ToDevice) {
			r.ACEs.To++
			r.name(e)
		}
		slices.Sort(r.Names)
		r.Names = slices.Compact(r.Names)
	}
	for _, p := range problems {
		r.Problems = append(r.Problems, checkedProblem{p.Level, p.Code, p.Path, p.RFC, p.Text(words)})
	}
	return r
}

// name keeps the domain names of an entry.
func (r *checked) name(e *mud.ACE) {
	for _, ip := range []*mud.IP{e.Matches.IPv4, e.Matches.IPv6} {
		if ip == nil {
			continue
		}
		for _, s := range []string{ip.SourceDNSName, ip.DestinationDNSName} {
			if s != "" {
				r.Names = append(r.Names, s)
			}
		}
	}
}

// print tells it to a person: the verdict, then each problem with where it is.
func (r *checked) print(w io.Writer, words *locale.Catalogue) error {
	key := "mud.check.valid"
	if !r.OK {
		key = "mud.check.invalid"
	}
	lines := []string{words.Text(key, "name", named(r.File, words), "form", words.Text("mud.form."+cmp.Or(string(r.Form), "none")))}
	if r.Form != "" {
		lines = append(lines, "  "+words.Text("mud.check.entries", "from", r.ACEs.From, "to", r.ACEs.To))
	}
	for _, p := range r.Problems {
		text := p.Text
		if p.RFC != "" {
			text = words.Text("mud.check.rfc", "text", text, "rfc", p.RFC)
		}
		lines = append(lines, "", fmt.Sprintf("  %s %s [%s]", words.Text("mud.level."+string(p.Level)), cmp.Or(p.Path, "/"), p.Code), "    "+text)
	}
	for _, l := range lines {
		// a line that a stranger's text begins would pass for one of ours
		if _, err := fmt.Fprintln(w, printable(strings.ReplaceAll(l, "\n", " "))); err != nil {
			return err
		}
	}
	return nil
}
