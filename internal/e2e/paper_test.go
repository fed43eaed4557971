package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/shop/shoptest"
	"plimsoll.example/plimsoll/norms"
)

// controls are those that are seen: on paper nobody can use them.
const controls = `[...document.querySelectorAll("button, input, select, textarea, nav, .button, .skip")].filter(e => e.checkVisibility() && e.getBoundingClientRect().left >= 0).map(e => e.outerHTML.slice(0, 120))`

// cut is what must be scrolled or unfolded to be read.
const cut = `[...document.querySelectorAll("body *")].filter(e => e.checkVisibility() && getComputedStyle(e).overflowX != "visible" && e.scrollWidth > e.clientWidth + 1
	|| e.matches("details > :not(summary)") && e.parentElement.checkVisibility() && e.getBoundingClientRect().height == 0).map(e => e.outerHTML.slice(0, 120))`

var sheets = regexp.MustCompile(`/Type\s*/Page\b`)

// What people print of a registry has all that it says, nothing that only a screen can do, and few sheets.
func TestThePagesOfARegistryArePrintedWhole(t *testing.T) {
	c := shoptest.Open(t, nil)
	tab := open(t)
	for path, most := range map[string]int{
		"/01/" + c.Good: 3, "/01/" + c.Suspended: 3, "/01/" + c.None: 1, "/compare?gtin=" + c.Good + "&gtin=" + c.Suspended + "&gtin=" + c.None + "&price-" + c.Good + "=49.90": 5,
		"/tags?gtin=" + c.Good + "&gtin=" + c.Suspended + "&gtin=" + c.Check + "&gtin=" + c.Old: 1, "/history/" + c.Old: 3, "/saved?gtin=" + c.Good + "&gtin=" + c.Check: 1, "/norms/etsi.5.1-1": 1,
	} {
		for _, lang := range []string{"en", "fr"} {
			t.Run(lang+path, func(t *testing.T) {
				tab := tab.with(t)
				name := "print-" + lang + strings.NewReplacer("/", "-", "?", "-", "&", "-", "=", "-").Replace(path[:min(len(path), 24)])
				tab.size(794, 1123) // A4 at 96 pixels an inch
				call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
				tab.do(chromedp.Navigate(c.URL + "/" + lang + path))
				if seen := eval[[]string](tab, controls); len(seen) > 0 {
					t.Errorf("on paper nobody can use %q", seen)
				}
				if gone := eval[[]string](tab, cut); len(gone) > 0 {
					t.Errorf("on paper it is cut: %q", gone)
				}
				tab.fits()
				if dark := eval[string](tab, `getComputedStyle(document.body).backgroundColor`); dark != "rgb(255, 255, 255)" {
					t.Errorf("the paper is %s", dark)
				}
				pdf, err := chromedp.Run(tab.ctx, chromedp.PrintToPDF())
				if err != nil {
					t.Fatal(err)
				}
				if n := len(sheets.FindAll(pdf, -1)); !bytes.HasPrefix(pdf, []byte("%PDF-")) || n == 0 || n > most {
					t.Errorf("it takes %d sheets, %d at most", n, most)
				}
				for _, picture := range eval[[]string](tab, `[...document.images].filter(i => i.checkVisibility() && !i.naturalWidth).map(i => i.src)`) {
					t.Errorf("%s is not printed", picture)
				}
				tab.shoot(name)
				if dir := os.Getenv("PLIMSOLL_SHOTS"); dir != "" {
					keep(t, filepath.Join(dir, name+".pdf"), pdf)
				}
			})
		}
	}
}

// Who asks for less motion sees none.
func TestNothingMovesWhereSomebodyAsksForThat(t *testing.T) {
	c := shoptest.Open(t, nil)
	tab := open(t)
	tab.colours("light", false) // and with less motion
	for _, s := range counterPages(t, c) {
		if s.do != nil {
			continue
		}
		tab.do(chromedp.Navigate(c.URL+"/en"+s.path), chromedp.WaitVisible(chromedp.CSS("h1")))
		if moving := eval[[]string](tab, `[...document.querySelectorAll("*")].filter(e => { const s = getComputedStyle(e); return s.animationName != "none" || s.scrollBehavior != "auto" || parseFloat(s.transitionDuration) > 0 }).map(e => e.outerHTML.slice(0, 80))`); len(moving) > 0 {
			t.Errorf("%s: %q move", s.path, moving)
		}
	}
}

// In a language whose words are longer by two fifths no page of a registry is wider than a small screen, and what a page
// says by itself is in the catalogue of its language.
func TestLongWordsFitInARegistry(t *testing.T) {
	words := pseudo(t)
	c := shoptest.Open(t, func(locale.Lang) *locale.Catalogue { return words })
	tab := open(t)
	tab.size(320, 640)
	catalogue, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	var titles []string // of norms and their sources: they are in a catalogue of their own
	for _, n := range catalogue.All() {
		titles = append(titles, n.Title.English)
	}
	for _, source := range catalogue.Sources() {
		titles = append(titles, source.Title.English)
	}
	look := func(path string) {
		tab.do(chromedp.Navigate(c.URL+"/en"+path), chromedp.WaitVisible(chromedp.CSS("h1")))
		eval[bool](tab, `document.querySelectorAll("details").forEach(d => d.open = true) ?? true`)
		plain := slices.DeleteFunc(eval[[]string](tab, unstretched), func(text string) bool {
			return slices.ContainsFunc(titles, func(title string) bool { return strings.HasPrefix(text, title) })
		})
		if len(plain) > 0 {
			t.Errorf("%s: not in the catalogue: %q", path, plain)
		}
		eval[bool](tab, stretchRest)
		tab.shoot("pseudo-shop" + strings.NewReplacer("/", "-", "?", "-", "&", "-", "=", "-").Replace(path[:min(len(path), 30)]))
		if wide := tab.wide(); len(wide) > 0 {
			t.Errorf("%s: wider than the screen: %q", path, wide)
		}
	}
	for _, s := range counterPages(t, c) {
		if s.do == nil {
			look(s.path)
		}
	}
	desks := deskPages(t, c)
	for _, who := range []string{"mia", "bea", "olga"} {
		tab.do(chromedp.Navigate(c.URL+"/en/sign-in?to=/desk"), chromedp.WaitVisible(chromedp.CSS("#name")))
		typed("#name", who, "#password", shoptest.Password)(tab, true)
		tab.until(10*time.Second, who+" is in", `document.querySelector("footer form") != null`)
		for _, s := range desks[who] {
			if s.do == nil {
				look(s.path)
			}
		}
		tab.do(chromedp.Navigate(c.URL+"/en/desk"), chromedp.WaitVisible(chromedp.CSS("footer form")))
		eval[bool](tab, `(document.querySelector("footer form").requestSubmit(), true)`)
		tab.until(10*time.Second, who+" is out", `document.querySelector("#name") != null`)
	}
}
