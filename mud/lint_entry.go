package mud

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// entry looks at one entry for itself.
func (l *linter) entry(d Direction, acl *ACL, e *ACE, r *rule, path string) {
	m := &e.Matches
	for _, ip := range []struct {
		*IP
		family string
		list   ACLType
	}{{m.IPv4, "ipv4", IPv6ACL}, {m.IPv6, "ipv6", IPv4ACL}} {
		if ip.IP == nil {
			continue
		}
		if acl.Type == ip.list || acl.Type == EthACL {
			l.tell("acl.family", path+"/matches/"+ip.family, "value", ip.family, "list", string(acl.Type))
		}
		l.addresses(d, ip.IP, path+"/matches/"+ip.family, ip.family)
		l.protocol(m, ip.IP, path)
	}
	if m.MUD != nil {
		l.party(m, path)
	}
	if names := foreign(m); len(names) > 0 {
		l.tell("ace.leaf", path, "names", names)
	}
	switch e.Action {
	case Accept:
		l.accepts(d, m, r, path)
	case Reject:
		l.tell("ace.reject", path)
	}
}

// addresses looks at who an entry names.
func (l *linter) addresses(d Direction, ip *IP, path, family string) {
	own, ownName, peer := ip.Source, ip.SourceDNSName, ip.Destination
	ownLeaf := "source-" + family + "-network"
	if d == ToDevice {
		own, ownName, peer = ip.Destination, ip.DestinationDNSName, ip.Source
		ownLeaf = "destination-" + family + "-network"
	}
	if ownName != "" {
		l.tell("dns.wrong-side", path, "value", ownName, "policy", string(d)+"-policy")
	}
	for _, name := range []string{ip.SourceDNSName, ip.DestinationDNSName} {
		if name == "" {
			continue
		}
		if a, err := netip.ParseAddr(name); err == nil {
			l.tell("dns.address", path, "value", a.String())
		} else if !strings.Contains(name, ".") || strings.HasSuffix(name, ".local") || strings.HasSuffix(name, ".lan") || strings.HasSuffix(name, ".home.arpa") {
			l.tell("dns.local", path, "value", name)
		}
	}
	// A packet to a group or to all has that as its destination, whoever sends it.
	if own.IsValid() && own.Bits() > 0 && (d == FromDevice || !toMany(own)) {
		l.tell("address.own-side", path+"/"+ownLeaf, "value", own.String())
	}
	switch {
	case !peer.IsValid() || peer.Bits() == 0 || toMany(peer):
	case peer.Addr().IsPrivate() || peer.Addr().IsLinkLocalUnicast() || peer.Addr().IsLoopback():
		l.tell("address.private", path, "value", peer.String())
	default:
		l.tell("address.literal", path, "value", peer.String())
	}
}

// toMany reports whether a prefix is multicast or broadcast: MUD has no better word for those.
func toMany(p netip.Prefix) bool {
	return p.Addr().IsMulticast() || p.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}) ||
		p.Addr().Is4() && p.Bits() == 32 && p.Addr().As4()[3] == 255 && p.Addr().IsPrivate()
}

// protocol looks whether what an entry says of its protocol agrees.
func (l *linter) protocol(m *Matches, ip *IP, path string) {
	if ip.Protocol == nil {
		return
	}
	n := *ip.Protocol
	for _, c := range []struct {
		there bool
		name  string
		right []uint8
	}{{m.TCP != nil, "tcp", []uint8{6}}, {m.UDP != nil, "udp", []uint8{17}}, {m.ICMP != nil, "icmp", []uint8{1, 58}}} {
		if c.there && !slices.Contains(c.right, n) {
			l.tell("ace.protocol", path, "value", strconv.Itoa(int(n)), "name", c.name)
		}
	}
}

// party looks at the classes of RFC 8520 §4.
func (l *linter) party(m *Matches, path string) {
	p := m.MUD
	if urn, ok := strings.CutPrefix(strings.ToLower(p.Controller), "urn:"); ok {
		if name, ietf := strings.CutPrefix(urn, "ietf:params:mud:"); ietf && name != "dns" && name != "ntp" {
			l.tell("controller.urn", path, "value", p.Controller)
		}
	}
	named := false
	for _, ip := range []*IP{m.IPv4, m.IPv6} {
		named = named || ip != nil && ip.SourceDNSName+ip.DestinationDNSName != ""
	}
	if count(p.Manufacturer != "", p.SameManufacturer, p.Model != "", p.LocalNetworks, p.Controller != "", p.MyController, named) > 1 {
		l.tell("ace.abstractions", path)
	}
}

// foreign are the leaves of RFC 8519 that a MUD file should do without.
func foreign(m *Matches) (names []string) {
	add := func(name string, there bool) {
		if there {
			names = append(names, name)
		}
	}
	for _, ip := range []*IP{m.IPv4, m.IPv6} {
		if ip != nil {
			add("dscp", ip.DSCP != nil)
			add("ecn", ip.ECN != nil)
			add("ttl", ip.TTL != nil)
			add("length", ip.Length != nil)
			add("ihl", ip.IHL != nil)
			add("flags", ip.Flags != nil)
			add("offset", ip.Offset != nil)
			add("identification", ip.Identification != nil)
			add("flow-label", ip.FlowLabel != nil)
		}
	}
	if t := m.TCP; t != nil {
		add("sequence-number", t.SequenceNumber != nil)
		add("acknowledgement-number", t.AcknowledgementNumber != nil)
		add("data-offset", t.DataOffset != nil)
		add("reserved", t.Reserved != nil)
		add("flags", t.Flags != nil)
		add("window-size", t.WindowSize != nil)
		add("urgent-pointer", t.UrgentPointer != nil)
		add("options", t.Options != nil)
	}
	if m.UDP != nil {
		add("length", m.UDP.Length != nil)
	}
	if m.ICMP != nil {
		add("rest-of-header", m.ICMP.RestOfHeader != nil)
	}
	return names
}

// accepts looks at an entry that lets packets pass.
func (l *linter) accepts(d Direction, m *Matches, r *rule, path string) {
	if r.anyone() && m.Eth == nil {
		l.tell("ace.broad", path)
	}
	switch {
	case d == ToDevice && r.mayBeTCP() && r.initiated == "":
		l.tell("ace.direction", path)
	case d == ToDevice && m.UDP != nil && anyPort(r.ownPorts) && !anyPort(r.peerPorts):
		l.tell("ace.udp-reply", path)
	}
	if r.protocol == 6 && !r.party.LocalNetworks && !r.peer.Addr().IsPrivate() {
		for _, clear := range []struct {
			port uint16
			name string
		}{{21, "FTP"}, {23, "Telnet"}, {80, "HTTP"}, {1883, "MQTT"}} {
			if d == FromDevice && slices.Equal(r.peerPorts, []PortRange{{clear.port, clear.port}}) {
				l.tell("ace.cleartext", path, "name", clear.name)
			}
		}
	}
	if r.initiated != "" && r.protocol != 6 {
		l.tell("ace.direction-protocol", path)
	}
}
