package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/control"
	"plimsoll.example/plimsoll/mud"
)

// running is a gateway that answers on a socket, with a camera and a hub that it has known for a week. It sees no network.
func running(t *testing.T) (g *gateway, socket string) {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	g = &gateway{
		gatewayFlags: gatewayFlags{mode: home.Hold, lan: "br-lan", learn: time.Hour}, log: log, store: store, since: time.Now(),
		asks: make(chan func()), changed: make(chan struct{}, 1),
		household: &home.Household{Ledger: store, Now: time.Now},
		cache:     &mudcache.Cache{Dir: filepath.Join(dir, "mud"), Log: log},
	}
	g.engine.Store(inspect.New(inspect.Config{Remember: true, Ongoing: true}))
	g.labels = newLabels(g, nil)
	if err := g.household.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	week := time.Now().UTC().Add(-7 * 24 * time.Hour)
	g.household.Now = func() time.Time { return week }
	for i, name := range []string{"cam", "my hub"} {
		g.household.See(frame.MAC{2, 0, 0, 0, 0, byte(i + 1)}, func(d *home.Device) {
			d.Identity, d.Hostnames, d.First, d.Last = device.Identity{Kind: device.IoT, Category: "camera", Maker: "Acme"}, []string{name}, week, time.Now().UTC()
			d.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{192, 168, 1, byte(10 + i)})}
		})
	}
	g.household.Now = time.Now
	if err := store.Save(t.Context(), g.household.Devices()); err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "run", "control")
	ctx, cancel := context.WithCancel(context.Background())
	done, looked := make(chan error, 1), make(chan struct{})
	go func() { done <- control.Serve(ctx, socket, g.api().Handler(), log, func() {}) }()
	go func() {
		defer close(looked)
		for {
			select {
			case f := <-g.asks:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-looked
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = store.Close()
	})
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			break
		}
	}
	return g, socket
}

// A device that says one URL after another keeps no other from having its file.
func TestMUDURLsThatNobodySaysAnyMoreMakeRoom(t *testing.T) {
	g, _ := running(t)
	if err := os.MkdirAll(g.cache.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range mudcache.MaxEntries {
		if err := os.WriteFile(filepath.Join(g.cache.Dir, fmt.Sprintf("%d.json", i)), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody is to be asked
	if _, err := g.fetch(ctx, "https://acme.invalid/cam.json"); err == nil || errors.Is(err, mudcache.ErrFull) {
		t.Errorf("%v", err)
	}
}

func TestADeviceThatSaysAnotherURLEachTimeIsNotFollowedAtOnce(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		last look
		want bool
	}{
		{look{}, true},
		{look{now, "a"}, false},
		{look{now, "b"}, false},
		{look{now.Add(-2 * lookAtMost), "a"}, false},
		{look{now.Add(-2 * lookAtMost), "b"}, true},
		{look{now.Add(-2 * lookAgain), "a"}, true},
	} {
		if got := c.last.due("a"); got != c.want {
			t.Errorf("looked at for %q %s ago: %v", c.last.what, time.Since(c.last.at), got)
		}
	}
}

// does has the camera do something often: a conversation of each flow with a name.
func (g *gateway) does(name, peer string, port uint16) {
	c := policy.Remembered{Device: frame.MAC{2, 0, 0, 0, 0, 1}}
	c.Peer, c.Own, c.PeerPort, c.OwnPort, c.Proto = frame.AddrFrom(netip.MustParseAddr(peer)), frame.AddrFrom(netip.MustParseAddr("192.168.1.10")), port, 40000, frame.ProtoTCP
	c.Flows, c.Answered, c.Flow = 50, true, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
	c.First, c.Last = time.Now().Add(-6*24*time.Hour).UnixNano(), time.Now().UnixNano()
	if name != "" {
		c.Names, c.Told = []string{name}, true
	}
	g.engine.Load().Recall([]policy.Remembered{c})
}

// home says a verb of the gateway, and gives back what it prints.
func say(t *testing.T, socket string, args ...string) string {
	t.Helper()
	code, stdout, stderr := call(t, nil, append(append([]string{"home"}, args...), "--socket", socket)...)
	if code != exitDone {
		t.Fatalf("home %v: exit %d: %s", args, code, stderr)
	}
	return stdout
}

func holds(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("it does not say %q:\n%s", p, text)
		}
	}
}

func (g *gateway) cam(t *testing.T) *home.Device {
	t.Helper()
	d, err := g.household.Find("cam")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestQuarantineEndsAsAPersonSaysAndEachVerbSaysWhatItDid(t *testing.T) {
	_, socket := running(t)
	en, fr := locale.New(locale.English), locale.New(locale.French)
	holds(t, say(t, socket, "quarantine", "cam", "--why", "it is strange"), "cut off", "plimsoll home undo --decision 1")
	holds(t, say(t, socket, "explain", "cam"), "it is strange", "cut off")
	holds(t, say(t, socket, "confirm", "cam"), en.Text("home.did.confirm"))
	holds(t, say(t, socket, "confirm", "cam", "--lang", "fr"), fr.Text("home.did.confirm"))
	holds(t, say(t, socket, "explain", "cam"), en.Text("home.explain.confirmed", "why", "it is strange"))
	holds(t, say(t, socket, "watch", "cam"), en.Text("home.did.watch"), "learns what it does")
	if code, _, stderr := call(t, nil, "home", "watch", "cam", "--socket", socket); code != exitUsage || !strings.Contains(stderr, "not in quarantine") {
		t.Errorf("out of no quarantine: exit %d, %s", code, stderr)
	}
	say(t, socket, "quarantine", "cam")
	holds(t, say(t, socket, "release", "cam", "--lang", "fr"), "libre")
	holds(t, say(t, socket, "undo"), "cut off")
}

func TestWhyADeviceIsCutOffIsSaidHoweverMuchWasFoundSince(t *testing.T) {
	g, socket := running(t)
	var list []home.Noted
	for i := range 30 {
		list = append(list, home.Noted{State: home.Open, Finding: finding.Finding{Kind: finding.TLSWeak, Device: g.cam(t).ID, Role: finding.Actor, Key: fmt.Sprint(i), Last: int64(i + 2)}})
	}
	list[0].Kind = finding.ScanHorizontal
	if err := g.store.SaveFindings(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	say(t, socket, "quarantine", "cam", "--why", list[0].ID())
	words := locale.New(locale.English)
	text := say(t, socket, "explain", "cam")
	holds(t, text, words.Text("home.explain.confirmed", "why", guide.Explain(words, &list[0].Finding, "cam").Title))
	if strings.Contains(text, list[0].ID()) {
		t.Errorf("it says the ID of a finding:\n%s", text)
	}
}

func TestAQuarantineForATimeAndWhatFollowsItAreTold(t *testing.T) {
	g, socket := running(t)
	en, fr := locale.New(locale.English), locale.New(locale.French)
	holds(t, say(t, socket, "quarantine", "cam", "--why", "it is loud", "--for", "24h"), "cut off until")
	holds(t, say(t, socket, "explain", "cam"), "cut off until", "it is loud")
	if d := g.cam(t); d.Reason != "it is loud" || time.Until(d.Stance.Until) > 24*time.Hour || time.Until(d.Stance.Until) < 23*time.Hour {
		t.Errorf("%+v", d.Stance)
	}
	holds(t, say(t, socket, "watch", "cam", "--again", "quarantine"), en.Text("home.retest.then.quarantine"))
	holds(t, say(t, socket, "explain", "cam", "--lang", "fr"), fr.Text("home.retest.then.quarantine"), "observé jusqu’au")
	for _, args := range [][]string{{"quarantine", "cam", "--for", "0s"}, {"watch", "cam", "--again", "perhaps"}, {"join", "cam"}, {"split"}} {
		if code, _, stderr := call(t, nil, append(append([]string{"home"}, args...), "--socket", socket)...); code != exitUsage {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}

func TestTwoDevicesAreOneByAWordAndTwoAgain(t *testing.T) {
	g, socket := running(t)
	mac := frame.MAC{2, 0, 0, 0, 9, 9}
	before := g.household.Len()
	other, _ := g.household.See(mac, func(d *home.Device) { d.Hostnames = []string{"cam by cable"} })
	g.name()
	en := locale.New(locale.English)
	holds(t, say(t, socket, "join", "cam", "cam by cable"), en.Text("home.did.join"))
	g.name()
	if id, ok := g.names.Load(mac); !ok || id != other.ID || len(g.cam(t).MACs) != 2 {
		t.Errorf("what it does is kept under %v, and it is %+v", id, g.cam(t))
	}
	holds(t, say(t, socket, "explain", mac.String()), "cam")
	holds(t, say(t, socket, "split", "cam"), en.Text("home.did.split"))
	holds(t, say(t, socket, "undo"), "undo")
	if n := g.household.Len(); n != before {
		t.Errorf("%d devices, and %d before", n, before)
	}
	if code, _, stderr := call(t, nil, "home", "join", "cam", "toaster", "--socket", socket); code != exitNotFound {
		t.Errorf("with nobody: exit %d, %s", code, stderr)
	}
	if code, _, stderr := call(t, nil, "home", "split", "cam", "toaster", "--socket", socket); code != exitUsage {
		t.Errorf("from nobody: exit %d, %s", code, stderr)
	}
}

func TestAFileIsLearnedRehearsedOfferedAndHeldToWhenAPersonAcceptsIt(t *testing.T) {
	g, socket := running(t)
	if !g.learns(t.Context(), g.cam(t), time.Now()) || g.learns(t.Context(), g.cam(t), g.cam(t).Since.Add(g.learn-time.Second)) {
		t.Error("a file is learned before the time that was set, or not after it")
	}
	if err := g.lesson(t.Context(), g.cam(t)); err != nil || g.cam(t).Offer != nil {
		t.Fatalf("learned from nothing: %+v, %v", g.cam(t).Offer, err)
	}
	g.does("cloud.acme.example", "203.0.113.5", 443)
	if err := g.lesson(t.Context(), g.cam(t)); err != nil {
		t.Fatal(err)
	}
	if d := g.cam(t); d.State != home.Learning || d.File != "" || d.Offer == nil || d.Offer.Flows != 50 || d.Offer.Stopped != 0 {
		t.Fatalf("%+v, %+v", d.Stance, d.Offer)
	}
	holds(t, say(t, socket, "status"), "learned what cam does")
	holds(t, say(t, socket, "explain", "cam"), "Newly allowed", "cloud.acme.example", "All would have passed: 50 conversations.")
	holds(t, say(t, socket, "explain", "cam", "--lang", "fr"), "cloud.acme.example", "a appris ce que fait cam")
	holds(t, say(t, socket, "rehearse", "cam"), "All would have passed")
	holds(t, say(t, socket, "accept", "cam"), "held to its rules")
	d := g.cam(t)
	if f, err := g.store.File(t.Context(), d.File); err != nil || f.Origin != home.Learned || d.State != home.Held || d.Offers() != nil {
		t.Fatalf("%+v, %v", d.Stance, err)
	}
	// the same again is no news
	if err := g.lesson(t.Context(), d); err != nil || g.cam(t).Offers() != nil {
		t.Errorf("%+v, %v", g.cam(t).Offer, err)
	}
	g.does("", "198.51.100.9", 8443)
	g.does("fw-update.acme.example", "203.0.113.7", 443)
	var doc policy.RehearsalDocument
	out := say(t, socket, "rehearse", "cam", "--json")
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Flows.Total != 150 || doc.Flows.Stopped != 100 || len(doc.Stopped) != 2 {
		t.Fatalf("%s, %v", out, err)
	}
	schema, err := jsonschema.NewCompiler().Compile("../../schema/mud-rehearse.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Error(err)
	}
	holds(t, out, `"1:LQU9qZlK+B5F3KDmev6m5PMibrg="`, `"it looks for updates"`, `"tcp/8443"`)
	holds(t, say(t, socket, "rehearse", "cam", "--lang", "fr"), "il cherche des mises à jour", "fw-update.acme.example")
	if err := g.lesson(t.Context(), g.cam(t)); err != nil {
		t.Fatal(err)
	}
	text := say(t, socket, "explain", "cam")
	holds(t, text, "does something that its learned file does not allow", "fw-update.acme.example", "198.51.100.9")
	changes := text[strings.Index(text, "Newly allowed"):strings.Index(text, "All would have passed")]
	if strings.Contains(changes, "cloud.acme.example") {
		t.Errorf("what was allowed before is shown as new:\n%s", changes)
	}
	say(t, socket, "accept", "cam")
	if g.cam(t).File == d.File {
		t.Error("the file that was accepted is not in force")
	}
	say(t, socket, "undo")
	if d := g.cam(t); d.File != doc0(t, g, d) {
		t.Error("the file before is not back")
	}
}

// doc0 is the first learned file that a device was held to.
func doc0(t *testing.T, g *gateway, d *home.Device) string {
	t.Helper()
	list, err := g.store.Decisions(t.Context(), d.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	return list[len(list)-1].After.File
}

// acme is a file of a maker, version by version.
func acme(t *testing.T, entries string) *mudcache.Version {
	t.Helper()
	body := []byte(`{"ietf-mud:mud":{"mud-version":1,"mud-url":"https://acme.example/cam.json","last-update":"2026-01-01T00:00:00Z","is-supported":true,"systeminfo":"cam",` +
		`"from-device-policy":{"access-lists":{"access-list":[{"name":"f"}]}},"to-device-policy":{"access-lists":{"access-list":[]}}},` +
		`"ietf-access-control-list:acls":{"acl":[{"name":"f","type":"ipv4-acl-type","aces":{"ace":[` + entries + `]}}]}}`)
	if _, err := mud.Parse(body); err != nil {
		t.Fatal(err)
	}
	return &mudcache.Version{SHA256: sum256(body), Fetched: time.Now().UTC(), State: mudcache.Unsigned, File: body}
}

func ace(name, matches string) string {
	return `{"name":"` + name + `","matches":{` + matches + `},"actions":{"forwarding":"accept"}}`
}

func TestAFileOfAMakerThatNobodySignedOrThatAllowsMoreIsOfferedWithWhatItChanges(t *testing.T) {
	g, socket := running(t)
	cloud := ace("cloud", `"ipv4":{"ietf-acldns:dst-dnsname":"cloud.acme.example","protocol":6},"tcp":{"destination-port":{"operator":"eq","port":443}}`)
	more := ace("ads", `"ipv4":{"ietf-acldns:dst-dnsname":"ads.example","protocol":6},"tcp":{"destination-port":{"operator":"eq","port":443}}`)
	first, next := acme(t, cloud), acme(t, cloud+","+more)
	if err := g.proposeNext(t.Context(), g.cam(t), &mudcache.Entry{Next: first}); err != nil {
		t.Fatal(err)
	}
	holds(t, say(t, socket, "status"), "Nobody signed it.")
	holds(t, say(t, socket, "accept", "cam"), "held")
	next.State = mudcache.Verified
	if err := g.proposeNext(t.Context(), g.cam(t), &mudcache.Entry{Next: next}); err != nil {
		t.Fatal(err)
	}
	text := say(t, socket, "explain", "cam")
	holds(t, text, "It allows more than the one before.", "Newly allowed", "ads.example")
	if strings.Contains(text, "cloud.acme.example") {
		t.Errorf("what does not change is shown:\n%s", text)
	}
	holds(t, say(t, socket, "explain", "cam", "--json"), `"plimsoll.home.offer/1"`, `"plimsoll.mud.diff/1"`, `"grows":true`)
	if d := g.cam(t); d.File != first.SHA256 {
		t.Error("it is held to what nobody accepted")
	}
	if err := g.proposeNext(t.Context(), g.cam(t), &mudcache.Entry{Current: first}); err != nil || g.cam(t).Offer != nil {
		t.Errorf("its maker took it back, and it is offered: %+v, %v", g.cam(t).Offer, err)
	}
}

func TestAPersonLetsADeviceDoOneThingMore(t *testing.T) {
	g, socket := running(t)
	holds(t, say(t, socket, "allow", "--list"), "No device may do more")
	holds(t, say(t, socket, "allow", "cam", "--to", "ntp.example", "--port", "udp/123"), "cam may reach ntp.example too, for udp/123.")
	holds(t, say(t, socket, "allow", "cam", "--to", "My Hub", "--for", "24h"), "cam may reach my hub too, for everything, until")
	holds(t, say(t, socket, "allow", "--list", "--lang", "fr"), "ntp.example", "my hub", "jusqu’au")
	holds(t, say(t, socket, "allow", "--list", "--json"), `"service":"udp/123"`, `"until"`)
	holds(t, say(t, socket, "explain", "cam"), "cam may reach ntp.example too")
	if e := g.cam(t).Exceptions; len(e) != 2 || time.Until(e[1].Until) < 23*time.Hour {
		t.Errorf("%+v", e)
	}
	say(t, socket, "disallow", "cam", "--to", "ntp.example")
	holds(t, say(t, socket, "disallow", "cam", "--to", "my hub"), "no more than its file says")
	say(t, socket, "undo")
	if e := g.cam(t).Exceptions; len(e) != 1 || e[0].Device == "" {
		t.Errorf("%+v", e)
	}
	holds(t, say(t, socket, "allow", "cam", "--to", "02:00:00:00:00:02", "--port", "tcp/80"), "cam may reach my hub too, for tcp/80.")
	for want, args := range map[string][]string{
		"--to": {"allow", "cam"}, "no device at home": {"allow", "cam", "--to", "nobody"}, "tcp/443": {"allow", "cam", "--to", "a.example", "--port", "443"},
		"no time": {"allow", "cam", "--to", "a.example", "--for", "soon"}, "which device": {"allow", "--to", "a.example"},
	} {
		if code, _, stderr := call(t, nil, append(append([]string{"home"}, args...), "--socket", socket)...); code == exitDone || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %s; want %s", args, code, stderr, want)
		}
	}
}

func TestWhoseFileAsksForAControllerIsAskedWhichOne(t *testing.T) {
	g, socket := running(t)
	v := acme(t, ace("mine", `"ietf-mud:mud":{"my-controller":[null]}`)+","+ace("class", `"ietf-mud:mud":{"controller":"https://acme.example/hub"}`)+","+
		ace("ntp", `"ietf-mud:mud":{"controller":"urn:ietf:params:mud:ntp"}`))
	if err := g.proposeNext(t.Context(), g.cam(t), &mudcache.Entry{Next: v}); err != nil {
		t.Fatal(err)
	}
	say(t, socket, "accept", "cam")
	text := say(t, socket, "status")
	holds(t, text, "cam wants a controller: which one?", "https://acme.example/hub")
	if strings.Contains(text, "urn:ietf") {
		t.Errorf("it asks for what the network gives:\n%s", text)
	}
	holds(t, say(t, socket, "controller", "cam", "--is", "my hub"), "my hub controls cam.")
	holds(t, say(t, socket, "controller", "cam", "--is", "192.168.1.99", "--class", "https://acme.example/hub"), "192.168.1.99 is a controller of the class https://acme.example/hub")
	if text := say(t, socket, "explain", "cam"); strings.Contains(text, "wants a controller") {
		t.Errorf("it still asks:\n%s", text)
	}
	holds(t, say(t, socket, "controller", "cam", "--is", "my hub", "--remove"), "is a controller of the class")
	holds(t, say(t, socket, "explain", "cam"), "cam wants a controller: which one?")
}

func TestAnExportIsForItsOwnerAloneAndIsTakenInAgain(t *testing.T) {
	g, socket := running(t)
	say(t, socket, "allow", "cam", "--to", "ntp.example")
	name := filepath.Join(t.TempDir(), "home.json")
	holds(t, say(t, socket, "export", name), name)
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info, err)
	}
	next, other := running(t) // another gateway saw the same devices, and decided otherwise
	say(t, other, "release", "cam")
	holds(t, say(t, other, "import", name), "2 devices were taken in", "plimsoll home undo --decision")
	if d := next.cam(t); d.State != home.Learning || len(d.Exceptions) != 1 {
		t.Errorf("%+v", d.Stance)
	}
	holds(t, say(t, other, "undo"), "devices are as they were before")
	if d := next.cam(t); d.State != home.Free || len(d.Exceptions) != 0 {
		t.Errorf("%+v", d.Stance)
	}
	holds(t, say(t, other, "import", name, "--replace", "--json"), `"verb":"import"`, `"argument":"replace`)
	if stdout := say(t, socket, "export"); !strings.HasPrefix(stdout, "{\n \"schema\": \"plimsoll.home.export/1\"") {
		t.Errorf("%.60s", stdout)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(strings.Replace(string(data), `"room"`, `"colour"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, nil, "home", "import", bad, "--socket", socket); code != exitFailed || !strings.Contains(stderr, "devices[0]") || !strings.Contains(stderr, "colour") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	for _, args := range [][]string{{"export"}, {"import", name}} {
		code, _, stderr := call(t, nil, append(append([]string{"home"}, args...), "--socket", filepath.Join(t.TempDir(), "nobody"))...)
		if code != exitFailed || !strings.Contains(stderr, "plimsoll home run") {
			t.Errorf("%v with no gateway: exit %d, %s", args, code, stderr)
		}
	}
	_ = g
}

func TestAPersonSaysWhatADeviceIsCalledAndWhereItsFileIs(t *testing.T) {
	g, socket := running(t)
	holds(t, say(t, socket, "describe", "cam", "--mud-url", "https://acme.example/cam.json"), "https://acme.example/cam.json")
	if d := g.cam(t); len(d.MUD) != 1 || d.MUD[0].Via != "operator" {
		t.Errorf("%+v", d.MUD)
	}
	holds(t, say(t, socket, "describe", "cam", "--called", "front door", "--room", "hall"), "front door")
	if code, _, stderr := call(t, nil, "home", "describe", "front door", "--socket", socket); code != exitUsage {
		t.Errorf("nothing to say: %d %s", code, stderr)
	}
	list, err := g.store.Decisions(t.Context(), "", 0, 10)
	if err != nil || len(list) != 2 || list[0].Actor != fmt.Sprintf("uid:%d", os.Getuid()) || list[0].Argument != `name="front door" room="hall"` {
		t.Errorf("%+v, %v", list, err)
	}
	// a description is not what home undo takes back
	if code, _, stderr := call(t, nil, "home", "undo", "--socket", socket); code != exitNotFound {
		t.Errorf("%d %s", code, stderr)
	}
}

// The text format, version 0.0.4: of each metric its help, its type, then its samples, and a line's end last.
func TestMetricsAreWhatPrometheusReads(t *testing.T) {
	g, _ := running(t)
	w := httptest.NewRecorder()
	g.metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	family := regexp.MustCompile(`^# HELP (plimsoll_[a-z_]+) [^\n]+\n# TYPE (plimsoll_[a-z_]+) (?:gauge|counter)\n((?:plimsoll_[a-z_]+(?:\{state="[a-z]+"\})? [0-9]+\n)+)`)
	n := 0
	for rest := text; rest != ""; n++ {
		m := family.FindStringSubmatch(rest)
		if m == nil || m[1] != m[2] {
			t.Fatalf("not as it must be from here:\n%s", rest)
		}
		for line := range strings.Lines(m[3]) {
			if name := strings.FieldsFunc(line, func(r rune) bool { return r == '{' || r == ' ' })[0]; name != m[1] {
				t.Errorf("%s is among the samples of %s", name, m[1])
			}
		}
		rest = rest[len(m[0]):]
	}
	holds(t, text, "plimsoll_devices{state=\"learning\"} 2\n", "plimsoll_faults 0\n")
	if kind := w.Header().Get("Content-Type"); n != 6 || kind != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("%d metrics as %s", n, kind)
	}
}
