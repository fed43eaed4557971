package country

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Range is addresses from First to Last, both included, that are registered in a country; "" where they are in none.
type Range struct {
	First, Last netip.Addr
	Country     string // ISO 3166-1 alpha-2
}

// Pack makes a block of ranges, which are in order and do not overlap, those of IPv4 first. Networks of IPv6 that are smaller
// than a key tells have no country where two of them have different ones.
func Pack(asOf time.Time, ranges []Range) (string, error) {
	var lists [2][]span
	var codes []string
	for i := range ranges {
		r := &ranges[i]
		f := 0
		if !r.First.Is4() {
			f = 1
		}
		if !r.First.IsValid() || r.First.Is4() != r.Last.Is4() || r.Last.Less(r.First) || i > 0 && r.First.Compare(ranges[i-1].Last) <= 0 {
			return "", fmt.Errorf("%w: %s to %s is no range that follows the one before", ErrBlock, r.First, r.Last)
		}
		if r.Country != "" && len(r.Country) != codeLen {
			return "", fmt.Errorf("%w: %q is no code of a country", ErrBlock, r.Country)
		}
		lists[f] = add(lists[f], span{keyOf(r.First), keyOf(r.Last), r.Country})
		if n, found := slices.BinarySearch(codes, r.Country); !found && r.Country != "" {
			codes = slices.Insert(codes, n, r.Country)
		}
	}
	if len(codes) > 255 {
		return "", fmt.Errorf("%w: there are more countries than one octet can number", ErrBlock)
	}
	block := append([]byte(magic+asOf.UTC().Format(time.DateOnly)), byte(len(codes)))
	block = append(block, strings.Join(codes, "")...)
	for i, octets := range keyOctets {
		index, boundaries := encode(merge(lists[i]), codes, octets)
		block = binary.BigEndian.AppendUint32(block, uint32(len(index)/(octets+placeLen)))
		block = binary.BigEndian.AppendUint32(block, uint32(len(boundaries)))
		block = append(append(block, index...), boundaries...)
	}
	if len(block) > MaxSize {
		return "", fmt.Errorf("%w: it has more than %d octets", ErrBlock, MaxSize)
	}
	return string(block), nil
}

// span is a range of keys, both ends included.
type span struct {
	first, last uint64
	country     string
}

// boundary is a key from which on a country holds.
type boundary struct {
	key     uint64
	country string
}

// add takes in a range. A key that two ranges share has no country if they have two.
func add(spans []span, s span) []span {
	if len(spans) == 0 || spans[len(spans)-1].last < s.first {
		return append(spans, s)
	}
	last := &spans[len(spans)-1]
	if last.country == s.country {
		last.last = max(last.last, s.last)
		return spans
	}
	if last.first == last.last {
		last.country = ""
	} else {
		last.last--
		spans = append(spans, span{s.first, s.first, ""})
	}
	if s.last > s.first {
		spans = append(spans, span{s.first + 1, s.last, s.country})
	}
	return spans
}

// merge makes boundaries of ranges: neighbours of one country have none between them.
func merge(spans []span) (list []boundary) {
	last, end := "", uint64(0)
	turn := func(at uint64, country string) {
		if country != last {
			list = append(list, boundary{at, country})
			last = country
		}
	}
	for _, s := range spans {
		if s.first > end {
			turn(end, "")
		}
		turn(s.first, s.country)
		end = s.last + 1
	}
	turn(end, "")
	return list
}

// maxShift is the greatest e of a distance.
const maxShift = 31

// encode writes boundaries. The last one, from which on no country holds, is left out.
func encode(list []boundary, codes []string, octets int) (index, boundaries []byte) {
	n := 0
	for i := 0; i+1 < len(list); i++ {
		country := 0
		if place, ok := slices.BinarySearch(codes, list[i].country); ok {
			country = place + 1
		}
		at := list[i].key
		for left := list[i+1].key - at; left > 0; n++ {
			distance := left
			if bits.TrailingZeros64(left) > maxShift { // in two steps
				distance -= 1 << maxShift
			}
			if n%groupLen == 0 {
				var start [8]byte
				binary.BigEndian.PutUint64(start[:], at)
				index = append(index, start[8-octets:]...)
				index = append(index, byte(len(boundaries)>>16), byte(len(boundaries)>>8), byte(len(boundaries)))
			}
			boundaries = appendDistance(append(boundaries, byte(country)), distance)
			at, left = at+distance, left-distance
		}
	}
	return index, boundaries
}

func appendDistance(b []byte, distance uint64) []byte {
	e := bits.TrailingZeros64(distance)
	m := distance >> e >> 1
	b = append(b, byte(min(m, 7))<<5|byte(e))
	if m >= 7 {
		b = binary.AppendUvarint(b, m-7)
	}
	return b
}
