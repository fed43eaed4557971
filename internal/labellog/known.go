package labellog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"plimsoll.example/plimsoll/label"
)

// known is what a monitor keeps between two looks.
type known struct {
	Version    int      `cbor:"1,keyasint"`
	Checkpoint []byte   `cbor:"2,keyasint"` // nil: nothing was seen
	At         int64    `cbor:"3,keyasint"` // when it was cosigned; 0: it was not
	Range      [][]byte `cbor:"4,keyasint"` // the hashes of a compact range of all leaves

	Issuers  []label.Issuer         `cbor:"5,keyasint"`
	Labels   map[[32]byte]*standing `cbor:"6,keyasint"` // by label.LeafHash
	Indices  map[uint32][32]byte    `cbor:"7,keyasint"` // which label has a place in the status list
	Products map[[8]byte]label.Day  `cbor:"8,keyasint"` // the latest support date of each
	Files    [][32]byte             `cbor:"9,keyasint"` // the newest that were published

	Closed label.Day `cbor:"10,keyasint"` // the day of the last landmark
	Day    [][]byte  `cbor:"11,keyasint"` // the hashes of a compact range of the labels since
	Count  uint64    `cbor:"12,keyasint"` // how many labels that is
	First  label.Day `cbor:"13,keyasint"` // on which the first of them was issued
}

// standing is how a label stands.
type standing struct {
	Index   uint32    `cbor:"1,keyasint"`
	Status  uint8     `cbor:"2,keyasint"` // as in a status list
	Since   int64     `cbor:"3,keyasint"` // of that status
	Support label.Day `cbor:"4,keyasint"`
	Issuer  uint16    `cbor:"5,keyasint"` // which of the issuers
	Product [8]byte   `cbor:"6,keyasint"`
}

var statuses = []label.Status{label.Active, label.Suspended, label.Withdrawn, label.Expired}

func newKnown() *known {
	return &known{Version: stateVersion, Labels: map[[32]byte]*standing{}, Indices: map[uint32][32]byte{}, Products: map[[8]byte]label.Day{}}
}

func (k *known) unmarshal(data []byte) error {
	mode, err := cbor.DecOptions{MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30}.DecMode()
	if err != nil {
		return err
	}
	if err := mode.Unmarshal(data, k); err != nil {
		return err
	}
	if k.Version != stateVersion {
		return fmt.Errorf("it is of version %d, and this program knows %d", k.Version, stateVersion)
	}
	return nil
}

// leaf takes a leaf into account. root is that of the tree before it.
func (w *watch) leaf(ctx context.Context, index uint64, data []byte, root rootOf) error {
	leaf, err := ParseLeaf(data)
	if err != nil {
		w.alarm(Unreadable, index, "", "%v", err)
		return nil
	}
	s := Seen{Index: index, Leaf: leaf}
	switch l := leaf.(type) {
	case Grant:
		s.Hash, s.Issuer, s.Label = w.grant(index, l)
		w.expect(&s, s.Hash)
	case StatusChange:
		s.Hash = l.Label
		s.Issuer = w.status(index, &l)
		w.expect(&s, l.Evidence)
	case SupportDate:
		s.Hash = l.Label
		s.Issuer = w.support(index, &l)
		w.expect(&s, l.Evidence)
	case KeyAdded:
		s.Issuer = l.Name
		w.expect(&s, [32]byte(l.Key))
		w.Issuers = Issuers(w.Issuers, l)
	case KeyEnded:
		s.Issuer = l.Name
		w.expect(&s, [32]byte(l.Key))
		w.Issuers = Issuers(w.Issuers, l)
	case Digest:
		w.Files = append(w.Files, l.SHA256)
		if n := len(w.Files) - maxFiles; n > 0 {
			w.Files = slices.Delete(w.Files, 0, n)
		}
	case Landmark:
		if err := w.landmark(ctx, index, l, root); err != nil {
			return err
		}
	}
	if w.Issuer == "" || s.Issuer == w.Issuer {
		w.report.Leaves = append(w.report.Leaves, s)
	}
	return nil
}

// rootOf is compact.Range.GetRootHash.
type rootOf func(visit compact.VisitFn) ([]byte, error)

// expect alarms of a leaf that the issuer did not expect.
func (w *watch) expect(s *Seen, digest [32]byte) {
	if w.Expected != nil && (w.Issuer == "" || s.Issuer == w.Issuer) && !w.Expected[digest] {
		w.alarm(Unexpected, s.Index, s.Issuer, "%x", digest)
	}
}

func (w *watch) grant(index uint64, g Grant) (hash [32]byte, issuer string, s *label.Statement) {
	hash = label.LeafHash(g.Label)
	s, err := g.Statement()
	if err != nil { // ParseLeaf has read it
		w.alarm(Unreadable, index, "", "%v", err)
		return hash, "", nil
	}
	issuer, err = granted(g, w.Issuers, s.Issued.Time())
	if err != nil {
		w.alarm(BadGrant, index, issuer, "%s of %s: %v", s.GTIN14(), s.Issued, err)
	}
	if !w.low.IsZero() && s.Issued < label.DayOf(w.low.Add(-skew)) {
		w.alarm(BackDated, index, issuer, "it was issued on %s, and was not there on %s", s.Issued, label.DayOf(w.low))
	}
	w.claim(s.Issued, index)
	if w.Count == 0 {
		w.First = s.Issued
	}
	switch {
	case s.Issued <= w.Closed:
		w.alarm(BackDated, index, issuer, "it was issued on %s, and %s was closed", s.Issued, w.Closed)
	case s.Issued != w.First:
		kind := BackDated
		if s.Issued > w.First {
			kind = ForwardDated
		}
		w.alarm(kind, index, issuer, "it was issued on %s, among what was issued on %s", s.Issued, w.First)
	}
	day, err := newRange().NewRange(0, w.Count, w.Day)
	if err == nil {
		err = day.Append(hash[:], nil)
	}
	if err != nil {
		w.alarm(BadLandmark, index, "", "%v", err)
	} else {
		w.Day, w.Count = day.Hashes(), w.Count+1
	}
	if taken, ok := w.Indices[s.Index]; ok && taken != hash {
		w.alarm(IndexTaken, index, issuer, "place %d of the status list is that of the label %x", s.Index, taken)
	}
	w.Indices[s.Index] = hash
	p := productOf(s)
	if s.Support < w.Products[p] {
		w.alarm(Shortened, index, issuer, "until %s; it was %s", promised(s.Support), w.Products[p])
	}
	w.Products[p] = max(w.Products[p], s.Support)
	if w.Labels[hash] == nil {
		w.Labels[hash] = &standing{Index: s.Index, Support: s.Support, Issuer: w.issuer(issuer), Product: p}
	}
	return hash, issuer, s
}

// issuer is the number of an issuer by name.
func (w *watch) issuer(name string) uint16 {
	return uint16(slices.IndexFunc(w.Issuers, func(i label.Issuer) bool { return i.Name == name }))
}

func (w *watch) named(s *standing) string {
	if int(s.Issuer) < len(w.Issuers) {
		return w.Issuers[s.Issuer].Name
	}
	return ""
}

// promised is a support date, or that there is none.
func promised(d label.Day) string {
	if d == 0 {
		return "no day"
	}
	return d.String()
}

// productOf tells products apart, as far as one promise of support goes.
func productOf(s *label.Statement) [8]byte {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, s.GTIN), s.Hardware...))
	return [8]byte(sum[:8])
}

func (w *watch) status(index uint64, c *StatusChange) (issuer string) {
	w.claim(label.DayOf(c.At), index)
	s := w.Labels[c.Label]
	if s == nil {
		w.alarm(NoSuchLabel, index, "", "label %x", c.Label)
		return ""
	}
	issuer = w.named(s)
	was, now := statuses[s.Status], uint8(slices.Index(statuses, c.Status))
	switch {
	case c.Status == label.Active && was != label.Active && c.Evidence == [32]byte{}:
		w.alarm(Quiet, index, issuer, "the label %x, which was %s, is active again with no record of evidence", c.Label, was)
	case was != c.Status && (was == label.Withdrawn || was == label.Expired):
		w.alarm(Quiet, index, issuer, "the label %x, which was %s for good, is %s", c.Label, was, c.Status)
	case c.Evidence == [32]byte{}:
		w.alarm(Unexplained, index, issuer, "the label %x is %s with no record of evidence", c.Label, c.Status)
	}
	if now != s.Status {
		s.Status, s.Since = now, c.At.Unix()
	}
	return issuer
}

func (w *watch) support(index uint64, d *SupportDate) (issuer string) {
	w.claim(label.DayOf(d.At), index)
	s := w.Labels[d.Label]
	if s == nil {
		w.alarm(NoSuchLabel, index, "", "label %x", d.Label)
		return ""
	}
	issuer = w.named(s)
	if d.Until < s.Support {
		w.alarm(Shortened, index, issuer, "until %s; it was %s", promised(d.Until), s.Support)
	}
	s.Support = d.Until
	w.Products[s.Product] = max(w.Products[s.Product], d.Until)
	return issuer
}

// landmark checks that a day is closed as it was: by the root of its labels, after all other days, when it was over, and
// under a checkpoint that witnesses saw then.
func (w *watch) landmark(ctx context.Context, index uint64, m Landmark, root rootOf) error {
	day, err := newRange().NewRange(0, w.Count, w.Day)
	if err != nil {
		return fmt.Errorf("landmark %d: %w", index, err)
	}
	nothing := sha256.Sum256(nil)
	for day.End() == 0 || day.End()&(day.End()-1) != 0 {
		if err := day.Append(nothing[:], nil); err != nil {
			return fmt.Errorf("landmark %d: %w", index, err)
		}
	}
	want, err := day.GetRootHash(nil)
	if err != nil {
		return fmt.Errorf("landmark %d: %w", index, err)
	}
	switch {
	case m.Day <= w.Closed:
		w.alarm(BackDated, index, "", "the landmark of %s comes after that of %s", m.Day, w.Closed)
	case m.Labels != w.Count || m.Root != [32]byte(want):
		w.alarm(BadLandmark, index, "", "%s has %d labels with the root %x, and the landmark says %d and %x", m.Day, w.Count, want, m.Labels, m.Root)
	case w.Count > 0 && w.First < m.Day:
		w.alarm(BackDated, index, "", "what was issued on %s was logged on %s", w.First, m.Day)
	case w.Count > 0 && w.First > m.Day:
		w.alarm(ForwardDated, index, "", "what was issued on %s was logged on %s", w.First, m.Day)
	}
	if err := w.dayCheckpoint(ctx, index, m, root); err != nil {
		return err
	}
	w.claim(m.Day+1, index)
	w.Closed, w.Day, w.Count, w.First = max(w.Closed, m.Day), nil, 0, 0
	return nil
}

// dayCheckpoint checks the checkpoint that was kept when a day was closed.
func (w *watch) dayCheckpoint(ctx context.Context, index uint64, m Landmark, root rootOf) error {
	data, err := w.Reader.LandmarkCheckpoint(ctx, m.Day)
	if err != nil {
		return w.broken(index, err)
	}
	c, err := w.Policy.Open(data)
	if err != nil {
		w.alarm(BadLandmark, index, "", "the checkpoint of %s: %v", m.Day, err)
		return nil
	}
	want := rfc6962.DefaultHasher.EmptyRoot()
	if index > 0 {
		if want, err = root(nil); err != nil {
			return fmt.Errorf("landmark %d: %w", index, err)
		}
	}
	if c.Size != index || c.Root != [32]byte(want) {
		w.alarm(BadLandmark, index, "", "the checkpoint of %s has the size %d and the root %x", m.Day, c.Size, c.Root)
		return nil
	}
	if end := (m.Day + 1).Time(); w.Count > 0 && c.At.After(end.Add(dayGrace)) {
		w.alarm(BackDated, index, "", "what is of %s was cosigned on %s", m.Day, c.At.Format(time.RFC3339))
	}
	if c.At.After(w.low) || w.low.IsZero() {
		w.observe(c.At)
	}
	return nil
}

// checkBundle holds a trust bundle that was given out against the log.
func (w *watch) checkBundle() {
	if w.Bundle == nil {
		return
	}
	if !slices.Contains(w.Files, w.BundleDigest) {
		w.alarm(UnloggedFile, w.report.Now.Size, "", "the bundle of %s, %x", w.Bundle.Made.UTC().Format(time.RFC3339), w.BundleDigest)
	}
	hashes := make([][32]byte, 0, len(w.Labels))
	for h := range w.Labels {
		hashes = append(hashes, h)
	}
	slices.SortFunc(hashes, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	for _, h := range hashes {
		s := w.Labels[h]
		if w.Indices[s.Index] != h || s.Since > w.Bundle.Made.Unix() {
			continue // the bundle could not know
		}
		in, log := w.Bundle.StatusOf(s.Index), statuses[s.Status]
		if in == label.Active && log != label.Active || in == label.Suspended && log == label.Withdrawn {
			w.alarm(Quiet, w.report.Now.Size, w.named(s), "the bundle says that the label %x is %s, and the log that it is %s", h, in, log)
		}
	}
}
