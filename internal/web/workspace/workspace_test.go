package workspace_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/internal/web/workspace"
	"plimsoll.example/plimsoll/label"
)

// office is the workspaces of a registry, served.
type office struct {
	*httptest.Server
	t    *testing.T
	reg  *registry.Registry
	desk *review.Desk
}

func open(t *testing.T) *office {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.OpenRegistry(context.Background(), filepath.Join(dir, "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	reg, _ := storetest.Run(t, store, dir, storetest.Noon)
	o := &office{t: t, reg: reg, desk: storetest.Seat(t, reg, store)}
	door := auth.NewDoor(store, storetest.Noon)
	for name, account := range map[string]string{"mia": "maker", "max": "gone", "leo": "lab", "bea": "body", "ben": "body", "olga": "owner"} {
		if err := door.Add(t.Context(), name, account, "correct horse"); err != nil {
			t.Fatal(err)
		}
	}
	site, err := (&workspace.Pages{Desk: o.desk, Door: door, Now: storetest.Noon, Logger: slog.New(slog.DiscardHandler)}).Site("(test)", nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := site.Handler()
	if err != nil {
		t.Fatal(err)
	}
	o.Server = httptest.NewServer(h)
	t.Cleanup(o.Close)
	return o
}

// visitor is somebody with a browser.
type visitor struct {
	*office
	client *http.Client
}

func (o *office) visitor(name string) *visitor {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	v := &visitor{o, &http.Client{Jar: jar}}
	if name != "" {
		v.form("/en/sign-in", http.StatusNotFound, "name", name, "password", "correct horse") // the first page is not of this site
	}
	return v
}

func (v *visitor) answer(r *http.Response, err error, want int) string {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if r.StatusCode != want {
		_, text, _ := strings.Cut(string(body), "<main")
		v.t.Fatalf("%s: %s, want %d\n%s", r.Request.URL, r.Status, want, text)
	}
	return string(body)
}

func (v *visitor) get(path string, want int) string {
	v.t.Helper()
	r, err := v.client.Get(v.URL + path)
	return v.answer(r, err, want)
}

func (v *visitor) form(path string, want int, pairs ...string) string {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	r, err := v.client.PostForm(v.URL+path, values)
	return v.answer(r, err, want)
}

func (v *visitor) send(path string, want int, field, name string, data []byte, pairs ...string) string {
	v.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = form.WriteField(pairs[i], pairs[i+1])
	}
	part, err := form.CreateFormFile(field, name)
	if err != nil {
		v.t.Fatal(err)
	}
	_, _ = part.Write(data)
	_ = form.Close()
	r, err := v.client.Post(v.URL+path, form.FormDataContentType(), &b)
	return v.answer(r, err, want)
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "maker", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var casePath = regexp.MustCompile(`/desk/cases/[0-9a-f]{16}`)

// begun is a case of mia’s, as its path.
func (o *office) begun(mia *visitor) string {
	o.t.Helper()
	mia.send("/en/desk", 200, "product", "product.json", file(o.t, "product.json"), "device", "02:00:5E:70:00:14")
	path := casePath.FindString(mia.get("/en/desk", 200))
	if path == "" {
		o.t.Fatal("there is no case")
	}
	mia.send("/en"+path+"/files", 200, "file", "<b>declaration.json", file(o.t, "declaration.json"))
	return path
}

func TestNobodyComesInWithoutAName(t *testing.T) {
	o := open(t)
	if body := o.visitor("").get("/en/desk", 200); !strings.Contains(body, "Who are you?") || strings.Contains(body, `name="code"`) {
		t.Error("the page is shown to a stranger, or asks for a code that there is not")
	}
	o.visitor("").form("/en/desk/cases/0000000000000000/confirm", 200)
	o.visitor("max").get("/en/desk", http.StatusForbidden) // the account is gone
	o.visitor("mia").get("/en/desk/audit", http.StatusForbidden)
	r, err := http.NewRequest(http.MethodPost, o.URL+"/en/desk", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	a, err := o.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %s", a.Status)
	}
}

func TestAGrantNeedsASecondPersonOnThePagesToo(t *testing.T) {
	o := open(t)
	mia, leo, bea, ben := o.visitor("mia"), o.visitor("leo"), o.visitor("bea"), o.visitor("ben")
	path := o.begun(mia)
	body := mia.get("/en"+path, 200)
	for _, want := range []string{"&lt;b&gt;declaration.json", "by mia (Example Lamps)", "Check first", "would make it better", "Example &lt;Authority&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("the case does not say %q", want)
		}
	}
	bea.get("/en"+path, http.StatusNotFound)
	mia.form("/en"+path+"/ask", 200, "body", "body")
	leo.send("/fr"+path+"/files", 200, "file", "probe.json", file(t, "probe.json"))
	mia.send("/en"+path+"/files", http.StatusConflict, "file", "late", []byte("late"))
	mia.form("/en"+path+"/propose", http.StatusForbidden)
	bea.form("/en"+path+"/propose", 200)
	if body := bea.form("/fr"+path+"/confirm", http.StatusConflict); !strings.Contains(body, "Une deuxième personne doit décider") {
		t.Error("it is not said that a second person must decide")
	}
	ben.form("/en"+path+"/confirm", 200)
	list, err := o.reg.Store.LabelsOf(t.Context(), 9506000134352, 9)
	if err != nil || len(list) != 1 || list[0].Account != "body" {
		t.Fatalf("%v, %v", list, err)
	}
	if got := o.visitor("olga").get("/en/desk/audit", 200); !strings.Contains(got, "Done by bea") || !strings.Contains(got, "Done by ben") {
		t.Error("the audit does not name who decided")
	}
	sum := regexp.MustCompile(path + `/files/[0-9a-f]{64}`).FindString(mia.get("/en"+path, 200))
	if got := mia.get("/en"+sum, 200); got != string(file(t, "declaration.json")) {
		t.Error("the file that comes back is another")
	}
}

// photo is a picture of some size, as PNG.
func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPictureIsReviewedWithTheCase(t *testing.T) {
	o := open(t)
	mia, leo, bea, ben := o.visitor("mia"), o.visitor("leo"), o.visitor("bea"), o.visitor("ben")
	path := "/en" + o.begun(mia)
	mia.get(path+"/picture.jpg", http.StatusNotFound)
	for what, x := range map[string]struct {
		data []byte
		want string
	}{
		"a script": {[]byte("<script>alert(1)</script>"), "no picture that can be shown"},
		"a stamp":  {photo(t, 40, 40), "too small"},
		"a wall":   {photo(t, 6000, 6000), "too large"},
		"nothing":  {nil, "no picture that can be shown"},
	} {
		if body := mia.send(path+"/picture", http.StatusUnprocessableEntity, "picture", "p.png", x.data); !strings.Contains(body, x.want) {
			t.Errorf("%s: the page does not say %q", what, x.want)
		}
	}
	leo.send(path+"/picture", http.StatusConflict, "picture", "p.png", photo(t, 300, 300)) // a laboratory shows no products
	for _, size := range []int{300, 400, 300} {                                            // the last one counts, also one that was there before
		mia.send(path+"/picture", 200, "picture", "<b>.png", photo(t, size, 200))
	}
	kept := mia.get(path+"/picture.jpg", 200)
	if c, err := jpeg.DecodeConfig(strings.NewReader(kept)); err != nil || c.Width != 300 || c.Height != 300 {
		t.Fatalf("%+v, %v", c, err)
	}
	bea.get(path+"/picture.jpg", http.StatusNotFound)
	mia.form(path+"/ask", 200, "body", "body")
	mia.send(path+"/picture", http.StatusConflict, "picture", "late.png", photo(t, 500, 500))
	if body := bea.get(path, 200); !strings.Contains(body, `alt="Picture of Example Lamps LP-110"`) || strings.Contains(body, `name="picture"`) {
		t.Error("who reviews does not see the picture, or is asked for one")
	}
	bea.form(path+"/propose", 200)
	ben.form(path+"/confirm", 200)
	list, err := o.reg.Store.LabelsOf(t.Context(), 9506000134352, 9)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if d, err := o.reg.Store.Document(t.Context(), list[0].Picture); err != nil || string(d.Body) != kept || d.Media != "image/jpeg" {
		t.Errorf("%+v, %v: not the picture that was reviewed", d, err)
	}
}

func TestWhoHasNoKeyHereBringsWhatTheySigned(t *testing.T) {
	o := open(t)
	o.desk.Key = func(string) ed25519.PrivateKey { return nil }
	mia, bea, ben := o.visitor("mia"), o.visitor("bea"), o.visitor("ben")
	path := o.begun(mia)
	mia.form("/en"+path+"/ask", 200, "body", "body")
	bea.form("/en"+path+"/propose", 200)
	ben.form("/en"+path+"/confirm", http.StatusConflict)
	mia.get("/en"+path+"/statement", http.StatusForbidden)
	s := &label.Statement{}
	if err := s.UnmarshalJSON([]byte(ben.get("/en"+path+"/statement", 200))); err != nil {
		t.Fatal(err)
	}
	sign1, err := label.Sign(s, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := (&label.Envelope{Version: label.Version, Label: sign1}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	ben.send("/en"+path+"/confirm", http.StatusUnprocessableEntity, "signed", "x", []byte("no label"))
	ben.send("/en"+path+"/confirm", 200, "signed", "signed.label", envelope)
	if list, err := o.reg.Store.LabelsOf(t.Context(), s.GTIN, 9); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestALabelIsSuspendedByOneAndRestoredByTwo(t *testing.T) {
	o := open(t)
	st := storetest.Statement(1, 1, storetest.Day)
	sign1, err := label.Sign(st, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := o.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1})
	if err != nil {
		t.Fatal(err)
	}
	mia, leo, bea, olga := o.visitor("mia"), o.visitor("leo"), o.visitor("bea"), o.visitor("olga")
	page, act := "/en/desk/labels?gtin="+st.GTIN14(), "/en/desk/labels/"+l.ID.String()
	if body := mia.get(page, 200); strings.Contains(body, "Suspend at once") {
		t.Error("a maker is offered to suspend")
	}
	mia.form(act, http.StatusForbidden, "verb", "suspend", "reason", "exploited")
	leo.send(act, 200, "file", "note.md", []byte("what we saw"), "verb", "note", "note", "We saw it in the laboratory.")
	bea.form(act, http.StatusUnprocessableEntity, "verb", "suspend", "reason", "<b>")
	bea.form(act, 200, "verb", "suspend", "reason", "exploited", "note", "CVE-2026-0001")
	bea.form(act, 200, "verb", "restore", "reason", "remedied")
	path := casePath.FindString(olga.get("/en/desk", 200))
	bea.form("/en"+path+"/confirm", http.StatusConflict)
	olga.form("/en"+path+"/confirm", 200)
	kept, err := o.reg.Store.Label(t.Context(), l.ID)
	if err != nil || kept.Status != label.Active || kept.Changes != 3 {
		t.Errorf("%+v, %v", kept, err)
	}
	changes, err := o.reg.Store.Changes(t.Context(), l.ID, 9)
	if err != nil || fmt.Sprint(changes[0].Account, changes[1].Account, changes[2].Account) != "labbodyowner" {
		t.Errorf("%v, %v", changes, err)
	}
}
