package dns

import (
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Parameters of a service binding, RFC 9460, Section 14.3.2, and RFC 9461.
const (
	paramALPN     = 1
	paramPort     = 3
	paramIPv4Hint = 4
	paramECH      = 5
	paramIPv6Hint = 6
	paramDoHPath  = 7
)

// service tells what an SVCB or HTTPS record says, RFC 9460, Section 2.2: the binding, and each address
// that it hints at.
func service(r *Record, q Question, name, msg []byte, out *dissect.Facts) {
	if r.End-r.Data < 3 {
		return
	}
	var buf [usualName]byte
	target, off, ok := AppendName(buf[:0], msg[:r.End], r.Data+2)
	if !ok {
		return
	}
	out.Add("dns.svcb", name)
	fieldType(r.Type, out)
	out.FieldUint("ttl", uint64(r.TTL))
	out.FieldUint("priority", uint64(binary.BigEndian.Uint16(msg[r.Data:])))
	out.Field("target", target)
	params := msg[off:r.End]
	for p := params; ; {
		key, value, rest, ok := param(p)
		if !ok {
			break
		}
		p = rest
		switch key {
		case paramALPN:
			var buf [64]byte
			out.Field("alpn", appendALPN(buf[:0], value))
		case paramPort:
			if len(value) == 2 {
				out.FieldUint("port", uint64(binary.BigEndian.Uint16(value)))
			}
		case paramECH:
			out.FieldUint("ech", 1)
		case paramDoHPath:
			out.Field("dohpath", value)
		}
	}
	limit := out.Len() + 32
	for p := params; ; {
		key, value, rest, ok := param(p)
		if !ok {
			return
		}
		p = rest
		size := 0
		switch key {
		case paramIPv4Hint:
			size = 4
		case paramIPv6Hint:
			size = 16
		default:
			continue
		}
		for ; len(value) >= size && out.Len() < limit; value = value[size:] {
			a, _ := netip.AddrFromSlice(value[:size])
			address(a, r, q, name, msg, out)
		}
	}
}

// param is the first parameter of p.
func param(p []byte) (key uint16, value, rest []byte, ok bool) {
	if len(p) < 4 {
		return 0, nil, nil, false
	}
	size := int(binary.BigEndian.Uint16(p[2:]))
	if len(p) < 4+size {
		return 0, nil, nil, false
	}
	return binary.BigEndian.Uint16(p), p[4 : 4+size], p[4+size:], true
}

// appendALPN appends the protocol identifiers of value, divided by commas.
func appendALPN(dst, value []byte) []byte {
	for len(value) > 0 && len(value) > int(value[0]) && len(dst) < 256 {
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, value[1:1+int(value[0])]...)
		value = value[1+int(value[0]):]
	}
	return dst
}
