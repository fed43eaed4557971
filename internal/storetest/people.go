package storetest

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"sync"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
)

// Desk is what the workspaces of a registry need of a store.
type Desk interface {
	review.Store
	auth.Store
}

// Desks holds a store to what workspaces need.
func Desks(t *testing.T, open func(t *testing.T) Desk) {
	t.Run("people and their sessions are kept", func(t *testing.T) { People(t, open(t)) })
	t.Run("a case is kept if nobody was faster", func(t *testing.T) { cases(t, open(t)) })
}

// People holds a store to what knowing who comes in needs.
func People(t *testing.T, s auth.Store) {
	t.Helper()
	ctx := t.Context()
	if _, err := s.User(ctx, "ann"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("nobody yet: %v", err)
	}
	key := auth.Passkey{ID: []byte{0, 255}, Name: "Ann’s phone", Host: "id.example", Made: time.Unix(2, 0).UTC(), Used: time.Unix(3, 0).UTC(), Copied: true, Data: []byte{1}}
	ann := &auth.User{Name: "ann", Role: "body", Password: "$argon2id$", Handle: []byte{7, 0, 7}, Passkeys: []auth.Passkey{key}, Since: time.Unix(1, 0).UTC()}
	for _, u := range []*auth.User{{Name: "bob", Role: "lab"}, {Name: "ann", Role: "lab"}, ann} {
		if err := s.SaveUser(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.User(ctx, "ann"); err != nil || !reflect.DeepEqual(got, ann) {
		t.Errorf("%+v, %v; want %+v", got, err, ann)
	}
	if list, err := s.Users(ctx); err != nil || len(list) != 2 || list[0].Name != "ann" {
		t.Errorf("%v, %v", list, err)
	}
	changes(t, s)
	for i := range 60 { // more than are kept
		if err := s.SaveSession(ctx, auth.Digest{byte(i)}, &auth.Session{User: "ann", Role: "body", Last: time.Unix(int64(i), 0).UTC()}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Session(ctx, auth.Digest{0}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the oldest session goes on: %v", err)
	}
	if x, err := s.Session(ctx, auth.Digest{59}); err != nil || x.User != "ann" {
		t.Errorf("%+v, %v", x, err)
	}
	if err := s.EndSession(ctx, auth.Digest{59}); err != nil {
		t.Fatal(err)
	}
	if err := s.RenewSession(ctx, auth.Digest{59}, &auth.Session{User: "ann", Role: "body"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a session that was ended is kept anew: %v", err)
	}
	if err := s.RenewSession(ctx, auth.Digest{58}, &auth.Session{User: "ann", Role: "body", Last: time.Unix(58, 5).UTC()}); err != nil {
		t.Error(err)
	}
	if x, err := s.Session(ctx, auth.Digest{58}); err != nil || !x.Last.Equal(time.Unix(58, 5)) {
		t.Errorf("%+v, %v", x, err)
	}
	if _, err := s.Session(ctx, auth.Digest{59}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a session that ended: %v", err)
	}
	key1 := auth.Session{User: "bob", Role: "lab", Last: time.Unix(2, 0).UTC(), Key: []byte{0, 255}}
	if err := errors.Join(s.SaveSession(ctx, auth.Digest{99}, &key1), s.SaveSession(ctx, auth.Digest{98}, &auth.Session{User: "bob", Last: time.Unix(1, 0).UTC()})); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Sessions(ctx, "bob"); err != nil || len(list) != 2 || list[0].ID != (auth.Digest{99}) || !reflect.DeepEqual(list[0].Session, key1) {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.DeleteUser(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(ctx, auth.Digest{40}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the session of somebody who is gone: %v", err)
	}
}

// changes are those of a person: whole or not at all, one after the other, and never of somebody who is gone.
func changes(t *testing.T, s auth.Store) {
	t.Helper()
	ctx := t.Context()
	if err := s.ChangeUser(ctx, "nobody", func(*auth.User) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("somebody who is not there: %v", err)
	}
	failed := errors.New("failed")
	if err := s.ChangeUser(ctx, "bob", func(u *auth.User) error { u.Role = "owner"; return failed }); !errors.Is(err, failed) {
		t.Errorf("a change that fails: %v", err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := s.ChangeUser(ctx, "bob", func(u *auth.User) error { u.Handle = append(u.Handle, 1); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if u, err := s.User(ctx, "bob"); err != nil || u.Role != "lab" || len(u.Handle) != 8 {
		t.Errorf("%+v, %v: changes were lost", u, err)
	}
}

func cases(t *testing.T, s Desk) {
	ctx := t.Context()
	if _, err := s.Case(ctx, "x"); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("none yet: %v", err)
	}
	for i := range 3 {
		c := &review.Case{ID: fmt.Sprint("c", i), Kind: review.Grant, State: review.Draft, Version: 1, Account: "maker", Began: review.Act{Person: "ann", At: time.Unix(int64(i), 0).UTC()}}
		if err := s.SaveCase(ctx, c, nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveCase(ctx, c, nil, nil); !errors.Is(err, review.ErrStale) {
			t.Errorf("it is begun twice: %v", err)
		}
	}
	c, err := s.Case(ctx, "c1")
	if err != nil {
		t.Fatal(err)
	}
	late := *c
	f := &review.File{Name: "a", SHA256: [32]byte{1}, Size: 3}
	c.Version, c.State, c.Files = 2, review.Asked, []review.File{*f}
	if err := s.SaveCase(ctx, c, f, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	late.Version, late.State = 2, review.Closed
	if err := s.SaveCase(ctx, &late, &review.File{SHA256: [32]byte{2}}, []byte("late")); !errors.Is(err, review.ErrStale) {
		t.Errorf("who is late wins: %v", err)
	}
	if _, err := s.CaseFile(ctx, "c1", [32]byte{2}); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("the file of who is late: %v", err)
	}
	if body, err := s.CaseFile(ctx, "c1", [32]byte{1}); err != nil || string(body) != "abc" {
		t.Errorf("%q, %v", body, err)
	}
	if c, err = s.Case(ctx, "c1"); err != nil || c.State != review.Asked || len(c.Files) != 1 || !c.Began.At.Equal(time.Unix(1, 0)) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, q := range []struct {
		account string
		state   review.State
		want    string
	}{{"", "", "[c2 c1 c0]"}, {"maker", review.Draft, "[c2 c0]"}, {"", review.Asked, "[c1]"}, {"other", "", "[]"}} {
		list, err := s.Cases(ctx, q.account, q.state, 10)
		ids := []string{}
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		if err != nil || fmt.Sprint(ids) != q.want {
			t.Errorf("%q %q: %v, %v, want %s", q.account, q.state, ids, err, q.want)
		}
	}
}
