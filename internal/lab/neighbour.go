package lab

import (
	"encoding/binary"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// ICMPv6 types, RFC 4861 and RFC 3810.
const (
	routerSolicitation  = 133
	routerAdvertisement = 134
	listenerReport2     = 143
)

var (
	allNodes   = netip.MustParseAddr("ff02::1")
	allRouters = netip.MustParseAddr("ff02::2")
	unset4     = netip.IPv4Unspecified()
	unset6     = netip.IPv6Unspecified()
)

// arp sends an ARP message in a frame to dst.
func (p *play) arp(t int64, src, dst frame.MAC, op uint16, senderMAC frame.MAC, sender netip.Addr, targetMAC frame.MAC, target netip.Addr) {
	p.emit(t, wire.Ethernet(dst, src, wire.TypeARP, wire.ARP(op, senderMAC, sender, targetMAC, target)))
}

// neighbour is an ICMPv6 message of neighbour discovery.
func (p *play) neighbour(t int64, from *host, to frame.MAC, src, dst netip.Addr, kind uint8, body []byte) {
	if dst.IsMulticast() {
		to = wire.Group(dst)
	}
	h := wire.IP{Src: src, Dst: dst, Proto: wire.ProtoICMPv6, Hops: 255}
	p.ip(t, from, to, h, wire.ICMPv6(src, dst, kind, 0, body))
}

// reach finds the link-layer address of peer, or of the router on the way to it, unless it is known.
func (a *Actor) reach(peer *host, v6 bool) {
	p := a.play
	addr := peer.addr(v6)
	if peer.server != nil { // by way of the router, whom advertisements name by its link-local address
		peer = &p.router().host
		addr = peer.v4
		if v6 {
			addr = peer.local
		}
	}
	if peer == &a.host || a.known[addr] > a.now {
		return
	}
	a.known[addr] = a.now + int64(4*time.Minute)
	if !v6 {
		p.arp(a.now, a.mac, wire.Broadcast, 1, a.mac, a.v4, frame.MAC{}, addr)
		a.now = p.after(a.now, peer)
		p.arp(a.now, peer.mac, a.mac, 2, peer.mac, addr, a.mac, a.v4)
		a.Between(20*time.Microsecond, 200*time.Microsecond)
		return
	}
	src := a.v6
	if addr.IsLinkLocalUnicast() {
		src = a.local
	}
	p.neighbour(a.now, &a.host, frame.MAC{}, src, wire.Solicited(addr), wire.NeighbourSolicitation, wire.NeighbourTarget(0, addr, wire.LinkOption(1, a.mac)))
	a.now = p.after(a.now, peer)
	flags := byte(0x60) // solicited, override
	if peer == &p.router().host {
		flags |= 0x80
	}
	p.neighbour(a.now, peer, a.mac, addr, src, wire.NeighbourAdvertisement, wire.NeighbourTarget(flags, addr, wire.LinkOption(2, peer.mac)))
	a.Between(20*time.Microsecond, 200*time.Microsecond)
}

// claim asks whether anyone has the IPv4 address of a, and then says that a has it (RFC 5227).
func (a *Actor) claim() {
	for range 2 {
		a.play.arp(a.now, a.mac, wire.Broadcast, 1, a.mac, unset4, frame.MAC{}, a.v4)
		a.Between(900*time.Millisecond, 1100*time.Millisecond)
	}
	a.play.arp(a.now, a.mac, wire.Broadcast, 1, a.mac, a.v4, frame.MAC{}, a.v4)
	a.has(a.v4)
}

// claim6 does the same for an IPv6 address (RFC 4862, Section 5.4).
func (a *Actor) claim6(addr netip.Addr) {
	p := a.play
	group := wire.Solicited(addr)
	report := append([]byte{0, 0, 0, 1, 4, 0, 0, 0}, group.AsSlice()...) // RFC 3810, Section 5.2: change to exclude
	routers := netip.MustParseAddr("ff02::16")
	src := unset6
	if addr != a.local {
		src = a.local
	}
	p.ip(a.now, &a.host, wire.Group(routers), wire.IP{Src: src, Dst: routers, Proto: wire.ProtoICMPv6, Hops: 1, Alert: true},
		wire.ICMPv6(src, routers, listenerReport2, 0, report))
	a.Between(time.Millisecond, 300*time.Millisecond)
	p.neighbour(a.now, &a.host, frame.MAC{}, unset6, group, wire.NeighbourSolicitation, wire.NeighbourTarget(0, addr, append([]byte{14, 1}, octets(a.rng, 6)...)))
	a.Wait(time.Second)
	a.has(addr)
}

// solicit asks for a router and takes its answer.
func (a *Actor) solicit() {
	p := a.play
	p.neighbour(a.now, &a.host, frame.MAC{}, a.local, allRouters, routerSolicitation, append([]byte{0, 0, 0, 0}, wire.LinkOption(1, a.mac)...))
	a.now = p.after(a.now, &p.router().host)
	p.neighbour(a.now, &p.router().host, a.mac, p.router().local, a.local, routerAdvertisement, p.advertisement(p.router().mac, p.home.LAN6, p.router().v6))
	a.known[p.router().local] = a.now + int64(4*time.Minute)
	a.Between(time.Millisecond, 5*time.Millisecond)
}

// advertisement is the body of a router advertisement (RFC 4861, Section 4.2; RFC 8106): addresses both by
// SLAAC and by DHCPv6.
func (p *play) advertisement(m frame.MAC, prefix netip.Prefix, dns netip.Addr) []byte {
	b := []byte{64, 0xc0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0} // managed and other; 1800 s
	b = append(b, 3, 4, byte(prefix.Bits()), 0xc0)            // on link, autonomous
	b = binary.BigEndian.AppendUint32(b, 86400)
	b = binary.BigEndian.AppendUint32(b, 14400)
	b = append(append(b, 0, 0, 0, 0), prefix.Addr().AsSlice()...)
	b = append(b, 25, 3, 0, 0)
	b = binary.BigEndian.AppendUint32(b, 1800)
	b = append(b, dns.AsSlice()...)
	b = append(b, 5, 1, 0, 0, 0, 0, 0x05, 0xdc) // MTU 1500
	return append(b, wire.LinkOption(1, m)...)
}

// AdvertiseRouter sends a router advertisement to everyone, as the router does now and then.
func (a *Actor) AdvertiseRouter() {
	a.play.neighbour(a.now, &a.host, frame.MAC{}, a.local, allNodes, routerAdvertisement, a.play.advertisement(a.mac, a.play.home.LAN6, a.v6))
}

// Ping sends an echo request to a host, which answers.
func (a *Actor) Ping(to string) {
	p := a.play
	peer := a.resolve(to)
	v6 := a.over6(peer)
	a.reach(peer, v6)
	body := binary.BigEndian.AppendUint16(nil, uint16(a.rng.Uint32()))
	body = append(append(body, 0, 1), octets(a.rng, 48)...)
	src, dst := a.addr(v6), peer.addr(v6)
	if v6 {
		p.ip(a.now, &a.host, peer.mac, wire.IP{Src: src, Dst: dst, Proto: wire.ProtoICMPv6}, wire.ICMPv6(src, dst, 128, 0, body))
		a.now = p.after(a.now, peer)
		p.ip(a.now, peer, a.mac, wire.IP{Src: dst, Dst: src, Proto: wire.ProtoICMPv6}, wire.ICMPv6(dst, src, 129, 0, body))
		return
	}
	p.ip(a.now, &a.host, peer.mac, wire.IP{Src: src, Dst: dst, Proto: wire.ProtoICMP}, wire.ICMP(8, 0, body))
	a.now = p.after(a.now, peer)
	p.ip(a.now, peer, a.mac, wire.IP{Src: dst, Dst: src, Proto: wire.ProtoICMP}, wire.ICMP(0, 0, body))
}
