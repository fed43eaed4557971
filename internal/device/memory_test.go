package device

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// flood is something that comes without end.
type flood struct {
	name  string
	count int
	one   func(h *home, i int)
}

func floods() []flood {
	rng := rand.New(rand.NewPCG(1, 2))
	mac := func() frame.MAC {
		r := rng.Uint64()
		return frame.MAC{byte(r) &^ 1, byte(r >> 8), byte(r >> 16), byte(r >> 24), byte(r >> 32), byte(r >> 40)}
	}
	addr := func() frame.Addr {
		return frame.AddrFrom4([4]byte{byte(20 + rng.IntN(100)), byte(rng.Uint32()), byte(rng.Uint32()), 9})
	}
	binary := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return string(b)
	}
	device := func(i int) end {
		return end{frame.MAC{0, 0x77, 0, 0, byte(i >> 8), byte(i)}, frame.AddrFrom4([4]byte{192, 168, byte(i >> 8), byte(i)}), 64}
	}
	return []flood{
		{"senders", 200_000, func(h *home, i int) { h.call(end{mac(), addr(), 64}, router, tcp, 80) }},
		{"senders that are answered", 200_000, func(h *home, i int) { h.talk(end{mac(), addr(), 64}, router, tcp, 80) }},
		{"senders that say much", 100_000, func(h *home, i int) {
			e := end{mac(), addr(), 64}
			for _, fact := range []string{"arp.address", "dhcp.hostname", "dhcp.parameters", "dhcp.vendor_class"} {
				h.say(e, fact, e.addr.Netip().String())
			}
		}},
		{"senders of whom some say more", 200_000, func(h *home, i int) {
			e := end{mac(), addr(), 64}
			if i%5 == 0 {
				h.call(e, router, tcp, 80)
				return
			}
			h.say(e, "arp.address", "0.0.0.0")
		}},
		{"peers of one device", 200_000, func(h *home, i int) { h.talk(camera, end{router.mac, addr(), 50}, tcp, uint16(i)) }},
		{"peers of many devices", 200_000, func(h *home, i int) { h.talk(device(i%500), end{router.mac, addr(), 50}, tcp, uint16(i)) }},
		{"peers that do not answer", 200_000, func(h *home, i int) { h.call(camera, end{router.mac, addr(), 50}, tcp, uint16(i)) }},
		{"addresses of one device", 200_000, func(h *home, i int) { h.talk(end{camera.mac, addr(), 64}, router, tcp, 80) }},
		{"addresses claimed", 200_000, func(h *home, i int) { h.say(camera, "arp.address", addr().Netip().String()) }},
		{"names", 200_000, func(h *home, i int) {
			h.say(device(i%200), "dns.answer", fmt.Sprintf("%d.%s", i, strings.Repeat("x", i%240)), "address", addr().Netip().String())
		}},
		{"names of peers", 100_000, func(h *home, i int) {
			e := device(i % 100)
			f := flow.Flow{
				Addr: [2]frame.Addr{e.addr, addr()}, MAC: [2]frame.MAC{e.mac, router.mac}, Port: [2]uint16{5, 443}, Proto: tcp,
				Packets: [2]uint64{5, 5}, First: h.now, Last: h.now,
			}
			h.Flow(&f, h.Names.Intern([]byte(fmt.Sprintf("%d.%s", i, strings.Repeat("y", 240)))))
		}},
		{"facts", 40_000, func(h *home, i int) {
			h.say(device(i%300), fmt.Sprintf("fact.%d", i%90), fmt.Sprintf("%d %s", i, binary(200)), "a", binary(300), "b", binary(300), "c", binary(20))
		}},
		{"kinds of facts", 100_000, func(h *home, i int) { h.say(camera, fmt.Sprintf("fact.%d", i), "x") }},
		{"facts about strangers", 200_000, func(h *home, i int) { h.tell(camera, mac(), "dhcp.lease", "192.168.1.9") }},
		{"prefixes and routers", 100_000, func(h *home, i int) {
			h.say(camera, "ra.prefix", fmt.Sprintf("2001:db8:%x:%x::/64", i>>16, i&0xffff))
			h.say(camera, "dhcp.server", addr().Netip().String(), "router", addr().Netip().String(), "mask", "255.255.255.0")
		}},
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const budget = 4 << 20
	for _, f := range floods() {
		t.Run(f.name, func(t *testing.T) {
			before := heap()
			h := newHome(t)
			h.Inventory = NewInventory(budget)
			if testing.Short() {
				f.count /= 4
			}
			for i := range f.count {
				f.one(h, i)
			}
			if grown := heap() - before; grown > budget*3/2 {
				t.Errorf("%d octets of memory are in use, of %d; %d counted for %d devices", grown, budget, h.used, h.Len())
			} else {
				t.Logf("%.2f of the memory, %.2f counted, %d devices, %d evicted", float64(grown)/budget, float64(h.used)/budget, h.Len(), h.Evicted())
			}
			if h.used > h.budget {
				t.Errorf("%d octets are counted, of %d", h.used, h.budget)
			}
			h.Finish()
			runtime.KeepAlive(h)
		})
	}
}

// Who forges senders makes no work for the garbage collector: what one took serves the next. Else a flood makes memory
// faster than a collector that has to wait for a processor gives it back.
func TestForgottenDevicesAreUsedAgain(t *testing.T) {
	h := newHome(t)
	h.Inventory = NewInventory(1 << 20)
	senders := floods()[0]
	for i := range 20_000 {
		senders.one(h, i)
	}
	before := h.Evicted()
	if n := testing.AllocsPerRun(10_000, func() { senders.one(h, 0) }); n > 0 {
		t.Errorf("%v allocations for each sender", n)
	}
	if n := h.Evicted() - before; n < 5_000 {
		t.Errorf("%d devices were evicted meanwhile", n)
	}
}

// A home whose devices were there before a flood, or come after it, is seen as without it.
func TestDevicesOutliveFloods(t *testing.T) {
	for _, f := range floods()[:3] {
		for _, when := range []string{"before", "after", "during"} {
			if f.name == "senders that are answered" && when != "before" {
				continue // these can't be told from devices
			}
			t.Run(f.name+"/"+when, func(t *testing.T) {
				h := newHome(t)
				h.Inventory = NewInventory(1 << 20)
				live := func() {
					h.arp(router)
					h.arp(laptop)
					h.say(laptop, "dhcp.hostname", "laptop")
					h.talk(laptop, server, tcp, 443)
					h.talk(camera, server, tcp, 8883)
				}
				if when == "before" {
					live()
				}
				for i := range 20_000 {
					f.one(h, i)
					if when == "during" && i%1000 == 500 {
						live()
					}
				}
				if when == "after" {
					live()
				}
				if n := h.Evicted(); n < 10_000 {
					t.Errorf("%d devices were evicted", n)
				}
				h.owns(laptop, "192.168.1.20")
				h.owns(router, "192.168.1.1")
				if d := h.device(laptop); len(d.Peers) != 1 || len(d.Hostnames()) != 1 {
					t.Errorf("the laptop has %d peers and %d names", len(d.Peers), len(d.Hostnames()))
				}
				if d := h.device(camera); len(d.Peers) != 1 {
					t.Errorf("the camera has %d peers", len(d.Peers))
				}
			})
		}
	}
}

func TestOneDeviceLeavesMemoryToOthers(t *testing.T) {
	h := newHome(t)
	h.Inventory = NewInventory(1 << 20)
	for i := range 10_000 {
		h.say(camera, fmt.Sprintf("fact.%d", i%200), fmt.Sprint(i, strings.Repeat("z", 200)))
	}
	h.say(laptop, "dhcp.hostname", "laptop")
	if d := h.device(camera); d.used > h.budget/8+deviceSize || d.Unobserved == 0 || !h.Full {
		t.Errorf("the camera has %d of %d octets, %d facts left out, said %v", d.used, h.budget, d.Unobserved, h.Full)
	}
	if d := h.device(laptop); len(d.Observations) != 1 {
		t.Errorf("nothing is left for the laptop")
	}
}

func TestObservations(t *testing.T) {
	h := newHome(t)
	for range 3 {
		h.say(camera, "dhcp.hostname", "cam")
	}
	h.say(camera, "dhcp.vendor_class", "cam", "note", "a\x00b")
	for i := range 2 * maxPerFact {
		h.say(camera, "dns.query", fmt.Sprint(i))
	}
	d := h.device(camera)
	if n := len(d.Observations); n != 2+maxPerFact || d.Unobserved != maxPerFact {
		t.Errorf("%d observations, %d left out", n, d.Unobserved)
	}
	if o := d.Observations[0]; o.Count != 3 || o.Packet != 7 || o.Value != "cam" || o.Fact != "dhcp.hostname" {
		t.Errorf("%+v", o)
	}
	if o := d.Observations[1]; o.Lookup("note") != `a\x00b` || o.Lookup("other") != "" {
		t.Errorf("%+v", o)
	}
}

func TestEvictedDevicesAreCountedNearly(t *testing.T) {
	var s sketch
	for i := range 50_000 {
		m := frame.MAC{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}
		s.add(m)
		s.add(m)
	}
	if n := s.count(); n < 48_500 || n > 51_500 {
		t.Errorf("%d of 50,000", n)
	}
}
