package label

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ValidGTIN reports whether s is a GTIN of 8, 12, 13 or 14 digits with the right check digit (GS1 General
// Specifications §7.9).
func ValidGTIN(s string) bool {
	if n := len(s); n != 8 && n != 12 && n != 13 && n != 14 {
		return false
	}
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return sum%10 == 0
}

// ErrLink is the cause where a text is not the link of a label.
var ErrLink = errors.New("not the link of a label")

// Link is the GS1 Digital Link of a label: the page of the product at a resolver, with the envelope in the fragment,
// which no server is sent. It is in capitals, which takes less room in a QR code; a host’s letters have no case.
func Link(resolver string, s *Statement, envelope []byte) string {
	return "HTTPS://" + strings.ToUpper(resolver) + "/01/" + s.GTIN14() + "#" + Digits(envelope)
}

// ParseLink takes a link apart: the GTIN of its path, and the envelope of its fragment. With an error it gives the GTIN of a
// link that carries no label.
func ParseLink(text string) (gtin string, envelope []byte, err error) {
	if len(text) > 2*maxDigits {
		return "", nil, fmt.Errorf("%w: it has %d octets", ErrLink, len(text))
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Host == "" || u.User != nil {
		return "", nil, fmt.Errorf("%w: it is no https URL", ErrLink)
	}
	path := strings.Split(u.Path, "/")
	for i, p := range path[:len(path)-1] {
		if p == "01" && ValidGTIN(path[i+1]) {
			gtin = fmt.Sprintf("%014s", path[i+1])
		}
	}
	if gtin == "" {
		return "", nil, fmt.Errorf("%w: its path names no GTIN (GS1 Digital Link, key 01)", ErrLink)
	}
	if u.Fragment == "" {
		return gtin, nil, fmt.Errorf("%w: it has no fragment, and carries no label", ErrLink)
	}
	if envelope, err = ParseDigits(u.Fragment); err != nil {
		return "", nil, err
	}
	return gtin, envelope, nil
}
