package nft

import (
	"slices"
	"strings"
)

// stands reports whether the listing of a table has all that the table should have, and no more: its sets and maps
// with their elements, but for those that the kernel or DNS alters, and as many rules in each chain.
func (t *table) stands(listing string) bool {
	seen := 0
	var o *object
	var rules int
	var elements []string
	inElements := false
	for _, line := range strings.Split(listing, "\n") {
		line = strings.TrimSpace(line)
		f := strings.Fields(line)
		switch {
		case o == nil:
			if len(f) == 3 && f[2] == "{" && f[0] != "table" {
				if o = t.at[f[1]]; o == nil || o.kind != f[0] {
					return false
				}
				rules, elements, inElements = 0, nil, false
			}
		case line == "}" && !inElements:
			if o.kind == "chain" && rules != strings.Count(o.rules, "\n") {
				return false
			}
			if o.kind != "chain" && !o.lives && len(o.elements) != len(elements) {
				return false
			}
			if o.kind == "map" && !slices.Equal(slices.Sorted(slices.Values(elements)), slices.Sorted(slices.Values(o.elements))) {
				return false
			}
			seen++
			o = nil
		case strings.HasPrefix(line, "elements = {"):
			line = strings.TrimPrefix(line, "elements = {")
			inElements = true
			fallthrough
		case inElements:
			if end := strings.HasSuffix(line, "}"); end {
				inElements = false
				line = strings.TrimSuffix(line, "}")
			}
			for _, e := range strings.Split(line, ",") {
				if e = strings.TrimSpace(e); e != "" {
					elements = append(elements, e)
				}
			}
		case o.kind == "chain" && line != "" && !strings.HasPrefix(line, "type "):
			rules++
		}
	}
	return seen == len(t.objects)
}
