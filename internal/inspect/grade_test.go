package inspect

import (
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/lab"
)

// parse is an instant of a result.
func parse(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s) // our own writing
	return t
}

// Who attacks is to be acted on, because of that; of who hardly spoke nothing is known; and nobody is worse for what
// others did to them.
func TestGradesComeFromFindingsAndFromWhatWasSeen(t *testing.T) {
	trace := scene(t, func(a *lab.Actor) { a.ScanPorts(victim, 200, 100*time.Millisecond, 80) })
	r := judged(t, Config{}, trace.Packets)
	states := map[grade.State]int{}
	for i := range r.Devices {
		d := &r.Devices[i]
		states[d.Grade.State]++
		switch d.MAC {
		case macOf(trace, suspect):
			scan := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Device == d.ID && f.Kind == "scan.vertical" })
			if d.Grade.State != grade.Act || scan < 0 || !slices.Contains(d.Grade.Because, r.Findings[scan].ID) {
				t.Errorf("who scans: %+v", d.Grade)
			}
		case macOf(trace, victim):
			if len(d.Findings) == 0 || d.Grade.State == grade.Act {
				t.Errorf("who is scanned: %+v, %d findings", d.Grade, len(d.Findings))
			}
		}
		if e := &d.Grade.Evidence; d.Grade.State == grade.Fine && (e.Watched < grade.LeastWatched || e.Packets < grade.LeastPackets) {
			t.Errorf("%s is fine for lack of evidence: %+v", d.ID, e)
		}
	}
	if states[grade.Fine] == 0 || states[grade.Unknown] == 0 {
		t.Errorf("states: %v", states)
	}
}

// With too little memory to see all, nothing is fine.
func TestNothingIsFineThatWasNotSeenWhole(t *testing.T) {
	trace := scene(t, func(*lab.Actor) {})
	r := judged(t, Config{Memory: 64 << 10}, trace.Packets)
	if len(r.Devices) == 0 {
		t.Fatal("no devices")
	}
	for i := range r.Devices {
		if g := r.Devices[i].Grade; g.State == grade.Fine || g.Evidence.Whole {
			t.Errorf("%s: %+v", r.Devices[i].ID, g)
		}
	}
}
