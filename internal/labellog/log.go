// Package labellog is the transparency log of labels: every grant, every change of a status or a support date, every key
// of an issuer, in an order that nobody can change unseen.
//
// Open starts or goes on with a log, and Append adds to it. A Reader reads any log, Policy.Open says whether a checkpoint
// is to be believed, a Witness cosigns checkpoints of a log that only ever grew, and a Monitor watches one for what its
// issuers did not expect. A landmark closes each day, and makes the path that is printed on packs.
//
// The log is kept by Tessera on files, in the form of C2SP tlog-tiles; docs/log.md says what is in a leaf.
package labellog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"

	"plimsoll.example/plimsoll/label"
)

// What can keep a leaf out of the log.
var (
	ErrInUse       = errors.New("log is in use by another process")
	ErrOtherLog    = errors.New("log in the folder is not that of the key")
	ErrDay         = errors.New("label was not issued today")
	ErrClock       = errors.New("clock is behind the log")
	ErrIssuer      = errors.New("label’s issuer may not grant")
	ErrUnpublished = errors.New("leaf is not published yet")
	ErrFailed      = errors.New("log could not be written, and must be opened again")
)

// Options are how a log is kept. The zero value asks no witness.
type Options struct {
	// Policy names the witnesses that must cosign each checkpoint before it is published, each with its URL; nil: none.
	Policy *Policy
	// Interval is the least time between checkpoints: 100 ms at least, which 0 means.
	Interval time.Duration
	// Witnesses speaks to the witnesses; nil is a client that waits for five seconds.
	Witnesses *http.Client
	// Retired are keys of the same name that sign as well, while verifiers learn the new one.
	Retired []note.Signer
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: nothing is told
}

// Log is a log that this process, and no other, appends to. It may be used by several goroutines.
type Log struct {
	*Reader
	dir       string
	origin    string
	now       func() time.Time
	log       *slog.Logger
	lock      *os.File
	appender  *tessera.Appender
	await     *tessera.PublicationAwaiter
	shutdown  func(context.Context) error
	stop      context.CancelFunc
	running   sync.WaitGroup
	witnesses *witnesses

	// mu is held for reading while a leaf is sequenced, and for writing while a day is closed or a key changes: then
	// everything that was sequenced is known. It guards what follows.
	mu        sync.RWMutex
	day       label.Day      // of the leaves since the last landmark; 0 before there is one
	closed    label.Day      // of the last landmark
	since     uint64         // the index after the last landmark
	landmarks []Landmark     // in their order
	issuers   []label.Issuer // by the key leaves
	kept      []byte         // the checkpoint that was found on opening: it may be of the day that is closed

	failed atomic.Bool   // something could not be written
	next   atomic.Uint64 // how many were sequenced; written with mu held, for reading or writing
}

// LogTo says where the library that keeps the log tells what it does; without it, that is standard error. There is one
// such place in a process, and the first call counts: make it before any Open.
func LogTo(log *slog.Logger) { once.Do(func() { klog.SetSlogLogger(log) }) }

// once guards what is one to a process.
var once sync.Once

// Open starts the log in a folder, or goes on with it. The name of the signer is the origin of the log. The error wraps
// ErrInUse, ErrOtherLog or what is wrong with the files. The context is that of the log’s own work: it ends the log when it
// is cancelled, but Close ends it in order.
func Open(ctx context.Context, dir string, signer note.Signer, o Options) (_ *Log, err error) {
	l := &Log{dir: dir, origin: signer.Name(), now: o.Now, log: o.Log, witnesses: &witnesses{faults: map[string]error{}}}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.Reader, err = NewReader(dir, nil); err != nil {
		return nil, err
	}
	if err := l.acquire(); err != nil {
		return nil, err
	}
	ctx, l.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			l.stop()
			err = errors.Join(err, l.lock.Close())
		}
	}()
	if err := l.findKept(ctx); err != nil {
		return nil, err
	}
	if err := l.start(ctx, signer, o); err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	if err := l.load(ctx); err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l.running.Go(func() { l.keepDays(ctx) })
	return l, nil
}

// acquire makes this process the one that appends.
func (l *Log) acquire() error {
	if err := os.MkdirAll(filepath.Join(l.dir, "landmark"), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(l.dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("%w: %s: %w", ErrInUse, l.dir, err), f.Close())
	}
	l.lock = f
	return nil
}

// findKept reads the checkpoint of an earlier run before a new one takes its place.
func (l *Log) findKept(ctx context.Context) error {
	data, err := l.Published(ctx)
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := parseCheckpoint(data)
	if err != nil {
		return err
	}
	if c.Origin != l.origin {
		return fmt.Errorf("%w: %s is the log %.80q, and the key is of %.80q", ErrOtherLog, l.dir, c.Origin, l.origin)
	}
	l.kept = data
	return nil
}

// start has Tessera keep the log.
func (l *Log) start(ctx context.Context, signer note.Signer, o Options) error {
	c := o.Witnesses
	if c == nil {
		c = &http.Client{Timeout: 5 * time.Second}
	}
	own := *c
	if l.witnesses.next = own.Transport; own.Transport == nil {
		l.witnesses.next = http.DefaultTransport
	}
	own.Transport = l.witnesses
	driver, err := posix.New(ctx, posix.Config{HTTPClient: &own, Path: l.dir})
	if err != nil {
		return err
	}
	interval := max(o.Interval, 100*time.Millisecond)
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer, o.Retired...).
		WithCheckpointInterval(interval).
		WithCheckpointRepublishInterval(max(interval, 10*time.Minute)).
		WithBatching(256, 5*time.Millisecond)
	if o.Policy != nil {
		if !o.Policy.urls {
			return fmt.Errorf("%w: the log must ask its witnesses, and one has no URL", ErrPolicy)
		}
		group, err := tessera.NewWitnessGroupFromPolicy([]byte(o.Policy.text))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrPolicy, err)
		}
		options.WithWitnesses(group, &tessera.WitnessOptions{Timeout: 10 * time.Second})
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	next, err := reader.NextIndex(ctx)
	if err != nil {
		return err
	}
	l.appender, l.shutdown = appender, shutdown
	l.next.Store(next)
	l.await = tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 10*time.Millisecond)
	return nil
}

// load reads what the log says of issuers and of the day that is not closed yet.
func (l *Log) load(ctx context.Context) error {
	index := uint64(0)
	for data, err := range l.Entries(ctx, 0, l.next.Load()) {
		if err != nil {
			return err
		}
		index++
		if len(data) > 0 && data[0] == signFirst {
			continue
		}
		leaf, err := ParseLeaf(data)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", index-1, err)
		}
		switch leaf := leaf.(type) {
		case KeyAdded, KeyEnded:
			l.issuers = Issuers(l.issuers, leaf)
		case Landmark:
			l.since, l.closed = index, leaf.Day
			l.landmarks = append(l.landmarks, leaf)
		}
	}
	if l.since == l.next.Load() {
		return nil
	}
	first, err := l.Leaf(ctx, l.since)
	if err != nil {
		return err
	}
	l.day = dayOf(first)
	return nil
}

// dayOf is the day that a leaf says it is of.
func dayOf(leaf Leaf) label.Day {
	switch leaf := leaf.(type) {
	case Grant:
		if s, err := leaf.Statement(); err == nil {
			return s.Issued
		}
	case StatusChange:
		return label.DayOf(leaf.At)
	case SupportDate:
		return label.DayOf(leaf.At)
	case KeyAdded:
		return label.DayOf(leaf.At)
	case KeyEnded:
		return label.DayOf(leaf.At)
	case Digest:
		return label.DayOf(leaf.At)
	case Landmark:
		return leaf.Day
	}
	return 0
}

// Close waits until all that was appended is published, and ends the log.
func (l *Log) Close(ctx context.Context) error {
	err := l.shutdown(ctx)
	l.stop()
	l.running.Wait()
	if e := l.lock.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}

// Size is how many leaves were sequenced, and can be read. The newest may not be published yet, but all will be: who looks
// for a leaf that may be in the log after a failure looks up to here.
func (l *Log) Size() uint64 { return l.next.Load() }

// Checkpoint is the one that is published. It is the log’s own: who has a Policy verifies it by Policy.Open.
func (l *Log) Checkpoint(ctx context.Context) (*Checkpoint, error) {
	data, err := l.Published(ctx)
	if err != nil {
		return nil, err
	}
	return parseCheckpoint(data)
}

// Issuers are those that the log names, with the days from and until which their keys grant.
func (l *Log) Issuers() []label.Issuer {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return append([]label.Issuer(nil), l.issuers...)
}

// Issuers is a list of issuers after one more leaf, which may be of any kind. The list that it is given stays as it is.
func Issuers(list []label.Issuer, leaf Leaf) []label.Issuer {
	switch leaf := leaf.(type) {
	case KeyAdded:
		return append(list[:len(list):len(list)], label.Issuer{Name: leaf.Name, Key: leaf.Key, From: leaf.From})
	case KeyEnded:
		list = append([]label.Issuer(nil), list...)
		for i := range list {
			if k := &list[i]; k.Name == leaf.Name && k.Key.Equal(leaf.Key) && (k.Until == 0 || k.Until > leaf.Until) {
				k.Until = leaf.Until
			}
		}
	}
	return list
}

// Append adds a leaf, and returns its index when it is durable and a published checkpoint covers it, cosigned if the
// options say so. A grant must be issued today (UTC) and signed by a key that the log names; the time of any other leaf is
// that of the log, whatever the leaf says. Landmarks are the log’s own to add.
//
// An error that wraps ErrUnpublished says that the leaf may be in the log: look for it before it is appended again.
// Others wrap ErrLeaf, ErrDay, ErrClock, ErrIssuer or ErrFailed, and the leaf is not in the log.
func (l *Log) Append(ctx context.Context, leaf Leaf) (index uint64, err error) {
	if _, ok := leaf.(Landmark); ok {
		return 0, fmt.Errorf("%w: the log closes its days itself", ErrLeaf)
	}
	if c, ok := leaf.(StatusChange); ok && c.Evidence == [32]byte{} {
		return 0, fmt.Errorf("%w: a change of status without a record of evidence", ErrLeaf)
	}
	future, err := l.sequence(ctx, leaf)
	if err != nil {
		return 0, err
	}
	i, _, err := l.await.Await(ctx, future)
	if err != nil {
		return i.Index, fmt.Errorf("%w: leaf %d: %w", ErrUnpublished, i.Index, errors.Join(err, l.witnesses.fault()))
	}
	return i.Index, nil
}

// sequence gives a leaf its index.
func (l *Log) sequence(ctx context.Context, leaf Leaf) (tessera.IndexFuture, error) {
	_, added := leaf.(KeyAdded)
	_, ended := leaf.(KeyEnded)
	for {
		now := l.now().UTC().Truncate(time.Second)
		today := label.DayOf(now)
		lock, unlock := l.mu.RLock, l.mu.RUnlock
		if added || ended {
			lock, unlock = l.mu.Lock, l.mu.Unlock
		}
		lock()
		if l.failed.Load() {
			unlock()
			return nil, ErrFailed
		}
		if l.day == today {
			future, err := l.add(leaf, now)
			if err == nil && (added || ended) {
				l.issuers = Issuers(l.issuers, leaf)
			}
			unlock()
			return future, err
		}
		unlock()
		if err := l.turn(ctx, today); err != nil {
			return nil, err
		}
	}
}

// add checks a leaf and has it sequenced; mu is held.
func (l *Log) add(leaf Leaf, now time.Time) (tessera.IndexFuture, error) {
	leaf = at(leaf, now)
	data, err := Encode(leaf)
	if err != nil {
		return nil, err
	}
	if g, ok := leaf.(Grant); ok {
		if err := l.admit(g, now); err != nil {
			return nil, err
		}
	}
	return l.put(data)
}

// put has octets sequenced, durably; mu is held. Whoever asked for them may have gone: they go in all the same.
func (l *Log) put(data []byte) (tessera.IndexFuture, error) {
	i, err := l.appender.Add(context.Background(), tessera.NewEntry(data))()
	if errors.Is(err, tessera.ErrPushback) {
		return nil, fmt.Errorf("append: %w", err)
	}
	if err != nil { // it is not known where the log ends
		l.failed.Store(true)
		return nil, fmt.Errorf("%w, or never: %w", ErrUnpublished, err)
	}
	for n := l.next.Load(); n <= i.Index && !l.next.CompareAndSwap(n, i.Index+1); n = l.next.Load() {
	}
	return func() (tessera.Index, error) { return i, nil }, nil
}

// at is the leaf with the time of the log.
func at(leaf Leaf, now time.Time) Leaf {
	switch l := leaf.(type) {
	case StatusChange:
		l.At = now
		return l
	case SupportDate:
		l.At = now
		return l
	case KeyAdded:
		l.At = now
		return l
	case KeyEnded:
		l.At = now
		return l
	case Digest:
		l.At = now
		return l
	}
	return leaf
}

// admit checks that a label was issued today, by a key that may grant today.
func (l *Log) admit(g Grant, now time.Time) error {
	s, err := g.Statement()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLeaf, err)
	}
	if s.Issued != l.day {
		return fmt.Errorf("%w: it was issued on %s, and the log is on %s (UTC)", ErrDay, s.Issued, l.day)
	}
	_, err = granted(g, l.issuers, now)
	return err
}

// granted checks that an issuer signed a label, with a key for its day, and says who.
func granted(g Grant, issuers []label.Issuer, now time.Time) (issuer string, err error) {
	trust := label.Trust{Bundle: &label.Bundle{Version: label.Version, Issuers: issuers}}
	v, err := trust.Verify(&label.Envelope{Version: label.Version, Label: g.Label}, "", now)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	return v.Issuer, nil
}

// witnesses bounds what witnesses answer, and keeps why those do not cosign that do not.
type witnesses struct {
	next   http.RoundTripper
	mu     sync.Mutex
	faults map[string]error // by the host of the witness; guarded by mu
}

func (w *witnesses) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, MaxCheckpoint)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.faults, r.URL.Host)
	switch {
	case errors.Is(err, context.Canceled): // the others were enough
	case err != nil:
		w.faults[r.URL.Host] = fmt.Errorf("witness %s: %w", r.URL.Host, err)
	case response.StatusCode != http.StatusOK && !strings.HasPrefix(response.Header.Get("Content-Type"), sizeType):
		w.faults[r.URL.Host] = fmt.Errorf("witness %s: %s", r.URL.Host, response.Status)
	}
	return response, err
}

// fault is why there may be too few cosignatures, or nil.
func (w *witnesses) fault() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(slices.Collect(maps.Values(w.faults))...)
}
