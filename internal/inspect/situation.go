package inspect

import (
	"net/netip"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/policy"
)

// situation is the network as policies see it, with no device in particular.
func situation(devices []*device.Device, n *device.Network) policy.Context {
	c := policy.Context{Local: n.Prefixes}
	for a := range n.Gateways {
		c.Gateway = append(c.Gateway, a.Netip())
	}
	slices.SortFunc(c.Gateway, netip.Addr.Compare)
	for _, d := range devices {
		p := policy.Device{MAC: d.MAC}
		for _, a := range d.Own() {
			p.Addresses = append(p.Addresses, a.Addr.Netip())
		}
		if u := mudURL(d); u != nil {
			p.URL = u.URL
		}
		c.Peers = append(c.Peers, p)
		c.Resolvers = append(c.Resolvers, resolvers(d)...)
		if d.Resolver {
			c.Resolvers = append(c.Resolvers, p.Addresses...)
		}
	}
	slices.SortFunc(c.Resolvers, netip.Addr.Compare)
	c.Resolvers = slices.Compact(c.Resolvers)
	if len(c.Resolvers) > 0 { // routers forward, whatever else is announced
		c.Resolvers = append(c.Resolvers, c.Gateway...)
	}
	return c
}

// resolvers are those that the network gives its devices: by DHCP (RFC 2132 §3.8, RFC 3646) or router advertisements
// (RFC 8106).
func resolvers(d *device.Device) (list []netip.Addr) {
	for i := range d.Observations {
		o := &d.Observations[i]
		text := ""
		switch o.Fact {
		case "dhcp.lease", "dhcp.server", "dhcpv6.server":
			text = o.Lookup("dns")
		case "ra.rdnss":
			text = o.Value
		}
		for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
			if a, err := netip.ParseAddr(f); err == nil {
				list = append(list, a)
			}
		}
	}
	return list
}

// mudURL is where the device says that its MUD file is, or nil.
func mudURL(d *device.Device) *MUDURL {
	for _, via := range mudVias {
		for i := range d.Observations {
			if o := &d.Observations[i]; o.Fact == via.fact {
				return &MUDURL{o.Value, via.via}
			}
		}
	}
	return nil
}
