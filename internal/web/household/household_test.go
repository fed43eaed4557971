package household_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/household"
)

// house is a home with a camera, served from a real database.
type house struct {
	*home.Household
	store  *sqlite.Store
	url    string
	camera *home.Device
}

func serve(t *testing.T) *house {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := &home.Household{Ledger: store, Now: time.Now, Rehearsal: time.Hour}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	camera, _ := h.See(frame.MAC{2, 0, 0, 0, 0, 1}, func(d *home.Device) {
		d.Hostnames, d.Identity = []string{"<b>porch"}, device.Identity{Kind: device.IoT, Category: "camera", Maker: "Lamps & Co"}
		d.First, d.Last = time.Now().Add(-time.Hour), time.Now()
	})
	if err := store.Save(t.Context(), h.Devices()); err != nil {
		t.Fatal(err)
	}
	p := &household.Pages{
		Household: h, History: store, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Status: func() home.Status { return home.Status{Mode: home.Hold, Asks: h.Questions()} },
		Rehearse: func(context.Context, *home.Device, bool, *locale.Catalogue) (*policy.RehearsalDocument, error) {
			return nil, home.ErrNoFile
		},
	}
	s, err := p.Site("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(handler)
	t.Cleanup(func() {
		srv.Close()
		_ = store.Close()
	})
	return &house{h, store, srv.URL, camera}
}

func (h *house) get(t *testing.T, path string) string {
	t.Helper()
	return h.answer(t, func() (*http.Response, error) { return http.Get(h.url + path) })
}

func (h *house) post(t *testing.T, path string, form ...string) string {
	t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return h.answer(t, func() (*http.Response, error) { return http.PostForm(h.url+path, v) })
}

func (h *house) answer(t *testing.T, ask func() (*http.Response, error)) string {
	t.Helper()
	resp, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if key := regexp.MustCompile(`>\s*(household|page|report|grade)\.[a-z.]+\s*<`).Find(b); key != nil {
		t.Errorf("a message is missing: %s", key)
	}
	return string(b)
}

func TestTheFirstPageSaysWhatIsHereAndWhatToDo(t *testing.T) {
	h := serve(t)
	for lang, want := range map[string][]string{
		"en": {"1 device.", "This device is new. What may it do?", "Only what it is for", "&lt;b&gt;porch", "Camera, Lamps &amp; Co"},
		"fr": {"1 appareil.", "Cet appareil est nouveau", "Seulement ce à quoi il sert", "Caméra"},
	} {
		page := h.get(t, "/"+lang+"/")
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s: the page does not say %q", lang, w)
			}
		}
		if strings.Contains(page, "<b>porch") {
			t.Error("a name became markup")
		}
	}
}

// What a form does is in force, is said, and can be undone from the page that it leads to.
func TestADeviceIsDecidedOnAndTheDecisionUndone(t *testing.T) {
	h := serve(t)
	at := "/en/devices/" + h.camera.ID
	page := h.post(t, at, "verb", "quarantine", "argument", "")
	if d, _ := h.Find(h.camera.ID); d.State != home.Quarantined || !strings.Contains(page, "is cut off") {
		t.Fatalf("state %s, page %s", d.State, page)
	}
	seq := regexp.MustCompile(`name="decision" value="(\d+)"`).FindStringSubmatch(page)
	if seq == nil {
		t.Fatal("no way back")
	}
	if page := h.post(t, "/en/undo", "decision", seq[1]); !strings.Contains(page, "is as it was before") {
		t.Errorf("undone: %s", page)
	}
	if d, _ := h.Find(h.camera.ID); d.State != home.Learning {
		t.Errorf("state %s", d.State)
	}
	if page := h.get(t, "/fr/history"); !strings.Contains(page, "page:owner") || !strings.Contains(page, "défait depuis") {
		t.Errorf("history: %s", page)
	}
	if page := h.post(t, at, "verb", "hold"); !strings.Contains(page, "no rules to hold it to") {
		t.Errorf("hold without a file: %s", page)
	}
	if page := h.get(t, "/en/devices/none"); !strings.Contains(page, "no such device") {
		t.Errorf("no such device: %s", page)
	}
}
