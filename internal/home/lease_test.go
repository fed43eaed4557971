package home

import (
	"net/netip"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// leases takes in leases of the device with a number, each "address", "prefix/bits", or with "-" before: given back.
func leases(t *testing.T, h *Household, n byte, list ...string) *Device {
	t.Helper()
	var d *Device
	for _, s := range list {
		l := Lease{Until: h.Now().Add(time.Hour)}
		if s[0] == '-' {
			s, l.Until = s[1:], h.Now()
		}
		if p, err := netip.ParsePrefix(s); err == nil {
			l.Address, l.Bits = p.Addr(), p.Bits()
		} else {
			l.Address = netip.MustParseAddr(s)
		}
		m := frame.MAC{2, 0, 0, 0, 0, n}
		after, err := h.TakeLeases(t.Context(), []Leased{{m, l}})
		if err != nil {
			t.Fatal(err)
		}
		d = after[m]
	}
	return d
}

func TestByIPv4ALeaseTakesThePlaceOfTheOneBeforeAndByIPv6Not(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1))
	d := leases(t, h, 1, "192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.2")
	for a, want := range map[string]bool{"192.0.2.1": true, "192.0.2.2": false, "2001:db8::1": false, "2001:db8::2": false, "2001:db8::3": false} {
		if got := d.Gave(netip.MustParseAddr(a), noon.Add(time.Minute)); got != want {
			t.Errorf("%s was given up: %v, want %v", a, got, want)
		}
	}
}

func TestWhatIsGivenBackOrOverIsNobodysAndTheRestStays(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1))
	d := leases(t, h, 1, "2001:db8::1", "2001:db8::2", "2001:db8:5::/48", "-2001:db8::1", "-2001:db8:5::/48")
	later := noon.Add(time.Second)
	for a, want := range map[string]bool{"2001:db8::1": true, "2001:db8::2": false, "2001:db8:5::7": true, "2001:db8:6::7": false} {
		if got := d.Gave(netip.MustParseAddr(a), later); got != want {
			t.Errorf("%s was given up: %v, want %v", a, got, want)
		}
	}
	if !d.Leased(later) {
		t.Error("one is given back, and it has none any more")
	}
	if over := noon.Add(2 * time.Hour); d.Leased(over) || !d.Gave(netip.MustParseAddr("2001:db8::2"), over) {
		t.Error("a lease that is over goes on")
	}
	if d = leases(t, h, 1, "2001:db8::1"); d.Gave(netip.MustParseAddr("2001:db8::1"), later) {
		t.Error("what it got anew is still given up")
	}
}

func TestManyLeasesAreKeptInOneGoAndOfADeviceTheLastOnes(t *testing.T) {
	h, kept := opened(t)
	observe(t, h, seen(1))
	before := kept.saves
	var list []Leased
	for i := range 1000 {
		for n := range byte(2) { // one of them is not known
			list = append(list, Leased{frame.MAC{2, 0, 0, 0, 0, n + 1}, Lease{Address: netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)}), Until: noon.Add(time.Hour)}})
		}
	}
	after, err := h.TakeLeases(t.Context(), list)
	if err != nil || len(after) != 1 || kept.saves != before+1 {
		t.Fatalf("%d devices, kept in %d goes: %v", len(after), kept.saves-before, err)
	}
	if d := after[frame.MAC{2, 0, 0, 0, 0, 1}]; len(d.Leases) != maxLeases || d.Leases[maxLeases-1].Address != list[len(list)-1].Address {
		t.Errorf("%+v", d.Leases)
	}
}

func TestAnAddressThatSomebodyGotIsTakenOnlyFromWhoHasNoLeaseOfIt(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1), seen(2))
	a := netip.MustParseAddr("2001:db8::1")
	has := func(n byte) bool {
		d, _ := h.Find(frame.MAC{2, 0, 0, 0, 0, n}.String())
		return !d.Gave(a, h.Now())
	}
	leases(t, h, 1, a.String())
	leases(t, h, 2, a.String()) // whoever said so is no server, or a bad one
	if !has(1) {
		t.Error("a lease that goes on was taken away")
	}
	leases(t, h, 1, "-"+a.String())
	h.Now = func() time.Time { return noon.Add(time.Minute) }
	s := seen(1)
	s.Last = h.Now()
	observe(t, h, s) // it is still here
	if !has(1) {
		t.Error("who gives an address back and goes on has no rules any more")
	}
	leases(t, h, 2, a.String())
	if has(1) || !has(2) {
		t.Error("the address is not that of whoever got it")
	}
}
