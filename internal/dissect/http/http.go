// Package http dissects HTTP/1 over TCP: hosts and paths that are asked for, the software on both sides,
// content types, realms, credentials sent in the clear, and the titles of small pages. Bodies are passed
// over without being kept; descriptions of UPnP devices and requests to UPnP gateways go to package upnp.
package http

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/upnp"
)

const (
	maxLine = 8 << 10  // octets of a first line
	maxBody = 32 << 10 // octets of a body that is read
	maxLook = 24 << 10 // of these, octets that are waited for; less than dissect.MaxStream
	maxPage = 4 << 10  // octets of a page in which its title is looked for
	maxForm = 4 << 10
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" // RFC 9113, Section 3.4

// Dissect is a dissect.Func for one direction of HTTP/1.0 or 1.1, RFC 9112. The place in the stream is
// kept in eight octets of m.Scratch.
func Dissect(m *dissect.Message, out *dissect.Facts) (n int, s dissect.State) {
	if !m.Stream {
		return 0, dissect.No
	}
	if len(m.Scratch) == 0 && len(m.Data) > 0 && !isFirst(m.Data[0]) {
		return 0, dissect.No
	}
	r := reader{Message: m, out: out, at: load(m.Scratch)}
	known := r.at != position{}
	for s = dissect.Next; s == dissect.Next && n < len(m.Data); {
		var k int
		k, s = r.step(m.Data[n:])
		n += k
	}
	switch {
	case len(m.Data) == 0:
		s = dissect.More
	case s == dissect.No && (known || n > 0):
		s = dissect.Done
	}
	m.Scratch = r.at.save(m.Scratch)
	return n, s
}

// isFirst reports whether a stream of this protocol may begin with c.
func isFirst(c byte) bool { return 'A' <= c && c <= 'Z' || c == '\r' || c == '\n' || c == 0 }

// reader reads one direction of one stream.
type reader struct {
	*dissect.Message
	out *dissect.Facts
	at  position
}

// step reads what stands at the beginning of b, which is not empty, and says how much of b that was. It
// answers Next when there may be more to read.
func (r *reader) step(b []byte) (int, dissect.State) {
	switch r.at.phase {
	case inBody:
		return r.body(b)
	case atSize:
		return r.size(b)
	case inTrailer:
		return r.trailer(b)
	}
	return r.message(b)
}

// message reads the head of a message.
func (r *reader) message(b []byte) (int, dissect.State) {
	// Empty lines before a request are tolerated, RFC 9112, Section 2.2.
	skipped := 0
	for skipped < min(len(b), 4) && (b[skipped] == '\r' || b[skipped] == '\n') {
		skipped++
	}
	start := b[skipped:]
	switch s := begins(start); {
	case s == dissect.More && r.Final:
		return 0, dissect.No
	case s != dissect.Next:
		return 0, s
	}
	if isServer := start[0] == 0; isServer || prefixes(start, preface) {
		r.out.AddString("http.version", "2")
		if isServer {
			r.out.FieldString("side", "server")
		} else {
			r.out.FieldString("side", "client")
		}
		return len(b), dissect.Done
	}
	end := headEnd(start, int(min(r.at.count, uint64(len(start)))))
	switch {
	case end >= 0:
		r.at = position{}
		s := r.head(start[:end])
		return skipped + end, s
	case r.Final: // cut: what is there is told
		if i := bytes.LastIndexByte(start, '\n'); i >= 0 {
			r.head(start[:i+1])
			return len(b), dissect.Done
		}
		return 0, dissect.No
	}
	// What comes may complete the last two octets, no others.
	r.at = position{phase: inHead, count: uint64(max(0, len(start)-2))}
	return 0, dissect.More
}

// headEnd is where the head ends, or -1. Octets before from were searched before.
func headEnd(b []byte, from int) int {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		from += i + 1
		switch rest := b[from:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return from + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return from + 2
		}
	}
}

// begins says whether b begins a message (Next), does not (No), or may (More).
func begins(b []byte) dissect.State {
	const status = "HTTP/1."
	if len(b) == 0 {
		return dissect.More
	}
	switch c := b[0]; {
	case c == 'H' && prefixes(b, status): // not HEAD
		if len(b) < len("HTTP/1.1 200") {
			return dissect.More
		}
		if digits(b[7:8]) && b[8] == ' ' && digits(b[9:12]) {
			return dissect.Next
		}
		return dissect.No
	case c == 0: // the settings with which an HTTP/2 server begins, RFC 9113, Sections 4.1 and 6.5
		switch {
		case len(b) > 1 && b[1] != 0 || len(b) > 2 && b[2]%6 != 0 || len(b) > 3 && !prefixes(b[3:], "\x04\x00\x00\x00\x00\x00"):
			return dissect.No
		case len(b) < 9:
			return dissect.More
		}
		return dissect.Next
	case c < 'A' || c > 'Z':
		return dissect.No
	case prefixes(b, preface):
		if len(b) < len(preface) {
			return dissect.More
		}
		return dissect.Next
	}
	return beginsRequest(b)
}

// beginsRequest looks for a method, a target, and the version at the end of the line.
func beginsRequest(b []byte) dissect.State {
	const maxMethod = 20
	i := 0
	for ; ; i++ {
		if i == len(b) && i <= maxMethod {
			return dissect.More
		}
		if i > maxMethod {
			return dissect.No
		}
		if c := b[i]; c == ' ' {
			break
		} else if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return dissect.No
		}
	}
	if i < 3 {
		return dissect.No
	}
	target := b[i+1:]
	if len(target) > 0 && target[0] <= ' ' {
		return dissect.No
	}
	end := bytes.IndexByte(target[:min(len(target), maxLine)], '\n')
	switch {
	case end >= 0:
	case len(target) < maxLine:
		return dissect.More
	default:
		return dissect.No
	}
	line := trim(target[:end])
	const version = " HTTP/1.1"
	if i := len(line) - len(version); i > 0 && string(line[i:len(line)-1]) == version[:len(version)-1] {
		return dissect.Next
	}
	return dissect.No
}

// prefixes reports whether one of b and s begins with the other.
func prefixes(b []byte, s string) bool {
	n := min(len(b), len(s))
	return string(b[:n]) == s[:n]
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// body passes over the body or chunk at hand, and reads it if it is of interest.
func (r *reader) body(b []byte) (int, dissect.State) {
	if r.at.interest != nothing {
		look := maxLook
		if r.at.interest == aPage {
			look = maxPage
		}
		if uint64(look) > r.at.count {
			look = int(r.at.count)
		}
		if len(b) < look && !r.Final {
			return 0, dissect.More
		}
		r.read(b[:min(len(b), look)])
		r.at.interest = nothing
	}
	if r.at.count == toTheEnd {
		return len(b), dissect.Done
	}
	n := int(min(r.at.count, uint64(len(b))))
	r.at.count -= uint64(n)
	if r.at.count == 0 {
		if r.at.chunked {
			r.at = position{phase: atSize, chunked: true}
		} else {
			r.at = position{}
		}
	}
	return n, dissect.Next
}

func (r *reader) read(b []byte) {
	switch r.at.interest {
	case aDescription:
		upnp.Describe(b, r.out)
	case aControl:
		upnp.Control(b, r.out)
	case aPage:
		title(b, r.out)
	case aForm:
		var buf [64]byte
		r.credentials(r.hostname(buf[:0], nil), b, "form")
	}
}

// size reads the line before a chunk, RFC 9112, Section 7.1, and the end of the line after the last one.
func (r *reader) size(b []byte) (int, dissect.State) {
	const maxExtension = 256
	const maxDigits = countBits / 4
	from := 0
	for from < len(b) && from < 2 && (b[from] == '\r' || b[from] == '\n') {
		from++
	}
	line := b[from:]
	end := bytes.IndexByte(line[:min(len(line), maxExtension)], '\n')
	if end < 0 {
		if len(line) >= maxExtension || r.Final {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	count, i := uint64(0), 0
	for ; i < end; i++ {
		d, ok := hexadecimal(line[i])
		if !ok {
			break
		}
		if i == maxDigits {
			return 0, dissect.No
		}
		count = count<<4 | d
	}
	if i == 0 {
		return 0, dissect.No
	}
	if count > 0 && count < maxCount {
		r.at = position{phase: inBody, interest: r.at.interest, chunked: true, count: count}
	} else {
		r.at = position{phase: inTrailer}
	}
	return from + end + 1, dissect.Next
}

func hexadecimal(c byte) (d uint64, ok bool) {
	switch c = lower(c); {
	case '0' <= c && c <= '9':
		return uint64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return uint64(c-'a') + 10, true
	}
	return 0, false
}

// trailer passes over the fields after the last chunk, to the empty line.
func (r *reader) trailer(b []byte) (int, dissect.State) {
	end := bytes.IndexByte(b[:min(len(b), maxLine)], '\n')
	if end < 0 {
		if len(b) >= maxLine || r.Final {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	if line := b[:end]; len(line) == 0 || len(line) == 1 && line[0] == '\r' {
		r.at = position{}
	}
	return end + 1, dissect.Next
}
