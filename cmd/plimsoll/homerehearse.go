package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// newHomeRehearse shows what the file of a device would have stopped, and with --begin has it rehearsed anew.
func newHomeRehearse(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	begin := false
	c := &cobra.Command{Use: "rehearse", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.home.which")
		}
		path := "devices/" + url.PathEscape(args[0])
		if begin {
			return r.decide(c.Context(), path, map[string]any{"verb": home.Rehearse})
		}
		var x home.Rehearsed
		if err := r.call(c.Context(), http.MethodGet, path+"/rehearsal", nil, &x); err != nil {
			return err
		}
		if r.json {
			return printJSON(r.out, x)
		}
		var lines []string
		switch {
		case x.Flows == 0:
			lines = append(lines, words.Text("mud.rehearse.nothing"))
		case x.Stopped == 0:
			lines = append(lines, words.Text("mud.rehearse.all", "n", x.Flows))
		default:
			lines = append(lines, words.Text("mud.rehearse.some", "n", x.Stopped, "all", x.Flows))
		}
		for i := range x.List {
			t := &x.List[i]
			lines = append(lines, fmt.Sprintf("  %s (%s) %s", t.Peer, t.Service, words.Text("mud.rehearse.often", "n", t.Flows)))
		}
		return r.print(lines)
	}}
	r.flags(c)
	c.Flags().BoolVar(&begin, "begin", false, "")
	return c
}
