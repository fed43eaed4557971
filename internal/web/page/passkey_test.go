package page_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
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
	"plimsoll.example/plimsoll/internal/passkey"
	"plimsoll.example/plimsoll/internal/passkey/passkeytest"
	"plimsoll.example/plimsoll/internal/web/page"
)

// porch is a site with passkeys, and one browser at it.
type porch struct {
	*testing.T
	site    *page.Site
	handler http.Handler
	origin  string // as the browser sees it
	direct  bool   // no proxy: TLS is ended by the site
	agent   string
	cookie  *http.Cookie
	asks    int
}

// atOrigin is a browser at an origin; behind a proxy where the public URL of the site says so.
func atOrigin(t *testing.T, origin, public string) *porch {
	t.Helper()
	s := &store{map[string]*auth.User{}, map[auth.Digest]*auth.Session{}}
	door := auth.NewDoor(s, time.Now)
	p := &porch{T: t, origin: origin, agent: "Firefox", site: &page.Site{
		Templates: fstest.MapFS{"x.html": {Data: []byte(`{{define "main"}}<h1>secret of {{.Viewer.Name}}</h1>{{end}}`)}}, Log: slog.New(slog.DiscardHandler), Door: door, Hosts: []string{"home.example"},
		Passkeys: &passkey.Ring{Name: "Example", Door: door, Store: s, Now: time.Now, Log: slog.New(slog.DiscardHandler)},
	}}
	if public != "" {
		u, err := url.Parse(public)
		if err != nil {
			t.Fatal(err)
		}
		p.site.Public = u
	}
	p.site.Handle("GET /x", func(*page.Request) (*page.View, error) { return &page.View{Template: "x.html", Title: "x"}, nil })
	var err error
	if p.handler, err = p.site.Handler(); err != nil {
		t.Fatal(err)
	}
	return p
}

// ask is what the browser is answered. It keeps the cookie as browsers do: a secure one, encrypted alone.
func (p *porch) ask(method, path string, pairs ...string) *http.Response {
	p.Helper()
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(f.Encode())
	}
	_, host, _ := strings.Cut(p.origin, "://")
	r := httptest.NewRequestWithContext(p.Context(), method, path, body)
	r.Host, r.TLS = host, nil
	if p.direct {
		r.TLS = &tls.ConnectionState{}
	}
	p.asks++
	r.RemoteAddr = "192.0.2." + string(rune('0'+p.asks/8%10)) + ":1"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", p.agent)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if p.cookie != nil {
		r.AddCookie(&http.Cookie{Name: p.cookie.Name, Value: p.cookie.Value})
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if p.cookie = c; c.MaxAge < 0 {
			p.cookie = nil
		}
	}
	return w.Result()
}

func (p *porch) body(r *http.Response) string {
	p.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.Fatal(err)
	}
	return string(b)
}

// add is a device with a passkey of the owner, who came in by a code of the terminal.
func (p *porch) add(name string) *passkeytest.Device {
	p.Helper()
	p.ask("POST", "/en/sign-in", "code", p.site.Door.Code("owner"))
	q := p.ask("POST", "/en/passkeys/new")
	if q.StatusCode != 200 || q.Header.Get("Content-Type") != "application/json" {
		p.Fatalf("%d %s", q.StatusCode, p.body(q))
	}
	d := passkeytest.New(p.origin)
	a, err := d.Create([]byte(p.body(q)))
	if err != nil {
		p.Fatal(err)
	}
	if r := p.ask("POST", "/en/passkeys", "do", "add", "name", name, "answer", string(a)); r.StatusCode != 303 || r.Header.Get("Location") != "/en/passkeys?saved=added" {
		p.Fatalf("%d %s", r.StatusCode, p.body(r))
	}
	return d
}

func (p *porch) enter(d *passkeytest.Device, lang string) *http.Response {
	p.Helper()
	a, err := d.Get([]byte(p.body(p.ask("POST", "/"+lang+"/sign-in/passkey"))))
	if err != nil {
		p.Fatal(err)
	}
	return p.ask("POST", "/"+lang+"/sign-in", "answer", string(a), "to", "/x")
}

func TestSomebodyAddsAPasskeyAndComesInByIt(t *testing.T) {
	p := atOrigin(t, "http://localhost:7376", "")
	d := p.add("  My\tphone <b> ")
	if b := p.body(p.ask("GET", "/en/passkeys?saved=added")); !strings.Contains(b, "My phone &lt;b&gt;") || !strings.Contains(b, "Works at localhost") || !strings.Contains(b, "not used yet") || !strings.Contains(b, `data-passkey="create"`) {
		t.Error(b)
	}
	laptop := p.cookie
	p.cookie = nil
	if b := p.body(p.ask("GET", "/fr/sign-in?to=/x")); !strings.Contains(b, `data-passkey="get"`) || !strings.Contains(b, `type="password"`) {
		t.Error(b)
	}
	if r := p.enter(d, "fr"); r.StatusCode != 303 || r.Header.Get("Location") != "/fr/x" {
		t.Fatalf("%d %s", r.StatusCode, p.body(r))
	}
	if b := p.body(p.ask("GET", "/fr/x")); !strings.Contains(b, "secret of owner") {
		t.Error(b)
	}
	phone := p.cookie
	p.cookie = laptop
	id := base64.RawURLEncoding.EncodeToString(d.ID)
	for _, wrong := range []string{"", "%", "AAAA"} {
		if r := p.ask("POST", "/en/passkeys", "do", "remove", "id", wrong); r.StatusCode != 404 {
			t.Errorf("%q is removed: %d", wrong, r.StatusCode)
		}
	}
	p.ask("POST", "/en/passkeys", "do", "remove", "id", id)
	if r := p.ask("GET", "/en/x"); r.StatusCode != 200 {
		t.Errorf("who removed it is out: %d", r.StatusCode)
	}
	p.cookie = phone
	if r := p.ask("GET", "/en/x"); r.StatusCode != 303 {
		t.Errorf("who came in by it is still in: %d", r.StatusCode)
	}
	if r := p.enter(d, "en"); r.StatusCode != 403 || !strings.Contains(p.body(r), locale.New(locale.English).Text("page.passkey.error.refused")) {
		t.Errorf("it still lets in: %d", r.StatusCode)
	}
}

func TestSomebodySignsOutEverywhereElse(t *testing.T) {
	p := atOrigin(t, "http://localhost:7376", "")
	d := p.add("phone")
	laptop := p.cookie
	p.enter(d, "en")
	p.ask("POST", "/en/passkeys", "do", "leave")
	if r := p.ask("GET", "/en/x"); r.StatusCode != 200 {
		t.Errorf("here: %d", r.StatusCode)
	}
	p.cookie = laptop
	if r := p.ask("GET", "/en/x"); r.StatusCode != 303 {
		t.Errorf("elsewhere: %d", r.StatusCode)
	}
}

func TestWhatIsWrongWithAPasskeyIsSaidInWords(t *testing.T) {
	p := atOrigin(t, "https://home.example", "")
	p.direct = true
	d := p.add("phone")
	words := locale.New(locale.French)
	for _, c := range []struct {
		key    string
		status int
		pairs  []string
	}{
		{"page.passkey.error.title", 400, []string{"do", "add", "name", " ", "answer", "{}"}},
		{"page.passkey.error.title", 400, []string{"do", "add", "name", strings.Repeat("é", 41), "answer", "{}"}},
		{"page.passkey.error.refused", 400, []string{"do", "add", "name", "é", "answer", "{}"}},
		{"page.passkey.error.refused", 400, []string{"do", "add", "name", "é"}},
		{"page.error.missing", 404, []string{"do", "else"}},
		{"page.error.large", 413, []string{"do", "add", "name", "é", "answer", strings.Repeat("x", 200<<10)}},
	} {
		r := p.ask("POST", "/fr/passkeys", c.pairs...)
		if b := p.body(r); r.StatusCode != c.status || !strings.Contains(b, words.Text(c.key)) {
			t.Errorf("%.60q: %d, want %q", c.pairs, r.StatusCode, words.Text(c.key))
		}
	}
	p.cookie = nil
	if r := p.ask("POST", "/fr/passkeys/new"); r.StatusCode != 303 {
		t.Errorf("somebody who is not known is asked for a passkey: %d", r.StatusCode)
	}
	if r := p.ask("POST", "/fr/sign-in", "answer", strings.Repeat("x", 200<<10)); r.StatusCode != 413 {
		t.Errorf("a large answer: %d", r.StatusCode)
	}
	d.Count = 1000
	p.enter(d, "fr")
	d.Count = 1
	if r := p.enter(d, "fr"); r.StatusCode != 403 || !strings.Contains(p.body(r), words.Text("page.passkey.error.copied")) {
		t.Errorf("a copy: %d", r.StatusCode)
	}
}

// Where browsers allow no passkey, none is offered, and it is said why.
func TestWhereNoPasskeyCanBeItIsSaidWhy(t *testing.T) {
	words := locale.New(locale.English)
	for _, c := range []struct {
		origin, public string
		direct         bool
		why, there     string
	}{
		{"http://localhost:7376", "", false, "", ""},
		{"https://home.example", "", true, "", ""},
		{"https://home.example:8443", "", true, "", ""},
		{"https://id.example", "https://id.example", false, "", ""},
		{"http://127.0.0.1:7376", "", false, "loopback", "http://localhost:7376/en/sign-in"},
		{"http://[::1]:7376", "", false, "loopback", "http://localhost:7376/en/sign-in"},
		{"https://192.0.2.1", "https://id.example:8443", true, "address", "https://id.example:8443/en/sign-in"},
		{"https://192.0.2.1", "", true, "address", ""},
		{"http://home.example", "", false, "open", ""},
		{"https://home.example.", "", true, "name", ""},
		{"https://home.example:x", "", true, "name", ""},
	} {
		p := atOrigin(t, c.origin, c.public)
		p.direct = c.direct
		if got := p.ask("POST", "/en/sign-in/passkey").StatusCode; got != map[bool]int{true: 200, false: 409}[c.why == ""] {
			t.Errorf("%s: a question is answered with %d", c.origin, got)
		}
		door := p.body(p.ask("GET", "/en/sign-in"))
		p.ask("POST", "/en/sign-in", "code", p.site.Door.Code("owner"))
		ring := p.body(p.ask("GET", "/en/passkeys"))
		for name, b := range map[string]string{"sign-in": door, "passkeys": ring} {
			if offered := strings.Contains(b, "data-passkey="); offered != (c.why == "") {
				t.Errorf("%s, %s: offered %v", c.origin, name, offered)
			}
			if c.why != "" && !strings.Contains(b, words.Text("page.passkey.none."+c.why)) || c.there != "" && !strings.Contains(b, `href="`+c.there+`"`) {
				t.Errorf("%s, %s: it is not said why\n%s", c.origin, name, b)
			}
		}
	}
}

// A proxy that ends TLS is known by the public URL alone, never by what a request says of itself.
func TestASessionIsSecureWhereTheBrowserIs(t *testing.T) {
	for _, c := range []struct {
		name, origin, public string
		direct, secure       bool
	}{
		{"encrypted by us", "https://home.example", "", true, true},
		{"encrypted by a proxy", "https://id.example", "https://id.example", false, true},
		{"by a proxy, at another port", "https://id.example:8443", "https://id.example:8443", false, true},
		{"past the proxy, on this machine", "http://127.0.0.1:7390", "https://id.example", false, false},
		{"not encrypted", "http://home.example", "", false, false},
		{"a public URL that is not encrypted", "http://id.example", "http://id.example", false, false},
	} {
		p := atOrigin(t, c.origin, c.public)
		p.direct = c.direct
		r := p.ask("POST", "/en/sign-in", "code", p.site.Door.Code("owner"))
		if p.cookie == nil || p.cookie.Secure != c.secure || strings.HasPrefix(p.cookie.Name, "__Host-") != c.secure || p.cookie.Path != "/" || p.cookie.Domain != "" || !p.cookie.HttpOnly || p.cookie.SameSite != http.SameSiteStrictMode {
			t.Errorf("%s: %d, %+v", c.name, r.StatusCode, p.cookie)
			continue
		}
		if r := p.ask("GET", "/en/x"); r.StatusCode != 200 {
			t.Errorf("%s: who came in is not known: %d", c.name, r.StatusCode)
		}
		p.cookie.Name = map[bool]string{true: "plimsoll-" + p.site.Name, false: "__Host-plimsoll-" + p.site.Name}[c.secure]
		if r := p.ask("GET", "/en/x"); r.StatusCode != 303 {
			t.Errorf("%s: a cookie by another name is taken: %d", c.name, r.StatusCode)
		}
	}
	p := atOrigin(t, "http://home.example", "https://id.example")
	r := httptest.NewRequestWithContext(context.Background(), "POST", "/en/sign-in", strings.NewReader("code="+p.site.Door.Code("owner")))
	r.Host = "home.example"
	for _, h := range [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "id.example"}, {"Forwarded", "proto=https;host=id.example"}} {
		r.Header.Set(h[0], h[1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) != 1 || c[0].Secure || c[0].Name != "plimsoll-"+p.site.Name {
		t.Errorf("what a request says of itself is believed: %+v", c)
	}
}

// A passkey of one origin is no answer at another, whatever its browser says.
func TestAPasskeyOpensNoOtherSite(t *testing.T) {
	p := atOrigin(t, "https://id.example", "https://id.example")
	d := p.add("phone")
	p.cookie = nil
	d.Origin = "https://id.example.evil.example"
	if r := p.enter(d, "en"); r.StatusCode != 403 || p.cookie != nil {
		t.Errorf("an answer given elsewhere: %d", r.StatusCode)
	}
	p.origin = "http://evil.example"
	if r := p.ask("POST", "/en/sign-in/passkey"); r.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a question by another name: %d", r.StatusCode)
	}
}

// Who guesses behind a proxy is slowed down, and nobody else, if the proxy says who asks and the operator says that it does.
func TestAGuesserBehindAProxyIsSlowedDownAlone(t *testing.T) {
	for _, c := range []struct {
		name      string
		forwarded bool
		header    func(i int) string
		other     string
		want      int // what who is another is answered
	}{
		{"the proxy says who asks", true, func(int) string { return "198.51.100.1" }, "198.51.100.2", 403},
		{"a guesser adds another name each time", true, func(i int) string { return "203.0.113." + string(rune('0'+i%10)) + ", 198.51.100.1" }, "1.2.3.4, 198.51.100.1", 429},
		{"nobody said that the proxy does", false, func(i int) string { return "203.0.113." + string(rune('0'+i%10)) }, "198.51.100.2", 429},
	} {
		p := atOrigin(t, "https://id.example", "https://id.example")
		p.site.Forwarded = c.forwarded
		guess := func(from string) int {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/en/sign-in", strings.NewReader("name=ann&password=guess"))
			r.Host, r.RemoteAddr = "id.example", "127.0.0.1:1"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-For", from)
			w := httptest.NewRecorder()
			p.handler.ServeHTTP(w, r)
			return w.Code
		}
		for i := range 12 {
			if got := guess(c.header(i)); i < 10 && got != 403 || i >= 10 && got != 429 {
				t.Errorf("%s: guess %d: %d", c.name, i, got)
			}
		}
		if got := guess(c.other); got != c.want {
			t.Errorf("%s: somebody else: %d, want %d", c.name, got, c.want)
		}
	}
}
