package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/sqlite"
)

// speak lets a household say something of itself, and do points of lists that are about a device.
func speak(t *testing.T, s *sqlite.Store, name, device string, at time.Time) *home.Settings {
	t.Helper()
	said := &home.Settings{Name: name, Helper: home.Contact{Name: "Ana", Phone: "+1 555 010 0100"}, Provider: home.Contact{Name: "Line & Co"}, GuestPage: true}
	err := s.SaveSettings(t.Context(), said)
	for list, item := range map[string]string{
		"tune-up": "passwords " + device, "moving-in": "guests", "moving-out": "papers", "lessons": "here", "support": device + " 2027-01-01 false",
		"asked": "home", "looked " + device: "Zoé",
	} {
		err = errors.Join(err, s.Tick(t.Context(), list, item, &home.Tick{At: at, By: "page:owner"}))
	}
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func settled(t *testing.T, s *sqlite.Store) *home.Settings {
	t.Helper()
	said, err := s.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func ticked(t *testing.T, s *sqlite.Store, list, item string) home.Tick {
	t.Helper()
	all, err := s.Ticks(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return all[item]
}

func TestWhatAHomeSaysOfItselfAndDidOfItsListsIsTakenAlong(t *testing.T) {
	h, s := lived(t)
	cam, err := h.Find("Front door")
	if err != nil {
		t.Fatal(err)
	}
	if x, _ := exported(t, h); x.Settings != nil || x.Ticks != nil {
		t.Errorf("before anything was said: %+v, %+v", x.Settings, x.Ticks)
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	said := speak(t, s, "Cottage", cam.ID, at)
	x, _ := exported(t, h)
	same(t, said, x.Settings)
	if len(x.Ticks) != 5 { // not what somebody asks for, nor who looked
		t.Errorf("%+v", x.Ticks)
	}
	next, _ := fresh(t)
	if _, err := next.Import(t.Context(), "uid:0", x, false); err != nil {
		t.Fatal(err)
	}
	y, _ := exported(t, next)
	same(t, x.Settings, y.Settings)
	same(t, x.Ticks, y.Ticks)

	// elsewhere the camera has another ID, the home another name, and one point was done later
	next, other := fresh(t)
	here, _ := next.See(frame.MAC{2, 0, 0, 0, 0, 1}, func(*home.Device) {})
	if err := errors.Join(other.Save(t.Context(), next.Devices()), other.SaveSettings(t.Context(), &home.Settings{Name: "House"})); err != nil {
		t.Fatal(err)
	}
	later := home.Tick{At: at.Add(time.Hour), By: "page:Zoé"}
	if err := other.Tick(t.Context(), "lessons", "here", &later); err != nil {
		t.Fatal(err)
	}
	x.Ticks[1].At = at.AddDate(100, 0, 0) // by a clock that is ahead
	if _, err := next.Import(t.Context(), "uid:0", x, false); err != nil {
		t.Fatal(err)
	}
	if got := ticked(t, other, "lessons", "here"); got != later {
		t.Errorf("what was done later gave way: %+v", got)
	}
	if got := ticked(t, other, "moving-in", "guests"); got.At.IsZero() || got.At.After(time.Now()) {
		t.Errorf("done in the future: %+v", got)
	}
	for list, item := range map[string]string{"tune-up": "passwords " + here.ID, "support": here.ID + " 2027-01-01 false"} {
		if got := ticked(t, other, list, item); got != (home.Tick{At: at, By: "page:owner"}) || here.ID == cam.ID {
			t.Errorf("%s: %+v", list, got)
		}
	}
	same(t, said, settled(t, other))
	if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil {
		t.Fatal(err)
	}
	same(t, &home.Settings{Name: "House"}, settled(t, other))

	// what somebody says after it stays, and a file that says nothing changes nothing
	if _, err := next.Import(t.Context(), "uid:0", x, false); err != nil {
		t.Fatal(err)
	}
	now := &home.Settings{Name: "Barn"}
	if err := other.SaveSettings(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil {
		t.Fatal(err)
	}
	same(t, now, settled(t, other))
	x.Settings, x.Ticks = nil, nil
	if _, err := next.Import(t.Context(), "uid:0", x, true); err != nil {
		t.Fatal(err)
	}
	same(t, now, settled(t, other))
}

func TestAnImportOfBeforeSettingsWereExportedCanStillBeUndone(t *testing.T) {
	h, _ := lived(t)
	x, _ := exported(t, h)
	name := filepath.Join(t.TempDir(), "home.db")
	s := open(t, name)
	next, cam := household(t, s)
	if _, err := next.Import(t.Context(), "uid:0", x, false); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("update snapshot set body = cast(json_extract(cast(body as text), '$.Devices') as blob)"); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil {
		t.Fatal(err)
	}
	if d, err := next.Find(cam.ID); err != nil || d.Name != "" || next.Len() != 1 {
		t.Errorf("%+v, %v, %d devices", d, err, next.Len())
	}
}

// Whoever may be a person of the home may have decided and ticked, however long the name: what is exported is taken in.
func TestWhatPeopleWithLongNamesDidIsTakenAlong(t *testing.T) {
	h, s := lived(t)
	cam, err := h.Find("Front door")
	if err != nil {
		t.Fatal(err)
	}
	by := "page:" + strings.Repeat("𐐀", 40)
	if _, err := h.Decide(t.Context(), by, home.Quarantine, cam.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Tick(t.Context(), "tune-up", "guests", &home.Tick{At: time.Now().UTC(), By: by}); err != nil {
		t.Fatal(err)
	}
	x, _ := exported(t, h)
	next, other := fresh(t)
	if _, err := next.Import(t.Context(), "uid:0", x, false); err != nil {
		t.Fatal(err)
	}
	if got := ticked(t, other, "tune-up", "guests"); got.By != by {
		t.Errorf("ticked by %q", got.By)
	}
}
