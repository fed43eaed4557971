package locale

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/locale/localetest"
)

// same lists the keys whose text is rightly the same in both languages.
var same = []string{
	"assess.evidence.kind.capture",
	"assess.evidence.kind.document",
	"assess.evidence.kind.flows",
	"assess.head",
	"category.thermostat",
	"cli.plimsoll.mud.scan.examples",
	"cli.plimsoll.registry.account.list.examples",
	"cli.plimsoll.registry.audit.examples",
	"cli.plimsoll.registry.person.list.examples", "cli.plimsoll.registry.person.remove.examples", "cli.plimsoll.registry.person.reset.examples",
	"cli.value.labels",
	"cli.value.limit",
	"cli.value.public-url",
	"cli.value.rate",
	"cli.value.action", "cli.value.again", "cli.value.label-action", "cli.value.registry",
	"cli.value.as",
	"cli.value.decision",
	"cli.value.device",
	"cli.value.form",
	"cli.value.lan",
	"cli.value.lateral",
	"cli.value.page-port",
	"cli.value.dns-port",
	"cli.value.mode",
	"cli.value.ports",
	"cli.value.tries",
	"cli.value.unknown",
	"cli.value.wan",
	"cli.value.format",
	"cli.value.lang",
	"cli.value.max-flows",
	"cli.value.mud-url",
	"cli.value.url",
	"format.date",
	"cli.value.registry", "label.import.product", "label.product",
	"label.status.active",
	"format.minutes",
	"glance.verdict",
	"guide.source", "product.granted",
	"household.nav.guide",
	"household.nav.protection",
	"man.description",
	"man.options",
	"man.synopsis",
	"mud.peer.name",
}

// neverNone lists the keys of which the number is at least 1, so that the French form for one need not say it.
var neverNone = []string{"inspect.randomised"}

// countries are the keys of the names of countries, of which many are rightly the same in both.
var countries = regexp.MustCompile(`"(country\.[a-z]{2})":`)

// What the program carries is what the files say that people write.
func TestTheCatalogueIsPackedAnew(t *testing.T) {
	for _, l := range []Lang{English, French} {
		var want map[string]message
		if err := json.Unmarshal(written(t, string(l)+".json"), &want); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(New(l).messages, want) {
			t.Errorf("%s.gz is not of %s.json: go generate ./internal/locale", l, l)
		}
	}
}

func written(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestLanguagesSayTheSameAndWriteItWell(t *testing.T) {
	english, french := written(t, "en.json"), written(t, "fr.json")
	alike := slices.Clone(same)
	for _, m := range countries.FindAllSubmatch(english, -1) {
		alike = append(alike, string(m[1]))
	}
	localetest.Check(t, localetest.Catalogue{English: english, French: french, Same: alike, NeverNone: neverNone})
}

func TestMoreMessagesLeaveTheCatalogueAsItIs(t *testing.T) {
	c := New(English)
	more, err := c.With([]byte(`{"more.key": {"one": "{n} thing of {size}", "other": "{n} things of {size}"}, "kind.iot": "gadget"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := more.Text("more.key", "n", 2, "size", Octets(1500)), "2 things of 1.5\u00a0kB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := more.Text("kind.iot"); got != "gadget" {
		t.Errorf("the later text does not count: %q", got)
	}
	if c.Text("more.key") != "more.key" || c.Text("kind.iot") != "smart device" {
		t.Error("the first catalogue has changed")
	}
	if _, err := c.With([]byte(`{"key": 1}`)); err == nil {
		t.Error("no error for a message that is a number")
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
