package home

import (
	"errors"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func camera() *Device {
	d := &Device{ID: "d1", Identity: device.Identity{Kind: device.IoT, Category: "camera"}}
	d.Stance = arrive(d, noon)
	return d
}

func laptop() *Device {
	d := &Device{ID: "d2", Identity: device.Identity{Kind: device.General, Category: "computer"}}
	d.Stance = arrive(d, noon)
	return d
}

// after makes decisions, the last of which may fail.
func after(t *testing.T, d *Device, actor string, steps ...string) (*Device, error) {
	t.Helper()
	for i := 0; i < len(steps); i += 2 {
		s, err := decide(d, Verb(steps[i]), steps[i+1], actor, noon.Add(time.Duration(i+1)*time.Minute), Rehearsal)
		if err != nil {
			return d, err
		}
		d.Stance = s
	}
	return d, nil
}

func TestANewThingIsToBeHeldAndANewComputerIsNot(t *testing.T) {
	if d := camera(); d.State != Learning || d.Admitted() != DeviceOnly || d.Admission != "" {
		t.Errorf("camera: %+v", d.Stance)
	}
	if d := laptop(); d.State != Free || d.Admitted() != Full {
		t.Errorf("laptop: %+v", d.Stance)
	}
	d := camera()
	d.Corrected = &Correction{Kind: device.General}
	if d.Default() != Full {
		t.Error("what the household says of its kind does not count")
	}
}

func TestNothingIsHeldBeforeARehearsalUnlessAPersonSaysSo(t *testing.T) {
	d, err := after(t, camera(), Program, "rehearse", "abc")
	if err != nil || d.State != Rehearsing || d.Until.Sub(noon) < Rehearsal {
		t.Fatalf("%+v, %v", d.Stance, err)
	}
	if list := due(d, d.Until.Add(-time.Second), Rehearsal); len(list) != 0 {
		t.Error("the rehearsal is over before its time")
	}
	if list := due(d, d.Until, Rehearsal); len(list) != 1 || list[0].After.State != Held || list[0].After.File != "abc" {
		t.Errorf("after the rehearsal: %+v", list)
	}
	if _, err := after(t, camera(), "uid:0", "hold", ""); !errors.Is(err, ErrNoFile) {
		t.Errorf("held to nothing: %v", err)
	}
	if d, err := after(t, camera(), "uid:0", "hold", "abc"); err != nil || d.State != Held {
		t.Errorf("%+v, %v", d.Stance, err)
	}
}

func TestTheThreeAnswers(t *testing.T) {
	for answer, want := range map[string]State{"full": Free, "none": Refused, "device-only": Learning} {
		if d, err := after(t, camera(), "uid:0", "admit", answer); err != nil || d.State != want || string(d.Admission) != answer {
			t.Errorf("%s: %+v, %v", answer, d.Stance, err)
		}
	}
	if _, err := after(t, camera(), "uid:0", "admit", "perhaps"); !errors.Is(err, ErrVerb) {
		t.Errorf("perhaps: %v", err)
	}
}

func TestQuarantineEndsInWatchReleaseOrConfirm(t *testing.T) {
	for _, c := range []struct {
		steps []string
		want  State
	}{
		{[]string{"quarantine", "scan.horizontal", "watch", ""}, Learning},
		{[]string{"hold", "abc", "quarantine", "x", "watch", ""}, Rehearsing},
		{[]string{"quarantine", "x", "release", ""}, Free},
		{[]string{"quarantine", "x", "confirm", ""}, Quarantined},
	} {
		d, err := after(t, camera(), "uid:0", c.steps...)
		if err != nil || d.State != c.want {
			t.Errorf("%v: %+v, %v", c.steps, d.Stance, err)
		}
		if d.State != Quarantined && (d.Reason != "" || d.Confirmed) {
			t.Errorf("%v: the reason stays: %+v", c.steps, d.Stance)
		}
	}
	for _, verb := range []string{"watch", "confirm"} {
		if _, err := after(t, camera(), "uid:0", verb, ""); !errors.Is(err, ErrVerb) {
			t.Errorf("%s without quarantine: %v", verb, err)
		}
	}
}

func TestTheProgramAloneCutsOffNoComputer(t *testing.T) {
	if _, err := after(t, laptop(), Program, "quarantine", "scan.horizontal"); !errors.Is(err, ErrConsent) {
		t.Errorf("by itself: %v", err)
	}
	if d, err := after(t, laptop(), "uid:1000", "quarantine", "scan.horizontal"); err != nil || d.State != Quarantined || !d.Confirmed {
		t.Errorf("by a person: %+v, %v", d.Stance, err)
	}
	if d, err := after(t, camera(), Program, "quarantine", "scan.horizontal"); err != nil || d.Confirmed {
		t.Errorf("a camera: %+v, %v", d.Stance, err)
	}
}

func TestTheMostTrustedMUDURLCounts(t *testing.T) {
	d := camera()
	for _, u := range []MUDURL{{URL: "https://a/", Via: "dhcpv4"}, {URL: "https://b/", Via: "operator"}, {URL: "https://c/", Via: "lldp"}} {
		if !d.Says(u) {
			t.Errorf("%v is no news", u)
		}
	}
	if d.MUDURL() != "https://b/" || d.Says(MUDURL{URL: "https://c/", Via: "lldp"}) {
		t.Errorf("%v", d.MUD)
	}
	if !d.Says(MUDURL{URL: "https://evil/", Via: "dhcpv4"}) || d.MUDURL() != "https://b/" || len(d.MUD) != 3 {
		t.Errorf("%v", d.MUD)
	}
}
