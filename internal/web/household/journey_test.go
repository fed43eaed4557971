package household_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/home"
)

var undoForm = regexp.MustCompile(`name="decision" value="(\d+)"`)

// What a form does is in force, is said, and can be undone from the page that it leads to.
func TestADeviceIsDecidedOnAndTheDecisionUndone(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Lamp.ID
	page := h.post(t, at, "verb", "quarantine", "argument", "")
	if d, _ := h.Find(h.Lamp.ID); d.State != home.Quarantined || !strings.Contains(page, "is cut off") || !strings.Contains(page, "Let it back, and watch it") {
		t.Fatalf("state %s, page %s", d.State, page)
	}
	seq := undoForm.FindStringSubmatch(page)
	if seq == nil {
		t.Fatal("no way back")
	}
	if page := h.post(t, "/en/undo", "decision", seq[1]); !strings.Contains(page, "is as it was before") {
		t.Errorf("undone: %s", page)
	}
	if d, _ := h.Find(h.Lamp.ID); d.State != home.Learning {
		t.Errorf("state %s", d.State)
	}
	if page := h.get(t, "/fr/history"); !strings.Contains(page, "owner") || !strings.Contains(page, "annulé depuis") {
		t.Errorf("history: %s", page)
	}
	if page := h.post(t, at, "verb", "hold"); !strings.Contains(page, "no rules to hold it to") || h.status != 409 {
		t.Errorf("hold without a file: %d", h.status)
	}
	if page := h.get(t, "/en/devices/none"); !strings.Contains(page, "not known here") {
		t.Errorf("no such device: %s", page)
	}
}

func TestADeviceIsCorrected(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Camera.ID
	page := h.post(t, at+"/about", "name", " Front\ndoor ", "room", "Porch", "kind", "iot", "category", "doorbell")
	if !strings.Contains(page, "What you said of it is kept") || !strings.Contains(page, "you said so") {
		t.Error("the page does not say so")
	}
	if d, _ := h.Find(h.Camera.ID); d.Name != "Front door" || d.Room != "Porch" || d.Is().Category != "doorbell" || d.Is().Maker != "Lamps & Co" {
		t.Errorf("%q in %q is a %+v", d.Name, d.Room, d.Is())
	}
	h.post(t, at+"/about", "name", "", "room", "", "kind", "", "category", "")
	if d, _ := h.Find(h.Camera.ID); d.Corrected != nil || d.Title() != "porch" {
		t.Errorf("it cannot be taken back: %+v", d.Corrected)
	}
	if h.post(t, at+"/about", "category", "spaceship"); h.status != 400 {
		t.Errorf("a category that is none: %d", h.status)
	}
}

func TestWhatIsNormalIsNotShownAgainUntilSomebodyWantsIt(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Camera.ID
	note := at + "/findings/" + h.Finding.ID()
	page := h.post(t, note, "state", "muted")
	if strings.Contains(page, "What to do</h4>") || !strings.Contains(page, "normal for this device") {
		t.Error("it is shown as before")
	}
	if first := h.get(t, "/en/"); strings.Contains(first, "1 needs you now") {
		t.Error("the first page still asks for something")
	}
	if page := h.post(t, note, "state", "open"); !strings.Contains(page, "What to do</h4>") {
		t.Error("it does not come back")
	}
	if h.post(t, note, "state", "gone"); h.status != 400 {
		t.Errorf("status %d", h.status)
	}
}

// From the rehearsal, what is needed is let go on; from the page, it is taken back.
func TestWhatARehearsalWouldStopIsAllowedAndForbiddenAgain(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Camera.ID
	page := h.get(t, at+"/rehearsal")
	if !strings.Contains(page, "updates.lampsco.example") || !strings.Contains(page, "4 times.") || !strings.Contains(page, `value="updates.lampsco.example tcp/443"`) {
		t.Fatal(page)
	}
	page = h.post(t, at, "verb", "except", "argument", "updates.lampsco.example tcp/443")
	if !strings.Contains(page, "updates.lampsco.example, for tcp/443") {
		t.Error("the page does not list it")
	}
	h.post(t, at, "verb", "except", "other", "more.example", "service", "udp/53", "span", "day")
	d, _ := h.Find(h.Camera.ID)
	if n := len(d.Exceptions); n != 3 || d.Exceptions[2].Service != "udp/53" || d.Exceptions[2].Until.IsZero() {
		t.Fatalf("%+v", d.Exceptions)
	}
	h.post(t, at, "verb", "disallow", "argument", d.Exceptions[2].String())
	h.post(t, at, "verb", "controller", "who", h.Lamp.ID)
	if d, _ := h.Find(h.Camera.ID); len(d.Exceptions) != 2 || len(d.Controllers) != 2 {
		t.Errorf("%+v, %+v", d.Exceptions, d.Controllers)
	}
	if h.post(t, at, "verb", "except", "other", "not a name"); h.status != 400 {
		t.Errorf("no name: %d", h.status)
	}
}

func TestAnOfferIsAcceptedFromItsPage(t *testing.T) {
	h := furnish(t, false)
	d, _ := h.Find(h.Camera.ID)
	if page := h.get(t, "/en/devices/"+d.ID+"/rehearsal?file=offered"); !strings.Contains(page, d.Offer.File) || !strings.Contains(page, "all 7 conversations") {
		t.Error("what is offered is not rehearsed")
	}
	page := h.post(t, "/en/devices/"+d.ID, "verb", "accept", "argument", d.Offer.File)
	if after, _ := h.Find(d.ID); after.File != d.Offer.File || strings.Contains(page, "More than now:") {
		t.Errorf("it is held to %s, offered was %s", after.File, d.Offer.File)
	}
}

func TestLettersSayWhatWasSeenAndSendNothing(t *testing.T) {
	h := furnish(t, false)
	for path, want := range map[string][]string{
		"/en/devices/" + h.Camera.ID + "/letter/maker":        {"To Lamps & Co:", "It is trying the doors", "200 addresses", "Until which day", "mailto:?subject=Question%20about%20Lamps%20%26%20Co&amp;body="},
		"/fr/devices/" + h.Camera.ID + "/letter/commissioner": {"Commissariat", "Je veux porter plainte contre Lamps & Co", "Il essaie la porte", "Gatineau"},
		"/en/devices/" + h.Lamp.ID + "/letter/maker":          {"care@lampsco.example", "mailto:care@lampsco.example?subject="},
	} {
		page := h.get(t, path)
		for _, w := range want {
			if !strings.Contains(page, w) && !strings.Contains(html.UnescapeString(page), w) {
				t.Errorf("%s does not say %q", path, w)
			}
		}
	}
	if h.get(t, "/en/devices/"+h.Camera.ID+"/letter/king"); h.status != 404 {
		t.Errorf("status %d", h.status)
	}
}

func TestTheThreeShieldsSayWhatIsInForceAndWhatWasStopped(t *testing.T) {
	h := furnish(t, false)
	page := h.get(t, "/en/protection")
	for _, w := range []string{"In part", "Not in force.", "42 messages were stopped", "7 messages were stopped", "porch"} {
		if !strings.Contains(page, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
	h.Pages.Status = func() home.Status { return home.Status{Mode: home.Watch} }
	if page := h.get(t, "/en/protection"); strings.Contains(page, "In part") || !strings.Contains(page, "only watches") {
		t.Error("a gateway that only watches says that it protects")
	}
	for _, step := range [][2]string{{"en", "quarantine"}, {"fr", "watch"}} { // one after the other
		path := "/" + step[0] + "/devices/" + h.Lamp.ID
		if page := h.post(t, path, "verb", step[1]); !strings.Contains(page, "nothing is stopped.</p>") && !strings.Contains(page, "rien n’est arrêté.</p>") {
			t.Errorf("%s: a gateway that only watches says that it acts", path)
		}
	}
	h.Pages.Status, h.Pages.Shields = func() home.Status { return home.Status{Mode: home.Hold} }, nil
	for _, path := range []string{"/en/protection", "/en/"} {
		if page := h.get(t, path); strings.Contains(page, "ot in force") || h.status != 200 {
			t.Errorf("%s: what is not known is said not to be so", path)
		}
	}
}

func TestListsGoOnWhereSomebodyStopped(t *testing.T) {
	h := furnish(t, false)
	page := h.get(t, "/en/lists/tune-up")
	if !strings.Contains(page, "9 points are left.") || !strings.Contains(page, "porch") {
		t.Fatal("the list is not made of this home")
	}
	if page := h.post(t, "/en/lists/tune-up", "item", "router", "done", "yes"); !strings.Contains(page, "8 points are left.") || !strings.Contains(page, "Done on ") {
		t.Error("a point that was done is not")
	}
	if page := h.post(t, "/en/lists/tune-up", "item", "router"); !strings.Contains(page, "9 points are left.") {
		t.Error("it cannot be taken back")
	}
	if h.post(t, "/en/lists/tune-up", "item", "none", "done", "yes"); h.status != 404 {
		t.Errorf("no such point: %d", h.status)
	}
	if page := h.post(t, "/en/lessons/here", "done", "yes"); !strings.Contains(page, "Done on ") {
		t.Error("a lesson that was done is not")
	}
	if page := h.get(t, "/en/"); !strings.Contains(page, "Give it a name") {
		t.Error("the next lesson is not offered")
	}
}

func TestTheWeekIsSummedUp(t *testing.T) {
	h := furnish(t, false)
	page := strings.ReplaceAll(h.get(t, "/en/week"), "\u00a0", " ")
	for _, w := range []string{"3 decisions were made.", "mystery", "It sent 9 MB", "Think now about"} {
		if !strings.Contains(page, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
}

func TestWhoHelpsIsOnThePageOfADevice(t *testing.T) {
	h := furnish(t, false)
	if page := h.post(t, "/en/settings", "name", "Cottage", "helper_name", "Ana", "helper_phone", "+1 (555) 010-0100", "guest_page", "yes"); !strings.Contains(page, "That is kept.") {
		t.Error("not kept")
	}
	if page := h.get(t, "/en/devices/"+h.Camera.ID); !strings.Contains(page, `href="tel:&#43;15550100100"`) && !strings.Contains(page, `href="tel:+15550100100"`) {
		t.Error("nobody to call")
	}
	if h.post(t, "/en/settings", "name", strings.Repeat("x", 200)); h.status != 400 {
		t.Errorf("a name of 200 octets: %d", h.status)
	}
}

// What is taken out of a home is brought into another, whole, and that can be undone.
func TestAHomeIsTakenAlong(t *testing.T) {
	old, fresh := furnish(t, false), furnish(t, false)
	body := []byte(old.get(t, "/en/carry/home.json"))
	var x home.Export
	if err := json.Unmarshal(body, &x); err != nil || len(x.Devices) != 4 {
		t.Fatalf("%v, %d devices", err, len(x.Devices))
	}
	bring := func(file []byte) string {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		_ = w.WriteField("how", "merge")
		part, err := w.CreateFormFile("file", "home.json")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(file)
		_ = w.Close()
		return fresh.answer(t, func(c *http.Client) (*http.Response, error) {
			return c.Post(fresh.URL+"/en/carry", w.FormDataContentType(), io.NopCloser(&form))
		})
	}
	if page := bring(body); !strings.Contains(page, "A copy that was saved before was brought back.") {
		t.Fatal(page)
	}
	if page := bring(body[:len(body)/2]); fresh.status != 422 || !strings.Contains(page, "Nothing was changed") {
		t.Errorf("half of a file: %d", fresh.status)
	}
}

// Who looks at a page is told when a form, anywhere, changed what it shows.
func TestPagesAreToldWhatAFormChanged(t *testing.T) {
	h := furnish(t, false)
	if page := h.get(t, "/en/"); !strings.Contains(page, `data-events="/events"`) {
		t.Fatal("the first page does not follow the news")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // the stream is there
	h.post(t, "/en/devices/"+h.Lamp.ID, "verb", "quarantine")
	for lines.Scan() {
		if lines.Text() == "event: change" {
			h.Site.Events.Close()
			return
		}
	}
	t.Errorf("no news: %v", lines.Err())
}

func TestTheCalendarSaysUntilWhenThereAreUpdates(t *testing.T) {
	h := furnish(t, false)
	page := h.get(t, "/en/calendar")
	lamp, camera := strings.Index(page, ">lamp<"), strings.Index(page, ">porch<")
	if lamp < 0 || camera < lamp || !strings.Contains(page, "Think now about") || strings.Contains(page, ">phone<") {
		t.Errorf("lamp at %d, camera at %d", lamp, camera)
	}
}
