package tls

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"plimsoll.example/plimsoll/internal/dissect"
)

// AddFacts tells what the client's hello says.
func (h *ClientHello) AddFacts(t Transport, out *dissect.Facts) {
	if len(h.ServerName) > 0 {
		out.Add("tls.sni", h.ServerName)
		if h.EncryptedHello {
			out.FieldString("ech", "1")
		}
		addTransport(t, out)
	}

	addVersion(h.Newest(), "client", t, out)

	var buf [256]byte
	if names := appendProtocols(buf[:0], h.ALPN); len(names) > 0 {
		out.Add("tls.alpn", names)
		out.FieldString("side", "client")
		addTransport(t, out)
	}

	out.Add("tls.ja3", h.AppendJA3(buf[:0]))
	addTransport(t, out)
	out.Add("tls.ja4", h.AppendJA4(buf[:0], t))
	addTransport(t, out)
	h.addOffer(t, out)

	var weak weakness
	for c := range pairs(h.Ciphers) {
		weak |= weaknesses(c)
	}
	if weak != 0 {
		out.Add("tls.weak_ciphers", weak.appendTo(buf[:0]))
		addTransport(t, out)
	}
}

// addOffer tells what the client offers, parameter by parameter: what RFC 9761, Section 5 lets a MUD file restrict.
// Numbers are written as in JA4, in hexadecimal with hyphens between them, in the order of the hello and less GREASE.
func (h *ClientHello) addOffer(t Transport, out *dissect.Facts) {
	var c codes
	for v := range pairs(h.Versions) {
		c.add(v)
	}
	if c.n == 0 {
		c.add(h.Version)
	}
	out.Add("tls.offer", c.take())
	for _, x := range [...]struct {
		key   string
		pairs []byte
	}{
		{"ciphers", h.Ciphers},
		{"groups", h.Groups},
		{"signatures", h.SignatureSchemes},
		{"certificate_signatures", h.CertSchemes},
		{"certificate_compression", h.CertCompression},
	} {
		for v := range pairs(x.pairs) {
			c.add(v)
		}
		c.field(x.key, out)
	}
	for v := range extensions(h.Extensions) {
		c.add(v)
	}
	c.field("extensions", out)
	for _, v := range h.PSKModes {
		c.add(uint16(v))
	}
	c.field("psk_modes", out)
	var buf [dissect.MaxValue]byte
	if names := appendProtocols(buf[:0], h.ALPN); len(names) > 0 {
		out.Field("protocols", names)
	}
	if c.cut {
		out.FieldString("cut", "1")
	}
	addTransport(t, out)
}

// codes is a list of numbers as a fact has it.
type codes struct {
	text [dissect.MaxValue]byte
	n    int
	cut  bool // there were more than fit
}

func (c *codes) add(v uint16) {
	switch {
	case isGREASE(v):
	case c.n+5 > len(c.text):
		c.cut = true
	default:
		if c.n > 0 {
			c.text[c.n] = '-'
			c.n++
		}
		c.n = len(appendHex(c.text[:c.n], v))
	}
}

// take empties the list.
func (c *codes) take() []byte {
	list := c.text[:c.n]
	c.n = 0
	return list
}

func (c *codes) field(key string, out *dissect.Facts) {
	if list := c.take(); len(list) > 0 {
		out.Field(key, list)
	}
}

// AddFacts tells what the server's hello says.
func (h *ServerHello) AddFacts(t Transport, out *dissect.Facts) {
	var buf [64]byte
	addVersion(h.Version, "server", t, out)

	if name := cipherName(h.Cipher); name != "" {
		out.AddString("tls.cipher", name)
	} else {
		out.Add("tls.cipher", appendCode(buf[:0], h.Cipher))
	}
	if weak := weaknesses(h.Cipher); weak != 0 {
		out.Field("weak", weak.appendTo(buf[:0]))
	}
	addTransport(t, out)

	if len(h.ALPN) > 0 {
		out.Add("tls.alpn", h.ALPN)
		out.FieldString("side", "server")
		addTransport(t, out)
	}
	out.Add("tls.ja3s", h.AppendJA3S(buf[:0]))
	addTransport(t, out)
}

// addCertificate tells what a certificate says of its owner.
func addCertificate(der []byte, side string, t Transport, out *dissect.Facts) {
	var c Certificate
	err := ParseCertificate(der, &c)

	var buf [512]byte
	names := c.appendDNSNames(buf[:0], len(buf))
	subject := c.Subject.CommonName
	if len(subject) == 0 {
		subject = firstName(names)
	}
	if len(subject) == 0 {
		subject = c.Subject.Organization
	}
	out.Add("tls.certificate", subject)
	out.FieldString("side", side)
	addTransport(t, out)
	sum := sha256.Sum256(der)
	var digits [2 * sha256.Size]byte
	out.Field("sha256", hex.AppendEncode(digits[:0], sum[:]))
	short := sha1.Sum(der) // by which lists of bad certificates name them
	out.Field("sha1", hex.AppendEncode(digits[:0], short[:]))
	if err != nil {
		out.FieldString("error", err.Error())
		return
	}
	out.Field("issuer", c.Issuer.text())
	addTime("not_before", c.NotBefore, out)
	addTime("not_after", c.NotAfter, out)
	if c.SelfIssued {
		out.FieldString("self_signed", "1")
	}
	if len(names) > 0 {
		out.Field("names", names)
	}
	out.Field("key", c.appendKey(digits[:0]))
	if s := c.signatureName(); s != "" {
		out.FieldString("signature", s)
	}
	if len(c.Subject.Organization) > 0 {
		out.Field("organization", c.Subject.Organization)
	}
	if len(c.Issuer.Organization) > 0 {
		out.Field("issuer_organization", c.Issuer.Organization)
	}
}

func firstName(names []byte) []byte {
	for i, c := range names {
		if c == ',' {
			return names[:i]
		}
	}
	return names
}

func addTime(key string, t time.Time, out *dissect.Facts) {
	if t.IsZero() {
		return
	}
	var buf [32]byte
	out.Field(key, t.UTC().AppendFormat(buf[:0], time.RFC3339))
}

func addVersion(v uint16, side string, t Transport, out *dissect.Facts) {
	if name := versionName(v); name != "" {
		out.AddString("tls.version", name)
	} else {
		var buf [6]byte
		out.Add("tls.version", appendCode(buf[:0], v))
	}
	out.FieldString("side", side)
	addTransport(t, out)
}

// addTransport says what carries the handshake, where it is not TCP.
func addTransport(t Transport, out *dissect.Facts) {
	switch t {
	case QUIC:
		out.FieldString("transport", "quic")
	case DTLS:
		out.FieldString("transport", "dtls")
	}
}

// appendProtocols appends the names of an ALPN list with commas between them, as many as fit in dst,
// less GREASE (RFC 8701, Section 2).
func appendProtocols(dst, list []byte) []byte {
	for len(list) > 0 {
		n := 1 + int(list[0])
		if n > len(list) || len(dst)+n > cap(dst) {
			break
		}
		name := list[1:n]
		list = list[n:]
		if len(name) == 2 && name[0] == name[1] && name[0]&0x0f == 0x0a {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, name...)
	}
	return dst
}
