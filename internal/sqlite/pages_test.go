package sqlite_test

import (
	"database/sql"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
)

func TestHowMuchADeviceSaidIsAddedUpByDay(t *testing.T) {
	name := filepath.Join(t.TempDir(), "home.db")
	s := open(t, name)
	day := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	said := func(at time.Time, service string, out uint64) home.Traffic {
		return home.Traffic{At: at, Device: "d1", Peer: "a.example", Scope: "internet", Service: service, Began: true, Flows: 2, Out: out, In: 1}
	}
	for _, list := range [][]home.Traffic{{said(day.Add(time.Hour), "tcp/443 tls", 100), said(day.Add(23*time.Hour), "tcp/9", 10)}, {said(day.Add(2*time.Hour), "tcp/443 tls", 1)}, {said(day.AddDate(0, 0, 1), "tcp/9", 1000)}} {
		if err := s.AddTraffic(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	want := home.Amount{Device: "d1", Day: day, Out: 111, In: 3, Read: 103, Flows: 6}
	got, err := s.Amounts(t.Context(), day, day.AddDate(0, 0, 1))
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%v: %+v, want %+v", err, got, want)
	}
	// A database of before is brought up to date with what it knows.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"drop table amount", "drop table setting", "drop table tick", "drop index finding_state", "alter table traffic add column stopped integer not null default 0", "alter table decision drop column said", "drop table reach", "drop table notice", "drop table told", "drop table part", "PRAGMA user_version = 4"} {
		if _, err := raw.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, name)
	if got, err = s.Amounts(t.Context(), day, day.AddDate(0, 0, 1)); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("of an older database: %v: %+v", err, got)
	}
	if err := s.Prune(t.Context(), day.AddDate(3, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Amounts(t.Context(), day, day.AddDate(1, 0, 0)); err != nil || len(got) != 0 {
		t.Errorf("after three years: %v: %+v", err, got)
	}
}

func TestSettingsAndPointsOfListsAreKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "home.db")
	s := open(t, name)
	if x, err := s.Settings(t.Context()); err != nil || *x != (home.Settings{}) {
		t.Fatalf("before anything was said: %+v, %v", x, err)
	}
	want := home.Settings{Name: "Cottage", Helper: home.Contact{Name: "Ana", Phone: "1"}, GuestPage: true}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	if err := s.SaveSettings(t.Context(), &want); err != nil {
		t.Fatal(err)
	}
	for _, item := range []string{"a", "b", "a"} {
		if err := s.Tick(t.Context(), "tune-up", item, &home.Tick{At: at, By: "page:ana"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Tick(t.Context(), "tune-up", "b", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, name)
	if x, err := s.Settings(t.Context()); err != nil || *x != want {
		t.Errorf("%+v, %v", x, err)
	}
	ticks, err := s.Ticks(t.Context(), "tune-up")
	if err != nil || !slices.Equal(slices.Collect(maps.Keys(ticks)), []string{"a"}) || !ticks["a"].At.Equal(at) || ticks["a"].By != "page:ana" {
		t.Errorf("%+v, %v", ticks, err)
	}
	if other, err := s.Ticks(t.Context(), "moving-in"); err != nil || len(other) != 0 {
		t.Errorf("another list: %+v, %v", other, err)
	}
}

func TestFindingsThatAreOpenAreReadAlone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	var list []home.Noted
	for i, key := range []string{"old", "muted", "new"} {
		list = append(list, home.Noted{Finding: finding.Finding{Kind: finding.ClearContent, Device: "d1", Role: finding.Actor, Key: key, Last: int64(i)}, State: home.Open})
	}
	if err := s.SaveFindings(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFinding(t.Context(), list[1].ID(), home.Muted); err != nil {
		t.Fatal(err)
	}
	got, err := s.OpenFindings(t.Context(), 10)
	if err != nil || len(got) != 2 || got[0].Key != "new" || got[1].Key != "old" {
		t.Errorf("%v: %+v", err, got)
	}
	for state, want := range map[home.NoteState]int{home.Open: 2, home.Muted: 1, home.Done: 0} {
		if n, err := s.CountFindings(t.Context(), state); err != nil || n != want {
			t.Errorf("%d are %s, want %d: %v", n, state, want, err)
		}
	}
}

func TestSessionsAreListedByPerson(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	for i, who := range []string{"ana", "max", "ana"} {
		if err := s.SaveSession(t.Context(), auth.Digest{byte(i)}, &auth.Session{User: who, Role: "owner", Last: time.Unix(int64(i), 0)}); err != nil {
			t.Fatal(err)
		}
	}
	own, err := s.Sessions(t.Context(), "ana")
	if err != nil || len(own) != 2 || own[0].ID != (auth.Digest{2}) || own[1].User != "ana" {
		t.Errorf("%v: %+v", err, own)
	}
	if all, err := s.Sessions(t.Context(), ""); err != nil || len(all) != 3 {
		t.Errorf("%v: %d", err, len(all))
	}
}
