package resolver

import "net/netip"

// reserved are the blocks that nobody on the Internet has (the IANA's registries of special-purpose addresses).
func reserved() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/9",
		"ff00::/8",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// embedded is the IPv4 address to which a translator would take packets for an IPv6 one (RFC 6052, RFC 3056), or a itself.
func embedded(a netip.Addr) netip.Addr {
	b := a.As16()
	switch {
	case a.Is4():
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6]))
	case [12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}:
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// mayLead reports whether a name, with a dot at the end, may lead to an address. Whoever owns a name on the Internet could
// else make a browser in the home talk to its devices (DNS rebinding).
func (r *Resolver) mayLead(name string, a netip.Addr) bool {
	if r.isPrivate(name) {
		return true
	}
	real := embedded(a)
	for _, p := range r.reserved {
		if p.Contains(a) || p.Contains(real) {
			return false
		}
	}
	return !r.cfg.Inside(a) && !r.cfg.Inside(real)
}

// isPrivate reports whether a name, with a dot at the end, is of a domain that may lead into the network.
func (r *Resolver) isPrivate(name string) bool {
	for _, d := range r.cfg.Private {
		if within(name, d) {
			return true
		}
	}
	return false
}
