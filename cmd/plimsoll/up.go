//go:build !gateway

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/locale"
)

func newUp(e env, words *locale.Catalogue) *cobra.Command {
	var lan, listen, state string
	c := &cobra.Command{Use: "up", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		name := lan
		if name == "" {
			name = defaultInterface()
		}
		live, err := capture.OpenLive(capture.LiveConfig{Interface: name})
		switch {
		case err == nil:
			_ = live.Close()
		case lan != "" || !errors.Is(err, fs.ErrPermission) && name != "":
			return deaf(name, err)
		default:
			fmt.Fprintln(e.err, words.Text("up.played", "name", name))
			return demo(c.Context(), e, words, listen)
		}
		u := upFlags(e, words, listen)
		u.lan, u.state, u.open = name, state, u.listen
		return u.run(c.Context())
	}}
	f := c.Flags()
	f.StringVar(&lan, "lan", "", "")
	f.StringVar(&listen, "http", upPort, "")
	f.StringVar(&state, "state", "", "")
	return c
}

func newDemo(e env, words *locale.Catalogue) *cobra.Command {
	var listen string
	c := &cobra.Command{Use: "demo", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		return demo(c.Context(), e, words, listen)
	}}
	c.Flags().StringVar(&listen, "http", upPort, "")
	return c
}

// upFlags are those of a gateway that only watches, and shows its pages on this machine.
func upFlags(e env, words *locale.Catalogue, listen string) gatewayFlags {
	g := gatewayFlags{env: e, words: words, mode: home.Watch, memory: inspect.DefaultMemory, rehearsal: home.Rehearsal, learn: home.Rehearsal, logLevel: slog.LevelWarn, countries: country.Builtin()}
	g.pages.listen = listen
	g.pages.ready = func(l net.Listener, code string) {
		fmt.Fprintln(e.out, words.Text("up.open", "address", pageAddress(l, words.Lang(), code)))
		fmt.Fprintln(e.err, words.Text("up.stop"))
	}
	return g
}

// demo shows a played home. What it keeps is gone when it ends.
func demo(ctx context.Context, e env, words *locale.Catalogue, listen string) error {
	dir, err := os.MkdirTemp("", "plimsoll-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	g := upFlags(e, words, listen)
	p, err := newDemonstration(time.Now())
	if err != nil {
		return err
	}
	if g.countries, err = lab.Demo(time.Now()).Countries(); err != nil {
		return err
	}
	g.apart = true
	g.lan, g.state, g.socket, g.open = "demo", dir, filepath.Join(dir, "control"), func() (source, error) { return p, nil }
	return g.run(ctx)
}

// defaultInterface is the one that leads to the Internet, or "".
func defaultInterface() string {
	data, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "00000000" {
			return f[0]
		}
	}
	return ""
}
