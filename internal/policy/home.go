package policy

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/frame"
)

// Home is the policies of all devices of a network that are held to one.
type Home struct {
	byMAC  map[frame.MAC]*Policy
	byAddr map[frame.Addr]*Policy
}

// NewHome gathers policies. An address that two devices claim belongs to the first.
func NewHome(list []*Policy) *Home {
	h := &Home{byMAC: map[frame.MAC]*Policy{}, byAddr: map[frame.Addr]*Policy{}}
	for _, p := range list {
		h.byMAC[p.Device] = p
		for _, a := range p.Own {
			if at := frame.AddrFrom(a); h.byAddr[at] == nil {
				h.byAddr[at] = p
			}
		}
	}
	return h
}

// Of is the policy of a device, or nil.
func (h *Home) Of(m frame.MAC) *Policy { return h.byMAC[m] }

// At is the policy of the device that has an address, or nil.
func (h *Home) At(a netip.Addr) *Policy { return h.byAddr[frame.AddrFrom(a)] }

// Tuple is the packet that begins a conversation, as it travels.
type Tuple struct {
	From             frame.MAC // of the sender
	Src, Dst         frame.Addr
	SrcPort, DstPort uint16 // ICMP: type and code
	Proto            uint8
	Header
}

// Sent is the packet as the policy of its sender sees it.
func (t *Tuple) Sent() Packet {
	q := Packet{Direction: FromDevice, Proto: t.Proto, Peer: t.Dst, Own: t.Src, PeerPort: t.DstPort, OwnPort: t.SrcPort, Header: t.Header}
	q.icmp(t)
	return q
}

// Received is the packet as the policy of its receiver sees it.
func (t *Tuple) Received() Packet {
	q := Packet{Direction: ToDevice, Proto: t.Proto, Peer: t.Src, Own: t.Dst, PeerPort: t.SrcPort, OwnPort: t.DstPort, Header: t.Header}
	q.icmp(t)
	return q
}

func (q *Packet) icmp(t *Tuple) {
	if t.Proto == frame.ProtoICMP || t.Proto == frame.ProtoICMPv6 {
		q.Type, q.Code = uint8(t.SrcPort), uint8(t.DstPort)
		q.PeerPort, q.OwnPort = 0, 0
	}
}

// Decide says what becomes of the packet: the policies of both ends must allow it, and a device without one may do
// all. by is the policy that decided, or nil where none has a say.
func (h *Home) Decide(t *Tuple, at int64) (d Decision, by *Policy) {
	d.Action = Accept
	if p := h.byMAC[t.From]; p != nil {
		q := t.Sent()
		if d, by = p.Decide(&q, at), p; d.Action == Drop {
			return d, by
		}
	}
	if p := h.byAddr[t.Dst]; p != nil {
		q := t.Received()
		d, by = p.Decide(&q, at), p
	}
	return d, by
}
