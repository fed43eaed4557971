package device

import (
	"net/netip"
	"slices"

	"plimsoll.example/plimsoll/internal/frame"
)

// maxPrefixes bounds the networks that are taken for local: anybody can announce some.
const maxPrefixes = 64

// Network is what the traffic tells of the local network.
type Network struct {
	Prefixes []netip.Prefix
	Gateways map[frame.Addr]bool // addresses of devices that carry the traffic of others
	hosts    map[frame.Addr]*Device
	macs     map[frame.MAC]*Device
}

// lan is the prefixes of the local network: as DHCP and router advertisements say, else the /24 or /64 of the
// addresses which ARP and ND show. That a public address is here is believed if packets came from it.
func (v *Inventory) lan() []netip.Prefix {
	var list []netip.Prefix
	for p := range v.prefixes {
		list = append(list, p)
	}
	for _, d := range v.order {
		for i := range d.Addresses {
			a := &d.Addresses[i]
			if !a.Bound || isLinkLocal(&a.Addr) || !isLocal(&a.Addr) && !a.Sent || len(list) >= maxPrefixes {
				continue
			}
			ip := a.Addr.Netip()
			if !slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) }) {
				bits := 64
				if ip.Is4() {
					bits = 24
				}
				p, _ := ip.Prefix(bits) // never too long
				list = append(list, p)
			}
		}
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	return slices.Compact(list)
}

func (n *Network) contains(a *frame.Addr) bool {
	ip := a.Netip()
	for _, p := range n.Prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// Host is the device that an address belongs to, or nil.
func (n *Network) Host(a frame.Addr) *Device { return n.hosts[a] }

// Scope says where an address is, as seen from the network: "multicast", "gateway", "lan" or "internet".
func (n *Network) Scope(a frame.Addr) string {
	switch {
	case isGroup(&a), a == broadcast4, n.directedBroadcast(&a):
		return "multicast"
	case n.Gateways[a]:
		return "gateway"
	case n.hosts[a] != nil, isLocal(&a), n.contains(&a), isUnspecified(&a), a.Netip().IsLoopback():
		return "lan"
	}
	return "internet"
}

func (n *Network) directedBroadcast(a *frame.Addr) bool {
	if !a.Is4() {
		return false
	}
	for _, p := range n.Prefixes {
		if p.Addr().Is4() && p.Bits() < 31 && p.Contains(a.Netip()) {
			host := uint32(1)<<(32-p.Bits()) - 1
			last := uint32(a[12])<<24 | uint32(a[13])<<16 | uint32(a[14])<<8 | uint32(a[15])
			if last&host == host {
				return true
			}
		}
	}
	return false
}
