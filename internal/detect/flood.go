package detect

import (
	"fmt"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var floodThresholds = []Threshold{
	{"flood.syn.pending", 40, "connections", "to one service that were begun within about 15 seconds and did not come about: a client that calls in vain waits between two calls"},
	{"flood.udp.flows", 80, "flows", "of datagrams to one machine, begun within about 15 seconds and not answered: calls, games and media keep to a few ports"},
	{"flood.udp.packets", 5000, "packets a second", "one way, in few flows: video at 30 Mbit/s has 3000"},
	{"flood.udp.small", 1500, "packets a second", "the same, if they are smaller than those of media"},
	{"flood.icmp.packets", 150, "packets", "to one machine within about 15 seconds: ping sends one a second, and a monitor a few"},
	{"flood.arp.packets", 1500, "packets", "from one device within about 15 seconds: to look up all 254 neighbours three times takes half of that"},
}

// floodHalf is the half-life of what floods count.
const (
	floodHalf = 10e9
	floodSpan = 14_426_950_408 // of a steady rate, the count settles at so many ns of it
)

// smallPayload is less than media send, octets: a voice packet has 160 and more, in far fewer packets.
const smallPayload = 200

// probePayload is more than what looks for open ports sends on average, octets: most of that is empty.
const probePayload = 32

// floods find who is sent more than anybody has use for.
type floods struct {
	*Watch
	limit   [4]float64 // by floodClass
	packets float64    // UDP in few flows, a second
	small   float64
	states  *Table[floodKey, flooded]
	door    *door // of connections and flows that begin
	paces   paces
}

type floodClass uint8

const (
	floodSYN floodClass = iota
	floodUDP
	floodICMP
	floodARP
)

type floodKey struct {
	to    Party
	class floodClass
	port  uint16 // TCP
}

// flooded is what one machine is sent.
type flooded struct {
	rate    faded // of what the class counts
	mass    faded // packets
	packets uint64
	told    uint64 // of packets, that the record counts
	rated   float64
	octets  uint64
	from    source
	first   int64
	proof   [4]uint64
	n       int
	record  *Record
}

func newFloods(w *Watch) Detector {
	f := &floods{
		Watch: w, packets: w.Threshold("flood.udp.packets"), small: w.Threshold("flood.udp.small"),
		limit:  [4]float64{w.Threshold("flood.syn.pending"), w.Threshold("flood.udp.flows"), w.Threshold("flood.icmp.packets"), w.Threshold("flood.arp.packets")},
		states: NewTable[floodKey, flooded](1024), door: newDoor(8, floodHalf), paces: newPaces(),
	}
	return Detector{Event: f.event, Steps: []Step{Began, Established, Grew}}
}

func (f *floods) event(e *Event) {
	switch e.Proto {
	case frame.ProtoTCP:
		f.tcp(e)
	case frame.ProtoUDP:
		f.udp(e)
	case frame.ProtoICMP, frame.ProtoICMPv6:
		// neighbour discovery has types of its own, above 130; who looks for the way lets packets go few hops
		if e.Proto == frame.ProtoICMPv6 && e.Port[e.Dir] > 129 || e.TTL <= lowHops && e.Step != Grew {
			return
		}
		f.count(e, floodICMP)
	case 0:
		if e.Port[flow.Resp] == frame.EtherARP {
			f.count(e, floodARP)
		}
	}
}

// tcp counts connections that were begun and did not come about.
func (f *floods) tcp(e *Event) {
	to, port := &e.Addr[flow.Resp], e.Port[flow.Resp]
	switch {
	case e.Step == Began && e.Dir == flow.Orig && e.Fresh && !isGroup(to):
		if !f.syn(port, e) {
			f.syn(0, e)
		}
	case e.Step == Established && f.door.open(mixAddr(uint64(port), to)):
		for _, port := range [...]uint16{port, 0} {
			if s := f.states.Look(floodKey{e.Party(flow.Resp), floodSYN, port}); s != nil {
				s.rate.n = max(0, s.rate.n-1)
			}
		}
	}
}

// manyPorts is how many times the limit of one service it takes of all services of one machine together, from many
// senders: one sender alone looks for open ports.
const manyPorts = 4

// syn counts a connection that was begun to one service, or with port 0 to any, and reports whether that is a flood.
func (f *floods) syn(port uint16, e *Event) bool {
	if !f.door.knock(mixAddr(uint64(port), &e.Addr[flow.Resp]), e.Time) {
		return false
	}
	key := floodKey{e.Party(flow.Resp), floodSYN, port}
	s := f.state(key, e)
	n, limit := s.rate.add(1, e.Time, e.Time, floodHalf), f.limit[floodSYN]
	if port == 0 {
		limit *= manyPorts
	}
	if n >= limit && (port != 0 || s.from.crowd()) {
		f.raise(key, s, e, finding.FloodSYN, "connections that do not come about")
	}
	return s.record != nil
}

func (f *floods) udp(e *Event) {
	from, to := e.Dir, 1-e.Dir
	if isGroup(&e.Addr[to]) || e.MAC[to].IsGroup() || e.Packets[to] > e.Packets[from]/64 || e.Step != Began && e.Step != Grew {
		return // answered, or media for many
	}
	if amplifies.has(e.Port[from]) || e.Dir == flow.Orig && amplifies.has(e.Port[to]) && e.Step == Began {
		return // an answer: see reflecting; or a question, which may be asked again and again where there is no Internet
	}
	if e.Step == Began && e.TTL <= lowHops {
		return
	}
	if e.Step == Began && !f.door.knock(mixAddr(1<<16, &e.Addr[to]), e.Time) {
		return
	}
	key := floodKey{to: e.Party(int(to)), class: floodUDP}
	s := f.state(key, e)
	if e.Step == Began {
		s.octets += uint64(e.Size)
		s.mass.add(1, e.Time, e.Time, floodHalf)
		if s.rate.add(1, e.Time, e.Time, floodHalf); s.rate.n >= f.limit[floodUDP] && s.big() {
			f.raise(key, s, e, finding.FloodUDP, "flows of datagrams that nobody answers")
		}
		return
	}
	n, since := f.paces.grew(e)
	s.packets += n - 1
	s.octets += n * e.Payload[from] / e.Packets[from]
	s.mass.add(float64(n), since, e.Time, floodHalf)
	limit := f.packets
	if s.octets/s.packets < smallPayload {
		limit = f.small
	}
	// at that rate for a second
	if s.mass.n >= limit && s.mass.n*float64(1e9) >= limit*float64(min(e.Time-s.first+1, floodSpan)) {
		f.raise(key, s, e, finding.FloodUDP, "datagrams one way, without an answer")
	}
}

// big reports whether datagrams are not the small ones that look for open ports, unless they come that fast.
func (s *flooded) big() bool {
	return s.octets/s.packets >= probePayload || s.rate.n >= 2000
}

// count counts packets of ICMP and ARP.
func (f *floods) count(e *Event, class floodClass) {
	if e.Dir != flow.Orig || e.Step != Began && e.Step != Grew {
		return
	}
	key := floodKey{e.Party(flow.Resp), class, 0}
	kind, note := finding.FloodICMP, "ICMP messages to one address"
	if class == floodARP {
		key.to, kind, note = e.Party(flow.Orig), finding.FloodARP, "ARP messages from one device"
		key.to.Addr = frame.Addr{}
	}
	s := f.state(key, e)
	n, since := uint64(1), e.Time
	if e.Step == Grew {
		n, since = f.paces.grew(e)
		s.packets += n - 1
	}
	if s.rate.add(float64(n), since, e.Time, floodHalf) >= f.limit[class] {
		f.raise(key, s, e, kind, note)
	}
}

func (f *floods) state(key floodKey, e *Event) *flooded {
	s, fresh := f.states.Get(key)
	if fresh || e.Time-s.rate.at > 10*floodHalf {
		*s = flooded{first: e.Time}
		if e.Step == Grew {
			s.first = e.First
		}
		s.rate.at = e.Time
		if e.Step == Began && key.class <= floodUDP {
			s.rate.n, s.packets = float64(f.door.need-1), uint64(f.door.need-1) // that knocked
			s.octets = s.packets * uint64(e.Size)
		}
	}
	s.packets++
	s.from.add(e)
	if s.n < len(s.proof) {
		s.proof[s.n] = e.Number
		s.n++
	}
	return s
}

// severe is the rate, packets a second, from which a flood does harm to a home's access or a small server.
const severe = 50

func (f *floods) raise(key floodKey, s *flooded, e *Event, kind finding.Kind, note string) {
	rate := s.rate.n
	if key.class == floodUDP {
		rate = max(rate, s.mass.n)
	}
	rate /= min(float64(floodSpan), max(float64(e.Time-s.first), 1e9)) / 1e9
	if s.record != nil {
		s.record.Add(s.packets-s.told, e.Time)
		s.told = s.packets
		if rate > s.rated {
			s.rated = rate
			s.record.Set("rate", uint64(rate))
			if rate >= severe {
				s.record.Severity = finding.High
			}
		}
		return
	}
	severity := finding.Medium
	if rate >= severe {
		severity = finding.High
	}
	proof := e.Evidence(fmt.Sprintf("%s, about %.0f a second", note, rate))
	proof.Packets = append(s.proof[:s.n:s.n], e.Number)
	actor, target := s.from.party(), key.to
	if key.class == floodARP {
		actor, target = key.to, Party{}
	}
	sight := Sighting{
		Kind: kind, Actor: actor, Target: target, Severity: severity, Confidence: 0.9,
		Count: s.packets, First: s.first, Time: e.Time, Evidence: proof,
		Details: []finding.Detail{{Key: "packets", Value: Counted}, {Key: "rate", Value: uint64(rate)}},
	}
	if key.class == floodARP {
		sight.Details = append(sight.Details, finding.Detail{Key: "count", Value: Counted})
	} else if actor.IsZero() {
		sight.Details = append(sight.Details, finding.Detail{Key: "peer", Value: e.Addr[e.Dir].Netip().String()})
	}
	s.told, s.rated = s.packets, rate
	s.record = f.Raise(sight)
}
