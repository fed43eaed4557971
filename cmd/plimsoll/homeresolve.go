package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/resolver"
)

// names53 is how names are resolved, as the rules say it.
func (g *gateway) names53(runs bool) nft.Resolver {
	return nft.Resolver{Port: g.dnsPort, Stopped: !runs, Fallback: g.fallback}
}

// tryAgain is how long a resolver that could not begin, or ended, is left alone.
const tryAgain = time.Second

// resolve answers the DNS queries of the home, on whatever addresses the gateway has. While it cannot, the rules lead
// queries to the fallback.
func (g *gateway) resolve(ctx context.Context) error {
	if g.mode != home.Hold || g.dnsPort == 0 {
		return nil
	}
	defer func() {
		g.enforcer.Resolve(g.names53(false))
		g.fault(ctx, "enforce", g.enforcer.Apply(context.WithoutCancel(ctx)))
	}()
	for ctx.Err() == nil {
		err := g.serveNames(ctx)
		g.enforcer.Resolve(g.names53(false))
		g.stir()
		g.fault(ctx, "resolve names", err)
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
	return nil
}

var errMoved = errors.New("the gateway has other addresses now")

// serveNames is resolve for the addresses that the gateway has now.
func (g *gateway) serveNames(ctx context.Context) error {
	n, err := enforce.Look(g.lan, g.wan)
	if err != nil {
		return err
	}
	cfg := resolver.Config{
		Upstreams: g.upstreams, Log: g.log, Stale: time.Hour,
		Inside: n.Contains,
		Allow:  g.mayAsk,
		Instead: func(client netip.Addr) []netip.Addr {
			if _, _, captive := g.enforcer.Captive(client); !captive || g.pagePort == 0 {
				return nil
			}
			return slices.DeleteFunc(slices.Clone(n.Own), netip.Addr.IsLinkLocalUnicast)
		},
		Commit: g.commit,
		Standing: func(client netip.Addr, a *resolver.Answer) bool {
			return g.enforcer.Standing(client, chain(a), a.Addresses, a.Until)
		},
	}
	if len(cfg.Upstreams) == 0 {
		if cfg.Upstreams = systemResolvers(n.Own); len(cfg.Upstreams) == 0 {
			return errors.New("nobody to ask for names: --upstream says whom")
		}
	}
	at := usable(n)
	for _, a := range at {
		cfg.Listen = append(cfg.Listen, netip.AddrPortFrom(a, g.dnsPort))
	}
	r, err := resolver.New(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	ready := make(chan struct{})
	go func() {
		if _, err := r.Ready(ctx); err == nil {
			close(ready)
		}
	}()
	tick := time.NewTicker(standEvery)
	defer tick.Stop()
	for {
		select {
		case <-ready:
			ready = nil
			g.resolver.Store(r)
			g.enforcer.Resolve(g.names53(true))
			// what went to the fallback comes here again, if it can, before anybody is told that it does
			g.fault(ctx, "enforce", g.enforcer.Refresh(ctx))
			g.fault(ctx, "resolve names", nil)
		case err := <-ended:
			if errors.Is(context.Cause(ctx), errMoved) {
				return nil
			}
			return err
		case <-tick.C:
			g.fault(ctx, "ask for names", unanswered(r.Upstreams()))
			if now, err := enforce.Look(g.lan, g.wan); err == nil && !slices.Equal(usable(now), at) {
				cancel(errMoved)
			}
		}
	}
}

// unanswered is why nobody answers who is asked for names; nil if somebody does, as far as it was tried.
func unanswered(list []resolver.UpstreamState) error {
	var errs []error
	for _, u := range list {
		if u.Fails == 0 {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", u.Name, u.Last))
	}
	return errors.Join(errs...)
}

// usable are the addresses of the gateway that can be listened on: an IPv6 one cannot for the second or two until it is
// known that nobody else has it (RFC 4862 §5.4).
func usable(n *enforce.Network) (list []netip.Addr) {
	for _, a := range n.Own {
		if a.IsLinkLocalUnicast() {
			a = a.WithZone(n.LAN)
		}
		if c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0))); err == nil {
			_ = c.Close()
			list = append(list, a)
		}
	}
	return list
}

// chain is the names of an answer, each of which leads to the next.
func chain(a *resolver.Answer) []string { return append([]string{a.Name}, a.Aliases...) }

// commit returns when a client may connect to what it is about to be told.
func (g *gateway) commit(ctx context.Context, client netip.Addr, a *resolver.Answer) error {
	return g.enforcer.Commit(ctx, client, chain(a), a.Addresses, a.Until)
}

// mayAsk reports whether a client may ask for a name: one in quarantine, only for those that repair it.
func (g *gateway) mayAsk(client netip.Addr, name string) bool { return g.enforcer.MayAsk(client, name) }

// systemResolvers are those that this machine asks itself, but for its own.
func systemResolvers(own []netip.Addr) (list []string) {
	text, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(f[1]); err == nil && !a.IsLoopback() && !slices.Contains(own, a) {
			list = append(list, a.String())
		}
	}
	return list
}

// parsePort reads the number of a port; 0 is none.
func parsePort(s string) (port uint16, err error) {
	if _, err := fmt.Sscanf(s, "%d", &port); err != nil || fmt.Sprint(port) != s {
		return 0, fmt.Errorf("%q is no port", s)
	}
	return port, nil
}
