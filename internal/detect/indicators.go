package detect

import (
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/indicator"
)

var indicatorThresholds = []Threshold{
	{"indicator.match.high", 0.75, "share of 1", "of confidence in an entry from which on a match is of high severity: ThreatFox's own word for “probably”"},
	{"indicator.match.medium", 0.5, "share of 1", "the same for medium severity"},
}

// indicators finds what is on the lists that were given.
type indicators struct {
	*Watch
	set          *indicator.Set
	high, medium float64
	names        *Table[nameKey, struct{}] // that were looked for lately
	members      *Table[groupKey, uint8]   // conditions of a group that were met
}

type nameKey struct {
	from frame.MAC
	name string
}

type groupKey struct {
	device frame.MAC
	group  int
}

func newIndicators(w *Watch) Detector {
	x := &indicators{
		w, w.cfg.Indicators, w.Threshold("indicator.match.high"), w.Threshold("indicator.match.medium"),
		NewTable[nameKey, struct{}](4096), NewTable[groupKey, uint8](512),
	}
	if x.set == nil {
		return Detector{}
	}
	return Detector{Event: x.event, Steps: []Step{Began, Answered}, Fact: x.fact, Facts: []string{"dns.query", "tls.sni", "http.host", "tls.ja3", "tls.certificate"}}
}

// event looks for the ends of new flows: for whom a device calls, and for who calls it and is answered.
func (x *indicators) event(e *Event) {
	if e.Proto == 0 {
		return
	}
	switch e.Step {
	case Began:
		to := e.Party(flow.Resp)
		if m, ok := x.set.Address(to.Addr.Netip(), e.Port[flow.Resp], e.Time); ok {
			x.raise(m, e.Party(flow.Orig), to, "", e.Time, e.Evidence("flow to "+m.Value))
		}
	case Answered:
		from := e.Party(flow.Orig)
		if m, ok := x.set.Address(from.Addr.Netip(), e.Port[flow.Orig], e.Time); ok {
			x.raise(m, e.Party(flow.Resp), from, "", e.Time, e.Evidence("flow from "+m.Value))
		}
	}
}

func (x *indicators) fact(f *Fact) {
	from, to := f.Sender(), f.Receiver()
	switch f.Name {
	case "tls.ja3":
		if m, ok := x.set.JA3(string(f.Value), f.Time); ok {
			x.raise(m, from, to, "", f.Time, f.Evidence("JA3 "+m.Value))
		}
	case "tls.certificate":
		for _, key := range [...]string{"sha256", "sha1"} {
			if m, ok := x.set.Certificate(string(f.Lookup(key)), f.Time); ok {
				x.raise(m, to, from, "", f.Time, f.Evidence("certificate "+m.Value))
			}
		}
	case "http.host":
		host, _, _ := strings.Cut(text(f.Value), ":")
		if m, ok := x.set.URL(host, text(f.Lookup("path")), f.Time); ok {
			x.raise(m, from, to, m.Value, f.Time, f.Evidence("HTTP request for "+m.Value))
		}
		x.domain(f, host, to)
	case "tls.sni":
		x.domain(f, text(f.Value), to)
	case "dns.query":
		x.domain(f, text(f.Value), Party{})
	}
}

func (x *indicators) domain(f *Fact, name string, to Party) {
	from := f.Sender()
	if _, fresh := x.names.Get(nameKey{from.MAC, name}); !fresh {
		return
	}
	if m, ok := x.set.Domain(name, f.Time); ok {
		x.raise(m, from, to, name, f.Time, f.Evidence(f.Name+" "+name+", listed as "+m.Value))
	}
}

// raise tells of a match, once for each device and entry. A device that resolves names for others asks for them.
func (x *indicators) raise(m indicator.Match, who, peer Party, name string, at int64, proof finding.Evidence) {
	if m.Group > 0 {
		met, _ := x.members.Get(groupKey{who.MAC, m.Group})
		*met |= 1 << m.Member
		if *met != 1<<m.Members-1 {
			return
		}
	}
	severity := finding.Low
	switch {
	case m.Confidence >= x.high:
		severity = finding.High
	case m.Confidence >= x.medium:
		severity = finding.Medium
	}
	if m.Reason != "" {
		proof.Note += ": " + text([]byte(m.Reason))
	}
	if name == "" {
		name = x.call(peer, who.MAC)
	}
	asked := peer.IsZero()
	x.Raise(Sighting{
		Kind: finding.IndicatorMatch, Actor: who, Key: m.Feed + " " + m.Value, Severity: severity, Confidence: m.Confidence, Time: at, Evidence: proof,
		Details: []finding.Detail{{Key: "peer", Value: name}, {Key: "feed", Value: text([]byte(m.Feed))}},
		Holds: func(v *View) bool {
			d := v.Owner(who)
			return d != nil && !(asked && (d.Resolver || d.Gateway))
		},
		Weigh: func(_ *View, d *device.Device) finding.Severity { return severity },
	})
}
