// Package coap dissects the Constrained Application Protocol over UDP (RFC 7252), with the lists of
// resources by which things describe themselves (RFC 6690).
package coap

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	header  = 4    // octets
	port    = 5683 // RFC 7252 §12.6
	marker  = 0xff // begins the payload
	maxPath = 128  // octets of a path that are told
)

// Option numbers (IANA, CoAP Option Numbers).
const (
	uriHost       = 3
	uriPath       = 11
	contentFormat = 12
)

const linkFormat = 40 // of the content formats

// content is what the options of a message say.
type content struct {
	path    [maxPath]byte
	n       int // of path
	host    []byte
	format  int // -1: not told
	payload []byte
	odd     bool // an option that is not registered
}

// Dissect reads one message. On another port than CoAP's it must be one that can hardly be anything else.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < header || d[0]>>6 != 1 || d[0]&15 > 8 {
		return 0, dissect.No
	}
	code := d[1]
	request := code > 0 && code <= 7
	if code == 0 && len(d) != header || !request && !responds(code) {
		return 0, dissect.No
	}
	at := header + int(d[0]&15)
	c := content{format: -1}
	if at > len(d) || !c.read(d[at:]) {
		return 0, dissect.No
	}
	if m.Src.Port() != port && m.Dst.Port() != port {
		if c.odd || request && c.n == 0 || !request && (c.format < 0 || len(c.payload) == 0) {
			return 0, dissect.No
		}
	}
	switch {
	case request:
		if c.n == 0 {
			c.path[0], c.n = '/', 1
		}
		out.Add("coap.uri", c.path[:c.n])
		out.FieldString("method", [...]string{"", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"}[code])
		out.FieldString("type", [...]string{"con", "non", "ack", "rst"}[d[0]>>4&3])
		if len(c.host) > 0 {
			out.Field("host", c.host)
		}
	case c.format == linkFormat:
		links(out, c.payload)
	}
	return len(d), dissect.Next
}

// responds reports whether code is empty, or a response code (IANA, CoAP Response Codes).
func responds(code byte) bool {
	detail := code & 31
	switch code >> 5 {
	case 0:
		return detail == 0
	case 2:
		return detail >= 1 && detail <= 5 || detail == 31
	case 4:
		return detail <= 6 || detail == 8 || detail == 9 || detail == 12 || detail == 13 || detail == 15 || detail == 22 || detail == 29
	case 5:
		return detail <= 5 || detail == 8
	}
	return false
}

// read reads the options and the payload (RFC 7252 §3.1), and reports whether they are well formed.
func (c *content) read(b []byte) bool {
	number := 0
	for len(b) > 0 {
		if b[0] == marker {
			c.payload = b[1:]
			return len(c.payload) > 0
		}
		first := b[0]
		delta, rest, ok := extended(first>>4, b[1:])
		if !ok {
			return false
		}
		n, rest, ok := extended(first&15, rest)
		if !ok || n > len(rest) {
			return false
		}
		number += delta
		if !c.option(number, rest[:n]) {
			return false
		}
		b = rest[n:]
	}
	return true
}

// extended is the value of a nibble and, for 13 and 14, of the octets that follow.
func extended(nibble byte, b []byte) (v int, rest []byte, ok bool) {
	switch {
	case nibble < 13:
		return int(nibble), b, true
	case nibble == 13 && len(b) >= 1:
		return 13 + int(b[0]), b[1:], true
	case nibble == 14 && len(b) >= 2:
		return 269 + int(binary.BigEndian.Uint16(b)), b[2:], true
	}
	return 0, nil, false
}

// option takes in one option, and reports whether it can be one.
func (c *content) option(number int, v []byte) bool {
	switch number {
	case uriHost, uriPath:
		for _, b := range v {
			if b < ' ' || b == 0x7f {
				return false
			}
		}
		if number == uriHost {
			c.host = v
			return len(v) > 0
		}
		if c.n < maxPath {
			c.path[c.n] = '/'
			c.n++
			c.n += copy(c.path[c.n:], v)
		}
		return len(v) <= 255
	case contentFormat:
		if len(v) > 2 {
			return false
		}
		c.format = 0
		for _, b := range v {
			c.format = c.format<<8 | int(b)
		}
	case 1, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 19, 20, 21, 23, 27, 28, 31, 35, 39, 60, 252, 258, 292:
	default:
		c.odd = true
	}
	return number <= 65535
}
