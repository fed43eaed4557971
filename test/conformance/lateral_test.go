package conformance

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestIoT6NeighboursAreReachedAsTheClassesOfTheFileSay(t *testing.T) {
	const (
		localPort, kinPort, makerPort, modelPort = 8000, 8001, 8002, 8003
		hubPort, classPort                       = 8004, 8005
		nobodysPort                              = 9000
		class                                    = "https://lamps.example/controllers"
	)
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		elsewhere := newMaker(t, s.internet, s.root, wide(f, 11), nil)
		kin, foreign, hub, stranger := s.add("kin", 20), s.add("foreign", 21), s.add("hub", 22), s.add("stranger", 30)
		for _, p := range []*thing{kin, foreign, hub, stranger} {
			for _, port := range []uint16{localPort, kinPort, makerPort, modelPort, hubPort, classPort, nobodysPort} {
				p.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, p.number), port))
			}
		}
		for _, port := range []uint16{inward + 1, inward + 2} {
			s.dut.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, 10), port))
		}
		authority := wide(f, 11).String()
		any := []entry{toClass("local-networks", null, nobodysPort), toClass("local-networks", null, inward), toClass("local-networks", null, inward+1), toHost(23, 6, service)}
		inside := []entry{fromClass("local-networks", null, localPort), fromClass("local-networks", null, kinPort), fromClass("local-networks", null, makerPort), fromClass("local-networks", null, modelPort)}
		kinURL := s.maker.publish(t, "kin", any, inside, s.signer, nil)
		foreignURL := elsewhere.publish(t, "foreign", any, inside, s.signer, nil)
		url := s.maker.publish(t, "dut",
			[]entry{
				toClass("local-networks", null, localPort), toClass("same-manufacturer", null, kinPort), toClass("manufacturer", authority, makerPort),
				toClass("model", kinURL, modelPort), toClass("my-controller", null, hubPort), toClass("controller", class, classPort), toHost(23, 6, service),
			},
			[]entry{fromClass("same-manufacturer", null, inward), fromClass("manufacturer", authority, inward+1), fromClass("my-controller", null, inward+2)}, s.signer, nil)
		s.start()
		kin.join(t, f, kinURL)
		foreign.join(t, f, foreignURL)
		hub.join(t, f)
		stranger.join(t, f)
		s.join(url)
		for _, d := range []*thing{kin, foreign, s.dut} {
			s.settles(d)
		}
		r := &s.receiver
		to := func(n int, port uint16) netip.AddrPort { return netip.AddrPortFrom(lan(f, n), port) }
		s.within("the classes have their members", func() bool {
			return s.dut.reaches(r, "tcp", to(20, kinPort)) && s.dut.reaches(r, "tcp", to(21, makerPort)) && kin.reaches(r, "tcp", to(10, inward))
		})
		v := fmt.Sprintf("IoT-6-v%d ", f)
		reach := func(name string, expected bool, from *thing, at netip.AddrPort) probe {
			return probe{v + name, expected, func() bool { return from.reaches(r, "tcp", at) }}
		}
		b.try(t,
			reach("local-networks: the device to anybody here", true, s.dut, to(30, localPort)),
			reach("same-manufacturer: the device to its kin", true, s.dut, to(20, kinPort)),
			reach("same-manufacturer: the device to another maker’s", false, s.dut, to(21, kinPort)),
			reach("same-manufacturer: the device to a stranger", false, s.dut, to(30, kinPort)),
			reach("same-manufacturer: its kin to the device", true, kin, to(10, inward)),
			reach("same-manufacturer: another maker’s to the device", false, foreign, to(10, inward)),
			reach("same-manufacturer: a stranger to the device", false, stranger, to(10, inward)),
			reach("manufacturer: the device to who is of it", true, s.dut, to(21, makerPort)),
			reach("manufacturer: the device to who is not", false, s.dut, to(20, makerPort)),
			reach("manufacturer: who is of it to the device", true, foreign, to(10, inward+1)),
			reach("manufacturer: who is not to the device", false, kin, to(10, inward+1)),
			reach("model: the device to who is of it", true, s.dut, to(20, modelPort)),
			reach("model: the device to who is not", false, s.dut, to(21, modelPort)),
			reach("nothing: the device to a port that no entry lists", false, s.dut, to(20, nobodysPort)),
			reach("nothing: its kin to a port that no entry lists", false, kin, to(10, other)),
			reach("local-networks: a stranger to a device whose file lets in anybody here", true, stranger, to(20, localPort)),
		)
		if another() {
			return // only its own verbs can say who controls what
		}
		b.try(t, reach("my-controller: the device to who might be it, before anybody said so", false, s.dut, to(22, hubPort)))
		s.mustAsk("controller", s.dut.mac.String(), "--is", hub.mac.String())
		s.mustAsk("controller", s.dut.mac.String(), "--is", hub.mac.String(), "--class", class)
		b.try(t,
			reach("my-controller: the device to its controller", true, s.dut, to(22, hubPort)),
			reach("my-controller: its controller to the device", true, hub, to(10, inward+2)),
			reach("my-controller: the device to others", false, s.dut, to(30, hubPort)),
			reach("my-controller: others to the device", false, stranger, to(10, inward+2)),
			reach("controller: the device to who is of the class", true, s.dut, to(22, classPort)),
			reach("controller: the device to others", false, s.dut, to(30, classPort)),
		)
	})
}
