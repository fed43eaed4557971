package conformance

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"plimsoll.example/plimsoll/internal/lab/wire"
)

const (
	kinPort  = 8001 // that a file lists for who is of the same maker
	freePort = 9000 // of nobody
)

// neighbourhood is a house with a device that is held, its kin, and a stranger who hears what kin says.
func neighbourhood(t *testing.T, flags ...string) (s *scene, kin, stranger *thing) {
	t.Helper()
	own(t)
	s = newScene(t)
	s.flags = append(s.flags, flags...)
	kin, stranger = s.add("kin", 20), s.add("stranger", 30)
	for _, f := range []int{4, 6} {
		for _, d := range []*thing{kin, stranger} {
			for _, port := range []uint16{kinPort, freePort} {
				d.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, d.number), port))
			}
		}
	}
	from, to := listed()
	url := s.maker.publish(t, "dut", append(from, toClass("same-manufacturer", null, kinPort)), append(to, fromClass("same-manufacturer", null, inward)), s.signer, nil)
	s.start()
	kin.join(t, 4, s.maker.url("kin"))
	stranger.join(t, 4)
	for _, d := range []*thing{kin, stranger} {
		for _, f := range []int{4, 6} {
			d.hello(lan(f, d.number))
		}
	}
	s.join(url)
	for _, f := range []int{4, 6} {
		s.dut.hello(lan(f, s.dut.number))
	}
	s.settles(s.dut)
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
	return s, kin, stranger
}

// bridge is all of the bridge that isolation may alter, as other programs see it.
func (h *house) bridge() string {
	var out []byte
	_ = h.gateway.do(func() error {
		for _, c := range [][]string{{"bridge", "-d", "link", "show"}, {"ip", "-6", "neigh", "show", "proxy"}} {
			said, err := exec.Command(c[0], c[1:]...).CombinedOutput()
			if err != nil {
				return err
			}
			out = append(out, said...)
		}
		for _, name := range []string{"ipv4/conf/br0/proxy_arp_pvlan", "ipv4/neigh/br0/proxy_delay", "ipv6/conf/br0/proxy_ndp", "ipv6/neigh/br0/proxy_delay"} {
			said, _ := os.ReadFile("/proc/sys/net/" + name)
			out = fmt.Appendf(out, "%s %s", name, said)
		}
		return nil
	})
	return string(out)
}

// hasMAC is the link-layer address that a device knows an address by.
func (d *thing) hasMAC(a netip.Addr) string {
	var out []byte
	_ = d.do(func() (err error) {
		out, err = exec.Command("ip", "neigh", "show", a.String()).Output()
		return err
	})
	if f := strings.Fields(string(out)); len(f) > 4 {
		return f[4]
	}
	return ""
}

// holds checks who speaks with whom on one bridge.
func holds(t *testing.T, s *scene, b *table, how string, kin, stranger *thing) {
	t.Helper()
	families(t, func(t *testing.T, f int) {
		r, v := &s.receiver, fmt.Sprintf("lateral-%s-v%d ", how, f)
		at := func(n int, port uint16) netip.AddrPort { return netip.AddrPortFrom(lan(f, n), port) }
		b.try(
			t,
			probe{v + "the held device to its kin, as listed", true, func() bool { return s.dut.reaches(r, "tcp", at(20, kinPort)) }},
			probe{v + "the same to a stranger", false, func() bool { return s.dut.reaches(r, "tcp", at(30, kinPort)) }},
			probe{v + "a port that is not listed", false, func() bool { return s.dut.reaches(r, "tcp", at(20, freePort)) }},
			probe{v + "the same by UDP", false, func() bool { return s.dut.reaches(r, "udp", at(20, freePort)) }},
			probe{v + "its kin to the held device, as listed", true, func() bool { return kin.reaches(r, "tcp", at(10, inward)) }},
			probe{v + "a stranger to the held device", false, func() bool { return stranger.reaches(r, "tcp", at(10, inward)) }},
			probe{v + "free devices with each other, TCP", true, func() bool { return stranger.reaches(r, "tcp", at(20, freePort)) }},
			probe{v + "free devices with each other, UDP", true, func() bool { return kin.reaches(r, "udp", at(30, freePort)) }},
		)
	})
}

func TestHeldDevicesMeetTheirNeighboursUnderAllRules(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	s, kin, stranger := neighbourhood(t)
	before := s.bridge()
	holds(t, s, &b, "routed", kin, stranger)
	b.check(t, "lateral-routed free devices know each other’s own address", kin.mac.String(), stranger.hasMAC(lan(4, 20)))
	ear := stranger.overhear(t, "eth0")
	mdns := func(word []byte) [][]byte {
		group := netip.MustParseAddr("224.0.0.251")
		return [][]byte{udpFrame(wire.Group(group), kin.link(), netip.AddrPortFrom(lan(4, 20), 5353), netip.AddrPortFrom(group, 5353), word)}
	}
	b.check(t, "lateral-routed mDNS of a free device reaches another", true, kin.comes(t, "eth0", ear, mdns))
	live := s.dut.begin(&s.receiver, "tcp", netip.AddrPortFrom(lan(4, 20), kinPort))
	b.check(t, "lateral-routed a conversation with kin", true, live.arrives())
	s.stop(syscall.SIGKILL)
	b.check(t, "lateral-routed killed: it goes on", true, live.arrives())
	b.check(t, "lateral-routed killed: what is not listed", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(lan(4, 20), freePort)))
	s.start()
	b.check(t, "lateral-routed started again: it goes on", true, live.arrives())
	s.mustAsk("admit", "dut", "--as", "none")
	b.check(t, "lateral-routed refused: it has ended", false, live.arrives())
	b.check(t, "lateral-routed nothing of the bridge was altered", true, before == s.bridge())
}

func TestPortsThatAreKeptApartAreGivenBack(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	s, kin, stranger := neighbourhood(t)
	before := s.bridge()
	// the setting changes
	s.stop(syscall.SIGTERM)
	s.flags = append(s.flags, "--lateral", "isolated")
	s.start()
	s.until("the ports are apart, and the gateway answers for addresses", func() bool {
		now := s.bridge()
		return strings.Count(now, "isolated on") == 3 && strings.Contains(now, lan(6, 10).String()) && strings.Contains(now, lan(6, 20).String())
	})
	holds(t, s, &b, "isolated", kin, stranger)
	stranger.ip(t, "neigh flush all")
	b.check(t, "lateral-isolated who asks anew", true, stranger.reaches(&s.receiver, "tcp", netip.AddrPortFrom(lan(4, 20), freePort)))
	b.check(t, "lateral-isolated is told the gateway’s address", routerMAC.String(), stranger.hasMAC(lan(4, 20)))
	kin.ip(t, "addr del "+within(lan(6, 20)).String()+" dev eth0")
	kin.set(t, "ipv6/conf/eth0/accept_dad", "1")
	kin.ip(t, "addr add "+within(lan(6, 20)).String()+" dev eth0")
	s.until("a device that comes back gets its own address", func() bool {
		var out []byte
		_ = kin.do(func() (err error) {
			out, err = exec.Command("ip", "-6", "addr", "show", "dev", "eth0").Output()
			return err
		})
		if strings.Contains(string(out), "dadfailed") {
			t.Fatal("it is told that somebody has it")
		}
		return strings.Contains(string(out), lan(6, 20).String()) && !strings.Contains(string(out), "tentative")
	})
	// a port comes
	late := s.add("late", 40)
	late.hello(lan(4, 40))
	s.until("a port that came is apart", func() bool { return strings.Count(s.bridge(), "isolated on") == 4 })
	b.check(t, "lateral-isolated a device that came later", true, late.reaches(&s.receiver, "tcp", netip.AddrPortFrom(lan(4, 20), freePort)))
	s.gateway.ip(t, "link del p-late")
	// killed and started again, and then another setting
	s.stop(syscall.SIGKILL)
	b.check(t, "lateral-isolated killed: what is not listed", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(lan(4, 20), freePort)))
	s.flags = append(s.flags, "--lateral", "routed")
	s.start()
	b.check(t, "lateral-isolated another setting: the bridge is as before", true, before == s.bridge())
	s.stop(syscall.SIGTERM)
	s.flags = append(s.flags, "--lateral", "isolated")
	s.start()
	s.until("the ports are apart again", func() bool { return strings.Count(s.bridge(), "isolated on") == 3 })
	s.stop(syscall.SIGKILL)
	name, _ := program()
	if err := s.gateway.run(name, "home", "off", "--state", s.dir); err != nil {
		t.Fatal(err)
	}
	b.check(t, "lateral-isolated off: the bridge is as before", true, before == s.bridge())
	b.check(t, "lateral-isolated off: no rule is left", true, s.rules() == "")
}

// Where nothing is routed, the bridge’s own rules hold.
func TestTheBridgeHoldsWhereNothingIsRouted(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	s, kin, stranger := neighbourhood(t, "--lateral", "bridged")
	holds(t, s, &b, "bridged", kin, stranger)
}
