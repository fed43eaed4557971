package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/mud"
)

// newCache is where the MUD files of the home’s devices are fetched to.
func (g *gatewayFlags) newCache(dir string) (*mudcache.Cache, error) {
	c := &mudcache.Cache{
		Dir: filepath.Join(dir, "mud"), Accept: shrinks,
		Fetcher: mudcache.Fetcher{Allow: g.allow, Floor: floor(), Agent: "plimsoll/" + version()},
	}
	var err error
	if g.anchors != "" {
		if c.Anchors, err = readCertificates(g.anchors); err != nil {
			return nil, err
		}
	}
	if g.roots != "" {
		list, err := readCertificates(g.roots)
		if err != nil {
			return nil, err
		}
		c.Fetcher.Roots = x509.NewCertPool()
		for _, cert := range list {
			c.Fetcher.Roots.AddCert(cert)
		}
	}
	return c, nil
}

// shrinks reports whether a newer file allows nothing that the older one did not: then nobody needs to be asked.
func shrinks(old, next *mudcache.Version) bool {
	before, err := mud.Parse(old.File)
	if err != nil {
		return false
	}
	after, err := mud.Parse(next.File)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(mud.Diff(before, after), mud.Difference.Grows)
}

// How often it is seen whether a device’s file is due; asking its server is up to the cache. A device that says another URL
// each time is not followed at once.
const (
	lookAgain  = time.Minute
	lookAtMost = time.Second
)

// look is when it was last seen whether a file is due, and for what.
type look struct {
	at   time.Time
	what string
}

// due reports whether it is to be seen again: what was decided, or another URL, may want it sooner.
func (l look) due(what string) bool {
	since := time.Since(l.at)
	return since >= lookAgain || l.what != what && since >= lookAtMost
}

// files gets the files of devices that have a MUD URL, and holds them to what came. Each device has a turn of its own:
// a slow server holds up its own devices only.
func (g *gateway) files(ctx context.Context) error {
	busy := map[string]bool{}
	set := g.clockSet.Load()
	looked := map[string]look{} // by device
	done := make(chan string)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			for range busy {
				<-done
			}
			return nil
		case id := <-done:
			delete(busy, id)
			continue
		case <-tick.C:
		case <-g.asked:
		}
		if n := g.clockSet.Load(); n != set { // certificates can be judged now, or otherwise
			set = n
			clear(looked)
		}
		for _, d := range g.household.Devices() {
			url := d.MUDURL()
			what := url + " " + d.Stance.URL + " " + string(d.State)
			if url == "" || busy[d.ID] || len(busy) >= maxFetches || !looked[d.ID].due(what) {
				continue
			}
			busy[d.ID], looked[d.ID] = true, look{time.Now(), what}
			go func() {
				g.fault(ctx, "MUD file of "+d.ID, caught(func() error { return g.file(ctx, d.ID, url) }))
				done <- d.ID
			}()
		}
	}
}

// fetch gets a MUD file. Where there is no room for it, those make room that no device speaks of any more.
func (g *gateway) fetch(ctx context.Context, url string) (*mudcache.Entry, error) {
	e, err := g.cache.Get(ctx, url, nil)
	if !errors.Is(err, mudcache.ErrFull) {
		return e, err
	}
	urls := []string{url}
	for _, d := range g.household.Devices() {
		urls = append(urls, d.Stance.URL, d.MUDURL())
	}
	if err := g.cache.Retain(urls); err != nil {
		return e, err
	}
	return g.cache.Get(ctx, url, nil)
}

// judge says which MUD URL counts for a device: the one that it says, if it may say so, else the one that was accepted
// before. What runs on a device can make it say any; a person’s word is enough, and so is that the makers’ signatures are
// of one hand.
func (g *gateway) judge(ctx context.Context, id, url string) (string, error) {
	d, err := g.household.Find(id)
	if err != nil {
		return "", err
	}
	root := d.Stance.URL
	if root == "" || root == url {
		return url, nil
	}
	change := mud.SameURL
	if !d.Vouched() {
		same := false
		old, oldErr := g.fetch(ctx, root)
		next, nextErr := g.fetch(ctx, url)
		if oldErr == nil && nextErr == nil && old.Current != nil && next.Current != nil {
			a, b := old.Current, next.Current
			same = a.State == mudcache.Verified && b.State == mudcache.Verified && a.Signer == b.Signer && a.Anchor == b.Anchor
		}
		change = mud.JudgeURL(root, url, d.Left, same)
	}
	if change != mud.SameURL && change != mud.NextURL {
		if was, ok := g.changes.Swap(id, change); !ok || was != change {
			g.log.WarnContext(ctx, "device says another MUD URL, which somebody must accept", "device", id, "url", url, "why", change)
		}
		return root, nil
	}
	g.changes.Delete(id)
	_, err = g.household.Decide(ctx, home.Program, home.Accept, id, url)
	return url, err
}

// maxFetches bounds the files that are fetched at a time.
const maxFetches = 8

// file gets the file of a device, and decides what follows by itself: that the device is rehearsed against it, or held
// to a newer one that allows no more. Others are offered.
func (g *gateway) file(ctx context.Context, id, url string) error {
	url, err := g.judge(ctx, id, url)
	if err != nil {
		return err
	}
	e, err := g.fetch(ctx, url)
	d, findErr := g.household.Find(id)
	if e == nil || findErr != nil {
		return errors.Join(err, findErr)
	}
	v := e.Current
	if !v.Usable() {
		switch {
		case err != nil:
		case e.Next == nil:
			err = fmt.Errorf("%s: %w", url, home.ErrNoFile)
		case e.Next.State != mudcache.Unsigned && d.File != e.Next.SHA256: // whoever looks after it should know, too
			err = fmt.Errorf("%s: a version waits for approval: %s", url, e.Next.Reason)
		}
		return errors.Join(err, g.proposeNext(ctx, d, e))
	}
	if d.File == v.SHA256 {
		return errors.Join(err, g.proposeNext(ctx, d, e))
	}
	if _, parseErr := mud.Parse(v.File); parseErr != nil {
		return errors.Join(err, fmt.Errorf("%s: %w", url, parseErr))
	}
	if d.File != "" {
		switch has, fileErr := g.store.File(ctx, d.File); {
		case fileErr != nil:
		case has.Origin != home.Maker: // a person accepted it, and the device may say any URL
			return errors.Join(err, g.proposeVersion(ctx, d, v, "other"))
		case has.At.After(v.Fetched): // a person accepted a newer one
			return errors.Join(err, g.proposeNext(ctx, d, e))
		}
	}
	if saveErr := g.store.SaveFile(ctx, &home.File{SHA256: v.SHA256, At: v.Fetched, Origin: home.Maker, Body: v.File}); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	verb := home.Rehearse
	switch {
	case d.State == home.Held, d.State == home.Learning && g.rehearsal == 0:
		verb = home.HoldTo
	case d.State != home.Learning && d.State != home.Rehearsing:
		return err // it is not to be held
	}
	_, decideErr := g.household.Decide(ctx, home.Program, verb, id, v.SHA256)
	if d.Offer != nil {
		decideErr = errors.Join(decideErr, g.household.Propose(ctx, id, nil))
	}
	return errors.Join(err, decideErr)
}
