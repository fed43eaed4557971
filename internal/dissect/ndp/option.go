package ndp

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/domain"
)

// Option types (IANA, IPv6 Neighbor Discovery Option Formats).
const (
	sourceLinkLayer = 1
	targetLinkLayer = 2
	prefixInfo      = 3
	linkMTU         = 5
	routeInfo       = 24 // RFC 4191
	rdnss           = 25 // RFC 8106
	dnssl           = 31 // RFC 8106
	captivePortal   = 37 // RFC 8910
	pref64          = 38 // RFC 8781
)

// Bounds on what one advertisement says; no honest router comes near them.
const (
	maxFacts     = 32
	maxPerOption = 8
)

// options is the part of b that holds whole options. An option of length 0 makes the message void
// (RFC 4861 §4.6).
func options(b []byte) ([]byte, bool) {
	at := 0
	for at+8 <= len(b) {
		n := int(b[at+1]) * 8
		if n == 0 {
			return nil, false
		}
		if at+n > len(b) {
			break
		}
		at += n
	}
	return b[:at], true
}

// each yields the options of opts, which are whole: type, length, and the rest.
func each(opts []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(opts) >= 8 {
			n := int(opts[1]) * 8
			if !yield(opts[:n:n]) {
				return
			}
			opts = opts[n:]
		}
	}
}

// option tells what one option of a Router Advertisement says.
func option(out *dissect.Facts, o []byte) {
	switch o[0] {
	case prefixInfo:
		if len(o) == 32 && addPrefix(out, "ra.prefix", [16]byte(o[16:32]), int(o[2])) {
			flag(out, "on_link", o[3]&0x80)
			flag(out, "autonomous", o[3]&0x40)
			out.FieldUint("valid", uint64(binary.BigEndian.Uint32(o[4:])))
			out.FieldUint("preferred", uint64(binary.BigEndian.Uint32(o[8:])))
		}
	case linkMTU:
		if len(o) == 8 {
			out.AddUint("ra.mtu", uint64(binary.BigEndian.Uint32(o[4:])))
		}
	case routeInfo:
		var a [16]byte
		if copy(a[:], o[8:]); len(o) <= 24 && addPrefix(out, "ra.route", a, int(o[2])) {
			out.FieldUint("lifetime", uint64(binary.BigEndian.Uint32(o[4:])))
			preference(out, o[3])
		}
	case rdnss:
		a := o[8:]
		for range min(len(a)/16, maxPerOption) {
			out.AddAddr("ra.rdnss", netip.AddrFrom16([16]byte(a)))
			out.FieldUint("lifetime", uint64(binary.BigEndian.Uint32(o[4:])))
			a = a[16:]
		}
	case dnssl:
		var text [256]byte
		names := o[8:]
		for range maxPerOption {
			name, rest, ok := domain.Append(text[:0], names)
			if !ok || len(name) == 0 { // the names are padded with zeros
				return
			}
			out.Add("ra.dnssl", name)
			out.FieldUint("lifetime", uint64(binary.BigEndian.Uint32(o[4:])))
			names = rest
		}
	case captivePortal:
		uri := o[2:]
		for len(uri) > 0 && uri[len(uri)-1] == 0 {
			uri = uri[:len(uri)-1]
		}
		out.Add("ra.captive_portal", uri)
	case pref64:
		// RFC 8781 §4: 13 bits of lifetime in units of 8 s, 3 bits that tell the length of the prefix.
		if len(o) == 16 {
			var a [16]byte
			copy(a[:], o[4:16])
			bits := [8]int{96, 64, 56, 48, 40, 32, -1, -1}[o[3]&7]
			addPrefix(out, "ra.pref64", a, bits)
		}
	}
}

func addPrefix(out *dissect.Facts, name string, a [16]byte, bits int) bool {
	p, err := netip.AddrFrom16(a).Prefix(bits)
	if err != nil {
		return false
	}
	var text [64]byte
	out.Add(name, p.AppendTo(text[:0]))
	return true
}
