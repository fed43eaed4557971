package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// roles are all that people of a home can have, and the kinds of pages that each must find by links alone.
var roles = []struct {
	name  string
	finds []string
	never []string
}{
	{"guest", []string{"/guest", "/sessions"}, []string{"/devices/*", "/guide", "/history"}},
	{"child", []string{"/", "/guide", "/guide/words", "/lessons", "/lessons/*", "/guest"}, []string{"/devices/*", "/history", "/week", "/settings"}},
	{"helper", []string{"/", "/devices/*", "/protection", "/history", "/week", "/guide"}, []string{"/settings", "/people", "/carry"}},
	{"adult", []string{"/", "/devices/*", "/protection", "/history", "/week", "/calendar", "/guide", "/lessons/*", "/carry", "/sessions", "/guest"}, []string{"/settings", "/people"}},
	{"owner", []string{"/", "/devices/*", "/protection", "/history", "/week", "/calendar", "/lists/*", "/guide", "/lessons", "/lessons/*", "/settings", "/people", "/carry", "/sessions", "/guest"}, nil},
}

// invited adds somebody, as an owner does, and is the link that they are given.
func (t tab) invited(role string) string {
	t.Helper()
	link := eval[string](t, fmt.Sprintf(`fetch("/en/people", {method: "POST", body: new URLSearchParams({do: "add", name: %q, role: %q})})
		.then(r => r.text()).then(text => text.match(/http[^<]*sign-in[?]code=[0-9]{8}/)[0])`, "Kim the "+role, role))
	if _, err := url.Parse(link); err != nil {
		t.Fatal(err)
	}
	return link
}

// status is that of a path, as who is in gets it.
func (t tab) status(path string) int {
	t.Helper()
	return eval[int](t, fmt.Sprintf(`fetch(%q).then(r => r.status)`, path))
}

// In the program as people start it, everybody finds their pages by links alone: no link leads to what one may not see or is
// not there, and each kind of page is accessible in both languages, all colours and sizes, with scripts and (the owner) without them.
func TestEveryRoleSeesItsPagesInTheProgram(t *testing.T) {
	d := play(t)
	page := open(t)
	page.enter(d.link.String())
	page.until(90*time.Second, "a camera that goes bad", goesBad)
	links := map[string]string{"owner": d.link.String()} // which lets in again; codes of others last minutes, so those with few pages come first
	for _, r := range roles {
		if r.name != "owner" {
			links[r.name] = page.invited(r.name)
		}
	}
	seen := map[string]bool{} // pages that were judged, without their words
	for _, r := range roles {
		t.Run(r.name, func(t *testing.T) {
			tab := page.with(t)
			tab.do(chromedp.Navigate(links[r.name]), chromedp.Click(chromedp.CSS("main button")), chromedp.WaitVisible(chromedp.CSS("main h1")))
			tab.until(10*time.Second, "that they are in", `!location.pathname.endsWith("/sign-in")`)
			ways := []bool{true}
			if r.name == "owner" { // who has all pages; without scripts they are no others for the rest
				ways = append(ways, false)
			}
			found := map[string]bool{}
			for queue := []string{eval[string](tab, "location.pathname")}; len(queue) > 0; queue = queue[1:] {
				path := queue[0]
				if found[kind(path)] {
					continue
				}
				found[kind(path)] = true
				for _, lang := range []string{"en", "fr"} {
					at := "/" + lang + strings.TrimPrefix(strings.TrimPrefix(path, "/en"), "/fr")
					for _, scripts := range ways {
						tab.scripts(scripts)
						tab.do(chromedp.Navigate(d.at(at)))
						tab.scripts(true)
						shape := eval[string](tab, skeleton)
						tab.judge(fmt.Sprintf("%s, scripts %v", at, scripts), seen[shape])
						seen[shape] = true
					}
				}
				tab.do(chromedp.Navigate(d.at(path)))
				for _, next := range tab.links() {
					if status := tab.status(next); status != 200 {
						t.Errorf("%s leads to %s, which is %d", path, next, status)
					} else if !found[kind(next)] {
						queue = append(queue, next)
					}
				}
			}
			for _, k := range r.finds {
				if !found[k] {
					t.Errorf("no way to %s", k)
				}
			}
			for _, k := range r.never {
				if found[k] {
					t.Errorf("a way to %s", k)
				}
			}
			t.Logf("%d kinds of pages: %q", len(found), slices.Sorted(maps.Keys(found)))
		})
	}
}
