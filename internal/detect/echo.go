package detect

import (
	"fmt"
	"math"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var echoThresholds = []Threshold{
	{"tunnel.icmp.packets", 32, "packets", "each way, at least: a few pings of several sizes are somebody's test"},
	{"tunnel.icmp.payload", 64, "octets", "in a packet of either direction, on average: ping has 32 to 56"},
	{"tunnel.icmp.varies", 0.1, "share of 1", "by which the average size changes, and differs between question and answer: ping keeps to one size, and what is asked must come back (RFC 792)"},
}

// echoes find conversations inside of ICMP echo messages.
type echoes struct {
	*Watch
	packets uint64
	payload float64
	varies  float64
	states  *Table[[2]frame.Addr, echo]
}

// echo is what two machines sent each other.
type echo struct {
	began           int64     // the flow that it is of
	packets, octets [2]uint64 // when the average was taken last
	average         [2]float64
	changed         [2]bool
	record          *Record
}

func newEchoes(w *Watch) Detector {
	t := &echoes{
		Watch: w, packets: uint64(w.Threshold("tunnel.icmp.packets")), payload: w.Threshold("tunnel.icmp.payload"),
		varies: w.Threshold("tunnel.icmp.varies"), states: NewTable[[2]frame.Addr, echo](512),
	}
	return Detector{Event: t.event, Steps: []Step{Grew}}
}

func (t *echoes) event(e *Event) {
	if e.Proto != frame.ProtoICMP && e.Proto != frame.ProtoICMPv6 {
		return
	}
	if typ := e.Port[flow.Orig]; typ != 0 && typ != 8 && typ != 128 && typ != 129 {
		return
	}
	s, fresh := t.states.Get(e.Addr)
	if fresh || e.First != s.began { // pings of one size today and of another tomorrow are no conversation
		*s = echo{began: e.First}
	}
	if s.record != nil {
		s.record.Add(e.Packets[e.Dir]-s.packets[e.Dir], e.Time)
		s.packets[e.Dir] = e.Packets[e.Dir]
		return
	}
	d := e.Dir
	average := float64(e.Payload[d]-s.octets[d]) / float64(e.Packets[d]-s.packets[d])
	if s.packets[d] > 0 && math.Abs(average-s.average[d]) > t.varies*s.average[d] {
		s.changed[d] = true
	}
	s.packets[d], s.octets[d], s.average[d] = e.Packets[d], e.Payload[d], average
	if e.Packets[flow.Orig] < t.packets || e.Packets[flow.Resp] < t.packets {
		return
	}
	out, in := float64(e.Payload[flow.Orig])/float64(e.Packets[flow.Orig]), float64(e.Payload[flow.Resp])/float64(e.Packets[flow.Resp])
	if max(out, in) < t.payload || !s.changed[flow.Orig] && !s.changed[flow.Resp] {
		return
	}
	// either what comes back is not what was sent, or what is sent has the sizes of a conversation, and is much
	if mirrored := math.Abs(out-in) <= t.varies*max(out, in); mirrored && (out < 2*t.payload || e.Packets[flow.Orig] < 4*t.packets) {
		return
	}
	s.record = t.Raise(Sighting{
		Kind: finding.TunnelICMP, Actor: e.Party(flow.Orig), Target: e.Party(flow.Resp), Severity: finding.High, Confidence: 0.85,
		Count: e.Packets[flow.Orig] + e.Packets[flow.Resp], First: e.First, Time: e.Time,
		Details:  []finding.Detail{{Key: "packets", Value: Counted}},
		Evidence: e.Evidence(fmt.Sprintf("echo messages of %.0f octets out and %.0f in on average, of many sizes", out, in)),
	})
}
