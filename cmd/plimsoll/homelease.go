package main

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
)

// leased is what was heard of an address of a device by DHCP.
type leased struct {
	mac  frame.MAC
	back bool // it was given back; the address is that of the device’s last lease, if it says none
	home.Lease
}

// maxHeard bounds what is heard between two looks.
const maxHeard = 4096

// lease hears what DHCP says of addresses.
func (g *gateway) lease(r *inspect.FactRecord) error {
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
			g.looked = time.Time{} // at once
		}
		g.address = netip.Addr{}
	}
	return nil
}

// release takes in what was heard of leases. What was given back takes along where names led.
func (g *gateway) release(ctx context.Context) {
	for _, l := range g.leases {
		d, err := g.household.Lease(ctx, l.mac, l.Lease)
		g.fault(ctx, "keep leases", err)
		if l.back && d != nil && g.enforcer != nil {
			g.log.InfoContext(ctx, "address was given back", "device", d.ID, "address", l.Address)
			g.enforcer.Forget(l.mac)
		}
	}
	g.leases = nil
}
