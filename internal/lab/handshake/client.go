// Package handshake writes TLS and QUIC handshakes as they look on the wire, between a client and a server
// that are both played here, from a seeded source: the same seed gives the same octets. Keys, signatures
// and ciphertext are real, so that any other implementation can follow them with the key log.
package handshake

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"encoding/binary"
	"math/rand/v2"
)

// Protocol versions, RFC 8446, Section 4.1.2.
const (
	TLS10 = 0x0301
	TLS12 = 0x0303
	TLS13 = 0x0304
)

// Cipher suites and groups that both sides of this package can use; others can be offered.
const (
	ecdheRSAWithAES128SHA      = 0xc013
	ecdheECDSAWithAES128SHA256 = 0xc02b
	ecdheRSAWithAES128SHA256   = 0xc02f
	aes128SHA256               = 0x1301

	groupP256     = 23
	groupX25519   = 29
	groupX25519ML = 4588 // X25519MLKEM768

	signECDSA    = 0x0403 // with P-256 and SHA-256
	signRSA      = 0x0401 // PKCS #1 v1.5 with SHA-256
	compatibleCH = 0x0303 // legacy_version of everything since TLS 1.2
)

// Extensions of a ClientHello, IANA's "TLS ExtensionType Values".
const (
	extServerName    = 0
	extStatus        = 5
	extGroups        = 10
	extPointFormats  = 11
	extSignatures    = 13
	extALPN          = 16
	extSCT           = 18
	extMasterSecret  = 23
	extCompress      = 27
	extVersions      = 43
	extPSKModes      = 45
	extKeyShare      = 51
	extTransport     = 57
	extRenegotiation = 0xff01
	grease           = 0x0a0a // stands for one of the values of RFC 8701
)

// Client is what a TLS implementation offers, each list in its order on the wire. Where a list holds
// grease, a reserved value of RFC 8701 is put in its place.
type Client struct {
	Versions   []uint16 // newest first
	Ciphers    []uint16
	Groups     []uint16
	Shares     []uint16 // groups for which a key is sent at once (TLS 1.3)
	Signatures []uint16
	ALPN       []string
	Extensions []uint16 // those sent where they apply
}

// Embedded is the client of a small device: TLS 1.2 with few suites.
func Embedded() *Client {
	return &Client{
		Versions:   []uint16{TLS12},
		Ciphers:    []uint16{0xc02c, 0xc030, 0xc02b, 0xc02f, 0xc024, 0xc028, 0xc023, 0xc027, 0xc00a, 0xc014, 0xc009, 0xc013, 0x009d, 0x009c, 0x0035, 0x002f, 0x00ff},
		Groups:     []uint16{24, groupP256, 21, 19},
		Signatures: []uint16{0x0603, 0x0601, 0x0503, 0x0501, signECDSA, signRSA, 0x0303, 0x0301},
		Extensions: []uint16{extServerName, extSignatures, extGroups, extPointFormats, 22, extMasterSecret, 35},
	}
}

// Legacy is the client of a device nobody has updated since TLS 1.0.
func Legacy() *Client {
	return &Client{
		Versions:   []uint16{TLS10},
		Ciphers:    []uint16{0xc014, 0x0039, 0x0035, 0xc013, 0x0033, 0x002f, 0x0005, 0x0004, 0x0016, 0x000a, 0x00ff},
		Groups:     []uint16{groupP256, 24, 25},
		Extensions: []uint16{extServerName, extPointFormats, extGroups, 35, 15},
	}
}

// Library is the client of programs that use a common library as it comes.
func Library() *Client {
	return &Client{
		Versions:   []uint16{TLS13, TLS12},
		Ciphers:    []uint16{0x1302, 0x1303, aes128SHA256, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024, 0xc028, 0x006b, 0xc023, 0xc027, 0x0067, 0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0x00ff},
		Groups:     []uint16{groupX25519, groupP256, 30, 25, 24},
		Shares:     []uint16{groupX25519},
		Signatures: []uint16{signECDSA, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, signRSA, 0x0501, 0x0601},
		ALPN:       []string{"http/1.1"},
		Extensions: []uint16{extServerName, extPointFormats, extGroups, 35, extALPN, 22, extMasterSecret, extSignatures, extVersions, extPSKModes, extKeyShare},
	}
}

// Browser is the client of a phone or computer that offers a post-quantum key, so that its hello is too
// long for one datagram.
func Browser() *Client {
	return &Client{
		Versions:   []uint16{grease, TLS13, TLS12},
		Ciphers:    []uint16{grease, aes128SHA256, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		Groups:     []uint16{grease, groupX25519ML, groupX25519, groupP256, 24},
		Shares:     []uint16{grease, groupX25519ML, groupX25519},
		Signatures: []uint16{signECDSA, 0x0804, signRSA, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
		ALPN:       []string{"h2", "http/1.1"},
		Extensions: []uint16{grease, extServerName, extMasterSecret, extRenegotiation, extGroups, extPointFormats, 35, extALPN, extStatus, extSignatures, extSCT, extKeyShare, extPSKModes, extVersions, extCompress, grease},
	}
}

// Plain is c without its post-quantum key.
func Plain(c *Client) *Client {
	d := *c
	d.Groups = without(c.Groups, groupX25519ML)
	d.Shares = without(c.Shares, groupX25519ML)
	return &d
}

// overQUIC is c as it speaks over QUIC: TLS 1.3 only, HTTP/3, transport parameters.
func overQUIC(c *Client) *Client {
	d := *c
	d.Versions = []uint16{TLS13}
	d.Ciphers = nil
	for _, x := range c.Ciphers {
		if x>>8 == 0x13 {
			d.Ciphers = append(d.Ciphers, x)
		}
	}
	d.Groups, d.Shares = without(c.Groups, grease), without(c.Shares, grease)
	d.ALPN = []string{"h3"}
	d.Extensions = nil
	for _, x := range c.Extensions {
		switch x {
		case extServerName, extGroups, extALPN, extSignatures, extKeyShare, extPSKModes, extVersions, extCompress:
			d.Extensions = append(d.Extensions, x)
		}
	}
	d.Extensions = append(d.Extensions, extTransport)
	return &d
}

func without(list []uint16, x uint16) []uint16 {
	var out []uint16
	for _, v := range list {
		if v != x {
			out = append(out, v)
		}
	}
	return out
}

// offer is a ClientHello with the secrets behind it.
type offer struct {
	message []byte // the handshake message
	random  []byte
	session []byte
	keys    map[uint16]*ecdh.PrivateKey
}

func (c *Client) has(ext uint16) bool {
	for _, x := range c.Extensions {
		if x == ext {
			return true
		}
	}
	return false
}

// offer makes a ClientHello for the server called name, which may be empty.
func (c *Client) offer(r *rand.Rand, name string, transport []byte) *offer {
	o := &offer{random: octets(r, 32), keys: map[uint16]*ecdh.PrivateKey{
		groupX25519: must(ecdh.X25519().NewPrivateKey(octets(r, 32))),
		groupP256:   must(ecdh.P256().NewPrivateKey(octets(r, 32))),
	}}
	greased := func(v uint16) uint16 {
		if v == grease {
			x := uint16(r.IntN(16))<<4 | 0x0a
			return x<<8 | x
		}
		return v
	}
	list := func(in []uint16) []byte {
		var b []byte
		for _, v := range in {
			b = binary.BigEndian.AppendUint16(b, greased(v))
		}
		return b
	}

	body := binary.BigEndian.AppendUint16(nil, min(c.oldest(), compatibleCH))
	body = append(body, o.random...)
	if c.newest() == TLS13 && transport == nil {
		o.session = octets(r, 32) // RFC 8446, Appendix D.4
	}
	body = vector8(body, o.session)
	body = vector16(body, list(c.Ciphers))
	body = vector8(body, []byte{0})

	var exts []byte
	for i, ext := range c.Extensions {
		var data []byte
		switch ext {
		case grease:
			if i > 0 {
				data = []byte{0}
			}
		case extServerName:
			if name == "" {
				continue
			}
			data = vector16(nil, vector16([]byte{0}, []byte(name)))
		case extStatus:
			data = []byte{1, 0, 0, 0, 0}
		case extGroups:
			data = vector16(nil, list(c.Groups))
		case extPointFormats:
			data = []byte{1, 0}
		case extSignatures:
			data = vector16(nil, list(c.Signatures))
		case extALPN:
			var names []byte
			for _, p := range c.ALPN {
				names = vector8(names, []byte(p))
			}
			data = vector16(nil, names)
		case extCompress:
			data = []byte{2, 0, 2}
		case 15: // heartbeat, RFC 6520
			data = []byte{1}
		case extVersions:
			data = vector8(nil, list(c.Versions))
		case extPSKModes:
			data = []byte{1, 1}
		case extKeyShare:
			var shares []byte
			for _, g := range c.Shares {
				shares = binary.BigEndian.AppendUint16(shares, greased(g))
				switch g {
				case grease:
					shares = vector16(shares, []byte{0})
				case groupX25519ML:
					pq := must(mlkem.NewDecapsulationKey768(octets(r, mlkem.SeedSize)))
					shares = vector16(shares, append(pq.EncapsulationKey().Bytes(), o.keys[groupX25519].PublicKey().Bytes()...))
				default:
					shares = vector16(shares, o.keys[g].PublicKey().Bytes())
				}
			}
			data = vector16(nil, shares)
		case extTransport:
			data = transport
		case extRenegotiation:
			data = []byte{0}
		}
		exts = binary.BigEndian.AppendUint16(exts, greased(ext))
		exts = vector16(exts, data)
	}
	o.message = message(1, vector16(body, exts))
	return o
}

func (c *Client) newest() uint16 {
	for _, v := range c.Versions {
		if v != grease {
			return v
		}
	}
	return 0
}

func (c *Client) oldest() uint16 { return c.Versions[len(c.Versions)-1] }

func message(kind byte, body []byte) []byte {
	n := len(body)
	return append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func record(kind byte, version uint16, data []byte) []byte {
	return vector16([]byte{kind, byte(version >> 8), byte(version)}, data)
}

func vector8(b, data []byte) []byte { return append(append(b, byte(len(data))), data...) }

func vector16(b, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
}

func vector24(b, data []byte) []byte {
	n := len(data)
	return append(append(b, byte(n>>16), byte(n>>8), byte(n)), data...)
}

func octets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// must is for functions that fail only on keys of a wrong length, which are constants here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
