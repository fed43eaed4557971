package policy

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"plimsoll.example/plimsoll/internal/frame"
)

// maxSelectors bounds the different other ends that the entries of one policy may name; published files have fewer than
// a hundred. An entry beyond is Never, and behind one that drops nothing is accepted any more.
const maxSelectors = 512

// set is a set of selectors.
type set [maxSelectors / 64]uint64

func (s *set) add(i uint16)      { s[i>>6] |= 1 << (i & 63) }
func (s *set) has(i uint16) bool { return s[i>>6]>>(i&63)&1 != 0 }

// key is an address as two numbers, IPv4 mapped into IPv6.
type key struct{ hi, lo uint64 }

func keyOf(a *frame.Addr) key {
	return key{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}
}

func (k key) less(o key) bool { return k.hi < o.hi || k.hi == o.hi && k.lo < o.lo }

// next is the address behind k; ok is false where there is none.
func (k key) next() (n key, ok bool) {
	n = key{k.hi, k.lo + 1}
	if n.lo == 0 {
		n.hi++
	}
	return n, n != key{}
}

// bounds are the first and the last address of a prefix.
func bounds(p netip.Prefix) (first, last key) {
	a := frame.AddrFrom(p.Masked().Addr())
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	first = keyOf(&a)
	last = first
	switch {
	case bits <= 64:
		last.lo = ^uint64(0)
		last.hi |= uint64(1)<<(64-bits) - 1
		if bits == 0 {
			last.hi = ^uint64(0)
		}
	default:
		last.lo |= uint64(1)<<(128-bits) - 1
	}
	return first, last
}

// table tells which selectors an address belongs to: the space of addresses cut into pieces, each with its set.
type table struct {
	starts []key
	rows   []uint64 // words numbers for each piece
	words  int
}

// newTable cuts the space at the ends of all prefixes; prefixes[i] are those of selector i.
func newTable(prefixes [][]netip.Prefix) table {
	mapped, behind := bounds(netip.MustParsePrefix("0.0.0.0/0"))
	behind, _ = behind.next()
	t := table{starts: []key{{}, mapped, behind}, words: (len(prefixes) + 63) / 64}
	for _, list := range prefixes {
		for _, p := range list {
			first, last := bounds(p)
			t.starts = append(t.starts, first)
			if n, ok := last.next(); ok {
				t.starts = append(t.starts, n)
			}
		}
	}
	slices.SortFunc(t.starts, func(a, b key) int {
		if a.less(b) {
			return -1
		} else if b.less(a) {
			return 1
		}
		return 0
	})
	t.starts = slices.Compact(t.starts)
	t.rows = make([]uint64, len(t.starts)*t.words)
	for sel, list := range prefixes {
		for _, p := range list {
			first, last := bounds(p)
			for i := t.piece(first); i < len(t.starts) && !last.less(t.starts[i]); i++ {
				if at := t.starts[i]; !p.Addr().Is4() && !at.less(mapped) && at.less(behind) {
					continue // IPv4 is no part of ::/0
				}
				t.rows[i*t.words+(sel>>6)] |= 1 << (sel & 63)
			}
		}
	}
	return t
}

// piece is the number of the piece in which an address lies.
func (t *table) piece(k key) int {
	lo, hi := 0, len(t.starts) // starts[lo] <= k < starts[hi]
	for hi-lo > 1 {
		mid := int(uint(lo+hi) >> 1)
		if k.less(t.starts[mid]) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo
}

// fill adds the selectors of an address to s.
func (t *table) fill(a *frame.Addr, s *set) {
	if t.words == 0 {
		return
	}
	row := t.rows[t.piece(keyOf(a))*t.words:][:t.words]
	for i, w := range row {
		s[i&(len(s)-1)] |= w
	}
}
