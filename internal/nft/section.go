package nft

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// section is the rules of one chain, run of entries with one action, and family of addresses.
type section struct {
	*renderer
	policy    *policy.Policy
	direction policy.Direction
	family    uint8
	verdict   string
	name      string // what its sets are called begins so

	services []string // elements of the set of address, protocol and port
	named    map[string]int64
	follows  []follow // the entries that have elements in named, now or later
	others   []*group
	single   []string // rules
}

// group is the entries of one other end that the set of services cannot hold.
type group struct {
	match string // of the other end's address; "" where it may have any
	any   bool   // all of its traffic
	// what is allowed, by protocol where a port is said
	peerPorts map[int16][]mud.PortRange
	ownPorts  map[int16][]mud.PortRange
	protos    []int16
	icmp      map[int16][]int16 // types
	both      []string          // rules with a port at both ends
}

func (s *section) render(b *strings.Builder, entries []*policy.Entry) {
	s.named = map[string]int64{}
	for _, e := range entries {
		if e.Family == 0 || e.Family == s.family {
			s.entry(e)
		}
	}
	ip, end := s.ip(), s.end()
	if len(s.services) > 0 {
		slices.Sort(s.services)
		name := s.name + "services" + strconv.Itoa(int(s.family))
		s.set(name, "type "+addressType(s.family)+" . inet_proto . inet_service", slices.Compact(s.services), false)
		fmt.Fprintf(b, "\t\t%s %s . meta l4proto . th %s @%s %s\n", ip, end, s.port(), name, s.verdict)
	}
	if len(s.follows) > 0 {
		name := s.name + "named" + strconv.Itoa(int(s.family)) + "_" + told(s.follows)
		s.set(name, "type "+addressType(s.family)+" . inet_proto . inet_service", s.timed(s.named), true, "flags timeout")
		for _, f := range s.follows {
			f.set = name
			s.table.follows = append(s.table.follows, f)
		}
		fmt.Fprintf(b, "\t\t%s %s . meta l4proto . th %s @%s %s\n", ip, end, s.port(), name, s.verdict)
	}
	for _, g := range s.others {
		s.group(b, g)
	}
	for _, rule := range s.single {
		fmt.Fprintf(b, "\t\t%s %s\n", rule, s.verdict)
	}
}

// told is a digest of what decides which answers of DNS fill a set: one of the same name holds the same.
func told(list []follow) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintln(&b, f.entry.Follows, f.entry.Prefixes, f.services)
	}
	return digest(b.String())
}

func (s *section) timed(elements map[string]int64) []string {
	list := make([]string, 0, len(elements))
	for e, until := range elements {
		list = append(list, s.timeout(e, until))
	}
	slices.Sort(list)
	return list
}

// ip is the header that has the addresses.
func (s *section) ip() string {
	if s.family == 6 {
		return "ip6"
	}
	return "ip"
}

// end is where the other end's address is, and port its port; own and ownPort are the device's.
func (s *section) end() string {
	if s.direction == policy.ToDevice {
		return "saddr"
	}
	return "daddr"
}

func (s *section) port() string { return s.end()[:1] + "port" }

func (s *section) own() string {
	if s.direction == policy.ToDevice {
		return "daddr"
	}
	return "saddr"
}

func (s *section) ownPort() string { return s.own()[:1] + "port" }

// entry puts an entry where it belongs.
func (s *section) entry(e *policy.Entry) {
	ports := e.Proto == frame.ProtoTCP || e.Proto == frame.ProtoUDP
	rare := len(e.Fields) > 0 || e.OwnNet.IsValid() || e.ICMPCode != policy.Any
	plain := ports && !rare && e.OwnPorts == nil && exact(e.PeerPorts)
	switch {
	case e.Open:
		s.other("", e, rare)
	case e.Follows != "":
		led := s.policy.Until(e, s.at)
		if plain {
			f := follow{policy: s.policy, entry: e, family: s.family}
			for _, port := range e.PeerPorts {
				f.services = append(f.services, service{uint8(e.Proto), port.Low})
			}
			s.follows = append(s.follows, f)
			for a, until := range led {
				for _, port := range e.PeerPorts {
					if s.has(a) {
						x := a.String() + " . " + protocolName(e.Proto) + " . " + strconv.Itoa(int(port.Low))
						s.named[x] = max(s.named[x], until)
					}
				}
			}
			return
		}
		elements := map[string]int64{}
		for a, until := range led {
			if s.has(a) {
				elements[a.String()] = until
			}
		}
		f := follow{policy: s.policy, entry: e, family: s.family}
		name := s.name + "name" + strconv.Itoa(int(s.family)) + "_" + told([]follow{f})
		if s.table.at[name] == nil {
			s.set(name, "type "+addressType(s.family), s.timed(elements), true, "flags timeout")
			f.set = name
			s.table.follows = append(s.table.follows, f)
		}
		s.other(s.ip()+" "+s.end()+" @"+name, e, rare)
	default:
		var nets []netip.Prefix
		for _, p := range e.Prefixes {
			switch {
			case !s.has(p.Addr()):
			case plain && p.IsSingleIP():
				for _, port := range e.PeerPorts {
					s.services = append(s.services, p.Addr().String()+" . "+protocolName(e.Proto)+" . "+strconv.Itoa(int(port.Low)))
				}
			default:
				nets = append(nets, p)
			}
		}
		if len(nets) > 0 {
			s.other(s.ip()+" "+s.end()+" @"+s.addresses(nets, s.family), e, rare)
		}
	}
}

func (s *section) has(a netip.Addr) bool { return a.Is4() == (s.family == 4) }

// exact reports whether only single ports match.
func exact(list []mud.PortRange) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(r mud.PortRange) bool { return r.Low != r.High })
}

// other adds an entry to the group of its other end, or as a rule of its own.
func (s *section) other(match string, e *policy.Entry, rare bool) {
	if rare {
		s.single = append(s.single, s.rule(match, e))
		return
	}
	i := slices.IndexFunc(s.others, func(g *group) bool { return g.match == match })
	if i < 0 {
		i = len(s.others)
		s.others = append(s.others, &group{
			match: match, peerPorts: map[int16][]mud.PortRange{}, ownPorts: map[int16][]mud.PortRange{}, icmp: map[int16][]int16{},
		})
	}
	g := s.others[i]
	switch {
	case e.Proto == policy.Any:
		g.any = true
	case e.ICMPType != policy.Any:
		g.icmp[e.Proto] = append(g.icmp[e.Proto], e.ICMPType)
	case e.PeerPorts == nil && e.OwnPorts == nil:
		if !slices.Contains(g.protos, e.Proto) {
			g.protos = append(g.protos, e.Proto)
		}
	case e.OwnPorts == nil:
		g.peerPorts[e.Proto] = append(g.peerPorts[e.Proto], e.PeerPorts...)
	case e.PeerPorts == nil:
		g.ownPorts[e.Proto] = append(g.ownPorts[e.Proto], e.OwnPorts...)
	default:
		g.both = append(g.both, "meta l4proto "+protocolName(e.Proto)+s.portMatches(e))
	}
}

// portMatches are the ports of both ends.
func (s *section) portMatches(e *policy.Entry) (text string) {
	for _, x := range []struct {
		field string
		list  []mud.PortRange
	}{{s.port(), e.PeerPorts}, {s.ownPort(), e.OwnPorts}} {
		if x.list != nil {
			text += " th " + x.field + " { " + strings.Join(portRanges(x.list), ", ") + " }"
		}
	}
	return text
}

// portRanges are ranges as nft writes them, merged where they meet.
func portRanges(list []mud.PortRange) []string {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b mud.PortRange) int { return cmp.Or(cmp.Compare(a.Low, b.Low), cmp.Compare(a.High, b.High)) })
	var merged []mud.PortRange
	for _, r := range sorted {
		if n := len(merged); n > 0 && uint32(r.Low) <= uint32(merged[n-1].High)+1 {
			merged[n-1].High = max(merged[n-1].High, r.High)
		} else {
			merged = append(merged, r)
		}
	}
	out := make([]string, len(merged))
	for i, r := range merged {
		out[i] = strconv.Itoa(int(r.Low))
		if r.High != r.Low {
			out[i] += "-" + strconv.Itoa(int(r.High))
		}
	}
	return out
}

// group writes the rules of one other end.
func (s *section) group(b *strings.Builder, g *group) {
	line := func(match string) {
		parts := g.match
		if parts == "" {
			parts = s.renderer.is(s.family)
		}
		if match != "" {
			parts += " " + match
		}
		fmt.Fprintf(b, "\t\t%s %s\n", parts, s.verdict)
	}
	if g.any {
		line("")
		return
	}
	if len(g.protos) > 0 {
		slices.Sort(g.protos)
		names := make([]string, len(g.protos))
		for i, n := range g.protos {
			names[i] = protocolName(n)
		}
		line("meta l4proto { " + strings.Join(names, ", ") + " }")
	}
	for _, x := range []struct {
		field string
		ports map[int16][]mud.PortRange
	}{{s.port(), g.peerPorts}, {s.ownPort(), g.ownPorts}} {
		var elements []string
		for _, proto := range []int16{frame.ProtoTCP, frame.ProtoUDP} {
			for _, r := range portRanges(x.ports[proto]) {
				elements = append(elements, protocolName(proto)+" . "+r)
			}
		}
		if len(elements) > 0 {
			line("meta l4proto . th " + x.field + " { " + strings.Join(elements, ", ") + " }")
		}
	}
	for _, rule := range g.both {
		line(rule)
	}
	for _, proto := range [...]int16{frame.ProtoICMP, frame.ProtoICMPv6} {
		if types := slices.Sorted(slices.Values(g.icmp[proto])); len(types) > 0 {
			var names []string
			for _, t := range slices.Compact(types) {
				names = append(names, strconv.Itoa(int(t)))
			}
			line("meta l4proto " + protocolName(proto) + " " + icmpHeader(proto) + " type { " + strings.Join(names, ", ") + " }")
		}
	}
}

// icmpHeader is what nft calls the header of a protocol.
func icmpHeader(proto int16) string {
	if proto == frame.ProtoICMPv6 {
		return "icmpv6"
	}
	return "icmp"
}

// rule is an entry that has a rule of its own.
func (s *section) rule(match string, e *policy.Entry) string {
	parts := []string{match}
	if match == "" {
		parts[0] = s.renderer.is(s.family)
	}
	if e.OwnNet.IsValid() {
		parts = append(parts, s.ip()+" "+s.own()+" "+e.OwnNet.String())
	}
	for _, f := range e.Fields {
		switch f.Name {
		case policy.DSCP:
			parts = append(parts, s.ip()+" dscp "+strconv.Itoa(int(f.Value)))
		case policy.ECN:
			parts = append(parts, s.ip()+" ecn "+strconv.Itoa(int(f.Value)))
		case policy.TCPFlags:
			parts = append(parts, fmt.Sprintf("tcp flags & 0x%02x == 0x%02x", f.Mask, f.Value))
		}
	}
	if e.Proto != policy.Any {
		parts = append(parts, "meta l4proto "+protocolName(e.Proto)+s.portMatches(e))
	}
	header := icmpHeader(e.Proto)
	if e.ICMPType != policy.Any {
		parts = append(parts, header+" type "+strconv.Itoa(int(e.ICMPType)))
	}
	if e.ICMPCode != policy.Any {
		parts = append(parts, header+" code "+strconv.Itoa(int(e.ICMPCode)))
	}
	return strings.Join(parts, " ")
}
