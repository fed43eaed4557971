package label

import (
	"fmt"
	"math/big"
)

// maxDigits bounds what is read of a fragment: a QR code holds 7,089 digits at the most (ISO/IEC 18004 §7.1).
const maxDigits = 7089

// Digits writes octets as one decimal number. A QR code packs digits almost as tightly as octets, and unlike octets
// they may stand in a URL. An octet of 1 goes before them, so that none is lost that is 0.
func Digits(b []byte) string {
	return new(big.Int).SetBytes(append([]byte{1}, b...)).String()
}

// ParseDigits reads what Digits wrote, and nothing else.
func ParseDigits(s string) ([]byte, error) {
	if s == "" || len(s) > maxDigits || s[0] == '0' {
		return nil, fmt.Errorf("%w: its fragment of %d characters is no number", ErrLink, len(s))
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return nil, fmt.Errorf("%w: its fragment has %q among its digits", ErrLink, s[i])
		}
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%w: its fragment is no number", ErrLink)
	}
	b := n.Bytes()
	if len(b) < 2 || b[0] != 1 {
		return nil, fmt.Errorf("%w: its fragment is a number, but not of a label", ErrLink)
	}
	return b[1:], nil
}
