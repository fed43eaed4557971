package conformance

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
)

// table is what was expected and what was seen.
type table struct{ rows []string }

func (b *table) check(t *testing.T, name string, expected, seen any) {
	t.Helper()
	mark := "ok"
	if expected != seen {
		mark = "FAILS"
		t.Errorf("%s: expected %v, seen %v", name, expected, seen)
	}
	b.rows = append(b.rows, fmt.Sprintf("%-62s %-10v %-10v %s", name, expected, seen, mark))
}

func (b *table) print(t *testing.T) {
	t.Logf("\n%-62s %-10s %s\n%s", "case", "expected", "seen", strings.Join(b.rows, "\n"))
}

// The file of the device under test: names, addresses, and both directions.
const (
	service = 5000 // a port that the file lists
	inward  = 6000 // a port of the device that the file lists
	other   = 7000 // a port that it does not
)

func listed() (from, to []entry) {
	port := func(direction string, n int, began string) map[string]any {
		return map[string]any{direction + "-port": map[string]any{"operator": "eq", "port": n}, "ietf-mud:direction-initiated": began}
	}
	from = []entry{
		{"ip": map[string]any{"ietf-acldns:dst-dnsname": "cloud.maker.example", "protocol": 6}, "tcp": port("destination", service, "from-device")},
		{"ip": map[string]any{"ietf-acldns:dst-dnsname": "cloud.maker.example", "protocol": 17}, "udp": map[string]any{"destination-port": map[string]any{"operator": "eq", "port": service}}},
		{
			"ipv4": map[string]any{"destination-ipv4-network": wide(4, 23).String() + "/32", "protocol": 6},
			"ipv6": map[string]any{"destination-ipv6-network": wide(6, 23).String() + "/128", "protocol": 6},
			"tcp":  port("destination", service, "from-device"),
		},
	}
	to = []entry{
		{
			"ipv4": map[string]any{"source-ipv4-network": wide(4, 24).String() + "/32", "protocol": 6},
			"ipv6": map[string]any{"source-ipv6-network": wide(6, 24).String() + "/128", "protocol": 6},
			"tcp":  port("destination", inward, "to-device"),
		},
	}
	return from, to
}

// scene is a house whose device under test has a MUD file.
type scene struct {
	*house
	dut   *thing
	maker *maker
}

func newScene(t *testing.T) *scene {
	t.Helper()
	h := newHouse(t)
	s := &scene{house: h, dut: h.add("dut", 10)}
	for _, f := range []int{4, 6} {
		for _, n := range []int{20, 21, 22, 23, 24, 30} {
			for _, port := range []uint16{service, other} {
				h.internet.listen(t, &h.receiver, netip.AddrPortFrom(wide(f, n), port))
			}
		}
		for _, port := range []uint16{inward, other} {
			s.dut.listen(t, &h.receiver, netip.AddrPortFrom(lan(f, 10), port))
		}
	}
	h.names.lead("cloud.maker.example", wide(4, 20), wide(4, 21), wide(4, 22), wide(6, 20), wide(6, 21), wide(6, 22))
	h.names.lead("elsewhere.example", wide(4, 30), wide(6, 30))
	s.maker = newMaker(t, h.internet, h.root, wide(4, 10), nil)
	return s
}

// enforced starts the gateway, lets the device join with a good file, and waits until it is held to it.
func enforced(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.start()
	s.join(s.publishGood())
	s.until("the device is held", func() bool { return s.device(s.dut).State == "held" })
	return s
}

func (s *scene) publishGood() string {
	from, to := listed()
	return s.maker.publish(s.t, "dut", from, to, certtest.Issue(s.t, s.anchor, "signer", nil), nil)
}

func (s *scene) join(url string) {
	s.dut.dhcp(s.t, 3, url)
	s.dut.hello(lan(4, s.dut.number))
	s.dut.hello(lan(6, s.dut.number))
}

func families(t *testing.T, f func(t *testing.T, family int)) {
	for _, family := range []int{4, 6} {
		t.Run(fmt.Sprintf("v%d", family), func(t *testing.T) { f(t, family) })
	}
}

func TestIoT1And5And9And11AGoodFileIsFoundFetchedAndEnforcedExactly(t *testing.T) {
	s := enforced(t)
	var b table
	defer b.print(t)
	url := "https://" + wide(4, 10).String() + "/dut.json"
	k := s.device(s.dut)
	got := ""
	if len(k.MUD) > 0 {
		got = k.MUD[0].Via + " " + k.MUD[0].URL
	}
	b.check(t, "IoT-11 the URL by DHCPv4 is bound to the device", "dhcpv4 "+url, got)
	b.check(t, "IoT-1 the file was fetched once", 1, s.maker.times("dut"))
	b.check(t, "IoT-1 the device is held", "held", k.State)
	families(t, func(t *testing.T, f int) {
		at := func(n int, port uint16) netip.AddrPort { return netip.AddrPortFrom(wide(f, n), port) }
		dut := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(lan(f, 10), port) }
		v := fmt.Sprintf("-v%d ", f)
		r := &s.receiver
		addresses, err := s.dut.lookUp("cloud.maker.example", f)
		if err != nil || len(addresses) != 3 {
			t.Fatal("the name does not lead where it should:", addresses, err)
		}
		for i, a := range addresses {
			b.check(t, fmt.Sprintf("IoT-9%saddress %d of the name, at once, TCP", v, i+1), true, s.dut.reaches(r, "tcp", netip.AddrPortFrom(a, service)))
			b.check(t, fmt.Sprintf("IoT-9%saddress %d of the name, UDP", v, i+1), true, s.dut.reaches(r, "udp", netip.AddrPortFrom(a, service)))
		}
		_, _ = s.dut.lookUp("elsewhere.example", f)
		b.check(t, "IoT-5"+v+"a: the device to an approved address", true, s.dut.reaches(r, "tcp", at(23, service)))
		b.check(t, "IoT-5"+v+"b: an approved peer to the device", true, fromInternet(s, f, 24, dut(inward)))
		b.check(t, "IoT-5"+v+"c: the device to a peer that is not listed", false, s.dut.reaches(r, "tcp", at(30, service)))
		b.check(t, "IoT-5"+v+"c: the same by UDP", false, s.dut.reaches(r, "udp", at(30, service)))
		b.check(t, "IoT-5"+v+"c: an approved peer, another port", false, s.dut.reaches(r, "tcp", at(20, other)))
		b.check(t, "IoT-5"+v+"d: a peer that is not listed to the device", false, fromInternet(s, f, 30, dut(inward)))
		b.check(t, "IoT-5"+v+"d: an approved peer, another port of the device", false, fromInternet(s, f, 24, dut(other)))
		b.check(t, "IoT-5"+v+"e: the device to a peer that may only begin", false, s.dut.reaches(r, "tcp", at(24, service)))
		b.check(t, "IoT-5"+v+"f: a peer that may not begin, to the device", false, fromInternet(s, f, 23, dut(inward)))
	})
}

// fromInternet reports whether a conversation from an address of the Internet arrives at the device.
func fromInternet(s *scene, family, from int, to netip.AddrPort) bool {
	return s.internet.reachesFrom(&s.receiver, wide(family, from), to)
}

func TestIoT2To4AFileThatCannotBeTrustedIsNotUsed(t *testing.T) {
	var b table
	defer b.print(t)
	for name, bad := range map[string]struct {
		server func(*x509.Certificate)
		signer func(*x509.Certificate)
		spoil  func([]byte) []byte
	}{
		"IoT-2 the server’s certificate has expired":  {server: func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(0, -1, 0) }},
		"IoT-2 the server’s certificate is another’s": {server: func(c *x509.Certificate) { c.IPAddresses = c.IPAddresses[:0]; c.DNSNames = []string{"other.example"} }},
		"IoT-3 the signer’s certificate had expired":  {signer: func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(0, -1, 0) }},
		"IoT-4 the file was altered":                  {spoil: func(f []byte) []byte { return []byte(strings.Replace(string(f), "5000", "7000", 1)) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			m := newMaker(t, s.internet, s.root, wide(4, 11), bad.server)
			from, to := listed()
			url := m.publish(t, "dut", from, to, certtest.Issue(t, s.anchor, "signer", bad.signer), bad.spoil)
			s.start()
			s.join(url)
			s.until("the fault is told", func() bool {
				var status struct{ Faults []string }
				return s.ask(&status, "status") == nil && strings.Contains(strings.Join(status.Faults, " "), "MUD file")
			})
			b.check(t, name+": the device is", "learning", s.device(s.dut).State)
			b.check(t, name+": it can still be set up (the fallback)", true, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
			if err := s.ask(nil, "admit", "dut", "--as", "none"); err != nil {
				t.Fatal(err)
			}
			b.check(t, name+": and be refused by its owner", false, s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(4, 30), service)))
		})
	}
}

func TestIoT7WhatWasAllowedEndsWhenTheDeviceGivesItsAddressBack(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	if _, err := s.dut.lookUp("cloud.maker.example", 4); err != nil {
		t.Fatal(err)
	}
	own := lan(4, 10).String()
	s.until("the rules know the device", func() bool {
		return strings.Contains(s.rules(), own) && strings.Contains(s.rules(), wide(4, 20).String())
	})
	s.dut.dhcp(t, 7, "")
	s.until("the rules forget the device", func() bool { return !strings.Contains(s.rules(), own) })
	b.check(t, "IoT-7 its address is bound to it no longer", false, strings.Contains(s.rules(), own))
	b.check(t, "IoT-7 names that it asked for lead nowhere", false, strings.Contains(s.rules(), wide(4, 20).String()+" "))
}

func TestIoT8WhatWasAllowedEndsWithTheLease(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	if _, err := s.dut.lookUp("cloud.maker.example", 4); err != nil {
		t.Fatal(err)
	}
	own := lan(4, 10).String()
	s.until("the rules know the device", func() bool {
		return strings.Contains(s.rules(), own) && strings.Contains(s.rules(), wide(4, 20).String())
	})
	s.lease(s.dut, 2)
	s.dut.ip(t, "link set eth0 down")
	s.until("the rules forget the device", func() bool { return !strings.Contains(s.rules(), own) })
	b.check(t, "IoT-8 its address is bound to it no longer", false, strings.Contains(s.rules(), own))
	b.check(t, "IoT-8 names that it asked for lead nowhere", false, strings.Contains(s.rules(), wide(4, 20).String()+" "))
}

func TestIoT10AFileThatIsKeptIsNotFetchedAgain(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	s.stop(9)
	s.start()
	s.join("https://" + wide(4, 10).String() + "/dut.json")
	time.Sleep(2 * time.Second)
	b.check(t, "IoT-10 before its validity is over: fetches", 1, s.maker.times("dut"))
	b.check(t, "IoT-10 the device is held by the file that is kept", "held", s.device(s.dut).State)
}

func TestAnotherMUDURLIsTakenOnlyIfItsMakerOrAPersonSaysSo(t *testing.T) {
	var b table
	defer b.print(t)
	s := enforced(t)
	own := "https://" + wide(4, 10).String() + "/dut.json"
	evil := newMaker(t, s.internet, s.root, wide(4, 11), nil)
	any := []entry{{"ipv4": map[string]any{"protocol": 6}, "ipv6": map[string]any{"protocol": 6}}}
	other := evil.publish(t, "dut", any, nil, certtest.Issue(t, s.anchor, "signer", nil), nil)
	s.join(other)
	var status struct {
		Questions []struct{ About, URL, Why, Default string }
	}
	asked := func() string {
		if s.ask(&status, "status") == nil {
			for _, q := range status.Questions {
				if q.About == "url" {
					return q.Why
				}
			}
		}
		return ""
	}
	s.until("a question about the URL", func() bool { return asked() != "" })
	stranger := netip.AddrPortFrom(wide(4, 30), service)
	b.check(t, "a URL on another host: why it waits", "other-authority", asked())
	b.check(t, "a URL on another host: a stranger", false, s.dut.reaches(&s.receiver, "tcp", stranger))
	s.mustAsk("accept", "dut")
	s.until("the other file is in force", func() bool { return s.dut.reaches(&s.receiver, "tcp", stranger) })
	b.check(t, "after a person’s yes: a stranger", true, s.dut.reaches(&s.receiver, "tcp", stranger))
	s.mustAsk("undo")
	b.check(t, "the URL after the yes was taken back", own, s.device(s.dut).URL)
}
