package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/sqlite"
)

func open(t testing.TB, name string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// household is one that is kept in the database of that name, with a camera in it.
func household(t testing.TB, s *sqlite.Store) (*home.Household, *home.Device) {
	t.Helper()
	h := &home.Household{Ledger: s, Now: time.Now, Rehearsal: time.Hour}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, _ := h.See(frame.MAC{2, 0, 0, 0, 0, 1}, func(d *home.Device) {
		d.Identity = device.Identity{Kind: device.IoT, Category: "camera"}
		d.Hostnames = []string{"cam"}
	})
	if err := s.Save(t.Context(), h.Devices()); err != nil {
		t.Fatal(err)
	}
	return h, d
}

func TestWhatWasDecidedAndSeenIsThereAfterARestart(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state", "home.db")
	s := open(t, name)
	h, d := household(t, s)
	if _, err := h.Decide(t.Context(), "uid:0", home.HoldTo, "cam", "abc"); err != nil {
		t.Fatal(err)
	}
	// what is seen later does not undo it
	h.See(d.MACs[0], func(d *home.Device) { d.Name = "Front door"; d.State = home.Free })
	if err := s.Save(t.Context(), h.Devices()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := &home.Household{Ledger: open(t, name), Now: time.Now}
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := again.Find("front door")
	if err != nil || got.State != home.Held || got.File != "abc" || got.ID != d.ID || got.Identity.Category != "camera" {
		t.Errorf("%+v, %v", got, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read who is in the home: %v, %v", info.Mode(), err)
	}
}

func TestEachDecisionCanBeUndoneOnceAndIsLogged(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	h, d := household(t, s)
	for _, verb := range []home.Verb{home.Quarantine, home.Release} {
		if _, err := h.Decide(t.Context(), "uid:0", verb, d.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Decide(t.Context(), "uid:0", home.Undo, "", "1"); !errors.Is(err, home.ErrStale) {
		t.Errorf("the first, out of turn: %v", err)
	}
	for _, want := range []home.State{home.Quarantined, home.Learning} {
		if _, err := h.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil {
			t.Fatal(err)
		}
		if got, _ := h.Find(d.ID); got.State != want {
			t.Errorf("after the undoing: %s, want %s", got.State, want)
		}
	}
	if _, err := h.Decide(t.Context(), "uid:0", home.Undo, "", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is left to undo: %v", err)
	}
	list, err := s.Decisions(t.Context(), d.ID, 0, 10)
	if err != nil || len(list) != 4 || list[0].Verb != home.Undo || list[3].Undone == 0 || list[3].Actor != "uid:0" {
		t.Errorf("%d decisions, %v", len(list), err)
	}
}

func TestADecisionThatCannotBeKeptIsNotMade(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	h, d := household(t, s)
	enforced := 0
	h.Enforce = func(context.Context, []*home.Device) error { enforced++; return nil }
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Decide(t.Context(), "uid:0", home.Quarantine, d.ID, ""); err == nil {
		t.Fatal("decided, and not kept")
	}
	if got, _ := h.Find(d.ID); got.State != home.Learning || enforced != 0 {
		t.Errorf("state %s, enforced %d times", got.State, enforced)
	}
}

func TestADamagedDatabaseIsRefusedAndKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "home.db")
	s := open(t, name)
	household(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, data := range map[string][]byte{
		"no database": []byte(strings.Repeat("this is no database\n", 300)),
		"overwritten": append(append([]byte{}, whole[:4096]...), make([]byte, len(whole)-4096)...),
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(t.Context(), name); !errors.Is(err, sqlite.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		if kept, err := os.ReadFile(name); err != nil || string(kept) != string(data) {
			t.Errorf("%s: changed: %v", what, err)
		}
	}
}

// A process that decides all the time is killed at random instants: what it said that it decided is there.
func TestKilledAtAnyInstantNoDecisionIsLost(t *testing.T) {
	if os.Getenv("PLIMSOLL_DECIDE") != "" { // who is killed tidies nothing away, and so has nothing of its own
		decideForever(t, os.Getenv("PLIMSOLL_DECIDE"))
	}
	name := filepath.Join(t.TempDir(), "home.db")
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledAtAnyInstantNoDecisionIsLost$")
		cmd.Env = append(os.Environ(), "PLIMSOLL_DECIDE="+name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(50+rand.IntN(250))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		acknowledged := int64(0)
		state := ""
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var seq int64
			var s string
			if n, _ := fmt.Sscanf(lines.Text(), "decided %d %s", &seq, &s); n == 2 {
				acknowledged, state = seq, s
			}
		}
		_ = cmd.Wait()
		s, err := sqlite.Open(t.Context(), name)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if acknowledged > 0 {
			d, err := s.Decision(t.Context(), acknowledged)
			if err != nil || string(d.After.State) != state {
				t.Errorf("round %d: decision %d (%s) is lost: %+v, %v", round, acknowledged, state, d, err)
			}
		}
		// the stance is that of the last decision that was kept, acknowledged or not
		list, err := s.Decisions(t.Context(), "", 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		devices, err := s.Devices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 && (len(devices) != 1 || devices[0].State != list[0].After.State) {
			t.Errorf("round %d: decided %s, and it is %+v", round, list[0].After.State, devices)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func decideForever(t *testing.T, name string) {
	s := open(t, name)
	h, d := household(t, s)
	if list := h.Devices(); len(list) > 1 {
		t.Fatalf("%d devices", len(list))
	}
	for i := 0; ; i++ {
		verb := []home.Verb{home.Quarantine, home.Release, home.Admit}[i%3]
		made, err := h.Decide(t.Context(), "uid:0", verb, d.ID, map[home.Verb]string{home.Admit: "none"}[verb])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("decided %d %s\n", made.Seq, made.After.State)
	}
}
