package household_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
)

// says checks that a page says all of some words, and none of others, which have a dash before them.
func says(t *testing.T, page string, words ...string) {
	t.Helper()
	page = html.UnescapeString(strings.ReplaceAll(page, "\u00a0", " "))
	for _, w := range words {
		if not := strings.HasPrefix(w, "-"); strings.Contains(page, strings.TrimPrefix(w, "-")) == not {
			t.Errorf("the page says it: %v, %q", not, strings.TrimPrefix(w, "-"))
		}
	}
}

func TestADeviceIsCutOffForAsLongAsAPersonSays(t *testing.T) {
	h := furnish(t, false)
	at := "/devices/" + h.Lamp.ID
	says(t, h.get(t, "/en"+at), "For how long?", "Until I decide", "Until tomorrow at 7", "For a week")
	page := h.post(t, "/en"+at, "verb", "quarantine", "span", "tomorrow")
	d, _ := h.Find(h.Lamp.ID)
	tomorrow := time.Now().AddDate(0, 0, 1)
	if end := d.Stance.Until.Local(); d.State != home.Quarantined || end.Hour() != 7 || end.Day() != tomorrow.Day() {
		t.Fatalf("%+v", d.Stance)
	}
	says(t, page, "is cut off until", "Change for how long", "Undo")
	says(t, h.get(t, "/en/"), "Cut off until")
	says(t, h.get(t, "/fr/"), "Coupé du réseau jusqu’au")
	if h.post(t, "/en"+at, "verb", "quarantine", "span", "decide"); h.status != 200 {
		t.Fatal(h.status)
	}
	if d, _ := h.Find(h.Lamp.ID); d.State != home.Quarantined || !d.Stance.Until.IsZero() {
		t.Errorf("%+v", d.Stance)
	}
	h.post(t, "/en"+at, "verb", "quarantine", "span", "week")
	d, _ = h.Find(h.Lamp.ID)
	h.Now = func() time.Time { return d.Stance.Until }
	if _, err := h.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, _ := h.Find(h.Lamp.ID); d.State == home.Quarantined {
		t.Errorf("after a week it is %s", d.State)
	}
}

func TestACameraIsCutOffRepairedLetBackAndProved(t *testing.T) {
	h := furnish(t, false)
	at := "/devices/" + h.Camera.ID
	now := time.Now()
	h.Now = func() time.Time { return now }
	h.Pages.Now = h.Now
	tick := func(by time.Duration) *home.Device {
		t.Helper()
		now = now.Add(by)
		h.See(h.Camera.MACs[0], func(d *home.Device) { d.Last = now })
		if _, err := h.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		d, err := h.Find(h.Camera.ID)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	again := func() {
		t.Helper()
		h.Finding.Last = now.UnixNano()
		if err := h.Store.SaveFindings(t.Context(), []home.Noted{{Finding: h.Finding, State: home.Open}}); err != nil {
			t.Fatal(err)
		}
	}
	// its file names the server of its updates
	if page := h.post(t, "/en"+at, "verb", "accept", "argument", ""); h.status != 200 {
		t.Fatal(page)
	}
	id := h.Finding.ID()
	says(t, h.get(t, "/en"+at), `value="`+id+`"`)
	now = now.Add(time.Minute)
	says(t, h.post(t, "/en"+at, "verb", "quarantine", "argument", id, "span", "decide"), "Why: It is trying", "has not tried it again since it was cut off", "It has not reached updates.lampsco.example")
	now = now.Add(time.Minute)
	again()
	now = now.Add(time.Minute)
	if err := h.Store.AddTraffic(t.Context(), []home.Traffic{{At: now, Device: h.Camera.ID, Peer: "updates.lampsco.example", Scope: "internet", Service: "tcp/443 tls", Began: true, Flows: 1, Out: 10, In: 9000}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	says(t, h.get(t, "/en"+at), "It still tries it: the last time on", "It reached updates.lampsco.example, where its updates come from")

	says(t, h.post(t, "/en"+at, "verb", "watch", "then", "quarantine"), "was not heard of since", "What it was cut off for: It is trying", "it is cut off again")
	tick(time.Hour)
	says(t, h.get(t, "/en"+at), "It did not do the same again since", "watched until")
	says(t, h.get(t, "/fr"+at), "Il n’a pas recommencé depuis")
	says(t, h.get(t, "/en/"), "watched until", "-1 needs you now")

	now = now.Add(time.Hour)
	again()
	if d := tick(time.Second); d.State != home.Quarantined || d.Confirmed {
		t.Fatalf("it did it again, and is %+v", d.Stance)
	}
	says(t, h.get(t, "/en"+at), "and did the same again on")
	says(t, h.get(t, "/en/"), "1 needs you now", "and did the same again on")
	says(t, h.get(t, "/en/history"), "is cut off")

	now = now.Add(time.Minute)
	h.post(t, "/en"+at, "verb", "watch", "then", "tell")
	tick(home.Watching / 2)
	if d := tick(home.Watching / 2); d.Retest.Outcome != home.Clean {
		t.Fatalf("%+v", d.Retest)
	}
	says(t, h.get(t, "/en"+at), "it had not done the same again")
	says(t, h.get(t, "/en/"), "-1 needs you now")
	says(t, h.get(t, "/en/history"), "did not do again what it was cut off for")
	for _, path := range []string{"/en" + at, "/fr" + at} {
		if key := keyLike.FindString(h.get(t, path)); key != "" && !strings.Contains(key, "example") {
			t.Errorf("%s: a message is missing: %s", path, key)
		}
	}
}

func TestTwoDevicesAreMadeOneAndTwoAgainOnThePage(t *testing.T) {
	h := furnish(t, false)
	past := time.Now().Add(-48 * time.Hour)
	old, _ := h.See(frame.MAC{2, 0, 0, 0, 0, 9}, func(d *home.Device) {
		d.Hostnames, d.First, d.Last, d.Identity = []string{"phone"}, past, past.Add(time.Hour), device.Identity{Kind: device.General, Category: "phone"}
	})
	if err := h.Store.Save(t.Context(), h.Devices()); err != nil {
		t.Fatal(err)
	}
	bad := finding.Finding{Kind: finding.TLSWeak, Device: old.ID, Role: finding.Actor, Severity: finding.High, Confidence: 0.9, Last: past.UnixNano()}
	if err := h.Store.SaveFindings(t.Context(), []home.Noted{{Finding: bad, State: home.Open}}); err != nil {
		t.Fatal(err)
	}
	phone, err := h.Find("02:00:00:00:00:03")
	if err != nil {
		t.Fatal(err)
	}
	at := "/devices/" + phone.ID
	says(t, h.get(t, "/en"+at), "It is the same as phone", "They give themselves the same name.", "One was gone before the other came.", "That protects you: leave it on.", "These two are one")
	page := h.post(t, "/en"+at, "verb", "join", "argument", old.ID)
	says(t, page, "two devices are one from now on", "02:00:00:00:00:09", "What you said is one", "-No findings")
	if !strings.Contains(page, bad.ID()) {
		t.Error("what the other did is not told")
	}
	says(t, h.get(t, "/en/"), "4 devices.")
	if h.get(t, "/en/devices/"+old.ID); h.status != 200 {
		t.Errorf("the page of the other: %d", h.status)
	}
	// what is done about its finding is done
	if h.post(t, "/en"+at+"/findings/"+bad.ID(), "state", "done"); h.status != 200 {
		t.Errorf("%d", h.status)
	}
	says(t, h.post(t, "/en"+at, "verb", "split", "argument", old.ID), "what was one is two devices", "-What you said is one")
	undo := regexp.MustCompile(`name="decision" value="(\d+)"`).FindStringSubmatch(h.get(t, "/en/history"))
	if undo == nil {
		t.Fatal("nothing can be undone")
	}
	says(t, h.post(t, "/fr/undo", "decision", undo[1]), "Ce que vous avez réuni")
	// by the list of all
	says(t, h.post(t, "/en"+at, "verb", "join", "who", h.Lamp.ID), "two devices are one from now on")
}
