package resolver

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/miekg/dns"
)

func TestUpstreamsAreAskedByTLSAndHTTPS(t *testing.T) {
	cert, roots := certify(t, "dns.example", time.Now().Add(time.Hour))
	w := newWorld(t, zone)
	var versions sync.Map
	w.set(func(m, _ *dns.Msg, _ string) *dns.Msg { m.AuthenticatedData = true; return m })
	for _, up := range []string{
		"tls://dns.example@" + w.listenTLS(t, cert), "https://dns.example@" + w.listenHTTPS(t, cert, &versions), w.listen(t),
	} {
		_, at := start(t, Config{Upstreams: []string{up}, Roots: roots})
		var group sync.WaitGroup
		for i := range maxTCPClient / 2 {
			group.Go(func() {
				m := ask(fmt.Sprintf("n%d.example", i), dns.TypeA)
				m.SetEdns0(4096, true)
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IP{192, 0, 2, 0}}}
				if got := exchange(t, "tcp", at, m); got.Rcode != dns.RcodeNameError || got.AuthenticatedData == strings.HasPrefix(up, "127") {
					t.Errorf("%s: AD is believed from those alone with whom nobody can interfere: %v", up, got)
				}
			})
		}
		group.Wait()
		last := w.last()
		for _, o := range last.IsEdns0().Option {
			if o.Option() == dns.EDNS0SUBNET {
				t.Errorf("%s is told who asks: %v", up, last)
			}
		}
		if !last.IsEdns0().Do() || last.IsEdns0().UDPSize() != 1232 {
			t.Errorf("%s: %v", up, last)
		}
		if wire, _ := last.Pack(); !strings.HasPrefix(up, "127") && len(wire)%128 != 0 {
			t.Errorf("%s: a query of %d octets shows how long its name is", up, len(wire))
		}
	}
	if _, ok := versions.Load("HTTP/2.0"); !ok {
		t.Error("HTTP/2 was not used")
	}
}

func TestAnUpstreamThatCannotProveItsNameIsNotBelieved(t *testing.T) {
	good, roots := certify(t, "dns.example", time.Now().Add(time.Hour))
	late, lateRoots := certify(t, "dns.example", time.Now().Add(-time.Hour))
	w := newWorld(t, zone)
	var versions sync.Map
	wrong := "@" + w.listenTLS(t, good)
	for _, c := range []Config{
		{Upstreams: []string{"tls://other.example" + wrong}, Roots: roots},
		{Upstreams: []string{"tls://dns.example@" + w.listenTLS(t, late)}, Roots: lateRoots},
		{Upstreams: []string{"https://other.example@" + w.listenHTTPS(t, good, &versions)}, Roots: roots},
		{Upstreams: []string{"tls://dns.example" + wrong}},
	} {
		r, at := start(t, c)
		if got := exchange(t, "tcp", at, ask("www.example", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
			t.Errorf("%v: %v", c.Upstreams, got)
		}
		if s := r.Upstreams()[0]; s.Last == nil || !strings.Contains(s.Last.Error(), "certificate") {
			t.Errorf("%v: %v", c.Upstreams, s.Last)
		}
	}
	if len(w.asked) != 0 {
		t.Error("somebody was asked who is not who we meant")
	}
}

func TestAnUpstreamThatIsDeadIsPassedOver(t *testing.T) {
	w := newWorld(t, zone)
	dead, err := net.ListenPacket("udp", "127.0.0.1:0") // hears, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	r, at := start(t, Config{Upstreams: []string{dead.LocalAddr().String(), w.listen(t)}})
	slow := 0
	for i := range 10 {
		begun := time.Now()
		m := exchange(t, "udp", at, ask(fmt.Sprintf("n%d.example", i), dns.TypeA))
		if m.Rcode != dns.RcodeNameError {
			t.Fatal(m)
		}
		if time.Since(begun) > patience/2 {
			slow++
		}
	}
	if slow > failsTillDown+1 {
		t.Errorf("%d of 10 queries waited for an upstream that is dead", slow)
	}
	if s := r.Upstreams(); s[0].Fails < failsTillDown || s[1].Fails != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAnUpstreamThatFailsOrCannotIsPassedOver(t *testing.T) {
	broken, w := newWorld(t, zone), newWorld(t, zone)
	broken.set(func(m, query *dns.Msg, _ string) *dns.Msg {
		m.Answer, m.Rcode = nil, dns.RcodeServerFailure
		if strings.HasPrefix(strings.ToLower(query.Question[0].Name), "bogus") {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus}}
		}
		return m
	})
	w.set(func(m, query *dns.Msg, _ string) *dns.Msg { // it knows nothing of EDNS
		if query.IsEdns0() != nil {
			return new(dns.Msg).SetRcodeFormatError(query)
		}
		return m
	})
	_, at := start(t, Config{Upstreams: []string{broken.listen(t), w.listen(t)}})
	if got := exchange(t, "udp", at, ask("www.example", dns.TypeA)); len(got.Answer) != 1 {
		t.Error(got)
	}
	if got := exchange(t, "udp", at, ask("bogus.example", dns.TypeA)); got.Rcode != dns.RcodeServerFailure || w.count("bogus.example.") != 0 {
		t.Errorf("a name with wrong signatures was asked of somebody who does not look: %v", got)
	}
}

// other is a letter in the other case.
func other(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	return unicode.ToUpper(r)
}

func TestForgedAnswersAreNotBelieved(t *testing.T) {
	lie := &dns.A{Hdr: dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IP{6, 6, 6, 6}}
	for what, forge := range map[string]func(m *dns.Msg){
		"identifier": func(m *dns.Msg) { m.Id++ },
		"letters":    func(m *dns.Msg) { m.Question[0].Name = strings.Map(other, m.Question[0].Name) },
		"name":       func(m *dns.Msg) { m.Question[0].Name = "www.examplf." },
		"type":       func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"no query":   func(m *dns.Msg) { m.Response = false },
	} {
		for _, many := range []bool{false, true} {
			w := newWorld(t, zone)
			w.set(func(m, _ *dns.Msg, network string) *dns.Msg {
				if network == "udp" && many {
					m.Answer = []dns.RR{lie}
					forge(m)
				}
				return m
			})
			p, l := samePort(t)
			w.serve(t, &dns.Server{Listener: l})
			go func() { // the forger is faster than the server, and many
				buf := make([]byte, 4096)
				for {
					n, from, err := p.ReadFrom(buf)
					if err != nil {
						return
					}
					var query dns.Msg
					if query.Unpack(buf[:n]) != nil {
						continue
					}
					bad := new(dns.Msg).SetReply(&query)
					bad.Answer = []dns.RR{lie}
					forge(bad)
					wire, _ := bad.Pack()
					for range map[bool]int{false: 3, true: 50}[many] {
						_, _ = p.WriteTo(wire, from)
					}
					if !many {
						wire, _ := w.answer(&query, "udp").Pack()
						_, _ = p.WriteTo(wire, from)
					}
				}
			}()
			_, at := start(t, Config{Upstreams: []string{p.LocalAddr().String()}})
			if got := exchange(t, "tcp", at, ask("www.example", dns.TypeA)); !slices.Equal(addressesOf(got), []string{"93.184.215.14"}) {
				t.Errorf("wrong %s, many %v: %v", what, many, got)
			}
			p.Close()
		}
	}
}

func TestWhatAnUpstreamAddsUnaskedIsLeftOut(t *testing.T) {
	w := newWorld(t, zone)
	var extra []dns.RR
	for _, s := range []string{"bank.example. 300 IN A 6.6.6.6", "www.example. 300 IN TXT hello", "www.example. 300 CH A 6.6.6.7"} {
		if rr, err := dns.NewRR(s); err == nil {
			extra = append(extra, rr)
		}
	}
	w.set(func(m, _ *dns.Msg, _ string) *dns.Msg {
		m.Answer = append(m.Answer, extra...)
		m.Ns, m.Extra = append(m.Ns, extra...), append(m.Extra, extra...)
		return m
	})
	_, at := start(t, Config{Upstreams: []string{w.listen(t)}})
	got := exchange(t, "udp", at, ask("www.example", dns.TypeA))
	if len(got.Answer) != 1 || len(got.Ns)+len(got.Extra) != 0 || addressesOf(got)[0] != "93.184.215.14" {
		t.Errorf("%v", got)
	}
}

func TestAnswersThatCannotBeAreFailures(t *testing.T) {
	var many []dns.RR
	for i := range 300 {
		many = append(many, &dns.A{Hdr: dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 9}, A: net.IP{8, 8, byte(i >> 8), byte(i)}})
	}
	var long []dns.RR
	for i := range 40 {
		rr, _ := dns.NewRR(fmt.Sprintf("n%d.example. 9 IN CNAME n%d.example.", i, i+1))
		long = append(long, rr)
	}
	loop, _ := dns.NewRR("www.example. 9 IN CNAME www.example.")
	for what, c := range map[string]struct {
		name string
		rrs  []dns.RR
	}{"300 addresses": {"www.example", many}, "a long chain": {"n0.example", long}, "a loop": {"www.example", []dns.RR{loop}}} {
		w := newWorld(t, zone)
		w.set(func(m, _ *dns.Msg, _ string) *dns.Msg { m.Answer = c.rrs; return m })
		_, at := start(t, Config{Upstreams: []string{w.listen(t)}})
		if got := exchange(t, "tcp", at, ask(c.name, dns.TypeA)); got.Rcode != dns.RcodeServerFailure || len(got.Answer) != 0 {
			t.Errorf("%s: %v", what, got)
		}
	}
}

func TestLongAnswersComeByTCP(t *testing.T) {
	w := newWorld(t, zone)
	for i := range 200 {
		w.records["big.example."] = append(w.records["big.example."], &dns.A{
			Hdr: dns.RR_Header{Name: "big.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IP{8, 8, 8, byte(i)},
		})
	}
	_, at := start(t, Config{Upstreams: []string{w.listen(t)}})
	for _, size := range []uint16{0, 512, 4096} {
		m := ask("big.example", dns.TypeA)
		if size > 0 {
			m.SetEdns0(size, false)
		}
		if got := exchange(t, "udp", at, m); !got.Truncated || len(got.Answer) != 0 {
			t.Errorf("who can take %d octets: %v", size, got)
		}
	}
	if got := exchange(t, "tcp", at, ask("big.example", dns.TypeA)); len(got.Answer) != 200 {
		t.Errorf("%d addresses", len(got.Answer))
	}
}

func TestSignaturesPassToThoseWhoWantThem(t *testing.T) {
	w := newWorld(t, zone)
	sig, err := dns.NewRR("www.example. 300 IN RRSIG A 8 2 300 20300101000000 20260101000000 1 example. c2ln")
	if err != nil {
		t.Fatal(err)
	}
	w.set(func(m, query *dns.Msg, _ string) *dns.Msg {
		if o := query.IsEdns0(); o != nil && o.Do() {
			m.Answer = append(m.Answer, sig)
		}
		return m
	})
	_, at := start(t, Config{Upstreams: []string{w.listen(t)}})
	for range 2 {
		m := ask("www.example", dns.TypeA)
		m.SetEdns0(1232, true)
		m.CheckingDisabled = true
		got := exchange(t, "udp", at, m)
		if len(got.Answer) != 2 || !got.CheckingDisabled || !got.IsEdns0().Do() || !w.last().CheckingDisabled && w.count("www.example.") == 1 {
			t.Errorf("%v", got)
		}
		if got := exchange(t, "udp", at, ask("www.example", dns.TypeA)); len(got.Answer) != 1 {
			t.Errorf("%v", got)
		}
	}
	if n := w.count("www.example."); n != 2 {
		t.Errorf("asked %d times, with and without signatures", n)
	}
}

func TestWhatIsKnownIsServedStaleWhileNobodyAnswers(t *testing.T) {
	w := newWorld(t, zone+"brief.example. 1 IN A 93.184.215.30\n")
	var dead atomic.Bool
	w.set(func(m, _ *dns.Msg, _ string) *dns.Msg {
		if dead.Load() {
			return nil
		}
		return m
	})
	for _, keep := range []time.Duration{0, time.Hour} {
		dead.Store(false)
		_, at := start(t, Config{Upstreams: []string{w.listen(t)}, Stale: keep})
		exchange(t, "udp", at, ask("brief.example", dns.TypeA))
		dead.Store(true)
		time.Sleep(1100 * time.Millisecond)
		m := ask("brief.example", dns.TypeA)
		m.SetEdns0(1232, false)
		begun := time.Now()
		got := exchange(t, "tcp", at, m)
		if keep == 0 && got.Rcode != dns.RcodeServerFailure {
			t.Errorf("not to be served: %v", got)
		}
		if keep > 0 && (len(got.Answer) != 1 || got.Answer[0].Header().Ttl > 30 || len(got.IsEdns0().Option) != 1 || time.Since(begun) > 3*time.Second) {
			t.Errorf("after %v: %v", time.Since(begun), got)
		}
	}
}

func TestConfigurationsThatCannotWorkSayAllThatIsWrong(t *testing.T) {
	_, err := New(Config{Upstreams: []string{"dns.example", "tls://dns.example", "ftp://9.9.9.9", "9.9.9.9:0", "https://x@9.9.9.9/?a"}, Private: []string{""}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"dns.example"`, `"tls://dns.example": needs an address`, `"ftp"`, `"9.9.9.9:0"`, "?a", "no address to listen", "private domain"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %q: %v", want, err)
		}
	}
	for _, s := range []string{"9.9.9.9", "2620:fe::fe", "[2620:fe::fe]:53", "tls://[2620:fe::fe]", "https://dns.quad9.net@[2620:fe::fe]/dns-query", "udp://9.9.9.9:5353"} {
		if _, err := newUpstream(s, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestTheCacheStaysWithinItsBoundAndKeepsWhatIsUsed(t *testing.T) {
	c := newCache(256 << 10)
	now := time.Now()
	add := func(name string) []byte {
		wire, _ := ask(name, dns.TypeA).Pack()
		var q query
		q.read(wire)
		e, err := newEntry(&q, dns.RcodeSuccess, nil, nil, now, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		c.put(q.cacheKey(), e)
		return slices.Clone(q.cacheKey())
	}
	used := add("used.example")
	for i := range 5000 {
		add(fmt.Sprintf("n%d.example", i))
		if c.get(used) == nil {
			t.Fatalf("what is used is forgotten after %d", i)
		}
	}
	octets := 0
	for i := range c.shards {
		for _, e := range c.shards[i].entries {
			octets += e.size()
		}
		if s := &c.shards[i]; s.room < 0 {
			t.Errorf("%d octets over", -s.room)
		}
	}
	if octets > 256<<10 || octets < 128<<10 {
		t.Errorf("%d octets", octets)
	}
	c.clear()
	if c.get(used) != nil {
		t.Error("not cleared")
	}
}

func TestAClientIsLimitedAndOthersAreNot(t *testing.T) {
	now := time.Now()
	l := newLimits(10, now)
	count := func(s string, at time.Time) (n int) {
		for range 1000 {
			if l.allow(netip.MustParseAddr(s), at) {
				n++
			}
		}
		return n
	}
	if n := count("192.168.1.2", now); n != 20 {
		t.Errorf("%d at once", n)
	}
	if n := count("192.168.1.2", now.Add(time.Second)); n != 10 {
		t.Errorf("%d a second later", n)
	}
	if n := count("192.168.1.3", now); n != 20 {
		t.Errorf("another: %d", n)
	}
	all := 0
	for i := range 100 { // one machine with many addresses
		all += count(fmt.Sprintf("2001:db8::%x", i+1), now)
	}
	if all != 20*networkShare {
		t.Errorf("a network: %d", all)
	}
}
