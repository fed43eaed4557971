package identify

import (
	"math/bits"
	"strings"
)

// breadth estimates how many domains a device talks to, in fixed memory: a name sets one bit, and the
// number of bits set is nearly the number of domains until half are.
type breadth [8]uint64

func (b *breadth) add(name string) {
	if !public(name) {
		return
	}
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, c := range []byte(registrable(name)) {
		h = (h ^ uint64(lower(c))) * prime
	}
	h ^= h >> 32
	b[h/64%uint64(len(b))] |= 1 << (h % 64)
}

// public reports whether a name is one that the world knows: neither an address nor local.
func public(name string) bool {
	name = strings.TrimSuffix(name, ".")
	switch last := name[strings.LastIndexByte(name, '.')+1:]; last {
	case "", name, "arpa", "local", "lan", "home", "localdomain", "internal":
		return false
	default:
		return (last[0] < '0' || last[0] > '9') && last[len(last)-1] != ']'
	}
}

// count is about the number of domains.
func (b *breadth) count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// text is the number in steps, as entries speak of it; "" where it says nothing.
func (b *breadth) text() string {
	switch n := b.count(); {
	case n >= 100:
		return "100 or more"
	case n >= 50:
		return "50 or more"
	case n >= 25:
		return "25 or more"
	}
	return ""
}

// registrable is about the part of a name that somebody registered: two labels, or three where the
// second is short, as in example.co.uk.
func registrable(name string) string {
	name = strings.TrimSuffix(name, ".")
	last := strings.LastIndexByte(name, '.')
	if last < 0 {
		return name
	}
	second := strings.LastIndexByte(name[:last], '.')
	if second < 0 || last-second > 4 || len(name)-last > 3 {
		return name[second+1:]
	}
	return name[strings.LastIndexByte(name[:second], '.')+1:]
}

// containsFold reports whether s contains word, in either case.
func containsFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}
