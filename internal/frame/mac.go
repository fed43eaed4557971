package frame

import (
	"encoding/hex"
	"errors"
)

// MAC is an IEEE EUI-48, the link-layer identity of a device.
type MAC [6]byte

// String is the canonical lower-case form, aa:bb:cc:dd:ee:ff.
func (m MAC) String() string {
	var b [17]byte
	for i, o := range m {
		if i > 0 {
			b[i*3-1] = ':'
		}
		hex.Encode(b[i*3:], []byte{o})
	}
	return string(b[:])
}

// IsZero reports whether m is all zeros, which names nobody.
func (m MAC) IsZero() bool { return m == MAC{} }

// IsGroup reports whether m is a multicast or broadcast address (IEEE 802, I/G bit).
func (m MAC) IsGroup() bool { return m[0]&1 != 0 }

// IsLocal reports whether m is locally administered (IEEE 802, U/L bit), as
// randomised addresses are.
func (m MAC) IsLocal() bool { return m[0]&2 != 0 }

// Uint64 packs m into the low 48 bits, for hashing and ordering.
func (m MAC) Uint64() uint64 {
	return uint64(m[0])<<40 | uint64(m[1])<<32 | uint64(m[2])<<24 | uint64(m[3])<<16 | uint64(m[4])<<8 | uint64(m[5])
}

var errMAC = errors.New("not a link-layer address: want six pairs of hexadecimal digits, as in aa:bb:cc:dd:ee:ff")

// ParseMAC reads six octets in hexadecimal, separated by colons, hyphens or nothing.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	var digits [12]byte
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ':' || c == '-':
			if n%2 != 0 {
				return MAC{}, errMAC
			}
		case n == len(digits):
			return MAC{}, errMAC
		default:
			digits[n] = c
			n++
		}
	}
	if n != len(digits) {
		return MAC{}, errMAC
	}
	if _, err := hex.Decode(m[:], digits[:]); err != nil {
		return MAC{}, errMAC
	}
	return m, nil
}

// MarshalText writes the address as String does.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMAC reads.
func (m *MAC) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMAC(string(b))
	return err
}
