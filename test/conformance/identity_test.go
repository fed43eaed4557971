package conformance

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// TestADeviceThatSaysItIsAnother: sources that are false, claims by ARP and neighbour advertisements, and other ways to
// be somebody else.
func TestADeviceThatSaysItIsAnother(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		kin, peer := s.add("kin", 20), s.add("peer", 30)
		r := &s.receiver
		for _, d := range []*thing{kin, peer} {
			d.listen(t, r, netip.AddrPortFrom(lan(f, d.number), other))
		}
		from, to := listed()
		// the kin may begin with 27, and is let into by anybody at home
		url := s.maker.publish(t, "kin", append(from, toHost(27, 6, service), toHost(27, 17, service)), append(to, fromClass("local-networks", null, other)), s.signer, nil)
		s.start()
		s.join(s.publishGood())
		kin.join(t, f, url)
		peer.join(t, f)
		s.settles(s.dut)
		s.settles(kin)
		s.within("the addresses are known", func() bool {
			return peer.reaches(r, "tcp", netip.AddrPortFrom(lan(f, 20), other)) && peer.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 30), service))
		})
		s.falseSources(t, b, f, kin)
		s.poisoning(t, b, f, kin, peer)
		s.neighbours(t, b, f, kin, peer)
		s.secondAddress(t, b, f)
		s.groups(t, b, f, peer)
	})
}

// falseSources: frames of the device under test under addresses of others. What it says as itself comes through.
func (s *scene) falseSources(t *testing.T, b *table, f int, kin *thing) {
	v := fmt.Sprintf("spoofing-v%d ", f)
	ear := s.internet.overhear(t, "eth0")
	says := func(as frame.MAC, from netip.Addr, to int) func() bool {
		return func() bool {
			return s.dut.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{udpFrame(routerMAC, as, netip.AddrPortFrom(from, 5557), netip.AddrPortFrom(wide(f, to), service), word)}
			})
		}
	}
	b.try(t,
		probe{v + "under its own addresses", true, says(s.dut.link(), lan(f, 10), 23)},
		probe{v + "under another’s IP address, where that one may go", false, says(s.dut.link(), lan(f, 20), 27)},
		probe{v + "under the gateway’s IP address", false, says(s.dut.link(), lan(f, 1), 23)},
		probe{v + "under an IP address of nobody at home", false, says(s.dut.link(), wide(f, 30), 23)},
	)
	// these move where the bridge looks for the others, so each of those speaks again
	b.check(t, v+"under another’s link-layer address, where that one may go", false, says(kin.link(), lan(f, 10), 27)())
	kin.hello(lan(f, 20))
	b.check(t, v+"under both addresses of another device that is held, where that one may not go", false, says(kin.link(), lan(f, 20), 30)())
	kin.hello(lan(f, 20))
	b.check(t, v+"that other one, still", true, kin.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 27), service)))
}

// poisoning: the device says, unasked, that addresses of others are at its own.
func (s *scene) poisoning(t *testing.T, b *table, f int, kin, peer *thing) {
	v := fmt.Sprintf("poisoning-v%d ", f)
	r := &s.receiver
	for _, victim := range []netip.Addr{lan(f, 1), lan(f, 20)} {
		s.dut.send(t, "eth0", claim(peer.link(), s.dut.link(), victim, lan(f, 30)))
	}
	s.dut.send(t, "eth0", claim(routerMAC, s.dut.link(), lan(f, 30), lan(f, 1)))
	b.try(t,
		probe{v + "a neighbour to the Internet, after the device said that it is the gateway", true, func() bool { return peer.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 30), service)) }},
		probe{v + "a neighbour to another, after the device said that it is that one", true, func() bool { return peer.reaches(r, "tcp", netip.AddrPortFrom(lan(f, 20), other)) }},
		probe{v + "the Internet to a neighbour, after the device told the gateway so", true, func() bool { return peer.begin(r, "tcp", netip.AddrPortFrom(wide(f, 29), service)).answered() }},
	)
	if f == 6 {
		ear := peer.overhear(t, "eth0")
		b.try(t, probe{v + "the device’s word that it is a router", false, func() bool {
			return s.dut.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{advertise(s.dut.link(), 1800, netip.Prefix{}, word)}
			})
		}})
	}
}

// neighbours: on one link, what no entry lists does not pass, whatever it is.
func (s *scene) neighbours(t *testing.T, b *table, f int, kin, peer *thing) {
	v := fmt.Sprintf("same-subnet-v%d ", f)
	r := &s.receiver
	ear := peer.overhear(t, "eth0")
	to := func(d *thing) netip.AddrPort { return netip.AddrPortFrom(lan(f, d.number), other) }
	b.try(t,
		probe{v + "the device to a neighbour, TCP", false, func() bool { return s.dut.reaches(r, "tcp", to(peer)) }},
		probe{v + "the device to a neighbour, UDP", false, func() bool { return s.dut.reaches(r, "udp", to(peer)) }},
		probe{v + "the device to one that lets in anybody at home", false, func() bool { return s.dut.reaches(r, "tcp", to(kin)) }},
		probe{v + "a neighbour to the device", false, func() bool { return peer.reaches(r, "tcp", to(s.dut)) }},
		probe{v + "a neighbour to one that lets in anybody at home", true, func() bool { return peer.reaches(r, "tcp", to(kin)) }},
		probe{v + "the device pings a neighbour", false, func() bool {
			return s.dut.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{echo(peer.link(), s.dut.link(), lan(f, 10), lan(f, 30), false, 9, word)}
			})
		}},
		probe{v + "the device to a neighbour by something that is not IP", false, func() bool {
			return s.dut.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{wire.Pad(wire.Ethernet(peer.link(), s.dut.link(), 0x88b5, word))}
			})
		}},
		probe{v + "the device to a neighbour’s IP address by the gateway’s link-layer address", false, func() bool {
			return s.dut.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{udpFrame(routerMAC, s.dut.link(), netip.AddrPortFrom(lan(f, 10), 5558), to(peer), word)}
			})
		}},
	)
}

// secondAddress: by IPv6 a device makes itself addresses when a router tells it a prefix (RFC 4862), and is held under
// each; by IPv4 somebody gives it another.
func (s *scene) secondAddress(t *testing.T, b *table, f int) {
	v := map[int]string{4: "second-address-v4 ", 6: "SLAAC-v6 "}[f]
	r := &s.receiver
	second := lan(f, 200)
	if f == 6 {
		second = wire.EUI64(lan6, s.dut.link())
		for _, dev := range []string{"accept_ra", "autoconf"} {
			s.dut.set(t, "ipv6/conf/eth0/"+dev, "1")
		}
		s.gateway.send(t, "br0", advertise(routerMAC, 0, lan6, nil))
	} else {
		s.dut.ip(t, "addr add "+within(second).String()+" dev eth0")
	}
	s.within("the device has another address", func() bool {
		return s.dut.reachesFrom(r, second, netip.AddrPortFrom(wide(f, 23), service))
	})
	s.dut.listen(t, r, netip.AddrPortFrom(second, inward))
	s.within("strangers do not reach it", func() bool { return !fromInternet(s, f, 30, netip.AddrPortFrom(second, inward)) })
	b.try(t,
		probe{v + "under it, what the file lists", true, func() bool { return s.dut.reachesFrom(r, second, netip.AddrPortFrom(wide(f, 23), service)) }},
		probe{v + "under it, what the file does not list", false, func() bool { return s.dut.reachesFrom(r, second, netip.AddrPortFrom(wide(f, 30), service)) }},
		probe{v + "a peer that may begin, to it", true, func() bool { return fromInternet(s, f, 24, netip.AddrPortFrom(second, inward)) }},
		probe{v + "a stranger to it", false, func() bool { return fromInternet(s, f, 30, netip.AddrPortFrom(second, inward)) }},
	)
}

// groups: multicast DNS, which the file of the device does not list (RFC 6762), and by which others are flooded.
func (s *scene) groups(t *testing.T, b *table, f int, peer *thing) {
	const mdns = 5353
	v := fmt.Sprintf("mDNS-v%d ", f)
	group := map[int]netip.Addr{4: netip.MustParseAddr("224.0.0.251"), 6: netip.MustParseAddr("ff02::fb")}[f]
	near, far, own := peer.overhear(t, "eth0"), s.internet.overhear(t, "eth0"), s.dut.overhear(t, "eth0")
	from := func(who *thing, ear *receiver, to frame.MAC, src, dst netip.Addr) func() bool {
		return func() bool {
			return who.comes(t, "eth0", ear, func(word []byte) [][]byte {
				return [][]byte{udpFrame(to, who.link(), netip.AddrPortFrom(src, mdns), netip.AddrPortFrom(dst, mdns), word)}
			})
		}
	}
	b.try(t,
		probe{v + "the device asks all, where its file does not list that", false, from(s.dut, near, wire.Group(group), lan(f, 10), group)},
		probe{v + "the device asks all under a neighbour’s address, who would be flooded", false, from(s.dut, near, wire.Group(group), lan(f, 30), group)},
		probe{v + "the device answers somebody on the Internet", false, from(s.dut, far, routerMAC, lan(f, 10), wide(f, 30))},
		probe{v + "a neighbour asks all, and the neighbours hear", true, from(peer, own, wire.Group(group), lan(f, 30), group)},
		probe{v + "what is asked of all leaves the home", false, from(peer, far, wire.Group(group), lan(f, 30), group)},
		probe{v + "somebody on the Internet asks the device", false, func() bool {
			return s.internet.comes(t, "eth0", own, func(word []byte) [][]byte {
				return [][]byte{udpFrame(wanMAC, wanPeer, netip.AddrPortFrom(wide(f, 30), mdns), netip.AddrPortFrom(lan(f, 10), mdns), word)}
			})
		}},
	)
}

// TestAnotherLinkLayerAddress: a device that changes it is a new device; it takes nothing of what it was along, and is
// held again when it says again what it is.
func TestAnotherLinkLayerAddress(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		kin := s.add("kin", 20)
		kin.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, 20), other))
		from, to := listed()
		s.start()
		s.join(s.publishGood())
		kin.join(t, f, s.maker.publish(t, "kin", from, append(to, fromClass("same-manufacturer", null, other)), s.signer, nil))
		s.settles(s.dut)
		s.settles(kin)
		v := fmt.Sprintf("MAC-change-v%d ", f)
		r := &s.receiver
		at := func(n int) netip.AddrPort { return netip.AddrPortFrom(wide(f, n), service) }
		change := func(m frame.MAC) {
			s.dut.mac = net.HardwareAddr(m[:])
			s.dut.ip(t, "link set eth0 address "+m.String())
		}
		old := s.dut.link()
		change(macOf(99))
		b.try(t,
			probe{v + "with another, under the IP address that it had, to the Internet", false, func() bool { return s.dut.reaches(r, "tcp", at(30)) }},
			probe{v + "with another, to its kin", false, func() bool { return s.dut.reaches(r, "tcp", netip.AddrPortFrom(lan(f, 20), other)) }},
		)
		change(old)
		b.try(t,
			probe{v + "with the first again: what its file lists", true, func() bool { return s.dut.reaches(r, "tcp", at(23)) }},
			probe{v + "with the first again: all else", false, func() bool { return s.dut.reaches(r, "tcp", at(30)) }},
		)
		s.dut.release(t, f)
		change(macOf(98))
		s.dut.number = 98
		for _, family := range []int{4, 6} {
			p := within(lan(family, 98))
			s.dut.ip(t, "addr del "+within(lan(family, 10)).String()+" dev eth0")
			s.dut.ip(t, "addr add "+p.String()+" dev eth0 "+nodad(p))
		}
		s.dut.ip(t, "route replace default via "+lan4.Addr().String())
		s.dut.ip(t, "-6 route replace default via "+lan6.Addr().String())
		s.dut.join(t, f, s.maker.url("dut"))
		s.settles(s.dut)
		b.try(t,
			probe{v + "with a third, and its MUD URL: what its file lists", true, func() bool { return s.dut.reaches(r, "tcp", at(23)) }},
			probe{v + "with a third, and its MUD URL: all else", false, func() bool { return s.dut.reaches(r, "tcp", at(30)) }},
		)
	})
}
