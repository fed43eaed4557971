package device

import (
	"hash/maphash"
	"net"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

// Observe adds fact i of facts, which packet number of a file said, to the device that it is about.
func (v *Inventory) Observe(facts *dissect.Facts, i int, number uint64, file uint16) {
	f := facts.At(i)
	value := facts.Value(i)
	var d *Device
	if f.Own {
		d = v.get(f.Subject, f.Time)
	} else {
		d = v.known(f.Subject) // what others say of somebody does not make him be here
	}
	if d == nil {
		return
	}
	var source frame.Addr
	if f.Own && !isUnspecified(&f.Source) && !isLinkLocal(&f.Source) {
		source = f.Source
		if d.Relay && !isLocal(&source) && !d.holds(&source) {
			return // a stranger's words, carried by a router
		}
	}
	switch f.Name {
	case "dns.answer", "mdns.address", "arp.address", "ndp.address", "dhcp.lease", "dhcpv6.lease",
		"dhcp.server", "dhcpv6.server", "ra.router", "ra.prefix":
		if !v.learn(d, f, facts, i, value) {
			return
		}
	}
	id, ok := v.facts.id(f.Name)
	if !ok {
		return
	}
	sum := maphash.Bytes(v.seed, value) ^ uint64(id)*0x9e3779b97f4a7c15
	if x := d.said.find(sum); x != nil {
		x.count++
		return
	}
	for int(id) >= len(d.perFact) {
		d.perFact = append(d.perFact, 0)
	}
	if d.perFact[id] >= maxPerFact || len(d.said.list) >= maxObservations || !v.detail(d, observationSize+len(value)) {
		d.Unobserved++
		return
	}
	x := saying{hash: sum, fact: id, packet: number, file: file, seq: f.Seq, count: 1, source: source}
	text, details := d.said.add(x, facts, i)
	more := text - len(value) + details
	v.used += more // a few thousand octets at most
	d.used += more
	d.perFact[id]++
}

// holds reports whether an address is known to be the device's own.
func (d *Device) holds(a *frame.Addr) bool {
	i := d.address(*a)
	return i >= 0 && d.Addresses[i].Bound
}

// learn takes what a fact says of addresses and of the network. It reports whether the fact is to be kept as an
// observation too.
func (v *Inventory) learn(d *Device, f *dissect.Fact, facts *dissect.Facts, i int, value []byte) (keep bool) {
	switch f.Name {
	case "dns.answer":
		if a, ok := frame.ParseAddr(facts.Lookup(i, "address")); ok {
			v.Names.Learn(f.Subject, a, value, f.Time)
		}
		return false
	case "arp.address", "ndp.address":
		if a, ok := frame.ParseAddr(value); ok {
			v.at(d, a, true, false, f.Time, f.Time)
		}
		return false
	case "mdns.address":
		return false
	case "dhcp.lease", "dhcpv6.lease":
		a, ok := frame.ParseAddr(value)
		if ok {
			v.at(d, a, true, false, f.Time, f.Time)
		}
		if router, is := frame.ParseAddr(firstOf(facts.Lookup(i, "router"))); is {
			v.router(router)
		}
		if mask, is := frame.ParseAddr(facts.Lookup(i, "mask")); ok && is {
			v.prefix(a, mask)
		}
	case "dhcp.server":
		d.DHCPServer = true
		if a, ok := frame.ParseAddr(value); ok {
			if mask, is := frame.ParseAddr(facts.Lookup(i, "mask")); is {
				v.prefix(a, mask)
			}
		}
		if router, is := frame.ParseAddr(firstOf(facts.Lookup(i, "router"))); is {
			v.router(router)
		}
	case "dhcpv6.server":
		d.DHCPServer = true
	case "ra.router":
		d.Advertiser = true
		if a, ok := frame.ParseAddr(value); ok {
			v.at(d, a, true, true, f.Time, f.Time)
			if l := facts.Lookup(i, "lifetime"); len(l) > 0 && string(l) != "0" {
				v.router(a)
			}
		}
	case "ra.prefix":
		if p, err := netip.ParsePrefix(string(value)); err == nil && p.Bits() >= 32 && len(v.prefixes) < maxPrefixes {
			v.prefixes[p.Masked()] = "ra"
		}
	}
	return true
}

func (v *Inventory) router(a frame.Addr) {
	if len(v.routers) < maxPrefixes {
		v.routers[a] = true
	}
}

// prefix takes note of the network of an IPv4 address, as a DHCP server says. A public network is narrower than what a
// provider has: nobody is believed that half the Internet is local.
func (v *Inventory) prefix(a, mask frame.Addr) {
	ones, bits := net.IPMask(mask[12:]).Size()
	widest := 8
	if !isLocal(&a) {
		widest = 16
	}
	if p, err := a.Netip().Prefix(ones); err == nil && bits != 0 && ones >= widest && a.Is4() && mask.Is4() && len(v.prefixes) < maxPrefixes {
		v.prefixes[p] = "dhcp"
	}
}

func firstOf(list []byte) []byte {
	for i, c := range list {
		if c == ',' || c == ' ' {
			return list[:i]
		}
	}
	return list
}
