package device

import (
	"slices"

	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// Peer is the other end of conversations of a device: one address, one service.
type Peer struct {
	Addr      frame.Addr
	Proto     uint8 // IP protocol number
	Port      uint16
	Initiated bool  // the device began the conversations, and Port is the peer's; else it is the device's
	Service   uint8 // index in the engine's protocol table, +1; 0: not recognised
	Answered  bool
	Flows     uint64
	Octets    uint64
	Packets   uint64
	Names     []string // that led to it
	First     int64
	Last      int64
	local     int16 // index in Device.Addresses
}

type peerKey struct {
	addr      frame.Addr
	port      uint16
	local     int16
	proto     uint8
	initiated bool
}

// Flow adds a flow that ended to the devices at its ends. name is what the flow itself says that its responder is
// called, or "".
func (v *Inventory) Flow(f *flow.Flow, name string) {
	v.side(f, flow.Orig, name)
	v.side(f, flow.Resp, name)
}

// NamesOf is the names that led to the responder of a flow: what the flow itself says first, then what the initiator
// was told by DNS. It is valid until the next call.
func (v *Inventory) NamesOf(f *flow.Flow, name string) []string {
	v.scratch = v.Names.Lookup(f.MAC[flow.Orig], f.Addr[flow.Resp], f.First, v.scratch[:0])
	if name != "" {
		v.scratch = slices.DeleteFunc(v.scratch, func(n string) bool { return n == name })
		v.scratch = slices.Insert(v.scratch, 0, name)
	}
	return v.scratch
}

// ToldOf is the names by which DNS answers led the initiator of a flow to its responder, the one that it was told last
// first. It is valid until the next call.
func (v *Inventory) ToldOf(f *flow.Flow) []string {
	v.told = v.Names.Lookup(f.MAC[flow.Orig], f.Addr[flow.Resp], f.First, v.told[:0])
	return v.told
}

// side adds a flow to the device at one of its ends.
func (v *Inventory) side(f *flow.Flow, side int, name string) {
	other := 1 - side
	var d *Device
	if f.Packets[side] > 0 {
		d = v.get(f.MAC[side], f.First)
	} else {
		d = v.known(f.MAC[side]) // what is merely spoken to is not thereby here
	}
	if d == nil {
		return
	}
	if f.Packets[side] > 0 {
		d.Last = max(d.Last, f.Last)
	}
	c := Count{
		Flows: 1, OctetsOut: f.Octets[side], OctetsIn: f.Octets[other],
		PacketsOut: f.Packets[side], PacketsIn: f.Packets[other],
	}
	addr, sent, answered := f.Addr[side], f.Packets[side] > 0, f.Answered()
	d.answered = d.answered || sent && answered
	if f.Proto == 0 || isUnspecified(&addr) || isGroup(&addr) || addr == broadcast4 {
		d.rest.add(c)
		return
	}
	foreign := !isLocal(&addr)
	if foreign && sent && addr.Is4() && isPrivate4(&f.Addr[other]) {
		d.router = true
	}
	local := d.address(addr)
	if local < 0 && sent && !(d.Relay && foreign) && (answered || d.unheard < maxUnheard) {
		if local = v.at(d, addr, false, true, f.First, f.Last); !answered {
			d.unheard++
		}
	}
	switch {
	case local >= 0:
	case foreign || !sent:
		d.Relay = d.Relay || answered && d.router
		d.Forwarded.add(c)
		return
	default: // its own, but there was no memory for the address
		d.rest.add(c)
		d.OtherPeers++
		d.OtherOctets += c.OctetsOut + c.OctetsIn
		return
	}
	a := &d.Addresses[local]
	a.Traffic.add(c)
	if sent {
		a.Sent = true
		a.First, a.Last = min(a.First, f.First), max(a.Last, f.Last)
		if !isGroup(&f.Addr[other]) { // what goes to a group may have any hop limit
			a.came(f.TTL[side])
		}
		if answered && !a.Answered {
			a.Answered = true
			if strange(a) {
				d.globals++
				d.Relay = d.Relay || d.globals > 3 && d.networks(strange) > 3
			}
		}
	}
	if d.Relay && !a.Bound && foreign {
		return
	}
	v.peer(d, f, side, int16(local), name)
}

// isPrivate4 reports whether a is a private IPv4 address (RFC 1918, RFC 6598), which reaches public ones through a router only.
func isPrivate4(a *frame.Addr) bool { return a.Is4() && isLocal(a) && !isLinkLocal(a) }

func (v *Inventory) peer(d *Device, f *flow.Flow, side int, local int16, name string) {
	other := 1 - side
	k := peerKey{addr: f.Addr[other], local: local, proto: f.Proto, initiated: side == flow.Orig}
	if f.Proto != frame.ProtoICMP && f.Proto != frame.ProtoICMPv6 {
		k.port = f.Port[flow.Resp]
	}
	octets := f.Octets[side] + f.Octets[other]
	answered := f.Answered()
	group := isGroup(&k.addr)
	i, ok := d.peerIndex[k]
	if !ok {
		if !answered && !group && d.unanswered >= maxUnanswered || len(d.Peers) >= maxPeers || !v.detail(d, peerSize) {
			d.OtherPeers++
			d.OtherOctets += octets
			return
		}
		if d.peerIndex == nil {
			d.peerIndex = map[peerKey]int32{}
		}
		if !answered && !group {
			d.unanswered++
		}
		i = int32(len(d.Peers))
		d.peerIndex[k] = i
		d.Peers = append(d.Peers, Peer{
			Addr: k.addr, Proto: k.proto, Port: k.port, Initiated: k.initiated, local: local, First: f.First,
		})
	}
	p := &d.Peers[i]
	p.Flows++
	p.Octets += octets
	p.Packets += f.Packets[side] + f.Packets[other]
	p.First, p.Last = min(p.First, f.First), max(p.Last, f.Last)
	if answered && !p.Answered {
		p.Answered = true
		if !group && p.Flows > 1 {
			d.unanswered--
		}
	}
	if f.Service != 0 {
		p.Service = f.Service
	}
	if side == flow.Orig {
		for _, n := range v.NamesOf(f, name) {
			if len(p.Names) < maxPeerNames && !slices.Contains(p.Names, n) && v.detail(d, nameSize+len(n)) {
				p.Names = append(p.Names, n)
			}
		}
	}
}
