//go:build !gateway

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	probes "plimsoll.example/plimsoll/internal/probe"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// probing is what the flags of probe say.
type probing struct {
	env
	words       *locale.Catalogue
	config      probes.Config
	yes, json   bool
	credentials string
	securityTxt string
	captures    []string       // in which it is looked how the device is updated
	allow       []netip.Prefix // whence security.txt may come although it is not on the Internet
	rootsFile   string         // whose certificates its site is trusted by; "": the system’s
	out         string
	fails       bool
	failOn      finding.Severity

	allowed    func(netip.Addr) (string, error) // whether an address may be probed
	neighbours func() map[netip.Addr]frame.MAC
}

func newProbe(e env, words *locale.Catalogue) *cobra.Command {
	return newProbeOf(probing{env: e, words: words, config: probes.DefaultConfig(), neighbours: systemNeighbours, allowed: func(a netip.Addr) (string, error) {
		links, err := probes.Links()
		if err != nil {
			return "", err
		}
		return probes.Allowed(a, links)
	}})
}

func newProbeOf(in probing) *cobra.Command {
	var noLogins, noChanges bool
	c := &cobra.Command{Use: "probe", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		switch {
		case len(args) != 1:
			return wrongUsage("error.probe.device")
		case in.json && in.out == "-":
			return wrongUsage("error.assess.stdout")
		case count("-", in.captures...) > 1:
			return wrongUsage("error.capture.twice")
		}
		in.config.Logins, in.config.Changes = !noLogins, !noChanges
		return in.run(c.Context(), args[0])
	}}
	f := c.Flags()
	f.BoolVar(&in.yes, "yes", false, "")
	f.BoolVar(&noLogins, "no-logins", false, "")
	f.BoolVar(&noChanges, "no-changes", false, "")
	f.StringVar(&in.credentials, "credentials", "", "")
	f.StringVar(&in.securityTxt, "security-txt", "", "")
	f.StringArrayVar(&in.captures, "capture", nil, "")
	f.StringVar(&in.rootsFile, "roots", "", "")
	f.Func("allow", "", func(s string) error {
		p, err := netip.ParsePrefix(s)
		in.allow = append(in.allow, p)
		return err
	})
	f.Func("ports", "", func(s string) error {
		for part := range strings.SplitSeq(s, ",") {
			n, err := strconv.ParseUint(part, 10, 16)
			if err != nil || n == 0 || len(in.config.Ports) >= 64 {
				return strconv.ErrRange
			}
			in.config.Ports = append(in.config.Ports, uint16(n))
		}
		return nil
	})
	pace := func(name string, to *time.Duration) {
		f.Func(name, "", func(s string) (err error) {
			if *to, err = time.ParseDuration(s); err == nil && (*to < 0 || *to > time.Minute) {
				err = strconv.ErrRange
			}
			return err
		})
	}
	pace("pace", &in.config.Pace)
	pace("login-pace", &in.config.LoginPace)
	f.Func("tries", "", func(s string) error {
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil || n > 100 {
			return strconv.ErrRange
		}
		in.config.Tries = int(n)
		return nil
	})
	f.BoolVar(&in.json, "json", false, "")
	f.StringVar(&in.out, "out", "", "")
	f.Func("fail-on", "", func(s string) error {
		in.fails = true
		return in.failOn.UnmarshalText([]byte(s))
	})
	return c
}

// target finds the device, and sees that it may be probed.
func (in *probing) target(ctx context.Context, asked string) error {
	lookup := func(ctx context.Context, name string) ([]netip.Addr, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	}
	a, mac, err := probes.Resolve(ctx, asked, in.neighbours(), lookup)
	if err != nil {
		return &fault{fs.ErrNotExist, "error.probe.unknown", []any{"name", asked}}
	}
	iface, err := in.allowed(a)
	for cause, key := range map[error]string{probes.ErrPublic: "error.probe.public", probes.ErrOffLink: "error.probe.offlink", probes.ErrOwn: "error.probe.own"} {
		if errors.Is(err, cause) {
			return wrongUsage(key, "name", asked, "address", a.String())
		}
	}
	if err != nil {
		return err
	}
	in.config.Address = a
	in.config.Target = assess.Target{Asked: asked, Interface: iface}
	if !mac.IsZero() {
		in.config.Target.MAC = mac.String()
	}
	return nil
}

// consent asks whoever sits at the terminal, if nobody has said yes.
func (in *probing) consent() error {
	if in.yes {
		return nil
	}
	f, ok := in.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return wrongUsage("error.probe.consent")
	}
	p := pager{w: in.err, words: in.words}
	p.fold("", "probe.consent", "address", in.config.Address.String())
	if p.err != nil {
		return p.err
	}
	line, _ := bufio.NewReader(in.in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "yes" && answer != "oui" {
		return wrongUsage("error.probe.consent")
	}
	return nil
}

func (in *probing) run(ctx context.Context, asked string) error {
	if err := in.target(ctx, asked); err != nil {
		return err
	}
	if in.credentials != "" {
		data, err := in.readInput(in.credentials, 64<<10)
		if err != nil {
			return err
		}
		if in.config.Others, err = probes.ParseCredentials(bytes.NewReader(data)); err != nil {
			return &fault{key: "error.probe.credentials", args: []any{"name", in.credentials, "cause", err.Error()}}
		}
	}
	var seen *inspect.Result
	if len(in.captures) > 0 { // before a device is troubled for nothing
		var err error
		if _, seen, err = in.observe(ctx, in.captures, in.words); err != nil {
			return err
		}
	}
	if err := in.consent(); err != nil {
		return err
	}
	if f, ok := in.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in.config.Progress = func(step string) { fmt.Fprint(f, "\r\x1b[K"+in.words.Text("probe.progress", "step", printable(step))) }
		defer fmt.Fprint(f, "\r\x1b[K")
	}
	t, err := probes.Run(ctx, in.config)
	if err != nil {
		return err
	}
	if mac := in.neighbours()[in.config.Address.Unmap().WithZone("")]; t.Device.MAC == "" && !mac.IsZero() { // known by now
		t.Device.MAC = mac.String()
	}
	if in.securityTxt != "" {
		check, err := in.published(ctx)
		if err != nil {
			return err
		}
		t.Checks = append(t.Checks, check)
	}
	if len(in.captures) > 0 {
		list, err := updates(seen, t.Device)
		if err != nil {
			return err
		}
		t.Checks = append(t.Checks, list...)
	}
	probes.Seal(t, time.Now())
	return in.show(t)
}

func (in *probing) show(t *assess.Transcript) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if in.out != "" {
		if err := in.writeOutput(in.out, text); err != nil {
			return err
		}
	}
	switch {
	case in.json:
		_, err = in.env.out.Write(text)
	case in.out != "-":
		err = in.tell(t)
	}
	if err != nil {
		return err
	}
	if !in.fails {
		return nil
	}
	n, err := in.refuted(t)
	if err == nil && n > 0 {
		err = &fault{errFound, "error.assess.refuted", []any{"n", n}}
	}
	return err
}

// refuted counts the norms that the checks refute, of the severity that was asked for.
func (in *probing) refuted(t *assess.Transcript) (int, error) {
	catalogue, err := norms.Load()
	if err != nil {
		return 0, err
	}
	list := map[string]bool{}
	for _, c := range t.Checks {
		if c.Outcome != assess.Bad {
			continue
		}
		for _, id := range refutes(c.Check) {
			if n, ok := catalogue.Norm(id); ok && (&assess.Norm{Norm: n, Class: label.Refuted}).Severity() >= in.failOn {
				list[id] = true
			}
		}
	}
	return len(list), nil
}

func refutes(check string) []string {
	for _, a := range assess.Checks() {
		if a.Check == check {
			return a.Refutes
		}
	}
	return nil
}

// tell says in plain words what came out: what is bad and what to do about it, what is good, what could not be told.
func (in *probing) tell(t *assess.Transcript) error {
	p := pager{w: in.env.out, words: in.words}
	p.fold("", "probe.device", "name", cmp.Or(t.Device.Asked, t.Device.Address), "address", t.Device.Address, "mac", cmp.Or(t.Device.MAC, "?"))
	var open []string
	for _, s := range t.Open {
		open = append(open, strings.TrimSpace(s.Port+" "+s.Service))
	}
	if len(open) > 0 {
		p.fold("", "probe.open", "list", open, "n", len(t.Tried))
	} else {
		p.fold("", "probe.closed", "n", len(t.Tried))
	}
	told := map[string]bool{}
	for _, outcome := range []string{assess.Bad, assess.Good, assess.Unclear} {
		for _, c := range t.Checks {
			if c.Outcome != outcome {
				continue
			}
			key := "assess.reason.check." + c.Check + "." + c.Outcome
			text := in.words.Text(key, "port", c.Port, "detail", c.Detail)
			if text == key {
				text = in.words.Text("probe.unclear", "port", c.Port, "check", c.Check, "detail", cmp.Or(c.Detail, "?"))
			}
			p.line("")
			p.fold("", "probe.outcome."+outcome, "text", text)
			if ids := refutes(c.Check); outcome == assess.Bad {
				if !told[c.Check] {
					p.fold("  ", "probe.do", "text", in.words.Text("probe.do."+c.Check))
				}
				told[c.Check] = true
				p.fold("  ", "probe.norms", "list", ids)
			}
		}
	}
	p.line("")
	if !t.Whole {
		p.fold("", "probe.broken")
	}
	p.fold("", "probe.silence")
	if len(t.Checks) > 0 && !slices.ContainsFunc(t.Checks, func(c assess.Check) bool { return c.Outcome == assess.Bad }) {
		p.fold("", "probe.nothing")
	}
	return p.err
}
