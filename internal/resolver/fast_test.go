package resolver

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// prepared is a resolver that runs nowhere, with answers in its cache.
func prepared(t testing.TB) *Resolver {
	t.Helper()
	r, err := New(Config{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Upstreams: []string{"127.0.0.1:9"}, Rate: -1,
		Commit:   nil,
		Standing: func(netip.Addr, *Answer) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, zone)
	now := time.Now()
	for name, qtype := range map[string]uint16{
		"www.example.": dns.TypeA, "deep.example.": dns.TypeA, "web.example.": dns.TypeHTTPS, "no.example.": dns.TypeA,
	} {
		for _, do := range []bool{false, true} {
			m := ask(name, qtype)
			if do {
				m.SetEdns0(1232, true)
			}
			wire, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			var q query
			if rcode := q.read(wire); rcode != 0 {
				t.Fatal(name, rcode)
			}
			reply := w.answer(m, "tcp")
			reply.AuthenticatedData = true
			e, err := r.digest(&q, reply, true, now)
			if err != nil {
				t.Fatal(err)
			}
			r.cache.put(q.cacheKey(), e)
		}
	}
	return r
}

// slowAnswer is what quick should say, made of what a library understands.
func slowAnswer(t *testing.T, msg []byte, e *entry, now time.Time, limit int) *dns.Msg {
	t.Helper()
	var q, m dns.Msg
	if err := q.Unpack(msg); err != nil {
		t.Fatalf("answered what cannot be read: %v", err)
	}
	if len(q.Question) != 1 || q.Response || q.Opcode != dns.OpcodeQuery || q.Question[0].Qclass != dns.ClassINET {
		t.Fatalf("answered what is no query: %v", &q)
	}
	if err := m.Unpack(e.wire); err != nil {
		t.Fatal(err)
	}
	known := dns.CanonicalName(q.Question[0].Name)
	if m.Question[0].Name != known || m.Question[0].Qtype != q.Question[0].Qtype {
		t.Fatalf("answered %v with what is known of %v", q.Question[0], m.Question[0])
	}
	m.Id, m.Question, m.RecursionDesired, m.CheckingDisabled = q.Id, q.Question, q.RecursionDesired, q.CheckingDisabled
	opt := q.IsEdns0()
	m.AuthenticatedData = e.secure && (q.AuthenticatedData || opt != nil && opt.Do())
	for _, rr := range append(m.Answer, m.Ns...) {
		rr.Header().Ttl = uint32(e.until.Sub(now) / time.Second)
	}
	size := len(e.wire)
	if opt != nil {
		size += optSize
	}
	if size > limit {
		m.Answer, m.Ns, m.Truncated = nil, nil, true
	}
	if opt != nil {
		m.SetEdns0(maxUDP, opt.Do())
	}
	return &m
}

// folded reads a message and writes its names in lower case: a compressed name borrows the letters of the question.
func folded(t *testing.T, wire []byte) *dns.Msg {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(wire); err != nil {
		t.Fatalf("an answer that cannot be read: %v\n%x", err, wire)
	}
	for _, rr := range append(m.Answer, m.Ns...) {
		rr.Header().Name = dns.CanonicalName(rr.Header().Name)
		rr.Header().Rdlength = 0
		switch rr := rr.(type) {
		case *dns.CNAME:
			rr.Target = dns.CanonicalName(rr.Target)
		case *dns.SOA:
			rr.Ns, rr.Mbox = dns.CanonicalName(rr.Ns), dns.CanonicalName(rr.Mbox)
		}
	}
	for _, rr := range m.Extra {
		rr.Header().Rdlength = 0
	}
	return &m
}

func FuzzQuery(f *testing.F) {
	add := func(m *dns.Msg) {
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, uint16(5))
	}
	for _, name := range []string{"www.example", "WWW.EXAMPLE", "deep.example", "no.example", "."} {
		add(ask(name, dns.TypeA))
		m := ask(name, dns.TypeHTTPS)
		m.SetEdns0(4096, true)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0}}}
		m.AuthenticatedData, m.CheckingDisabled = true, true
		add(m)
	}
	m := ask("web.example", dns.TypeHTTPS)
	m.SetEdns0(512, false)
	add(m)
	bad := ask("www.example", dns.TypeA)
	bad.Opcode = dns.OpcodeUpdate
	add(bad)
	r := prepared(f)
	base := time.Now()
	client := netip.MustParseAddr("192.168.1.2")
	f.Fuzz(func(t *testing.T, msg []byte, seconds uint16) {
		before := bytes.Clone(msg)
		var q query
		rcode := q.read(msg)
		if rcode == drop {
			if len(msg) >= header && msg[2]&0x80 == 0 {
				t.Fatal("a query with a header gets no answer")
			}
			return
		}
		if rcode != dns.RcodeSuccess {
			out := q.refusal(nil, msg, rcode, noEDE)
			m := folded(t, out)
			if m.Rcode != rcode || !m.Response || m.Id != uint16(msg[0])<<8|uint16(msg[1]) || len(m.Answer)+len(m.Ns) != 0 {
				t.Fatalf("refused with %d: %v", rcode, m)
			}
			return
		}
		var lib dns.Msg
		if err := lib.Unpack(msg); err == nil && len(lib.Question) == 1 {
			if got, want := q.name(), dns.CanonicalName(lib.Question[0].Name); got != want {
				t.Fatalf("the name is %q, not %q", got, want)
			}
		}
		now := base.Add(time.Duration(seconds%250) * time.Second)
		for _, limit := range []int{int(q.size), dns.MaxMsgSize, minUDP, 60} {
			out, e := r.quick(nil, msg, &q, client, now, limit)
			if e == nil {
				continue
			}
			if len(out) > limit && len(out) > q.end+optSize {
				t.Fatalf("%d octets, to who can take %d", len(out), limit)
			}
			slow, err := slowAnswer(t, msg, e, now, limit).Pack()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(folded(t, slow).String(), folded(t, out).String()); d != "" {
				t.Fatalf("not what the slow way says (-slow +quick):\n%s", d)
			}
			if !bytes.Equal(out[header:q.end], msg[header:q.end]) {
				t.Fatal("the question has other letters than were sent")
			}
		}
		if !bytes.Equal(msg, before) {
			t.Fatal("the query was changed")
		}
	})
}

// FuzzAnswer has an upstream say anything.
func FuzzAnswer(f *testing.F) {
	w := newWorld(f, zone+"\nchain.example. 60 IN DNAME example.\n")
	for _, name := range []string{"www.example.", "deep.example.", "web.example.", "evil.example.", "no.example.", "_sip._tcp.example."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSRV, dns.TypeCNAME} {
			wire, err := w.answer(ask(name, qtype), "tcp").Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(wire, false)
			f.Add(wire, true)
		}
	}
	r := prepared(f)
	now := time.Now()
	f.Fuzz(func(t *testing.T, wire []byte, do bool) {
		var m dns.Msg
		if m.Unpack(wire) != nil || len(m.Question) != 1 {
			return
		}
		m.Rcode = dns.RcodeSuccess
		question := new(dns.Msg).SetQuestion(m.Question[0].Name, m.Question[0].Qtype)
		question.SetEdns0(1232, do)
		asked, err := question.Pack()
		if err != nil {
			return
		}
		var q query
		if q.read(asked) != dns.RcodeSuccess {
			return
		}
		e, err := r.digest(&q, &m, false, now)
		if err != nil {
			return
		}
		if e.until.Before(now) || e.until.Sub(now) > maxTTL || e.secure {
			t.Fatalf("until %v, secure %v", e.until.Sub(now), e.secure)
		}
		out := folded(t, e.append(nil, asked, &q, now, dns.MaxMsgSize))
		committed := map[netip.Addr]bool{}
		for _, a := range e.answer.Addresses {
			committed[a] = true
			if !r.mayLead(q.name(), a) {
				t.Fatalf("leads to %v", a)
			}
		}
		for _, rr := range append(out.Answer, out.Ns...) {
			if time.Duration(rr.Header().Ttl)*time.Second > e.answer.Until.Sub(now) {
				t.Fatalf("%v is told for longer than until %v", rr, e.answer.Until)
			}
			var ip []byte
			switch rr := rr.(type) {
			case *dns.A:
				ip = rr.A
			case *dns.AAAA:
				ip = rr.AAAA
			}
			if a, ok := netip.AddrFromSlice(ip); ok && !committed[a.Unmap()] {
				t.Fatalf("%v is told and not committed", rr)
			}
		}
	})
}

func TestAnAnswerFromTheCacheAllocatesNothing(t *testing.T) {
	r := prepared(t)
	r.cfg.Commit = nil
	r.limits = newLimits(1<<20, time.Now())
	msg, _ := ask("deep.example", dns.TypeA).Pack()
	out := make([]byte, 0, maxUDP)
	client := netip.MustParseAddr("fd00::2")
	var q query
	if n := testing.AllocsPerRun(1000, func() {
		now := time.Now()
		if !r.welcome(client, now) || q.read(msg) != dns.RcodeSuccess {
			t.Fatal("not welcome")
		}
		var e *entry
		if out, e = r.quick(out[:0], msg, &q, client, now, maxUDP); e == nil {
			t.Fatal("not answered")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkQuick(b *testing.B) {
	r := prepared(b)
	r.limits = newLimits(1<<28, time.Now())
	msg, _ := ask("deep.example", dns.TypeA).Pack()
	client := netip.MustParseAddr("192.168.1.2")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		out := make([]byte, 0, maxUDP)
		var q query
		for p.Next() {
			now := time.Now()
			if !r.welcome(client, now) || q.read(msg) != dns.RcodeSuccess {
				b.Fatal("not welcome")
			}
			var e *entry
			if out, e = r.quick(out[:0], msg, &q, client, now, maxUDP); e == nil {
				b.Fatal("not answered")
			}
		}
	})
}
