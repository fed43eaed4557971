package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/home"
)

func TestReachesAreKeptOnceAndForgotten(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	reach := func(peer, country string, at time.Time) home.Reach {
		return home.Reach{Device: "d1", Peer: peer, Country: country, First: at, Last: at}
	}
	for _, list := range [][]home.Reach{
		{reach("a.example", "CA", noon), reach("a.example", "US", noon), {Device: "d2", Peer: "b.example", Country: "FR", First: noon, Last: noon}},
		{reach("a.example", "CA", noon.Add(time.Minute))},  // too soon to be worth writing
		{reach("a.example", "CA", noon.Add(26*time.Hour))}, // it is reached still
	} {
		if err := s.AddReaches(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Reaches(t.Context(), "", time.Time{}, 10)
	if err != nil || len(all) != 3 {
		t.Fatalf("%v: %+v", err, all)
	}
	want := home.Reach{Device: "d1", Peer: "a.example", Country: "CA", First: noon, Last: noon.Add(26 * time.Hour)}
	if all[0] != want {
		t.Errorf("%+v, want %+v", all[0], want)
	}
	if late, err := s.Reaches(t.Context(), "d1", noon.Add(20*time.Hour), 10); err != nil || len(late) != 1 || late[0] != want {
		t.Errorf("of d1, lately: %v: %+v", err, late)
	}
	if err := s.Prune(t.Context(), noon.AddDate(0, 0, 2*365).Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left, err := s.Reaches(t.Context(), "", time.Time{}, 10); err != nil || len(left) != 1 || left[0] != want {
		t.Errorf("after two years: %v: %+v", err, left)
	}
}
