//go:build !gateway

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/label"
)

// watched is a registry with a real store and a real log that watches the feeds in dir.
type watched struct {
	dir string
	key string
	reg *registry.Registry
}

// run opens the registry and runs it until stop is called.
func (w *watched) run(t *testing.T) (stop func()) {
	t.Helper()
	signer, err := labellog.LogSigner(w.key)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	log, err := labellog.Open(t.Context(), filepath.Join(w.dir, "log"), signer, labellog.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.OpenRegistry(t.Context(), filepath.Join(w.dir, "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	account := &registry.Account{
		ID: "body", Name: "Example Authority", Role: registry.CertificationBody, Since: time.Now(),
		Keys: []registry.Key{{Public: storetest.Key(1).Public().(ed25519.PublicKey), From: label.DayOf(time.Now())}},
	}
	if err := registry.NewAccount(t.Context(), store, account); err != nil && !errors.Is(err, registry.ErrText) {
		t.Fatal(err)
	}
	flags := registryFlags{feeds: []string{filepath.Join(w.dir, "kev.json"), filepath.Join(w.dir, "cves")}, feedInterval: 50 * time.Millisecond}
	w.reg, err = registry.Open(t.Context(), registry.Config{
		Name: "Example Registry", URL: "https://registry.example", Key: storetest.Key(99), Store: store, Log: registry.Transparent{Log: log}, Now: time.Now,
		Logger: quiet, Publish: 50 * time.Millisecond, Watchers: flags.watchers(w.dir, quiet),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.reg.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		end, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(log.Close(end), store.Close()); err != nil {
			t.Error(err)
		}
	}
}

// notes are the changes of a label: verb, reason, and note.
func (w *watched) notes(t *testing.T, id label.Hash) (out []string) {
	t.Helper()
	list, err := w.reg.Store.Changes(t.Context(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, fmt.Sprintf("%s %s %s", e.Change.Verb, e.Change.Reason, e.Change.Note))
	}
	return out
}

func (w *watched) until(t *testing.T, id label.Hash, want ...string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := w.notes(t, id)
		if strings.Join(got, "\n") == strings.Join(want, "\n") {
			return
		}
		if time.Now().After(end) || len(got) > len(want) {
			t.Fatalf("changes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func (w *watched) put(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, file+".new", text)
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// From an entry in KEV to the registry’s status, once, with evidence in the log; over a restart, and past what people decide.
func TestARegistrySuspendsWhatIsExploitedOnceAndLeavesTheWayBackToPeople(t *testing.T) {
	key, _, err := labellog.NewLogKey("registry.example/log")
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{dir: t.TempDir(), key: key}
	t.Cleanup(func() { storetest.RemoveLog(filepath.Join(w.dir, "log")) })
	s := storetest.Statement(1, 0, label.DayOf(time.Now()))
	s.Firmware = label.Range{From: "3.1"}
	const empty = `{"catalogVersion": "1", "dateReleased": "2026-11-25T00:00:00Z", "vulnerabilities": []}`
	w.put(t, "kev.json", empty)
	w.put(t, "cves/CVE-2026-0001.json", fmt.Sprintf(`{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2026-0001", "state": "PUBLISHED", "dateUpdated": "2026-11-20T10:00:00Z"},
		"containers": {"cna": {"affected": [{"vendor": %q, "product": %q, "versions": [{"version": "0", "status": "affected", "lessThan": "3.2.1"}]}]}}}`, s.Maker, s.Model))
	stop := w.run(t)
	sign1, err := label.Sign(s, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := w.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1, Category: "light"})
	if err != nil {
		t.Fatal(err)
	}
	said := []string{"note advisory CVE-2026-0001 open vulnerable"}
	w.until(t, l.ID, said...)

	at := time.Now()
	w.put(t, "kev.json", fmt.Sprintf(`{"catalogVersion": "2", "dateReleased": "2026-11-26T00:00:00Z", "vulnerabilities": [
		{"cveID": "CVE-2026-0001", "vendorProject": %q, "product": %q, "dateAdded": "2026-11-26"}]}`, s.Maker, s.Model))
	for {
		if now, err := w.reg.Store.Label(t.Context(), l.ID); err != nil || now.Status == label.Suspended {
			break
		}
		if time.Since(at) > 30*time.Second {
			t.Fatal("not suspended")
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%v from the entry to the status in the registry, feeds looked at every 50 ms", time.Since(at))
	said = append(said, "suspend exploited CVE-2026-0001 suspend exploited", "note remedied CVE-2026-0001 propose-restore fixed")
	w.until(t, l.ID, said...)

	// the evidence is there, and names both records
	list, err := w.reg.Store.Changes(t.Context(), l.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.reg.Store.Document(t.Context(), label.Hash(list[1].Change.Evidence[0]))
	if err != nil || !strings.Contains(string(d.Body), advisory.EvidenceSchema) || !strings.Contains(string(d.Body), `"source":"kev"`) || !strings.Contains(string(d.Body), `"source":"cve"`) {
		t.Errorf("%v %s", err, d.Body)
	}

	// nothing is done twice after a restart; and what a person lifted stays lifted
	stop()
	stop = w.run(t)
	defer func() { stop() }()
	time.Sleep(300 * time.Millisecond)
	w.until(t, l.ID, said...)
	c := &label.Change{Version: label.Version, Label: l.ID, Number: 4, Verb: label.Restore, At: time.Now().Unix(), Reason: "remedied", Note: "CVE-2026-0001 looked at"}
	change, err := label.SignChange(c, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.reg.Change(t.Context(), &registry.Submission{Sign1: change, Label: l.ID}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	w.until(t, l.ID, append(said, "restore remedied CVE-2026-0001 looked at")...)
}

// What somebody else sends in the form of the registry’s evidence counts for nothing.
func TestEvidenceOfOthersDoesNotKeepALabelFromBeingSuspended(t *testing.T) {
	key, _, err := labellog.NewLogKey("registry.example/log")
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{dir: t.TempDir(), key: key}
	t.Cleanup(func() { storetest.RemoveLog(filepath.Join(w.dir, "log")) })
	s := storetest.Statement(1, 0, label.DayOf(time.Now()))
	w.put(t, "kev.json", `{"catalogVersion": "1", "vulnerabilities": []}`)
	w.put(t, "cves/x.json", `{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2026-0002", "state": "PUBLISHED"}, "containers": {"cna": {"affected": [{"vendor": "Others", "product": "X-1"}]}}}`)
	stop := w.run(t)
	defer stop()
	sign1, err := label.Sign(s, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := w.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1, Category: "light"})
	if err != nil {
		t.Fatal(err)
	}
	e := advisory.Evidence{Schema: advisory.EvidenceSchema, Act: advisory.Suspend, Cause: "CVE-2026-0001"}
	body, _, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	d := registry.Document{Media: "application/json", Body: body}
	c := &label.Change{Version: label.Version, Label: l.ID, Number: 1, Verb: label.Note, At: time.Now().Unix(), Reason: "other", Note: "x", Evidence: [][]byte{sum[:]}}
	change, err := label.SignChange(c, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.reg.Change(t.Context(), &registry.Submission{Sign1: change, Label: l.ID, Documents: []registry.Document{d}}); err != nil {
		t.Fatal(err)
	}
	w.put(t, "cves/y.json", fmt.Sprintf(`{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2026-0001", "state": "PUBLISHED"},
		"containers": {"cna": {"affected": [{"vendor": %q, "product": %q, "defaultStatus": "affected"}]}, "adp": [
		{"metrics": [{"other": {"type": "ssvc", "content": {"options": [{"Exploitation": "active"}]}}}]}]}}`, s.Maker, s.Model))
	w.until(t, l.ID, "note other x", "suspend exploited CVE-2026-0001 suspend exploited")
}
