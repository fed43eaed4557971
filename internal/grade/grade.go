// Package grade says where a device stands on the load line: fine, to check, to act on, or not known. The rules are
// published in docs/grades.md. It is a pure decision: findings and what was seen of the device go in, the state and
// its reasons come out.
package grade

import (
	"fmt"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
)

// State is where a device stands. The zero value is the safe one: not known.
type State uint8

// The states.
const (
	Unknown State = iota // too little was seen to say
	Fine                 // enough was seen, and nothing that needs anybody
	Check                // something should be put right, or looked at
	Act                  // harm is likely, or is being done
)

// States are all of them, in the order in which people are told of them.
var States = [...]State{Act, Check, Unknown, Fine}

var states = [...]string{"unknown", "fine", "check", "act"}

// String is the word in the contracts.
func (s State) String() string { return states[s] }

// MarshalText writes the word.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *State) UnmarshalText(b []byte) error {
	for i, w := range states {
		if w == string(b) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("state %q is none of fine, check, act, unknown", b)
}

// Sign is what the rules look at in one finding.
type Sign struct {
	ID         string
	Role       finding.Role
	Severity   finding.Severity
	Confidence float64 // in [0,1]
}

// Evidence is how much was seen of a device: without enough of it, nothing is fine.
type Evidence struct {
	Identified bool          `json:"identified"` // what kind of device it is, is known
	Watched    time.Duration `json:"watched_ns"` // from its first packet to its last
	Packets    uint64        `json:"packets"`    // that it sent in conversations of its own
	Understood float64       `json:"understood"` // in [0,1]: the part of the octets of its conversations whose protocol was recognised
	Whole      bool          `json:"whole"`      // nothing was left out of the capture for want of memory
}

// Grade is a state and why.
type Grade struct {
	State       State    `json:"state"`
	Because     []string `json:"because"`      // identifiers of findings, or names of the rules below
	WouldChange []string `json:"would_change"` // names of what would change it
	Evidence    Evidence `json:"evidence"`
}

// What the rules demand. docs/grades.md gives the reasons.
const (
	Sure            = 0.7              // the confidence from which a finding of high severity calls for action
	LeastWatched    = 10 * time.Minute // for fine
	LeastPackets    = 20               // for fine
	LeastUnderstood = 0.5              // for fine
)

// The names of what would change a state that findings set, or that nothing spoke against.
const (
	EvidenceEnough = "evidence.enough"
	FindingAppears = "finding.appears"
	FindingEnds    = "finding.ends"
)

// Rule is one demand on the evidence. Lacks names what is missing in Because, Change what would mend it in WouldChange.
type Rule struct {
	Lacks, Change string
	met           func(e *Evidence) bool
}

// Rules are the demands that must all be met before a device is fine.
var Rules = [...]Rule{
	{"identity.unknown", "identity.known", func(e *Evidence) bool { return e.Identified }},
	{"watch.short", "watch.longer", func(e *Evidence) bool { return e.Watched >= LeastWatched }},
	{"traffic.little", "traffic.more", func(e *Evidence) bool { return e.Packets >= LeastPackets }},
	{"traffic.unread", "traffic.read", func(e *Evidence) bool { return e.Understood >= LeastUnderstood }},
	{"capture.partial", "capture.whole", func(e *Evidence) bool { return e.Whole }},
}

// Of grades a device. What others do to it does not count against it.
func Of(signs []Sign, e Evidence) Grade {
	g := Grade{Evidence: e}
	for _, s := range signs {
		switch state := weigh(&s); {
		case state > g.State:
			g.State, g.Because = state, []string{s.ID}
		case state == g.State && state != Unknown:
			g.Because = append(g.Because, s.ID)
		}
	}
	if g.State != Unknown {
		g.WouldChange = []string{FindingEnds}
		return g
	}
	lacking := 0
	for _, r := range Rules {
		if !r.met(&e) {
			lacking++
		}
	}
	if lacking == 0 {
		return Grade{Fine, []string{EvidenceEnough}, []string{FindingAppears}, e}
	}
	words := make([]string, 2*lacking) // there may be many thousands of devices of which little is known
	g.Because, g.WouldChange = words[:0:lacking], words[lacking:lacking]
	for _, r := range Rules {
		if !r.met(&e) {
			g.Because = append(g.Because, r.Lacks)
			g.WouldChange = append(g.WouldChange, r.Change)
		}
	}
	return g
}

// weigh is the state that a finding alone sets; Unknown where it sets none.
func weigh(s *Sign) State {
	switch {
	case s.Role != finding.Actor || s.Severity < finding.Medium:
		return Unknown
	case s.Severity >= finding.High && s.Confidence >= Sure:
		return Act
	}
	return Check
}
