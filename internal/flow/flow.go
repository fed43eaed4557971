// Package flow joins frames into flows: bidirectional conversations (RFC 5103) with an initiator, in a table of
// bounded size. It has no clock and no goroutine: time is the capture time of the frames, so that a replayed file and
// a live wire agree.
package flow

import (
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// How says how the initiator of a flow is known.
type How uint8

// The ways to know an initiator, from the surest down.
const (
	HowSYN    How = iota // it sent the first SYN
	HowSYNACK            // the other side sent a SYN with ACK
	HowPorts             // the other side has the port of a service, this one has not
	HowFirst             // it sent the first packet that was seen
)

// String is the word used in flow records.
func (h How) String() string { return [...]string{"syn", "syn-ack", "ports", "first"}[h] }

// Directions index the two-element arrays of a Flow.
const (
	Orig = 0 // from the initiator
	Resp = 1 // from the responder
)

// End says why a flow was ended.
type End uint8

// The ways in which a flow ends.
const (
	EndIdle    End = iota // no packet for its time-out, or a new conversation on the same ports
	EndEvicted            // the table was full
	EndFlush              // the capture ended
	EndNot                // it goes on; see Table.Goes
)

// Flow is one conversation. It holds no pointers, and fills three cache lines of 64 octets: what finds it, what counts
// its packets, and the rest.
type Flow struct {
	Addr  [2]frame.Addr // indexed by Orig and Resp
	Port  [2]uint16
	Proto uint8 // IP protocol number; 0: not IP, then Port[Resp] is the EtherType and Addr holds link-layer addresses
	How   How
	state [2]endState
	hash  uint32
	First int64 // capture time of the first packet, ns
	Last  int64 // of the last packet, ns

	Packets [2]uint64
	Octets  [2]uint64 // on the wire, link layer included
	Payload [2]uint64 // above the transport header; TCP: without what was sent again
	NextSeq [2]uint32 // TCP: the sequence number that comes next; valid once a packet has told it
	high    [2]uint32 // TCP: the highest sequence number that comes next so far

	missing [2]uint32 // TCP: octets below high that were not seen
	hist    history
	App     [2]App
	MAC     [2]frame.MAC
	Note    uint32 // slot in the engine's notes, +1
	Number  uint64 // of the first packet in its file
	File    uint16 // of the first packet
	VLAN    uint16
	Service uint8    // index in the protocol table of the engine, +1
	TTL     [2]uint8 // of the first packet of each direction; 0: none
	marks   marks
}

// marks are small truths about a flow.
type marks uint8

const (
	markUsed    marks = 1 << iota // the slot holds a flow
	markRecent                    // a packet came since the eviction hand passed
	markFresh                     // the first packet opened it
	markSeqOrig                   // NextSeq[Orig] is known
	markSeqResp
	markEnd                  // with the next: an End
	markEstablished = 1 << 7 // StepEstablished was told, and StepClosed was not
)

const shiftEnd = 5

// App is how far the dissection of one direction has come. The engine owns its meaning.
type App struct {
	Protocol uint8  // index in the protocol table, +1; 0: not known
	State    uint8  // a dissect.State
	Tries    uint8  // messages that no protocol recognised
	Over     bool   // nothing more is shown to a dissector
	Stream   uint32 // slot in Streams, +1
}

// End is why the flow was ended.
func (f *Flow) End() End { return End(f.marks >> shiftEnd & 3) }

// Fresh reports whether the first packet that was seen opened the conversation: a SYN, or a datagram.
func (f *Flow) Fresh() bool { return f.marks&markFresh != 0 }

// seqKnown reports whether NextSeq of a direction is valid.
func (f *Flow) seqKnown(dir int) bool { return f.marks&(markSeqOrig<<dir) != 0 }

// Answered reports whether both sides have sent something.
func (f *Flow) Answered() bool { return f.Packets[Orig] > 0 && f.Packets[Resp] > 0 }

// idle is how long the flow may be without packets.
func (f *Flow) idle() time.Duration {
	switch f.Proto {
	case frame.ProtoTCP:
		switch {
		case f.over():
			return IdleClosed
		case !f.Answered() || !f.hist.any(Orig, letterA, letterD, letterF):
			return IdleOpening
		}
		return IdleTCP
	case frame.ProtoUDP:
		if !f.Answered() {
			return IdleAttempted
		}
		return IdleUDP
	case 0:
		return IdleLink
	}
	return IdleICMP
}
