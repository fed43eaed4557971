//go:build !gateway

package main

import (
	"log/slog"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/passkey"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/page"
)

// newPasskeys is the passkeys of a home.
func newPasskeys(door *auth.Door, store *sqlite.Store, log *slog.Logger) page.Passkeys {
	return &passkey.Ring{Name: "Plimsoll", Door: door, Store: store, Now: time.Now, Log: log}
}
