package identify

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/device"
)

func TestCategoriesAreThoseOfTheContract(t *testing.T) {
	k := load(t)
	for _, want := range device.Categories {
		if !slices.ContainsFunc(k.categories, func(c category) bool { return c.name == want && c.said }) {
			t.Errorf("%s is not in categories.txt", want)
		}
	}
	for _, c := range k.categories {
		if !c.said && c.name != "network" {
			t.Errorf("%s is not a category", c.name)
		}
	}
}

func TestEverySourceIsNamedAndUsed(t *testing.T) {
	k := load(t)
	used := make([]bool, len(k.sources))
	for i := range k.entries {
		used[k.entries[i].place.source] = true
	}
	for i, s := range k.sources {
		if s.Title == "" || s.Licence == "" || s.Address == "" {
			t.Errorf("source %s lacks a title, a licence or an address", s.Key)
		}
		if !used[i] {
			t.Errorf("no entry comes from source %s", s.Key)
		}
	}
}

func TestNoEntryStandsTwice(t *testing.T) {
	k := load(t)
	first := map[string]*entry{}
	for i := range k.entries {
		e := &k.entries[i]
		key := string(rune(e.fact)) + strings.ToLower(e.pattern)
		if e.where != nil {
			key += e.where.field + e.where.like
		}
		if other := first[key]; other != nil {
			t.Errorf("%s: %q stands at %s too", k.at(e), e.pattern, k.at(other))
		}
		first[key] = e
	}
}

// A maker has one name: two that differ in a capital letter would be two makers.
func TestMakersHaveOneName(t *testing.T) {
	k := load(t)
	spelled := map[string]string{}
	for i := range k.entries {
		e := &k.entries[i]
		key := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" -.°'", r) {
				return -1
			}
			return r
		}, strings.ToLower(e.maker))
		if other, ok := spelled[key]; ok && other != e.maker {
			t.Errorf("%s: %q is spelled %q elsewhere", k.at(e), e.maker, other)
		}
		spelled[key] = e.maker
	}
	for brand, owner := range k.owners {
		for _, name := range []string{brand, owner} {
			if !slices.ContainsFunc(k.entries, func(e entry) bool { return e.maker == name }) {
				t.Errorf("brands.txt: no entry names %s", name)
			}
		}
	}
}

// An assignee that the registry does not know was misspelled, or is no longer called that.
func TestAssigneesAreInTheRegistry(t *testing.T) {
	k := load(t)
	block, err := os.ReadFile("../oui/registry.bin")
	if err != nil {
		t.Fatal(err)
	}
	at := 16
	for i, octets := range []int{3 + 3, 4 + 3, 5 + 3} { // a prefix and a place; see package oui
		n := block[4+4*i:]
		at += octets * (int(n[0])<<24 | int(n[1])<<16 | int(n[2])<<8 | int(n[3]))
	}
	matched := make([]bool, len(k.entries))
	for at < len(block) {
		n := int(block[at])
		k.index.find(k.entries, k.facts[factAssignee].id, string(block[at+1:at+1+n]), func(i uint16, _ string) { matched[i] = true })
		at += 1 + n
	}
	for i := range k.entries {
		if e := &k.entries[i]; e.fact == k.facts[factAssignee].id && !matched[i] {
			t.Errorf("%s: %q is nobody", k.at(e), e.pattern)
		}
	}
}

// Short patterns match by accident.
func TestPatternsAreNotTooWide(t *testing.T) {
	k := load(t)
	for i := range k.entries {
		e := &k.entries[i]
		if e.fact != k.facts["dhcp.hostname"].id && e.fact != k.facts[factInstance].id {
			continue
		}
		own := 0
		for j := 0; j < len(e.pattern); j++ {
			switch e.pattern[j] {
			case '*', '(', ')', '\\':
			default:
				own++
			}
		}
		if own < 3 {
			t.Errorf("%s: %q would match nearly anything", k.at(e), e.pattern)
		}
	}
}

func TestRecogIsReproducible(t *testing.T) {
	const folder = shared + "fingerprints/recog"
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("Recog is not here: %v", err)
	}
	out := filepath.Join(t.TempDir(), "recog.txt")
	if text, err := exec.Command("go", "run", "./gen", "-o", out, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("knowledge/recog.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("knowledge/recog.txt is not what gen makes of Recog")
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, value, captured string
		ok                       bool
	}{
		{"(DCS-###*)", "DCS-935L", "DCS-935L", true},
		{"(DCS-###*)", "dcs-935l", "dcs-935l", true},
		{"(DCS-###*)", "DCS-93", "", false},
		{"(HS1##)*", "HS110(EU)", "HS110", true},
		{"ESP_%%%%%%", "ESP_07AEFB", "", true},
		{"ESP_%%%%%%", "ESP_07AEFG", "", false},
		{"*[Phone](*)/*", "DLNADOC/1.51 SEC_HHP_[Phone]ANE-LX1/1.0", "ANE-LX1", true},
		{"ty=EPSON (*) Series", "ty=EPSON ET-2720 Series", "ET-2720", true},
		{`Mozilla/5.0 \(iPhone;*`, "Mozilla/5.0 (iPhone; CPU iPhone OS 14_2)", "", true},
		{"*a*b*", "xxaxxbxx", "", true},
		{"*a*b", "xxaxxbxx", "", false},
		{"*(b*)", "aabaab", "baab", true},
		{"(*)", "", "", true},
		{"a?c", "abc", "", true},
		{"a?c", "ac", "", false},
	} {
		from, to, ok := match(tt.pattern, tt.value)
		if ok != tt.ok || ok && hasCapture(tt.pattern) && tt.value[from:to] != tt.captured {
			t.Errorf("match(%q, %q) = %d, %d, %v; want %q, %v", tt.pattern, tt.value, from, to, ok, tt.captured, tt.ok)
		}
	}
}

func TestBadPatternsAreRefused(t *testing.T) {
	for _, p := range []string{"", `a\`, "(", ")", ")(", "(a)(b)", "((a))"} {
		if checkPattern(p) == nil {
			t.Errorf("%q is taken", p)
		}
	}
}

func TestTheLongestDomainCounts(t *testing.T) {
	k := load(t)
	for name, want := range map[string]string{
		"bridge.meethue.com":        "bridge.meethue.com",
		"x.Bridge.MeetHue.com.":     "bridge.meethue.com",
		"other.meethue.com":         "meethue.com",
		"meethue.com":               "meethue.com",
		"notmeethue.com":            "",
		"com":                       "",
		"":                          "",
		"meethue.com.attacker.test": "",
	} {
		got := ""
		if i, ok := k.domains.find(name); ok {
			got = k.entries[i].pattern
		}
		if got != want {
			t.Errorf("find(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestBreadthCountsDomains(t *testing.T) {
	var b breadth
	for range 3 {
		for _, name := range strings.Fields(`a.example.com b.example.com example.com. x.example.co.uk y.example.co.uk
			192.0.2.1 1.2.0.192.in-addr.arpa printer.local [2001:db8::1] router`) {
			b.add(name)
		}
	}
	if n := b.count(); n != 2 {
		t.Errorf("%d domains, want 2", n)
	}
	if b.text() != "" {
		t.Errorf("two domains are %q", b.text())
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("*(a*)b?#%", "xxaab01")
	f.Add(`\*(*)`, "*")
	f.Fuzz(func(t *testing.T, p, v string) {
		if len(v) > maxMatched || checkPattern(p) != nil {
			return
		}
		if from, to, ok := match(p, v); ok && (from < 0 || to > len(v) || hasCapture(p) && from > to) {
			t.Errorf("match(%q, %q) = %d, %d", p, v, from, to)
		}
		if _, _, ok := match(escape(v), v); v != "" && !ok {
			t.Errorf("%q does not match itself", v)
		}
	})
}

// An entry of a fact that nobody tells would never speak.
func TestFactsAreInTheCatalogue(t *testing.T) {
	k := load(t)
	text, err := os.ReadFile("../../docs/facts.md")
	if err != nil {
		t.Fatal(err)
	}
	derived := []string{factAssignee, factEcho, factLocal, factInstance, factBreadth, factClouds, factRole}
	for name, f := range k.facts {
		grouped := slices.ContainsFunc(groups, func(g struct {
			name  string
			shape shape
			facts []string
		},
		) bool {
			return g.name == name
		})
		switch prefix, _, _ := strings.Cut(name, "."); prefix {
		case "flow", "net", "traffic":
			continue // what the traffic as a whole shows
		}
		if !grouped && !slices.Contains(derived, name) && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("%s (number %d) is not in docs/facts.md", name, f.id)
		}
	}
}
