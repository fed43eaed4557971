package sqlite_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/sqlite"
)

func TestPeopleAndTheirSessionsAreKept(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	if _, err := s.User(ctx, "ann"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("nobody yet: %v", err)
	}
	ann := &auth.User{Name: "ann", Role: "owner", Password: "$argon2id$", Passkeys: []auth.Passkey{{Name: "phone", Data: []byte{1}}}, Since: time.Unix(1, 0).UTC()}
	for _, u := range []*auth.User{{Name: "bob", Role: "guest"}, {Name: "ann", Role: "child"}, ann} {
		if err := s.SaveUser(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.User(ctx, "ann"); err != nil || !cmp.Equal(got, ann) {
		t.Errorf("%v: %s", err, cmp.Diff(ann, got))
	}
	if list, err := s.Users(ctx); err != nil || len(list) != 2 || list[0].Name != "ann" {
		t.Errorf("%v, %v", list, err)
	}
	for i := range 60 { // more than are kept
		x := &auth.Session{User: "ann", Role: "owner", Last: time.Unix(int64(i), 0).UTC()}
		if err := s.SaveSession(ctx, auth.Digest{byte(i)}, x); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Session(ctx, auth.Digest{0}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the oldest session goes on: %v", err)
	}
	if x, err := s.Session(ctx, auth.Digest{59}); err != nil || x.User != "ann" {
		t.Errorf("the newest session: %+v, %v", x, err)
	}
	if err := s.EndSession(ctx, auth.Digest{59}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(ctx, auth.Digest{59}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a session that ended: %v", err)
	}
	if err := s.DeleteUser(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(ctx, auth.Digest{40}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the session of somebody who is gone: %v", err)
	}
}
