//go:build !gateway

package main

import (
	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
)

// newMUD is the verbs on what a device may do, by its maker's word (RFC 8520).
func newMUD(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "mud", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "mud "+args[0])
		}
		return c.Help()
	}}
	c.AddCommand(
		newMUDCheck(e, words), newMUDCompile(e, words), newMUDDiff(e, words), newMUDFetch(e, words), newMUDLearn(e, words),
		newMUDQR(e, words), newMUDRehearse(e, words), newMUDScan(e, words), newMUDShow(e, words), newMUDSign(e, words), newMUDVerify(e, words),
	)
	return c
}
