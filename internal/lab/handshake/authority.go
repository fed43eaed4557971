package handshake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Certificate is a chain, leaf first, with the leaf's key.
type Certificate struct {
	Chain [][]byte // DER
	key   crypto.Signer
}

// Authority issues certificates as a public one does: from an intermediate below a root.
type Authority struct {
	Root      []byte // DER
	middle    *x509.Certificate
	middleDER []byte
	key       crypto.Signer
	now       time.Time
}

// steady is an ECDSA key that signs as RFC 6979 says, whatever source of randomness it is offered.
type steady struct{ *ecdsa.PrivateKey }

func (s steady) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(nil, digest, opts)
}

func newECDSA(r *rand.Rand) steady {
	return steady{must(ecdsa.ParseRawPrivateKey(elliptic.P256(), octets(r, 32)))}
}

// NewAuthority makes an authority that was there some years before now.
func NewAuthority(r *rand.Rand, now time.Time) *Authority {
	rootKey, key := newECDSA(r), newECDSA(r)
	root := &x509.Certificate{
		SerialNumber: serial(r), Subject: pkix.Name{Organization: []string{"Plimsoll Lab"}, CommonName: "Plimsoll Lab Root"},
		NotBefore: now.AddDate(-5, 0, 0), NotAfter: now.AddDate(15, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: octets(r, 20),
	}
	middle := &x509.Certificate{
		SerialNumber: serial(r), Subject: pkix.Name{Organization: []string{"Plimsoll Lab"}, CommonName: "Plimsoll Lab E1"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(2, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: octets(r, 20),
	}
	a := &Authority{key: key, now: now, Root: sign(root, root, rootKey, rootKey)}
	a.middleDER = sign(middle, must(x509.ParseCertificate(a.Root)), key, rootKey)
	a.middle = must(x509.ParseCertificate(a.middleDER))
	return a
}

// Issue makes a certificate for names that is valid now.
func (a *Authority) Issue(r *rand.Rand, names ...string) *Certificate {
	key := newECDSA(r)
	leaf := &x509.Certificate{
		SerialNumber: serial(r), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: a.now.AddDate(0, -1, 0), NotAfter: a.now.AddDate(0, 2, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	return &Certificate{Chain: [][]byte{sign(leaf, a.middle, key, a.key), a.middleDER}, key: key}
}

// SelfSigned is a certificate of the kind that devices bring from the factory: signed by itself. A weak
// one has an RSA key of 1024 bits and has expired.
func SelfSigned(r *rand.Rand, now time.Time, subject pkix.Name, address netip.Addr, weak bool) *Certificate {
	leaf := &x509.Certificate{
		SerialNumber: serial(r), Subject: subject,
		NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(18, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if address.IsValid() {
		leaf.IPAddresses = append(leaf.IPAddresses, address.AsSlice())
	}
	var key crypto.Signer = newECDSA(r)
	if weak {
		leaf.NotBefore, leaf.NotAfter = now.AddDate(-11, 0, 0), now.AddDate(-1, 0, 0)
		key = newRSA(r, 1024)
	}
	return &Certificate{Chain: [][]byte{sign(leaf, leaf, key, key)}, key: key}
}

func sign(template, parent *x509.Certificate, key, by crypto.Signer) []byte {
	return must(x509.CreateCertificate(nothing{}, template, parent, key.Public(), by))
}

// nothing stands where a source of randomness is asked for that is not drawn from.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func serial(r *rand.Rand) *big.Int {
	b := octets(r, 16)
	b[0] = b[0]&0x3f | 0x40
	return new(big.Int).SetBytes(b)
}

// newRSA makes a key from r. The standard library's own generator takes no other source than its own.
func newRSA(r *rand.Rand, bits int) *rsa.PrivateKey {
	e := big.NewInt(65537)
	one := big.NewInt(1)
	prime := func() *big.Int {
		for {
			b := octets(r, bits/16)
			b[0] |= 0xc0
			b[len(b)-1] |= 1
			p := new(big.Int).SetBytes(b)
			rest := new(big.Int).Mod(new(big.Int).Sub(p, one), e)
			if rest.Sign() != 0 && p.ProbablyPrime(20) {
				return p
			}
		}
	}
	p, q := prime(), prime()
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())},
		D:         new(big.Int).ModInverse(e, phi),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	return key
}
