package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/mud"
)

// validate holds what was printed against the schema of that name.
func validate(t *testing.T, schema, text string) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("../../schema/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A maker’s server, the household’s first look at it, its later ones: each with its exit code.
func TestAMUDFileIsFetchedAndUsedOnlyIfSomebodyVouchesForIt(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Lamps"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	var file, p7s []byte
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/mud+json")
		body := file
		if strings.HasSuffix(r.URL.Path, ".p7s") {
			w.Header().Set("Content-Type", "application/pkcs7-signature")
			body = p7s
		}
		_, _ = w.Write(body)
	}))
	defer server.Close()
	file = fmt.Appendf(nil, `{"ietf-mud:mud":{"mud-version":1,"mud-signature":"%s/l.p7s"}}`, server.URL)
	roots, anchors := writePEM(t, "roots.pem", "CERTIFICATE", server.Certificate().Raw), writePEM(t, "anchors.pem", "CERTIFICATE", der)
	fetch := func(state string, args ...string) (int, string, string) {
		return call(t, nil, append([]string{"mud", "fetch", server.URL + "/l.json", "--roots", roots, "--allow", "127.0.0.0/8", "--state", state}, args...)...)
	}

	// nobody signed it yet
	state, out := t.TempDir(), filepath.Join(t.TempDir(), "l.json")
	code, stdout, stderr := fetch(state, "--json", "--out", out)
	validate(t, "mud-fetch.json", stdout)
	if _, err := os.Stat(out); code != exitUnverified || !strings.Contains(stderr, "--approve") || err == nil {
		t.Errorf("unsigned: exit %d, %s, file %v", code, stderr, err)
	}
	digest := regexp.MustCompile(`[0-9a-f]{64}`).FindString(stderr)
	if code, _, stderr = fetch(state, "--approve", digest, "--out", out); code != exitDone {
		t.Errorf("approved: exit %d, %s", code, stderr)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != string(file) {
		t.Errorf("approved: %q, %v", got, err)
	}

	// a signature by somebody who is trusted needs no approval
	if p7s, err = mud.Sign(file, signer, key, nil); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = fetch(t.TempDir(), "--json", "--anchors", anchors)
	validate(t, "mud-fetch.json", stdout)
	if code != exitDone || !strings.Contains(stdout, `"state":"verified"`) {
		t.Errorf("signed: exit %d, %s", code, stderr)
	}
	if code, stdout, _ = fetch(t.TempDir(), "--anchors", anchors, "--lang", "fr"); code != exitDone || !strings.Contains(stdout, "Vérifié") {
		t.Errorf("in French: exit %d, %s", code, stdout)
	}
	// nor is a signature by somebody else enough
	if code, _, stderr = fetch(t.TempDir()); code != exitUnverified {
		t.Errorf("no anchors: exit %d, %s", code, stderr)
	}

	name := filepath.Join(t.TempDir(), "l.json")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	signature := filepath.Join(t.TempDir(), "l.p7s")
	for _, c := range []struct {
		p7s  []byte
		want int
	}{{p7s, exitDone}, {p7s[1:], exitUnverified}} {
		if err := os.WriteFile(signature, c.p7s, 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := call(t, nil, "mud", "verify", name, "--signature", signature, "--anchors", anchors, "--json")
		validate(t, "mud-verify.json", stdout)
		if code != c.want {
			t.Errorf("verify: exit %d, %s", code, stderr)
		}
	}
}

func TestWhatIsLearnedIsProvedAsTheSchemaSays(t *testing.T) {
	out := filepath.Join(t.TempDir(), "plug.json")
	code, stdout, stderr := call(t, nil, "mud", "learn", played, "--device", "50:c7:bf:1d:77:0e", "--out", out, "--json")
	if code != exitDone {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	validate(t, "learn.json", stdout)
	kept, err := os.ReadFile(strings.TrimSuffix(out, "json") + "evidence.json")
	if err != nil {
		t.Fatal(err)
	}
	validate(t, "learn.json", string(kept))
}

// signer makes the key and the certificate of somebody who signs for himself, as PEM files.
func signer(t *testing.T) (key, certificate string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Lamps"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "key.pem", "PRIVATE KEY", private), writePEM(t, "cert.pem", "CERTIFICATE", der)
}

func TestTheVerdictOnALabelIsAsTheSchemaSays(t *testing.T) {
	dir := t.TempDir()
	statement := filepath.Join(dir, "plug.json")
	text := `{"gtin": "09506000134352", "version": 1, "maker": "Example Lamps", "model": "LP-110", "profile": 1,
		"norms": {"etsi.5.1-1": "lab-tested"}, "support_until": "2031-03-31", "issued": "2026-11-23", "status_index": 0, "sensors": ["power"], "practices": []}`
	if err := os.WriteFile(statement, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "plug.label")
	if code, _, stderr := call(t, nil, "label", "sign", statement, "--key", writePEM(t, "k", "PRIVATE KEY", der), "--out", out); code != exitDone {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	key := writePEM(t, "p", "PUBLIC KEY", open)
	for name, want := range map[string]int{out: exitFound, statement: exitUnverified} {
		code, stdout, stderr := call(t, nil, "label", "verify", name, "--issuer-key", key, "--json")
		validate(t, "label-verify.json", stdout)
		if code != want {
			t.Errorf("%s: exit %d, %s", name, code, stderr)
		}
	}
	code, stdout, stderr := call(t, nil, "label", "compare", out, out, "--json")
	if validate(t, "label-compare.json", stdout); code != exitDone {
		t.Errorf("compare: exit %d, %s", code, stderr)
	}
}
