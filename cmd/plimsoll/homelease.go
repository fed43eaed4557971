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

// lease hears what DHCP says of addresses.
func (g *gateway) lease(r *inspect.FactRecord) error {
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
			g.urls[r.Subject()] = home.MUDURL{URL: link, Via: mudFacts[i][1], At: now}
		}
	}
	switch r.Name() {
	case "dhcp.lease":
		a, err := netip.ParseAddr(string(r.Value()))
		seconds, secondsErr := strconv.ParseUint(field("seconds"), 10, 32)
		if err == nil && secondsErr == nil {
			g.leases = append(g.leases, leased{r.Subject(), false, home.Lease{Address: a, Until: now.Add(time.Duration(seconds) * time.Second)}})
		}
	case "dhcp.address":
		g.address, _ = netip.ParseAddr(string(r.Value()))
		g.asker = r.Subject()
	case "dhcp.options":
		if field("message") == "release" && g.asker == r.Subject() && g.address.IsValid() {
			g.leases = append(g.leases, leased{r.Subject(), true, home.Lease{Address: g.address, Until: now}})
		}
		g.address = netip.Addr{}
	}
	return nil
}

// release takes in what was heard of leases. What was given back takes along where names led.
func (g *gateway) release(ctx context.Context) {
	g.mu.Lock()
	list := g.leases
	g.leases = nil
	g.mu.Unlock()
	for _, l := range list {
		d, err := g.household.Lease(ctx, l.mac, l.Lease)
		g.fault(ctx, "keep leases", err)
		if l.back && d != nil && g.enforcer != nil {
			g.log.InfoContext(ctx, "address was given back", "device", d.ID, "address", l.Address)
			g.enforcer.Forget(l.mac)
		}
	}
	if len(list) > 0 {
		g.stir()
	}
}
