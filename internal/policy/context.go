package policy

import (
	"net/netip"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

// Trust is how sure it is that a device's MUD URL is its own (RFC 8520 §16).
type Trust uint8

// The kinds of trust, from the weakest up.
const (
	Claimed  Trust = iota // the device said it, by DHCP or LLDP: whatever runs on it can
	Approved              // a person agreed
	Proven                // a certificate holds it
)

// Device is one device of the network, as far as policies speak of it.
type Device struct {
	MAC       frame.MAC
	Addresses []netip.Addr
	URL       string // the MUD URL; "": none
	Trust     Trust
}

// Context is the network in which a policy holds. The zero value is a network that nobody knows anything of: every
// class is empty.
type Context struct {
	Device      Device   // that the policy is for
	Peers       []Device // the others
	Local       []netip.Prefix
	Gateway     []netip.Addr
	Resolvers   []netip.Addr            // that the network gives its devices; none: Gateway
	TimeServers []netip.Addr            // likewise
	Controllers map[string][]netip.Addr // by the URI of their class
	My          []netip.Addr            // controllers of this device
}

// Of is the context of another device of the same network.
func (c *Context) Of(m frame.MAC) Context {
	out := *c
	out.Peers = nil
	for _, d := range append([]Device{c.Device}, c.Peers...) {
		if d.MAC == m {
			out.Device = d
		} else {
			out.Peers = append(out.Peers, d)
		}
	}
	return out
}

// Never travelling to a default route: link-local addresses, groups of the link and of the site (RFC 5771,
// RFC 2365, RFC 4291), and the limited broadcast.
const nearby = "169.254.0.0/16 224.0.0.0/24 239.255.0.0/16 255.255.255.255/32 fe80::/10 ff01::/16 ff02::/16 ff03::/16 ff04::/16 ff05::/16"

func parsePrefixes(s string) []netip.Prefix {
	var list []netip.Prefix
	for _, f := range strings.Fields(s) {
		list = append(list, netip.MustParsePrefix(f))
	}
	return list
}

// Homes are the networks that are taken for local where nobody says which are (RFC 1918, RFC 4193).
func Homes() []netip.Prefix { return parsePrefixes("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7") }

// local is what a packet reaches without travelling toward a default route (RFC 8520 §4.5).
func (c *Context) local() []netip.Prefix { return union(append(parsePrefixes(nearby), c.Local...)) }

// resolve is the addresses that a class stands for.
func (c *Context) resolve(p Peer) []netip.Prefix {
	switch p.Class {
	case LocalNetworks:
		return c.local()
	case SameManufacturer:
		own := mud.Authority(c.Device.URL)
		if own == "" {
			return nil
		}
		return c.holders(func(d *Device) bool { return mud.Authority(d.URL) == own })
	case Manufacturer:
		return c.holders(func(d *Device) bool { return mud.Authority(d.URL) == p.Value })
	case Model:
		return c.holders(func(d *Device) bool { return d.URL == p.Value })
	case MyController:
		return hosts(c.My)
	case Controller:
		return hosts(c.controllers(p.Value))
	case Resolvers:
		return hosts(c.controllers(classDNS))
	case TimeServers:
		return hosts(c.controllers(classNTP))
	case Groups:
		return parsePrefixes("224.0.0.0/4 ff00::/8")
	}
	return nil
}

// classes are the classes of a context, each looked up once.
type classes struct {
	Context
	known map[membership][]netip.Prefix
}

type membership struct {
	Peer
	family uint8
}

// of is the addresses of a class that belong to a family.
func (c *classes) of(p Peer, f uint8) []netip.Prefix {
	list, ok := c.known[membership{p, f}]
	if !ok {
		if list, ok = c.known[membership{p, 0}]; !ok {
			list = c.resolve(p)
			c.known[membership{p, 0}] = list
		}
		list = family(list, f)
		c.known[membership{p, f}] = list
	}
	return list
}

// The classes that RFC 8520 §17.7 registers, and one that is not registered but is in many files.
const (
	classDNS     = "urn:ietf:params:mud:dns"
	classNTP     = "urn:ietf:params:mud:ntp"
	classGateway = "urn:ietf:params:mud:gateway"
)

func (c *Context) controllers(uri string) []netip.Addr {
	if list := c.Controllers[uri]; list != nil {
		return list
	}
	switch uri {
	case classDNS:
		return orElse(c.Resolvers, c.Gateway)
	case classNTP:
		return orElse(c.TimeServers, c.Gateway)
	case classGateway:
		return c.Gateway
	}
	return nil
}

func orElse(list, other []netip.Addr) []netip.Addr {
	if len(list) > 0 {
		return list
	}
	return other
}

// holders are the addresses of the other devices in a class. Where some of a URL's holders are better
// authenticated than others, only they belong to the class (RFC 8520 §16).
func (c *Context) holders(in func(*Device) bool) []netip.Prefix {
	best := map[string]Trust{}
	var members []*Device
	for i := range c.Peers {
		if d := &c.Peers[i]; d.URL != "" && in(d) {
			members = append(members, d)
			best[d.URL] = max(best[d.URL], d.Trust)
		}
	}
	var list []netip.Addr
	for _, d := range members {
		if d.Trust == best[d.URL] {
			list = append(list, d.Addresses...)
		}
	}
	return hosts(list)
}

// hosts are addresses as prefixes.
func hosts(list []netip.Addr) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range list {
		a = a.Unmap().WithZone("")
		if a.IsValid() {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return union(out)
}

// union sorts prefixes and leaves out those that lie in another.
func union(list []netip.Prefix) []netip.Prefix {
	out := []netip.Prefix{}
	sorted := make([]netip.Prefix, 0, len(list))
	for _, p := range list {
		if p.IsValid() {
			sorted = append(sorted, p.Masked())
		}
	}
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	for _, p := range sorted {
		if n := len(out); n == 0 || !out[n-1].Overlaps(p) {
			out = append(out, p)
		}
	}
	return out
}

// intersection is what is in both: prefixes either lie in each other or apart.
func intersection(a, b []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range a {
		for _, q := range b {
			switch {
			case !p.Overlaps(q):
			case p.Bits() >= q.Bits():
				out = append(out, p)
			default:
				out = append(out, q)
			}
		}
	}
	return union(out)
}

// family is the prefixes that belong to a family; 0: all.
func family(list []netip.Prefix, f uint8) []netip.Prefix {
	if f == 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(p netip.Prefix) bool { return p.Addr().Is4() != (f == 4) })
}
