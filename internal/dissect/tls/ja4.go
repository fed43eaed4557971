package tls

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Transport is what carries the handshake: the first letter of a JA4.
type Transport byte

// The transports.
const (
	TCP  Transport = 't'
	QUIC Transport = 'q'
	DTLS Transport = 'd'
)

// AppendJA4 appends the JA4 fingerprint of the client (FoxIO, technical_details/JA4.md; BSD 3-Clause).
func (h *ClientHello) AppendJA4(dst []byte, t Transport) []byte {
	var room [2][128]uint16 // more is allocated
	ciphers, kinds := room[0][:0], room[1][:0]
	for c := range pairs(h.Ciphers) {
		if !isGREASE(c) {
			ciphers = append(ciphers, c)
		}
	}
	count := 0
	for k := range extensions(h.Extensions) {
		if isGREASE(k) {
			continue
		}
		count++
		if k != extServerName && k != extALPN { // the first part tells of these
			kinds = append(kinds, k)
		}
	}

	dst = append(dst, byte(t))
	dst = append(dst, ja4Version(h.highest(greater))...)
	if h.HasServerName {
		dst = append(dst, 'd')
	} else {
		dst = append(dst, 'i')
	}
	dst = appendTwoDigits(dst, len(ciphers))
	dst = appendTwoDigits(dst, count)
	dst = appendJA4ALPN(dst, h.ALPN)

	var buf [hashed]byte
	slices.Sort(ciphers)
	dst = appendShortHash(append(dst, '_'), appendHexList(buf[:0], slices.Values(ciphers)))

	slices.Sort(kinds)
	text := appendHexList(buf[:0], slices.Values(kinds))
	if len(text) > 0 {
		before := len(text)
		text = appendHexList(append(text, '_'), pairs(h.SignatureSchemes))
		if len(text) == before+1 {
			text = text[:before]
		}
	}
	return appendShortHash(append(dst, '_'), text)
}

// greater is the order of versions that JA4 means: "the highest value in the extension", though that
// is the oldest one of DTLS.
func greater(a, b uint16) bool { return a > b }

func ja4Version(v uint16) string {
	switch v {
	case tls13:
		return "13"
	case tls12:
		return "12"
	case tls11:
		return "11"
	case tls10:
		return "10"
	case ssl3:
		return "s3"
	case ssl2:
		return "s2"
	case dtls10:
		return "d1"
	case dtls12:
		return "d2"
	case dtls13:
		return "d3"
	}
	return "00"
}

func appendTwoDigits(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, '0'+byte(n/10), '0'+byte(n%10))
}

// appendJA4ALPN appends the first and last octet of the first name, or, if one of them is neither a
// letter nor a digit, the first and last digit of the name in hexadecimal. For a name whose first octet is not
// ASCII, FoxIO's own program and the outputs that it publishes have 99, and that is what others will compare with.
func appendJA4ALPN(dst, names []byte) []byte {
	if len(names) == 0 || names[0] == 0 || int(names[0]) >= len(names) {
		return append(dst, "00"...)
	}
	first, last := names[1], names[names[0]]
	if isAlphanumeric(first) && isAlphanumeric(last) {
		return append(dst, first, last)
	}
	if first > 0x7f {
		return append(dst, "99"...)
	}
	const digits = "0123456789abcdef"
	return append(dst, digits[first>>4], digits[last&15])
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// appendHexList appends the numbers, less GREASE, with commas between them.
func appendHexList(dst []byte, list func(func(uint16) bool)) []byte {
	first := true
	for v := range list {
		if isGREASE(v) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendHex(dst, v)
	}
	return dst
}

// appendShortHash appends the first twelve digits of the SHA-256 of text, or zeros if there is no text.
func appendShortHash(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:6])
}
