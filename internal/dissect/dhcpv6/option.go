package dhcpv6

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/domain"
)

// Option codes (IANA, Dynamic Host Configuration Protocol for IPv6).
const (
	clientID        = 1
	serverID        = 2
	association     = 3 // IA_NA
	temporary       = 4 // IA_TA
	leasedAddress   = 5
	optionRequest   = 6
	relayMessage    = 9
	userClass       = 15
	vendorClass     = 16
	nameServers     = 23
	searchList      = 24
	delegation      = 25 // IA_PD
	leasedPrefix    = 26
	clientFQDN      = 39
	clientLinkLayer = 79  // RFC 6939
	mudURL          = 112 // RFC 8520 §10
	maxKnown        = 128
)

const (
	maxOrder  = 64 // options whose order is told
	maxLeases = 16
)

// options are the options of one message. The values are slices of the message.
type options struct {
	order [maxOrder]uint16 // codes as they came
	n     int              // of order
	value [maxKnown][]byte // the first of each code
	raw   []byte
}

// read reads options up to the end, or to the cut. ok is false if not even the first is whole.
func read(b []byte) (o options, ok bool) {
	o.raw = b
	for code, v := range each(b) {
		if o.n < maxOrder {
			o.order[o.n] = code
			o.n++
		}
		if code < maxKnown && o.value[code] == nil {
			o.value[code] = v
		}
	}
	return o, len(b) == 0 || o.n > 0
}

// each yields the code and the value of each whole option of b.
func each(b []byte) func(yield func(code uint16, v []byte) bool) {
	return func(yield func(code uint16, v []byte) bool) {
		for len(b) >= 4 {
			n := 4 + int(binary.BigEndian.Uint16(b[2:]))
			if n > len(b) || !yield(binary.BigEndian.Uint16(b), b[4:n:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// configuration adds what a server tells every client, as fields.
func (o *options) configuration(out *dissect.Facts) {
	var buf [4 * 48]byte
	b := buf[:0]
	for v := o.value[nameServers]; len(v) >= 16 && len(b) < 3*48; v = v[16:] {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = netip.AddrFrom16([16]byte(v)).AppendTo(b)
	}
	if len(b) > 0 {
		out.Field("dns", b)
	}
	var text [256]byte
	if name, _, ok := domain.Append(text[:0], o.value[searchList]); ok && len(name) > 0 {
		out.Field("domain", name)
	}
}

// leases tells the addresses and prefixes that a server gives (RFC 8415 §21.6, §21.22). A lifetime of
// zero takes back.
func (o *options) leases(out *dissect.Facts) {
	for code, v := range o.leased() {
		if code == leasedAddress {
			out.AddAddr("dhcpv6.lease", netip.AddrFrom16([16]byte(v)))
			lifetimes(out, v[16:])
			continue
		}
		if p, ok := prefix(v); ok {
			var text [64]byte
			out.Add("dhcpv6.prefix", p.AppendTo(text[:0]))
			lifetimes(out, v)
		}
	}
}

// returns tells, under a name, the addresses and prefixes that a client gives back (RFC 8415 §18.2.7, §18.2.8).
func (o *options) returns(out *dissect.Facts, name string) {
	for code, v := range o.leased() {
		if code == leasedAddress {
			out.AddAddr(name, netip.AddrFrom16([16]byte(v)))
		} else if p, ok := prefix(v); ok {
			var text [64]byte
			out.Add(name, p.AppendTo(text[:0]))
		}
	}
}

// leased yields the first addresses and prefixes of all associations, whole ones alone.
func (o *options) leased() func(yield func(code uint16, v []byte) bool) {
	return func(yield func(code uint16, v []byte) bool) {
		left := maxLeases
		for code, ia := range each(o.raw) {
			fixed := 12 // identity, T1, T2
			switch code {
			case association, delegation:
			case temporary:
				fixed = 4
			default:
				continue
			}
			if len(ia) < fixed {
				continue
			}
			for code, v := range each(ia[fixed:]) {
				if left == 0 {
					return
				}
				left--
				whole := code == leasedAddress && len(v) >= 24 || code == leasedPrefix && len(v) >= 25
				if whole && !yield(code, v) {
					return
				}
			}
		}
	}
}

// prefix is the one in an IA prefix option.
func prefix(v []byte) (netip.Prefix, bool) {
	p, err := netip.AddrFrom16([16]byte(v[9:])).Prefix(int(v[8]))
	return p, err == nil
}

func lifetimes(out *dissect.Facts, v []byte) {
	out.FieldUint("preferred", uint64(binary.BigEndian.Uint32(v)))
	out.FieldUint("valid", uint64(binary.BigEndian.Uint32(v[4:])))
}

// number appends a number to a list separated by commas.
func number(b []byte, v uint16) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	return strconv.AppendUint(b, uint64(v), 10)
}
