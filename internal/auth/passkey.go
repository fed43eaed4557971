package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// Passkey is a key of somebody’s device, which lets them in (WebAuthn Level 3). Package passkey makes them, and judges what
// they sign.
type Passkey struct {
	ID     []byte    `json:"id"`               // credential ID, at most 1023 octets
	Name   string    `json:"name"`             // that its owner gave it
	Host   string    `json:"host"`             // relying party ID: the name of the site, where alone it works
	Made   time.Time `json:"made"`             // when it was added
	Used   time.Time `json:"used,omitzero"`    // when it last let somebody in
	Copied bool      `json:"copied,omitempty"` // its counter went back, so there may be a copy: it lets nobody in
	Data   []byte    `json:"data"`             // public key, counter and flags, in the form of who makes them
}

// What a passkey can be refused for, beside ErrRefused and ErrOften.
var (
	ErrAnswer = errors.New("not the answer of a browser about a passkey")
	ErrLate   = errors.New("the question for a passkey is over: ask anew")
	ErrCopied = errors.New("the passkey counted back: there may be a copy of it")
	ErrMany   = fmt.Errorf("nobody has more than %d passkeys", MostPasskeys)
	ErrHas    = errors.New("the passkey is there already")
)

// MostPasskeys bounds those of one person.
const MostPasskeys = 20

// Passkeys are those of a person; none of somebody who is not known.
func (d *Door) Passkeys(ctx context.Context, name string) ([]Passkey, error) {
	u, err := d.store.User(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return u.Passkeys, nil
}

// RemovePasskey takes a passkey away and ends the sessions that it began, but for the one of the token stay. An error that
// wraps fs.ErrNotExist where the person has none of that ID.
func (d *Door) RemovePasskey(ctx context.Context, name string, id []byte, stay string) error {
	err := d.store.ChangeUser(ctx, name, func(u *User) error {
		n := len(u.Passkeys)
		u.Passkeys = slices.DeleteFunc(u.Passkeys, func(k Passkey) bool { return bytes.Equal(k.ID, id) })
		if len(u.Passkeys) == n {
			return fs.ErrNotExist
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove passkey: %w", err)
	}
	return d.end(ctx, name, stay, func(s *Session) bool { return bytes.Equal(s.Key, id) })
}

// Reset takes all passkeys of a person away, and ends all their sessions.
func (d *Door) Reset(ctx context.Context, name string) error {
	err := d.store.ChangeUser(ctx, name, func(u *User) error {
		u.Passkeys, u.Handle = nil, nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove passkeys: %w", err)
	}
	return d.LeaveAll(ctx, name, "")
}

// LeaveAll ends all sessions of a person but the one of the token stay.
func (d *Door) LeaveAll(ctx context.Context, name, stay string) error {
	return d.end(ctx, name, stay, func(*Session) bool { return true })
}

func (d *Door) end(ctx context.Context, name, stay string, which func(*Session) bool) error {
	list, err := d.store.Sessions(ctx, name)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for _, v := range list {
		if v.ID != digest(stay) && which(&v.Session) {
			if err := d.store.EndSession(ctx, v.ID); err != nil {
				return fmt.Errorf("end sessions: %w", err)
			}
		}
	}
	return nil
}
