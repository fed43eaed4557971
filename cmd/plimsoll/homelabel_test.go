package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// office is a registry whose word a test decides.
type office struct {
	registry, issuer ed25519.PrivateKey
	bundle           []byte
	envelope         *label.Envelope // the one label that it has on record
	changes          [][]byte
	down             bool
}

func seeded(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicOf(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	write := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch path := strings.TrimPrefix(r.URL.Path, "/api/v1/"); {
	case o.down:
		w.WriteHeader(http.StatusBadGateway)
	case path == "bundle":
		_, _ = w.Write(o.bundle)
	case path == "issuers":
		write(map[string]any{"issuers": []any{map[string]any{"keys": []any{map[string]any{"public": []byte(publicOf(o.issuer))}}}}})
	case path == "products":
		write(map[string]any{"products": []any{map[string]any{"gtin": "09506000134352"}}})
	case strings.HasPrefix(path, "products/"):
		write(map[string]any{"labels": []any{map[string]any{"id": label.Hash(label.LeafHash(o.envelope.Label)), "label": o.envelope.Label}}})
	case !strings.HasPrefix(path, "labels/"+label.Hash(label.LeafHash(o.envelope.Label)).String()):
		http.NotFound(w, r)
	case strings.HasSuffix(path, "/envelope"):
		data, _ := o.envelope.Marshal()
		_, _ = w.Write(data)
	default:
		list := []any{}
		for _, c := range o.changes {
			list = append(list, map[string]any{"record": c})
		}
		write(map[string]any{"changes": list})
	}
}

// says has the registry publish that its label has a status.
func (o *office) says(t *testing.T, made time.Time, s label.Status) {
	t.Helper()
	b := &label.Bundle{Version: label.Version, Registry: "Example Registry", Made: made, Issuers: []label.Issuer{{Name: "Example Body", Key: publicOf(o.issuer), From: 1}}}
	if err := b.SetStatuses([]label.Status{s}); err != nil {
		t.Fatal(err)
	}
	data, err := b.Sign(o.registry)
	if err != nil {
		t.Fatal(err)
	}
	o.bundle = data
}

// changes the label, on record.
func (o *office) change(t *testing.T, verb label.Verb, at time.Time) {
	t.Helper()
	c, err := label.SignChange(&label.Change{Version: label.Version, Label: label.LeafHash(o.envelope.Label), Number: uint32(len(o.changes) + 1), Verb: verb, At: at.Unix(), Reason: "remedied"}, o.issuer)
	if err != nil {
		t.Fatal(err)
	}
	o.changes = append(o.changes, c)
}

const lampMUD = "https://mud.lamps.example/p"

// followed is a gateway that follows a registry, and a label in a file.
func followed(t *testing.T) (g *gateway, o *office, socket, file string, now *time.Time) {
	t.Helper()
	g, socket = running(t)
	o = &office{registry: seeded("registry"), issuer: seeded("issuer")}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	now = &clock
	g.household.Now = func() time.Time { return *now }
	s := &trust.Source{
		URL: server.URL, Key: publicOf(o.registry), Dir: t.TempDir(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: g.household.Now,
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	g.labels.sources = []*trust.Source{s}
	st := &label.Statement{
		Version: label.Version, GTIN: 9506000134352, Maker: "Example Lamps", Model: "LP-110", Profile: 1, Issued: label.DayOf(clock), MUDURL: lampMUD,
		Support: label.DayOf(clock) + 30,
	}
	st.SetClass("etsi.5.1-1", label.Declared)
	sign1, err := label.Sign(st, o.issuer)
	if err != nil {
		t.Fatal(err)
	}
	o.envelope = &label.Envelope{Version: label.Version, Label: sign1}
	body, err := o.envelope.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "lamp.label")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	o.says(t, clock, label.Active)
	g.hears(t)
	return g, o, socket, file, now
}

// hears has the gateway ask its registry, and do what follows.
func (g *gateway) hears(t *testing.T) {
	t.Helper()
	if _, err := g.labels.sources[0].Refresh(t.Context()); err != nil {
		t.Log(err)
	}
	if err := g.labels.look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// notes are the findings about labels, by kind.
func (g *gateway) notes(t *testing.T) map[finding.Kind]home.NoteState {
	t.Helper()
	list, err := g.store.Findings(t.Context(), g.cam(t).ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	m := map[finding.Kind]home.NoteState{}
	for i := len(list) - 1; i >= 0; i-- {
		m[list[i].Kind] = list[i].State
	}
	return m
}

func TestALabelThatIsSuspendedIsToldAndThatItIsBackToo(t *testing.T) {
	g, o, socket, file, now := followed(t)
	holds(t, say(t, socket, "label", "cam", file), "Its label: Example Lamps LP-110", "Genuine: granted by Example Body", "active, as of", "plimsoll home undo")
	if d := g.cam(t); d.MUDURL() != lampMUD || !d.Vouched() {
		t.Errorf("its MUD URL: %+v", d.MUD)
	}
	*now = now.Add(time.Minute)
	o.says(t, *now, label.Suspended)
	g.hears(t)
	if got := g.notes(t)[finding.LabelSuspended]; got != home.Open {
		t.Errorf("a finding %q", got)
	}
	if d := g.cam(t); d.State == home.Quarantined || d.MUDURL() != lampMUD {
		t.Errorf("nobody chose that it is cut off, nor that its file goes: %+v", d)
	}
	holds(t, say(t, socket, "explain", "cam"), "suspended, as of", "Its label is on hold", "Example Body")
	*now = now.Add(time.Minute)
	o.change(t, label.Restore, *now)
	o.says(t, *now, label.Active)
	g.hears(t)
	if got := g.notes(t)[finding.LabelSuspended]; got != home.Done {
		t.Errorf("a finding %q", got)
	}
	holds(t, say(t, socket, "explain", "cam"), "active, as of")
	*now = now.Add(31 * 24 * time.Hour)
	g.hears(t)
	if got := g.notes(t)[finding.SupportEnded]; got != home.Open {
		t.Errorf("updates ended: %v", got)
	}
	holds(t, say(t, socket, "explain", "cam"), "not known, as of", "not heard of for too long", "no more updates")
	say(t, socket, "label", "cam", "--none")
	g.hears(t)
	if d := g.cam(t); d.Label != nil || len(d.MUD) > 0 || g.notes(t)[finding.SupportEnded] != home.Done {
		t.Errorf("it has no label any more: %+v", d)
	}
	say(t, socket, "undo")
	g.hears(t)
	if d := g.cam(t); d.Label == nil || d.Label.Model != "LP-110" {
		t.Errorf("undone: %+v", d)
	}
}

func TestADeviceIsCutOffForItsLabelOnceWhereTheHouseholdChoseSo(t *testing.T) {
	g, o, socket, file, now := followed(t)
	say(t, socket, "label", "cam", file)
	holds(t, say(t, socket, "label", "cam", "--action", "quarantine"), "is cut off")
	suspend := func() {
		*now = now.Add(time.Minute)
		o.says(t, *now, label.Suspended)
		g.hears(t)
	}
	suspend()
	d := g.cam(t)
	if d.State != home.Quarantined || d.Confirmed || d.Reason != d.Label.Trouble {
		t.Fatalf("%+v", d.Stance)
	}
	holds(t, say(t, socket, "explain", "cam"), "Its label is on hold")
	list, err := g.store.Decisions(t.Context(), d.ID, 0, 1)
	if err != nil || list[0].Actor != home.Program || list[0].Verb != home.Quarantine {
		t.Errorf("the audit log says %+v, %v", list, err)
	}
	say(t, socket, "watch", "cam")
	g.hears(t)
	if d := g.cam(t); d.State == home.Quarantined {
		t.Error("whoever let it out did not have the last word")
	}
	restore := func() {
		*now = now.Add(time.Hour)
		o.change(t, label.Restore, *now)
		o.says(t, *now, label.Active)
		g.hears(t)
	}
	restore()
	suspend() // another time
	if d := g.cam(t); d.State != home.Quarantined {
		t.Errorf("suspended again: %+v", d.Stance)
	}
	restore()
	if d := g.cam(t); d.State != home.Quarantined {
		t.Errorf("nobody let it out: %+v", d.Stance)
	}
	holds(t, say(t, socket, "status"), "is active again", "Labels by the registry Example Registry")
	say(t, socket, "watch", "cam")
	if out := say(t, socket, "status"); strings.Contains(out, "is active again") {
		t.Error(out)
	}
}

func TestAComputerIsNotCutOffForItsLabelWithoutAYes(t *testing.T) {
	g, o, socket, file, now := followed(t)
	g.household.LabelAction = home.CutOff
	if _, _, err := g.household.Describe(t.Context(), "uid:0", "cam", func(d *home.Device) { d.Corrected = &home.Correction{Kind: device.General} }); err != nil {
		t.Fatal(err)
	}
	say(t, socket, "label", "cam", file)
	*now = now.Add(time.Minute)
	o.says(t, *now, label.Withdrawn)
	g.hears(t)
	if d := g.cam(t); d.State == home.Quarantined || g.notes(t)[finding.LabelWithdrawn] != home.Open {
		t.Errorf("%+v %v", d.Stance, g.notes(t))
	}
	holds(t, say(t, socket, "status"), "The label of cam is now: withdrawn")
	say(t, socket, "label", "cam", "--action", "tell")
	if out := say(t, socket, "status"); strings.Contains(out, "is now: withdrawn") {
		t.Error(out)
	}
}

func TestWhatARegistryDoesQuietlyOrFalselyChangesNothing(t *testing.T) {
	g, o, socket, file, now := followed(t)
	say(t, socket, "label", "cam", file)
	*now = now.Add(time.Minute)
	o.says(t, *now, label.Suspended)
	g.hears(t)
	status := func(name string, want label.Status) {
		t.Helper()
		g.hears(t)
		if got := g.cam(t).Label.Status; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	*now = now.Add(time.Hour)
	o.says(t, *now, label.Active)
	status("restored quietly", label.Suspended)
	holds(t, say(t, socket, "explain", "cam"), "does not show who restored it")
	o.says(t, now.Add(-30*time.Minute), label.Suspended)
	status("rolled back", label.Suspended)
	o.registry = seeded("stranger")
	o.says(t, now.Add(time.Second), label.Active)
	status("forged", label.Suspended)
	o.registry = seeded("registry")
	o.down = true
	*now = now.Add(trust.TTL + time.Hour)
	status("away", label.Suspended)
	o.down = false
	o.says(t, *now, label.Withdrawn)
	status("withdrawn", label.Withdrawn)
	o.change(t, label.Restore, now.Add(time.Minute))
	*now = now.Add(time.Minute)
	o.says(t, *now, label.Active)
	status("what was withdrawn stays so", label.Withdrawn)
}

func TestALabelOrAStickerThatIsNotGenuineIsRefusedWithItsReason(t *testing.T) {
	g, o, socket, file, now := followed(t)
	dir := t.TempDir()
	refused := func(want string, code int, args ...string) {
		t.Helper()
		got, _, stderr := call(t, nil, append(append([]string{"home"}, args...), "--socket", socket)...)
		if got != code || !strings.Contains(stderr, want) {
			t.Errorf("home %v: exit %d, want %d: %s", args, got, code, stderr)
		}
	}
	st, err := o.envelope.Statement()
	if err != nil {
		t.Fatal(err)
	}
	sign1, err := label.Sign(st, seeded("stranger"))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := (&label.Envelope{Version: label.Version, Label: sign1}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "forged.label"), string(forged))
	refused("no genuine label", exitUnverified, "label", "cam", filepath.Join(dir, "forged.label"))
	refused("no label that can be read", exitUnverified, "label", "cam", "https://id.registry.example/01/09506000134352#123")
	sticker := func(model, url string) string {
		t.Helper()
		text, err := (&mud.Sticker{Brand: "Example Lamps", Model: model, URL: url}).Payload()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	refused("says another MUD URL", exitUnverified, "sticker", "cam", sticker("LP-110", "https://mud.evil.example/p"))
	refused("knows a label of this maker", exitUnverified, "sticker", "cam", sticker("LP-9", lampMUD))
	refused("leads where no maker", exitUnverified, "sticker", "cam", strings.Replace(sticker("LP-110", lampMUD), "mud.lamps.example", "192.168.1.1", 1))
	refused("no sticker with a MUD URL", exitFailed, "sticker", "cam", file)
	refused("which device", exitUsage, "label")
	refused("either which label", exitUsage, "label", "cam")
	if d := g.cam(t); d.LabelFile != "" || len(d.MUD) > 0 {
		t.Errorf("something was taken: %+v", d)
	}
	say(t, socket, "sticker", "cam", sticker("LP-110", lampMUD))
	if d := g.cam(t); d.MUDURL() != lampMUD || d.Label == nil {
		t.Errorf("a good one: %+v", d)
	}
	*now = now.Add(time.Minute)
	o.says(t, *now, label.Suspended)
	g.hears(t)
	refused("is not active", exitUnverified, "sticker", "my hub", sticker("LP-110", lampMUD))
	g.labels.sources = nil
	refused("trusts no registry", exitFailed, "label", "cam", file)
}
