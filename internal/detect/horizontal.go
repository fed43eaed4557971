package detect

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var horizontalThresholds = []Threshold{
	{"scan.horizontal.targets", 20, "addresses", "that did not answer on one service: a client without luck tries the few addresses that a name has, or a service has in a cluster"},
	{"scan.horizontal.web", 80, "addresses", "the same for ports that clients call by addresses that they were told otherwise than by DNS, 80, 443 and the like: without Internet, apps try many"},
	{"scan.horizontal.logins", 10, "addresses", "the same for ports that people or programs log in at, and that worms look for, all these ports together: no client without luck tries ten machines"},
	{"scan.horizontal.pings", 20, "addresses", "that were sent an ICMP echo request and did not answer"},
	{"scan.horizontal.answered", 0.25, "share of 1", "of the addresses that answered, at most: of those that a client has a reason to call, most do (Jung et al., 2004)"},
	{"scan.horizontal.silence", 3600, "seconds", "without a new address, after which counting begins anew: slow scans wait minutes between two"},
}

// horizontal finds who tries one service on many addresses, most of which do not answer.
type horizontal struct {
	*Watch
	targets, web, logins, pings int
	answered                    float64
	silence                     int64
	sweeps                      *Table[sweepKey, sweep]
	askers                      *Table[asker, struct{}] // of a group, lately
}

// asker is who asked a group or all by UDP, and the port that answers come to. The address may be none yet.
type asker struct {
	mac  frame.MAC
	port uint16
}

type sweepKey struct {
	from  Party
	proto uint8
	port  uint16 // 0: all ports of logins
}

// sweep is the addresses that one device tried of late.
type sweep struct {
	seen        ring
	packets     [4]uint64 // the first ones, as proof
	tried, open int       // addresses tried, and of those that answered
	first, last int64
	record      *Record
}

func newHorizontal(w *Watch) Detector {
	h := &horizontal{
		Watch: w, targets: int(w.Threshold("scan.horizontal.targets")), web: int(w.Threshold("scan.horizontal.web")),
		logins: int(w.Threshold("scan.horizontal.logins")), pings: int(w.Threshold("scan.horizontal.pings")),
		answered: w.Threshold("scan.horizontal.answered"),
		silence:  w.Span("scan.horizontal.silence"), sweeps: NewTable[sweepKey, sweep](2048), askers: NewTable[asker, struct{}](1024),
	}
	return Detector{Event: h.event, Steps: []Step{Began, Answered, Established}}
}

// webPorts are those that clients call by addresses which they have from elsewhere than DNS: web, push, mail, chat.
var webPorts = portSet(80, 443, 853, 993, 995, 4244, 5222, 5223, 5228, 5229, 5230, 5242, 8443, 8883)

// loginPorts are those that people or programs log in at, and that worms look for.
var loginPorts = portSet(21, 22, 23, 135, 139, 445, 1433, 2222, 2323, 3306, 3389, 5432, 5555, 5900, 5985, 6379, 7547, 8080, 8081, 8291, 9200, 9527, 23231, 26, 37215, 52869, 60023)

func (h *horizontal) event(e *Event) {
	key := sweepKey{from: e.Party(flow.Orig), proto: e.Proto, port: e.Port[flow.Resp]}
	switch e.Proto {
	case frame.ProtoTCP: // who refuses is there, but has no such service
		if e.Step == Answered {
			return
		}
	case frame.ProtoUDP:
	case frame.ProtoICMP, frame.ProtoICMPv6:
		if e.Proto == frame.ProtoICMP && e.Port[flow.Orig] != 8 || e.Proto == frame.ProtoICMPv6 && e.Port[flow.Orig] != 128 {
			return
		}
		key.port = 0
	default:
		return
	}
	limit := h.targets
	switch {
	case e.Proto == frame.ProtoUDP:
		limit *= 2 // answers are no matter of course
	case e.Proto != frame.ProtoTCP:
		limit = h.pings
	case webPorts.has(key.port):
		limit = h.web
	case loginPorts.has(key.port):
		limit, key.port = h.logins, 0
	}
	switch e.Step {
	case Began:
		to := &e.Addr[flow.Resp]
		switch {
		case e.Dir != flow.Orig || !opens(e):
		case e.MAC[flow.Resp].IsGroup() || isGroup(to):
			if e.Proto == frame.ProtoUDP {
				h.askers.Get(asker{e.MAC[flow.Orig], e.Port[flow.Orig]})
			}
		case !isUnspecified(&e.Addr[flow.Orig]) && !h.answers(e):
			h.try(key, limit, e)
		}
	case Established, Answered:
		if s := h.sweeps.Look(key); s != nil {
			s.open++
		}
	}
}

// opens reports whether the first packet of a flow asks for an answer: a SYN, a datagram, or a segment that is none of
// a connection's, as port scanners send (FIN, Xmas and null scans).
func opens(e *Event) bool {
	return e.Fresh || e.Proto == frame.ProtoICMP || e.Proto == frame.ProtoICMPv6 ||
		e.Proto == frame.ProtoTCP && e.Flags&(frame.SYN|frame.ACK|frame.RST) == 0
}

// answers reports whether the first packet of a flow answers somebody who asked all, which makes a flow of its own: a
// search by SSDP, mDNS, LLMNR or a maker's own protocol; or DHCP, whose clients all ask from one address, so that their
// questions are one flow (RFC 2131 §4.1, RFC 8415 §7.2).
func (h *horizontal) answers(e *Event) bool {
	if e.Proto != frame.ProtoUDP {
		return false
	}
	from, to := e.Port[flow.Orig], e.Port[flow.Resp]
	return from == 67 && to == 68 || from == 547 && to == 546 || h.askers.Look(asker{e.MAC[flow.Resp], to}) != nil
}

func (h *horizontal) try(key sweepKey, limit int, e *Event) {
	s, fresh := h.sweeps.Get(key)
	if fresh || e.Time-s.last > h.silence {
		*s = sweep{first: e.Time}
	}
	if !s.seen.add(hashAddr(&e.Addr[flow.Resp])) {
		return
	}
	if s.tried < len(s.packets) {
		s.packets[s.tried] = e.Number
	}
	s.tried++
	s.last = e.Time
	if s.record != nil {
		s.record.Add(1, e.Time)
		return
	}
	if s.tried-s.open < limit || float64(s.open) > h.answered*float64(s.tried) {
		return
	}
	if key.proto == frame.ProtoTCP && webPorts.has(key.port) && h.knows(e) {
		return
	}
	service := device.ServiceName(e.Proto, e.Port[flow.Resp])
	severity := finding.High
	if key.proto != frame.ProtoTCP || webPorts.has(key.port) {
		severity = finding.Medium // to look who is there; or, it may be a crowd of peers
	}
	if key.proto == frame.ProtoICMP || key.proto == frame.ProtoICMPv6 {
		service = "icmp"
	}
	proof := e.Evidence("first packets to addresses of which most do not answer")
	proof.Packets = append(s.packets[:len(s.packets):len(s.packets)], e.Number)
	s.record = h.Raise(Sighting{
		Kind: finding.ScanHorizontal, Actor: key.from, Key: service, Severity: severity, Confidence: 0.9,
		Count: uint64(s.tried), First: s.first, Time: e.Time, Evidence: proof,
		Details: []finding.Detail{
			{Key: "service", Value: service}, {Key: "count", Value: Counted}, {Key: "span", Value: Lasting},
		},
	})
}

// knows reports whether names led the device to the address: then it has not guessed it.
func (h *horizontal) knows(e *Event) bool {
	return len(h.Names(e.MAC[flow.Orig], e.Addr[flow.Resp], e.Time)) > 0
}
