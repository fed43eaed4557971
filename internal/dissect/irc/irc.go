// Package irc recognises Internet Relay Chat (RFC 2812), which bots are herded by: who registers, and the
// channels that are joined. What is said there is passed over, as are passwords and the keys of channels.
package irc

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const (
	maxWord  = 64 // octets of a name that are told
	maxJoins = 16 // commands to join, after which a client is known well enough
)

// Message.Scratch of a direction that is known counts the commands to join.

// Dissect reads the lines of a client until it talks, and of a server until it has made the client welcome.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	known := len(m.Scratch) > 0
	if !m.Stream || !known && !line.Opens(m.Data) {
		return 0, dissect.No
	}
	if !known && m.Data[0] != ':' {
		s := line.Match(m.Data, "NICK ", "USER ", "CAP LS", "CAP REQ ", "NOTICE AUTH :", "NOTICE * :", "ERROR :CLOSING LINK")
		if s == dissect.No || s == dissect.More && m.Final {
			return 0, dissect.No
		}
	}
	return line.Each(m, known, func(l []byte) dissect.State {
		if !line.Text(l) {
			return dissect.No
		}
		var s dissect.State
		if len(l) > 0 && l[0] == ':' {
			s = reply(l[1:], m, out)
		} else {
			s = command(l, m, out)
		}
		if s != dissect.No && len(m.Scratch) == 0 {
			m.Scratch = append(m.Scratch, 0)
		}
		return s
	})
}

// reply reads a line that has a prefix, as those of servers do.
func reply(l []byte, m *dissect.Message, out *dissect.Facts) dissect.State {
	from, rest := line.Word(l)
	code, rest := line.Word(rest)
	known := len(m.Scratch) > 0
	switch {
	case string(code) == "001": // RPL_WELCOME
		out.Add("irc.server", from[:min(len(from), maxWord)])
		return dissect.Done
	case line.Is(code, "NOTICE"), line.Is(code, "CAP"), number(code):
		if known || bytes.Contains(rest, []byte(" :")) {
			return dissect.Next
		}
	case known:
		return dissect.Next
	}
	return dissect.No
}

// number reports whether b is the three digits of a reply (RFC 2812, Section 5).
func number(b []byte) bool {
	return len(b) == 3 && b[0] >= '0' && b[0] <= '9' && b[1] >= '0' && b[1] <= '9' && b[2] >= '0' && b[2] <= '9'
}

// command reads a line without a prefix.
func command(l []byte, m *dissect.Message, out *dissect.Facts) dissect.State {
	known := len(m.Scratch) > 0
	verb, rest := line.Word(l)
	first, rest := line.Word(rest)
	switch {
	case line.Is(verb, "NICK"):
		if !known && (len(first) == 0 || len(rest) > 0 && rest[0] != ':') {
			return dissect.No
		}
		tell(out, "NICK", "nick", bytes.TrimPrefix(first, []byte(":")))
	case line.Is(verb, "USER"):
		// User name, mode, unused, real name (RFC 2812, Section 3.1.3): others know USER with one parameter.
		_, rest = line.Word(rest)
		if len(rest) == 0 {
			return dissect.No
		}
		tell(out, "USER", "user", first)
	case line.Is(verb, "JOIN"):
		if !known {
			return dissect.No
		}
		tell(out, "JOIN", "channel", bytes.TrimPrefix(first, []byte(":")))
		if m.Scratch[0]++; m.Scratch[0] >= maxJoins {
			return dissect.Done
		}
	case line.Is(verb, "PASS") && known:
		out.AddString("auth.cleartext", "irc")
		out.FieldAddr("server", m.Dst.Addr())
	case line.Is(verb, "PRIVMSG") && known, line.Is(verb, "QUIT") && known:
		return dissect.Done
	}
	return dissect.Next
}

func tell(out *dissect.Facts, command, key string, argument []byte) {
	out.AddString("irc.command", command)
	out.Field(key, argument[:min(len(argument), maxWord)])
}
