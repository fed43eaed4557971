package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"

	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/internal/web/shop/shoptest"
	"plimsoll.example/plimsoll/label"
)

// registry is the real program, with labels that are good, to be checked, and to be avoided.
type registry struct {
	t     *testing.T
	dir   string
	bin   string
	at    string // http://127.0.0.1:…
	index uint32
}

var listens = regexp.MustCompile(`listen=(127\.0\.0\.1:[0-9]+)`)

func (r *registry) verb(stdin string, args ...string) {
	r.t.Helper()
	c := exec.Command(r.bin, append(append([]string{"registry"}, args...), "--state", r.dir)...)
	c.Stdin = strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// startRegistry starts it, with its accounts and persons, and flags beside the usual ones.
func startRegistry(t *testing.T, flags ...string) *registry {
	t.Helper()
	r := &registry{t: t, dir: t.TempDir(), bin: plimsoll(t)}
	public, err := x509.MarshalPKIXPublicKey(storetest.Key(1).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	keep(t, filepath.Join(r.dir, "body.pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	r.verb("", "account", "add", "body", "--org", "Example Authority", "--role", "certification-body", "--public", filepath.Join(r.dir, "body.pem"))
	r.verb("", "account", "add", "body", "--keep")
	for _, a := range [][3]string{{"maker", "Example Lamps", "manufacturer"}, {"lab", "Example Laboratory", "lab"}, {"owner", "Example Scheme", "scheme-owner"}} {
		r.verb("", "account", "add", a[0], "--org", a[1], "--role", a[2], "--keep")
	}
	for name, account := range map[string]string{"mia": "maker", "leo": "lab", "bea": "body", "ben": "body", "olga": "owner"} {
		r.verb("correct horse "+name, "person", "add", name, "--account", account)
	}
	flags = append([]string{"registry", "run", "--state", r.dir, "--listen", "127.0.0.1:0", "--publish", "200ms", "--org", "Example Registry", "--rate", "1000"}, flags...)
	c := exec.Command(r.bin, flags...)
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	found, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			if m := listens.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
			if strings.Contains(lines.Text(), "level=ERROR") {
				t.Errorf("the registry says: %s", lines.Text())
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		<-done
		_ = c.Wait()
	})
	select {
	case at := <-found:
		r.at = "http://" + at
	case <-time.After(20 * time.Second):
		t.Fatal("the registry does not start")
	}
	return r
}

// grant grants a label, and returns the path of its product and its hash.
func (r *registry) grant(change func(*label.Statement), category string) (gtin string, id string) {
	r.t.Helper()
	today := label.DayOf(time.Now())
	s := &label.Statement{
		Version: 1, GTIN: storetest.GTIN(int(r.index)), Maker: "Northern Lights", Model: fmt.Sprintf("Porch Camera %d", r.index), Profile: 1, Index: r.index, Issued: today, Support: today + 1220,
		Sensors: 1 | 2 | 16, Practices: 1 | 1<<2 | 1<<3 | 1<<6, Contact: "https://lights.example/security", MUDURL: "https://mud.lights.example/porch", Firmware: label.Range{From: "2.0"},
	}
	if r.index == 0 {
		s.GTIN = 9506000134352
	}
	for i, n := range label.ProfileNorms(1) {
		s.SetClass(n, label.Class(1+i%4))
	}
	r.index++
	change(s)
	sign1, err := label.Sign(s, storetest.Key(1))
	if err != nil {
		r.t.Fatal(err)
	}
	r.post("/api/v1/labels", map[string]any{"label": sign1, "category": category})
	return s.GTIN14(), label.Hash(label.LeafHash(sign1)).String()
}

func (r *registry) suspend(id string) {
	r.t.Helper()
	c := &label.Change{Version: 1, Number: 1, Verb: label.Suspend, At: time.Now().Unix(), Reason: "exploited", Note: "CVE-2026-0001: see the advisory."}
	if err := c.Label.UnmarshalText([]byte(id)); err != nil {
		r.t.Fatal(err)
	}
	sign1, err := label.SignChange(c, storetest.Key(1))
	if err != nil {
		r.t.Fatal(err)
	}
	r.post("/api/v1/labels/"+id+"/changes", map[string]any{"change": sign1})
}

func (r *registry) post(path string, body any) {
	r.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	a, err := http.Post(r.at+path, "application/json", bytes.NewReader(data))
	if err != nil {
		r.t.Fatal(err)
	}
	defer a.Body.Close()
	if text, _ := io.ReadAll(a.Body); a.StatusCode != http.StatusCreated {
		r.t.Fatalf("%s: %s %s", path, a.Status, text)
	}
}

// visit shows an address in a view.
func (t tab) visit(v view, address string) {
	t.Helper()
	forced := "none"
	if v.forced {
		forced = "active"
	}
	call(t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.width, Height: v.height, DeviceScaleFactor: 1})
	call(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: v.scheme}, {Name: "forced-colors", Value: forced}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	t.do(chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("h1")))
}

// phones are the smallest screens on which the first look must tell all.
var phone = [2]int64{360, 640}

func TestTheFiveFactsOfAProductAreSeenAtFirstSightOnAPhone(t *testing.T) {
	r := startRegistry(t)
	full, _ := r.grant(func(*label.Statement) {}, "camera")
	worst, id := r.grant(func(s *label.Statement) {
		s.Maker, s.Model = "Northern Lights Consumer Electronics", "Porch Camera Ultra 4K (second edition)"
		s.Sensors, s.Practices = 1|2|8|16|32, 0x7f
	}, "camera")
	r.suspend(id)
	page := open(t)
	page.quiet() // one request, and nothing of others
	for _, gtin := range []string{full, worst} {
		for _, lang := range []string{"en", "fr"} {
			for _, scripts := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s %s scripts %v", gtin, lang, scripts), func(t *testing.T) {
					page := page.with(t)
					call(page, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
					page.visit(view{phone[0], phone[1], "light", false, lang}, r.at+"/"+lang+"/01/"+gtin)
					page.shoot(fmt.Sprintf("product-%s-%s", gtin, lang))
					page.tells()
					page.fits()
				})
			}
		}
	}
	call(page, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{})
	a, err := http.Get(r.at + "/fr/01/" + worst)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, _ := io.ReadAll(a.Body)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(body)
	_ = z.Close()
	t.Logf("a product page has %d octets, %d compressed", len(body), packed.Len())
	if packed.Len() > 50<<10 {
		t.Errorf("it has %d octets compressed, 50 KB at most", packed.Len())
	}
}

// tells fails the test where something that a shopper must see at once is below the fold.
func (t tab) tells() {
	t.Helper()
	below := eval[[]string](t, `[...document.querySelectorAll("h1, .digits, #verdict, .gauge, main > dl dd, .actions a")].filter(e => e.getBoundingClientRect().bottom > innerHeight).map(e => e.textContent + " ends at " + e.getBoundingClientRect().bottom)`)
	if len(below) > 0 {
		t.Errorf("below the fold: %q", below)
	}
	if n := eval[int](t, `document.querySelectorAll("main > dl dd").length`); n != 5 {
		t.Errorf("%d facts", n)
	}
}

// A picture of the product takes no fact from the first sight, and comes after it: nothing waits for it, and nothing
// moves when it is there.
func TestAPictureLeavesTheFactsAtFirstSight(t *testing.T) {
	c := shoptest.Open(t, nil)
	page := open(t)
	for _, gtin := range []string{c.Good, c.Suspended} {
		for _, lang := range []string{"en", "fr"} {
			t.Run(gtin+" "+lang, func(t *testing.T) {
				page := page.with(t)
				page.visit(view{phone[0], phone[1], "light", false, lang}, c.URL+"/"+lang+"/01/"+gtin)
				page.until(10*time.Second, "the picture is there", `document.images.length == 2 && document.images[0].naturalWidth > 0`)
				page.shoot("pictured-" + gtin + "-" + lang)
				page.tells()
				page.fits()
				if n := eval[int](page, `performance.getEntriesByType("resource").filter(r => r.renderBlockingStatus == "blocking").length`); n != 0 {
					t.Errorf("the first paint waits for %d requests", n)
				}
				if bad := eval[[]string](page, `[...document.images].filter(i => i.loading != "lazy" || !i.getAttribute("width") || !i.getAttribute("height")).map(i => i.outerHTML)`); len(bad) > 0 {
					t.Errorf("without a size, or not lazy: %q", bad)
				}
				if alt, name := eval[string](page, `document.images[0].alt`), eval[string](page, `document.querySelector("h1").innerText`); !strings.Contains(alt, name) {
					t.Errorf("the picture is called %q, the product %q", alt, name)
				}
			})
		}
	}
}

// sample is a registry with products of each verdict, and the GTINs of a good one and of one to be avoided.
func sample(t *testing.T) (r *registry, good, avoid string) {
	r = startRegistry(t)
	good, _ = r.grant(func(*label.Statement) {}, "camera")
	r.grant(func(s *label.Statement) { s.Practices |= 1 << 4 }, "doorbell")
	avoid, id := r.grant(func(s *label.Statement) { s.Maker, s.Model = strings.Repeat("Averylongname", 4), "Ultra" }, "light")
	r.suspend(id)
	return r, good, avoid
}

// login comes in as a person, and goes to the workspace, by the keyboard.
func (t tab) login(r *registry, lang, name string) {
	t.Helper()
	t.do(chromedp.Navigate(r.at+"/"+lang+"/desk"), chromedp.WaitVisible(chromedp.CSS("h1")))
	if leave := eval[string](t, `document.querySelector("footer form button")?.innerText ?? ""`); leave != "" {
		t.follow(leave)
		t.do(chromedp.Navigate(r.at+"/"+lang+"/desk"), chromedp.WaitVisible(chromedp.CSS("#password")))
	}
	t.signsIn(name, "correct horse "+name)
}

// says fails the test where the page does not say something.
func (t tab) says(want ...string) {
	t.Helper()
	text := eval[string](t, `document.body.innerText`)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not say %q:\n%s", w, text)
		}
	}
}

func (t tab) upload(selector string, files ...string) {
	t.Helper()
	t.do(chromedp.SetUploadFiles(chromedp.CSS(selector), files))
}

// From what a maker hands in to a label that is granted, by three persons, with the keyboard.
func TestFromTheMakerToAGrantedLabel(t *testing.T) {
	r := startRegistry(t)
	maker, err := filepath.Abs("../../testdata/maker")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(maker, name) }
	page := open(t)
	page.colours("light", false)
	call(page, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1280, Height: 800, DeviceScaleFactor: 1})
	check := func(name string) {
		page.accessible()
		page.shoot("desk-" + name)
		call(page, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 320, Height: 640, DeviceScaleFactor: 1})
		page.fits()
		call(page, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1280, Height: 800, DeviceScaleFactor: 1})
	}
	page.login(r, "en", "mia")
	check("maker")
	page.chooses("File of the product", "#product", file("product.json"))
	page.tabTo("Its hardware address in captures")
	page.do(chromedp.KeyEvent("02:00:5e:70:00:14"))
	page.follow("Begin")
	for _, name := range []string{"declaration.json", "policy.md"} {
		page.chooses("A declaration or evidence", "#file", file(name))
		page.follow("Hand it in")
	}
	looks := filepath.Join(t.TempDir(), "plug.png")
	keep(t, looks, shoptest.Photo(t))
	page.chooses("A picture of the product", "#picture", looks)
	page.follow("Show it so")
	page.says("declaration.json", "by mia (Example Lamps)", "Whoever looks the product up will see it so.", "What would make it better", "Check first")
	check("case")
	page.follow("Ask for the label")
	page.says("A certification body reviews it.")

	page.login(r, "fr", "leo")
	page.follow("Example Lamps LP-110")
	page.chooses("Une déclaration ou une preuve", "#file", file("probe.json"))
	page.follow("Le remettre")
	page.says("probe.json", "par leo (Example Laboratory)")
	check("case-fr")

	page.login(r, "en", "bea")
	page.follow("Example Lamps LP-110")
	page.follow("Propose to grant it")
	page.says("You proposed it: somebody else must decide.")
	if eval[bool](page, `[...document.querySelectorAll("button")].some(b => b.innerText == "Confirm and sign")`) {
		t.Error("who proposed it could confirm it")
	}

	page.login(r, "en", "ben")
	page.follow("Example Lamps LP-110")
	check("confirm")
	page.follow("Confirm and sign")
	page.says("The label was granted.", "Decided by ben (Example Authority)")
	page.follow("The page of the product")
	page.until(10*time.Second, "the picture is there", `[...document.images].length == 2 && document.images[0].naturalWidth == 480`)
	page.says("Example Lamps LP-110", "2 by a laboratory", "Example Authority, ")

	// suspended by one, and restored by two
	page.do(chromedp.Navigate(r.at+"/en/desk/labels?gtin=09506000134352"), chromedp.WaitVisible(chromedp.CSS("#why-0")))
	check("labels")
	page.follow("Suspend at once")
	page.says("suspended")
	page.follow("Propose to restore")
	page.says("Proposed: to restore the label.", "You proposed it")
	page.login(r, "en", "olga")
	page.follow("Example Lamps LP-110")
	page.follow("Confirm and sign")
	page.says("Done: to restore the label.")
	page.do(chromedp.Navigate(r.at+"/en/desk/audit"), chromedp.WaitVisible(chromedp.CSS("h1")))
	check("audit")
	page.says("Case confirmed", "Done by olga", "Done by ben")
	page.do(chromedp.Navigate(r.at+"/en/history/09506000134352"), chromedp.WaitVisible(chromedp.CSS("h1")))
	page.says("suspended by Example Authority", "restored by Example Scheme", "was checked just now")
}

// A photograph of the bars, then the product, a comparison, and the list that stays in the browser.
func TestAScannedProductIsComparedAndSaved(t *testing.T) {
	r, _, avoid := sample(t)
	page := open(t)
	call(page, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 640, DeviceScaleFactor: 1})
	photo := filepath.Join(t.TempDir(), "photo.png")
	keep(t, photo, bars(t, "9506000134352"))
	page.do(chromedp.Navigate(r.at+"/en/"), chromedp.WaitVisible(chromedp.CSS("#photo")))
	page.upload("#photo", photo) // the script sends it as soon as it is chosen
	page.do(chromedp.WaitVisible(chromedp.CSS("#verdict")))
	page.says("Northern Lights Porch Camera 0")
	page.do(chromedp.Click(chromedp.CSS(".actions a:nth-child(2)")), chromedp.WaitVisible(chromedp.CSS("[data-saved]")))
	page.says("Northern Lights Porch Camera 0")
	page.until(10*time.Second, "that the browser keeps it", `(localStorage["plimsoll.saved"] ?? "") != ""`)
	page.do(chromedp.Navigate(r.at + "/fr/saved?gtin=" + avoid))
	page.until(10*time.Second, "what was saved before, which the script adds", `document.body.innerText.includes("Porch Camera 0")`)
	page.says("Averylongname")
	page.do(chromedp.Click(chromedp.CSS("#choose button")), chromedp.WaitVisible(chromedp.CSS("#differs")))
	page.says("Ce qui diffère", "À éviter")
	page.do(chromedp.Navigate(r.at + "/fr/saved"))
	forget := `[data-forget="` + avoid + `"]`
	page.until(10*time.Second, "what was saved", "document.readyState == 'complete' && document.querySelector('"+forget+"') != null")
	page.do(chromedp.Click(chromedp.CSS(forget)))
	page.until(10*time.Second, "the others alone", `document.body.innerText.includes("Porch Camera 0") && !document.body.innerText.includes("Averylongname") && !JSON.stringify(localStorage).includes("`+avoid+`")`)
}

// The same with no script: forms and links do all of it.
func TestTheRegistryNeedsNoScripts(t *testing.T) {
	r, _, avoid := sample(t)
	page := open(t)
	call(page, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	call(page, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 320, Height: 640, DeviceScaleFactor: 1})
	photo := filepath.Join(t.TempDir(), "photo.png")
	keep(t, photo, bars(t, "9506000134352"))
	page.do(chromedp.Navigate(r.at+"/fr/"), chromedp.WaitVisible(chromedp.CSS("#photo")))
	page.upload("#photo", photo)
	page.do(chromedp.Click(chromedp.CSS("form[data-photo] button")), chromedp.WaitVisible(chromedp.CSS("#verdict")))
	page.do(chromedp.Focus(chromedp.CSS("#price")), chromedp.KeyEvent("49,90"+kb.Enter), chromedp.WaitVisible(chromedp.CSS("#each-year")))
	page.says("pour chaque année")
	page.do(chromedp.Click(chromedp.CSS(".actions a")), chromedp.WaitVisible(chromedp.CSS("#add")))
	page.do(chromedp.Focus(chromedp.CSS("#add")), chromedp.KeyEvent(avoid+kb.Enter), chromedp.WaitVisible(chromedp.CSS("#differs")))
	page.says("Ce qui diffère", "À éviter", "Bon choix")
	page.fits()
}

// code is a photograph of the code of a product’s newest label, as the pack has it.
func (r *registry) code(gtin string) string {
	r.t.Helper()
	var p struct{ Labels []struct{ ID string } }
	if err := json.Unmarshal(r.get("/api/v1/products/"+gtin), &p); err != nil {
		r.t.Fatal(err)
	}
	e, err := label.ParseEnvelope(r.get("/api/v1/labels/" + p.Labels[0].ID + "/envelope"))
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := e.Statement()
	if err != nil {
		r.t.Fatal(err)
	}
	data, err := e.Marshal()
	if err != nil {
		r.t.Fatal(err)
	}
	drawn, err := qr.Encode(label.Link("registry.example", s, data))
	if err != nil {
		r.t.Fatal(err)
	}
	name := filepath.Join(r.t.TempDir(), "code.png")
	keep(r.t, name, drawn.PNG())
	return name
}

func (r *registry) get(path string) []byte {
	r.t.Helper()
	a, err := http.Get(r.at + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s %v", path, a.Status, err)
	}
	return body
}

// bars is the bar code of a product.
func bars(t *testing.T, digits string) []byte {
	t.Helper()
	m, err := oned.NewEAN13Writer().Encode(digits, gozxing.BarcodeFormat_EAN_13, 600, 300, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
