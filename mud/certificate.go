package mud

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"unicode"
)

// The extensions of a device's certificate (RFC 8520 §11, §16.4). Other programs mix up their numbers.
var (
	oidMUDURL    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 25} // id-pe-mud-url
	oidMudsigner = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 30} // id-pe-mudsigner
)

// CertificateURL is the MUD URL in a device's certificate, an IA5String (RFC 8520 §11), or "" if it has none.
func CertificateURL(device *x509.Certificate) (string, error) {
	for _, e := range device.Extensions {
		if !e.Id.Equal(oidMUDURL) {
			continue
		}
		var url asn1.RawValue // unmarshalled into a string it might be of another kind
		rest, err := asn1.Unmarshal(e.Value, &url)
		if err != nil || len(rest) > 0 || url.Class != asn1.ClassUniversal || url.Tag != asn1.TagIA5String || url.IsCompound ||
			bytes.ContainsFunc(url.Bytes, func(r rune) bool { return r > unicode.MaxASCII }) {
			return "", fmt.Errorf("read MUD URL of certificate: it is not one IA5String (RFC 8520 §11)")
		}
		return string(url.Bytes), nil
	}
	return "", nil
}

// Mudsigner is the DER of the Name whose holder alone may sign the MUD file of a device, by the device's certificate
// (RFC 8520 §11), or nil if it names nobody.
func Mudsigner(device *x509.Certificate) ([]byte, error) {
	for _, e := range device.Extensions {
		if !e.Id.Equal(oidMudsigner) {
			continue
		}
		var name pkix.RDNSequence
		if rest, err := asn1.Unmarshal(e.Value, &name); err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("read MUD signer of certificate: it is not a Name (RFC 8520 §11)")
		}
		return e.Value, nil
	}
	return nil, nil
}

// sameName compares two Names in DER as RFC 5280 §7.1 asks: the kind of string, letter case and runs of spaces do not
// matter.
func sameName(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y pkix.RDNSequence
	if _, err := asn1.Unmarshal(a, &x); err != nil {
		return false
	}
	if _, err := asn1.Unmarshal(b, &y); err != nil || len(x) != len(y) {
		return false
	}
	for i := range x {
		if len(x[i]) != len(y[i]) {
			return false
		}
		for j := range x[i] {
			if !x[i][j].Type.Equal(y[i][j].Type) || fold(x[i][j].Value) != fold(y[i][j].Value) {
				return false
			}
		}
	}
	return true
}

func fold(v any) string { return strings.ToLower(strings.Join(strings.Fields(fmt.Sprint(v)), " ")) }
