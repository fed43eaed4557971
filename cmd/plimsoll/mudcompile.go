//go:build !gateway

package main

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/policy"
)

// compilation is what the flags of mud compile say.
type compilation struct {
	env
	words   *locale.Catalogue
	device  frame.MAC
	format  string
	json    bool   // the same as the format json
	network string // a capture of the network; "": none
	context policy.Context
	by      inspect.Controllers
}

func newMUDCompile(e env, words *locale.Catalogue) *cobra.Command {
	in := compilation{env: e, words: words, format: "nft"}
	c := &cobra.Command{Use: "compile", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		switch {
		case len(args) != 1:
			return wrongUsage("error.mud.file")
		case in.device.IsZero():
			return wrongUsage("error.mud.device")
		case in.network != "" && len(in.context.Device.Addresses)+len(in.context.Gateway) > 0:
			return wrongUsage("error.mud.network")
		}
		return in.run(c, args[0])
	}}
	f := c.Flags()
	deviceFlag(f, &in.device)
	f.Func("format", "", func(s string) error {
		if s != "nft" && s != "json" {
			return fs.ErrInvalid
		}
		in.format = s
		return nil
	})
	f.Lookup("format").DefValue = "nft"
	f.BoolVar(&in.json, "json", false, "")
	f.StringVar(&in.network, "network", "", "")
	addressFlag(f, "address", &in.context.Device.Addresses)
	addressFlag(f, "gateway", &in.context.Gateway)
	controllerFlag(f, &in.by)
	return c
}

// deviceFlag names a device by its link-layer address.
func deviceFlag(f *pflag.FlagSet, m *frame.MAC) {
	f.Func("device", "", func(s string) (err error) {
		*m, err = frame.ParseMAC(s)
		if err == nil && (m.IsZero() || m.IsGroup()) {
			err = fs.ErrInvalid
		}
		return err
	})
}

// addressFlag is an IP address; it may be given again.
func addressFlag(f *pflag.FlagSet, name string, list *[]netip.Addr) {
	f.Func(name, "", func(s string) error {
		a, err := netip.ParseAddr(s)
		*list = append(*list, a)
		return err
	})
}

// myController stands for a device's own controller where others are named by the URI of their class.
const myController = "my"

// controllerFlag names a controller, as CLASS=ADDRESS; it may be given again.
func controllerFlag(f *pflag.FlagSet, c *inspect.Controllers) {
	f.Func("controller", "", func(s string) error {
		i := strings.LastIndexByte(s, '=')
		a, err := netip.ParseAddr(s[i+1:])
		switch {
		case i <= 0:
			return fs.ErrInvalid
		case err != nil:
			return err
		case s[:i] == myController:
			c.My = append(c.My, a)
			return nil
		case c.Class == nil:
			c.Class = map[string][]netip.Addr{}
		}
		c.Class[s[:i]] = append(c.Class[s[:i]], a)
		return nil
	})
}

func (in *compilation) run(c *cobra.Command, name string) error {
	file, err := in.readMUD(name, in.words)
	if err != nil {
		return err
	}
	var p *policy.Policy
	if in.network != "" {
		engine, _, err := in.observe(c.Context(), []string{in.network}, in.words)
		if err != nil {
			return err
		}
		p = engine.Policy(file, in.device, in.by)
	} else {
		in.context.Device.MAC, in.context.My, in.context.Controllers = in.device, in.by.My, in.by.Class
		in.context.Local = policy.Homes()
		p = policy.Compile(file, &in.context)
	}
	if in.json || in.format == "json" {
		return printJSON(in.out, p.Document(in.words, printable))
	}
	gateway := nft.Gateway{Devices: []nft.Device{{MAC: p.Device, Treatment: nft.Held, Policy: p}}}
	rules, err := gateway.Rules(0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(in.out, rules)
	return err
}
