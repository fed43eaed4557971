package auth_test

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
)

// memory keeps users and sessions while a test runs.
type memory struct {
	users    map[string]auth.User
	sessions map[auth.Digest]auth.Session
}

func (m *memory) User(_ context.Context, name string) (*auth.User, error) {
	u, ok := m.users[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &u, nil
}

func (m *memory) SaveUser(_ context.Context, u *auth.User) error {
	m.users[u.Name] = *u
	return nil
}

func (m *memory) ChangeUser(_ context.Context, name string, do func(*auth.User) error) error {
	u, ok := m.users[name]
	if !ok {
		return fs.ErrNotExist
	}
	if err := do(&u); err != nil {
		return err
	}
	m.users[name] = u
	return nil
}

func (m *memory) Sessions(_ context.Context, user string) (list []auth.Visit, err error) {
	for d, s := range m.sessions {
		if s.User == user {
			list = append(list, auth.Visit{ID: d, Session: s})
		}
	}
	return list, nil
}

func (m *memory) Session(_ context.Context, d auth.Digest) (*auth.Session, error) {
	s, ok := m.sessions[d]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &s, nil
}

func (m *memory) SaveSession(_ context.Context, d auth.Digest, s *auth.Session) error {
	m.sessions[d] = *s
	return nil
}

func (m *memory) RenewSession(_ context.Context, d auth.Digest, s *auth.Session) error {
	if _, ok := m.sessions[d]; !ok {
		return fs.ErrNotExist
	}
	m.sessions[d] = *s
	return nil
}

func (m *memory) EndSession(_ context.Context, d auth.Digest) error {
	delete(m.sessions, d)
	return nil
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func door(t *testing.T) (*auth.Door, *memory, *clock) {
	t.Helper()
	m := &memory{map[string]auth.User{}, map[auth.Digest]auth.Session{}}
	c := &clock{time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	return auth.NewDoor(m, func() time.Time { return c.now }), m, c
}

var here = netip.MustParseAddr("192.0.2.1")

func TestAPasswordLetsInAndIsKeptNowhere(t *testing.T) {
	d, m, _ := door(t)
	if err := d.Add(t.Context(), "ann", "owner", "correct horse"); err != nil {
		t.Fatal(err)
	}
	token, err := d.Enter(t.Context(), "ann", "correct horse", here, "Firefox")
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Who(t.Context(), token)
	if err != nil || s.User != "ann" || s.Role != "owner" || s.Agent != "Firefox" {
		t.Errorf("%+v, %v", s, err)
	}
	if u := m.users["ann"]; strings.Contains(u.Password, "horse") || !strings.HasPrefix(u.Password, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("kept: %s", u.Password)
	}
	for name, password := range map[string]string{"ann": "correct hors", "bob": "correct horse", "": ""} {
		if _, err := d.Enter(t.Context(), name, password, here, ""); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%q, %q: %v", name, password, err)
		}
	}
	if err := d.Leave(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Who(t.Context(), token); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("a session that was left: %v", err)
	}
	if err := d.Add(t.Context(), "ann", "owner", "short"); !errors.Is(err, auth.ErrPassword) {
		t.Errorf("a short password: %v", err)
	}
}

// A user without a password cannot be entered by any, not by that of nobody either.
func TestWhoHasNoPasswordIsNotLetInByOne(t *testing.T) {
	d, m, _ := door(t)
	m.users["key"] = auth.User{Name: "key", Role: "owner"}
	for _, p := range []string{"", "\x00", strings.Repeat("x", 300)} {
		if _, err := d.Enter(t.Context(), "key", p, here, ""); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%.10q: %v", p, err)
		}
	}
}

func TestACodeLetsInOnce(t *testing.T) {
	d, _, c := door(t)
	digits := d.Code("owner")
	token, err := d.Pair(t.Context(), digits, here, "")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Who(t.Context(), token); err != nil || s.Role != "owner" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := d.Pair(t.Context(), digits, here, ""); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("a second time: %v", err)
	}
	digits = d.Code("owner")
	c.now = c.now.Add(auth.CodeLasts + time.Second)
	if _, err := d.Pair(t.Context(), digits, here, ""); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("too late: %v", err)
	}
	digits = d.Code("owner")
	for i := range 5 {
		if _, err := d.Pair(t.Context(), "x", netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)}), ""); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("guess %d: %v", i, err)
		}
	}
	if _, err := d.Pair(t.Context(), digits, here, ""); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("after five guesses: %v", err)
	}
}

// Whoever guesses from one place is slowed down; IPv6 counts by the network. Others are not.
func TestGuessingIsSlow(t *testing.T) {
	d, _, c := door(t)
	for i := range 40 {
		from := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)})
		_, err := d.Pair(t.Context(), "0", from, "")
		if want := auth.ErrRefused; i < 10 && !errors.Is(err, want) || i >= 10 && !errors.Is(err, auth.ErrOften) {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	if _, err := d.Pair(t.Context(), "0", here, ""); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("from elsewhere: %v", err)
	}
	c.now = c.now.Add(time.Minute)
	if _, err := d.Pair(t.Context(), "0", netip.MustParseAddr("2001:db8::99"), ""); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("a minute later: %v", err)
	}
}

// Who is right may be right any number of times, and guesses none the more for it.
func TestWhoIsRightIsNotSlowedDown(t *testing.T) {
	d, _, _ := door(t)
	for i := range 30 {
		if _, err := d.Pair(t.Context(), d.Code("owner"), here, ""); err != nil {
			t.Fatalf("code %d: %v", i, err)
		}
	}
	for i := range 12 {
		_, err := d.Enter(t.Context(), "ann", "guess", here, "")
		if i < 10 && !errors.Is(err, auth.ErrRefused) || i >= 10 && !errors.Is(err, auth.ErrOften) {
			t.Errorf("guess %d: %v", i, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	d, m, c := door(t)
	token, err := d.Begin(t.Context(), "ann", "owner", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 8 { // used every three weeks: until it has lasted too long
		c.now = c.now.Add(21 * 24 * time.Hour)
		if _, err := d.Who(t.Context(), token); err != nil {
			t.Fatalf("after %v: %v", c.now, err)
		}
	}
	c.now = c.now.Add(21 * 24 * time.Hour)
	if _, err := d.Who(t.Context(), token); !errors.Is(err, auth.ErrRefused) || len(m.sessions) != 0 {
		t.Errorf("after half a year: %v, %d kept", err, len(m.sessions))
	}
	if token, err = d.Begin(t.Context(), "ann", "owner", ""); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(auth.Idle + time.Second)
	if _, err := d.Who(t.Context(), token); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("after a month without use: %v", err)
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 43)} {
		if _, err := d.Who(t.Context(), bad); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestACodeThatStandsLetsInAgainUntilItIsGuessedAt(t *testing.T) {
	d, _, c := door(t)
	digits := d.Stand("Bea", "authority")
	once := d.Code("owner")
	for range 3 {
		token, err := d.Pair(t.Context(), digits, here, "")
		if err != nil {
			t.Fatal(err)
		}
		if s, err := d.Who(t.Context(), token); err != nil || s.User != "Bea" || s.Role != "authority" {
			t.Errorf("%+v, %v", s, err)
		}
		c.now = c.now.Add(2 * time.Minute)
	}
	if _, err := d.Pair(t.Context(), once, here, ""); err != nil {
		t.Errorf("who uses one code spoils another: %v", err)
	}
	c.now = c.now.Add(24 * time.Hour)
	if _, err := d.Pair(t.Context(), digits, here, ""); err != nil {
		t.Errorf("a day later: %v", err)
	}
	for i := range 5 {
		_, _ = d.Pair(t.Context(), "x", netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)}), "")
	}
	if _, err := d.Pair(t.Context(), digits, here, ""); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("after five guesses: %v", err)
	}
}

func TestACodeLetsInWhoItIsFor(t *testing.T) {
	d, _, _ := door(t)
	ana, max := d.Invite("Ana", "adult"), d.Invite("Max", "child")
	for code, want := range map[string]string{ana: "Ana adult", max: "Max child"} {
		token, err := d.Pair(t.Context(), code, netip.MustParseAddr("192.0.2.1"), "test")
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Who(t.Context(), token)
		if err != nil || s.User+" "+s.Role != want {
			t.Errorf("%+v, %v; want %s", s, err, want)
		}
	}
}

func TestSomebodyLeavesEverywhereButHere(t *testing.T) {
	d, m, _ := door(t)
	here, err := d.Begin(t.Context(), "ann", "owner", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "ann", "bob"} {
		if _, err := d.Begin(t.Context(), name, "owner", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.LeaveAll(t.Context(), "ann", here); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Who(t.Context(), here); err != nil || len(m.sessions) != 2 {
		t.Errorf("%v, %d sessions: want this one and Bob’s", err, len(m.sessions))
	}
}

// ending is a store in which somebody is put out at the worst moment: while their session is looked up, or begun.
type ending struct {
	*memory
	whenAsked, whenSaved func()
}

func (e *ending) Session(ctx context.Context, d auth.Digest) (*auth.Session, error) {
	s, err := e.memory.Session(ctx, d)
	if e.whenAsked != nil {
		e.whenAsked()
	}
	return s, err
}

func (e *ending) SaveSession(ctx context.Context, d auth.Digest, s *auth.Session) error {
	if e.whenSaved != nil {
		e.whenSaved()
	}
	return e.memory.SaveSession(ctx, d, s)
}

// A session that was taken away lets nobody in from that moment, whatever else happens in it.
func TestWhoIsPutOutStaysOut(t *testing.T) {
	_, m, c := door(t)
	e := &ending{memory: m}
	d := auth.NewDoor(e, func() time.Time { return c.now })
	if err := d.Add(t.Context(), "ann", "adult", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	token, err := d.Enter(t.Context(), "ann", "correct horse battery", netip.Addr{}, "")
	if err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(2 * time.Hour) // by which it is to be kept anew
	e.whenAsked = func() { clear(m.sessions) }
	for range 2 {
		if s, err := d.Who(t.Context(), token); !errors.Is(err, auth.ErrRefused) {
			t.Errorf("%+v, %v", s, err)
		}
	}
	e.whenAsked, e.whenSaved = nil, func() { delete(m.users, "ann") }
	if token, err := d.Enter(t.Context(), "ann", "correct horse battery", netip.Addr{}, ""); !errors.Is(err, auth.ErrRefused) || len(m.sessions) > 0 {
		t.Errorf("who was forgotten while they came in is in: %q, %v", token, err)
	}
}

// A password changes a password: it brings nobody back, and gives nobody the role that they had.
func TestAPasswordChangesNothingElse(t *testing.T) {
	d, m, _ := door(t)
	if err := d.SetPassword(t.Context(), "ann", "correct horse battery"); !errors.Is(err, fs.ErrNotExist) || len(m.users) > 0 {
		t.Errorf("who is not there has a password: %v", err)
	}
	if err := d.Add(t.Context(), "ann", "adult", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	since := m.users["ann"].Since
	if err := d.SetPassword(t.Context(), "ann", "another horse battery"); err != nil {
		t.Fatal(err)
	}
	token, err := d.Enter(t.Context(), "ann", "another horse battery", netip.Addr{}, "")
	if u := m.users["ann"]; err != nil || u.Role != "adult" || !u.Since.Equal(since) {
		t.Errorf("%+v, %v", u, err)
	}
	if err := d.Add(t.Context(), "ann", "adult", "third horse battery"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Who(t.Context(), token); err != nil {
		t.Errorf("whose role is the same is out: %v", err)
	}
	if err := d.Add(t.Context(), "ann", "child", "third horse battery"); err != nil {
		t.Fatal(err)
	}
	if s, err := d.Who(t.Context(), token); !errors.Is(err, auth.ErrRefused) {
		t.Errorf("a session of another role goes on: %+v, %v", s, err)
	}
}
