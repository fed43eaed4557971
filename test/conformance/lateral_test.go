package conformance

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/certtest"
)

func TestIoT6NeighboursAreReachedAsTheClassesOfTheFileSay(t *testing.T) {
	const (
		anyPort, kinPort, controlPort = 8000, 8001, 8002
		peerPort                      = 9000 // of nobody
	)
	var b table
	defer b.print(t)
	s := newScene(t)
	kin, stranger := s.add("kin", 20), s.add("stranger", 30)
	for _, f := range []int{4, 6} {
		for _, p := range []*thing{kin, stranger} {
			for _, port := range []uint16{anyPort, kinPort, controlPort, peerPort} {
				p.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, p.number), port))
			}
		}
	}
	from := func(class map[string]any, port int) entry {
		return entry{
			"ietf-mud:mud": class, "ip": map[string]any{"protocol": 6},
			"tcp": map[string]any{"destination-port": map[string]any{"operator": "eq", "port": port}, "ietf-mud:direction-initiated": "from-device"},
		}
	}
	to := func(class map[string]any, port int) entry {
		return entry{
			"ietf-mud:mud": class, "ip": map[string]any{"protocol": 6},
			"tcp": map[string]any{"destination-port": map[string]any{"operator": "eq", "port": port}, "ietf-mud:direction-initiated": "to-device"},
		}
	}
	null := []any{nil}
	url := s.maker.publish(t, "dut",
		[]entry{
			from(map[string]any{"local-networks": null}, anyPort), from(map[string]any{"same-manufacturer": null}, kinPort),
			from(map[string]any{"manufacturer": wide(4, 10).String()}, controlPort),
		},
		[]entry{to(map[string]any{"same-manufacturer": null}, inward)}, certtest.Issue(t, s.anchor, "signer", nil), nil)
	s.start()
	for _, x := range []struct {
		*thing
		url string
	}{{kin, "https://" + wide(4, 10).String() + "/kin.json"}, {stranger, ""}, {s.dut, url}} {
		x.dhcp(t, 3, x.url)
		for _, f := range []int{4, 6} {
			x.hello(lan(f, x.number))
		}
	}
	s.until("the device is held", func() bool { return s.device(s.dut).State == "held" && s.device(kin).State != "" })
	s.until("the rules know all addresses", func() bool {
		rules := s.rules()
		for _, f := range []int{4, 6} {
			for _, n := range []int{10, 20} {
				if !strings.Contains(rules, lan(f, n).String()) {
					return false
				}
			}
		}
		return true
	})
	families(t, func(t *testing.T, f int) {
		v := fmt.Sprintf("IoT-6-v%d ", f)
		r := &s.receiver
		at := func(n int, port uint16) netip.AddrPort { return netip.AddrPortFrom(lan(f, n), port) }
		b.check(t, v+"local-networks: the device to anybody here", true, s.dut.reaches(r, "tcp", at(30, anyPort)))
		b.check(t, v+"same-manufacturer: the device to its kin", true, s.dut.reaches(r, "tcp", at(20, kinPort)))
		b.check(t, v+"same-manufacturer: the device to a stranger", false, s.dut.reaches(r, "tcp", at(30, kinPort)))
		b.check(t, v+"manufacturer: the device to who is of it", true, s.dut.reaches(r, "tcp", at(20, controlPort)))
		b.check(t, v+"manufacturer: the device to a stranger", false, s.dut.reaches(r, "tcp", at(30, controlPort)))
		b.check(t, v+"what no entry lists", false, s.dut.reaches(r, "tcp", at(20, peerPort)))
		b.check(t, v+"same-manufacturer: its kin to the device", true, kin.reaches(r, "tcp", at(10, inward)))
		b.check(t, v+"same-manufacturer: a stranger to the device", false, stranger.reaches(r, "tcp", at(10, inward)))
		b.check(t, v+"another port of the device", false, kin.reaches(r, "tcp", at(10, other)))
		b.check(t, v+"others among themselves", true, stranger.reaches(r, "tcp", at(20, peerPort)))
	})
}

func TestNobodyTakesAnothersAddress(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	thief := s.add("thief", 40)
	thief.hello(lan(4, 40))
	s.until("the thief is known", func() bool { return s.device(thief).State != "" })
	// what the device may reach, under its address
	thief.ip(t, "addr add "+lan(4, 10).String()+"/24 dev eth0")
	b.check(t, "another’s IPv4 address as the source", false, thief.reachesFrom(&s.receiver, lan(4, 10), netip.AddrPortFrom(wide(4, 23), service)))
	b.check(t, "its own address as the source", true, thief.reachesFrom(&s.receiver, lan(4, 40), netip.AddrPortFrom(wide(4, 23), service)))
	b.check(t, "the device itself, still", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 23), service)))
}

func TestASecondAddressIsHeldLikeTheFirst(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	second := netip.MustParseAddr("fd77::1:10")
	s.dut.ip(t, "addr add "+second.String()+"/64 dev eth0 nodad")
	s.until("under it, what is listed is reached", func() bool {
		return s.dut.reachesFrom(&s.receiver, second, netip.AddrPortFrom(wide(6, 23), service))
	})
	s.until("the rules know it", func() bool { return strings.Contains(s.rules(), second.String()) })
	b.check(t, "under it, what is not listed", false, s.dut.reachesFrom(&s.receiver, second, netip.AddrPortFrom(wide(6, 30), service)))
	s.dut.listen(t, &s.receiver, netip.AddrPortFrom(second, inward))
	b.check(t, "a stranger to it", false, fromInternet(s, 6, 30, netip.AddrPortFrom(second, inward)))
}

func TestANameLeadsNowhereUntilItWasAskedForAndThenAtOnce(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	families(t, func(t *testing.T, f int) {
		to := netip.AddrPortFrom(wide(f, 22), service)
		b.check(t, fmt.Sprintf("v%d before the name was asked for", f), false, s.dut.reaches(&s.receiver, "tcp", to))
		if _, err := s.dut.lookUp("cloud.maker.example", f); err != nil {
			t.Fatal(err)
		}
		b.check(t, fmt.Sprintf("v%d at once after the answer", f), true, s.dut.reaches(&s.receiver, "tcp", to))
	})
}
