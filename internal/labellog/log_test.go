package labellog_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/label"
)

const origin = "log.registry.example/labels"

// clock is a time that a test moves on.
type clock struct{ seconds atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.seconds.Store(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC).Unix())
	return c
}

func (c *clock) now() time.Time      { return time.Unix(c.seconds.Load(), 0).UTC() }
func (c *clock) day() label.Day      { return label.DayOf(c.now()) }
func (c *clock) add(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }

func seed(name string) ed25519.PrivateKey {
	s := sha256.Sum256([]byte("plimsoll test " + name))
	return ed25519.NewKeyFromSeed(s[:])
}

func public(name string) ed25519.PublicKey { return seed(name).Public().(ed25519.PublicKey) }

func granted(t testing.TB, issuer string, index uint32, day label.Day) labellog.Grant {
	t.Helper()
	s := &label.Statement{
		Version: label.Version, GTIN: 9506000134352, Maker: "Example Lamps", Model: fmt.Sprintf("LP-%d", index), Profile: 1,
		Norms: make([]byte, (len(label.ProfileNorms(1))+1)/2), Issued: day, Index: index, Hardware: fmt.Sprint(index), Support: day + 900,
	}
	data, err := label.Sign(s, seed(issuer))
	if err != nil {
		t.Fatal(err)
	}
	return labellog.Grant{Label: data}
}

// world is a log with an issuer.
type world struct {
	*clock
	dir    string
	signer note.Signer
	vkey   string
	log    *labellog.Log
	policy *labellog.Policy
}

func newWorld(t testing.TB) *world {
	t.Helper()
	private, vkey, err := labellog.NewLogKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := labellog.LogSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{clock: newClock(), dir: t.TempDir(), signer: signer, vkey: vkey}
	w.policy = policy(t, "log "+vkey+"\nquorum none\n")
	t.Cleanup(func() { storetest.RemoveLog(w.dir) })
	w.open(t, labellog.Options{})
	w.append(t, labellog.KeyAdded{Name: "authority", Key: public("authority"), From: w.day() - 1000})
	return w
}

func policy(t testing.TB, text string) *labellog.Policy {
	t.Helper()
	p, err := labellog.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) open(t testing.TB, o labellog.Options) {
	t.Helper()
	o.Now = w.now
	l, err := labellog.Open(context.Background(), w.dir, w.signer, o)
	if err != nil {
		t.Fatal(err)
	}
	w.log = l
	t.Cleanup(func() { w.shut(t) })
}

func (w *world) shut(t testing.TB) {
	if w.log == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.log.Close(ctx); err != nil {
		t.Error(err)
	}
	w.log = nil
}

func (w *world) append(t testing.TB, leaf labellog.Leaf) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	index, err := w.log.Append(ctx, leaf)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// appendAll appends grants, all at once.
func (w *world) appendAll(t testing.TB, n int) []uint64 {
	t.Helper()
	indices := make([]uint64, n)
	var g sync.WaitGroup
	for i := range n {
		leaf := granted(t, "authority", uint32(i), w.day())
		g.Go(func() {
			var err error
			if indices[i], err = w.log.Append(context.Background(), leaf); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	return indices
}

func TestWhatIsAppendedIsUnderAPublishedCheckpointThatProvesIt(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for i := range uint32(5) {
		g := granted(t, "authority", i, w.day())
		index := w.append(t, g)
		data, err := w.log.Published(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.policy.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		path, err := w.log.Proof(ctx, index, c.Size)
		if err != nil {
			t.Fatal(err)
		}
		if err := labellog.VerifyInclusion(g.Label, index, path, c); err != nil {
			t.Error(err)
		}
		leaf, err := w.log.Leaf(ctx, index)
		if got, ok := leaf.(labellog.Grant); err != nil || !ok || string(got.Label) != string(g.Label) {
			t.Errorf("leaf %d is %v, %v", index, leaf, err)
		}
	}
}

// The second opinion is that of the Go checksum database.
func TestProofsHoldBetweenAnyTwoSizes(t *testing.T) {
	w := newWorld(t)
	w.appendAll(t, 300)
	w.append(t, granted(t, "authority", 300, w.day()))
	ctx := t.Context()
	size := w.log.Size()
	var hashes []tlog.Hash
	root := func(n uint64) tlog.Hash {
		t.Helper()
		h, err := tlog.TreeHash(int64(n), tlog.HashReaderFunc(func(indices []int64) (list []tlog.Hash, err error) {
			for _, i := range indices {
				list = append(list, hashes[i])
			}
			return list, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	var entries [][]byte
	for data, err := range w.log.Entries(ctx, 0, size) {
		if err != nil {
			t.Fatal(err)
		}
		more, err := tlog.StoredHashes(int64(len(entries)), data, tlog.HashReaderFunc(func(indices []int64) (list []tlog.Hash, err error) {
			for _, i := range indices {
				list = append(list, hashes[i])
			}
			return list, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		hashes, entries = append(hashes, more...), append(entries, data)
	}
	as := func(path [][]byte) (list []tlog.Hash) {
		for _, h := range path {
			list = append(list, tlog.Hash(h))
		}
		return list
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + random.Uint64N(size)
		i, smaller := random.Uint64N(n), 1+random.Uint64N(n)
		path, err := w.log.Proof(ctx, i, n)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(as(path), int64(n), root(n), int64(i), tlog.RecordHash(entries[i])); err != nil {
			t.Errorf("leaf %d of %d: %v", i, n, err)
		}
		c := &labellog.Checkpoint{Size: n, Root: root(n)}
		if err := labellog.VerifyInclusion(entries[i], i, path, c); err != nil {
			t.Error(err)
		}
		if len(path) > 0 { // forged
			path[random.IntN(len(path))][3] ^= 1
			if err := labellog.VerifyInclusion(entries[i], i, path, c); !errors.Is(err, labellog.ErrInclusion) {
				t.Errorf("a forged proof: %v", err)
			}
		}
		if path, err = w.log.Consistency(ctx, smaller, n); err != nil {
			t.Fatal(err)
		}
		if smaller < n {
			if err := tlog.CheckTree(as(path), int64(n), root(n), int64(smaller), root(smaller)); err != nil {
				t.Errorf("%d to %d: %v", smaller, n, err)
			}
		}
		if got, err := w.log.Find(ctx, [32]byte(tlog.RecordHash(entries[i])), size); err != nil || got != i {
			t.Errorf("leaf %d is found at %d, %v", i, got, err)
		}
	}
}

func TestTheLogIsOpenedAgainAndGoesOn(t *testing.T) {
	w := newWorld(t)
	w.append(t, granted(t, "authority", 1, w.day()))
	if _, err := labellog.Open(t.Context(), w.dir, w.signer, labellog.Options{}); !errors.Is(err, labellog.ErrInUse) {
		t.Errorf("a second process: %v", err)
	}
	w.shut(t)
	private, _, err := labellog.NewLogKey("other.example/log")
	if err != nil {
		t.Fatal(err)
	}
	other, err := labellog.LogSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := labellog.Open(t.Context(), w.dir, other, labellog.Options{}); !errors.Is(err, labellog.ErrOtherLog) {
		t.Errorf("the key of another log: %v", err)
	}
	w.open(t, labellog.Options{})
	if got := w.append(t, granted(t, "authority", 2, w.day())); got != 2 {
		t.Errorf("index %d after opening again; want 2", got)
	}
	if got := w.log.Issuers(); len(got) != 1 || got[0].Name != "authority" {
		t.Errorf("issuers after opening again: %v", got)
	}
}

func TestTheLogRefusesWhatMustNotBeInIt(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		leaf labellog.Leaf
		want error
	}{
		"a label of yesterday":            {granted(t, "authority", 1, w.day()-1), labellog.ErrDay},
		"a label of tomorrow":             {granted(t, "authority", 1, w.day()+1), labellog.ErrDay},
		"a label by a key of nobody":      {granted(t, "mallory", 1, w.day()), labellog.ErrIssuer},
		"a landmark":                      {labellog.Landmark{Day: w.day(), Root: [32]byte{1}}, labellog.ErrLeaf},
		"octets":                          {labellog.Grant{Label: []byte("label")}, labellog.ErrLeaf},
		"a status that no label has":      {labellog.StatusChange{Status: label.Unknown, Reason: "other", Evidence: [32]byte{1}}, labellog.ErrLeaf},
		"a restoration without a record":  {labellog.StatusChange{Status: label.Active, Reason: "remedied"}, labellog.ErrLeaf},
		"a key of an issuer without name": {labellog.KeyAdded{Key: public("authority")}, labellog.ErrLeaf},
	} {
		if _, err := w.log.Append(t.Context(), c.leaf); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
	}
	if w.log.Size() != 1 {
		t.Errorf("%d leaves; want the key alone", w.log.Size())
	}
}

func TestAKeyThatEndedGrantsNoMore(t *testing.T) {
	w := newWorld(t)
	w.append(t, granted(t, "authority", 1, w.day()))
	w.append(t, labellog.KeyAdded{Name: "authority", Key: public("authority 2"), From: w.day()})
	w.append(t, labellog.KeyEnded{Name: "authority", Key: public("authority"), Until: w.day() - 1})
	if _, err := w.log.Append(t.Context(), granted(t, "authority", 2, w.day())); !errors.Is(err, labellog.ErrIssuer) {
		t.Errorf("by the old key: %v", err)
	}
	w.append(t, granted(t, "authority 2", 3, w.day()))
}

func TestTheKeyOfALogRotatesWhileVerifiersLearnTheNewOne(t *testing.T) {
	w := newWorld(t)
	w.shut(t)
	private, vkey, err := labellog.NewLogKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	old := w.signer
	if w.signer, err = labellog.LogSigner(private); err != nil {
		t.Fatal(err)
	}
	after := policy(t, "log "+vkey+"\nquorum none\n")
	for _, c := range []struct {
		name    string
		retired []note.Signer
		before  error
	}{
		{"both sign", []note.Signer{old}, nil},
		{"the new one alone", nil, labellog.ErrLogKey},
	} {
		w.open(t, labellog.Options{Retired: c.retired})
		w.append(t, granted(t, "authority", uint32(len(c.retired)), w.day()))
		data, err := w.log.Published(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.policy.Open(data); !errors.Is(err, c.before) {
			t.Errorf("%s, by the old policy: %v; want %v", c.name, err, c.before)
		}
		if _, err := after.Open(data); err != nil {
			t.Errorf("%s, by the new policy: %v", c.name, err)
		}
		w.shut(t)
	}
}

func TestALandmarkProvesTheDayFromBothSides(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	type printed struct {
		grant labellog.Grant
		index uint64
		day   label.Day
	}
	var packs []printed
	for i := range uint32(40) {
		g := granted(t, "authority", i, w.day())
		packs = append(packs, printed{g, w.append(t, g), w.day()})
		if i%13 == 12 {
			w.add(24 * time.Hour)
		}
	}
	w.add(24 * time.Hour)
	if err := w.log.CloseDay(ctx); err != nil {
		t.Fatal(err)
	}
	first, roots := labellog.Roots(w.log.Landmarks())
	b := &label.Bundle{Version: label.Version, Made: w.now(), Issuers: w.log.Issuers(), FirstDay: first, Landmarks: roots}
	if err := b.SetStatuses(make40(label.Active)); err != nil {
		t.Fatal(err)
	}
	file, err := b.Sign(seed("registry"))
	if err != nil {
		t.Fatal(err)
	}
	trust, err := label.ParseBundle(file, public("registry"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packs {
		d, err := w.log.Landmark(ctx, p.day)
		if err != nil {
			t.Fatal(err)
		}
		v, err := trust.Verify(&label.Envelope{Version: label.Version, Label: p.grant.Label, Proof: d.Proof(p.index)}, "", w.now())
		if err != nil || v.IssuedProof != label.ByLandmark || v.Status != label.Active {
			t.Fatalf("leaf %d of %s: %+v, %v", p.index, p.day, v, err)
		}
	}
	// granted on the first day, and put into the log of the second, and the other way round
	d, err := w.log.Landmark(ctx, packs[0].day+1)
	if err != nil {
		t.Fatal(err)
	}
	for name, day := range map[string]label.Day{"back-dated": packs[0].day, "forward-dated": packs[0].day + 2} {
		forged := granted(t, "authority", 7, day)
		root, proofs := label.Landmark(d.Day, [][]byte{forged.Label})
		if root == d.Root {
			t.Fatal("the root does not depend on what is below it")
		}
		for _, p := range []*label.Proof{proofs[0], d.Proof(packs[13].index)} {
			if _, err := trust.Verify(&label.Envelope{Version: label.Version, Label: forged.Label, Proof: p}, "", w.now()); !errors.Is(err, label.ErrProof) {
				t.Errorf("%s: %v; want %v", name, err, label.ErrProof)
			}
		}
	}
	if _, err := w.log.Landmark(ctx, w.day()); !errors.Is(err, labellog.ErrMissing) {
		t.Errorf("a day that is not over: %v", err)
	}
	w.add(-48 * time.Hour)
	if _, err := w.log.Append(ctx, granted(t, "authority", 99, w.day())); !errors.Is(err, labellog.ErrClock) {
		t.Errorf("a clock that went back: %v", err)
	}
}

func make40(s label.Status) []label.Status {
	list := make([]label.Status, 40)
	for i := range list {
		list[i] = s
	}
	return list
}

func TestManyAppendAtOnceAndEachIsThereOnce(t *testing.T) {
	w := newWorld(t)
	const n = 600
	seen := map[uint64]bool{}
	for _, i := range w.appendAll(t, n) {
		seen[i] = true
	}
	if len(seen) != n {
		t.Errorf("%d indices for %d leaves", len(seen), n)
	}
	count := 0
	for _, err := range w.log.Leaves(t.Context(), 0, w.log.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != n+1 {
		t.Errorf("%d leaves; want %d", count, n+1)
	}
}

func BenchmarkAppendAwaitingInclusion(b *testing.B) {
	w := newWorld(b)
	leaf := granted(b, "authority", 1, w.day())
	b.SetParallelism(64)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := w.log.Append(context.Background(), leaf); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

func contextFor(t testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(context.Background(), d)
}
