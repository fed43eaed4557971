package locale

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// same lists the keys whose text is rightly the same in both languages.
var same = []string{
	"category.thermostat",
	"cli.value.device",
	"cli.value.lang",
	"cli.value.max-flows",
	"cli.value.url",
	"format.date",
	"format.minutes",
	"mud.peer.name",
}

// neverNone lists the keys of which the number is at least 1, so that the French form for one need not say it.
var neverNone = []string{"inspect.randomised"}

var place = regexp.MustCompile(`\{[a-z_]+\}`)

func TestLanguagesHaveTheSameKeysAndPlaces(t *testing.T) {
	en, fr := New(English).messages, New(French).messages
	for _, key := range slices.Sorted(maps.Keys(en)) {
		if _, ok := fr[key]; !ok {
			t.Errorf("fr.json lacks %s", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(fr)) {
		e, ok := en[key]
		f := fr[key]
		if !ok {
			t.Errorf("en.json lacks %s", key)
			continue
		}
		if (e.one == "") != (f.one == "") {
			t.Errorf("%s depends on a number in one language only", key)
		}
		if got, want := places(f.other), places(e.other); !slices.Equal(got, want) {
			t.Errorf("%s: places in French %v, in English %v", key, got, want)
		}
		if e.other == f.other && !slices.Contains(same, key) {
			t.Errorf("%s: is %q translated?", key, f.other)
		}
	}
}

func TestTextsAreWhole(t *testing.T) {
	for _, l := range Languages {
		for key, m := range New(l).messages {
			if strings.TrimSpace(m.other) == "" || m.other != strings.TrimSpace(m.other) {
				t.Errorf("%s %s: empty, or spaces around it: %q", l, key, m.other)
			}
			for _, text := range []string{m.one, m.other} {
				if strings.ContainsAny(place.ReplaceAllString(text, ""), "{}") {
					t.Errorf("%s %s: a brace that is no place: %q", l, key, text)
				}
				if strings.ContainsAny(text, `'"`) {
					t.Errorf("%s %s: straight quotation marks, want ’ “ ” « »: %q", l, key, text)
				}
			}
			if m.one == "" {
				continue
			}
			if !slices.Contains(places(m.other), "{n}") {
				t.Errorf("%s %s: no {n} in the form for many: %q", l, key, m.other)
			}
			// In French this form is for 0 too, and so must say the number.
			if l == French && !slices.Contains(neverNone, key) && !slices.Contains(places(m.one), "{n}") {
				t.Errorf("fr %s: no {n} in the form for one: %q", key, m.one)
			}
			for _, p := range places(m.one) {
				if !slices.Contains(places(m.other), p) {
					t.Errorf("%s %s: %s only in the form for one", l, key, p)
				}
			}
		}
	}
}

// Spaces in French as the Office québécois de la langue française has them.
func TestFrenchSpacing(t *testing.T) {
	for key, m := range New(French).messages {
		for _, text := range []string{m.one, m.other} {
			if fault := spacing(text); fault != "" {
				t.Errorf("%s: %s: %q", key, fault, text)
			}
		}
	}
}

func spacing(text string) string {
	for fault, re := range map[string]*regexp.Regexp{
		"a colon without a no-break space before it":    regexp.MustCompile(`(^|[^\x{a0}]):(\s|$)`),
		"an opening guillemet without a no-break space": regexp.MustCompile(`«([^\x{a0}]|$)`),
		"a closing guillemet without a no-break space":  regexp.MustCompile(`(^|[^\x{a0}])»`),
		"a space before a semicolon or a mark":          regexp.MustCompile(`[\s\x{a0}\x{202f}][;!?]`),
		"a percent sign without a no-break space":       regexp.MustCompile(`(^|[^\x{a0}])%`),
		"an English quotation mark":                     regexp.MustCompile(`[“”]`),
	} {
		if re.MatchString(text) {
			return fault
		}
	}
	return ""
}

func TestSpacingFindsFaults(t *testing.T) {
	for text, good := range map[string]bool{
		"Vu :":               false,
		"Vu\u00a0: 3":        true,
		"Vu: 3":              false,
		"https://exemple.ca": true,
		"« ici »":            false,
		"«\u00a0ici\u00a0»":  true,
		"Quoi ?":             false,
		"Quoi?":              true,
		"un; deux":           true,
		"un\u00a0; deux":     false,
		"12%":                false,
		"12\u00a0%":          true,
	} {
		if fault := spacing(text); (fault == "") != good {
			t.Errorf("%q: %q", text, fault)
		}
	}
}

func TestKeysAreThereOnce(t *testing.T) {
	key := regexp.MustCompile(`(?m)^  "([a-z0-9._-]+)": `)
	for l, data := range map[Lang][]byte{English: english, French: french} {
		if !json.Valid(data) {
			t.Fatalf("%s.json is not JSON", l)
		}
		seen := map[string]bool{}
		for _, m := range key.FindAllSubmatch(data, -1) {
			if k := string(m[1]); seen[k] {
				t.Errorf("%s.json has %s twice", l, k)
			} else {
				seen[k] = true
			}
		}
		if got, want := len(seen), len(New(l).messages); got != want {
			t.Errorf("%s.json has %d keys of the usual form, one a line, of %d", l, got, want)
		}
	}
}

func TestText(t *testing.T) {
	c := &Catalogue{lang: English, messages: map[string]message{
		"plain":  {other: "nothing to fill"},
		"name":   {other: "{name} was seen {n} times on {name}"},
		"many":   {one: "one device of {total}", other: "{n} devices of {total}"},
		"braces": {other: "a { b } {} {open"},
	}}
	fr := &Catalogue{lang: French, messages: map[string]message{
		"many": {one: "{n} appareil sur {total}", other: "{n} appareils sur {total}"},
	}}
	for _, tt := range []struct {
		name string
		c    *Catalogue
		key  string
		args []any
		want string
	}{
		{"no places", c, "plain", nil, "nothing to fill"},
		{"places, one twice", c, "name", []any{"name", "lamp", "n", 1234}, "lamp was seen 1,234 times on lamp"},
		{"values are not filled again", c, "name", []any{"name", "{n}", "n", 2}, "{n} was seen 2 times on {n}"},
		{"a place without value stays", c, "name", []any{"n", 2}, "{name} was seen 2 times on {name}"},
		{"a name without value", c, "name", []any{"n", 2, "name"}, "{name} was seen 2 times on {name}"},
		{"a missing key", c, "no.such", []any{"n", 2}, "no.such"},
		{"stray braces", c, "braces", []any{"n", 2}, "a { b } {} {open"},
		{"English 0", c, "many", []any{"n", 0, "total", 9}, "0 devices of 9"},
		{"English 1", c, "many", []any{"n", uint64(1), "total", 9}, "one device of 9"},
		{"English 2", c, "many", []any{"n", int64(2), "total", 9}, "2 devices of 9"},
		{"no number", c, "many", []any{"total", 9}, "{n} devices of 9"},
		{"French 0", fr, "many", []any{"n", 0, "total", 9}, "0 appareil sur 9"},
		{"French 1", fr, "many", []any{"n", 1, "total", 9}, "1 appareil sur 9"},
		{"French 2", fr, "many", []any{"n", 2, "total", uint64(1 << 63)}, "2 appareils sur 9\u00a0223\u00a0372\u00a0036\u00a0854\u00a0775\u00a0808"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.Text(tt.key, tt.args...); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestValuesAreWrittenByTheirType(t *testing.T) {
	c := New(French)
	c.messages["v"] = message{other: "{v}"}
	for _, tt := range []struct {
		v    any
		want string
	}{
		{"texte", "texte"},
		{-1234567, "-1\u00a0234\u00a0567"},
		{uint16(443), "443"},
		{1234.5, "1\u00a0234,5"},
		{Octets(1_500_000), "1,5\u00a0Mo"},
		{Fraction(0.5), "50\u00a0%"},
		{90 * time.Second, "1\u00a0minute 30\u00a0secondes"},
		{[]string{"a", "b"}, "a et b"},
		{time.Date(2026, 11, 1, 8, 5, 0, 0, time.UTC), "1er novembre 2026, 8\u00a0h\u00a005"},
		{French, "fr"},
	} {
		if got := c.Text("v", "v", tt.v); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.v, got, tt.want)
		}
	}
}

func TestAskedForALanguageItDoesNotSpeakItSpeaksEnglish(t *testing.T) {
	if got := New("de").Lang(); got != English {
		t.Errorf("got %q", got)
	}
}

func places(text string) []string {
	p := place.FindAllString(text, -1)
	slices.Sort(p)
	return slices.Compact(p)
}

func FuzzText(f *testing.F) {
	f.Add("{name} was seen {n} times", "name", "{n}", int64(1))
	f.Add("{{}}{", "", "x", int64(0))
	f.Fuzz(func(t *testing.T, text, name, value string, n int64) {
		c := &Catalogue{lang: French, messages: map[string]message{"k": {one: text, other: text}}}
		got := c.Text("k", name, value, "n", n)
		if !strings.Contains(text, "{") && got != text {
			t.Errorf("%q became %q", text, got)
		}
		if strings.Count(got, "{") > strings.Count(text, "{")*(1+strings.Count(value, "{")) {
			t.Errorf("%q with %q became %q", text, value, got)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(French)
	}
	b.ReportMetric(float64(len(New(French).messages)), "messages")
}
