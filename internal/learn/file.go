package learn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/mud"
)

// About says what device a file is for.
type About struct {
	URL        string // the MUD URL
	Maker      string
	Model      string
	SystemInfo string // for display, at most 60 characters
}

// dnsClass is the class of the resolvers of a network (RFC 8520 §16.7).
const dnsClass = "urn:ietf:params:mud:dns"

// File is the smallest file that allows what was seen, and what proves each of its entries, in its order.
func (l *Learner) File(about About) (*mud.File, *Evidence) {
	list, left := l.entries()
	f := &mud.File{
		Form: mud.RFC, Version: 1, URL: about.URL, IsSupported: true, CacheValidity: mud.DefaultCacheValidity,
		MfgName: about.Maker, ModelName: about.Model, SystemInfo: about.SystemInfo,
	}
	ev := &Evidence{Schema: Schema, Items: l.records(), Entries: []Proof{}, LeftOut: append([]LeftOut{}, left...), Lost: l.Lost, Enough: l.enough(list)}
	acls := [2][2]mud.ACL{
		{{Name: "from-ipv4", Type: mud.IPv4ACL}, {Name: "from-ipv6", Type: mud.IPv6ACL}},
		{{Name: "to-ipv4", Type: mud.IPv4ACL}, {Name: "to-ipv6", Type: mud.IPv6ACL}},
	}
	inet6 := false
	for i := range list {
		inet6 = inet6 || list[i].Scope == Internet && list[i].V6
	}
	taken := map[string]int{} // names, and how many entries wanted each
	for i := range list {
		e := &list[i]
		first := e.name("")
		name := first
		for taken[name] > 0 {
			taken[first]++
			name = e.name(fmt.Sprintf("-%d", taken[first]))
		}
		taken[name] = 1
		six := e.V6 || inet6 && e.V4 && e.Scope == Internet && !isAddress(e.Peer)
		for family, here := range []bool{e.V4, six} {
			if !here {
				continue
			}
			for d, m := range []*mud.Matches{e.from(family == 1), e.to(family == 1)} {
				if m != nil {
					acls[d][family].ACEs = append(acls[d][family].ACEs, mud.ACE{Name: name, Matches: *m, Action: mud.Accept})
				}
			}
		}
		ev.Entries = append(ev.Entries, e.proof(name))
		if e.Last.After(f.LastUpdate) {
			f.LastUpdate = e.Last.Truncate(time.Second)
		}
	}
	for d, pair := range acls {
		for _, a := range pair {
			if len(a.ACEs) == 0 {
				continue
			}
			f.ACLs = append(f.ACLs, a)
			if d == 0 {
				f.FromDevice = append(f.FromDevice, a.Name)
			} else {
				f.ToDevice = append(f.ToDevice, a.Name)
			}
		}
	}
	return f, ev
}

// maxName is the most characters that the name of an entry may have (RFC 8519 §4.1).
const maxName = 64

// name says what an entry is for, in the characters that the name of an entry may have in any tool. more stands at its
// end. Of a host's name that is too long the end stays, which says whose it is.
func (e *entry) name(more string) string {
	who, way := e.Peer, "to"
	switch {
	case e.Resolver:
		who = "resolver"
	case e.Scope == Local:
		who = "local"
	case who == "":
		who = string(e.Scope)
	}
	if !e.Began {
		way = "by"
	}
	what := protoName(e.Proto)
	switch {
	case e.From != 0:
		what += fmt.Sprintf("-answers-%d", e.From)
	case e.Proto == tcp || e.Proto == udp:
		what += fmt.Sprintf("-%d", e.ports.low)
		if e.ports.high != e.ports.low {
			what += fmt.Sprintf("-%d", e.ports.high)
		}
	case e.Proto == icmp || e.Proto == icmpv6:
		what += fmt.Sprintf("-type-%d", e.ports.low)
	}
	who = strings.NewReplacer("*", "any", ":", ".", "/", "-").Replace(who)
	what += more
	if over := len(way) + len(who) + len(what) + len("--") - maxName; over > 0 {
		who = strings.TrimLeft(who[over:], ".-")
	}
	return fmt.Sprintf("%s-%s-%s", way, who, what)
}

// from is what packets from the device must be, or nil if the entry has none.
func (e *entry) from(six bool) *mud.Matches {
	switch {
	case e.From != 0:
		return nil // the question has an entry of its own
	case e.Proto == icmp || e.Proto == icmpv6:
		if typ, ok := e.icmpType(true); ok {
			return e.matches(six, true, func(m *mud.Matches) { m.ICMP = &mud.ICMP{Type: &typ} })
		}
		return nil
	}
	return e.matches(six, true, func(m *mud.Matches) { e.transport(m, e.Began) })
}

// to is what packets to the device must be, or nil if the entry has none.
func (e *entry) to(six bool) *mud.Matches {
	switch {
	case e.Began && (e.Scope == Multicast || e.Scope == Broadcast):
		return nil // no answer comes from a group
	case e.From != 0:
		return e.matches(six, false, func(m *mud.Matches) {
			m.UDP = &mud.UDP{Source: &mud.Ports{Operator: mud.Equal, Port: e.From}}
		})
	case e.Proto == icmp || e.Proto == icmpv6:
		if typ, ok := e.icmpType(false); ok {
			return e.matches(six, false, func(m *mud.Matches) { m.ICMP = &mud.ICMP{Type: &typ} })
		}
		return nil
	}
	return e.matches(six, false, func(m *mud.Matches) { e.transport(m, !e.Began) })
}

// matches is the header of IP and who the other side is; more adds the rest.
func (e *entry) matches(six, from bool, more func(*mud.Matches)) *mud.Matches {
	m := &mud.Matches{}
	proto := e.Proto
	ip := &mud.IP{Protocol: &proto}
	switch {
	case e.Resolver:
		m.MUD = &mud.MUD{Controller: dnsClass}
	case e.Scope == Local || e.Peer == "":
		m.MUD = &mud.MUD{LocalNetworks: true}
	default:
		var side netip.Prefix
		name := ""
		if p, err := netip.ParsePrefix(e.Peer); err == nil {
			side = p
		} else if a, err := netip.ParseAddr(e.Peer); err == nil {
			side = netip.PrefixFrom(a, a.BitLen())
		} else {
			name = e.Peer
		}
		if from {
			ip.Destination, ip.DestinationDNSName = side, name
		} else {
			ip.Source, ip.SourceDNSName = side, name
		}
	}
	if m.IPv4 = ip; six {
		m.IPv4, m.IPv6 = nil, ip
	}
	more(m)
	return m
}

// transport is the ports, of the packets of one direction. called says that they go to whoever was called.
func (e *entry) transport(m *mud.Matches, called bool) {
	p := &mud.Ports{Operator: mud.Equal, Port: e.ports.low}
	if e.ports.high != e.ports.low {
		p = &mud.Ports{Operator: mud.Range, Port: e.ports.low, Upper: e.ports.high}
	}
	source, destination := p, (*mud.Ports)(nil)
	if called {
		source, destination = nil, p
	}
	switch e.Proto {
	case tcp:
		m.TCP = &mud.TCP{Source: source, Destination: destination, DirectionInitiated: mud.FromDevice}
		if !e.Began {
			m.TCP.DirectionInitiated = mud.ToDevice
		}
	case udp:
		m.UDP = &mud.UDP{Source: source, Destination: destination}
	}
}

// icmpType is the type of the packets of one direction: what was asked goes one way, the answer the other.
func (e *entry) icmpType(from bool) (typ uint8, ok bool) {
	typ = uint8(e.ports.low)
	if from == e.Began {
		return typ, true
	}
	answer, ok := answers[[2]uint8{e.Proto, typ}]
	return answer, ok && e.Answered > 0
}

// answers are the ICMP types that answer others (RFC 792, RFC 4443 §4.2).
var answers = map[[2]uint8]uint8{{icmp, 8}: 0, {icmp, 13}: 14, {icmpv6, 128}: 129, {icmpv6, 133}: 134, {icmpv6, 135}: 136}

// Keep adds to a learned file, and to what proves it, the entries of an earlier one that learning did not make: what a
// person, or a maker, wrote there stays, and comes first, so that what they forbid stays forbidden. Those that learning
// made, as the evidence beside the earlier file tells, are made anew or not at all. A name that both have is theirs.
func Keep(f *mud.File, ev *Evidence, earlier *mud.File, kept *Evidence) {
	made := map[string]bool{}
	if kept != nil {
		for _, e := range kept.Entries {
			made[e.Entry] = true
		}
	}
	written := map[string]bool{}
	for _, d := range []mud.Direction{mud.FromDevice, mud.ToDevice} {
		policy := &f.FromDevice
		if d == mud.ToDevice {
			policy = &f.ToDevice
		}
		first := 0 // lists that learning has not
		for _, name := range earlier.Policy(d) {
			acl := earlier.ACL(name)
			if acl == nil {
				continue
			}
			var entries []mud.ACE
			for _, e := range acl.ACEs {
				if !made[e.Name] {
					entries = append(entries, e)
					written[e.Name] = true
				}
			}
			if len(entries) == 0 {
				continue
			}
			into := f.ACL(name)
			if into == nil {
				f.ACLs = append(f.ACLs, mud.ACL{Name: name, Type: acl.Type})
				into = &f.ACLs[len(f.ACLs)-1]
			}
			if !slices.Contains(*policy, name) {
				*policy = slices.Insert(*policy, first, name)
				first++
			}
			learned := slices.DeleteFunc(into.ACEs, func(x mud.ACE) bool {
				return slices.ContainsFunc(entries, func(e mud.ACE) bool { return e.Name == x.Name })
			})
			into.ACEs = slices.Concat(entries, learned)
		}
	}
	ev.Entries = slices.DeleteFunc(ev.Entries, func(p Proof) bool { return written[p.Entry] })
}
