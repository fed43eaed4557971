package conformance

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// TestNamesThatTheFileLists has the ways of DNS: names that lead elsewhere, to nobody, to many, and no longer.
func TestNamesThatTheFileLists(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		from, to := listed()
		for _, name := range []string{"moved", "brief", "alias", "nobody", "many"} {
			from = append(from, toName(name+".maker.example", service)...)
		}
		var crowd []netip.Addr
		for _, n := range span(100, 149) {
			crowd = append(crowd, wide(f, n))
			s.internet.listen(t, &s.receiver, netip.AddrPortFrom(wide(f, n), service))
		}
		s.names.lead("moved.maker.example", wide(f, 24))
		s.names.lead("brief.maker.example", wide(f, 25))
		s.names.lead("edge.cloud.example", wide(f, 26))
		s.names.lead("many.maker.example", crowd...)
		s.names.change(func() {
			s.names.brief["moved.maker.example"], s.names.brief["brief.maker.example"] = true, true
			s.names.alias["alias.maker.example"] = "maker.cdn.example"
			s.names.alias["maker.cdn.example"] = "edge.cloud.example"
		})
		for _, port := range []uint16{namePort, 443, 853} {
			s.internet.listen(t, &s.receiver, netip.AddrPortFrom(wide(f, 29), port))
		}
		s.start()
		s.join(s.maker.publish(t, "dut", from, to, s.signer, nil))
		s.settles(s.dut)
		r := &s.receiver
		at := func(n int) netip.AddrPort { return netip.AddrPortFrom(wide(f, n), service) }
		reaches := func(n int) func() bool { return func() bool { return s.dut.reaches(r, "tcp", at(n)) } }
		afterAsking := func(name string, n int) func() bool {
			return func() bool { return s.dut.leads(name, f) && s.dut.reaches(r, "tcp", at(n)) }
		}
		v := func(id string) string { return fmt.Sprintf("%s-v%d ", id, f) }
		b.try(t,
			probe{v("name") + "where a name leads, before it was asked for", false, reaches(25)},
			probe{v("CNAME") + "where an alias leads, before it was asked for", false, reaches(26)},
		)
		b.try(t,
			probe{v("TTL-0") + "where a name leads that may not be kept, at once", true, afterAsking("brief.maker.example", 25)},
			probe{v("CNAME") + "where an alias of an alias leads, at once", true, afterAsking("alias.maker.example", 26)},
			probe{v("NXDOMAIN") + "a name that the file lists and nobody has", false, func() bool { return s.dut.leads("nobody.maker.example", f) }},
			probe{v("name") + "where a name leads that the file does not list, after it was asked for", false, afterAsking("elsewhere.example", 30)},
		)
		s.repointed(t, b, f)
		list, _ := s.dut.lookUp("many.maker.example", f)
		b.check(t, v("RRset")+"addresses that a name of fifty leads to", len(crowd), len(list))
		reached := make(chan bool)
		for _, a := range crowd {
			go func() { reached <- s.dut.reaches(r, "tcp", netip.AddrPortFrom(a, service)) }()
		}
		n := 0
		for range crowd {
			if <-reached {
				n++
			}
		}
		b.check(t, v("RRset")+"of these, reached at once", len(crowd), n)
		outside := func(port uint16, network string) func() bool {
			return func() bool { return s.dut.reaches(r, network, netip.AddrPortFrom(wide(f, 29), port)) }
		}
		b.try(t,
			probe{v("DoH") + "names by HTTPS from a resolver that the file does not list", false, outside(443, "tcp")},
			probe{v("DoH") + "the same by QUIC", false, outside(443, "udp")},
			probe{v("DoT") + "names by TLS", false, outside(853, "tcp")},
			probe{v("DNS") + "names from a resolver that the device has built in: there", false, outside(namePort, "udp")},
			probe{v("DNS") + "the same by TCP", false, outside(namePort, "tcp")},
			probe{v("DNS") + "what it asked there is answered all the same", true, func() bool {
				list, err := s.dut.lookUpAt(netip.AddrPortFrom(wide(f, 29), namePort), "cloud.maker.example", f)
				return err == nil && len(list) == 3
			}},
		)
		s.names.lead("nobody.maker.example", wide(f, 27))
		s.within("a name that was nobody’s leads somewhere", func() bool { return s.dut.leads("nobody.maker.example", f) })
		b.try(t, probe{v("NXDOMAIN") + "the same when somebody has it", true, afterAsking("nobody.maker.example", 27)})
	})
}

// repointed: a name leads elsewhere in the middle of a conversation.
func (s *scene) repointed(t *testing.T, b *table, f int) {
	v := fmt.Sprintf("re-pointed-v%d ", f)
	r := &s.receiver
	_ = s.dut.leads("moved.maker.example", f)
	c := s.dut.begin(r, "tcp", netip.AddrPortFrom(wide(f, 24), service))
	if c != nil {
		defer c.Close()
	}
	b.check(t, v+"a conversation with where the name leads", true, c.arrives())
	s.names.lead("moved.maker.example", wide(f, 28))
	s.within("the device is told where it leads now", func() bool {
		list, err := s.dut.lookUp("moved.maker.example", f)
		return err == nil && len(list) == 1 && list[0] == wide(f, 28)
	})
	b.check(t, v+"where it leads now, at once", true, s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 28), service)))
	time.Sleep(time.Second)
	b.check(t, v+"the conversation goes on", true, c.arrives())
}
