package lab

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Finding plays something that a does and that a reader of the capture should find, and notes it in the
// truth. One may be within another.
func (a *Actor) Finding(kind, target string, do func()) {
	p := a.play
	before := p.finding
	p.findings = append(p.findings, Finding{Kind: kind, Device: a.Name, Target: target})
	p.finding = append(slices.Clone(before), len(p.findings)-1)
	do()
	p.finding = before
}

// elsewhere is a random address of the range kept for benchmarks (RFC 2544), which stands for the Internet
// where an attack picks its targets at random.
func elsewhere(r *rand.Rand) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 18 | byte(r.IntN(2)), byte(r.Uint32()), byte(1 + r.IntN(254))})
}

// bare emits a segment without options to or from the Internet.
func (a *Actor) bare(t int64, in bool, h wire.TCP) {
	from, to := a.mac, a.play.router().mac
	hops := uint8(64)
	if in {
		from, to, hops = to, from, 47
	}
	d := wire.IP{Src: h.Src.Addr(), Dst: h.Dst.Addr(), Proto: wire.ProtoTCP, Hops: hops, ID: uint16(a.rng.Uint32())}
	a.play.emit(t, wire.Ethernet(to, from, wire.TypeIPv4, d.Packet(h.Segment(nil))))
}

// ScanTelnet tries the Telnet ports of random addresses, in the way of Mirai: the sequence number is the
// address that is tried.
func (a *Actor) ScanTelnet(n int, pause time.Duration) {
	a.Finding("scan.horizontal", "", func() {
		a.reach(&a.play.router().host, false)
		src := netip.AddrPortFrom(a.v4, a.newPort())
		window := uint16(a.rng.Uint32())
		for range n {
			to := elsewhere(a.rng)
			port := uint16(23)
			if a.rng.IntN(10) == 0 {
				port = 2323
			}
			dst := netip.AddrPortFrom(to, port)
			four := to.As4()
			seq := binary.BigEndian.Uint32(four[:])
			a.bare(a.now, false, wire.TCP{Src: src, Dst: dst, Seq: seq, Flags: wire.SYN, Window: window})
			back := a.now + int64(time.Duration(40+a.rng.IntN(200))*time.Millisecond)
			switch a.rng.IntN(40) {
			case 0: // open: the scanner's raw socket is unknown to its stack, which breaks off
				isn := a.rng.Uint32()
				a.bare(back, true, wire.TCP{Src: dst, Dst: src, Seq: isn, Ack: seq + 1, Flags: wire.SYN | wire.ACK, Window: 5840})
				a.bare(back+1e6, false, wire.TCP{Src: src, Dst: dst, Seq: seq + 1, Flags: wire.RST})
			case 1, 2:
				a.bare(back, true, wire.TCP{Src: dst, Dst: src, Ack: seq + 1, Flags: wire.RST | wire.ACK})
			}
			a.Between(pause/2, pause*3/2)
		}
	})
}

// ScanPorts tries n ports of a device; those in open answer.
func (a *Actor) ScanPorts(to string, n int, pause time.Duration, open ...uint16) {
	a.Finding("scan.vertical", to, func() {
		peer := a.resolve(to)
		a.reach(peer, false)
		src := netip.AddrPortFrom(a.v4, a.newPort())
		ports := a.rng.Perm(1024)[:n-len(open)]
		for _, p := range open {
			ports = append(ports, int(p)-1)
		}
		a.rng.Shuffle(len(ports), func(i, j int) { ports[i], ports[j] = ports[j], ports[i] })
		for _, i := range ports {
			port := uint16(i + 1)
			c := a.conn(&a.host, src, peer, netip.AddrPortFrom(peer.v4, port))
			c.ends[0].window = 1024
			if slices.Contains(open, port) {
				c.segment(0, wire.SYN, nil)
				c.hand(1)
				c.segment(1, wire.SYN|wire.ACK, nil)
				c.hand(0)
				c.segment(0, wire.RST, nil)
			} else {
				c.refuse()
			}
			a.Between(pause/2, pause*3/2)
		}
	})
}

// FloodSYN sends n SYNs to a port of a server; a spoofed flood has random sources.
func (a *Actor) FloodSYN(to string, port uint16, n int, pause time.Duration, spoofed bool) {
	peer := a.resolve(to)
	play := func() {
		for range n {
			src := netip.AddrPortFrom(a.v4, uint16(1024+a.rng.IntN(64000)))
			if spoofed {
				src = netip.AddrPortFrom(elsewhere(a.rng), src.Port())
			}
			a.bare(a.now, false, wire.TCP{Src: src, Dst: netip.AddrPortFrom(peer.v4, port), Seq: a.rng.Uint32(), Flags: wire.SYN, Window: uint16(a.rng.Uint32())})
			a.Between(pause/2, pause*3/2)
		}
	}
	a.Finding("flood.syn", to, func() {
		if spoofed {
			a.Finding("spoof.source", to, play)
		} else {
			play()
		}
	})
}

// FloodUDP sends n datagrams of size octets to random ports of a server.
func (a *Actor) FloodUDP(to string, n, size int, pause time.Duration) {
	peer := a.resolve(to)
	a.Finding("flood.udp", to, func() {
		src := netip.AddrPortFrom(a.v4, a.newPort())
		data := octets(a.rng, size)
		for range n {
			dst := netip.AddrPortFrom(peer.v4, uint16(1+a.rng.IntN(65535)))
			a.play.udp(a.now, &a.host, peer.mac, src, dst, data)
			a.Between(pause/2, pause*3/2)
		}
	})
}

// SpoofARP tells a device, n times, that the router's address is at a, and the router the same of the device.
func (a *Actor) SpoofARP(victim string, n int, pause time.Duration) {
	a.Finding("spoof.arp", victim, func() {
		p := a.play
		v, r := p.find(victim), &p.router().host
		for range n {
			p.arp(a.now, a.mac, v.mac, 2, a.mac, r.v4, v.mac, v.v4)
			a.Between(100*time.Microsecond, time.Millisecond)
			p.arp(a.now, a.mac, r.mac, 2, a.mac, v.v4, r.mac, r.v4)
			a.Between(pause*9/10, pause*11/10)
		}
	})
}

// passwords are those that the first published source of Mirai tried most, and others like them.
var passwords = [...][2]string{
	{"root", "xc3511"},
	{"root", "vizxv"},
	{"root", "admin"},
	{"admin", "admin"},
	{"root", "888888"},
	{"root", "xmhdipc"},
	{"root", "default"},
	{"root", "juantech"},
	{"root", "123456"},
	{"root", "54321"},
	{"support", "support"},
	{"root", ""},
	{"admin", "password"},
	{"root", "root"},
	{"root", "12345"},
	{"user", "user"},
}

// GuessTelnet tries n passwords on a device's Telnet port, one connection each.
func (a *Actor) GuessTelnet(to, banner string, n int) {
	a.Finding("guess.credentials", to, func() {
		for i := range n {
			c := a.Dial(to, 23)
			c.Telnet(banner, passwords[i%len(passwords)][0], passwords[i%len(passwords)][1], false)
			c.Reset()
			a.Between(100*time.Millisecond, 400*time.Millisecond)
		}
	})
}

// GuessSSH tries n passwords on a device's SSH port, three for each connection.
func (a *Actor) GuessSSH(to string, server SSH, n int) {
	a.Finding("guess.credentials", to, func() {
		for ; n > 0; n -= 3 {
			c := a.Dial(to, 22)
			c.SSH(GoSSH, server, min(3, n), 0)
			c.CloseRemote()
			a.Between(50*time.Millisecond, 200*time.Millisecond)
		}
	})
}

// TunnelDNS carries n messages out in the names of DNS queries, and others in, in the answers.
func (a *Actor) TunnelDNS(domain string, n int) {
	a.Finding("dns.tunnel", domain, func() {
		code := base32.HexEncoding.WithPadding(base32.NoPadding)
		for i := range n {
			text := strings.ToLower(code.EncodeToString(append([]byte{byte(i >> 8), byte(i)}, octets(a.rng, 70)...)))
			name := text[:60] + "." + text[60:] + "." + domain
			if i%3 == 0 {
				answer := octets(a.rng, 60)
				a.queryRaw(name, typeTXT, append([]byte{60}, answer...))
			} else {
				a.queryRaw(name, typeNULL, octets(a.rng, 40))
			}
			a.Between(40*time.Millisecond, 250*time.Millisecond)
		}
	})
}

// GenerateNames asks for n names that an algorithm made, and that do not exist.
func (a *Actor) GenerateNames(n int) {
	a.Finding("dns.generated", "", func() {
		for range n {
			name := make([]byte, 12+a.rng.IntN(6))
			for i := range name {
				name[i] = 'a' + byte(a.rng.IntN(26))
			}
			a.query(string(name)+".test", typeA)
			a.Between(100*time.Millisecond, 600*time.Millisecond)
		}
	})
}

// Beacon calls a server each period until the end of the capture: a few octets each way on a new connection.
func (a *Actor) Beacon(to string, port uint16, period time.Duration) {
	a.Finding("beacon.rare", to, func() {
		a.Every(period, func() {
			c := a.Dial(to, port)
			c.Send(append([]byte{0, 0, 0, 1}, octets(a.rng, 28)...))
			c.Recv([]byte{0, 0})
			c.Close()
		})
	})
}

// ReflectSSDP is used by someone who sends searches in the victim's name: a answers the victim.
func (a *Actor) ReflectSSDP(victim string, n int, pause time.Duration) {
	request := []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n")
	var answers [][]byte
	for _, t := range a.UPnP.types() {
		answers = append(answers, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: %s\r\nSERVER: %s\r\nST: %s\r\nUSN: %s\r\n\r\n",
			a.location(), a.UPnP.Server, t[0], t[1]))
	}
	a.reflect(victim, 1900, n, pause, request, answers)
}

// ReflectNTP is the same with NTP's monlist (mode 7, request 42).
func (a *Actor) ReflectNTP(victim string, n int, pause time.Duration) {
	request := []byte{0x17, 0, 3, 42, 0, 0, 0, 0}
	list := append([]byte{0xd7, 0, 3, 42, 0, 6, 0, 72}, make([]byte, 6*72)...)
	last := append([]byte{0x97, 1, 3, 42, 0, 6, 0, 72}, make([]byte, 6*72)...)
	a.reflect(victim, 123, n, pause, request, [][]byte{list, last})
}

func (a *Actor) reflect(victim string, port uint16, n int, pause time.Duration, request []byte, answers [][]byte) {
	a.Finding("reflect.participant", victim, func() {
		v := a.play.find(victim)
		a.reach(&a.play.router().host, false)
		me := netip.AddrPortFrom(a.v4, port)
		for range n {
			them := netip.AddrPortFrom(v.v4, uint16(1024+a.rng.IntN(64000)))
			a.play.udp(a.now, v, a.mac, them, me, request)
			t := a.play.after(a.now, &a.host)
			for i, b := range answers {
				a.play.udp(t+int64(i)*60000, &a.host, v.mac, me, them, b)
			}
			a.Between(pause/2, pause*3/2)
		}
	})
}

// RogueRouter says n times that a is a router, with a prefix and a resolver of its own.
func (a *Actor) RogueRouter(prefix netip.Prefix, n int, pause time.Duration) {
	a.Finding("spoof.router", "", func() {
		src := a.local
		if !src.IsValid() {
			src = wire.EUI64(netip.MustParsePrefix("fe80::/64"), a.mac)
		}
		for range n {
			a.play.neighbour(a.now, &a.host, frame.MAC{}, src, allNodes, routerAdvertisement, a.play.advertisement(a.mac, prefix, prefix.Addr().Next()))
			a.Between(pause*9/10, pause*11/10)
		}
	})
}

// FloodDHCP asks for n leases in the names of devices that do not exist.
func (a *Actor) FloodDHCP(n int, pause time.Duration) {
	a.Finding("flood.dhcp", "", func() {
		for range n {
			fake := frame.MAC(octets(a.rng, 6))
			fake[0] = fake[0]&^1 | 2
			a.play.dhcp(a.now, &a.host, a.rng.Uint32(), fake, dhcpDiscover, netip.Addr{}, []option{{55, []byte{1, 3, 6}}})
			a.Between(pause/2, pause*3/2)
		}
	})
}
