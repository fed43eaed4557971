// Package certtest makes certificates for tests: authorities, signers and servers, whose keys are real and new.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// Holder is a certificate and its key.
type Holder struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// Issue makes a certificate for signatures that holds from an hour ago until a year from now; change alters what it
// says. Without an issuer it is an authority's own.
func Issue(t testing.TB, by *Holder, name string, change func(*x509.Certificate)) *Holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return IssueFor(t, by, name, key, change)
}

// IssueFor is Issue for a key that is there.
func IssueFor(t testing.TB, by *Holder, name string, key crypto.Signer, change func(*x509.Certificate)) *Holder {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Example Lamps"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if by == nil {
		Authority(c)
	}
	if change != nil {
		change(c)
	}
	issuer := by
	if issuer == nil {
		issuer = &Holder{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer.Cert, key.Public(), issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Holder{cert, key}
}

// Authority makes a certificate one that may issue others.
func Authority(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }
