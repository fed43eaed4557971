package frame

import (
	"encoding/binary"
	"net/netip"
)

// Addr is an IPv6 address, or an IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2). Unlike netip.Addr it
// holds no pointer, so that tables of it cost the collector nothing.
type Addr [16]byte

// AddrFrom4 maps an IPv4 address.
func AddrFrom4(b [4]byte) Addr {
	return Addr{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}
}

// set4 is AddrFrom4 for where the address stays: a literal would be made elsewhere and copied.
func (a *Addr) set4(b []byte) {
	binary.NativeEndian.PutUint64(a[:8], 0)
	binary.BigEndian.PutUint32(a[8:12], 0xffff)
	copy(a[12:], b[:4])
}

// AddrFrom is the pointer-free form of a.
func AddrFrom(a netip.Addr) Addr { return a.As16() }

// ParseAddr reads an address as text, without its zone. IPv4 allocates nothing.
func ParseAddr(text []byte) (Addr, bool) {
	if a, ok := parse4(text); ok {
		return a, true
	}
	if len(text) == 0 || len(text) > 64 { // no more than an address and a zone
		return Addr{}, false
	}
	a, err := netip.ParseAddr(string(text))
	if err != nil {
		return Addr{}, false
	}
	return AddrFrom(a), true
}

// parse4 reads four decimal numbers without leading zeros.
func parse4(text []byte) (Addr, bool) {
	a := AddrFrom4([4]byte{})
	at, digits, n := 12, 0, 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			if digits > 0 && n == 0 {
				return Addr{}, false
			}
			if n = 10*n + int(c-'0'); n > 255 {
				return Addr{}, false
			}
			digits++
		case c == '.' && digits > 0 && at < 15:
			a[at] = byte(n)
			at, digits, n = at+1, 0, 0
		default:
			return Addr{}, false
		}
	}
	a[at] = byte(n)
	return a, at == 15 && digits > 0
}

// Is4 reports whether a is a mapped IPv4 address.
func (a Addr) Is4() bool {
	return binary.BigEndian.Uint64(a[:8]) == 0 && binary.BigEndian.Uint32(a[8:]) == 0xffff
}

// Netip is a as the standard library's type, IPv4 unmapped.
func (a Addr) Netip() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// IsZero reports whether a is all zeros.
func (a Addr) IsZero() bool { return a == Addr{} }

// IsGroup reports whether a is the address of many: a multicast group, or IPv4's limited broadcast.
func (a Addr) IsGroup() bool {
	return a[0] == 0xff || a.Is4() && (a[12]>>4 == 14 || a == AddrFrom4([4]byte{255, 255, 255, 255}))
}
