// Package domain reads domain names in the uncompressed form of RFC 1035 §3.1, as the options of DHCP
// and of Neighbor Discovery carry them.
package domain

const (
	maxLabel = 63  // octets
	maxWire  = 255 // octets of a name, lengths included
)

// Append appends the name that wire begins with to dst, labels joined by dots, and returns what follows
// the name. A name that ends with wire instead of with the root is a partial one (RFC 4704 §4.2).
// ok is false where there is no name: then dst may hold a part of what was tried.
func Append(dst, wire []byte) (text, rest []byte, ok bool) {
	begin := len(dst)
	for at := 0; at < len(wire); {
		n := int(wire[at])
		at++
		if n == 0 {
			return dst, wire[at:], true
		}
		if n > maxLabel || at+n > len(wire) || at+n >= maxWire {
			return dst, nil, false
		}
		if len(dst) > begin {
			dst = append(dst, '.')
		}
		dst = append(dst, wire[at:at+n]...)
		at += n
	}
	return dst, nil, len(dst) > begin
}
