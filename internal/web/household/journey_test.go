package household_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
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
	if page := h.get(t, "/fr/history"); !strings.Contains(page, "<bdi>Propriétaire</bdi>") || strings.Contains(page, "<bdi>owner</bdi>") || !strings.Contains(page, "annulé depuis") {
		t.Errorf("history: %s", page)
	}
	if page := h.post(t, at, "verb", "hold"); !strings.Contains(page, "no rules to hold it to") || h.status != 409 {
		t.Errorf("hold without a file: %d", h.status)
	}
	if page := h.get(t, "/en/devices/none"); !strings.Contains(page, "not known here") {
		t.Errorf("no such device: %s", page)
	}
}

// Where the gateway can cut a bad device off, that is offered with the first thing that is said of it: on the home’s page,
// and above the steps of the worst finding. Where Plimsoll only watches, the steps name what a person can do.
func TestABadDeviceIsCutOffWhereItIsFirstNamed(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Camera.ID
	const press, plug = `>Cut it off<`, "pull its plug"
	home1, page1 := h.get(t, "/en/"), h.get(t, at)
	if !strings.Contains(home1, press) || !strings.Contains(home1, "press “Cut it off”") || strings.Contains(home1, plug) {
		t.Errorf("the home: %s", home1)
	}
	if i := strings.Index(page1, press); i < 0 || i > strings.Index(page1, "What to do") || !strings.Contains(page1, "press “Cut it off”") {
		t.Errorf("the device: the press is at %d", i)
	}
	h.post(t, at, "verb", "quarantine")
	if page := h.get(t, at); strings.Contains(page, ">Cut it off<") || strings.Contains(page, "press “Cut it off”") || strings.Contains(page, plug) {
		t.Error("what is cut off is to be cut off")
	}
	h.Pages.Mode = home.Watch
	h.post(t, at, "verb", "watch")
	if page := h.get(t, "/en/"); strings.Contains(page, press) || !strings.Contains(page, plug) {
		t.Errorf("where nothing is stopped: %s", page)
	}
}

// What is found twice of a device is explained once, and told once a week, with both causes.
func TestTwoFindingsOfOneKindAreExplainedOnce(t *testing.T) {
	h := furnish(t, false)
	again := h.Finding
	again.Key = "tcp/2323"
	again.Details = []finding.Detail{{Key: "service", Value: "tcp/2323"}, {Key: "count", Value: uint64(77)}, {Key: "span", Value: time.Minute}}
	if err := h.Store.SaveFindings(t.Context(), []home.Noted{{Finding: again, State: home.Open}}); err != nil {
		t.Fatal(err)
	}
	const title = "It is trying the doors of many devices"
	page := h.get(t, "/en/devices/"+h.Camera.ID)
	if strings.Count(page, "Whom to call") != 2 || !strings.Contains(page, "What to do about it is said above.") || !strings.Contains(page, "77") { // one of the finding, one of the device
		t.Errorf("%d times: %s", strings.Count(page, "Whom to call"), page)
	}
	week := h.get(t, "/en/week")
	_, week, _ = strings.Cut(week, `id="seen"`)
	week, _, _ = strings.Cut(week, "</section>")
	if strings.Count(week, title) != 1 || !strings.Contains(week, "200") || !strings.Contains(week, "77") {
		t.Errorf("the week: %s", week)
	}
}

// What does not fit on the first page is one press away.
func TestEveryThingToDoCanBeListed(t *testing.T) {
	h := furnish(t, false)
	var asks []home.Question
	for _, d := range h.Devices() {
		asks = append(asks, home.Question{Device: d.ID, Title: d.Title(), About: home.NewDevice})
	}
	h.Pages.Status = func() home.Status { return home.Status{Asks: asks} }
	page := h.get(t, "/en/")
	if strings.Count(page, `<p class="do">`) != 3 || !strings.Contains(page, `href="/en/?all=yes">See 1 more thing<`) {
		t.Errorf("the first page: %s", page)
	}
	if page := h.get(t, "/en/?all=yes"); strings.Count(page, `<p class="do">`) != 4 || strings.Contains(page, "more thing") {
		t.Errorf("all: %s", page)
	}
}

// Who is to guess does not see the answer before they ask for it.
func TestALessonThatAsksToGuessHidesTheAnswer(t *testing.T) {
	h := furnish(t, false)
	page := h.get(t, "/en/lessons/here")
	if i := strings.Index(page, "porch"); i < 0 || i < strings.Index(page, "Show the answer") {
		t.Errorf("the list is at %d", i)
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
		"/en/devices/" + h.Camera.ID + "/letter/quebec":       {"To the Commission d’accès à l’information:", "plainte.cai.gouv.qc.ca", "1-888-528-7741", "/letter/commissioner"},
		"/fr/devices/" + h.Camera.ID + "/letter/alberta":      {"oipc.ab.ca", "Il essaie la porte"},
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
	h.Pages.Mode = home.Watch
	if page := h.get(t, "/en/protection"); strings.Contains(page, "In part") || !strings.Contains(page, "only watches") {
		t.Error("a gateway that only watches says that it protects")
	}
	for _, step := range [][2]string{{"en", "quarantine"}, {"fr", "watch"}} { // one after the other
		path := "/" + step[0] + "/devices/" + h.Lamp.ID
		if page := h.post(t, path, "verb", step[1]); !strings.Contains(page, "nothing is stopped.</p>") && !strings.Contains(page, "rien n’est arrêté.</p>") {
			t.Errorf("%s: a gateway that only watches says that it acts", path)
		}
	}
	h.Pages.Mode, h.Pages.Shields = home.Hold, nil
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
	old, fresh := furnish(t, false), furnish(t, true)
	old.post(t, "/en/settings", "name", "Cottage", "helper_name", "Ana", "helper_phone", "+1 555 010 0100")
	for l, item := range map[string]string{"tune-up": "backup", "moving-in": "guests", "moving-out": "backup"} {
		old.post(t, "/en/lists/"+l, "item", item, "done", "yes")
	}
	old.post(t, "/en/lessons/here", "done", "yes")
	old.post(t, "/en/devices/"+old.Lamp.ID+"/known")
	old.post(t, "/en/ask", "device", old.Lamp.ID)
	body := []byte(old.get(t, "/en/carry/home.json"))
	var x home.Export
	if err := json.Unmarshal(body, &x); err != nil || len(x.Devices) != 4 {
		t.Fatalf("%v, %d devices", err, len(x.Devices))
	}
	var lists []string
	for _, n := range x.Ticks {
		lists = append(lists, n.List)
	}
	if !slices.Equal(lists, home.Lists) { // a point of each
		t.Errorf("%v", lists)
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
	for _, role := range []string{"adult", "owner"} { // an adult does not say what the home is called
		fresh.enter(t, role)
		if page := bring(body); !strings.Contains(page, "A copy that was saved before was brought back.") {
			t.Fatal(page)
		}
		if s, err := fresh.Store.Settings(t.Context()); err != nil || (s.Name == "Cottage") != (role == "owner") {
			t.Errorf("after an import by %s: %+v, %v", role, s, err)
		}
		for _, path := range []string{"/lists/tune-up", "/lists/moving-in", "/lists/moving-out", "/lessons"} {
			if n := strings.Count(fresh.get(t, "/en"+path), "Done on "); n != 1 {
				t.Errorf("%s: %d points are done", path, n)
			}
		}
		if page := fresh.get(t, "/en/"); strings.Contains(page, `/known"`) {
			t.Error("what is known is told again")
		}
	}
	fresh.enter(t, "owner")
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

// The history offers to undo what can be undone, and each of these undoings works.
func TestWhatTheHistoryOffersToUndoCanBeUndone(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Camera.ID
	h.post(t, at+"/about", "name", "Front door")
	h.post(t, at+"/findings/"+h.Finding.ID(), "state", "muted")
	h.post(t, at+"/care", "note", "old")
	h.post(t, at, "verb", "quarantine")
	for range 20 {
		offer := undoForm.FindStringSubmatch(h.get(t, "/en/history"))
		if offer == nil {
			break
		}
		if h.post(t, "/en/undo", "decision", offer[1]); h.status != 200 {
			t.Fatalf("decision %s: %d", offer[1], h.status)
		}
	}
	d, _ := h.Find(h.Camera.ID)
	note, err := h.Store.NoteOf(t.Context(), d.ID, h.Finding.ID())
	if d.Name != "" || d.Care != nil || d.State == home.Quarantined || note != home.Open || err != nil {
		t.Errorf("%q, %+v, %s, finding %s, %v", d.Name, d.Care, d.State, note, err)
	}
}

// The verdict on a home has its reasons, and says what would change it; what is not known is never said to be well.
func TestHowWellAHomeStandsHasReasons(t *testing.T) {
	h := furnish(t, false)
	h.Pages.Shields = func(context.Context) (home.Shields, error) {
		return home.Shields{Sources: true, Ceilings: true, Inbound: true, Mapping: true, Neighbours: true}, nil
	}
	for _, d := range h.Devices() {
		if d.Kind() == device.Unknown {
			h.post(t, "/en/devices/"+d.ID+"/about", "category", "phone")
		}
	}
	if page := h.get(t, "/en/protection"); !strings.Contains(page, "protected in part") || !strings.Contains(page, "1 of 2 smart devices is held so far.") {
		t.Error("the lamp is held to no rules, and the page does not say so")
	}
	h.post(t, "/en/devices/"+h.Lamp.ID, "verb", "quarantine")
	h.post(t, "/en/devices/"+h.Lamp.ID, "verb", "confirm")
	if page := h.get(t, "/en/protection"); !strings.Contains(page, "What Plimsoll can do for your home is in force.") {
		t.Fatal("all is in force, and the page does not say so")
	}
	h.post(t, "/en/devices/"+h.Lamp.ID, "verb", "watch")
	h.post(t, "/en/devices/"+h.Lamp.ID, "verb", "release")
	h.post(t, "/en/devices/"+h.Camera.ID+"/care", "support", "2020-01-01")
	page := h.get(t, "/en/protection")
	for _, w := range []string{"protected in part", "1 device gets no more updates.", "1 smart device may go where it likes.", "To change that, look below"} {
		if !strings.Contains(page, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
	h.post(t, "/en/devices/"+h.Camera.ID, "verb", "release")
	if page := h.get(t, "/en/protection"); !strings.Contains(page, "No smart device is held to its rules yet.") {
		t.Error("nothing is held, and the page does not say so")
	}
	for _, mode := range []home.Mode{home.Watch, home.Hold} {
		h.Pages.Mode, h.Pages.Shields = mode, nil
		if page := h.get(t, "/en/protection"); !strings.Contains(page, "Nobody can say how well") {
			t.Errorf("%s: what is not known is said to be known", mode)
		}
	}
}

// What a drill without Internet showed is noted device by device, and stays on the page of protection.
func TestADrillWithoutInternetIsNoted(t *testing.T) {
	h := furnish(t, false)
	h.post(t, "/en/devices/"+h.Camera.ID+"/care", "note", "kept")
	page := h.post(t, "/en/devices/"+h.Camera.ID+"/care", "from", "outage", "offline", "stops")
	if !strings.Contains(page, "Note what each did") || !strings.Contains(page, `value="stops" aria-pressed="true"`) {
		t.Error("the drill does not go on")
	}
	if page := h.get(t, "/en/protection"); !strings.Contains(page, "1 device is known to stop.") || !strings.Contains(page, "Nobody tried") {
		t.Error("what the drill showed is not said")
	}
	if d, _ := h.Find(h.Camera.ID); d.Care.Note != "kept" || d.Care.Offline != home.StopsOffline {
		t.Errorf("%+v", d.Care)
	}
}

// A sheet for the wall says what to do, whom to call and what is here.
func TestThePlanForABadDayIsOnOnePage(t *testing.T) {
	h := furnish(t, false)
	h.post(t, "/en/settings", "name", "Cottage", "helper_name", "Ana", "helper_phone", "555 0100")
	page := h.get(t, "/en/plan")
	for _, w := range []string{"Cottage", "Pull the plug", "Ana", "tel:5550100", "porch", "Camera, Lamps &amp; Co", "Lamps &amp; Co: care@lampsco.example", strings.TrimPrefix(h.URL, "http://")} {
		if !strings.Contains(page, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
	if page := h.get(t, "/en/"); !strings.Contains(page, "Call Ana") {
		t.Error("the first page has no way to call who helps")
	}
}

// A walk through the home goes on where somebody stopped, device by device.
func TestAPointIsDoneDeviceByDevice(t *testing.T) {
	h := furnish(t, false)
	left := func(page, n string) {
		t.Helper()
		if !strings.Contains(page, n+" points are left.") {
			t.Errorf("not %s points are left", n)
		}
	}
	at := "/en/lists/moving-out"
	left(h.get(t, at), "8")
	left(h.post(t, at, "item", "wipe", "device", h.Camera.ID, "done", "yes"), "8")
	left(h.post(t, at, "item", "wipe", "device", h.Lamp.ID, "done", "yes"), "7")
	left(h.post(t, at, "item", "wipe", "device", h.Lamp.ID), "8")
	if h.post(t, at, "item", "papers", "device", h.Lamp.ID, "done", "yes"); h.status != 400 {
		t.Errorf("a point that is of no device: %d", h.status)
	}
	if h.post(t, at, "item", "wipe", "device", "none", "done", "yes"); h.status != 404 {
		t.Errorf("no such device: %d", h.status)
	}
}

// Once a year the first page says that it is time, and not before.
func TestOnceAYearTheFirstPageSaysSo(t *testing.T) {
	h := furnish(t, false)
	const due = "Half an hour once a year"
	if page := h.get(t, "/en/"); strings.Contains(page, due) {
		t.Error("it is asked of a home that is three months old")
	}
	h.Pages.Now = func() time.Time { return time.Now().AddDate(1, 0, 0) }
	if page := h.get(t, "/en/"); !strings.Contains(page, due) {
		t.Error("it is not said after a year")
	}
	h.post(t, "/en/lists/tune-up", "item", "router", "done", "yes")
	if page := h.get(t, "/en/"); strings.Contains(page, due) {
		t.Error("it was begun, and is asked again")
	}
}

// Peers that said as much as each other, and are known by their names alone, are drawn as all others.
func TestPeersThatSaidTheSameAreDrawn(t *testing.T) {
	h := furnish(t, false)
	at := time.Now().Add(-time.Hour)
	var list []home.Traffic
	for _, peer := range []string{"a.example", "b.example", "192.0.2.99", "c.example"} {
		list = append(list, home.Traffic{Device: h.Camera.ID, At: at, Span: time.Minute, Peer: peer, Scope: "internet", Service: "tcp/443 tls", Flows: 1, Out: 500, In: 500})
	}
	if err := h.Store.AddTraffic(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if page := h.get(t, "/en/devices/"+h.Camera.ID); h.status != 200 || !strings.Contains(page, "b.example") {
		t.Errorf("%d: %.300s", h.status, page)
	}
}
