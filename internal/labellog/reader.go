package labellog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	mproof "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"

	"plimsoll.example/plimsoll/label"
)

// What reading can find.
var (
	ErrMissing   = errors.New("file of the log is missing")
	ErrAltered   = errors.New("file of the log was altered")
	ErrInclusion = errors.New("proof of inclusion is not good")
)

const (
	maxTile    = layout.TileWidth * 32
	maxEntries = layout.EntryBundleWidth * (2 + MaxLeaf)
)

// Reader reads a log as it is published: a C2SP tlog-tiles log, in a folder or behind a URL. What it returns is as it was
// found; Policy.Open and the proofs tell whether it is to be believed. It may be used by several goroutines.
type Reader struct {
	get func(ctx context.Context, path string, limit int64) ([]byte, error)
}

// NewReader reads the log in a folder, or at an http or https URL by a client, of which nil is http.DefaultClient.
func NewReader(place string, c *http.Client) (*Reader, error) {
	if !strings.HasPrefix(place, "http://") && !strings.HasPrefix(place, "https://") {
		return &Reader{func(_ context.Context, path string, limit int64) ([]byte, error) {
			f, err := os.Open(filepath.Join(place, filepath.FromSlash(path)))
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%w: %w", ErrMissing, err)
			}
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return readBounded(f, path, limit)
		}}, nil
	}
	u, err := url.Parse(place)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%.200q is no URL of a log", place)
	}
	if c == nil {
		c = http.DefaultClient
	}
	return &Reader{func(ctx context.Context, path string, limit int64) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath(path).String(), nil)
		if err != nil {
			return nil, err
		}
		r, err := c.Do(req)
		if err != nil {
			return nil, fmt.Errorf("get %s: %w", path, err)
		}
		defer r.Body.Close()
		switch r.StatusCode {
		case http.StatusOK:
			return readBounded(r.Body, path, limit)
		case http.StatusNotFound, http.StatusGone:
			return nil, fmt.Errorf("%w: get %s: %s", ErrMissing, path, r.Status)
		}
		return nil, fmt.Errorf("get %s: %s", path, r.Status)
	}}, nil
}

func readBounded(r io.Reader, path string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: %s has more than %d octets", ErrAltered, path, limit)
	}
	return data, nil
}

// Published is the checkpoint as it is published, which nobody has verified: give it to Policy.Open.
func (r *Reader) Published(ctx context.Context) ([]byte, error) {
	return r.get(ctx, layout.CheckpointPath, MaxCheckpoint)
}

// LandmarkCheckpoint is the checkpoint that was kept when a day was closed, which nobody has verified. Its size is the
// index of the landmark of the day: it covers what the day logged, and not the landmark itself.
func (r *Reader) LandmarkCheckpoint(ctx context.Context, day label.Day) ([]byte, error) {
	return r.get(ctx, landmarkPath(day), MaxCheckpoint)
}

func landmarkPath(day label.Day) string { return "landmark/" + day.String() }

// partial reads a file of p entries, or a longer one: the full one that took its place, or that of the checkpoint, since
// there is one only for each size that was published.
func (r *Reader) partial(ctx context.Context, level, index uint64, path func(p uint8) string, p uint8, limit int64) ([]byte, error) {
	data, err := r.get(ctx, path(p), limit)
	if p == 0 || !errors.Is(err, ErrMissing) {
		return data, err
	}
	if data, full := r.get(ctx, path(0), limit); !errors.Is(full, ErrMissing) {
		return data, full
	}
	if note, e := r.Published(ctx); e == nil {
		c, e := parseCheckpoint(note)
		if e == nil && c.Size>>(8*(level+1)) == index && layout.PartialTileSize(level, index, c.Size) > p {
			return r.get(ctx, path(layout.PartialTileSize(level, index, c.Size)), limit)
		}
	}
	return nil, err
}

func (r *Reader) tile(ctx context.Context, level, index uint64, p uint8) ([]byte, error) {
	return r.partial(ctx, level, index, func(p uint8) string { return layout.TilePath(level, index, p) }, p, maxTile)
}

// bundle reads the entries of a bundle, of which there are width, or more.
func (r *Reader) bundle(ctx context.Context, index uint64, p uint8) ([][]byte, error) {
	data, err := r.partial(ctx, 0, index, func(p uint8) string { return layout.EntriesPath(index, p) }, p, maxEntries)
	if err != nil {
		return nil, err
	}
	var b api.EntryBundle
	if err := b.UnmarshalText(data); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrAltered, layout.EntriesPath(index, p), err)
	}
	width := int(p)
	if p == 0 {
		width = layout.EntryBundleWidth
	}
	if len(b.Entries) < width || len(b.Entries) > layout.EntryBundleWidth {
		return nil, fmt.Errorf("%w: %s has %d entries", ErrAltered, layout.EntriesPath(index, p), len(b.Entries))
	}
	return b.Entries, nil
}

// Entries are the octets of the leaves from one index up to another, not included, in a log of at least that size.
func (r *Reader) Entries(ctx context.Context, from, to uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if from >= to {
			return
		}
		for part := range layout.Range(from, to-from, to) {
			entries, err := r.bundle(ctx, part.Index, part.Partial)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range entries[part.First : part.First+part.N] {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Leaves are the leaves from one index up to another, not included, in a log of at least that size.
func (r *Reader) Leaves(ctx context.Context, from, to uint64) iter.Seq2[Leaf, error] {
	return func(yield func(Leaf, error) bool) {
		for data, err := range r.Entries(ctx, from, to) {
			var leaf Leaf
			if err == nil {
				leaf, err = ParseLeaf(data)
			}
			if !yield(leaf, err) || err != nil {
				return
			}
		}
	}
}

// Leaf is the leaf of an index.
func (r *Reader) Leaf(ctx context.Context, index uint64) (Leaf, error) {
	for leaf, err := range r.Leaves(ctx, index, index+1) {
		return leaf, err
	}
	return nil, fmt.Errorf("%w: there is no leaf %d", ErrMissing, index)
}

// Find looks for the entry of a hash (RFC 6962 §2.1) in a log of a size, from the newest bundle of entries back. The error
// wraps ErrMissing where it is not there.
func (r *Reader) Find(ctx context.Context, hash [32]byte, size uint64) (index uint64, err error) {
	for end := size; end > 0; {
		begin := (end - 1) / layout.EntryBundleWidth * layout.EntryBundleWidth
		index := begin
		for data, err := range r.Entries(ctx, begin, end) {
			if err != nil {
				return 0, err
			}
			if [32]byte(rfc6962.DefaultHasher.HashLeaf(data)) == hash {
				return index, nil
			}
			index++
		}
		end = begin
	}
	return 0, fmt.Errorf("%w: no entry of %d has the hash %x", ErrMissing, size, hash)
}

// Proof is the path of the leaf of an index to the root of the log of a size (RFC 6962 §2.1.1).
func (r *Reader) Proof(ctx context.Context, index, size uint64) ([][]byte, error) {
	b, err := client.NewProofBuilder(ctx, size, r.tile)
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d of %d: %w", index, size, err)
	}
	path, err := b.InclusionProof(ctx, index)
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d of %d: %w", index, size, err)
	}
	return path, nil
}

// Consistency is the proof that the log of a size begins with that of a smaller one (RFC 6962 §2.1.2).
func (r *Reader) Consistency(ctx context.Context, smaller, size uint64) ([][]byte, error) {
	b, err := client.NewProofBuilder(ctx, size, r.tile)
	if err != nil {
		return nil, fmt.Errorf("prove that %d begins with %d: %w", size, smaller, err)
	}
	path, err := b.ConsistencyProof(ctx, smaller, size)
	if err != nil {
		return nil, fmt.Errorf("prove that %d begins with %d: %w", size, smaller, err)
	}
	return path, nil
}

// VerifyInclusion checks that octets are the leaf of an index under a checkpoint. The error wraps ErrInclusion.
func VerifyInclusion(entry []byte, index uint64, path [][]byte, c *Checkpoint) error {
	if err := mproof.VerifyInclusion(rfc6962.DefaultHasher, index, c.Size, rfc6962.DefaultHasher.HashLeaf(entry), path, c.Root[:]); err != nil {
		return fmt.Errorf("%w: leaf %d of %d: %w", ErrInclusion, index, c.Size, err)
	}
	return nil
}

// ProofFile is the proof of a leaf as a file of its own: a C2SP tlog-proof, with the checkpoint in it.
func (r *Reader) ProofFile(ctx context.Context, index uint64, c *Checkpoint) ([]byte, error) {
	path, err := r.Proof(ctx, index, c.Size)
	if err != nil {
		return nil, err
	}
	p := proof.TLogProof{Index: index, Checkpoint: c.Note}
	for _, h := range path {
		p.Hashes = append(p.Hashes, [32]byte(h))
	}
	return p.Marshal(), nil
}

// OpenProof verifies a file of ProofFile for the octets of a leaf: which index it has, and under which checkpoint. The
// error wraps ErrInclusion or is of Open.
func (p *Policy) OpenProof(file, entry []byte) (index uint64, c *Checkpoint, err error) {
	var f proof.TLogProof
	if len(file) > 2*MaxCheckpoint {
		return 0, nil, fmt.Errorf("%w: it has %d octets", ErrInclusion, len(file))
	}
	if err := f.Unmarshal(file); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrInclusion, err)
	}
	if c, err = p.Open(f.Checkpoint); err != nil {
		return 0, nil, err
	}
	path := make([][]byte, len(f.Hashes))
	for i := range f.Hashes {
		path[i] = f.Hashes[i][:]
	}
	return f.Index, c, VerifyInclusion(entry, f.Index, path, c)
}

func newRange() *compact.RangeFactory {
	return &compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
}
