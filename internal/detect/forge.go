package detect

import (
	"fmt"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var forgeThresholds = []Threshold{
	{"spoof.source.addresses", 16, "addresses", "that one device sends from, in conversations that never come about: a device has a few; behind a router are many, but theirs come about"},
	{"spoof.source.local", 0.9, "share of 1", "of the packets whose time to live is that of a sender which is next door: what a router carries has lost a hop or more (RFC 1812, Section 5.3.1)"},
}

// fewAddresses is how many a device may well have: IPv4, and IPv6 for some days and uses.
const fewAddresses = 6

// forgers find who sends from addresses that are not its own.
type forgers struct {
	*Watch
	addresses int
	local     float64
	states    *Table[frame.MAC, forger]
}

// forger is one device, and what it does from addresses whose conversations do not come about.
type forger struct {
	own       ring // addresses whose conversations do
	seen      ring
	addresses int
	flows     uint64
	here      uint64 // of flows: from next door
	real      int    // addresses in own
	grown     uint64 // packets of the flow that grew last
	first     int64
	proof     [4]uint64
	n         int
	record    *Record
	group     *Record
}

func newForgers(w *Watch) Detector {
	f := &forgers{
		Watch: w, addresses: int(w.Threshold("spoof.source.addresses")), local: w.Threshold("spoof.source.local"),
		states: NewTable[frame.MAC, forger](512),
	}
	return Detector{Event: f.event, Steps: []Step{Began, Answered, Established, Grew}}
}

func (f *forgers) event(e *Event) {
	if e.Proto == 0 {
		return
	}
	from := &e.Addr[e.Dir]
	switch {
	case (e.Step == Began || e.Step == Grew) && (isGroup(from) || from.Is4() && from[12] == 127):
		f.impossible(e)
	case e.Step == Established, e.Step == Answered && e.Proto != frame.ProtoTCP:
		if s := f.states.Look(e.MAC[flow.Orig]); s != nil && s.own.add(hashAddr(&e.Addr[flow.Orig])) {
			s.real++
		}
	case e.Step == Began && e.Dir == flow.Orig && opens(e) && from[0] != 0xfe && !isUnspecified(from) && !(from.Is4() && from[12] == 169 && from[13] == 254):
		f.plain(e)
	}
}

// impossible is a source address that no packet may have: of a group (RFC 1122 §3.2.1.3; RFC 4291 §2.7), or loopback.
// Who answers such a packet answers all at once.
func (f *forgers) impossible(e *Event) {
	s, fresh := f.states.Get(e.MAC[e.Dir])
	if fresh {
		s.first = e.Time
	}
	n := uint64(1)
	if e.Step == Grew {
		n = e.Packets[e.Dir] - min(e.Packets[e.Dir], s.grown)
		s.grown = e.Packets[e.Dir]
	}
	if s.group != nil {
		s.group.Add(n, e.Time)
		return
	}
	s.group = f.Raise(Sighting{
		Kind: finding.SpoofSource, Actor: Party{MAC: e.MAC[e.Dir]}, Key: "group", Severity: finding.High, Confidence: 0.9, Time: e.Time,
		Details:  []finding.Detail{{Key: "count", Value: Counted}, {Key: "address", Value: e.Addr[e.Dir].Netip().String()}},
		Evidence: e.Evidence("a source address that no sender can have"),
	})
}

// plain counts the addresses that a device opens conversations from.
func (f *forgers) plain(e *Event) {
	s, fresh := f.states.Get(e.MAC[flow.Orig])
	if fresh {
		s.first = e.Time
	}
	if s.own.has(hashAddr(&e.Addr[flow.Orig])) {
		return
	}
	s.flows++
	if nextDoor(e.TTL) {
		s.here++
	}
	if !s.seen.add(hashAddr(&e.Addr[flow.Orig])) {
		return
	}
	if s.n < len(s.proof) {
		s.proof[s.n] = e.Number
		s.n++
	}
	s.addresses++
	if s.record != nil {
		s.record.Add(1, e.Time)
		return
	}
	if s.addresses < f.addresses || float64(s.here) < f.local*float64(s.flows) || s.real > fewAddresses+s.addresses/10 {
		return
	}
	proof := e.Evidence(fmt.Sprintf("packets from next door (time to live %d) with senders that change", e.TTL))
	proof.Packets = append(s.proof[:s.n:s.n], e.Number)
	s.record = f.Raise(Sighting{
		Kind: finding.SpoofSource, Actor: Party{MAC: e.MAC[flow.Orig]}, Severity: finding.High, Confidence: 0.85,
		Count: uint64(s.addresses), First: s.first, Time: e.Time, Evidence: proof,
		Details: []finding.Detail{{Key: "count", Value: Counted}, {Key: "address", Value: e.Addr[flow.Orig].Netip().String()}},
	})
}
