package tls

import (
	"strings"
	"testing"
)

func TestJA4(t *testing.T) {
	many := make([]int, 120)
	for i := range many {
		many[i] = 0x2000 + i
	}
	tests := []struct {
		name      string
		body      []byte
		transport Transport
		want      string
	}{
		{"the example of the specification", chrome(), TCP, "t13d1516h2_8daaf6152771_e5627efa2ab1"},
		{"over QUIC", chrome(), QUIC, "q13d1516h2_8daaf6152771_e5627efa2ab1"},
		{"no extensions", hello(0x0303, []int{0x002f}), TCP, "t12i010000_ba72b8082249_000000000000"},
		{"no ciphers but GREASE", hello(0x0303, []int{0x0a0a}), TCP, "t12i000000_000000000000_000000000000"},
		{"name and protocol only", hello(0x0303, []int{0x002f}, serverName("a.example"), alpn("http/1.1")), TCP, "t12d0102h1_ba72b8082249_000000000000"},
		{"SSL 3.0", hello(0x0300, []int{0x002f}), TCP, "ts3i010000_ba72b8082249_000000000000"},
		{"DTLS 1.0", hello(0xfeff, []int{0x002f}), DTLS, "dd1i010000_ba72b8082249_000000000000"},
		{"DTLS 1.2", hello(0xfefd, []int{0x002f}), DTLS, "dd2i010000_ba72b8082249_000000000000"},
		{"unknown version", hello(0x0305, []int{0x002f}), TCP, "t00i010000_ba72b8082249_000000000000"},
		{"more than two digits count", hello(0x0303, many), TCP, "t12i990000_"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h ClientHello
			if err := ParseClientHello(tt.body, &h); err != nil {
				t.Fatal(err)
			}
			if got := string(h.AppendJA4(nil, tt.transport)); !strings.HasPrefix(got, tt.want) || len(got) != 36 {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// The examples of the specification, "ALPN Extension Value", but for names that begin with what is not ASCII: there
// FoxIO's program and published outputs have 99.
func TestJA4ProtocolIsShownByItsEnds(t *testing.T) {
	for name, want := range map[string]string{
		"h2": "h2", "http/1.1": "h1", "spdy/3.1": "s1", "h3-29": "h9", "H2": "H2", "x": "xx",
		"\xab": "99", "\xab\xcd": "99", "\x30\xab": "3b", "\x30\x31\xab\xcd": "3d", "\x30\xab\xcd\x31": "01",
		"": "00",
	} {
		var h ClientHello
		if err := ParseClientHello(hello(0x0303, []int{1}, alpn(name)), &h); err != nil {
			t.Fatal(err)
		}
		if got := string(h.AppendJA4(nil, TCP)[8:10]); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestJA4VersionIsTheHighestOffered(t *testing.T) {
	for _, tt := range []struct {
		legacy  int
		offered []int
		ja4     string
		fact    string
	}{
		{0x0303, []int{0x0304, 0x0303}, "13", "1.3"},
		{0x0303, []int{0x0303, 0x0304, 0x7a7a}, "13", "1.3"},
		{0x0303, []int{0x0302, 0x0301}, "11", "1.1"},
		{0x0303, []int{0x2a2a}, "12", "1.2"},
		{0x0303, []int{0x7f1c, 0x0303}, "00", "1.3"}, // a draft
		{0xfefd, []int{0xfefc}, "d3", "1.3"},
		{0xfefd, []int{0xfefc, 0xfefd}, "d2", "1.3"}, // the highest value is not the newest version
	} {
		var h ClientHello
		if err := ParseClientHello(hello(tt.legacy, []int{1}, versions(tt.offered...)), &h); err != nil {
			t.Fatal(err)
		}
		if got := string(h.AppendJA4(nil, TCP)[1:3]); got != tt.ja4 {
			t.Errorf("%x: JA4 says %s, want %s", tt.offered, got, tt.ja4)
		}
		if got := versionName(h.Newest()); got != tt.fact {
			t.Errorf("%x: newest is %s, want %s", tt.offered, got, tt.fact)
		}
	}
}

// The examples of the description of JA3, and GREASE, which does not count.
func TestJA3(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"with extensions", "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0", "ada70206e40642a3e4461f35503241d5"},
		{"without", "769,4-5-10-9-100-98-3-6-19-18-99,,,", "de350869b8c85de67a350c8d186f11e6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := hello(0x0301, []int{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99})
			if strings.Contains(tt.text, "23-24") {
				body = hello(0x0301, []int{0x3a3a, 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
					serverName("a.example"), extension(0x8a8a, nil), groups(0xfafa, 23, 24, 25), points(0))
			}
			var h ClientHello
			if err := ParseClientHello(body, &h); err != nil {
				t.Fatal(err)
			}
			if got := string(h.appendJA3Text(nil)); got != tt.text {
				t.Errorf("text is %s, want %s", got, tt.text)
			}
			if got := string(h.AppendJA3(nil)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestJA3S(t *testing.T) {
	var h ServerHello
	if err := ParseServerHello(answer(0x0303, 0x1301, extension(51, nil), extension(43, u16(0x0304))), &h); err != nil {
		t.Fatal(err)
	}
	// MD5 of "771,4865,51-43": what the servers of very many sites answer with.
	if got, want := string(h.AppendJA3S(nil)), "eb1d94daa7e0344597e756a1fb6e7054"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if h.Version != tls13 || h.Legacy != tls12 || h.Cipher != 0x1301 {
		t.Errorf("version %#x, legacy %#x, cipher %#x", h.Version, h.Legacy, h.Cipher)
	}
}

func TestCutHelloIsAnError(t *testing.T) {
	whole := hello(0x0303, []int{0x1301, 0x1302}, serverName("light.example"))
	for n := range len(whole) {
		var h ClientHello
		err := ParseClientHello(whole[:n], &h)
		if plain := len(hello(0x0303, []int{0x1301, 0x1302})); (err == nil) != (n == plain) {
			t.Errorf("%d octets of %d: error %v", n, len(whole), err)
		}
	}
}

func TestMalformedExtensionKeepsTheRest(t *testing.T) {
	body := hello(0x0303, []int{0x1301}, extension(0, []byte{0xff}), alpn("h2"), extension(10, []byte{0, 200, 1}))
	var h ClientHello
	if err := ParseClientHello(body, &h); err != nil {
		t.Fatal(err)
	}
	if len(h.ServerName) != 0 || !h.HasServerName || string(h.ALPN) != "\x02h2" || len(h.Groups) != 0 {
		t.Errorf("got %+v", h)
	}
}

func TestCipherTable(t *testing.T) {
	for i := 1; i < len(ciphers); i++ {
		if ciphers[i-1].id >= ciphers[i].id {
			t.Errorf("%s is out of order", ciphers[i].name)
		}
	}
	for id, want := range map[uint16]string{
		0x0000: "TLS_NULL_WITH_NULL_NULL", 0x1301: "TLS_AES_128_GCM_SHA256", 0xcca9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		0xc0a8: "TLS_PSK_WITH_AES_128_CCM_8", 0xfefe: "",
	} {
		if got := cipherName(id); got != want {
			t.Errorf("%#04x: got %q, want %q", id, got, want)
		}
	}
}

// A name tells what is weak of a cipher suite; the two tables must agree.
func TestWeaknessesAreInTheName(t *testing.T) {
	for _, c := range ciphers {
		if c.id == 0 {
			continue // stands for none at all, and is never offered
		}
		var want weakness
		for word, w := range map[string]weakness{
			"_NULL_": noEncryption, "_anon_": anonymous, "_EXPORT_": export, "_RC4_": rc4, "_DES40_": des, "_DES_": des, "_3DES_": tripleDES,
		} {
			if strings.Contains(c.name, word) {
				want |= w
			}
		}
		if got := weaknesses(c.id); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got.appendTo(nil), want.appendTo(nil))
		}
	}
}
