package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/household/householdtest"
	"plimsoll.example/plimsoll/internal/web/page"
)

// accents puts marks on letters, and leaves the places of a message alone.
var accents = strings.NewReplacer("a", "á", "e", "ê", "i", "ï", "o", "ø", "u", "ü", "c", "ç", "n", "ñ", "A", "Å", "E", "É", "O", "Ö", "W", "Ŵ")

// stretched is a message in a language that nobody speaks: each letter can be known again, words are longer by two fifths.
func stretched(text string) string {
	var b strings.Builder
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		for i, w := range strings.Split(before, " ") {
			if i > 0 {
				b.WriteByte(' ')
			}
			runes := []rune(w)
			b.WriteString(accents.Replace(w))
			for k := range len(runes) * 2 / 5 {
				b.WriteRune(runes[len(runes)-1-k%2])
			}
		}
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString("{" + name + "}")
		text = after
	}
	return b.String()
}

// pseudo is the language nobody speaks.
func pseudo(t *testing.T) *locale.Catalogue {
	t.Helper()
	data, err := os.ReadFile("../locale/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var messages map[string]any
	if err := json.Unmarshal(data, &messages); err != nil {
		t.Fatal(err)
	}
	for k, v := range messages {
		if strings.HasPrefix(k, "format.") || strings.HasPrefix(k, "cli.") {
			delete(messages, k)
			continue
		}
		switch v := v.(type) {
		case string:
			messages[k] = stretched(v)
		case map[string]any:
			for form, text := range v {
				v[form] = stretched(text.(string))
			}
		}
	}
	if data, err = json.Marshal(messages); err != nil {
		t.Fatal(err)
	}
	c, err := locale.New(locale.English).With(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stretchRest does the same with what the catalogue given to a site does not hold: the guide’s texts, and names.
const stretchRest = `(() => {
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	for (let n; n = walk.nextNode();) {
		if (!n.parentElement.closest("script, style, bdi, code") && !/[^\x00-\x7f]/.test(n.data)) {
			n.data = n.data.replace(/[a-z]+/gi, w => w + w.slice(0, Math.floor(w.length * 0.4)))
		}
	}
	return true
})()`

// unstretched are headings, labels and buttons of the page itself that are not in the catalogue.
const unstretched = `[...document.querySelectorAll("main :is(h1, h2, h3, h4, dt, label, legend, button, summary, th)")]
	.filter(e => !e.querySelector("bdi") && !e.closest("#live-findings")).map(e => e.innerText.trim())
	.filter(s => /[a-z]{3}/i.test(s) && /[aeiou]/i.test(s) && !/[^\x00-\x7f]/.test(s))`

// In a language whose words are longer by two fifths no page of a home is wider than a small screen, and what a page says
// by itself is in the catalogue of its language.
func TestLongWordsFit(t *testing.T) {
	words := pseudo(t)
	house := householdtest.Furnish(t, true, func(s *page.Site) {
		s.Words = func(locale.Lang) *locale.Catalogue { return words }
	})
	tab := open(t)
	tab.size(320, 640)
	tab.enter(house.URL + "/en/sign-in?code=" + house.Site.Door.Code("owner"))
	for _, path := range pagesOf(house.Camera.ID, house.Lamp.ID) {
		tab.do(chromedp.Navigate(house.URL + "/en" + path))
		eval[bool](tab, `document.querySelectorAll("details").forEach(d => d.open = true) ?? true`)
		if plain := eval[[]string](tab, unstretched); len(plain) > 0 && !strings.HasPrefix(path, "/guide/") { // which has files of its own
			t.Errorf("%s: not in the catalogue: %q", path, plain)
		}
		eval[bool](tab, stretchRest)
		tab.shoot("pseudo" + strings.NewReplacer("/", "-", "?", "-").Replace(path))
		if wide := tab.wide(); len(wide) > 0 {
			t.Errorf("%s: wider than the screen: %q", path, wide)
		}
	}
}
