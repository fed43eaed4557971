package tls

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
)

// hashed is how many octets of what gets hashed lie on the stack; what is longer is allocated.
const hashed = 1024

// AppendJA3 appends the JA3 fingerprint of the client.
func (h *ClientHello) AppendJA3(dst []byte) []byte {
	var buf [hashed]byte
	sum := md5.Sum(h.appendJA3Text(buf[:0]))
	return hex.AppendEncode(dst, sum[:])
}

// appendJA3Text appends what JA3 is the MD5 of: version, ciphers, extensions, groups and point formats
// in decimal, as they came but for GREASE.
func (h *ClientHello) appendJA3Text(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(h.Version), 10)
	dst = appendDecimal(append(dst, ','), pairs(h.Ciphers))
	dst = appendDecimal(append(dst, ','), extensions(h.Extensions))
	dst = appendDecimal(append(dst, ','), pairs(h.Groups))
	dst = append(dst, ',')
	for i, p := range h.PointFormats {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = strconv.AppendUint(dst, uint64(p), 10)
	}
	return dst
}

// AppendJA3S appends the JA3S fingerprint of the server's answer.
func (h *ServerHello) AppendJA3S(dst []byte) []byte {
	var buf [hashed]byte
	sum := md5.Sum(h.appendJA3SText(buf[:0]))
	return hex.AppendEncode(dst, sum[:])
}

func (h *ServerHello) appendJA3SText(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(h.Legacy), 10)
	dst = strconv.AppendUint(append(dst, ','), uint64(h.Cipher), 10)
	return appendDecimal(append(dst, ','), extensions(h.Extensions))
}

// appendDecimal appends the numbers, less GREASE, with hyphens between them.
func appendDecimal(dst []byte, list func(func(uint16) bool)) []byte {
	first := true
	for v := range list {
		if isGREASE(v) {
			continue
		}
		if !first {
			dst = append(dst, '-')
		}
		first = false
		dst = strconv.AppendUint(dst, uint64(v), 10)
	}
	return dst
}
