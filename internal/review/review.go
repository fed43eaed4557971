// Package review is what people decide together before it is signed: a manufacturer asks for a label with what it declares
// and hands in, a laboratory adds what it found, a certification body reviews, and a second person of it grants
// (ISO/IEC 17065 §7.3 to §7.6). Restoring and withdrawing take two persons too; suspending takes one, for it protects.
//
// What is decided goes through the registry as everything does: signed, logged, and audited.
package review

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/picture"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// Kind is what a case is about.
type Kind string

// The kinds.
const (
	Grant  Kind = "grant"  // of a label that is asked for
	Change Kind = "change" // of a label that was granted
)

// State is how far a case is.
type State string

// The states.
const (
	Draft    State = "draft"    // its manufacturer works on it
	Asked    State = "asked"    // a certification body reviews
	Proposed State = "proposed" // one person is for it; a second decides
	Done     State = "done"     // it was signed, and is in the log
	Closed   State = "closed"   // nothing comes of it
)

// Person is somebody who acts for an account.
type Person struct {
	Name    string
	Account registry.Account
}

// Act is what a person did.
type Act struct {
	Person  string    `json:"person"`
	Account string    `json:"account"`
	At      time.Time `json:"at"`
}

// Case is one thing to be decided.
type Case struct {
	ID      string `json:"id"`
	Kind    Kind   `json:"kind"`
	State   State  `json:"state"`
	Version int64  `json:"version"` // counts what was kept of it
	Account string `json:"account"` // who began it
	Body    string `json:"body"`    // of a grant: which certification body is asked
	Name    string `json:"name"`    // of the product, for people
	GTIN    uint64 `json:"gtin"`
	Note    string `json:"note"` // why it was returned; of a change, its note
	Began   Act    `json:"began"`
	Propose *Act   `json:"propose,omitempty"`
	Decide  *Act   `json:"decide,omitempty"`

	Product []byte `json:"product,omitempty"` // of a grant: as schema/product.json describes
	Device  string `json:"device,omitempty"`  // the hardware address of the product in captures
	Files   []File `json:"files,omitempty"`
	// Pictures are those that the manufacturer sent of the product, as package picture drew them; the last one counts.
	Pictures []File `json:"pictures,omitempty"`

	Label  label.Hash   `json:"label"` // that is changed, or was granted
	Verb   label.Verb   `json:"verb,omitempty"`
	Reason label.Reason `json:"reason,omitempty"`
}

// File is one that was handed in.
type File struct {
	Name   string     `json:"name"`
	SHA256 label.Hash `json:"sha256"`
	Size   int        `json:"size"` // octets
	Act
}

// Bounds of cases.
const (
	MaxProduct  = 64 << 10 // octets
	MaxFile     = 4 << 20  // octets
	MaxFiles    = 16
	MaxPictures = 8
	MaxCases    = 200 // of one account that are not decided
	MostListed  = 500
	maxText     = 120 // octets of the name of a file
)

// What keeps something from being done.
var (
	ErrState  = errors.New("not possible in this state")
	ErrEyes   = errors.New("a second person must decide") // who proposes cannot confirm
	ErrNoKey  = errors.New("the account keeps no key here")
	ErrStale  = errors.New("somebody else changed it meanwhile")
	ErrMany   = errors.New("there are too many")
	ErrDiffer = errors.New("what was signed is not what was proposed")
)

// Store keeps cases, and the files of each. What is not there is registry.ErrUnknown.
type Store interface {
	// Cases are those of a state, or of all states, the newest first; of an account those that it began, "" is all.
	Cases(ctx context.Context, account string, state State, limit int) ([]*Case, error)
	Case(ctx context.Context, id string) (*Case, error)
	// SaveCase keeps a case, with a file that is new in it or nil, if what is kept has the version before; else the error
	// is ErrStale. A case of version 1 is new.
	SaveCase(ctx context.Context, c *Case, f *File, body []byte) error
	CaseFile(ctx context.Context, id string, hash label.Hash) ([]byte, error)
}

// Desk is where cases are decided.
type Desk struct {
	Registry *registry.Registry
	Store    Store
	Norms    *norms.Catalogue
	Now      func() time.Time
	// Key is what an account signs with here, or nil: then its persons sign elsewhere, and bring what they signed.
	Key func(account string) ed25519.PrivateKey
}

func (d *Desk) act(p *Person) Act {
	return Act{p.Name, p.Account.ID, d.Now().UTC().Truncate(time.Second)}
}

// Begin begins a case: a manufacturer asks for a label of a product.
func (d *Desk) Begin(ctx context.Context, p *Person, product []byte, device string) (*Case, error) {
	if p.Account.Role != registry.Manufacturer {
		return nil, fmt.Errorf("%w: a %s asks for no label", registry.ErrRole, p.Account.Role)
	}
	x, err := d.product(product)
	if err != nil {
		return nil, err
	}
	if device != "" && !address(device) {
		return nil, fmt.Errorf("%w: %.40q is no hardware address such as 02:00:5e:10:00:01", registry.ErrText, device)
	}
	c := d.newCase(p, Grant)
	c.Product, c.Device, c.Name, c.GTIN = product, device, x.Maker+" "+x.Model, x.GTIN
	return c, d.begin(ctx, p, c)
}

func (d *Desk) newCase(p *Person, kind Kind) *Case {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return &Case{ID: hex.EncodeToString(id), Kind: kind, State: Draft, Account: p.Account.ID, Began: d.act(p)}
}

func (d *Desk) begin(ctx context.Context, p *Person, c *Case) error {
	open := 0
	for _, s := range []State{Draft, Asked, Proposed} {
		list, err := d.Store.Cases(ctx, p.Account.ID, s, MaxCases)
		if err != nil {
			return err
		}
		open += len(list)
	}
	if open >= MaxCases {
		return fmt.Errorf("%w: %d cases of %s are not decided", ErrMany, open, p.Account.ID)
	}
	return d.save(ctx, p, c, "begin")
}

func (d *Desk) product(data []byte) (*assess.Product, error) {
	if len(data) > MaxProduct {
		return nil, fmt.Errorf("%w: a product of %d octets", registry.ErrText, len(data))
	}
	x, err := assess.ParseProduct(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrText, err)
	}
	return x, nil
}

// address reports whether a text is a MAC address as files of evidence write it.
func address(text string) bool {
	parts := strings.Split(text, ":")
	for _, x := range parts {
		if len(x) != 2 || strings.Trim(x, "0123456789abcdef") != "" {
			return false
		}
	}
	return len(parts) == 6
}

// save keeps a case, and audits what was done to it.
func (d *Desk) save(ctx context.Context, p *Person, c *Case, what string) error {
	return d.saveWith(ctx, p, c, what, nil, nil)
}

func (d *Desk) saveWith(ctx context.Context, p *Person, c *Case, what string, f *File, body []byte) error {
	c.Version++
	if err := d.Store.SaveCase(ctx, c, f, body); err != nil {
		return err
	}
	return d.Registry.Store.Note(ctx, &registry.Audit{
		At: d.Now().UTC().Truncate(time.Millisecond), Account: p.Account.ID, Action: "review-" + what, Subject: c.ID, Outcome: registry.DoneBy(p.Name),
	})
}

// Sees reports whether a person may look at a case: who began it, who is asked, laboratories while it is open to them, and
// the scheme’s owner.
func (p *Person) Sees(c *Case) bool {
	switch p.Account.Role {
	case registry.SchemeOwner:
		return true
	case registry.Lab:
		return c.Kind == Grant && (c.State == Draft || c.State == Asked || slices.ContainsFunc(c.Files, func(f File) bool { return f.Account == p.Account.ID }))
	}
	return c.Account == p.Account.ID || c.Body == p.Account.ID
}

// Find is a case that a person may look at.
func (d *Desk) Find(ctx context.Context, p *Person, id string) (*Case, error) {
	c, err := d.Store.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	if !p.Sees(c) {
		return nil, fmt.Errorf("case %s: %w", id, registry.ErrUnknown) // not even that it is there
	}
	return c, nil
}

// List are the cases that a person may look at, the newest first.
func (d *Desk) List(ctx context.Context, p *Person) ([]*Case, error) {
	account := ""
	if p.Account.Role == registry.Manufacturer {
		account = p.Account.ID
	}
	all, err := d.Store.Cases(ctx, account, "", MostListed)
	return slices.DeleteFunc(all, func(c *Case) bool { return !p.Sees(c) }), err
}

// Add hands a file in: a declaration or evidence. A manufacturer may until it asks, a laboratory until somebody proposes.
func (d *Desk) Add(ctx context.Context, p *Person, id, name string, body []byte) error {
	c, err := d.Find(ctx, p, id)
	if err != nil {
		return err
	}
	own := p.Account.ID == c.Account && p.Account.Role == registry.Manufacturer && c.State == Draft
	lab := p.Account.Role == registry.Lab && (c.State == Draft || c.State == Asked)
	if c.Kind != Grant || !own && !lab {
		return fmt.Errorf("%w: a file to a case that is %s", ErrState, c.State)
	}
	if lab && slices.ContainsFunc(c.Files, func(f File) bool {
		return f.Account != p.Account.ID && d.Registry.Account(f.Account).Role == registry.Lab
	}) {
		return fmt.Errorf("%w: another laboratory assesses it", registry.ErrRole)
	}
	if len(body) == 0 || len(body) > MaxFile || len(c.Files) >= MaxFiles {
		return fmt.Errorf("%w: a file of %d octets beside %d others; at most %d files of %d octets are taken", registry.ErrText, len(body), len(c.Files), MaxFiles, MaxFile)
	}
	if name == "" || len(name) > maxText || !utf8.ValidString(name) {
		name = "file"
	}
	f := File{Name: name, SHA256: sha256.Sum256(body), Size: len(body), Act: d.act(p)}
	if slices.ContainsFunc(c.Files, func(x File) bool { return x.SHA256 == f.SHA256 }) {
		return fmt.Errorf("%w: this file is there already", registry.ErrText)
	}
	c.Files = append(c.Files, f)
	if _, err := d.weigh(ctx, c, &f, body); err != nil { // what cannot be weighed is not taken
		return err
	}
	return d.saveWith(ctx, p, c, "add", &f, body)
}

// Picture shows what the product looks like, in place of the picture before. It is reviewed with all else: once the
// manufacturer asks, it stays.
func (d *Desk) Picture(ctx context.Context, p *Person, id string, body []byte) error {
	c, err := d.Find(ctx, p, id)
	if err != nil {
		return err
	}
	if c.Kind != Grant || p.Account.ID != c.Account || p.Account.Role != registry.Manufacturer || c.State != Draft {
		return fmt.Errorf("%w: a picture for a case that is %s", ErrState, c.State)
	}
	drawn, err := picture.Square(body)
	if err != nil {
		return err
	}
	f := File{Name: "picture.jpg", SHA256: sha256.Sum256(drawn), Size: len(drawn), Act: d.act(p)}
	if i := slices.IndexFunc(c.Pictures, func(x File) bool { return x.SHA256 == f.SHA256 }); i >= 0 { // it is kept already
		c.Pictures = append(slices.Delete(c.Pictures, i, i+1), f)
		return d.save(ctx, p, c, "picture")
	}
	if len(c.Pictures) >= MaxPictures {
		return fmt.Errorf("%w: %d pictures were sent for this case", ErrMany, len(c.Pictures))
	}
	c.Pictures = append(c.Pictures, f)
	return d.saveWith(ctx, p, c, "picture", &f, drawn)
}

// PictureOf is what the product of a case looks like, as JPEG; nil where nobody showed it.
func (d *Desk) PictureOf(ctx context.Context, c *Case) ([]byte, error) {
	if len(c.Pictures) == 0 {
		return nil, nil
	}
	return d.Store.CaseFile(ctx, c.ID, c.Pictures[len(c.Pictures)-1].SHA256)
}

// Assess weighs what was handed in.
func (d *Desk) Assess(ctx context.Context, c *Case) (*assess.Result, error) {
	return d.weigh(ctx, c, nil, nil)
}

// weigh assesses a case; fresh is a file that is not kept yet. A laboratory stands for its own work alone: once it has
// added something, captures, probes and reports that others sent are not weighed.
func (d *Desk) weigh(ctx context.Context, c *Case, fresh *File, body []byte) (*assess.Result, error) {
	product, err := d.product(c.Product)
	if err != nil {
		return nil, err
	}
	in := &assess.Input{Product: product, Catalogue: d.Norms}
	for _, f := range c.Files {
		if a := d.Registry.Account(f.Account); a.Role == registry.Lab {
			in.Lab = a.Name
		}
	}
	var papers []assess.Evidence // of others than the laboratory
	for _, f := range c.Files {
		data := body
		if fresh == nil || f.SHA256 != fresh.SHA256 {
			if data, err = d.Store.CaseFile(ctx, c.ID, f.SHA256); err != nil {
				return nil, err
			}
		}
		e, err := assess.ParseEvidence(f.Name, data)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", registry.ErrText, err)
		}
		byLab := d.Registry.Account(f.Account).Role == registry.Lab
		switch {
		case e.Kind == assess.Declared && byLab:
			return nil, fmt.Errorf("%w: %s: a laboratory does not declare", registry.ErrText, f.Name)
		case e.Kind == assess.Declared:
			in.Declaration = e.Declaration // the newest counts
			continue
		case in.Lab != "" && !byLab && e.Kind != assess.Paper:
			continue
		}
		if err := e.Find(product, c.Device); err != nil {
			return nil, fmt.Errorf("%w: %w", registry.ErrText, err)
		}
		if e.Kind == assess.Paper && !byLab {
			papers = append(papers, *e)
			continue
		}
		in.Evidence = append(in.Evidence, *e)
	}
	for _, e := range papers {
		if in.Lab == "" || in.Declaration == nil || !slices.ContainsFunc(in.Declaration.Documents, func(x assess.Document) bool { return x.SHA256 == e.SHA256 && x.Kind == "test-report" }) {
			in.Evidence = append(in.Evidence, e)
		}
	}
	r, err := assess.Assess(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrText, err)
	}
	return r, nil
}
