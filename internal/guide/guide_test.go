package guide

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/locale/localetest"
)

// same lists the keys whose text is rightly the same in both languages.
var same = []string{
	"body.isoc", "body.nist.8425", "fault.other", "nearest.entry", "protocol.other", "weakness.other",
	"acr.term", "bluetooth.term", "ftp.term", "guard.term", "https.term", "modem.term", "octets.term", "onvif.term", "pause.term", "ping.term", "port.term",
	"rtsp.term", "service.term", "smb.term", "telnet.term", "tls.term", "upnp.term", "wifi.term", "wpa.term", "zigbee.term",
}

func TestLanguagesSayTheSameAndWriteItWell(t *testing.T) {
	files, err := data.ReadDir("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			localetest.Check(t, localetest.Catalogue{English: file(t, "en/"+f.Name()), French: file(t, "fr/"+f.Name()), Same: same})
		})
	}
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := data.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// example has for each detail a value such as the detectors give.
var example = map[string]any{
	"address":  "192.0.2.1",
	"count":    uint64(64),
	"domain":   "example.com",
	"example":  "xkqjzwvb.example",
	"fault":    "self-signed",
	"feed":     "urlhaus",
	"file":     "update.bin",
	"name":     "printer.local",
	"nearest":  "tcp/443 local-networks",
	"packets":  uint64(5200),
	"peer":     "cloud.example",
	"period":   5 * time.Minute,
	"protocol": "telnet",
	"rate":     uint64(900),
	"day":      "2031-03-31",
	"issuer":   "Example Body",
	"product":  "Example Lamps Plug",
	"service":  "tcp/23",
	"span":     40 * time.Second,
	"weakness": "tls1.0",
}

// cases are a finding of each kind and role, with confidences of all bands.
func cases() []*finding.Finding {
	var list []*finding.Finding
	for _, about := range finding.Kinds() {
		for _, role := range about.Roles {
			for _, confidence := range []float64{0.95, 0.7, 0.4} {
				f := &finding.Finding{Kind: about.Kind, Role: role, Confidence: confidence, Count: 12}
				for _, key := range about.Details {
					f.Details = append(f.Details, finding.Detail{Key: key, Value: example[key]})
				}
				list = append(list, f)
			}
		}
	}
	for _, own := range []finding.Finding{ // cases that have texts of their own, or have none
		{Kind: finding.IndicatorMatch, Details: []finding.Detail{{Key: "peer", Value: "pool.example"}, {Key: "feed", Value: finding.FeedMining}}},
		{Kind: finding.MUDDeparture, Details: []finding.Detail{{Key: "peer", Value: "cloud.example"}, {Key: "service", Value: "tcp/23"}, {Key: "nearest", Value: ""}}},
	} {
		own.Role, own.Confidence, own.Count = finding.Actor, 0.8, 3
		list = append(list, &own)
	}
	return list
}

// parts are all texts of an explanation.
func (t Text) parts() []string {
	return slices.Concat([]string{t.Title, t.Seen, t.Sure, t.Why}, t.Do, []string{t.Undo}, t.Who, t.Call)
}

func TestEveryKindAndRoleIsExplainedInEachLanguage(t *testing.T) {
	for _, lang := range locale.Languages {
		words := locale.New(lang)
		for _, f := range cases() {
			text := Explain(words, f, "camera")
			if len(text.Do) == 0 || len(text.Do) > maxSteps || len(text.Who) == 0 || len(text.Call) == 0 {
				t.Errorf("%s %s %s: %d things to do, %d who act, %d to call", lang, f.Kind, f.Role, len(text.Do), len(text.Who), len(text.Call))
			}
			for _, part := range text.parts() {
				if part == "" || strings.ContainsAny(part, "{}") || strings.HasPrefix(part, string(f.Kind)+".") {
					t.Errorf("%s %s %s: not whole: %q", lang, f.Kind, f.Role, part)
				}
			}
		}
	}
}

// Where a press cuts the device off, no step sends people to the router’s app or to the plug first; what is done by the
// press is undone by one.
func TestWhereThePagesCanCutADeviceOffTheStepsNameThePress(t *testing.T) {
	press := map[locale.Lang][3]string{
		locale.English: {"“Cut it off”", "router’s app", "“Undo”"}, locale.French: {"«\u00a0Le couper du réseau\u00a0»", "en pause", "«\u00a0Annuler\u00a0»"},
	}
	for _, lang := range locale.Languages {
		words := locale.New(lang)
		for _, f := range cases() {
			text := ExplainHere(words, f, "camera")
			if f.Role == finding.Actor && strings.Contains(strings.Join(text.Do, " "), press[lang][1]) {
				t.Errorf("%s %s: %q", lang, f.Kind, text.Do)
			}
			if text.Cut > 0 && (!strings.Contains(text.Do[text.Cut-1], press[lang][0]) || !strings.Contains(text.Undo, press[lang][2])) {
				t.Errorf("%s %s: step %d of %q, undone so: %q", lang, f.Kind, text.Cut, text.Do, text.Undo)
			}
			if f.Kind == finding.ScanHorizontal && f.Role == finding.Actor && text.Cut != 1 {
				t.Errorf("%s: a scan is not cut off first: %q", lang, text.Do)
			}
		}
	}
}

func TestWhatDetectorsLeaveOutIsToldAsUnknown(t *testing.T) {
	for _, lang := range locale.Languages {
		words := locale.New(lang)
		for _, f := range cases() {
			f.Details = []finding.Detail{{Key: "peer", Value: ""}}
			if seen := Explain(words, f, "camera").Seen; strings.ContainsAny(seen, "{}") || strings.Contains(seen, ".none") {
				t.Errorf("%s %s: %q", lang, f.Kind, seen)
			}
		}
	}
}

// Names stand as they are, also where they begin a sentence.
func TestNamesAreNotChanged(t *testing.T) {
	for _, lang := range locale.Languages {
		for _, f := range cases() {
			if seen := Explain(locale.New(lang), f, "hubv3-301").Seen; !strings.HasPrefix(seen, "hubv3-301 ") {
				t.Errorf("%s %s: %q", lang, f.Kind, seen)
			}
		}
	}
}

func TestEveryTextIsOfSomeKind(t *testing.T) {
	used := map[string]bool{"here.undo": true, "sure.very": true, "sure.quite": true, "sure.perhaps": true}
	for _, f := range cases() {
		p, ok := parties[string(f.Kind)+"."+string(f.Role)]
		if !ok {
			t.Errorf("no parties for %s %s", f.Kind, f.Role)
		}
		for _, who := range p.who {
			used["who."+who] = true
		}
		for _, call := range p.call {
			used["call."+call] = true
		}
		for _, part := range []string{"title", "seen", "doubt", "why", "do.1", "do.2", "do.3", "undo", "do.1.here", "do.2.here", "do.3.here"} {
			used[string(f.Kind)+"."+string(f.Role)+"."+part] = true
			used[string(f.Kind)+"."+string(f.Role)+"."+variant(f)+"."+part] = true
		}
	}
	for _, name := range []string{"finding", "party"} {
		for _, key := range keys(t, "en/"+name+".json") {
			if !used[key] {
				t.Errorf("%s.json: nothing asks for %s", name, key)
			}
		}
	}
	for key := range parties {
		if !used[key+".title"] {
			t.Errorf("a row for %s, which is no kind and role", key)
		}
	}
}

func keys(t *testing.T, name string) []string {
	t.Helper()
	var messages map[string]any
	if err := json.Unmarshal(file(t, name), &messages); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(messages))
}

// What a finding says of the wire comes from strangers: it is told as it is, once, whatever it holds.
func FuzzExplain(f *testing.F) {
	f.Add("lamp", "cloud.example", "tcp/443 tls")
	f.Add("", "", "")
	f.Add("{peer}", "{service}", "{n}")
	f.Add("\xff", "fe80::1%eth0", "tcp/")
	f.Add("é", "ff:ff:ff:ff:ff:ff", "/")
	f.Add("0", "", strings.Repeat("\xff", 200)+"/1")
	f.Fuzz(func(t *testing.T, device, peer, service string) {
		for _, lang := range locale.Languages {
			about := finding.Finding{Kind: finding.NewDestination, Role: finding.Actor, Details: []finding.Detail{{Key: "peer", Value: peer}, {Key: "service", Value: service}}}
			seen := Explain(locale.New(lang), &about, device).Seen
			if !strings.Contains(seen, peer) {
				t.Errorf("%s: %q is not told in %q", lang, peer, seen)
			}
			if !strings.HasSuffix(seen, ".") {
				t.Errorf("%s: not a whole sentence: %q", lang, seen)
			}
			// in letters: what is none takes more octets when it is told than on the wire
			if n, limit := utf8.RuneCountInString(seen), utf8.RuneCountInString(device+peer+service)+200; n > limit {
				t.Errorf("%s: %d letters, more than %d: %q", lang, n, limit, seen)
			}
		}
	})
}
