package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/sqlite"
)

// tv is a television that is here by Wi-Fi and by cable: two devices, as far as anybody can see.
type tv struct {
	*home.Household
	store       *sqlite.Store
	name        string
	wifi, cable *home.Device // as they were
	bad         home.Noted   // of the cable
	day         time.Time
}

func newTV(t *testing.T) *tv {
	t.Helper()
	x := &tv{name: filepath.Join(t.TempDir(), "home.db"), day: time.Now().UTC().Truncate(24 * time.Hour)}
	x.store = open(t, x.name)
	x.Household = &home.Household{Ledger: x.store, Now: time.Now, Rehearsal: time.Hour}
	if err := x.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.seen(t, 1, 2)
	x.wifi, x.cable = x.find(t, "02:00:00:00:00:01"), x.find(t, "02:00:00:00:00:02")
	if _, _, err := x.Describe(t.Context(), "uid:0", x.cable.ID, func(d *home.Device) { d.Room = "Parlour" }); err != nil {
		t.Fatal(err)
	}
	x.bad = home.Noted{Finding: finding.Finding{Kind: finding.TLSWeak, Device: x.cable.ID, Role: finding.Actor, Last: time.Now().UnixNano()}, State: home.Open}
	if err := x.store.SaveFindings(t.Context(), []home.Noted{x.bad}); err != nil {
		t.Fatal(err)
	}
	x.talk(t)
	return x
}

// seen is what a look at the network brings of the interfaces with these numbers.
func (x *tv) seen(t *testing.T, numbers ...byte) {
	t.Helper()
	var list []home.Sighting
	for _, n := range numbers {
		list = append(list, home.Sighting{
			MACs: []frame.MAC{{2, 0, 0, 0, 0, n}}, Hostnames: []string{"tv", "tv-lan"}[n-1 : n], Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, n})},
			First: x.day, Last: time.Now(), Identity: device.Identity{Kind: device.IoT, Category: "tv", Confidence: float64(n) / 10},
		})
	}
	if _, err := x.Observe(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

// talk has either interface say something, as the gateway counts it.
func (x *tv) talk(t *testing.T) {
	t.Helper()
	var traffic []home.Traffic
	var reaches []home.Reach
	for n := range byte(2) {
		m := frame.MAC{2, 0, 0, 0, 0, n + 1}
		id := x.find(t, m.String()).Under(m)
		traffic = append(traffic, home.Traffic{At: time.Now(), Device: id, Peer: "a.example", Scope: "internet", Service: "tcp/443 tls", Began: true, Flows: 1, Out: 10, In: 1})
		reaches = append(reaches, home.Reach{Device: id, Peer: "a.example", Country: "CA", First: time.Now(), Last: time.Now()})
	}
	if err := errors.Join(x.store.AddTraffic(t.Context(), traffic), x.store.AddReaches(t.Context(), reaches)); err != nil {
		t.Fatal(err)
	}
}

func (x *tv) find(t *testing.T, word string) *home.Device {
	t.Helper()
	d, err := x.Find(word)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (x *tv) decide(t *testing.T, verb home.Verb, device, argument string) *home.Decision {
	t.Helper()
	d, err := x.Decide(t.Context(), "uid:0", verb, device, argument)
	if err != nil {
		t.Fatal(verb, err)
	}
	return d
}

// restart is the program that ends and starts.
func (x *tv) restart(t *testing.T) {
	t.Helper()
	if err := x.store.Close(); err != nil {
		t.Fatal(err)
	}
	x.store = open(t, x.name)
	x.Household = &home.Household{Ledger: x.store, Now: time.Now, Rehearsal: time.Hour}
	if err := x.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// flows is how many conversations are told of a device.
func (x *tv) flows(t *testing.T, id string) (n uint64) {
	t.Helper()
	list, err := x.store.Traffic(t.Context(), id, 24*time.Hour, x.day, x.day.AddDate(0, 0, 2), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Device != x.find(t, id).ID {
			t.Errorf("traffic of %s", r.Device)
		}
		n += r.Flows
	}
	amounts, err := x.store.Amounts(t.Context(), x.day, x.day.AddDate(0, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(amounts, func(a home.Amount) bool { return a.Device == x.find(t, id).ID })
	if i < 0 || amounts[i].Flows != n {
		t.Errorf("of %s: %d conversations, and %+v", id, n, amounts)
	}
	return n
}

// isOne checks that the two are told as one.
func (x *tv) isOne(t *testing.T, flows uint64) {
	t.Helper()
	d := x.find(t, x.cable.ID)
	if x.Len() != 1 || d.ID != x.wifi.ID || len(d.MACs) != 2 || d.Room != "Parlour" || d.Identity.Confidence != 0.2 {
		t.Errorf("%d devices: %+v", x.Len(), d)
	}
	if n := x.flows(t, d.ID); n != flows {
		t.Errorf("%d conversations, want %d", n, flows)
	}
	list, err := x.store.Findings(t.Context(), d.ID, 10)
	if err != nil || len(list) != 1 || list[0].Device != d.ID || list[0].ID() != x.bad.ID() {
		t.Errorf("%+v, %v", list, err)
	}
	if r, err := x.store.Reaches(t.Context(), d.ID, x.day, 10); err != nil || len(r) != 2 || r[1].Device != d.ID {
		t.Errorf("%+v, %v", r, err)
	}
	if said, err := x.store.Decisions(t.Context(), d.ID, 0, 100); err != nil || !slices.ContainsFunc(said, func(y *home.Decision) bool { return y.Device == x.cable.ID && y.Verb == home.Describe }) {
		t.Errorf("%v, %v", said, err)
	}
}

// areTwo checks that each has its own.
func (x *tv) areTwo(t *testing.T, flows uint64) {
	t.Helper()
	a, b := x.find(t, x.wifi.ID), x.find(t, x.cable.ID)
	if x.Len() != 2 || len(a.MACs) != 1 || len(b.MACs) != 1 || a.Room != "" || b.Room != "Parlour" || a.Identity.Confidence != 0.1 || !slices.Equal(a.Addresses, x.wifi.Addresses) {
		t.Errorf("%d devices: %+v and %+v", x.Len(), a, b)
	}
	if m, n := x.flows(t, a.ID), x.flows(t, b.ID); m != flows || n != flows {
		t.Errorf("%d and %d conversations, want %d each", m, n, flows)
	}
	if list, err := x.store.Findings(t.Context(), a.ID, 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestTwoThatAreOneHaveOneHistoryAndAreTwoAgainWhenThatIsUndone(t *testing.T) {
	x := newTV(t)
	x.areTwo(t, 1)
	made := x.decide(t, home.Join, x.wifi.ID, "02:00:00:00:00:02")
	if made.Argument != x.cable.ID || made.Device != x.wifi.ID {
		t.Errorf("%+v", made)
	}
	x.isOne(t, 2)
	x.seen(t, 2, 1)
	x.talk(t)
	x.isOne(t, 4)
	x.restart(t)
	x.seen(t, 1, 2)
	x.isOne(t, 4)
	if note, err := x.Note(t.Context(), "uid:0", x.wifi.ID, x.bad.ID(), home.Muted); err != nil || note.Device != x.wifi.ID {
		t.Errorf("%+v, %v", note, err)
	}
	x.decide(t, home.Undo, "", "")
	x.seen(t, 1, 2)
	x.areTwo(t, 2) // each with what it did meanwhile
	if list, err := x.store.Findings(t.Context(), x.cable.ID, 10); err != nil || len(list) != 1 || list[0].State != home.Muted {
		t.Errorf("%+v, %v", list, err)
	}
	x.restart(t)
	x.areTwo(t, 2)
	if _, err := x.Decide(t.Context(), "uid:0", home.Undo, "", strconv.FormatInt(made.Seq, 10)); err == nil || x.Len() != 2 {
		t.Errorf("undone twice: %v", err)
	}
}

func TestWhatWasOneIsTwoByAWordAndOneAgainWhenThatIsUndone(t *testing.T) {
	x := newTV(t)
	x.decide(t, home.Join, x.wifi.ID, x.cable.ID)
	if _, err := x.Decide(t.Context(), "uid:0", home.Join, x.wifi.ID, x.cable.ID); !errors.Is(err, home.ErrVerb) {
		t.Errorf("one with itself: %v", err)
	}
	split := x.decide(t, home.Split, "tv", "02:00:00:00:00:01") // of two parts, either name means the same
	x.areTwo(t, 1)
	// what the network seems to say does not make them one again
	both := home.Sighting{MACs: []frame.MAC{{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}}, First: x.day, Last: time.Now()}
	if _, err := x.Observe(t.Context(), []home.Sighting{both}); err != nil {
		t.Fatal(err)
	}
	x.restart(t)
	if a, b := x.find(t, "02:00:00:00:00:01"), x.find(t, "02:00:00:00:00:02"); a.ID == b.ID || len(b.MACs) != 1 || slices.ContainsFunc(x.Likely(a), func(l home.Likeness) bool { return l.Device.ID == b.ID }) {
		t.Errorf("%+v", b)
	}
	x.decide(t, home.Undo, "", "")
	x.isOne(t, 2)
	x.decide(t, home.Split, x.wifi.ID, x.cable.ID)
	x.decide(t, home.Release, x.cable.ID, "")
	if _, err := x.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Decide(t.Context(), "uid:0", home.Undo, "", "nothing"); !errors.Is(err, home.ErrVerb) {
		t.Errorf("%v", err)
	}
	if _, err := x.Decide(t.Context(), "uid:0", home.Split, x.wifi.ID, ""); !errors.Is(err, home.ErrVerb) || split.Seq == 0 {
		t.Errorf("split what is one: %v", err)
	}
}

// Saying that it is another is no way out of quarantine, nor is saying that it is two.
func TestQuarantineFollowsWhatIsOneAndWhatIsTwo(t *testing.T) {
	x := newTV(t)
	x.decide(t, home.Release, x.wifi.ID, "")
	x.decide(t, home.Except, x.wifi.ID, "b.example")
	x.decide(t, home.Quarantine, x.cable.ID, "it is strange")
	var enforced []*home.Device
	joined := x.decide(t, home.Join, x.wifi.ID, x.cable.ID)
	d := x.find(t, "tv")
	if d.State != home.Quarantined || d.Reason != "it is strange" || len(d.Exceptions) != 1 {
		t.Errorf("%+v", d.Stance)
	}
	x.Enforce = func(_ context.Context, list []*home.Device) error { enforced = list; return nil }
	x.decide(t, home.Split, x.wifi.ID, x.cable.ID)
	if len(enforced) != 2 || enforced[0].State != home.Quarantined || enforced[1].State != home.Quarantined {
		t.Errorf("%+v", enforced)
	}
	if _, err := x.Decide(t.Context(), "uid:0", home.Undo, "", "nonsense"); err == nil {
		t.Error("nonsense was undone")
	}
	x.decide(t, home.Undo, "", "") // the split
	if _, err := x.Decide(t.Context(), "uid:0", home.Undo, "", strconv.FormatInt(joined.Seq, 10)); err != nil {
		t.Fatal(err)
	}
	if a, b := x.find(t, x.wifi.ID), x.find(t, x.cable.ID); a.State != home.Free || b.State != home.Quarantined {
		t.Errorf("%s and %s", a.State, b.State)
	}
	// what was decided since is not undone with it
	joined = x.decide(t, home.Join, x.wifi.ID, x.cable.ID)
	x.decide(t, home.Release, x.wifi.ID, "")
	if _, err := x.Decide(t.Context(), "uid:0", home.Undo, "", strconv.FormatInt(joined.Seq, 10)); !errors.Is(err, home.ErrStale) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsOneIsOneAfterAnImport(t *testing.T) {
	x := newTV(t)
	x.decide(t, home.Join, x.wifi.ID, x.cable.ID)
	x.decide(t, home.Quarantine, x.wifi.ID, x.bad.ID()+" 2099-01-01T00:00:00Z")
	out, err := x.Export(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	read := func() *home.Export {
		t.Helper()
		in, err := home.ParseExport(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	// into nothing
	other := open(t, filepath.Join(t.TempDir(), "home.db"))
	h := &home.Household{Ledger: other, Now: time.Now}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Import(t.Context(), "uid:0", read(), false); err != nil {
		t.Fatal(err)
	}
	d, err := h.Find(x.cable.ID)
	if err != nil || len(d.Parts) != 2 || d.State != home.Quarantined || d.Stance.Until.Year() != 2099 {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err := h.Decide(t.Context(), "uid:0", home.Split, d.ID, ""); err != nil || h.Len() != 2 {
		t.Errorf("%d devices, %v", h.Len(), err)
	}
	// where they are two, and others: each keeps its own history
	y := newTV(t)
	if _, err := y.Import(t.Context(), "uid:0", read(), false); err != nil {
		t.Fatal(err)
	}
	if d := y.find(t, y.cable.ID); y.Len() != 1 || d.ID != y.wifi.ID || d.State != home.Quarantined || y.flows(t, d.ID) != 2 {
		t.Errorf("%d devices: %+v", y.Len(), d)
	}
	y.decide(t, home.Undo, "", "")
	y.areTwo(t, 1)
	// what no household has
	for what, change := range map[string]func(d *home.Device){
		"the first is another": func(d *home.Device) { d.Parts[0], d.Parts[1] = d.Parts[1], d.Parts[0] },
		"one part alone":       func(d *home.Device) { d.Parts = d.Parts[:1] },
		"parts of parts":       func(d *home.Device) { d.Parts[1].Parts = d.Parts[:1] },
		"a part twice":         func(d *home.Device) { d.Parts = append(d.Parts, d.Parts[1]) },
		"apart from a word":    func(d *home.Device) { d.Apart = []string{"lamp"} },
	} {
		in := read()
		change(in.Devices[0])
		bad, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := home.ParseExport(bytes.NewReader(bad)); !errors.Is(err, home.ErrExport) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTheLikelyOnesComeFirstWithWhy(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	h := &home.Household{Ledger: s, Now: time.Now}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	see := func(m frame.MAC, name string, id device.Identity, first, last time.Duration) *home.Device {
		d, _ := h.See(m, func(d *home.Device) {
			d.Hostnames, d.Identity, d.First, d.Last = []string{name}, id, now.Add(-first), now.Add(-last)
		})
		return d
	}
	phone := device.Identity{Kind: device.General, Category: "phone"}
	lamp := device.Identity{Kind: device.IoT, Category: "light", Maker: "Lamps & Co", Model: "L1"}
	mine := see(frame.MAC{2, 0, 0, 0, 0, 1}, "ana", phone, time.Hour, 0)
	mineBefore := see(frame.MAC{2, 0, 0, 0, 0, 2}, "Ana", phone, 9*time.Hour, 2*time.Hour)
	see(frame.MAC{2, 0, 0, 0, 0, 3}, "ana", phone, 9*time.Hour, 0) // at the same time: another phone of that name
	lamp1 := see(frame.MAC{0, 0, 0, 0, 0, 4}, "lamp-1", lamp, 9*time.Hour, 0)
	see(frame.MAC{0, 0, 0, 0, 0, 5}, "lamp-2", lamp, 9*time.Hour, 0)
	see(frame.MAC{2, 0, 0, 0, 0, 6}, "ana", lamp, 9*time.Hour, 8*time.Hour)
	got := h.Likely(mine)
	if len(got) != 1 || got[0].Device.ID != mineBefore.ID || !slices.Equal(got[0].Because, []home.Sign{home.SameName, home.Turns, home.Made}) {
		t.Errorf("%+v", got)
	}
	if got := h.Likely(lamp1); len(got) != 0 {
		t.Errorf("two lamps are not one: %+v", got)
	}
}
