package e2e

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// camera is the device of the demonstration that goes bad.
const camera = "DS-2CD2042WD-I"

// goesBad is true of the first page when the camera has gone bad.
const goesBad = `[...document.querySelectorAll(".actions li.act .who a")].some(a => a.textContent == "` + camera + `")`

// reader uses a page with one hand: the mouse or the keyboard.
type reader struct {
	tab
	press   func(r *reader, within, text string) // goes to a link or button with that text, and uses it
	presses int
}

// wanted is the first link, button or summary within some part of the page that says text; undefined where there is none.
func wanted(within, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].find(e => e.textContent.trim() == %q)`, within+" :is(a, button, summary)", text)
}

// mouse clicks where it is; again, as people do, where the page moved under the pointer meanwhile.
func mouse(r *reader, within, text string) {
	r.Helper()
	for range 3 {
		at := eval[[]float64](r.tab, `(() => {
			const e = `+wanted(within, text)+`
			e.scrollIntoView({block: "center", behavior: "instant"})
			const b = e.getClientRects()[0]
			window.missed = true
			document.addEventListener("click", c => { window.missed = !e.contains(c.target) }, {once: true, capture: true})
			return [b.x + b.width / 2, b.y + b.height / 2]
		})()`)
		r.do(chromedp.MouseClickXY(at[0], at[1]))
		// a page that was loaded anew knows nothing of it, and one that is leaving does not answer
		if missed, err := chromedp.Run(r.ctx, chromedp.Evaluate[bool](`window.missed === true`)); err != nil || !missed {
			return
		}
	}
	r.Fatalf("%q cannot be clicked: it moves", text)
}

// keyboard goes to it by Tab alone, and sees on each stop where it is.
func keyboard(r *reader, within, text string) {
	r.Helper()
	for range 250 {
		r.do(chromedp.KeyEvent(kb.Tab))
		if f := r.focus(); f.Outline != "solid 3px" && f.Tag != "BODY" {
			r.Errorf("no ring around %+v", f)
		}
		if eval[bool](r.tab, `document.activeElement === `+wanted(within, text)) {
			r.do(chromedp.KeyEvent(kb.Enter))
			return
		}
	}
	r.Fatalf("%q cannot be reached by the keyboard", text)
}

// use goes on by one click, or one key.
func (r *reader) use(within, text string) {
	r.Helper()
	r.presses++
	r.until(10*time.Second, "to see “"+text+"”", wanted(within, text)+` != undefined`)
	r.press(r, within, text)
}

// told waits until the page that took the place of another says something, and has put the reader there.
func (r *reader) told(text string) {
	r.Helper()
	r.until(30*time.Second, "to be told “"+text+"”", `document.activeElement?.matches("[data-focus]") && document.activeElement.textContent.includes("`+text+`")`)
}

// shows fails the test if the page does not show a text that can be seen.
func (r *reader) shows(texts ...string) {
	r.Helper()
	body := eval[string](r.tab, `document.querySelector("main").innerText.replaceAll("\u00a0", " ")`)
	for _, text := range texts {
		if !strings.Contains(body, text) {
			r.Errorf("the page does not show %q: %.800s", text, body)
		}
	}
}

// stay marks the page: a page that was loaded anew has no mark.
func (r *reader) stay() { eval[bool](r.tab, `window.stayed = true`) }

func (r *reader) stayed() {
	r.Helper()
	if !eval[bool](r.tab, `window.stayed === true`) {
		r.Error("the page was loaded anew")
	}
}

// From the address that the program prints to a finding that is explained it is three clicks, and to an end of it a few
// more: the camera is cut off, that is undone, it is cut off again, repaired, and let back. Then a new device is let in.
// With the mouse, and with nothing but the keyboard. While the camera is cut off, nothing of it leaves the home.
func TestABadCameraIsFoundExplainedCutOffAndLetBack(t *testing.T) {
	for name, press := range map[string]func(*reader, string, string){"with a mouse": mouse, "with a keyboard": keyboard} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := play(t)
			line := d.tap(t)
			r := &reader{tab: open(t), press: press}
			r.size(1280, 800)
			r.do(chromedp.Navigate(d.link.String()))
			r.use("main", "Open")
			r.until(10*time.Second, "the home", `document.getElementById("sentence") != null`)
			r.stay()
			r.until(90*time.Second, "a camera that goes bad", goesBad)
			r.stayed() // it came by itself
			r.use(".actions", camera)
			r.until(10*time.Second, "the page of the camera", `document.querySelector("#found") != null`)
			r.shows("It is trying the doors of many devices", "What it looked for: remote control (Telnet)", "What to do", map[bool]string{true: "press “Cut it off”", false: "pause this device"}[d.real])
			r.use("#live-findings", "Why, how sure, and who can help")
			r.shows("A bad program may be inside it", "How sure is this?", "Whom to call")
			if r.presses > 3 {
				t.Errorf("it took %d clicks to an explained finding", r.presses)
			}
			r.stay()
			line.hears(ofCamera)
			r.use("main", "Cut it off")
			r.told(camera + " is cut off")
			if !d.real {
				r.told("Plimsoll only watches here")
			}
			r.shows("Let it back, and watch it", "Why: ")
			line.misses(ofCamera)
			r.use("main", "Undo")
			r.told(camera + " is as it was before")
			line.hears(ofCamera)
			r.use("main", "Cut it off")
			r.told(camera + " is cut off")
			const articles = `[...document.querySelectorAll("#live-findings article")]`
			for range 15 { // each thing that was found is dealt with
				if eval[int](r.tab, articles+`.length`) == 0 {
					break
				}
				first := eval[string](r.tab, articles+`[0].getAttribute("aria-labelledby")`)
				r.use("#live-findings", "I dealt with it")
				r.told("It is marked as done")
				r.until(5*time.Second, "one thing less", `!`+articles+`.some(a => a.getAttribute("aria-labelledby") == "`+first+`")`)
			}
			r.use("main", "Let it back, and watch it")
			r.told(camera + " is back, and watched")
			r.stayed() // all of it on one page
			line.hears(ofCamera)
			r.use("header", "Plimsoll")
			r.until(10*time.Second, "the home", `document.getElementById("sentence") != null`)
			if eval[bool](r.tab, goesBad) {
				t.Error("the home still asks for the camera that was dealt with")
			}

			r.until(5*time.Second, "a new device", `document.querySelector(".actions input[value=admit]") != null`)
			newcomer := eval[string](r.tab, `document.querySelector(".actions li:has(input[value=admit]) .who a").textContent`)
			r.use(".actions", "Only what it is for")
			r.told(newcomer + ": what it may do was decided")
			if got := eval[string](r.tab, `document.querySelector("[aria-pressed=true]").textContent`); got != "Only what it is for" {
				t.Errorf("it may do: %s", got)
			}
			r.use("header", "Plimsoll")
			r.until(10*time.Second, "the home", `document.getElementById("sentence") != null`)
			if eval[bool](r.tab, `[...document.querySelectorAll(".actions li:has(input[value=admit]) .who a")].some(a => a.textContent == "`+newcomer+`")`) {
				t.Error("what was answered is asked again")
			}
			r.use("header", "Decisions")
			r.until(10*time.Second, "the history", `document.querySelectorAll("main ol .card").length >= 5`)
		})
	}
}

// plug is a device of the demonstration that speaks with its maker every few seconds.
const plug = "HS110"

// Of a new device it is asked what it may do, and the answer holds: nothing, and only what it is for.
func TestANewDeviceMayDoWhatWasAnswered(t *testing.T) {
	t.Parallel()
	d := play(t)
	line := d.tap(t)
	r := &reader{tab: open(t), press: mouse}
	r.size(1280, 800)
	r.enter(d.link.String())
	const asks = `[...document.querySelectorAll(".actions li:has(input[value=admit]) .who a")].map(a => [a.textContent, a.pathname])`
	for range 14 { // some are asked about at a time
		r.until(10*time.Second, "a new device", asks+`.length > 0`)
		waiting := eval[[][2]string](r.tab, asks) // at one moment: more come, and some get other names
		if slices.ContainsFunc(waiting, func(w [2]string) bool { return w[0] == plug }) {
			break
		} else {
			r.use(fmt.Sprintf(".actions li:has(input[value=admit]):has(a[href$=%q])", path.Base(waiting[0][1])), "Only what it is for")
			r.told(": what it may do was decided")
			r.use("header", "Plimsoll")
			r.until(10*time.Second, "the home", `document.getElementById("sentence") != null`)
		}
	}
	line.hears(ofPlug)
	card := fmt.Sprintf(".actions li:has(input[value=admit]):has(a[href$=%q])", path.Base(eval[string](r.tab, `[...document.querySelectorAll(".actions li:has(input[value=admit]) .who a")].find(a => a.textContent == "`+plug+`").pathname`)))
	r.use(card, "Nothing")
	r.told(plug + ": what it may do was decided")
	line.misses(ofPlug)
	r.use("main", "Only what it is for")
	r.told(plug + ": what it may do was decided")
	line.hears(ofPlug)
}

// The authority suspends a label in the registry with one click: the home says so in another tab, by itself, and cuts the
// device off. Who lives there has the last word. That the label is good again takes two persons.
func TestALabelIsSuspendedAndTheHomeSaysSoAndActs(t *testing.T) {
	t.Parallel()
	d := play(t)
	line := d.tap(t)
	home := &reader{tab: open(t), press: mouse}
	home.size(1280, 800)
	home.enter(d.link.String())
	const listed = `[...document.querySelectorAll("main a")].find(a => a.textContent.includes("` + plug + `"))`
	home.until(20*time.Second, "the plug", listed+` != undefined`)
	its := eval[string](home.tab, listed+`.pathname`)
	home.do(chromedp.Navigate("http://" + d.link.Host + its))
	const inRegistry = "See it in the registry: who granted it, what became of it, and what else there is"
	home.until(20*time.Second, "its label", wanted("main", inRegistry)+` != undefined`)
	product := eval[string](home.tab, wanted("main", inRegistry)+`.href`)
	gtin := path.Base(product)
	line.hears(ofPlug)

	desk := home.beside()
	desk.size(1280, 800)
	desk.do(chromedp.Navigate(product), chromedp.WaitVisible(chromedp.CSS("#verdict")))
	desk.says("TP-Link HS110", "Example Authority (made up)")
	writes := func(name, path string) {
		t.Helper()
		desk.do(chromedp.Navigate(d.people[name]+"&to="+url.QueryEscape(path)), chromedp.Click(chromedp.CSS("main button")))
		desk.until(10*time.Second, "what "+name+" may do", `!location.pathname.endsWith("/sign-in") && document.querySelector("main form button") != null`)
	}
	writes("Bea", "/desk/labels?gtin="+gtin)
	desk.follow("Suspend at once")
	desk.says("suspended")

	const said = `document.querySelector("main").innerText.includes`
	home.until(20*time.Second, "that it is cut off, by itself", said+`("Let it back, and watch it")`)
	home.shoot("label-suspended-home")
	home.shows(plug+" is cut off, except for what it needs to be repaired.", "Why: Its label is on hold", "The label is suspended until a fault is mended.", "Update the device.")
	line.misses(ofPlug)
	home.use("header", "Decisions")
	home.use("main", "Undo")
	home.told(plug + " is as it was before")
	line.hears(ofPlug)
	home.do(chromedp.Navigate("http://" + d.link.Host + its))

	writes("Bea", "/desk/labels?gtin="+gtin)
	desk.follow("Propose to restore")
	desk.says("Proposed: to restore the label.", "somebody else must decide")
	waiting := eval[string](desk, `location.pathname.slice(3)`)
	writes("Olga", waiting)
	desk.follow("Confirm and sign")
	desk.says("Done: to restore the label.")
	home.until(20*time.Second, "that its label is good again, by itself", `!`+said+`("Its label is on hold")`)
	desk.do(chromedp.Navigate(strings.Replace(product, "/01/", "/history/", 1)), chromedp.WaitVisible(chromedp.CSS("h1")))
	desk.says("suspended by Example Authority (made up)", "restored by Example Scheme (made up)", "was checked just now")
}
