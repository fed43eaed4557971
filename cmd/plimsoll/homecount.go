package main

import (
	"context"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/sqlite"
)

// count adds a flow to what its devices did.
func (g *gateway) count(r *inspect.FlowRecord) {
	g.flows.Add(1)
	service := device.ServiceName(r.Proto, r.Port[flow.Resp])
	if known := r.Service(); known != "" { // recognised, not by its port alone
		service += " " + known
	}
	for side := range 2 {
		id, ok := g.names.Load(r.MAC[side])
		if !ok {
			continue
		}
		peer := r.Addr[1-side].Netip().String()
		if side == flow.Orig && len(r.Names) > 0 {
			peer = r.Names[0]
		}
		scope := "internet"
		if a := r.Addr[1-side]; a.IsGroup() {
			scope = "multicast"
		} else if r.Proto == 0 || device.IsLocal(&a) { // where it is not IP the address is a link-layer one
			scope = "lan"
		} else if len(r.Names) > 0 || r.Octets[1-side] > 0 { // who was named, or answered: not all that a scan tries
			g.reach(id.(string), peer, a.Netip(), r)
		}
		g.meter.Add(home.Traffic{
			At: time.Unix(0, r.First), Device: id.(string), Peer: peer, Scope: scope, Service: service,
			Began: side == flow.Orig, Flows: 1, Out: r.Octets[side], In: r.Octets[1-side],
		})
	}
}

// reach notes in which country the address of a peer is registered.
func (g *gateway) reach(device, peer string, a netip.Addr, r *inspect.FlowRecord) {
	if where := g.countries.Lookup(a); where != "" {
		g.reaches.Add(home.Reach{Device: device, Peer: peer, Country: where, First: time.Unix(0, r.First), Last: time.Unix(0, r.Last)})
	}
}

func (g *gateway) keepTraffic(ctx context.Context) {
	list, reaches := g.meter.Take(), g.reaches.Take()
	if len(list)+len(reaches) == 0 {
		return
	}
	err := g.store.AddTraffic(ctx, list)
	if err != nil {
		g.meter.Return(list)
	} else {
		err = g.store.AddReaches(ctx, reaches) // those that cannot be kept will be reached again
	}
	g.fault(ctx, "keep traffic", err)
	if g.added += len(list); g.added >= trimAfter {
		g.added = 0
		g.fault(ctx, "prune traffic", g.store.Trim(ctx, sqlite.MaxRows))
	}
}

// trimAfter is how many rows of traffic are added before it is seen whether there are too many: a flood brings more than a
// thousand a second.
const trimAfter = 50_000
