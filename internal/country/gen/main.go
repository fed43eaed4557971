// Command gen packs a list of ranges of addresses and their countries, as Debian’s tor-geoipdb has it, into the block that
// package country embeds. The same lists always make the same block.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/country"
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
	day := ""
	var ranges []country.Range
	for i, name := range files {
		of, list, err := read(name, i == 0)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if i > 0 && of != day {
			return fmt.Errorf("%s is of %s, and %s of %s", files[0], day, name, of)
		}
		day, ranges = of, append(ranges, list...)
	}
	asOf, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return err
	}
	block, err := country.Pack(asOf, ranges)
	if err != nil {
		return err
	}
	return os.WriteFile(out, []byte(block), 0o644)
}

// read takes the lines of a file, and the day that it is of.
func read(name string, is4 bool) (day string, list []country.Range, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			if said, ok := strings.CutPrefix(strings.TrimSpace(comment), "Generated: "); ok {
				at, err := time.Parse(time.RFC1123, said)
				if err != nil {
					return "", nil, fmt.Errorf("line %d: %w", n, err)
				}
				day = at.UTC().Format(time.DateOnly)
			}
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) != 3 {
			return "", nil, fmt.Errorf("line %d is not first, last, country", n)
		}
		r := country.Range{Country: known(fields[2])}
		for i, end := range []*netip.Addr{&r.First, &r.Last} {
			if *end, err = address(fields[i]); err != nil {
				return "", nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
		if r.First.Is4() != is4 {
			return "", nil, fmt.Errorf("line %d: %s is of the other list", n, r.First)
		}
		if isReserved(r.First) || isReserved(r.Last) {
			r.Country = ""
		}
		list = append(list, r)
	}
	if err := lines.Err(); err != nil {
		return "", nil, err
	}
	if day == "" || len(list) == 0 {
		return "", nil, errors.New("it does not say of when it is, or says nothing")
	}
	return day, list, nil
}

// address reads an address of IPv6, or a number that stands for one of IPv4.
func address(s string) (netip.Addr, error) {
	if strings.Contains(s, ":") {
		return netip.ParseAddr(s)
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n)))), err
}
