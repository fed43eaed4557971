package home

import (
	"slices"
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
	Began   bool          `json:"began"`   // by the device
	Flows   uint64        `json:"flows"`   //
	Stopped uint64        `json:"stopped"` // of the flows: by its policy, or would have been
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
}

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
	Origin string    `json:"origin"` // maker, learned or operator
	Body   []byte    `json:"body"`
}

// Status is how the gateway is.
type Status struct {
	Schema   string         `json:"schema"`
	Mode     Mode           `json:"mode"`
	Version  string         `json:"version"`
	Since    time.Time      `json:"since"` // when it was started
	LAN      string         `json:"lan"`
	WAN      string         `json:"wan"`
	Devices  map[State]int  `json:"devices"`
	Findings int            `json:"findings"`  // that are open
	Asks     []Question     `json:"questions"` // the newest first
	Faults   []Fault        `json:"faults"`    // what does not work
	Seen     map[string]int `json:"seen"`      // packets, flows, facts since it was started
}

// Fault is something that does not work.
type Fault struct {
	Kind  string    `json:"kind"`  // of fault, for which there are words
	What  string    `json:"what"`  // does not work
	Cause string    `json:"cause"` // as the program, or the system, says it
	Since time.Time `json:"since"`
}

// Question is what the household is asked about a device. Until it answers, the default holds.
type Question struct {
	Device  string    `json:"device"`
	Title   string    `json:"title"`
	About   About     `json:"about"`
	Default string    `json:"default"`       // admission, or URL
	URL     string    `json:"url,omitempty"` // that the device says now
	Why     string    `json:"why,omitempty"` // it is not taken as it comes
	At      time.Time `json:"at"`
}

// About is what a question is about.
type About string

// What questions are about.
const (
	NewDevice About = "new" // may it go everywhere, where such a device must go, or nowhere?
	OtherURL  About = "url" // may its file come from elsewhere?
)

// Questions are what the household is asked, the newest first.
func (h *Household) Questions() (list []Question) {
	for _, d := range h.Devices() {
		if d.Admission == "" && d.State != Quarantined {
			list = append(list, Question{Device: d.ID, Title: d.Title(), About: NewDevice, Default: string(d.Default()), At: d.First})
		}
		if u := d.Waits(); u != "" {
			list = append(list, Question{Device: d.ID, Title: d.Title(), About: OtherURL, Default: d.URL, URL: u, At: d.MUD[0].At})
		}
	}
	slices.SortStableFunc(list, func(a, b Question) int { return b.At.Compare(a.At) })
	return list
}

// StatusSchema names the shape of Status.
const StatusSchema = "plimsoll.home.status/1"

// Rehearsed is what a policy would have stopped.
type Rehearsed struct {
	Device  string    `json:"device"`
	File    string    `json:"file"`
	From    time.Time `json:"from"`
	Flows   uint64    `json:"flows"`
	Stopped uint64    `json:"stopped"`
	List    []Traffic `json:"list"` // what was stopped, most often first
}
