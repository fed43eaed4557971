package mail

import (
	"bytes"
	"encoding/base64"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

// client is the state of a client, which lives in Message.Scratch: the protocol, what its next line is, and
// the user name that it has given.
type client struct {
	m   *dissect.Message
	out *dissect.Facts
}

const (
	header  = 2   // octets of Scratch before the user name
	maxUser = 64  // octets of a user name that are told
	maxAuth = 512 // octets of base64 that are decoded, a multiple of 4
)

// What a client's next line is.
const (
	aCommand  = 'c'
	aUser     = 'u' // user name in base64, after AUTH LOGIN
	aPassword = 'w' // password in base64
	aPlain    = 'p' // the message of RFC 4616, in base64
	aBearer   = 'b' // a bearer token, in base64 (RFC 7628)
	aProof    = 'd' // something that does not give the password away
	aLiteral  = 'l' // IMAP: the user name as a literal (RFC 9051, Section 4.3)
)

func (c client) known() bool        { return len(c.m.Scratch) >= header }
func (c client) protocol() protocol { return protocol(c.m.Scratch[0]) }
func (c client) expect(next byte)   { c.m.Scratch[1] = next }

func (c client) setUser(user []byte) {
	c.m.Scratch = append(c.m.Scratch[:header], user[:min(len(user), maxUser)]...)
}

// loggedIn tells that the password has gone over the wire.
func (c client) loggedIn() dissect.State {
	c.out.AddString("auth.cleartext", c.protocol().String())
	if user := c.m.Scratch[header:]; len(user) > 0 {
		c.out.Field("user", user)
	}
	c.out.FieldAddr("server", c.m.Dst.Addr())
	c.expect(aCommand)
	return dissect.Next
}

func (c client) says(l []byte) dissect.State {
	if !line.Text(l) {
		return dissect.No
	}
	if next := c.m.Scratch[1]; next != aCommand {
		c.expect(aCommand)
		if len(l) == 0 || l[0] == '*' { // given up (RFC 4954, Section 4)
			return dissect.Next
		}
		return c.answers(next, l)
	}
	verb, argument := line.Word(l)
	if c.protocol() == imap {
		verb, argument = line.Word(argument)
	}
	switch {
	case line.Is(verb, "AUTH"), line.Is(verb, "AUTHENTICATE"):
		return c.authenticates(line.Word(argument))
	case c.protocol() == imap:
		return c.imapCommand(verb, argument)
	case c.protocol() == pop3:
		return c.pop3Command(verb, argument)
	case line.Is(verb, "EHLO"), line.Is(verb, "HELO"), line.Is(verb, "LHLO"):
		c.out.Add("mail.helo", argument)
	case line.Is(verb, "DATA"), line.Is(verb, "BDAT"), line.Is(verb, "QUIT"):
		return dissect.Done
	}
	return dissect.Next
}

func (c client) pop3Command(verb, argument []byte) dissect.State {
	switch {
	case line.Is(verb, "USER"):
		c.setUser(argument)
	case line.Is(verb, "PASS"):
		return c.loggedIn()
	case line.Is(verb, "STAT"), line.Is(verb, "LIST"), line.Is(verb, "UIDL"), line.Is(verb, "RETR"), line.Is(verb, "QUIT"):
		return dissect.Done
	}
	return dissect.Next
}

func (c client) imapCommand(verb, argument []byte) dissect.State {
	switch {
	case line.Is(verb, "LOGIN"):
		if len(argument) > 0 && argument[0] == '{' {
			c.expect(aLiteral)
			return dissect.Next
		}
		c.setUser(astring(argument))
		return c.loggedIn()
	case line.Is(verb, "SELECT"), line.Is(verb, "EXAMINE"), line.Is(verb, "LIST"), line.Is(verb, "LOGOUT"):
		return dissect.Done
	}
	return dissect.Next
}

// astring is the first string of b, quoted or not (RFC 9051, Section 4.3).
func astring(b []byte) []byte {
	if len(b) > 0 && b[0] == '"' {
		s := b[1:]
		if end := bytes.IndexByte(s, '"'); end >= 0 {
			s = s[:end]
		}
		return s
	}
	s, _ := line.Word(b)
	return s
}

// authenticates begins an exchange of RFC 4422, whose first message may come with the command.
func (c client) authenticates(mechanism, first []byte) dissect.State {
	if len(mechanism) == 0 {
		return dissect.Next // POP3: which are there?
	}
	c.setUser(nil)
	var next byte = aProof
	switch {
	case line.Is(mechanism, "PLAIN"):
		next = aPlain
	case line.Is(mechanism, "LOGIN"):
		next = aUser
	case line.Is(mechanism, "XOAUTH2"), line.Is(mechanism, "OAUTHBEARER"):
		next = aBearer
	}
	if len(first) > 0 {
		return c.answers(next, first)
	}
	c.expect(next)
	return dissect.Next
}

// answers reads a line of an exchange.
func (c client) answers(kind byte, l []byte) dissect.State {
	if kind == aLiteral {
		c.setUser(astring(l))
		return c.loggedIn()
	}
	var room [maxAuth / 4 * 3]byte
	n, err := base64.StdEncoding.Decode(room[:], l[:min(len(l), maxAuth)])
	message := room[:n]
	if err != nil || kind == aUser && !line.Text(message) {
		return dissect.Next // the server refused the exchange: this is the next command
	}
	switch kind {
	case aUser:
		c.setUser(message)
		c.expect(aPassword)
	case aPassword:
		return c.loggedIn()
	case aPlain:
		if _, rest, ok := bytes.Cut(message, []byte{0}); ok { // authorisation identity, user, password
			user, _, _ := bytes.Cut(rest, []byte{0})
			c.setUser(user)
			return c.loggedIn()
		}
	case aBearer:
		if _, rest, ok := bytes.Cut(message, []byte("user=")); ok {
			user, _, _ := bytes.Cut(rest, []byte{1})
			c.setUser(user)
		}
		return c.loggedIn()
	}
	return dissect.Next
}
