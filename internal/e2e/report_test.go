package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/report"
)

// inspected is the page that the program writes of a capture.
func inspected(t *testing.T, capture string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if out, err := exec.Command(plimsoll(t), "inspect", "--html", file, capture).CombinedOutput(); err != nil {
		t.Fatalf("inspect: %v\n%s", err, out)
	}
	return file
}

// sampler is a page with each state, a finding with all its parts, and names that mean harm.
func sampler(t *testing.T) string {
	t.Helper()
	const hostile = "<script>alert(1)</script>\u202egnp.exe"
	long := strings.Repeat("averylongnamewithoutanyspaces", 8)
	text := guide.Text{
		Title: "It tries the doors of other devices", Seen: "It knocked at 412 devices within 2 minutes, asking for remote login.",
		Sure: "Almost certain: nothing else looks like this.", Why: "Somebody else may be using it to break into more devices.",
		Do:   []string{"Unplug it now.", "Reset it to how it came, and set a new password before it goes online.", "Install the newest software of its maker."},
		Undo: "Plug it in again.", Who: []string{"Its maker, who must mend it."}, Call: []string{"The help line of your Internet provider."},
	}
	r := &inspect.Result{
		Capture: inspect.Capture{
			Files: []string{"monday.pcap", hostile}, Packets: 123456, Octets: 9e7, First: "2026-05-04T18:00:00Z", Last: "2026-05-05T18:00:00Z",
			LinkTypes: []string{"EN10MB"}, Cut: true, Warnings: []string{hostile},
		},
		Findings:  []inspect.Finding{},
		Countries: &inspect.Countries{AsOf: "2026-06-25"},
	}
	for i, state := range []grade.State{grade.Fine, grade.Fine, grade.Check, grade.Act, grade.Unknown} {
		name := []string{"HS110", long, hostile, "DS-2CD2042WD-I", "مصباح"}[i]
		d := inspect.Device{
			ID: name, MAC: "02:00:5e:10:00:01", MACs: []string{"02:00:5e:10:00:01"}, Randomised: i == 4, Addresses: []string{"192.0.2.7", "2001:db8::7"},
			Hostnames: []string{name}, First: r.Capture.First, Last: r.Capture.Last,
			Identity: device.Identity{Kind: device.IoT, Maker: "Example", Model: hostile, Category: "camera", Confidence: 0.95, Because: []device.Reason{
				{Fact: "dhcp.hostname", Value: hostile, Packet: 12, Weight: 1.5}, {Fact: "traffic.names", Value: "7", Weight: 0.5},
			}},
			MUDURL:  &inspect.MUDURL{URL: "javascript:alert(1)", Via: "dhcpv4"},
			Traffic: inspect.Traffic{Flows: 12, OctetsOut: 120_000, OctetsIn: 88_000, PacketsOut: 900, PacketsIn: 800},
			Peers: []inspect.Peer{
				{Name: "api.example.com", Addresses: []string{"198.51.100.7"}, Scope: "internet", Services: []string{"tcp/443 tls"}, Octets: 90_000, Countries: []string{"GS", "IO", "UM", "US", "VC"}},
				{Name: "firmware.cdn.test", Addresses: []string{"198.51.100.9"}, Scope: "internet", Services: []string{"tcp/80 http"}, Octets: 70_000, Countries: []string{"FR"}},
				{Name: long + ".example.net", Addresses: []string{"198.51.100.8"}, Scope: "internet", Services: []string{"udp/123 ntp"}, Octets: 180},
				{Name: hostile, Addresses: []string{"192.0.2.9"}, Scope: "lan", Services: []string{"tcp/9999 kasa", "udp/51913"}, Octets: 1200},
				{Addresses: []string{"192.0.2.1"}, Scope: "gateway", Services: []string{"udp/53 dns", "udp/67 dhcp"}, Octets: 3200},
				{Addresses: []string{"224.0.0.251"}, Scope: "multicast", Services: []string{"udp/5353 mdns"}, Octets: 500},
			},
		}
		e := grade.Evidence{Identified: true, Watched: 24 * time.Hour, Packets: 900, Understood: 1, Whole: state != grade.Unknown}
		var signs []grade.Sign
		if state == grade.Check || state == grade.Act {
			severity := map[grade.State]finding.Severity{grade.Check: finding.Medium, grade.Act: finding.Critical}[state]
			id := "f-" + state.String()
			signs = []grade.Sign{{ID: id, Role: finding.Actor, Severity: severity, Confidence: 0.9}}
			r.Findings = append(r.Findings, inspect.Finding{
				ID: id, Kind: []finding.Kind{finding.ScanHorizontal, finding.ClearCredentials}[i%2], Device: d.ID, Role: finding.Actor, Severity: severity, Confidence: 0.9,
				Norms: []string{"etsi.5.5-7", "cra.I.2i"}, First: r.Capture.First, Last: r.Capture.Last, Detected: r.Capture.First, Count: 412,
				Text: map[string]guide.Text{"en": text, "fr": text}, Evidence: []inspect.Evidence{
					{Packets: []uint64{12, 13, 19}, File: 1, Flow: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", Note: hostile}, {Packets: []uint64{7}, Note: ""},
				},
			})
			d.Findings = []string{id}
		}
		d.Grade = grade.Of(signs, e)
		if d.Grade.State != state {
			t.Fatalf("the sampler's %s is %s", state, d.Grade.State)
		}
		r.Devices = append(r.Devices, d)
	}
	name := filepath.Join(t.TempDir(), "sampler.html")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := report.Write(f, r, report.Options{Lang: locale.English, Version: "(test)"}); err != nil {
		t.Fatal(err)
	}
	return name
}

// views are all in which a page must be sound.
func views(forced bool) (list []view) {
	for _, lang := range []string{"en", "fr"} {
		for _, size := range [][2]int64{{320, 640}, {1280, 800}} {
			for _, scheme := range []string{"light", "dark"} {
				list = append(list, view{size[0], size[1], scheme, false, lang})
				if forced {
					list = append(list, view{size[0], size[1], scheme, true, lang})
				}
			}
		}
	}
	return list
}

func TestReportIsAccessible(t *testing.T) {
	page := open(t)
	page.quiet()
	for _, p := range []struct {
		name, file string
		forced     bool
	}{
		{"sampler", sampler(t), true},
		{"fifty", inspected(t, fifty(t)), false},
	} {
		for _, v := range views(p.forced) {
			t.Run(p.name+" "+v.String(), func(t *testing.T) {
				page := page.with(t)
				page.look(v, p.file)
				page.shoot(p.name + "-" + v.String())
				if p.name == "sampler" { // what is folded is judged too
					eval[bool](page, `document.querySelectorAll("details").forEach(d => d.open = true) ?? true`)
					page.shoot(p.name + "-" + v.String() + "-open")
				}
				page.accessible()
				page.fits()
			})
		}
	}
}

func TestReportNeedsNoScripts(t *testing.T) {
	page := open(t)
	call(page, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	file := sampler(t)
	for _, lang := range []string{"en", "fr"} {
		page.look(view{320, 640, "light", false, lang}, file)
		page.fits()
		if got := eval[string](page, shownLanguages); got != lang {
			t.Errorf("shown in %s: %s", lang, got)
		}
	}
}

// shownLanguages are the languages of the editions that can be seen.
const shownLanguages = `[...document.querySelectorAll(".edition")].filter(e => e.offsetHeight > 0).map(e => e.lang).join()`

// Names that mean harm stay text: no element, no link and no direction comes of them.
func TestHostileNamesStayText(t *testing.T) {
	page := open(t)
	page.quiet()
	page.look(view{1280, 800, "light", false, "en"}, sampler(t))
	for what, expression := range map[string]string{
		"scripts":         `document.scripts.length == 0`,
		"event handlers":  `![...document.querySelectorAll("*")].some(e => [...e.attributes].some(a => a.name.startsWith("on")))`,
		"links elsewhere": `![...document.querySelectorAll("a")].some(a => !a.getAttribute("href").startsWith("#"))`,
		"turned text":     `!/[\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.outerHTML)`,
		"a name changed":  `document.body.textContent.includes("<script>alert(1)</script>")`,
	} {
		if !eval[bool](page, expression) {
			t.Error(what)
		}
	}
}

// focus is where the keyboard is.
type focus struct {
	Tag     string `json:"tag"`
	Text    string `json:"text"`
	Outline string `json:"outline"`
	Hash    string `json:"hash"`
}

func (t tab) focus() focus {
	t.Helper()
	return eval[focus](t, `(() => {
		const e = document.activeElement, s = getComputedStyle(e)
		return {tag: e.tagName, text: e.textContent.trim().slice(0, 40), outline: s.outlineStyle + " " + s.outlineWidth, hash: location.hash}
	})()`)
}

func TestKeyboardReachesEverything(t *testing.T) {
	page := open(t)
	file := sampler(t)
	page.look(view{1280, 800, "light", false, "en"}, file)
	page.do(chromedp.Navigate("about:blank"), chromedp.Navigate("file://"+file), chromedp.WaitVisible(chromedp.CSS("#en h1")))
	page.do(chromedp.KeyEvent(kb.Tab))
	if f := page.focus(); f.Text != "Français" || f.Outline != "solid 3px" {
		t.Fatalf("the first stop is %+v, want the other language, with a ring around it", f)
	}
	page.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#fr h1")))
	if got := eval[string](page, shownLanguages); got != "fr" {
		t.Fatalf("shown after the switch: %s", got)
	}
	page.do(chromedp.KeyEvent(kb.Tab))
	if f := page.focus(); f.Text != "English" {
		t.Errorf("after the switch the first stop is %+v, want the way back", f)
	}
	summaries, links := 0, 0
	for range 80 {
		page.do(chromedp.KeyEvent(kb.Tab))
		f := page.focus()
		if f.Tag == "BODY" {
			break
		}
		if f.Outline != "solid 3px" {
			t.Errorf("no ring around %+v", f)
		}
		switch f.Tag {
		case "A":
			links++
		case "SUMMARY":
			summaries++
			const state = `document.activeElement.parentElement.open`
			before := eval[bool](page, state)
			page.do(chromedp.KeyEvent(kb.Enter))
			if eval[bool](page, state) == before {
				t.Errorf("Enter does nothing on %+v", f)
			}
			page.do(chromedp.KeyEvent(kb.Enter))
		}
	}
	if summaries < 5 || links < 5 {
		t.Errorf("%d summaries and %d links were reached", summaries, links)
	}
	// a link to a device keeps the language
	page.do(chromedp.Click(chromedp.CSS("#fr .band a")))
	if f, got := page.focus(), eval[string](page, shownLanguages); got != "fr" || !strings.HasPrefix(f.Hash, "#fr-") {
		t.Errorf("after a link to a device: %s, %+v", got, f)
	}
}

func TestReportPrintsWhole(t *testing.T) {
	page := open(t)
	page.look(view{1280, 800, "dark", false, "fr"}, sampler(t))
	pdf, err := chromedp.Run(page.ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(pdf), "%PDF-") || len(pdf) < 20_000 {
		t.Errorf("printed %d octets, %.8q", len(pdf), pdf)
	}
	call(page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if hidden := eval[[]string](page, `[...document.querySelectorAll("#fr details > :not(summary)")].filter(e => e.getBoundingClientRect().height == 0).map(e => e.outerHTML.slice(0, 100))`); len(hidden) > 0 {
		t.Errorf("not printed: %q", hidden)
	}
	if dir := os.Getenv("PLIMSOLL_SHOTS"); dir != "" {
		keep(t, filepath.Join(dir, "sampler.pdf"), pdf)
	}
}

// The judge is not asleep: of a page with faults it names them.
func TestFaultsOfAccessibilityAreFound(t *testing.T) {
	page := open(t)
	bad := filepath.Join(t.TempDir(), "bad.html")
	keep(t, bad, []byte(`<!doctype html><html><body id="en"><h1 style="color:#ccc;background:#fff">pale</h1><img src=""><input></body></html>`))
	page.look(view{320, 640, "light", false, "en"}, bad)
	var ids []string
	for _, f := range page.violations("{}") {
		ids = append(ids, f.ID)
	}
	for _, want := range []string{"color-contrast", "html-has-lang", "image-alt", "label"} {
		if !slices.Contains(ids, want) {
			t.Errorf("%s is not among %v", want, ids)
		}
	}
}
