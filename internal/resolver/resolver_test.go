package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const zone = `
www.example.      300 IN A     93.184.215.14
www.example.      300 IN AAAA  2606:2800:21f:cb07::14
alias.example.    600 IN CNAME www.example.
short.example.      0 IN A     93.184.215.15
deep.example.      50 IN CNAME alias.example.
web.example.      300 IN HTTPS 1 svc.example. alpn=h2 ipv4hint=93.184.215.20 ipv6hint=2606:2800::20
evil.example.     300 IN A     192.168.1.1
mixed.example.    300 IN A     93.184.215.14
mixed.example.    300 IN A     10.0.0.1
sneaky.example.   300 IN HTTPS 1 . ipv4hint=10.0.0.1
crossed.example.  300 IN CNAME nas.corp.example.
nas.corp.example. 300 IN A     10.1.1.1
mapped.example.   300 IN AAAA  ::ffff:192.168.1.1
nat64.example.    300 IN AAAA  64:ff9b::c0a8:101
_sip._tcp.example. 300 IN SRV  1 1 5060 www.example.
`

func TestAnswersComeByUDPAndTCPFromEachAddressAsked(t *testing.T) {
	w := newWorld(t, zone)
	listen := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort("127.0.0.2:0"), netip.MustParseAddrPort("0.0.0.0:0"), netip.MustParseAddrPort("[::]:0")}
	cfg := Config{Listen: listen, Upstreams: []string{w.listen(t)}, Rate: -1}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	at, err := r.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	any := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.77"), at[2].Port())
	for _, to := range []string{at[0].String(), at[1].String(), any.String(), netip.AddrPortFrom(netip.IPv6Loopback(), at[3].Port()).String()} {
		for _, network := range []string{"udp", "tcp"} { // the client's socket is connected: it hears nobody else
			for _, name := range []string{"www.example", "WWW.eXample", "alias.example"} {
				got := exchange(t, network, to, ask(name, dns.TypeA))
				if a := addressesOf(got); !slices.Equal(a, []string{"93.184.215.14"}) || got.Question[0].Name != name+"." {
					t.Errorf("%s from %s by %s: %v", name, to, network, got)
				}
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	leaks(t, r)
	if n := w.count("www.example."); n != 1 {
		t.Errorf("the upstream was asked %d times for what was in the cache", n)
	}
}

func TestAnAddressIsNeverToldBeforeItIsCommitted(t *testing.T) {
	w := newWorld(t, zone)
	type pair struct {
		client netip.Addr
		name   string
	}
	var committed sync.Map
	var busy, calls atomic.Int64
	var standing atomic.Bool
	_, at := start(t, Config{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:0")}, Upstreams: []string{w.listen(t)},
		Commit: func(_ context.Context, client netip.Addr, a *Answer) error {
			calls.Add(1)
			busy.Add(1)
			defer busy.Add(-1)
			time.Sleep(20 * time.Millisecond)
			if client.As4()[3]%3 == 0 {
				return errors.New("the set is full")
			}
			committed.Store(pair{client, a.Name}, slices.Clone(a.Addresses))
			return nil
		},
		Standing: func(client netip.Addr, a *Answer) bool {
			_, ok := committed.Load(pair{client, a.Name})
			return ok && standing.Load()
		},
	})
	_, port, _ := strings.Cut(at, "]:")
	if port == "" {
		port = at[strings.LastIndex(at, ":")+1:]
	}
	for round := range 3 { // fresh, from the cache, and where it stands
		standing.Store(round == 2)
		before := calls.Load()
		var group sync.WaitGroup
		for i := range 30 {
			network := []string{"udp", "tcp"}[i%2]
			group.Go(func() {
				to := fmt.Sprintf("127.0.1.%d", i+1)
				for _, name := range []string{"www.example", "alias.example", "web.example"} {
					qtype := dns.TypeA
					if name == "web.example" {
						qtype = dns.TypeHTTPS
					}
					got := exchangeFrom(t, network, to, "127.0.0.1:"+port, ask(name, qtype))
					stored, ok := committed.Load(pair{netip.MustParseAddr(to), name})
					switch {
					case (i+1)%3 == 0:
						if got.Rcode != dns.RcodeServerFailure || len(got.Answer) != 0 {
							t.Errorf("%s was told although it could not be committed: %v", name, got)
						}
					case !ok:
						t.Errorf("%s was told to %s before it was committed", name, to)
					case qtype == dns.TypeA && !slices.Contains(stored.([]netip.Addr), netip.MustParseAddr(addressesOf(got)[0])):
						t.Errorf("%s: told %v, committed %v", name, addressesOf(got), stored)
					}
				}
			})
		}
		group.Wait()
		n := calls.Load() - before
		if round < 2 && n != 90 || round == 2 && n != 30 { // those that fail never stand
			t.Errorf("round %d: %d commits", round, n)
		}
	}
	if n := w.count("www.example."); n != 1 {
		t.Errorf("thirty clients that asked at once made %d queries of one", n)
	}
}

func exchangeFrom(t *testing.T, network, from, to string, m *dns.Msg) *dns.Msg {
	t.Helper()
	c := &dns.Client{Net: network, Timeout: 10 * time.Second, Dialer: dialerFrom(network, from)}
	reply, _, err := c.Exchange(m, to)
	if err != nil {
		t.Errorf("%s from %s: %v", m.Question[0].Name, from, err)
		return new(dns.Msg)
	}
	return reply
}

func TestACommitThatHangsHoldsNobodyElseUp(t *testing.T) {
	w := newWorld(t, zone)
	_, at := start(t, Config{
		Upstreams: []string{w.listen(t)},
		Commit: func(ctx context.Context, client netip.Addr, _ *Answer) error {
			if client.As4()[3] == 9 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		},
	})
	exchange(t, "udp", at, ask("www.example", dns.TypeA))
	hung := make(chan *dns.Msg, 1)
	go func() { hung <- exchangeFrom(t, "udp", "127.0.0.9", at, ask("www.example", dns.TypeA)) }()
	for range 50 {
		if got := exchange(t, "udp", at, ask("www.example", dns.TypeA)); len(got.Answer) != 1 {
			t.Fatal(got)
		}
	}
	select {
	case m := <-hung:
		t.Fatalf("an answer came before its commit was over: %v", m)
	default:
	}
	if m := <-hung; m.Rcode != dns.RcodeServerFailure {
		t.Errorf("a commit that failed was told as %v", m)
	}
}

func TestAllThatAnAnswerMayLeadToIsCommitted(t *testing.T) {
	w := newWorld(t, zone)
	got := make(chan Answer, 1)
	_, at := start(t, Config{
		Upstreams: []string{w.listen(t)},
		Commit:    func(_ context.Context, _ netip.Addr, a *Answer) error { got <- *a; return nil },
	})
	for _, c := range []struct {
		name      string
		qtype     uint16
		addresses string
		aliases   string
		ttl       time.Duration
	}{
		{"www.example", dns.TypeA, "[93.184.215.14]", "[]", 300 * time.Second},
		{"Deep.Example", dns.TypeAAAA, "[2606:2800:21f:cb07::14]", "[alias.example www.example]", 50 * time.Second},
		{"short.example", dns.TypeA, "[93.184.215.15]", "[]", 0},
		{"web.example", dns.TypeHTTPS, "[93.184.215.20 2606:2800::20]", "[svc.example]", 300 * time.Second},
		{"_sip._tcp.example", dns.TypeSRV, "[]", "[www.example]", 300 * time.Second},
	} {
		before := time.Now()
		reply := exchange(t, "udp", at, ask(c.name, c.qtype))
		a := <-got
		if a.Name != strings.ToLower(c.name) || fmt.Sprint(a.Addresses) != c.addresses || fmt.Sprint(a.Aliases) != c.aliases {
			t.Errorf("%s: committed %+v", c.name, a)
		}
		if d := a.Until.Sub(before); d < c.ttl || d > c.ttl+5*time.Second {
			t.Errorf("%s: committed for %v, not %v", c.name, d, c.ttl)
		}
		for _, rr := range reply.Answer {
			if told := time.Duration(rr.Header().Ttl) * time.Second; told > a.Until.Sub(before)+time.Second {
				t.Errorf("%s: told for %v, committed until %v", c.name, told, a.Until)
			}
		}
	}
}

func TestNamesOfTheInternetDoNotLeadIntoTheNetwork(t *testing.T) {
	w := newWorld(t, zone)
	r, at := start(t, Config{
		Upstreams: []string{w.listen(t)}, Private: []string{"corp.example"},
		Inside: func(a netip.Addr) bool { return netip.MustParsePrefix("2606:2800:21f::/48").Contains(a) },
		Commit: func(_ context.Context, _ netip.Addr, a *Answer) error {
			if a.Name != "nas.corp.example" && a.Name != "www.example" {
				t.Errorf("%s was committed: %v", a.Name, a.Addresses)
			}
			return nil
		},
	})
	for name, qtype := range map[string]uint16{
		"evil.example": dns.TypeA, "mixed.example": dns.TypeA, "sneaky.example": dns.TypeHTTPS, "crossed.example": dns.TypeA,
		"mapped.example": dns.TypeAAAA, "nat64.example": dns.TypeAAAA, "www.example": dns.TypeAAAA,
	} {
		for range 2 { // and from the cache
			m := ask(name, qtype)
			m.SetEdns0(1232, false)
			got := exchange(t, "udp", at, m)
			if len(got.Answer) != 0 {
				t.Errorf("%s: %v", name, got.Answer)
			}
			if e, ok := got.IsEdns0().Option[0].(*dns.EDNS0_EDE); !ok || e.InfoCode != dns.ExtendedErrorCodeBlocked {
				t.Errorf("%s: does not say that it is blocked: %v", name, got)
			}
		}
	}
	if got := exchange(t, "udp", at, ask("nas.corp.example", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("a private domain leads nowhere: %v", got)
	}
	if n := r.Counters.Rebinding.Load(); n != 7 {
		t.Errorf("%d were counted", n)
	}
}

func TestNamesThatAreNotForTheInternetStayInside(t *testing.T) {
	w := newWorld(t, zone)
	r, at := start(t, Config{
		Upstreams: []string{w.listen(t)}, Private: []string{"168.192.in-addr.arpa"},
		Local: func(name string) (Host, bool) {
			switch name {
			case "printer.home.arpa":
				return Host{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("fd00::7")}}, true
			case "7.0.0.10.in-addr.arpa":
				return Host{Names: []string{"printer.home.arpa"}}, true
			}
			return Host{}, false
		},
	})
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		first string
	}{
		{"localhost", dns.TypeA, dns.RcodeSuccess, "127.0.0.1"},
		{"x.localhost", dns.TypeAAAA, dns.RcodeSuccess, "::1"},
		{"localhost", dns.TypeMX, dns.RcodeSuccess, ""},
		{"printer.home.arpa", dns.TypeA, dns.RcodeSuccess, "10.0.0.7"},
		{"Printer.Home.Arpa", dns.TypeAAAA, dns.RcodeSuccess, "fd00::7"},
		{"printer.home.arpa", dns.TypeHTTPS, dns.RcodeSuccess, ""},
		{"7.0.0.10.in-addr.arpa", dns.TypePTR, dns.RcodeSuccess, "printer.home.arpa."},
		{"8.0.0.10.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.1.31.172.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.1.127.100.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.0.0.0.d.f.ip6.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"other.home.arpa", dns.TypeA, dns.RcodeNameError, ""},
		{"home.arpa", dns.TypeSOA, dns.RcodeSuccess, ""},
		{"tv.local", dns.TypeA, dns.RcodeNameError, ""},
		{"hidden.onion", dns.TypeA, dns.RcodeNameError, ""},
		{"a.invalid", dns.TypeA, dns.RcodeNameError, ""},
		{"a.test", dns.TypeA, dns.RcodeNameError, ""},
		{"printer", dns.TypeA, dns.RcodeNameError, ""},
		{"ipv4only.arpa", dns.TypeA, dns.RcodeSuccess, "192.0.0.170"},
		{"ipv4only.arpa", dns.TypeAAAA, dns.RcodeSuccess, ""},
		{"_dns.resolver.arpa", dns.TypeSVCB, dns.RcodeSuccess, ""},
		{"www.example", dns.TypeANY, dns.RcodeSuccess, "RFC8482"},
		{"www.example", dns.TypeAXFR, dns.RcodeNotImplemented, ""},
	} {
		got := exchange(t, "tcp", at, ask(c.name, c.qtype))
		text := fmt.Sprint(got.Answer)
		if got.Rcode != c.rcode || !strings.Contains(text, c.first) || c.first == "" && len(got.Answer) != 0 {
			t.Errorf("%s %s: %v", c.name, dns.TypeToString[c.qtype], got)
		}
		if len(got.Answer) == 0 && got.Rcode != dns.RcodeNotImplemented && len(got.Ns) != 1 {
			t.Errorf("%s %s: nothing says for how long: %v", c.name, dns.TypeToString[c.qtype], got)
		}
	}
	if n := r.Counters.Asked.Load(); n != 0 {
		t.Errorf("%d left the house: %v", n, w.asked)
	}
	// What the parent knows of these domains, and what is configured as private, is asked.
	exchange(t, "udp", at, ask("home.arpa", dns.TypeDS))
	exchange(t, "udp", at, ask("1.1.168.192.in-addr.arpa", dns.TypePTR))
	if n := r.Counters.Asked.Load(); n != 2 {
		t.Errorf("%d of 2 were asked", n)
	}
	chaos := ask("version.bind", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	if got := exchange(t, "udp", at, chaos); got.Rcode != dns.RcodeRefused {
		t.Errorf("version.bind: %v", got)
	}
}

func TestNobodyButThisNetworkIsAnswered(t *testing.T) {
	w := newWorld(t, zone)
	r, _ := start(t, Config{Upstreams: []string{w.listen(t)}})
	for s, want := range map[string]bool{
		"192.168.1.5": true, "10.2.3.4": true, "fd00::5": true, "fe80::1": true, "127.0.0.5": true, "::1": true,
		"93.184.215.14": false, "2606:2800::1": false,
	} {
		if got := r.welcome(netip.MustParseAddr(s), time.Now()); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestAllowIsAskedBeforeAnyoneElse(t *testing.T) {
	w := newWorld(t, zone)
	var closed atomic.Bool
	var asked atomic.Value
	var instead atomic.Pointer[[]netip.Addr]
	r, at := start(t, Config{
		Upstreams: []string{w.listen(t)},
		Allow:     func(_ netip.Addr, name string) bool { return name == "web.example" || !closed.Load() },
		Instead:   func(netip.Addr) []netip.Addr { return *instead.Load() },
		Asked:     func(_ netip.Addr, q Question) { asked.Store(q) },
	})
	exchange(t, "udp", at, ask("www.example", dns.TypeA))
	closed.Store(true)
	instead.Store(&[]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")})
	for kind, want := range map[uint16]int{dns.TypeA: 1, dns.TypeAAAA: 1, dns.TypeTXT: 0} {
		got := exchange(t, "udp", at, ask("stolen-data.example", kind))
		if len(got.Answer) != want || want == 0 && got.Rcode != dns.RcodeRefused || want > 0 && got.Answer[0].Header().Ttl > 1 {
			t.Errorf("who may not ask, and is to be told why, gets %v", got)
		}
	}
	instead.Store(&[]netip.Addr{})
	for _, name := range []string{"www.example", "stolen-data.example"} {
		if got := exchange(t, "udp", at, ask(name, dns.TypeA)); got.Rcode != dns.RcodeRefused || len(got.Answer) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if n := w.count("stolen-data.example."); n != 0 {
		t.Error("a name left the house although its client may not ask for it")
	}
	if got := exchange(t, "udp", at, ask("web.example", dns.TypeHTTPS)); len(got.Answer) != 1 {
		t.Error(got)
	}
	exchange(t, "tcp", at, ask("Web.example", dns.TypeHTTPS))
	exchange(t, "tcp", at, ask("Web.example", dns.TypeHTTPS))
	if q := asked.Load().(Question); q != (Question{"web.example", dns.TypeHTTPS, 0, true}) {
		t.Errorf("asked: %+v", q)
	}
	if n := r.Counters.Disallowed.Load(); n != 5 {
		t.Errorf("%d were counted", n)
	}
}
