package registry

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"plimsoll.example/plimsoll/label"
)

// Role is what somebody is in the scheme (ISO/IEC 27404).
type Role string

// The roles. Consumers have no account: they read.
const (
	SchemeOwner       Role = "scheme-owner"
	CertificationBody Role = "certification-body"
	Lab               Role = "lab"
	Manufacturer      Role = "manufacturer"
)

// Roles are all that have accounts.
var Roles = []Role{SchemeOwner, CertificationBody, Lab, Manufacturer}

// Right is something that an account may do.
type Right int

// The rights.
const (
	MayGrant     Right = iota
	MayChange          // labels that it granted
	MayChangeAny       // labels that others granted too
	MayNote            // add evidence to a label
)

// rights are those of each role.
var rights = map[Role][]Right{
	SchemeOwner:       {MayChange, MayChangeAny, MayNote},
	CertificationBody: {MayGrant, MayChange, MayNote},
	Lab:               {MayNote},
	Manufacturer:      {MayNote},
}

// May reports whether a role has a right.
func (r Role) May(x Right) bool { return slices.Contains(rights[r], x) }

// Account is somebody who may write.
type Account struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Role   Role      `json:"role"`
	Since  time.Time `json:"since"`
	Keys   []Key     `json:"keys"`
	Blocks []Block   `json:"blocks"` // the status indexes of its labels
}

// Key is one of an account, with the days on which it may sign.
type Key struct {
	Public ed25519.PublicKey `json:"public"`
	From   label.Day         `json:"from"`
	Until  label.Day         `json:"until,omitzero"` // 0: still
}

// Good reports whether the key may sign on a day.
func (k *Key) Good(d label.Day) bool { return d >= k.From && (k.Until == 0 || d <= k.Until) }

// Block is a run of status indexes. An issuer numbers its labels itself within its own, so that it can sign without
// asking first.
type Block struct {
	First uint32 `json:"first"`
	Size  uint32 `json:"size"`
}

// BlockSize is how many status indexes an issuer gets at a time: 16 KiB of the list, which pack to nearly nothing.
const BlockSize = 1 << 16

// MaxIndex bounds status indexes: as many as a list has room for.
const MaxIndex = 256_000_000

var accountID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// Check says what is wrong with an account.
func (a *Account) Check() error {
	switch {
	case !accountID.MatchString(a.ID):
		return fmt.Errorf("%w: account %.40q: an ID has up to 32 small letters, digits and hyphens", ErrText, a.ID)
	case a.Name == "" || len(a.Name) > 64 || !utf8.ValidString(a.Name) || bytes.ContainsFunc([]byte(a.Name), func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%w: account %s: a name has 1 to 64 octets that can be shown", ErrText, a.ID)
	case !slices.Contains(Roles, a.Role):
		return fmt.Errorf("%w: account %s: role %.40q is none of %v", ErrText, a.ID, string(a.Role), Roles)
	}
	for _, k := range a.Keys {
		if len(k.Public) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: account %s: a key has %d octets", ErrText, a.ID, len(k.Public))
		}
	}
	return nil
}

// book is all accounts, by the ID of each key.
type book struct {
	list    []Account
	keys    map[[8]byte]signer
	version uint64
}

// signer is a key with its account.
type signer struct {
	account *Account
	key     *Key
}

func (r *Registry) book() *book { return r.accounts.Load() }

// reload reads the accounts: another process may have changed them.
func (r *Registry) reload(ctx context.Context) error {
	list, err := r.Store.Accounts(ctx)
	if err != nil {
		return err
	}
	b := &book{list: list, keys: map[[8]byte]signer{}, version: 1}
	for i := range list {
		for j := range list[i].Keys {
			b.keys[[8]byte(label.KeyID(list[i].Keys[j].Public))] = signer{&list[i], &list[i].Keys[j]}
		}
	}
	if was := r.book(); was != nil {
		if slices.EqualFunc(list, was.list, sameAccount) {
			return nil
		}
		b.version = was.version + 1
	}
	for i := range list {
		for j := range list[i].Keys {
			if !list[i].Role.May(MayGrant) {
				continue
			}
			if err := r.Log.Admit(ctx, list[i].Name, &list[i].Keys[j]); err != nil {
				return fmt.Errorf("log a key of %s: %w", list[i].ID, err)
			}
		}
	}
	r.accounts.Store(b)
	r.mu.Lock()
	r.dirty = true // bundles name the issuers
	r.mu.Unlock()
	return nil
}

func sameAccount(a, b Account) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Role == b.Role && slices.Equal(a.Blocks, b.Blocks) &&
		slices.EqualFunc(a.Keys, b.Keys, func(x, y Key) bool { return x.Public.Equal(y.Public) && x.From == y.From && x.Until == y.Until })
}

// Accounts are all. They are not to be changed.
func (r *Registry) Accounts() []Account { return r.book().list }

// Account is the one of an ID; one that is not known any more has its ID for a name.
func (r *Registry) Account(id string) Account {
	if id == Self {
		return Account{ID: Self, Name: r.Name, Role: SchemeOwner}
	}
	for i := range r.book().list {
		if a := &r.book().list[i]; a.ID == id {
			return *a
		}
	}
	return Account{ID: id, Name: id}
}

// find gives the key of an ID, that of the registry among them.
func (r *Registry) find(id []byte) ed25519.PublicKey {
	if own := r.Public(); bytes.Equal(id, label.KeyID(own)) {
		return own
	}
	if s, ok := r.book().keys[[8]byte(id)]; ok {
		return s.key.Public
	}
	return nil
}

// Public is the key with which the registry’s signatures are verified.
func (r *Registry) Public() ed25519.PublicKey {
	p, _ := r.Key.Public().(ed25519.PublicKey)
	return p
}

// Self is the account of the registry itself.
const Self = "registry"

// by is the account whose key signed something on a day, if that key was good then.
func (r *Registry) by(key ed25519.PublicKey, d label.Day) (*Account, error) {
	if key.Equal(r.Public()) {
		return &Account{ID: Self, Name: r.Name, Role: SchemeOwner}, nil
	}
	s, ok := r.book().keys[[8]byte(label.KeyID(key))]
	if !ok {
		return nil, fmt.Errorf("%w: nobody has key %x", ErrRole, label.KeyID(key))
	}
	if !s.key.Good(d) {
		return nil, fmt.Errorf("%w: key %x of %s is not good on %s", ErrRole, label.KeyID(key), s.account.ID, d)
	}
	return s.account, nil
}

// NewAccount adds an account, or keys and blocks to one that is there; one that grants gets a block of status indexes.
func NewAccount(ctx context.Context, s Store, a *Account) error {
	if err := a.Check(); err != nil {
		return err
	}
	if a.ID == Self {
		return fmt.Errorf("%w: %s is the registry’s own", ErrText, Self)
	}
	list, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	var top uint32
	for i := range list {
		if list[i].ID != a.ID {
			for _, k := range list[i].Keys {
				for _, own := range a.Keys {
					if k.Public.Equal(own.Public) {
						return fmt.Errorf("%w: key %x is that of %s", ErrText, label.KeyID(k.Public), list[i].ID)
					}
				}
			}
		}
		for _, b := range list[i].Blocks {
			top = max(top, b.First+b.Size)
		}
	}
	if a.Role.May(MayGrant) && len(a.Blocks) == 0 {
		a.Blocks = []Block{{First: top, Size: BlockSize}}
	}
	for _, b := range a.Blocks {
		if uint64(b.First)+uint64(b.Size) > MaxIndex {
			return fmt.Errorf("%w: the list has no room for status indexes from %d", ErrText, b.First)
		}
	}
	return s.SaveAccount(ctx, a)
}

// Extend gives an issuer another block of status indexes.
func Extend(ctx context.Context, s Store, id string, size uint32) (*Account, error) {
	list, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var top uint32
	var found *Account
	for i := range list {
		if list[i].ID == id {
			found = &list[i]
		}
		for _, b := range list[i].Blocks {
			top = max(top, b.First+b.Size)
		}
	}
	switch {
	case found == nil:
		return nil, fmt.Errorf("account %.40q: %w", id, ErrUnknown)
	case !found.Role.May(MayGrant):
		return nil, fmt.Errorf("%w: %s grants no labels", ErrRole, id)
	case uint64(top)+uint64(size) > MaxIndex:
		return nil, fmt.Errorf("%w: the list has no room for %d more status indexes", ErrText, size)
	}
	found.Blocks = append(found.Blocks, Block{top, size})
	return found, s.SaveAccount(ctx, found)
}

// Next is the lowest status index of an issuer above all that it used.
func (r *Registry) Next(ctx context.Context, id string) (uint32, error) {
	for _, b := range r.Account(id).Blocks {
		last, used, err := r.Store.LastIndex(ctx, b)
		switch {
		case err != nil:
			return 0, err
		case !used:
			return b.First, nil
		case last+1 < b.First+b.Size:
			return last + 1, nil
		}
	}
	return 0, fmt.Errorf("%w: all status indexes of %s are used", ErrIndex, id)
}

var errTwice = errors.New("was taken before")
