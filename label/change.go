package label

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// Verb is what is done about a label that was granted (ISO/IEC 17065 §7.11).
type Verb string

// The verbs.
const (
	Suspend  Verb = "suspend"
	Restore  Verb = "restore" // one that is suspended
	Withdraw Verb = "withdraw"
	Expire   Verb = "expire"
	Note     Verb = "note" // adds evidence, and leaves the status as it is
)

// Verbs are all of them.
var Verbs = []Verb{Suspend, Restore, Withdraw, Expire, Note}

// Next is the status of a label after a verb. What was withdrawn or has expired stays so: a new label can be granted.
func (s Status) Next(v Verb) (Status, bool) {
	switch {
	case v == Note:
		return s, true
	case s == Active && v == Suspend:
		return Suspended, true
	case s == Suspended && v == Restore:
		return Active, true
	case (s == Active || s == Suspended) && v == Withdraw:
		return Withdrawn, true
	case (s == Active || s == Suspended) && v == Expire:
		return Expired, true
	}
	return s, false
}

// Reason says in a word why a label is changed.
type Reason string

// Reasons are the words.
var Reasons = []Reason{
	"exploited", "advisory", "support-ended", "evidence-refuted", "remedied", "maker-request", "issuer-error", "superseded", "expired", "other",
}

// Change is an evidence record: what is done about a label, why, and the documents that show it. Whoever decides signs it,
// and the log has a leaf with its digest: none can be made quietly, and none be undone so.
type Change struct {
	Version  int      `cbor:"1,keyasint" json:"version"`
	Label    Hash     `cbor:"2,keyasint" json:"label"`  // its leaf hash
	Number   uint32   `cbor:"3,keyasint" json:"number"` // of the changes of that label, from 1
	Verb     Verb     `cbor:"4,keyasint" json:"verb"`
	At       int64    `cbor:"5,keyasint" json:"at"` // seconds since 1970-01-01
	Reason   Reason   `cbor:"6,keyasint" json:"reason"`
	Note     string   `cbor:"7,keyasint,omitempty" json:"note,omitempty"`
	Evidence [][]byte `cbor:"8,keyasint,omitempty" json:"-"` // SHA-256 of the documents
}

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes it in hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(b []byte) error {
	var v Hash
	if len(b) != hex.EncodedLen(len(v)) {
		return fmt.Errorf("%.80q is no SHA-256 in hexadecimal digits", b)
	}
	if _, err := hex.Decode(v[:], b); err != nil {
		return fmt.Errorf("%.80q is no SHA-256 in hexadecimal digits", b)
	}
	*h = v
	return nil
}

// ErrChange is the cause where a change is not one that could be made.
var ErrChange = errors.New("change is not valid")

// Bounds of a change.
const (
	MaxNote     = 500 // octets
	MaxEvidence = 8   // documents
)

// changeType is that of a change in COSE.
const changeType = "application/vnd.plimsoll.change+cbor"

// Check says all that is wrong with a change.
func (c *Change) Check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrChange}, args...)...))
	}
	if c.Version != Version {
		wrong("its version is %d, and this program knows %d", c.Version, Version)
	}
	if c.Number == 0 {
		wrong("changes are numbered from 1")
	}
	if !slices.Contains(Verbs, c.Verb) {
		wrong("its verb %.40q is none of %v", string(c.Verb), Verbs)
	}
	if !slices.Contains(Reasons, c.Reason) {
		wrong("its reason %.40q is none of %v", string(c.Reason), Reasons)
	}
	if c.At <= 0 || c.At >= 1<<40 {
		wrong("its time %d is not in seconds since 1970-01-01", c.At)
	}
	if len(c.Note) > MaxNote || !utf8.ValidString(c.Note) || strings.ContainsFunc(c.Note, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }) {
		wrong("its note is longer than %d octets, or cannot be shown", MaxNote)
	}
	if len(c.Evidence) > MaxEvidence {
		wrong("it has %d documents, at most %d are taken", len(c.Evidence), MaxEvidence)
	}
	for _, e := range c.Evidence {
		if len(e) != sha256.Size {
			wrong("a digest of %d octets is no SHA-256", len(e))
		}
	}
	return errors.Join(errs...)
}

// Time is when it was decided.
func (c *Change) Time() time.Time { return time.Unix(c.At, 0).UTC() }

// SignChange makes the COSE_Sign1 of a change, with a header of its own type.
func SignChange(c *Change, key ed25519.PrivateKey) ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	payload, err := encoding().Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("sign change: %w", err)
	}
	return sign(payload, changeType, key)
}

// OpenChange reads a change, and verifies that the key that it names made it. find is asked for the key of an ID.
func OpenChange(sign1 []byte, find func(id []byte) ed25519.PublicKey) (*Change, ed25519.PublicKey, error) {
	payload, key, err := unseal(sign1, changeType, find)
	if err != nil {
		return nil, nil, err
	}
	c := &Change{}
	if err := exact(payload, c); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrChange, err)
	}
	return c, key, c.Check()
}

// ReadChange reads a change without verifying who made it, as for one that was verified before.
func ReadChange(sign1 []byte) (*Change, error) {
	var u cose.UntaggedSign1Message
	if err := u.UnmarshalCBOR(sign1); err != nil {
		return nil, fmt.Errorf("%w: read COSE_Sign1: %w", ErrChange, err)
	}
	c := &Change{}
	if err := exact(u.Payload, c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChange, err)
	}
	return c, c.Check()
}

// exact reads CBOR in the one encoding that is taken (RFC 8949 §4.2).
func exact(data []byte, v any) error {
	if err := decoding().Unmarshal(data, v); err != nil {
		return err
	}
	again, err := encoding().Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return errors.New("it is not in the deterministic encoding (RFC 8949 §4.2)")
	}
	return nil
}

// claims are those of a status list token in CBOR (RFC 8392 §4; Token Status List §5.2).
type claims struct {
	Subject string     `cbor:"2,keyasint"`
	Expires int64      `cbor:"4,keyasint"`
	Issued  int64      `cbor:"6,keyasint"`
	List    statusList `cbor:"65533,keyasint"`
	TTL     int64      `cbor:"65534,keyasint"` // seconds
}

type statusList struct {
	Bits int    `cbor:"bits"`
	List []byte `cbor:"lst"`
}

// tokenType is that of a status list token.
const tokenType = "application/statuslist+cwt"

// Token makes a status list token of the statuses of a bundle: who needs no more than those takes it. subject is its URL;
// ttl is how long it may be kept.
func (b *Bundle) Token(subject string, ttl time.Duration, key ed25519.PrivateKey) ([]byte, error) {
	payload, err := encoding().Marshal(claims{
		Subject: subject, Issued: b.Made.Unix(), Expires: b.Made.Add(Stale).Unix(), TTL: int64(ttl / time.Second), List: statusList{2, b.List},
	})
	if err != nil {
		return nil, fmt.Errorf("sign status list: %w", err)
	}
	return sign(payload, tokenType, key)
}

// ParseToken reads a status list token that the registry signed. What it gives knows no issuers and no landmarks.
func ParseToken(data []byte, registry ed25519.PublicKey) (*Trust, error) {
	if len(data) > MaxBundle {
		return nil, fmt.Errorf("%w: it has %d octets", ErrBundle, len(data))
	}
	payload, _, err := unseal(data, tokenType, func([]byte) ed25519.PublicKey { return registry })
	if err != nil {
		return nil, err
	}
	var c claims
	mode, err := cbor.DecOptions{IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: 4}.DecMode()
	if err != nil {
		return nil, err
	}
	if err := mode.Unmarshal(payload, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	if c.List.Bits != 2 {
		return nil, fmt.Errorf("%w: its statuses have %d bits", ErrBundle, c.List.Bits)
	}
	t := &Trust{Bundle: &Bundle{Version: Version, Registry: c.Subject, Made: time.Unix(c.Issued, 0).UTC(), List: c.List.List}}
	t.list, err = unpack(c.List.List)
	return t, err
}
