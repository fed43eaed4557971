package detect

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// Step is what happened to a flow.
type Step uint8

// The steps. Most flows take three or four of them.
const (
	Began       Step = iota // its first packet
	Answered                // the first packet of the other direction, unless it is a reset
	Refused                 // TCP: a reset was the first answer, or came before the handshake was complete
	Established             // TCP: the handshake is complete, by the initiator's own acknowledgement
	Grew                    // the packets of a direction reached a power of two from 16 on, or a multiple of 1024
	Closed                  // TCP: both sides, or a reset, ended what was established
)

// Event is a step in the life of a flow, with the packet that made it.
type Event struct {
	Step    Step
	Dir     uint8 // of the packet: flow.Orig or flow.Resp
	Proto   uint8 // IP protocol number; 0: not IP
	Flags   uint8 // TCP flags of the packet
	TTL     uint8 // of the packet
	Ender   uint8 // Closed: the side that ended it first
	Fresh   bool  // the first packet of the flow opened it: a SYN, or a datagram
	Service string
	Addr    [2]frame.Addr // as in flow.Flow, indexed by flow.Orig and flow.Resp
	MAC     [2]frame.MAC
	Port    [2]uint16
	Packets [2]uint64 // so far, this one included
	Octets  [2]uint64 // on the wire
	Payload [2]uint64
	First   int64  // capture time of the first packet of the flow, ns
	Time    int64  // of this one
	Seq     uint64 // its place in the history
	Number  uint64 // its place in its file, counting from 1
	File    uint16
	Size    uint32 // octets of its payload on the wire
}

// Party is one end of the flow.
func (e *Event) Party(side int) Party { return Party{e.MAC[side], e.Addr[side]} }

// Evidence points at the packet.
func (e *Event) Evidence(note string) finding.Evidence {
	f := flow.Flow{Addr: e.Addr, Port: e.Port, Proto: e.Proto}
	return finding.Evidence{Packets: []uint64{e.Number}, File: e.File, Flow: f.CommunityID(), Note: note, Ends: ends(&f)}
}

// Flow is a flow that ended.
type Flow struct {
	*flow.Flow
	Protocol string // that was recognised, or ""
	Name     string // of the responder, as the flow itself says (SNI, Host), or ""; see Watch.Names for what DNS says
}

// called is the names that led to the responder: what the flow itself says, else what its initiator was told by DNS.
func (f *Flow) called(w *Watch) []string {
	if f.Name != "" {
		return []string{f.Name}
	}
	return w.Names(f.MAC[flow.Orig], f.Flow.Addr[flow.Resp], f.First)
}

// Party is one end of the flow.
func (f *Flow) Party(side int) Party { return Party{f.MAC[side], f.Addr[side]} }

// Evidence points at the first packet of the flow.
func (f *Flow) Evidence(note string) finding.Evidence {
	return finding.Evidence{Packets: []uint64{f.Number}, File: f.File, Flow: f.CommunityID(), Note: note, Ends: ends(f.Flow)}
}

// Fact is something that a protocol said, with the packet that said it. Value and fields are octets from the wire.
type Fact struct {
	*dissect.Fact
	Value  []byte
	Number uint64       // of the packet in its file, counting from 1
	File   uint16       // of the packet
	Frame  *frame.Frame // the packet's headers; the last one's, of a datagram that came in fragments
	facts  *dissect.Facts
	i      int
}

// NewFact is fact i of a list, said in a packet.
func NewFact(facts *dissect.Facts, i int, f *frame.Frame, number uint64, file uint16) Fact {
	return Fact{facts.At(i), facts.Value(i), number, file, f, facts, i}
}

// Lookup is the value of a field, or nil.
func (f *Fact) Lookup(key string) []byte { return f.facts.Lookup(f.i, key) }

// begins reports whether the value begins so.
func (f *Fact) begins(prefix string) bool {
	return len(f.Value) >= len(prefix) && string(f.Value[:len(prefix)]) == prefix
}

// Sender is who sent the packet.
func (f *Fact) Sender() Party { return Party{f.Frame.SrcMAC, f.Frame.Src} }

// Receiver is whom it was sent to.
func (f *Fact) Receiver() Party { return Party{f.Frame.DstMAC, f.Frame.Dst} }

// Evidence points at the packet.
func (f *Fact) Evidence(note string) finding.Evidence {
	e := finding.Evidence{Packets: []uint64{f.Number}, File: f.File, Note: note}
	x := flow.Flow{Addr: [2]frame.Addr{f.Frame.Src, f.Frame.Dst}}
	if f.Frame.Depth == frame.Transport {
		x.Port, x.Proto = [2]uint16{f.Frame.SrcPort, f.Frame.DstPort}, f.Frame.Proto
		e.Flow = x.CommunityID()
	}
	e.Ends = ends(&x)
	return e
}

// ends are the ends of a flow, for those who know no packets.
func ends(f *flow.Flow) finding.Ends {
	if f.Addr[flow.Orig].IsZero() && f.Addr[flow.Resp].IsZero() {
		return finding.Ends{}
	}
	port := f.Port
	if f.Proto == frame.ProtoICMP || f.Proto == frame.ProtoICMPv6 { // types, by which conversations are told apart
		port = [2]uint16{}
	}
	return finding.Ends{
		Proto: f.Proto,
		From:  netip.AddrPortFrom(f.Addr[flow.Orig].Netip(), port[flow.Orig]),
		To:    netip.AddrPortFrom(f.Addr[flow.Resp].Netip(), port[flow.Resp]),
	}
}
