//go:build !gateway

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
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
			return demo(c.Context(), e, words, listen, shownAdvisory)
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

// upFlags are those of a gateway that only watches, and shows its pages on this machine.
func upFlags(e env, words *locale.Catalogue, listen string) gatewayFlags {
	g := gatewayFlags{env: e, words: words, mode: home.Watch, memory: inspect.DefaultMemory, rehearsal: home.Rehearsal, learn: home.Rehearsal, lateral: enforce.Routed, dnsPort: 53, pagePort: 8511, lang: words.Lang(), logLevel: slog.LevelWarn, countries: country.Builtin()}
	g.pages.listen = listen
	g.pages.ready = func(l net.Listener, code string) {
		fmt.Fprintln(e.out, words.Text("up.open", "address", pageAddress(l, words.Lang(), code)))
		fmt.Fprintln(e.err, words.Text("up.stop"))
	}
	return g
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
