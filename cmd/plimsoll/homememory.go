package main

import (
	"context"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/internal/policy"
)

// memory is how long conversations are remembered of which nothing is heard any more; rememberEvery is how often they are
// kept, so that this much of them is lost at the most when the program is killed.
const (
	memory        = 31 * 24 * time.Hour
	rememberEvery = time.Minute
)

// recollect hands over the conversations that changed, and makes room for others. The engine’s goroutine calls it.
func (g *gateway) recollect(now time.Time) {
	if now.Sub(g.written) < rememberEvery {
		return
	}
	g.written = now
	list := g.engine.Load().Changed()
	g.engine.Load().Forget(now.Add(-memory).UnixNano())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unkept = append(g.unkept, list...)
	if n := len(g.unkept) - maxUnkept; n > 0 { // the disk is full, or slow: the newest are the ones that matter
		g.unkept = append([]policy.Remembered(nil), g.unkept[n:]...)
	}
}

// maxUnkept bounds the conversations that wait to be kept.
const maxUnkept = 20_000

// remember keeps conversations.
func (g *gateway) remember(ctx context.Context, list []policy.Remembered) {
	if len(list) == 0 {
		return
	}
	err := g.store.SaveConversations(ctx, list)
	if err != nil {
		g.mu.Lock()
		g.unkept = append(list, g.unkept...)
		g.mu.Unlock()
	}
	g.fault(ctx, "keep conversations", err)
}

// makerOctets bounds the MUD files as they were fetched in an export: devices can say as many URLs as they like.
const makerOctets = home.MaxExport / 8

// export is all that the household knows and decided, with what is kept of the MUD URLs of its devices.
func (g *gateway) export(ctx context.Context) (*home.Export, error) {
	x, err := g.household.Export(ctx, version())
	if err != nil {
		return nil, err
	}
	var urls []string // those that somebody accepted first
	for _, d := range x.Devices {
		urls = append(urls, d.Stance.URL)
	}
	for _, d := range x.Devices {
		urls = append(urls, d.MUDURL())
	}
	seen, octets := map[string]bool{"": true}, 0
	for _, url := range urls {
		if seen[url] || octets >= makerOctets {
			continue
		}
		seen[url] = true
		e, err := g.cache.Kept(url)
		if err != nil {
			continue
		}
		for _, v := range []*mudcache.Version{e.Current, e.Next} {
			if v != nil {
				octets += len(v.File) + len(v.Signature)
			}
		}
		if e.Current != nil || e.Next != nil {
			x.Makers = append(x.Makers, e)
		}
	}
	return x, nil
}

// take takes in an export. What it brings of MUD URLs is no decision, and is fetched anyhow: it is taken in as far as
// that can be.
func (g *gateway) take(ctx context.Context, actor string, x *home.Export, replace bool) (*home.Decision, error) {
	d, err := g.household.Import(ctx, actor, x, replace)
	if d == nil {
		return nil, err
	}
	g.name()
	for _, e := range x.Makers {
		if err := g.cache.Restore(e); err != nil {
			g.log.WarnContext(ctx, "MUD file is not taken over", "url", e.URL, "error", err)
		}
	}
	g.stir()
	return d, err
}
