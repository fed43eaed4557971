// Package country tells in which country an address of the Internet is registered. That is on paper: where the machine
// stands that answers there, and where data goes from it, can be elsewhere.
//
// The data is that of IPFire Location (https://location.ipfire.org/), as Debian’s tor-geoipdb has it, and is under CC BY-SA
// 4.0: see LICENSE.data. Command gen makes of it the block that is embedded, and searched where it lies: nothing is
// parsed or allocated.
//
//	go run ./internal/country/gen [-o countries.bin] [geoip geoip6]
//
// The build for small routers has no block, and reads one from a file.
package country

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// The block says from which address on which country holds, in order, until the next such boundary.
//
//	"CTY1", the day of the data as 2006-01-02, the number of countries in one octet, and their codes of two letters
//	for IPv4, then for IPv6: the number of groups and the octets of all boundaries, four octets each;
//	    for each group the key of its first boundary, and where it begins among the boundaries, in three octets;
//	    the boundaries
//	boundary: its country in one octet, from 1, or 0 for none; then how far it is from there to the next one
//
// A key is an address of IPv4, or the first six octets of one of IPv6: no smaller network is routed by itself. A distance
// is (2m+1) << e, with e in the low five bits of an octet and m in the high three; seven there, and what m is more
// follows as an unsigned varint. All other numbers are big-endian.
const (
	magic     = "CTY1"
	dateLen   = len(time.DateOnly)
	placeLen  = 3
	groupLen  = 64 // boundaries of a group; the last one may have fewer
	codeLen   = 2
	countsLen = 4 + 4
)

// Whose data it is, and under which licence it may be passed on.
const (
	Source  = "IPFire Location"
	Licence = "CC BY-SA 4.0"
)

// keyOctets is how many octets a key has: of IPv4, of IPv6.
var keyOctets = [...]int{4, 6}

// MaxSize bounds a block.
const MaxSize = 1 << 24

// ErrBlock is the cause where a block cannot be read.
var ErrBlock = errors.New("no table of countries")

// Table knows the countries of addresses. The zero Table knows none.
type Table struct {
	AsOf time.Time // the day of the data, UTC

	codes    string
	families [2]family
}

// family is the boundaries of one kind of addresses.
type family struct {
	octets     int    // of a key
	index      string // of groups
	boundaries string
}

// Builtin is the table of this program: the zero Table in the build for small routers.
func Builtin() Table {
	t, err := Parse(builtin)
	if err != nil {
		return Table{}
	}
	return t
}

// Parse reads the frame of a block, which stays in use. Boundaries that are damaged lead to no country, or a wrong one.
func Parse(block string) (Table, error) {
	t := Table{}
	rest := block
	take := func(n int) (s string, err error) {
		if n < 0 || n > len(rest) {
			return "", fmt.Errorf("%w: it ends at octet %d, in the middle of something", ErrBlock, len(block))
		}
		s, rest = rest[:n], rest[n:]
		return s, nil
	}
	head, err := take(len(magic) + dateLen + 1)
	if err != nil {
		return Table{}, err
	}
	if head[:len(magic)] != magic || len(block) > MaxSize {
		return Table{}, fmt.Errorf("%w: it does not begin with %s, or has more than %d octets", ErrBlock, magic, MaxSize)
	}
	if t.AsOf, err = time.Parse(time.DateOnly, head[len(magic):len(magic)+dateLen]); err != nil {
		return Table{}, fmt.Errorf("%w: its day: %w", ErrBlock, err)
	}
	if t.codes, err = take(codeLen * int(head[len(head)-1])); err != nil {
		return Table{}, err
	}
	for i := range len(t.codes) {
		if c := t.codes[i]; c < 'A' || c > 'Z' {
			return Table{}, fmt.Errorf("%w: %q among the codes of countries", ErrBlock, c)
		}
	}
	for i, octets := range keyOctets {
		counts, err := take(countsLen)
		if err != nil {
			return Table{}, err
		}
		f := &t.families[i]
		f.octets = octets
		groups, size := binary.BigEndian.Uint32([]byte(counts)), binary.BigEndian.Uint32([]byte(counts[4:]))
		if groups > MaxSize || size > MaxSize {
			return Table{}, fmt.Errorf("%w: it says that it is larger than it may be", ErrBlock)
		}
		if f.index, err = take(int(groups) * (octets + placeLen)); err != nil {
			return Table{}, err
		}
		if f.boundaries, err = take(int(size)); err != nil {
			return Table{}, err
		}
	}
	if rest != "" {
		return Table{}, fmt.Errorf("%w: %d octets follow it", ErrBlock, len(rest))
	}
	return t, nil
}

// keyOf is the key of an address.
func keyOf(a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]) >> 16
}

// nat64 is the prefix under which translators show IPv4 addresses to IPv6 networks (RFC 6052 §2.1).
const nat64 = 0x0064ff9b << 32

// Lookup is the code of the country that an address is registered in (ISO 3166-1 alpha-2), or "" where that is not known:
// it is on no public network, nobody has it, or who has it said no country.
func (t *Table) Lookup(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	if b := a.As16(); a.Is4In6() || binary.BigEndian.Uint64(b[:8]) == nat64 && binary.BigEndian.Uint32(b[8:]) == 0 {
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if a.Is4() {
		return t.code(t.families[0].find(keyOf(a)))
	}
	return t.code(t.families[1].find(keyOf(a)))
}

func (t *Table) code(n byte) string {
	if n == 0 || codeLen*int(n) > len(t.codes) {
		return ""
	}
	return t.codes[codeLen*(int(n)-1) : codeLen*int(n)]
}

// find is the number of the country that holds at a key.
func (f *family) find(key uint64) (country byte) {
	width := f.octets + placeLen
	if width == placeLen { // of a table that knows nothing
		return 0
	}
	lo, hi := 0, len(f.index)/width
	for lo < hi { // the first group that begins beyond the key
		mid := int(uint(lo+hi) >> 1)
		if number(f.index[mid*width:], f.octets) <= key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return 0
	}
	row := f.index[(lo-1)*width:]
	at := number(row, f.octets)
	place := int(number(row[f.octets:], placeLen))
	if place > len(f.boundaries) {
		return 0
	}
	rest := f.boundaries[place:]
	for range groupLen {
		if len(rest) < 2 {
			return 0
		}
		country = rest[0]
		distance, n := readDistance(rest[1:])
		if n == 0 {
			return 0
		}
		if key-at < distance {
			return country
		}
		at, rest = at+distance, rest[1+n:]
	}
	return 0
}

// number is a number of some octets at the beginning of s.
func number(s string, octets int) (n uint64) {
	for i := range octets {
		n = n<<8 | uint64(s[i])
	}
	return n
}

// readDistance reads a distance from the beginning of s, and says of how many octets it is: 0 if it is none.
func readDistance(s string) (distance uint64, octets int) {
	m := uint64(s[0] >> 5)
	octets = 1
	if m == 7 {
		for shift := uint(0); ; shift += 7 {
			if octets == len(s) || shift > 42 {
				return 0, 0
			}
			b := s[octets]
			octets++
			m += uint64(b&0x7f) << shift
			if b < 0x80 {
				break
			}
		}
	}
	distance = (2*m + 1) << (s[0] & 31)
	return distance, octets
}
