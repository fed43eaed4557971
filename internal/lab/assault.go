package lab

import (
	"encoding/binary"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// ScanService sends SYNs to one port of n random addresses, none of which answers.
func (a *Actor) ScanService(port uint16, n int, pause time.Duration) {
	a.Finding("scan.horizontal", "", func() {
		a.reach(&a.play.router().host, false)
		for range n {
			src := netip.AddrPortFrom(a.v4, a.newPort())
			a.bare(a.now, false, wire.TCP{Src: src, Dst: netip.AddrPortFrom(elsewhere(a.rng), port), Seq: a.rng.Uint32(), Flags: wire.SYN, Window: 1024})
			a.Between(pause/2, pause*3/2)
		}
	})
}

// ScanNeighbours asks by ARP for each address of the LAN, once, as arp-scan does.
func (a *Actor) ScanNeighbours(pause time.Duration) {
	a.Finding("scan.horizontal", "", func() { a.lookUp(1, pause) })
}

// LookForScreens is what a phone does for an app that tries all addresses of the LAN: its system looks each one up
// three times, with a second between, while all are tried together.
func (a *Actor) LookForScreens() {
	for range 3 {
		began := a.now
		a.lookUp(1, 3*time.Millisecond)
		a.now = began + int64(1010*time.Millisecond)
	}
}

func (a *Actor) lookUp(times int, pause time.Duration) {
	p := a.play
	base := p.home.LAN4.Addr().As4()
	for i := 1; i < 255; i++ {
		base[3] = byte(i)
		to := netip.AddrFrom4(base)
		if to == a.v4 {
			continue
		}
		for range times {
			p.arp(a.now, a.mac, wire.Broadcast, 1, a.mac, a.v4, frame.MAC{}, to)
		}
		for _, other := range p.actors {
			if other.v4 == to && other.began < a.now {
				p.arp(p.after(a.now, &other.host), other.mac, a.mac, 2, other.mac, other.v4, a.mac, a.v4)
			}
		}
		a.Between(pause/2, pause*3/2)
	}
}

// ScanQuietly sends segments without flags to n ports of a device, which refuses none (a null scan).
func (a *Actor) ScanQuietly(to string, n int, pause time.Duration) {
	a.Finding("scan.vertical", to, func() {
		peer := a.resolve(to)
		a.reach(peer, false)
		src := netip.AddrPortFrom(a.v4, a.newPort())
		for i := range n {
			h := wire.TCP{Src: src, Dst: netip.AddrPortFrom(peer.v4, uint16(i+1)), Seq: a.rng.Uint32(), Window: 1024}
			d := wire.IP{Src: a.v4, Dst: peer.v4, Proto: wire.ProtoTCP, Hops: 64}
			a.play.emit(a.now, wire.Ethernet(peer.mac, a.mac, wire.TypeIPv4, d.Packet(h.Segment(nil))))
			a.Between(pause/2, pause*3/2)
		}
	})
}

// FloodICMP sends n echo requests to a host that does not answer.
func (a *Actor) FloodICMP(to string, n int, pause time.Duration) {
	peer := a.resolve(to)
	a.Finding("flood.icmp", to, func() {
		for i := range n {
			a.echo(a.now, &a.host, peer, 8, uint16(i), octets(a.rng, 56))
			a.Between(pause/2, pause*3/2)
		}
	})
}

// FloodARP asks for the router's address, n times.
func (a *Actor) FloodARP(n int, pause time.Duration) {
	a.Finding("flood.arp", "", func() {
		for range n {
			a.play.arp(a.now, a.mac, wire.Broadcast, 1, a.mac, a.v4, frame.MAC{}, a.play.router().v4)
			a.Between(pause/2, pause*3/2)
		}
	})
}

func (a *Actor) echo(t int64, from, to *host, kind uint8, number uint16, data []byte) {
	body := append(binary.BigEndian.AppendUint16([]byte{0x12, 0x34}, number), data...)
	mac := to.mac
	a.play.ip(t, from, mac, wire.IP{Src: from.v4, Dst: to.v4, Proto: wire.ProtoICMP}, wire.ICMP(kind, 0, body))
}

// TunnelICMP carries n packets of a conversation each way in echo messages.
func (a *Actor) TunnelICMP(to string, n int) {
	peer := a.resolve(to)
	a.reach(peer, false)
	a.Finding("tunnel.icmp", to, func() {
		for i := range n {
			a.echo(a.now, &a.host, peer, 8, uint16(i), octets(a.rng, 40+a.rng.IntN(200)))
			a.now = a.play.after(a.now, peer)
			a.play.ip(a.now, peer, a.mac, wire.IP{Src: peer.v4, Dst: a.v4, Proto: wire.ProtoICMP},
				wire.ICMP(0, 0, append([]byte{0x12, 0x34, byte(i >> 8), byte(i)}, octets(a.rng, 100+a.rng.IntN(900))...)))
			a.Between(20*time.Millisecond, 200*time.Millisecond)
		}
	})
}

// Reflected is sent n answers by servers of a UDP service all over the Internet that it never asked.
func (a *Actor) Reflected(port uint16, n, size int, pause time.Duration) {
	a.Finding("reflect.participant", "", func() {
		data := octets(a.rng, size)
		for range n {
			from := netip.AddrPortFrom(elsewhere(a.rng), port)
			to := netip.AddrPortFrom(a.v4, uint16(1024+a.rng.IntN(60000)))
			d := wire.IP{Src: from.Addr(), Dst: a.v4, Proto: wire.ProtoUDP, Hops: uint8(40 + a.rng.IntN(15))}
			a.play.emit(a.now, wire.Ethernet(a.mac, a.play.router().mac, wire.TypeIPv4, d.Packet(wire.UDP(from, to, data))))
			a.Between(pause/2, pause*3/2)
		}
	})
}

// EchoToAll sends n echo requests in the name of a group, so that who answers answers all (RFC 4443, Section 2.4).
func (a *Actor) EchoToAll(n int, pause time.Duration) {
	a.Finding("spoof.source", "", func() {
		for i := range n {
			body := append([]byte{0, 1, 0, byte(i)}, octets(a.rng, 8)...)
			d := wire.IP{Src: allNodes, Dst: allNodes, Proto: wire.ProtoICMPv6, Hops: 255}
			a.play.emit(a.now, wire.Ethernet(wire.Group(allNodes), a.mac, wire.TypeIPv6, d.Packet(wire.ICMPv6(allNodes, allNodes, 128, 0, body))))
			a.Between(pause/2, pause*3/2)
		}
	})
}

// GuessHTTP tries n passwords on a device's web pages, one connection each.
func (a *Actor) GuessHTTP(to string, port uint16, n int) {
	a.Finding("guess.credentials", to, func() {
		for i := range n {
			p := passwords[i%len(passwords)]
			a.Get(to, port, "/", basic(p[0], p[1]), Page{"401 Unauthorized", "lighttpd", "text/html", "WWW-Authenticate: Basic realm=\"device\"\r\n", "no"})
			a.Between(50*time.Millisecond, 200*time.Millisecond)
		}
	})
}

// PollHTTP gets a page with a password that is right, n times.
func (a *Actor) PollHTTP(to string, port uint16, n int, pause time.Duration) {
	for range n {
		a.Get(to, port, "/status", basic("admin", "right"), Page{"200 OK", "lighttpd", "application/json", "", "{}"})
		a.Between(pause*9/10, pause*11/10)
	}
}

// Trace looks for the way to a host with datagrams whose hops run out (traceroute), of which the last answers.
func (a *Actor) Trace(to string, hops int) {
	peer := a.resolve(to)
	a.reach(peer, false)
	src := netip.AddrPortFrom(a.v4, a.newPort())
	port := uint16(33434)
	for hop := range hops {
		for range 3 {
			d := wire.IP{Src: a.v4, Dst: peer.v4, Proto: wire.ProtoUDP, Hops: uint8(hop + 1)}
			a.play.ip(a.now, &a.host, peer.mac, d, wire.UDP(src, netip.AddrPortFrom(peer.v4, port), octets(a.rng, 32)))
			port++
			a.Between(time.Millisecond, 30*time.Millisecond)
		}
	}
}

// Stream sends n datagrams of media to a host, one way, in one flow.
func (a *Actor) Stream(to string, port uint16, n, size int, pause time.Duration) {
	peer := a.resolve(to)
	a.reach(peer, false)
	src, dst := netip.AddrPortFrom(a.v4, a.newPort()), netip.AddrPortFrom(peer.v4, port)
	data := octets(a.rng, size)
	for range n {
		a.play.udp(a.now, &a.host, peer.mac, src, dst, data)
		a.Between(pause*9/10, pause*11/10)
	}
}

// Swarm calls n random peers of a file that is shared, each on a port of its own; two in five answer.
func (a *Actor) Swarm(n int, pause time.Duration) {
	a.reach(&a.play.router().host, false)
	for i := range n {
		src := netip.AddrPortFrom(a.v4, a.newPort())
		dst := netip.AddrPortFrom(elsewhere(a.rng), uint16(1025+a.rng.IntN(60000)))
		seq := a.rng.Uint32()
		a.bare(a.now, false, wire.TCP{Src: src, Dst: dst, Seq: seq, Flags: wire.SYN, Window: 64240})
		back := a.now + int64(time.Duration(40+a.rng.IntN(200))*time.Millisecond)
		switch i % 5 {
		case 0, 1:
			isn := a.rng.Uint32()
			a.bare(back, true, wire.TCP{Src: dst, Dst: src, Seq: isn, Ack: seq + 1, Flags: wire.SYN | wire.ACK, Window: 5840})
			a.bare(back+1e6, false, wire.TCP{Src: src, Dst: dst, Seq: seq + 1, Ack: isn + 1, Flags: wire.ACK, Window: 64240})
		case 2:
			a.bare(back, true, wire.TCP{Src: dst, Dst: src, Ack: seq + 1, Flags: wire.RST | wire.ACK})
		}
		a.Between(pause/2, pause*3/2)
	}
}

// CallInVain calls a server that does not answer, n times, as a program does that has lost its Internet.
func (a *Actor) CallInVain(to string, port uint16, n int, pause time.Duration) {
	peer := a.resolve(to)
	for range n {
		src := netip.AddrPortFrom(a.v4, a.newPort())
		a.bare(a.now, false, wire.TCP{Src: src, Dst: netip.AddrPortFrom(peer.v4, port), Seq: a.rng.Uint32(), Flags: wire.SYN, Window: 64240})
		a.Between(pause*9/10, pause*11/10)
	}
}

// FloodSYNEverywhere sends n SYNs to as many ports of a server, each with a forged sender.
func (a *Actor) FloodSYNEverywhere(to string, n int, pause time.Duration) {
	peer := a.resolve(to)
	a.Finding("flood.syn", to, func() {
		for range n {
			src := netip.AddrPortFrom(elsewhere(a.rng), uint16(1024+a.rng.IntN(64000)))
			dst := netip.AddrPortFrom(peer.v4, uint16(1+a.rng.IntN(65535)))
			a.bare(a.now, false, wire.TCP{Src: src, Dst: dst, Seq: a.rng.Uint32(), Flags: wire.SYN, Window: 1024})
			a.Between(pause/2, pause*3/2)
		}
	})
}
