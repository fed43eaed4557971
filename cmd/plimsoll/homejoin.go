package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// newHomeJoin says that two devices are one.
func newHomeJoin(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	c := &cobra.Command{Use: "join", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 2 {
			return wrongUsage("error.home.two")
		}
		return r.decide(c.Context(), "devices/"+url.PathEscape(args[0]), map[string]any{"verb": home.Join, "argument": args[1]})
	}}
	r.flags(c)
	return c
}

// newHomeSplit says that a part of a device is another one.
func newHomeSplit(e env, words *locale.Catalogue) *cobra.Command {
	r := remote{env: e, words: words}
	c := &cobra.Command{Use: "split", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) < 1 || len(args) > 2 {
			return wrongUsage("error.home.which")
		}
		return r.decide(c.Context(), "devices/"+url.PathEscape(args[0]), map[string]any{"verb": home.Split, "argument": append(args, "")[1]})
	}}
	r.flags(c)
	return c
}
