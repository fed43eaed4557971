package review

import (
	"context"
	"errors"
	"fmt"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// Ask hands a case to a certification body.
func (d *Desk) Ask(ctx context.Context, p *Person, id, body string) error {
	c, err := d.Find(ctx, p, id)
	if err != nil {
		return err
	}
	switch {
	case c.Account != p.Account.ID || c.Kind != Grant:
		return fmt.Errorf("%w: the case is of %s", registry.ErrRole, c.Account)
	case c.State != Draft:
		return fmt.Errorf("%w: it is %s", ErrState, c.State)
	case !d.Registry.Account(body).Role.May(registry.MayGrant):
		return fmt.Errorf("%w: %.40q grants no labels", registry.ErrRole, body)
	}
	c.State, c.Body, c.Note = Asked, body, ""
	return d.save(ctx, p, c, "ask")
}

// Return gives a case back to who began it, and says why; a change that was proposed is closed so.
func (d *Desk) Return(ctx context.Context, p *Person, id, note string) error {
	c, err := d.Find(ctx, p, id)
	if err != nil {
		return err
	}
	if err := d.decides(ctx, p, c); err != nil {
		return err
	}
	if c.State != Asked && c.State != Proposed {
		return fmt.Errorf("%w: it is %s", ErrState, c.State)
	}
	if note == "" || len(note) > label.MaxNote {
		return fmt.Errorf("%w: say why, in at most %d octets", registry.ErrText, label.MaxNote)
	}
	c.State, c.Propose = Draft, nil
	if c.Kind == Change {
		act := d.act(p)
		c.State, c.Decide = Closed, &act
	} else {
		c.Note = note
	}
	return d.save(ctx, p, c, "return")
}

// decides says why a person cannot decide a case.
func (d *Desk) decides(ctx context.Context, p *Person, c *Case) error {
	if c.Kind == Grant {
		if c.Body != p.Account.ID || !p.Account.Role.May(registry.MayGrant) {
			return fmt.Errorf("%w: %s decides on it", registry.ErrRole, c.Body)
		}
		return nil
	}
	l, err := d.Registry.Store.Label(ctx, c.Label)
	if err != nil {
		return err
	}
	return d.changes(p, l)
}

// changes says why a person cannot change a label.
func (d *Desk) changes(p *Person, l *registry.Label) error {
	need := registry.MayChangeAny
	if l.Account == p.Account.ID {
		need = registry.MayChange
	}
	if !p.Account.Role.May(need) {
		return fmt.Errorf("%w: %s, a %s, cannot change a label of %s", registry.ErrRole, p.Account.ID, p.Account.Role, l.Account)
	}
	return nil
}

// For proposes that a label be granted: the first pair of eyes.
func (d *Desk) For(ctx context.Context, p *Person, id string) error {
	c, err := d.Find(ctx, p, id)
	if err != nil {
		return err
	}
	if err := d.decides(ctx, p, c); err != nil {
		return err
	}
	if c.State != Asked {
		return fmt.Errorf("%w: it is %s", ErrState, c.State)
	}
	act := d.act(p)
	c.State, c.Propose = Proposed, &act
	return d.save(ctx, p, c, "propose")
}

// Propose proposes to restore or withdraw a label.
func (d *Desk) Propose(ctx context.Context, p *Person, id label.Hash, verb label.Verb, reason label.Reason, note string) (*Case, error) {
	if verb != label.Restore && verb != label.Withdraw {
		return nil, fmt.Errorf("%w: %.20q is not proposed", registry.ErrText, string(verb))
	}
	l, s, err := d.label(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if _, ok := l.Status.Next(verb); !ok {
		return nil, fmt.Errorf("%w: %s a label that is %s", registry.ErrStatus, verb, l.Status)
	}
	c := d.newCase(p, Change)
	act := d.act(p)
	c.State, c.Propose = Proposed, &act
	c.Label, c.Verb, c.Reason, c.Note, c.Name, c.GTIN, c.Body = id, verb, reason, note, s.Maker+" "+s.Model, s.GTIN, l.Account
	if err := d.change(c, l).Check(); err != nil {
		return nil, err
	}
	return c, d.begin(ctx, p, c)
}

func (d *Desk) label(ctx context.Context, p *Person, id label.Hash) (*registry.Label, *label.Statement, error) {
	l, err := d.Registry.Store.Label(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := d.changes(p, l); err != nil {
		return nil, nil, err
	}
	s, err := l.Statement()
	return l, s, err
}

func (d *Desk) change(c *Case, l *registry.Label) *label.Change {
	return &label.Change{Version: label.Version, Label: l.ID, Number: l.Changes + 1, Verb: c.Verb, At: d.Now().Unix(), Reason: c.Reason, Note: c.Note}
}

// Suspend suspends a label at once: whoever waits for a second person leaves people unprotected.
func (d *Desk) Suspend(ctx context.Context, p *Person, id label.Hash, reason label.Reason, note string) error {
	l, _, err := d.label(ctx, p, id)
	if err != nil {
		return err
	}
	return d.sign(ctx, p, &Case{Verb: label.Suspend, Reason: reason, Note: note}, l)
}

// Note adds evidence to a label, and leaves its status as it is.
func (d *Desk) Note(ctx context.Context, p *Person, id label.Hash, note string, documents ...registry.Document) error {
	l, err := d.Registry.Store.Label(ctx, id)
	if err != nil {
		return err
	}
	return d.sign(ctx, p, &Case{Verb: label.Note, Reason: "other", Note: note}, l, documents...)
}

// sign makes a change, signs it with the key that the account keeps here, and sends it in.
func (d *Desk) sign(ctx context.Context, p *Person, c *Case, l *registry.Label, documents ...registry.Document) error {
	key := d.Key(p.Account.ID)
	if key == nil {
		return ErrNoKey
	}
	change := d.change(c, l)
	for i := range documents {
		documents[i].Sum()
		change.Evidence = append(change.Evidence, documents[i].Hash[:])
	}
	sign1, err := label.SignChange(change, key)
	if err != nil {
		return err
	}
	_, err = d.Registry.Change(ctx, &registry.Submission{Sign1: sign1, Label: l.ID, Documents: documents})
	return err
}

// Confirm is the second pair of eyes: what was proposed is signed and goes to the registry. signed is the label as the
// account signed it elsewhere, or nil to sign it with the key that it keeps here.
func (d *Desk) Confirm(ctx context.Context, p *Person, id string, signed []byte) error {
	c, err := d.Find(ctx, p, id)
	if err != nil {
		return err
	}
	if err := d.decides(ctx, p, c); err != nil {
		return err
	}
	switch {
	case c.State != Proposed || c.Propose == nil:
		return fmt.Errorf("%w: it is %s", ErrState, c.State)
	case c.Propose.Person == p.Name:
		return ErrEyes
	}
	if c.Kind == Grant {
		err = d.grant(ctx, p, c, signed)
	} else {
		var l *registry.Label
		if l, err = d.Registry.Store.Label(ctx, c.Label); err == nil {
			err = d.sign(ctx, p, c, l)
		}
	}
	if err != nil {
		return err
	}
	act := d.act(p)
	c.State, c.Decide = Done, &act
	return d.save(ctx, p, c, "confirm")
}

// Statement is what a grant would say, today.
func (d *Desk) Statement(ctx context.Context, c *Case) (*label.Statement, error) {
	r, err := d.Assess(ctx, c)
	if err != nil {
		return nil, err
	}
	s := r.Statement()
	s.Issued = label.DayOf(d.Now())
	if s.Index, err = d.Registry.Next(ctx, c.Body); err != nil {
		return nil, err
	}
	return s, s.Check()
}

func (d *Desk) grant(ctx context.Context, p *Person, c *Case, signed []byte) error {
	r, err := d.product(c.Product)
	if err != nil {
		return err
	}
	key := d.Key(p.Account.ID)
	if key == nil && signed == nil {
		return ErrNoKey
	}
	shown, err := d.PictureOf(ctx, c)
	if err != nil {
		return err
	}
	for range 3 { // somebody else may take the index meanwhile
		var s *label.Statement
		if s, err = d.Statement(ctx, c); err != nil {
			return err
		}
		sign1 := signed
		if signed == nil {
			if sign1, err = label.Sign(s, key); err != nil {
				return err
			}
		} else if err := same(sign1, s); err != nil {
			return err
		}
		var l *registry.Label
		if l, err = d.Registry.Grant(ctx, &registry.Submission{Sign1: sign1, Category: r.Category, Picture: shown, Key: "case " + c.ID}); err == nil {
			c.Label = l.ID
			return nil
		}
		if signed != nil || !errors.Is(err, registry.ErrIndex) {
			return err
		}
	}
	return err
}

// same reports whether what was signed is what was proposed, but for its index, which its issuer chooses. The registry
// verifies who signed it.
func same(sign1 []byte, want *label.Statement) error {
	e := label.Envelope{Version: label.Version, Label: sign1}
	s, err := e.Statement()
	if err != nil {
		return err
	}
	s.Index = want.Index
	got, err := s.CBOR()
	if err != nil {
		return err
	}
	asked, err := want.CBOR()
	if err != nil {
		return err
	}
	if string(got) != string(asked) {
		return ErrDiffer
	}
	return nil
}
