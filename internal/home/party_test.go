package home

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

func TestExceptionsAreForAPartyAServiceAndATime(t *testing.T) {
	hub := "d0123456789abcdef"
	d, err := after(t, camera(), "uid:0", "except", "NTP.example. udp/123", "except", "192.0.2.1", "except", hub+" tcp/443 2026-11-27T12:00:00Z")
	if err != nil || len(d.Exceptions) != 3 {
		t.Fatalf("%+v, %v", d.Exceptions, err)
	}
	for i, want := range []string{"ntp.example udp/123", "192.0.2.1", hub + " tcp/443 2026-11-27T12:00:00Z"} {
		if got := d.Exceptions[i].String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if d, err = after(t, d, "uid:0", "except", hub+" tcp/443 2026-11-28T12:00:00Z"); err != nil || len(d.Exceptions) != 3 {
		t.Errorf("for longer: %+v, %v", d.Exceptions, err)
	}
	if d, err = after(t, d, "uid:0", "disallow", "192.0.2.1"); err != nil || len(d.Exceptions) != 2 {
		t.Errorf("taken back: %+v, %v", d.Exceptions, err)
	}
	for _, wrong := range []string{"", "ntp", "ntp.example tcp", "ntp.example tcp/0", "ntp.example icmp/3", "0.0.0.0", "ntp.example udp/123 tomorrow", "a.example 2026-11-01T00:00:00Z", "a..b"} {
		if _, err := after(t, camera(), "uid:0", "except", wrong); !errors.Is(err, ErrVerb) {
			t.Errorf("except %q: %v", wrong, err)
		}
	}
	if _, err := after(t, camera(), "uid:0", "disallow", "ntp.example"); !errors.Is(err, ErrVerb) {
		t.Errorf("what was never allowed is taken back: %v", err)
	}
	full := camera()
	for i := range maxExceptions {
		full.Exceptions = append(full.Exceptions, Exception{Party: Party{Name: strings.Repeat("a", i+1) + ".example"}})
	}
	if _, err := after(t, full, "uid:0", "except", "one.more.example"); !errors.Is(err, ErrVerb) {
		t.Errorf("without bound: %v", err)
	}
}

func TestWhatWasAllowedForATimeEndsWithIt(t *testing.T) {
	h, m := opened(t)
	observe(t, h, seen(1))
	for _, argument := range []string{"a.example tcp/443 2026-11-26T13:00:00Z", "b.example"} {
		if _, err := h.Decide(t.Context(), "uid:0", Except, "cam", argument); err != nil {
			t.Fatal(err)
		}
	}
	h.Now = func() time.Time { return noon.Add(59 * time.Minute) }
	if list, err := h.Tick(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("before its time: %v, %v", list, err)
	}
	h.Now = func() time.Time { return noon.Add(time.Hour) }
	if list, err := h.Tick(t.Context()); err != nil || len(list) != 1 || list[0].Verb != Disallow || list[0].Actor != Program {
		t.Errorf("%v, %v", list, err)
	}
	if d, _ := h.Find("cam"); len(d.Exceptions) != 1 || d.Exceptions[0].Name != "b.example" || len(m.list) != 3 {
		t.Errorf("%+v", d.Exceptions)
	}
}

func TestAPartyAtHomeIsKnownByItsID(t *testing.T) {
	h, _ := opened(t)
	hub := seen(2)
	hub.Hostnames = []string{"hub"}
	observe(t, h, seen(1), hub)
	want, _ := h.Find("hub")
	for _, word := range []string{"hub", "02:00:00:00:00:02", want.ID} {
		made, err := h.Decide(t.Context(), "uid:0", Except, "cam", word+" tcp/80")
		if err != nil || made.Argument != want.ID+" tcp/80" || made.After.Exceptions[0].Device != want.ID {
			t.Errorf("%s: %+v, %v", word, made, err)
		}
	}
	made, err := h.Decide(t.Context(), "uid:0", Control, "cam", "hub https://home.example/controller")
	if err != nil || !slices.Equal(made.After.Controllers, []Controller{{Party{Device: want.ID}, "https://home.example/controller"}}) {
		t.Errorf("%+v, %v", made, err)
	}
	if made, err = h.Decide(t.Context(), "uid:0", Uncontrol, "cam", "hub https://home.example/controller"); err != nil || len(made.After.Controllers) != 0 {
		t.Errorf("%+v, %v", made, err)
	}
	for _, wrong := range []string{"", "cloud.example", "hub nonsense", "hub urn:a urn:b"} {
		if _, err := h.Decide(t.Context(), "uid:0", Control, "cam", wrong); !errors.Is(err, ErrVerb) {
			t.Errorf("controller %q: %v", wrong, err)
		}
	}
}

func TestANameAloneIsAnExceptionToo(t *testing.T) {
	var s Stance
	if err := json.Unmarshal([]byte(`{"exceptions":["old.example",{"name":"new.example","service":"tcp/80"}]}`), &s); err != nil || len(s.Exceptions) != 2 || s.Exceptions[0].Name != "old.example" {
		t.Errorf("%+v, %v", s.Exceptions, err)
	}
}

func TestAFileThatIsOfferedIsHeldToOnlyWhenAPersonAcceptsIt(t *testing.T) {
	d := camera()
	d.Offer = &Offer{File: "abc", Origin: Learned}
	if list := due(d, noon.Add(1000*time.Hour), Rehearsal); len(list) != 0 || d.State != Learning {
		t.Errorf("by time alone: %+v", list)
	}
	d, err := after(t, d, "uid:0", "accept", "")
	if err != nil || d.State != Rehearsing || d.File != "abc" || d.Offers() != nil || d.Admission != DeviceOnly {
		t.Errorf("%+v, %v", d.Stance, err)
	}
	d.State = Held
	d.Offer = &Offer{File: "def", Origin: Maker}
	if _, err := after(t, d, "uid:0", "accept", "ghi"); !errors.Is(err, ErrVerb) {
		t.Errorf("another file than the one that is offered: %v", err)
	}
	if d, err = after(t, d, "uid:0", "accept", "def"); err != nil || d.State != Held || d.File != "def" {
		t.Errorf("%+v, %v", d.Stance, err)
	}
}

func TestWhoIsAskedAboutAFileIsToldWhichKind(t *testing.T) {
	h, _ := opened(t)
	observe(t, h, seen(1))
	for _, c := range []struct {
		file   string
		origin string
		want   About
	}{{"", Learned, LearnedFile}, {"old", Learned, NewBehaviour}, {"old", Maker, NewFile}} {
		h.See(frame.MAC{2, 0, 0, 0, 0, 1}, func(d *Device) { d.Offer = &Offer{File: "new", Origin: c.origin, At: noon} })
		if c.file != "" {
			if _, err := h.Decide(t.Context(), "uid:0", HoldTo, "cam", c.file); err != nil {
				t.Fatal(err)
			}
		}
		if list := h.Questions(); !slices.ContainsFunc(list, func(q Question) bool { return q.About == c.want && q.File == "new" && q.Default == c.file }) {
			t.Errorf("%+v asks %+v, want %s", c, list, c.want)
		}
	}
}

func FuzzExceptions(f *testing.F) {
	for _, s := range []string{"a.example tcp/443 2026-11-26T13:00:00Z", "*.b.example", "2001:db8::1 udp/53", "d0123456789abcdef", "::ffff:192.0.2.1 tcp/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseException(s)
		if err != nil {
			return
		}
		again, err := parseException(e.String())
		if err != nil || again.String() != e.String() {
			t.Errorf("%q is %q, which is %q: %v", s, e, again, err)
		}
	})
}
