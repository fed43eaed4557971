package version_test

import (
	"strconv"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/advisory/version"
)

func TestVersionsAreOrderedOnlyWhereNoReadingDisagrees(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want string // "<", "=", or "?" for cannot be said
	}{
		{"1.2.3", "1.2.4", "<"},
		{"1.9", "1.10", "<"},
		{"1.2", "1.2.0", "="},
		{"v1.2", "1.2", "="},
		{"V1.0.0.60_10.0.89", "V1.0.0.61_10.0.90", "<"},
		{"Firmware 2.1", "2.2", "<"},
		{"1.2", "1.2.1", "<"},
		{"1.04", "1.05", "<"},
		{"1.04", "1.10", "<"},
		{"1.04", "1.4", "?"}, // four, or four hundredths
		{"1.09", "1.1", "?"},
		{"1.2.3-rc.1", "1.2.3", "<"},
		{"1.2.3-alpha", "1.2.3-beta", "<"},
		{"1.2.3", "1.2.3 Build 20230219", "<"},
		{"1.1.4 Build 20230101", "1.1.4 Build 20230219", "<"},
		{"1.2.3c", "1.2.3d", "<"},
		{"1.2.3", "1.2.3d", "<"},
		{"1.2.3", "1.2.3b", "?"}, // b, or beta
		{"1.2.3", "1.2.3-5", "?"},
		{"1.2.3", "1.2.3-acme", "?"},
		{"20230101", "20231104", "<"},
		{"20231104", "1.2.3", "?"},
		{"2023.1", "3.9", "?"},
		{"2023.1", "2023.2", "<"},
		{"1.04B05", "1.04B06", "<"},
		{"1.04B05", "1.05", "<"},
		{"1.04B05", "1.04", "?"},
		{"A1FW115B03", "1.15", "?"},
		{"", "1", "?"},
		{"1.x", "1.2", "?"},
		{"1.2", "1-2", "?"},
		{strings.Repeat("9", 100), strings.Repeat("9", 101), "<"},
		{strings.Repeat("1.", 100) + "1", "1", "?"},
	} {
		o, ok := version.Compare(c.a, c.b)
		back, okBack := version.Compare(c.b, c.a)
		got := "?"
		if ok {
			got = map[int]string{-1: "<", 0: "=", 1: ">"}[o]
		}
		if got != c.want || ok != okBack || ok && back != -o {
			t.Errorf("%s and %s: %s, want %s; the other way %d %v", c.a, c.b, got, c.want, back, okBack)
		}
	}
}

func TestEcosystemsHaveTheirOwnOrder(t *testing.T) {
	for _, c := range []struct{ system, a, b string }{
		{"npm", "1.0.0-alpha", "1.0.0-alpha.1"},
		{"npm", "1.0.0-alpha.1", "1.0.0-alpha.beta"},
		{"npm", "1.0.0-beta.2", "1.0.0-beta.11"},
		{"npm", "1.0.0-rc.1", "1.0.0"},
		{"Go", "v1.9.0", "1.10.0+meta"},
		{"Debian:12", "1.0~rc1-1", "1.0-1"},
		{"Debian:12", "1.0-1", "1.0-1+deb12u1"},
		{"Debian", "9.9", "1:0.1"},
		{"Debian", "1.0", "1.0a"},
		{"Debian", "1.0a", "1.0+"},
	} {
		order := version.Of(c.system)
		if o, ok := order(c.a, c.b); o >= 0 || !ok {
			t.Errorf("%s: %s and %s: %d %v", c.system, c.a, c.b, o, ok)
		}
		if o, ok := order(c.b, c.a); o <= 0 || !ok {
			t.Errorf("%s: %s and %s: %d %v", c.system, c.b, c.a, o, ok)
		}
	}
	if _, ok := version.SemVer("1.0.0.1", "1.0.0"); ok {
		t.Error("four numbers are no semantic version")
	}
}

func TestRangesAreHeldAgainstSpans(t *testing.T) {
	spans := []version.Span{{From: "1.0", Before: "1.5"}, {From: "2.0", Last: "2.3"}}
	for _, c := range []struct {
		from, to string
		want     version.Answer
	}{
		{"1.0", "1.4", version.Inside},
		{"1.0", "1.5", version.Partly},
		{"1.5", "1.9", version.Outside},
		{"1.5", "", version.Partly},
		{"2.3", "2.3", version.Inside},
		{"2.3.1", "", version.Outside},
		{"", "0.9", version.Outside},
		{"", "", version.Partly},
		{"", "1.0", version.Partly},
		{"0.1", "9", version.Partly},
		{"2.1", "2.2", version.Inside},
		{"20240101", "", version.CannotSay},
	} {
		if got := (version.Range{From: c.from, To: c.to}).In(spans, version.Compare); got != c.want {
			t.Errorf("%q to %q: %s, want %s", c.from, c.to, got, c.want)
		}
	}
	if got := (version.Range{From: "1.2", To: "1.2"}).In([]version.Span{{After: "1.2"}}, version.Compare); got != version.Outside {
		t.Errorf("what follows 1.2 has 1.2: %s", got)
	}
	if got := (version.Range{From: "1.3"}).In([]version.Span{{}}, version.Compare); got != version.Inside {
		t.Errorf("all versions: %s", got)
	}
	// two spans that touch leave nothing between them
	if got := (version.Range{From: "1.0", To: "2.0"}).In([]version.Span{{From: "0", Before: "1.5"}, {From: "1.5", Before: "3"}}, version.Compare); got != version.Inside {
		t.Errorf("two spans that touch: %s", got)
	}
}

func TestRunsAreReadAsRecordsWriteThem(t *testing.T) {
	for text, want := range map[string]version.Span{
		"< 1.2": {Before: "1.2"}, "<1.2": {Before: "1.2"}, "<= 1.2": {Last: "1.2"}, "1.0 ≤1.5": {From: "1.0", Last: "1.5"}, "0 <1.2.3": {From: "0", Before: "1.2.3"},
		">= 1.0, < 1.2": {From: "1.0", Before: "1.2"}, "> 1.0 and <= 1.2": {After: "1.0", Last: "1.2"}, "1.2 and earlier": {Last: "1.2"}, "1.2 or prior versions": {Last: "1.2"},
		"prior to 3.1": {Before: "3.1"}, "versions up to 3.1": {Last: "3.1"}, "1.0 through 1.5": {From: "1.0", Last: "1.5"}, "from 1.0 to 1.5": {From: "1.0", Last: "1.5"},
		"1.2.3": version.One("1.2.3"), "= 1.2": version.One("1.2"), "all versions": {}, "*": {}, "1.5 and later": {From: "1.5"},
		"< 1.1.4 Build 20230219": {Before: "1.1.4 build 20230219"},
	} {
		if got, ok := version.ParseSpan(text); !ok || got != want {
			t.Errorf("%q: %+v %v, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "n/a", "unspecified", "-", "see advisory", "< 1.0, < 2.0", "<", "firmware for EX-210 (EU)", "1.0 < x y z"} {
		if got, ok := version.ParseSpan(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for text, want := range map[string]int{"vers:generic/>=1.0|<1.2|>=2.0|<=2.1": 2, "vers:all/*": 1, "vers:deb/1.2": 1, "vers:generic/<1%2E2": 1} {
		if got, ok := version.ParseVERS(text); !ok || len(got) != want {
			t.Errorf("%q: %+v %v", text, got, ok)
		}
	}
	for _, text := range []string{"vers:generic", "1.0", "vers:generic/!=1.2", "vers:generic/>=1|>=2", "vers:generic/"} {
		if got, ok := version.ParseVERS(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// An order is one whichever way it is asked for, and a version is itself.
func FuzzCompare(f *testing.F) {
	for _, v := range []string{"1.2.3", "1.04B05", "2023.11", "20231104", "1.1.4 Build 20230219", "v1.0-rc1", "\xff", "٣.١"} {
		f.Add(v, "1.2")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, order := range []version.Order{version.Compare, version.SemVer, version.Debian} {
			o, ok := order(a, b)
			back, okBack := order(b, a)
			if ok != okBack || ok && o != -back {
				t.Errorf("%q and %q: %d %v, and back %d %v", a, b, o, ok, back, okBack)
			}
			if o, ok := order(a, a); ok && o != 0 {
				t.Errorf("%q is %d to itself", a, o)
			}
		}
		if span, ok := version.ParseSpan(a); ok {
			r := version.Range{From: b, To: b}
			if got := r.In([]version.Span{span}, version.Compare); got == version.Partly && b != "" {
				t.Errorf("one version %q lies partly in %+v", b, span)
			}
		}
		version.ParseVERS(a)
	})
}

func TestMoreSpansThanCanBeComparedAreNotAnswered(t *testing.T) {
	var all []version.Span // each is in all before it: there is no end to what would have to be compared
	for i := range 4000 {
		all = append(all, version.Span{From: "1." + strconv.Itoa(i)})
	}
	if a := (version.Range{From: "1.5000"}).In(all, version.Compare); a != version.Inside {
		t.Errorf("one point, many spans: %s", a)
	}
	if a := (version.Range{From: "1.1"}).In(all, version.Compare); a != version.Partly {
		t.Errorf("many points, of which not all are looked at: %s", a)
	}
}
