package identify

import (
	"math/bits"
	"slices"
)

// An index finds the entries of one fact whose pattern a value may match, without trying each: every
// pattern is filed under three octets that all values like it have, the rarest that it has.
type index struct {
	heads []int32    // by slot: 1 + the first row there, or 0
	rows  []row      // one for each entry filed
	loose [][]uint16 // by fact: entries with no three octets to file under; few
	shift int
}

type row struct {
	key   uint32 // fact and three octets
	next  int32  // 1 + the next row of this slot, or 0
	entry uint16
}

func keyOf(fact uint8, gram uint32) uint32 { return uint32(fact)<<24 | gram }

func (x *index) slot(key uint32) uint32 { return key * 0x9e3779b1 >> x.shift }

// build files the entries, but for those to skip.
func (x *index) build(entries []entry, facts int, skip func(*entry) bool) {
	size := bits.Len(uint(len(entries))) + 2
	x.shift = 32 - size
	x.heads = make([]int32, 1<<size)
	x.rows = make([]row, 0, len(entries))
	x.loose = make([][]uint16, facts)
	common := make([]uint16, 1<<size) // how many patterns have something in this slot
	for i := range entries {
		e := &entries[i]
		if skip(e) {
			continue
		}
		grams(e.pattern, func(g uint32) { common[x.slot(keyOf(e.fact, g))]++ })
	}
	for i := range entries {
		e := &entries[i]
		if skip(e) {
			continue
		}
		best, rarest := uint32(0), uint16(0)
		grams(e.pattern, func(g uint32) {
			key := keyOf(e.fact, g)
			if n := common[x.slot(key)]; rarest == 0 || n < rarest {
				best, rarest = key, n
			}
		})
		if rarest == 0 {
			x.loose[e.fact] = append(x.loose[e.fact], uint16(i))
			continue
		}
		s := x.slot(best)
		x.rows = append(x.rows, row{key: best, next: x.heads[s], entry: uint16(i)})
		x.heads[s] = int32(len(x.rows))
	}
}

// maxMatched bounds how much of a value is looked at.
const maxMatched = 256

// seen is a set of entries.
type seen [maxEntries / 64]uint64

// add puts i into the set and reports whether it was new.
func (s *seen) add(i uint16) bool {
	w, b := i/64, uint64(1)<<(i%64)
	if s[w]&b != 0 {
		return false
	}
	s[w] |= b
	return true
}

// find calls yield for each entry of the fact whose pattern v matches.
func (x *index) find(entries []entry, fact uint8, v string, yield func(entry uint16, captured string)) {
	if len(v) > maxMatched {
		v = v[:maxMatched]
	}
	var tried seen
	try := func(i uint16) {
		if from, to, ok := match(entries[i].pattern, v); ok {
			yield(i, v[from:to])
		}
	}
	for _, i := range x.loose[fact] {
		try(i)
	}
	var gram uint32
	for i := 0; i < len(v); i++ {
		gram = (gram<<8 | uint32(lower(v[i]))) & 0xffffff
		if i < 2 {
			continue
		}
		key := keyOf(fact, gram)
		for r := x.heads[x.slot(key)]; r != 0; r = x.rows[r-1].next {
			if x.rows[r-1].key == key && tried.add(x.rows[r-1].entry) {
				try(x.rows[r-1].entry)
			}
		}
	}
}

// domains finds the longest known suffix of a name, on the borders of its labels.
type domains struct {
	entries map[string]uint16 // by lower-case name
}

// find returns the entry of the longest known suffix of name.
func (d *domains) find(name string) (entry uint16, ok bool) {
	var buf [maxMatched]byte
	if n := len(name); n > 0 && name[n-1] == '.' {
		name = name[:n-1]
	}
	if len(name) > len(buf) {
		return 0, false
	}
	n := copy(buf[:], name)
	for i, c := range buf[:n] {
		buf[i] = lower(c)
	}
	for from := 0; ; {
		if i, ok := d.entries[string(buf[from:n])]; ok {
			return i, true
		}
		dot := slices.Index(buf[from:n], '.')
		if dot < 0 {
			return 0, false
		}
		from += dot + 1
	}
}
