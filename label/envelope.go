package label

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// Envelope is what travels in a link: a label, and where there is room, the proof that it was logged on a day.
type Envelope struct {
	_       struct{} `cbor:",toarray"`
	Version int
	Label   []byte // COSE_Sign1
	Proof   *Proof // nil is none
}

// Proof is the path from a label to the landmark of its day: the root of the tree of all that was logged on that day.
type Proof struct {
	_     struct{} `cbor:",toarray"`
	Day   Day
	Index uint64 // of the label among the day’s
	Path  []byte // hashes of 32 octets, from the label up
}

// ErrProof is the cause where a label is not in the log as its proof says.
var ErrProof = errors.New("proof is not good")

// maxDepth bounds a path: four thousand million labels a day.
const maxDepth = 32

// Marshal is the envelope in CBOR, deterministic.
func (e *Envelope) Marshal() ([]byte, error) { return encoding().Marshal(e) }

// ParseEnvelope reads an envelope.
func ParseEnvelope(data []byte) (*Envelope, error) {
	e := &Envelope{}
	mode, err := cbor.DecOptions{IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: 4, MaxArrayElements: 16, MaxMapPairs: 16}.DecMode()
	if err != nil {
		return nil, err
	}
	if err := mode.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	if e.Version != Version {
		return nil, fmt.Errorf("%w: its envelope is of version %d, and this program knows %d", ErrStatement, e.Version, Version)
	}
	if p := e.Proof; p != nil && (len(p.Path)%sha256.Size != 0 || len(p.Path) > maxDepth*sha256.Size || p.Index>>(len(p.Path)/sha256.Size) != 0) {
		return nil, fmt.Errorf("%w: a path of %d octets for the label of index %d", ErrProof, len(p.Path), p.Index)
	}
	return e, nil
}

// LeafHash is the hash of a label in the log (RFC 6962 §2.1).
func LeafHash(sign1 []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(sign1)
	return [32]byte(h.Sum(nil))
}

func nodeHash(left, right []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{1})
	h.Write(left)
	h.Write(right)
	return [32]byte(h.Sum(nil))
}

// Root is the root that the path of a proof leads to from a label.
func (p *Proof) Root(sign1 []byte) [32]byte {
	root := LeafHash(sign1)
	index := p.Index
	for path := p.Path; len(path) > 0; path = path[sha256.Size:] {
		sibling := path[:sha256.Size]
		if index&1 == 0 {
			root = nodeHash(root[:], sibling)
		} else {
			root = nodeHash(sibling, root[:])
		}
		index >>= 1
	}
	return root
}

// Landmark is the root of the tree of a day’s labels, and the proof of each. The day’s number of labels is filled up to a
// power of two with hashes of nothing, so that all paths are as long.
func Landmark(day Day, labels [][]byte) (root [32]byte, proofs []*Proof) {
	row := make([][32]byte, 1)
	for len(row) < len(labels) {
		row = append(row, make([][32]byte, len(row))...)
	}
	proofs = make([]*Proof, len(labels))
	for i := range row {
		if i < len(labels) {
			row[i] = LeafHash(labels[i])
			proofs[i] = &Proof{Day: day, Index: uint64(i)}
		} else {
			row[i] = sha256.Sum256(nil)
		}
	}
	for level := 0; len(row) > 1; level++ {
		for i, p := range proofs {
			sibling := row[i>>level^1]
			p.Path = append(p.Path, sibling[:]...)
		}
		next := make([][32]byte, len(row)/2)
		for i := range next {
			next[i] = nodeHash(row[2*i][:], row[2*i+1][:])
		}
		row = next
	}
	return row[0], proofs
}

// Statement is what the label says. Who says it has not been verified.
func (e *Envelope) Statement() (*Statement, error) {
	var u cose.UntaggedSign1Message
	if err := u.UnmarshalCBOR(e.Label); err != nil {
		return nil, fmt.Errorf("%w: read COSE_Sign1: %w", ErrStatement, err)
	}
	return ParseStatement(u.Payload)
}
