package policy

import (
	"fmt"
	"slices"

	"plimsoll.example/plimsoll/mud"
)

// Hello is what a device offered in a ClientHello, and how often it did. Its numbers are those of IANA's TLS
// registries.
type Hello struct {
	DTLS            bool
	Versions        []uint16
	Ciphers         []uint16
	Extensions      []uint16
	Groups          []uint16
	Signatures      []uint16
	CertSignatures  []uint16
	CertCompression []uint16
	PSKModes        []uint16
	Protocols       []string
	Cut             bool // there was more than is kept

	Count       uint64
	First, Last int64 // capture time, ns
	Number      uint64
	File        uint16
}

// greets decides what the policy does with a conversation, once its hello was seen: an entry whose profiles the hello
// does not fit does not match (RFC 9761 §5). Of the first such one, it tells the number and what does not fit.
func (p *Policy) greets(q *Packet, at int64, h *Hello) (a Action, entry int32, differs string) {
	var peers set
	k := kindOf(q.Proto)
	p.selectors(&q.Peer, at, &peers)
	for _, i := range p.order[q.Direction&1][k] {
		r := &p.rules[i]
		if !peers.has(r.selector) || r.proto >= 0 && uint8(r.proto) != q.Proto || !r.ports(q, k) || r.rare && !p.rest(r, q) {
			continue
		}
		what := h.departs(p.Entries[r.entry-1].TLS)
		if what == "" {
			return r.action, r.entry, differs
		}
		if entry == 0 {
			entry, differs = r.entry, what
		}
	}
	return Drop, entry, differs
}

// departs is the first thing in which the hello fits none of the profiles, as the leaf of RFC 9761 and its value; "" if
// it fits one.
func (h *Hello) departs(profiles []mud.TLSProfile) (first string) {
	for i := range profiles {
		what := h.departsFrom(&profiles[i])
		if what == "" {
			return ""
		}
		if first == "" {
			first = what
		}
	}
	return first
}

// departsFrom follows RFC 9761 §6: what is registered and not in the profile is unexpected, what nobody knows is not
// held against the device, and a list that is empty says nothing.
func (h *Hello) departsFrom(t *mud.TLSProfile) string {
	leaf, versions := "supported-tls-version", t.TLSVersions
	if h.DTLS {
		leaf, versions = "supported-dtls-version", t.DTLSVersions
	}
	for _, v := range h.Versions {
		if name, known := versionNames[v]; known && len(versions) > 0 && !slices.Contains(versions, name) {
			return leaf + " " + name
		}
	}
	for _, x := range []struct {
		leaf     string
		offered  []uint16
		allowed  []uint16
		known    []span
		excepted []uint16
	}{
		{"cipher-suite", h.Ciphers, t.CipherSuites, knownCiphers, []uint16{0x00ff, 0x5600}}, // signals, not suites
		{"extension-type", h.Extensions, t.ExtensionTypes, knownExtensions, impliedExtensions(t)},
		{"supported-group", h.Groups, t.SupportedGroups, knownGroups, nil},
		{"signature-algorithm", h.Signatures, t.SignatureAlgorithms, knownSignatures, nil},
		{"signature-algorithm-cert", h.CertSignatures, t.SignatureAlgorithmsCert, knownSignatures, nil},
		{"cert-compression-algorithm", h.CertCompression, t.CertCompressionAlgorithms, []span{{1, 3}}, nil},
	} {
		if len(x.allowed) == 0 {
			continue
		}
		for _, v := range x.offered {
			if !slices.Contains(x.allowed, v) && registered(x.known, v) && !slices.Contains(x.excepted, v) {
				return fmt.Sprintf("%s 0x%04x", x.leaf, v)
			}
		}
	}
	for _, v := range h.PSKModes {
		if len(t.PSKKeyExchangeModes) > 0 && v <= 1 && !slices.Contains(t.PSKKeyExchangeModes, uint8(v)) {
			return fmt.Sprintf("psk-key-exchange-mode %d", v)
		}
	}
	for _, name := range h.Protocols {
		if len(t.ApplicationProtocols) > 0 && !slices.Contains(t.ApplicationProtocols, name) {
			return "application-protocol " + name
		}
	}
	if h.Cut {
		return "cipher-suite …" // nobody's library offers that many
	}
	return ""
}

// impliedExtensions are those that a client must send to use what the profile allows elsewhere, or that TLS itself asks
// for (RFC 8446 §9.2, RFC 5746 §3.4, RFC 9001 §8.2). RFC 9761 §7 has an example that leaves them out.
func impliedExtensions(t *mud.TLSProfile) []uint16 {
	list := []uint16{0, 43, 44, 51, 57, 0xff01}
	for _, x := range []struct {
		given      bool
		extensions []uint16
	}{
		{len(t.SupportedGroups) > 0, []uint16{10}},
		{len(t.SignatureAlgorithms) > 0, []uint16{13}},
		{len(t.SignatureAlgorithmsCert) > 0, []uint16{50}},
		{len(t.ApplicationProtocols) > 0, []uint16{16}},
		{len(t.CertCompressionAlgorithms) > 0, []uint16{27}},
		{len(t.CertificateAuthorities) > 0, []uint16{47}},
		{len(t.PSKKeyExchangeModes) > 0, []uint16{41, 45}},
	} {
		if x.given {
			list = append(list, x.extensions...)
		}
	}
	return list
}

// versionNames are the identities of RFC 9761 §5.3, and what they would be for the versions that it does not have.
var versionNames = map[uint16]string{
	0x0300: "ssl30", 0x0301: "tls10", 0x0302: "tls11", 0x0303: "tls12", 0x0304: "tls13",
	0xfeff: "dtls10", 0xfefd: "dtls12", 0xfefc: "dtls13",
}

// span is from the first number to the second, both included.
type span [2]uint16

// What the registries at https://www.iana.org/assignments/tls-parameters assign.
var (
	knownCiphers    = []span{{0x0000, 0x001b}, {0x001e, 0x00c7}, {0x00ff, 0x00ff}, {0x1301, 0x1307}, {0x5600, 0x5600}, {0xc001, 0xc0b5}, {0xc100, 0xc106}, {0xcca8, 0xccae}, {0xd001, 0xd005}}
	knownExtensions = []span{{0, 62}, {0xfe0d, 0xfe0d}, {0xff01, 0xff01}}
	knownGroups     = []span{{1, 41}, {256, 260}, {0x0200, 0x0202}, {0x11eb, 0x11ed}, {0xff01, 0xff02}}
	knownSignatures = []span{{0x0101, 0x0603}, {0x0704, 0x0710}, {0x0804, 0x081c}, {0x0904, 0x0906}}
)

func registered(list []span, v uint16) bool {
	return slices.ContainsFunc(list, func(s span) bool { return s[0] <= v && v <= s[1] })
}
