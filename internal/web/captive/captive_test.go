package captive

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

func page(t *testing.T, d *home.Device) *Page {
	t.Helper()
	p, err := New(Config{
		Device: func(a netip.Addr) (*home.Device, []string) {
			if a.IsLoopback() || a == netip.MustParseAddr("192.0.2.10") {
				return d, []string{"updates.maker.example", "fw.maker.example"}
			}
			return nil, nil
		},
		Contact: "Nadia, 0612345678", Lang: locale.English, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lamp() *home.Device {
	d := &home.Device{ID: "d0123456789abcdef", MACs: []frame.MAC{{2, 0, 0, 0, 0, 1}}, Name: "Lampe du salon"}
	d.State, d.Reason, d.Since = home.Quarantined, "it scans the neighbours", time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)
	return d
}

func ask(p *Page, method, url, lang string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, strings.NewReader("secret"))
	r.RemoteAddr = "192.0.2.10:40000"
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func TestAPageSaysWhyWhatToDoAndWhomToCallInBothLanguages(t *testing.T) {
	p := page(t, lamp())
	for lang, words := range map[string][]string{
		"en-GB":            {`lang="en"`, "is cut off from the network", "What to do", "Whom to call"},
		"fr-CA,fr;q=0.9":   {`lang="fr"`, "cet appareil est coupé du réseau", "Que faire", "Qui appeler"},
		"de":               {`lang="en"`},
		"en;q=0.1, fr;q=1": {`lang="fr"`},
	} {
		w := ask(p, "GET", "http://anything.example/at/all?x", lang)
		body := w.Body.String()
		for _, s := range append(words, "Lampe du salon", "it scans the neighbours", "Nadia, 0612345678", "updates.maker.example", "fw.maker.example", "plimsoll home watch d0123456789abcdef") {
			if !strings.Contains(body, s) {
				t.Errorf("%s: the page does not say %q", lang, s)
			}
		}
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v", lang, w.Code, w.Header())
		}
		for _, s := range []string{"<script", "http://", "https://", "captive."} {
			if strings.Contains(body, s) {
				t.Errorf("%s: the page has %q", lang, s)
			}
		}
	}
	if csp := ask(p, "GET", "/", "").Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}

// Phones and computers ask for a page that they know, and show another answer to their owner.
func TestWhatPhonesAskToFindAPortalIsNotWhatTheyAwait(t *testing.T) {
	p := page(t, lamp())
	for url, awaited := range map[string]string{
		"http://connectivitycheck.gstatic.com/generate_204": "",
		"http://captive.apple.com/hotspot-detect.html":      "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
		"http://www.msftconnecttest.com/connecttest.txt":    "Microsoft Connect Test",
		"http://detectportal.firefox.com/success.txt":       "success\n",
	} {
		w := ask(p, "GET", url, "fr")
		if w.Code != http.StatusOK || w.Body.String() == awaited || w.Body.Len() == 0 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %q", url, w.Code, w.Header().Get("Content-Type"))
		}
	}
	if w := ask(p, "POST", "http://collect.example/", "en"); w.Code != http.StatusNetworkAuthenticationRequired {
		t.Errorf("what a device sends seems to have arrived: %d", w.Code)
	}
}

func TestStrangersTextIsShownAndNotObeyed(t *testing.T) {
	d := lamp()
	d.Name, d.Reason = `<img src=x onerror=alert(1)>`+"\u202e", strings.Repeat("ab", maxText)+`</p><script>x</script>`
	body := ask(page(t, d), "GET", "/", "en").Body.String()
	for _, s := range []string{"<img", "<script", "\u202e"} {
		if strings.Contains(body, s) {
			t.Errorf("%q is on the page", s)
		}
	}
	if len(body) > 8<<10 {
		t.Errorf("%d octets", len(body))
	}
}

func TestWhoIsNotInQuarantineGetsNoPage(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "192.0.2.11:40000"
	w := httptest.NewRecorder()
	page(t, lamp()).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "Lampe") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestHostileRequestsAreBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	p := page(t, lamp())
	go func() { done <- p.Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	say := func(text string) string {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, text)
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.TrimSpace(line)
	}
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                                                                "HTTP/1.1 200",
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n":                      "HTTP/1.1 431",
		"\x16\x03\x01 no HTTP at all\r\n\r\n":                                                              "HTTP/1.1 400",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n" + strings.Repeat("x", 100_000): "HTTP/1.1 511",
	} {
		if got := say(text); !strings.HasPrefix(got, want) {
			t.Errorf("%.40q: %q, want %s", text, got, want)
		}
	}
	// who holds on to connections and says nothing gets no more of them, and soon has none
	var held []net.Conn
	for range maxOfOne + 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	ended := 0
	for _, c := range held {
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != nil && !strings.Contains(err.Error(), "timeout") {
			ended++
		}
	}
	if ended < 3 || ended == len(held) { // those before may linger
		t.Errorf("%d of %d idle connections were hung up on at once, want 3 or a few more", ended, len(held))
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if strings.HasPrefix(say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("idle connections keep others away for good")
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add("GET", "/", "fr", "192.0.2.10:1", "Lamp", "why")
	f.Add("BREW", "/%00", "\xff", "[::1]:9", "\xff\u202e<", `"'>{{.}}`)
	d := lamp()
	p, err := New(Config{Device: func(netip.Addr) (*home.Device, []string) { return d, nil }, Lang: locale.French, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	tags := strings.Count(ask(p, "GET", "/", "fr").Body.String(), "<")
	f.Fuzz(func(t *testing.T, method, path, lang, from, name, reason string) {
		d.Name, d.Reason = name, reason
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.RemoteAddr, r.URL.Path = method, from, path
		r.Header.Set("Accept-Language", lang)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if body := w.Body.String(); w.Code == http.StatusOK && strings.Count(body, "<") != tags {
			t.Errorf("what strangers wrote became part of the page:\n%s", body)
		}
	})
}
