package main

import (
	"context"
	"path/filepath"

	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/nft"
)

// isolation is the ports of a bridge, with what they were before, as the state has it.
func isolation(dir, lan, wan string) *nft.Isolation {
	return &nft.Isolation{Bridge: lan, Except: []string{wan}, Record: filepath.Join(dir, "isolation.json")}
}

// isolate keeps the ports of the LAN apart if that is wanted, and as they were before otherwise.
func (g *gateway) isolate(ctx context.Context) {
	n, err := enforce.Look(g.lan, g.wan)
	switch {
	case err != nil: // the link is gone for now
	case n.Bridge && g.lateral == enforce.Isolated:
		err = g.ports.Keep(g.enforcer.Addresses())
	default:
		err = g.ports.Restore()
	}
	g.fault(ctx, "keep ports apart", err)
}

// portSettings are the settings of the kernel that the gateway writes while it runs.
func (g *gateway) portSettings() (list []string) {
	if g.ports == nil || g.lateral != enforce.Isolated {
		return nil
	}
	for name := range g.ports.Settings() {
		list = append(list, "/proc/sys/net/"+name)
	}
	return list
}
