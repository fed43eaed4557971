// Package localetest checks message catalogues: that the languages say the same things, and that each writes them
// as it should.
package localetest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Catalogue is the messages of one topic in all languages, each in the form that package locale reads.
type Catalogue struct {
	English, French []byte
	Same            []string // keys whose text is rightly the same in both
	NeverNone       []string // keys of which the number is at least 1, so that the French form for one need not say it
}

// message is as in package locale, whose tests import this package.
type message struct{ one, other string }

func (m *message) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &m.other)
	}
	var forms struct{ One, Other string }
	err := json.Unmarshal(b, &forms)
	m.one, m.other = forms.One, forms.Other
	return err
}

func (m message) forms() []string {
	if m.one == "" {
		return []string{m.other}
	}
	return []string{m.one, m.other}
}

// Check reports every fault of c: a key that one language lacks or that a file has twice, a place or a plural form
// that differs, a text that is empty or not translated, and wrong typography.
func Check(t *testing.T, c Catalogue) {
	t.Helper()
	en, fr := read(t, "en", c.English), read(t, "fr", c.French)
	compare(t, en, fr, c.Same)
	for lang, messages := range map[string]map[string]message{"en": en, "fr": fr} {
		for key, m := range messages {
			whole(t, lang+" "+key, m)
		}
	}
	for key, m := range fr {
		// In French the form for one is for 0 too, and so must say the number.
		if m.one != "" && !slices.Contains(c.NeverNone, key) && !slices.Contains(places(m.one), "{n}") {
			t.Errorf("fr %s: no {n} in the form for one: %q", key, m.one)
		}
		for _, text := range m.forms() {
			if fault := Spacing(text); fault != "" {
				t.Errorf("fr %s: %s: %q", key, fault, text)
			}
		}
	}
}

var line = regexp.MustCompile(`(?m)^  "([a-z0-9._-]+)": `)

func read(t *testing.T, lang string, data []byte) map[string]message {
	t.Helper()
	var messages map[string]message
	if err := json.Unmarshal(data, &messages); err != nil {
		t.Fatalf("%s: %v", lang, err)
	}
	seen := map[string]bool{}
	for _, m := range line.FindAllSubmatch(data, -1) {
		key := string(m[1])
		if seen[key] {
			t.Errorf("%s has %s twice", lang, key)
		}
		seen[key] = true
	}
	if len(seen) != len(messages) {
		t.Errorf("%s has %d keys of the usual form, one a line, of %d", lang, len(seen), len(messages))
	}
	return messages
}

func compare(t *testing.T, en, fr map[string]message, same []string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(en)) {
		if _, ok := fr[key]; !ok {
			t.Errorf("fr lacks %s", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(fr)) {
		e, ok := en[key]
		f := fr[key]
		if !ok {
			t.Errorf("en lacks %s", key)
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

func whole(t *testing.T, name string, m message) {
	t.Helper()
	for _, text := range m.forms() {
		if text == "" || text != strings.TrimSpace(text) {
			t.Errorf("%s: empty, or spaces around it: %q", name, text)
		}
		if strings.ContainsAny(place.ReplaceAllString(text, ""), "{}") {
			t.Errorf("%s: a brace that is no place: %q", name, text)
		}
		if strings.ContainsAny(text, `'"`) {
			t.Errorf("%s: straight quotation marks, want ’ “ ” « »: %q", name, text)
		}
	}
	if m.one == "" {
		return
	}
	if !slices.Contains(places(m.other), "{n}") {
		t.Errorf("%s: no {n} in the form for many: %q", name, m.other)
	}
	for _, p := range places(m.one) {
		if !slices.Contains(places(m.other), p) {
			t.Errorf("%s: %s only in the form for one", name, p)
		}
	}
}

var place = regexp.MustCompile(`\{[a-z_]+\}`)

func places(text string) []string {
	p := place.FindAllString(text, -1)
	slices.Sort(p)
	return slices.Compact(p)
}

var spaces = map[string]*regexp.Regexp{
	"a colon without a no-break space before it":    regexp.MustCompile(`(^|[^\x{a0}]):(\s|$)`),
	"an opening guillemet without a no-break space": regexp.MustCompile(`«([^\x{a0}]|$)`),
	"a closing guillemet without a no-break space":  regexp.MustCompile(`(^|[^\x{a0}])»`),
	"a space before a semicolon or a mark":          regexp.MustCompile(`[\s\x{a0}\x{202f}][;!?]`),
	"a percent sign without a no-break space":       regexp.MustCompile(`(^|[^\x{a0}])%`),
	"an English quotation mark":                     regexp.MustCompile(`[“”]`),
}

// Spacing is what is wrong with the spaces in a French text, or "": spaces are as the Office québécois de la langue
// française has them.
func Spacing(text string) string {
	for fault, re := range spaces {
		if re.MatchString(text) {
			return fault
		}
	}
	return ""
}
