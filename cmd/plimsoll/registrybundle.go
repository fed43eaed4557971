//go:build !gateway

package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/label"
)

// newRegistryBundle fetches what labels are verified with offline.
func newRegistryBundle(e env, words *locale.Catalogue) *cobra.Command {
	var at, key, out string
	c := &cobra.Command{Use: "bundle", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if at == "" || key == "" || out == "" {
			return wrongUsage("error.registry.bundle.flags")
		}
		public, err := readPublicKey(key)
		if err != nil {
			return err
		}
		client, err := newRegistryClient(at)
		if err != nil {
			return err
		}
		data, err := client.do(c.Context(), http.MethodGet, "/api/v1/bundle", nil, nil)
		if err != nil {
			return err
		}
		next, err := label.ParseBundle(data, public)
		if err != nil {
			return &fault{errUnverified, "error.label.bundle", []any{"name", at, "cause", err.Error()}}
		}
		if kept, err := readFile(out, label.MaxBundle); err == nil {
			if was, err := label.ParseBundle(kept, public); err == nil { // else it is of somebody else, or nothing
				if err := trust.Follows(was, next, time.Now()); err != nil {
					return &fault{errUnverified, "error.label.bundle", []any{"name", at, "cause", err.Error()}}
				}
			}
		}
		if err := e.writeOutput(out, data); err != nil {
			return err
		}
		_, err = fmt.Fprintln(e.err, printable(words.Text("registry.bundle.done", "name", next.Registry, "day", next.Made, "n", len(next.Issuers), "size", locale.Octets(len(data)))))
		return err
	}}
	f := c.Flags()
	f.StringVar(&at, "registry", "", "")
	f.StringVar(&key, "registry-key", "", "")
	f.StringVar(&out, "out", "", "")
	return c
}
