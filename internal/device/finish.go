package device

import (
	"cmp"
	"slices"

	"plimsoll.example/plimsoll/internal/frame"
)

// Finish decides which addresses are whose, who carries the traffic of others, and which randomised addresses are
// one device, and returns the devices in the order in which they came. It is called once.
func (v *Inventory) Finish() ([]*Device, *Network) {
	slices.SortStableFunc(v.order, func(a, b *Device) int { return cmp.Compare(a.First, b.First) })
	n := &Network{Gateways: map[frame.Addr]bool{}, hosts: map[frame.Addr]*Device{}, macs: map[frame.MAC]*Device{}}
	n.Prefixes = v.lan()
	for _, d := range v.order {
		d.Observations, d.said = d.said.observations(v.facts), said{}
		for i := range d.Addresses {
			a := &d.Addresses[i]
			a.own = d.likely(a, n)
		}
	}
	v.settle()
	for _, d := range v.order {
		d.Gateway = d.Gateway || d.Relay || v.gateway(d)
		v.reconsider(d, n)
	}
	devices := v.join()
	latest := map[frame.Addr]int64{}
	for _, d := range devices {
		n.macs[d.MAC] = d
		for _, m := range d.MACs {
			n.macs[m] = d
		}
		for i := range d.Addresses {
			if a := &d.Addresses[i]; a.own {
				if d.Gateway {
					n.Gateways[a.Addr] = true
				}
				if n.hosts[a.Addr] == nil || a.Last > latest[a.Addr] {
					n.hosts[a.Addr], latest[a.Addr] = d, a.Last
				}
			}
		}
	}
	return devices, n
}

// gateway reports whether a device is said to be a router, or carries the traffic of others: it sent from addresses
// that are not its own, and was answered, as who forges senders is not. One private network behind it is no matter:
// that may be its own virtual machines.
func (v *Inventory) gateway(d *Device) bool {
	for i := range d.Addresses {
		if a := &d.Addresses[i]; a.own && v.routers[a.Addr] || !a.own && strange(a) {
			return true
		}
	}
	return d.networks(func(a *Address) bool { return !a.own && !a.Bound && a.Answered }) > 3
}

// likely reports whether an address that the device sent from, or that is said to be its own, is its own, as far as
// the device itself shows.
func (d *Device) likely(a *Address, n *Network) bool {
	switch {
	case a.Bound || isLinkLocal(&a.Addr):
		return true
	case !a.Sent:
		return false
	case n.contains(&a.Addr):
		return true
	case isLocal(&a.Addr): // of another network: what a device has until DHCP gives it one, or routed in
		return a.hops <= 1 || !d.bound(a.Addr.Is4())
	}
	return !a.far() && !d.carries(a)
}

// carries reports whether a public address that the device sent from, but nobody says to be its own, is more likely
// that of a host behind it: it forwards much, has an address of its own of that family, or a private one, which a
// public one does not go with.
func (d *Device) carries(a *Address) bool {
	if d.Relay || d.router || d.bound(a.Addr.Is4()) || d.networks(foreign) > 3 {
		return true
	}
	return a.Addr.Is4() && slices.ContainsFunc(d.Addresses, func(x Address) bool { return x.Sent && isPrivate4(&x.Addr) })
}

// bound reports whether ARP, ND or DHCP tell of an address of the family that is the device's own.
func (d *Device) bound(is4 bool) bool { return d.bindings(is4) > 0 }

func (d *Device) bindings(is4 bool) (n int) {
	for i := range d.Addresses {
		if a := &d.Addresses[i]; a.Bound && a.Addr.Is4() == is4 && !isLinkLocal(&a.Addr) {
			n++
		}
	}
	return n
}

// settle decides between devices that claim one address at the same time: who sent from it has it, best as a neighbour
// that ARP or ND name; then who claims fewest, for spoofers and those who answer for others claim many; then who came first.
func (v *Inventory) settle() {
	type claim struct {
		d *Device
		a *Address
	}
	claims := map[frame.Addr][]claim{}
	for _, d := range v.order {
		for i := range d.Addresses {
			if a := &d.Addresses[i]; a.own && !isLinkLocal(&a.Addr) {
				claims[a.Addr] = append(claims[a.Addr], claim{d, a})
			}
		}
	}
	for _, list := range claims {
		if len(list) == 1 {
			continue
		}
		best := slices.MinFunc(list, func(x, y claim) int {
			is4 := x.a.Addr.Is4()
			return cmp.Or(
				first(x.a.Sent, y.a.Sent), first(x.a.hops <= 1, y.a.hops <= 1), first(x.a.Bound, y.a.Bound),
				cmp.Compare(x.d.bindings(is4), y.d.bindings(is4)), cmp.Compare(x.a.First, y.a.First))
		})
		for _, c := range list {
			together := c.a.First <= best.a.Last && best.a.First <= c.a.Last
			if c.a != best.a && (!c.a.Sent || together) {
				c.a.own = false
			}
		}
	}
	for _, d := range v.order {
		speaks := slices.ContainsFunc(d.Addresses, func(a Address) bool {
			return a.own && a.Sent && a.Addr.Is4() && !isLinkLocal(&a.Addr)
		})
		for i := range d.Addresses {
			if a := &d.Addresses[i]; a.own && !a.Sent && a.Addr.Is4() && speaks {
				a.own = false // it speaks from another: with IPv4, one is usual
			}
		}
	}
}

// first orders what holds before what does not.
func first(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

// reconsider takes from a gateway the addresses that belong to hosts behind it, with what they said and did.
func (v *Inventory) reconsider(d *Device, n *Network) {
	anyBound := slices.ContainsFunc(d.Addresses, func(a Address) bool { return a.Bound })
	for i := range d.Addresses {
		a := &d.Addresses[i]
		if a.own && d.Gateway && !a.Bound && !isLinkLocal(&a.Addr) && anyBound && !v.routers[a.Addr] && !n.contains(&a.Addr) {
			a.own = false // routed in
		}
		if !a.own {
			d.Forwarded.add(a.Traffic)
		}
	}
	d.Peers = slices.DeleteFunc(d.Peers, func(p Peer) bool { return !d.Addresses[p.local].own })
	d.Observations = slices.DeleteFunc(d.Observations, func(o Observation) bool {
		if o.source.IsZero() {
			return false
		}
		if i := d.address(o.source); i >= 0 {
			return !d.Addresses[i].own // what a host behind the router said
		}
		return d.Gateway
	})
	d.Resolver = slices.ContainsFunc(d.Observations, func(o Observation) bool { return o.Fact == "dns.server" })
}
