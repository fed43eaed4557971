// Package shoptest is a registry for tests of its pages: one that has a bit of everything that they show.
package shoptest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/picture"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/internal/web/public"
	"plimsoll.example/plimsoll/internal/web/shop"
	"plimsoll.example/plimsoll/internal/web/workspace"
	"plimsoll.example/plimsoll/label"
)

// Password is that of every person: mia of a maker, leo of a laboratory, bea and ben of a certification body, olga of the
// scheme’s owner.
const Password = "correct horse"

// Counter is a registry that is served, with products in every state, and cases in every state.
type Counter struct {
	URL  string
	Desk *review.Desk

	Good, Check, Suspended, Withdrawn, Expired, Old, None string // GTINs; Old has three labels, None has none
	Draft, Asked, Proposed, Done, Returned, Change        string // IDs of cases; Change restores a label
}

// Open stocks a registry and serves it. Its words may be others than those of the program.
func Open(t testing.TB, words func(locale.Lang) *locale.Catalogue) *Counter {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.OpenRegistry(t.Context(), filepath.Join(dir, "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	reg, log := storetest.Run(t, store, dir, storetest.Noon)
	c := &Counter{Desk: storetest.Seat(t, reg, store)}
	quiet := slog.New(slog.DiscardHandler)
	api, err := public.New(public.Config{Registry: reg, Proofs: log, Files: labellog.Handler(filepath.Join(dir, "log")), Norms: c.Desk.Norms, Logger: quiet, Rate: 1000, Now: storetest.Noon, Words: words})
	if err != nil {
		t.Fatal(err)
	}
	people, err := (&shop.Pages{Registry: reg, Log: log, Norms: c.Desk.Norms, Rate: 50, Now: storetest.Noon, Logger: quiet}).Site("(test)", nil)
	if err != nil {
		t.Fatal(err)
	}
	door := auth.NewDoor(store, storetest.Noon)
	for name, account := range map[string]string{"mia": "maker", "leo": "lab", "bea": "body", "ben": "body", "olga": "owner"} {
		if err := door.Add(t.Context(), name, account, Password); err != nil {
			t.Fatal(err)
		}
	}
	writers, err := (&workspace.Pages{Desk: c.Desk, Door: door, Now: storetest.Noon, Logger: quiet}).Site("(test)", nil)
	if err != nil {
		t.Fatal(err)
	}
	people.Words, writers.Words = words, words
	server := httptest.NewServer(workspace.Beside(api.Handler(), served(t, people), served(t, writers)))
	t.Cleanup(server.Close)
	c.URL = server.URL
	c.stock(t)
	c.review(t)
	return c
}

func served(t testing.TB, s *page.Site) http.Handler {
	t.Helper()
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// product grants a label.
func (c *Counter) product(t testing.TB, n int, index uint32, category string, shown []byte, change func(*label.Statement)) (gtin string, id label.Hash) {
	t.Helper()
	s := storetest.Statement(n, index, storetest.Day)
	s.Maker, s.Model, s.Hardware, s.Firmware, s.MUDURL = "Northern Lights", fmt.Sprintf("Porch Camera %d", n), "B2", label.Range{From: "2.0"}, "https://mud.lights.example/porch"
	s.Sensors, s.Practices, s.Support = 1|2|16, 1|1<<2|1<<3|1<<6, storetest.Day+1220
	for i, norm := range label.ProfileNorms(1) {
		s.SetClass(norm, label.Class(1+i%4))
	}
	change(s)
	sign1, err := label.Sign(s, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.Desk.Registry.Grant(t.Context(), &registry.Submission{Sign1: sign1, Category: category, Picture: shown})
	if err != nil {
		t.Fatal(err)
	}
	return s.GTIN14(), l.ID
}

// decide changes a label, as the registry itself.
func (c *Counter) decide(t testing.TB, id label.Hash, verb label.Verb, reason label.Reason, note string, documents ...registry.Document) {
	t.Helper()
	if _, err := c.Desk.Registry.Decide(t.Context(), id, verb, reason, note, documents...); err != nil {
		t.Fatal(err)
	}
}

// stock grants labels, and does to them what can be done.
func (c *Counter) stock(t testing.TB) {
	t.Helper()
	same := func(*label.Statement) {}
	drawn, err := picture.Square(Photo(t))
	if err != nil {
		t.Fatal(err)
	}
	c.None = fmt.Sprintf("%014d", storetest.GTIN(77))
	c.Check, _ = c.product(t, 1, 1, "doorbell", nil, func(s *label.Statement) { s.Practices |= 1 << 4 })
	var id label.Hash
	c.Suspended, id = c.product(t, 2, 2, "light", drawn, func(s *label.Statement) {
		s.Maker, s.Model = strings.Repeat("Averylongname", 4), "Porch Camera Ultra 4K (second edition)"
		s.Sensors, s.Practices = 1|2|8|16|32, 0x7f
	})
	c.decide(t, id, label.Suspend, "exploited", "CVE-2026-0001: <see> the advisory.", registry.Document{Media: "text/plain", Body: []byte("why")})
	c.Withdrawn, id = c.product(t, 3, 3, "plug", nil, same)
	c.decide(t, id, label.Withdraw, "support-ended", "")
	c.Expired, id = c.product(t, 4, 4, "camera", nil, func(s *label.Statement) { s.Expires = storetest.Day })
	c.decide(t, id, label.Expire, "expired", "")
	for i, end := range []label.Reason{"superseded", "maker-request", ""} { // three labels, of which the last is in force
		c.Old, id = c.product(t, 5, uint32(5+i), "camera", nil, func(s *label.Statement) {
			s.Support, s.Firmware.From = storetest.Day+label.Day(300*i), fmt.Sprint(i+1, ".0")
		})
		if end != "" {
			c.decide(t, id, label.Withdraw, end, "See the next one.")
		}
	}
}

// review takes cases as far as they go, one of them to a label with a picture.
func (c *Counter) review(t testing.TB) {
	t.Helper()
	ctx, d := t.Context(), c.Desk
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	who := func(name, account string) *review.Person {
		return &review.Person{Name: name, Account: d.Registry.Account(account)}
	}
	mia, leo, bea, ben := who("mia", "maker"), who("leo", "lab"), who("bea", "body"), who("ben", "body")
	begun := func() string {
		x, err := d.Begin(ctx, mia, maker(t, "product.json"), "02:00:5e:70:00:14")
		must(err)
		for _, name := range []string{"declaration.json", "policy.md"} {
			must(d.Add(ctx, mia, x.ID, name, maker(t, name)))
		}
		must(d.Picture(ctx, mia, x.ID, Photo(t)))
		return x.ID
	}
	asked := func() string {
		id := begun()
		must(d.Ask(ctx, mia, id, "body"))
		must(d.Add(ctx, leo, id, "probe.json", maker(t, "probe.json")))
		return id
	}
	c.Draft, c.Asked, c.Proposed, c.Returned, c.Done = begun(), asked(), asked(), asked(), asked()
	must(d.For(ctx, bea, c.Proposed))
	must(d.Return(ctx, bea, c.Returned, "The policy does not say whom to write to."))
	must(d.For(ctx, bea, c.Done))
	must(d.Confirm(ctx, ben, c.Done, nil))
	done, err := d.Find(ctx, mia, c.Done)
	must(err)
	c.Good = fmt.Sprintf("%014d", done.GTIN)
	must(d.Suspend(ctx, bea, done.Label, "advisory", "See the advisory."))
	restored, err := d.Propose(ctx, bea, done.Label, label.Restore, "remedied", "2.1 mends it.")
	must(err)
	must(d.Confirm(ctx, ben, restored.ID, nil))
	old, err := d.Registry.Store.LabelsOf(ctx, storetest.GTIN(5), 1)
	must(err)
	change, err := d.Propose(ctx, bea, old[0].ID, label.Withdraw, "maker-request", "")
	must(err)
	c.Change = change.ID
}

// maker is a file that a manufacturer hands in.
func maker(t testing.TB, name string) []byte {
	t.Helper()
	for dir := "."; ; dir = filepath.Join(dir, "..") { // tests run in the folders of their packages
		data, err := os.ReadFile(filepath.Join(dir, "testdata", "maker", name))
		if err == nil {
			return data
		}
		if len(dir) > 60 {
			t.Fatal(err)
		}
	}
}

// Photo is a picture of a plug, as PNG.
func Photo(t testing.TB) []byte {
	t.Helper()
	p := image.NewNRGBA(image.Rect(0, 0, 480, 360))
	for y := range 360 {
		for x := range 480 {
			shade := func(v int) uint8 { return uint8(max(0, min(255, v))) }
			c := color.NRGBA{shade(205 - y/8), shade(212 - y/8), shade(220 - y/8), 255}
			dx, dy := x-240, y-180
			switch r := dx*dx + dy*dy; {
			case dy*dy < 64 && (dx+36)*(dx+36) < 64, dy*dy < 64 && (dx-36)*(dx-36) < 64:
				c = color.NRGBA{30, 34, 40, 255}
			case r < 90*90:
				c = color.NRGBA{shade(246 + dy/8), shade(246 + dy/8), shade(244 + dy/8), 255}
			case r < 100*100:
				c = color.NRGBA{shade(180 - dy/4), shade(184 - dy/4), shade(190 - dy/4), 255}
			case dx*dx < 140*140 && dy*dy < 140*140:
				c = color.NRGBA{shade(236 - dy/10), shade(238 - dy/10), shade(238 - dy/10), 255}
			}
			p.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
