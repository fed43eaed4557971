package policy

import (
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

// The house of these tests.
var (
	lampMAC = frame.MAC{2, 0, 0x5e, 0x10, 0, 1}
	hubMAC  = frame.MAC{2, 0, 0x5e, 0x10, 0, 2}
	camMAC  = frame.MAC{2, 0, 0x5e, 0x10, 0, 3}
)

const (
	lamp    = "192.168.1.10"
	lamp6   = "fd00::10"
	hub     = "192.168.1.20"
	cam     = "192.168.1.30"
	phone   = "192.168.1.40"
	gateway = "192.168.1.1"
	cloud   = "203.0.113.5"
	other   = "198.51.100.9"
)

func ip(s string) netip.Addr       { return netip.MustParseAddr(s) }
func addr(s string) frame.Addr     { return frame.AddrFrom(ip(s)) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// house is the context of the lamp.
func house() *Context {
	return &Context{
		Device: Device{MAC: lampMAC, Addresses: []netip.Addr{ip(lamp), ip(lamp6)}, URL: "https://lamps.example/lamp.json"},
		Peers: []Device{
			{MAC: hubMAC, Addresses: []netip.Addr{ip(hub)}, URL: "https://lamps.example/hub.json"},
			{MAC: camMAC, Addresses: []netip.Addr{ip(cam)}, URL: "https://cams.example:8443/cam.json"},
			{MAC: frame.MAC{2, 0, 0x5e, 0x10, 0, 4}, Addresses: []netip.Addr{ip(phone)}},
		},
		Local:   []netip.Prefix{prefix("192.168.1.0/24"), prefix("fd00::/64")},
		Gateway: []netip.Addr{ip(gateway)},
	}
}

// file is a MUD file with one access list of each direction.
func file(from, to []mud.ACE) *mud.File {
	return &mud.File{
		URL: "https://lamps.example/lamp.json", FromDevice: []string{"from"}, ToDevice: []string{"to"},
		ACLs: []mud.ACL{{Name: "from", ACEs: from}, {Name: "to", ACEs: to}},
	}
}

// accept is an entry that accepts, drop one that does not.
func accept(name string, m mud.Matches) mud.ACE {
	return mud.ACE{Name: name, Matches: m, Action: mud.Accept}
}
func drop(name string, m mud.Matches) mud.ACE { return mud.ACE{Name: name, Matches: m} }

func eq(port uint16) *mud.Ports { return &mud.Ports{Operator: mud.Equal, Port: port} }

func number(n uint8) *uint8 { return &n }

// out is the packet by which the lamp begins a conversation.
func out(proto uint8, peer string, port uint16) Packet {
	own := lamp
	if !ip(peer).Is4() {
		own = lamp6
	}
	return Packet{Direction: FromDevice, Proto: proto, Peer: addr(peer), Own: addr(own), PeerPort: port, OwnPort: 40000}
}

// in is the packet by which another one begins a conversation with the lamp.
func in(proto uint8, peer string, own uint16) Packet {
	q := out(proto, peer, 40000)
	q.Direction, q.OwnPort = ToDevice, own
	return q
}

const (
	tcp = frame.ProtoTCP
	udp = frame.ProtoUDP
)

// judge compiles a file and tells of each packet whether it passes.
func judge(t *testing.T, f *mud.File, c *Context, want map[string]struct {
	q      Packet
	passes bool
},
) *Policy {
	t.Helper()
	p := Compile(f, c)
	for name, w := range want {
		d := p.Decide(&w.q, 0)
		if (d.Action == Accept) != w.passes {
			t.Errorf("%s: %v by entry %d, want accept: %v", name, d.Action, d.Entry, w.passes)
		}
	}
	return p
}
