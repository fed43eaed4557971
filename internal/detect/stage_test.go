package detect

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// party is somebody on a stage.
type party struct {
	mac  frame.MAC
	ip   string
	port uint16
	kind device.Kind
}

func (p party) on(port uint16) party { p.port = port; return p }

func (p party) addr() frame.Addr { return frame.AddrFrom(netip.MustParseAddr(p.ip)) }

// Who is there: a router, two things, a computer, and the Internet behind the router.
var (
	router = party{frame.MAC{0x04, 0xd4, 0xc4, 0, 0, 1}, "192.168.1.1", 53, device.Infrastructure}
	lamp   = party{frame.MAC{0x00, 0x17, 0x88, 0, 0, 2}, "192.168.1.20", 40000, device.IoT}
	camera = party{frame.MAC{0x44, 0x19, 0xb6, 0, 0, 3}, "192.168.1.30", 40001, device.IoT}
	laptop = party{frame.MAC{0xf8, 0xbc, 0x12, 0, 0, 4}, "192.168.1.40", 40002, device.General}
	cloud  = party{router.mac, "198.51.100.9", 443, ""}
	mallet = party{router.mac, "203.0.113.66", 50000, ""}
)

// stage is a network on which tests say things.
type stage struct {
	*Watch
	t         *testing.T
	inventory *device.Inventory
	facts     dissect.Facts
	start     time.Time
	at        time.Duration
	seq       uint64
}

var opening = time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)

func (s *stage) now() int64 { return s.start.Add(s.at).UnixNano() }

// set makes a stage with everybody on it.
func set(t *testing.T, cfg Config) *stage {
	t.Helper()
	s := &stage{t: t, start: opening, inventory: device.NewInventory(8 << 20)}
	s.Watch = New(cfg, s.inventory)
	for _, p := range []party{router, lamp, camera, laptop} {
		s.say(p, party{mac: frame.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, "arp.address", p.ip, "op", "request")
	}
	s.say(lamp, router, "dhcp.lease", lamp.ip, "router", router.ip, "mask", "255.255.255.0", "dns", router.ip)
	return s
}

// headers are those of a packet.
func (s *stage) headers(from, to party) frame.Frame {
	f := frame.Frame{SrcMAC: from.mac, DstMAC: to.mac, SrcPort: from.port, DstPort: to.port, Depth: frame.Transport, Proto: frame.ProtoTCP}
	if from.ip != "" && to.ip != "" {
		f.Src, f.Dst = from.addr(), to.addr()
	} else {
		f.Depth = frame.Nothing
	}
	return f
}

// say has somebody say a fact to somebody, about himself, or with the field "about" set, about the other.
func (s *stage) say(from, to party, name, value string, fields ...string) {
	s.seq++
	f := s.headers(from, to)
	if from.port == 53 || to.port == 53 {
		f.Proto = frame.ProtoUDP
	}
	s.facts.Reset()
	s.facts.Begin(from.mac, s.now(), s.seq)
	if f.Depth == frame.Transport {
		s.facts.From(f.Src)
	}
	if len(fields) > 0 && fields[0] == "about" {
		fields = fields[1:]
		s.facts.About(to.mac)
	}
	if name == "dhcp.lease" {
		s.facts.About(from.mac)
	}
	s.facts.AddString(name, value)
	for i := 0; i+1 < len(fields); i += 2 {
		s.facts.FieldString(fields[i], fields[i+1])
	}
	s.inventory.Observe(&s.facts, 0, s.seq, 0)
	if to := s.Wants(name); to != nil {
		x := NewFact(&s.facts, 0, &f, s.seq, 0)
		s.Fact(&x, to)
	}
}

// step has a flow between two take a step.
func (s *stage) step(step Step, orig, resp party, proto uint8) {
	s.seq++
	e := Event{
		Step: step, Proto: proto, Fresh: true, Addr: [2]frame.Addr{orig.addr(), resp.addr()}, MAC: [2]frame.MAC{orig.mac, resp.mac},
		Port: [2]uint16{orig.port, resp.port}, Packets: [2]uint64{1, 1}, First: s.now(), Time: s.now(), Seq: s.seq, Number: s.seq,
	}
	if step == Answered {
		e.Dir = flow.Resp
	}
	s.Event(&e)
}

// meet has two talk, from beginning to end.
func (s *stage) meet(orig, resp party, proto uint8, protocol, name string, octets uint64) {
	s.step(Began, orig, resp, proto)
	s.step(Answered, orig, resp, proto)
	if proto == frame.ProtoTCP {
		s.step(Established, orig, resp, proto)
	}
	s.end(orig, resp, proto, protocol, name, octets)
}

func (s *stage) end(orig, resp party, proto uint8, protocol, name string, octets uint64) {
	f := flow.Flow{
		Addr: [2]frame.Addr{orig.addr(), resp.addr()}, Port: [2]uint16{orig.port, resp.port}, MAC: [2]frame.MAC{orig.mac, resp.mac}, Proto: proto,
		First: s.now(), Last: s.now() + int64(time.Second), Packets: [2]uint64{4, 4}, Octets: [2]uint64{octets + 300, octets + 300},
		Payload: [2]uint64{octets, octets}, Number: s.seq,
	}
	s.inventory.Flow(&f, name)
	s.Ended(&Flow{Flow: &f, Protocol: protocol, Name: name})
}

// found is what is found, of a kind.
func (s *stage) found(kind finding.Kind) (list []finding.Finding) {
	s.t.Helper()
	s.Finish()
	_, network := s.inventory.Finish()
	kinds := func(d *device.Device) device.Kind {
		for _, p := range []party{router, lamp, camera, laptop} {
			if p.mac == d.MAC {
				return p.kind
			}
		}
		return device.Unknown
	}
	for _, f := range s.Findings(network, kinds) {
		if f.Kind == kind {
			list = append(list, f)
		}
	}
	return list
}

// want checks that of a kind the one thing is found that is meant, whole.
func (s *stage) want(kind finding.Kind, who party, role finding.Role, severity finding.Severity, details ...string) {
	s.t.Helper()
	list := s.found(kind)
	i := slices.IndexFunc(list, func(f finding.Finding) bool { return f.Role == role })
	if i < 0 {
		s.t.Fatalf("no %s with the role %s: %+v", kind, role, list)
	}
	f := &list[i]
	if f.Device != device.Name(who.mac) || f.Severity != severity || f.Confidence <= 0 || f.Confidence > 1 || f.Count == 0 || f.First == 0 || f.Last < f.First {
		s.t.Errorf("%s: %+v; want %s of %s", kind, f, severity, device.Name(who.mac))
	}
	if len(f.Evidence) == 0 || len(f.Evidence[0].Packets) == 0 || f.Evidence[0].Note == "" {
		s.t.Errorf("%s: nothing proves it: %+v", kind, f.Evidence)
	}
	for _, key := range kind.About().Details {
		if f.Detail(key) == nil {
			s.t.Errorf("%s: no detail %s", kind, key)
		}
	}
	for i := 0; i+1 < len(details); i += 2 {
		if got := f.Detail(details[i]); got != details[i+1] {
			s.t.Errorf("%s: %s is %v, want %s", kind, details[i], got, details[i+1])
		}
	}
}

// none checks that nothing of a kind is found, or nothing as bad as a severity.
func (s *stage) none(kind finding.Kind, what string, below finding.Severity) {
	s.t.Helper()
	for _, f := range s.found(kind) {
		if f.Severity >= below {
			s.t.Errorf("%s: %s of %s, %s: %s", what, f.Severity, f.Kind, f.Device, f.Evidence[0].Note)
		}
	}
}
