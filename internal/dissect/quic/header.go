package quic

import "encoding/binary"

// packetType is what a long header says of its packet, in the numbers of RFC 9000, Section 17.2.
type packetType byte

const (
	initial   packetType = 0
	zeroRTT   packetType = 1
	handshake packetType = 2
	retry     packetType = 3
)

// packet is one packet with a long header (RFC 9000, Section 17.2).
type packet struct {
	format
	version     uint32
	kind        packetType
	destination []byte // connection ID
	octets      []byte // all of it
	number      int    // offset of the packet number in octets
}

const maxConnectionID = 20 // RFC 9000, Section 17.2

// parsePacket reads the packet that b begins with, and returns what follows it in the datagram.
func parsePacket(b []byte, p *packet) (rest []byte, ok bool) {
	version, destination, after, ok := parseInvariant(b)
	if !ok {
		return nil, false
	}
	f, ok := lookup(version)
	if !ok || b[0]&0x40 == 0 || len(destination) > maxConnectionID {
		return nil, false
	}
	*p = packet{format: f, version: version, kind: packetType(b[0] >> 4 & 3), destination: destination, octets: b}
	if f.second {
		p.kind = (p.kind - 1) & 3 // RFC 9369, Section 3.2
	}
	if p.kind == retry {
		return nil, true // it has no length, and is the last
	}
	if p.kind == initial { // the token
		n, rest, ok := varint(after)
		if !ok || n > uint64(len(rest)) {
			return nil, false
		}
		after = rest[n:]
	}
	n, after, ok := varint(after)
	if !ok || n > uint64(len(after)) {
		return nil, false
	}
	p.number = len(b) - len(after)
	p.octets = b[:p.number+int(n)]
	return after[n:], true
}

// parseInvariant reads what is the same in all versions (RFC 8999, Section 5.1).
func parseInvariant(b []byte) (version uint32, destination, after []byte, ok bool) {
	if len(b) < 7 || b[0]&0x80 == 0 {
		return 0, nil, nil, false
	}
	version = binary.BigEndian.Uint32(b[1:])
	n := int(b[5])
	b = b[6:]
	if n >= len(b) {
		return 0, nil, nil, false
	}
	destination, b = b[:n], b[n:]
	n = int(b[0])
	b = b[1:]
	if n > len(b) {
		return 0, nil, nil, false
	}
	return version, destination, b[n:], true
}

// isNegotiation reports whether b, in which after follows the connection IDs, is a Version Negotiation packet
// (RFC 8999, Section 6) that names a version known here.
func isNegotiation(version uint32, after []byte) bool {
	if version != 0 || len(after)%4 != 0 {
		return false
	}
	for ; len(after) > 0; after = after[4:] {
		if _, ok := lookup(binary.BigEndian.Uint32(after)); ok {
			return true
		}
	}
	return false
}
