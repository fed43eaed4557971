package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

var (
	issued  = time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC)
	expires = time.Date(2051, 1, 1, 0, 0, 0, 0, time.UTC) // GeneralizedTime from 2050 on
)

// certify makes a certificate for key, signed with key itself or with that of an authority.
func certify(t testing.TB, key, authority crypto.Signer, names ...string) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7),
		Subject:      pkix.Name{CommonName: "camera-42", Organization: []string{"Lamp & Co"}, Country: []string{"CA"}},
		NotBefore:    issued, NotAfter: expires,
		DNSNames: names, IPAddresses: []net.IP{{192, 168, 1, 2}}, EmailAddresses: []string{"x@example"},
	}
	parent := template
	if authority == nil {
		authority = key
	} else {
		parent = &x509.Certificate{Subject: pkix.Name{CommonName: "Lamp Root", Organization: []string{"Lamp PKI"}}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), authority)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa-1024":
		t.Setenv("GODEBUG", "rsa1024min=0") // devices still have such keys
		key, err = rsa.GenerateKey(rand.Reader, 1024)
	case "ecdsa-p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ecdsa-p521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func flight(der ...[]byte) []byte {
	var list []byte
	for _, d := range der {
		list = append(list, vector24(d)...)
	}
	return message(11, vector24(list))
}

func TestCertificate(t *testing.T) {
	authority := newKey(t, "ecdsa-p256")
	for _, tt := range []struct {
		key       string
		authority crypto.Signer
		signature string
	}{
		{"rsa-1024", nil, "sha256-rsa"},
		{"ecdsa-p256", nil, "sha256-ecdsa"},
		{"ecdsa-p384", authority, "sha256-ecdsa"},
		{"ecdsa-p521", nil, "sha512-ecdsa"},
		{"ed25519", nil, "ed25519"},
	} {
		t.Run(tt.key, func(t *testing.T) {
			der := certify(t, newKey(t, tt.key), tt.authority, "camera.example", "*.camera.example")
			sum := sha256.Sum256(der)
			short := sha1.Sum(der)
			want := "tls.certificate camera-42 side=server sha256=" + hex.EncodeToString(sum[:]) + " sha1=" + hex.EncodeToString(short[:])
			if tt.authority == nil {
				want += " issuer=camera-42 not_before=2024-02-29T23:59:58Z not_after=2051-01-01T00:00:00Z self_signed=1"
			} else {
				want += " issuer=Lamp Root not_before=2024-02-29T23:59:58Z not_after=2051-01-01T00:00:00Z"
			}
			want += " names=camera.example,*.camera.example key=" + tt.key + " signature=" + tt.signature + " organization=Lamp & Co"
			if tt.authority == nil {
				want += " issuer_organization=Lamp & Co"
			} else {
				want += " issuer_organization=Lamp PKI"
			}
			stream := slices.Concat(records(1<<14, message(2, answer(0x0303, 0xc02f))), records(1<<14, flight(der, der), message(14, nil)))
			got, state := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(stream, 300)...)
			dissecttest.Equal(t, got[3:], []string{want})
			if state != dissect.Done {
				t.Errorf("state %d", state)
			}
		})
	}
}

func TestCertificateOfAClient(t *testing.T) {
	stream := slices.Concat(records(1<<14, message(1, chrome())), records(1<<14, flight(certify(t, newKey(t, "ecdsa-p256"), nil))))
	m := dissect.Message{FromInitiator: true}
	got, _ := dissecttest.Stream(t, Dissect, m, dissecttest.Split(stream, 700)...)
	if last := got[len(got)-1]; !strings.HasPrefix(last, "tls.certificate camera-42 side=client ") {
		t.Errorf("got %s", last)
	}

	// Asked for one, a client without has an empty list.
	stream = slices.Concat(records(1<<14, message(1, chrome())), records(1<<14, flight()))
	got, state := dissecttest.Stream(t, Dissect, m, stream)
	if slices.Contains(names(got), "tls.certificate") || state != dissect.Done {
		t.Errorf("state %d, got %s", state, got)
	}
}

func TestCertificateThatCannotBeRead(t *testing.T) {
	der := certify(t, newKey(t, "ed25519"), nil)
	for _, bad := range [][]byte{{0x30}, der[:40], append([]byte{0x31}, der[1:]...), []byte("not DER at all")} {
		got, _ := dissecttest.Stream(t, Dissect, dissect.Message{}, records(1<<14, flight(bad)))
		if len(got) != 1 || !strings.HasPrefix(got[0], "tls.certificate  side=server sha256=") || !strings.HasSuffix(got[0], " error=malformed certificate") {
			t.Errorf("got %s", got)
		}
	}
}

func TestLongListOfNamesIsCutBetweenNames(t *testing.T) {
	var list []string
	for i := range 100 {
		list = append(list, strings.Repeat("a", 20)+string(rune('a'+i%26))+".example")
	}
	got, _ := dissecttest.Stream(t, Dissect, dissect.Message{}, records(1<<14, flight(certify(t, newKey(t, "ed25519"), nil, list...))))
	_, after, _ := strings.Cut(got[0], " names=")
	shown, _, _ := strings.Cut(after, " ")
	if len(shown) > 512 || len(shown) < 400 || !strings.HasPrefix(strings.Join(list, ",")+",", shown+",") {
		t.Errorf("names=%s", shown)
	}
}

func BenchmarkCertificate(b *testing.B) {
	der := certify(b, newKey(b, "ecdsa-p256"), nil, "camera.example")
	var out dissect.Facts
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		addCertificate(der, "server", TCP, &out)
	}
}
