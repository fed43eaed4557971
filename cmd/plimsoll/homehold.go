package main

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/mud"
)

// hold puts in force what was decided, before anything else is done: from then on the rules stand. Nothing of it needs
// the network to have been seen. It returns what keeps them standing, and what lets go of the kernel; the rules stay.
func (g *gateway) hold(ctx context.Context, dir string) (keep func(context.Context) error, done func(), err error) {
	if g.mode != home.Hold {
		return func(context.Context) error { return nil }, func() {}, nil
	}
	kernel, err := nft.Open("")
	if err != nil {
		return nil, nil, unable(err)
	}
	e := &enforce.Enforcer{
		Kernel: kernel, Devices: g.household.Devices, File: g.parsed, Now: time.Now, Page: g.pagePort,
		Network: func() (*enforce.Network, error) {
			n, err := enforce.Look(g.lan, g.wan)
			if err == nil {
				n.Unknown, n.Inbound, n.Lateral = g.unknown, g.inbound, g.lateral
			}
			return n, err
		},
	}
	e.Journal, err = enforce.OpenJournal(filepath.Join(dir, "names.jsonl"), time.Now)
	g.fault(ctx, "keep names", err)
	g.enforcer, g.kernel = e, kernel
	g.household.Enforce = func(ctx context.Context, _ []*home.Device) error { return e.Apply(ctx) }
	e.Resolve(g.names53(false))
	if err := errors.Join(e.Recall(ctx), e.Apply(ctx)); err != nil {
		return nil, nil, errors.Join(unable(err), kernel.Close())
	}
	g.ports = isolation(dir, g.lan, g.wan)
	g.isolate(ctx)
	return g.standing, func() {
		_ = kernel.Close()
		if e.Journal != nil {
			_ = e.Journal.Close()
		}
	}, nil
}

// rulesFile is the rules that were in force last, in the folder of the state.
const rulesFile = "rules.nft"

// maxRules bounds rulesFile, octets.
const maxRules = 64 << 20

// ruled reports whether a gateway put rules in force that has its state in a folder.
func (g *gateway) ruled(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, rulesFile))
	return err == nil
}

// keepRules keeps the rules in force as text, for a start at which what was decided cannot be read.
func (g *gateway) keepRules(dir string) error {
	if g.enforcer == nil || g.enforcer.Of() == g.rulesOf {
		return nil
	}
	text, of, err := g.enforcer.Text()
	if err == nil && text != "" {
		if err = durable.WriteFile(filepath.Join(dir, rulesFile), []byte(text), 0o600); err == nil {
			g.rulesOf = of
		}
	}
	return err
}

// standBy is what is done at a start at which what was decided cannot be read: nobody is held any less than before.
func (g *gateway) standBy(ctx context.Context, dir string) error {
	if g.mode != home.Hold {
		return nil
	}
	kernel, err := nft.Open("")
	if err != nil {
		return unable(err)
	}
	defer kernel.Close()
	var text []byte
	if f, err := os.Open(filepath.Join(dir, rulesFile)); err == nil {
		text, _ = io.ReadAll(io.LimitReader(f, maxRules)) // half a file is no ruleset, and nft takes none of it
		_ = f.Close()
	}
	stand, err := kernel.StandBy(ctx, string(text), len(g.fallback) > 0)
	g.log.WarnContext(ctx, "what was decided cannot be read: the last rules hold", "stand", stand, "error", err)
	return err
}

// unable says why rules cannot be made, in words where there are any.
func unable(err error) error {
	for _, c := range []struct {
		err error
		key string
	}{{nft.ErrCapability, "error.home.capability"}, {nft.ErrTool, "error.home.tool"}, {nft.ErrKernel, "error.home.kernel"}} {
		if errors.Is(err, c.err) {
			return &fault{err, c.key, []any{"cause", err.Error()}}
		}
	}
	return err
}

// standEvery is how often it is seen whether the rules stand, and are what they should be.
const standEvery = time.Second

// standing keeps the rules as they should be: after changes at home, and where somebody else took them away.
func (g *gateway) standing(ctx context.Context) error {
	tick := time.NewTicker(standEvery)
	defer tick.Stop()
	var watched sync.WaitGroup
	for what, watch := range map[string]func(context.Context, func()) error{"watch neighbours": enforce.WatchNeighbours, "watch rules": nft.Watch} {
		watched.Go(func() { g.fault(ctx, what, watch(ctx, g.stir)) })
	}
	for {
		select {
		case <-ctx.Done():
			watched.Wait()
			return nil
		case <-tick.C:
		case <-g.changed:
		}
		g.expire(ctx)
		g.fault(ctx, "enforce", g.enforcer.Refresh(ctx))
		g.isolate(ctx)
		if j := g.enforcer.Journal; j != nil {
			g.fault(ctx, "keep names", j.Fault())
		}
	}
}

// overLease is a lease of a device that is over.
type overLease struct {
	device  string
	address netip.Addr
	until   int64 // ns
}

// expire forgets where names led devices whose leases are over, once for each lease.
func (g *gateway) expire(ctx context.Context) {
	was := g.expired
	g.expired = map[overLease]bool{}
	for _, d := range g.household.Devices() {
		for _, l := range d.Leases {
			if !d.Gave(l.Address, time.Now()) || l.Moved {
				continue
			}
			over := overLease{d.ID, l.Address, l.Until.UnixNano()}
			g.expired[over] = true
			if was[over] {
				continue
			}
			g.log.InfoContext(ctx, "lease is over", "device", d.ID, "address", l.Address)
			if d.Leased(time.Now()) {
				continue // it has others, and goes on
			}
			for _, m := range d.MACs {
				g.enforcer.Forget(m)
			}
		}
	}
}

// stir has the rules made anew soon.
func (g *gateway) stir() { stir(g.changed) }

// stir tells whoever waits that there is something to do.
func stir(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// parsed is the file of that digest.
func (g *gateway) parsed(ctx context.Context, sha256 string) (*mud.File, error) {
	kept, err := g.store.File(ctx, sha256)
	if err != nil {
		return nil, err
	}
	var f *mud.File
	err = caught(func() (err error) {
		f, err = mud.Parse(kept.Body)
		return err
	})
	return f, err
}
