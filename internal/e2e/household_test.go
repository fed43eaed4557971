package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/web/household/householdtest"
)

// pagesOf are the pages of a home with that camera and lamp: each kind, and each state of it that looks different.
func pagesOf(camera, lamp string) []string {
	at := "/devices/" + camera
	return []string{
		"/", at, at + "?saved=about", at + "/rehearsal", at + "/letter/maker", at + "/letter/commissioner", "/devices/" + lamp, "/devices/none",
		"/protection", "/history", "/week", "/calendar", "/plan", "/lists/tune-up", "/guide", "/guide/safe", "/guide/words", "/guide/stage/trouble", "/guide/about/camera",
		"/guide/about/scan.horizontal", "/lessons", "/lessons/here", "/settings", "/notices", "/carry", "/people", "/tokens", "/sessions", "/guest", "/sign-in", "/sign-in?code=12345678",
	}
}

// kind is what all pages of one kind have in common in their paths.
func kind(path string) string {
	path, _, _ = strings.Cut(path, "#") // a place in a page
	path, _, _ = strings.Cut(path, "?")
	path = regexp.MustCompile(`^/(en|fr)(/|$)`).ReplaceAllString(path, "/")
	path = regexp.MustCompile(`^/devices/[^/]+`).ReplaceAllString(path, "/devices/*")
	return regexp.MustCompile(`^/(guide/stage|guide/about|lessons|lists)/[^/]+|/letter/[^/]+`).ReplaceAllString(path, "/$1/*")
}

// links are the paths that the page leads to.
func (t tab) links() []string {
	t.Helper()
	return eval[[]string](t, `[...document.querySelectorAll("a[href^='/']:not([download])")].map(a => a.getAttribute("href"))`)
}

// look is one way in which pages are coloured.
type look struct {
	name, scheme string
	forced       bool
	rules        string // of axe-core, an object; those that judge no colours need be asked once
}

const colourRules = `{runOnly: ["color-contrast", "link-in-text-block"]}`

var looks = []look{{"light", "light", false, "{}"}, {"dark", "dark", false, colourRules}, {"forced colours", "light", true, colourRules}}

// judge tries the page that is shown: in all colours, on a narrow and a wide screen, with text twice as large. Where
// judged is set, axe-core has seen the same elements before, and is not asked again.
func (t tab) judge(name string, judged bool) {
	t.Helper()
	eval[bool](t, `document.querySelectorAll("details").forEach(d => d.open = true) ?? true`) // what is folded is judged too
	for _, size := range [][2]int64{{320, 640}, {1280, 800}} {
		t.size(size[0], size[1])
		for _, l := range looks {
			if judged {
				break
			}
			t.colours(l.scheme, l.forced)
			for _, f := range t.violations(l.rules) {
				tell := t.Logf
				if f.Impact == "serious" || f.Impact == "critical" {
					tell = t.Errorf
				}
				tell("%s, %d px, %s: %s, %s: %s, at %d places, first %s\n%s", name, size[0], l.name, f.Impact, f.ID, f.Help, f.Places, f.HTML, f.Fault)
			}
		}
		for _, text := range []int64{32, 16} {
			call(t, cdppage.SetFontSizes, cdppage.SetFontSizesParams{FontSizes: &cdppage.FontSizes{Standard: text, Fixed: text}})
			if got := eval[string](t, `getComputedStyle(document.documentElement).fontSize`); got != fmt.Sprintf("%dpx", text) {
				t.Fatalf("text of %d px is one of %s", text, got)
			}
			if wide := t.wide(); len(wide) > 0 {
				t.Errorf("%s, %d px, text of %d px: wider than the screen: %q", name, size[0], text, wide)
			}
		}
	}
}

// skeleton is the page without its words: what axe-core judges apart from them.
const skeleton = `[...document.body.querySelectorAll("*")].map(e => e.tagName + e.className + (e.getAttribute("role") ?? "")).join()`

// Every page of a home, in both languages, in light, dark and the reader’s own colours, narrow and wide, with scripts and
// without them: nobody is kept out, and nothing must be scrolled sideways. With scripts off the page is loaded without
// them; they are allowed again only when it is there, for axe-core is one.
func TestPagesOfAHomeAreAccessible(t *testing.T) {
	house := householdtest.Furnish(t, true)
	rich := pagesOf(house.Camera.ID, house.Lamp.ID)
	rich = append(rich, "/devices/"+house.Camera.ID+"/rehearsal?file=offered")
	if err := house.Pages.Notices.Change(func(s *notice.Settings) error {
		s.Put(notice.Channel{Kind: notice.Mail, Server: "smtps://mail.example", From: "a@mail.example", To: "b@mail.example", Secret: "x", Lang: locale.French, Alerts: true})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	browser := open(t)
	browser.enter(house.URL + "/en/sign-in?code=" + house.Site.Door.Code("owner"))
	var seen, linked []string
	for _, path := range rich {
		seen = append(seen, kind(path))
	}
	for _, lang := range []string{"en", "fr"} {
		for _, path := range rich {
			t.Run(lang+path, func(t *testing.T) {
				tab := browser.with(t)
				url := house.URL + "/" + lang + path
				tab.do(chromedp.Navigate(url))
				linked = append(linked, tab.links()...)
				tab.judge("with scripts", false)
				with := eval[string](tab, skeleton)
				tab.scripts(false)
				tab.do(chromedp.Navigate(url))
				without := eval[string](tab, skeleton)
				tab.scripts(true)
				tab.judge("without scripts", with == without)
			})
		}
	}
	for _, path := range linked {
		if !slices.Contains(seen, kind(path)) {
			t.Errorf("%s is linked, and not tried", path)
		}
	}
}

// scripts says whether pages that are loaded from now on may run theirs.
func (t tab) scripts(on bool) {
	t.Helper()
	call(t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}
