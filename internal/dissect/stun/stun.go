// Package stun dissects Session Traversal Utilities for NAT (RFC 8489, and its ancestors RFC 5389 and
// RFC 3489), over UDP and TCP, with the messages of TURN (RFC 8656).
package stun

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	header = 20 // octets
	cookie = 0x2112a442
)

// Attributes (IANA, STUN Attributes).
const (
	mappedAddress      = 0x0001
	reflectedFrom      = 0x000b // the last of RFC 3489
	xorMappedAddress   = 0x0020
	xorMappedAddressV0 = 0x8020 // in drafts of RFC 5389
	software           = 0x8022
)

// Dissect reads messages. The address that a response tells is about the receiver: it is how the
// receiver looks from outside.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if len(m.Data) == 0 || m.Data[0] >= 0x40 {
		return 0, foreign(m)
	}
	if !m.Stream {
		if !valid(m.Data) {
			return 0, foreign(m)
		}
		return len(m.Data), tell(m, out, m.Data)
	}
	n := 0
	for n < len(m.Data) {
		d := m.Data[n:]
		skip, size := find(d)
		switch {
		case size < 0:
			return n, foreign(m)
		case (size == 0 || skip+size > len(d)) && m.Final:
			return n, foreign(m)
		case size == 0 || skip+size > len(d):
			return n, dissect.More
		}
		n += skip + size
		if tell(m, out, d[skip:skip+size]) == dissect.Done {
			return n, dissect.Done
		}
	}
	return n, dissect.Next
}

// foreign answers for octets that are not STUN: media may follow it in the same flow (RFC 7983).
func foreign(m *dissect.Message) dissect.State {
	if len(m.Scratch) > 0 {
		return dissect.Done
	}
	return dissect.No
}

// find finds the message that a stream goes on with: behind its length in a stream that ICE made
// (RFC 6544 §3, RFC 4571 §2), else at once. The size is 0 if d is too short to tell, and negative if
// there is no message.
func find(d []byte) (skip, size int) {
	for _, skip := range [...]int{0, 2} {
		if len(d) < skip+8 {
			return 0, 0
		}
		n := header + int(binary.BigEndian.Uint16(d[skip+2:]))
		if d[skip] < 0x40 && n%4 == 0 && binary.BigEndian.Uint32(d[skip+4:]) == cookie &&
			(skip == 0 || n == int(binary.BigEndian.Uint16(d))) {
			return skip, n
		}
	}
	return 0, -1
}

// valid reports whether a datagram is a message. With no cookie it is one of RFC 3489, if all of it
// is as that RFC says.
func valid(d []byte) bool {
	if len(d) < header {
		return false
	}
	n := header + int(binary.BigEndian.Uint16(d[2:]))
	if n > len(d) {
		return false
	}
	if binary.BigEndian.Uint32(d[4:]) == cookie {
		return n%4 == 0 || n == len(d) // WhatsApp does not pad
	}
	switch binary.BigEndian.Uint16(d) {
	case 0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112: // binding, shared secret
	default:
		return false
	}
	at := header
	for at+4 <= n {
		kind := binary.BigEndian.Uint16(d[at:])
		if kind == 0 || kind > reflectedFrom && kind != xorMappedAddress && kind < 0x8000 {
			return false
		}
		at += 4 + padded(d[at:])
	}
	return at == n && n == len(d)
}

// padded is the size of the value of the attribute that d begins with, up to the next attribute.
func padded(d []byte) int { return (int(binary.BigEndian.Uint16(d[2:])) + 3) &^ 3 }

// tell tells what one valid message says.
func tell(m *dissect.Message, out *dissect.Facts, d []byte) dissect.State {
	class := binary.BigEndian.Uint16(d) & 0x110 // RFC 8489 §5: 0 request, 0x010 indication, else a response
	success := class == 0x100
	var mapped netip.AddrPort
	said := false
	end := header + int(binary.BigEndian.Uint16(d[2:]))
	for at := header; at+4 <= end; at += 4 + padded(d[at:]) {
		n := int(binary.BigEndian.Uint16(d[at+2:]))
		if at+4+n > end {
			break
		}
		v := d[at+4 : at+4+n]
		switch binary.BigEndian.Uint16(d[at:]) {
		case mappedAddress:
			if a := address(v, [16]byte{}); !mapped.IsValid() {
				mapped = a
			}
		case xorMappedAddress, xorMappedAddressV0:
			if a := address(v, [16]byte(d[4:header])); a.IsValid() {
				mapped = a
			}
		case software:
			if v = bytes.TrimRight(v, "\x00 "); len(v) > 0 && !said {
				said = true
				out.Add("stun.software", v)
				if class&0x100 != 0 {
					out.FieldString("side", "server")
				} else {
					out.FieldString("side", "client")
				}
			}
		}
	}
	if success && mapped.IsValid() {
		out.About(m.DstMAC)
		out.AddAddr("stun.mapped", mapped.Addr())
		out.FieldUint("port", uint64(mapped.Port()))
		return dissect.Done
	}
	if said {
		return dissect.Done
	}
	if len(m.Scratch) == 0 {
		m.Scratch = append(m.Scratch, 1) // STUN was seen in this flow
	}
	return dissect.Next
}

// address reads an address that is disguised by key, of which the first octets disguise the port.
func address(v []byte, key [16]byte) netip.AddrPort {
	const ipv4, ipv6 = 1, 2
	var a [16]byte
	size := copy(a[:], v[min(4, len(v)):])
	for i := range a[:size] {
		a[i] ^= key[i]
	}
	if len(v) < 4 {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16(v[2:]) ^ binary.BigEndian.Uint16(key[:])
	switch {
	case v[1] == ipv4 && len(v) == 8:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[:4])), port)
	case v[1] == ipv6 && len(v) == 20:
		return netip.AddrPortFrom(netip.AddrFrom16(a), port)
	}
	return netip.AddrPort{}
}
