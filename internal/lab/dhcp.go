package lab

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// DHCP is what a device says when it asks for an IPv4 address.
type DHCP struct {
	Hostname    string // option 12
	VendorClass string // option 60
	Parameters  []byte // option 55
	ClientID    bool   // option 61, from its link-layer address
	FQDN        string // option 81
	MUD         string // option 161, RFC 8520
}

// DHCPv6 is what a device says when it asks for an IPv6 address.
type DHCPv6 struct {
	Enterprise  uint32 // of the vendor class
	VendorClass string // option 16
	FQDN        string // option 39
	MUD         string // option 112, RFC 8520
}

// DHCPv4 message types, RFC 2132, Section 9.6.
const (
	dhcpDiscover = 1 + iota
	dhcpOffer
	dhcpRequest
	dhcpDecline
	dhcpAck
)

type option struct {
	code  byte
	value []byte
}

// Join takes addresses: IPv4 by DHCP, IPv6 by SLAAC, and by DHCPv6 where the device does that.
func (a *Actor) Join() {
	if a.local.IsValid() {
		a.claim6(a.local)
	}
	a.lease()
	a.claim()
	if !a.local.IsValid() {
		return
	}
	a.solicit()
	a.claim6(a.v6)
	if a.DHCPv6 != nil {
		a.lease6()
	}
}

// Rotate leaves, and comes back with the next of the device's link-layer addresses.
func (a *Actor) Rotate() {
	a.take((a.turn + 1) % len(a.MACs))
	clear(a.known)
	a.Between(time.Second, 3*time.Second)
	a.Join()
}

// lease asks for an IPv4 address, in four messages.
func (a *Actor) lease() {
	p := a.play
	r := p.router()
	id := a.rng.Uint32()
	ask := func(kind byte, more ...option) {
		p.dhcp(a.now, &a.host, id, a.mac, kind, netip.Addr{}, append(more, a.dhcpOptions()...))
	}
	ask(dhcpDiscover)
	a.now = p.after(a.now, &r.host) + int64(a.rng.IntN(2e6))
	p.dhcp(a.now, &r.host, id, a.mac, dhcpOffer, a.v4, p.leaseOptions())
	a.Between(time.Millisecond, 10*time.Millisecond)
	ask(dhcpRequest, option{50, a.v4.AsSlice()}, option{54, r.v4.AsSlice()})
	a.now = p.after(a.now, &r.host) + int64(a.rng.IntN(2e6))
	p.dhcp(a.now, &r.host, id, a.mac, dhcpAck, a.v4, p.leaseOptions())
	a.called(a.DHCP.Hostname)
	if a.DHCP.MUD != "" {
		a.truth.MUD = &MUDTruth{a.DHCP.MUD, "dhcpv4"}
	}
	a.Between(5*time.Millisecond, 50*time.Millisecond)
}

func (a *Actor) dhcpOptions() []option {
	d := &a.DHCP
	var o []option
	if d.ClientID {
		o = append(o, option{61, append([]byte{1}, a.mac[:]...)})
	}
	o = append(o, option{57, []byte{0x05, 0xdc}})
	if d.VendorClass != "" {
		o = append(o, option{60, []byte(d.VendorClass)})
	}
	if d.Hostname != "" {
		o = append(o, option{12, []byte(d.Hostname)})
	}
	if d.FQDN != "" {
		o = append(o, option{81, append([]byte{0, 0, 0}, d.FQDN...)})
	}
	if d.MUD != "" {
		o = append(o, option{161, []byte(d.MUD)})
	}
	return append(o, option{55, d.Parameters})
}

func (p *play) leaseOptions() []option {
	r := p.router()
	mask := ^uint32(0) << (32 - p.home.LAN4.Bits())
	return []option{
		{54, r.v4.AsSlice()},
		{51, []byte{0, 1, 0x51, 0x80}},
		{58, []byte{0, 0, 0xa8, 0xc0}},
		{59, []byte{0, 1, 0x27, 0x50}},
		{1, binary.BigEndian.AppendUint32(nil, mask)},
		{28, r.broadcast().AsSlice()},
		{3, r.v4.AsSlice()},
		{6, r.v4.AsSlice()},
		{15, []byte(p.home.Domain)},
	}
}

// dhcp is a DHCPv4 message (RFC 2131) about the owner of the link-layer address client.
func (p *play) dhcp(t int64, from *host, id uint32, client frame.MAC, kind byte, yours netip.Addr, options []option) {
	op := byte(1)
	src, dst := netip.AddrPortFrom(unset4, 68), netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 67)
	to := wire.Broadcast
	if yours.IsValid() {
		op = 2
		src, dst = netip.AddrPortFrom(from.v4, 67), netip.AddrPortFrom(yours, 68)
		to = client
	}
	b := []byte{op, 1, 6, 0}
	b = binary.BigEndian.AppendUint32(b, id)
	b = append(b, make([]byte, 8)...)
	if yours.IsValid() {
		b = append(b, yours.AsSlice()...)
		b = append(b, from.v4.AsSlice()...)
		b = append(b, 0, 0, 0, 0)
	} else {
		b = append(b, make([]byte, 12)...)
	}
	b = append(b, client[:]...)
	b = append(b, make([]byte, 10+64+128)...)
	b = append(b, 0x63, 0x82, 0x53, 0x63, 53, 1, kind)
	for _, o := range options {
		b = append(append(b, o.code, byte(len(o.value))), o.value...)
	}
	b = append(b, 255)
	for len(b) < 300 { // the least that a BOOTP relay takes
		b = append(b, 0)
	}
	p.udp(t, from, to, src, dst, b)
}

// lease6 asks for an address by DHCPv6 (RFC 8415), in four messages.
func (a *Actor) lease6() {
	p := a.play
	r := p.router()
	servers := netip.MustParseAddr("ff02::1:2")
	d := a.DHCPv6
	clientID := append([]byte{0, 3, 0, 1}, a.mac[:]...)
	serverID := append([]byte{0, 3, 0, 1}, r.mac[:]...)
	addr := a.play.home.LAN6.Addr().As16()
	addr[14], addr[15] = 1, a.v4.As4()[3]
	given := netip.AddrFrom16(addr)
	association := append(octets(a.rng, 4), 0, 0, 0, 0, 0, 0, 0, 0)
	full := option6(binary.BigEndian.AppendUint32(append(association[:4:4], 0, 0, 0x70, 0x80), 46080), 5,
		append(given.AsSlice(), 0, 0, 0xa8, 0xc0, 0, 1, 0x51, 0x80))

	client := func(kind byte, id []byte, server bool, ia []byte) {
		b := append([]byte{kind}, id...)
		b = option6(b, 1, clientID)
		if server {
			b = option6(b, 2, serverID)
		}
		b = option6(b, 3, ia)
		b = option6(b, 8, []byte{0, 0})
		b = option6(b, 6, []byte{0, 23, 0, 24, 0, 39, 0, 112})
		if d.VendorClass != "" {
			b = option6(b, 16, append(binary.BigEndian.AppendUint32(nil, d.Enterprise), vector16([]byte(d.VendorClass))...))
		}
		if d.FQDN != "" {
			b = option6(b, 39, append([]byte{0}, labels(d.FQDN)...))
		}
		if d.MUD != "" {
			b = option6(b, 112, []byte(d.MUD))
		}
		p.udp(a.now, &a.host, frame.MAC{}, netip.AddrPortFrom(a.local, 546), netip.AddrPortFrom(servers, 547), b)
		a.now = p.after(a.now, &r.host)
	}
	server := func(kind byte, id []byte) {
		b := append([]byte{kind}, id...)
		b = option6(option6(option6(b, 1, clientID), 2, serverID), 3, full)
		b = option6(b, 23, r.v6.AsSlice())
		b = option6(b, 24, labels(p.home.Domain))
		p.udp(a.now, &r.host, a.mac, netip.AddrPortFrom(r.local, 547), netip.AddrPortFrom(a.local, 546), b)
		a.Between(time.Millisecond, 20*time.Millisecond)
	}
	id := octets(a.rng, 3)
	client(1, id, false, association)
	server(2, id)
	id = octets(a.rng, 3)
	client(3, id, true, full)
	server(7, id)
	if d.MUD != "" {
		a.truth.MUD = &MUDTruth{d.MUD, "dhcpv6"}
	}
	a.claim6(given)
}

func option6(b []byte, code uint16, value []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, code), vector16(value)...)
}

func vector16(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// labels is a domain name on the wire, without compression (RFC 1035, Section 3.1).
func labels(name string) []byte {
	var b []byte
	for l := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if l != "" {
			b = append(append(b, byte(len(l))), l...)
		}
	}
	return append(b, 0)
}
