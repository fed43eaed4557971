package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/norms"
)

const hostile = `</title></style><script>alert(1)</script><img src=x onerror="alert(2)">' onload='x` + "\u202e\u2066\x1b[2J\x00{{.}}"

// network is one of a device, in which all that a stranger can write is hostile.
func network() *inspect.Result {
	text := func(lang string) guide.Text {
		s := lang + " " + hostile
		return guide.Text{Title: s, Seen: s, Sure: s, Why: s, Do: []string{s}, Undo: s, Who: []string{s}, Call: []string{s}}
	}
	d := inspect.Device{
		ID: hostile, MAC: "02:00:5e:10:00:01", MACs: []string{"02:00:5e:10:00:01"}, Addresses: []string{"192.0.2.7"}, Hostnames: []string{hostile},
		First: "2026-05-04T18:00:00Z", Last: "2026-05-04T19:00:00Z",
		Identity: device.Identity{Kind: device.IoT, Maker: hostile, Model: hostile, Category: "camera", Confidence: 0.9, Because: []device.Reason{
			{Fact: "dhcp.hostname", Value: hostile, Packet: 3, Weight: 1}, {Fact: "no.such", Value: hostile},
		}},
		MUDURL:   &inspect.MUDURL{URL: "javascript:" + hostile, Via: "dhcpv4"},
		Peers:    []inspect.Peer{{Name: hostile, Addresses: []string{"198.51.100.7"}, Scope: "internet", Services: []string{"tcp/443 tls"}, Octets: 1}},
		Findings: []string{"f"},
	}
	d.Grade = grade.Of([]grade.Sign{{ID: "f", Role: finding.Actor, Severity: finding.High, Confidence: 1}}, grade.Evidence{})
	return &inspect.Result{
		Capture: inspect.Capture{Files: []string{hostile}, Packets: 5, First: d.First, Last: d.Last, LinkTypes: []string{"EN10MB"}, Warnings: []string{hostile}},
		Devices: []inspect.Device{d},
		Findings: []inspect.Finding{{
			ID: "f", Kind: finding.ClearCredentials, Device: d.ID, Role: finding.Actor, Severity: finding.High, Confidence: 1, Count: 3,
			Norms: []string{"etsi.5.5-7"}, First: d.First, Last: d.Last, Detected: d.First,
			Text:     map[string]guide.Text{"en": text("en"), "fr": text("fr")},
			Evidence: []inspect.Evidence{{Packets: []uint64{4, 5}, Flow: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", Note: hostile}},
		}},
	}
}

func write(t testing.TB, r *inspect.Result, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// elements are the names of the elements of a page, and of their attributes. What is not well-formed fails the test.
func elements(t *testing.T, html string) (names, attributes []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return names, attributes
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			names = append(names, e.Name.Local)
			for _, a := range e.Attr {
				attributes = append(attributes, a.Name.Local)
			}
		}
	}
}

func TestWhatAStrangerWroteStaysText(t *testing.T) {
	html := write(t, network(), Options{Lang: locale.French})
	names, attributes := elements(t, html)
	for _, n := range []string{"script", "img", "iframe", "object", "embed", "form", "link", "base"} {
		if slices.Contains(names, n) {
			t.Errorf("there is a <%s>", n)
		}
	}
	for _, a := range attributes {
		if strings.HasPrefix(a, "on") || a == "style" || a == "src" {
			t.Errorf("there is an attribute %s", a)
		}
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("a link leads to %s", m[1])
		}
	}
	if i := strings.IndexFunc(html, func(r rune) bool { return r != '\n' && locale.Visible(r) != r }); i >= 0 {
		t.Errorf("%q got through", html[max(0, i-20):i+4])
	}
	if !strings.Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;") || strings.Contains(html, "ZgotmplZ") {
		t.Error("the name is not shown as it is")
	}
}

// The page allows its own style and nothing else: the policy names it by its digest.
func TestPolicyAllowsTheStyleOfThePageAlone(t *testing.T) {
	html := write(t, network(), Options{})
	m := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(html)
	if m == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(m[1]))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(html)
	if policy == nil || !strings.Contains(strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy[1]), "default-src 'none'; "+want) {
		t.Errorf("policy %q, want %s", policy, want)
	}
	if strings.Contains(m[1], "url(") || strings.Contains(m[1], "@import") {
		t.Error("the style asks for another file")
	}
}

func TestBothLanguagesAreThereAndTheAskedForIsFirst(t *testing.T) {
	for l, order := range map[locale.Lang][]string{locale.English: {"en", "fr"}, locale.French: {"fr", "en"}} {
		html := write(t, network(), Options{Lang: l})
		if !strings.Contains(html, `<html lang="`+order[0]+`">`) {
			t.Errorf("%s: another language in <html>", l)
		}
		var got []string
		for _, m := range regexp.MustCompile(`<div class="edition (first|second)" id="(..)" lang="(..)"`).FindAllStringSubmatch(html, -1) {
			got = append(got, m[2])
			if m[2] != m[3] || (m[1] == "first") != (len(got) == 1) {
				t.Errorf("%s: %v", l, m)
			}
		}
		if !slices.Equal(got, order) {
			t.Errorf("%s: %v", l, got)
		}
	}
}

func TestWarningsAreInTheLanguageOfTheEdition(t *testing.T) {
	html := write(t, network(), Options{Warnings: func(c *locale.Catalogue) []string { return []string{"warned in " + string(c.Lang())} }})
	if !strings.Contains(html, "warned in en") || !strings.Contains(html, "warned in fr") || strings.Contains(html, "alert(1)</li>") {
		t.Error("warnings are missing")
	}
}

// Each part of a finding, and what proves it, is on the page.
func TestAFindingIsShownWithAllItsParts(t *testing.T) {
	r := network()
	r.Capture.Files = []string{"monday.pcap", "tuesday.pcap"}
	f := &r.Findings[0]
	f.Evidence[0].File = 1
	f.Text["en"] = guide.Text{Title: "the title", Seen: "what was seen", Sure: "how sure", Why: "why it matters", Do: []string{"step one", "step two"}, Undo: "how to undo", Who: []string{"who else"}, Call: []string{"whom to call"}}
	html := write(t, r, Options{Lang: locale.English})
	en := html[:strings.Index(html, `id="fr"`)]
	for _, want := range []string{
		"the title", "what was seen", "how sure", "why it matters", "step one", "step two", "how to undo", "who else", "whom to call",
		"Packets 4, 5", "tuesday.pcap", "<code>1:LQU9qZlK&#43;B5F3KDmev6m5PMibrg=</code>", "clear.credentials (actor), severity high, confidence 100%", "etsi.5.5-7",
		"3 times, from 4 May 2026, 18:00:00 UTC", "Needs you: the title",
	} {
		if !strings.Contains(en, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestNormsAreNamedWithTheirTitles(t *testing.T) {
	c, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	n, ok := c.Norm("etsi.5.5-7")
	if !ok {
		t.Fatal("no such norm")
	}
	html := write(t, network(), Options{Norms: c})
	for _, want := range []string{n.Title.English, n.Title.French, "V3.1.3"} {
		if !strings.Contains(html, template.HTMLEscapeString(want)) {
			t.Errorf("no %q", want)
		}
	}
}

func TestWhoWasHeldToAPromiseIsToldToHaveKeptIt(t *testing.T) {
	r := network()
	held := []inspect.Held{{Device: r.Devices[0].ID, Name: "camera.json"}}
	if html := write(t, r, Options{Held: held}); !strings.Contains(html, "kept to the list in camera.json") {
		t.Error("kept: not told")
	}
	r.Findings[0].Kind = finding.MUDDeparture
	if html := write(t, r, Options{Held: held}); !strings.Contains(html, "did 1 thing that is not in the list in camera.json") {
		t.Error("not kept: not told")
	}
}

// The messages that the template asks for exist: the compiler does not look there.
func TestMessagesThatThePageAsksForExist(t *testing.T) {
	keys := regexp.MustCompile(`\.T "([^"]+)"`).FindAllStringSubmatch(pageSource, -1)
	if len(keys) < 20 {
		t.Fatalf("%d keys", len(keys))
	}
	for _, l := range locale.Languages {
		c := locale.New(l)
		for _, k := range keys {
			if c.Text(k[1]) == k[1] {
				t.Errorf("%s.json has no %s", l, k[1])
			}
		}
		for _, p := range report.Purposes {
			if k := "report.purpose." + p; c.Text(k) == k {
				t.Errorf("%s.json has no %s", l, k)
			}
		}
		html := write(t, network(), Options{Lang: l})
		if m := regexp.MustCompile(`>(report|grade|inspect|category)\.[a-z.]+<`).FindString(html); m != "" {
			t.Errorf("a key instead of a text: %s", m)
		}
	}
}

func TestDevicesThatNeedSomebodyComeFirstAndAreOpen(t *testing.T) {
	r := network()
	r.Findings = nil
	r.Devices = nil
	for _, s := range []struct {
		name  string
		state grade.State
	}{{"one", grade.Fine}, {"two", grade.Unknown}, {"three", grade.Check}, {"four", grade.Act}, {"five", grade.Fine}} {
		r.Devices = append(r.Devices, inspect.Device{ID: s.name, Hostnames: []string{s.name}, Grade: grade.Grade{State: s.state, Because: []string{"x"}}})
	}
	e := newEdition(r, report.In(locale.New(locale.English), r), Options{})
	var got []string
	for _, c := range e.Devices {
		name := c.Name
		if c.Open {
			name += "*"
		}
		got = append(got, name)
	}
	if want := []string{"four*", "three*", "two", "one", "five"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var bands []string
	for _, b := range e.Bands {
		bands = append(bands, b.Word+" "+b.Count)
	}
	if want := []string{"Fine 2", "To check 1", "Needs you 1", "Not known 1"}; !slices.Equal(bands, want) {
		t.Errorf("from above the line to below it: %v", bands)
	}
}

// A page of any network stays a page.
func TestPageIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves the day of fifty devices out")
	}
	trace, err := lab.Fifty().Play()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := (wire.Pcap{Link: frame.LinkEthernet}).Write(&b, trace.Packets); err != nil {
		t.Fatal(err)
	}
	source, err := capture.NewReader(&b, "fifty")
	if err != nil {
		t.Fatal(err)
	}
	k, err := identify.Load()
	if err != nil {
		t.Fatal(err)
	}
	engine := inspect.New(inspect.Config{})
	if err := engine.Run(context.Background(), source.Next); err != nil {
		t.Fatal(err)
	}
	r := engine.Result(k, []string{"fifty.pcap"}, nil, false)
	if n := len(r.Devices); n != 50 || instant(t, r.Capture.Last).Sub(instant(t, r.Capture.First)) < 20*time.Hour {
		t.Fatalf("%d devices from %s to %s", n, r.Capture.First, r.Capture.Last)
	}
	size := len(write(t, r, Options{}))
	t.Logf("fifty devices, a day: %d octets", size)
	if size >= 1<<20 {
		t.Errorf("the page of fifty devices has %d octets, want less than 1 MiB", size)
	}
	// the fullest there can be: each device with all that the page shows of one
	full := network()
	f := full.Findings[0]
	for range 1000 {
		f.Evidence = append(f.Evidence, f.Evidence[0])
	}
	d := full.Devices[0]
	for range 1000 {
		d.Peers = append(d.Peers, d.Peers[0])
		d.Hostnames = append(d.Hostnames, strings.Repeat("x", 255))
		d.Identity.Because = append(d.Identity.Because, d.Identity.Because[0])
	}
	for range 30 {
		d.Findings = append(d.Findings, "f")
	}
	full.Findings = []inspect.Finding{f}
	// more devices than are shown make it no larger
	var sizes []int
	for _, n := range []int{mostDevices + 100, 2_000} {
		for len(full.Devices) < n {
			full.Devices = append(full.Devices, d)
		}
		sizes = append(sizes, len(write(t, full, Options{})))
	}
	if sizes[1] > sizes[0]+100 || sizes[0] > mostDevices*256<<10 {
		t.Errorf("%d devices make %d octets, 2,000 make %d", mostDevices+100, sizes[0], sizes[1])
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func FuzzPage(f *testing.F) {
	f.Add(hostile, "example.com", uint64(5))
	f.Add("a", "", uint64(0))
	f.Add("é<b>", "]]>", uint64(1<<63))
	usual := strings.Count(write(f, network(), Options{}), "<")
	f.Fuzz(func(t *testing.T, name, peer string, octets uint64) {
		if name == "" {
			return // nothing to show
		}
		r := network()
		r.Devices[0].Hostnames = []string{name}
		r.Devices[0].Peers[0].Name = peer
		r.Devices[0].Peers[0].Octets = octets
		html := write(t, r, Options{})
		if n := strings.Count(html, "<"); n != usual {
			t.Errorf("%q and %q made %d elements, want %d", name, peer, n, usual)
		}
		if strings.IndexFunc(html, func(r rune) bool { return r != '\n' && locale.Visible(r) != r }) >= 0 {
			t.Errorf("%q and %q: what cannot be seen got through", name, peer)
		}
	})
}
