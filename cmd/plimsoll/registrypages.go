//go:build !gateway

package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/passkey"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/web/shop"
	"plimsoll.example/plimsoll/internal/web/workspace"
	"plimsoll.example/plimsoll/norms"
)

// forPhotos is how long somebody may take to send a photograph or evidence, over a slow line.
const forPhotos = time.Minute

// newDesk is where the cases of a registry are decided. Accounts sign with the keys that they keep in dir.
func (g *registryFlags) newDesk(reg *registry.Registry, store registryStore, catalogue *norms.Catalogue, dir string, logger *slog.Logger) *review.Desk {
	return &review.Desk{Registry: reg, Store: store, Norms: catalogue, Now: time.Now, Key: func(account string) ed25519.PrivateKey {
		key, err := readSigningKey(deskKey(dir, account))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			logger.Warn("key of an account cannot be read", "account", account, "error", err)
		}
		return key
	}}
}

// withPages puts the pages for people beside the API. The page of a product belongs to both: it is what a label leads to.
// Who looks at the public pages is not asked who they are; the workspaces are a site of their own, and ask.
func (g *registryFlags) withPages(api http.Handler, desk *review.Desk, door *auth.Door, store registryStore, log registry.Transparent, at *url.URL) (http.Handler, error) {
	hosts := lowered([]string{at.Hostname()})
	reg := desk.Registry
	public, err := (&shop.Pages{Registry: reg, Log: log, Norms: desk.Norms, Rate: g.rate, Now: time.Now, Logger: reg.Logger}).Site(version(), hosts)
	if err != nil {
		return nil, err
	}
	work, err := (&workspace.Pages{Desk: desk, Door: door, Now: time.Now, Logger: reg.Logger}).Site(version(), hosts)
	if err != nil {
		return nil, err
	}
	work.Public, work.Forwarded = at, g.forwarded
	work.Passkeys = &passkey.Ring{Name: g.name, Door: door, Store: store, Now: time.Now, Log: reg.Logger, Note: func(ctx context.Context, person, account string) error {
		return notePerson(ctx, store, "passkey-add", person, account)
	}}
	people, err := public.Handler()
	if err != nil {
		return nil, err
	}
	writers, err := work.Handler()
	if err != nil {
		return nil, err
	}
	return workspace.Beside(api, patient(people), patient(writers)), nil
}

// deskKey is where the key of an account is that is kept at the registry.
func deskKey(dir, account string) string { return filepath.Join(dir, "desk", account+".key") }

// patient waits longer for what is sent.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			c := http.NewResponseController(w)
			_ = c.SetReadDeadline(time.Now().Add(forPhotos)) // where it cannot be set, the server’s own stays
			_ = c.SetWriteDeadline(time.Now().Add(2 * forPhotos))
		}
		next.ServeHTTP(w, r)
	})
}
