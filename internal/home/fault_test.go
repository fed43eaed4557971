package home

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// full is a ledger that can keep nothing, or only some.
type full struct {
	memory
	save, record error
	order        []string
}

func (f *full) Save(ctx context.Context, list []*Device) error {
	f.order = append(f.order, "save")
	return errors.Join(f.save, f.memory.Save(ctx, list))
}

func (f *full) Record(ctx context.Context, d *Decision) error {
	if f.record != nil {
		return f.record
	}
	f.order = append(f.order, "record")
	return f.memory.Record(ctx, d)
}

// A stance says nothing without the addresses of the device that it is about: these are kept first.
func TestADeviceThatCouldNotBeKeptIsKeptBeforeWhatIsDecidedAboutIt(t *testing.T) {
	h, _ := opened(t)
	disk := errors.New("no space left on device")
	ledger := &full{save: disk}
	h.Ledger = ledger
	if _, err := h.Observe(t.Context(), []Sighting{seen(1)}); !errors.Is(err, disk) {
		t.Fatal(err)
	}
	enforced := 0
	h.Enforce = func(context.Context, []*Device) error { enforced++; return nil }
	if _, err := h.Decide(t.Context(), "uid:0", Admit, "cam", "none"); !errors.Is(err, ErrKeep) || !errors.Is(err, disk) {
		t.Errorf("decided: %v", err)
	}
	if d, _ := h.Find("cam"); d == nil || d.State == Refused || enforced != 0 {
		t.Errorf("%+v, enforced %d times", d, enforced)
	}
	ledger.save, ledger.order = nil, nil
	if _, err := h.Decide(t.Context(), "uid:0", Admit, "cam", "none"); err != nil {
		t.Fatal(err)
	}
	if got := len(ledger.order); got != 2 || ledger.order[0] != "save" || ledger.order[1] != "record" {
		t.Errorf("in this order: %v", ledger.order)
	}
	ledger.record = disk
	if _, err := h.Decide(t.Context(), "uid:0", Release, "cam", ""); !errors.Is(err, ErrKeep) {
		t.Errorf("decided: %v", err)
	}
	if d, _ := h.Find("cam"); d.State != Refused {
		t.Errorf("it is %s", d.State)
	}
}

func TestWhatWasSeenAndCouldNotBeKeptIsKeptWhenItCan(t *testing.T) {
	h, _ := opened(t)
	ledger := &full{save: errors.New("no space left on device")}
	h.Ledger = ledger
	for range 3 {
		_, _ = h.Observe(t.Context(), []Sighting{seen(1)})
	}
	ledger.save = nil
	ledger.saved = 0
	for range 3 {
		observe(t, h, seen(1))
	}
	if ledger.saved != 1 {
		t.Errorf("kept %d times", ledger.saved)
	}
}

// After a start little was seen yet of a device: what it had before, it has.
func TestADeviceKeepsItsAddressesOverAStart(t *testing.T) {
	h, _ := opened(t)
	s := seen(1)
	s.Addresses = addresses("192.0.2.7", "2001:db8::7")
	observe(t, h, s)
	s.Addresses = addresses("fe80::7")
	observe(t, h, s)
	if d, _ := h.Find("cam"); len(d.Addresses) != 3 || d.Addresses[0].String() != "fe80::7" {
		t.Errorf("%v", d.Addresses)
	}
	for i := range byte(100) {
		s.Addresses = addresses("192.0.2.7")
		s.Addresses[0] = s.Addresses[0].Prev()
		for range i {
			s.Addresses[0] = s.Addresses[0].Next()
		}
		observe(t, h, s)
	}
	if d, _ := h.Find("cam"); len(d.Addresses) != maxKnown {
		t.Errorf("%d addresses", len(d.Addresses))
	}
}

func addresses(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// A clock that is set moves rehearsals along: it neither ends them, nor makes them last.
func TestARehearsalLastsAsLongWhoeverSetsTheClock(t *testing.T) {
	h, _ := opened(t)
	right := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	now, elapsed := right, time.Duration(0)
	h.Now, h.Elapsed, h.Rehearsal, h.Floor = func() time.Time { return now }, func() time.Duration { return elapsed }, time.Hour, right.AddDate(0, -1, 0)
	d := observe(t, h, seen(1)).Fresh[0]
	tick := func(by time.Duration) State {
		t.Helper()
		now, elapsed = now.Add(by), elapsed+by
		if _, err := h.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		x, err := h.Find(d.ID)
		if err != nil {
			t.Fatal(err)
		}
		return x.State
	}
	tick(time.Second)
	if _, err := h.Decide(t.Context(), Program, Rehearse, d.ID, "aa"); err != nil {
		t.Fatal(err)
	}
	for _, jump := range []time.Duration{10 * 365 * 24 * time.Hour, -30 * 365 * 24 * time.Hour, 20 * 365 * 24 * time.Hour} {
		now = now.Add(jump)
		if got := tick(10 * time.Minute); got != Rehearsing {
			t.Fatalf("the clock was set by %v, and it is %s after %v", jump, got, elapsed)
		}
	}
	if got := tick(20 * time.Minute); got != Rehearsing {
		t.Errorf("%s after %v", got, elapsed)
	}
	if got := tick(11 * time.Minute); got != Held {
		t.Errorf("%s after %v", got, elapsed)
	}
}
