package sqlite_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/label"
)

// lampFile is a MUD file, by its digest.
func lampFile() *home.File {
	body := []byte(`{"ietf-mud:mud":{"mud-version":1,"mud-url":"https://lamps.example/l.json","last-update":"2026-01-01T00:00:00Z","is-supported":true,"systeminfo":"l"}}`)
	sum := sha256.Sum256(body)
	return &home.File{SHA256: hex.EncodeToString(sum[:]), At: time.Unix(1e9, 0).UTC(), Origin: home.Maker, Body: body}
}

// lived is a household in which things were decided.
func lived(t *testing.T) (*home.Household, *sqlite.Store) {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	h, cam := household(t, s)
	hub, _ := h.See(frame.MAC{2, 0, 0, 0, 0, 2}, func(d *home.Device) {
		d.Identity, d.Hostnames = device.Identity{Kind: device.IoT, Category: "hub"}, []string{"hub"}
		d.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.7")}
		d.Leases = []home.Lease{{Address: netip.MustParseAddr("2001:db8:1::"), Bits: 48, Until: time.Now().UTC()}}
	})
	f := lampFile()
	if err := s.SaveFile(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Describe(t.Context(), "uid:0", cam.ID, func(d *home.Device) {
		d.Name, d.Room, d.Corrected = "Front door", "Hall", &home.Correction{Kind: device.IoT, Maker: "Ring", Category: "doorbell"}
		d.Care = &home.Care{Bought: label.DayOf(time.Now()), Offline: home.StopsOffline, Note: "receipt in\nthe drawer"}
		d.Says(home.MUDURL{URL: "https://lamps.example/l.json", Via: "operator", At: time.Now().UTC()})
	}); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		verb     home.Verb
		device   string
		argument string
	}{
		{home.HoldTo, cam.ID, f.SHA256},
		{home.Except, cam.ID, "hub tcp/80 2099-01-01T00:00:00Z"},
		{home.Control, cam.ID, "hub"},
		{home.Quarantine, hub.ID, "it is strange"},
		{home.Undo, "", ""},
		{home.Admit, hub.ID, "device-only"},
	} {
		if _, err := h.Decide(t.Context(), "uid:0", x.verb, x.device, x.argument); err != nil {
			t.Fatal(x, err)
		}
	}
	n := home.Noted{Finding: finding.Finding{Kind: finding.TLSWeak, Device: cam.ID, Role: finding.Actor, Last: time.Now().UnixNano()}, State: home.Open}
	if err := errors.Join(s.SaveFindings(t.Context(), []home.Noted{n}), s.Save(t.Context(), h.Devices())); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Note(t.Context(), "uid:0", cam.ID, n.ID(), home.Muted); err != nil {
		t.Fatal(err)
	}
	return h, s
}

// exported is the export of a household as it is written, and read again.
func exported(t *testing.T, h *home.Household) (*home.Export, []byte) {
	t.Helper()
	x, err := h.Export(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if x, err = home.ParseExport(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return x, data
}

func TestWhatIsSaidOfADeviceIsAtMostWhatAnImportTakesIn(t *testing.T) {
	h, s := lived(t)
	id := h.Devices()[0].ID
	for what, say := range map[string]func(*home.Device){
		"name":     func(d *home.Device) { d.Name = strings.Repeat("x", 129) },
		"room":     func(d *home.Device) { d.Room = "\xff" },
		"maker":    func(d *home.Device) { d.Corrected = &home.Correction{Maker: strings.Repeat("x", 2000)} },
		"kind":     func(d *home.Device) { d.Corrected = &home.Correction{Kind: "ghost"} },
		"category": func(d *home.Device) { d.Corrected = &home.Correction{Category: strings.Repeat("x", 129)} },
		"note":     func(d *home.Device) { d.Care = &home.Care{Note: strings.Repeat("x", home.MaxNote+1)} },
		"address": func(d *home.Device) {
			d.Says(home.MUDURL{URL: "https://" + strings.Repeat("x", 2000), Via: "operator"})
		},
	} {
		if _, _, err := h.Describe(t.Context(), "uid:0", id, say); !errors.Is(err, home.ErrVerb) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := h.Describe(t.Context(), "uid:0", id, func(d *home.Device) {
		d.Name, d.Corrected = strings.Repeat("x", 128), &home.Correction{Maker: strings.Repeat("x", 1024), Category: strings.Repeat("x", 128)}
		d.Care = &home.Care{Note: strings.Repeat("x", home.MaxNote), Offline: home.WorksOffline}
	}); err != nil {
		t.Fatal(err)
	}
	x, _ := exported(t, h)
	next, _ := fresh(t)
	if _, err := next.Import(t.Context(), "uid:7", x, false); err != nil {
		t.Fatal(err)
	}
	y, _ := exported(t, next)
	same(t, x.Devices, y.Devices)
	same(t, x.Decisions, y.Decisions[:len(y.Decisions)-1])
	if list, err := s.Decisions(t.Context(), id, 0, 1); err != nil || len(list) != 1 || list[0].Said == nil || len(list[0].Said.After.Corrected.Maker) != 1024 {
		t.Errorf("%+v, %v", list, err)
	}
}

// same holds two exports against each other, but for when they were made.
func same(t *testing.T, a, b any) {
	t.Helper()
	x, _ := json.MarshalIndent(a, "", " ")
	y, _ := json.MarshalIndent(b, "", " ")
	if !bytes.Equal(x, y) {
		t.Errorf("they differ:\n%s\n%s", x, y)
	}
}

func fresh(t *testing.T) (*home.Household, *sqlite.Store) {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	h := &home.Household{Ledger: s, Now: time.Now, Rehearsal: time.Hour}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, s
}

func TestWhatIsExportedIsThereAfterAnImportIntoNothing(t *testing.T) {
	h, _ := lived(t)
	x, _ := exported(t, h)
	next, s := fresh(t)
	made, err := next.Import(t.Context(), "uid:7", x, false)
	if err != nil || made.Verb != home.Import || made.Actor != "uid:7" || made.Seq <= x.Decisions[len(x.Decisions)-1].Seq {
		t.Fatalf("%+v, %v", made, err)
	}
	again := &home.Household{Ledger: s, Now: time.Now}
	if err := again.Open(t.Context()); err != nil { // as it is on the disk
		t.Fatal(err)
	}
	y, _ := exported(t, again)
	same(t, x.Devices, y.Devices)
	same(t, x.Files, y.Files)
	same(t, x.Notes, y.Notes)
	same(t, x.Decisions, y.Decisions[:len(y.Decisions)-1])
	if len(x.Notes) != 1 || len(x.Files) != 1 || len(x.Devices) != 2 {
		t.Errorf("%d notes, %d files, %d devices", len(x.Notes), len(x.Files), len(x.Devices))
	}
	// a decision from before can still be taken back
	if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", "4"); err != nil {
		t.Errorf("decision 4 cannot be undone: %v", err)
	}
}

func TestAnImportIsForTheSameDevicesAndTheOthersStayUnlessTheyAreReplaced(t *testing.T) {
	h, _ := lived(t)
	x, _ := exported(t, h)
	for _, replace := range []bool{false, true} {
		next, s := fresh(t)
		// the gateway saw the camera, and another device, before
		cam, _ := next.See(frame.MAC{2, 0, 0, 0, 0, 1}, func(d *home.Device) {
			d.First, d.Last, d.Addresses = time.Now().UTC(), time.Now().UTC(), []netip.Addr{netip.MustParseAddr("10.0.0.5")}
		})
		other, _ := next.See(frame.MAC{2, 0, 0, 0, 0, 9}, func(d *home.Device) { d.Last = time.Now().UTC().Add(-time.Hour) })
		if err := s.Save(t.Context(), next.Devices()); err != nil {
			t.Fatal(err)
		}
		if _, err := next.Decide(t.Context(), "uid:0", home.Release, cam.ID, ""); err != nil {
			t.Fatal(err)
		}
		before, _ := exported(t, next)
		made, err := next.Import(t.Context(), "uid:0", x, replace)
		if err != nil {
			t.Fatal(err)
		}
		d, err := next.Find("Front door")
		if err != nil || d.ID != cam.ID || d.State != home.Held || d.Addresses[0].String() != "10.0.0.5" {
			t.Errorf("%+v, %v", d, err)
		}
		hub, err := next.Find("hub")
		if err != nil || d.Exceptions[0].Device != hub.ID || d.Controllers[0].Device != hub.ID {
			t.Errorf("%+v, %v", d, err)
		}
		if _, err := next.Find(other.ID); (err == nil) == replace {
			t.Errorf("replace %v, and what is here alone: %v", replace, err)
		}
		list, err := s.Decisions(t.Context(), cam.ID, 0, 100)
		if err != nil || len(list) != 6 {
			t.Errorf("%d decisions about the camera, %v", len(list), err)
		}
		// twice brings nothing more
		if _, err := next.Import(t.Context(), "uid:0", x, replace); err != nil {
			t.Fatal(err)
		}
		if list, _ := s.Decisions(t.Context(), cam.ID, 0, 100); len(list) != 6 {
			t.Errorf("%d decisions about the camera after the second time", len(list))
		}
		for range 2 {
			if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		after, _ := exported(t, next)
		same(t, before.Devices, after.Devices)
		// then what was decided here before is undone next, not what came with the file
		if back, err := next.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil || back.Device != cam.ID || back.After.State != home.Free {
			if err != nil || back.Device != cam.ID {
				t.Errorf("%+v, %v", back, err)
			}
		}
		if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", "1"); !errors.Is(err, home.ErrStale) {
			t.Errorf("undone twice: %v", err)
		}
		_ = made
	}
}

func TestAnImportIsUndoneOnlyBeforeAnythingElseIsDecided(t *testing.T) {
	h, _ := lived(t)
	x, _ := exported(t, h)
	next, _ := fresh(t)
	made, err := next.Import(t.Context(), "uid:0", x, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.Decide(t.Context(), "uid:0", home.Release, "hub", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", "7"); !errors.Is(err, home.ErrStale) {
		t.Errorf("import %d: %v", made.Seq, err)
	}
	for range 2 {
		if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if next.Len() != 0 {
		t.Errorf("%d devices are left of the import", next.Len())
	}
	if _, err := next.Decide(t.Context(), "uid:0", home.Undo, "", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what came with the file is undone after it: %v", err)
	}
}

func TestFilesThatStrangersOfferDoNotMakeAnExportTooLarge(t *testing.T) {
	h, s := lived(t)
	for i := range 50 {
		f := lampFile()
		f.Body = append(f.Body, bytes.Repeat([]byte(" "), 900<<10+i)...)
		sum := sha256.Sum256(f.Body)
		f.SHA256 = hex.EncodeToString(sum[:])
		h.See(frame.MAC{2, 0, 0, 0, 1, byte(i)}, func(d *home.Device) {
			d.Identity.Kind, d.Offer = device.IoT, &home.Offer{File: f.SHA256, Origin: home.Maker, Why: "unsigned"}
		})
		if err := s.SaveFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	x, data := exported(t, h) // which reads it again
	held := slices.ContainsFunc(x.Files, func(f *home.File) bool { return f.SHA256 == lampFile().SHA256 })
	offers := len(slices.DeleteFunc(x.Devices, func(d *home.Device) bool { return d.Offer == nil }))
	if !held || offers == 0 || offers != len(x.Files)-1 || len(data) > home.MaxExport/2 {
		t.Errorf("%d files, %d offers, %d octets; the file that a device is held to: %v", len(x.Files), offers, len(data), held)
	}
}

func TestFilesThatNothingSpeaksOfAreForgottenAndAllOthersStay(t *testing.T) {
	h, s := lived(t)
	save := func(i int) string {
		f := lampFile()
		f.Body = append(f.Body, bytes.Repeat([]byte(" "), i)...)
		sum := sha256.Sum256(f.Body)
		f.SHA256 = hex.EncodeToString(sum[:])
		if err := s.SaveFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		return f.SHA256
	}
	offered, held, imported, loose, again, labelled := save(1), save(2), save(3), save(4), save(5), save(6)
	cam, err := h.Find("Front door")
	if err != nil {
		t.Fatal(err)
	}
	for _, sha := range []string{imported, held} {
		if _, err := h.Decide(t.Context(), "uid:0", home.HoldTo, cam.ID, sha); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Decide(t.Context(), "uid:0", home.Bind, cam.ID, labelled); err != nil {
		t.Fatal(err)
	}
	if err := h.Propose(t.Context(), cam.ID, &home.Offer{File: offered, Origin: home.Maker}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		for sha, want := range map[string]bool{offered: true, held: true, imported: true, labelled: true, lampFile().SHA256: true, loose: i < 2, again: true} {
			if _, err := s.File(t.Context(), sha); (err == nil) != want {
				t.Errorf("after %d: is there %v, want %v: %v", i, err == nil, want, err)
			}
		}
		if i == 1 {
			save(5) // it is about to be spoken of
		}
		if err := s.Prune(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesThatAnImportCanBeUndoneToStay(t *testing.T) {
	h, s := lived(t)
	x, _ := exported(t, h)
	for _, d := range x.Devices { // elsewhere, nobody is held, and nothing was decided
		d.File, d.State, d.Offer = "", home.Free, nil
	}
	x.Decisions, x.Files = nil, nil
	f := lampFile()
	f.Body = append(f.Body, ' ')
	sum := sha256.Sum256(f.Body)
	f.SHA256 = hex.EncodeToString(sum[:])
	if err := errors.Join(s.SaveFile(t.Context(), f), h.Propose(t.Context(), x.Devices[0].ID, &home.Offer{File: f.SHA256, Origin: home.Maker})); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Import(t.Context(), "uid:0", x, false); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Prune(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.File(t.Context(), f.SHA256); err != nil {
		t.Error(err)
	}
}

func TestWhatWasDoneAboutFindingsOfDevicesThatAreGoneIsNotExported(t *testing.T) {
	h, _ := lived(t)
	next, s := fresh(t)
	old, _ := next.See(frame.MAC{2, 0, 0, 0, 0, 9}, func(*home.Device) {})
	n := home.Noted{Finding: finding.Finding{Kind: finding.TLSWeak, Device: old.ID, Role: finding.Actor, Last: time.Now().UnixNano()}, State: home.Open}
	if err := errors.Join(s.Save(t.Context(), next.Devices()), s.SaveFindings(t.Context(), []home.Noted{n}), s.SetFinding(t.Context(), n.ID(), home.Muted)); err != nil {
		t.Fatal(err)
	}
	x, _ := exported(t, h)
	if _, err := next.Import(t.Context(), "uid:0", x, true); err != nil {
		t.Fatal(err)
	}
	if y, _ := exported(t, next); len(y.Notes) != 1 || y.Notes[0].Device == old.ID { // exported reads it again
		t.Errorf("%+v", y.Notes)
	}
}

func TestAnImportThatCannotBeKeptChangesNothing(t *testing.T) {
	h, _ := lived(t)
	x, _ := exported(t, h)
	next, s := fresh(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Import(t.Context(), "uid:0", x, false); err == nil || next.Len() != 0 {
		t.Errorf("%d devices, %v", next.Len(), err)
	}
}

func TestWhatIsWrongWithAnExportIsSaidWithItsPlace(t *testing.T) {
	h, s := lived(t)
	speak(t, s, "Cottage", h.Devices()[0].ID, time.Unix(1e9, 0))
	_, data := exported(t, h)
	good := string(data)
	for name, c := range map[string]struct{ old, new, want string }{
		"another version":     {`export/1"`, `export/9"`, "schema"},
		"a member more":       {`{"schema"`, `{"colour":1,"schema"`, "schema"},
		"an unknown member":   {`,"devices":`, `,"colour":1,"devices":`, "colour"},
		"in a device":         {`"room":"Hall"`, `"room":"Hall","colour":"blue"`, `]: json: unknown field "colour"`},
		"of another type":     {`"room":"Hall"`, `"room":7`, "room"},
		"no state":            {`"state":"held"`, `"state":"happy"`, "state"},
		"held to nothing":     {`"file":"` + lampFile().SHA256 + `"`, `"file":"` + strings.Repeat("0", 64) + `"`, "file: it is not among the files"},
		"another file":        {`"sha256":"`, `"sha256":"f`, "files[0].sha256"},
		"nobody’s address":    {`"02:00:00:00:00:01"`, `"01:00:00:00:00:01"`, "macs"},
		"twice the same":      {`"02:00:00:00:00:01"`, `"02:00:00:00:00:02"`, "is there twice"},
		"a lease of nothing":  {`"bits":48`, `"bits":480`, "leases[0]"},
		"no room for more":    {`"seq":6,`, `"seq":9223372036854775806,`, "decisions[5].seq: it is too large"},
		"a verb of nobody":    {`"verb":"quarantine"`, `"verb":"explode"`, "verb"},
		"an exception to all": {`"service":"tcp/80"`, `"service":"tcp/0"`, "exceptions[0]"},
		"a note of nothing":   {`"kind":"tls.weak"`, `"kind":"tls.strong"`, "notes[0]"},
		"a name of two lines": {`"name":"Cottage"`, `"name":"Cot\ntage"`, "settings: a name"},
		"a setting of nobody": {`"guest_page"`, `"password"`, `unknown field "password"`},
		"no settings at all":  {`"settings":{`, `"settings":[{`, "settings"},
		"a list of nobody":    {`"list":"lessons"`, `"list":"asked"`, "ticks[0]: no list"},
		"a point of no name":  {`"item":"here"`, `"item":""`, "ticks[0]: no list"},
		"a point too long":    {`"item":"here"`, `"item":"` + strings.Repeat("x", 129) + `"`, "ticks[0]: no list"},
		"done by too much":    {`"by":"page:owner"`, `"by":"` + strings.Repeat("x", 166) + `"`, "ticks[0]: no list"},
		"done before time":    {`"at":"2001-09-09T01:46:40Z","by"`, `"at":"0001-01-01T00:00:00Z","by"`, "ticks[0]: no list"},
		"null for a tick":     {`"ticks":[`, `"ticks":[null,`, "ticks[0]: it is null"},
		"too many ticks":      {`"ticks":[`, `"ticks":[` + strings.Repeat(`{"list":"lessons","item":"x","at":"2001-09-09T01:46:40Z","by":""},`, home.MaxTicks), "ticks: it has more than"},
		"something behind it": {`"notes":[`, `"notes":[],"notes":[`, "twice"},
		"null for a device":   {`"devices":[`, `"devices":[null,`, "devices[0]: it is null"},
		"a list for a device": {`"devices":[`, `"devices":[[],`, "devices[0]"},
		"no devices":          {`"devices":`, `"files":`, "files"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Errorf("%s: nothing to change", name)
			continue
		}
		if _, err := home.ParseExport(strings.NewReader(bad)); !errors.Is(err, home.ErrExport) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %s", name, err, c.want)
		}
	}
	for _, bad := range []string{"", "null", "[]", "{", good[:len(good)/2], good + "x", good + good} {
		if _, err := home.ParseExport(strings.NewReader(bad)); !errors.Is(err, home.ErrExport) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	huge := strings.Replace(good, `"room":"Hall"`, `"room":"`+strings.Repeat("x", home.MaxExport)+`"`, 1)
	if _, err := home.ParseExport(strings.NewReader(huge)); !errors.Is(err, home.ErrExport) || !strings.Contains(err.Error(), "octets") {
		t.Errorf("without bound: %v", err)
	}
}

// Whatever a file says, it is refused with a reason, or it is one that comes out as it went in, and can be taken in.
func FuzzParseExport(f *testing.F) {
	f.Add([]byte(`{"schema":"plimsoll.home.export/1","version":"v","at":"2026-11-27T00:00:00Z","devices":[{"id":"d0123456789abcdef","macs":["02:00:00:00:00:01"],` +
		`"name":"n","room":"","hostnames":null,"identity":{"kind":"iot","maker":"","model":"","category":"","confidence":0.5,"because":null},"addresses":["192.0.2.1"],` +
		`"first":"2026-11-26T00:00:00Z","last":"2026-11-27T00:00:00Z","mud":null,"admission":"full","state":"free","since":"2026-11-27T00:00:00Z",` +
		`"exceptions":["a.example",{"device":"d0123456789abcdef","service":"tcp/1"}]}],"decisions":[],"files":[],"makers":[],"notes":[]}`))
	f.Add([]byte(`{"schema":"plimsoll.home.export/1","devices":[],"decisions":[{"seq":1,"at":"2026-11-27T00:00:00Z","actor":"uid:0","verb":"import","device":"",` +
		`"before":{"admission":"","state":"","since":"0001-01-01T00:00:00Z"},"after":{"admission":"","state":"","since":"0001-01-01T00:00:00Z"}}],"files":[]}`))
	f.Add([]byte(`{"schema":"plimsoll.home.export/1","devices":[],"decisions":[],"files":[],"settings":{"name":"n","provider":{"name":"","phone":""},` +
		`"helper":{"name":"","phone":"1"},"guest_page":true},"ticks":[{"list":"support","item":"d0123456789abcdef 2027-01-01 true","at":"2600-01-01T00:00:00Z","by":"page:x"}]}`))
	dir := f.TempDir()
	n := 0
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := home.ParseExport(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, home.ErrExport) {
				t.Errorf("the reason is none: %v", err)
			}
			return
		}
		again, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := home.ParseExport(bytes.NewReader(again)); err != nil {
			t.Errorf("it does not come out as it went in: %v\n%s", err, again)
		}
		n++
		s := open(t, filepath.Join(dir, "fuzz", hex.EncodeToString([]byte{byte(n >> 8), byte(n)})+".db"))
		h := &home.Household{Ledger: s, Now: time.Now}
		if err := h.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Import(t.Context(), "uid:0", x, n%2 == 0); err != nil || h.Len() != len(x.Devices) {
			t.Errorf("%d devices of %d: %v", h.Len(), len(x.Devices), err)
		}
	})
}

func TestConversationsAreKeptAndTheOldestGo(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "home.db"))
	c := policy.Remembered{Device: frame.MAC{2, 0, 0, 0, 0, 1}}
	c.Peer, c.Own, c.PeerPort, c.OwnPort, c.Proto = frame.AddrFrom(netip.MustParseAddr("203.0.113.5")), frame.AddrFrom(netip.MustParseAddr("192.168.1.2")), 443, 40000, 6
	c.Names, c.Told, c.Answered, c.Flows, c.First, c.Last, c.Flow, c.Protocol = []string{"cloud.example"}, true, true, 3, 10, 20, "1:x=", "tls"
	c.Packets, c.Octets = 9, 900
	six := c
	six.Peer, six.Direction, six.Names, six.Last = frame.AddrFrom(netip.MustParseAddr("2001:db8::5")), policy.ToDevice, nil, 30
	if err := s.SaveConversations(t.Context(), []policy.Remembered{c, six}); err != nil {
		t.Fatal(err)
	}
	c.Flows, c.Last = 4, 40
	if err := s.SaveConversations(t.Context(), []policy.Remembered{c}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, list, []policy.Remembered{c, six})
	if err := s.ForgetConversations(t.Context(), time.Unix(0, 35)); err != nil {
		t.Fatal(err)
	}
	if list, err = s.Conversations(t.Context()); err != nil || len(list) != 1 || !slices.Equal(list[0].Names, c.Names) {
		t.Errorf("%+v, %v", list, err)
	}
}

// What somebody said is taken back as far as that decision changed it; what was said since of the same thing stays.
func TestWhatWasSaidIsTakenBack(t *testing.T) {
	h, s := fresh(t)
	d, _ := h.See(frame.MAC{2, 0, 0, 0, 0, 1}, func(d *home.Device) { d.Hostnames = []string{"cam"} })
	say := func(change func(*home.Device)) int64 {
		t.Helper()
		_, made, err := h.Describe(t.Context(), "page:ana", d.ID, change)
		if err != nil || made == nil {
			t.Fatal(made, err)
		}
		return made.Seq
	}
	undo := func(seq int64) error {
		_, err := h.Decide(t.Context(), "page:ana", home.Undo, "", strconv.FormatInt(seq, 10))
		return err
	}
	named := say(func(d *home.Device) { d.Name = "Porch" })
	say(func(d *home.Device) { d.Corrected = &home.Correction{Kind: device.IoT, Category: "camera"} })
	noted := say(func(d *home.Device) { d.Care = &home.Care{Support: label.DayOf(time.Now())} })
	if err := undo(named); err != nil {
		t.Fatal(err)
	}
	if now, _ := h.Find(d.ID); now.Name != "" || now.Corrected == nil || now.Care == nil {
		t.Errorf("more, or less, is taken back than was said: %+v", now)
	}
	say(func(d *home.Device) { d.Care = &home.Care{Note: "other"} })
	if err := undo(noted); !errors.Is(err, home.ErrStale) {
		t.Errorf("what was said since is lost: %v", err)
	}
	if err := undo(named); !errors.Is(err, home.ErrStale) {
		t.Errorf("it is undone twice: %v", err)
	}
	n := home.Noted{Finding: finding.Finding{Kind: finding.TLSWeak, Device: d.ID, Role: finding.Actor, Last: 1}, State: home.Open}
	if err := s.SaveFindings(t.Context(), []home.Noted{n}); err != nil {
		t.Fatal(err)
	}
	made, err := h.Note(t.Context(), "page:ana", d.ID, n.ID(), home.Muted)
	if err != nil {
		t.Fatal(err)
	}
	if err := undo(made.Seq); err != nil {
		t.Fatal(err)
	}
	if now, err := s.NoteOf(t.Context(), d.ID, n.ID()); err != nil || now != home.Open {
		t.Errorf("a finding that was normal, and is not: %s, %v", now, err)
	}
	if err := undo(made.Seq); !errors.Is(err, home.ErrStale) {
		t.Errorf("it is undone twice: %v", err)
	}
	if _, err := h.Note(t.Context(), "page:ana", d.ID, "none", home.Muted); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such finding: %v", err)
	}
}
