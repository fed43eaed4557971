package detect

import (
	"slices"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// exposed finds devices that answer whoever calls from the Internet.
type exposed struct {
	*Watch
	seen *Table[doorway, *Record]
}

// doorway is a service of a device.
type doorway struct {
	server Party
	proto  uint8
	port   uint16
}

func newExposed(w *Watch) Detector {
	return Detector{Event: exposed{w, NewTable[doorway, *Record](256)}.event, Steps: []Step{Answered, Established}}
}

// open are services over UDP that a device offers on a port of its own; on others, an answer to a datagram tells
// nothing of who began: calls and games speak first from both sides.
var open = []uint16{19, 53, 69, 111, 123, 137, 161, 389, 520, 1900, 3702, 5060, 5353, 5683, 11211, 47808}

func (x exposed) event(e *Event) {
	if !e.Fresh || e.Dir != flow.Orig && e.Step == Established {
		return
	}
	switch {
	case e.Proto == frame.ProtoTCP && e.Step == Established:
	case e.Proto == frame.ProtoUDP && e.Step == Answered && slices.Contains(open, e.Port[flow.Resp]) && e.Port[flow.Orig] != e.Port[flow.Resp]:
	default:
		return
	}
	caller, server := e.Party(flow.Orig), e.Party(flow.Resp)
	if device.IsLocal(&caller.Addr) || !unicast(caller.Addr) || !unicast(server.Addr) {
		return
	}
	if x.inventory.Owner(caller.MAC, caller.Addr) != nil {
		return
	}
	r, fresh := x.seen.Get(doorway{server, e.Proto, e.Port[flow.Resp]})
	if !fresh && *r != nil {
		(*r).Add(1, e.Time)
		return
	}
	*r = x.raise(e)
}

func (x exposed) raise(e *Event) *Record {
	caller, server := e.Party(flow.Orig), e.Party(flow.Resp)
	service := device.ServiceName(e.Proto, e.Port[flow.Resp])
	name := service
	if e.Service != "" {
		name += " " + e.Service
	}
	return x.Raise(Sighting{
		Kind: finding.ExposedService, Actor: server, Key: service, Severity: finding.Medium, Confidence: 0.9, First: e.First, Time: e.Time,
		Details:  []finding.Detail{{Key: "peer", Value: x.call(caller, server.MAC)}, {Key: "service", Value: name}},
		Evidence: e.Evidence("opened from the Internet, and answered"),
		Holds:    func(v *View) bool { return v.Outside(caller) },
		Weigh: func(v *View, d *device.Device) finding.Severity {
			switch kind := v.Kind(d); {
			case slices.Contains(shells, service) && kind != device.General:
				return finding.High
			case kind == device.General && !slices.Contains(openings, service):
				return finding.Low
			}
			return finding.Medium
		},
	})
}
