package smb

import (
	"bytes"
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

const header1 = 32 + 1 + 2 // header, word count, byte count ([MS-CIFS], Section 2.2.3)

// Commands of version 1.
const (
	negotiate1    = 0x72
	sessionSetup1 = 0x73
)

// message1 is a message of version 1 in its parts.
type message1 struct {
	response bool
	unicode  bool
	words    []byte // parameters
	data     []byte // after the parameters; it begins at an odd offset
}

func smb1(b []byte, out *dissect.Facts) dissect.State {
	command := b[4]
	if command != negotiate1 && command != sessionSetup1 {
		return dissect.Done
	}
	p := message1{
		response: b[9]&0x80 != 0,
		unicode:  binary.LittleEndian.Uint16(b[10:])&0x8000 != 0,
	}
	words := 2 * int(b[32])
	if 33+words+2 > len(b) {
		return dissect.Done
	}
	p.words, p.data = b[33:33+words], b[33+words+2:]
	switch {
	case command == sessionSetup1:
		p.sessionSetup(out)
	case p.response:
		p.dialect(out)
	default:
		p.dialects(out)
	}
	return dissect.Next
}

// dialects reads what a client offers: names, each after a 2 and with a zero at its end.
func (p *message1) dialects(out *dissect.Facts) {
	var room [256]byte
	offered, last := room[:0], []byte(nil)
	for d := p.data; len(d) > 1 && d[0] == 2; {
		name, rest, ok := bytes.Cut(d[1:], []byte{0})
		if !ok || len(name) > 32 || len(offered)+len(name) > len(room)-1 {
			break
		}
		if len(offered) > 0 {
			offered = append(offered, ',')
		}
		offered, last, d = append(offered, name...), name, rest
	}
	if len(last) == 0 {
		return
	}
	// The later ones are preferred. Those of version 2 are named as in the answers to come.
	switch string(last) {
	case "SMB 2.002":
		last = []byte("2.0.2")
	case "SMB 2.???":
		last = []byte("2.???")
	}
	out.Add("smb.dialect", last)
	out.FieldString("side", "client")
	out.Field("offered", offered)
}

// dialect reads what the server chose. It gives the place in the client's list; the number of parameters
// tells the family ([MS-CIFS], Section 2.2.4.52.2).
func (p *message1) dialect(out *dissect.Facts) {
	if len(p.words) < 2 || binary.LittleEndian.Uint16(p.words) == 0xffff {
		return
	}
	switch len(p.words) / 2 {
	case 1:
		out.AddString("smb.dialect", "PC NETWORK PROGRAM 1.0")
		out.FieldString("side", "server")
	case 13:
		out.AddString("smb.dialect", "LANMAN")
		out.FieldString("side", "server")
	case 17:
		out.AddString("smb.dialect", "NT LM 0.12")
		out.FieldString("side", "server")
		out.FieldString("signing", signing(p.words[2]>>2))
		p.names(out)
	}
}

// names reads the domain and the server that follow the challenge, where security is not extended.
func (p *message1) names(out *dissect.Facts) {
	extended := binary.LittleEndian.Uint32(p.words[19:])&0x80000000 != 0
	if key := int(p.words[33]); !extended && key <= len(p.data) {
		domain, rest := p.text(p.data[key:])
		host, _ := p.text(rest)
		p.add(out, "smb.domain", domain)
		if p.add(out, "smb.hostname", host) {
			out.FieldString("source", "negotiate")
		}
	}
}

// sessionSetup reads the native systems of either side, and the message of NTLM where there is one.
func (p *message1) sessionSetup(out *dissect.Facts) {
	skip, names := 0, 0
	switch n := len(p.words) / 2; {
	case p.response && n == 3: // texts: system, LAN manager, domain
	case p.response && n == 4:
		skip = p.word(6)
		ntlm(p.data[:min(skip, len(p.data))], out)
	case !p.response && n == 12:
		skip = p.word(14)
		ntlm(p.data[:min(skip, len(p.data))], out)
	case !p.response && n == 13: // texts: user, domain, system, LAN manager
		skip, names = p.word(14)+p.word(16), 2
	case !p.response && n == 10:
		skip, names = p.word(14), 2
	default:
		return
	}
	if skip > len(p.data) {
		return
	}
	rest := p.data[skip:]
	if p.unicode && skip%2 == 0 && len(rest) > 0 {
		rest = rest[1:] // text is aligned to two octets
	}
	if names > 0 {
		var domain []byte
		_, rest = p.text(rest)
		domain, rest = p.text(rest)
		p.add(out, "smb.domain", domain)
	}
	system, rest := p.text(rest)
	manager, _ := p.text(rest)
	if p.add(out, "smb.native_os", system) {
		var room [maxName]byte
		out.Field("lanman", decode(room[:0], manager, p.unicode))
		out.FieldString("side", side(p.response))
	}
}

func (p *message1) word(at int) int { return int(binary.LittleEndian.Uint16(p.words[at:])) }

// text is the first text of b, without its zero, and what follows.
func (p *message1) text(b []byte) (text, rest []byte) {
	if !p.unicode {
		text, rest, _ = bytes.Cut(b, []byte{0})
		return text, rest
	}
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return b[:i], b[i+2:]
		}
	}
	return b, nil
}

func (p *message1) add(out *dissect.Facts, name string, text []byte) bool {
	if len(text) == 0 {
		return false
	}
	var room [maxName]byte
	out.Add(name, decode(room[:0], text, p.unicode))
	return true
}
