package labellog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/label"
)

// ErrLandmark is the cause where a landmark does not say what the log has of its day.
var ErrLandmark = errors.New("landmark is not good")

// Day is a day that was closed: what was granted on it, and the paths to its landmark.
type Day struct {
	Landmark
	From, To uint64 // the indices of what was logged on the day, To not included: it is that of the landmark
	proofs   map[uint64]*label.Proof
}

// Proof is the path of the grant of an index, for packs; nil where the day has no such grant.
func (d *Day) Proof(index uint64) *label.Proof { return d.proofs[index] }

// keepDays closes each day soon after it has ended, whether or not somebody appends.
func (l *Log) keepDays(ctx context.Context) {
	t := time.NewTicker(10 * time.Second)
	defer t.Stop()
	for {
		if err := l.CloseDay(ctx); err != nil && ctx.Err() == nil {
			l.log.ErrorContext(ctx, "day is not closed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// CloseDay adds the landmark of the day before, if it is over and has none. The log does so itself, some seconds after
// midnight (UTC) and before anything else of the next day.
func (l *Log) CloseDay(ctx context.Context) error { return l.turn(ctx, label.DayOf(l.now())) }

// turn begins a day. The order is what counts: all of the day before is published, the checkpoint that shows so is kept,
// and then the landmark is added, before any leaf of the new day. Nobody is kept out while witnesses are waited for.
func (l *Log) turn(ctx context.Context, today label.Day) error {
	for {
		l.mu.RLock()
		next, ended := l.next.Load(), l.day
		open := ended != today && l.since != next
		l.mu.RUnlock()
		if open {
			last := func() (tessera.Index, error) { return tessera.Index{Index: next - 1}, nil }
			if _, _, err := l.await.Await(ctx, last); err != nil {
				return fmt.Errorf("close %s: %w", ended, errors.Join(err, l.witnesses.fault()))
			}
		}
		if done, err := l.close(ctx, today, next); done || err != nil {
			return err
		}
	}
}

// close closes the day before, of which so many leaves are published. It reports whether that was all of them.
func (l *Log) close(ctx context.Context, today label.Day, published uint64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.next.Load()
	switch {
	case l.failed.Load():
		return false, ErrFailed
	case today == l.day:
		return true, nil
	case today <= l.closed || today < l.day:
		return false, fmt.Errorf("%w: it says %s, and the log is on %s", ErrClock, today, max(l.day, l.closed+1))
	case l.since == next: // nothing was logged
		l.day = today
		return true, nil
	case next != published:
		return false, nil
	}
	if err := l.mark(ctx, next); err != nil {
		return false, fmt.Errorf("close %s: %w", l.day, err)
	}
	l.day = today
	return true, nil
}

// mark adds the landmark of the day, whose leaves are all published; mu is held.
func (l *Log) mark(ctx context.Context, next uint64) error {
	checkpoint, err := l.Published(ctx)
	if err != nil {
		return err
	}
	if c, err := parseCheckpoint(l.kept); err == nil && c.Size == next {
		checkpoint = l.kept // published when the day was not over, maybe
	}
	if err := durable.WriteFile(filepath.Join(l.dir, filepath.FromSlash(landmarkPath(l.day))), checkpoint, 0o644); err != nil {
		return err
	}
	d, err := l.gather(ctx, l.day, l.since, next)
	if err != nil {
		return err
	}
	data, err := Encode(d.Landmark)
	if err != nil {
		return err
	}
	if _, err := l.put(data); err != nil {
		return err
	}
	l.landmarks = append(l.landmarks, d.Landmark)
	l.since, l.closed, l.kept = l.next.Load(), l.day, nil
	return nil
}

// gather makes the landmark of what was logged from one index up to another.
func (r *Reader) gather(ctx context.Context, day label.Day, from, to uint64) (*Day, error) {
	var labels [][]byte
	var indices []uint64
	index := from
	for data, err := range r.Entries(ctx, from, to) {
		if err != nil {
			return nil, err
		}
		if len(data) > 0 && data[0] == signFirst {
			labels, indices = append(labels, data), append(indices, index)
		}
		index++
	}
	root, proofs := label.Landmark(day, labels)
	d := &Day{Landmark: Landmark{Day: day, Labels: uint64(len(labels)), Root: root}, From: from, To: to, proofs: map[uint64]*label.Proof{}}
	for i, p := range proofs {
		d.proofs[indices[i]] = p
	}
	return d, nil
}

// Landmark is a day that was closed. The error wraps ErrMissing for one that was not, and ErrLandmark where the log has
// something else of the day than its landmark says.
func (r *Reader) Landmark(ctx context.Context, day label.Day) (*Day, error) {
	data, err := r.LandmarkCheckpoint(ctx, day)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(data)
	if err != nil {
		return nil, err
	}
	leaf, err := r.Leaf(ctx, c.Size)
	if err != nil {
		return nil, err
	}
	mark, ok := leaf.(Landmark)
	if !ok || mark.Day != day {
		return nil, fmt.Errorf("%w: leaf %d is not that of %s", ErrLandmark, c.Size, day)
	}
	from, err := r.dayBegins(ctx, c.Size)
	if err != nil {
		return nil, err
	}
	d, err := r.gather(ctx, day, from, c.Size)
	if err != nil {
		return nil, err
	}
	if d.Landmark != mark {
		return nil, fmt.Errorf("%w: %s has %d labels with another root", ErrLandmark, day, d.Labels)
	}
	return d, nil
}

// dayBegins is the index after the landmark before an index.
func (r *Reader) dayBegins(ctx context.Context, end uint64) (uint64, error) {
	for end > 0 {
		begin := (end - 1) / layout.EntryBundleWidth * layout.EntryBundleWidth
		var entries [][]byte
		for data, err := range r.Entries(ctx, begin, end) {
			if err != nil {
				return 0, err
			}
			entries = append(entries, data)
		}
		for i, data := range slices.Backward(entries) {
			if len(data) == 0 || data[0] == signFirst {
				continue
			}
			leaf, err := ParseLeaf(data)
			if err != nil {
				return 0, err
			}
			if _, ok := leaf.(Landmark); ok {
				return begin + uint64(i) + 1, nil
			}
		}
		end = begin
	}
	return 0, nil
}

// Landmarks are the days that were closed, the first one first.
func (l *Log) Landmarks() []Landmark {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.landmarks)
}

// Roots are landmarks as label.Bundle has them: one for each day from the first on, zeros where nothing was granted.
func Roots(list []Landmark) (first label.Day, roots [][32]byte) {
	for _, m := range list {
		if m.Labels == 0 {
			continue
		}
		if len(roots) == 0 {
			first = m.Day
		}
		for label.Day(len(roots)) <= m.Day-first {
			roots = append(roots, [32]byte{})
		}
		roots[m.Day-first] = m.Root
	}
	return first, roots
}
