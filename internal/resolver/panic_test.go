package resolver

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// What a message makes us stumble over costs that message. The next is answered, on the same socket and connection.
func TestADefectCostsOneQuery(t *testing.T) {
	w := newWorld(t, zone)
	r, at := start(t, Config{
		Upstreams: []string{w.listen(t)},
		Allow: func(_ netip.Addr, name string) bool {
			if name == "web.example" {
				panic("a defect, for a test")
			}
			return true
		},
	})
	conn, err := dns.DialTimeout("tcp", at, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	for range 3 {
		for _, network := range []string{"udp", "tcp"} {
			if got := exchange(t, network, at, ask("web.example", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
				t.Errorf("%s: %v", network, got)
			}
			if got := exchange(t, network, at, ask("www.example", dns.TypeA)); got.Rcode != dns.RcodeSuccess || len(got.Answer) == 0 {
				t.Errorf("%s: %v", network, got)
			}
		}
		for _, name := range []string{"web.example", "www.example"} {
			if err := conn.WriteMsg(ask(name, dns.TypeA)); err != nil {
				t.Fatal(err)
			}
			if got, err := conn.ReadMsg(); err != nil || (got.Rcode == dns.RcodeSuccess) != (name == "www.example") {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	}
	if n := r.Counters.Panics.Load(); n != 9 {
		t.Errorf("%d were counted", n)
	}
}

// A loop that reads goes on behind the message that it stumbled over.
func TestALoopThatStumblesGoesOn(t *testing.T) {
	r, err := New(Config{Upstreams: []string{"192.0.2.1"}, Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	times := 0
	err = r.persist(func() error {
		if times++; times < 4 {
			panic("a defect, for a test")
		}
		return errClosed
	})
	if times != 4 || !errors.Is(err, errClosed) || r.Counters.Panics.Load() != 3 {
		t.Errorf("%d times, %v, %d counted", times, err, r.Counters.Panics.Load())
	}
}
