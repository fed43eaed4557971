package policy

import (
	"slices"

	"plimsoll.example/plimsoll/internal/frame"
)

// Packet is what a policy judges: the packet that begins a conversation, or one that answers.
type Packet struct {
	Direction Direction
	Reply     bool // it belongs to a conversation that was allowed, in either direction
	Proto     uint8
	Type      uint8      // ICMP
	Code      uint8      // ICMP
	PeerPort  uint16     // TCP, UDP, SCTP
	OwnPort   uint16     // the device's
	Peer, Own frame.Addr // the other end's, and the device's
	Header
}

// Header is what is known of a header beside that. The zero value is nothing.
type Header struct {
	known uint8 // which fields are, a bit each
	field [fields]uint8
}

// Field is what a header field must hold: in the bits of Mask, Value.
type Field struct {
	Name  HeaderField
	Mask  uint8
	Value uint8
}

// HeaderField is a header field beside addresses, protocol and ports.
type HeaderField uint8

// The fields that can be matched in the packet that begins a conversation.
const (
	DSCP HeaderField = iota
	ECN
	TCPFlags
	fields
)

// String is the name of the leaf in RFC 8519.
func (f HeaderField) String() string { return [...]string{"dscp", "ecn", "flags"}[f] }

// Set tells the value of a header field.
func (h *Header) Set(f HeaderField, value uint8) {
	h.known |= 1 << f
	h.field[f] = value
}

// matches reports whether the field is as the entry wants. What is not known of the packet is taken to be as
// suits it: a flow that was only counted is not blamed for what nobody looked at.
func (f *Field) matches(p *Packet, a Action) bool {
	if p.known&(1<<f.Name) == 0 {
		return a == Accept
	}
	return p.field[f.Name]&f.Mask == f.Value
}

// answerTypes are the ICMP types that answer something or report an error: no conversation begins with them.
var answerTypes = map[uint8][]uint8{
	frame.ProtoICMP:   {0, 3, 4, 5, 11, 12, 14, 16, 18},
	frame.ProtoICMPv6: {1, 2, 3, 4, 129, 137, 140},
}

// IsAnswer reports whether an ICMP type answers, or reports an error.
func IsAnswer(proto, icmpType uint8) bool { return slices.Contains(answerTypes[proto], icmpType) }
