package detect

import (
	"fmt"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var reflectThresholds = []Threshold{
	{"reflect.participant.answers", 50, "packets", "that answer what was not asked, within about 15 seconds: a capture that begins in the middle has a few"},
	{"reflect.participant.sources", 5, "addresses", "that such answers come from: who sees one direction only sees the answers of the two or three resolvers that were asked"},
	{"reflect.participant.requests", 5, "requests", "from the Internet, within about 15 seconds, that are answered with much more: no home device serves strangers there"},
	{"reflect.participant.local", 200, "requests", "the same from the own network, where management tools ask a lot"},
	{"reflect.participant.gain", 2, "times", "as many octets answered as asked; NTP's time and a ping are answered with as many"},
}

// reflecting finds answers that nobody asked for, at who gets them; and devices that let themselves be used to send them.
type reflecting struct {
	*Watch
	answers, requests, local float64
	sources                  int
	gain                     float64
	victims                  *Table[reflectKey, reflected]
	servers                  *Table[reflectKey, served]
	paces                    paces
}

type reflectKey struct {
	party Party
	port  uint16
	peer  frame.Addr // of servers
}

type reflected struct {
	rate    faded
	total   uint64
	from    ring
	sources int
	first   int64
	example frame.Addr
	record  *Record
}

type served struct {
	rate      faded
	asked, by uint64 // octets of payload, in and out
	total     uint64
	first     int64
	record    *Record
}

// amplifiers are the services whose answers are much larger than the questions, or come in numbers, by UDP port
// (CISA alert TA14-017A, and later ones).
var amplifiers = map[uint16]string{
	7: "echo", 17: "qotd", 19: "chargen", 53: "dns", 69: "tftp", 111: "portmap", 123: "ntp", 137: "nbns", 161: "snmp", 177: "xdmcp",
	389: "cldap", 427: "slp", 500: "isakmp", 623: "ipmi", 1434: "mssql", 1604: "citrix", 1701: "l2tp", 1900: "ssdp", 3283: "ard",
	3389: "rdp", 3478: "stun", 3702: "ws-discovery", 4500: "isakmp", 5060: "sip", 5093: "sentinel", 5353: "mdns", 5683: "coap",
	10001: "ubiquiti", 10074: "plex", 11211: "memcached", 17185: "vxworks", 20800: "quake", 27005: "steam", 27015: "steam", 30120: "fivem",
	32414: "plex", 33848: "jenkins", 37810: "dahua",
}

// amplifies is the set of these ports: most packets have another.
var amplifies = func() *ports {
	var list []uint16
	for port := range amplifiers {
		list = append(list, port)
	}
	return portSet(list...)
}()

// reflectHalf is the half-life of what is counted: bursts of some seconds count whole, the day's sum does not.
const reflectHalf = 10e9

func newReflect(w *Watch) Detector {
	r := &reflecting{
		Watch: w, answers: w.Threshold("reflect.participant.answers"), requests: w.Threshold("reflect.participant.requests"),
		local: w.Threshold("reflect.participant.local"), sources: int(w.Threshold("reflect.participant.sources")), gain: w.Threshold("reflect.participant.gain"),
		victims: NewTable[reflectKey, reflected](1024), servers: NewTable[reflectKey, served](1024), paces: newPaces(),
	}
	return Detector{Event: r.event, Steps: []Step{Began, Answered, Grew}}
}

func (r *reflecting) event(e *Event) {
	from, to := e.Dir, 1-e.Dir
	switch {
	case e.Proto == frame.ProtoTCP:
		if e.Step == Began && e.Flags&(frame.SYN|frame.ACK) == frame.SYN|frame.ACK {
			r.unasked(e, "tcp", e.Port[from], 1, e.Time)
		}
	case e.Proto != frame.ProtoUDP || isGroup(&e.Addr[to]):
	case e.Packets[to] == 0: // one way so far
		if !amplifies.has(e.Port[from]) || amplifies.has(e.Port[to]) || e.Port[to] < 1024 && e.Port[to] != 80 && e.Port[to] != 443 {
			return
		}
		protocol := amplifiers[e.Port[from]]
		switch e.Step {
		case Began:
			r.unasked(e, protocol, e.Port[from], 1, e.Time)
		case Grew:
			n, since := r.paces.grew(e)
			r.unasked(e, protocol, e.Port[from], float64(n), since)
		}
	case e.Step == Answered || e.Step == Grew: // asked, and answered
		if from == flow.Resp && amplifies.has(e.Port[flow.Resp]) {
			r.serve(e, amplifiers[e.Port[flow.Resp]])
		}
	}
}

// unasked takes note of an answer that nobody asked for.
func (r *reflecting) unasked(e *Event, protocol string, port uint16, n float64, since int64) {
	from, to := e.Dir, 1-e.Dir
	s, fresh := r.victims.Get(reflectKey{party: e.Party(int(to)), port: port})
	if fresh {
		s.first, s.example = e.Time, e.Addr[from]
	}
	s.total += uint64(n)
	rate := s.rate.add(n, since, e.Time, reflectHalf)
	if s.from.add(hashAddr(&e.Addr[from])) {
		s.sources++
	}
	if s.record != nil {
		s.record.Add(uint64(n), e.Time)
		return
	}
	if rate < r.answers || s.sources < r.sources {
		return
	}
	s.record = r.Raise(Sighting{
		Kind: finding.ReflectParticipant, Target: e.Party(int(to)), Key: protocol, Severity: finding.High, Confidence: 0.9,
		Count: s.total, First: s.first, Time: e.Time,
		Details: []finding.Detail{
			{Key: "protocol", Value: protocol}, {Key: "packets", Value: Counted}, {Key: "peer", Value: s.example.Netip().String()},
		},
		Evidence: e.Evidence(fmt.Sprintf("answers from port %d of %d addresses or more to who did not ask", port, s.sources)),
	})
}

// serve takes note of an answer to a question which may come from somebody else than it says.
func (r *reflecting) serve(e *Event, protocol string) {
	s, fresh := r.servers.Get(reflectKey{party: e.Party(flow.Resp), port: e.Port[flow.Resp], peer: e.Addr[flow.Orig]})
	if fresh {
		s.first = e.First
	}
	n, since := uint64(1), e.Time
	if e.Step == Grew {
		n, since = r.paces.grew(e)
	}
	s.total += n
	s.asked += e.Payload[flow.Orig]
	s.by += e.Payload[flow.Resp]
	rate := s.rate.add(float64(n), since, e.Time, reflectHalf)
	if s.record != nil {
		s.record.Add(n, e.Time)
		return
	}
	least := r.local
	if client := e.Addr[flow.Orig]; !device.IsLocal(&client) {
		least = r.requests
	}
	if rate < least || float64(s.by) < r.gain*float64(s.asked) {
		return
	}
	client := e.Addr[flow.Orig]
	s.record = r.Raise(Sighting{
		Kind: finding.ReflectParticipant, Actor: e.Party(flow.Resp), Target: e.Party(flow.Orig), Key: protocol, Severity: finding.High, Confidence: 0.8,
		Count: s.total, First: s.first, Time: e.Time,
		Details:  []finding.Detail{{Key: "protocol", Value: protocol}, {Key: "packets", Value: Counted}},
		Evidence: e.Evidence(fmt.Sprintf("%d octets answered to %d asked", s.by, s.asked)),
		Holds: func(v *View) bool { // few, but from the Internet; or many
			return least == r.local || v.Scope(client) == "internet"
		},
	})
}
