// Package tftp dissects the Trivial File Transfer Protocol (RFC 1350, RFC 2347). The blocks of a file
// travel between other ports than the request, and say nothing by themselves: they are not recognised.
package tftp

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	readRequest  = 1
	writeRequest = 2
	maxName      = 512 // octets: a request fits in a datagram of this size (RFC 2347)
)

// Dissect reads one request to read or write a file.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 9 || d[0] != 0 || d[1] != readRequest && d[1] != writeRequest || !printable(d[2]) {
		return 0, dissect.No
	}
	name, rest, ok := text(d[2:])
	if !ok {
		return 0, dissect.No
	}
	mode, _, ok := text(rest)
	if !ok || !known(mode) {
		return 0, dissect.No
	}
	out.Add("tftp.file", name)
	if d[1] == readRequest {
		out.FieldString("op", "read")
	} else {
		out.FieldString("op", "write")
	}
	return len(d), dissect.Next
}

// text is the text that b begins with, up to a NUL.
func text(b []byte) (text, rest []byte, ok bool) {
	n := bytes.IndexByte(b[:min(len(b), maxName)], 0)
	if n < 1 {
		return nil, nil, false
	}
	return b[:n], b[n+1:], true
}

func printable(c byte) bool { return c >= ' ' && c != 0x7f }

func known(mode []byte) bool {
	for _, s := range [...]string{"octet", "netascii", "mail"} {
		if len(mode) == len(s) && bytes.EqualFold(mode, []byte(s)) {
			return true
		}
	}
	return false
}
