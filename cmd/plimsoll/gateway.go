//go:build gateway

package main

import (
	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
)

// newDesk is nothing on a gateway.
func newDesk(env, *locale.Catalogue) []*cobra.Command { return nil }
