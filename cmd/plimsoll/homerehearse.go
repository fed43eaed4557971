package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/policy"
)

// newHomeRehearse shows what the file of a device would have stopped, and with --begin has it rehearsed anew.
func newHomeRehearse(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	begin, offered := false, false
	c := &cobra.Command{Use: "rehearse", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.home.which")
		}
		path := "devices/" + url.PathEscape(args[0])
		if begin {
			return r.decide(c.Context(), path, map[string]any{"verb": home.Rehearse})
		}
		path += "/rehearsal?lang=" + string(words.Lang())
		if offered {
			path += "&file=offered"
		}
		var x policy.RehearsalDocument
		if err := r.call(c.Context(), http.MethodGet, path, nil, &x); err != nil {
			return err
		}
		if r.json {
			return printJSON(r.out, x)
		}
		return r.print(r.rehearsed(&x))
	}}
	r.flags(c)
	c.Flags().BoolVar(&begin, "begin", false, "")
	c.Flags().BoolVar(&offered, "offered", false, "")
	return c
}

// rehearsed says for people what would have been stopped.
func (r *remote) rehearsed(x *policy.RehearsalDocument) []string {
	switch {
	case x.Flows.Total == 0:
		return []string{r.words.Text("home.rehearse.nothing")}
	case x.Flows.Stopped == 0:
		return []string{r.words.Text("mud.rehearse.all", "n", x.Flows.Total)}
	}
	lines := []string{r.words.Text("mud.rehearse.some", "n", x.Flows.Stopped, "all", x.Flows.Total)}
	for i := range x.Stopped {
		s := &x.Stopped[i]
		lines = append(lines, "  "+s.Text, "    "+r.words.Text("mud.rehearse.often", "n", s.Count)+" "+r.words.Text("mud.rehearse.guess", "guess", s.Guess))
	}
	return lines
}
