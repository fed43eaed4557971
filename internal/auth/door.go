package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/netip"
	"sync"
	"time"
)

// User is somebody who may come in.
type User struct {
	Name     string    `json:"name"`
	Role     string    `json:"role"`
	Password string    `json:"password,omitempty"` // PHC string; "" is none: by a code or a passkey alone
	Handle   []byte    `json:"handle,omitempty"`   // what passkeys call the user: random (WebAuthn Level 3 §5.4.3)
	Passkeys []Passkey `json:"passkeys,omitempty"`
	Since    time.Time `json:"since"`
}

// Session is somebody who came in, on one browser.
type Session struct {
	User  string    `json:"user"`
	Role  string    `json:"role"`
	Began time.Time `json:"began"`
	Last  time.Time `json:"last"`
	Agent string    `json:"agent"`         // what the browser calls itself, for who looks through their sessions
	Key   []byte    `json:"key,omitempty"` // ID of the passkey that began it
}

// Visit is a session with what names it.
type Visit struct {
	ID Digest
	Session
}

// Digest names a session: the SHA-256 of its token, which is kept nowhere.
type Digest [sha256.Size]byte

// store keeps users and sessions. What is not there is an error that wraps fs.ErrNotExist.
type store interface {
	User(ctx context.Context, name string) (*User, error)
	SaveUser(ctx context.Context, u *User) error
	// ChangeUser keeps what do makes of a user, and nothing if it fails. Nobody else changes the user meanwhile.
	ChangeUser(ctx context.Context, name string, do func(u *User) error) error
	Session(ctx context.Context, d Digest) (*Session, error)
	SaveSession(ctx context.Context, d Digest, s *Session) error
	// RenewSession keeps a session anew that is there; one that was ended meanwhile stays ended.
	RenewSession(ctx context.Context, d Digest, s *Session) error
	EndSession(ctx context.Context, d Digest) error
	Sessions(ctx context.Context, user string) ([]Visit, error)
}

// Store is all that is kept of people: what a Door needs, and who looks after them.
type Store interface {
	store
	Users(ctx context.Context) ([]*User, error)
	DeleteUser(ctx context.Context, name string) error
}

// How long a session lasts.
const (
	Idle     = 30 * 24 * time.Hour
	Absolute = 180 * 24 * time.Hour
	touch    = time.Hour // how old Last may become before it is kept anew
)

// How long a code lasts, and how often it may be guessed.
const (
	CodeLasts   = 10 * time.Minute
	codeDigits  = 8
	codeGuesses = 5
)

// Door is where people come in. Any number of goroutines may use it.
type Door struct {
	store store
	now   func() time.Time
	kiln  kiln
	limit *limiter

	mu    sync.Mutex
	codes map[string]*code // by name: one at a time
}

// code lets the first who knows it come in once; one that stands, again and again.
type code struct {
	role    string
	digits  string
	until   time.Time // zero: as long as the door stands
	guesses int
}

// NewDoor is one for those whom the store knows.
func NewDoor(s store, now func() time.Time) *Door {
	return &Door{store: s, now: now, kiln: newKiln(), limit: newLimiter(), codes: map[string]*code{}}
}

// Add makes a user who comes in by a password. Who is there already has that role and password from now on, and is out
// where the role was another.
func (d *Door) Add(ctx context.Context, name, role, password string) error {
	hash, err := d.kiln.make(ctx, password)
	if err != nil {
		return err
	}
	moved := false
	err = d.store.ChangeUser(ctx, name, func(u *User) error {
		moved = u.Role != role
		u.Role, u.Password = role, hash
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = d.store.SaveUser(ctx, &User{Name: name, Role: role, Password: hash, Since: d.now().UTC()})
	}
	if err == nil && moved {
		err = d.LeaveAll(ctx, name, "")
	}
	if err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return nil
}

// SetPassword gives a user a password, and changes nothing else; an error that wraps fs.ErrNotExist where there is none of
// that name.
func (d *Door) SetPassword(ctx context.Context, name, password string) error {
	hash, err := d.kiln.make(ctx, password)
	if err != nil {
		return err
	}
	err = d.store.ChangeUser(ctx, name, func(u *User) error {
		u.Password = hash
		return nil
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

// nobody is a hash that no password has: who is not known costs as much as who is.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Attempt counts an attempt to come in, by where it comes from: ErrOften if there were too many.
func (d *Door) Attempt(from netip.Addr) error {
	if !d.limit.allow(from, d.now()) {
		return ErrOften
	}
	return nil
}

// Succeeded gives an attempt back: who is right is not guessing.
func (d *Door) Succeeded(from netip.Addr) { d.limit.back(from) }

// Enter lets somebody in by a password. from is where they ask from; agent is what their browser calls itself. The
// error wraps ErrRefused or ErrOften, and does not tell whether the name is known.
func (d *Door) Enter(ctx context.Context, name, password string, from netip.Addr, agent string) (token string, err error) {
	if err := d.Attempt(from); err != nil {
		return "", err
	}
	hash := nobody
	u, err := d.store.User(ctx, name)
	switch {
	case err == nil && u.Password != "":
		hash = u.Password
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("enter: %w", err)
	}
	ok, err := d.kiln.check(ctx, password, hash)
	if err != nil {
		return "", fmt.Errorf("enter: %w", err)
	}
	if !ok || hash == nobody {
		return "", ErrRefused
	}
	d.Succeeded(from)
	return d.BeginAs(ctx, u.Name, agent, func(now *User) (string, error) {
		if now.Password != u.Password {
			return "", ErrRefused
		}
		return now.Role, nil
	}, nil)
}

// Code makes a new code for a role, which lets one in once: for the terminal of the machine, which only its owner
// sees. A code before it ends.
func (d *Door) Code(role string) string { return d.Invite(role, role) }

// Invite makes a new code for somebody, which lets one in once under that name. A code before it ends.
func (d *Door) Invite(name, role string) string { return d.add(name, role, d.now().Add(CodeLasts)) }

// Stand makes a new code for somebody that lets in again and again, until the program ends: for a home or a registry that is
// made up, where nobody could harm anybody.
func (d *Door) Stand(name, role string) string { return d.add(name, role, time.Time{}) }

func (d *Door) add(name, role string, until time.Time) string {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		panic(err) // the source never fails
	}
	c := &code{role: role, digits: fmt.Sprintf("%0*d", codeDigits, n), until: until}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.codes[name] = c
	return c.digits
}

// Pair lets somebody in by a code.
func (d *Door) Pair(ctx context.Context, digits string, from netip.Addr, agent string) (token string, err error) {
	if err := d.Attempt(from); err != nil {
		return "", err
	}
	name, role, ok := d.take(digits)
	if !ok {
		return "", ErrRefused
	}
	d.Succeeded(from)
	return d.Begin(ctx, name, role, agent)
}

// take spends a code, unless it stands. A wrong guess counts against all codes that are out.
func (d *Door) take(digits string) (name, role string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, c := range d.codes {
		if !c.until.IsZero() && d.now().After(c.until) || c.guesses >= codeGuesses {
			delete(d.codes, n)
			continue
		}
		if subtle.ConstantTimeCompare([]byte(digits), []byte(c.digits)) == 1 {
			name, role, ok = n, c.role, true
		}
	}
	switch {
	case !ok:
		for _, c := range d.codes {
			c.guesses++
		}
	case !d.codes[name].until.IsZero():
		delete(d.codes, name)
	}
	return name, role, ok
}

// BeginAs begins a session of a user who showed who they are, by the passkey of that ID if key is not nil. The user is
// looked at once more when the session is there: who was changed or forgotten meanwhile does not come in. role gives the
// role that they have now, or why they may not.
func (d *Door) BeginAs(ctx context.Context, name, agent string, role func(*User) (string, error), key []byte) (token string, err error) {
	look := func() (string, error) {
		u, err := d.store.User(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return "", ErrRefused
		}
		if err != nil {
			return "", fmt.Errorf("begin session: %w", err)
		}
		return role(u)
	}
	before, err := look()
	if err != nil {
		return "", err
	}
	if token, err = d.begin(ctx, key, name, before, agent); err != nil {
		return "", err
	}
	after, err := look()
	if err == nil && after != before {
		err = ErrRefused
	}
	if err != nil {
		return "", errors.Join(err, d.store.EndSession(ctx, digest(token)))
	}
	return token, nil
}

// Begin begins a session of somebody who is known by other means, and returns its token, for a cookie.
func (d *Door) Begin(ctx context.Context, user, role, agent string) (token string, err error) {
	return d.begin(ctx, nil, user, role, agent)
}

func (d *Door) begin(ctx context.Context, key []byte, user, role, agent string) (token string, err error) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	token = base64.RawURLEncoding.EncodeToString(b)
	now := d.now().UTC()
	s := &Session{User: user, Role: role, Began: now, Last: now, Agent: agent[:min(len(agent), 200)], Key: key}
	if err := d.store.SaveSession(ctx, digest(token), s); err != nil {
		return "", fmt.Errorf("begin session: %w", err)
	}
	return token, nil
}

// Who is in by a token; an error that wraps ErrRefused where nobody is, or the session is over.
func (d *Door) Who(ctx context.Context, token string) (*Session, error) {
	if len(token) != base64.RawURLEncoding.EncodedLen(32) {
		return nil, ErrRefused
	}
	id := digest(token)
	s, err := d.store.Session(ctx, id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrRefused
	case err != nil:
		return nil, fmt.Errorf("who: %w", err)
	}
	now := d.now().UTC()
	if now.Sub(s.Last) > Idle || now.Sub(s.Began) > Absolute {
		return nil, errors.Join(ErrRefused, d.store.EndSession(ctx, id))
	}
	if now.Sub(s.Last) > touch {
		s.Last = now
		switch err := d.store.RenewSession(ctx, id, s); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, ErrRefused
		case err != nil:
			return nil, fmt.Errorf("who: %w", err)
		}
	}
	return s, nil
}

// Leave ends a session.
func (d *Door) Leave(ctx context.Context, token string) error {
	return d.store.EndSession(ctx, digest(token))
}

func digest(token string) Digest { return sha256.Sum256([]byte(token)) }
