package device

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

func TestNamesLeadToAddresses(t *testing.T) {
	n := NewNames(1 << 20)
	cdn := server.addr
	n.Learn(laptop.mac, cdn, []byte("early.example"), 100*second)
	n.Learn(laptop.mac, cdn, []byte("late.example"), 200*second)
	n.Learn(laptop.mac, cdn, []byte("early.example"), 300*second)
	n.Learn(camera.mac, cdn, []byte("camera.example"), 100*second)
	n.Learn(laptop.mac, router.addr, []byte(""), 100*second)
	for _, c := range []struct {
		client frame.MAC
		addr   frame.Addr
		at     int64
		want   string // the one that it was told last first
	}{
		{laptop.mac, cdn, 99 * second, ""},
		{laptop.mac, cdn, 100*second - slack, "early.example"}, // clocks are not exact
		{laptop.mac, cdn, 150 * second, "early.example"},
		{laptop.mac, cdn, 250 * second, "late.example early.example"},
		{laptop.mac, cdn, 350 * second, "early.example late.example"},
		{camera.mac, cdn, 350 * second, "camera.example"},
		{router.mac, cdn, 350 * second, ""},
		{laptop.mac, router.addr, 350 * second, ""},
	} {
		if got := strings.Join(n.Lookup(c.client, c.addr, c.at, nil), " "); got != c.want {
			t.Errorf("%v at %d s: %q, want %q", c.client, c.at/second, got, c.want)
		}
	}
	if got := n.Lookup(camera.mac, cdn, 350*second, []string{"own.example"}); !slices.Equal(got, []string{"own.example", "camera.example"}) {
		t.Errorf("%q", got)
	}
	for i := range 5 {
		n.Learn(laptop.mac, cdn, fmt.Appendf(nil, "%d.example", i), int64(400+i)*second)
	}
	if got := n.Lookup(laptop.mac, cdn, 500*second, nil); !slices.Equal(got, []string{"4.example", "3.example", "2.example"}) {
		t.Errorf("of many names, %q are kept", got)
	}
}

func TestNamesThatAreSaidAgainStay(t *testing.T) {
	n := NewNames(64 << 10)
	for i := range 100_000 {
		at := int64(i) * second
		if i%50 == 0 {
			n.Learn(camera.mac, server.addr, []byte("cloud.example"), at)
		}
		n.Learn(laptop.mac, frame.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), fmt.Appendf(nil, "%d.example", i), at)
		if n.octets > n.max || n.textOctets > n.max/4 {
			t.Fatalf("%d octets of %d", n.octets, n.max)
		}
	}
	if got := n.Lookup(camera.mac, server.addr, 1e6*second, nil); len(got) != 1 {
		t.Error("a name that was said all the time is forgotten")
	}
	if got := n.Lookup(laptop.mac, frame.AddrFrom4([4]byte{0, 0, 5, 1}), 1e6*second, nil); len(got) != 0 {
		t.Errorf("%q was said once, long ago", got)
	}
	octets := 0
	for _, e := range n.known {
		octets += pairSize
		for _, x := range e.list {
			octets += len(x.name)
		}
	}
	if octets != n.octets || len(n.order)-n.head != len(n.known) {
		t.Errorf("%d octets counted, %d there; %d waiting, %d known", n.octets, octets, len(n.order)-n.head, len(n.known))
	}
}

func TestNamesOfPeers(t *testing.T) {
	h := newHome(t)
	h.say(laptop, "dns.answer", "www.example", "address", "198.51.100.10")
	h.say(laptop, "dns.answer", "cdn.example", "address", "198.51.100.10")
	h.say(camera, "dns.answer", "other.example", "address", "198.51.100.10")
	h.talk(laptop, server, tcp, 443)
	h.talk(router.from("192.168.1.1"), laptop, tcp, 22)
	f := flow.Flow{
		Addr: [2]frame.Addr{laptop.addr, server.addr}, MAC: [2]frame.MAC{laptop.mac, server.mac}, Port: [2]uint16{5, 8443}, Proto: tcp,
		Packets: [2]uint64{5, 5}, First: h.now, Last: h.now,
	}
	if got := h.NamesOf(&f, "cdn.example"); !slices.Equal(got, []string{"cdn.example", "www.example"}) {
		t.Errorf("%q: what the flow itself says comes first, once", got)
	}
	h.Flow(&f, "sni.example")
	d := h.device(laptop)
	if len(d.Peers) != 3 {
		t.Fatalf("%d peers", len(d.Peers))
	}
	if got := d.Peers[0].Names; !slices.Equal(got, []string{"cdn.example", "www.example"}) {
		t.Errorf("names %q: those that the laptop was told", got)
	}
	if got := d.Peers[1].Names; len(got) != 0 || d.Peers[1].Initiated {
		t.Errorf("names %q: who calls has none", got)
	}
	if got := d.Peers[2].Names; len(got) != 3 || got[0] != "sni.example" {
		t.Errorf("names %q", got)
	}
}
