package main

import (
	"context"
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
	mac  frame.MAC
	back bool // it was given back; the address is that of the device’s last lease, if it says none
	home.Lease
}

// maxHeard bounds what is heard between two looks.
const maxHeard = 4096

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
	if len(g.leases) >= maxHeard {
		return nil
	}
	now := time.Unix(0, r.Time()).UTC()
	field := func(name string) (value string) {
		r.Fields(func(key string, v []byte) {
			if key == name {
				value = string(v)
			}
		})
		return value
	}
	if i := slices.IndexFunc(mudFacts[:], func(f [2]string) bool { return f[0] == r.Name() }); i >= 0 && len(g.urls) < maxHeard {
		if link := device.Printable(r.Value(), mudcache.MaxURL); link != "" {
			if g.urls == nil {
				g.urls = map[frame.MAC]home.MUDURL{}
			}
			g.joined = g.joined || g.urls[r.Subject()].URL != link
			g.urls[r.Subject()] = home.MUDURL{URL: link, Via: mudFacts[i][1], At: now}
		}
	}
	given := func(seconds string) {
		n, err := strconv.ParseUint(field(seconds), 10, 32)
		if l, ok := lease(r.Value()); ok && err == nil {
			l.Until = now.Add(time.Duration(n) * time.Second)
			g.leases = append(g.leases, leased{r.Subject(), n == 0, l})
		}
	}
	back := func(l home.Lease, ok bool) {
		// what somebody else says in its name, behind a relay or as one, is not believed: a lease ends by itself
		if l.Until = now; ok && r.Own() {
			g.leases = append(g.leases, leased{r.Subject(), true, l})
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
	for _, l := range list {
		d, err := g.household.Lease(ctx, l.mac, l.Lease)
		g.fault(ctx, "keep leases", err)
		if !l.back || d == nil || g.enforcer == nil {
			continue
		}
		g.log.InfoContext(ctx, "address was given back", "device", d.ID, "address", l.Address)
		if !d.Leased(time.Now()) {
			g.enforcer.Forget(l.mac)
		}
	}
	if len(list) > 0 {
		g.stir()
	}
}
