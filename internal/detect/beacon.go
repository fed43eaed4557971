package detect

import (
	"fmt"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var beaconThresholds = []Threshold{
	{"beacon.rare.calls", 20, "connections", "at regular intervals, at least: fewer may be chance"},
	{"beacon.rare.jitter", 0.15, "share of 1", "of the interval, by which half of the intervals differ from the median at most: malware that wants to hide adds 10 to 50 %, people much more"},
	{"beacon.rare.seconds", 1, "seconds", "between two, at least: what calls more often loads something"},
	{"beacon.rare.devices", 1, "devices", "that call the place, at most: what several devices call is no rare place"},
}

// beacons find who calls a place on the Internet again and again, at regular intervals, on new connections. Programs of
// the maker do that too, so it is little by itself: worth a look where no name led to the place, and information else.
type beacons struct {
	*Watch
	calls   int
	jitter  float64
	least   int64
	devices int
	states  *Table[beaconKey, beacon]
	places  *Table[frame.Addr, place]
	door    *door
}

type beaconKey struct {
	from  Party
	to    frame.Addr
	port  uint16
	proto uint8
}

// beacon is the calls of one device to one place.
type beacon struct {
	intervals [32]int64 // ns, a ring
	calls     int
	first     int64
	last      int64
	packets   [4]uint64
	record    *Record
}

// place is who called an address.
type place struct {
	callers [4]frame.MAC
	n       int
}

func newBeacons(w *Watch) Detector {
	b := &beacons{
		Watch: w, calls: int(w.Threshold("beacon.rare.calls")), jitter: w.Threshold("beacon.rare.jitter"), least: w.Span("beacon.rare.seconds"),
		devices: int(w.Threshold("beacon.rare.devices")), states: NewTable[beaconKey, beacon](1024), places: NewTable[frame.Addr, place](1024), door: newDoor(4, 24*3600e9),
	}
	return Detector{Event: b.event, Steps: []Step{Answered, Established}}
}

func (b *beacons) event(e *Event) {
	to := e.Addr[flow.Resp]
	switch {
	case e.Step != Established && (e.Step != Answered || e.Proto != frame.ProtoUDP):
		return // who does not answer is no place
	case e.Service == "dns" || device.IsLocal(&to) || isGroup(&to):
		return
	case e.Proto == frame.ProtoUDP && (e.Port[flow.Resp] == 53 || e.Port[flow.Resp] == 123 || e.Port[flow.Resp] == 3478):
		return // what asks the time or for names asks regularly
	}
	if !b.door.knock(mixAddr(uint64(e.Port[flow.Resp]), &to), e.Time) {
		return
	}
	p, _ := b.places.Get(to)
	if p.n < len(p.callers) && !slices.Contains(p.callers[:p.n], e.MAC[flow.Orig]) {
		p.callers[p.n] = e.MAC[flow.Orig]
		p.n++
	}
	s, fresh := b.states.Get(beaconKey{e.Party(flow.Orig), to, e.Port[flow.Resp], e.Proto})
	if fresh {
		s.first, s.last, s.packets[0] = e.First, e.First, e.Number
		return
	}
	interval := e.First - s.last
	if interval < b.least/4 {
		return // several at once are one call
	}
	s.intervals[s.calls%len(s.intervals)] = interval
	s.last = e.First
	if s.calls++; s.calls < len(s.packets) {
		s.packets[s.calls] = e.Number
	}
	if s.record != nil {
		s.record.Add(1, e.Time)
		return
	}
	if s.calls < b.calls {
		return
	}
	if period, regular := b.regular(s.intervals[:min(s.calls, len(s.intervals))]); regular {
		b.raise(s, e, period)
	}
}

// regular is the median of intervals, and whether half of them are as near to it as the threshold asks. Medians do not
// mind a few calls that were missed.
func (b *beacons) regular(intervals []int64) (period int64, ok bool) {
	list := slices.Clone(intervals)
	slices.Sort(list)
	period = list[len(list)/2]
	for i, x := range list {
		list[i] = max(x-period, period-x)
	}
	slices.Sort(list)
	return period, period >= b.least && float64(list[len(list)/2]) <= b.jitter*float64(period)
}

func (b *beacons) raise(s *beacon, e *Event, period int64) {
	to, mac := e.Addr[flow.Resp], e.MAC[flow.Orig]
	severity, confidence := finding.Medium, 0.5
	if len(b.Names(mac, to, e.Time)) > 0 { // most likely the maker's
		severity, confidence = finding.Low, 0.4
		if webPorts.has(e.Port[flow.Resp]) || e.Port[flow.Resp] == 1883 {
			severity, confidence = finding.Info, 0.3
		}
	}
	service := device.ServiceName(e.Proto, e.Port[flow.Resp])
	proof := e.Evidence(fmt.Sprintf("%d connections, one each %s", s.calls+1, time.Duration(period).Round(time.Millisecond)))
	proof.Packets = append(s.packets[:min(s.calls, len(s.packets)):len(s.packets)], e.Number)
	s.record = b.Raise(Sighting{
		Kind: finding.BeaconRare, Actor: e.Party(flow.Orig), Target: e.Party(flow.Resp), Key: service, Severity: severity, Confidence: confidence,
		Count: uint64(s.calls + 1), First: s.first, Time: e.Time, Evidence: proof,
		Details: []finding.Detail{
			{Key: "service", Value: service}, {Key: "period", Value: time.Duration(period)}, {Key: "count", Value: Counted},
		},
		Holds: func(v *View) bool {
			p := b.places.Look(to)
			return v.Scope(to) == "internet" && (p == nil || p.n <= b.devices)
		},
	})
}
