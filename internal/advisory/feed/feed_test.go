package feed_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/feed"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/advisory/version"
	"plimsoll.example/plimsoll/label"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// catalogue is a KEV catalogue of n entries, the first of which is of the camera.
func catalogue(n int, released time.Time) string {
	var list []string
	for i := range n {
		vendor, product := "Others", fmt.Sprintf("X-%d", i)
		if i == 0 {
			vendor, product = "Example Cameras", "EX-210"
		}
		list = append(list, fmt.Sprintf(`{"cveID": "CVE-2026-%04d", "vendorProject": %q, "product": %q, "dateAdded": "2026-11-01"}`, i+1, vendor, product))
	}
	return fmt.Sprintf(`{"catalogVersion": "1", "dateReleased": %q, "vulnerabilities": [%s]}`, released.Format(time.RFC3339), strings.Join(list, ","))
}

func cve(id, product, before string) string {
	return fmt.Sprintf(`{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": %q, "state": "PUBLISHED", "dateUpdated": "2026-11-20T00:00:00Z"}, "containers": {"cna": {"affected": [
		{"vendor": "Example Cameras", "product": %q, "versions": [{"version": "0", "status": "affected", "lessThan": %q}]}]}}}`, id, product, before)
}

// shelf is a register in memory.
type shelf struct {
	mu       sync.Mutex
	holdings []*feed.Holding
	kept     []advisory.Evidence
	changes  []advisory.Change
	told     chan advisory.Change
}

func newShelf() *shelf {
	return &shelf{told: make(chan advisory.Change, 16), holdings: []*feed.Holding{{
		Product:  advisory.Product{ID: "cam", Maker: "Example Cameras", Model: "EX-210", Firmware: version.Range{From: "3.0"}},
		Standing: advisory.Standing{Status: label.Active},
	}}}
}

func (s *shelf) Revision(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(len(s.changes), len(s.holdings)), nil
}

func (s *shelf) Holdings(context.Context) ([]*feed.Holding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*feed.Holding{}, s.holdings...), nil
}

func (s *shelf) Apply(_ context.Context, c *advisory.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes, s.kept = append(s.changes, *c), append(s.kept, c.Evidence)
	h := *s.holdings[0] // what was given is not changed
	status := h.Standing.Status
	if !c.Act.Person() {
		status = c.To
	}
	h.Standing = advisory.Replay(status, s.kept)
	s.holdings[0] = &h
	s.told <- *c
	return nil
}

func watcher(t *testing.T, r feed.Register, dir string, locations ...string) *feed.Watcher {
	t.Helper()
	aliases, err := advisory.LoadAliases()
	if err != nil {
		t.Fatal(err)
	}
	w := &feed.Watcher{Register: r, Aliases: aliases, Dir: dir, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }, Interval: 20 * time.Millisecond}
	for _, l := range locations {
		w.Feeds = append(w.Feeds, feed.Parse(l))
	}
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	return w
}

func look(t *testing.T, w *feed.Watcher) *feed.Result {
	t.Helper()
	r, err := w.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	return name
}

func acts(list []advisory.Change) string {
	var out []string
	for _, c := range list {
		out = append(out, string(c.Act)+" "+c.Because)
	}
	return strings.Join(out, ", ")
}

func TestAnEntryThatAppearsSuspendsTheLabelOfItsProductAndOnlyOnce(t *testing.T) {
	dir := t.TempDir()
	kev := write(t, filepath.Join(dir, "kev.json"), `{"catalogVersion": "1", "vulnerabilities": []}`)
	write(t, filepath.Join(dir, "cves", "1", "CVE-2026-0001.json"), cve("CVE-2026-0001", "EX-210", "3.2.1"))
	s := newShelf()
	w := watcher(t, s, filepath.Join(dir, "state"), kev, filepath.Join(dir, "cves"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	wait := func(want string) {
		t.Helper()
		select {
		case c := <-s.told:
			if got := string(c.Act) + " " + c.Because; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody says %s", want)
		}
	}
	wait("open vulnerable")
	at := time.Now()
	write(t, kev, catalogue(1, noon))
	wait("suspend exploited")
	t.Logf("%v from the entry to the change, with an interval of %v", time.Since(at), w.Interval)
	wait("propose-restore fixed")
	time.Sleep(10 * w.Interval)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(s.changes) != 3 {
		t.Errorf("%s", acts(s.changes))
	}
}

// However long a file was not there, what is put there is taken soon: servers alone are left in peace.
func TestAFileThatWasMissingIsTakenSoon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kev := filepath.Join(dir, "kev.json")
	s := newShelf()
	w := watcher(t, s, filepath.Join(dir, "state"), kev)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	time.Sleep(135 * w.Interval) // by doubling alone, the next look would be 120 intervals later
	at := time.Now()
	write(t, kev, catalogue(1, noon))
	select {
	case <-s.told:
	case <-time.After(20 * time.Second):
		t.Fatal("the file is not taken")
	}
	if took := time.Since(at); took > 75*w.Interval {
		t.Errorf("taken after %v, with an interval of %v", took, w.Interval)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// server gives text, with an ETag, and counts what it gives in full.
type server struct {
	mu          sync.Mutex
	text        string
	status      int
	full, asked int
	agent       string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.agent = r.UserAgent()
	tag := fmt.Sprintf("%q", record.Digest([]byte(s.text)))
	w.Header().Set("ETag", tag)
	switch {
	case s.status != 0:
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(s.status)
	case r.Header.Get("If-None-Match") == tag:
		w.WriteHeader(http.StatusNotModified)
	default:
		s.full++
		fmt.Fprint(w, s.text)
	}
}

func (s *server) set(text string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text, s.status = text, status
}

func TestAServerIsAskedOnlyForWhatChangedAndItsLastGoodCopyCounts(t *testing.T) {
	from := &server{text: catalogue(40, noon)}
	srv := httptest.NewServer(from)
	defer srv.Close()
	dir := t.TempDir()
	w := watcher(t, newShelf(), dir, srv.URL+"/kev.json")
	w.Fetcher.Agent = "plimsoll/test"
	for range 3 {
		if r := look(t, w); r.Feeds[0].Err != nil || r.Feeds[0].Records != 40 {
			t.Fatalf("%+v", r.Feeds)
		}
	}
	if from.full != 1 || from.asked != 3 || from.agent != "plimsoll/test" {
		t.Errorf("asked %d times, answered in full %d times, by %q", from.asked, from.full, from.agent)
	}
	for name, c := range map[string]struct {
		text string
		code int
		want error
	}{
		"cut":        {catalogue(40, noon.Add(time.Hour))[:300], 0, record.ErrFormat},
		"of a tenth": {catalogue(35, noon.Add(time.Hour)), 0, feed.ErrShrank},
		"emptied":    {catalogue(0, noon.Add(time.Hour)), 0, feed.ErrShrank},
		"older":      {catalogue(41, noon.Add(-time.Hour)), 0, feed.ErrBack},
		"to come":    {catalogue(41, noon.AddDate(1, 0, 0)), 0, feed.ErrFuture},
		"a page":     {"<html>no</html>", 0, feed.ErrUnknown},
		"away":       {"", http.StatusServiceUnavailable, feed.ErrServer},
		"gone":       {"", http.StatusNotFound, feed.ErrServer},
	} {
		from.set(c.text, c.code)
		r := look(t, w)
		if !errors.Is(r.Feeds[0].Err, c.want) || r.Feeds[0].Records != 40 {
			t.Errorf("%s: %d records, %v", name, r.Feeds[0].Records, r.Feeds[0].Err)
		}
	}
	// in another run, with the server away, the copy counts
	again := watcher(t, newShelf(), dir, srv.URL+"/kev.json")
	if r := look(t, again); r.Feeds[0].Records != 40 || r.Feeds[0].Err == nil || acts(r.Changes) != "open exploited-unsure" {
		t.Errorf("%+v, %s", r.Feeds, acts(r.Changes))
	}
	from.set(catalogue(41, noon.Add(time.Hour)), 0)
	if r := look(t, again); r.Feeds[0].Records != 41 || r.Feeds[0].Err != nil {
		t.Errorf("%+v", r.Feeds)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.part"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAServerThatGivesTooMuchOrLeadsElsewhereIsRefused(t *testing.T) {
	elsewhere := httptest.NewServer(&server{text: catalogue(1, noon)})
	defer elsewhere.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
			return
		}
		for range 64 {
			fmt.Fprint(w, strings.Repeat(" ", 1<<10))
		}
	}))
	defer srv.Close()
	w := watcher(t, newShelf(), t.TempDir(), srv.URL+"/away", srv.URL+"/much")
	w.Fetcher.Limit = 1 << 14
	for _, f := range look(t, w).Feeds {
		if !errors.Is(f.Err, feed.ErrServer) {
			t.Errorf("%s: %v", f.Location, f.Err)
		}
	}
	for _, l := range []string{"http://192.0.2.1/kev.json", "ftp://example.com/x", "https://user:word@example.com/x"} {
		w := &feed.Watcher{Register: newShelf(), Dir: t.TempDir(), Feeds: []feed.Feed{feed.Parse(l)}}
		if err := w.Open(); !errors.Is(err, feed.ErrLocation) {
			t.Errorf("%s: %v", l, err)
		}
	}
}

func TestAFolderAndAZipFileOfRecordsAreRead(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i := range 25 {
		text := cve(fmt.Sprintf("CVE-2026-%04d", i+1), fmt.Sprintf("EX-%d", 210+i), "3.2.1")
		name := fmt.Sprintf("cves/2026/%dxxx/CVE-2026-%04d.json", i, i+1)
		write(t, filepath.Join(dir, "folder", name), text)
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, text)
	}
	if f, err := z.Create("cves/broken.json"); err == nil {
		fmt.Fprint(f, "{")
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "folder", "broken.json"), "{")
	write(t, filepath.Join(dir, "folder", "README.md"), "x")
	w := watcher(t, newShelf(), filepath.Join(dir, "state"), filepath.Join(dir, "folder"), write(t, filepath.Join(dir, "cves.zip"), packed.String()))
	r := look(t, w)
	for _, f := range r.Feeds {
		if f.Err != nil || f.Records != 25 || f.Kept != 25 || f.Skipped != 1 {
			t.Errorf("%+v", f)
		}
	}
	if acts(r.Changes) != "open vulnerable" {
		t.Error(acts(r.Changes))
	}
	// a folder that is emptied is refused, and what was there counts
	if err := os.RemoveAll(filepath.Join(dir, "folder", "cves")); err != nil {
		t.Fatal(err)
	}
	if r := look(t, w); r.Feeds[0].Err == nil || r.Feeds[0].Records != 25 {
		t.Errorf("%+v", r.Feeds[0])
	}
}

func TestOnlyTheFeedOfAMakerSpeaksForIt(t *testing.T) {
	dir := t.TempDir()
	vex := write(t, filepath.Join(dir, "vex.json"), `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "Example Cameras Inc.", "timestamp": "2026-11-26T10:00:00Z",
		"statements": [{"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:generic/Example%20Cameras/EX-210"}], "status": "not_affected", "justification": "component_not_present"}]}`)
	record := write(t, filepath.Join(dir, "cve.json"), cve("CVE-2026-0001", "EX-210", "3.2.1"))
	for location, want := range map[string]string{vex: "open vulnerable", "Example Cameras=" + vex: "", "Other Cameras=" + vex: "open vulnerable"} {
		if r := look(t, watcher(t, newShelf(), t.TempDir(), record, location)); acts(r.Changes) != want {
			t.Errorf("%s: %q, want %q", location, acts(r.Changes), want)
		}
	}
}

func TestABillOfMaterialsBringsTheFlawsOfItsParts(t *testing.T) {
	dir := t.TempDir()
	bill := write(t, filepath.Join(dir, "bom.json"), `{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"name": "EX-210", "version": "3.1", "supplier": {"name": "Example Cameras"}}},
		"components": [{"name": "busybox", "version": "1.35.0", "purl": "pkg:deb/debian/busybox@1.35.0"}]}`)
	osv := write(t, filepath.Join(dir, "osv.json"), `{"id": "DSA-1", "modified": "2026-11-20T00:00:00Z", "aliases": ["CVE-2026-0001"],
		"affected": [{"package": {"ecosystem": "Debian:12", "name": "busybox"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.36.0"}]}]}]}`)
	for _, list := range [][]string{{bill, osv}, {osv, bill}} {
		r := look(t, watcher(t, newShelf(), t.TempDir(), list...))
		if acts(r.Changes) != "open component" {
			t.Errorf("%v: %s, %+v", list, acts(r.Changes), r.Feeds)
		}
	}
}

func TestALabelThatIsGrantedLaterIsFoundInFeedsThatWereRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "cves", "a.json"), cve("CVE-2026-0001", "EX-210", "3.2.1"))
	s := newShelf()
	late := s.holdings
	s.holdings = []*feed.Holding{}
	w := watcher(t, s, filepath.Join(dir, "state"), filepath.Join(dir, "cves"))
	if r := look(t, w); r.Feeds[0].Kept != 0 || len(r.Changes) > 0 {
		t.Errorf("%+v", r)
	}
	s.mu.Lock()
	s.holdings = late
	s.mu.Unlock()
	if r := look(t, w); acts(r.Changes) != "open vulnerable" {
		t.Errorf("%+v %s", r.Feeds, acts(r.Changes))
	}
}

func FuzzRecognise(f *testing.F) {
	for _, s := range []string{catalogue(1, noon), cve("CVE-2026-0001", "x", "1"), "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\">", "Contact: x", "SPDXVersion: SPDX-2.3", "[]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source, err := feed.Recognise(data)
		if (source == "") != (err != nil) {
			t.Errorf("%q, %v", source, err)
		}
	})
}
