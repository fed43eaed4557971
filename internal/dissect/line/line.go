// Package line reads the lines and words of text protocols from octets that may come in pieces.
package line

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/stream"
)

// Max is the longest line, with its end, that is looked for: twice what SMTP allows (RFC 5321, Section 4.5.3.1.6).
const Max = 2048

// Cut is the first line of b without its end, which is LF or CR LF, and the number of octets that it takes
// with its end. The number is 0 when the end has not come.
func Cut(b []byte) (text []byte, n int) {
	i := bytes.IndexByte(b[:min(len(b), Max)], '\n')
	if i < 0 {
		return nil, 0
	}
	return bytes.TrimSuffix(b[:i], []byte{'\r'}), i + 1
}

// Word is the first word of b and what follows it, without the spaces between.
func Word(b []byte) (word, rest []byte) {
	b = bytes.TrimLeft(b, " ")
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		return b, nil
	}
	return b[:i], bytes.TrimLeft(b[i:], " ")
}

// Is reports whether b is the keyword, which is given in capitals, whatever the case of b.
func Is(b []byte, keyword string) bool { return len(b) == len(keyword) && Has(b, keyword) }

// Has reports whether b begins with the keyword, which is given in capitals, whatever the case of b.
func Has(b []byte, keyword string) bool {
	if len(b) < len(keyword) {
		return false
	}
	for i := range len(keyword) {
		if upper(b[i]) != keyword[i] {
			return false
		}
	}
	return true
}

// Match answers Next if b begins with one of the keywords, which are given in capitals, whatever the case
// of b; More if it may once more has come; else No.
func Match(b []byte, keywords ...string) dissect.State {
	if len(b) == 0 {
		return dissect.More
	}
	best, first := dissect.No, upper(b[0])
	for _, k := range keywords {
		switch {
		case k[0] != first:
		case Has(b, k):
			return dissect.Next
		case len(b) < len(k) && Has(b, k[:len(b)]):
			best = dissect.More
		}
	}
	return best
}

// Contains reports whether the keyword, which is given in capitals, is in the first Max octets of b.
func Contains(b []byte, keyword string) bool {
	b = b[:min(len(b), Max)]
	for i := 0; i+len(keyword) <= len(b); i++ {
		if upper(b[i]) == keyword[0] && Has(b[i:], keyword) {
			return true
		}
	}
	return false
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// Opens reports whether b begins as lines do that begin conversations: with a letter, a digit or a mark.
func Opens(b []byte) bool { return len(b) > 0 && b[0] > ' ' && b[0] < 0x7f }

// Text reports whether b could be text in any of the encodings that terminals used: no control characters
// but the common ones.
func Text(b []byte) bool {
	for _, c := range b {
		switch {
		case c >= ' ' && c != 0x7f:
		case c == '\r', c == '\n', c == '\t', c == '\f', c == '\a', c == '\b', c == 0x1b:
		default:
			return false
		}
	}
	return true
}

// TLS reports whether b begins with a TLS record that carries a handshake (RFC 8446, Section 5.1),
// as what follows STARTTLS does.
func TLS(b []byte) bool { return len(b) >= 3 && b[0] == 22 && b[1] == 3 && b[2] <= 4 }

// Each shows the whole lines that m begins with to say, one after the other, and is what a dissector of lines
// returns: see stream.Each. It stops before a TLS record, which is then first in the next message.
func Each(m *dissect.Message, known bool, say func(text []byte) dissect.State) (int, dissect.State) {
	first := true
	return stream.Each(m, known, func(rest []byte) (int, dissect.State) {
		if !first && TLS(rest) {
			return 0, dissect.More
		}
		first = false
		text, n := Cut(rest)
		switch {
		case n > 0:
			return n, say(text)
		case len(rest) < Max:
			return 0, dissect.More
		}
		return 0, dissect.No
	})
}
