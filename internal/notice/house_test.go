package notice_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
	"plimsoll.example/plimsoll/internal/sqlite"
)

// house is a home with something to tell, and a clock that a test sets.
type house struct {
	*notice.Post
	store  *sqlite.Store
	now    time.Time
	causes []notice.Cause
	asked  int                  // for its causes
	during func(w *notice.Week) // what happens while the week is composed; nil is nothing
	log    bytes.Buffer
	faults map[string]error
}

// evening is a Sunday before the digest is due.
var evening = time.Date(2026, 11, 29, 12, 0, 0, 0, time.Local)

func newHouse(t *testing.T) *house {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	h := &house{store: store, now: evening, faults: map[string]error{}}
	h.start(t, t.TempDir(), store)
	return h
}

// start is the program as it begins, with what is kept.
func (h *house) start(t *testing.T, dir string, ledger notice.Ledger) {
	t.Helper()
	h.Post = &notice.Post{
		Dir: dir, Ledger: ledger, Source: h, Now: func() time.Time { return h.now }, Log: slog.New(slog.NewTextHandler(&h.log, nil)),
		Link:  func(l locale.Lang) string { return "https://plimsoll.home/" + string(l) + "/" },
		Fault: func(_ context.Context, what string, err error) { h.faults[what] = err },
	}
	if err := h.Open(); err != nil {
		t.Fatal(err)
	}
}

// Home is what it is called.
func (h *house) Home(context.Context) (string, error) { return "The Élm", nil }

// Week is what the home says of the week. The name of a device is a stranger’s.
func (h *house) Week(_ context.Context, words *locale.Catalogue) (*notice.Week, error) {
	w := &notice.Week{
		Schema: notice.WeekSchema, Lang: words.Lang(), Home: "The Élm", From: h.now.AddDate(0, 0, -7), To: h.now, Sentence: words.Text("report.sentence.devices", "n", 3),
		Devices: map[string]int{"fine": 2, "act": 1, "check": 0, "unknown": 0},
		Actions: []notice.Action{{Device: "d1", Name: "porch\r\nBcc: all@evil.example\u202e<img src=http://evil.example>", State: "act", Do: "Do it.", Why: "Why not?"}},
		New:     []notice.Mention{{Device: "d2", Name: "lamp", Text: "Light"}}, Found: []notice.Mention{}, Labels: []notice.Mention{}, Support: []notice.Mention{},
	}
	if h.during != nil {
		h.during(w)
	}
	return w, nil
}

// Counts are how the home stands.
func (h *house) Counts(context.Context) (map[string]int, error) {
	return map[string]int{"fine": 2, "act": len(h.causes), "check": 0, "unknown": 0}, nil
}

// Causes are what may interrupt.
func (h *house) Causes(context.Context, *locale.Catalogue) ([]notice.Cause, error) {
	h.asked++
	return slices.Clone(h.causes), nil
}

func (h *house) add(t *testing.T, c notice.Channel) string {
	t.Helper()
	if c.Lang == "" {
		c.Lang = locale.English
	}
	if err := h.Change(func(s *notice.Settings) error { s.Put(c); return nil }); err != nil {
		t.Fatal(err)
	}
	s := h.Settings()
	return s.Channels[len(s.Channels)-1].ID
}

// steps lets time go by, so much at a time.
func (h *house) steps(t *testing.T, d, every time.Duration) {
	t.Helper()
	for end := h.now.Add(d); h.now.Before(end); h.now = h.now.Add(every) {
		if err := h.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// certificates are an authority, and a server of a name, as files.
type certificates struct{ ca, cert, key, text string }

func issue(t *testing.T, name string) *certificates {
	t.Helper()
	ca := certtest.Issue(t, nil, "Home", nil)
	server := certtest.Issue(t, ca, name, func(c *x509.Certificate) {
		c.DNSNames, c.ExtKeyUsage = []string{name, name + "."}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(name); ip != nil {
			c.DNSNames, c.IPAddresses = nil, []net.IP{ip}
		}
	})
	key, err := x509.MarshalPKCS8PrivateKey(server.Key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &certificates{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), ""}
	c.text = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw}))
	for name, data := range map[string][]byte{
		c.ca: []byte(c.text), c.cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Cert.Raw}),
		c.key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// lacks ends a test for which a program is missing.
func lacks(t *testing.T, what, debian string) {
	t.Helper()
	text := fmt.Sprintf("no %s here (Debian has it in %s)", what, debian)
	if os.Getenv("PLIMSOLL_SERVERS") == "require" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// kind is that of a trouble, "" for none.
func kind(err error) string {
	if err == nil {
		return ""
	}
	return notice.KindOf(err)
}

// freePort is a port that nobody has, and that the kernel gives to nobody who asks for any: those begin at 32768.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(12_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}
