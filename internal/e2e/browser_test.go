package e2e

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// axe is axe-core, which finds faults of accessibility (testdata/axe-core/README.md).
//
//go:embed testdata/axe-core/axe.min.js
var axe string

// tab is a page in Chromium. What fails in it fails the test.
type tab struct {
	*testing.T
	ctx context.Context
}

// chromium is the path of Chromium; where there is none, the test is skipped.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	if os.Getenv("PLIMSOLL_BROWSER") == "require" {
		t.Fatal("there is no Chromium, and PLIMSOLL_BROWSER=require")
	}
	t.Skip("needs Chromium: apt-get install chromium")
	return ""
}

// open starts Chromium.
func open(t *testing.T) tab {
	t.Helper()
	path := chromium(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.Flag("disable-component-update", true),
		chromedp.Flag("allow-pre-commit-input", true)) // else keys and clicks are dropped until a new page has been drawn
	if os.Geteuid() == 0 { // Chromium has no sandbox for root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it has ended; the page has been judged by then
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	limited, end := context.WithTimeout(ctx, time.Hour)
	t.Cleanup(end)
	return tab{t, limited}
}

// beside is another tab of the same browser.
func (t tab) beside() tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(t.ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open another tab: %v", err)
	}
	return tab{t.T, ctx}
}

func (t tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// with is the same page, in a part of the test.
func (t tab) with(part *testing.T) tab { return tab{part, t.ctx} }

// call sends a command of the debugging protocol.
func call[P, R any](t tab, c cdp.Command[P, R], params P) R {
	t.Helper()
	r, err := chromedp.Call(t.ctx, c, params)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// eval is the value of a JavaScript expression, or of its promise.
func eval[T any](t tab, expression string) T {
	t.Helper()
	v, err := chromedp.Run(t.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// view is how a page is looked at.
type view struct {
	width, height int64
	scheme        string // light or dark
	forced        bool   // the colours are the reader's own
	lang          string
}

func (v view) String() string {
	s := fmt.Sprintf("%s-%d-%s", v.lang, v.width, v.scheme)
	if v.forced {
		s += "-forced"
	}
	return s
}

// size sets how large the screen is, CSS pixels.
func (t tab) size(width, height int64) {
	t.Helper()
	call(t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

// colours sets what the reader prefers.
func (t tab) colours(scheme string, forcedColours bool) {
	t.Helper()
	forced := "none"
	if forcedColours {
		forced = "active"
	}
	call(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "forced-colors", Value: forced}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// look shows a file in a view.
func (t tab) look(v view, file string) {
	t.Helper()
	t.size(v.width, v.height)
	t.colours(v.scheme, v.forced)
	t.do(
		chromedp.Navigate("about:blank"), // so that what follows is a new page, not a jump within the old one
		chromedp.Navigate("file://"+file+"#"+v.lang),
		chromedp.WaitVisible(chromedp.CSS("#"+v.lang+" h1")))
}

// violation is what axe-core says of a fault.
type violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Places int    `json:"places"`
	HTML   string `json:"html"`
	Fault  string `json:"fault"`
}

// violations are the faults of accessibility in what is shown, by the rules that options choose: an object.
func (t tab) violations(options string) []violation {
	t.Helper()
	if !eval[bool](t, `"axe" in window`) {
		eval[bool](t, axe+";true")
	}
	return eval[[]violation](t, `axe.run(document, Object.assign({resultTypes: ["violations"]}, `+options+`)).then(r => r.violations.map(v => ({
		id: v.id, impact: v.impact, help: v.help, places: v.nodes.length, html: v.nodes[0].html.slice(0, 300), fault: v.nodes[0].failureSummary})))`)
}

// accessible fails the test for each serious fault of accessibility in what is shown, and tells of the others.
func (t tab) accessible() {
	t.Helper()
	for _, f := range t.violations("{}") {
		tell := t.Logf
		if f.Impact == "serious" || f.Impact == "critical" {
			tell = t.Errorf
		}
		tell("%s, %s: %s, at %d places, first %s\n%s", f.Impact, f.ID, f.Help, f.Places, f.HTML, f.Fault)
	}
}

// wide are the first elements that are wider than the screen, if something must be scrolled sideways to be read.
func (t tab) wide() []string {
	t.Helper()
	return eval[[]string](t, `(() => {
		const w = document.documentElement.clientWidth
		if (document.documentElement.scrollWidth <= w) return []
		return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > w + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 120))
	})()`)
}

// fits fails the test if something must be scrolled sideways to be read.
func (t tab) fits() {
	t.Helper()
	if wide := t.wide(); len(wide) > 0 {
		t.Errorf("wider than the screen: %q", wide)
	}
}

// quiet fails the test if the page asks for anything but itself, or if the browser complains.
func (t tab) quiet() {
	t.Helper()
	if err := chromedp.Listen(t.ctx, func(e any) {
		switch e := e.(type) {
		case *network.EventRequestWillBeSent:
			if e.Type != network.ResourceTypeDocument {
				t.Errorf("the page asks for %s", e.Request.URL)
			}
		case *log.EventEntryAdded:
			t.Errorf("the browser says: %s", e.Entry.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	call(t, network.Enable, network.EnableParams{})
	call(t, log.Enable, cdp.Empty{})
}

// shoot leaves a picture of the whole page, where PLIMSOLL_SHOTS asks for it.
func (t tab) shoot(name string) {
	t.Helper()
	dir := os.Getenv("PLIMSOLL_SHOTS")
	if dir == "" {
		return
	}
	size := eval[[]float64](t, `[document.documentElement.clientWidth, Math.min(document.documentElement.scrollHeight, 7000)]`)
	beyond := true
	png := call(t, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: size[0], Height: size[1], Scale: 1},
	})
	keep(t.T, filepath.Join(dir, name+".png"), png.Data)
}

func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}
