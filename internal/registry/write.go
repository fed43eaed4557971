package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/picture"
	"plimsoll.example/plimsoll/label"
)

// Submission is what an account sends: a label to be granted, or a change of one, as its COSE_Sign1.
type Submission struct {
	Sign1     []byte
	Label     label.Hash                 // that a change must be of
	Category  string                     // of the product that a label is for, or ""
	Documents []Document                 // that a change names
	Picture   []byte                     // of the product that a label is for, as package picture draws it; nil: none
	Key       string                     // of idempotency, or ""
	Admit     func(account string) error // asked once it is known who sends it; nil: no need
}

// MaxSign1 bounds what is signed, octets.
const MaxSign1 = 8 << 10

var category = regexp.MustCompile(`^[a-z][a-z-]{0,31}$`)

// Grant takes a label in. It returns when the label is in the log and its record says so.
func (r *Registry) Grant(ctx context.Context, s *Submission) (*Label, error) {
	if len(s.Sign1) > MaxSign1 {
		return nil, fmt.Errorf("%w: a label of %d octets", ErrText, len(s.Sign1))
	}
	if s.Category != "" && !category.MatchString(s.Category) {
		return nil, fmt.Errorf("%w: %.40q is no category", ErrText, s.Category)
	}
	statement, key, err := label.Open(s.Sign1, r.find)
	if err != nil {
		return nil, err
	}
	now := r.Now().UTC().Truncate(time.Millisecond)
	account, err := r.by(key, label.DayOf(now))
	if err != nil {
		return nil, err
	}
	if s.Admit != nil {
		if err := s.Admit(account.ID); err != nil {
			return nil, err
		}
	}
	e := &Entry{
		Kind: Grant, Hash: label.LeafHash(s.Sign1), Body: s.Sign1, Account: account.ID, At: now, Key: s.Key,
		GTIN: statement.GTIN, StatusIndex: statement.Index, Status: label.Active,
	}
	e.Label = e.Hash
	e.Grant = &Label{ID: e.Hash, Sign1: s.Sign1, Account: account.ID, Category: s.Category, Granted: now, Status: label.Active}
	if s.Picture != nil {
		d := Document{Media: picture.Media, Body: s.Picture}
		d.Sum()
		e.Grant.Picture, e.Documents = d.Hash, []Document{d}
	}
	err = r.grantable(ctx, account, statement, e, now)
	if err == nil {
		err = r.submit(ctx, e)
	}
	if err != nil {
		return nil, r.refuse(ctx, e, err)
	}
	return r.Store.Label(ctx, e.Hash)
}

// grantable says why an account cannot grant a label.
func (r *Registry) grantable(ctx context.Context, a *Account, s *label.Statement, e *Entry, now time.Time) error {
	if !a.Role.May(MayGrant) {
		return fmt.Errorf("%w: %s, a %s, grants no labels", ErrRole, a.ID, a.Role)
	}
	inBlock := false
	for _, b := range a.Blocks {
		inBlock = inBlock || s.Index >= b.First && s.Index-b.First < b.Size
	}
	if !inBlock {
		return fmt.Errorf("%w: %d is not in a block of %s", ErrIndex, s.Index, a.ID)
	}
	if today := label.DayOf(now); s.Issued != today {
		// what was taken yesterday and is sent again is still the same
		if kept, err := r.Store.Entry(ctx, e.Hash); err == nil && kept.Logged {
			return nil
		}
		return fmt.Errorf("%w: it says that it was issued on %s, and it is %s", ErrDay, s.Issued, today)
	}
	if s.Expires != 0 && s.Expires < label.DayOf(now) {
		return fmt.Errorf("%w: it has expired on %s", ErrStatus, s.Expires)
	}
	return nil
}

// Change takes a change of a label in. It returns when it is in the log, and the status is what it says.
func (r *Registry) Change(ctx context.Context, s *Submission) (*Entry, error) {
	if len(s.Sign1) > MaxSign1 {
		return nil, fmt.Errorf("%w: a change of %d octets", ErrText, len(s.Sign1))
	}
	c, key, err := label.OpenChange(s.Sign1, r.find)
	if err != nil {
		return nil, err
	}
	if c.Label != s.Label {
		return nil, fmt.Errorf("%w: it is of label %s", ErrText, c.Label)
	}
	now := r.Now().UTC().Truncate(time.Millisecond)
	account, err := r.by(key, label.DayOf(now))
	if err != nil {
		return nil, err
	}
	if s.Admit != nil {
		if err := s.Admit(account.ID); err != nil {
			return nil, err
		}
	}
	if _, own := r.deciding.Load(c.Label); own && account.ID != Self {
		return nil, ErrBusy
	}
	e := &Entry{
		Kind: Change, Hash: ChangeHash(s.Sign1), Body: s.Sign1, Account: account.ID, At: now, Key: s.Key,
		Label: c.Label, Change: c, Documents: s.Documents,
	}
	if err = r.changeable(ctx, account, e, now); err == nil {
		err = r.submit(ctx, e)
	}
	if err != nil {
		return nil, r.refuse(ctx, e, err)
	}
	return r.Store.Entry(ctx, e.Hash)
}

// changeable says why an account cannot make a change.
func (r *Registry) changeable(ctx context.Context, a *Account, e *Entry, now time.Time) error {
	l, err := r.Store.Label(ctx, e.Label)
	if err != nil {
		return err
	}
	s, err := l.Statement()
	if err != nil {
		return err
	}
	e.GTIN, e.StatusIndex = s.GTIN, s.Index
	need := MayChange
	switch {
	case e.Change.Verb == label.Note:
		need = MayNote
	case e.Change.Verb == label.Expire && a.ID != Self:
		return fmt.Errorf("%w: that a label expired, the registry says", ErrRole)
	case l.Account != a.ID:
		need = MayChangeAny
	}
	if !a.Role.May(need) {
		return fmt.Errorf("%w: %s, a %s, cannot %s a label of %s", ErrRole, a.ID, a.Role, e.Change.Verb, l.Account)
	}
	if kept, err := r.Store.Entry(ctx, e.Hash); err == nil && kept.Logged {
		return nil // it is sent again: the store says so
	}
	if at := e.Change.Time(); at.Sub(now).Abs() > 10*time.Minute {
		return fmt.Errorf("%w: it says that it was decided at %s, and it is %s", ErrDay, at.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	return e.documents()
}

// documents checks that those that are sent are those that the change names.
func (e *Entry) documents() error {
	if len(e.Documents) > MaxDocuments {
		return fmt.Errorf("%w: %d documents, at most %d are taken", ErrText, len(e.Documents), MaxDocuments)
	}
	for i := range e.Documents {
		d := &e.Documents[i]
		d.Hash = sha256.Sum256(d.Body)
		named := false
		for _, h := range e.Change.Evidence {
			named = named || string(h) == string(d.Hash[:])
		}
		switch {
		case len(d.Body) > MaxDocument:
			return fmt.Errorf("%w: document %d has %d octets, at most %d are taken", ErrText, i+1, len(d.Body), MaxDocument)
		case !named:
			return fmt.Errorf("%w: the change does not name document %d, whose SHA-256 is %s", ErrText, i+1, d.Hash)
		case !media.MatchString(d.Media):
			return fmt.Errorf("%w: document %d is of no media type", ErrText, i+1)
		}
	}
	return nil
}

var media = regexp.MustCompile(`^[a-z]{1,20}/[a-z0-9.+-]{1,60}$`)

// Decide changes a label by the registry’s own decision, as rules on advisories come to it: it makes the change, signs it
// and takes it in. What others send about the label waits meanwhile: nobody can put off a suspension by many notes.
func (r *Registry) Decide(ctx context.Context, id label.Hash, verb label.Verb, reason label.Reason, note string, documents ...Document) (*Entry, error) {
	r.deciding.Store(id, true)
	defer r.deciding.Delete(id)
	for range 50 {
		l, err := r.Store.Label(ctx, id)
		if err != nil {
			return nil, err
		}
		c := &label.Change{
			Version: label.Version, Label: id, Number: l.Changes + 1, Verb: verb, At: r.Now().Unix(), Reason: reason, Note: note,
		}
		for _, d := range documents {
			h := sha256.Sum256(d.Body)
			c.Evidence = append(c.Evidence, h[:])
		}
		sign1, err := label.SignChange(c, r.Key)
		if err != nil {
			return nil, err
		}
		e, err := r.Change(ctx, &Submission{Sign1: sign1, Label: id, Documents: documents})
		if !errors.Is(err, ErrNumber) {
			return e, err
		}
		select { // somebody was faster, and is not logged yet
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, ErrBusy
}

// refuse audits what was not taken of an account, and gives the cause on.
func (r *Registry) refuse(ctx context.Context, e *Entry, cause error) error {
	if IsRefusal(cause) {
		outcome, _, _ := strings.Cut(cause.Error(), "\n")
		outcome = strings.ToValidUTF8(outcome[:min(len(outcome), 200)], "")
		a := &Audit{At: e.At, Account: e.Account, Action: e.Action(), Subject: e.Label.String(), Outcome: outcome}
		if err := r.Store.Note(ctx, a); err != nil {
			r.Logger.WarnContext(ctx, "refusal was not audited", "error", err)
		}
	}
	return cause
}

// expire changes the status of labels whose last day is over, as long as any can be changed.
func (r *Registry) expire(ctx context.Context) error {
	for {
		list, err := r.Store.Expired(ctx, label.DayOf(r.Now()), 100)
		if err != nil || len(list) == 0 {
			return err
		}
		var refused error
		for _, id := range list {
			_, err := r.Decide(ctx, id, label.Expire, "expired", "")
			if err != nil && !IsRefusal(err) {
				return err
			}
			refused = errors.Join(refused, err)
		}
		if refused != nil {
			return refused // and again later
		}
	}
}
