package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/sqlite"
)

// A database that cannot be written is read, with or without a log beside it, and written again when it can be.
func TestADatabaseThatCannotBeWrittenIsRead(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("to mount a file system needs root")
	}
	for what, clean := range map[string]bool{"closed before": true, "with a log": false} {
		dir := filepath.Join(t.TempDir(), "state")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("none", dir, "tmpfs", 0, "size=8m"); err != nil {
			t.Skip("no file system can be mounted here:", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		name := filepath.Join(dir, "home.db")
		s := open(t, name)
		h, d := household(t, s)
		if _, err := h.Decide(t.Context(), "uid:0", home.Admit, d.ID, "none"); err != nil {
			t.Fatal(err)
		}
		if !clean { // as a kill leaves it
			kept := map[string][]byte{}
			for _, end := range []string{"", "-wal", "-shm"} {
				data, err := os.ReadFile(name + end)
				if err != nil {
					t.Fatal(err)
				}
				kept[end] = data
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for end, data := range kept {
				if err := os.WriteFile(name+end, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		} else if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), name)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !errors.Is(s.Reading(), sqlite.ErrReading) {
			t.Errorf("%s: %v", what, s.Reading())
		}
		h = &home.Household{Ledger: s, Now: time.Now, Rehearsal: time.Hour}
		if err := h.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d, err = h.Find(d.ID); err != nil {
			t.Fatal(err)
		}
		if d.State != home.Refused {
			t.Errorf("%s: it is %s", what, d.State)
		}
		if _, err := h.Decide(t.Context(), "uid:0", home.Release, d.ID, ""); !errors.Is(err, home.ErrKeep) || !errors.Is(err, sqlite.ErrReading) {
			t.Errorf("%s: decided: %v", what, err)
		}
		if err := s.Mend(t.Context()); !errors.Is(err, sqlite.ErrReading) {
			t.Errorf("%s: mended: %v", what, err)
		}
		if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.Mend(t.Context()); err != nil || s.Reading() != nil {
			t.Fatalf("%s: %v, %v", what, err, s.Reading())
		}
		if _, err := h.Decide(t.Context(), "uid:0", home.Release, d.ID, ""); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
