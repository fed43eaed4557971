package labellog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/transparency-dev/merkle/compact"
	mproof "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/label"
)

// AlarmKind names what a monitor found that should not be.
type AlarmKind string

// What a monitor finds.
const (
	Unexpected   AlarmKind = "unexpected"    // an issuer did not expect the leaf
	BadGrant     AlarmKind = "signature"     // a label whose issuer did not sign it, or could not on its day
	Quiet        AlarmKind = "quiet-restore" // a label stands better than the log gives a reason for
	Unexplained  AlarmKind = "unexplained"   // a status changed with no record of evidence
	Shortened    AlarmKind = "support-cut"   // security updates end sooner than was promised
	BackDated    AlarmKind = "back-dated"    // it is of a day that was over when it was logged
	ForwardDated AlarmKind = "forward-dated" // it is of a day that had not come, or was not over
	BadLandmark  AlarmKind = "landmark"      // a landmark is not that of its day
	SplitView    AlarmKind = "split-view"    // others are shown another log
	Rollback     AlarmKind = "rollback"      // the log is shorter than it was
	Missing      AlarmKind = "missing"       // a file of the log is not there
	Altered      AlarmKind = "altered"       // a file of the log is not what its root says
	Unreadable   AlarmKind = "unreadable"    // an entry is no leaf
	NoSuchLabel  AlarmKind = "no-such-label" // a change of a label that was never granted
	IndexTaken   AlarmKind = "index-taken"   // two labels have the same place in the status list
	UnloggedFile AlarmKind = "unlogged-file" // a bundle that the log does not know of
)

const (
	dayGrace     = time.Hour       // how late the checkpoint of a day may be cosigned
	skew         = 5 * time.Minute // how far the clocks of a log and its witnesses may be apart
	maxFiles     = 4096            // digests of bundles and lists that are remembered
	stateVersion = 1
)

// Alarm is one thing that should not be.
type Alarm struct {
	Kind   AlarmKind
	Index  uint64 // of the leaf, or the size of the checkpoint
	Issuer string // whose, if it is known
	Detail string // in English, for who looks into it
}

// Seen is a leaf that a monitor read, and whose it is.
type Seen struct {
	Index  uint64
	Leaf   Leaf
	Issuer string           // "" for what is no issuer’s, or is not known
	Label  *label.Statement // of a grant
	Hash   [32]byte         // of the label, for a grant or a change
}

// Report is what a monitor found since it last looked.
type Report struct {
	Before *Checkpoint // nil at first
	Now    *Checkpoint
	Leaves []Seen
	Alarms []Alarm
	// Issuers are those that the whole log names by now, with their keys.
	Issuers []label.Issuer
}

// Torn is the first alarm that says that the log is not whole, or not the one that was seen before; nil: there is none.
func (r *Report) Torn() *Alarm {
	for i, a := range r.Alarms {
		if slices.Contains([]AlarmKind{SplitView, Rollback, Missing, Altered}, a.Kind) {
			return &r.Alarms[i]
		}
	}
	return nil
}

// Monitor watches a log.
type Monitor struct {
	Reader *Reader
	Policy *Policy
	State  string // the folder that keeps what was seen, for each log and issuer; "": nothing is kept

	// Issuer is whose leaves are listed and expected; "" is everybody’s.
	Issuer string
	// Expected are the SHA-256 that an issuer expects: label.LeafHash of what it granted, the digests of the changes that
	// it made, and its keys. Nil: whatever comes is expected.
	Expected map[[32]byte]bool
	// Bundle is a trust bundle that was given out, whose file has the digest; nil: none is checked.
	Bundle       *label.Trust
	BundleDigest [32]byte
	// Others are checkpoints that somebody else was shown.
	Others [][]byte
	Now    func() time.Time
}

// Check reads what is new, and says what is wrong. What is wrong with who signed the checkpoint is an error (see
// Policy.Open): then nothing is known. Otherwise alarms are in the report, and what was seen is kept, unless the log
// does not go on from what was seen before: then that stays.
func (m *Monitor) Check(ctx context.Context) (*Report, error) {
	data, err := m.Reader.Published(ctx)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	now, err := m.Policy.Open(data)
	if err != nil {
		return nil, err
	}
	k, err := m.load(now.Origin)
	if err != nil {
		return nil, err
	}
	w := &watch{Monitor: m, known: k, report: &Report{Now: now}}
	if k.Checkpoint != nil {
		if w.report.Before, err = parseCheckpoint(k.Checkpoint); err != nil {
			return nil, fmt.Errorf("%s: %w", m.State, err)
		}
		w.report.Before.At = time.Unix(k.At, 0).UTC()
		if k.At == 0 {
			w.report.Before.At = time.Time{}
		}
	}
	good, err := w.follow(ctx)
	if err != nil {
		return nil, err
	}
	if !good {
		return w.report, nil
	}
	if err := w.compare(ctx); err != nil {
		return nil, err
	}
	w.checkBundle()
	w.report.Issuers = k.Issuers
	k.Checkpoint, k.At = now.Note, 0
	if !now.At.IsZero() {
		k.At = now.At.Unix()
	}
	return w.report, m.save(now.Origin, k)
}

// watch is one look at a log.
type watch struct {
	*Monitor
	*known
	report *Report

	low      time.Time // a checkpoint of that time did not have the leaf that comes
	latest   label.Day // the latest day that a leaf since then claims to have seen
	latestAt uint64    // its index
	tiles    map[[2]uint64]map[uint64][]byte
}

func (w *watch) alarm(kind AlarmKind, index uint64, issuer, format string, args ...any) {
	w.report.Alarms = append(w.report.Alarms, Alarm{kind, index, issuer, fmt.Sprintf(format, args...)})
}

// follow reads what is new. It reports whether the log is the one that was seen before, gone on.
func (w *watch) follow(ctx context.Context) (bool, error) {
	before, now := w.report.Before, w.report.Now
	switch {
	case before == nil:
		before = &Checkpoint{Root: [32]byte(rfc6962.DefaultHasher.EmptyRoot())}
	case now.Size < before.Size:
		w.alarm(Rollback, now.Size, "", "it had %d leaves", before.Size)
		return false, nil
	case now.Size == before.Size && now.Root != before.Root:
		w.alarm(SplitView, now.Size, "", "roots %x and %x", before.Root, now.Root)
		return false, nil
	}
	tree, err := newRange().NewRange(0, before.Size, w.Range)
	if err != nil {
		return false, fmt.Errorf("%s: %w", w.State, err)
	}
	w.low = before.At
	w.tiles = map[[2]uint64]map[uint64][]byte{}
	index := before.Size
	for data, err := range w.Reader.Entries(ctx, before.Size, now.Size) {
		if err != nil {
			return false, w.broken(index, err)
		}
		if err := w.leaf(ctx, index, data, tree.GetRootHash); err != nil {
			return false, err
		}
		hash := rfc6962.DefaultHasher.HashLeaf(data)
		if err := tree.Append(hash, w.node); err != nil {
			return false, fmt.Errorf("leaf %d: %w", index, err)
		}
		index++
		if err := w.checkTiles(ctx, now.Size, false); err != nil {
			return false, w.broken(index, err)
		}
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return false, err
	}
	if now.Size > 0 && !bytes.Equal(root, now.Root[:]) {
		return false, w.torn(ctx, before, now)
	}
	if err := w.checkTiles(ctx, now.Size, true); err != nil {
		return false, w.broken(index, err)
	}
	w.observe(now.At)
	if w.Count > 0 && now.At.After((w.First + 1).Time().Add(dayGrace)) {
		w.alarm(BackDated, now.Size, "", "what was issued on %s is not closed on %s", w.First, now.At.Format(time.RFC3339))
	}
	w.Range = tree.Hashes()
	return true, nil
}

// broken makes an alarm of a file that is missing or altered, and stops.
func (w *watch) broken(index uint64, err error) error {
	switch {
	case errors.Is(err, ErrMissing):
		w.alarm(Missing, index, "", "%v", err)
	case errors.Is(err, ErrAltered):
		w.alarm(Altered, index, "", "%v", err)
	default:
		return err
	}
	return nil
}

// torn says what it means that the leaves do not make the root: if the hashes lead from the root before to the root now,
// the entries were altered; else the log is another one.
func (w *watch) torn(ctx context.Context, before, now *Checkpoint) error {
	if before.Size > 0 {
		path, err := w.Reader.Consistency(ctx, before.Size, now.Size)
		if err == nil {
			err = mproof.VerifyConsistency(rfc6962.DefaultHasher, before.Size, now.Size, path, before.Root[:], now.Root[:])
		}
		if err != nil {
			w.alarm(SplitView, now.Size, "", "it does not go on from the %d leaves that were seen: %v", before.Size, err)
			return nil
		}
	}
	w.alarm(Altered, now.Size, "", "the entries do not make the root %x", now.Root)
	return nil
}

// node takes a hash of the tree that is complete, if a tile has it.
func (w *watch) node(id compact.NodeID, hash []byte) {
	if id.Level%8 != 0 {
		return
	}
	tile := [2]uint64{uint64(id.Level / 8), id.Index >> 8}
	if w.tiles[tile] == nil {
		w.tiles[tile] = map[uint64][]byte{}
	}
	w.tiles[tile][id.Index&255] = hash
}

// checkTiles compares tiles that are full, or at the end all, with what the entries make.
func (w *watch) checkTiles(ctx context.Context, size uint64, all bool) error {
	for tile, want := range w.tiles {
		if _, full := want[255]; !full && !all {
			continue
		}
		data, err := w.Reader.tile(ctx, tile[0], tile[1], layout.PartialTileSize(tile[0], tile[1], size))
		if err != nil {
			return err
		}
		for i, h := range want {
			if at := int(i) * sha256.Size; len(data) < at+sha256.Size || !bytes.Equal(data[at:at+sha256.Size], h) {
				return fmt.Errorf("%w: tile %d of level %d", ErrAltered, tile[1], tile[0])
			}
		}
		delete(w.tiles, tile)
	}
	return nil
}

// observe takes into account that a checkpoint of a time covers all leaves so far, and none of those to come.
func (w *watch) observe(at time.Time) {
	if at.IsZero() {
		return
	}
	if w.latest > label.DayOf(at.Add(skew)) {
		w.alarm(ForwardDated, w.latestAt, "", "it is of %s, and was there on %s", w.latest, label.DayOf(at))
	}
	w.low, w.latest = at, 0
}

// claim notes that a leaf could not be before a day.
func (w *watch) claim(day label.Day, index uint64) {
	if day > w.latest {
		w.latest, w.latestAt = day, index
	}
}

// compare holds the log against the checkpoints that others were shown.
func (w *watch) compare(ctx context.Context) error {
	now := w.report.Now
	for _, data := range w.Others {
		c, err := w.Policy.Open(data)
		if err != nil {
			return fmt.Errorf("checkpoint of others: %w", err)
		}
		if c.Origin != now.Origin {
			return fmt.Errorf("checkpoint of others: %w: it is of %.80q", ErrOtherLog, c.Origin)
		}
		small, large := c, now
		if small.Size > large.Size {
			small, large = large, small
		}
		var path [][]byte
		if small.Size > 0 && small.Size < large.Size {
			if path, err = w.Reader.Consistency(ctx, small.Size, large.Size); err != nil {
				if large == c { // this log does not have what the others were shown
					w.alarm(Rollback, now.Size, "", "others were shown %d leaves", c.Size)
					continue
				}
				if err := w.broken(small.Size, err); err != nil {
					return err
				}
				continue
			}
		}
		if small.Size == 0 {
			continue
		}
		if err := mproof.VerifyConsistency(rfc6962.DefaultHasher, small.Size, large.Size, path, small.Root[:], large.Root[:]); err != nil {
			w.alarm(SplitView, c.Size, "", "others were shown another log: %v", err)
		}
	}
	return nil
}

// file is where what was seen of a log is kept.
func (m *Monitor) file(origin string) string {
	sum := sha256.Sum256([]byte(origin + "\n" + m.Issuer))
	return filepath.Join(m.State, fmt.Sprintf("%x.seen", sum[:16]))
}

func (m *Monitor) load(origin string) (*known, error) {
	k := newKnown()
	if m.State == "" {
		return k, nil
	}
	data, err := os.ReadFile(m.file(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	if err := k.unmarshal(data); err != nil {
		return nil, fmt.Errorf("%s is not what a monitor keeps: %w", m.file(origin), err)
	}
	return k, nil
}

func (m *Monitor) save(origin string, k *known) error {
	if m.State == "" {
		return nil
	}
	data, err := encoding().Marshal(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.State, 0o700); err != nil {
		return err
	}
	return durable.WriteFile(m.file(origin), data, 0o600)
}
