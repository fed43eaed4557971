package main

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/mudcache"
)

// leased is what was heard of an address of a device by DHCP.
type leased struct {
	home.Leased
	back bool // it was given back
}

// Bounds of what is heard: leases between two looks, and devices that say where their MUD file is.
const (
	maxLeased = 1024
	maxSaying = 4096
)

// mudFacts are the facts that bring a MUD URL, each with its way (RFC 8520 §1.8).
var mudFacts = [...][2]string{{"lldp.mud_url", "lldp"}, {"dhcp.mud_url", "dhcpv4"}, {"dhcpv6.mud_url", "dhcpv6"}}

// hear takes in the MUD URLs that devices said last: what they say later than others counts, until somebody judges it.
func (g *gateway) hear(list []home.Sighting) {
	for i := range list {
		for _, m := range list[i].MACs {
			if u, ok := g.urls[m]; ok {
				list[i].MUD = append(slices.DeleteFunc(list[i].MUD, func(x home.MUDURL) bool { return x.Via == u.Via }), u)
			}
		}
	}
}

// hearLease hears what DHCP says of addresses.
func (g *gateway) hearLease(r *inspect.FactRecord) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Unix(0, r.Time()).UTC()
	field := func(name string) (value string) {
		r.Fields(func(key string, v []byte) {
			if key == name {
				value = string(v)
			}
		})
		return value
	}
	if i := slices.IndexFunc(mudFacts[:], func(f [2]string) bool { return f[0] == r.Name() }); i >= 0 {
		g.hearURL(r.Subject(), home.MUDURL{URL: device.Printable(r.Value(), mudcache.MaxURL), Via: mudFacts[i][1], At: now})
	}
	if len(g.leases) >= maxLeased {
		return nil
	}
	given := func(seconds string) {
		n, err := strconv.ParseUint(field(seconds), 10, 32)
		if l, ok := lease(r.Value()); ok && err == nil {
			l.Until = now.Add(time.Duration(n) * time.Second)
			g.leases = append(g.leases, leased{home.Leased{MAC: r.Subject(), Lease: l}, n == 0})
		}
	}
	back := func(l home.Lease, ok bool) {
		// what somebody else says in its name, behind a relay or as one, is not believed: a lease ends by itself
		if l.Until = now; ok && r.Own() {
			g.leases = append(g.leases, leased{home.Leased{MAC: r.Subject(), Lease: l}, true})
		}
	}
	switch r.Name() {
	case "dhcp.lease":
		given("seconds")
	case "dhcpv6.lease", "dhcpv6.prefix":
		given("valid")
	case "dhcp.decline", "dhcpv6.decline", "dhcpv6.release":
		back(lease(r.Value()))
	case "dhcp.address":
		g.address, _ = netip.ParseAddr(string(r.Value()))
		g.asker = r.Subject()
	case "dhcp.options":
		if field("message") == "release" && g.asker == r.Subject() {
			back(home.Lease{Address: g.address}, g.address.IsValid())
		}
		g.address = netip.Addr{}
	}
	return nil
}

// hearURL hears where a device says that its MUD file is. Who makes up link-layer addresses does not keep it from hearing
// those that are known.
func (g *gateway) hearURL(m frame.MAC, u home.MUDURL) {
	if u.URL == "" {
		return
	}
	if g.urls == nil {
		g.urls = map[frame.MAC]home.MUDURL{}
	}
	was, ok := g.urls[m]
	if !ok && len(g.urls) >= maxSaying {
		maps.DeleteFunc(g.urls, func(m frame.MAC, _ home.MUDURL) bool {
			_, known := g.names.Load(m)
			return !known
		})
		if len(g.urls) >= maxSaying {
			return
		}
	}
	g.joined = g.joined || was.URL != u.URL
	g.urls[m] = u
}

// lease is an address, or a prefix, as a fact says it.
func lease(value []byte) (l home.Lease, ok bool) {
	if p, err := netip.ParsePrefix(string(value)); err == nil {
		return home.Lease{Address: p.Masked().Addr(), Bits: p.Bits()}, p.Bits() > 0
	}
	a, err := netip.ParseAddr(string(value))
	return home.Lease{Address: a}, err == nil
}

// release takes in what was heard of leases. A device that gave back all that it had gives back where names led it, too.
func (g *gateway) release(ctx context.Context) {
	g.mu.Lock()
	list := g.leases
	g.leases = nil
	g.mu.Unlock()
	if len(list) == 0 {
		return
	}
	take := make([]home.Leased, len(list))
	for i := range list {
		take[i] = list[i].Leased
	}
	devices, err := g.household.TakeLeases(ctx, take)
	g.fault(ctx, "keep leases", err)
	for _, l := range slices.Backward(list) {
		d := devices[l.MAC]
		if !l.back || d == nil || g.enforcer == nil {
			continue
		}
		delete(devices, l.MAC) // one that says it without end is told of once
		g.log.InfoContext(ctx, "address was given back", "device", d.ID, "address", l.Address)
		if !d.Leased(time.Now()) {
			g.enforcer.Forget(l.MAC)
		}
	}
	g.stir()
}
