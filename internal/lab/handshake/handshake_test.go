package handshake

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func source() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestSameSeedGivesSameOctets(t *testing.T) {
	play := func() []byte {
		r := source()
		a := NewAuthority(r, noon)
		s := &Server{Certificate: a.Issue(r, "cloud.example"), Version: TLS13, ALPN: []string{"h2"}}
		x, err := Dial(r, Browser(), s, "cloud.example")
		if err != nil {
			t.Fatal(err)
		}
		q, err := DialQUIC(r, Browser(), s, "cloud.example", QUICOptions{Version: QUICv1, Scatter: true})
		if err != nil {
			t.Fatal(err)
		}
		weak := &Server{Certificate: SelfSigned(r, noon, pkix.Name{CommonName: "cam"}, netip.Addr{}, true), Version: TLS10}
		y, err := Dial(r, Legacy(), weak, "")
		if err != nil {
			t.Fatal(err)
		}
		var b []byte
		for _, f := range append(append(x.Flights, q.Flights...), y.Flights...) {
			b = append(b, f.Data...)
		}
		return append(b, x.Seal(true, []byte("GET / HTTP/1.1"))...)
	}
	if !bytes.Equal(play(), play()) {
		t.Error("two plays of one seed differ")
	}
}

// TestStandardLibraryReadsTheHello gives each hello to crypto/tls, which parses all of it before it asks for
// a configuration.
func TestStandardLibraryReadsTheHello(t *testing.T) {
	for _, tc := range []struct {
		name    string
		client  *Client
		version uint16
		alpn    int
	}{
		{"embedded", Embedded(), TLS12, 0},
		{"library", Library(), TLS13, 1},
		{"browser", Browser(), TLS13, 2},
		{"without post-quantum key", Plain(Browser()), TLS13, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := tc.client.offer(source(), "cloud.example", nil)
			near, far := net.Pipe()
			var got *tls.ClientHelloInfo
			stop := errors.New("seen")
			done := make(chan struct{})
			go func() {
				defer close(done)
				server := tls.Server(far, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
					got = h
					return nil, stop
				}})
				if err := server.Handshake(); !errors.Is(err, stop) {
					t.Errorf("handshake: %v", err)
				}
				far.Close()
			}()
			go func() { _, _ = near.Read(make([]byte, 64)) }() // the alert
			if _, err := near.Write(record(recordHandshake, TLS10, o.message)); err != nil {
				t.Error(err)
			}
			<-done
			near.Close()
			if got == nil {
				t.Fatal("the hello was not understood")
			}
			if got.ServerName != "cloud.example" {
				t.Errorf("server name %q", got.ServerName)
			}
			if len(got.SupportedProtos) != tc.alpn {
				t.Errorf("protocols %q, want %d", got.SupportedProtos, tc.alpn)
			}
			if len(got.CipherSuites) != len(tc.client.Ciphers) {
				t.Errorf("%d suites, want %d", len(got.CipherSuites), len(tc.client.Ciphers))
			}
			newest := uint16(0)
			for _, v := range got.SupportedVersions {
				if v&0x0f0f != 0x0a0a {
					newest = max(newest, v)
				}
			}
			if newest != tc.version {
				t.Errorf("newest version %#x, want %#x", newest, tc.version)
			}
		})
	}
}

func TestCertificatesVerify(t *testing.T) {
	r := source()
	a := NewAuthority(r, noon)
	chain := a.Issue(r, "cloud.example", "www.cloud.example").Chain
	root, err := x509.ParseCertificate(a.Root)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(chain[0])
	middle, _ := x509.ParseCertificate(chain[1])
	roots, middles := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	middles.AddCert(middle)
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "www.cloud.example", Roots: roots, Intermediates: middles, CurrentTime: noon}); err != nil {
		t.Error(err)
	}

	weak, err := x509.ParseCertificate(SelfSigned(r, noon, pkix.Name{CommonName: "cam"}, netip.MustParseAddr("192.168.1.2"), true).Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := weak.CheckSignature(weak.SignatureAlgorithm, weak.RawTBSCertificate, weak.Signature); err != nil {
		t.Errorf("self-signed: %v", err)
	}
	if !weak.NotAfter.Before(noon) {
		t.Errorf("a weak certificate has expired; this one lasts until %v", weak.NotAfter)
	}
}

// TestInitialSecrets has the values of RFC 9001, Appendix A.1, and RFC 9369, Appendix A.1.
func TestInitialSecrets(t *testing.T) {
	id, _ := hex.DecodeString("8394c8f03e515708")
	for _, tc := range []struct {
		version uint32
		key     string
	}{
		{QUICv1, "1f369613dd76d5467730efcbe3b1a22d"},
		{QUICv2, "8b1a0bc121284290a29e0971b5cd045d"},
	} {
		d := dialectOf(tc.version)
		client, _ := d.initialSecrets(id)
		if got := hex.EncodeToString(expandLabel(client, d.word+"key", nil, 16)); got != tc.key {
			t.Errorf("version %#x: key %s, want %s", tc.version, got, tc.key)
		}
	}
}

func TestPostQuantumHelloNeedsTwoDatagrams(t *testing.T) {
	r := source()
	s := &Server{Certificate: NewAuthority(r, noon).Issue(r, "cloud.example"), Version: TLS13}
	for _, tc := range []struct {
		client *Client
		want   int
	}{{Browser(), 2}, {Plain(Browser()), 1}} {
		q, err := DialQUIC(r, tc.client, s, "cloud.example", QUICOptions{Version: QUICv1})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for q.Flights[n].FromClient {
			n++
		}
		if n != tc.want {
			t.Errorf("the hello took %d datagrams, want %d", n, tc.want)
		}
		for _, f := range q.Flights[:n] {
			if len(f.Data) != datagramSize {
				t.Errorf("a datagram of %d octets", len(f.Data))
			}
		}
	}
}
