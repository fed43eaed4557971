// Package dissect is the contract between the packet path and the protocol
// dissectors below it: a message goes in, facts come out.
//
// Each protocol has a package of its own. A dissector keeps no state of its own, recognises its
// protocol by content, never panics, and spends time and memory in proportion to the message.
package dissect

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/frame"
)

// State is what a dissector says of the octets it was shown.
type State uint8

const (
	No   State = iota // not this protocol
	More              // begins as this protocol does; wait for more of this direction
	Next              // understood; show what comes next in this direction
	Done              // understood; nothing more of interest in this direction
)

// Limits that bound what is kept for one direction of one flow.
const (
	MaxStream  = 32 << 10 // octets joined of a TCP stream before a dissector must decide
	MaxScratch = 32 << 10 // octets of Message.Scratch
)

// Message is what a dissector sees: the payload of a datagram or frame, or the octets of one
// direction of a TCP stream that were not yet consumed, in order. All slices are valid during the call only.
type Message struct {
	Data           []byte
	Time           int64          // capture time, nanoseconds since the Unix epoch
	Src, Dst       netip.AddrPort // invalid for frames that are not IP; port 0 where there is none
	SrcMAC, DstMAC frame.MAC      // zero where the link has none
	Stream         bool           // TCP: Data may be the beginning of a longer message
	Final          bool           // Stream: no more octets will come (FIN, or the bound is reached)
	FromInitiator  bool           // sent by the side that began the flow
	// Scratch is memory that lasts from one call to the next for this direction of this flow, as long
	// as the dissector answers More or Next: for protocols whose message spans datagrams. A dissector
	// appends to it, up to MaxScratch, and must take what it finds there as hostile.
	Scratch []byte
}

// Func dissects one message. It appends to out, and returns how many octets of Data it has consumed
// (meaningful for streams: what is not consumed is shown again with what follows it) and what it found.
// A Func that answers No or More must not have added facts for octets that it has not consumed.
type Func func(m *Message, out *Facts) (n int, s State)
