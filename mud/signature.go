package mud

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smallstep/pkcs7"
)

// MaxSignature bounds a signature file, octets. Three certificates and a signature take a tenth of it.
const MaxSignature = 64 << 10

// What can be wrong with a signature. A person can put right the last two: see the functions that return them.
var (
	// ErrSignature: the signature is not one, or not of these octets, or made with what must not be used.
	ErrSignature = errors.New("signature is not good")
	// ErrUntrusted: the signature is of these octets, but who made it is not trusted, or was not at that time.
	ErrUntrusted = errors.New("signer is not trusted")
	// ErrClock: nothing can be said before the clock is set.
	ErrClock = errors.New("the clock is not set")
)

// Trust is what a signature is held against.
type Trust struct {
	// Anchors are the certificates that a signer's chain must lead to. With none, nothing is trusted.
	Anchors []*x509.Certificate
	// Intermediates are certificates that the signature may have left out.
	Intermediates []*x509.Certificate
	// Signer, if set, is the DER of the Name that the device's certificate gives as its signer: see Mudsigner.
	Signer []byte
	// Now is the time by the clock at hand.
	Now time.Time
	// Floor is a time that has surely passed, such as that of the program's build: a clock before it is not set.
	Floor time.Time
}

// Signature is a good signature.
type Signature struct {
	Signer  *x509.Certificate
	Chain   []*x509.Certificate // from the signer to an anchor
	Time    time.Time           // when it was made, as the signer says; zero where it does not say
	Expired bool                // a certificate of the chain has expired since: normal for a file that is years old
}

// VerifySignature checks that signature, the DER of a detached CMS (RFC 5652), was made over the octets of file by
// somebody who is trusted (RFC 8520 §13.2). Give it the octets as they were fetched, before anything else of the file
// is believed.
//
// The chain is judged at the time of signing: a file outlives the certificate that signed it. That time is the
// signer's own word; where it gives none, the time is Trust.Now. What it returns wraps ErrSignature, ErrUntrusted or
// ErrClock. In the last case the signature is of these octets, but the clock is needed to judge who made it: set the
// clock, and ask again.
func VerifySignature(file, signature []byte, trust Trust) (*Signature, error) {
	if len(signature) > MaxSignature {
		return nil, fmt.Errorf("%w: it has %d octets, at most %d are read", ErrSignature, len(signature), MaxSignature)
	}
	if bytes.HasPrefix(signature, []byte("-----BEGIN")) {
		return nil, fmt.Errorf("%w: it is PEM, and must be DER (RFC 8520 §13.1)", ErrSignature)
	}
	der, err := bySerial(signature)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	p7, err := pkcs7.Parse(der)
	if err != nil {
		return nil, fmt.Errorf("%w: read CMS: %w", ErrSignature, err)
	}
	if len(p7.Content) > 0 {
		return nil, fmt.Errorf("%w: it carries a content of its own, and must be detached (RFC 8520 §13.1)", ErrSignature)
	}
	signer := p7.GetOnlySigner()
	if len(p7.Signers) != 1 || signer == nil {
		return nil, fmt.Errorf("%w: it has %d signers, and one is needed whose certificate is inside", ErrSignature, len(p7.Signers))
	}
	if err := sound(p7.Signers[0].DigestAlgorithm.Algorithm, signer); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	p7.Content = file
	var atSigning *pkcs7.SigningTimeNotValidError
	// The library judges the signing time against the signer's certificate before it checks the signature: whose
	// time is wrong is known only then.
	err = p7.VerifyWithChain(nil)
	if errors.As(err, &atSigning) {
		return nil, fmt.Errorf("%w: it says that it was made on %s, and the signer’s certificate is good from %s to %s", ErrUntrusted,
			day(atSigning.SigningTime), day(atSigning.NotBefore), day(atSigning.NotAfter))
	}
	var other *pkcs7.MessageDigestMismatchError
	if errors.As(err, &other) {
		return nil, fmt.Errorf("%w: it is of other octets, whose digest is %x; that of the file is %x", ErrSignature, other.ExpectedDigest, other.ActualDigest)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	s := &Signature{Signer: signer}
	var content asn1.ObjectIdentifier
	if len(p7.Signers[0].AuthenticatedAttributes) > 0 {
		if err := p7.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &content); err != nil || !content.Equal(pkcs7.OIDData) {
			return nil, fmt.Errorf("%w: the signed content type is %v, not data (RFC 5652 §11.1)", ErrSignature, content)
		}
		if err := p7.UnmarshalSignedAttribute(pkcs7.OIDAttributeSigningTime, &s.Time); err != nil {
			s.Time = time.Time{}
		}
	}
	// RFC 8520 §13.2: the extension must be there, with that bit.
	if signer.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, fmt.Errorf("%w: the signer’s certificate is not for digital signatures (RFC 8520 §13.2)", ErrUntrusted)
	}
	if trust.Signer != nil && !sameName(trust.Signer, signer.RawSubject) {
		return nil, fmt.Errorf("%w: the device names another signer than %s (RFC 8520 §11)", ErrUntrusted, signer.Subject)
	}
	return s, s.judge(p7.Certificates, trust)
}

// judge finds the chain of a signature, at the time of signing.
func (s *Signature) judge(certificates []*x509.Certificate, trust Trust) error {
	unset := trust.Now.Before(trust.Floor)
	at := s.Time
	switch {
	case at.IsZero() && unset:
		return fmt.Errorf("%w: it says %s; the signature does not say when it was made", ErrClock, day(trust.Now))
	case at.IsZero():
		at = trust.Now
	case unset && at.After(trust.Floor):
		return fmt.Errorf("%w: it says %s; the signature says that it was made on %s", ErrClock, day(trust.Now), day(at))
	case !unset && at.After(trust.Now.Add(skew)):
		return fmt.Errorf("%w: it says that it was made on %s, which is yet to come", ErrUntrusted, day(at))
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at,
		// The default asks for a server's certificate, which a signer's need not be.
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, c := range trust.Anchors {
		opts.Roots.AddCert(c)
	}
	for _, c := range slices.Concat(certificates[:min(len(certificates), maxCertificates)], trust.Intermediates) {
		opts.Intermediates.AddCert(c)
	}
	chains, err := s.Signer.Verify(opts)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUntrusted, s.Signer.Subject, err)
	}
	s.Chain = chains[0]
	for _, c := range s.Chain {
		s.Expired = s.Expired || !unset && trust.Now.After(c.NotAfter)
	}
	return nil
}

const (
	skew            = 10 * time.Minute // by which a signer's clock may be ahead of ours
	maxCertificates = 16               // of a signature that are considered
)

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// sound refuses what can be forged today.
func sound(digest asn1.ObjectIdentifier, signer *x509.Certificate) error {
	for _, good := range []asn1.ObjectIdentifier{pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmSHA384, pkcs7.OIDDigestAlgorithmSHA512} {
		if !digest.Equal(good) {
			continue
		}
		switch key := signer.PublicKey.(type) {
		case *rsa.PublicKey:
			if key.N.BitLen() < 2048 {
				return fmt.Errorf("the signer’s RSA key has %d bits, and must have 2048", key.N.BitLen())
			}
			return nil
		case *ecdsa.PublicKey, ed25519.PublicKey:
			return nil
		}
		return fmt.Errorf("the signer’s key is a %s key, and must be RSA or ECDSA", signer.PublicKeyAlgorithm)
	}
	return fmt.Errorf("its digest is %v, and must be SHA-256, SHA-384 or SHA-512", digest)
}

// bySerial rewrites a signature that names its signer by key identifier (RFC 5652 §5.3) so that it names it by issuer
// and serial number, the only form that the library reads. The name of the signer is not part of what is signed. What
// needs no rewriting, or is not DER, is returned as it is: the library says what is wrong with it.
func bySerial(der []byte) ([]byte, error) {
	outer := elements(der) // type, [0] content
	if len(outer) != 2 || !bytes.Equal(outer[0].FullBytes, typeSignedData) {
		return der, nil
	}
	data := elements(outer[1].Bytes) // version, digests, content, [0] certificates, [1] CRLs, signers
	if len(data) < 5 || data[3].Class != asn1.ClassContextSpecific || data[3].Tag != 0 {
		return der, nil
	}
	signers := &data[len(data)-1]
	signer := elements(signers.Bytes) // version, name, …
	if len(signer) < 2 || signer[1].Class != asn1.ClassContextSpecific || signer[1].Tag != 0 {
		return der, nil
	}
	certificates, err := x509.ParseCertificates(data[3].Bytes)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	i := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return bytes.Equal(c.SubjectKeyId, signer[1].Bytes) })
	if i < 0 {
		return nil, fmt.Errorf("the certificate of its signer, key %x, is not inside", signer[1].Bytes)
	}
	serial, err := asn1.Marshal(certificates[i].SerialNumber)
	if err != nil {
		return nil, fmt.Errorf("name the signer: %w", err)
	}
	signer[1] = wrap(asn1.ClassUniversal, asn1.TagSequence, certificates[i].RawIssuer, serial)
	one := wrap(asn1.ClassUniversal, asn1.TagSequence, join(signer))
	rest := signers.Bytes[len(elementOf(signers.Bytes)):]
	*signers = wrap(asn1.ClassUniversal, asn1.TagSet, octets(one), rest)
	outer[1] = wrap(asn1.ClassContextSpecific, 0, octets(wrap(asn1.ClassUniversal, asn1.TagSequence, join(data))))
	return octets(wrap(asn1.ClassUniversal, asn1.TagSequence, join(outer))), nil
}

// typeSignedData is the DER of the content type of a signature.
var typeSignedData = []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2}

// elements are what the sequence at the beginning of der holds, or nil where there is none.
func elements(der []byte) (list []asn1.RawValue) {
	var sequence asn1.RawValue
	if _, err := asn1.Unmarshal(der, &sequence); err != nil || sequence.Tag != asn1.TagSequence || !sequence.IsCompound {
		return nil
	}
	for rest := sequence.Bytes; len(rest) > 0; {
		var v asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &v); err != nil {
			return nil
		}
		list = append(list, v)
	}
	return list
}

// elementOf is the first element of der, which has one.
func elementOf(der []byte) []byte {
	var v asn1.RawValue
	_, _ = asn1.Unmarshal(der, &v)
	return v.FullBytes
}

func join(list []asn1.RawValue) (der []byte) {
	for _, v := range list {
		der = append(der, octets(v)...)
	}
	return der
}

func wrap(class, tag int, parts ...[]byte) asn1.RawValue {
	return asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: slices.Concat(parts...)}
}

// octets is the DER of v.
func octets(v asn1.RawValue) []byte {
	if v.FullBytes != nil {
		return v.FullBytes
	}
	der, _ := asn1.Marshal(v) // a RawValue is written as it is
	return der
}
