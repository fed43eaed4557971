//go:build gateway

package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/page"
)

// newDesk is nothing on a gateway.
func newDesk(env, *locale.Catalogue) []*cobra.Command { return nil }

// readCode says that pictures are read elsewhere: what reads them is a twentieth of the program, and a gateway has no camera.
func readCode(_ []byte, name string) (string, error) {
	return "", &fault{key: "error.label.picture", args: []any{"name", name}}
}

// scanPhoto is not there: pages on a gateway take the text of a code, which a phone reads.
var scanPhoto func([]byte) (string, error)

// newPasskeys is none: what judges them is a twelfth of the program.
func newPasskeys(*auth.Door, *sqlite.Store, *slog.Logger) page.Passkeys { return nil }
