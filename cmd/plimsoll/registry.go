//go:build !gateway

package main

import (
	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
)

// newRegistry is the verbs for those who publish labels, and for those who watch them do it.
func newRegistry(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "registry", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "registry "+args[0])
		}
		return c.Help()
	}}
	c.AddCommand(newRegistryAdvisories(e, words))
	return c
}
