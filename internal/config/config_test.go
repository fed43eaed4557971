package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = `# for all verbs
lang = "fr"

[inspect]
memory = "128MiB"
max-flows = 50_000
json = true
indicators = [
  "bad.csv",
  "worse.csv",
]

[mud.fetch]
half = 0.5
state = '/srv/plimsoll'
`

func TestSettingsCarryTheirLines(t *testing.T) {
	got, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	inspect, fetch := []string{"inspect"}, []string{"mud", "fetch"}
	want := []Setting{
		{Section: []string{}, Name: "lang", Line: 2, Values: []string{"fr"}},
		{Section: inspect, Line: 4},
		{Section: inspect, Name: "memory", Line: 5, Values: []string{"128MiB"}},
		{Section: inspect, Name: "max-flows", Line: 6, Values: []string{"50000"}},
		{Section: inspect, Name: "json", Line: 7, Values: []string{"true"}},
		{Section: inspect, Name: "indicators", Line: 8, Values: []string{"bad.csv", "worse.csv"}, List: true},
		{Section: fetch, Line: 13},
		{Section: fetch, Name: "half", Line: 14, Values: []string{"0.5"}},
		{Section: fetch, Name: "state", Line: 15, Values: []string{"/srv/plimsoll"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOtherWaysToWriteASectionMeanTheSame(t *testing.T) {
	for _, text := range []string{"mud.fetch.state = 'x'", "mud = {fetch = {state = 'x'}}", "[mud]\nfetch.state = 'x'"} {
		got, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		last := got[len(got)-1]
		if last.Name != "state" || strings.Join(last.Section, ".") != "mud.fetch" || last.Values[0] != "x" {
			t.Errorf("%s: %+v", text, last)
		}
	}
}

func TestWhatNoFlagCouldTakeHasNoValue(t *testing.T) {
	for _, text := range []string{"a = 2026-11-26", "a = [[1]]", "a = [{b = 1}]", "[[a]]\nb = 1"} {
		got, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 || got[0].Name != "a" || got[0].Values != nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestALineIsReadAsWhatItSays(t *testing.T) {
	for _, values := range [][]string{{"64MiB"}, {""}, {"it's\n\x01 \"x\" = [é]"}, {"a", "b'"}} {
		line, err := Line("key", len(values) > 1, values...)
		if err != nil || strings.Contains(line, "\n") {
			t.Fatalf("%q: %v", line, err)
		}
		got, err := Parse([]byte(line))
		if err != nil || len(got) != 1 || cmp.Diff(values, got[0].Values) != "" {
			t.Errorf("%q is read as %+v, %v", line, got, err)
		}
	}
}

func TestMistakesAreToldWithTheirLine(t *testing.T) {
	for text, line := range map[string]int{
		"a = 1\nb =\n":              2,
		"\n\n[inspect\n":            3,
		"a = 1\na = 2\n":            2,
		"a = 1\n\n[b]\nc = \"\\q\"": 4,
	} {
		_, err := Parse([]byte(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != line {
			t.Errorf("%q: %v, want line %d", text, err, line)
		}
	}
	if _, err := Parse(make([]byte, MaxBytes+1)); err == nil {
		t.Error("a file of any size is read")
	}
}

// Whatever a file holds, each setting stands on a line of it, and has a name or a section.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		example, "", "mud = {fetch = {state = 'x'}}", "[[a]]\nb = 1", "a = 2026-11-26", "a = [[1]]", "a.b.c.d.e.f.g.h.i.j.k = 1",
		"\"\" = 1", "['a b'.\"c.d\"]\nx = '''\ny'''", "a = +inf\nb = 0x1F\r\n", "\xef\xbb\xbfa = 1", strings.Repeat("[", 300),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Parse(data)
		lines := strings.Count(string(data), "\n") + 1
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Line > lines || syntax.Text == "" {
				t.Fatalf("%v of %d lines", err, lines)
			}
			return
		}
		last := 1
		for _, s := range list {
			if s.Line < last || s.Line > lines {
				t.Fatalf("%+v after line %d, of %d lines", s, last, lines)
			}
			last = s.Line
			if !s.List && len(s.Values) > 1 {
				t.Fatalf("several values are no list: %+v", s)
			}
		}
		again, _ := Parse(data)
		if diff := cmp.Diff(list, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
