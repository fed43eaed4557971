//go:build !gateway

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

func newMUDDiff(e env, words *locale.Catalogue) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "diff", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) != 2:
			return wrongUsage("error.mud.diff")
		case count("-", args...) > 1:
			return wrongUsage("error.mud.twice")
		}
		before, err := e.readMUD(args[0], words)
		if err != nil {
			return err
		}
		after, err := e.readMUD(args[1], words)
		if err != nil {
			return err
		}
		changes := mud.Diff(before, after)
		if asJSON {
			return printJSON(e.out, newCompared(args[0], args[1], changes, words))
		}
		return e.tellDiff(changes, words)
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

// tellDiff says the changes, those of a kind together.
func (e env) tellDiff(changes []mud.Difference, words *locale.Catalogue) error {
	if len(changes) == 0 {
		_, err := fmt.Fprintln(e.out, words.Text("mud.diff.none"))
		return err
	}
	heading := mud.Change("")
	for _, d := range changes {
		if d.Change != heading {
			heading = d.Change
			if _, err := fmt.Fprintln(e.out, words.Text("mud.diff."+string(heading))); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(e.out, "  "+printable(d.Text(words))); err != nil {
			return err
		}
	}
	return nil
}
