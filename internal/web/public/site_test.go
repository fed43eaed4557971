package public_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/internal/web/public"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

const today = storetest.Day

// server is a site on a real store and a real log.
type server struct {
	*httptest.Server
	site  *public.Site
	reg   *registry.Registry
	store *sqlite.Registry
}

func serve(t testing.TB, rate float64) *server {
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
	site, err := public.New(public.Config{
		Registry: reg, Proofs: log, Files: labellog.Handler(filepath.Join(dir, "log")), Norms: catalogue, Logger: slog.New(slog.DiscardHandler), Rate: rate, Now: storetest.Noon,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{httptest.NewServer(site.Handler()), site, reg, store}
	t.Cleanup(s.Server.Close)
	return s
}

// answer is what came back.
type answer struct {
	*http.Response
	body []byte
}

func (s *server) do(t testing.TB, method, path string, body any, header ...string) answer {
	t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, in)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	data, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{a, data}
}

type (
	grantBody struct {
		Label    []byte `json:"label"`
		Category string `json:"category"`
	}
	documentBody struct {
		Media string `json:"media"`
		Body  []byte `json:"body"`
	}
	changeBody struct {
		Change    []byte         `json:"change"`
		Documents []documentBody `json:"documents"`
	}
)

func (s *server) grant(t testing.TB, st *label.Statement, category string) (id string) {
	t.Helper()
	sign1, err := label.Sign(st, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	a := s.do(t, "POST", "/api/v1/labels", grantBody{sign1, category})
	if a.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	return label.Hash(label.LeafHash(sign1)).String()
}

func change(t testing.TB, id string, number uint32, verb label.Verb, seed byte, documents ...documentBody) changeBody {
	t.Helper()
	c := &label.Change{Version: label.Version, Number: number, Verb: verb, At: storetest.Noon().Unix(), Reason: "exploited", Note: "<b>CVE-2026-0001</b>"}
	if err := c.Label.UnmarshalText([]byte(id)); err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		h := sha256.Sum256(d.Body)
		c.Evidence = append(c.Evidence, h[:])
	}
	sign1, err := label.SignChange(c, storetest.Key(seed))
	if err != nil {
		t.Fatal(err)
	}
	return changeBody{sign1, documents}
}

func statement(n int) *label.Statement {
	st := storetest.Statement(n, uint32(n), today)
	st.Sensors, st.Practices, st.MUDURL = 1|2, 1, "https://mud.lamps.example/lp"
	return st
}

// described checks an answer against openapi.json.
func described(t *testing.T, method, pattern string, a answer) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(public.OpenAPI()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	code := fmt.Sprint(a.StatusCode)
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if a.StatusCode >= 400 {
		code = "default"
	}
	escaped := strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(pattern)
	s, err := c.Compile("openapi.json#/paths/" + escaped + "/" + strings.ToLower(method) + "/responses/" + code + "/content/" + strings.ReplaceAll(media, "/", "~1") + "/schema")
	if err != nil {
		t.Fatalf("%s %s answers %s with %s, which is not described: %v", method, pattern, code, media, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s %s: %v\n%s", method, pattern, err, a.body)
	}
}

// valid checks an answer against a file in schema/.
func valid(t *testing.T, name string, body []byte) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "schema", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestTheAPIAnswersAsItsDescriptionSays(t *testing.T) {
	s := serve(t, 1000)
	id := s.grant(t, statement(1), "camera")
	s.grant(t, statement(2), "light")
	doc := documentBody{"application/json", []byte(`{"cve":"CVE-2026-0001"}`)}
	a := s.do(t, "POST", "/api/v1/labels/"+id+"/changes", change(t, id, 1, label.Suspend, 1, doc))
	if a.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	described(t, "POST", "/api/v1/labels/{id}/changes", a)
	one, two := fmt.Sprintf("%014d", storetest.GTIN(1)), fmt.Sprintf("%014d", storetest.GTIN(2))
	for _, c := range []struct{ pattern, path string }{
		{"/api/v1/products", "/api/v1/products?q=lp&category=camera"},
		{"/api/v1/products/{gtin}", "/api/v1/products/" + one},
		{"/api/v1/labels", "/api/v1/labels?gtin=" + one},
		{"/api/v1/labels", "/api/v1/labels?from=1&limit=1"},
		{"/api/v1/labels/{id}", "/api/v1/labels/" + id},
		{"/api/v1/compare", "/api/v1/compare?gtin=" + one + "&gtin=" + two},
		{"/api/v1/issuers", "/api/v1/issuers"},
		{"/api/v1/issuers/{account}", "/api/v1/issuers/body"},
		{"/api/v1/issuers/{account}", "/api/v1/issuers/lab"},
		{"/api/v1/feed.json", "/api/v1/feed.json"},
		{"/api/v1/key", "/api/v1/key"},
	} {
		a := s.do(t, "GET", c.path, nil)
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", c.path, a.Status, a.body)
		}
		described(t, "GET", c.pattern, a)
	}
	valid(t, "registry-product.json", s.do(t, "GET", "/api/v1/products/"+one, nil).body)
	valid(t, "registry-label.json", s.do(t, "GET", "/api/v1/labels/"+id, nil).body)
	for path, want := range map[string]int{
		"/api/v1/products/" + fmt.Sprintf("%014d", storetest.GTIN(9)): 404, "/api/v1/products/123": 400, "/api/v1/labels/xyz": 400,
		"/api/v1/labels/" + strings.Repeat("0", 64): 404, "/api/v1/products?limit=1000": 400, "/api/v1/compare?gtin=" + one: 400,
		"/api/v1/issuers/nobody": 404, "/api/v1/evidence/" + strings.Repeat("0", 64): 404, "/api/v1/products?q=" + strings.Repeat("x", 300): 400,
		"/api/v1/log/99999999/proof": 404, "/01/123": 400, "/nothing": 404, "/tile/../registry.db": 404, "/.lock": 404,
	} {
		if a := s.do(t, "GET", path, nil); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, a.Status, want)
		}
	}
	var cmp struct{ Differs []string }
	if err := json.Unmarshal(s.do(t, "GET", "/api/v1/compare?gtin="+one+"&gtin="+two, nil).body, &cmp); err != nil || fmt.Sprint(cmp.Differs) != "[status category]" {
		t.Errorf("%v, %v", cmp, err)
	}
	if n := s.do(t, "GET", "/api/v1/issuers/body", nil); !strings.Contains(string(n.body), `"next_index":3`) {
		t.Errorf("%s", n.body)
	}
}

func TestEveryOperationIsDescribedAndEveryDescriptionIsServed(t *testing.T) {
	s := serve(t, 1000)
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(public.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	described := map[string]string{}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			described[o.OperationID] = strings.ToUpper(method) + " " + path
		}
	}
	served := s.site.Patterns()
	for name, pattern := range served {
		if described[name] != pattern {
			t.Errorf("%s serves %s, and %q is described", name, pattern, described[name])
		}
	}
	if len(described) != len(served) {
		t.Errorf("%d operations are described, %d are served", len(described), len(served))
	}
}

func TestThePageOfAProductSaysHowItsLabelStands(t *testing.T) {
	s := serve(t, 1000)
	st := statement(1)
	st.Maker, st.Model = "Example <script>", "LP \"1\""
	id := s.grant(t, st, "camera")
	path := fmt.Sprintf("/01/%014d", st.GTIN)
	en := s.do(t, "GET", path, nil)
	for _, want := range []string{
		`<html lang="en">`, "Example &lt;script&gt; LP &#34;1&#34;", "Label in force", "Camera and sound.", "Until ", "2 years and 8 months left", "Example &lt;Authority&gt;", "tested in a laboratory",
		"never says that a product is secure", "Check first", "The number below the bar code is " + fmt.Sprint(st.GTIN), "Nothing that the pack says.",
	} {
		if !strings.Contains(string(en.body), want) {
			t.Errorf("the page does not have %q:\n%s", want, en.body)
		}
	}
	if strings.Contains(string(en.body), "<script") || !strings.Contains(en.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page could run a script")
	}
	for name, c := range map[string]struct{ path, accept string }{
		"Accept-Language": {path, "de, fr-CA;q=0.8, en;q=0.5"}, "?lang": {path + "?lang=fr", "en"}, "/fr/": {"/fr" + path, "en"},
	} {
		fr := s.do(t, "GET", c.path, nil, "Accept-Language", c.accept)
		if !strings.Contains(string(fr.body), `<html lang="fr">`) || !strings.Contains(string(fr.body), "Étiquette en vigueur") {
			t.Errorf("%s: the page is not in French", name)
		}
	}
	for price, want := range map[string]string{"49.90": "18.21 for each year", "49,90": "18.21 for each year", "<b>": "That is no price", "-1": "That is no price"} {
		if a := s.do(t, "GET", path+"?price="+url.QueryEscape(price), nil); !strings.Contains(string(a.body), want) {
			t.Errorf("at %s the page does not have %q", price, want)
		}
	}
	if a := s.do(t, "GET", path, nil, "If-None-Match", en.Header.Get("ETag")); a.StatusCode != http.StatusNotModified || len(a.body) != 0 {
		t.Errorf("it is sent again: %s", a.Status)
	}
	doc := documentBody{"text/html", []byte("<script>alert(1)</script>")}
	if a := s.do(t, "POST", "/api/v1/labels/"+id+"/changes", change(t, id, 1, label.Suspend, 1, doc)); a.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", a.Status, a.body)
	}
	en = s.do(t, "GET", path, nil, "If-None-Match", en.Header.Get("ETag"))
	for _, want := range []string{"Label suspended", "being exploited", "&lt;b&gt;CVE-2026-0001", "Verdict. Then: Check first. Now: Avoid."} {
		if !strings.Contains(string(en.body), want) {
			t.Errorf("the page does not have %q once the label is suspended", want)
		}
	}
	e := s.do(t, "GET", fmt.Sprintf("/api/v1/evidence/%x", sha256.Sum256(doc.Body)), nil)
	if e.StatusCode != http.StatusOK || !bytes.Equal(e.body, doc.Body) || e.Header.Get("Content-Type") != "application/octet-stream" ||
		!strings.Contains(e.Header.Get("Content-Security-Policy"), "sandbox") || e.Header.Get("Content-Disposition") != "attachment" {
		t.Errorf("a stranger’s document: %s %v", e.Status, e.Header)
	}
}

// Whoever scans what nobody labelled is told so, in their language, and what they can do.
func TestAProductThatNobodyLabelledHasAPageThatSaysSo(t *testing.T) {
	s := serve(t, 1000)
	browser := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language", "fr"}
	path := fmt.Sprintf("/01/%014d", storetest.GTIN(9))
	for _, x := range []struct {
		path   string
		status int
		want   string
	}{
		{path, 404, "Sans étiquette"}, {"/en" + path, 404, "nobody has looked"}, {"/fr/01/123", 400, "123 n’est pas le numéro d’un produit"}, {"/01/%3Cscript%3E", 400, "&lt;script&gt;"},
	} {
		a := s.do(t, "GET", x.path, nil, browser...)
		if a.StatusCode != x.status || !strings.Contains(string(a.body), x.want) || strings.Contains(string(a.body), "<script") || !strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %s, want %d and %q\n%s", x.path, a.Status, x.status, x.want, a.body)
		}
	}
	if a := s.do(t, "GET", path, nil, "Accept", "application/json"); a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a program gets %s", a.Header.Get("Content-Type"))
	}
}

func TestThePictureOfAProductIsOpenToAll(t *testing.T) {
	s := serve(t, 1000)
	st := statement(1)
	sign1, err := label.Sign(st, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1, Picture: []byte("\xff\xd8 as it was drawn")})
	if err != nil {
		t.Fatal(err)
	}
	plain := s.grant(t, statement(2), "light")
	at := "/api/v1/pictures/" + l.Picture.String()
	a := s.do(t, "GET", at, nil)
	if string(a.body) != "\xff\xd8 as it was drawn" || a.Header.Get("Content-Type") != "image/jpeg" || a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.Header.Get("Cache-Control"), "max-age=31536000") {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	product := s.do(t, "GET", fmt.Sprintf("/api/v1/products/%014d", st.GTIN), nil)
	valid(t, "registry-product.json", product.body)
	for what, body := range map[string][]byte{"the product": product.body, "the dump": s.do(t, "GET", "/api/v1/dump", nil).body} {
		if !strings.Contains(string(body), `"picture":"https://registry.example`+at+`"`) {
			t.Errorf("%s does not say where the picture is: %s", what, body)
		}
	}
	if page := string(s.do(t, "GET", fmt.Sprintf("/en/01/%014d", st.GTIN), nil).body); strings.Count(page, `<img src="`+at+`"`) != 2 || !strings.Contains(page, `alt="Picture of `) {
		t.Errorf("the page does not show it: %s", page)
	}
	if a := s.do(t, "GET", "/api/v1/labels/"+plain, nil); strings.Contains(string(a.body), `"picture"`) {
		t.Errorf("a product without one: %s", a.body)
	}
	doc := documentBody{"text/html", []byte("<script>alert(1)</script>")} // evidence is none
	if a := s.do(t, "POST", "/api/v1/labels/"+plain+"/changes", change(t, plain, 1, label.Suspend, 1, doc)); a.StatusCode != http.StatusCreated {
		t.Fatalf("%s", a.body)
	}
	for path, want := range map[string]int{fmt.Sprintf("/api/v1/pictures/%x", sha256.Sum256(doc.Body)): 404, "/api/v1/pictures/" + strings.Repeat("0", 64): 404, "/api/v1/pictures/x": 400} {
		if a := s.do(t, "GET", path, nil); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, a.Status, want)
		}
	}
}

func TestWhatIsGivenOutVerifies(t *testing.T) {
	s := serve(t, 1000)
	id := s.grant(t, statement(1), "camera")
	s.grant(t, statement(2), "light")
	if a := s.do(t, "POST", "/api/v1/labels/"+id+"/changes", change(t, id, 1, label.Suspend, 1)); a.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", a.Status, a.body)
	}
	key := storetest.Key(99).Public().(ed25519.PublicKey)
	var trust *label.Trust
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		a := s.do(t, "GET", "/api/v1/bundle", nil)
		var err error
		if a.StatusCode == http.StatusOK {
			if trust, err = label.ParseBundle(a.body, key); err != nil {
				t.Fatal(err)
			}
			if trust.StatusOf(1) == label.Suspended {
				if n := s.do(t, "GET", "/api/v1/bundle", nil, "If-None-Match", a.Header.Get("ETag")); n.StatusCode != http.StatusNotModified {
					t.Errorf("the bundle is sent again: %s", n.Status)
				}
				if !strings.HasPrefix(a.Header.Get("Cache-Control"), "public, max-age=") {
					t.Errorf("how long is it kept? %v", a.Header)
				}
				break
			}
		}
		if time.Now().After(until) {
			t.Fatal("no bundle says that it is suspended")
		}
	}
	a := s.do(t, "GET", "/api/v1/status-list", nil)
	token, err := label.ParseToken(a.body, key)
	if err != nil || token.StatusOf(1) != label.Suspended || token.StatusOf(2) != label.Active {
		t.Errorf("%v", err)
	}
	if _, err := label.ParseToken(a.body, storetest.Key(98).Public().(ed25519.PublicKey)); err == nil {
		t.Error("another registry’s key verifies the list")
	}
	e := s.do(t, "GET", "/api/v1/labels/"+id+"/envelope", nil)
	envelope, err := label.ParseEnvelope(e.body)
	if err != nil {
		t.Fatal(err)
	}
	v, err := trust.Verify(envelope, "", storetest.Noon())
	if err != nil || !v.Genuine || v.Status != label.Suspended {
		t.Errorf("%+v, %v", v, err)
	}
	if p := s.do(t, "GET", "/api/v1/log/1/proof", nil); p.StatusCode != http.StatusOK || !strings.HasPrefix(string(p.body), "c2sp.org/tlog-proof@v1") {
		t.Errorf("%s %s", p.Status, p.body)
	}
	if c := s.do(t, "GET", "/checkpoint", nil); c.StatusCode != http.StatusOK || !strings.HasPrefix(string(c.body), "registry.example/log\n") {
		t.Errorf("%s %s", c.Status, c.body)
	}

	// the dump: its last line vouches for the others
	d := s.do(t, "GET", "/api/v1/dump", nil)
	at := bytes.LastIndexByte(d.body[:len(d.body)-1], '\n') + 1
	var end struct {
		Labels    int
		SHA256    label.Hash
		Signature []byte
	}
	if err := json.Unmarshal(d.body[at:], &end); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(d.body[:at])
	if end.Labels != 2 || end.SHA256 != sum || !ed25519.Verify(key, append([]byte(public.DumpContext), sum[:]...), end.Signature) || bytes.Count(d.body[:at], []byte("\n")) != 2 {
		t.Errorf("%+v", end)
	}
	valid(t, "registry-dump.json", d.body[at:])

	var atom struct {
		Entry []struct {
			Title   string `xml:"title"`
			Summary string `xml:"summary"`
		} `xml:"entry"`
	}
	f := s.do(t, "GET", "/api/v1/feed.atom", nil)
	if err := xml.Unmarshal(f.body, &atom); err != nil || len(atom.Entry) != 3 || !strings.HasPrefix(atom.Entry[0].Title, "suspend: Example Lamps LP-1") {
		t.Errorf("%+v, %v", atom, err)
	}
}

func TestWhatIsSentWrongIsRefusedWithItsReason(t *testing.T) {
	s := serve(t, 1000)
	id := s.grant(t, statement(1), "camera")
	sign := func(st *label.Statement, seed byte) string {
		sign1, err := label.Sign(st, storetest.Key(seed))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(sign1)
	}
	old := statement(3)
	old.Issued--
	good := sign(statement(2), 1)
	for name, c := range map[string]struct {
		path, body, kind string
		status           int
	}{
		"no JSON":             {"/api/v1/labels", "label", "request", 400},
		"a member too many":   {"/api/v1/labels", `{"label":"` + good + `","x":1}`, "request", 400},
		"two values":          {"/api/v1/labels", `{"label":"` + good + `"}{}`, "request", 400},
		"nothing":             {"/api/v1/labels", ``, "request", 400},
		"no base64":           {"/api/v1/labels", `{"label":"!"}`, "request", 400},
		"too large":           {"/api/v1/labels", `{"label":"` + strings.Repeat("A", 70<<10) + `"}`, "large", 413},
		"deep":                {"/api/v1/labels", `{"label":` + strings.Repeat("[", 20000), "request", 400},
		"no label":            {"/api/v1/labels", `{"label":"AAAA"}`, "signature", 403},
		"a stranger’s":        {"/api/v1/labels", `{"label":"` + sign(statement(2), 70) + `"}`, "key-unknown", 403},
		"a lab’s":             {"/api/v1/labels", `{"label":"` + sign(statement(2), 2) + `"}`, "not-permitted", 403},
		"of yesterday":        {"/api/v1/labels", `{"label":"` + sign(old, 1) + `"}`, "day", 422},
		"a category of none":  {"/api/v1/labels", `{"label":"` + good + `","category":"<b>"}`, "not-valid", 422},
		"a change of another": {"/api/v1/labels/" + strings.Repeat("0", 64) + "/changes", `{"change":"` + base64.StdEncoding.EncodeToString(change(t, id, 1, label.Suspend, 1).Change) + `"}`, "not-valid", 422},
		"a change too early":  {"/api/v1/labels/" + id + "/changes", `{"change":"` + base64.StdEncoding.EncodeToString(change(t, id, 2, label.Suspend, 1).Change) + `"}`, "number", 409},
		"a change of a lab":   {"/api/v1/labels/" + id + "/changes", `{"change":"` + base64.StdEncoding.EncodeToString(change(t, id, 1, label.Suspend, 2).Change) + `"}`, "not-permitted", 403},
		"a label as a change": {"/api/v1/labels/" + id + "/changes", `{"change":"` + good + `"}`, "signature", 403},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.do(t, "POST", c.path, c.body)
			var p public.Problem
			if err := json.Unmarshal(a.body, &p); err != nil || a.StatusCode != c.status || p.Type != "urn:plimsoll:problem:"+c.kind || p.Detail == "" {
				t.Errorf("%s %s, want %d %s", a.Status, a.body, c.status, c.kind)
			}
		})
	}
	if a := s.do(t, "POST", "/api/v1/labels", grantBody{[]byte{1}, ""}, "Idempotency-Key", strings.Repeat("k", 100)); a.StatusCode != 400 {
		t.Errorf("a long key: %s", a.Status)
	}
	for i := range 2 { // again: the same answer
		if a := s.do(t, "POST", "/api/v1/labels", `{"label":"`+good+`"}`, "Idempotency-Key", "k"); a.StatusCode != http.StatusCreated {
			t.Errorf("time %d: %s %s", i+1, a.Status, a.body)
		}
	}
	if a := s.do(t, "POST", "/api/v1/labels", `{"label":"`+sign(statement(4), 1)+`"}`, "Idempotency-Key", "k"); a.StatusCode != 422 {
		t.Errorf("the key for something else: %s %s", a.Status, a.body)
	}
}

func TestOneAccountDoesNotTakeAllThatThereIs(t *testing.T) {
	s := serve(t, 0.01) // the second comes too early however long the first takes
	limited := false
	for i := range 2 {
		sign1, err := label.Sign(statement(i), storetest.Key(1))
		if err != nil {
			t.Fatal(err)
		}
		a := s.do(t, "POST", "/api/v1/labels", grantBody{sign1, ""})
		if a.StatusCode == http.StatusTooManyRequests {
			limited = a.Header.Get("Retry-After") != ""
		}
	}
	if !limited {
		t.Error("two labels are taken at once where one in a hundred seconds is")
	}
}

func TestMetricsCountAndNameNobody(t *testing.T) {
	s := serve(t, 1000)
	s.grant(t, statement(1), "")
	r := prometheus.NewRegistry()
	r.MustRegister(s.site.Collectors()...)
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range all {
		for _, m := range f.Metric {
			got[f.GetName()] += m.GetCounter().GetValue()
			for _, l := range m.Label {
				if strings.Contains(l.GetValue(), "body") {
					t.Errorf("%s names an account", f.GetName())
				}
			}
		}
	}
	if got["plimsoll_registry_grants_total"] != 1 || got["plimsoll_registry_requests_total"] != 1 {
		t.Errorf("%v", got)
	}
}

func FuzzRequests(f *testing.F) {
	s := serve(f, 1e9)
	id := s.grant(f, statement(1), "camera")
	sign1, err := label.Sign(statement(2), storetest.Key(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("POST", "/api/v1/labels", `{"label":"`+base64.StdEncoding.EncodeToString(sign1)+`","category":"light"}`)
	f.Add("POST", "/api/v1/labels/"+id+"/changes", `{"change":"AAAA","documents":[{"media":"a/b","body":""}]}`)
	f.Add("GET", "/api/v1/products?q=lp&limit=3&after=1&category=light&maker=x", "")
	f.Add("GET", "/api/v1/compare?gtin=1&gtin=2", "")
	f.Add("GET", "/fr/01/09506000134352?lang=en", "")
	f.Add("GET", "/tile/0/000.p/1", "")
	f.Add("GET", "/api/v1/labels?from=18446744073709551615", "")
	f.Add("GET", "/api/v1/feed.json?before=-1", "")
	handler := s.site.Handler()
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "http://registry.example/", strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			return // nothing that could be asked for
		}
		if r.URL, err = r.URL.Parse(path); err != nil {
			return // nothing that could be asked for
		}
		r.RemoteAddr = "192.0.2.1:1"
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %q %q: %d %s", method, path, body, w.Code, w.Body)
		}
		if w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s %q: an answer that a browser may run", method, path)
		}
	})
}
