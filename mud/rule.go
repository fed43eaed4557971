package mud

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// rule is what an entry means in a direction, in a form in which two can be compared. A zero field is any.
type rule struct {
	direction Direction
	action    Action
	family    string // ipv4, ipv6, eth
	protocol  int    // of IP; -1 is any
	own       netip.Prefix
	peer      netip.Prefix
	name      string // of the peer
	party     MUD
	ownPorts  []PortRange
	peerPorts []PortRange
	initiated Direction
	icmpType  int // -1 is any
	icmpCode  int
	rest      string // what else is demanded, as canonical JSON
}

// every port.
func allPorts() []PortRange { return []PortRange{{0, 65535}} }

// ruleOf is the meaning of an entry in a direction. The name on the device's side is lost in it: Lint tells of that.
func ruleOf(d Direction, acl *ACL, e *ACE) rule {
	m := e.Matches
	r := rule{direction: d, action: e.Action, protocol: -1, icmpType: -1, icmpCode: -1}
	var rest Matches
	ip := cmp.Or(m.IPv4, m.IPv6)
	rest.Eth = m.Eth
	switch {
	case m.Eth != nil && ip == nil:
		r.family = "eth"
	case m.IPv4 != nil, acl != nil && ip == nil && acl.Type == IPv4ACL:
		r.family = "ipv4"
	case m.IPv6 != nil, acl != nil && ip == nil && acl.Type == IPv6ACL:
		r.family = "ipv6"
	}
	if ip != nil {
		if ip.Protocol != nil {
			r.protocol = int(*ip.Protocol)
		}
		r.own, r.peer, r.name = ip.Source, ip.Destination, ip.DestinationDNSName
		other := ip.SourceDNSName
		if d == ToDevice {
			r.own, r.peer, r.name, other = ip.Destination, ip.Source, ip.SourceDNSName, ip.DestinationDNSName
		}
		x := *ip
		x.Protocol, x.Source, x.Destination, x.SourceDNSName, x.DestinationDNSName = nil, netip.Prefix{}, netip.Prefix{}, other, ""
		rest.IPv4 = &x
	}
	if m.MUD != nil {
		r.party = *m.MUD
	}
	source, destination := (*Ports)(nil), (*Ports)(nil)
	switch {
	case m.TCP != nil:
		r.protocol = or(r.protocol, 6)
		source, destination, r.initiated = m.TCP.Source, m.TCP.Destination, m.TCP.DirectionInitiated
		x := *m.TCP
		x.Source, x.Destination, x.DirectionInitiated = nil, nil, ""
		rest.TCP = &x
	case m.UDP != nil:
		r.protocol = or(r.protocol, 17)
		source, destination = m.UDP.Source, m.UDP.Destination
		rest.UDP = &UDP{Length: m.UDP.Length}
	case m.ICMP != nil:
		r.protocol = or(r.protocol, 1)
		if m.IPv6 != nil && m.IPv6.Protocol == nil {
			r.protocol = 58
		}
		if m.ICMP.Type != nil {
			r.icmpType = int(*m.ICMP.Type)
		}
		if m.ICMP.Code != nil {
			r.icmpCode = int(*m.ICMP.Code)
		}
		rest.ICMP = &ICMP{RestOfHeader: m.ICMP.RestOfHeader}
	}
	r.ownPorts, r.peerPorts = source.Ranges(), destination.Ranges()
	if d == ToDevice {
		r.ownPorts, r.peerPorts = r.peerPorts, r.ownPorts
	}
	rest.TLS = m.TLS
	r.rest = rest.demand()
	return r
}

func or(n, otherwise int) int {
	if n < 0 {
		return otherwise
	}
	return n
}

// demand is the JSON of m, without containers that demand nothing; "" is nothing at all.
func (m *Matches) demand() string {
	n := m.node()
	out := newObject()
	for i, c := range n.members {
		out.set(n.names[i], c.maybe())
	}
	if out.maybe() == nil {
		return ""
	}
	var b bytes.Buffer
	out.write(&b, "", "")
	return b.String()
}

// covers reports whether r matches all that s does. It may miss cases, but does not make them up.
func (r *rule) covers(s *rule) bool {
	return r.direction == s.direction && (r.initiated == "" || r.initiated == s.initiated) &&
		r.isWider(s) && portsWithin(r.ownPorts, s.ownPorts)
}

// isWider is covers, but for direction, who opens connections, and the ports of the device.
func (r *rule) isWider(s *rule) bool {
	return (r.name == "" || r.name == s.name || wild(r.name, s.name)) &&
		(r.family == "" || r.family == s.family) &&
		(r.protocol < 0 || r.protocol == s.protocol) &&
		within(r.own, s.own) && within(r.peer, s.peer) &&
		demandsLess(&r.party, &s.party) &&
		portsWithin(r.peerPorts, s.peerPorts) &&
		(r.icmpType < 0 || r.icmpType == s.icmpType) && (r.icmpCode < 0 || r.icmpCode == s.icmpCode) &&
		(r.rest == "" || r.rest == s.rest)
}

// mayMeet reports whether a packet may match both. It may be wrong in saying so, not in denying it: two names, or two
// classes, may lead to one address.
func (r *rule) mayMeet(s *rule) bool {
	apart := func(a, b int) bool { return a >= 0 && b >= 0 && a != b }
	prefixes := func(a, b netip.Prefix) bool { return !a.IsValid() || !b.IsValid() || a.Overlaps(b) }
	ports := func(a, b []PortRange) bool {
		return slices.ContainsFunc(a, func(x PortRange) bool {
			return slices.ContainsFunc(b, func(y PortRange) bool { return x.Low <= y.High && y.Low <= x.High })
		})
	}
	return (r.family == s.family || r.family == "" || s.family == "") && !apart(r.protocol, s.protocol) &&
		!apart(r.icmpType, s.icmpType) && !apart(r.icmpCode, s.icmpCode) && prefixes(r.own, s.own) && prefixes(r.peer, s.peer) &&
		ports(r.ownPorts, s.ownPorts) && ports(r.peerPorts, s.peerPorts)
}

// same reports whether r and s mean the same.
func (r *rule) same(s *rule) bool { return r.action == s.action && r.covers(s) && s.covers(r) }

// within reports whether all addresses of b are in a.
func within(a, b netip.Prefix) bool {
	return !a.IsValid() || b.IsValid() && a.Bits() <= b.Bits() && a.Contains(b.Addr())
}

// wild reports whether pattern is *.domain and name is below that.
func wild(pattern, name string) bool {
	suffix, ok := strings.CutPrefix(pattern, "*")
	return ok && strings.HasSuffix(name, suffix) && len(name) > len(suffix)
}

func demandsLess(a, b *MUD) bool {
	return (a.Manufacturer == "" || a.Manufacturer == b.Manufacturer) && (a.Model == "" || a.Model == b.Model) &&
		(a.Controller == "" || a.Controller == b.Controller) && (!a.SameManufacturer || b.SameManufacturer) &&
		(!a.LocalNetworks || b.LocalNetworks) && (!a.MyController || b.MyController)
}

// portsWithin reports whether all ports of b are in a.
func portsWithin(a, b []PortRange) bool {
	for _, x := range b {
		if !slices.ContainsFunc(a, func(y PortRange) bool { return y.Low <= x.Low && x.High <= y.High }) {
			return false
		}
	}
	return true
}

// anyone reports whether nothing says who the peer is.
func (r *rule) anyone() bool {
	return (!r.peer.IsValid() || r.peer.Bits() == 0) && r.name == "" && r.party == MUD{} && r.family != "eth"
}

// anyPort reports whether all ports are among p.
func anyPort(p []PortRange) bool { return portsWithin(p, allPorts()) }

// reverse is the rule for the packets the other way in the same conversations.
func (r *rule) reverse() rule {
	s := *r
	s.direction = ToDevice
	if r.direction == ToDevice {
		s.direction = FromDevice
	}
	return s
}
