package home

import (
	"errors"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
)

// later sets the clock of a household, sees the camera, and does what is due.
func later(t *testing.T, h *Household, at time.Time) *Device {
	t.Helper()
	h.Now = func() time.Time { return at }
	s := seen(1)
	s.Last = at
	observe(t, h, s)
	if _, err := h.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := h.Find("cam")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func says(t *testing.T, h *Household, verb Verb, argument string) *Device {
	t.Helper()
	if _, err := h.Decide(t.Context(), "uid:0", verb, "cam", argument); err != nil {
		t.Fatal(err)
	}
	d, _ := h.Find("cam")
	return d
}

func TestAQuarantineForATimeEndsByItselfAndTheDeviceIsAsBefore(t *testing.T) {
	for _, c := range []struct {
		before []string // decisions
		want   State
	}{
		{[]string{"hold", "abc"}, Held},
		{[]string{"release", ""}, Free},
		{[]string{"admit", "none"}, Refused},
		{[]string{"rehearse", "abc"}, Rehearsing},
		{nil, Learning},
	} {
		h, _ := opened(t)
		observe(t, h, seen(1))
		for i := 0; i < len(c.before); i += 2 {
			says(t, h, Verb(c.before[i]), c.before[i+1])
		}
		end := noon.Add(24 * time.Hour)
		d := says(t, h, Quarantine, "it is loud "+end.Format(time.RFC3339))
		if d.State != Quarantined || d.Reason != "it is loud" || !d.Until.Equal(end) || !d.Confirmed {
			t.Fatalf("%+v", d.Stance)
		}
		if d := later(t, h, end.Add(-time.Second)); d.State != Quarantined {
			t.Errorf("%v: before its time it is %s", c.before, d.State)
		}
		if d := later(t, h, end); d.State != c.want || d.Reason != "" || d.Was != "" || d.Retest.Going() {
			t.Errorf("%v: %+v", c.before, d.Stance)
		}
	}
}

func TestAQuarantineEndsNotBeforeAPersonSaysSoUnlessOneNamedATime(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1))
	day := noon.Add(24 * time.Hour).Format(time.RFC3339)
	says(t, h, Quarantine, day)
	if d := says(t, h, Confirm, ""); !d.Until.IsZero() {
		t.Errorf("kept cut off, and until %v", d.Until)
	}
	says(t, h, Quarantine, "x "+day)
	if d := says(t, h, Quarantine, "x"); !d.Until.IsZero() || d.Was != Learning {
		t.Errorf("%+v", d.Stance)
	}
	if d := later(t, h, noon.Add(10*365*24*time.Hour)); d.State != Quarantined {
		t.Errorf("it is %s", d.State)
	}
	if _, err := h.Decide(t.Context(), "uid:0", Quarantine, "cam", "x "+day); !errors.Is(err, ErrVerb) {
		t.Errorf("until a time that is over: %v", err)
	}
}

func TestAQuarantineForATimeLastsAsLongWhoeverSetsTheClock(t *testing.T) {
	h, _ := opened(t)
	now, elapsed := noon, time.Duration(0)
	h.Now, h.Elapsed = func() time.Time { return now }, func() time.Duration { return elapsed }
	observe(t, h, seen(1))
	tick := func() *Device {
		t.Helper()
		if _, err := h.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		d, _ := h.Find("cam")
		return d
	}
	tick()
	says(t, h, Quarantine, now.Add(time.Hour).Format(time.RFC3339))
	for _, jump := range []time.Duration{10 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		now = now.Add(jump)
		if d := tick(); d.State != Quarantined || d.Until.Sub(now) > time.Hour {
			t.Fatalf("the clock was set by %v: %+v at %v", jump, d.Stance, now)
		}
		now, elapsed = now.Add(10*time.Minute), elapsed+10*time.Minute
	}
	now, elapsed = now.Add(30*time.Minute), elapsed+30*time.Minute
	if d := tick(); d.State == Quarantined {
		t.Errorf("after an hour: %+v at %v", d.Stance, now)
	}
}

// scan is a finding that leads to quarantine.
func scan(d *Device, last time.Time, kind finding.Kind, severity finding.Severity) Noted {
	return Noted{Finding: finding.Finding{Kind: kind, Device: d.ID, Role: finding.Actor, Key: "tcp/23", Severity: severity, Last: last.UnixNano()}, State: Open}
}

func TestWhatIsLetBackIsLookedAtUntilItIsProved(t *testing.T) {
	h, m := opened(t)
	observe(t, h, seen(1))
	d, _ := h.Find("cam")
	bad := scan(d, noon.Add(-time.Hour), finding.ScanHorizontal, finding.High)
	m.kept = []Noted{bad}
	says(t, h, Quarantine, bad.ID())
	d = says(t, h, WatchOn, "")
	if r := d.Retest; !r.Going() || r.For != bad.ID() || r.Until.Sub(noon) != Watching {
		t.Fatalf("%+v", r)
	}
	if d := later(t, h, noon.Add(Watching-time.Second)); !d.Retest.Going() {
		t.Errorf("before its time: %+v", d.Retest)
	}
	d = later(t, h, noon.Add(Watching))
	if r := d.Retest; r.Outcome != Clean || !r.At.Equal(noon.Add(Watching)) || d.State == Quarantined {
		t.Errorf("%+v", d.Stance)
	}
	if x := m.list[len(m.list)-1]; x.Verb != Passed || x.Actor != Program {
		t.Errorf("the log says %+v", x)
	}
}

func TestADeviceThatWasSilentProvesNothing(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1))
	says(t, h, Quarantine, "x")
	says(t, h, WatchOn, "")
	h.Now = func() time.Time { return noon.Add(Watching) }
	if _, err := h.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, _ := h.Find("cam"); !d.Retest.Going() || !d.Retest.Until.Equal(noon.Add(2*Watching)) {
		t.Errorf("%+v", d.Retest)
	}
}

func TestADeviceThatDoesItAgainIsToldOfOrCutOffAsWasSaid(t *testing.T) {
	for _, c := range []struct {
		name, reason, then string
		kind               finding.Kind
		severity           finding.Severity
		state              NoteState
		again              bool
	}{
		{"the same", "finding", "", finding.ScanHorizontal, finding.High, Open, true},
		{"the same, to be cut off", "finding", "quarantine", finding.ScanHorizontal, finding.High, Open, true},
		{"of a kind that a person named", string(finding.ScanHorizontal), "tell", finding.ScanHorizontal, finding.Low, Open, true},
		{"another", "finding", "quarantine", finding.TLSWeak, finding.High, Open, false},
		{"what is normal for it", "finding", "quarantine", finding.ScanHorizontal, finding.High, Muted, false},
		{"cut off for no finding, and something bad", "it is strange", "quarantine", finding.TLSWeak, finding.High, Open, true},
		{"cut off for no finding, and hardly anything", "it is strange", "quarantine", finding.TLSWeak, finding.Low, Open, false},
	} {
		h, m := opened(t)
		observe(t, h, seen(1))
		d, _ := h.Find("cam")
		bad := scan(d, noon.Add(-time.Hour), finding.ScanHorizontal, finding.High)
		m.kept = []Noted{bad}
		if c.reason == "finding" {
			c.reason = bad.ID()
		}
		says(t, h, Quarantine, c.reason)
		says(t, h, WatchOn, c.then)
		now := scan(d, noon.Add(time.Hour), c.kind, c.severity)
		now.Key, now.State = "tcp/2323", c.state
		m.found = []Noted{now}
		d = later(t, h, noon.Add(time.Hour))
		if got := d.Retest.Outcome == Again; got != c.again || d.Retest.Going() == c.again {
			t.Errorf("%s: %+v", c.name, d.Retest)
		}
		if cut := d.State == Quarantined; cut != (c.again && c.then == "quarantine") || cut && (d.Confirmed || d.Reason != now.ID()) {
			t.Errorf("%s: %+v", c.name, d.Stance)
		}
		if n := len(m.list); later(t, h, noon.Add(2*time.Hour)).Retest != d.Retest || len(m.list) != n {
			t.Errorf("%s: it is told again", c.name)
		}
	}
	if _, err := after(t, laptop(), "uid:0", "quarantine", "x", "watch", "quarantine"); !errors.Is(err, ErrConsent) {
		t.Errorf("a computer would be cut off by itself: %v", err)
	}
	if _, err := after(t, camera(), "uid:0", "quarantine", "x", "watch", "perhaps"); !errors.Is(err, ErrVerb) {
		t.Errorf("perhaps: %v", err)
	}
}
