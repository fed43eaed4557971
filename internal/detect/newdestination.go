package detect

import (
	"net/netip"
	"strconv"

	"plimsoll.example/plimsoll/internal/baseline"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var newDestinationThresholds = []Threshold{
	{"new.destination.sure", 0.5, "share of 1", "that enough was seen before for what is new to be told as more than worth a look; see package baseline"},
}

// newDestination compares what devices do with what was normal before, and learns it.
type newDestination struct {
	*Watch
	sure    float64
	base    *baseline.Baseline
	learner *baseline.Learner
}

func newNewDestination(w *Watch) Detector {
	n := &newDestination{w, w.Threshold("new.destination.sure"), w.cfg.Baseline, w.cfg.Learner}
	if n.learner == nil {
		return Detector{}
	}
	return Detector{Ended: n.ended}
}

var transports = map[uint8]string{frame.ProtoTCP: "tcp", frame.ProtoUDP: "udp"}

func (n *newDestination) ended(f *Flow) {
	proto := transports[f.Proto]
	if proto == "" || !f.Answered() || !unicast(f.Addr[flow.Resp]) || f.Proto == frame.ProtoTCP && f.Payload == [2]uint64{} {
		return // nothing was said
	}
	from, to := f.Party(flow.Orig), f.Party(flow.Resp)
	view := &View{watch: n.Watch}
	if d := view.Owner(to); d != nil && !d.Gateway {
		n.learner.Serve(d.MAC.String(), proto, f.Port[flow.Resp], f.Protocol, f.First, f.Last)
	}
	if view.Owner(from) == nil {
		return // of somebody behind a router
	}
	s := baseline.Sight{
		Addr: to.Addr.Netip(), LAN: device.IsLocal(&to.Addr), Proto: proto, Port: f.Port[flow.Resp], Protocol: f.Protocol,
		Octets: f.Octets[flow.Orig] + f.Octets[flow.Resp], First: f.First, Last: f.Last,
	}
	if names := f.called(n.Watch); len(names) > 0 {
		if _, err := netip.ParseAddr(names[0]); err != nil {
			s.Name = device.Printable([]byte(names[0]), 253)
		}
	}
	mac := from.MAC.String()
	n.learner.Sight(mac, &s)
	new, ok := n.base.Judge(mac, &s)
	if !ok || !new.New() || n.base.Covers(s.First) {
		return
	}
	service := device.ServiceName(f.Proto, s.Port)
	peer := s.Name
	if peer == "" {
		peer = n.call(to, from.MAC)
	}
	key := peer
	note := "never seen before"
	if !new.Destination {
		key, note = service, "service never used before"
	}
	if f.Protocol != "" {
		service += " " + f.Protocol
	}
	note += " in " + strconv.Itoa(new.Days) + " days and " + strconv.Itoa(new.Hours) + " hours of conversations"
	if new.Hour {
		note += ", at an hour at which it was never active"
	}
	n.Raise(Sighting{
		Kind: finding.NewDestination, Actor: from, Key: key, Severity: finding.Low, Confidence: max(0.1, new.Sure), First: f.First, Time: f.Last,
		Details: []finding.Detail{{Key: "peer", Value: peer}, {Key: "service", Value: service}}, Evidence: f.Evidence(note),
		Weigh: func(v *View, d *device.Device) finding.Severity {
			switch kind := v.Kind(d); {
			case kind == device.General || kind == device.Infrastructure:
				return finding.Info
			case kind == device.IoT && new.Sure >= n.sure && !new.Kin:
				return finding.Medium
			case new.Kin:
				return finding.Info
			}
			return finding.Low
		},
	})
}
