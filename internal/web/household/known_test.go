package household_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/label"
)

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

func TestTheCalendarSaysUntilWhenThereAreUpdates(t *testing.T) {
	h := furnish(t, false)
	page := h.get(t, "/en/calendar")
	lamp, camera := strings.Index(page, ">lamp<"), strings.Index(page, ">porch<")
	if lamp < 0 || camera < lamp || !strings.Contains(page, "Think now about") || strings.Contains(page, ">phone<") {
		t.Errorf("lamp at %d, camera at %d", lamp, camera)
	}
}

// What people know of a device and no label says is in the calendar and on the first page, until somebody says that they know.
func TestWhatAPersonNotesOfADeviceCounts(t *testing.T) {
	h := furnish(t, false)
	h.Pages.Status = func() home.Status { return home.Status{} } // which asks nothing else
	at := "/en/devices/" + h.Camera.ID
	page := h.post(t, at+"/care", "bought", "2024-05-01", "support", time.Now().AddDate(0, 1, 0).Format(time.DateOnly), "offline", "stops", "note", "receipt in the drawer")
	for _, w := range []string{"What you said of it is kept", locale.New(locale.English).Date(time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)), "It stops", "receipt in the drawer", "Think now about", "You noted that yourself."} {
		if !strings.Contains(page, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
	seq := undoForm.FindStringSubmatch(page)
	if seq == nil {
		t.Fatal("no way back")
	}
	if page := h.get(t, "/en/calendar"); strings.Index(page, ">porch<") > strings.Index(page, ">lamp<") {
		t.Error("what ends first is not first")
	}
	h.post(t, at+"/findings/"+h.Finding.ID(), "state", "done")
	know := `action="/en/devices/` + h.Camera.ID + `/known"`
	if page := h.get(t, "/en/"); !strings.Contains(page, know) || !strings.Contains(page, "Think of what comes after it") {
		t.Error("the first page does not tell that updates end")
	}
	if page := h.post(t, at+"/known"); !strings.Contains(page, "not reminded of that again") || !strings.Contains(page, "Remind me again") {
		t.Errorf("known: %d", h.status)
	}
	if page := h.get(t, "/en/"); strings.Contains(page, know) {
		t.Error("what is known is told again")
	}
	h.post(t, at+"/known", "again", "yes")
	if page := h.get(t, "/en/"); !strings.Contains(page, know) {
		t.Error("it is not told again")
	}
	if page := h.post(t, "/en/undo", "decision", seq[1]); !strings.Contains(page, "Nothing is noted yet.") {
		t.Error("what was noted is not taken back")
	}
	for _, wrong := range [][2]string{{"support", "soon"}, {"offline", "perhaps"}, {"note", strings.Repeat("x", home.MaxNote+1)}} {
		if h.post(t, at+"/care", wrong[0], wrong[1]); h.status != 400 {
			t.Errorf("%s: %d", wrong[0], h.status)
		}
	}
}

// One tap says that a guess is right, or what it is instead; name and room stay.
func TestWhatADeviceIsIsSaidWithOneTap(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Camera.ID
	if page := h.get(t, at); !strings.Contains(page, `<button name="category" value="camera">Yes, it is this: camera</button>`) {
		t.Fatal("the guess cannot be settled")
	}
	page := h.post(t, at+"/about", "category", "doorbell")
	if d, _ := h.Find(h.Camera.ID); d.Is().Category != "doorbell" || d.Kind() != device.IoT || d.Room != "Hall" {
		t.Errorf("%+v in %q", d.Is(), d.Room)
	}
	if strings.Contains(page, `id="guess"`) {
		t.Error("it is asked again")
	}
	if page := h.post(t, "/en/undo", "decision", undoForm.FindStringSubmatch(page)[1]); !strings.Contains(page, `id="guess"`) {
		t.Error("it cannot be taken back")
	}
	h.post(t, at+"/about", "category", "phone")
	if d, _ := h.Find(h.Camera.ID); d.Kind() != device.General {
		t.Errorf("a phone is %s", d.Kind())
	}
}

// What goes along with a letter has the promise beside the behaviour, and no address by which the device could be followed.
func TestEvidenceHasThePromiseBesideTheBehaviour(t *testing.T) {
	h := furnish(t, false)
	text := h.get(t, "/fr/devices/"+h.Camera.ID+"/evidence.json")
	var x struct {
		File     struct{ SHA256 string }
		Beyond   []struct{ Peer string }
		Findings []struct{ Title string }
		Traffic  []struct{ Peer string }
	}
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		t.Fatal(err)
	}
	d, _ := h.Find(h.Camera.ID)
	if x.File.SHA256 != d.File || len(x.Beyond) != 1 || x.Beyond[0].Peer != "updates.lampsco.example" || len(x.Findings) != 1 || !strings.HasPrefix(x.Findings[0].Title, "Il essaie") || len(x.Traffic) != 3 {
		t.Errorf("%+v", x)
	}
	if strings.Contains(text, "02:00:00:00:00:01") {
		t.Error("it has a link-layer address")
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, id := range []string{h.Camera.ID, h.Lamp.ID} {
		schema, err := c.Compile("../../../schema/home-evidence.json")
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(h.get(t, "/en/devices/"+id+"/evidence.json")))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Error(err)
		}
	}
}

// A device that has no name is called by its address elsewhere: not here, where a stranger gets it. Neighbours have theirs
// within their IPv6 addresses.
func TestEvidenceHasNoLinkLayerAddressInAnySpelling(t *testing.T) {
	h := furnish(t, false)
	now := time.Now()
	d, _ := h.See(frame.MAC{2, 0xab, 0xcd, 0xef, 0x12, 9}, func(d *home.Device) { d.First, d.Last = now.Add(-time.Hour), now })
	if err := h.Store.Save(t.Context(), h.Devices()); err != nil {
		t.Fatal(err)
	}
	var traffic []home.Traffic
	for _, peer := range []string{"fe80::ab:cdff:feef:1208", "ff02::1:ffef:1208", "100::2ab:cdef:1208", "192.168.1.8"} {
		traffic = append(traffic, home.Traffic{Device: d.ID, Peer: peer, Scope: "lan", Service: "udp/5353 mdns", Flows: 1, Out: 9, In: 9, At: now.Add(-time.Minute), Span: time.Minute})
	}
	if err := h.Store.AddTraffic(t.Context(), traffic); err != nil {
		t.Fatal(err)
	}
	text := h.get(t, "/en/devices/"+d.ID+"/evidence.json")
	if h.status != 200 || !strings.Contains(text, "192.168.1.8") {
		t.Fatalf("status %d\n%s", h.status, text)
	}
	plain := strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.ToLower(text))
	for _, part := range []string{"abcdef12", "abcdfffeef12", "ef1208", "2abcdef"} {
		if strings.Contains(plain, part) {
			t.Errorf("%s is in it\n%s", part, text)
		}
	}
	if !strings.Contains(text, "\"name\": \"") || strings.Contains(text, "\"name\": \"\"") {
		t.Errorf("the device is called nothing\n%s", text)
	}
}

// When a device talked is drawn and told, hour by hour; of a device that said nothing there is no drawing.
func TestWhenADeviceTalkedIsDrawnAndTold(t *testing.T) {
	h := furnish(t, false)
	page := strings.ReplaceAll(h.get(t, "/en/devices/"+h.Camera.ID), "\u00a0", " ")
	if n := strings.Count(page, `" width="8" height="`); n != 24 || !strings.Contains(page, "9 MB. In 23 hours of the last day it said nothing.") {
		t.Errorf("%d bars: %s", n, regexp.MustCompile(`aria-label="[^"]*"`).FindAllString(page, -1))
	}
	for _, d := range h.Devices() {
		if d.Kind() == device.General && strings.Contains(h.get(t, "/en/devices/"+d.ID), `class="hours"`) {
			t.Error("nothing is drawn")
		}
	}
}

// The code on a device is taken from a photograph, or as text, and can be taken back; what is none changes nothing.
func TestTheCodeOnADeviceIsTakenFromAPhotograph(t *testing.T) {
	h := furnish(t, false)
	at := "/en/devices/" + h.Lamp.ID
	link := label.Link("id.example", &label.Statement{GTIN: 9506000134352}, []byte("an envelope"))
	send := func(photo []byte) string {
		t.Helper()
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("photo", "photo.png")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(photo)
		_ = w.Close()
		return h.answer(t, func(c *http.Client) (*http.Response, error) {
			return c.Post(h.URL+at+"/code", w.FormDataContentType(), &form)
		})
	}
	code, err := qr.Encode(link)
	if err != nil {
		t.Fatal(err)
	}
	page := send(code.PNG())
	seq := undoForm.FindStringSubmatch(page)
	if d, _ := h.Find(h.Lamp.ID); h.status != 200 || d.LabelFile == "" || seq == nil {
		t.Fatalf("%d, label %q", h.status, d.LabelFile)
	}
	h.post(t, "/en/undo", "decision", seq[1])
	if d, _ := h.Find(h.Lamp.ID); d.LabelFile != "" {
		t.Error("it cannot be taken back")
	}
	if h.post(t, at+"/code", "text", link); h.status != 200 {
		t.Errorf("as text: %d", h.status)
	}
	for name, answer := range map[string]string{"no picture": send([]byte("none")), "no code": h.post(t, at+"/code", "text", "hello"), "nothing": h.post(t, at+"/code")} {
		if !strings.Contains(answer, "no code to be read") && !strings.Contains(answer, "That is not a label") {
			t.Errorf("%s: %.300s", name, answer)
		}
	}
}

// The dates can be taken into another calendar, whatever devices are called.
func TestTheCalendarIsTakenIntoAnother(t *testing.T) {
	h := furnish(t, false)
	h.post(t, "/en/devices/"+h.Lamp.ID+"/about", "name", "Éclairage, salon; étage \\ nord "+strings.Repeat("é", 40))
	h.post(t, "/en/devices/"+h.Camera.ID+"/care", "support", "2031-05-06")
	text := h.get(t, "/fr/calendar/updates.ics")
	if strings.Count(text, "BEGIN:VEVENT") != 2 || !strings.Contains(text, "DTSTART;VALUE=DATE:20310506\r\n") {
		t.Error(text)
	}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	if whole := strings.ReplaceAll(text, "\r\n ", ""); !strings.Contains(whole, `Éclairage\, salon\; étage \\ nord é`) {
		t.Errorf("the name is not whole: %s", whole)
	}
}
