package labellog_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"plimsoll.example/plimsoll/internal/labellog"
)

func TestAWitnessAnswersAsTheProtocolSays(t *testing.T) {
	w := newWitnessed(t)
	for i := range uint32(3) {
		w.append(t, granted(t, "authority", i, w.day()))
	}
	w.shut(t)
	now, err := os.ReadFile(filepath.Join(w.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(now), "\n\n")
	other, err := labellog.NewReader(w.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	proof := func(from uint64) (lines string) {
		t.Helper()
		path, err := other.Consistency(t.Context(), from, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range path {
			lines += base64.StdEncoding.EncodeToString(h) + "\n"
		}
		return lines
	}
	sign := func(text string) string {
		t.Helper()
		n, err := note.Sign(&note.Note{Text: text}, w.signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(n)
	}
	private, _, err := labellog.NewLogKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := labellog.LogSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := note.Sign(&note.Note{Text: text + "\n"}, stranger)
	if err != nil {
		t.Fatal(err)
	}
	zeros := base64.StdEncoding.EncodeToString(make([]byte, 32))
	url := w.servers[0].URL
	// two others may have been enough for the newest: a witness that is behind says so, and catches up
	if status, body := add(t, url, "old 0\n\n"+string(now)); status == http.StatusConflict {
		known, err := strconv.ParseUint(strings.TrimSpace(body), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if status, body = add(t, url, fmt.Sprintf("old %d\n%s\n%s", known, proof(known), now)); status != http.StatusOK {
			t.Fatalf("from %d: %d %q", known, status, body)
		}
	}
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"the same again", "old 4\n\n" + string(now), http.StatusOK, "— w0.example/witness "},
		{"an older size", "old 2\n" + proof(2) + "\n" + string(now), http.StatusConflict, "4\n"},
		{"an older checkpoint", "old 4\n\n" + sign(origin+"\n2\n"+zeros+"\n"), http.StatusBadRequest, "above"},
		{"the same size with another root", "old 4\n\n" + sign(origin+"\n4\n"+zeros+"\n"), http.StatusConflict, "another root"},
		{"a proof that is wrong", "old 4\n" + zeros + "\n\n" + sign(origin+"\n5\n"+zeros+"\n"), http.StatusUnprocessableEntity, "go on"},
		{"a log that nobody knows", "old 0\n\n" + strings.ReplaceAll(sign(origin+"\n5\n"+zeros+"\n"), origin, "other.example/log"), http.StatusNotFound, "other.example"},
		{"a key that nobody knows", "old 4\n\n" + string(forged), http.StatusForbidden, "not signed"},
		{"no size", "old\n\n" + string(now), http.StatusBadRequest, "first line"},
		{"a size with a zero before it", "old 04\n\n" + string(now), http.StatusBadRequest, "first line"},
		{"no empty line", "old 4\n", http.StatusBadRequest, "empty line"},
		{"a hash that is none", "old 4\nAAAA\n\n" + string(now), http.StatusBadRequest, "no hash"},
		{"too many hashes", "old 4\n" + strings.Repeat(zeros+"\n", 64) + "\n" + string(now), http.StatusBadRequest, "64 hashes"},
		{"too much", strings.Repeat("x", 17<<10), http.StatusRequestEntityTooLarge, "too long"},
	} {
		if status, body := add(t, url, c.body); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %q; want %d with %q", c.name, status, body, c.status, c.says)
		}
	}
	r, err := http.Get(url + "/add-checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", r.Status)
	}
}

func TestAWitnessRemembersWhatItCosignedAndBoundsRequests(t *testing.T) {
	w := newWorld(t)
	w.append(t, granted(t, "authority", 1, w.day()))
	w.shut(t)
	now, err := os.ReadFile(filepath.Join(w.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	logKey, err := note.NewVerifier(w.vkey)
	if err != nil {
		t.Fatal(err)
	}
	private, vkey, err := labellog.NewWitnessKey("w.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := labellog.WitnessSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	start := func() string {
		witness, err := labellog.NewWitness(dir, signer, []note.Verifier{logKey}, w.now)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(witness)
		t.Cleanup(s.Close)
		return s.URL
	}
	status, cosignature := add(t, start(), "old 0\n\n"+string(now))
	if status != http.StatusOK {
		t.Fatal(status, cosignature)
	}
	p := policy(t, "log "+w.vkey+"\nwitness w "+vkey+"\nquorum w\n")
	c, err := p.Open([]byte(string(now) + cosignature))
	if err != nil || time.Since(c.At) > time.Minute {
		t.Errorf("the cosigned checkpoint: %+v, %v", c, err)
	}
	again := start()
	if status, body := add(t, again, "old 0\n\n"+string(now)); status != http.StatusConflict || body != "2\n" {
		t.Errorf("after a start, a witness that forgot: %d %q", status, body)
	}
	limited := 0
	for range 40 { // the clock of the test stands still
		if status, _ := add(t, again, "old 2\n\n"+string(now)); status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("40 requests in no time were all answered")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := labellog.NewWitness(dir, signer, []note.Verifier{logKey}, w.now); err == nil {
		t.Error("a witness starts from nothing where its memory cannot be read")
	}
}

func TestWithoutItsQuorumNothingIsAcknowledgedOrLost(t *testing.T) {
	w := newWitnessed(t)
	w.append(t, granted(t, "authority", 1, w.day()))
	w.away[0].Store(true)
	w.append(t, granted(t, "authority", 2, w.day())) // two of three
	w.away[1].Store(true)
	ctx, cancel := contextFor(t, time.Second)
	defer cancel()
	index, err := w.log.Append(ctx, granted(t, "authority", 3, w.day()))
	if !errors.Is(err, labellog.ErrUnpublished) || !strings.Contains(err.Error(), "witness") {
		t.Errorf("one witness of three: leaf %d, %v", index, err)
	}
	w.away[1].Store(false)
	w.shut(t) // which waits until a quorum has cosigned all
	published, err := os.ReadFile(filepath.Join(w.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := w.policy.Open(published); err != nil || c.Size != index+1 {
		t.Errorf("with two of three again: %+v, %v; want leaf %d published", c, err, index)
	}
}

func TestTheFilesOfTheLogAreServedAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.appendAll(t, 300)
	w.add(24 * time.Hour)
	if err := w.log.CloseDay(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(labellog.Handler(w.dir))
	defer s.Close()
	for path, cache := range map[string]string{
		"/checkpoint":                            "no-cache",
		"/tile/0/000":                            "public, max-age=31536000, immutable",
		"/tile/entries/000":                      "public, max-age=31536000, immutable",
		"/landmark/" + (w.day() - 1).String():    "public, max-age=31536000, immutable",
		"/":                                      "",
		"/tile":                                  "",
		"/tile/0/":                               "",
		"/tile/0/000.p":                          "",
		"/.lock":                                 "",
		"/.state/treeState":                      "",
		"/landmark":                              "",
		"/../" + filepath.Base(w.dir) + "/.lock": "",
		"/tile/0/%2e%2e/%2e%2e/.state/treeState": "",
		"/tile/64/000":                           "",
		"/tile/0/999":                            "",
		"/tile/entries/000.p/256":                "",
		fmt.Sprintf("/tile/0/%s", "../checkpoint"): "",
	} {
		r, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		want := http.StatusNotFound
		if cache != "" {
			want = http.StatusOK
		}
		if r.Request.URL.Path != path && cache == "" { // the client has cleaned it
			continue
		}
		if r.StatusCode != want || cache != r.Header.Get("Cache-Control") {
			t.Errorf("%s: %s, %q; want %d, %q", path, r.Status, r.Header.Get("Cache-Control"), want, cache)
		}
	}
	r, err := http.Post(s.URL+"/checkpoint", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", r.Status)
	}
}
