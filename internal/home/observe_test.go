package home

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// memory is a ledger that forgets; what is kept is tested in package sqlite.
type memory struct {
	saved int // devices
	saves int
	list  []Decision
	found []Noted // since a device was let back
	kept  []Noted
}

func (m *memory) Devices(context.Context) ([]*Device, error) { return nil, nil }
func (m *memory) Save(_ context.Context, list []*Device) error {
	m.saved += len(list)
	m.saves++
	return nil
}

func (m *memory) Record(_ context.Context, d *Decision) error {
	d.Seq = int64(len(m.list) + 1)
	m.list = append(m.list, *d)
	return nil
}
func (m *memory) Decision(context.Context, int64) (*Decision, error) { return nil, fs.ErrNotExist }
func (m *memory) Last(context.Context) (*Decision, error)            { return nil, fs.ErrNotExist }
func (m *memory) Decisions(context.Context, string, int64, int) ([]*Decision, error) {
	return nil, nil
}

func (m *memory) TakeOver(context.Context, *Takeover) error { return nil }
func (m *memory) NoteOf(context.Context, string, string) (NoteState, error) {
	return "", fs.ErrNotExist
}
func (m *memory) SetFinding(context.Context, string, NoteState) error { return fs.ErrNotExist }
func (m *memory) Finding(_ context.Context, id string) (*Noted, error) {
	for i := range m.kept {
		if m.kept[i].ID() == id {
			return &m.kept[i], nil
		}
	}
	return nil, fs.ErrNotExist
}

func (m *memory) FindingsSince(context.Context, string, time.Time) ([]Noted, error) {
	return m.found, nil
}
func (m *memory) Settings(context.Context) (*Settings, error)     { return &Settings{}, nil }
func (m *memory) Snapshot(context.Context, int64) ([]byte, error) { return nil, fs.ErrNotExist }
func (m *memory) Contents(context.Context, *Export) error         { return nil }

func opened(t *testing.T) (*Household, *memory) {
	t.Helper()
	m := &memory{}
	h := &Household{Ledger: m, Now: func() time.Time { return noon }, Rehearsal: Rehearsal}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, m
}

func seen(mac byte) Sighting {
	return Sighting{
		MACs: []frame.MAC{{2, 0, 0, 0, 0, mac}}, Hostnames: []string{"cam"}, First: noon, Last: noon,
		Identity: device.Identity{Kind: device.IoT, Category: "camera", Confidence: 0.9},
	}
}

func observe(t *testing.T, h *Household, list ...Sighting) *News {
	t.Helper()
	n, err := h.Observe(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestADeviceIsNewOnceAndKeptWhenItChanges(t *testing.T) {
	h, m := opened(t)
	if n := observe(t, h, seen(1)); len(n.Fresh) != 1 || n.Fresh[0].State != Learning || m.saved != 1 {
		t.Fatalf("%+v, saved %d", n, m.saved)
	}
	s := seen(1)
	s.Last = noon.Add(time.Minute)
	if n := observe(t, h, s); len(n.Fresh) != 0 || m.saved != 1 {
		t.Errorf("seen again: %+v, saved %d", n, m.saved)
	}
	s.MUD = []MUDURL{{URL: "https://lamps.example/l.json", Via: "dhcpv4", At: noon}}
	s.Last = noon.Add(10 * time.Minute)
	if n := observe(t, h, s); len(n.URLs) != 1 || m.saved != 2 {
		t.Errorf("with a MUD URL: %+v, saved %d", n, m.saved)
	}
	// what is known for surer stays
	s.Identity = device.Identity{Kind: device.Unknown, Confidence: 0.1}
	observe(t, h, s)
	if d, err := h.Find("cam"); err != nil || d.Identity.Category != "camera" {
		t.Errorf("%+v, %v", d, err)
	}
}

// Few things are known by their first packets.
func TestWhatTurnsOutToBeAThingIsToBeHeldUnlessAPersonAnswered(t *testing.T) {
	for _, answer := range []string{"", "full"} {
		h, m := opened(t)
		s := seen(1)
		s.Identity = device.Identity{Kind: device.Unknown}
		observe(t, h, s)
		if d, _ := h.Find("cam"); d.State != Free {
			t.Fatalf("nobody knows what it is, and it is %s", d.State)
		}
		want := Learning
		if answer != "" {
			if _, err := h.Decide(t.Context(), "uid:0", Admit, "cam", answer); err != nil {
				t.Fatal(err)
			}
			want = Free
		}
		observe(t, h, seen(1))
		_, err := h.Tick(t.Context())
		if d, _ := h.Find("cam"); err != nil || d.State != want || d.Admission != Admission(answer) {
			t.Errorf("answer %q: %+v, %v", answer, d.Stance, err)
		}
		// what is known cannot be talked away
		s.Identity = device.Identity{Kind: device.General, Confidence: 0.99}
		observe(t, h, s)
		list, err := h.Tick(t.Context())
		if d, _ := h.Find("cam"); err != nil || len(list) != 0 || d.State != want || len(m.list) != 1 {
			t.Errorf("answer %q, as a computer: %+v, %v", answer, d.Stance, err)
		}
	}
}

func TestTheLogSaysWhoSaidWhatOfADevice(t *testing.T) {
	h, m := opened(t)
	observe(t, h, seen(1))
	say := func(change func(*Device)) {
		if _, _, err := h.Describe(t.Context(), "uid:7", "02:00:00:00:00:01", change); err != nil {
			t.Fatal(err)
		}
	}
	say(func(d *Device) { d.Name = "Door" })
	say(func(d *Device) {
		d.Says(MUDURL{URL: "https://lamps.example/l.json", Via: "operator", At: noon})
		d.Corrected = &Correction{Kind: device.General}
	})
	say(func(*Device) {})
	var got []string
	for _, d := range m.list {
		got = append(got, d.Actor+" "+string(d.Verb)+" "+d.Argument)
	}
	want := []string{`uid:7 describe name="Door"`, `uid:7 describe kind="general" mud_url="https://lamps.example/l.json" via=operator`}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestADeviceKeepsItsStanceWhenItsAddressChanges(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1))
	if _, err := h.Decide(t.Context(), "uid:0", Quarantine, "cam", "scan"); err != nil {
		t.Fatal(err)
	}
	s := seen(2)
	s.MACs = append(s.MACs, frame.MAC{2, 0, 0, 0, 0, 1})
	if n := observe(t, h, s); len(n.Fresh) != 0 || h.Len() != 1 {
		t.Fatalf("another address made another device: %+v", n)
	}
	for _, mac := range []string{"02:00:00:00:00:01", "02:00:00:00:00:02"} {
		if d, err := h.Find(mac); err != nil || d.State != Quarantined {
			t.Errorf("%s: %+v, %v", mac, d, err)
		}
	}
}

func TestMadeUpAddressesDoNotFillTheHome(t *testing.T) {
	h, _ := opened(t)
	list := make([]Sighting, MaxDevices+10)
	for i := range list {
		list[i] = seen(0)
		list[i].MACs = []frame.MAC{{2, 0, 0, 1, byte(i >> 8), byte(i)}}
	}
	if n := observe(t, h, list...); n.Crowded != 10 || h.Len() != MaxDevices {
		t.Errorf("%d were refused, %d are here", n.Crowded, h.Len())
	}
}

func TestADeviceThatChangesItsAddressWithoutEndStaysOneAndBounded(t *testing.T) {
	h, _ := opened(t)
	for i := range maxMACs + 100 {
		s := seen(0)
		s.MACs = []frame.MAC{{2, 0, 0, 1, byte(i >> 8), byte(i)}}
		if i > 0 {
			s.MACs = append(s.MACs, frame.MAC{2, 0, 0, 1, byte((i - 1) >> 8), byte(i - 1)})
		}
		observe(t, h, s)
	}
	first, last := frame.MAC{2, 0, 0, 1, 0, 0}, frame.MAC{2, 0, 0, 1, byte((maxMACs + 99) >> 8), byte((maxMACs + 99) & 0xff)}
	if d, err := h.Find(last.String()); err != nil || len(d.MACs) != maxMACs || d.MACs[0] != last || h.Len() != 1 {
		t.Errorf("%d devices, %v", h.Len(), err)
	}
	if _, err := h.Find(first.String()); err == nil || len(h.byMAC) != maxMACs {
		t.Errorf("%d addresses are known", len(h.byMAC))
	}
}

func TestFindingsAreAboutDevicesOfTheHousehold(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1))
	d, err := h.Find("cam")
	if err != nil {
		t.Fatal(err)
	}
	list := h.Name([]finding.Finding{{Kind: finding.TLSWeak, Device: "02:00:00:00:00:01"}, {Device: "02:00:00:00:00:99"}, {Device: "192.0.2.1"}})
	if len(list) != 1 || list[0].Device != d.ID || list[0].State != Open {
		t.Errorf("%+v", list)
	}
}

func TestWhatIsDecidedIsEnforcedOrSaidNotToBe(t *testing.T) {
	h, m := opened(t)
	observe(t, h, seen(1))
	broken := errors.New("no kernel")
	h.Enforce = func(context.Context, []*Device) error { return broken }
	if _, err := h.Decide(t.Context(), "uid:0", Quarantine, "cam", "scan"); !errors.Is(err, ErrForce) || !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if d, _ := h.Find("cam"); d.State != Quarantined || len(m.list) != 1 {
		t.Errorf("the decision does not stand: %+v", d.Stance)
	}
}

func TestARehearsalEndsInHolding(t *testing.T) {
	h, m := opened(t)
	observe(t, h, seen(1))
	if _, err := h.Decide(t.Context(), "uid:0", Rehearse, "cam", "abc"); err != nil {
		t.Fatal(err)
	}
	if list, err := h.Tick(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("before its time: %v, %v", list, err)
	}
	h.Now = func() time.Time { return noon.Add(Rehearsal) }
	list, err := h.Tick(t.Context())
	if d, _ := h.Find("cam"); err != nil || len(list) != 1 || d.State != Held || m.list[1].Actor != Program {
		t.Errorf("%+v, %v", list, err)
	}
}
