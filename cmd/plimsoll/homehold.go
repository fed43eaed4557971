package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

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
		Kernel: kernel, Devices: g.household.Devices, File: g.parsed, Now: time.Now,
		Network: func() (*enforce.Network, error) {
			n, err := enforce.Look(g.lan, g.wan)
			if err == nil {
				n.Unknown, n.Inbound = g.unknown, g.inbound
			}
			return n, err
		},
	}
	e.Journal, err = enforce.OpenJournal(filepath.Join(dir, "names.jsonl"), time.Now)
	g.fault(ctx, "keep names", err)
	g.enforcer = e
	g.household.Enforce = func(ctx context.Context, _ []*home.Device) error { return e.Apply(ctx) }
	e.Resolve(g.names53(false))
	if err := errors.Join(e.Recall(ctx), e.Apply(ctx)); err != nil {
		return nil, nil, errors.Join(unable(err), kernel.Close())
	}
	return g.standing, func() {
		_ = kernel.Close()
		if e.Journal != nil {
			_ = e.Journal.Close()
		}
	}, nil
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
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		g.fault(ctx, "watch neighbours", enforce.WatchNeighbours(ctx, g.stir))
	}()
	for {
		select {
		case <-ctx.Done():
			<-watched
			return nil
		case <-tick.C:
		case <-g.changed:
		}
		g.expire(ctx)
		g.fault(ctx, "enforce", g.enforcer.Refresh(ctx))
		if j := g.enforcer.Journal; j != nil {
			g.fault(ctx, "keep names", j.Fault())
		}
	}
}

// expire forgets where names led devices whose leases are over, once for each lease.
func (g *gateway) expire(ctx context.Context) {
	for _, d := range g.household.Devices() {
		for _, l := range d.Leases {
			if !d.Gave(l.Address, time.Now()) || l.Moved {
				continue
			}
			if was, ok := g.expired.Swap(d.ID+l.Address.String(), l.Until); ok && was.(time.Time).Equal(l.Until) {
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
func (g *gateway) stir() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// parsed is the file of that digest.
func (g *gateway) parsed(ctx context.Context, sha256 string) (*mud.File, error) {
	if f, ok := g.files256.Load(sha256); ok {
		return f.(*mud.File), nil
	}
	kept, err := g.store.File(ctx, sha256)
	if err != nil {
		return nil, err
	}
	f, err := mud.Parse(kept.Body)
	if err != nil {
		return nil, err
	}
	g.files256.Store(sha256, f)
	return f, nil
}
