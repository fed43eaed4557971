package detect

import (
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var verticalThresholds = []Threshold{
	{"scan.vertical.ports", 15, "ports", "of one machine that were tried and are closed or silent: a client knows which port it wants, or tries a few"},
	{"scan.vertical.datagrams", 40, "ports", "the same for UDP, where silence is no refusal, and where calls and games try several"},
	{"scan.vertical.answered", 0.34, "share of 1", "of the ports that answered, at most: of those that a client has a reason to call, most do"},
	{"scan.vertical.silence", 1800, "seconds", "without a new port, after which counting begins anew: slow scans wait minutes between two"},
}

// vertical finds who tries many ports of one machine.
type vertical struct {
	*Watch
	ports, datagrams int
	answered         float64
	silence          int64
	probes           *Table[probeKey, probe]
	doors            doors
}

type probeKey struct {
	from, to Party
	proto    uint8
}

// probe is the ports that one device tried on another.
type probe struct {
	seen        ring
	packets     [4]uint64
	shown       int
	tried, open int
	first, last int64
	record      *Record
}

func newVertical(w *Watch) Detector {
	v := &vertical{
		Watch: w, ports: int(w.Threshold("scan.vertical.ports")), datagrams: int(w.Threshold("scan.vertical.datagrams")),
		answered: w.Threshold("scan.vertical.answered"), silence: w.Span("scan.vertical.silence"),
		probes: NewTable[probeKey, probe](2048),
	}
	return Detector{Event: v.event, Steps: []Step{Began, Answered, Established}}
}

// doors let in pairs of addresses of which several ports were tried, one after the other: most that goes by is to one
// port, also if that is to a million addresses.
type doors [8192]struct{ pair, last, ports uint16 }

// knocks is how many ports must have been tried.
const knocks = 3

func (d *doors) knock(e *Event) bool {
	h := pairHash(e)
	c := &d[h%uint64(len(d))]
	pair, port := uint16(h>>32), e.Port[flow.Resp]
	switch {
	case c.ports == 0:
		c.pair, c.last, c.ports = pair, port, 1
	case c.pair != pair: // somebody else; who comes often stays
		c.ports--
		return false
	case c.last != port && c.ports < knocks:
		c.last = port
		c.ports++
	}
	return c.ports >= knocks
}

// open reports whether the pair of an event may have been let in.
func (d *doors) open(e *Event) bool {
	h := pairHash(e)
	c := &d[h%uint64(len(d))]
	return c.pair == uint16(h>>32) && c.ports >= 2
}

// lowHops is the most hops that who looks for the way to a machine lets its packets go (traceroute), whose ports
// mean nothing.
const lowHops = 31

func (v *vertical) event(e *Event) {
	if e.Proto != frame.ProtoTCP && e.Proto != frame.ProtoUDP {
		return
	}
	switch e.Step {
	case Began:
		if e.Dir != flow.Orig || !opens(e) || e.MAC[flow.Resp].IsGroup() || isGroup(&e.Addr[flow.Resp]) {
			return
		}
		if e.Proto == frame.ProtoUDP && (e.TTL <= lowHops || amplifies.has(e.Port[flow.Orig]) || e.Port[flow.Orig] < 1024 || e.Size >= 2*probePayload) {
			return
		}
		v.try(e)
	case Established, Answered:
		if e.Proto == frame.ProtoTCP && e.Step == Answered {
			return
		}
		if !v.doors.open(e) {
			return
		}
		if p := v.probes.Look(probeKey{e.Party(flow.Orig), e.Party(flow.Resp), e.Proto}); p != nil {
			p.open++
		}
	}
}

func pairHash(e *Event) uint64 { return mixAddr(mixAddr(uint64(e.Proto), &e.Addr[0]), &e.Addr[1]) }

func (v *vertical) try(e *Event) {
	if !v.doors.knock(e) {
		return
	}
	p, fresh := v.probes.Get(probeKey{e.Party(flow.Orig), e.Party(flow.Resp), e.Proto})
	if fresh || e.Time-p.last > v.silence {
		*p = probe{first: e.Time, tried: knocks - 1}
	}
	if !p.seen.add(uint32(e.Port[flow.Resp]) + 1) {
		return
	}
	if p.shown < len(p.packets) {
		p.packets[p.shown] = e.Number
		p.shown++
	}
	p.tried++
	p.last = e.Time
	if p.record != nil {
		p.record.Add(1, e.Time)
		return
	}
	limit, severity := v.ports, finding.High
	if e.Proto == frame.ProtoUDP {
		limit, severity = v.datagrams, finding.Medium
	}
	if p.tried-p.open < limit || float64(p.open) > v.answered*float64(p.tried) {
		return
	}
	proof := e.Evidence("first packets to ports of which most are closed or silent")
	proof.Packets = append(p.packets[:p.shown:p.shown], e.Number)
	p.record = v.Raise(Sighting{
		Kind: finding.ScanVertical, Actor: e.Party(flow.Orig), Target: e.Party(flow.Resp), Severity: severity, Suffered: finding.Medium, Confidence: 0.9,
		Count: uint64(p.tried), First: p.first, Time: e.Time, Evidence: proof,
		Details: []finding.Detail{{Key: "count", Value: Counted}, {Key: "span", Value: Lasting}},
	})
}
