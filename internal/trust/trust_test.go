package trust

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/internet"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var (
	registryKey = keyOf("registry")
	issuerKey   = keyOf("issuer")
	noon        = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	today       = label.DayOf(noon)
)

// office is a registry whose answers a test decides.
type office struct {
	bundle    []byte
	labels    map[string][]byte // COSE_Sign1 by leaf hash
	envelopes map[string]*label.Envelope
	changes   [][]byte
	status    int // of all answers; 0: as it should be
	full      int // answers with a bundle in them
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.status != 0 {
		http.Error(w, "", o.status)
		return
	}
	write := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch path := strings.TrimPrefix(r.URL.Path, "/api/v1/"); {
	case path == "bundle":
		tag := fmt.Sprintf(`"%x"`, sha256.Sum256(o.bundle))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		o.full++
		_, _ = w.Write(o.bundle)
	case path == "issuers":
		write(map[string]any{"issuers": []any{map[string]any{"keys": []any{map[string]any{"public": []byte(public(issuerKey))}}}}})
	case path == "products":
		write(map[string]any{"products": []any{map[string]any{"gtin": "09506000134352"}}})
	case strings.HasPrefix(path, "products/"):
		list := []any{}
		for _, l := range o.labels {
			list = append(list, map[string]any{"label": l})
		}
		write(map[string]any{"labels": list})
	case strings.HasSuffix(path, "/envelope"):
		e := o.envelopes[strings.TrimSuffix(strings.TrimPrefix(path, "labels/"), "/envelope")]
		if e == nil {
			http.NotFound(w, r)
			return
		}
		data, _ := e.Marshal()
		_, _ = w.Write(data)
	case strings.HasPrefix(path, "labels/"):
		list := []any{}
		for _, c := range o.changes {
			list = append(list, map[string]any{"record": c})
		}
		write(map[string]any{"changes": list})
	default:
		http.NotFound(w, r)
	}
}

// publish gives out a bundle.
func (o *office) publish(t *testing.T, by ed25519.PrivateKey, change func(*label.Bundle), statuses ...label.Status) {
	t.Helper()
	b := &label.Bundle{Version: label.Version, Registry: "Example", Made: noon, Issuers: []label.Issuer{{Name: "Example Body", Key: public(issuerKey), From: 1}}}
	if err := b.SetStatuses(statuses); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(b)
	}
	data, err := b.Sign(by)
	if err != nil {
		t.Fatal(err)
	}
	o.bundle = data
}

func (o *office) record(e *label.Envelope) {
	id := label.Hash(label.LeafHash(e.Label)).String()
	o.labels[id], o.envelopes[id] = e.Label, e
}

func lamp(t *testing.T, url string, index uint32, day label.Day) *label.Envelope {
	t.Helper()
	s := &label.Statement{Version: label.Version, GTIN: 9506000134352, Maker: "Example Lamps", Model: "LP-110", Profile: 1, Issued: day, MUDURL: url, Index: index}
	s.SetClass("etsi.5.1-1", label.Declared)
	sign1, err := label.Sign(s, issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	return &label.Envelope{Version: label.Version, Label: sign1}
}

// source is one that follows an office.
func source(t *testing.T, o *office) *Source {
	t.Helper()
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	s := &Source{URL: server.URL, Key: public(registryKey), Dir: t.TempDir(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: func() time.Time { return noon }}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	return s
}

func newOffice() *office {
	return &office{labels: map[string][]byte{}, envelopes: map[string]*label.Envelope{}}
}

func refresh(t *testing.T, s *Source, want error) {
	t.Helper()
	if _, err := s.Refresh(t.Context()); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func status(t *testing.T, s *Source, e *label.Envelope) label.Status {
	t.Helper()
	v, err := s.Verify(e)
	if err != nil {
		t.Fatal(err)
	}
	return v.Status
}

func TestWhatDidNotChangeIsNotSentAgainAndWhatWasHadIsKept(t *testing.T) {
	o, e := newOffice(), lamp(t, "https://mud.lamps.example/p", 0, today)
	o.publish(t, registryKey, nil, label.Active)
	s := source(t, o)
	if _, err := s.Verify(e); !errors.Is(err, ErrNone) {
		t.Errorf("nothing was had: %v", err)
	}
	for range 5 {
		refresh(t, s, nil)
	}
	if o.full != 1 {
		t.Errorf("it was sent %d times", o.full)
	}
	o.publish(t, registryKey, func(b *label.Bundle) { b.Made = noon.Add(time.Minute) }, label.Suspended)
	refresh(t, s, nil)
	if got := status(t, s, e); got != label.Suspended {
		t.Errorf("it is %s", got)
	}
	o.status = http.StatusBadGateway // and after a start without the registry it is as it was
	again := &Source{URL: s.URL, Key: s.Key, Dir: s.Dir, Allow: s.Allow, Now: s.Now}
	if err := again.Open(); err != nil {
		t.Fatal(err)
	}
	refresh(t, again, ErrAway)
	if got := status(t, again, e); got != label.Suspended {
		t.Errorf("after a start it is %s", got)
	}
	again.Now = func() time.Time { return noon.Add(TTL + 2*time.Minute) }
	if got := status(t, again, e); got != label.Suspended {
		t.Errorf("bad news does not get old, and it is %s", got)
	}
}

func TestAnOldBundleVouchesForNoStatus(t *testing.T) {
	o, e := newOffice(), lamp(t, "", 0, today)
	o.publish(t, registryKey, nil, label.Active)
	s := source(t, o)
	refresh(t, s, nil)
	s.Now = func() time.Time { return noon.Add(TTL) }
	if got := status(t, s, e); got != label.Active {
		t.Errorf("after a day it is %s", got)
	}
	s.Now = func() time.Time { return noon.Add(TTL + time.Second) }
	v, err := s.Verify(e)
	if err != nil || v.Status != label.Unknown || !v.StatusAsOf.Equal(noon) || v.Problems[len(v.Problems)-1].Kind != label.BundleOld {
		t.Errorf("later: %+v, %v", v, err)
	}
}

func TestABundleThatIsNotGoodChangesNothing(t *testing.T) {
	was := [32]byte{1}
	for name, tt := range map[string]struct {
		spoil func(*testing.T, *office)
		want  error
	}{
		"forged": {func(t *testing.T, o *office) { o.publish(t, keyOf("stranger"), nil, label.Active) }, label.ErrUntrusted},
		"altered": {func(t *testing.T, o *office) {
			o.publish(t, registryKey, nil, label.Active)
			o.bundle[len(o.bundle)-1] ^= 1
		}, label.ErrUntrusted},
		"rolled back": {func(t *testing.T, o *office) {
			o.publish(t, registryKey, func(b *label.Bundle) { b.Made = noon.Add(-time.Second) }, label.Active)
		}, ErrRolledBack},
		"of another log": {func(t *testing.T, o *office) {
			o.publish(t, registryKey, func(b *label.Bundle) { b.FirstDay, b.Landmarks = today-1, [][32]byte{{2}} }, label.Active)
		}, ErrRewritten},
		"of a log that lost a day": {func(t *testing.T, o *office) { o.publish(t, registryKey, nil, label.Active) }, ErrRewritten},
		"of tomorrow": {func(t *testing.T, o *office) {
			o.publish(t, registryKey, func(b *label.Bundle) { b.Made = noon.Add(24 * time.Hour) }, label.Active)
		}, ErrFuture},
		"endless":       {func(_ *testing.T, o *office) { o.bundle = make([]byte, label.MaxBundle+1) }, ErrServer},
		"nothing":       {func(_ *testing.T, o *office) { o.bundle = nil }, label.ErrBundle},
		"away":          {func(_ *testing.T, o *office) { o.status = http.StatusServiceUnavailable }, ErrAway},
		"somebody else": {func(_ *testing.T, o *office) { o.status = http.StatusFound }, ErrServer},
	} {
		t.Run(name, func(t *testing.T) {
			o, e := newOffice(), lamp(t, "", 0, today)
			o.publish(t, registryKey, func(b *label.Bundle) { b.FirstDay, b.Landmarks = today-1, [][32]byte{was} }, label.Suspended)
			s := source(t, o)
			refresh(t, s, nil)
			before, err := os.ReadFile(s.file())
			if err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, o)
			refresh(t, s, tt.want)
			if got := status(t, s, e); got != label.Suspended {
				t.Errorf("it is %s", got)
			}
			if after, err := os.ReadFile(s.file()); err != nil || string(after) != string(before) {
				t.Errorf("what is kept was changed: %v", err)
			}
		})
	}
}

func TestNobodyLeadsIntoTheNetworkAtHome(t *testing.T) {
	o := newOffice()
	o.publish(t, registryKey, nil)
	s := source(t, o)
	s.Allow = nil
	if err := s.Open(); !errors.Is(err, ErrURL) {
		t.Errorf("http: %v", err)
	}
	var asked atomic.Bool
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer inside.Close()
	s.URL = inside.URL
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refresh(t.Context()); !errors.Is(err, internet.ErrAddress) || asked.Load() {
		t.Errorf("an address at home: %v", err)
	}
}

func TestAQuietRestorationIsNoneAndOneOnRecordIs(t *testing.T) {
	o, e := newOffice(), lamp(t, "", 0, today)
	o.publish(t, registryKey, nil, label.Active)
	s := source(t, o)
	refresh(t, s, nil)
	id := label.Hash(label.LeafHash(e.Label))
	change := func(of label.Hash, verb label.Verb, at time.Time, by ed25519.PrivateKey) []byte {
		c, err := label.SignChange(&label.Change{Version: label.Version, Label: of, Number: 1, Verb: verb, At: at.Unix(), Reason: "remedied"}, by)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, tt := range map[string]struct {
		change []byte
		want   bool
	}{
		"by its issuer":     {change(id, label.Restore, noon.Add(time.Hour), issuerKey), true},
		"by the registry":   {change(id, label.Restore, noon.Add(time.Hour), registryKey), true},
		"by a stranger":     {change(id, label.Restore, noon.Add(time.Hour), keyOf("stranger")), false},
		"of another label":  {change(label.Hash{1}, label.Restore, noon.Add(time.Hour), issuerKey), false},
		"of an earlier day": {change(id, label.Restore, noon.Add(-24*time.Hour), issuerKey), false},
		"a note":            {change(id, label.Note, noon.Add(time.Hour), issuerKey), false},
		"no octets of one":  {[]byte("x"), false},
	} {
		o.changes = [][]byte{tt.change}
		if got, err := s.Restored(t.Context(), id, noon); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	o.changes = nil
	if got, err := s.Restored(t.Context(), id, noon); err != nil || got {
		t.Errorf("no record: %v, %v", got, err)
	}
	o.status = http.StatusBadGateway
	if _, err := s.Restored(t.Context(), id, noon); !errors.Is(err, ErrAway) {
		t.Errorf("away: %v", err)
	}
}

func TestTheURLOfAStickerIsTakenByALabelThatSaysTheSameAlone(t *testing.T) {
	const good, bad = "https://mud.lamps.example/p", "https://mud.lamps.example/other"
	yesterday := today - 1
	logged := lamp(t, good, 0, yesterday)
	root, proofs := label.Landmark(yesterday, [][]byte{logged.Label})
	printed := &label.Envelope{Version: label.Version, Label: logged.Label, Proof: proofs[0]}
	landmark := func(b *label.Bundle) { b.FirstDay, b.Landmarks = yesterday, [][32]byte{root} }
	sticker := func(model, url string) *mud.Sticker {
		return &mud.Sticker{Brand: "Example Lamps", Model: model, URL: url}
	}
	for name, tt := range map[string]struct {
		of       *mud.Sticker
		recorded []*label.Envelope
		known    []*label.Envelope
		status   label.Status
		away     bool
		want     error
	}{
		"the registry has it": {sticker("LP-110", good), []*label.Envelope{printed}, nil, label.Active, false, nil},
		"granted today":       {sticker("LP-110", good), []*label.Envelope{lamp(t, good, 0, today)}, nil, label.Active, false, nil},
		"at hand, with its proof, and nobody answers": {sticker("LP-110", good), nil, []*label.Envelope{printed}, label.Active, true, nil},
		"swapped":           {sticker("LP-110", bad), []*label.Envelope{printed}, nil, label.Active, false, ErrOtherURL},
		"another product":   {sticker("LP-9", good), []*label.Envelope{printed}, nil, label.Active, false, ErrNoLabel},
		"suspended":         {sticker("LP-110", good), []*label.Envelope{printed}, nil, label.Suspended, false, ErrStatus},
		"withdrawn":         {sticker("LP-110", good), []*label.Envelope{printed}, nil, label.Withdrawn, false, ErrStatus},
		"in no log":         {sticker("LP-110", good), nil, []*label.Envelope{logged}, label.Active, false, ErrUnlogged},
		"nobody can say it": {sticker("LP-110", good), nil, nil, label.Active, true, ErrAway},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice()
			o.publish(t, registryKey, landmark, tt.status)
			for _, e := range tt.recorded {
				o.record(e)
			}
			s := source(t, o)
			refresh(t, s, nil)
			if tt.away {
				o.status = http.StatusBadGateway
			}
			f, err := s.Vouch(t.Context(), tt.of, tt.known)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && (f.Verdict.Statement.MUDURL != tt.of.URL || !f.Logged) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// What a hostile registry answers is an error, or is what its key signed.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"products":[{"gtin":"1"}],"labels":[{"label":"AA=="}],"changes":[{"record":"AA=="}],"issuers":[{"keys":[{"public":"AA=="}]}]}`))
	f.Add([]byte{0x83, 1, 0x40, 0xf6})
	f.Fuzz(func(t *testing.T, body []byte) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
		defer server.Close()
		s := &Source{URL: server.URL, Key: public(registryKey), Dir: t.TempDir(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: func() time.Time { return noon }}
		if err := s.Open(); err != nil {
			t.Fatal(err)
		}
		if changed, _ := s.Refresh(t.Context()); changed {
			t.Error("nobody signed it")
		}
		if ok, _ := s.Restored(context.Background(), label.Hash{}, noon); ok {
			t.Error("nobody restored it")
		}
		if list, _ := s.Labels(context.Background(), "x", "y"); len(list) > 0 {
			t.Error("nobody granted it")
		}
	})
}
