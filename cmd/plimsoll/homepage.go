package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/captive"
)

// page shows devices in quarantine why they are. The rules lead them there, and keep all others away.
func (g *gateway) page(ctx context.Context) error {
	if g.mode != home.Hold || g.pagePort == 0 {
		return nil
	}
	p, err := captive.New(captive.Config{Device: g.captive, Why: g.why, Contact: g.contact, Lang: g.lang, Log: g.log})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf(":%d", g.pagePort))
		if err == nil {
			g.fault(ctx, "show why devices are in quarantine", nil)
			err = p.Serve(ctx, l)
		}
		g.fault(ctx, "show why devices are in quarantine", err)
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
	return nil
}

// why is why a device is in quarantine: the finding that it is for, in words, or the words of a person.
func (g *gateway) why(ctx context.Context, d *home.Device, words *locale.Catalogue) string {
	var of *finding.Finding
	if f, err := g.store.Finding(ctx, d.Reason); err == nil {
		of = &f.Finding
	}
	return guide.Reason(words, of, d.Reason, d.Title())
}

// captive is the device in quarantine that has an address, and the names of the servers that repair it.
func (g *gateway) captive(client netip.Addr) (*home.Device, []string) {
	m, servers, ok := g.enforcer.Captive(client.WithZone(""))
	if !ok {
		return nil, nil
	}
	d, err := g.household.Find(m.String())
	if err != nil || d.State != home.Quarantined {
		return nil, nil
	}
	return d, servers
}
