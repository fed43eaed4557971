// Package syslog reads which programs of a device log to another (RFC 5424, and RFC 3164 as it is used).
// What they log is passed over.
package syslog

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
	"plimsoll.example/plimsoll/internal/dissect/stream"
)

const (
	port    = 514
	maxTag  = 64  // octets of a tag and of a host's name
	maxSeen = 512 // octets of tags that are remembered
)

// Message.Scratch holds the tags that were told, each with a line feed after it: each is told once. It begins
// with a line feed once the direction is known.

// Dissect reads messages, one in a datagram (RFC 5426) or framed in a stream (RFC 6587).
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	known := len(m.Scratch) > 0
	switch {
	case len(d) == 0 || !known && d[0] != '<' && !m.Stream:
		return 0, dissect.No
	case !m.Stream:
		return len(d), message(d, m, out)
	case !known && d[0] != '<' && (d[0] < '1' || d[0] > '9'):
		return 0, dissect.No
	}
	return stream.Each(m, known, func(rest []byte) (int, dissect.State) {
		text, n, s := frame(rest)
		if s != dissect.Next {
			return 0, s
		}
		return n, message(text, m, out)
	})
}

// frame is the first message of a stream, and the octets it takes: it ends with its line, or its length goes
// before it (RFC 6587, Section 3.4).
func frame(b []byte) (text []byte, n int, s dissect.State) {
	size, digits := 0, 0
	for digits < len(b) && digits < 5 && b[digits] >= '0' && b[digits] <= '9' {
		size = size*10 + int(b[digits]-'0')
		digits++
	}
	if digits == 0 {
		if text, n = line.Cut(b); n == 0 && len(b) < line.Max {
			return nil, 0, dissect.More
		}
		return text, n, dissect.Next
	}
	begin := digits + 1
	switch {
	case len(b) > digits && b[digits] != ' ', len(b) > begin && b[begin] != '<', size == 0:
		return nil, 0, dissect.No
	case len(b) < begin+size:
		return nil, 0, dissect.More
	}
	return b[begin : begin+size], begin + size, dissect.Next
}

// message reads one message, of which it tells the tag.
func message(b []byte, m *dissect.Message, out *dissect.Facts) dissect.State {
	b, ok := afterPriority(b)
	if !ok {
		return dissect.No
	}
	var host, tag []byte
	if rest, ok := bytes.CutPrefix(b, []byte("1 ")); ok && len(rest) > 0 && (rest[0] == '-' || rest[0] >= '1' && rest[0] <= '9') {
		_, rest = line.Word(rest) // time
		host, rest = line.Word(rest)
		tag, _ = line.Word(rest)
	} else {
		rest, timed := afterTime(b)
		if !timed && len(m.Scratch) == 0 && m.Dst.Port() != port {
			return dissect.No
		}
		host, tag = words(rest)
	}
	if len(m.Scratch) == 0 {
		m.Scratch = append(m.Scratch, '\n')
	}
	return tell(host, tag, m, out)
}

// afterPriority is what follows the priority, a number up to 191 in angle brackets.
func afterPriority(b []byte) (rest []byte, ok bool) {
	if len(b) < 4 || b[0] != '<' {
		return nil, false
	}
	n := 0
	for i, c := range b[1:min(len(b), 5)] {
		switch {
		case c == '>' && i > 0 && n <= 191:
			return b[i+2:], true
		case c < '0' || c > '9':
			return nil, false
		}
		n = n*10 + int(c-'0')
	}
	return nil, false
}

// afterTime is what follows a time such as "Oct 11 22:14:15 " (RFC 3164, Section 4.1.2).
func afterTime(b []byte) (rest []byte, ok bool) {
	if len(b) > 16 && b[3] == ' ' && b[6] == ' ' && b[9] == ':' && b[12] == ':' && b[15] == ' ' {
		return b[16:], true
	}
	return b, false
}

// words finds the host, which many leave out, and the tag, which is a word with a colon or a number in square
// brackets after it: other words are of the text.
func words(b []byte) (host, tag []byte) {
	first, rest := line.Word(b[:min(len(b), 3*maxTag)])
	if tag := tagOf(first); tag != nil {
		return nil, tag
	}
	second, _ := line.Word(rest)
	if tag := tagOf(second); tag != nil {
		return first, tag
	}
	return nil, nil
}

func tagOf(word []byte) []byte {
	i := bytes.IndexAny(word, "[:")
	if i <= 0 || i > maxTag || word[i] == '[' && !bytes.HasSuffix(word, []byte("]:")) || word[i] == ':' && i != len(word)-1 {
		return nil
	}
	for _, c := range word[:i] {
		if c < '0' || c > '9' {
			return word[:i]
		}
	}
	return nil // a number in a sequence
}

func tell(host, tag []byte, m *dissect.Message, out *dissect.Facts) dissect.State {
	tag, host = tag[:min(len(tag), maxTag)], host[:min(len(host), maxTag)]
	if len(tag) == 0 || string(tag) == "-" || !line.Text(tag) || bytes.IndexByte(tag, '\n') >= 0 || seen(m.Scratch, tag) {
		return dissect.Next
	}
	out.Add("syslog.tag", tag)
	if len(host) > 0 && string(host) != "-" {
		out.Field("host", host)
	}
	if len(m.Scratch)+len(tag) >= maxSeen {
		return dissect.Done
	}
	m.Scratch = append(append(m.Scratch, tag...), '\n')
	return dissect.Next
}

// seen reports whether the tag is one of the lines of list.
func seen(list, tag []byte) bool {
	for len(list) > 0 {
		var l []byte
		l, list, _ = bytes.Cut(list, []byte{'\n'})
		if bytes.Equal(l, tag) {
			return true
		}
	}
	return false
}
