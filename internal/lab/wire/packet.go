// Package wire writes packets and capture files octet by octet, with right checksums and lengths, for
// tests that need traffic and for the generated captures of the lab.
package wire

import (
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/frame"
)

// EtherTypes, as in the IEEE registry.
const (
	TypeIPv4  = 0x0800
	TypeARP   = 0x0806
	TypeVLAN  = 0x8100 // IEEE 802.1Q customer tag
	TypeIPv6  = 0x86dd
	TypePPPoE = 0x8864 // RFC 2516, session stage
	TypeQinQ  = 0x88a8 // IEEE 802.1ad service tag
	TypeLLDP  = 0x88cc
)

// IP protocol numbers, as in the IANA registry.
const (
	ProtoICMP   = 1
	ProtoIGMP   = 2
	ProtoTCP    = 6
	ProtoUDP    = 17
	ProtoICMPv6 = 58
)

// ICMPv6 types of neighbour discovery, RFC 4861, Sections 4.3 and 4.4.
const (
	NeighbourSolicitation  = 135
	NeighbourAdvertisement = 136
)

// TCP flags, RFC 9293, Section 3.1.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// Broadcast is the address of every station on the link.
var Broadcast = frame.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// minFrame is the shortest Ethernet frame without its check sequence (IEEE 802.3): what comes over a
// cable is padded to it.
const minFrame = 60

// Ethernet is a frame that carries payload.
func Ethernet(dst, src frame.MAC, etherType uint16, payload []byte) []byte {
	return AppendEthernet(make([]byte, 0, max(minFrame, 14+len(payload))), dst, src, etherType, payload)
}

// AppendEthernet appends a frame that carries payload.
func AppendEthernet(b []byte, dst, src frame.MAC, etherType uint16, payload []byte) []byte {
	b = append(append(b, dst[:]...), src[:]...)
	b = binary.BigEndian.AppendUint16(b, etherType)
	return append(b, payload...)
}

// Pad is f, at least as long as a frame on a cable is.
func Pad(f []byte) []byte {
	for len(f) < minFrame {
		f = append(f, 0)
	}
	return f
}

// IP is the header of a datagram, of the family of its addresses.
type IP struct {
	Src, Dst netip.Addr
	Proto    uint8
	Hops     uint8  // time to live, or hop limit
	ID       uint16 // IPv4 identification
	May      bool   // IPv4: may be fragmented; else it says DF
	Alert    bool   // carries the router alert option (RFC 2113, RFC 2711), as group reports do
}

// Packet is the datagram with payload.
func (h IP) Packet(payload []byte) []byte { return h.Append(nil, payload) }

// Append appends the datagram with payload.
func (h IP) Append(b, payload []byte) []byte {
	if h.Src.Is4() {
		return h.append4(b, payload)
	}
	return h.append6(b, payload)
}

func (h IP) append4(b, payload []byte) []byte {
	at := len(b)
	header := 20
	if h.Alert {
		header = 24
	}
	b = append(b, 0x40|byte(header/4), 0)
	b = binary.BigEndian.AppendUint16(b, uint16(header+len(payload)))
	b = binary.BigEndian.AppendUint16(b, h.ID)
	if h.May {
		b = append(b, 0, 0)
	} else {
		b = append(b, 0x40, 0)
	}
	b = append(b, h.Hops, h.Proto, 0, 0)
	b = appendAddr(appendAddr(b, h.Src), h.Dst)
	if h.Alert {
		b = append(b, 0x94, 4, 0, 0)
	}
	binary.BigEndian.PutUint16(b[at+10:], Checksum(0, b[at:]))
	return append(b, payload...)
}

func (h IP) append6(b, payload []byte) []byte {
	next, options := h.Proto, 0
	if h.Alert {
		next, options = 0, 8
	}
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(options+len(payload)))
	b = append(b, next, h.Hops)
	b = appendAddr(appendAddr(b, h.Src), h.Dst)
	if h.Alert {
		b = append(b, h.Proto, 0, 5, 2, 0, 0, 1, 0)
	}
	return append(b, payload...)
}

// UDP is a datagram of RFC 768, with its checksum.
func UDP(src, dst netip.AddrPort, data []byte) []byte { return AppendUDP(nil, src, dst, data) }

// AppendUDP appends a datagram of RFC 768.
func AppendUDP(b []byte, src, dst netip.AddrPort, data []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	b = append(append(b, 0, 0), data...)
	sum := Checksum(pseudo(src.Addr(), dst.Addr(), ProtoUDP, len(b)-at), b[at:])
	if sum == 0 {
		sum = 0xffff // zero means "none" (RFC 768)
	}
	binary.BigEndian.PutUint16(b[at+6:], sum)
	return b
}

// TCP is the header of a segment.
type TCP struct {
	Src, Dst netip.AddrPort
	Seq, Ack uint32
	Flags    uint8
	Window   uint16
	Options  []byte // padded to a multiple of four octets
}

// Segment is the segment with data and its checksum.
func (h TCP) Segment(data []byte) []byte { return h.Append(nil, data) }

// Append appends the segment with data.
func (h TCP) Append(b, data []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, h.Src.Port())
	b = binary.BigEndian.AppendUint16(b, h.Dst.Port())
	b = binary.BigEndian.AppendUint32(b, h.Seq)
	b = binary.BigEndian.AppendUint32(b, h.Ack)
	b = append(b, byte(20+len(h.Options))<<2, h.Flags)
	b = binary.BigEndian.AppendUint16(b, h.Window)
	b = append(b, 0, 0, 0, 0)
	b = append(append(b, h.Options...), data...)
	binary.BigEndian.PutUint16(b[at+16:], Checksum(pseudo(h.Src.Addr(), h.Dst.Addr(), ProtoTCP, len(b)-at), b[at:]))
	return b
}

// ICMPv6 is a message of RFC 4443 with its checksum.
func ICMPv6(src, dst netip.Addr, kind, code uint8, body []byte) []byte {
	b := append([]byte{kind, code, 0, 0}, body...)
	binary.BigEndian.PutUint16(b[2:], Checksum(pseudo(src, dst, ProtoICMPv6, len(b)), b))
	return b
}

// ICMP is a message of RFC 792 with its checksum; IGMP has the same shape.
func ICMP(kind, code uint8, body []byte) []byte {
	b := append([]byte{kind, code, 0, 0}, body...)
	binary.BigEndian.PutUint16(b[2:], Checksum(0, b))
	return b
}

// ARP is a message of RFC 826 for IPv4 on Ethernet: op 1 asks for the address of target, 2 answers.
func ARP(op uint16, senderMAC frame.MAC, sender netip.Addr, targetMAC frame.MAC, target netip.Addr) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, 1, 8, 0, 6, 4}, op)
	b = append(append(b, senderMAC[:]...), sender.AsSlice()...)
	return append(append(b, targetMAC[:]...), target.AsSlice()...)
}

// NeighbourTarget is the body of a neighbour solicitation or advertisement (RFC 4861, Sections 4.3 and 4.4), with an option.
func NeighbourTarget(flags byte, target netip.Addr, option []byte) []byte {
	return append(append([]byte{flags, 0, 0, 0}, target.AsSlice()...), option...)
}

// LinkOption is the option of a link-layer address (RFC 4861, Section 4.6.1): kind 1 of the sender, 2 of the target.
func LinkOption(kind byte, m frame.MAC) []byte { return append([]byte{kind, 1}, m[:]...) }

// Group is the Ethernet address of an IP multicast group (RFC 1112, Section 6.4; RFC 2464, Section 7).
func Group(a netip.Addr) frame.MAC {
	if a.Is4() {
		b := a.As4()
		return frame.MAC{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
	}
	b := a.As16()
	return frame.MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// EUI64 is the address with the modified EUI-64 interface identifier of m in prefix (RFC 4291, Appendix A).
func EUI64(prefix netip.Prefix, m frame.MAC) netip.Addr {
	a := prefix.Addr().As16()
	copy(a[8:], []byte{m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
	return netip.AddrFrom16(a)
}

// Solicited is the solicited-node multicast address of a (RFC 4291, Section 2.7.1).
func Solicited(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}

// Checksum is the Internet checksum of b (RFC 1071), begun with sum.
func Checksum(sum uint32, b []byte) uint16 {
	// Words of 32 bits give the same sum as words of 16, once folded.
	total := uint64(sum)
	for ; len(b) >= 4; b = b[4:] {
		total += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		total += uint64(b[0])<<8 | uint64(b[1])
		b = b[2:]
	}
	if len(b) == 1 {
		total += uint64(b[0]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return ^uint16(total)
}

// pseudo is the sum of the pseudo-header (RFC 9293, Section 3.1; RFC 8200, Section 8.1).
func pseudo(src, dst netip.Addr, proto uint8, length int) uint32 {
	var b [32]byte
	addresses := appendAddr(appendAddr(b[:0], src), dst)
	return uint32(proto) + uint32(length) + uint32(^Checksum(0, addresses))
}

func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		four := a.As4()
		return append(b, four[:]...)
	}
	sixteen := a.As16()
	return append(b, sixteen[:]...)
}
