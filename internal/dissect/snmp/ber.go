package snmp

import (
	"encoding/binary"
	"strconv"
)

// element is the content of the BER element that b begins with, which must have the tag given, and
// what follows it. The content is nil if there is no such element, or if it is cut.
func element(b []byte, tag byte) (content, rest []byte) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil
	}
	at, n := 2, int(b[1])
	if n >= 0x80 { // the length of the length; SNMP does not use the indefinite form
		size := n - 0x80
		if size == 0 || size > 4 || len(b) < 2+size {
			return nil, nil
		}
		var length [4]byte
		copy(length[4-size:], b[2:2+size])
		v := binary.BigEndian.Uint32(length[:])
		if v > 1<<20 {
			return nil, nil
		}
		at, n = 2+size, int(v)
	}
	if n > len(b)-at {
		return nil, nil
	}
	return b[at : at+n : at+n], b[at+n:]
}

// operation is the tag and the content of the protocol data unit that b begins with, or nil.
func operation(b []byte) (kind byte, pdu []byte) {
	if len(b) < 2 || b[0] < getRequest || b[0] > report {
		return 0, nil
	}
	pdu, _ = element(b, b[0])
	return b[0], pdu
}

// dotted appends an object identifier in its dotted form (X.690 §8.19), or the beginning of a long one.
func dotted(b, id []byte) []byte {
	var v uint64
	first := true
	for _, c := range id {
		v = v<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if first {
			top := min(v/40, 2)
			b = strconv.AppendUint(b, top, 10)
			v, first = v-top*40, false
		}
		if len(b) > 200 {
			break
		}
		b = append(b, '.')
		b = strconv.AppendUint(b, v, 10)
		v = 0
	}
	return b
}
