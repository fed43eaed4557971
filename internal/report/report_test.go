package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
)

// home is a network of four devices, one of each state.
func home() *inspect.Result {
	r := &inspect.Result{
		Capture: inspect.Capture{Packets: 1000, Octets: 90_000, First: "2026-05-04T18:00:00Z", Last: "2026-05-04T19:00:00Z"},
		Devices: []inspect.Device{named("camera"), named("plug"), named("lamp"), named("box")},
		Findings: []inspect.Finding{
			found("f1", finding.ScanHorizontal, "camera", finding.High),
			found("f2", finding.ClearCredentials, "plug", finding.Medium),
			found("f3", finding.TLSWeak, "lamp", finding.Low),
		},
	}
	for i, signs := range [][]grade.Sign{
		{{ID: "f1", Role: finding.Actor, Severity: finding.High, Confidence: 1}},
		{{ID: "f2", Role: finding.Actor, Severity: finding.Medium, Confidence: 1}},
		{{ID: "f3", Role: finding.Actor, Severity: finding.Low, Confidence: 1}},
		nil,
	} {
		e := grade.Evidence{Identified: true, Watched: time.Hour, Packets: 100, Understood: 1, Whole: true}
		if i == 3 {
			e.Watched = time.Minute
		}
		r.Devices[i].Grade = grade.Of(signs, e)
		for _, s := range signs {
			r.Devices[i].Findings = append(r.Devices[i].Findings, s.ID)
		}
	}
	return r
}

func named(name string) inspect.Device {
	return inspect.Device{
		ID: name, MAC: "02:00:00:00:00:01", Hostnames: []string{name}, Addresses: []string{"fe80::1", "192.0.2.7"},
		Identity: device.Identity{Kind: device.IoT, Category: "plug", Confidence: 0.8},
		Traffic:  inspect.Traffic{PacketsOut: 100},
	}
}

func found(id string, k finding.Kind, of string, s finding.Severity) inspect.Finding {
	text := func(lang string) guide.Text {
		return guide.Text{Title: lang + " title of " + id, Seen: lang + " seen " + id, Do: []string{lang + " first step of " + id, lang + " second step"}}
	}
	return inspect.Finding{
		ID: id, Kind: k, Device: of, Role: finding.Actor, Severity: s, Confidence: 1,
		Text: map[string]guide.Text{"en": text("en"), "fr": text("fr")},
	}
}

func text(t *testing.T, r *inspect.Result, l locale.Lang) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, r, locale.New(l)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheFirstLineSaysIfAllIsWell(t *testing.T) {
	for l, want := range map[locale.Lang]string{
		locale.English: "4 devices. 1 fine, 1 to check, 1 needs you now, 1 we do not know.\n",
		locale.French:  "4 appareils. 1 va bien, 1 est à vérifier, 1 a besoin de vous, 1 reste à connaître.\n",
	} {
		if got := text(t, home(), l); !strings.HasPrefix(got, want) {
			t.Errorf("got  %.120q\nwant %q", got, want)
		}
	}
	r := home()
	r.Devices = r.Devices[2:3]
	if got := text(t, r, locale.French); !strings.HasPrefix(got, "1 appareil. 1 va bien.\n") {
		t.Errorf("one device: %.80q", got)
	}
}

func TestWhatToDoComesFirstTheMostPressingAtTheTop(t *testing.T) {
	got := text(t, home(), locale.English)
	want := "What to do first:\n  1. camera: en first step of f1\n     (en title of f1)\n  2. plug: en first step of f2\n     (en title of f2)\n\nDEVICE"
	if !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
	if strings.Contains(strings.SplitN(got, "DEVICE", 2)[0], "f3") {
		t.Error("a finding that changes no grade asks for action")
	}
}

func TestThereAreThreeActionsAtMostAndOneForEachKind(t *testing.T) {
	r := home()
	for i, k := range []finding.Kind{finding.ClearCredentials, finding.ClearCredentials, finding.ClearContent, finding.DNSBypass, finding.TLSCertificate} {
		id := "g" + string(rune('0'+i))
		d := named("extra " + id)
		d.Findings = []string{id}
		d.Grade = grade.Of([]grade.Sign{{ID: id, Role: finding.Actor, Severity: finding.Medium, Confidence: 1}}, grade.Evidence{})
		r.Devices = append(r.Devices, d)
		r.Findings = append(r.Findings, found(id, k, d.ID, finding.Medium))
	}
	actions := report.Actions(r)
	if len(actions) != 3 || actions[0].Finding.Kind != finding.ScanHorizontal {
		t.Fatalf("%d actions, first %v", len(actions), actions[0].Finding.Kind)
	}
	for i := range actions {
		if a := &actions[i]; a.Finding.Kind == finding.ClearCredentials {
			w := report.Words{Catalogue: locale.New(locale.English)}
			if got := w.Names(a); got != "plug, extra g0 and extra g1" {
				t.Errorf("devices of the action: %q", got)
			}
		}
	}
}

func TestEachDeviceTellsItsStateTheReasonAndItsFindings(t *testing.T) {
	got := text(t, home(), locale.English)
	for _, want := range []string{
		"camera (02:00:00:00:00:01, 192.0.2.7)\n  Needs you: en title of f1.\n  * en title of f1\n    en seen f1\n    1. en first step of f1\n    2. en second step\n",
		"plug (02:00:00:00:00:01, 192.0.2.7)\n  To check: en title of f2.\n",
		"lamp (02:00:00:00:00:01, 192.0.2.7)\n  Fine: enough was seen, and something small is worth a look when you have time.\n  * en title of f3\n",
		"box (02:00:00:00:00:01, 192.0.2.7)\n  Not known: it was seen for less than ten minutes.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	table := got[strings.Index(got, "DEVICE"):]
	for name, state := range map[string]string{"camera": "needs you", "plug": "to check", "lamp": "fine", "box": "not known"} {
		for line := range strings.Lines(table) {
			if f := strings.Fields(line); len(f) > 2 && f[0] == name && !strings.Contains(line, "(") && !strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(line, name)), state) {
				t.Errorf("the table says of %s: %s", name, line)
			}
		}
	}
}

func TestWhereNothingIsFoundNothingIsAskedFor(t *testing.T) {
	r := home()
	r.Findings = nil
	r.Devices = r.Devices[2:3]
	if got := text(t, r, locale.English); !strings.Contains(got, "\nThere is nothing to do now.\n") {
		t.Error(got)
	}
	r.Devices = home().Devices[3:]
	if got := text(t, r, locale.English); !strings.Contains(got, "let Plimsoll watch for an hour") {
		t.Error(got)
	}
}
