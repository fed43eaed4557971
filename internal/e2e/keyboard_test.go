package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/shop/shoptest"
)

// stop is where Tab leads.
type stop struct {
	Tag   string `json:"tag"`
	Text  string `json:"text"`  // what it is called
	Ring  bool   `json:"ring"`  // it is seen that it has the focus
	Seen  bool   `json:"seen"`  // it is on the screen, and nothing is over it
	After bool   `json:"after"` // it stands behind the stop before, as it is read
}

// next presses Tab, and holds where that leads to what a person needs: a ring that is seen, on an element that is seen,
// in the order in which the page is read.
func (t tab) next() stop {
	t.Helper()
	t.do(chromedp.KeyEvent(kb.Tab))
	s := eval[stop](t, `(async () => {
		const e = document.activeElement ?? document.body, style = getComputedStyle(e), last = window.lastStop
		window.lastStop = e
		for (let y = NaN; y != e.getBoundingClientRect().y; await new Promise(done => setTimeout(done, 20))) y = e.getBoundingClientRect().y // it comes into sight
		const box = e.getBoundingClientRect()
		const label = e.labels?.[0]?.innerText ?? e.getAttribute("aria-label") ?? e.innerText ?? ""
		const over = document.elementFromPoint(box.x + Math.min(box.width, innerWidth - box.x) / 2, box.y + Math.min(box.height, innerHeight - box.y) / 2)
		return {
			tag: e.tagName, text: label.trim().replace(/\\s+/g, " "), ring: style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2,
			seen: box.height > 0 && box.top < innerHeight && box.bottom > 0 && !!over && (e.contains(over) || over.contains(e)),
			after: !last?.isConnected || !!(last.compareDocumentPosition(e) & (Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINED_BY)),
		}
	})()`)
	if s.Tag != "BODY" && s.Tag != "HTML" && (!s.Ring || !s.Seen || !s.After) {
		t.Errorf("at %s Tab leads to %+v", eval[string](t, "location.pathname"), s)
	}
	return s
}

// mostStops is more than any page has.
const mostStops = 300

// tabTo presses Tab until the focus is on what has a name.
func (t tab) tabTo(name string) {
	t.Helper()
	var passed []string
	for range mostStops {
		s := t.next()
		if s.Text == name {
			return
		}
		if s.Tag == "BODY" || s.Tag == "HTML" {
			break
		}
		passed = append(passed, s.Text)
	}
	t.Fatalf("at %s Tab does not lead to %q, but to %q", eval[string](t, "location.pathname"), name, passed)
}

// follow presses Enter on what has a name, and waits for the page that it leads to.
func (t tab) follow(name string) {
	t.Helper()
	t.tabTo(name)
	before := eval[float64](t, `performance.timeOrigin`)
	t.do(chromedp.KeyEvent(kb.Enter))
	t.arrived(before, fmt.Sprintf("%q", name))
}

// chooses goes to a field for a file and takes one, as the window of the system lets a keyboard do.
func (t tab) chooses(name, selector, file string) {
	t.Helper()
	t.tabTo(name)
	if !eval[bool](t, fmt.Sprintf(`document.activeElement == document.querySelector(%q)`, selector)) {
		t.Errorf("%q is not %s", name, selector)
	}
	t.upload(selector, file)
}

// On every page of a registry Tab goes once through all that can be used, and out again.
func TestTabGoesThroughThePagesOfARegistry(t *testing.T) {
	c := shoptest.Open(t, nil)
	desks := deskPages(t, c)
	tab := open(t)
	tab.colours("light", false)
	walk := func(path string) {
		t.Run(path, func(t *testing.T) {
			tab := tab.with(t)
			tab.do(chromedp.Navigate(c.URL+path), chromedp.WaitVisible(chromedp.CSS("h1")))
			usable := eval[int](tab, `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter(e => e.checkVisibility()).length`)
			stops := 0
			for range mostStops {
				if s := tab.next(); s.Tag == "BODY" || s.Tag == "HTML" {
					break
				}
				stops++
			}
			if stops != usable {
				t.Errorf("Tab stops %d times, and %d things can be used", stops, usable)
			}
		})
	}
	for _, size := range [][2]int64{{1280, 800}, {320, 640}} {
		tab.size(size[0], size[1])
		for _, s := range counterPages(t, c) {
			if s.do == nil && s.path != "/norms" { // which has hundreds of links that are alike
				walk("/en" + s.path)
			}
		}
	}
	tab.do(chromedp.Navigate(c.URL + "/en/desk"))
	tab.signsIn("bea", shoptest.Password)
	for _, s := range desks["bea"] {
		walk("/en" + s.path)
	}
}

// signsIn comes in by the keyboard.
func (t tab) signsIn(name, password string) {
	t.Helper()
	t.tabTo(eval[string](t, `document.querySelector("#name").labels[0].innerText`))
	t.do(chromedp.KeyEvent(name))
	t.next()
	before := eval[float64](t, `performance.timeOrigin`)
	t.do(chromedp.KeyEvent(password + kb.Enter))
	t.arrived(before, "signing in")
}

// With the keyboard alone: a photograph of the label’s code, what it says, the product, a comparison with another that is
// found by name, and the list.
func TestAScannedCodeIsComparedAndSavedByKeyboard(t *testing.T) {
	const camera = "Northern Lights Porch Camera 0"
	r, good, _ := sample(t)
	words := locale.New(locale.English)
	tab := open(t)
	tab.size(phone[0], phone[1])
	tab.colours("light", false)
	tab.do(chromedp.Navigate(r.at+"/en/"), chromedp.WaitVisible(chromedp.CSS("#photo")))
	if s := tab.next(); s.Text != words.Text("page.skip") {
		t.Errorf("the first stop is %+v, want the way past the navigation", s)
	}
	tab.do(chromedp.KeyEvent(kb.Enter))
	if s := tab.next(); s.Text != words.Text("shop.find.name") {
		t.Errorf("past the navigation the first stop is %+v", s)
	}
	before := eval[float64](tab, `performance.timeOrigin`)
	tab.chooses(words.Text("shop.find.photo"), "#photo", r.code(good))
	tab.arrived(before, "the photograph") // the script sends it as soon as it is chosen
	tab.says("Genuine")
	tab.follow(words.Text("shop.scanned.page"))
	tab.says(words.Text("glance.verdict.good"))
	tab.follow(words.Text("product.compare"))
	tab.tabTo(words.Text("shop.compare.price.of", "name", camera))
	tab.do(chromedp.KeyEvent("99.90"))
	tab.tabTo(words.Text("shop.compare.add"))
	before = eval[float64](tab, `performance.timeOrigin`)
	tab.do(chromedp.KeyEvent("ultra" + kb.Enter))
	tab.arrived(before, "a name")
	tab.says(words.Text("shop.compare.found"))
	tab.follow(eval[string](tab, `document.querySelector("#found ~ ul a").innerText`))
	tab.says(words.Text("shop.compare.different"), words.Text("shop.compare.price"), words.Text("glance.verdict.avoid"))
	tab.follow(camera)
	tab.follow(words.Text("product.save"))
	tab.says(words.Text("shop.saved"), camera)
}
