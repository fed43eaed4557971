package device

import (
	"slices"

	"plimsoll.example/plimsoll/internal/frame"
)

// ID is how a device is named: its link-layer address, or where the link has none, its IP address.
func (d *Device) ID() string {
	if IsSynthetic(d.MAC) {
		if own := d.Own(); len(own) > 0 {
			return own[0].Addr.Netip().String()
		}
	}
	return Name(d.MAC)
}

// Owner is the device that sent or was sent packets by link-layer and IP address, or nil: what came through a router is
// not the router's, but that of a host that may have been seen elsewhere. Without an IP address, it is the device whose
// link-layer address it is.
func (n *Network) Owner(m frame.MAC, a frame.Addr) *Device {
	d := n.macs[m]
	switch {
	case a.IsZero():
		return d
	case d == nil || d.Gateway:
		return n.hosts[a]
	case d.has(a), isLocal(&a), n.contains(&a):
		return d
	}
	return n.hosts[a]
}

func (d *Device) has(a frame.Addr) bool {
	i := d.address(a)
	return i >= 0 && d.Addresses[i].own
}

// Owner is Network.Owner as far as it is known while packets still come.
func (v *Inventory) Owner(m frame.MAC, a frame.Addr) *Device {
	d := v.known(m)
	if d == nil || a.IsZero() || isLocal(&a) || d.holds(&a) {
		return d
	}
	return nil
}

// Victim begins a device that never said anything, but was attacked, and that is one of the network by its private
// address; nobody else has the link-layer address.
func (v *Inventory) Victim(m frame.MAC, a frame.Addr, first, last int64) {
	if isLocal(&a) && v.known(m) == nil && !slices.ContainsFunc(v.order, func(d *Device) bool { return d.holds(&a) }) {
		if d := v.get(m, first); d != nil {
			d.Last = last
			v.at(d, a, true, false, first, last)
		}
	}
}
