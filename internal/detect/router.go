package detect

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var spoofRouterThresholds = []Threshold{
	{"spoof.router.start", 120, "seconds", "from the first word of a router or DHCP server on, in which others may show up that were there before: routers say what they are at least every ten minutes, and when asked"},
	{"spoof.router.conversations", 10, "conversations", "with the Internet that somebody else carried, while nobody went by way of this one"},
	{"spoof.router.gone", 1800, "seconds", "without word of a router, after which another may take its place (RFC 4861, Section 6.2.1: that is how long one is good for)"},
}

// spoofRouter finds who says that he is the way to the Internet, and is not: by router advertisements, by DHCP, by
// redirects.
type spoofRouter struct {
	*Watch
	start, gone   int64
	conversations uint64
	routers       []spoken // that advertise themselves
	servers       []spoken // of DHCP
	carried       *Table[frame.MAC, uint64]
}

// spoken is a router or server that said so.
type spoken struct {
	who         Party
	first, last int64
}

func newSpoofRouter(w *Watch) Detector {
	s := &spoofRouter{Watch: w, start: w.Span("spoof.router.start"), gone: w.Span("spoof.router.gone"), conversations: uint64(w.Threshold("spoof.router.conversations")), carried: NewTable[frame.MAC, uint64](128)}
	return Detector{Fact: s.fact, Event: s.event, Steps: []Step{Answered}, Facts: []string{"ra.router", "dhcp.server", "ndp.redirect"}}
}

// maxSpoken bounds who is remembered: who forges senders has any number.
const maxSpoken = 32

// event counts what routers carry.
func (s *spoofRouter) event(e *Event) {
	if e.Step != Answered || e.Dir != flow.Resp || e.Proto == 0 || device.IsLocal(&e.Addr[flow.Resp]) || !unicast(e.Addr[flow.Resp]) {
		return
	}
	n, _ := s.carried.Get(e.MAC[flow.Resp])
	*n++
}

func (s *spoofRouter) carries(m frame.MAC) bool { return s.carried.Look(m) != nil }

func (s *spoofRouter) fact(f *Fact) {
	who := f.Sender()
	if who.MAC.IsZero() || virtual(who.MAC) {
		return
	}
	switch f.Name {
	case "ra.router":
		if l := string(f.Lookup("lifetime")); l == "" || l == "0" {
			return // it knows a way to some network, such as one of sensors, but is no router for all
		}
		s.say(&s.routers, f, who, "router advertisement of "+text(f.Value))
	case "dhcp.server":
		s.say(&s.servers, f, who, "DHCP server "+text(f.Value)+", router "+text(f.Lookup("router"))+", resolver "+text(f.Lookup("dns")))
	case "ndp.redirect":
		if router := s.carried.Len() > 0 || len(s.routers) > 0; router && !s.carries(who.MAC) && !knows(s.routers, who) {
			s.raise(f, who, "redirect", finding.High, 0.7, f.Evidence("redirect to "+text(f.Value)+" from who is no router"))
		}
	}
}

func knows(list []spoken, p Party) bool {
	for i := range list {
		if list[i].who.MAC == p.MAC {
			return true
		}
	}
	return false
}

// say is somebody's word that he routes, or serves addresses. The first is believed, and so is who carries the traffic
// of others, and who comes when the others have gone.
func (s *spoofRouter) say(list *[]spoken, f *Fact, who Party, note string) {
	for i := range *list {
		if x := &(*list)[i]; x.who.MAC == who.MAC {
			x.last = f.Time
			s.judge(*list, x, f, note)
			return
		}
	}
	if len(*list) < maxSpoken {
		*list = append(*list, spoken{who, f.Time, f.Time})
		s.judge(*list, &(*list)[len(*list)-1], f, note)
	}
}

// judge decides on x.
func (s *spoofRouter) judge(list []spoken, x *spoken, f *Fact, note string) {
	if s.carries(x.who.MAC) {
		return
	}
	others, earliest := false, x.first // routers that are there, and before it
	for i := range list {
		y := &list[i]
		if y.who.MAC != x.who.MAC && y.first < x.first && x.first-y.last < s.gone {
			others, earliest = true, min(earliest, y.first)
		}
	}
	carrier := false // somebody else carries the traffic
	for m, n := range s.carried.All {
		carrier = carrier || m != x.who.MAC && *n >= s.conversations
	}
	late := x.first-earliest > s.start
	eager := string(f.Lookup("preference")) == "high" // RFC 4191, Section 2.1: it wants to be before the others
	switch {
	case others && (late || eager):
		s.raise(f, x.who, f.Name, finding.High, 0.8, f.Evidence(note+", while another one is there"))
	case carrier && (others || f.Name == "ra.router"):
		s.raise(f, x.who, f.Name, finding.Medium, 0.5, f.Evidence(note+", but the traffic of others goes elsewhere"))
	}
}

func (s *spoofRouter) raise(f *Fact, who Party, key string, severity finding.Severity, sure float64, proof finding.Evidence) {
	address := who.Addr.Netip().String()
	s.Raise(Sighting{
		Kind: finding.SpoofRouter, Actor: who, Key: key, Severity: severity, Confidence: sure, Time: f.Time, Evidence: proof,
		Details: []finding.Detail{{Key: "address", Value: address}},
		Holds:   func(*View) bool { return !s.carries(who.MAC) },
	})
}
