package nft

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// A small world, so that random entries and random packets often meet.
var (
	peers4 = []string{"192.168.2.20", "192.168.2.30", "203.0.113.5", "203.0.113.70", "198.51.100.7", "198.51.100.8", "192.168.1.1"}
	peers6 = []string{"fd00:2::20", "fd00:2::30", "2001:db8::5", "2001:db8:1::70", "2001:db8::7", "fd00:1::1"}
	nets4  = []string{"203.0.113.0/24", "203.0.113.64/26", "203.0.113.5/32", "192.168.0.0/16", "192.168.2.20/32", "0.0.0.0/0", "128.0.0.0/1", "255.255.255.255/32"}
	nets6  = []string{"2001:db8::/32", "2001:db8::5/128", "2001:db8:1::/48", "fd00::/8", "fd00:2::20/128", "::/0"}
	names  = []string{"cloud.example", "a.media.example", "*.media.example", "nowhere.example", "203.0.113.5"}
	ports  = []uint16{0, 1, 22, 53, 80, 123, 443, 5353, 8080, 40000, 65535}
	protos = []uint8{frame.ProtoTCP, frame.ProtoUDP, frame.ProtoICMP, frame.ProtoICMPv6, 47}
	types4 = []uint8{0, 3, 8, 13}
	types6 = []uint8{1, 128, 129, 135}
	flags  = []uint8{frame.SYN, frame.SYN, frame.SYN, frame.SYN | 0xc0, frame.ACK, frame.FIN | frame.PSH}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func randomPorts(r *rand.Rand) *mud.Ports {
	if chance(r, 40) {
		return nil
	}
	p := &mud.Ports{Operator: pick(r, []mud.Operator{mud.Equal, mud.Equal, mud.Equal, mud.NotEqual, mud.LessOrEqual, mud.GreaterOrEqual, mud.Range}), Port: pick(r, ports)}
	if p.Operator == mud.Range {
		p.Upper = pick(r, ports) // maybe below
	}
	return p
}

func randomIP(r *rand.Rand, d mud.Direction, six bool) *mud.IP {
	m := &mud.IP{}
	nets := nets4
	if six {
		nets = nets6
	}
	var peer netip.Prefix
	name := ""
	switch {
	case chance(r, 40):
		peer = netip.MustParsePrefix(pick(r, nets))
	case chance(r, 50):
		name = pick(r, names)
	}
	if d == mud.FromDevice {
		m.Destination, m.DestinationDNSName = peer, name
	} else {
		m.Source, m.SourceDNSName = peer, name
	}
	if chance(r, 5) {
		own := netip.MustParsePrefix(pick(r, nets))
		if d == mud.FromDevice {
			m.Source = own
		} else {
			m.Destination = own
		}
	}
	if chance(r, 10) {
		m.DSCP = number(uint8(r.IntN(3) * 10))
	}
	if chance(r, 5) {
		m.ECN = number(uint8(r.IntN(2)))
	}
	return m
}

func randomACE(r *rand.Rand, d mud.Direction) mud.ACE {
	e := mud.ACE{Name: fmt.Sprint(r.Uint32())}
	if chance(r, 75) {
		e.Action = mud.Accept
	}
	m := &e.Matches
	switch r.IntN(5) {
	case 0, 1:
		m.IPv4 = randomIP(r, d, false)
	case 2, 3:
		m.IPv6 = randomIP(r, d, true)
	}
	switch r.IntN(6) {
	case 0, 1:
		m.TCP = &mud.TCP{Source: randomPorts(r), Destination: randomPorts(r)}
		m.TCP.DirectionInitiated = pick(r, []mud.Direction{"", "", mud.FromDevice, mud.ToDevice})
		if chance(r, 10) {
			m.TCP.Flags = []string{"syn"}
		}
	case 2, 3:
		m.UDP = &mud.UDP{Source: randomPorts(r), Destination: randomPorts(r)}
	case 4:
		m.ICMP = &mud.ICMP{}
		if chance(r, 60) {
			m.ICMP.Type = number(pick(r, append(types4, types6...)))
		}
		if chance(r, 30) {
			m.ICMP.Code = number(uint8(r.IntN(2)))
		}
	case 5:
		if chance(r, 70) && m.IPv4 != nil {
			m.IPv4.Protocol = number(pick(r, protos))
		}
	}
	if chance(r, 30) {
		m.MUD = pick(r, []*mud.MUD{
			{LocalNetworks: true},
			{SameManufacturer: true},
			{Controller: "urn:ietf:params:mud:dns"},
			{MyController: true},
			{Manufacturer: "lamps.example"},
			{LocalNetworks: true, SameManufacturer: true},
			{Controller: "urn:example:none"},
		})
	}
	if chance(r, 5) {
		e.Unknown = []mud.Member{{Path: "/matches/x", Value: "1"}}
	}
	return e
}

// randomPolicies are those of the lamp and of the hub.
func randomPolicies(r *rand.Rand) (lamp, hub *policy.Policy) {
	one := func(c *policy.Context) *policy.Policy {
		f := &mud.File{URL: c.Device.URL, FromDevice: []string{"a", "b"}, ToDevice: []string{"c"}}
		for _, name := range []string{"a", "b", "c"} {
			acl := mud.ACL{Name: name}
			d := mud.FromDevice
			if name == "c" {
				d = mud.ToDevice
			}
			if chance(r, 30) {
				acl.Type = pick(r, []mud.ACLType{mud.IPv4ACL, mud.IPv6ACL})
			}
			for range r.IntN(12) {
				acl.ACEs = append(acl.ACEs, randomACE(r, d))
			}
			f.ACLs = append(f.ACLs, acl)
		}
		p := policy.Compile(f, c)
		for name, list := range map[string][]string{"cloud.example": {"198.51.100.7", "2001:db8::7"}, "a.media.example": {"198.51.100.8", "2001:db8::5"}} {
			for _, a := range list {
				p.Learn(name, ip(a), policy.Forever)
			}
		}
		return p
	}
	c := house()
	c.My = []netip.Addr{ip("192.168.2.30"), ip("fd00:2::30")}
	of := c.Of(hubMAC)
	if chance(r, 50) { // else the hub may do nearly nothing, and little is learned of the lamp
		return one(c), one(&of)
	}
	all := &mud.File{URL: of.Device.URL, FromDevice: []string{"all"}, ToDevice: []string{"all"}, ACLs: []mud.ACL{{Name: "all", ACEs: []mud.ACE{accept("all", mud.Matches{})}}}}
	return one(c), policy.Compile(all, &of)
}

func randomProbe(r *rand.Rand) *probe {
	p := &probe{}
	p.Proto = pick(r, protos)
	own, peers, types := "192.168.1.10", peers4, types4
	six := p.Proto == frame.ProtoICMPv6 || p.Proto != frame.ProtoICMP && chance(r, 40)
	if six {
		own, peers, types = "fd00:1::10", peers6, types6
	}
	p.src, p.dst = ip(own), ip(pick(r, peers))
	p.From = lampMAC
	if chance(r, 40) && !contains(gateways, p.dst) { // from the other end; what the router itself sends is not a probe
		p.src, p.dst = p.dst, p.src
		p.From = otherMAC
		if p.src == ip("192.168.2.20") || p.src == ip("fd00:2::20") {
			p.From = hubMAC
		}
	} else if p.Proto == frame.ProtoUDP && !six && chance(r, 10) {
		p.dst = ip("255.255.255.255")
	}
	p.Src, p.Dst = frame.AddrFrom(p.src), frame.AddrFrom(p.dst)
	if p.dscp = uint8(r.IntN(3) * 10); chance(r, 30) {
		p.ecn = 1
	}
	p.Set(policy.DSCP, p.dscp)
	p.Set(policy.ECN, p.ecn)
	switch p.Proto {
	case frame.ProtoICMP, frame.ProtoICMPv6:
		p.SrcPort, p.DstPort = uint16(pick(r, types)), uint16(r.IntN(2))
	case frame.ProtoTCP, frame.ProtoUDP:
		p.SrcPort, p.DstPort = pick(r, ports), pick(r, ports)
		p.flags = pick(r, flags)
		p.Set(policy.TCPFlags, p.flags)
	}
	return p
}
