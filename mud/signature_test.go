package mud_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/mud"
)

// trust is what these tests verify against, at the present time.
func trust(anchors ...*certtest.Holder) mud.Trust {
	tr := mud.Trust{Now: time.Now(), Floor: time.Now().Add(-time.Hour)}
	for _, a := range anchors {
		tr.Anchors = append(tr.Anchors, a.Cert)
	}
	return tr
}

// file has spaces and an order that no program would write again.
var file = []byte("{ \"ietf-mud:mud\" :\n {\"mud-version\":1,   \"mud-url\":\"https://lamps.example/l.json\"}}\n")

func sign(t testing.TB, by *certtest.Holder, intermediates ...*x509.Certificate) []byte {
	t.Helper()
	p7s, err := mud.Sign(file, by.Cert, by.Key, intermediates)
	if err != nil {
		t.Fatal(err)
	}
	return p7s
}

func TestASignatureIsOfTheOctetsAsTheyWereFetched(t *testing.T) {
	root := certtest.Issue(t, nil, "root", nil)
	middle := certtest.Issue(t, root, "middle", certtest.Authority)
	signer := certtest.Issue(t, middle, "signer", nil)
	p7s := sign(t, signer, middle.Cert)
	s, err := mud.VerifySignature(file, p7s, trust(root))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Signer.Equal(signer.Cert) || len(s.Chain) != 3 || time.Since(s.Time) > time.Minute || s.Expired {
		t.Errorf("signed by %v, through %d certificates, at %v, expired %v", s.Signer.Subject, len(s.Chain), s.Time, s.Expired)
	}
	// one that parses to the same is another
	same := bytes.ReplaceAll(file, []byte("   "), []byte(" "))
	if _, err := mud.VerifySignature(same, p7s, trust(root)); !errors.Is(err, mud.ErrSignature) {
		t.Errorf("the same JSON in other octets: %v", err)
	}
}

// Cisco’s MUD manager went on after a failure; osMUD and Go’s defaults ask for a server’s certificate.
func TestWhatMustNotVerifyDoesNot(t *testing.T) {
	root, stranger := certtest.Issue(t, nil, "root", nil), certtest.Issue(t, nil, "stranger", nil)
	middle := certtest.Issue(t, root, "middle", certtest.Authority)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skipf("this Go makes no short RSA keys: %v", err)
	}
	good := certtest.Issue(t, root, "signer", nil)
	p7s := sign(t, good)
	for name, c := range map[string]struct {
		file, p7s []byte
		trust     mud.Trust
		want      error
	}{
		"a file that was altered":             {append(slices.Clone(file), ' '), p7s, trust(root), mud.ErrSignature},
		"an empty file":                       {nil, p7s, trust(root), mud.ErrSignature},
		"a signature that was altered":        {file, flip(p7s), trust(root), mud.ErrSignature},
		"no signature":                        {file, nil, trust(root), mud.ErrSignature},
		"PEM":                                 {file, pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: p7s}), trust(root), mud.ErrSignature},
		"a huge signature":                    {file, make([]byte, mud.MaxSignature+1), trust(root), mud.ErrSignature},
		"a signer whom nobody knows":          {file, p7s, trust(stranger), mud.ErrUntrusted},
		"no anchors, which is not all":        {file, p7s, trust(), mud.ErrUntrusted},
		"an intermediate that is not there":   {file, sign(t, certtest.Issue(t, middle, "signer", nil)), trust(root), mud.ErrUntrusted},
		"a certificate for other uses":        {file, forced(t, certtest.Issue(t, root, "signer", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement })), trust(root), mud.ErrUntrusted},
		"a certificate with no key usage":     {file, forced(t, certtest.Issue(t, root, "signer", func(c *x509.Certificate) { c.KeyUsage = 0 })), trust(root), mud.ErrUntrusted},
		"a certificate that was over":         {file, forced(t, certtest.Issue(t, root, "signer", ended)), trust(root), mud.ErrUntrusted},
		"a certificate that has yet to begin": {file, forced(t, certtest.Issue(t, root, "signer", future)), trust(root), mud.ErrUntrusted},
		"a short RSA key":                     {file, forced(t, certtest.IssueFor(t, root, "signer", weak, nil)), trust(root), mud.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := mud.VerifySignature(c.file, c.p7s, c.trust)
			if !errors.Is(err, c.want) {
				t.Errorf("%v, %v; want %v", s, err, c.want)
			}
		})
	}
}

func ended(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
}
func future(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }

func flip(p7s []byte) []byte {
	b := slices.Clone(p7s)
	b[len(b)-1] ^= 1
	return b
}

// forced signs with openssl, which does not mind what Sign refuses.
func forced(t testing.TB, by *certtest.Holder) []byte {
	t.Helper()
	return openssl(t, by, "-md", "sha256")
}

func openssl(t testing.TB, by *certtest.Holder, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("the program openssl is missing")
	}
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(by.Key)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"file":   file,
		"key":    pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"signer": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: by.Cert.Raw}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("openssl", append([]string{"cms", "-sign", "-binary", "-in", "file", "-signer", "signer", "-inkey", "key", "-outform", "DER", "-out", "p7s"}, args...)...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v: %s", err, out)
	}
	p7s, err := os.ReadFile(filepath.Join(dir, "p7s"))
	if err != nil {
		t.Fatal(err)
	}
	return p7s
}

func TestWhatOpenSSLSignsVerifies(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	root := certtest.Issue(t, nil, "root", nil)
	for name, by := range map[string]*certtest.Holder{
		"ECDSA": certtest.Issue(t, root, "signer", keyed),
		"RSA":   certtest.IssueFor(t, root, "signer", rsaKey, keyed),
	} {
		for form, args := range map[string][]string{
			"as it does by default":      nil,
			"with SHA-512":               {"-md", "sha512"},
			"without attributes":         {"-noattr"},
			"signer named by key":        {"-keyid"},
			"without S/MIME capabilites": {"-nosmimecap"},
		} {
			t.Run(name+" "+form, func(t *testing.T) {
				p7s := openssl(t, by, args...)
				if _, err := mud.VerifySignature(file, p7s, trust(root)); err != nil {
					t.Error(err)
				}
				if _, err := mud.VerifySignature(file[1:], p7s, trust(root)); !errors.Is(err, mud.ErrSignature) {
					t.Errorf("an altered file: %v", err)
				}
			})
		}
	}
	by := certtest.Issue(t, root, "signer", keyed)
	for name, args := range map[string][]string{"SHA-1": {"-md", "sha1"}, "a content of its own": {"-nodetach"}, "the same, streamed": {"-stream"}} {
		if _, err := mud.VerifySignature(file, openssl(t, by, args...), trust(root)); !errors.Is(err, mud.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func keyed(c *x509.Certificate) { c.SubjectKeyId = []byte{1, 2, 3, 4} }

func TestOpenSSLVerifiesWhatWeSign(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("the program openssl is missing")
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	root := certtest.Issue(t, nil, "root", nil)
	middle := certtest.Issue(t, root, "middle", certtest.Authority)
	for name, by := range map[string]*certtest.Holder{"ECDSA": certtest.Issue(t, middle, "signer", nil), "RSA": certtest.IssueFor(t, middle, "signer", rsaKey, nil)} {
		dir := t.TempDir()
		for name, data := range map[string][]byte{
			"p7s": sign(t, by, middle.Cert), "file": file, "root": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Cert.Raw}),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.Command("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "p7s", "-content", "file", "-CAfile", "root", "-purpose", "any", "-out", "out")
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: openssl: %v: %s", name, err, out)
		}
	}
}

func TestSignRefusesWhatWouldNotVerify(t *testing.T) {
	root := certtest.Issue(t, nil, "root", nil)
	good := certtest.Issue(t, root, "signer", nil)
	for name, by := range map[string]*certtest.Holder{
		"a certificate for other uses": certtest.Issue(t, root, "signer", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }),
		"a key of somebody else":       {Cert: good.Cert, Key: root.Key},
	} {
		if _, err := mud.Sign(file, by.Cert, by.Key, nil); err == nil {
			t.Errorf("signed with %s", name)
		}
	}
}

func TestAFileOutlivesTheCertificateThatSignedIt(t *testing.T) {
	root := certtest.Issue(t, nil, "root", func(c *x509.Certificate) { certtest.Authority(c); c.NotAfter = time.Now().AddDate(20, 0, 0) })
	p7s := sign(t, certtest.Issue(t, root, "signer", nil))
	later := trust(root)
	later.Now = time.Now().AddDate(3, 0, 0)
	s, err := mud.VerifySignature(file, p7s, later)
	if err != nil || !s.Expired {
		t.Errorf("three years later: %+v, %v", s, err)
	}
	// without a time of signing there is nothing to go by but the clock
	bare := openssl(t, certtest.Issue(t, root, "signer", nil), "-noattr")
	if _, err := mud.VerifySignature(file, bare, later); !errors.Is(err, mud.ErrUntrusted) {
		t.Errorf("three years later, with no time of signing: %v", err)
	}
}

func TestARouterThatJustStartedNeitherTrustsNorCondemns(t *testing.T) {
	root := certtest.Issue(t, nil, "root", nil)
	signer := certtest.Issue(t, root, "signer", nil)
	booted := trust(root)
	booted.Now = time.Unix(42, 0)
	for name, p7s := range map[string][]byte{"with a time of signing": sign(t, signer), "without": openssl(t, signer, "-noattr")} {
		if _, err := mud.VerifySignature(file, p7s, booted); !errors.Is(err, mud.ErrClock) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := mud.VerifySignature(file[1:], p7s, booted); !errors.Is(err, mud.ErrSignature) {
			t.Errorf("%s, altered: %v", name, err)
		}
	}
	// what was signed before the floor needs no clock
	booted.Floor = time.Now().Add(time.Hour)
	if _, err := mud.VerifySignature(file, sign(t, signer), booted); err != nil {
		t.Errorf("signed before the floor: %v", err)
	}
}

func TestASignatureFromTheFutureIsRefused(t *testing.T) {
	root := certtest.Issue(t, nil, "root", nil)
	early := trust(root)
	early.Now, early.Floor = time.Now().Add(-30*time.Minute), time.Now().Add(-time.Hour)
	if _, err := mud.VerifySignature(file, sign(t, certtest.Issue(t, root, "signer", nil)), early); !errors.Is(err, mud.ErrUntrusted) {
		t.Errorf("signed half an hour from now: %v", err)
	}
}

func TestOnlyTheSignerThatTheDeviceNamesMaySign(t *testing.T) {
	root := certtest.Issue(t, nil, "root", nil)
	signer, other := certtest.Issue(t, root, "Lamps  Signer", nil), certtest.Issue(t, root, "other", nil)
	device := certtest.Issue(t, root, "device", func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 30}, Value: signer.Cert.RawSubject},
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 25}, Value: append([]byte{22, 28}, "https://lamps.example/l.json"...)},
		}
	})
	url, err := mud.CertificateURL(device.Cert)
	if err != nil || url != "https://lamps.example/l.json" {
		t.Errorf("MUD URL %q, %v", url, err)
	}
	tr := trust(root)
	if tr.Signer, err = mud.Mudsigner(device.Cert); err != nil || tr.Signer == nil {
		t.Fatal(tr.Signer, err)
	}
	if _, err := mud.VerifySignature(file, sign(t, signer), tr); err != nil {
		t.Error(err)
	}
	// RFC 5280 §7.1: letter case and runs of spaces are not part of a name
	alike := certtest.Issue(t, root, "lamps signer", nil)
	if _, err := mud.VerifySignature(file, sign(t, alike), tr); err != nil {
		t.Error(err)
	}
	if _, err := mud.VerifySignature(file, sign(t, other), tr); !errors.Is(err, mud.ErrUntrusted) {
		t.Errorf("another signer of the same authority: %v", err)
	}
	if name, err := mud.Mudsigner(root.Cert); name != nil || err != nil {
		t.Errorf("a device that names nobody: %x, %v", name, err)
	}
}

func TestTheSignedFileOfAnotherProjectVerifies(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "mud", "signed", "cisco-luminaire")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the shared data are not beside the checkout: ", err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	block, _ := pem.Decode(read("luminaire-cacert.pem"))
	anchor, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	tr := mud.Trust{Now: time.Now(), Anchors: []*x509.Certificate{anchor}}
	data, p7s := read("Luminaire_150.json"), read("Luminaire_150.p7s")
	s, err := mud.VerifySignature(data, p7s, tr)
	if err != nil || !s.Expired || s.Time.Year() != 2018 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := mud.VerifySignature(append(data, ' '), p7s, tr); !errors.Is(err, mud.ErrSignature) {
		t.Errorf("altered: %v", err)
	}
}

func FuzzVerifySignature(f *testing.F) {
	root := certtest.Issue(f, nil, "root", nil)
	p7s := sign(f, certtest.Issue(f, root, "signer", keyed))
	f.Add(file, p7s)
	f.Add(file, flip(p7s))
	f.Add(file, p7s[:len(p7s)/2])
	f.Add([]byte{}, []byte{0x30, 0x80})
	tr := trust(root)
	f.Fuzz(func(t *testing.T, data, signature []byte) {
		s, err := mud.VerifySignature(data, signature, tr)
		if (s != nil && s.Chain != nil) != (err == nil) {
			t.Fatalf("%v and %v", s, err)
		}
		if err == nil && !bytes.Equal(data, file) {
			t.Fatalf("verified octets that nobody signed: %q", data)
		}
	})
}

// openssl and Go ask for a server’s or a mail sender’s certificate unless told otherwise; osMUD failed on good files
// (its #97), and RFC 8520 §13.2 asks for the key usage alone.
func TestTheExtendedKeyUsageOfASignerDoesNotMatter(t *testing.T) {
	root := certtest.Issue(t, nil, "root", nil)
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		signer := certtest.Issue(t, root, "signer", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{use} })
		if _, err := mud.VerifySignature(file, sign(t, signer), trust(root)); err != nil {
			t.Errorf("extended key usage %d: %v", use, err)
		}
	}
}

// Public code swaps the object identifiers of the two extensions, and takes .26 for one of them.
func TestTheExtensionsOfACertificateAreNotConfused(t *testing.T) {
	root := certtest.Issue(t, nil, "root", nil)
	url := append([]byte{22, 28}, "https://lamps.example/l.json"...)
	for last, want := range map[int]struct{ url, signer bool }{25: {url: true}, 26: {}, 30: {signer: true}, 41: {}} {
		value := url
		if last != 25 && last != 26 {
			value = root.Cert.RawSubject
		}
		device := certtest.Issue(t, root, "device", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, last}, Value: value}}
		})
		u, err := mud.CertificateURL(device.Cert)
		if err != nil || (u != "") != want.url {
			t.Errorf(".%d as MUD URL: %q, %v", last, u, err)
		}
		name, err := mud.Mudsigner(device.Cert)
		if err != nil || (name != nil) != want.signer {
			t.Errorf(".%d as signer: %x, %v", last, name, err)
		}
	}
}

// A device's certificate is what its maker, or whoever made the device, wrote.
func FuzzCertificate(f *testing.F) {
	f.Add(append([]byte{22, 28}, "https://lamps.example/l.json"...))
	f.Add([]byte{48, 15, 49, 13, 48, 11, 6, 3, 85, 4, 3, 12, 4, 'l', 'a', 'm', 'p'})
	f.Fuzz(func(t *testing.T, value []byte) {
		device := &x509.Certificate{Extensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 25}, Value: value}, {Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 30}, Value: value},
		}}
		url, err := mud.CertificateURL(device)
		if err != nil && url != "" || strings.ContainsFunc(url, func(r rune) bool { return r > 127 }) {
			t.Errorf("URL %q, %v", url, err)
		}
		name, err := mud.Mudsigner(device)
		if err == nil && !bytes.Equal(name, value) || err != nil && name != nil {
			t.Errorf("name %x, %v", name, err)
		}
	})
}
