package home

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
)

// Traffic is what a device did with one peer and service, added up over a span of time.
type Traffic struct {
	At      time.Time     `json:"at"` // beginning of the span
	Span    time.Duration `json:"span_ns"`
	Device  string        `json:"device"`
	Peer    string        `json:"peer"`  // a name, or an address
	Scope   string        `json:"scope"` // internet, lan, gateway or multicast
	Service string        `json:"service"`
	Began   bool          `json:"began"` // by the device
	Flows   uint64        `json:"flows"` //
	Out     uint64        `json:"bytes_out"`
	In      uint64        `json:"bytes_in"`
}

// Spans are the lengths of time that traffic is added up over, each with how long it is kept.
var Spans = []struct{ Span, Keep time.Duration }{
	{time.Minute, 48 * time.Hour},
	{time.Hour, 31 * 24 * time.Hour},
	{24 * time.Hour, 2 * 365 * 24 * time.Hour},
}

// Noted is a finding that is kept, with what the household did about it.
type Noted struct {
	finding.Finding
	State NoteState `json:"state"`
	Kept  string    `json:"id,omitempty"` // under which it is kept, once it is; see ID
}

// ID names a finding: as it is kept, for its device may be one with others by now.
func (n *Noted) ID() string { return cmp.Or(n.Kept, n.Finding.ID()) }

// NoteState is what the household did about a finding.
type NoteState string

// The states of a finding.
const (
	Open  NoteState = "open"
	Muted NoteState = "muted" // normal for this device
	Done  NoteState = "done"
)

// File is a MUD file that a device may be held to.
type File struct {
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"at"`
	Origin string    `json:"origin"` // Maker, Learned, operator, or OfLabel
	Body   []byte    `json:"body"`
}

// OfLabel is the origin of a file that is no MUD file, but a label: a label.Envelope.
const OfLabel = "label"

// RegistryStatus is how a registry stands that is trusted.
type RegistryStatus struct {
	URL   string    `json:"url"`
	Name  string    `json:"name"`           // by its own word, "" before the first
	AsOf  time.Time `json:"as_of,omitzero"` // of its last good bundle
	Fault string    `json:"fault"`          // why there is nothing newer, "" is nothing
}

// Status is how the gateway is.
type Status struct {
	Schema   string        `json:"schema"`
	Mode     Mode          `json:"mode"`
	Version  string        `json:"version"`
	Since    time.Time     `json:"since"` // when it was started
	LAN      string        `json:"lan"`
	WAN      string        `json:"wan"`
	Devices  map[State]int `json:"devices"`
	Findings int           `json:"findings"`  // that are open
	Asks     []Question    `json:"questions"` // the newest first
	Faults   []Fault       `json:"faults"`    // what does not work

	Registries []RegistryStatus `json:"registries"` // that are trusted

	Seen map[string]int `json:"seen"` // packets, flows, facts since it was started
}

// Fault is something that does not work.
type Fault struct {
	Kind  string    `json:"kind"`  // of fault, for which there are words
	What  string    `json:"what"`  // does not work
	Cause string    `json:"cause"` // as the program, or the system, says it
	Since time.Time `json:"since"`
}

// Told are those of a list that a person is told, each with the first line of its cause: what has one cause is told once.
func Told(list []Fault) (told []Fault) {
	seen := map[string]bool{}
	for _, f := range list {
		if seen[f.Kind] && f.Kind != "file" && f.Kind != "other" {
			continue
		}
		seen[f.Kind] = true
		f.Cause, _, _ = strings.Cut(f.Cause, "\n")
		told = append(told, f)
	}
	return told
}

// Question is what the household is asked about a device. Until it answers, the default holds.
type Question struct {
	Device  string    `json:"device"`
	Title   string    `json:"title"`
	About   About     `json:"about"`
	Default string    `json:"default"`         // admission, URL, or SHA-256 of a file; "" is nothing
	URL     string    `json:"url,omitempty"`   // that the device says now
	File    string    `json:"file,omitempty"`  // SHA-256 of the one that is offered
	Class   string    `json:"class,omitempty"` // URI of the class of controllers that nobody is in; "": it wants one of its own
	Why     string    `json:"why,omitempty"`   // it is not taken as it comes, see mud.URLChange and Offer
	At      time.Time `json:"at"`
}

// About is what a question is about.
type About string

// What questions are about.
const (
	NewDevice     About = "new"        // may it go everywhere, where such a device must go, or nowhere?
	OtherURL      About = "url"        // may its file come from elsewhere?
	NewFile       About = "file"       // may it do what this file of its maker says?
	LearnedFile   About = "learned"    // may it do what it did so far, and no more?
	NewBehaviour  About = "behaviour"  // it does what its learned file does not say: may it?
	AskController About = "controller" // its file lets it speak with its controller: which one is that?
	LabelWorse    About = "label"      // its label was suspended or withdrawn: is it to be cut off?
	LabelBetter   About = "restored"   // the label that it was cut off for is active again: is it to be let out?
)

// Questions are what the household is asked, the newest first. Those about controllers are for who reads the files.
func (h *Household) Questions() (list []Question) {
	for _, d := range h.Devices() {
		if d.Admission == "" && d.State != Quarantined {
			list = append(list, Question{Device: d.ID, Title: d.Title(), About: NewDevice, Default: string(d.Default()), At: d.First})
		}
		if u := d.Waits(); u != "" {
			list = append(list, Question{Device: d.ID, Title: d.Title(), About: OtherURL, Default: d.URL, URL: u, At: d.MUD[0].At})
		}
		switch {
		case d.worse(h.LabelAction) && !d.Cut(h.LabelAction):
			list = append(list, Question{Device: d.ID, Title: d.Title(), About: LabelWorse, Default: string(Tell), Why: string(d.Label.Status), At: d.Label.Since})
		case d.better():
			list = append(list, Question{Device: d.ID, Title: d.Title(), About: LabelBetter, Default: string(Quarantined), At: d.Label.Since})
		}
		if o := d.Offers(); o != nil {
			about := NewFile
			switch {
			case o.Origin == Learned && d.File == "":
				about = LearnedFile
			case o.Origin == Learned:
				about = NewBehaviour
			}
			list = append(list, Question{Device: d.ID, Title: d.Title(), About: about, Default: d.File, File: o.File, Why: o.Why, At: o.At})
		}
	}
	slices.SortStableFunc(list, func(a, b Question) int { return b.At.Compare(a.At) })
	return list
}

// StatusSchema names the shape of Status.
const StatusSchema = "plimsoll.home.status/1"

// Recognised reports whether the protocol was: "tcp/443 tls".
func (t *Traffic) Recognised() bool { return strings.Contains(t.Service, " ") }
