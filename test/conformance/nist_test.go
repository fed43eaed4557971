package conformance

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
)

func TestIoT1And5And9AGoodFileIsFoundFetchedAndEnforcedExactly(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := enforcedOf(t, f)
		v := fmt.Sprintf("-v%d ", f)
		at := func(n int, port uint16) netip.AddrPort { return netip.AddrPortFrom(wide(f, n), port) }
		dut := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(lan(f, 10), port) }
		r := &s.receiver
		b.check(t, "IoT-1"+v+"times that the file was fetched", 1, s.maker.times("dut"))
		b.check(t, "IoT-1"+v+"times that its signature was", 1, s.maker.timesOf("/dut.p7s"))
		b.try(t, probe{"IoT-9" + v + "an address of a name, before it was asked for", false, func() bool { return s.dut.reaches(r, "tcp", at(20, service)) }})
		addresses, _ := s.dut.lookUp("cloud.maker.example", f)
		b.check(t, "IoT-9"+v+"addresses of the name", 3, len(addresses))
		var tries []probe
		for i := range 3 {
			to := at(20+i, service)
			tries = append(tries,
				probe{fmt.Sprintf("IoT-9%saddress %d of it, TCP", v, i+1), true, func() bool { return s.dut.reaches(r, "tcp", to) }},
				probe{fmt.Sprintf("IoT-9%saddress %d of it, UDP", v, i+1), true, func() bool { return s.dut.reaches(r, "udp", to) }})
		}
		b.try(t, tries...)
		_, _ = s.dut.lookUp("elsewhere.example", f)
		b.try(t,
			probe{"IoT-1" + v + "what the file lists", true, func() bool { return s.dut.reaches(r, "tcp", at(23, service)) }},
			probe{"IoT-1" + v + "all else", false, func() bool { return s.dut.reaches(r, "tcp", at(29, service)) }},
			probe{"IoT-5" + v + "a: the device to an approved address", true, func() bool { return s.dut.reaches(r, "tcp", at(23, service)) }},
			probe{"IoT-5" + v + "b: an approved peer to the device", true, func() bool { return fromInternet(s, f, 24, dut(inward)) }},
			probe{"IoT-5" + v + "c: the device to a peer that is not listed", false, func() bool { return s.dut.reaches(r, "tcp", at(30, service)) }},
			probe{"IoT-5" + v + "c: the same by UDP", false, func() bool { return s.dut.reaches(r, "udp", at(30, service)) }},
			probe{"IoT-5" + v + "c: an approved peer, another port", false, func() bool { return s.dut.reaches(r, "tcp", at(20, other)) }},
			probe{"IoT-5" + v + "d: a peer that is not listed to the device", false, func() bool { return fromInternet(s, f, 30, dut(inward)) }},
			probe{"IoT-5" + v + "d: an approved peer, another port of the device", false, func() bool { return fromInternet(s, f, 24, dut(other)) }},
			probe{"IoT-5" + v + "e: the device to a peer that may only begin", false, func() bool { return s.dut.reaches(r, "tcp", at(24, service)) }},
			probe{"IoT-5" + v + "f: a peer that may not begin, to the device", false, func() bool { return fromInternet(s, f, 23, dut(inward)) }},
		)
	})
}

// open reports whether a device whose file cannot be used may go where it likes: the local policy that SP 1800-15 leaves
// to who runs the gateway. Plimsoll’s lets it be set up; CONFORMANCE_FALLBACK=closed says that another’s does not.
func open() bool { return os.Getenv("CONFORMANCE_FALLBACK") != "closed" }

func TestIoT2To4AFileThatCannotBeTrustedIsNotUsed(t *testing.T) {
	long := time.Now().AddDate(0, -1, 0)
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		s.start()
		from, to := listed()
		list := []struct {
			id, name string
			server   func(*x509.Certificate)
			signer   func(*x509.Certificate)
			spoil    func([]byte) []byte
			device   *thing
			maker    *maker
		}{
			{id: "IoT-2", name: "the server’s certificate has expired", server: func(c *x509.Certificate) { c.NotAfter = long }},
			{id: "IoT-2", name: "the server’s certificate is another’s", server: func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} }},
			{id: "IoT-3", name: "the signer’s certificate had expired", signer: func(c *x509.Certificate) { c.NotAfter = long }},
			{id: "IoT-4", name: "the file was altered", spoil: func(f []byte) []byte { return []byte(strings.Replace(string(f), "5000", "7000", 1)) }},
		}
		for i := range list {
			x := &list[i]
			x.device = s.add(fmt.Sprint("bad", i), 11+i)
			x.maker = newMaker(t, s.internet, s.root, wide(f, 11+i), x.server)
			url := x.maker.publish(t, "dut", from, to, certtest.Issue(t, s.anchor, "signer", x.signer), x.spoil)
			x.device.join(t, f, url)
		}
		s.join(s.publishGood())
		s.settles(s.dut)
		if another() {
			time.Sleep(2 * time.Second)
		} else {
			s.until("all faults are told", func() bool {
				var status struct{ Faults []struct{ Kind string } }
				told := 0
				if s.ask(&status, "status") == nil {
					for _, x := range status.Faults {
						if x.Kind == "file" {
							told++
						}
					}
				}
				return told == len(list)
			})
		}
		stranger := netip.AddrPortFrom(wide(f, 30), service)
		var tries, later []probe
		for i := range list {
			x := &list[i]
			name := fmt.Sprintf("%s-v%d %s: ", x.id, f, x.name)
			fetched := x.maker.times("dut") > 0
			b.check(t, name+"the server was asked for the file", x.server == nil, fetched)
			tries = append(tries, probe{name + "the fallback holds, and not the file", open(), func() bool { return x.device.reaches(&s.receiver, "tcp", stranger) }})
			later = append(later, probe{name + "its owner refuses it, and it goes nowhere", false, func() bool { return x.device.reaches(&s.receiver, "tcp", stranger) }})
		}
		b.try(t, tries...)
		if another() {
			return
		}
		for i := range list {
			s.mustAsk("admit", list[i].device.mac.String(), "--as", "none")
		}
		b.try(t, later...)
	})
}

// ends is what must be seen of a device whose address is free again: its rules are gone with it. Before, nobody else may
// have the address; then another device has it, and is not held to them; nor does the device keep where names led it.
func ends(t *testing.T, s *scene, b *table, id string, f int, end func()) {
	v := fmt.Sprintf("%s-v%d ", id, f)
	r := &s.receiver
	own := lan(f, 10)
	stranger, named := netip.AddrPortFrom(wide(f, 30), service), netip.AddrPortFrom(wide(f, 20), service)
	heir := s.add("heir", 40)
	heir.join(t, f)
	heir.ip(t, "addr add "+within(own).String()+" dev eth0 "+nodad(within(own)))
	heir.listen(t, r, netip.AddrPortFrom(own, other))
	_, _ = s.dut.lookUp("cloud.maker.example", f)
	b.try(t,
		probe{v + "before: the device to what its file names", true, func() bool { return s.dut.reaches(r, "tcp", named) }},
		probe{v + "before: another device under its address", false, func() bool { return heir.reachesFrom(r, own, stranger) }},
		probe{v + "before: a stranger to its address", false, func() bool { return fromInternet(s, f, 30, netip.AddrPortFrom(own, other)) }},
	)
	end()
	if id == "IoT-7" {
		s.within("where names led it is forgotten", func() bool { return s.dut.stopped(r, named) })
		b.try(t, probe{v + "after: the device, all the same, to what its file named", false, func() bool { return s.dut.reaches(r, "tcp", named) }})
		s.dut.ip(t, "link set eth0 down")
	}
	s.within("another device has the address", func() bool {
		heir.send(t, "eth0", claim(routerMAC, heir.link(), own, lan(f, 1))) // as RFC 2131 §4.4.1 wants it announced
		return heir.reachesFrom(r, own, stranger) && fromInternet(s, f, 30, netip.AddrPortFrom(own, other))
	})
	b.try(t,
		probe{v + "after: who has the address now, where the device might not go", true, func() bool { return heir.reachesFrom(r, own, stranger) }},
		probe{v + "after: a stranger to the address", true, func() bool { return fromInternet(s, f, 30, netip.AddrPortFrom(own, other)) }},
	)
}

// within waits until something is so, or does not become so: the rows tell.
func (s *scene) within(what string, so func() bool) {
	limit := 15 * time.Second
	if another() {
		limit = 3 * time.Second
	}
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if so() {
			return
		}
	}
	s.t.Logf("%s: not within %v", what, limit)
}

func TestIoT7RulesEndWhenTheDeviceGivesItsAddressBack(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := enforcedOf(t, f)
		ends(t, s, b, "IoT-7", f, func() { s.dut.release(t, f) })
	})
}

func TestIoT8RulesEndWithTheLease(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := enforcedOf(t, f)
		ends(t, s, b, "IoT-8", f, func() {
			s.leaseOf(s.dut, f, 2)
			s.dut.ip(t, "link set eth0 down")
		})
	})
}

func TestIoT10AFileThatIsKeptIsFetchedAgainWhenItsTimeIsOver(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := enforcedOf(t, f)
		v := fmt.Sprintf("IoT-10-v%d ", f)
		s.stop(syscall.SIGTERM)
		s.start()
		s.join(s.maker.url("dut"))
		s.settles(s.dut)
		time.Sleep(time.Second)
		b.check(t, v+"before its validity is over: fetches in all", 1, s.maker.times("dut"))
		s.age()
		s.join(s.maker.url("dut"))
		s.within("the file is fetched again", func() bool { return s.maker.times("dut") > 1 })
		b.check(t, v+"after it: fetches in all", 2, s.maker.times("dut"))
		b.try(t,
			probe{v + "still: what the file lists", true, func() bool { return s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 23), service)) }},
			probe{v + "still: all else", false, func() bool { return s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 30), service)) }},
		)
	})
}
