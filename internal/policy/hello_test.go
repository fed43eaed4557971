package policy

import (
	"testing"

	"plimsoll.example/plimsoll/mud"
)

// modern is a hello of TLS 1.3, with what a client sends although no profile speaks of it.
func modern() Hello {
	return Hello{
		Versions: []uint16{0x0304}, Ciphers: []uint16{0x1301, 0x1302, 0x00ff}, Extensions: []uint16{0, 10, 13, 16, 43, 51, 0x4469, 0xff01},
		Groups: []uint16{29}, Signatures: []uint16{0x0403}, Protocols: []string{"h2"}, Count: 1,
	}
}

// RFC 9761 §6: what is known and not in the profile is unexpected; what nobody knows, and what TLS itself asks for, is not.
func TestAHelloIsHeldToItsProfile(t *testing.T) {
	profile := mud.TLSProfile{
		Name: "p", TLSVersions: []string{"tls13"}, DTLSVersions: []string{"dtls12"}, CipherSuites: []uint16{0x1301, 0x1302}, ExtensionTypes: []uint16{10, 13, 16},
		SupportedGroups: []uint16{29}, SignatureAlgorithms: []uint16{0x0403}, ApplicationProtocols: []string{"h2"},
		SignatureAlgorithmsCert: []uint16{0x0403}, PSKKeyExchangeModes: []uint8{1}, CertCompressionAlgorithms: []uint16{1},
	}
	for name, x := range map[string]struct {
		change func(*Hello)
		want   string
	}{
		"as it should be":       {func(*Hello) {}, ""},
		"an older version":      {func(h *Hello) { h.Versions = []uint16{0x0304, 0x0303} }, "supported-tls-version tls12"},
		"a version of old":      {func(h *Hello) { h.Versions = []uint16{0x0300} }, "supported-tls-version ssl30"},
		"a version to come":     {func(h *Hello) { h.Versions = []uint16{0x0305, 0x0304} }, ""},
		"over datagrams":        {func(h *Hello) { h.DTLS, h.Versions = true, []uint16{0xfefd} }, ""},
		"datagrams of old":      {func(h *Hello) { h.DTLS, h.Versions = true, []uint16{0xfeff} }, "supported-dtls-version dtls10"},
		"a weak suite":          {func(h *Hello) { h.Ciphers = append(h.Ciphers, 0x0005) }, "cipher-suite 0x0005"},
		"a suite nobody knows":  {func(h *Hello) { h.Ciphers = append(h.Ciphers, 0xabcd) }, ""},
		"an extension":          {func(h *Hello) { h.Extensions = append(h.Extensions, 35) }, "extension-type 0x0023"},
		"an extension of its":   {func(h *Hello) { h.Extensions = append(h.Extensions, 45) }, ""},
		"a group":               {func(h *Hello) { h.Groups = append(h.Groups, 23) }, "supported-group 0x0017"},
		"a signature":           {func(h *Hello) { h.Signatures = append(h.Signatures, 0x0201) }, "signature-algorithm 0x0201"},
		"of certificates":       {func(h *Hello) { h.CertSignatures = []uint16{0x0804} }, "signature-algorithm-cert 0x0804"},
		"another protocol":      {func(h *Hello) { h.Protocols = append(h.Protocols, "http/1.1") }, "application-protocol http/1.1"},
		"a key without secrecy": {func(h *Hello) { h.PSKModes = []uint16{0} }, "psk-key-exchange-mode 0"},
		"compression":           {func(h *Hello) { h.CertCompression = []uint16{2} }, "cert-compression-algorithm 0x0002"},
		"more than is read":     {func(h *Hello) { h.Cut = true }, "cipher-suite …"},
	} {
		h := modern()
		x.change(&h)
		if got := h.departs([]mud.TLSProfile{profile}); got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
		if got := h.departs([]mud.TLSProfile{profile, {Name: "any"}}); got != "" && !h.Cut {
			t.Errorf("%s: %q, though another profile says nothing", name, got)
		}
	}
}

// A rehearsal stops the conversations whose hello does not fit, and no others; an entry after the one with a profile may
// allow them.
func TestARehearsalLooksAtTheHello(t *testing.T) {
	secure := mud.Matches{TCP: &mud.TCP{Destination: eq(443)}}
	plain := secure
	secure.TLS = []mud.TLSProfile{{Name: "p", TLSVersions: []string{"tls13"}}}
	old := modern()
	old.Versions, old.Count, old.Number = []uint16{0x0303}, 2, 77
	conversation := Conversation{
		Packet: out(tcp, cloud, 443), Flows: 5, Number: 1, Hellos: []Hello{modern(), old},
	}
	for name, x := range map[string]struct {
		supported bool
		entries   []mud.ACE
		stopped   uint64
	}{
		"held to it":        {true, []mud.ACE{accept("secure", secure)}, 2},
		"another allows it": {true, []mud.ACE{accept("secure", secure), accept("plain", plain)}, 0},
		"not announced":     {false, []mud.ACE{accept("secure", secure)}, 0},
	} {
		f := file(x.entries, nil)
		f.TLSProfiles = &x.supported
		r := Compile(f, house()).Rehearse([]Conversation{conversation})
		if r.Allowed != 5-x.stopped || len(r.Stopped) > 1 || x.stopped > 0 != (len(r.Stopped) == 1) {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		if x.stopped > 0 {
			if s := r.Stopped[0]; s.First.Flows != 2 || s.First.Number != 77 || s.Nearest != 1 || s.Differs != LeafTLS || s.Hello != "supported-tls-version tls12" {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}
