// Package mail reads the clear beginning of SMTP (RFC 5321), POP3 (RFC 1939) and IMAP (RFC 9051): the
// greeting, and who logs in. Passwords are passed over, and letters are never looked at.
package mail

import (
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

// Dissect reads the greeting of a server, and the lines of a client until it goes about its letters or
// turns to TLS.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if !m.Stream || len(m.Scratch) == 0 && !line.Opens(m.Data) {
		return 0, dissect.No
	}
	c := client{m, out}
	if c.known() {
		if line.TLS(m.Data) {
			out.AddString("mail.starttls", "tls")
			out.FieldString("protocol", c.protocol().String())
			return 0, dissect.Done // what follows is another protocol's
		}
		return line.Each(m, true, c.says)
	}
	if s := line.Match(m.Data, "220 ", "220-", "+OK", "* OK ", "* PREAUTH "); s != dissect.No {
		if s == dissect.More && m.Final {
			return 0, dissect.No
		}
		return line.Each(m, false, func(l []byte) dissect.State { return greeting(l, m, out) })
	}
	p, s := opens(m.Data, m.Dst.Port())
	if s == dissect.No || s == dissect.More && m.Final {
		return 0, dissect.No
	}
	return line.Each(m, false, func(l []byte) dissect.State {
		if !c.known() {
			m.Scratch = append(m.Scratch[:0], byte(p), aCommand)
		}
		return c.says(l)
	})
}

type protocol byte

const (
	none protocol = 0
	smtp protocol = 's'
	pop3 protocol = 'p'
	imap protocol = 'i'
)

func (p protocol) String() string {
	switch p {
	case smtp:
		return "smtp"
	case pop3:
		return "pop3"
	case imap:
		return "imap"
	}
	return ""
}

// protocolOf is the protocol that has the port by assignment or, for SMTP, by custom.
func protocolOf(port uint16) protocol {
	switch port {
	case 25, 587, 2525:
		return smtp
	case 110:
		return pop3
	case 143:
		return imap
	}
	return none
}

// greeting reads the first line of a server. FTP greets as SMTP does, and other servers as POP3 does: the
// name or the port decides.
func greeting(l []byte, m *dissect.Message, out *dissect.Facts) dissect.State {
	p, said := none, 4
	switch {
	case line.Has(l, "220"):
		if line.Contains(l, "SMTP") || protocolOf(m.Src.Port()) == smtp && !line.Contains(l, "FTP") {
			p = smtp
		}
	case line.Has(l, "+OK"):
		if line.Contains(l, "POP") || protocolOf(m.Src.Port()) == pop3 {
			p = pop3
		}
	case line.Contains(l, "IMAP") || protocolOf(m.Src.Port()) == imap:
		_, text := line.Word(l[len("* "):])
		p, said = imap, len(l)-len(text)
	}
	if p == none || !line.Text(l) {
		return dissect.No
	}
	out.Add("mail.banner", l[min(said, len(l)):])
	out.FieldString("protocol", p.String())
	return dissect.Done
}

// opens tells which protocol a client speaks that begins with b, as far as has come. What POP3 shares
// with other protocols counts on its port only.
func opens(b []byte, port uint16) (protocol, dissect.State) {
	if s := line.Match(b, "EHLO ", "HELO ", "LHLO "); s != dissect.No {
		return smtp, s
	}
	if s := line.Match(b, "CAPA\r", "STLS\r", "APOP "); s != dissect.No {
		return pop3, s
	}
	if protocolOf(port) == pop3 {
		return pop3, line.Match(b, "USER ", "AUTH ")
	}
	// IMAP's commands follow a tag (RFC 9051, Section 2.2.1).
	const maxTag = 16
	for i, c := range b[:min(len(b), maxTag)] {
		switch {
		case c == ' ' && i > 0:
			return imap, line.Match(b[i+1:], "CAPABILITY\r", "LOGIN ", "AUTHENTICATE ", "STARTTLS\r", "ID (", "ID NIL\r")
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.':
		default:
			return none, dissect.No
		}
	}
	if len(b) < maxTag {
		return imap, dissect.More
	}
	return none, dissect.No
}
