package shop_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"

	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/internal/web/shop"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

type counter struct {
	t   testing.TB
	h   http.Handler
	reg *registry.Registry
}

// open is the pages of a registry with three products: a camera, a light whose label is suspended, and one that sells data.
func open(t testing.TB) *counter {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.OpenRegistry(context.Background(), filepath.Join(dir, "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	reg, log := storetest.Run(t, store, dir, storetest.Noon)
	catalogue, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	pages := &shop.Pages{Registry: reg, Log: log, Norms: catalogue, Rate: 50, Now: storetest.Noon, Logger: slog.New(slog.DiscardHandler)}
	site, err := pages.Site("(test)", []string{"registry.example"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := site.Handler()
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{t, h, reg}
	for n, category := range []string{"camera", "light", "plug"} {
		s := storetest.Statement(n, uint32(n), storetest.Day)
		s.GTIN = number(n)
		s.SetClass("etsi.5.2-1", label.WebChecked)
		s.SetClass("etsi.5.3-13", label.Declared)
		if n == 2 {
			s.Practices, s.Support = 1<<4, 0
		}
		sign1, err := label.Sign(s, storetest.Key(1))
		if err != nil {
			t.Fatal(err)
		}
		l, err := reg.Grant(t.Context(), &registry.Submission{Sign1: sign1, Category: category})
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			if _, err := reg.Decide(t.Context(), l.ID, label.Suspend, "exploited", "<b>CVE-2026-0001</b>", registry.Document{Media: "text/plain", Body: []byte("why")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// number is the GTIN of a product; that of the camera is as the bars of a pack have it.
func number(n int) uint64 {
	if n == 0 {
		return 9506000134352
	}
	return storetest.GTIN(n)
}

func gtin(n int) string { return fmt.Sprintf("%014d", number(n)) }

func (c *counter) get(path string) *httptest.ResponseRecorder {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://registry.example"+path, nil))
	return w
}

// shows fails the test where a page does not say all of it.
func (c *counter) shows(path string, status int, want ...string) string {
	c.t.Helper()
	w := c.get(path)
	if w.Code != status {
		c.t.Fatalf("%s: %d, want %d\n%s", path, w.Code, status, w.Body)
	}
	for _, text := range want {
		if !strings.Contains(w.Body.String(), text) {
			c.t.Errorf("%s does not say %q:\n%s", path, text, main(w.Body.String()))
		}
	}
	return w.Body.String()
}

func main(page string) string {
	_, page, _ = strings.Cut(page, "<main")
	return page
}

func (c *counter) scan(picture []byte, fields ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = form.WriteField(fields[i], fields[i+1])
	}
	part, err := form.CreateFormFile("photo", "photo.png")
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = part.Write(picture)
	_ = form.Close()
	r := httptest.NewRequest(http.MethodPost, "https://registry.example/en/scan", &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	return w
}

// Whoever sends a photograph an octet at a time keeps nobody else waiting.
func TestASlowSenderTakesNoPlaceOfOthers(t *testing.T) {
	c := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	for range 4 {
		body, slow := io.Pipe()
		r := httptest.NewRequest(http.MethodPost, "https://registry.example/en/scan", body).WithContext(ctx)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		over := make(chan struct{})
		go func() {
			defer close(over)
			c.h.ServeHTTP(httptest.NewRecorder(), r)
		}()
		t.Cleanup(func() {
			cancel()
			_ = slow.CloseWithError(io.ErrUnexpectedEOF)
			<-over
		})
		began := make(chan struct{})
		go func() {
			defer close(began)
			_, _ = io.WriteString(slow, "--x\r\n")
		}()
		select {
		case <-began: // it is being read
		case <-time.After(time.Minute):
			t.Fatal("nobody reads what the slow ones send: they wait for each other")
		}
	}
	if w := c.scan([]byte("no picture")); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d", w.Code)
	}
}

func TestAProductIsFoundByNameKindAndNumber(t *testing.T) {
	c := open(t)
	c.shows("/en/search?q=lamps", 200, "LP-0", "LP-1", "LP-2", "Good to buy", "Avoid", "Check first")
	c.shows("/fr/search?q=lamps&category=camera", 200, "LP-0", "Bon choix")
	if body := c.shows("/en/search?q=lamps&category=camera", 200); strings.Contains(body, "LP-1") {
		t.Error("a light is among the cameras")
	}
	c.shows("/en/", 200, "See every product that has a label")
	c.shows("/en/search?q=&category=", 200, "LP-0", "LP-1", "LP-2") // nothing typed: all of them
	c.shows("/en/search?q=%3Cscript%3E", 200, "Nothing was found", "&lt;script&gt;")
	if w := c.get("/fr/search?q=" + url.QueryEscape("9 506000 134352")); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/fr/01/"+gtin(0) {
		t.Errorf("the number below the bars: %d %s", w.Code, w.Header().Get("Location"))
	}
	c.shows("/en/search?q="+gtin(7), 404, "No label", "That says nothing good or bad")
	c.shows("/en/search?category=%3Cb%3E", 400, "cannot be looked for")
}

// bars is the bar code of a product as a clean picture.
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

func TestAPhotographOfTheBarsLeadsToTheProduct(t *testing.T) {
	c := open(t)
	if w := c.scan(bars(t, gtin(0)[1:])); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/en/01/"+gtin(0) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	beside := c.scan(bars(t, gtin(0)[1:]), "gtin", gtin(1), "price-"+gtin(1), "20", "price-evil", "x", "next", "//elsewhere.example")
	if want := "/en/compare?gtin=" + gtin(1) + "&gtin=9506000134352&price-" + gtin(1) + "=20"; beside.Code != http.StatusSeeOther || beside.Header().Get("Location") != want {
		t.Errorf("a photograph to compare with: %d %s, want %s", beside.Code, beside.Header().Get("Location"), want)
	}
	if w := c.scan(bars(t, "9506000134369")); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "No label") {
		t.Errorf("a product with no label: %d", w.Code)
	}
	for name, picture := range map[string][]byte{"no picture": []byte("<svg>"), "nothing": nil, "a bomb": []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00")} {
		if w := c.scan(picture); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "picture") {
			t.Errorf("%s: %d %s", name, w.Code, main(w.Body.String()))
		}
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "https://registry.example/en/scan", strings.NewReader("x")))
	if w.Code != http.StatusBadRequest {
		t.Errorf("no form: %d", w.Code)
	}
}

// code is the code of a label as it is printed.
func code(t *testing.T, s *label.Statement, sign1 []byte) []byte {
	t.Helper()
	data, err := (&label.Envelope{Version: label.Version, Label: sign1}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	q, err := qr.Encode(label.Link("registry.example", s, data))
	if err != nil {
		t.Fatal(err)
	}
	return q.PNG()
}

func TestTheCodeOfALabelIsVerifiedAgainstTheLog(t *testing.T) {
	c := open(t)
	for until := time.Now().Add(time.Minute); c.reg.Publication() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("nothing is published")
		}
	}
	list, err := c.reg.Store.LabelsOf(t.Context(), number(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := list[0].Statement()
	if err != nil {
		t.Fatal(err)
	}
	body := c.scan(code(t, s, list[0].Sign1)).Body.String()
	for _, want := range []string{"Genuine", "Status: suspended", "registry.example/log: leaf", "Avoid", "match what you hold"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q:\n%s", want, main(body))
		}
	}
	forged := *s
	forged.Model = "LP-9"
	for name, seed := range map[string]byte{"a stranger’s": 77, "by the issuer, and in no log": 1} {
		sign1, err := label.Sign(&forged, storetest.Key(seed))
		if err != nil {
			t.Fatal(err)
		}
		if body := c.scan(code(t, &forged, sign1)).Body.String(); !strings.Contains(body, "Do not rely on this code") || strings.Contains(body, "Genuine") {
			t.Errorf("%s: %s", name, main(body))
		}
	}
	other, err := qr.Encode("https://elsewhere.example/<script>")
	if err != nil {
		t.Fatal(err)
	}
	if body := c.scan(other.PNG()).Body.String(); !strings.Contains(body, "not the code of a label") || strings.Contains(body, "<script>") {
		t.Errorf("a code of another kind: %s", main(body))
	}
}

func TestAComparisonShowsWhatDiffersFirstAndPricesAYear(t *testing.T) {
	c := open(t)
	path := "?gtin=" + gtin(0) + "&gtin=" + gtin(1) + "&gtin=" + gtin(7) + "&price-" + gtin(0) + "=100&price-" + gtin(1) + "=x"
	body := c.shows("/en/compare"+path, 200, "What differs", "36.49 a year", "Not given", "No label", "Not known", "As a picture")
	if strings.Index(body, "What differs") > strings.Index(body, "36.49") {
		t.Error("the price is not among what differs")
	}
	body = c.shows("/fr/compare?gtin="+gtin(0)+"&gtin="+gtin(1), 200, "Ce qui diffère", "Ce qui est pareil")
	if different, _, _ := strings.Cut(body, "Ce qui est pareil"); strings.Contains(different, "Voit et entend") {
		t.Error("what is the same is not folded")
	}
	more := c.shows("/en/compare?gtin="+gtin(0)+"&price-"+gtin(0)+"=10&add=lp-1", 200, "Which one?", "Example Lamps LP-1")
	if want := `href="/en/compare?gtin=` + gtin(0) + `&amp;gtin=` + gtin(1) + `&amp;price-` + gtin(0) + `=10"`; !strings.Contains(more, want) {
		t.Errorf("a product that was found cannot be added: no %s", want)
	}
	c.shows("/en/compare?gtin="+gtin(0)+"&add="+gtin(1), 200, "What differs")
	c.shows("/en/compare?gtin="+gtin(0)+"&add=zzz", 200, "Nothing was found")
	c.shows("/en/compare?gtin="+gtin(0)+"&add="+strings.Repeat("x", 300), 400)
	c.shows("/en/compare", 200, "Up to three products")
	c.shows("/en/compare?gtin=12", 400, "is not the number of a product")
	w := c.get("/en/compare.png" + path)
	if p, err := png.Decode(w.Body); err != nil || p.Bounds().Dx() != 1200 || w.Header().Get("Content-Type") != "image/png" {
		t.Errorf("%d %v %v", w.Code, err, w.Header())
	}
	c.shows("/en/compare.png?gtin="+gtin(0), 400, "At least two products")
}

func TestAListIsInItsAddress(t *testing.T) {
	c := open(t)
	body := c.shows("/en/saved?gtin="+gtin(0)+"&gtin="+gtin(1), 200, "LP-0", "LP-1", "Take Example Lamps LP-0 out")
	if !strings.Contains(body, `href="/en/saved?gtin=`+gtin(1)+`" data-forget="`+gtin(0)+`"`) {
		t.Errorf("no way to take one out: %s", main(body))
	}
	if w := c.get("/en/saved?gtin=" + gtin(0)); w.Header().Get("Set-Cookie") != "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v", w.Header())
	}
}

func TestTheHistoryOfALabelIsProved(t *testing.T) {
	c := open(t)
	body := c.shows("/en/history/"+gtin(1), 200, "suspended by Example Registry", "&lt;b&gt;CVE-2026-0001", "granted by Example &lt;Authority&gt;", "was checked just now",
		"Log registry.example/log", "No witness cosigns this log", "Its day is not closed yet", "plimsoll registry proof")
	if n := len(regexp.MustCompile(`/api/v1/log/[0-9]+/proof`).FindAllString(body, -1)); n != 2 {
		t.Errorf("%d proofs, want one of the grant and one of the change", n)
	}
	c.shows("/fr/history/"+gtin(7), 404)
}

func TestTagsAreDrawnAsTheLabelStandsToday(t *testing.T) {
	c := open(t)
	c.shows("/en/tags?numbers="+url.QueryEscape(gtin(0)+", "+gtin(1)+"\n"+gtin(7)), 200, "/en/tags/"+gtin(0)+".svg?show=1", "Tag of Example Lamps LP-1: Avoid", "Product "+gtin(7))
	svg := c.get("/fr/tags/" + gtin(1) + ".svg?show=1")
	if svg.Code != 200 || !strings.Contains(svg.Body.String(), "À éviter") || !strings.HasPrefix(svg.Header().Get("Content-Disposition"), "inline") || !strings.Contains(svg.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %v", svg.Code, svg.Header())
	}
	pdf := c.get("/en/tags/" + gtin(0) + ".pdf")
	if data, _ := io.ReadAll(pdf.Body); !bytes.HasPrefix(data, []byte("%PDF-")) || !strings.HasPrefix(pdf.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %v", pdf.Code, pdf.Header())
	}
	c.shows("/en/tags/"+gtin(7)+".svg", 404)
	c.shows("/en/tags/"+gtin(0)+".exe", 404)
}

func TestHowLabelsAreJudgedIsMadeOfTheCatalogue(t *testing.T) {
	c := open(t)
	catalogue, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	en, fr := c.shows("/en/norms", 200, "The first line that is true decides"), c.shows("/fr/norms", 200)
	for _, n := range catalogue.All() {
		if !strings.Contains(en, "/en/norms/"+n.ID+`"`) || !strings.Contains(fr, "/fr/norms/"+n.ID+`"`) {
			t.Errorf("%s is not there", n.ID)
		}
		body := c.shows("/en/norms/"+n.ID, 200)
		if strings.Contains(main(body), "norms.") && strings.Contains(main(body), ">norms.") {
			t.Errorf("%s has no words: %s", n.ID, main(body))
		}
	}
	c.shows("/en/norms/etsi.5.1-1", 200, "What is asked", "by asking the device", "disprove")
	c.shows("/en/norms/nothing", 404)
	c.shows("/en/data", 200, "/api/v1/dump", "50 times a second", "plimsoll label verify")
}

func FuzzAddresses(f *testing.F) {
	c := open(f)
	for _, path := range []string{"/en/search?q=lamps&after=-1", "/fr/compare?gtin=" + gtin(0) + "&price-" + gtin(0) + "=1e9", "/en/saved?gtin=%00", "/en/tags?numbers=1,2", "/en/history/1", "/en/tags/" + gtin(0) + ".svg", "/en/norms/x"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, err := http.NewRequest(http.MethodGet, "https://registry.example/", nil)
		if err != nil || !strings.HasPrefix(path, "/") {
			return // nothing that could be asked for
		}
		if r.URL, err = r.URL.Parse(path); err != nil {
			return // nothing that could be asked for
		}
		r.Host = "registry.example"
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%q: %d", path, w.Code)
		}
		if w.Code == 200 && w.Header().Get("Content-Security-Policy") == "" && !strings.HasPrefix(path, "/static/") {
			t.Errorf("%q: an answer that a browser may run", path)
		}
	})
}
