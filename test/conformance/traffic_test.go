package conformance

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

const (
	nobody   = 9999 // a port that files list, and on which nobody listens
	timePort = 123
	namePort = 53
	nearPort = 8100 // of neighbours, which files list
)

// TestTrafficThatADeviceMayAndMayNotSend has the cases of SP 1800-15 that its tables leave out: what has no connections,
// what comes in pieces, and what files say in other ways.
func TestTrafficThatADeviceMayAndMayNotSend(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		quiet, peer := s.add("quiet", 11), s.add("peer", 30)
		r := &s.receiver
		for _, port := range []uint16{other, nearPort} {
			peer.listen(t, r, netip.AddrPortFrom(lan(f, 30), port))
		}
		s.gateway.listen(t, r, netip.AddrPortFrom(lan(f, 1), timePort))
		from, to := listed()
		ask, answer := speakWith(25, speaking)
		dead := toHost(26, 6, service)
		dead["example-maker:zone"] = "kitchen"
		near := entry{"ietf-mud:mud": object{"local-networks": null}, "ip": object{"protocol": 17}, "udp": port("destination", nearPort)}
		from = append(from, ask, pingTo(23), toHost(28, 17, nobody), dead, near)
		url := s.maker.publish(t, "dut", from, append(to, answer), s.signer, nil)
		s.start()
		s.join(url)
		quiet.join(t, f, s.maker.publish(t, "quiet", append(silence(), from...), to, s.signer, nil))
		peer.join(t, f)
		s.settles(s.dut)
		s.settles(quiet)
		s.udp(t, b, f)
		s.icmp(t, b, f)
		s.fragments(t, b, f, peer)
		v := fmt.Sprintf("-v%d ", f)
		at := func(n int, port uint16) netip.AddrPort { return netip.AddrPortFrom(wide(f, n), port) }
		clock := netip.AddrPortFrom(lan(f, 1), timePort)
		b.try(t,
			probe{"unknown-leaf" + v + "where an entry leads that has a condition which nobody knows", false, func() bool { return s.dut.reaches(r, "tcp", at(26, service)) }},
			probe{"default" + v + "names, which no entry needs to list", true, func() bool { return s.dut.leads("elsewhere.example", f) }},
			probe{"default" + v + "time, likewise", true, func() bool { return s.dut.reaches(r, "udp", clock) }},
			probe{"explicit-drop" + v + "names, which the file forbids", false, func() bool { return quiet.leads("elsewhere.example", f) }},
			probe{"explicit-drop" + v + "time, which the file forbids", false, func() bool { return quiet.reaches(r, "udp", clock) }},
			probe{"explicit-drop" + v + "what the file lists all the same", true, func() bool { return quiet.reaches(r, "tcp", at(23, service)) }},
		)
	})
}

// silence forbids what every device may do that has a file: to ask for names and the time (RFC 8520 §3.11).
func silence() (list []entry) {
	for class, n := range map[string]int{"urn:ietf:params:mud:dns": namePort, "urn:ietf:params:mud:ntp": timePort} {
		list = append(list,
			entry{"drop": true, "ietf-mud:mud": object{"controller": class}, "ip": object{"protocol": 17}, "udp": port("destination", n)},
			entry{"drop": true, "ietf-mud:mud": object{"controller": class}, "ip": object{"protocol": 6}, "tcp": port("destination", n)})
	}
	return list
}

// udp: who was asked may answer, and nobody else may say anything.
func (s *scene) udp(t *testing.T, b *table, f int) {
	v := fmt.Sprintf("UDP-v%d ", f)
	r, ear := &s.receiver, s.dut.overhear(t, "eth0")
	to := netip.AddrPortFrom(wide(f, 25), speaking)
	c := s.dut.beginFrom(r, "udp", netip.AddrPortFrom(lan(f, 10), 5555), to)
	defer c.Close()
	b.check(t, v+"the device to an address and port that the file lists", true, c.arrives())
	b.check(t, v+"the answer", true, c.answered())
	unasked := func(n int, from, to uint16) func() bool {
		return func() bool {
			return s.internet.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{udpFrame(wanMAC, wanPeer, netip.AddrPortFrom(wide(f, n), from), netip.AddrPortFrom(lan(f, 10), to), word)}
			})
		}
	}
	b.try(t,
		probe{v + "the same address and port to another port, unasked", false, unasked(25, speaking, 6001)},
		probe{v + "a stranger, from the port that the file lists, to the port that asked", false, unasked(30, speaking, 5555)},
		probe{v + "the same address from another port to the port that asked", false, unasked(25, other, 5555)},
	)
}

// wanPeer is the source of frames from the Internet that are made by hand: nobody looks at it.
var wanPeer = frame.MAC{2, 0, 0x77, 0, 0, 3}

// icmp: pings are listed like anything else, and errors come through about what was said.
func (s *scene) icmp(t *testing.T, b *table, f int) {
	v := fmt.Sprintf("ICMP-v%d ", f)
	out, in := s.internet.overhear(t, "eth0"), s.dut.overhear(t, "eth0")
	own := lan(f, 10)
	ping := func(ear *receiver, n int, id byte) func() bool {
		return func() bool {
			return s.dut.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{echo(routerMAC, s.dut.link(), own, wide(f, n), false, id, word)}
			})
		}
	}
	fromOutside := func(n int, answer bool, id byte) func() bool {
		return func() bool {
			return s.internet.comes(t, "eth0", in, func(word []byte) [][]byte {
				return [][]byte{echo(wanMAC, wanPeer, wide(f, n), own, answer, id, word)}
			})
		}
	}
	refused := func() bool {
		c := s.dut.begin(&s.receiver, "udp", netip.AddrPortFrom(wide(f, 28), nobody))
		defer c.Close()
		_, _ = c.Write([]byte("anybody?"))
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, err := c.Read(make([]byte, 1))
		return isRefused(err)
	}
	forged := func() bool {
		return s.internet.comes(t, "eth0", in, func(word []byte) [][]byte {
			about := packet(wanMAC, wanPeer, own, wide(f, 30), wire.ProtoUDP, wire.UDP(netip.AddrPortFrom(own, 1234), netip.AddrPortFrom(wide(f, 30), 4321), word))
			body := append([]byte{0, 0, 0, 0}, wire.Datagram(about)...)
			if f == 4 {
				return [][]byte{packet(wanMAC, wanPeer, wide(f, 30), own, wire.ProtoICMP, wire.ICMP(3, 3, body))}
			}
			return [][]byte{packet(wanMAC, wanPeer, wide(f, 30), own, wire.ProtoICMPv6, wire.ICMPv6(wide(f, 30), own, 1, 4, body))}
		})
	}
	b.try(t,
		probe{v + "a ping of an address that the file lists", true, ping(out, 23, 1)},
		probe{v + "the answer to it", true, ping(in, 23, 2)},
		probe{v + "a ping of a stranger", false, ping(out, 30, 3)},
		probe{v + "a stranger’s ping of the device", false, fromOutside(30, false, 4)},
		probe{v + "an answer that nobody asked for", false, fromOutside(23, true, 5)},
		probe{v + "an error about what the device said", true, refused},
		probe{v + "an error about what it never said", false, forged},
	)
}

// fragments: what comes in pieces is judged as what it is.
func (s *scene) fragments(t *testing.T, b *table, f int, peer *thing) {
	v := fmt.Sprintf("fragments-v%d ", f)
	out, near := s.internet.overhear(t, "eth0"), peer.overhear(t, "eth0")
	c := s.dut.begin(&s.receiver, "udp", netip.AddrPortFrom(wide(f, 23), service))
	defer c.Close()
	const size = 512
	pieces := func(ear *receiver, to frame.MAC, at netip.AddrPort, id uint32, which func([][]byte) [][]byte) func() bool {
		return func() bool {
			return s.dut.comes(t, "eth0", ear, func(word []byte) [][]byte {
				data := append(make([]byte, 2*size), word...) // it is in the last piece
				return which(wire.Fragment(udpFrame(to, s.dut.link(), netip.AddrPortFrom(lan(f, 10), 5556), at, data), size, id))
			})
		}
	}
	all := func(p [][]byte) [][]byte { return p }
	last := func(p [][]byte) [][]byte { return p[len(p)-1:] }
	n := s.dut.begin(&s.receiver, "udp", netip.AddrPortFrom(lan(f, 30), nearPort))
	defer n.Close()
	b.try(t,
		probe{v + "a long datagram to a neighbour’s port that the file lists", true, func() bool { return n.arrivesWith(4000) }},
		probe{v + "a long datagram to what the file lists", true, func() bool { return c.arrivesWith(4000) }},
		probe{v + "any piece of a long datagram to a stranger", false, pieces(out, routerMAC, netip.AddrPortFrom(wide(f, 30), service), 1, all)},
		probe{v + "a last piece alone, to a stranger", false, pieces(out, routerMAC, netip.AddrPortFrom(wide(f, 29), service), 2, last)},
		probe{v + "a last piece alone, to what the file lists on another port", false, pieces(out, routerMAC, netip.AddrPortFrom(wide(f, 23), other), 3, last)},
		probe{v + "any piece of a long datagram to a neighbour", false, pieces(near, peer.link(), netip.AddrPortFrom(lan(f, 30), other), 4, all)},
		probe{v + "a last piece alone, to a neighbour", false, pieces(near, peer.link(), netip.AddrPortFrom(lan(f, 30), other), 5, last)},
	)
}
