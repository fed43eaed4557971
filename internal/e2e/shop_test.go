package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"plimsoll.example/plimsoll/internal/web/shop/shoptest"
)

// sight is something to be looked at: an address, and what is done there before.
type sight struct {
	path string
	then string // what is done, in words; "": nothing
	do   func(t tab, scripts bool)
}

func (s sight) name() string {
	return strings.TrimSpace(strings.NewReplacer("/", "-", "?", "-", "&", "-", "=", "-").Replace(s.path[:min(len(s.path), 60)]) + " " + s.then)
}

// addresses are sights where nothing is done.
func addresses(paths ...string) (list []sight) {
	for _, p := range paths {
		list = append(list, sight{path: p})
	}
	return list
}

// arrived waits for a page that came after a time.
func (t tab) arrived(before float64, what string) {
	t.Helper()
	t.until(20*time.Second, what+" leads somewhere", fmt.Sprintf(`document.readyState == "complete" && performance.timeOrigin > %f`, before))
}

// sent sends the form of an element, and waits for the page that comes of it.
func (t tab) sent(selector string) {
	t.Helper()
	before := eval[float64](t, `performance.timeOrigin`)
	eval[bool](t, fmt.Sprintf(`(document.querySelector(%q).form.requestSubmit(), true)`, selector))
	t.arrived(before, selector)
}

// typed writes into fields, and sends the form of the last of them.
func typed(pairs ...string) func(tab, bool) {
	return func(t tab, _ bool) {
		t.Helper()
		for i := 0; i+1 < len(pairs); i += 2 {
			eval[bool](t, fmt.Sprintf(`(document.querySelector(%q).value = %q, true)`, pairs[i], pairs[i+1]))
		}
		t.sent(pairs[len(pairs)-2])
	}
}

// handed chooses a file, and sends its form where no script does.
func handed(selector, file string) func(tab, bool) {
	return func(t tab, scripts bool) {
		t.Helper()
		before := eval[float64](t, `performance.timeOrigin`)
		alone := scripts && eval[bool](t, fmt.Sprintf(`"photo" in document.querySelector(%q).form.dataset`, selector))
		t.upload(selector, file)
		if alone {
			t.arrived(before, selector)
			return
		}
		t.sent(selector)
	}
}

// files are what people hand in that is not what was asked for, and a photograph of the bars of a product.
func files(t *testing.T, digits string) (text, photo, plain string) {
	t.Helper()
	dir := t.TempDir()
	text, photo, plain = filepath.Join(dir, "text.png"), filepath.Join(dir, "photo.png"), filepath.Join(dir, "plain.png")
	keep(t, text, []byte("not what was asked for"))
	keep(t, photo, bars(t, digits))
	keep(t, plain, shoptest.Photo(t))
	return text, photo, plain
}

// counterPages are what everybody can see of a registry: each kind of page, each state of it that looks different, and
// what goes wrong.
func counterPages(t *testing.T, c *shoptest.Counter) []sight {
	compare := "/compare?gtin=" + c.Good + "&gtin=" + c.Suspended
	all := addresses(
		"/", "/search?q=lamps", "/search?category=camera", "/search?q=zzz", "/search?q="+c.None, "/search?category=spoon",
		"/01/"+c.Good, "/01/"+c.Good+"?price=49.90", "/01/"+c.Good+"?price=many", "/01/"+c.Check, "/01/"+c.Suspended, "/01/"+c.Withdrawn, "/01/"+c.Expired, "/01/"+c.Old, "/01/"+c.None, "/01/123",
		"/compare", "/compare?gtin="+c.Good, compare, compare+"&add=lights", compare+"&add=zzz", compare+"&gtin="+c.None+"&price-"+c.Good+"=49.90&price-"+c.Suspended+"=99", "/compare?gtin=12",
		"/saved", "/saved?gtin="+c.Good+"&gtin="+c.Suspended+"&gtin="+c.None,
		"/history/"+c.Good, "/history/"+c.Suspended, "/history/"+c.Old, "/history/"+c.None, "/tags", "/tags?gtin="+c.Good+"&gtin="+c.Suspended+"&gtin="+c.None,
		"/norms", "/norms/etsi.5.1-1", "/norms/none", "/data", "/nowhere", "/sign-in?to=/desk",
	)
	text, photo, plain := files(t, "9506000134352")
	return append(all,
		sight{"/", "a photograph of the bars", handed("#photo", photo)},
		sight{"/", "a picture of no code", handed("#photo", plain)},
		sight{"/", "no picture", handed("#photo", text)},
		sight{"/sign-in", "a wrong password", typed("#name", "mia", "#password", "guess")},
	)
}

// deskPages are what each person sees in the workspaces.
func deskPages(t *testing.T, c *shoptest.Counter) map[string][]sight {
	cases := func(ids ...string) (list []sight) {
		for _, id := range ids {
			list = append(list, sight{path: "/desk/cases/" + id})
		}
		return list
	}
	text, _, _ := files(t, "9506000134352")
	policy, err := filepath.Abs("../../testdata/maker/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	labels := "/desk/labels?gtin=" + c.Good
	return map[string][]sight{
		"mia": slices.Concat(cases(c.Draft, c.Asked, c.Returned, c.Done, "0000000000000000"), addresses("/desk", labels, "/desk/labels", "/desk/labels?gtin="+c.None, "/desk/labels?gtin=12", "/desk/audit"), []sight{
			{"/desk", "a product that is none", handed("#product", text)},
			{"/desk/cases/" + c.Draft, "a picture that is none", handed("#picture", text)},
			{"/desk/cases/" + c.Draft, "a file that is there", handed("#file", policy)},
		}),
		"leo": slices.Concat(cases(c.Asked), addresses("/desk", labels)),
		"bea": slices.Concat(cases(c.Asked, c.Proposed, c.Done, c.Change), addresses("/desk", labels, "/desk/labels?gtin="+c.Withdrawn)),
		"ben": cases(c.Proposed, c.Change),
		"olga": slices.Concat(cases(c.Proposed, c.Change), addresses("/desk", labels, "/desk/audit"), []sight{
			{labels, "a note that is too long", typed("#note-0", strings.Repeat("long ", 200))},
		}),
	}
}

// shopKind is kind for the addresses of a registry too; file says whether it is none of a page.
func shopKind(path string) (name string, file bool) {
	path = kind(path)
	file = regexp.MustCompile(`^/(api|landmark|checkpoint|tags/)|^/compare\.png|/files/|/statement$|/picture\.jpg$`).MatchString(path)
	return regexp.MustCompile(`^(/01|/history|/norms|/desk/cases)/[^/]+`).ReplaceAllString(path, "$1/*"), file
}

// thin keeps the first of many that are alike: the norms of a case are dozens.
const thin = `(() => {
	for (const list of document.querySelectorAll("main *")) {
		const alike = {}
		for (const e of [...list.children]) {
			const kind = e.tagName + e.className
			alike[kind] = (alike[kind] ?? 0) + 1
			if (alike[kind] > 4) e.remove()
		}
	}
	return true
})()`

// tour looks at sights in both languages, with scripts and without, as judge does. What they link is tried too: as a page
// among these sights or others, or as a file that must be there.
func (t tab) tour(at, home string, sights, others []sight) {
	t.Helper()
	judged := map[string]bool{} // what axe-core has seen, by language and elements
	var seen, linked []string
	for _, s := range slices.Concat(sights, others) {
		k, _ := shopKind(s.path)
		seen = append(seen, k)
	}
	for _, lang := range []string{"en", "fr"} {
		for _, s := range sights {
			t.Run(lang+" "+s.name(), func(part *testing.T) {
				tab := t.with(part)
				show := func(scripts bool) string {
					tab.scripts(scripts)
					tab.do(chromedp.Navigate(at+"/"+lang+s.path), chromedp.WaitVisible(chromedp.CSS("h1")))
					if s.do != nil {
						s.do(tab, scripts)
					}
					tab.scripts(true)
					linked = append(linked, eval[[]string](tab, `[...document.querySelectorAll("a[href^='/']")].map(a => a.getAttribute("href"))`)...)
					return eval[string](tab, skeleton)
				}
				narrow := func() { // all of it, before it is thinned
					tab.colours("light", false)
					tab.size(320, 640)
					eval[bool](tab, `document.querySelectorAll("details").forEach(d => d.open = true) ?? true`)
					tab.fits()
					tab.shoot("shop-" + lang + "-" + s.name())
					eval[bool](tab, thin)
				}
				with := show(true)
				narrow()
				tab.judge("with scripts", judged[lang+with])
				judged[lang+with] = true
				without := show(false)
				narrow()
				tab.judge("without scripts", with == without)
			})
		}
	}
	t.do(chromedp.Navigate(at+"/en"+home), chromedp.WaitVisible(chromedp.CSS("h1")))
	slices.Sort(linked)
	for _, path := range slices.Compact(linked) {
		k, file := shopKind(path)
		if file {
			if got := eval[int](t, fmt.Sprintf(`fetch(%q).then(r => r.status)`, path)); got != 200 {
				t.Errorf("%s is linked, and answers %d", path, got)
			}
		} else if !slices.Contains(seen, k) {
			t.Errorf("%s is linked, and not tried", path)
		}
	}
}

// Every page of a registry that everybody can see, in both languages, in all colours, narrow and wide, with text twice as
// large, with scripts and without.
func TestThePagesOfARegistryAreForEverybody(t *testing.T) {
	c := shoptest.Open(t, nil)
	open(t).tour(c.URL, "/data", counterPages(t, c), addresses("/desk")) // which asks who comes
}

// The same of what each person sees in the workspaces.
func TestTheWorkspacesAreForEverybody(t *testing.T) {
	c := shoptest.Open(t, nil)
	pages, others := deskPages(t, c), counterPages(t, c)
	for _, sights := range pages {
		others = append(others, sights...)
	}
	for who, sights := range pages {
		t.Run(who, func(t *testing.T) {
			tab := open(t)
			tab.do(chromedp.Navigate(c.URL+"/en/sign-in?to=/desk"), chromedp.WaitVisible(chromedp.CSS("#name")))
			tab.do(chromedp.Focus(chromedp.CSS("#name")), chromedp.KeyEvent(who+kb.Tab+shoptest.Password+kb.Enter), chromedp.WaitVisible(chromedp.CSS("footer form")))
			tab.tour(c.URL, "/desk", sights, others)
		})
	}
}
