//go:build !gateway

package main

import (
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/locale"
)

func newRegistryWitness(e env, words *locale.Catalogue) *cobra.Command {
	var policy, witnessKey, state, listen string
	c := &cobra.Command{Use: "witness", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if policy == "" || witnessKey == "" {
			return wrongUsage("error.registry.witness.flags")
		}
		p, err := readPolicy(policy)
		if err != nil {
			return err
		}
		private, err := readNoteKey(witnessKey)
		if err != nil {
			return err
		}
		signer, err := labellog.WitnessSigner(private)
		if err != nil {
			return logFault(err, witnessKey)
		}
		w, err := labellog.NewWitness(filepath.Join(stateDir(state, e.getenv), "witness"), signer, p.Logs(), time.Now)
		if err != nil {
			return logFault(err, state)
		}
		l, err := (&net.ListenConfig{}).Listen(c.Context(), "tcp", listen)
		if err != nil {
			return &fault{key: "error.registry.listen", args: []any{"address", listen, "cause", err.Error()}}
		}
		if _, err := fmt.Fprintln(e.err, words.Text("registry.witness.ready", "name", signer.Name(), "url", "http://"+l.Addr().String())); err != nil {
			return err
		}
		return serve(c.Context(), l, w)
	}}
	f := c.Flags()
	f.StringVar(&policy, "policy", "", "")
	f.StringVar(&witnessKey, "witness-key", "", "")
	f.StringVar(&state, "state", "", "")
	f.StringVar(&listen, "listen", "127.0.0.1:7380", "")
	return c
}
