// Package registry keeps the labels of products: who granted them, what was done about them since, and the evidence.
//
// Its roles are those of ISO/IEC 27404: a scheme owner keeps the registry; certification bodies grant labels; labs and
// manufacturers add evidence; consumers read. A grant is a label that its issuer signed, a change of status is a record
// that whoever decides signed (package label): nothing is taken on a secret that could leak, everybody can verify later who
// did what, and what is sent twice is the same thing once.
//
// Everything that is taken becomes a leaf of a public log. Store and Log are tied by an outbox: an Entry is kept first,
// then logged, then marked with its place in the log, and only then acknowledged and shown. Whenever the process dies, what
// was kept and is not marked is looked for in the log, and logged if it is not there; so that no acknowledged entry is
// missing from the log, and the log has no leaf that nobody kept.
package registry

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/label"
)

// Log is where everything is published. Any number of goroutines may use it; one process writes it.
type Log interface {
	// Size is the number of leaves that are published: those that Append returned for are among them.
	Size(ctx context.Context) (uint64, error)

	// Append adds the leaf of an entry and returns its index once a published checkpoint covers it. After an error that
	// IsRefusal the leaf is not in the log and cannot be; after any other it is not known whether it is.
	Append(ctx context.Context, e *Entry) (index uint64, err error)

	// Find looks for the leaves of entries from a place on, and gives the index of each that is there and published. It
	// fails while something in the log is not published yet.
	Find(ctx context.Context, from uint64, entries []*Entry, found func(e *Entry, index uint64)) error

	// Admit has the log know a key of an issuer, as of now.
	Admit(ctx context.Context, issuer string, k *Key) error

	// Landmarks are the roots of the trees of each day’s labels, from the first day on; zeros where nothing was granted.
	Landmarks(ctx context.Context) (first label.Day, roots [][32]byte, err error)
}

// Config is what a registry is made of.
type Config struct {
	Name   string             // as bundles and pages say it
	URL    string             // at which others reach it, without a slash at the end
	Key    ed25519.PrivateKey // signs bundles, lists, and what the registry decides by itself
	Store  Store
	Log    Log
	Now    func() time.Time
	Logger *slog.Logger

	Publish time.Duration // how soon after a change there is a new list and bundle

	// Watchers run beside the registry and may change labels by Decide, as rules on advisories do. One that ends is
	// called again.
	Watchers []func(context.Context, *Registry) error
}

// Registry is one that is open.
type Registry struct {
	Config
	queue    chan *Entry
	appended chan *Entry
	inFlight chan struct{} // a place for each entry under way
	broken   atomic.Bool   // store and log are being reconciled
	accounts atomic.Pointer[book]
	versions [4096]atomic.Uint64 // of products, by GTIN
	issued   atomic.Pointer[Publication]
	counts   Counts
	deciding sync.Map // label.Hash of each label that the registry itself is changing

	mu       sync.Mutex
	statuses label.Statuses
	dirty    bool // something changed since the last publication
}

// Counts are for metrics.
type Counts struct {
	Granted, Changed, Refused, Reconciled, Failed atomic.Uint64
}

// Bounds of what is under way at a time.
const (
	maxInFlight = 4096
	maxBatch    = 1024 // entries of one transaction
)

// What keeps an entry from being taken.
var (
	ErrRole    = errors.New("not permitted")         // to an account of that role, or to nobody
	ErrDay     = errors.New("not of today")          // a label is logged on the day that it says it was issued
	ErrIndex   = errors.New("status index is taken") // or not in a block of the issuer
	ErrNumber  = errors.New("another change came first")
	ErrStatus  = errors.New("not possible with that status")
	ErrReused  = errors.New("idempotency key was used for something else")
	ErrBusy    = errors.New("too much is under way")
	ErrRepair  = errors.New("registry is being brought in order")
	ErrUnknown = errors.New("not in the registry")
	ErrText    = errors.New("not valid")
)

// Open brings store and log in order and makes a registry that is ready to Run.
func Open(ctx context.Context, c Config) (*Registry, error) {
	r := &Registry{
		Config: c, queue: make(chan *Entry, maxBatch), appended: make(chan *Entry, maxInFlight), inFlight: make(chan struct{}, maxInFlight),
	}
	if err := r.reload(ctx); err != nil {
		return nil, err
	}
	if err := r.reconcile(ctx); err != nil {
		r.Logger.ErrorContext(ctx, "store and log are not in order", "error", err) // it can be read meanwhile
		r.broken.Store(true)
	}
	err := r.Store.Statuses(ctx, func(index uint32, s label.Status) {
		r.statuses.Set(index, s)
	})
	if err != nil {
		return nil, err
	}
	r.dirty = true
	return r, nil
}

// Run keeps the registry until ctx ends; what is under way then is brought to its end.
func (r *Registry) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.commit(work)
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.every(ctx, r.Publish, "publish", r.publishIfDue) })
	group.Go(func() error { return r.every(ctx, 2*time.Second, "read accounts", r.reload) })
	group.Go(func() error { return r.every(ctx, time.Minute, "expire labels", r.expire) })
	for _, w := range r.Watchers {
		group.Go(func() error {
			return r.every(ctx, time.Minute, "watch", func(ctx context.Context) error { return w(ctx, r) })
		})
	}
	group.Go(func() error { <-ctx.Done(); return nil })
	err := group.Wait()
	// whoever holds a place is answered first
	for late := time.After(10 * time.Second); len(r.inFlight) > 0; {
		select {
		case <-late:
			r.Logger.WarnContext(ctx, "stopped with entries under way: they are looked for at the next start", "entries", len(r.inFlight))
			stop()
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	stop()
	<-done
	return err
}

// every does something now and then until ctx ends. What fails is told, and tried again.
func (r *Registry) every(ctx context.Context, d time.Duration, what string, do func(context.Context) error) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			r.Logger.ErrorContext(ctx, "does not work", "what", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// submit takes an entry in, and returns when it is in the log and its record says so. An entry that was taken before is
// not taken again: submit waits for that one.
func (r *Registry) submit(ctx context.Context, e *Entry) error {
	if r.broken.Load() {
		return ErrRepair
	}
	select {
	case r.inFlight <- struct{}{}:
	default:
		return ErrBusy
	}
	e.done = make(chan struct{})
	r.queue <- e
	select {
	case <-e.done:
		if errors.Is(e.err, errTwice) {
			return r.await(ctx, e)
		}
		return e.err
	case <-ctx.Done():
		return fmt.Errorf("the answer was not waited for: %w", ctx.Err())
	}
}

// await waits until an entry that was taken before is logged.
func (r *Registry) await(ctx context.Context, e *Entry) error {
	for {
		kept, err := r.Store.Entry(ctx, e.Hash)
		if err != nil {
			return err
		}
		if kept.Logged {
			e.Seq, e.Index, e.Logged, e.At, e.Account = kept.Seq, kept.Index, true, kept.At, kept.Account
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the answer was not waited for: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// commit is the one writer of the store. What came in and what was logged meanwhile is kept in one transaction, so that
// the disk is waited for once.
func (r *Registry) commit(ctx context.Context) {
	if r.broken.Load() {
		r.setRight(ctx)
	}
	under := 0 // entries that Append was called for and did not return yet
	for {
		var fresh, logged []*Entry
		select {
		case e := <-r.queue:
			fresh = append(fresh, e)
		case e := <-r.appended:
			logged = append(logged, e)
		case <-ctx.Done():
			return
		}
	drain:
		for len(fresh) < maxBatch && len(logged) < maxBatch {
			select {
			case e := <-r.queue:
				fresh = append(fresh, e)
			case e := <-r.appended:
				logged = append(logged, e)
			default:
				break drain
			}
		}
		under -= len(logged)
		good, refused, failed := sortOut(logged)
		if failed == nil {
			failed = r.keep(ctx, fresh, good, refused)
		}
		if failed != nil {
			r.repair(ctx, failed, append(fresh, logged...), under)
			under = 0
			continue
		}
		for _, e := range good {
			r.logged(e)
			r.finish(e, nil)
		}
		for _, e := range refused {
			r.finish(e, e.err)
		}
		for _, e := range fresh {
			if e.err != nil {
				r.finish(e, e.err)
				continue
			}
			under++
			go r.append(ctx, e)
		}
	}
}

// sortOut tells entries that are logged from those that the log refused, and says what failed, if anything did.
func sortOut(list []*Entry) (good, refused []*Entry, failed error) {
	for _, e := range list {
		switch {
		case e.err == nil:
			good = append(good, e)
		case IsRefusal(e.err):
			refused = append(refused, e)
		default:
			failed = e.err
		}
	}
	return good, refused, failed
}

// keep writes a batch to the store.
func (r *Registry) keep(ctx context.Context, fresh, logged, refused []*Entry) error {
	if len(fresh) > 0 {
		floor, err := r.Log.Size(ctx)
		if err != nil {
			return err
		}
		for _, e := range fresh {
			e.Floor = floor
		}
	}
	return r.Store.Commit(ctx, fresh, logged, refused)
}

func (r *Registry) append(ctx context.Context, e *Entry) {
	e.Index, e.err = r.Log.Append(ctx, e)
	e.Logged = e.err == nil
	r.appended <- e
}

func (r *Registry) finish(e *Entry, err error) {
	if e.err = err; err != nil && !errors.Is(err, errTwice) {
		r.counts.Refused.Add(1)
	}
	if e.done != nil {
		close(e.done)
		<-r.inFlight
	}
}

// repair answers all that is under way with an error, and brings store and log in order. Until then nothing is taken.
func (r *Registry) repair(ctx context.Context, cause error, list []*Entry, under int) {
	r.broken.Store(true)
	r.counts.Failed.Add(1)
	r.Logger.ErrorContext(ctx, "store and log are brought in order", "error", cause)
	for range under {
		list = append(list, <-r.appended)
	}
	for _, e := range list {
		r.finish(e, fmt.Errorf("%w: %w", ErrRepair, cause))
	}
	r.setRight(ctx)
}

// setRight brings store and log in order, however long it takes.
func (r *Registry) setRight(ctx context.Context) {
	for {
		err := r.reconcile(ctx)
		if err == nil {
			r.broken.Store(false)
			return
		}
		r.Logger.ErrorContext(ctx, "store and log are not in order", "error", err)
		select {
		case e := <-r.queue:
			r.finish(e, ErrRepair)
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// reconcile finds the entries that were kept and are not known to be logged. Those that the log has are marked, the
// others are logged.
func (r *Registry) reconcile(ctx context.Context) error {
	pending, err := r.Store.Pending(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	floor := pending[0].Floor
	for _, e := range pending {
		floor = min(floor, e.Floor)
	}
	err = r.Log.Find(ctx, floor, pending, func(e *Entry, index uint64) { e.Index, e.Logged = index, true })
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(pending), func(e *Entry) bool { return e.Logged })
	var all sync.WaitGroup
	for _, e := range missing {
		all.Go(func() {
			e.Index, e.err = r.Log.Append(ctx, e)
			e.Logged = e.err == nil
		})
	}
	all.Wait()
	good, refused, err := sortOut(pending)
	if err != nil {
		return err
	}
	if err := r.Store.Commit(ctx, nil, good, refused); err != nil {
		return err
	}
	r.counts.Reconciled.Add(uint64(len(good)))
	r.Logger.InfoContext(ctx, "store and log were brought in order", "entries", len(good), "logged", len(missing), "refused", len(refused))
	for _, e := range good {
		r.logged(e)
	}
	return nil
}

// logged takes into account that an entry is in the log.
func (r *Registry) logged(e *Entry) {
	if e.Kind != Grant && e.Kind != Change {
		return
	}
	r.versions[e.GTIN%uint64(len(r.versions))].Add(1)
	r.mu.Lock()
	r.statuses.Set(e.StatusIndex, e.Status)
	r.dirty = true
	r.mu.Unlock()
	if e.Kind == Grant {
		r.counts.Granted.Add(1)
	} else {
		r.counts.Changed.Add(1)
	}
}

// Version is one that a product does not have again once anything about it changed.
func (r *Registry) Version(gtin uint64) uint64 {
	return r.versions[gtin%uint64(len(r.versions))].Load() + r.book().version
}

// Counts are what happened since the registry was opened, for metrics.
func (r *Registry) Counts() *Counts { return &r.counts }

// Broken reports whether nothing can be taken now.
func (r *Registry) Broken() bool { return r.broken.Load() }

// UnderWay is how many entries are.
func (r *Registry) UnderWay() int { return len(r.inFlight) }
