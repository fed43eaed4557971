package advisory_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/version"
	"plimsoll.example/plimsoll/label"
)

// pair is a product and a record, and whether the record is about the product and its firmware: by people, from what the
// makers’ names, numbers, revisions and versions mean.
type pair struct {
	Pair     string
	Affected bool
	Product  struct {
		Maker, Model, Hardware string
		Firmware               version.Range
	}
	Record struct {
		Maker, Product, Hardware, CPE string
		Versions                      []string
	}
}

func pairs(t *testing.T) (list []pair) {
	t.Helper()
	data, err := os.ReadFile("testdata/pairs.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// outcome is what the rules make of a pair, if the flaw is exploited.
func outcome(t *testing.T, p *pair, aliases *advisory.Aliases) (acts []advisory.Act, best *advisory.Match) {
	t.Helper()
	product := advisory.Product{ID: "p", Maker: p.Product.Maker, Model: p.Product.Model, Hardware: p.Product.Hardware, Firmware: p.Product.Firmware}
	f := advisory.Affected{Says: advisory.IsAffected, Maker: p.Record.Maker, Product: p.Record.Product, Hardware: p.Record.Hardware}
	if p.Record.CPE != "" {
		f.CPEs = []string{p.Record.CPE}
	}
	for _, v := range p.Record.Versions {
		span, ok := version.ParseSpan(v)
		if !ok {
			t.Logf("%s: %q is no version", p.Pair, v)
			span = version.One(v)
		}
		f.All = f.All || span == version.Span{}
		f.Versions = append(f.Versions, span)
	}
	c := advisory.Join([]*advisory.Advisory{{Source: advisory.CVE, Kind: advisory.Flaw, ID: "CVE-2026-0001", Names: []string{"CVE-2026-0001"}, Exploited: true, Affected: []advisory.Affected{f}}})
	matches := advisory.NewIndex([]*advisory.Product{&product}, aliases).Match(c[0])
	for i := range matches {
		if best == nil || matches[i].Confidence > best.Confidence {
			best = &matches[i]
		}
	}
	for _, change := range advisory.Decide(&product, advisory.Standing{Status: label.Active}, matches, nil, nil, 20000) {
		acts = append(acts, change.Act)
	}
	return acts, best
}

// The figures are those of docs/advisories.md.
func TestNoLabelIsSuspendedForAnotherProductAndMostAreForTheirOwn(t *testing.T) {
	aliases, err := advisory.LoadAliases()
	if err != nil {
		t.Fatal(err)
	}
	var suspended, told, wrong, wronglyTold, yes, no int
	for _, p := range pairs(t) {
		acts, best := outcome(t, &p, aliases)
		s, o := has(acts, advisory.Suspend), has(acts, advisory.Open)
		why := "no match"
		if best != nil {
			why = fmt.Sprintf("%.2f %v", best.Confidence, best.Reasons)
		}
		switch {
		case p.Affected:
			yes++
			if s {
				suspended++
			}
			if s || o {
				told++
			} else {
				t.Errorf("%s: nobody is told: %s", p.Pair, why)
			}
			if !s {
				t.Logf("%s: for a person: %s", p.Pair, why)
			}
		default:
			no++
			if s {
				wrong++
				t.Errorf("%s: suspended: %s", p.Pair, why)
			}
			if o {
				wronglyTold++
				t.Logf("%s: a person is asked: %s", p.Pair, why)
			}
		}
	}
	if yes < 30 || no < 30 {
		t.Fatalf("%d and %d pairs are too few", yes, no)
	}
	line := fmt.Sprintf("| %d | %d | %d | %d | %d | %d |", yes+no, suspended, wrong, yes, told, wronglyTold)
	t.Logf("pairs, suspended, of these wrongly, affected, of these told or suspended, told for nothing: %s", line)
	doc, err := os.ReadFile("../../docs/advisories.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), line) {
		t.Errorf("docs/advisories.md does not have the figures %s", line)
	}
}

func has(acts []advisory.Act, a advisory.Act) bool {
	for _, x := range acts {
		if x == a {
			return true
		}
	}
	return false
}

// Each product against the records of all other pairs: where the name of a product is not in a record, it is not meant.
func TestNoLabelIsSuspendedForARecordThatDoesNotNameItsProduct(t *testing.T) {
	aliases, err := advisory.LoadAliases()
	if err != nil {
		t.Fatal(err)
	}
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	list, n := pairs(t), 0
	for i := range list {
		for j := range list {
			p := list[i]
			p.Record = list[j].Record
			model, _, _ := strings.Cut(p.Product.Model, "(") // a record that says no region means all
			if i == j || strings.Contains(plain(p.Record.Product), plain(model)) {
				continue
			}
			n++
			if acts, best := outcome(t, &p, aliases); has(acts, advisory.Suspend) {
				t.Errorf("%s %s is suspended for %s %s: %v", p.Product.Maker, p.Product.Model, p.Record.Maker, p.Record.Product, best.Reasons)
			}
		}
	}
	t.Logf("%d crossed pairs", n)
	doc, err := os.ReadFile("../../docs/advisories.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), fmt.Sprintf("%d crossed pairs", n)) {
		t.Errorf("docs/advisories.md does not have the %d crossed pairs", n)
	}
}
