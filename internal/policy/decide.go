package policy

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

// kind groups protocols, so that Decide looks at few entries.
type kind uint8

const (
	kindTCP kind = iota
	kindUDP
	kindICMP
	kindOther
	kinds
)

func kindOf(proto uint8) kind {
	switch proto {
	case frame.ProtoTCP:
		return kindTCP
	case frame.ProtoUDP:
		return kindUDP
	case frame.ProtoICMP, frame.ProtoICMPv6:
		return kindICMP
	}
	return kindOther
}

// rule is an entry as Decide reads it, in half a cache line.
type rule struct {
	peer, own [2]mud.PortRange // the second one is empty where Low > High
	selector  uint16
	proto     int16
	icmpType  int16
	icmpCode  int16
	entry     int32 // number, counting from 1
	action    Action
	rare      bool // has Fields or OwnNet
}

// Decide says what the policy does with a packet at a time, in nanoseconds since the Unix epoch: DNS answers that
// held until earlier do not count.
func (p *Policy) Decide(q *Packet, at int64) Decision {
	if q.Reply {
		return Decision{Action: Accept, Reply: true}
	}
	var peers set
	k := kindOf(q.Proto)
	if k == kindICMP && IsAnswer(q.Proto, q.Type) {
		return Decision{}
	}
	p.selectors(&q.Peer, at, &peers)
	for _, i := range p.order[q.Direction&1][k] {
		r := &p.rules[i]
		if !peers.has(r.selector) || r.proto >= 0 && uint8(r.proto) != q.Proto || !r.ports(q, k) || r.rare && !p.rest(r, q) {
			continue
		}
		return Decision{Action: r.action, Entry: r.entry}
	}
	return Decision{}
}

// selectors fills s with those that the address belongs to.
func (p *Policy) selectors(a *frame.Addr, at int64, s *set) {
	p.peers.fill(a, s)
	if len(p.follow.known) > 0 {
		for _, x := range p.follow.known[*a] {
			if x.until >= at {
				s.add(x.selector)
			}
		}
	}
}

func (r *rule) ports(q *Packet, k kind) bool {
	switch k {
	case kindTCP, kindUDP:
		return within(&r.peer, q.PeerPort) && within(&r.own, q.OwnPort)
	case kindICMP:
		return (r.icmpType < 0 || uint8(r.icmpType) == q.Type) && (r.icmpCode < 0 || uint8(r.icmpCode) == q.Code)
	}
	return true
}

func within(r *[2]mud.PortRange, port uint16) bool {
	return port >= r[0].Low && port <= r[0].High || port >= r[1].Low && port <= r[1].High
}

// rest looks at what few entries have.
func (p *Policy) rest(r *rule, q *Packet) bool {
	e := &p.Entries[r.entry-1]
	if e.OwnNet.IsValid() && !e.OwnNet.Contains(q.Own.Netip()) {
		return false
	}
	for i := range e.Fields {
		if !e.Fields[i].matches(q, e.Action) {
			return false
		}
	}
	return true
}

// build makes the entries ready for Decide.
func (p *Policy) build() {
	type selection struct {
		family  uint8
		open    bool
		follows string
		text    string // the prefixes, written
	}
	var (
		numbers  = map[selection]uint16{}
		prefixes [][]netip.Prefix
		texts    = map[*netip.Prefix]string{}
		closed   [2]bool // an entry that drops was left out: what comes behind it must not accept
	)
	all := map[uint8][]netip.Prefix{
		4: {netip.MustParsePrefix("0.0.0.0/0")}, 6: {netip.MustParsePrefix("::/0")},
		0: {netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
	}
	p.rules = make([]rule, 0, len(p.Entries))
	for i := range p.Entries {
		e := &p.Entries[i]
		e.Never = e.Never || closed[e.Direction] && e.Action == Accept
		if !e.begins() {
			continue
		}
		sel := selection{family: e.Family, open: e.Open, follows: e.Follows}
		if !e.Open && len(e.Prefixes) > 0 {
			text, ok := texts[&e.Prefixes[0]] // entries of one class share its prefixes
			if !ok {
				b := make([]byte, 0, 32*len(e.Prefixes))
				for _, x := range e.Prefixes {
					b = append(x.AppendTo(b), ' ')
				}
				text = string(b)
				texts[&e.Prefixes[0]] = text
			}
			sel.text = text
		}
		n, ok := numbers[sel]
		if !ok {
			if len(prefixes) == maxSelectors {
				e.Never = true
				closed[e.Direction] = closed[e.Direction] || e.Action == Drop
				continue
			}
			n = uint16(len(prefixes))
			numbers[sel] = n
			switch {
			case e.Open:
				prefixes = append(prefixes, all[e.Family])
			case e.Follows != "":
				prefixes = append(prefixes, nil)
				held := e.Prefixes
				if held == nil && e.Family != 0 {
					held = all[e.Family]
				}
				p.follow.add(e.Follows, n, held)
			default:
				prefixes = append(prefixes, e.Prefixes)
			}
		}
		r := rule{
			peer: pair(e.PeerPorts), own: pair(e.OwnPorts), selector: n, proto: e.Proto, icmpType: e.ICMPType, icmpCode: e.ICMPCode,
			entry: int32(i + 1), action: e.Action, rare: len(e.Fields) > 0 || e.OwnNet.IsValid(),
		}
		for k := range kinds {
			if e.Proto == Any || kindOf(uint8(e.Proto)) == k {
				p.order[e.Direction][k] = append(p.order[e.Direction][k], int32(len(p.rules)))
			}
		}
		p.rules = append(p.rules, r)
	}
	p.peers = newTable(prefixes)
}

// pair is one or two ranges of ports as a rule has them.
func pair(list []mud.PortRange) [2]mud.PortRange {
	none := mud.PortRange{Low: 1}
	switch len(list) {
	case 0:
		return [2]mud.PortRange{{Low: 0, High: 65535}, none}
	case 1:
		return [2]mud.PortRange{list[0], none}
	}
	return [2]mud.PortRange{list[0], list[1]}
}
