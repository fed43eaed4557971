package detect

import (
	"hash/fnv"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var horizontalThresholds = []Threshold{
	{"scan.horizontal.targets", 20, "addresses", "that did not answer on one service; a client without luck tries the few addresses that a name has"},
	{"scan.horizontal.answered", 0.25, "share of 1", "of the addresses that answered, at most; of those that a client has a reason to call, most do (Jung et al., 2004)"},
	{"scan.horizontal.silence", 3600, "seconds", "without a new address, after which counting begins anew: slow scans wait minutes between two"},
}

// horizontal finds who tries one service on many addresses, most of which do not answer.
type horizontal struct {
	*Watch
	targets  int
	answered float64
	silence  int64
	sweeps   *Table[sweepKey, sweep]
}

type sweepKey struct {
	from  Party
	proto uint8
	port  uint16
}

// sweep is the addresses that one device tried of late.
type sweep struct {
	seen        [32]uint32 // hashes of the addresses tried last, a ring
	packets     [4]uint64  // the first ones, as proof
	tried, open int        // addresses tried, and of those that answered
	first, last int64
	record      *Record
}

func newHorizontal(w *Watch) Detector {
	h := &horizontal{
		Watch: w, targets: int(w.Threshold("scan.horizontal.targets")), answered: w.Threshold("scan.horizontal.answered"),
		silence: w.Span("scan.horizontal.silence"), sweeps: NewTable[sweepKey, sweep](2048),
	}
	return Detector{Event: h.event}
}

func (h *horizontal) event(e *Event) {
	if e.Proto != frame.ProtoTCP && e.Proto != frame.ProtoUDP {
		return
	}
	key := sweepKey{e.Party(flow.Orig), e.Proto, e.Port[flow.Resp]}
	switch e.Step {
	case Began:
		if e.Fresh && e.Dir == flow.Orig && !e.MAC[flow.Resp].IsGroup() {
			h.try(key, e)
		}
	case Established, Answered:
		if s := h.sweeps.Look(key); s != nil && (e.Step == Established || e.Proto == frame.ProtoUDP) {
			s.open++
		}
	}
}

func (h *horizontal) try(key sweepKey, e *Event) {
	s, fresh := h.sweeps.Get(key)
	if fresh || e.Time-s.last > h.silence {
		*s = sweep{first: e.Time}
	}
	sum := fnv.New32a()
	sum.Write(e.Addr[flow.Resp][:])
	if slices.Contains(s.seen[:], sum.Sum32()) {
		return
	}
	s.seen[s.tried%len(s.seen)] = sum.Sum32()
	if s.tried < len(s.packets) {
		s.packets[s.tried] = e.Number
	}
	s.tried++
	s.last = e.Time
	if s.record != nil {
		s.record.Add(1, e.Time)
		s.record.Set("count", s.record.Count)
		s.record.Set("span", time.Duration(e.Time-s.first))
		return
	}
	if silent := s.tried - s.open; silent < h.targets || float64(s.open) > h.answered*float64(s.tried) {
		return
	}
	service := device.ServiceName(e.Proto, e.Port[flow.Resp])
	proof := e.Evidence("first connections to addresses of which most do not answer")
	proof.Packets = append(s.packets[:len(s.packets):len(s.packets)], e.Number)
	s.record = h.Raise(Sighting{
		Kind: finding.ScanHorizontal, Actor: key.from, Key: service, Severity: finding.High, Confidence: 0.9,
		Count: uint64(s.tried), First: s.first, Time: e.Time, Evidence: proof,
		Details: []finding.Detail{
			{Key: "service", Value: service}, {Key: "count", Value: uint64(s.tried)}, {Key: "span", Value: time.Duration(e.Time - s.first)},
		},
	})
}
