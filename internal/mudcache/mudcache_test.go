package mudcache_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/mud"
)

// maker is the server of a maker, a real one on loopback.
type maker struct {
	*httptest.Server
	root, signer *certtest.Holder
	file, p7s    []byte
	kind         string
	asked        int // for the file, unconditionally
	unchanged    int // times that it said 304
	header       http.Header
	serve        http.HandlerFunc // instead of all that
}

func newMaker(t *testing.T) *maker {
	m := &maker{root: certtest.Issue(t, nil, "root", nil), kind: "application/mud+json", header: http.Header{}}
	m.signer = certtest.Issue(t, m.root, "signer", nil)
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case m.serve != nil:
			m.serve(w, r)
		case strings.HasSuffix(r.URL.Path, ".p7s"):
			w.Header().Set("Content-Type", "application/pkcs7-signature")
			_, _ = w.Write(m.p7s)
		case r.Header.Get("If-None-Match") != "" && r.Header.Get("If-None-Match") == m.header.Get("ETag"):
			m.unchanged++
			w.WriteHeader(http.StatusNotModified)
		default:
			m.asked++
			for k, v := range m.header {
				w.Header()[k] = v
			}
			w.Header().Set("Content-Type", m.kind)
			_, _ = w.Write(m.file)
		}
	}))
	m.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	m.StartTLS()
	t.Cleanup(m.Close)
	m.write(t, "1")
	return m
}

// write puts a new file on the server, signed.
func (m *maker) write(t *testing.T, version string) {
	t.Helper()
	m.file = fmt.Appendf(nil, `{"ietf-mud:mud":{"mud-version":1,"mud-url":%q,"mud-signature":%q,"cache-validity":24,"systeminfo":%q}}`,
		m.link(), m.URL+"/lamp.p7s", version)
	m.header.Set("ETag", `"`+version+`"`)
	m.sign(t, m.signer)
}

func (m *maker) sign(t *testing.T, by *certtest.Holder) {
	t.Helper()
	p7s, err := mud.Sign(m.file, by.Cert, by.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.p7s = p7s
}

func (m *maker) link() string { return m.URL + "/lamp.json" }

// cache is one that trusts the maker, at a time that can be moved.
func (m *maker) cache(t *testing.T, now *time.Time) *mudcache.Cache {
	roots := x509.NewCertPool()
	roots.AddCert(m.Certificate())
	*now = time.Now()
	return &mudcache.Cache{
		Dir: t.TempDir(), Anchors: []*x509.Certificate{m.root.Cert}, Log: slog.New(slog.DiscardHandler),
		Fetcher: mudcache.Fetcher{
			Roots: roots, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Now: func() time.Time { return *now }, Floor: time.Now().AddDate(-1, 0, 0),
		},
	}
}

func get(t *testing.T, c *mudcache.Cache, link string) *mudcache.Entry {
	t.Helper()
	e, err := c.Get(context.Background(), link, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestASignedFileIsFetchedVerifiedAndKept(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	e := get(t, c, m.link())
	if e.Current == nil || e.Current.State != mudcache.Verified || !e.Current.Usable() || string(e.Current.File) != string(m.file) || e.Next != nil {
		t.Fatalf("%+v", e)
	}
	// another process finds it, and asks nobody before its time
	other := &mudcache.Cache{Dir: c.Dir, Fetcher: c.Fetcher, Anchors: c.Anchors, Log: c.Log}
	now = now.Add(23 * time.Hour)
	if e = get(t, other, m.link()); e.Current == nil || m.asked != 1 {
		t.Errorf("asked %d times within cache-validity", m.asked)
	}
	now = now.Add(2 * time.Hour)
	if e = get(t, c, m.link()); m.asked != 1 || m.unchanged != 1 || !e.Due.After(now.Add(23*time.Hour)) {
		t.Errorf("asked %d times, told %d times that nothing changed, next at %v", m.asked, m.unchanged, e.Due)
	}
}

func TestAServerMayLengthenAndNotShortenTheTimeBetweenLooks(t *testing.T) {
	for given, want := range map[string]time.Duration{"max-age=60": 24 * time.Hour, "public, max-age=360000": 100 * time.Hour, "max-age=99999999": 30 * 24 * time.Hour} {
		var now time.Time
		m := newMaker(t)
		m.header.Set("Cache-Control", given)
		if e := get(t, m.cache(t, &now), m.link()); e.Due.Sub(now) != want {
			t.Errorf("%s: next look after %v, want %v", given, e.Due.Sub(now), want)
		}
	}
}

func TestWhatIsNotVerifiedWaitsForAYes(t *testing.T) {
	stranger := certtest.Issue(t, nil, "stranger", nil)
	for name, c := range map[string]struct {
		change func(*maker)
		state  mudcache.State
	}{
		"no signature named":          {func(m *maker) { m.file = []byte(`{"ietf-mud:mud":{"mud-version":1}}`) }, mudcache.Unsigned},
		"a signature that is away":    {func(m *maker) { m.p7s = nil }, mudcache.Refused},
		"an altered file":             {func(m *maker) { m.file = append(m.file, ' ') }, mudcache.Refused},
		"a signer whom nobody knows":  {func(m *maker) { m.sign(t, certtest.Issue(t, stranger, "signer", nil)) }, mudcache.Refused},
		"a signature at a http URL":   {func(m *maker) { m.file = []byte(`{"ietf-mud:mud":{"mud-signature":"http://127.0.0.1/x.p7s"}}`) }, mudcache.Refused},
		"a signature without address": {func(m *maker) { m.file = []byte(`{"ietf-mud:mud":{"mud-signature":"https://[::1"}}`) }, mudcache.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			var now time.Time
			m := newMaker(t)
			c.change(m)
			cache := m.cache(t, &now)
			e := get(t, cache, m.link())
			if e.Current != nil || e.Next == nil || e.Next.State != c.state || e.Next.Usable() || e.Next.Reason == "" {
				t.Fatalf("current %+v, next %+v", e.Current, e.Next)
			}
			if _, err := cache.Approve(m.link(), strings.Repeat("0", 64), "ann"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("approved octets that do not wait: %v", err)
			}
			if e, err := cache.Approve(m.link(), e.Next.SHA256, "ann"); err != nil || !e.Current.Usable() || e.Next != nil {
				t.Errorf("after the yes: %+v, %v", e, err)
			}
		})
	}
}

func TestANewerFileOfTheSameSignerAsksUnlessAccepted(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	first := get(t, c, m.link()).Current.SHA256
	m.write(t, "2")
	now = now.Add(25 * time.Hour)
	e := get(t, c, m.link())
	if e.Current.SHA256 != first || e.Next == nil || e.Next.State != mudcache.Verified {
		t.Fatalf("not asked: %+v", e)
	}
	c.Accept = func(old, next *mudcache.Version) bool { return old.SHA256 == first && next.SHA256 != first }
	m.write(t, "3")
	now = now.Add(25 * time.Hour)
	if e = get(t, c, m.link()); e.Next != nil || !strings.Contains(string(e.Current.File), `"3"`) {
		t.Errorf("accepted, and not taken: %+v", e)
	}
	// a signer that nobody saw before is never taken without asking
	m.write(t, "4")
	m.sign(t, certtest.Issue(t, m.root, "another signer", nil))
	c.Accept = func(_, _ *mudcache.Version) bool { return true }
	now = now.Add(25 * time.Hour)
	if e = get(t, c, m.link()); e.Next == nil || strings.Contains(string(e.Current.File), `"4"`) {
		t.Errorf("another signer was taken: %+v", e)
	}
}

// Who gets a signature of his own for the octets that are in use, must not thereby become the one whose next file is
// taken without asking.
func TestASecondSignatureOfTheSameFileChangesNoSigner(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	c.Accept = func(_, _ *mudcache.Version) bool { return true }
	first := get(t, c, m.link()).Current
	other := certtest.Issue(t, m.root, "another signer", nil)
	m.sign(t, other)
	m.header.Del("ETag")
	now = now.Add(25 * time.Hour)
	if e := get(t, c, m.link()); e.Current.Signer != first.Signer {
		t.Errorf("now it is %s who signs", e.Current.Signer)
	}
	m.write(t, "2")
	m.sign(t, other)
	now = now.Add(25 * time.Hour)
	if e := get(t, c, m.link()); e.Current.SHA256 != first.SHA256 || e.Next == nil {
		t.Errorf("the other signer’s file was taken: %+v", e)
	}
}

func TestAServerThatSaysNothingChangedAtFirstGivesNothing(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	m.serve = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }
	e, err := m.cache(t, &now).Get(context.Background(), m.link(), nil)
	if !errors.Is(err, mudcache.ErrServer) || e.Current != nil || e.Fault == "" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestAURLIsTheSameWithAFragment(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	m.file = []byte(`{"ietf-mud:mud":{"mud-version":1}}`)
	e := get(t, c, m.link()+"#x")
	if _, err := c.Approve(m.link()+"#y", e.Next.SHA256, "ann"); err != nil {
		t.Error(err)
	}
	if err := c.Forget(m.link() + "#z"); err != nil {
		t.Error(err)
	}
	if e = get(t, c, m.link()); e.Current != nil {
		t.Errorf("it was to be forgotten: %+v", e)
	}
}

func TestTheLastGoodFileStaysWhateverTheServerDoes(t *testing.T) {
	good := newMaker(t)
	var now time.Time
	c := good.cache(t, &now)
	first := get(t, c, good.link()).Current.SHA256
	for name, serve := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<p>"))
		},
		"too much":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, mudcache.MaxFile+1)) },
		"compressed": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "gzip") },
		"another charset": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/mud+json; charset=latin1")
		},
		"another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		},
		"plain http": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
		},
		"another port": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusFound)
		},
		"in circles":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"hanging up":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"much header": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 100<<10)) },
		"the downgrade": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/mud+json")
			_, _ = w.Write([]byte(`{"ietf-mud:mud":{}}`))
		},
	} {
		good.serve = serve
		now = now.Add(40 * 24 * time.Hour)
		e, err := c.Get(context.Background(), good.link(), nil)
		if e == nil || e.Current == nil || e.Current.SHA256 != first || !e.Current.Usable() {
			t.Fatalf("%s: %+v, %v", name, e, err)
		}
		if name == "the downgrade" {
			if err != nil || e.Next == nil || e.Next.State != mudcache.Unsigned {
				t.Errorf("%s: %+v, %v", name, e.Next, err)
			}
			continue
		}
		if err == nil || e.Fault == "" {
			t.Errorf("%s: no fault", name)
		}
		if again, err := c.Get(context.Background(), good.link(), nil); err == nil || again.Faults != e.Faults {
			t.Errorf("%s: asked again at once", name)
		}
	}
}

func TestAServerWhoseCertificateIsNotGoodIsNotAsked(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	c.Fetcher.Roots = x509.NewCertPool()
	for _, when := range []string{"at first", "again at once"} { // the second answer is that of the first try
		e, err := c.Get(context.Background(), m.link(), nil)
		if !errors.Is(err, mudcache.ErrTransport) || e.Current != nil || m.asked != 0 {
			t.Errorf("%s: %+v, %v, asked %d times", when, e, err, m.asked)
		}
	}
}

func TestAWrongClockIsNeitherAYesNorANo(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	set := now
	now = time.Unix(42, 0)
	e, err := c.Get(context.Background(), m.link(), nil)
	if !errors.Is(err, mud.ErrClock) || e.Current != nil || e.Fault != "" {
		t.Fatalf("%+v, %v", e, err)
	}
	now = set
	get(t, c, m.link())
	now = time.Unix(42, 0) // after a reboot what was verified is in use
	if e, err := c.Get(context.Background(), m.link(), nil); e == nil || !e.Current.Usable() || !errors.Is(err, mud.ErrClock) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestOnlyTheSignerThatTheDeviceNamesCounts(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	if _, err := c.Get(context.Background(), m.link(), m.signer.Cert.RawSubject); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(context.Background(), m.link(), m.root.Cert.RawSubject); !errors.Is(err, mud.ErrUntrusted) {
		t.Errorf("another device of the same URL names another signer: %v", err)
	}
}

func TestMediaTypesOfTheRealWorldAreTakenWithANote(t *testing.T) {
	for _, kind := range []string{"application/json", "text/plain; charset=utf-8", "application/octet-stream"} {
		var now time.Time
		m := newMaker(t)
		m.kind = kind
		if e := get(t, m.cache(t, &now), m.link()); !e.Current.Usable() || len(e.Current.Notes) != 1 {
			t.Errorf("%s: %+v", kind, e.Current)
		}
	}
}

func TestOnlyPublicHTTPSIsFetched(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	c.Fetcher.Allow = nil
	port := m.URL[strings.LastIndexByte(m.URL, ':'):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255"} {
		if _, err := c.Get(context.Background(), "https://"+host+port+"/lamp.json", nil); !errors.Is(err, mudcache.ErrAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, link := range []string{"http://lamps.example/l.json", "file:///etc/passwd", "https://", "https://user:pass@lamps.example/", "lamps.example", "https://" + strings.Repeat("x", 3000), "https://lamps.example/\x00"} {
		if _, err := c.Get(context.Background(), link, nil); !errors.Is(err, mudcache.ErrURL) {
			t.Errorf("%.40q: %v", link, err)
		}
	}
	if m.asked != 0 {
		t.Errorf("asked %d times", m.asked)
	}
}

func TestASlowServerIsGivenUp(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	m.serve = func(http.ResponseWriter, *http.Request) { <-stop }
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := m.cache(t, &now).Get(ctx, m.link(), nil); err == nil {
		t.Error("waited for nothing, and said nothing")
	}
}

func TestADamagedEntryIsPutAsideAndFetchedAgain(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	get(t, c, m.link())
	names, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"cut": data[:len(data)/2], "empty": nil, "of another URL": []byte(strings.Replace(string(data), "lamp", "limp", 1)),
		"another file in it": []byte(strings.Replace(string(data), `"file":"`, `"file":"AAAA`, 1)),
	} {
		if err := os.WriteFile(names[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if e := get(t, c, m.link()); e.Current == nil {
			t.Errorf("%s: %+v", name, e)
		}
		if kept, err := os.ReadFile(strings.TrimSuffix(names[0], "json") + "damaged"); err != nil || string(kept) != string(damaged) {
			t.Errorf("%s: not kept: %v", name, err)
		}
	}
}

func TestDevicesCannotFillTheDisk(t *testing.T) {
	var now time.Time
	m := newMaker(t)
	c := m.cache(t, &now)
	for i := range mudcache.MaxEntries {
		if err := os.WriteFile(filepath.Join(c.Dir, fmt.Sprintf("%d.json", i)), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Get(context.Background(), m.link(), nil); !errors.Is(err, mudcache.ErrFull) {
		t.Errorf("one more: %v", err)
	}
	if err := os.Remove(filepath.Join(c.Dir, "0.json")); err != nil {
		t.Fatal(err)
	}
	get(t, c, m.link()) // counts anew
	if err := c.Retain([]string{"not a URL", m.link()}); err != nil {
		t.Fatal(err)
	}
	if names, err := filepath.Glob(filepath.Join(c.Dir, "*.json")); err != nil || len(names) != 1 {
		t.Errorf("%d are left of what nobody wants, %v", len(names), err)
	}
	if e, err := c.Kept(m.link()); err != nil || e.Current == nil {
		t.Errorf("what is wanted is forgotten: %v", err)
	}
}

// What is kept may be damaged, or written by somebody else: no digest of it is believed.
func FuzzKeptEntry(f *testing.F) {
	const link = "https://lamps.example/lamp.json"
	sum := sha256.Sum256([]byte(link))
	none := strings.Repeat("0", 64) // the digest of nothing that is known
	f.Add([]byte(`{"url":"` + link + `","next":{"sha256":"` + none + `","state":"verified","file":"e30="}}`))
	f.Add([]byte(`{"url":"https://other.example/"}`))
	f.Add([]byte(`{"url":1`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		name := filepath.Join(dir, hex.EncodeToString(sum[:])[:32]+".json")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := &mudcache.Cache{Dir: dir, Log: slog.New(slog.DiscardHandler)}
		if e, err := c.Approve(link, none, "ann"); err == nil {
			t.Errorf("octets that do not have their digest are approved: %+v", e)
		}
	})
}
