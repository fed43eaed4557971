// Package ftp reads the control connection of FTP (RFC 959): who serves, who logs in, and which files
// are asked for. Passwords are passed over.
package ftp

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const (
	port    = 21
	maxUser = 64 // octets of a user name that are told
)

// Message.Scratch begins with one of these once a direction is known to be FTP; the client's goes on with
// the user name that was given last.
const (
	client  = 'c'
	server  = 's'
	greeted = 'g' // the server, its banner told
)

// Dissect reads the lines of either side until the connection turns to TLS (RFC 4217).
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if !m.Stream || len(m.Scratch) == 0 && !line.Opens(m.Data) {
		return 0, dissect.No
	}
	var from byte
	if len(m.Scratch) > 0 {
		from = m.Scratch[0]
		if line.TLS(m.Data) {
			if from == client {
				out.AddString("ftp.starttls", "tls")
			}
			return 0, dissect.Done // what follows is another protocol's
		}
	} else {
		s := line.Match(m.Data, "220 ", "220-")
		from = server
		if s == dissect.No {
			from, s = client, opens(m)
		}
		if s == dissect.No || s == dissect.More && m.Final {
			return 0, dissect.No
		}
	}
	return line.Each(m, len(m.Scratch) > 0, func(l []byte) dissect.State {
		if from == client {
			return command(l, m, out)
		}
		return reply(l, m, out)
	})
}

// opens says whether m begins with a command that clients of FTP begin with and others do not. POP3 and IRC
// know USER too: the one has a port of its own, the other more than one parameter.
func opens(m *dissect.Message) dissect.State {
	s := line.Match(m.Data, "USER ", "AUTH TLS", "AUTH SSL", "FEAT\r", "OPTS ", "CLNT ")
	if s == dissect.Next && line.Has(m.Data, "USER ") {
		l, _ := line.Cut(m.Data)
		_, user := line.Word(l)
		if bytes.IndexByte(user, ' ') >= 0 || m.Dst.Port() == 110 {
			return dissect.No
		}
	}
	if s == dissect.No && m.Dst.Port() == port {
		// Its beginning was not seen.
		return line.Match(m.Data, "PASS ", "SYST\r", "TYPE ", "PASV\r", "EPSV", "PORT ", "RETR ", "STOR ", "CWD ", "PWD\r", "LIST")
	}
	return s
}

func command(l []byte, m *dissect.Message, out *dissect.Facts) dissect.State {
	if !line.Text(l) {
		return dissect.No
	}
	if len(m.Scratch) == 0 {
		m.Scratch = append(m.Scratch, client)
	}
	verb, argument := line.Word(l)
	if len(verb) != 4 {
		return dissect.Next
	}
	switch {
	case line.Is(verb, "USER"):
		user := argument[:min(len(argument), maxUser)]
		m.Scratch = append(m.Scratch[:1], user...)
		out.Add("ftp.user", user)
	case line.Is(verb, "PASS"):
		user := m.Scratch[1:]
		if line.Is(user, "ANONYMOUS") || line.Is(user, "FTP") { // RFC 1635: no secret
			break
		}
		out.AddString("auth.cleartext", "ftp")
		if len(user) > 0 {
			out.Field("user", user)
		}
		out.FieldAddr("server", m.Dst.Addr())
	case line.Is(verb, "RETR"), line.Is(verb, "STOR"), line.Is(verb, "STOU"), line.Is(verb, "APPE"), line.Is(verb, "DELE"):
		out.Add("ftp.file", argument)
		out.Field("op", verb)
	}
	return dissect.Next
}

func reply(l []byte, m *dissect.Message, out *dissect.Facts) dissect.State {
	if !line.Text(l) {
		return dissect.No
	}
	said := l
	if len(l) >= 4 && (l[3] == ' ' || l[3] == '-') {
		said = l[4:]
	}
	if len(m.Scratch) == 0 {
		if len(said) == len(l) || m.Src.Port() != port && (!line.Contains(l, "FTP") || line.Contains(l, "SMTP")) {
			return dissect.No
		}
		m.Scratch = append(m.Scratch, server)
	}
	if m.Scratch[0] == server { // the first line of the greeting that is more than a ruler
		if banner := bytes.Trim(said, " -=*#"); len(banner) > 0 {
			out.Add("ftp.banner", banner)
			m.Scratch[0] = greeted
		}
		return dissect.Next
	}
	if line.Has(l, "530 ") || line.Has(l, "530-") { // not logged in
		out.About(m.DstMAC)
		out.AddString("auth.refused", "ftp")
		out.About(m.SrcMAC)
	}
	if line.Has(l, "215 ") { // the answer to SYST (RFC 959, Section 5.4)
		out.Add("ftp.system", said)
	}
	return dissect.Next
}
