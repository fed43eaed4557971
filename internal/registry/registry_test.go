package registry_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/label"
)

const today = storetest.Day

// clock is one that a test sets.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(0, c.at.Load()).UTC() }

func (c *clock) set(t time.Time) { c.at.Store(t.UnixNano()) }

// place is where a registry lives: a real store and a real log in a folder.
type place struct {
	clock
	dir   string
	key   string // of the log
	log   *labellog.Log
	store *sqlite.Registry
	reg   *registry.Registry
	wrap  func(registry.Log) registry.Log
	stop  func()
}

func newPlace(t *testing.T) *place {
	t.Helper()
	key, _, err := labellog.NewLogKey("registry.example/log")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{dir: t.TempDir(), key: key, wrap: func(l registry.Log) registry.Log { return l }}
	p.set(today.Time().Add(12 * time.Hour))
	p.open(t)
	for i, a := range []*registry.Account{
		{ID: "body", Name: "Example Authority", Role: registry.CertificationBody},
		{ID: "lab", Name: "Example Lab", Role: registry.Lab},
		{ID: "owner", Name: "Example Scheme", Role: registry.SchemeOwner},
		{ID: "other", Name: "Other Authority", Role: registry.CertificationBody},
	} {
		a.Since, a.Keys = p.now(), []registry.Key{{Public: public(byte(i + 1)), From: today}}
		if err := registry.NewAccount(t.Context(), p.store, a); err != nil {
			t.Fatal(err)
		}
	}
	p.restart(t)
	t.Cleanup(func() {
		p.close(t)
		storetest.RemoveLog(filepath.Join(p.dir, "log"))
	})
	return p
}

func public(seed byte) ed25519.PublicKey {
	return storetest.Key(seed).Public().(ed25519.PublicKey)
}

func (p *place) open(t *testing.T) {
	t.Helper()
	signer, err := labellog.LogSigner(p.key)
	if err != nil {
		t.Fatal(err)
	}
	if p.log, err = labellog.Open(context.Background(), filepath.Join(p.dir, "log"), signer, labellog.Options{Now: p.now}); err != nil {
		t.Fatal(err)
	}
	if p.store, err = sqlite.OpenRegistry(context.Background(), filepath.Join(p.dir, "registry.db")); err != nil {
		t.Fatal(err)
	}
	p.reg, err = registry.Open(context.Background(), registry.Config{
		Name: "Example Registry", URL: "https://registry.example", Key: storetest.Key(99), Store: p.store, Log: p.wrap(registry.Transparent{Log: p.log}),
		Now: p.now, Logger: slog.New(slog.DiscardHandler), Publish: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.reg.Run(ctx) }()
	p.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func (p *place) close(t *testing.T) {
	t.Helper()
	p.stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(p.log.Close(ctx), p.store.Close()); err != nil {
		t.Error(err)
	}
}

func (p *place) restart(t *testing.T) {
	t.Helper()
	p.close(t)
	p.open(t)
}

func signed(t *testing.T, s *label.Statement, seed byte) []byte {
	t.Helper()
	sign1, err := label.Sign(s, storetest.Key(seed))
	if err != nil {
		t.Fatal(err)
	}
	return sign1
}

func (p *place) grant(t *testing.T, n int, index uint32) *registry.Label {
	t.Helper()
	l, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: signed(t, storetest.Statement(n, index, label.DayOf(p.now())), 1), Category: "light"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (p *place) change(t *testing.T, l *registry.Label, number uint32, verb label.Verb, seed byte, documents ...registry.Document) (*registry.Entry, error) {
	t.Helper()
	c := &label.Change{Version: label.Version, Label: l.ID, Number: number, Verb: verb, At: p.now().Unix(), Reason: "exploited", Note: "CVE-2026-0001"}
	for _, d := range documents {
		h := sha256.Sum256(d.Body)
		c.Evidence = append(c.Evidence, h[:])
	}
	sign1, err := label.SignChange(c, storetest.Key(seed))
	if err != nil {
		t.Fatal(err)
	}
	return p.reg.Change(t.Context(), &registry.Submission{Sign1: sign1, Label: l.ID, Documents: documents})
}

// published waits for a bundle in which a label has a status.
func (p *place) published(t *testing.T, index uint32, want label.Status) *label.Trust {
	t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if pub := p.reg.Publication(); pub != nil {
			trust, err := label.ParseBundle(pub.Bundle, public(99))
			if err != nil {
				t.Fatal(err)
			}
			if trust.StatusOf(index) == want {
				return trust
			}
		}
		if time.Now().After(until) {
			t.Fatalf("label %d is not %s in any bundle", index, want)
		}
	}
}

func TestALabelIsGrantedLoggedSuspendedAndRestoredForAllToSee(t *testing.T) {
	p := newPlace(t)
	l := p.grant(t, 1, 0)
	if l.Status != label.Active || l.Account != "body" {
		t.Fatalf("%+v", l)
	}
	leaf, err := p.log.Leaf(t.Context(), l.Index)
	if g, ok := leaf.(labellog.Grant); err != nil || !ok || !bytes.Equal(g.Label, l.Sign1) {
		t.Fatalf("leaf %d: %v, %v", l.Index, leaf, err)
	}
	trust := p.published(t, 0, label.Active)
	v, err := trust.Verify(&label.Envelope{Version: label.Version, Label: l.Sign1}, "", p.now())
	if err != nil || !v.Genuine || v.Issuer != "Example Authority" || v.Status != label.Active {
		t.Errorf("%+v, %v", v, err)
	}
	doc := registry.Document{Media: "application/json", Body: []byte(`{"cve": "CVE-2026-0001"}`)}
	e, err := p.change(t, l, 1, label.Suspend, 1, doc)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err = p.log.Leaf(t.Context(), e.Index)
	if c, ok := leaf.(labellog.StatusChange); err != nil || !ok || c.Status != label.Suspended || c.Evidence != sha256.Sum256(e.Body) || c.Label != l.ID {
		t.Errorf("leaf %d: %+v, %v", e.Index, leaf, err)
	}
	p.published(t, 0, label.Suspended)
	if _, err = p.change(t, l, 2, label.Restore, 1); err != nil {
		t.Fatal(err)
	}
	p.published(t, 0, label.Active)
	// a restoration is a leaf like a suspension, and so is each bundle that was given out
	pub := p.reg.Publication()
	found := map[string]bool{}
	for leaf, err := range p.log.Leaves(t.Context(), 0, p.log.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		switch leaf := leaf.(type) {
		case labellog.StatusChange:
			found[string(leaf.Status)] = true
		case labellog.Digest:
			found["bundle"] = found["bundle"] || leaf.SHA256 == sha256.Sum256(pub.Bundle)
			found["list"] = found["list"] || leaf.SHA256 == sha256.Sum256(pub.List)
		}
	}
	for _, what := range []string{"active", "suspended", "bundle", "list"} {
		if !found[what] {
			t.Errorf("the log does not have %s", what)
		}
	}
	token, err := label.ParseToken(pub.List, public(99))
	if err != nil || token.StatusOf(0) != label.Active {
		t.Errorf("%+v, %v", token, err)
	}
	if d, err := p.store.Document(t.Context(), sha256.Sum256(doc.Body)); err != nil || !bytes.Equal(d.Body, doc.Body) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestWhatMayNotBeDoneIsRefusedAndAudited(t *testing.T) {
	p := newPlace(t)
	l := p.grant(t, 1, 0)
	yesterday := storetest.Statement(2, 1, today-1)
	over := storetest.Statement(2, 1, today)
	over.Expires = today
	altered := signed(t, storetest.Statement(2, 1, today), 1)
	altered[len(altered)-1] ^= 1
	for _, c := range []struct {
		name  string
		sign1 []byte
		want  error
	}{
		{"by nobody who is known", signed(t, storetest.Statement(2, 1, today), 77), label.ErrUntrusted},
		{"by a lab", signed(t, storetest.Statement(2, 1, today), 2), registry.ErrRole},
		{"altered", altered, label.ErrSignature},
		{"of yesterday", signed(t, yesterday, 1), registry.ErrDay},
		{"with an index that is taken", signed(t, storetest.Statement(2, 0, today), 1), registry.ErrIndex},
		{"with an index of another", signed(t, storetest.Statement(2, registry.BlockSize, today), 1), registry.ErrIndex},
		{"that is no label", []byte("label"), label.ErrSignature},
		{"that is too long", make([]byte, registry.MaxSign1+1), registry.ErrText},
	} {
		if _, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: c.sign1}); !errors.Is(err, c.want) {
			t.Errorf("a label %s: %v, want %v", c.name, err, c.want)
		}
	}
	other := registry.Document{Media: "text/plain", Body: []byte("x")}
	if _, err := p.change(t, l, 1, label.Suspend, 2); !errors.Is(err, registry.ErrRole) {
		t.Errorf("a lab suspends: %v", err)
	}
	if _, err := p.change(t, l, 1, label.Suspend, 4); !errors.Is(err, registry.ErrRole) {
		t.Errorf("another body suspends: %v", err)
	}
	if _, err := p.change(t, l, 1, label.Expire, 1); !errors.Is(err, registry.ErrRole) {
		t.Errorf("a body lets a label expire: %v", err)
	}
	if _, err := p.change(t, l, 1, label.Restore, 1); !errors.Is(err, registry.ErrStatus) {
		t.Errorf("an active label is restored: %v", err)
	}
	if _, err := p.change(t, l, 2, label.Suspend, 1); !errors.Is(err, registry.ErrNumber) {
		t.Errorf("change 2 comes first: %v", err)
	}
	if _, err := p.change(t, l, 1, label.Note, 2, other); err != nil {
		t.Errorf("a lab adds evidence: %v", err)
	}
	c := &label.Change{Version: label.Version, Label: l.ID, Number: 2, Verb: label.Suspend, At: p.now().Unix(), Reason: "other"}
	sign1, err := label.SignChange(c, storetest.Key(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.reg.Change(t.Context(), &registry.Submission{Sign1: sign1, Label: l.ID, Documents: []registry.Document{other}}); !errors.Is(err, registry.ErrText) {
		t.Errorf("a document that the change does not name: %v", err)
	}
	if _, err := p.reg.Change(t.Context(), &registry.Submission{Sign1: sign1, Label: label.Hash{1}}); !errors.Is(err, registry.ErrText) {
		t.Errorf("a change of another label: %v", err)
	}
	if _, err := p.change(t, l, 2, label.Withdraw, 3); err != nil {
		t.Errorf("the scheme owner withdraws: %v", err)
	}
	if _, err := p.change(t, l, 3, label.Restore, 1); !errors.Is(err, registry.ErrStatus) {
		t.Errorf("what was withdrawn comes back: %v", err)
	}
	list, err := p.store.Audits(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, a := range list {
		if a.Outcome != "done" {
			refused++
		}
	}
	if refused < 10 || len(list)-refused != 3 {
		t.Errorf("%d audited as refused, %d as done", refused, len(list)-refused)
	}
}

func TestALabelThatIsSentTwiceIsOneLabel(t *testing.T) {
	p := newPlace(t)
	sign1 := signed(t, storetest.Statement(1, 0, today), 1)
	var all sync.WaitGroup
	var leaves sync.Map
	for range 20 {
		all.Go(func() {
			l, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1, Key: "k"})
			if err != nil {
				t.Error(err)
				return
			}
			leaves.Store(l.Index, true)
		})
	}
	all.Wait()
	n := 0
	leaves.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("it has %d leaves", n)
	}
	if _, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: signed(t, storetest.Statement(2, 1, today), 1), Key: "k"}); !errors.Is(err, registry.ErrReused) {
		t.Errorf("the key is used for another: %v", err)
	}
	p.set(p.now().Add(24 * time.Hour))
	if l, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1}); err != nil || l.Status != label.Active {
		t.Errorf("it is sent again a day later: %+v, %v", l, err)
	}
}

func TestALabelExpiresByItself(t *testing.T) {
	p := newPlace(t)
	s := storetest.Statement(1, 0, today)
	s.Expires = today + 1
	l, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: signed(t, s, 1)})
	if err != nil {
		t.Fatal(err)
	}
	p.set(p.now().Add(48 * time.Hour))
	p.restart(t)
	p.published(t, 0, label.Expired)
	list, err := p.store.Changes(t.Context(), l.ID, 10)
	if err != nil || len(list) != 1 || list[0].Account != registry.Self || list[0].Change.Verb != label.Expire {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestTheRegistryDecidesByItselfWhereSomethingWatches(t *testing.T) {
	p := newPlace(t)
	l := p.grant(t, 1, 0)
	e, err := p.reg.Decide(t.Context(), l.ID, label.Suspend, "exploited", "KEV", registry.Document{Media: "text/plain", Body: []byte("why")})
	if err != nil || e.Status != label.Suspended || e.Account != registry.Self || len(e.Change.Evidence) != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	c, key, err := label.OpenChange(e.Body, func([]byte) ed25519.PublicKey { return public(99) })
	if err != nil || !key.Equal(public(99)) || c.Label != l.ID {
		t.Errorf("%+v, %v", c, err)
	}
}

// Whoever may add evidence to a label could send so much of it that no other change ever has its turn.
func TestManyNotesDoNotPutOffWhatTheRegistryDecides(t *testing.T) {
	p := newPlace(t)
	l := p.grant(t, 1, 0)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	var busy atomic.Uint64
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				now, err := p.store.Label(ctx, l.ID)
				if err != nil {
					return
				}
				c := &label.Change{Version: label.Version, Label: l.ID, Number: now.Changes + 1, Verb: label.Note, At: p.now().Unix(), Reason: "other"}
				sign1, err := label.SignChange(c, storetest.Key(2))
				if err == nil {
					_, err = p.reg.Change(ctx, &registry.Submission{Sign1: sign1, Label: l.ID})
				}
				if errors.Is(err, registry.ErrBusy) {
					busy.Add(1)
				}
			}
		})
	}
	for {
		if now, err := p.store.Label(ctx, l.ID); err != nil || now.Changes > 3 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := p.reg.Decide(ctx, l.ID, label.Suspend, "exploited", ""); err != nil {
		t.Errorf("%v; %d notes were told to wait", err, busy.Load())
	}
}

// brittle is a log that fails before or after it took a leaf in.
type brittle struct {
	registry.Log
	before, after atomic.Int64 // how often
}

var errBroken = errors.New("disk is full")

func (b *brittle) Append(ctx context.Context, e *registry.Entry) (uint64, error) {
	if e.Kind == registry.Grant && b.before.Add(-1) >= 0 {
		return 0, errBroken
	}
	index, err := b.Log.Append(ctx, e)
	if e.Kind == registry.Grant && err == nil && b.after.Add(-1) >= 0 {
		return 0, errBroken
	}
	return index, err
}

func TestAFaultOfTheLogLosesNothingAndDoublesNothing(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after int64
	}{{"before it takes the leaf", 1, 0}, {"after it took the leaf", 0, 1}, {"often", 3, 3}} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			b := &brittle{}
			p.wrap = func(l registry.Log) registry.Log { b.Log = l; return b }
			p.restart(t)
			b.before.Store(c.before)
			b.after.Store(c.after)
			var all sync.WaitGroup
			for i := range 30 {
				all.Go(func() {
					sign1 := signed(t, storetest.Statement(i, uint32(i), today), 1)
					for {
						_, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1})
						if err == nil {
							return
						}
						if !errors.Is(err, registry.ErrRepair) {
							t.Error(err)
							return
						}
						time.Sleep(10 * time.Millisecond)
					}
				})
			}
			all.Wait()
			p.whole(t, 30)
		})
	}
}

// whole checks that each label has one leaf, and each leaf its label.
func (p *place) whole(t *testing.T, want int) {
	t.Helper()
	seen := map[label.Hash]uint64{}
	index := uint64(0)
	for leaf, err := range p.log.Leaves(t.Context(), 0, p.log.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		if g, ok := leaf.(labellog.Grant); ok {
			id := label.Hash(label.LeafHash(g.Label))
			if first, twice := seen[id]; twice {
				t.Errorf("leaves %d and %d are the same", first, index)
			}
			seen[id] = index
			if l, err := p.store.Label(t.Context(), id); err != nil || l.Index != index {
				t.Errorf("leaf %d has no label: %+v, %v", index, l, err)
			}
		}
		index++
	}
	list, err := p.store.Labels(t.Context(), -1, 1000)
	if err != nil || len(list) != want || len(seen) != want {
		t.Errorf("%d labels and %d leaves, want %d; %v", len(list), len(seen), want, err)
	}
}

func TestAKeyThatEndedGrantsNoMore(t *testing.T) {
	p := newPlace(t)
	p.grant(t, 1, 0)
	list, err := p.store.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := list[0]
	a.Keys[0].Until = today
	a.Keys = append(a.Keys, registry.Key{Public: public(50), From: today})
	if err := p.store.SaveAccount(t.Context(), &a); err != nil {
		t.Fatal(err)
	}
	p.set(p.now().Add(24 * time.Hour))
	p.restart(t)
	if _, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: signed(t, storetest.Statement(2, 1, today+1), 1)}); !errors.Is(err, registry.ErrRole) {
		t.Errorf("the old key: %v", err)
	}
	if _, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: signed(t, storetest.Statement(2, 1, today+1), 50)}); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if n, err := p.reg.Next(t.Context(), "body"); err != nil || n != 2 {
		t.Errorf("next index %d, %v", n, err)
	}
}

func TestManyGrantsAtATimeShareTheirWaits(t *testing.T) {
	p := newPlace(t)
	const n = 300
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		sign1 := signed(t, storetest.Statement(i, uint32(i), today), 1)
		all.Go(func() {
			if _, err := p.reg.Grant(t.Context(), &registry.Submission{Sign1: sign1}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	t.Logf("%d grants, each with its leaf published, in %s", n, time.Since(began))
	p.whole(t, n)
}

func FuzzSubmissions(f *testing.F) {
	sign1, err := label.Sign(storetest.Statement(1, 0, today), storetest.Key(1))
	if err != nil {
		f.Fatal(err)
	}
	change, err := label.SignChange(&label.Change{Version: label.Version, Number: 1, Verb: label.Suspend, At: 1, Reason: "other"}, storetest.Key(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sign1)
	f.Add(change)
	f.Add([]byte{0x84, 0x43, 0xa1, 0x01, 0x27, 0xa0, 0x40, 0x40})
	key := func([]byte) ed25519.PublicKey { return public(1) }
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, err := label.Open(data, key)
		if err == nil && s.Check() != nil {
			t.Errorf("a label that is not valid is opened: %x", data)
		}
		c, _, err2 := label.OpenChange(data, key)
		if err2 == nil && c.Check() != nil {
			t.Errorf("a change that is not valid is opened: %x", data)
		}
		if err == nil && err2 == nil {
			t.Errorf("it is a label and a change: %x", data)
		}
		if c, err := label.ReadChange(data); err == nil {
			if again, err := label.SignChange(c, storetest.Key(1)); err != nil || len(again) == 0 {
				t.Errorf("what was read cannot be signed: %v", err)
			}
		}
		for _, w := range registry.Words(string(data)) {
			if w == "" || len(w) > 32 {
				t.Errorf("%q is a word", w)
			}
		}
	})
}

func TestMain(m *testing.M) {
	labellog.LogTo(slog.New(slog.DiscardHandler))
	m.Run()
}
