package device

import (
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

const (
	second = int64(1e9)
	minute = 60 * second
	hour   = 60 * minute
)

// end is one end of a conversation, as the wire shows it.
type end struct {
	mac  frame.MAC
	addr frame.Addr
	ttl  uint8 // of its packets
}

func at(mac, addr string) end {
	m, err := frame.ParseMAC(mac)
	if err != nil {
		panic(err)
	}
	return end{m, ip(addr), 64}
}

func ip(s string) frame.Addr {
	a, ok := frame.ParseAddr([]byte(s))
	if !ok {
		panic(s)
	}
	return a
}

// from is the same device with another address.
func (e end) from(addr string) end { return end{e.mac, ip(addr), 64} }

// behind is a host on the Internet whose packets the device brings.
func (e end) behind(addr string) end { return end{e.mac, ip(addr), 52} }

// home is an inventory and what happens in front of it.
type home struct {
	*Inventory
	t       testing.TB
	now     int64
	devices []*Device
	network *Network
}

func newHome(t testing.TB) *home {
	return &home{Inventory: NewInventory(8 << 20), t: t, now: 1_000_000 * second}
}

// say lets the sender say a fact; fields are keys and values.
func (h *home) say(from end, name, value string, fields ...string) {
	h.tell(from, from.mac, name, value, fields...)
}

// tell lets the sender say a fact about somebody else.
func (h *home) tell(from end, about frame.MAC, name, value string, fields ...string) {
	var facts dissect.Facts
	h.now += second / 100
	facts.Begin(from.mac, h.now, 1)
	facts.From(from.addr)
	facts.About(about)
	facts.AddString(name, value)
	for i := 0; i < len(fields); i += 2 {
		facts.FieldString(fields[i], fields[i+1])
	}
	h.Observe(&facts, 0, 7, 0)
}

// arp lets a host claim its address.
func (h *home) arp(from end) {
	name := "ndp.address"
	if from.addr.Is4() {
		name = "arp.address"
	}
	h.say(from, name, from.addr.Netip().String())
}

// talk is a conversation that to answers, of ten packets with 1000 octets each way.
func (h *home) talk(from, to end, proto uint8, port uint16) { h.flow(from, to, proto, port, 10) }

// call is a packet that nobody answers.
func (h *home) call(from, to end, proto uint8, port uint16) { h.flow(from, to, proto, port, 0) }

func (h *home) flow(from, to end, proto uint8, port uint16, answers uint64) {
	h.now += second
	f := flow.Flow{
		Addr: [2]frame.Addr{from.addr, to.addr}, MAC: [2]frame.MAC{from.mac, to.mac}, Port: [2]uint16{50000, port}, Proto: proto,
		First: h.now, Last: h.now + second/2, Packets: [2]uint64{max(1, answers), answers},
		Octets: [2]uint64{100 * max(1, answers), 100 * answers}, TTL: [2]uint8{from.ttl, to.ttl},
	}
	h.Flow(&f, "")
}

func (h *home) finish() {
	h.t.Helper()
	if h.devices == nil {
		h.devices, h.network = h.Finish()
	}
}

// device is the device that e is an end of.
func (h *home) device(e end) *Device {
	h.t.Helper()
	h.finish()
	i := slices.IndexFunc(h.devices, func(d *Device) bool { return slices.Contains(d.MACs, e.mac) })
	if i < 0 {
		h.t.Fatalf("%v is no device", e.mac)
	}
	return h.devices[i]
}

// owns checks the addresses of a device.
func (h *home) owns(e end, addrs ...string) {
	h.t.Helper()
	var got []string
	for _, a := range h.device(e).Own() {
		got = append(got, a.Addr.Netip().String())
	}
	slices.Sort(got)
	slices.Sort(addrs)
	if !slices.Equal(got, addrs) {
		h.t.Errorf("%v owns [%s], want [%s]", e.mac, strings.Join(got, " "), strings.Join(addrs, " "))
	}
}

// gateways checks which devices carry the traffic of others.
func (h *home) gateways(want ...end) {
	h.t.Helper()
	h.finish()
	for _, d := range h.devices {
		is := slices.ContainsFunc(want, func(e end) bool { return slices.Contains(d.MACs, e.mac) })
		if d.Gateway != is {
			h.t.Errorf("%v is a gateway: %v, want %v", d.MAC, d.Gateway, is)
		}
	}
}

// scopes checks where addresses are; the arguments are addresses and scopes in turn.
func (h *home) scopes(pairs ...string) {
	h.t.Helper()
	h.finish()
	for i := 0; i < len(pairs); i += 2 {
		if got := h.network.Scope(ip(pairs[i])); got != pairs[i+1] {
			h.t.Errorf("%s is at %s, want %s", pairs[i], got, pairs[i+1])
		}
	}
}

func (h *home) count(n int) {
	h.t.Helper()
	h.finish()
	if len(h.devices) != n {
		h.t.Errorf("%d devices, want %d", len(h.devices), n)
	}
}
