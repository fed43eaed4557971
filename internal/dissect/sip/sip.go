// Package sip reads the first header of SIP (RFC 3261) in each direction: what software a telephone and its
// exchange are. Whom they call is passed over.
package sip

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const (
	version    = "SIP/2.0"
	maxHeaders = 128 // lines of one header
)

// Dissect reads requests and responses over UDP, until one names its software, or the first over TCP.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if !line.Opens(d) {
		return 0, dissect.No
	}
	s := line.Match(d, version+" ", "REGISTER SIP", "INVITE SIP", "INVITE TEL:", "OPTIONS SIP", "ACK SIP", "BYE SIP",
		"CANCEL SIP", "SUBSCRIBE SIP", "NOTIFY SIP", "PUBLISH SIP", "MESSAGE SIP", "INFO SIP", "PRACK SIP", "UPDATE SIP", "REFER SIP")
	wait := m.Stream && !m.Final
	if s == dissect.No || s == dissect.More && !wait {
		return 0, dissect.No
	}
	first, n := line.Cut(d)
	if n == 0 {
		if wait && len(d) < line.Max {
			return 0, dissect.More
		}
		return 0, dissect.No
	}
	response := line.Has(first, version)
	if !response && !bytes.HasSuffix(first, []byte(" "+version)) {
		return 0, dissect.No
	}
	agent, server, whole := software(d[n:])
	if !whole && wait {
		return 0, dissect.More
	}
	if len(agent) > 0 {
		out.Add("sip.user_agent", agent)
		tellMessage(first, response, out)
	}
	if len(server) > 0 {
		out.Add("sip.server", server)
		tellMessage(first, response, out)
	}
	if !m.Stream && len(agent)+len(server) == 0 {
		return len(d), dissect.Next
	}
	return len(d), dissect.Done
}

// software finds the two fields of the header b that name it, and whether the header's end is there.
func software(b []byte) (agent, server []byte, whole bool) {
	for range maxHeaders {
		l, n := line.Cut(b)
		if n == 0 {
			return agent, server, len(b) >= line.Max
		}
		if len(l) == 0 {
			return agent, server, true
		}
		b = b[n:]
		switch {
		case line.Has(l, "USER-AGENT"):
			agent = field(l)
		case line.Has(l, "SERVER"):
			server = field(l)
		}
	}
	return agent, server, true
}

// field is the value of the header field l, whose colon may have space before it (RFC 3261, Section 7.3.1).
func field(l []byte) []byte {
	name, value, ok := bytes.Cut(l, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	if !ok || !line.Is(name, "USER-AGENT") && !line.Is(name, "SERVER") {
		return nil
	}
	return bytes.TrimSpace(value)
}

func tellMessage(first []byte, response bool, out *dissect.Facts) {
	word, rest := line.Word(first)
	if !response {
		out.Field("method", word)
		return
	}
	status, _ := line.Word(rest)
	out.Field("status", status)
}
