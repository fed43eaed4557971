//go:build !gateway

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/labellog"
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
	c.AddCommand(
		newRegistryAccount(e, words), newRegistryAdvisories(e, words), newRegistryAudit(e, words), newRegistryBundle(e, words), newRegistryKey(e, words), newRegistryMonitor(e, words),
		newRegistryPerson(e, words), newRegistryProof(e, words), newRegistryRun(e, words), newRegistryWitness(e, words),
	)
	return c
}

// readPolicy reads whose log is believed, and with which witnesses.
func readPolicy(name string) (*labellog.Policy, error) {
	data, err := readFile(name, labellog.MaxPolicy)
	if err != nil {
		return nil, err
	}
	p, err := labellog.ParsePolicy(data)
	if err != nil {
		return nil, &fault{key: "error.registry.policy", args: []any{"name", name, "cause", err.Error()}}
	}
	return p, nil
}

// maxNoteKey bounds the file of a key of a log or a witness, octets.
const maxNoteKey = 4 << 10

// readNoteKey reads the private key of a log or a witness, which nobody else may be able to read.
func readNoteKey(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return "", &fault{key: "error.registry.key.open", args: []any{"name", name}}
	}
	data, err := readFile(name, maxNoteKey)
	return string(data), err
}

// logFault is an error of a log in the words of the catalogue, with the exit code that it has.
func logFault(err error, name string) error {
	for _, c := range []struct {
		is, cause error
		key       string
	}{
		{labellog.ErrLogKey, errUnverified, "error.registry.log-key"},
		{labellog.ErrUnwitnessed, errUnverified, "error.registry.unwitnessed"},
		{labellog.ErrInclusion, errUnverified, "error.registry.inclusion"},
		{labellog.ErrCheckpoint, errUnverified, "error.registry.checkpoint"},
		{labellog.ErrOtherLog, errUnverified, "error.registry.other-log"},
		{labellog.ErrMissing, os.ErrNotExist, "error.registry.missing"},
		{labellog.ErrInUse, nil, "error.registry.in-use"},
		{labellog.ErrKey, nil, "error.registry.key.bad"},
	} {
		if errors.Is(err, c.is) {
			return &fault{c.cause, c.key, []any{"name", name, "cause", err.Error()}}
		}
	}
	return err
}

// quiet is where the library that keeps a log tells what it does, which our own words say better.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// logClient speaks to logs and witnesses.
func logClient() *http.Client { return &http.Client{Timeout: 30 * time.Second} }

// serve answers until the context ends, and finishes what is under way.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return s.Shutdown(end)
}
