package page_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// site has one page, a form, and pages that fail.
func site(t *testing.T) (*httptest.Server, *page.Site) {
	t.Helper()
	s := &page.Site{
		Name: "home", Version: "test", Log: slog.New(slog.DiscardHandler), Events: &page.Events{}, Hosts: []string{"plimsoll.home.arpa"},
		Templates: fstest.MapFS{
			"thing.html": {Data: []byte(`{{define "main"}}<h1>{{.Title}}</h1><p>{{template "_name" .Data}}</p><a href="{{.Path "/x"}}">x</a>{{end}}`)},
			"_part.html": {Data: []byte(`{{define "_name"}}<b>{{.}}</b>{{end}}`)},
			"bad.html":   {Data: []byte(`{{define "main"}}{{.Data.Missing}}{{end}}`)},
		},
		Links: []page.Link{{Key: "page.nav", Path: "/"}, {Key: "page.skip", Path: "/things"}},
	}
	s.Handle("GET /", func(r *page.Request) (*page.View, error) {
		return &page.View{Template: "thing.html", Title: r.Words.Text("page.nav"), Data: "start", Live: true}, nil
	})
	s.Handle("GET /things/{name}", func(r *page.Request) (*page.View, error) {
		switch name := r.PathValue("name"); name {
		case "none":
			return nil, fs.ErrNotExist
		case "fault":
			return nil, errors.New("the secret cause")
		case "bad":
			return &page.View{Template: "bad.html", Title: "t", Data: name}, nil
		default:
			return &page.View{Template: "thing.html", Title: name, Data: name}, nil
		}
	})
	s.Handle("POST /things", func(r *page.Request) (*page.View, error) {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		return page.See("/things/" + url.PathEscape(r.PostForm.Get("name"))), nil
	})
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	t.Cleanup(s.Events.Close)
	return srv, s
}

// ask asks for a page and does not go where it is sent.
func ask(t *testing.T, method, address string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestEachPageHasAnAddressInEachLanguage(t *testing.T) {
	srv, _ := site(t)
	for lang, want := range map[string]string{"en": `href="/fr/things/lamp?a=1"`, "fr": `href="/en/things/lamp?a=1"`} {
		resp, body := ask(t, "GET", srv.URL+"/"+lang+"/things/lamp?a=1", nil)
		if resp.StatusCode != 200 || !strings.Contains(body, `<html lang="`+lang+`">`) || !strings.Contains(body, want) || !strings.Contains(body, `href="/`+lang+`/x"`) {
			t.Errorf("%s: status %d, %s", lang, resp.StatusCode, body)
		}
		if !strings.Contains(body, `aria-current="page"`) {
			t.Errorf("%s: the way that leads here is not marked", lang)
		}
	}
	for header, want := range map[string]string{"fr-CA,fr;q=0.9": "/fr/", "de, fr": "/fr/", "": "/en/", "de": "/en/", "en-CA,fr": "/en/"} {
		resp, _ := ask(t, "GET", srv.URL+"/", nil, "Accept-Language", header)
		if got := resp.Header.Get("Location"); got != want {
			t.Errorf("%q: sent to %q, want %q", header, got, want)
		}
	}
}

func TestErrorsAreInWordsAndTellNoSecrets(t *testing.T) {
	srv, _ := site(t)
	for path, want := range map[string]int{"/en/things/none": 404, "/fr/nowhere": 404, "/en/things/fault": 500, "/en/things/bad": 500} {
		resp, body := ask(t, "GET", srv.URL+path, nil)
		if resp.StatusCode != want || strings.Contains(body, "secret") || !strings.Contains(body, "<h1>") {
			t.Errorf("%s: status %d, %s", path, resp.StatusCode, body)
		}
	}
	if _, body := ask(t, "GET", srv.URL+"/fr/nowhere", nil); !strings.Contains(body, locale.New(locale.French).Text("page.error.missing")) {
		t.Errorf("not in French: %s", body)
	}
}

// Names come from strangers.
func TestWhatIsShownIsEscaped(t *testing.T) {
	srv, _ := site(t)
	_, body := ask(t, "GET", srv.URL+"/en/things/"+url.PathEscape("<script>alert(1)</script>"), nil)
	if strings.Contains(body, "<script>alert") {
		t.Error("a name became a script")
	}
}

func TestAPageKeepsToItself(t *testing.T) {
	srv, _ := site(t)
	resp, body := ask(t, "GET", srv.URL+"/en/", nil)
	policy := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "form-action 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(body, " style=") || strings.Contains(body, "onclick") {
		t.Errorf("something is inline: %s", policy)
	}
	if resp.Header.Get("Referrer-Policy") != "no-referrer" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("headers are missing")
	}
}

func TestAFormOfAnotherSiteChangesNothing(t *testing.T) {
	srv, _ := site(t)
	form := func() io.Reader { return strings.NewReader("name=lamp") }
	kind := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if resp, _ := ask(t, "POST", srv.URL+"/fr/things", form(), append(kind, "Sec-Fetch-Site", "same-origin")...); resp.StatusCode != 303 || resp.Header.Get("Location") != "/fr/things/lamp" {
		t.Errorf("own form: %d, to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp, body := ask(t, "POST", srv.URL+"/en/things", form(), append(kind, "Sec-Fetch-Site", "cross-site")...); resp.StatusCode != 403 || !strings.Contains(body, "Another site") {
		t.Errorf("form of another site: %d, %s", resp.StatusCode, body)
	}
	if resp, _ := ask(t, "POST", srv.URL+"/en/things", strings.NewReader("name="+strings.Repeat("x", 13<<20)), kind...); resp.StatusCode != 413 {
		t.Errorf("form of 13 MB: %d", resp.StatusCode)
	}
}

// A page elsewhere that points a name of its own at this server is not answered.
func TestOnlyItsOwnNamesAreAnswered(t *testing.T) {
	srv, _ := site(t)
	for host, want := range map[string]int{
		"localhost:80": 200, "127.0.0.1": 200, "[::1]:8080": 200, "plimsoll.home.arpa": 200, "PLIMSOLL.home.arpa.": 200, "evil.example": 421, "127.0.0.1.evil.example": 421,
	} {
		if resp, _ := ask(t, "GET", srv.URL+"/en/", nil, "Host", host); resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestPagesThatAreLookedAtAreToldNews(t *testing.T) {
	srv, s := site(t)
	if _, body := ask(t, "GET", srv.URL+"/en/", nil); !strings.Contains(body, `data-events="/events"`) {
		t.Error("the page does not follow the news")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // retry: the stream is there
	for range 1000 {
		s.Events.Changed() // never waits for who does not read
	}
	for lines.Scan() {
		if lines.Text() == "event: change" {
			s.Events.Close()
			for lines.Scan() { // it ends
			}
			return
		}
	}
	t.Errorf("no news: %v", lines.Err())
}

// store keeps users and sessions while a test runs.
type store struct {
	users    map[string]*auth.User
	sessions map[auth.Digest]*auth.Session
}

func (s *store) User(_ context.Context, name string) (*auth.User, error) {
	if u := s.users[name]; u != nil {
		return u, nil
	}
	return nil, fs.ErrNotExist
}

func (s *store) SaveUser(_ context.Context, u *auth.User) error {
	s.users[u.Name] = u
	return nil
}

func (s *store) ChangeUser(_ context.Context, name string, do func(*auth.User) error) error {
	if u := s.users[name]; u != nil {
		return do(u)
	}
	return fs.ErrNotExist
}

func (s *store) Users(context.Context) (list []*auth.User, err error) {
	for _, u := range s.users {
		list = append(list, u)
	}
	return list, nil
}

func (s *store) Sessions(_ context.Context, user string) (list []auth.Visit, err error) {
	for d, x := range s.sessions {
		if x.User == user {
			list = append(list, auth.Visit{ID: d, Session: *x})
		}
	}
	return list, nil
}

func (s *store) Session(_ context.Context, d auth.Digest) (*auth.Session, error) {
	if x := s.sessions[d]; x != nil {
		return x, nil
	}
	return nil, fs.ErrNotExist
}

func (s *store) SaveSession(_ context.Context, d auth.Digest, x *auth.Session) error {
	s.sessions[d] = x
	return nil
}

func (s *store) RenewSession(ctx context.Context, d auth.Digest, x *auth.Session) error {
	return s.SaveSession(ctx, d, x)
}

func (s *store) EndSession(_ context.Context, d auth.Digest) error {
	delete(s.sessions, d)
	return nil
}

// A defect in one page is said in words to whoever asked for it, and with its place in the log; all others go on.
func TestADefectOfAPageIsAPage(t *testing.T) {
	var log bytes.Buffer
	s := &page.Site{Templates: fstest.MapFS{"x.html": {Data: []byte(`{{define "main"}}<h1>x</h1>{{end}}`)}}, Log: slog.New(slog.NewTextHandler(&log, nil)), Events: &page.Events{}}
	s.Open("GET /x", func(*page.Request) (*page.View, error) {
		return &page.View{Template: "x.html", Title: []string{}[0]}, nil
	})
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/fr/x", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "<h1>") || strings.Contains(w.Body.String(), "out of range") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "index out of range") || !strings.Contains(log.String(), "page_test.go") {
		t.Errorf("the log says: %s", &log)
	}
}

func TestWhoIsNotKnownIsAskedAndThenLedWhereTheyWanted(t *testing.T) {
	door := auth.NewDoor(&store{map[string]*auth.User{}, map[auth.Digest]*auth.Session{}}, time.Now)
	s := &page.Site{Templates: fstest.MapFS{"x.html": {Data: []byte(`{{define "main"}}<h1>secret of {{.Viewer.Name}}</h1>{{end}}`)}}, Log: slog.New(slog.DiscardHandler), Door: door, Events: &page.Events{}}
	s.Handle("GET /x", func(*page.Request) (*page.View, error) { return &page.View{Template: "x.html", Title: "x"}, nil })
	s.Open("GET /free", func(*page.Request) (*page.View, error) { return &page.View{Template: "x.html", Title: "free"}, nil })
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	resp, _ := ask(t, "GET", srv.URL+"/fr/x?a=b", nil)
	if got := resp.Header.Get("Location"); resp.StatusCode != 303 || got != "/fr/sign-in?to=%2Fx%3Fa%3Db" {
		t.Fatalf("%d, to %s", resp.StatusCode, got)
	}
	if resp, _ := ask(t, "GET", srv.URL+"/events", nil); resp.StatusCode != 403 {
		t.Errorf("news for nobody: %d", resp.StatusCode)
	}
	if resp, body := ask(t, "GET", srv.URL+"/en/free", nil); resp.StatusCode != 200 || !strings.Contains(body, "secret of </h1>") {
		t.Errorf("a page for everybody: %d", resp.StatusCode)
	}
	code := door.Code("owner")
	if _, body := ask(t, "GET", srv.URL+"/en/sign-in?code="+code, nil); !strings.Contains(body, code) || strings.Contains(body, `type="password"`) {
		t.Error("a link that carries a code needs more than a button")
	}
	kind := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if resp, body := ask(t, "POST", srv.URL+"/en/sign-in", strings.NewReader("code=1"), kind...); resp.StatusCode != 403 || !strings.Contains(body, `role="alert"`) {
		t.Errorf("a wrong code: %d", resp.StatusCode)
	}
	resp, _ = ask(t, "POST", srv.URL+"/en/sign-in", strings.NewReader("to=%2Fx&code="+code[:4]+"+"+code[4:]), kind...)
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/en/x" || len(resp.Cookies()) != 1 {
		t.Fatalf("%d, to %s, %v", resp.StatusCode, resp.Header.Get("Location"), resp.Cookies())
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %v", c)
	}
	in := []string{"Cookie", c.Name + "=" + c.Value}
	if resp, body := ask(t, "GET", srv.URL+"/en/x", nil, in...); resp.StatusCode != 200 || !strings.Contains(body, "secret of owner") {
		t.Errorf("come in: %d", resp.StatusCode)
	}
	if resp, _ := ask(t, "POST", srv.URL+"/en/sign-out", nil, in...); resp.StatusCode != 303 {
		t.Errorf("sign out: %d", resp.StatusCode)
	}
	if resp, _ := ask(t, "GET", srv.URL+"/en/x", nil, in...); resp.StatusCode != 303 {
		t.Errorf("after having left: %d", resp.StatusCode)
	}
}

// Whoever comes in by a link that somebody sent is not led to another site.
func TestComingInLeadsNowhereElse(t *testing.T) {
	door := auth.NewDoor(&store{map[string]*auth.User{}, map[auth.Digest]*auth.Session{}}, time.Now)
	s := &page.Site{Templates: fstest.MapFS{}, Log: slog.New(slog.DiscardHandler), Door: door}
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	for _, to := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "evil", "/%0d%0aX: y", "javascript:alert(1)"} {
		resp, _ := ask(t, "POST", srv.URL+"/en/sign-in", strings.NewReader(url.Values{"to": {to}, "code": {door.Code("owner")}}.Encode()), "Content-Type", "application/x-www-form-urlencoded")
		if got := resp.Header.Get("Location"); got != "/en/" && !strings.HasPrefix(got, "/en/%0d%0a") {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestAFileIsKeptAndNotShown(t *testing.T) {
	s := &page.Site{Templates: fstest.MapFS{}, Log: slog.New(slog.DiscardHandler)}
	s.Handle("GET /f", func(*page.Request) (*page.View, error) {
		return &page.View{File: &page.File{Name: "a \"b\".json", Type: "application/json", Body: []byte("{}")}}, nil
	})
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	resp, body := ask(t, "GET", srv.URL+"/en/f", nil)
	if body != "{}" || resp.Header.Get("Content-Disposition") != `attachment; filename="a \"b\".json"` || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%q, %v", body, resp.Header)
	}
}

// Names on a page come from strangers: none of them turns the direction of what follows, or hides.
func TestWhatCannotBeSeenIsNotShown(t *testing.T) {
	srv, _ := site(t)
	_, body := ask(t, "GET", srv.URL+"/en/things/"+url.PathEscape("a\u202eb\u0007c\u200dd"), nil)
	if strings.ContainsAny(body, "\u202e\u0007") || !strings.Contains(body, "c\u200dd") {
		t.Errorf("%q", body[strings.Index(body, "<main"):])
	}
}

func TestLinksAreShownToWhoMayFollowThem(t *testing.T) {
	srv, s := site(t)
	s.May = func(_ page.Viewer, path string) bool { return path != "/things" }
	if _, body := ask(t, "GET", srv.URL+"/en/", nil); strings.Contains(body, `href="/en/things"`) || !strings.Contains(body, `href="/en/"`) {
		t.Error("a link is shown to who may not follow it")
	}
}

// A handler that fails badly is a page that says so, not a connection that ends: the reader knows, and the log says where.
func TestAHandlerThatPanicsIsAPageInWords(t *testing.T) {
	var log bytes.Buffer
	s := &page.Site{Name: "home", Templates: fstest.MapFS{"x.html": {Data: []byte(`{{define "main"}}{{end}}`)}}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	s.Handle("GET /x", func(*page.Request) (*page.View, error) {
		var none []int
		return nil, fmt.Errorf("never: %d", none[0])
	})
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/en/x", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "<h1>") || strings.Contains(w.Body.String(), "goroutine") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "page_test.go") {
		t.Errorf("the log does not say where: %s", log.String())
	}
}
