// Package storetest holds every store to the same: what a registry needs of one is tested once, and run on each.
package storetest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// Day is that of the labels that Grant makes.
const Day = label.Day(20784) // 2026-11-27

// Key is a key that is always the same for a seed.
func Key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), seed))
}

// GTIN is the n-th of those that tests use.
func GTIN(n int) uint64 {
	g := 9506000100000 + uint64(n) // GS1’s prefix for examples
	sum := uint64(0)
	for i, x := 0, g; x > 0; i, x = i+1, x/10 {
		if i%2 == 0 {
			sum += 3 * (x % 10)
		} else {
			sum += x % 10
		}
	}
	return g*10 + (10-sum%10)%10
}

// Statement is one of a product, with a status index.
func Statement(n int, index uint32, day label.Day) *label.Statement {
	s := &label.Statement{
		Version: label.Version, GTIN: GTIN(n), Maker: "Example Lamps", Model: fmt.Sprintf("LP-%d", n), Profile: 1, Issued: day, Index: index,
		Support: day + 1000, Contact: "https://lamps.example/security",
	}
	s.SetClass("etsi.5.1-1", label.LabTested)
	return s
}

// Grant is the entry of a label.
func Grant(t testing.TB, s *label.Statement, category string) *registry.Entry {
	t.Helper()
	sign1, err := label.Sign(s, Key(1))
	if err != nil {
		t.Fatal(err)
	}
	e := &registry.Entry{
		Kind: registry.Grant, Hash: label.LeafHash(sign1), Body: sign1, Account: "body", At: s.Issued.Time().Add(time.Hour), GTIN: s.GTIN, StatusIndex: s.Index,
		Status: label.Active,
	}
	e.Label = e.Hash
	e.Grant = &registry.Label{ID: e.Hash, Sign1: sign1, Account: "body", Category: category, Granted: e.At, Status: label.Active}
	return e
}

// Change is the entry of a change of what was granted.
func Change(t testing.TB, of *registry.Entry, number uint32, verb label.Verb) *registry.Entry {
	t.Helper()
	c := &label.Change{Version: label.Version, Label: of.Label, Number: number, Verb: verb, At: of.At.Unix() + int64(number), Reason: "exploited"}
	sign1, err := label.SignChange(c, Key(1))
	if err != nil {
		t.Fatal(err)
	}
	return &registry.Entry{
		Kind: registry.Change, Hash: sha256.Sum256(sign1), Body: sign1, Account: "body", At: c.Time(), Label: of.Label, GTIN: of.GTIN, StatusIndex: of.StatusIndex,
		Change: c,
	}
}

func commit(t testing.TB, s registry.Store, fresh, logged []*registry.Entry) {
	t.Helper()
	if err := s.Commit(context.Background(), fresh, logged, nil); err != nil {
		t.Fatal(err)
	}
}

// log marks entries as logged, from an index on.
func log(t testing.TB, s registry.Store, from uint64, list ...*registry.Entry) {
	t.Helper()
	for i, e := range list {
		if err := e.Refused(); err != nil {
			t.Fatal(err)
		}
		e.Index, e.Logged = from+uint64(i), true
	}
	commit(t, s, nil, list)
}

// Registry holds a store to what a registry needs. open opens an empty one; again opens the same once more.
func Registry(t *testing.T, open func(t *testing.T) (s registry.Store, again func() registry.Store)) {
	for _, c := range []struct {
		name string
		test func(*testing.T, registry.Store)
	}{
		{"a label is shown once it is logged", shown},
		{"the picture of a product is kept with its label", pictured},
		{"a change waits for the one before it, and follows it by number", changed},
		{"what is sent twice is kept once", twice},
		{"a status index is given once", indexed},
		{"what the log refused is forgotten", dropped},
		{"products are found by words, maker and category", searched},
		{"accounts keep their keys and blocks", accounts},
		{"what was done and refused is audited", audited},
		{"labels whose last day is over are found", expired},
		{"a batch is kept whole or not at all", whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := open(t)
			c.test(t, s)
		})
	}
	t.Run("what was kept is there after a restart", func(t *testing.T) {
		s, again := open(t)
		e, f := Grant(t, Statement(1, 1, Day), "light"), Grant(t, Statement(2, 2, Day), "light")
		commit(t, s, []*registry.Entry{e, f}, nil)
		log(t, s, 0, e)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = again()
		pending, err := s.Pending(t.Context())
		if err != nil || len(pending) != 1 || pending[0].Hash != f.Hash || string(pending[0].Body) != string(f.Body) || pending[0].Grant == nil {
			t.Fatalf("pending: %+v, %v", pending, err)
		}
		log(t, s, 1, pending...)
		if l, err := s.Label(t.Context(), f.Label); err != nil || l.Index != 1 {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func shown(t *testing.T, s registry.Store) {
	ctx := t.Context()
	e := Grant(t, Statement(1, 7, Day), "light")
	e.Floor = 3
	commit(t, s, []*registry.Entry{e}, nil)
	if _, err := s.Label(ctx, e.Label); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("it is shown before it is logged: %v", err)
	}
	if list, err := s.LabelsOf(ctx, e.GTIN, 10); err != nil || len(list) != 0 {
		t.Errorf("it is shown before it is logged: %v, %v", list, err)
	}
	if p, err := s.Pending(ctx); err != nil || len(p) != 1 || p[0].Floor != 3 || p[0].Seq != e.Seq || p[0].Logged {
		t.Errorf("pending: %+v, %v", p, err)
	}
	log(t, s, 41, e)
	if p, err := s.Pending(ctx); err != nil || len(p) != 0 {
		t.Errorf("pending: %v, %v", p, err)
	}
	l, err := s.Label(ctx, e.Label)
	if err != nil || l.Index != 41 || l.Status != label.Active || l.Account != "body" || l.Category != "light" || !l.Granted.Equal(e.At) || string(l.Sign1) != string(e.Body) {
		t.Errorf("%+v, %v", l, err)
	}
	if st, err := l.Statement(); err != nil || st.Model != "LP-1" {
		t.Errorf("%+v, %v", st, err)
	}
	if list, err := s.LabelsOf(ctx, e.GTIN, 10); err != nil || len(list) != 1 || list[0].ID != e.Label {
		t.Errorf("%v, %v", list, err)
	}
	if list, err := s.Labels(ctx, 40, 10); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if list, err := s.Labels(ctx, 41, 10); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if list, err := s.Events(ctx, 0, 10); err != nil || len(list) != 1 || list[0].Product.Model != "LP-1" || list[0].Index != 41 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.Commit(ctx, nil, []*registry.Entry{e}, nil); err == nil {
		t.Error("it is marked twice")
	}
}

func pictured(t *testing.T, s registry.Store) {
	ctx := t.Context()
	plain, e, twin := Grant(t, Statement(1, 1, Day), "light"), Grant(t, Statement(2, 2, Day), "light"), Grant(t, Statement(2, 3, Day), "light")
	d := registry.Document{Media: "image/jpeg", Body: []byte("a picture")}
	d.Sum()
	for _, x := range []*registry.Entry{e, twin} { // the same picture, of two labels
		x.Grant.Picture, x.Documents = d.Hash, []registry.Document{d}
	}
	commit(t, s, []*registry.Entry{plain, e, twin}, nil)
	log(t, s, 0, plain, e, twin)
	for x, want := range map[*registry.Entry]label.Hash{plain: {}, e: d.Hash, twin: d.Hash} {
		if l, err := s.Label(ctx, x.Label); err != nil || l.Picture != want {
			t.Errorf("%+v, %v, want picture %s", l, err, want)
		}
	}
	if list, err := s.LabelsOf(ctx, GTIN(2), 9); err != nil || len(list) != 2 || list[0].Picture != d.Hash {
		t.Errorf("%v, %v", list, err)
	}
	if kept, err := s.Document(ctx, d.Hash); err != nil || kept.Media != d.Media || string(kept.Body) != string(d.Body) {
		t.Errorf("%+v, %v", kept, err)
	}
}

func changed(t *testing.T, s registry.Store) {
	ctx := t.Context()
	g := Grant(t, Statement(1, 7, Day), "")
	early := Change(t, g, 1, label.Suspend)
	commit(t, s, []*registry.Entry{g, early}, nil)
	if !errors.Is(early.Refused(), registry.ErrNumber) {
		t.Errorf("a change of a label that is not logged: %v", early.Refused())
	}
	log(t, s, 0, g)
	stranger := Change(t, Grant(t, Statement(2, 8, Day), ""), 1, label.Suspend)
	skip, restore := Change(t, g, 2, label.Suspend), Change(t, g, 1, label.Restore)
	suspend := Change(t, g, 1, label.Suspend)
	suspend.Documents = []registry.Document{{Hash: sha256.Sum256([]byte("x")), Media: "text/plain", Body: []byte("x")}}
	other := Change(t, g, 1, label.Withdraw)
	commit(t, s, []*registry.Entry{stranger, skip, restore, suspend, other}, nil)
	for _, c := range []struct {
		e    *registry.Entry
		want error
	}{{stranger, registry.ErrUnknown}, {skip, registry.ErrNumber}, {restore, registry.ErrStatus}, {suspend, nil}, {other, registry.ErrNumber}} {
		if !errors.Is(c.e.Refused(), c.want) {
			t.Errorf("%s %d: %v, want %v", c.e.Change.Verb, c.e.Change.Number, c.e.Refused(), c.want)
		}
	}
	if l, err := s.Label(ctx, g.Label); err != nil || l.Status != label.Active || l.Changes != 0 {
		t.Errorf("a change counts before it is logged: %+v, %v", l, err)
	}
	log(t, s, 1, suspend)
	l, err := s.Label(ctx, g.Label)
	if err != nil || l.Status != label.Suspended || l.Changes != 1 || !l.Changed.Equal(suspend.At) {
		t.Errorf("%+v, %v", l, err)
	}
	note := Change(t, g, 2, label.Note)
	commit(t, s, []*registry.Entry{note}, nil)
	log(t, s, 2, note)
	if l, err := s.Label(ctx, g.Label); err != nil || l.Status != label.Suspended || l.Changes != 2 || !l.Changed.Equal(suspend.At) {
		t.Errorf("after a note: %+v, %v", l, err)
	}
	list, err := s.Changes(ctx, g.Label, 10)
	if err != nil || len(list) != 2 || list[0].Change.Verb != label.Suspend || list[1].Change.Verb != label.Note || list[0].Status != label.Suspended {
		t.Errorf("%+v, %v", list, err)
	}
	d, err := s.Document(ctx, sha256.Sum256([]byte("x")))
	if err != nil || string(d.Body) != "x" || d.Media != "text/plain" {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := s.Document(ctx, label.Hash{}); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("a document that nobody sent: %v", err)
	}
	got := map[uint32]label.Status{}
	if err := s.Statuses(ctx, func(i uint32, st label.Status) { got[i] = st }); err != nil || len(got) != 1 || got[7] != label.Suspended {
		t.Errorf("%v, %v", got, err)
	}
}

func twice(t *testing.T, s registry.Store) {
	e := Grant(t, Statement(1, 7, Day), "")
	e.Key = "k1"
	same, inBatch := *e, *e
	commit(t, s, []*registry.Entry{e, &inBatch}, nil)
	log(t, s, 0, e)
	commit(t, s, []*registry.Entry{&same}, nil)
	if e.Seq == 0 || same.Refused() == nil || inBatch.Refused() == nil {
		t.Errorf("kept twice: %v, %v", same.Refused(), inBatch.Refused())
	}
	reused := Grant(t, Statement(2, 8, Day), "")
	reused.Key = "k1"
	elsewhere := Grant(t, Statement(3, 9, Day), "")
	elsewhere.Key, elsewhere.Account = "k1", "other"
	commit(t, s, []*registry.Entry{reused, elsewhere}, nil)
	if !errors.Is(reused.Refused(), registry.ErrReused) || elsewhere.Refused() != nil {
		t.Errorf("%v, %v", reused.Refused(), elsewhere.Refused())
	}
	if got, err := s.Entry(t.Context(), e.Hash); err != nil || !got.Logged || got.Index != 0 || got.Key != "k1" {
		t.Errorf("%+v, %v", got, err)
	}
}

func indexed(t *testing.T, s registry.Store) {
	ctx := t.Context()
	if _, used, err := s.LastIndex(ctx, registry.Block{First: 0, Size: 100}); err != nil || used {
		t.Errorf("%v, %v", used, err)
	}
	a, b, c := Grant(t, Statement(1, 7, Day), ""), Grant(t, Statement(2, 7, Day), ""), Grant(t, Statement(2, 100, Day), "")
	commit(t, s, []*registry.Entry{a, b, c}, nil)
	if a.Refused() != nil || !errors.Is(b.Refused(), registry.ErrIndex) || c.Refused() != nil {
		t.Errorf("%v, %v, %v", a.Refused(), b.Refused(), c.Refused())
	}
	if last, used, err := s.LastIndex(ctx, registry.Block{First: 0, Size: 100}); err != nil || !used || last != 7 {
		t.Errorf("%d, %v, %v", last, used, err)
	}
}

func dropped(t *testing.T, s registry.Store) {
	ctx := t.Context()
	g, late := Grant(t, Statement(1, 7, Day), ""), Grant(t, Statement(2, 8, Day), "")
	commit(t, s, []*registry.Entry{g, late}, nil)
	log(t, s, 0, g)
	c := Change(t, g, 1, label.Suspend)
	commit(t, s, []*registry.Entry{c}, nil)
	if err := s.Commit(ctx, nil, nil, []*registry.Entry{late, c}); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Pending(ctx); err != nil || len(p) != 0 {
		t.Errorf("%v, %v", p, err)
	}
	if l, err := s.Label(ctx, g.Label); err != nil || l.Status != label.Active || l.Changes != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	again, next := Grant(t, Statement(2, 8, Day+1), ""), Change(t, g, 1, label.Withdraw)
	commit(t, s, []*registry.Entry{again, next}, nil)
	if again.Refused() != nil || next.Refused() != nil {
		t.Errorf("what was refused is in the way: %v, %v", again.Refused(), next.Refused())
	}
}

func searched(t *testing.T, s registry.Store) {
	ctx := t.Context()
	var all []*registry.Entry
	for i, p := range []struct{ maker, model, category string }{
		{"Example Lamps", "Glow 2", "light"},
		{"Example Lamps", "Plug mini", "plug"},
		{"Caméras du Nord", "Glow cam", "camera"},
		{"Not logged", "Glow", "camera"},
	} {
		st := Statement(i, uint32(i), Day)
		st.Maker, st.Model = p.maker, p.model
		all = append(all, Grant(t, st, p.category))
	}
	commit(t, s, all, nil)
	log(t, s, 0, all[:3]...)
	for _, c := range []struct {
		name string
		q    registry.Query
		want []int
	}{
		{"all", registry.Query{}, []int{0, 1, 2}},
		{"a word", registry.Query{Words: registry.Words("GLOW")}, []int{0, 2}},
		{"the beginning of two", registry.Query{Words: registry.Words("exa plu")}, []int{1}},
		{"without its accent", registry.Query{Words: registry.Words("cameras")}, []int{2}},
		{"a maker", registry.Query{Maker: "example lamps"}, []int{0, 1}},
		{"a maker that is a model", registry.Query{Maker: "glow"}, nil},
		{"a category", registry.Query{Category: "camera"}, []int{2}},
		{"a word and a category", registry.Query{Words: registry.Words("glow"), Category: "light"}, []int{0}},
		{"the next ones", registry.Query{Words: registry.Words("glow"), After: GTIN(0)}, []int{2}},
		{"nobody’s", registry.Query{Words: registry.Words("zzz")}, nil},
		{"what means something in SQL", registry.Query{Words: registry.Words("%' or 1=1 --")}, nil},
	} {
		c.q.Limit = 10
		list, err := s.Products(ctx, &c.q)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []uint64
		for _, p := range list {
			got = append(got, p.GTIN)
		}
		for _, n := range c.want {
			want = append(want, GTIN(n))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
	if list, err := s.Products(ctx, &registry.Query{Limit: 2}); err != nil || len(list) != 2 || list[1].Model != "Plug mini" || list[1].Category != "plug" {
		t.Errorf("%+v, %v", list, err)
	}
}

func accounts(t *testing.T, s registry.Store) {
	ctx := t.Context()
	public := Key(1).Public().(ed25519.PublicKey)
	a := &registry.Account{ID: "body", Name: "Body", Role: registry.CertificationBody, Since: Day.Time(), Keys: []registry.Key{{Public: public, From: Day}}}
	b := &registry.Account{ID: "lab", Name: "Lab", Role: registry.Lab, Since: Day.Time()}
	for _, x := range []*registry.Account{a, b} {
		if err := registry.NewAccount(ctx, s, x); err != nil {
			t.Fatal(err)
		}
	}
	if err := registry.NewAccount(ctx, s, &registry.Account{ID: "thief", Name: "T", Role: registry.Lab, Keys: a.Keys}); err == nil {
		t.Error("two accounts have one key")
	}
	if _, err := registry.Extend(ctx, s, "body", 100); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Extend(ctx, s, "lab", 100); !errors.Is(err, registry.ErrRole) {
		t.Errorf("a lab numbers labels: %v", err)
	}
	a.Name, a.Keys[0].Until = "The Body", Day+1
	a.Blocks = []registry.Block{{First: 0, Size: registry.BlockSize}, {First: registry.BlockSize, Size: 100}}
	if err := s.SaveAccount(ctx, a); err != nil {
		t.Fatal(err)
	}
	list, err := s.Accounts(ctx)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	got := list[0]
	if got.ID != "body" || got.Name != "The Body" || !got.Since.Equal(Day.Time()) || len(got.Keys) != 1 || !got.Keys[0].Public.Equal(public) ||
		got.Keys[0].Until != Day+1 || !slices.Equal(got.Blocks, a.Blocks) || list[1].Role != registry.Lab {
		t.Errorf("%+v", list)
	}
}

func audited(t *testing.T, s registry.Store) {
	ctx := t.Context()
	e := Grant(t, Statement(1, 7, Day), "")
	commit(t, s, []*registry.Entry{e}, nil)
	if err := s.Note(ctx, &registry.Audit{At: e.At, Account: "lab", Action: "suspend", Subject: "x", Outcome: "not permitted"}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Audits(ctx, 0, 10)
	if err != nil || len(list) != 2 || list[0].Outcome != "not permitted" || list[1].Action != "grant" || list[1].Subject != e.Hash.String() || !list[1].At.Equal(e.At) {
		t.Fatalf("%+v, %v", list, err)
	}
	if list, err = s.Audits(ctx, list[0].Seq, 10); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func expired(t *testing.T, s registry.Store) {
	over, last := Statement(1, 1, Day), Statement(2, 2, Day)
	over.Expires, last.Expires = Day+1, Day+2
	a, b := Grant(t, over, ""), Grant(t, last, "")
	commit(t, s, []*registry.Entry{a, b, Grant(t, Statement(3, 3, Day), "")}, nil)
	log(t, s, 0, a, b)
	list, err := s.Expired(t.Context(), Day+2, 10)
	if err != nil || len(list) != 1 || list[0] != a.Label {
		t.Errorf("%v, %v", list, err)
	}
}

func whole(t *testing.T, s registry.Store) {
	a := Grant(t, Statement(1, 1, Day), "")
	lost := Grant(t, Statement(2, 2, Day), "")
	lost.Seq = 99 // was never kept
	if err := s.Commit(t.Context(), []*registry.Entry{a}, []*registry.Entry{lost}, nil); err == nil {
		t.Fatal("what was never kept is marked")
	}
	if _, err := s.Entry(t.Context(), a.Hash); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("half of a batch is kept: %v", err)
	}
}
