package smb

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/dissect"
)

const maxName = 256 // octets of a name that are told

// Flags of NTLM messages ([MS-NLMP], Section 2.2.2.5).
const (
	ntlmUnicode = 0x00000001
	ntlmVersion = 0x02000000
)

// ntlm reads the NTLM message in a security buffer ([MS-NLMP], Section 2.2.1): a challenge names the server,
// an answer the client.
func ntlm(b []byte, out *dissect.Facts) {
	i := bytes.Index(b, []byte("NTLMSSP\x00"))
	if i < 0 {
		return
	}
	b = b[i:]
	switch {
	case len(b) >= 48 && b[8] == 2:
		challenge(b, out)
	case len(b) >= 64 && b[8] == 3:
		flags := binary.LittleEndian.Uint32(b[60:])
		unicode := flags&ntlmUnicode != 0
		var room [maxName]byte
		if host := payload(b, 44); len(host) > 0 {
			out.Add("smb.hostname", decode(room[:0], host, unicode))
			out.FieldString("source", "ntlm")
			version(b, 64, flags, out)
		}
		if domain := payload(b, 28); len(domain) > 0 {
			out.Add("smb.domain", decode(room[:0], domain, unicode))
		}
	}
}

// challenge reads the names of the server from its attribute-value pairs ([MS-NLMP], Section 2.2.2.1).
func challenge(b []byte, out *dissect.Facts) {
	var host, domain, dnsHost, dnsDomain []byte
	for p := payload(b, 40); len(p) >= 4; {
		n := int(binary.LittleEndian.Uint16(p[2:]))
		if n > len(p)-4 {
			break
		}
		value := p[4 : 4+n]
		switch binary.LittleEndian.Uint16(p) {
		case 1:
			host = value
		case 2:
			domain = value
		case 3:
			dnsHost = value
		case 4:
			dnsDomain = value
		}
		p = p[4+n:]
	}
	var room [maxName]byte
	if len(host) > 0 {
		out.Add("smb.hostname", decode(room[:0], host, true))
		out.FieldString("source", "ntlm")
		if dns := decode(room[:0], dnsHost, true); len(dns) > 0 {
			out.Field("dns", dns)
		}
		version(b, 48, binary.LittleEndian.Uint32(b[20:]), out)
	}
	if len(domain) > 0 {
		out.Add("smb.domain", decode(room[:0], domain, true))
		if dns := decode(room[:0], dnsDomain, true); len(dns) > 0 {
			out.Field("dns", dns)
		}
	}
}

// payload is what the length and offset at the given place of the message point to.
func payload(b []byte, at int) []byte {
	if len(b) < at+8 {
		return nil
	}
	n, from := int(binary.LittleEndian.Uint16(b[at:])), binary.LittleEndian.Uint32(b[at+4:])
	if uint64(from)+uint64(n) > uint64(len(b)) {
		return nil
	}
	return b[from:][:n]
}

// version adds the version of the operating system, such as 10.0.19045 ([MS-NLMP], Section 2.2.2.10).
func version(b []byte, at int, flags uint32, out *dissect.Facts) {
	if flags&ntlmVersion == 0 || len(b) < at+8 || b[at] == 0 {
		return
	}
	var room [16]byte
	v := strconv.AppendUint(room[:0], uint64(b[at]), 10)
	v = strconv.AppendUint(append(v, '.'), uint64(b[at+1]), 10)
	v = strconv.AppendUint(append(v, '.'), uint64(binary.LittleEndian.Uint16(b[at+2:])), 10)
	out.Field("os", v)
}

// decode appends b to dst as UTF-8, up to the capacity of dst. What is not Unicode is taken as it is.
func decode(dst, b []byte, unicode bool) []byte {
	if !unicode {
		return append(dst, b[:min(len(b), cap(dst)-len(dst))]...)
	}
	for len(b) >= 2 && len(dst)+utf8.UTFMax <= cap(dst) {
		r := rune(binary.LittleEndian.Uint16(b))
		b = b[2:]
		if utf16.IsSurrogate(r) && len(b) >= 2 {
			r = utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(b)))
			b = b[2:]
		}
		if r == 0 { // some count the zero at the end
			break
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
