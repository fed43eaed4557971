package tls

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// The ClientHello of SSL 2.0, which clients that also speak SSL 3.0 or TLS 1.0 used to send first
// (RFC 5246, Appendix E.2): length with the top bit set (2), type (1), version (2), then the lengths of
// cipher specs, session identifier and challenge (2 each), and those.
const ssl2Head = 11

func isSSL2(b []byte) bool { return len(b) > 0 && b[0]&0x80 != 0 }

func recogniseSSL2(b []byte) dissect.State {
	if b[0]&0x7f > 3 || len(b) > 2 && b[2] != clientHello || len(b) > 3 && b[3] != 3 && b[3] != 0 {
		return dissect.No
	}
	if len(b) < ssl2Head {
		return dissect.More
	}
	version := binary.BigEndian.Uint16(b[3:])
	ciphers := int(binary.BigEndian.Uint16(b[5:]))
	session := int(binary.BigEndian.Uint16(b[7:]))
	challenge := int(binary.BigEndian.Uint16(b[9:]))
	size := ssl2Size(b)
	if version != ssl2 && (version < ssl3 || version > tls12) || ciphers == 0 || ciphers%3 != 0 ||
		session != 0 && session != 16 || challenge < 16 || challenge > 32 ||
		size != ssl2Head+ciphers+session+challenge {
		return dissect.No
	}
	if len(b) < size {
		return dissect.More
	}
	return dissect.Next
}

func ssl2Size(b []byte) int { return 2 + int(binary.BigEndian.Uint16(b)&0x7fff) }

// addSSL2 tells of a hello that was recognised, and returns its size. JA3 and JA4 are not defined for it.
func addSSL2(b []byte, out *dissect.Facts) int {
	addVersion(binary.BigEndian.Uint16(b[3:]), "client", TCP, out)
	out.FieldString("hello", "ssl2")
	return ssl2Size(b)
}
