package main

import (
	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
)

// newDevices is a shorthand: inspect, and the table of devices alone.
func newDevices(e env, words *locale.Catalogue) *cobra.Command {
	return newInspection("devices", inspection{env: e, words: words, table: true})
}
