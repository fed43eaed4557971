// Command gen packs the IEEE's listings of assigned prefixes into the block that package oui embeds.
// The same listings always make the same block.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	out := flag.String("o", "internal/oui/registry.bin", "file to write")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: gen [-o FILE] [LISTING.csv[.gz]...]; where listings differ, the later one wins")
		flag.PrintDefaults()
	}
	flag.Parse()
	files := flag.Args()
	if len(files) == 0 {
		const debian = "/usr/share/ieee-data/"
		files = []string{debian + "oui.csv", debian + "mam.csv", debian + "oui36.csv"}
	}
	if err := run(*out, files); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string, files []string) error {
	all := map[string]string{} // prefix in hexadecimal → name
	for _, name := range files {
		if err := read(name, all); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	block, err := pack(all)
	if err != nil {
		return err
	}
	return os.WriteFile(out, block, 0o644)
}

func read(name string, all map[string]string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return err
		}
	}
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	for line := 1; ; line++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if line == 1 {
			continue // the names of the columns
		}
		if len(row) < 3 || !slices.Contains([]int{6, 7, 9}, len(row[1])) {
			return fmt.Errorf("record %d is not registry, assignment, organisation", line)
		}
		all[strings.ToUpper(row[1])] = tidy(row[2])
	}
}

// tidy makes one space of each run of white space and control characters. It drops the names that
// name nobody: assignees that asked for privacy, and the blocks that the registry itself subdivides.
func tidy(name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '\u00a0' || r == '\u2002' || r == '\u200e' || r == '\ufeff'
	}), " ")
	switch name {
	case "Private", "IEEE Registration Authority":
		return ""
	}
	for len(name) > 255 { // its length has one octet
		name = strings.ToValidUTF8(name[:255], "")
	}
	return name
}

func pack(all map[string]string) ([]byte, error) {
	prefixes := make([]string, 0, len(all))
	names := map[string]int{} // name → place in the text
	for prefix, name := range all {
		if name != "" {
			prefixes = append(prefixes, prefix)
			names[name] = 0
		}
	}
	slices.Sort(prefixes)
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	var text []byte
	for _, name := range sorted {
		names[name] = len(text)
		text = append(append(text, byte(len(name))), name...)
	}
	if len(text) >= 1<<24 {
		return nil, errors.New("the names do not fit into three octets of places")
	}
	header, body := []byte("OUI1"), []byte(nil)
	for _, digits := range []int{6, 7, 9} {
		n := 0
		for _, prefix := range prefixes {
			if len(prefix) != digits {
				continue
			}
			octets, err := hex.DecodeString(prefix + strings.Repeat("0", digits%2))
			if err != nil {
				return nil, fmt.Errorf("prefix %q: %w", prefix, err)
			}
			place := names[all[prefix]]
			body = append(append(body, octets...), byte(place>>16), byte(place>>8), byte(place))
			n++
		}
		header = append(header, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return slices.Concat(header, body, text), nil
}
