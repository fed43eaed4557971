package detect

import (
	"fmt"
	"testing"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// crowd calls do for each of n devices of the network that do not answer what they are sent.
func crowd(n int, do func(p party)) {
	for i := range n {
		do(party{mac: frame.MAC{0x00, 0x17, 0x88, 1, 0, byte(i)}, ip: fmt.Sprintf("192.168.1.%d", 100+i)})
	}
}

// Whoever answers those who asked all tries nobody, though each answer is a flow of its own that nobody answers.
func TestAnswersToTheAskingAreNoScan(t *testing.T) {
	group := party{mac: frame.MAC{0x01, 0x00, 0x5e, 0, 0, 0xfb}, ip: "224.0.0.251"}
	all := party{mac: frame.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, ip: "192.168.1.255"}
	asked := func(who, to party, from, at uint16) func(s *stage) {
		return func(s *stage) {
			crowd(120, func(p party) {
				s.step(Began, p.on(from), to.on(at), frame.ProtoUDP)
				s.step(Began, who.on(at), p.on(from), frame.ProtoUDP)
			})
		}
	}
	kind := finding.ScanHorizontal
	play(t, []said{
		{"leases for all after a power cut", func(s *stage) {
			crowd(120, func(p party) { s.step(Began, router.on(67), p.on(68), frame.ProtoUDP) })
		}, kind, router, none, nil},
		{"leases of IPv6", func(s *stage) {
			r := party{mac: router.mac, ip: "fe80::1"}
			crowd(120, func(p party) {
				p.ip = "fe80::2:" + p.ip[len("192.168.1."):]
				s.step(Began, r.on(547), p.on(546), frame.ProtoUDP)
			})
		}, kind, router, none, nil},
		{"multicast DNS", asked(lamp, group, 5353, 5353), kind, lamp, none, nil},
		{"a search by SSDP from one port", asked(lamp, party{mac: frame.MAC{0x01, 0x00, 0x5e, 0x7f, 0xff, 0xfa}, ip: "239.255.255.250"}, 1900, 1900), kind, lamp, none, nil},
		{"a search of a maker's own", asked(lamp, all, 9999, 9999), kind, lamp, none, nil},
		{"time and names for all", func(s *stage) {
			crowd(120, func(p party) {
				s.meet(p.on(123), router.on(123), frame.ProtoUDP, "ntp", "", 48)
				s.meet(p.on(40000), router.on(53), frame.ProtoUDP, "dns", "", 48)
			})
		}, kind, router, none, nil},
	})
	s := set(t, Config{})
	crowd(120, func(p party) { s.step(Began, camera.on(5353), p.on(5353), frame.ProtoUDP) })
	s.want(kind, camera, finding.Actor, finding.Medium, "service", "udp/5353")
}
