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

// visitor is somebody who comes to a site, and the kinds of pages that they must find, or not find, by links alone.
type visitor struct {
	name  string
	finds []string
	never []string
}

// roles are all that people of a home can have.
var roles = []visitor{
	{"guest", []string{"/guest", "/sessions"}, []string{"/devices/*", "/guide", "/history"}},
	{"child", []string{"/", "/guide", "/guide/words", "/lessons", "/lessons/*", "/guest"}, []string{"/devices/*", "/history", "/week", "/settings"}},
	{"helper", []string{"/", "/devices/*", "/protection", "/history", "/week", "/guide"}, []string{"/settings", "/people", "/carry"}},
	{"adult", []string{"/", "/devices/*", "/protection", "/history", "/week", "/calendar", "/guide", "/lessons/*", "/carry", "/sessions", "/guest"}, []string{"/settings", "/people"}},
	{"owner", []string{"/", "/devices/*", "/protection", "/history", "/week", "/calendar", "/lists/*", "/guide", "/lessons", "/lessons/*", "/settings", "/people", "/carry", "/sessions", "/guest"}, nil},
}

// counter is what everybody finds in a registry; anybody is who comes to it without a name.
var (
	counter = []string{"/", "/search", "/01/*", "/history/*", "/compare", "/saved", "/tags", "/norms", "/norms/*", "/data"}
	anybody = visitor{"anybody", append([]string{"/sign-in"}, counter...), []string{"/desk/cases/*", "/desk/labels", "/desk/audit", "/passkeys"}}
)

// writers are those of the cast who write to the registry of a demonstration.
var writers = []visitor{
	{"Mia", append([]string{"/desk", "/desk/cases/*", "/passkeys"}, counter...), []string{"/desk/audit"}},
	{"Leo", append([]string{"/desk", "/desk/cases/*", "/passkeys"}, counter...), []string{"/desk/audit"}},
	{"Bea", append([]string{"/desk", "/desk/cases/*", "/desk/labels", "/passkeys"}, counter...), []string{"/desk/audit"}},
	{"Ben", append([]string{"/desk", "/desk/cases/*", "/desk/labels", "/passkeys"}, counter...), []string{"/desk/audit"}},
	{"Olga", append([]string{"/desk", "/desk/cases/*", "/desk/labels", "/desk/audit", "/passkeys"}, counter...), nil},
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

// comesIn comes in by a link, to whatever page it leads to.
func (t tab) comesIn(link string) {
	t.Helper()
	t.do(chromedp.Navigate(link), chromedp.Click(chromedp.CSS("main button")), chromedp.WaitVisible(chromedp.CSS("main h1")))
	t.until(10*time.Second, "that they are in", `!location.pathname.endsWith("/sign-in")`)
}

// explores goes from the page that is shown to each kind of page that links lead to, and judges it in both languages: with
// scripts, and without where that is asked for. What was seen, the page or its skeleton, is not judged again.
func (t tab) explores(who visitor, without bool, seen map[string]bool) {
	t.Helper()
	ways := []bool{true}
	if without {
		ways = append(ways, false)
	}
	site, start := eval[string](t, "location.origin"), eval[string](t, "location.pathname")
	found, tried := map[string]bool{}, map[string]bool{}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		k, _ := shopKind(path)
		one := k
		if k == "/desk/cases/*" { // each is in a state of its own
			one = kind(path)
		}
		if found[one] {
			continue
		}
		found[one], found[k] = true, true
		var linked []string
		for _, lang := range []string{"en", "fr"} {
			at := "/" + lang + strings.TrimPrefix(strings.TrimPrefix(path, "/en"), "/fr")
			for _, scripts := range ways {
				t.scripts(scripts)
				t.do(chromedp.Navigate(site + at))
				t.scripts(true)
				linked = append(linked, t.links()...)
				shape, whole := eval[string](t, skeleton), eval[string](t, `document.body.innerHTML`)
				if !seen[whole] {
					t.judge(fmt.Sprintf("%s, scripts %v", at, scripts), seen[shape])
				}
				seen[shape], seen[whole] = true, true
			}
		}
		t.do(chromedp.Navigate(site + start)) // the page of a product may ask for nothing
		for _, next := range linked {
			if tried[next] {
				continue
			}
			tried[next] = true
			if status := t.status(next); status != 200 {
				t.Errorf("%s leads to %s, which is %d", path, next, status)
			} else if _, file := shopKind(next); !file {
				queue = append(queue, next)
			}
		}
	}
	for _, k := range who.finds {
		if !found[k] {
			t.Errorf("no way to %s", k)
		}
	}
	for _, k := range who.never {
		if found[k] {
			t.Errorf("a way to %s", k)
		}
	}
	t.Logf("%d kinds of pages: %q", len(found), slices.Sorted(maps.Keys(found)))
}

// In the program as people start it, everybody finds their pages by links alone, of the home and of the registry: no link leads
// to what one may not see or is not there, and each kind of page is accessible in both languages, all colours and sizes, with
// scripts; and without them for the owner of the home, and for who comes to the registry without a name.
func TestEverybodySeesTheirPagesInTheProgram(t *testing.T) {
	d := play(t)
	page := open(t)
	seen := map[string]bool{}
	authority, err := url.Parse(d.people["Bea"])
	if err != nil {
		t.Fatal(err)
	}
	// The registry is looked at first: meanwhile a camera of the home goes bad.
	t.Run(anybody.name, func(t *testing.T) {
		tab := page.with(t)
		tab.do(chromedp.Navigate("http://" + authority.Host + "/en/"))
		tab.explores(anybody, true, seen)
	})
	for _, w := range writers {
		t.Run(w.name, func(t *testing.T) {
			tab := page.with(t)
			tab.comesIn(d.people[w.name])
			tab.explores(w, false, seen)
		})
	}
	page.enter(d.link.String())
	page.until(90*time.Second, "a camera that goes bad", goesBad)
	for _, r := range roles {
		link := d.link.String() // which lets in again and again
		if r.name != "owner" {
			page.comesIn(link)
			link = page.invited(r.name)
		}
		t.Run(r.name, func(t *testing.T) {
			tab := page.with(t)
			tab.comesIn(link)
			tab.explores(r, r.name == "owner", seen) // who has all pages; without scripts they are no others for the rest
		})
	}
}
