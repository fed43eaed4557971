package tls

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

// Extensions that are read here (IANA "TLS ExtensionType Values").
const (
	extServerName          = 0x0000
	extSupportedGroups     = 0x000a
	extPointFormats        = 0x000b
	extSignatureAlgorithms = 0x000d
	extALPN                = 0x0010
	extCompressCertificate = 0x001b // RFC 8879
	extSupportedVersions   = 0x002b
	extPSKModes            = 0x002d
	extSignatureCert       = 0x0032
	extTransportParameters = 0x0039 // RFC 9001, Section 8.2
	extDraftParameters     = 0xffa5 // the same in the drafts of QUIC
	extEncryptedHello      = 0xfe0d // RFC 9849
)

var errHello = errors.New("malformed hello")

// ClientHello is a ClientHello message (RFC 8446, Section 4.1.2; RFC 6347, Section 4.2.1). Its slices alias
// the message, hold what lies inside the length fields, and are nil where there is nothing.
type ClientHello struct {
	Version          uint16 // legacy_version
	Random           []byte
	SessionID        []byte
	Cookie           []byte // DTLS only
	Ciphers          []byte // pairs of octets
	Extensions       []byte // all of them, in order
	ServerName       []byte // the first host_name
	ALPN             []byte // names, each after an octet with its length
	Groups           []byte // pairs of octets
	PointFormats     []byte
	SignatureSchemes []byte // pairs of octets
	CertSchemes      []byte // signature_algorithms_cert, pairs of octets
	CertCompression  []byte // pairs of octets
	PSKModes         []byte // psk_key_exchange_modes, an octet each
	Versions         []byte // supported_versions, pairs of octets
	Transport        []byte // the transport parameters of QUIC
	HasServerName    bool   // the extension is there, though it may be empty
	EncryptedHello   bool   // an encrypted_client_hello is there; only its server knows whether it is GREASE
}

// ParseClientHello reads the body of a ClientHello, which is what follows the header of the handshake
// message. Extensions are read as far as they are well-formed.
func ParseClientHello(b []byte, h *ClientHello) error {
	*h = ClientHello{}
	s := cryptobyte.String(b)
	if !s.ReadUint16(&h.Version) || !s.ReadBytes(&h.Random, 32) || !read8(&s, &h.SessionID) {
		return errHello
	}
	if isDTLS(h.Version) && !read8(&s, &h.Cookie) {
		return errHello
	}
	var compression []byte
	if !read16(&s, &h.Ciphers) || len(h.Ciphers)%2 != 0 || !read8(&s, &compression) {
		return errHello
	}
	if s.Empty() {
		return nil // extensions came with RFC 3546
	}
	if !read16(&s, &h.Extensions) {
		return errHello
	}
	list := cryptobyte.String(h.Extensions)
	var kind uint16
	var body cryptobyte.String
	for list.ReadUint16(&kind) && list.ReadUint16LengthPrefixed(&body) {
		h.extension(kind, body)
	}
	return nil
}

// extension takes what is wanted from one extension. One that is malformed counts as empty: it is
// still part of the fingerprints.
func (h *ClientHello) extension(kind uint16, body cryptobyte.String) {
	switch kind {
	case extServerName:
		h.HasServerName = true
		var list, name []byte
		var kind uint8
		if read16(&body, &list) {
			body = list
			if body.ReadUint8(&kind) && kind == 0 && read16(&body, &name) {
				h.ServerName = name
			}
		}
	case extALPN:
		read16(&body, &h.ALPN)
	case extSupportedGroups:
		read16(&body, &h.Groups)
	case extPointFormats:
		read8(&body, &h.PointFormats)
	case extSignatureAlgorithms:
		read16(&body, &h.SignatureSchemes)
	case extSignatureCert:
		read16(&body, &h.CertSchemes)
	case extCompressCertificate:
		read8(&body, &h.CertCompression)
	case extPSKModes:
		read8(&body, &h.PSKModes)
	case extSupportedVersions:
		read8(&body, &h.Versions)
	case extTransportParameters, extDraftParameters:
		h.Transport = body
	case extEncryptedHello:
		h.EncryptedHello = true
	}
}

// Newest is the newest version that the client offers.
func (h *ClientHello) Newest() uint16 { return h.highest(newer) }

// highest is the offered version that comes before none in an order.
func (h *ClientHello) highest(after func(a, b uint16) bool) uint16 {
	var best uint16
	for v := range pairs(h.Versions) {
		if !isGREASE(v) && (best == 0 || after(v, best)) {
			best = v
		}
	}
	if best == 0 {
		return h.Version
	}
	return best
}

// ServerHello is a ServerHello message, or the HelloRetryRequest that has its form
// (RFC 8446, Section 4.1.3). Its slices alias the message.
type ServerHello struct {
	Legacy     uint16 // legacy_version
	Version    uint16 // chosen: what supported_versions says, else the legacy_version
	Cipher     uint16 // chosen
	Random     []byte
	Extensions []byte // all of them, in order
	ALPN       []byte // the chosen name
	Retry      bool   // a HelloRetryRequest
}

// helloRetry is the Random of a HelloRetryRequest: the SHA-256 of that word (RFC 8446, Section 4.1.3).
var helloRetry = [32]byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// ParseServerHello reads the body of a ServerHello, which is what follows the header of the handshake message.
func ParseServerHello(b []byte, h *ServerHello) error {
	*h = ServerHello{}
	s := cryptobyte.String(b)
	var session []byte
	var compression uint8
	if !s.ReadUint16(&h.Legacy) || !s.ReadBytes(&h.Random, 32) {
		return errHello
	}
	h.Version = h.Legacy
	if isDraft13(h.Version) { // up to draft 21 it was a shorter message
		if !s.ReadUint16(&h.Cipher) {
			return errHello
		}
	} else if !read8(&s, &session) || !s.ReadUint16(&h.Cipher) || !s.ReadUint8(&compression) {
		return errHello
	}
	h.Retry = bytes.Equal(h.Random, helloRetry[:])
	if s.Empty() {
		return nil
	}
	if !read16(&s, &h.Extensions) {
		return errHello
	}
	list := cryptobyte.String(h.Extensions)
	var kind uint16
	var body cryptobyte.String
	for list.ReadUint16(&kind) && list.ReadUint16LengthPrefixed(&body) {
		switch kind {
		case extSupportedVersions:
			body.ReadUint16(&h.Version)
		case extALPN:
			var names []byte
			if read16(&body, &names) {
				body = names
				read8(&body, &h.ALPN)
			}
		}
	}
	return nil
}

// read8 takes octets that follow one with their number.
func read8(s *cryptobyte.String, out *[]byte) bool {
	return s.ReadUint8LengthPrefixed((*cryptobyte.String)(out))
}

// read16 takes octets that follow two with their number.
func read16(s *cryptobyte.String, out *[]byte) bool {
	return s.ReadUint16LengthPrefixed((*cryptobyte.String)(out))
}

// pairs are the 16-bit numbers in b.
func pairs(b []byte) func(yield func(uint16) bool) {
	return func(yield func(uint16) bool) {
		for ; len(b) >= 2; b = b[2:] {
			if !yield(binary.BigEndian.Uint16(b)) {
				return
			}
		}
	}
}

// extensions are the types of the extensions in the list b, up to where it is malformed.
func extensions(b []byte) func(yield func(uint16) bool) {
	return func(yield func(uint16) bool) {
		for len(b) >= 4 {
			n := 4 + int(binary.BigEndian.Uint16(b[2:]))
			if n > len(b) || !yield(binary.BigEndian.Uint16(b)) {
				return
			}
			b = b[n:]
		}
	}
}

// isGREASE reports whether v is one of the values that clients send to keep servers tolerant
// (RFC 8701, Section 2).
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }
