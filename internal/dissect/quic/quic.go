// Package quic dissects the beginning of QUIC connections: the client's Initial packets, which anyone
// can decrypt (RFC 9001, Section 5.2), up to its TLS hello.
//
// Versions 1 and 2, their drafts from 22 on, Facebook's variants, and Google's own handshake are known.
// Of the server only the version is told.
package quic

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// minDatagram is the least size of a datagram with a client's Initial packet (RFC 9000, Section 14.1).
const minDatagram = 1200

// Dissect reads the datagrams of one direction of a UDP flow.
//
// The hello of a client comes in CRYPTO frames that may be split and shuffled over the Initial packets of
// several datagrams. Until it is whole, Scratch holds the keys and the pieces. The keys are those of the
// client's first packet, though later ones bear the Connection ID that the server chose; only a Retry
// changes them.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	b := m.Data
	c := connection{m: m, out: out}
	known := c.load()
	if len(b) == 0 {
		return 0, dissect.No
	}
	if b[0]&0x80 == 0 {
		if known {
			return len(b), dissect.Done // a short header: the handshake is over
		}
		return dissectOldGoogle(m, out)
	}
	if len(b) > 5 && isOldGoogle(binary.BigEndian.Uint32(b[1:])) { // Q046
		addVersion(binary.BigEndian.Uint32(b[1:]), out)
		addGoogle(b[5:], out)
		return len(b), dissect.Done
	}
	version, _, after, ok := parseInvariant(b)
	if !ok {
		return 0, dissect.No
	}
	if _, ok := lookup(version); !ok {
		if isNegotiation(version, after) || isReserved(version) && b[0]&0x40 != 0 && len(b) >= minDatagram {
			return len(b), dissect.Next // the connection begins anew with another version
		}
		return 0, dissect.No
	}

	var p packet
	over := false
	for rest := b; len(rest) > 0; {
		rest, ok = parsePacket(rest, &p)
		if !ok {
			break // padding, or a packet with a short header
		}
		if !known {
			known = true
			addVersion(p.version, out)
		}
		switch p.kind {
		case initial:
			if frames := c.open(&p); frames != nil && c.read(&p, frames) == dissect.Done {
				return len(b), dissect.Done
			}
		case handshake, retry:
			over = true
		}
	}
	switch {
	case !known:
		return 0, dissect.No
	case over, !c.keyed && !m.FromInitiator, c.join() == dissect.Done:
		return len(b), dissect.Done
	}
	c.store()
	return len(b), dissect.Next
}

func addVersion(v uint32, out *dissect.Facts) {
	var buf [16]byte
	out.Add("quic.version", appendVersion(buf[:0], v))
}
