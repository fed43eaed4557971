package tls

import (
	"bytes"
	"errors"
	"math/bits"
	"strconv"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Certificate is what a certificate (RFC 5280) says of its owner. Slices alias the certificate.
//
// Nothing here is verified, and much is let pass that a verifier must refuse: devices are full of
// certificates that break the rules, and what they say is worth knowing all the same.
type Certificate struct {
	Subject, Issuer     Name
	SelfIssued          bool      // subject and issuer are the same
	NotBefore, NotAfter time.Time // zero if unreadable
	DNSNames            []byte    // the GeneralNames of the subject's alternative names, as DER
	keyAlgorithm        []byte    // object identifier
	keyParameters       []byte    // DER
	key                 []byte    // of subjectPublicKey
	signature           []byte    // object identifier
}

// Name is the part of a distinguished name that is of use. Where an attribute is repeated, the last counts.
type Name struct{ CommonName, Organization []byte }

// String is the most telling attribute.
func (n *Name) text() []byte {
	if len(n.CommonName) > 0 {
		return n.CommonName
	}
	return n.Organization
}

var errCertificate = errors.New("malformed certificate")

// ParseCertificate reads a certificate in DER.
func ParseCertificate(der []byte, c *Certificate) error {
	*c = Certificate{}
	s := cryptobyte.String(der)
	var tbs, algorithm, issuer, validity, subject, key cryptobyte.String
	if !s.ReadASN1(&s, asn1.SEQUENCE) || !s.ReadASN1(&tbs, asn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(asn1.Tag(0).Constructed().ContextSpecific()) || // version
		!tbs.SkipASN1(asn1.INTEGER) || // serial number
		!tbs.ReadASN1(&algorithm, asn1.SEQUENCE) ||
		!tbs.ReadASN1(&issuer, asn1.SEQUENCE) ||
		!tbs.ReadASN1(&validity, asn1.SEQUENCE) ||
		!tbs.ReadASN1(&subject, asn1.SEQUENCE) ||
		!tbs.ReadASN1(&key, asn1.SEQUENCE) {
		return errCertificate
	}
	readOID(&algorithm, &c.signature)
	c.SelfIssued = bytes.Equal(issuer, subject)
	c.Issuer.parse(issuer)
	c.Subject.parse(subject)
	c.NotBefore = readTime(&validity)
	c.NotAfter = readTime(&validity)

	var bitString cryptobyte.String
	if key.ReadASN1(&algorithm, asn1.SEQUENCE) && readOID(&algorithm, &c.keyAlgorithm) &&
		key.ReadASN1(&bitString, asn1.BIT_STRING) && len(bitString) > 0 {
		c.keyParameters, c.key = algorithm, bitString[1:] // after the number of unused bits
	}
	c.extensions(tbs)
	return nil
}

// parse reads an RDNSequence (RFC 5280, Section 4.1.2.4).
func (n *Name) parse(s cryptobyte.String) {
	var set, attribute, value cryptobyte.String
	var kind []byte
	for s.ReadASN1(&set, asn1.SET) {
		for set.ReadASN1(&attribute, asn1.SEQUENCE) {
			var tag asn1.Tag
			if !readOID(&attribute, &kind) || !attribute.ReadAnyASN1(&value, &tag) {
				continue
			}
			switch string(kind) {
			case "\x55\x04\x03":
				n.CommonName = value
			case "\x55\x04\x0a":
				n.Organization = value
			}
		}
	}
}

// extensions looks through what follows the key for the alternative names (RFC 5280, Section 4.2.1.6).
func (c *Certificate) extensions(s cryptobyte.String) {
	var list, extension, value, names cryptobyte.String
	if !s.SkipOptionalASN1(asn1.Tag(1).ContextSpecific()) || !s.SkipOptionalASN1(asn1.Tag(2).ContextSpecific()) ||
		!s.ReadASN1(&list, asn1.Tag(3).Constructed().ContextSpecific()) || !list.ReadASN1(&list, asn1.SEQUENCE) {
		return
	}
	var kind []byte
	for list.ReadASN1(&extension, asn1.SEQUENCE) {
		if readOID(&extension, &kind) && string(kind) == "\x55\x1d\x11" &&
			extension.SkipOptionalASN1(asn1.BOOLEAN) && extension.ReadASN1(&value, asn1.OCTET_STRING) &&
			value.ReadASN1(&names, asn1.SEQUENCE) {
			c.DNSNames = names
			return
		}
	}
}

// appendDNSNames appends the DNS names with commas between them, as many as fit in limit octets.
func (c *Certificate) appendDNSNames(dst []byte, limit int) []byte {
	names := cryptobyte.String(c.DNSNames)
	from := len(dst)
	for !names.Empty() {
		var name cryptobyte.String
		var tag asn1.Tag
		if !names.ReadAnyASN1(&name, &tag) {
			break
		}
		if tag != asn1.Tag(2).ContextSpecific() || len(name) == 0 {
			continue
		}
		if len(dst)-from+len(name)+1 > limit {
			break
		}
		if len(dst) > from {
			dst = append(dst, ',')
		}
		dst = append(dst, name...)
	}
	return dst
}

// appendKey appends the kind and size of the key, such as rsa-2048.
func (c *Certificate) appendKey(dst []byte) []byte {
	switch string(c.keyAlgorithm) {
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a":
		s := cryptobyte.String(c.key)
		var modulus cryptobyte.String
		if !s.ReadASN1(&s, asn1.SEQUENCE) || !s.ReadASN1(&modulus, asn1.INTEGER) {
			return append(dst, "rsa"...)
		}
		return strconv.AppendInt(append(dst, "rsa-"...), int64(bitLen(modulus)), 10)
	case "\x2a\x86\x48\xce\x38\x04\x01":
		s := cryptobyte.String(c.keyParameters)
		var prime cryptobyte.String
		if !s.ReadASN1(&s, asn1.SEQUENCE) || !s.ReadASN1(&prime, asn1.INTEGER) {
			return append(dst, "dsa"...)
		}
		return strconv.AppendInt(append(dst, "dsa-"...), int64(bitLen(prime)), 10)
	case "\x2a\x86\x48\xce\x3d\x02\x01":
		s := cryptobyte.String(c.keyParameters)
		var curve []byte
		readOID(&s, &curve)
		return append(dst, curveName(curve)...)
	case "\x2b\x65\x70":
		return append(dst, "ed25519"...)
	case "\x2b\x65\x71":
		return append(dst, "ed448"...)
	}
	return append(dst, "other"...)
}

func bitLen(b []byte) int {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 {
		return 0
	}
	return len(b)*8 - bits.LeadingZeros8(b[0])
}

func curveName(oid []byte) string {
	switch string(oid) {
	case "\x2a\x86\x48\xce\x3d\x03\x01\x01":
		return "ecdsa-p192"
	case "\x2b\x81\x04\x00\x21":
		return "ecdsa-p224"
	case "\x2a\x86\x48\xce\x3d\x03\x01\x07":
		return "ecdsa-p256"
	case "\x2b\x81\x04\x00\x22":
		return "ecdsa-p384"
	case "\x2b\x81\x04\x00\x23":
		return "ecdsa-p521"
	case "\x2b\x81\x04\x00\x0a":
		return "ecdsa-secp256k1"
	case "\x2b\x24\x03\x03\x02\x08\x01\x01\x07":
		return "ecdsa-brainpoolp256r1"
	case "\x2b\x24\x03\x03\x02\x08\x01\x01\x0b":
		return "ecdsa-brainpoolp384r1"
	case "\x2b\x24\x03\x03\x02\x08\x01\x01\x0d":
		return "ecdsa-brainpoolp512r1"
	}
	return "ecdsa"
}

// signatureName is how the certificate was signed, such as sha1-rsa, or "" where that is not known.
func (c *Certificate) signatureName() string {
	switch string(c.signature) {
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02":
		return "md2-rsa"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04":
		return "md5-rsa"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "\x2b\x0e\x03\x02\x1d":
		return "sha1-rsa"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e":
		return "sha224-rsa"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b":
		return "sha256-rsa"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c":
		return "sha384-rsa"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d":
		return "sha512-rsa"
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a":
		return "rsa-pss"
	case "\x2a\x86\x48\xce\x38\x04\x03":
		return "sha1-dsa"
	case "\x60\x86\x48\x01\x65\x03\x04\x03\x02":
		return "sha256-dsa"
	case "\x2a\x86\x48\xce\x3d\x04\x01":
		return "sha1-ecdsa"
	case "\x2a\x86\x48\xce\x3d\x04\x03\x01":
		return "sha224-ecdsa"
	case "\x2a\x86\x48\xce\x3d\x04\x03\x02":
		return "sha256-ecdsa"
	case "\x2a\x86\x48\xce\x3d\x04\x03\x03":
		return "sha384-ecdsa"
	case "\x2a\x86\x48\xce\x3d\x04\x03\x04":
		return "sha512-ecdsa"
	case "\x2b\x65\x70":
		return "ed25519"
	case "\x2b\x65\x71":
		return "ed448"
	}
	return ""
}

func readOID(s *cryptobyte.String, out *[]byte) bool {
	return s.ReadASN1((*cryptobyte.String)(out), asn1.OBJECT_IDENTIFIER)
}

// readTime reads one end of the validity (RFC 5280, Section 4.1.2.5).
func readTime(s *cryptobyte.String) time.Time {
	var t time.Time
	switch {
	case s.PeekASN1Tag(asn1.UTCTime):
		s.ReadASN1UTCTime(&t)
	case s.PeekASN1Tag(asn1.GeneralizedTime):
		s.ReadASN1GeneralizedTime(&t)
	}
	return t
}
