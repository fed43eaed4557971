package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/label"
)

// Transparent is a Log in the form of C2SP tlog-tiles. A grant is a leaf as it is. Of a change the log has the label, the
// status after it, the reason, and the digest of the signed record; of a file that was given out, its digest.
type Transparent struct{ Log *labellog.Log }

// reasons are the words of changes that the log has too; the others are other there, and the record says more.
var reasons = map[label.Reason]labellog.Reason{
	"exploited": labellog.Exploited, "support-ended": labellog.SupportEnded, "evidence-refuted": labellog.EvidenceRefuted,
	"maker-request": labellog.MakerRequest, "issuer-error": labellog.IssuerError, "remedied": labellog.Remedied, "superseded": labellog.Superseded,
}

func leafOf(e *Entry) labellog.Leaf {
	switch e.Kind {
	case Grant:
		return labellog.Grant{Label: e.Body}
	case Change:
		return labellog.StatusChange{Label: e.Label, Status: e.Status, Reason: reasons[e.Change.Reason], Evidence: e.Hash}
	case TrustBundle:
		return labellog.Digest{Of: labellog.BundleFile, SHA256: e.Hash}
	}
	return labellog.Digest{Of: labellog.StatusListFile, SHA256: e.Hash}
}

// hashIn is by which hash the store knows the entry of a leaf, which may have none.
func hashIn(data []byte) (h label.Hash, ok bool) {
	leaf, err := labellog.ParseLeaf(data)
	if err != nil {
		return h, false
	}
	switch leaf := leaf.(type) {
	case labellog.Grant:
		return label.LeafHash(leaf.Label), true
	case labellog.StatusChange:
		return leaf.Evidence, true
	case labellog.Digest:
		return leaf.SHA256, true
	}
	return h, false
}

// Size is the number of leaves.
func (t Transparent) Size(context.Context) (uint64, error) { return t.Log.Size(), nil }

// Append adds the leaf of an entry.
func (t Transparent) Append(ctx context.Context, e *Entry) (uint64, error) {
	index, err := t.Log.Append(ctx, leafOf(e))
	for ours, theirs := range map[error]error{ErrDay: labellog.ErrDay, ErrRole: labellog.ErrIssuer, ErrText: labellog.ErrLeaf} {
		if errors.Is(err, theirs) {
			return 0, fmt.Errorf("%w: %w", ours, err)
		}
	}
	return index, err
}

// Find looks for the leaves of entries.
func (t Transparent) Find(ctx context.Context, from uint64, entries []*Entry, found func(*Entry, uint64)) error {
	size := t.Log.Size()
	for until := time.Now().Add(5 * time.Second); ; {
		c, err := t.Log.Checkpoint(ctx)
		if size == 0 || err == nil && c.Size >= size {
			break
		}
		if time.Now().After(until) {
			return errors.Join(fmt.Errorf("the log has %d leaves, and they are not all published", size), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	of := map[label.Hash]*Entry{}
	for _, e := range entries {
		of[e.Hash] = e
	}
	index := from
	for data, err := range t.Log.Entries(ctx, from, size) {
		if err != nil {
			return err
		}
		if h, ok := hashIn(data); ok && of[h] != nil {
			found(of[h], index)
			delete(of, h)
		}
		index++
	}
	return nil
}

// Admit has the log know a key of an issuer.
func (t Transparent) Admit(ctx context.Context, issuer string, k *Key) error {
	for _, i := range t.Log.Issuers() {
		if i.Name != issuer || !i.Key.Equal(k.Public) {
			continue
		}
		if k.Until == 0 || i.Until != 0 && i.Until <= k.Until {
			return nil
		}
		_, err := t.Log.Append(ctx, labellog.KeyEnded{Name: issuer, Key: k.Public, Until: k.Until})
		return err
	}
	if k.Until != 0 {
		return nil // it is over before the log heard of it
	}
	_, err := t.Log.Append(ctx, labellog.KeyAdded{Name: issuer, Key: k.Public, From: k.From})
	return err
}

// Landmarks are the roots of each day’s labels.
func (t Transparent) Landmarks(context.Context) (label.Day, [][32]byte, error) {
	first, roots := labellog.Roots(t.Log.Landmarks())
	return first, roots, nil
}

// Proof is what proves to anybody that an entry is in the log: a C2SP tlog-proof.
func (t Transparent) Proof(ctx context.Context, index uint64) ([]byte, error) {
	c, err := t.Log.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if index >= c.Size {
		return nil, fmt.Errorf("leaf %d: %w", index, ErrUnknown)
	}
	return t.Log.ProofFile(ctx, index, c)
}

// Inclusion is an entry that was found in the log, and verified under a checkpoint of it.
type Inclusion struct {
	Index     uint64
	Origin    string // of the log
	Size      uint64
	Root      [32]byte
	Cosigners []string // the witnesses that cosigned the checkpoint
}

// Include verifies that the leaf of an index is that of an entry, by its hash, and is in the log. The error wraps
// ErrUnknown where it is not.
func (t Transparent) Include(ctx context.Context, index uint64, hash label.Hash) (*Inclusion, error) {
	c, err := t.Log.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if index >= c.Size {
		return nil, fmt.Errorf("leaf %d: %w", index, ErrUnknown)
	}
	for data, err := range t.Log.Entries(ctx, index, index+1) {
		if err != nil {
			return nil, err
		}
		if h, ok := hashIn(data); !ok || h != hash {
			return nil, fmt.Errorf("leaf %d is another: %w", index, ErrUnknown)
		}
		path, err := t.Log.Proof(ctx, index, c.Size)
		if err == nil {
			err = labellog.VerifyInclusion(data, index, path, c)
		}
		if err != nil {
			return nil, err
		}
	}
	in := &Inclusion{Index: index, Origin: c.Origin, Size: c.Size, Root: c.Root}
	for line := range strings.Lines(string(c.Note)) {
		if name, ok := strings.CutPrefix(line, "— "); ok {
			if name, _, _ = strings.Cut(name, " "); name != c.Origin {
				in.Cosigners = append(in.Cosigners, name)
			}
		}
	}
	return in, nil
}

// Landmark is the path of a label to the landmark of its day, or nil while the day is not over.
func (t Transparent) Landmark(ctx context.Context, day label.Day, index uint64) (*label.Proof, error) {
	d, err := t.Log.Landmark(ctx, day)
	if errors.Is(err, labellog.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.Proof(index), nil
}
