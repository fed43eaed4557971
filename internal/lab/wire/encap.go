package wire

import (
	"encoding/binary"
	"hash/crc32"

	"plimsoll.example/plimsoll/internal/frame"
)

// The functions below carry the content of an Ethernet frame in another way. They answer nil for a frame
// that the other way cannot carry.

// Tag is f with VLAN tags, outermost first: the EtherType of each in the high half, the VLAN identifier in
// the low one.
func Tag(f []byte, tags ...uint32) []byte {
	b := append([]byte(nil), f[:12]...)
	for _, t := range tags {
		b = binary.BigEndian.AppendUint32(b, t)
	}
	return append(b, f[12:]...)
}

// PPPoE is f as a frame of a PPPoE session (RFC 2516).
func PPPoE(f []byte, session uint16) []byte {
	ppp := PPP(f)
	if ppp == nil {
		return nil
	}
	b := append([]byte(nil), f[:12]...)
	b = binary.BigEndian.AppendUint16(b, TypePPPoE)
	b = append(b, 0x11, 0)
	b = binary.BigEndian.AppendUint16(b, session)
	b = binary.BigEndian.AppendUint16(b, uint16(len(ppp)))
	return Pad(append(b, ppp...))
}

// PPP is the datagram in f after a PPP protocol field (RFC 1661, RFC 5072).
func PPP(f []byte) []byte {
	d := Datagram(f)
	switch {
	case d == nil:
		return nil
	case d[0]>>4 == 6:
		return append([]byte{0x00, 0x57}, d...)
	default:
		return append([]byte{0x00, 0x21}, d...)
	}
}

// Datagram is the IP packet in f, without padding.
func Datagram(f []byte) []byte {
	d := f[14:]
	n := 0
	switch binary.BigEndian.Uint16(f[12:]) {
	case TypeIPv4:
		n = int(binary.BigEndian.Uint16(d[2:]))
	case TypeIPv6:
		n = 40 + int(binary.BigEndian.Uint16(d[4:]))
	default:
		return nil
	}
	return d[:n:n]
}

// Null is the datagram in f after a BSD loopback header: the address family in the byte order of the
// machine (LinkNull), or of the network (LinkLoop).
func Null(f []byte, o binary.AppendByteOrder) []byte {
	d := Datagram(f)
	if d == nil {
		return nil
	}
	family := uint32(2)
	if d[0]>>4 == 6 {
		family = 30 // as Darwin numbers it; FreeBSD says 28, OpenBSD and NetBSD 24
	}
	return append(o.AppendUint32(nil, family), d...)
}

// cooked says how a host with the address self sees f: Linux's PACKET_ types.
func cooked(f []byte, self frame.MAC) uint16 {
	switch dst := frame.MAC(f[:6]); {
	case frame.MAC(f[6:12]) == self:
		return 4
	case dst == Broadcast:
		return 1
	case dst.IsGroup():
		return 2
	case dst == self:
		return 0
	default:
		return 3
	}
}

// SLL is f as Linux's cooked capture, seen by self.
func SLL(f []byte, self frame.MAC) []byte {
	b := binary.BigEndian.AppendUint16(nil, cooked(f, self))
	b = append(b, 0, 1, 0, 6) // ARPHRD_ETHER, six octets of address
	b = append(append(b, f[6:12]...), 0, 0)
	return append(b, f[12:]...)
}

// SLL2 is f as the second version of Linux's cooked capture, seen by self.
func SLL2(f []byte, self frame.MAC) []byte {
	b := append([]byte(nil), f[12], f[13], 0, 0, 0, 0, 0, 2, 0, 1, byte(cooked(f, self)), 6)
	b = append(append(b, f[6:12]...), 0, 0)
	return append(b, f[14:]...)
}

// Dot11 is f as an unprotected IEEE 802.11 data frame of the access point whose address is ap: to the
// distribution system where a station sends, from it where the station is sent to.
func Dot11(f []byte, ap frame.MAC, seq uint16) []byte {
	dst, src, body := f[:6], f[6:12], f[14:]
	if d := Datagram(f); d != nil {
		body = d
	}
	qos := !frame.MAC(dst).IsGroup()
	control := []byte{0x08, 0x01}
	addresses := [3][]byte{ap[:], src, dst}
	if frame.MAC(src) == ap || frame.MAC(dst).IsGroup() {
		control[1] = 0x02
		addresses = [3][]byte{dst, ap[:], src}
	}
	if qos {
		control[0] |= 0x80
	}
	b := append(control, 0x2c, 0x00)
	for _, a := range addresses {
		b = append(b, a...)
	}
	b = binary.LittleEndian.AppendUint16(b, seq<<4)
	if qos {
		b = append(b, 0, 0)
	}
	b = append(b, 0xaa, 0xaa, 0x03, 0, 0, 0, f[12], f[13]) // LLC and SNAP
	return append(b, body...)
}

// Radiotap is Dot11 after a radiotap header, with the frame check sequence that the header announces.
func Radiotap(f []byte, ap frame.MAC, seq uint16) []byte {
	b := []byte{
		0, 0, 15, 0, // version and length
		0x2e, 0, 0, 0, // present: flags, rate, channel, signal
		0x10,                   // with check sequence
		0x6c,                   // 54 Mbit/s
		0x6c, 0x09, 0xc0, 0x00, // 2412 MHz
		0xc4, // -60 dBm
	}
	d := Dot11(f, ap, seq)
	b = append(b, d...)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(d))
}

// Extend is f with extension headers before the transport, where it carries IPv6: hop-by-hop options and
// destination options, filled with padding (RFC 8200, Section 4).
func Extend(f []byte) []byte {
	if binary.BigEndian.Uint16(f[12:]) != TypeIPv6 {
		return f
	}
	d := Datagram(f)
	if d[6] == 0 {
		return f // has options of its own
	}
	b := append([]byte(nil), f[:14]...)
	b = append(b, d[:40]...)
	binary.BigEndian.PutUint16(b[18:], uint16(len(d)-40+24))
	b[20] = 0
	b = append(b, 60, 0, 1, 4, 0, 0, 0, 0)                            // hop-by-hop, then destination options
	b = append(b, d[6], 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) // destination options, 16 octets
	return append(b, d[40:]...)
}

// Fragment cuts the datagram in f so that no piece carries more than size octets, a multiple of eight.
// The identification of an IPv4 datagram is kept; id is that of an IPv6 one.
func Fragment(f []byte, size int, id uint32) [][]byte {
	d := Datagram(f)
	if d == nil {
		return [][]byte{f}
	}
	header := 40
	if d[0]>>4 == 4 {
		header = int(d[0]&15) * 4
	}
	body := d[header:]
	if len(body) <= size {
		return [][]byte{f}
	}
	var pieces [][]byte
	for at := 0; at < len(body); at += size {
		piece := body[at:min(at+size, len(body))]
		more := uint16(0)
		if at+size < len(body) {
			more = 1
		}
		b := append([]byte(nil), f[:14]...)
		b = append(b, d[:header]...)
		ip := b[14:]
		if header == 40 {
			binary.BigEndian.PutUint16(ip[4:], uint16(8+len(piece)))
			ip[6] = 44
			b = append(b, d[6], 0)
			b = binary.BigEndian.AppendUint16(b, uint16(at)|more)
			b = binary.BigEndian.AppendUint32(b, id)
		} else {
			binary.BigEndian.PutUint16(ip[2:], uint16(header+len(piece)))
			binary.BigEndian.PutUint16(ip[6:], uint16(at/8)|more<<13)
			ip[10], ip[11] = 0, 0
			binary.BigEndian.PutUint16(ip[10:], Checksum(0, ip))
		}
		pieces = append(pieces, Pad(append(b, piece...)))
	}
	return pieces
}
