package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"plimsoll.example/plimsoll/label"
)

var update = flag.Bool("update", false, "take the pictures of the README anew")

// pictures are those of the README, of the program as it is. They are taken by
//
//	cd internal/e2e && go test -mod=mod -run TestPictures -update
//
// and are part of the repository.
const pictures = "../../docs/images"

// mostPicture bounds a picture, octets.
const mostPicture = 150 << 10

// take keeps what the screen shows: all of it, or one element.
func (t tab) take(name, selector string) {
	t.Helper()
	var clip *page.Viewport
	if selector != "" {
		b := eval[[]float64](t, `(() => { const b = document.querySelector("`+selector+`").getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })()`)
		clip = &page.Viewport{X: b[0], Y: b[1], Width: b[2], Height: b[3], Scale: 2}
	}
	shot := call(t, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: clip})
	keep(t.T, filepath.Join(pictures, name), shot.Data)
}

// The pictures of the README are there, and small; with -update they are taken of the demonstration and of a registry.
func TestPictures(t *testing.T) {
	if *update {
		if err := os.MkdirAll(pictures, 0o777); err != nil {
			t.Fatal(err)
		}
		screen := open(t)
		d := play(t)
		screen.colours("light", false)
		screen.size(1100, 760)
		screen.enter(d.link.String())
		screen.until(90*time.Second, "a camera that goes bad", goesBad)
		screen.take("home.png", "")
		address := eval[string](screen, `[...document.querySelectorAll(".actions li.act .who a")].find(a => a.textContent == "`+camera+`").href`)
		screen.do(chromedp.Navigate(address))
		screen.until(30*time.Second, "all that the camera does", `document.querySelectorAll("#live-findings article").length > 2`)
		screen.take("device.png", "")

		r := startRegistry(t, "--public-url", "https://registry.example")
		gtin, _ := r.grant(func(*label.Statement) {}, "camera")
		call(screen, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		screen.do(chromedp.Navigate(r.at+"/en/tags?gtin="+gtin), chromedp.WaitVisible(chromedp.CSS(".tags img")))
		screen.until(10*time.Second, "the tag", `document.querySelector(".tags img").complete`)
		screen.take("tag.png", ".tags img")
	}
	for _, name := range []string{"home.png", "device.png", "tag.png"} {
		info, err := os.Stat(filepath.Join(pictures, name))
		if err != nil {
			t.Errorf("%v: take it with -update", err)
		} else if info.Size() > mostPicture {
			t.Errorf("%s has %d octets, %d at most", name, info.Size(), mostPicture)
		}
	}
}
