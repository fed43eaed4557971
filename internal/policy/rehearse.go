package policy

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// askedFor is how long a group may take to answer what a device asked it: the answers come from hosts that were not
// spoken to, so no state of a conversation lets them in. mDNS and SSDP answer within seconds (RFC 6762 §6, UPnP 1.1).
const askedFor = int64(10 * time.Second)

// Stopped is what a policy would have stopped: all conversations with one peer about one service, in one direction.
type Stopped struct {
	Explanation
	First Conversation // of them; with First and Last of all, and their flows and octets together
	Peer  string       // its name, or its address
	Why   Guess        // why it probably happens
}

// Rehearsal is what a policy would have done.
type Rehearsal struct {
	Allowed uint64    // flows
	Flows   uint64    // that were judged
	Stopped []Stopped // most flows first
	Used    []uint64  // by entry: flows that it allowed
}

// Rehearse judges conversations that were seen, which must all be of the policy's device and in order of their
// beginning, as if the policy had been in force. The names that led to peers are learned by the policy.
func (p *Policy) Rehearse(list []Conversation) *Rehearsal {
	r := &Rehearsal{Used: make([]uint64, len(p.Entries)+1)}
	for i := range list {
		c := &list[i]
		for _, name := range c.Names {
			p.Learn(name, c.Peer.Netip(), Forever)
		}
	}
	type key struct {
		peer      string
		proto     uint8
		port      uint16
		direction Direction
		hello     string
	}
	index := map[key]int{}
	stop := func(x *Explanation, c *Conversation) {
		k := key{c.called(), c.Proto, c.Service(), c.Direction, x.Hello}
		at, ok := index[k]
		if !ok {
			index[k] = len(r.Stopped)
			r.Stopped = append(r.Stopped, Stopped{Explanation: *x, First: *c, Peer: k.peer, Why: guess(c)})
			return
		}
		s := &r.Stopped[at].First
		s.Flows += c.Flows
		s.Packets += c.Packets
		s.Octets += c.Octets
		s.Answered = s.Answered || c.Answered
		s.Last = max(s.Last, c.Last)
		s.Protocol = cmp.Or(s.Protocol, c.Protocol)
	}
	asked := asking(list)
	for i := range list {
		c := &list[i]
		r.Flows += c.Flows
		if asked.answers(c) {
			r.Allowed += c.Flows
			continue
		}
		x := p.Explain(&c.Packet, c.First)
		if x.Action == Drop && c.Unsure {
			if q := c.reversed(); p.Decide(&q, c.First).Action == Accept {
				x.Decision = p.Decide(&q, c.First)
			}
		}
		if x.Action == Drop {
			stop(&x, c)
			continue
		}
		allowed := c.Flows
		for i := range c.Hellos {
			h := &c.Hellos[i]
			a, entry, differs := p.greets(&c.Packet, c.First, h)
			if a == Accept || allowed == 0 {
				continue
			}
			its := *c
			its.Flows, its.First, its.Last, its.Number, its.File = min(h.Count, allowed), h.First, h.Last, h.Number, h.File
			its.Packets, its.Octets = c.Packets*its.Flows/c.Flows, c.Octets*its.Flows/c.Flows
			allowed -= its.Flows
			stop(&Explanation{Nearest: entry, Differs: LeafTLS, Hello: differs}, &its)
		}
		r.Allowed += allowed
		r.Used[x.Entry] += allowed
	}
	slices.SortStableFunc(r.Stopped, func(a, b Stopped) int { return cmp.Compare(b.First.Flows, a.First.Flows) })
	return r
}

// called is what a peer is called: the name that led to it, or its address.
func (c *Conversation) called() string {
	for _, n := range c.Names {
		if _, err := netip.ParseAddr(n); err != nil {
			return Hostname(n)
		}
	}
	return c.Peer.Netip().String()
}

// questions are what a device asked groups of neighbours: its port and theirs, and when.
type questions map[[2]uint16][][2]int64

func asking(list []Conversation) questions {
	q := questions{}
	for i := range list {
		if c := &list[i]; c.Direction == FromDevice && c.Proto == frame.ProtoUDP && c.Peer.IsGroup() {
			k := [2]uint16{c.OwnPort, c.PeerPort}
			q[k] = append(q[k], [2]int64{c.First, c.Last + askedFor})
		}
	}
	return q
}

// answers reports whether a neighbour's datagram answers what the device asked a group.
func (q questions) answers(c *Conversation) bool {
	if c.Direction != ToDevice || c.Proto != frame.ProtoUDP || !near(c.Peer.Netip()) {
		return false
	}
	for _, span := range q[[2]uint16{c.OwnPort, c.PeerPort}] {
		if c.First >= span[0] && c.First <= span[1] {
			return true
		}
	}
	return false
}

// near reports whether the Internet does not route an address.
func near(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() }
