package labellog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// MaxCheckpoint bounds a checkpoint with its signatures, octets.
const MaxCheckpoint = 64 << 10

// What can be wrong with a checkpoint.
var (
	ErrCheckpoint  = errors.New("checkpoint is not valid")
	ErrLogKey      = errors.New("checkpoint is not signed by a log that the policy names")
	ErrUnwitnessed = errors.New("checkpoint has not enough cosignatures of witnesses")
)

// Checkpoint is the head of the log at one time: a C2SP tlog-checkpoint that was verified.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   [32]byte
	// At is when the quorum had cosigned: the latest time that enough witnesses state. Zero where the policy asks for none.
	At   time.Time
	Note []byte // as it was published
}

// parseCheckpoint reads the text of a checkpoint. Who signed it is not verified.
func parseCheckpoint(text []byte) (*Checkpoint, error) {
	var c log.Checkpoint
	if len(text) > MaxCheckpoint {
		return nil, fmt.Errorf("%w: it has %d octets", ErrCheckpoint, len(text))
	}
	if _, err := c.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if len(c.Hash) != sha256.Size || c.Size >= 1<<62 {
		return nil, fmt.Errorf("%w: a root of %d octets for the size %d", ErrCheckpoint, len(c.Hash), c.Size)
	}
	return &Checkpoint{Origin: c.Origin, Size: c.Size, Root: [32]byte(c.Hash), Note: text}, nil
}

// Open verifies a checkpoint: one of the policy’s logs signed it, and its quorum of witnesses cosigned. The error wraps
// ErrCheckpoint, ErrLogKey or ErrUnwitnessed.
func (p *Policy) Open(data []byte) (*Checkpoint, error) {
	c, err := parseCheckpoint(data)
	if err != nil {
		return nil, err
	}
	n, err := note.Open(data, note.VerifierList(p.verifiers...))
	if missing := (*note.UnverifiedNoteError)(nil); errors.As(err, &missing) {
		return nil, fmt.Errorf("%w: it is of %.80q", ErrLogKey, c.Origin)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	signed := false
	times := map[note.Verifier]time.Time{}
	for _, s := range n.Sigs {
		for _, v := range p.verifiers {
			if v.Name() != s.Name || v.KeyHash() != s.Hash {
				continue
			}
			if p.logs[v] {
				signed = signed || s.Name == c.Origin
				continue
			}
			at, err := fnote.CoSigV1Timestamp(s)
			if err != nil {
				return nil, fmt.Errorf("%w: cosignature of %.80q: %w", ErrCheckpoint, s.Name, err)
			}
			times[v] = at.UTC()
		}
	}
	if !signed {
		return nil, fmt.Errorf("%w: it is of %.80q", ErrLogKey, c.Origin)
	}
	at, ok := p.quorum.satisfied(times)
	if !ok {
		return nil, fmt.Errorf("%w: %d of those that the policy names cosigned", ErrUnwitnessed, len(times))
	}
	c.At = at
	return c, nil
}
