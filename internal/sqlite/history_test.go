package sqlite_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
)

func TestTrafficIsAddedUpByMinuteHourAndDayAndForgotten(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for i := range 120 {
		err := s.AddTraffic(t.Context(), []home.Traffic{
			{At: noon.Add(time.Duration(i) * time.Minute), Device: "d1", Peer: "cloud.example", Scope: "internet", Service: "tcp/443", Began: true, Flows: 1, Out: 10, In: 20},
			{At: noon.Add(time.Duration(i) * time.Minute), Device: "d2", Peer: "cloud.example", Scope: "internet", Service: "tcp/443", Began: true, Flows: 2},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows := func(span time.Duration) []home.Traffic {
		list, err := s.Traffic(t.Context(), "d1", span, noon.Add(-24*time.Hour), noon.Add(24*time.Hour), 1000)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := rows(time.Minute); len(got) != 120 {
		t.Errorf("%d minutes", len(got))
	}
	want := []home.Traffic{{
		At: noon.Truncate(24 * time.Hour), Span: 24 * time.Hour, Device: "d1", Peer: "cloud.example", Scope: "internet", Service: "tcp/443", Began: true, Flows: 120, Out: 1200, In: 2400,
	}}
	if got := rows(24 * time.Hour); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if err := s.Prune(t.Context(), noon.Add(49*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if m, h := len(rows(time.Minute)), len(rows(time.Hour)); m != 60 || h != 2 {
		t.Errorf("two days later: %d minutes, %d hours", m, h)
	}
	// of what there is too much, the oldest goes, whatever its age
	if err := s.Trim(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	list := rows(time.Minute)
	if m, h := len(list), len(rows(time.Hour)); m != 25 || h != 2 || !list[0].At.Equal(noon.Add(95*time.Minute)) {
		t.Errorf("trimmed to 50 rows of two devices: %d minutes, %d hours", m, h)
	}
}

func TestWhatTheHouseholdDidAboutAFindingStays(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	f := home.Noted{State: home.Open, Finding: finding.Finding{Kind: finding.ScanHorizontal, Device: "d1", Role: finding.Actor, Key: "tcp/23", Last: 5, Count: 1}}
	if err := s.SaveFindings(t.Context(), []home.Noted{f}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFinding(t.Context(), f.ID(), home.Muted); err != nil {
		t.Fatal(err)
	}
	f.Count, f.Last = 9, 8
	if err := s.SaveFindings(t.Context(), []home.Noted{f}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Findings(t.Context(), "d1", 10)
	if err != nil || len(list) != 1 || list[0].State != home.Muted || list[0].Count != 9 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.SetFinding(t.Context(), "none", home.Done); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestFilesAreKeptByTheirDigest(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	want := &home.File{SHA256: "ab", At: time.Unix(5, 0).UTC(), Origin: "learned", Body: []byte("{}")}
	for range 2 {
		if err := s.SaveFile(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.File(t.Context(), "ab")
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.File(t.Context(), "cd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
}
