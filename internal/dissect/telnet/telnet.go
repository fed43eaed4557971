// Package telnet reads what a Telnet server says before and while it asks for a name and a password
// (RFC 854): its banner and prompts, and the user name as the server echoes it. What the client types is
// never read, because it may be a password; passwords are not echoed.
package telnet

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

// Commands (RFC 854).
const (
	se   = 240
	sb   = 250
	dont = 254
	iac  = 255
)

const maxSub = 512 // octets of one subnegotiation

// Dissect reads one direction of a Telnet connection. It is known by its negotiation or, on a Telnet port,
// by being text.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if !m.Stream || len(m.Data) == 0 {
		return 0, dissect.No
	}
	if len(m.Scratch) == 0 {
		if s := recognise(m); s != dissect.Next {
			return 0, s
		}
		if !fromServer(m) {
			return len(m.Data), dissect.Done
		}
	}
	var d dialogue
	d.load(m.Scratch)
	n := 0
	for n < len(m.Data) && !d.over {
		if m.Data[n] != iac {
			d.octet(m.Data[n], m, out)
			n++
			continue
		}
		size := command(m.Data[n:])
		if size == 0 && !m.Final && len(m.Data)-n < maxSub {
			break // the rest of the command is to come
		}
		n += max(size, 1)
	}
	if n == 0 {
		return 0, dissect.More
	}
	d.pause(out)
	if m.Final || d.over {
		return len(m.Data), dissect.Done
	}
	m.Scratch = d.save(m.Scratch[:0])
	return n, dissect.Next
}

func recognise(m *dissect.Message) dissect.State {
	d := m.Data
	known := isPort(m.Src.Port()) || isPort(m.Dst.Port())
	if d[0] != iac {
		if !known || !fromServer(m) || !line.Text(d[:min(len(d), maxText)]) || foreign(d) {
			return dissect.No
		}
		return dissect.Next
	}
	if len(d) < 3 {
		if m.Final || len(d) == 2 && (d[1] < sb || d[1] > dont) {
			return dissect.No
		}
		return dissect.More
	}
	// Away from its port one command could be chance, unless nothing or another one follows.
	if !negotiates(d) || !known && len(d) > 3 && !negotiates(d[max(command(d), 3):]) {
		return dissect.No
	}
	return dissect.Next
}

func isPort(p uint16) bool { return p == 23 || p == 2323 }

// fromServer reports whether the sender is the side that asks for names and passwords.
func fromServer(m *dissect.Message) bool {
	if src, dst := isPort(m.Src.Port()), isPort(m.Dst.Port()); src != dst {
		return src
	}
	return !m.FromInitiator
}

// foreign reports whether d begins as other servers do that people hide on Telnet's port.
func foreign(d []byte) bool {
	for _, magic := range [...]string{"SSH-", "HTTP/", "RFB ", "220 ", "220-", "<"} {
		if line.Has(d, magic) {
			return true
		}
	}
	return false
}

// negotiates reports whether b begins with WILL, WONT, DO, DONT or SB and an option that exists (IANA,
// Telnet Options).
func negotiates(b []byte) bool {
	return len(b) >= 3 && b[0] == iac && b[1] >= sb && b[1] <= dont &&
		(b[2] <= 49 || b[2] >= 138 && b[2] <= 140)
}

// command is the length of the command that b begins with, or 0 if its end has not come.
func command(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case b[1] == sb:
		i := bytes.Index(b[:min(len(b), maxSub)], []byte{iac, se})
		if i < 0 {
			return 0
		}
		return i + 2
	case b[1] > sb && b[1] <= dont:
		if len(b) < 3 {
			return 0
		}
		return 3
	}
	return 2
}
