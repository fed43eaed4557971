package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/household/householdtest"
)

// visit is a page of a furnished home, whose owner looks at it.
func visit(t *testing.T, path string) (tab, *householdtest.House) {
	t.Helper()
	house := householdtest.Furnish(t, true)
	page := open(t)
	page.size(1280, 800)
	page.enter(house.URL + "/en/sign-in?code=" + house.Site.Door.Code("owner"))
	page.do(chromedp.Navigate(house.URL + "/en" + path))
	return page, house
}

// News arrive without a reload, none is missed however soon it follows another, and who is on a link stays on it.
func TestNewsArriveAndLeaveTheReaderWhereTheyAre(t *testing.T) {
	page, house := visit(t, "/")
	eval[bool](page, `window.stayed = true`)
	link := `#live-rooms a[href="/en/devices/` + house.Lamp.ID + `"]`
	eval[bool](page, `document.querySelector('`+link+`').focus() ?? true`)
	for _, name := range []string{"first", "second", "third"} { // within a second
		if _, _, err := house.Describe(t.Context(), "page:owner", house.Camera.ID, func(d *home.Device) { d.Room = name }); err != nil {
			t.Fatal(err)
		}
		house.Site.Events.Changed()
		time.Sleep(150 * time.Millisecond)
	}
	page.until(10*time.Second, "the last news", `document.querySelector("#live-rooms h3 + ul") && [...document.querySelectorAll("#live-rooms h3")].some(h => h.textContent == "third")`)
	if !eval[bool](page, `document.activeElement === document.querySelector('`+link+`')`) {
		t.Errorf("the reader is now at %+v", page.focus())
	}
	if !eval[bool](page, `window.stayed === true`) {
		t.Error("the page was loaded anew")
	}
	page.do(chromedp.Navigate(house.URL + "/en/devices/" + house.Camera.ID))
	eval[bool](page, `document.querySelector("#live-findings details").open = true`)
	more := house.Finding
	more.Key, more.Severity = "tcp/2323", finding.Low
	if err := house.Store.SaveFindings(t.Context(), []home.Noted{{Finding: more, State: home.Open}}); err != nil {
		t.Fatal(err)
	}
	house.Site.Events.Changed()
	page.until(10*time.Second, "one finding more", `document.querySelectorAll("#live-findings article").length == 2`)
	if !eval[bool](page, `document.querySelector("#live-findings details").open`) {
		t.Error("what was unfolded is folded again")
	}
	if _, err := house.Decide(t.Context(), "page:owner", home.Quarantine, house.Camera.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := house.Store.SetFinding(t.Context(), house.Finding.ID(), home.Muted); err != nil {
		t.Fatal(err)
	}
	house.Site.Events.Changed()
	page.until(10*time.Second, "that it is cut off", `document.querySelector("#live-state").textContent.includes("cut off")`)
	page.until(10*time.Second, "that it is normal", `document.querySelectorAll("#live-findings article").length == 1`)
}

// Who wants nothing to move sees nothing move.
func TestNothingMovesForWhoWantsThat(t *testing.T) {
	page, house := visit(t, "/")
	page.colours("light", false) // which asks for less motion
	for _, path := range []string{"/", "/devices/" + house.Camera.ID} {
		page.do(chromedp.Navigate(house.URL + "/en" + path))
		if moving := eval[[]string](page, `[document.documentElement, ...document.querySelectorAll("*")].filter(e => {
			const s = getComputedStyle(e)
			return s.animationName != "none" || s.transitionDuration.split(", ").some(d => d != "0s") || s.scrollBehavior == "smooth"
		}).map(e => e.tagName + "." + e.className)`); len(moving) > 0 {
			t.Errorf("%s: %q", path, moving)
		}
	}
}

// On paper a device has all its facts, also those that are folded on the screen, and nothing that only a screen can do.
func TestADeviceIsPrintedWhole(t *testing.T) {
	page, house := visit(t, "/")
	page.do(chromedp.Navigate(house.URL + "/en/devices/" + house.Camera.ID))
	pdf, err := chromedp.Run(page.ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	call(page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if shown := eval[[]string](page, `[...document.querySelectorAll("nav, button, input, select, form")].filter(e => e.getBoundingClientRect().height > 0).map(e => e.outerHTML.slice(0, 100))`); len(shown) > 0 {
		t.Errorf("printed, and of no use on paper: %q", shown)
	}
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("to read what is printed it needs pdftotext: apt-get install poppler-utils")
	}
	file := filepath.Join(t.TempDir(), "camera.pdf")
	keep(t, file, pdf)
	out, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, fact := range []string{
		"porch", "Camera, Lamps & Co", "It is trying the doors of many devices", "What to do", "How sure is this?", "Whom to call", "Before buying",
		"cloud.lampsco.example", "9 MB", "updates.lampsco.example", "02:00:00:00:00:01", "192.0.2.1", "news.example, for tcp/443",
	} {
		if !strings.Contains(text, fact) {
			t.Errorf("not printed: %q", fact)
		}
	}
}

// Who must not be seen leaves at once: the page is gone, and so is the way back to it. The test does not go out: what is
// asked for next is stopped at the browser.
func TestWhoMustNotBeSeenLeavesAtOnce(t *testing.T) {
	page, house := visit(t, "/")
	page.do(chromedp.Navigate(house.URL + "/en/guide/safe"))
	before := eval[int](page, `history.length`)
	call(page, network.Enable, network.EnableParams{})
	call(page, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: "https://*:*/*", Block: true}}})
	eval[bool](page, `document.querySelector("a[data-exit]").click() ?? true`)
	page.until(10*time.Second, "to be elsewhere", `!document.querySelector("#main") && document.querySelector("main") == null`)
	if n := eval[int](page, `history.length`); n > before {
		t.Errorf("the way back has %d places, and had %d", n, before)
	}
}

// A text is read aloud by a voice of this machine, never by one that is elsewhere; where there is none, nothing is offered.
func TestATextIsReadAloudByAVoiceOfThisMachineAlone(t *testing.T) {
	for name, x := range map[string]struct {
		voices string
		want   int
	}{"a voice of its own": {`[{localService: false, lang: "en-CA"}, {localService: true, lang: "en-GB"}]`, 1}, "one elsewhere": {`[{localService: false, lang: "en-CA"}]`, 0}} {
		t.Run(name, func(t *testing.T) {
			tab, house := visit(t, "/")
			call(tab, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `
				window.said = []
				Object.defineProperty(window, "speechSynthesis", {value: Object.assign(new EventTarget(), {getVoices: () => ` + x.voices + `, cancel() {}, speak(u) { said.push(u.text) }, speaking: false})})
				window.SpeechSynthesisUtterance = class extends EventTarget { constructor(text) { super(); this.text = text } }`})
			tab.do(chromedp.Navigate(house.URL + "/en/lessons/scam"))
			if n := eval[int](tab, `[...document.querySelectorAll("main button")].filter(b => b.textContent == "Read it to me").length`); n != x.want {
				t.Fatalf("it is offered %d times", n)
			}
			if x.want == 0 {
				return
			}
			eval[bool](tab, `[...document.querySelectorAll("main button")].find(b => b.textContent == "Read it to me").click() ?? true`)
			if said := eval[string](tab, `said.join()`); len(said) < 80 {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// Where the server has no stream to give, as for too many readers, the page asks for its news now and then.
func TestNewsComeWithoutAStreamToo(t *testing.T) {
	page, house := visit(t, "/")
	house.Site.Events.Close() // from now on each stream is refused
	call(page, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `
		const slow = window.setTimeout; window.setTimeout = (f, ms, ...rest) => slow(f, ms >= 30000 ? 300 : ms, ...rest)`})
	page.do(chromedp.Navigate(house.URL + "/en/"))
	eval[bool](page, `window.stayed = true`)
	if _, _, err := house.Describe(t.Context(), "page:owner", house.Camera.ID, func(d *home.Device) { d.Room = "Attic" }); err != nil {
		t.Fatal(err)
	}
	page.until(10*time.Second, "the news", `[...document.querySelectorAll("#live-rooms h3")].some(h => h.textContent == "Attic") && window.stayed === true`)
}

// What a home hangs on its wall fits there: the plan for a bad day is one sheet, and a list has a box for each device.
func TestSheetsOfAHomeArePrinted(t *testing.T) {
	page, house := visit(t, "/")
	for path, want := range map[string]string{"/plan": "Pull the plug", "/guide/about/camera": "Before buying", "/lists/moving-out": "☐"} {
		page.do(chromedp.Navigate(house.URL + "/en" + path))
		pdf, err := chromedp.Run(page.ctx, chromedp.PrintToPDF())
		if err != nil {
			t.Fatal(err)
		}
		pages := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(pdf, -1))
		if pages == 0 || path != "/lists/moving-out" && pages != 1 || pages > 3 {
			t.Errorf("%s: %d sheets", path, pages)
		}
		if body := eval[string](page, `document.querySelector("main").textContent`); !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
		call(page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		if shown := eval[[]string](page, `[...document.querySelectorAll("nav, button, form, .button")].filter(e => e.getBoundingClientRect().height > 0).map(e => e.outerHTML.slice(0, 100))`); len(shown) > 0 {
			t.Errorf("%s: printed, and of no use on paper: %q", path, shown)
		}
		call(page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: ""})
	}
}
