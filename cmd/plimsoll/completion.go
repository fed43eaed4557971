package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newCompletion prints the script with which a shell completes verbs and flags.
func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:       "completion",
		ValidArgs: []string{"bash", "fish", "zsh"},
		Args:      cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			root, out := c.Root(), c.OutOrStdout()
			switch strings.Join(args, " ") {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			}
			return wrongUsage("error.shell")
		},
	}
}
