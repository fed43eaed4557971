package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"plimsoll.example/plimsoll/label"
)

// Batch is a transaction of a store in which it commits: each marks, drops or keeps one entry.
type Batch interface {
	Mark(e *Entry) error
	Drop(e *Entry) error
	Keep(e *Entry) error
}

// Carry does in a transaction what Store.Commit is asked: what was logged comes first, for fresh entries are held against
// it.
func Carry(b Batch, fresh, logged, refused []*Entry) error {
	for _, e := range logged {
		if err := b.Mark(e); err != nil {
			return fmt.Errorf("mark entry %d: %w", e.Seq, err)
		}
	}
	for _, e := range refused {
		if err := b.Drop(e); err != nil {
			return fmt.Errorf("drop entry %d: %w", e.Seq, err)
		}
	}
	for _, e := range fresh {
		if err := b.Keep(e); err != nil {
			return fmt.Errorf("keep entry: %w", err)
		}
	}
	return nil
}

// Store is what the registry keeps. Any number of goroutines may use it. What is not there is ErrUnknown.
type Store interface {
	// Accounts are all, by ID. SaveAccount keeps one, with its keys and blocks in place of those that were there.
	Accounts(ctx context.Context) ([]Account, error)
	SaveAccount(ctx context.Context, a *Account) error

	// Commit keeps fresh entries, marks logged ones and drops those that the log refused, all in one transaction that is
	// on the disk when it returns nil. A fresh entry that does not fit what is there (Entry.Fits) is left out by Refuse
	// or RefuseTwice; the others get their Seq. What an entry says about a label is shown once it is marked.
	Commit(ctx context.Context, fresh, logged, refused []*Entry) error

	// Pending are the entries that are not marked, in the order in which they were kept.
	Pending(ctx context.Context) ([]*Entry, error)

	// Entry is the one of that hash.
	Entry(ctx context.Context, hash label.Hash) (*Entry, error)

	// Statuses gives the status of each label that is logged.
	Statuses(ctx context.Context, give func(index uint32, s label.Status)) error

	// Label is a label that is logged, by its leaf hash; LabelsOf those of a product, the newest first; Labels those
	// behind a place in the log, in its order.
	Label(ctx context.Context, id label.Hash) (*Label, error)
	LabelsOf(ctx context.Context, gtin uint64, limit int) ([]*Label, error)
	Labels(ctx context.Context, after int64, limit int) ([]*Label, error)

	// Changes are those of a label that are logged, in order.
	Changes(ctx context.Context, id label.Hash, limit int) ([]*Entry, error)

	// Events are grants and changes that are logged, the newest first, of those before a place in the log (0: all).
	Events(ctx context.Context, before int64, limit int) ([]*Event, error)

	// Expired are labels that are active or suspended, and expired before a day.
	Expired(ctx context.Context, day label.Day, limit int) ([]label.Hash, error)

	// Products are those that a query finds, by GTIN.
	Products(ctx context.Context, q *Query) ([]Product, error)

	// Document is one that was sent as evidence.
	Document(ctx context.Context, hash label.Hash) (*Document, error)

	// LastIndex is the highest status index of a block that is used, if one is.
	LastIndex(ctx context.Context, b Block) (last uint32, used bool, err error)

	// Note keeps what was refused to an account; Audits are what accounts did and were refused, the newest first, of
	// those before a number (0: all).
	Note(ctx context.Context, a *Audit) error
	Audits(ctx context.Context, before int64, limit int) ([]*Audit, error)

	Close() error
}

// Kind is that of an entry.
type Kind string

// The kinds.
const (
	Grant       Kind = "grant"
	Change      Kind = "change"
	StatusList  Kind = "status-list" // one was given out
	TrustBundle Kind = "bundle"      // one was given out
)

// Entry is something that becomes a leaf of the log.
type Entry struct {
	Seq     int64 // in which order it was kept, from 1
	Kind    Kind
	Hash    label.Hash // of a grant its leaf hash, else the SHA-256 of the body or of the file
	Body    []byte     // COSE_Sign1; of a file that was given out: none
	Account string     // who sent it
	At      time.Time  // when it was taken, in milliseconds
	Floor   uint64     // the size of the log then: its place is there or behind
	Key     string     // of idempotency; "": none

	Logged bool
	Index  uint64 // in the log, if it is Logged

	// what it is about, but for a file
	Label       label.Hash
	GTIN        uint64
	StatusIndex uint32
	Status      label.Status // after it

	Grant     *Label        // of a grant
	Change    *label.Change // of a change
	Documents []Document    // that are sent with it: evidence of a change, the picture of a grant

	err  error
	done chan struct{}
}

// Refuse leaves an entry out of a Commit.
func (e *Entry) Refuse(err error) { e.err = err }

// Refused reports why it was left out, or nil.
func (e *Entry) Refused() error { return e.err }

// RefuseTwice leaves an entry out that is there already.
func (e *Entry) RefuseTwice() { e.err = errTwice }

// Standing is how a label stands when a change of it is kept.
type Standing struct {
	Status  label.Status
	Changes uint32 // that were kept
	Pending bool   // the label, or a change of it, is not logged yet
}

// Fits says whether a change can follow, and what the status is then.
func (e *Entry) Fits(s Standing) error {
	if s.Pending {
		return fmt.Errorf("%w: it is not logged yet; try again", ErrNumber)
	}
	if e.Change.Number != s.Changes+1 {
		return fmt.Errorf("%w: this is change %d, and the next is %d", ErrNumber, e.Change.Number, s.Changes+1)
	}
	next, ok := s.Status.Next(e.Change.Verb)
	if !ok {
		return fmt.Errorf("%w: %s a label that is %s", ErrStatus, e.Change.Verb, s.Status)
	}
	e.Status = next
	return nil
}

// Label is one that was granted.
type Label struct {
	ID       label.Hash // its leaf hash
	Sign1    []byte
	Account  string     // who granted it
	Category string     // of the product, in a word, or ""
	Picture  label.Hash // of the product, a Document; zeros: there is none
	Granted  time.Time
	Index    uint64 // of its leaf
	Status   label.Status
	Changed  time.Time // when the status changed last, or zero
	Changes  uint32
}

// Pictures is the path under which a registry serves pictures of products, each by its SHA-256.
const Pictures = "/api/v1/pictures/"

// PicturePath is where the newest picture of a product is on its registry, by its labels, the newest first; "" if it has none.
func PicturePath(labels ...*Label) string {
	for _, l := range labels {
		if l.PictureHash() != nil {
			return Pictures + l.Picture.String()
		}
	}
	return ""
}

// PictureHash is that of the picture as a store keeps it: nil where there is none.
func (l *Label) PictureHash() []byte {
	if l.Picture == (label.Hash{}) {
		return nil
	}
	return l.Picture[:]
}

// Statement is what the label says. It was verified when it was granted.
func (l *Label) Statement() (*label.Statement, error) {
	e := label.Envelope{Version: label.Version, Label: l.Sign1}
	return e.Statement()
}

// Product is what a shop sells, by its GTIN.
type Product struct {
	GTIN     uint64
	Maker    string
	Model    string
	Category string
}

// Event is a grant or a change, as feeds tell it.
type Event struct {
	Entry
	Product Product
}

// Document is evidence, or the picture of a product.
type Document struct {
	Hash  label.Hash
	Media string // type, as in RFC 9110 §8.3.1
	Body  []byte
}

// Sum fills in the hash of a document that is to be sent.
func (d *Document) Sum() { d.Hash = sha256.Sum256(d.Body) }

// Bounds of documents.
const (
	MaxDocument  = 256 << 10 // octets
	MaxDocuments = label.MaxEvidence
)

// Audit is something that an account did, or was refused.
type Audit struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	Account string    `json:"account"`
	Action  string    `json:"action"`  // grant, suspend, …
	Subject string    `json:"subject"` // a leaf hash, or the ID of an account
	Outcome string    `json:"outcome"` // Done, DoneBy or DoneTo a person, or why not
}

// Done is the outcome of what was done.
const Done = "done"

// DoneBy is the outcome of what a person did for the account.
func DoneBy(person string) string { return Done + " by " + person }

// DoneTo is the outcome of what was done to a person.
func DoneTo(person string) string { return Done + " to " + person }

// Told takes an outcome apart: form is done, by or to, with the person of the latter two; "" for what was refused.
func (a *Audit) Told() (form, person string) {
	if a.Outcome == Done {
		return Done, ""
	}
	for _, form := range []string{"by", "to"} {
		if person, ok := strings.CutPrefix(a.Outcome, Done+" "+form+" "); ok {
			return form, person
		}
	}
	return "", ""
}

// Action is what an entry is called where it is audited.
func (e *Entry) Action() string {
	if e.Change != nil {
		return string(e.Change.Verb)
	}
	return string(e.Kind)
}

// IsRefusal reports whether an error says why something was not taken, and not that something does not work.
func IsRefusal(err error) bool {
	for _, cause := range []error{
		ErrRole, ErrDay, ErrIndex, ErrNumber, ErrStatus, ErrReused, ErrUnknown, ErrText, label.ErrChange, label.ErrStatement, label.ErrSignature, label.ErrUntrusted,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// Read fills in what the body of an entry says, after a store has read it.
func (e *Entry) Read() (err error) {
	switch e.Kind {
	case Change:
		if e.Change, err = label.ReadChange(e.Body); err != nil {
			return fmt.Errorf("read entry %d: %w", e.Seq, err)
		}
	case Grant:
		e.Grant = &Label{ID: e.Hash, Sign1: e.Body, Account: e.Account, Granted: e.At, Index: e.Index, Status: label.Active}
	}
	return nil
}

// ChangeHash is by which an entry of a change is known: what the log has of it.
func ChangeHash(sign1 []byte) label.Hash { return sha256.Sum256(sign1) }
