package learn

import (
	"net/netip"
	"time"
)

// Gather holds conversations until it is known where their peers are, which a capture tells only at its end. It keeps
// them by what they have in common, so that a long capture takes little memory. The zero value is ready.
type Gather struct {
	Lost uint64 // conversations that there was no room for
	list map[gathered]*Conversation
}

type gathered struct {
	began, answered bool
	proto           uint8
	own, peer       netip.Addr
	name            string
	port, peerPort  uint16
	day             int64
}

// maxGathered bounds a Gather: some 20 MiB.
const maxGathered = 1 << 16

// Add takes in a conversation. Its Scope and Resolver are not looked at yet.
func (g *Gather) Add(c *Conversation) {
	k := gathered{
		began: c.Began, answered: c.Answered, proto: c.Proto, own: c.Own, peer: c.Peer, port: c.Port, peerPort: c.PeerPort,
		day: c.First.Unix() / int64(24*time.Hour/time.Second),
	}
	if len(c.Names) > 0 {
		k.name = c.Names[0]
	}
	if c.Proto == tcp || c.Proto == udp {
		// the port of whoever began it is another each time
		switch {
		case c.Began:
			k.port = 0
		case c.Proto == tcp || !discovery[c.PeerPort]:
			k.peerPort = 0
		case c.Port >= ephemeral:
			k.port = ephemeral
		}
	}
	n := g.list[k]
	if n == nil {
		if len(g.list) >= maxGathered {
			g.Lost++
			return
		}
		if g.list == nil {
			g.list = map[gathered]*Conversation{}
		}
		n = &Conversation{First: c.First, Last: c.Last, Began: c.Began, Answered: c.Answered, Proto: c.Proto, Own: c.Own, Peer: c.Peer, Port: k.port, PeerPort: k.peerPort}
		if k.name != "" {
			n.Names = []string{k.name}
		}
		g.list[k] = n
	}
	n.Flows++
	n.Packets += c.Packets
	if c.First.Before(n.First) {
		n.First = c.First
	}
	if c.Last.After(n.Last) {
		n.Last = c.Last
	}
}

// Place says where the ends of a conversation are.
type Place struct {
	Scope    Scope
	Resolver bool // the peer answers DNS queries
	Own      bool // the device speaks for itself, not for others whose traffic it carries
}

// Into hands what was gathered to a learner. place is asked with the device's address and the peer's.
func (g *Gather) Into(l *Learner, place func(own, peer netip.Addr) Place) {
	l.Lost += g.Lost
	for _, c := range g.list {
		p := place(c.Own, c.Peer)
		if p.Own {
			c.Scope, c.Resolver = p.Scope, p.Resolver
			l.Add(c)
		}
	}
}
