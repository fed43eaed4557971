package grade

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/locale"
)

// enough is evidence that meets each rule, and no more.
var enough = Evidence{Identified: true, Watched: 10 * time.Minute, Packets: 20, Understood: 0.5, Whole: true}

func TestFindingsSetTheState(t *testing.T) {
	sign := func(id string, role finding.Role, s finding.Severity, sure float64) Sign {
		return Sign{id, role, s, sure}
	}
	for _, tt := range []struct {
		name    string
		signs   []Sign
		want    State
		because []string
	}{
		{"nothing found", nil, Fine, []string{EvidenceEnough}},
		{"a serious one that is likely right", []Sign{sign("a", finding.Actor, finding.High, 0.7)}, Act, []string{"a"}},
		{"a critical one", []Sign{sign("a", finding.Actor, finding.Critical, 0.9)}, Act, []string{"a"}},
		{"a serious one that may be wrong", []Sign{sign("a", finding.Actor, finding.High, 0.69)}, Check, []string{"a"}},
		{"a middling one", []Sign{sign("a", finding.Actor, finding.Medium, 1)}, Check, []string{"a"}},
		{"a small one", []Sign{sign("a", finding.Actor, finding.Low, 1), sign("b", finding.Actor, finding.Info, 1)}, Fine, []string{EvidenceEnough}},
		{"done to it by others", []Sign{sign("a", finding.Target, finding.Critical, 1)}, Fine, []string{EvidenceEnough}},
		{"the worst decides, and only the worst", []Sign{
			sign("a", finding.Actor, finding.Medium, 1), sign("b", finding.Actor, finding.High, 1), sign("c", finding.Actor, finding.Low, 1),
			sign("d", finding.Actor, finding.Critical, 1), sign("e", finding.Target, finding.Critical, 1),
		}, Act, []string{"b", "d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := Of(tt.signs, enough)
			if g.State != tt.want || !slices.Equal(g.Because, tt.because) || len(g.WouldChange) == 0 {
				t.Errorf("got %v because %v, to change: %v; want %v because %v", g.State, g.Because, g.WouldChange, tt.want, tt.because)
			}
		})
	}
}

func TestNothingIsFineForLackOfEvidence(t *testing.T) {
	for lacks, change := range map[string]func(*Evidence){
		"identity.unknown": func(e *Evidence) { e.Identified = false },
		"watch.short":      func(e *Evidence) { e.Watched-- },
		"traffic.little":   func(e *Evidence) { e.Packets-- },
		"traffic.unread":   func(e *Evidence) { e.Understood = 0.49 },
		"capture.partial":  func(e *Evidence) { e.Whole = false },
	} {
		e := enough
		change(&e)
		if g := Of(nil, e); g.State != Unknown || !slices.Equal(g.Because, []string{lacks}) || len(g.WouldChange) != 1 {
			t.Errorf("%s: %v because %v, to change: %v", lacks, g.State, g.Because, g.WouldChange)
		}
		// what is found is told all the same
		if g := Of([]Sign{{"a", finding.Actor, finding.High, 1}}, e); g.State != Act {
			t.Errorf("%s: with a finding %v", lacks, g.State)
		}
	}
	if g := Of(nil, Evidence{}); g.State != Unknown || len(g.Because) != len(Rules) {
		t.Errorf("nothing seen: %v because %v", g.State, g.Because)
	}
	if g := (Grade{}); g.State != Unknown {
		t.Errorf("no grade at all: %v", g.State)
	}
}

func TestStatesAreReadAsTheyAreWritten(t *testing.T) {
	for _, s := range States {
		b, err := json.Marshal(Grade{State: s})
		if err != nil {
			t.Fatal(err)
		}
		var g Grade
		if err := json.Unmarshal(b, &g); err != nil || g.State != s {
			t.Errorf("%s: %v, %v", b, g.State, err)
		}
	}
	var s State
	if s.UnmarshalText([]byte("safe")) == nil {
		t.Error("a state that there is not was read")
	}
}

// Whoever doubts a grade can read why, in either language and in the documentation.
func TestEveryRuleIsPublished(t *testing.T) {
	doc, err := os.ReadFile("../../docs/grades.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{EvidenceEnough, FindingAppears, FindingEnds}
	keys := []string{"grade.because." + EvidenceEnough, "grade.change." + FindingAppears, "grade.change." + FindingEnds}
	for _, r := range Rules {
		names = append(names, r.Lacks, r.Change)
		keys = append(keys, "grade.because."+r.Lacks, "grade.change."+r.Change)
	}
	for _, s := range States {
		keys = append(keys, "grade."+s.String())
	}
	for _, n := range names {
		if !strings.Contains(string(doc), "`"+n+"`") {
			t.Errorf("docs/grades.md does not explain %s", n)
		}
	}
	for _, l := range locale.Languages {
		for _, k := range keys {
			if locale.New(l).Text(k) == k {
				t.Errorf("%s.json has no %s", l, k)
			}
		}
	}
}
