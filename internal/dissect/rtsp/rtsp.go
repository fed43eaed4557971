// Package rtsp dissects the Real-Time Streaming Protocol over TCP (RFC 2326, RFC 7826). Passwords, in
// headers or addresses, are not kept.
package rtsp

import (
	"bytes"
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Bounds on what is read of one message, octets.
const (
	maxHeader = 8 << 10
	maxBody   = 16 << 10 // of a description; other bodies are passed over
)

var methods = [...]string{
	"OPTIONS ", "DESCRIBE ", "SETUP ", "PLAY ", "PAUSE ", "TEARDOWN ", "ANNOUNCE ", "RECORD ", "GET_PARAMETER ", "SET_PARAMETER ",
	"REDIRECT ", "PLAY_NOTIFY ",
}

const version = "RTSP/"

// Dissect reads one direction of a connection, up to where media begin (RFC 2326 §10.12).
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if !m.Stream {
		return 0, dissect.No
	}
	known := len(m.Scratch) == 8 // a message was read already
	var skip uint64              // octets of a body that are still to pass over
	if known {
		skip = binary.BigEndian.Uint64(m.Scratch)
	}
	n := 0
	for {
		pass := min(skip, uint64(len(m.Data)-n))
		n += int(pass)
		skip -= pass
		s := dissect.Next
		if n < len(m.Data) {
			var used int
			used, skip, s = message(m, out, m.Data[n:])
			n += used
			known = known || s == dissect.Next
		}
		switch {
		case s == dissect.More && m.Final:
			s = dissect.No
			fallthrough
		case s == dissect.No:
			if known {
				s = dissect.Done
			}
			return n, s
		case s == dissect.More || n == len(m.Data):
			if known {
				m.Scratch = binary.BigEndian.AppendUint64(m.Scratch[:0], skip)
			}
			return n, s
		}
	}
}

// message reads the request or response that d begins with. It returns the octets that were read, and
// those that follow them and say nothing.
func message(m *dissect.Message, out *dissect.Facts, d []byte) (used int, rest uint64, s dissect.State) {
	if !begins(d) {
		return 0, 0, dissect.No
	}
	eol := bytes.IndexByte(d, '\n')
	if eol < 0 && len(d) >= maxHeader {
		return 0, 0, dissect.No
	} else if eol < 0 {
		return 0, 0, dissect.More
	}
	first := bytes.TrimSuffix(d[:eol], []byte("\r"))
	method, target, ok := start(first)
	if !ok {
		return 0, 0, dissect.No
	}
	end := headerEnd(d[:min(len(d), maxHeader)], eol+1)
	if end < 0 && len(d) >= maxHeader {
		return 0, 0, dissect.No
	} else if end < 0 {
		return 0, 0, dissect.More
	}
	h := headers(d[eol+1 : end])
	body := d[end:]
	if h.sdp && h.length <= maxBody {
		if uint64(len(body)) < h.length && !m.Final {
			return 0, 0, dissect.More
		}
		body = body[:min(uint64(len(body)), h.length)]
		used, rest = end+len(body), h.length-uint64(len(body))
	} else {
		used, rest, body = end, h.length, nil
	}
	if method != nil {
		request(m, out, method, target, &h)
	} else {
		response(out, target, &h)
	}
	if len(h.transport) > 0 {
		out.Add("rtsp.transport", h.transport)
	}
	if body != nil {
		description(out, body)
	}
	return used, rest, dissect.Next
}

// begins reports whether d begins as a message does, as far as it goes.
func begins(d []byte) bool {
	if d[0] < 'A' || d[0] > 'T' {
		return false
	}
	if n := min(len(d), len(version)); string(d[:n]) == version[:n] {
		return true
	}
	for _, name := range methods {
		if n := min(len(d), len(name)); string(d[:n]) == name[:n] {
			return true
		}
	}
	return false
}

// start reads the first line. For a request it returns the method and the target, for a response no
// method, and the status. Methods are shared with HTTP and SIP: the version decides.
func start(line []byte) (method, target []byte, ok bool) {
	if bytes.HasPrefix(line, []byte(version)) {
		_, status, _ := bytes.Cut(line, []byte(" "))
		if len(status) < 3 {
			return nil, nil, false
		}
		for _, c := range status[:3] {
			if c < '0' || c > '9' {
				return nil, nil, false
			}
		}
		return nil, status[:3], true
	}
	method, rest, _ := bytes.Cut(line, []byte(" "))
	at := bytes.LastIndexByte(rest, ' ')
	if at < 1 || !bytes.HasPrefix(rest[at+1:], []byte(version)) {
		return nil, nil, false
	}
	return method, bytes.TrimSpace(rest[:at]), true
}

// headerEnd is where the body begins, given where the headers do, or -1 if d does not reach so far.
func headerEnd(d []byte, from int) int {
	for from < len(d) {
		n := bytes.IndexByte(d[from:], '\n')
		if n < 0 {
			break
		}
		if n == 0 || n == 1 && d[from] == '\r' {
			return from + n + 1
		}
		from += n + 1
	}
	return -1
}
