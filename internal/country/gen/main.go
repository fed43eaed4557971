// Command gen packs a list of ranges of addresses and their countries, as Debian’s tor-geoipdb has it, into the block that
// package country embeds. The same lists always make the same block.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	out := flag.String("o", "internal/country/countries.bin", "file to write")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: gen [-o FILE] [GEOIP GEOIP6]; without, those of Debian’s tor-geoipdb")
		flag.PrintDefaults()
	}
	flag.Parse()
	files := flag.Args()
	if len(files) == 0 {
		const debian = "/usr/share/tor/"
		files = []string{debian + "geoip", debian + "geoip6"}
	}
	if err := run(*out, files); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string, files []string) error {
	if len(files) != 2 {
		return errors.New("it takes two lists: of IPv4 and of IPv6")
	}
	var lists [2]list
	used := map[string]bool{}
	for i, name := range files {
		if err := lists[i].read(name, []int{32, 48}[i]); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		for _, b := range lists[i].boundaries {
			used[b.country] = true
		}
	}
	if lists[0].day != lists[1].day {
		return fmt.Errorf("%s is of %s, and %s of %s", files[0], lists[0].day, files[1], lists[1].day)
	}
	delete(used, "")
	codes := make([]string, 0, len(used))
	for c := range used {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	if len(codes) > 255 {
		return errors.New("there are more countries than one octet can number")
	}
	block := append([]byte("CTY1"+lists[0].day), byte(len(codes)))
	block = append(block, strings.Join(codes, "")...)
	for i := range lists {
		index, boundaries, err := pack(lists[i].boundaries, codes, []int{4, 6}[i])
		if err != nil {
			return err
		}
		block = binary.BigEndian.AppendUint32(block, uint32(len(index)/([]int{4, 6}[i]+3)))
		block = binary.BigEndian.AppendUint32(block, uint32(len(boundaries)))
		block = append(append(block, index...), boundaries...)
	}
	return os.WriteFile(out, block, 0o644)
}

// list is what a file says.
type list struct {
	day        string // 2006-01-02
	boundaries []boundary
}

// boundary is a key from which on a country holds: an address of IPv4, or the first 48 bits of one of IPv6.
type boundary struct {
	key     uint64
	country string // "": none
}

// span is a range of keys, both ends included.
type span struct {
	first, last uint64
	country     string
}

// read takes the lines of a file, which are in order and do not overlap.
func (l *list) read(name string, width int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var spans []span
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			if day, ok := strings.CutPrefix(strings.TrimSpace(comment), "Generated: "); ok {
				at, err := time.Parse(time.RFC1123, day)
				if err != nil {
					return fmt.Errorf("line %d: %w", n, err)
				}
				l.day = at.UTC().Format(time.DateOnly)
			}
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) != 3 {
			return fmt.Errorf("line %d is not first, last, country", n)
		}
		var ends [2]netip.Addr
		for i := range ends {
			if ends[i], err = address(fields[i]); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
		if ends[0].Is4() != (width == 32) || ends[1].Less(ends[0]) {
			return fmt.Errorf("line %d: %s to %s is no range of that kind", n, ends[0], ends[1])
		}
		s := span{key(ends[0]), key(ends[1]), country(fields[2])}
		if isReserved(ends[0]) || isReserved(ends[1]) {
			s.country = ""
		}
		if len(spans) > 0 && s.first < spans[len(spans)-1].last {
			return fmt.Errorf("line %d is not in order", n)
		}
		spans = add(spans, s)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if l.day == "" || len(spans) == 0 {
		return errors.New("it does not say of when it is, or says nothing")
	}
	l.boundaries = merge(spans)
	return nil
}

// address reads an address of IPv6, or a number that stands for one of IPv4.
func address(s string) (netip.Addr, error) {
	if strings.Contains(s, ":") {
		return netip.ParseAddr(s)
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n)))), err
}

func key(a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]) >> 16
}

// add takes in a range. A key that two ranges share, which in IPv6 is a site, has no country if they have two.
func add(spans []span, s span) []span {
	if len(spans) == 0 || spans[len(spans)-1].last < s.first {
		return append(spans, s)
	}
	last := &spans[len(spans)-1]
	if last.country == s.country {
		last.last = max(last.last, s.last)
		return spans
	}
	shared := s.first
	if last.last--; last.first == shared {
		spans = spans[:len(spans)-1]
	}
	spans = append(spans, span{shared, shared, ""})
	if s.last > shared {
		spans = append(spans, span{shared + 1, s.last, s.country})
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

const (
	groupLen = 64
	maxShift = 31
)

// pack writes boundaries as package country describes it. The last one, where no country holds any more, is left out.
func pack(list []boundary, codes []string, octets int) (index, boundaries []byte, err error) {
	n := 0
	for i := 0; i+1 < len(list); i++ {
		at := list[i].key
		for left := list[i+1].key - at; left > 0; {
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
			place, _ := slices.BinarySearch(codes, list[i].country)
			if list[i].country == "" {
				place = -1
			}
			boundaries = appendDistance(append(boundaries, byte(place+1)), distance)
			at, left = at+distance, left-distance
			n++
		}
	}
	if len(boundaries) >= 1<<24 {
		return nil, nil, errors.New("the boundaries do not fit into three octets of places")
	}
	return index, boundaries, nil
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
