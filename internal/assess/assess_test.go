package assess

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

const productFile = `{"schema": "plimsoll.product/1", "category": "plug", "gtin": "09506000134352", "maker": "Example Lamps", "model": "LP-110",
	"support_until": "2031-03-31", "mud_url": "https://mud.lamps.example/lp-110.json", "sensors": ["power"], "practices": ["works-offline"]}`

const mac = "02:00:5e:10:00:01"

func catalogue(t testing.TB) *norms.Catalogue {
	t.Helper()
	c, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func product(t testing.TB) *Product {
	t.Helper()
	p, err := ParseProduct([]byte(productFile))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// declare makes a declaration with these rows, such as "5.1-1 yes", and the rest of ics and ixit as JSON.
func declare(t testing.TB, ics, ixit string, rows ...string) *Declaration {
	t.Helper()
	var provisions []string
	for _, r := range rows {
		number, support, _ := strings.Cut(r, " ")
		provisions = append(provisions, fmt.Sprintf(`{"provision": %q, "support": %q, "detail": "as said", "justification": "for a reason"}`, number, support))
	}
	if ics != "" {
		ics += ", "
	}
	text := fmt.Sprintf(`{"schema": "plimsoll.declaration/1", "by": "Example Lamps", "date": "2026-11-20", "gtin": "09506000134352", "model": "LP-110",
		"ics": {%s"provisions": [%s]}, "ixit": {%s}, "documents": [{"id": "TR", "title": "Test report", "kind": "test-report", "by": "example-lab", "sha256": %q, "covers": ["5.4-1"]}]}`,
		ics, strings.Join(provisions, ", "), ixit, reportDigest)
	d, err := ParseDeclaration([]byte(text), "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	report       = "what the laboratory found\n"
	reportDigest = "4a9f3a8a9d2a1cbcbd24a6c9a6f8be9b25ebb5e2ebcd3f6ba8d0d7ed7c4f0d35"
)

// evidence reads a file, and finds the product in it.
func evidence(t testing.TB, text string) Evidence {
	t.Helper()
	e, err := ParseEvidence("evidence", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Find(product(t), ""); err != nil {
		t.Fatal(err)
	}
	return *e
}

// inspected is what inspect --json prints of one device that names the product’s MUD URL.
func inspected(findings, rest string) string {
	return `{"schema": "plimsoll.inspect/1", "capture": {"first": "2026-11-22T20:00:00Z", "last": "2026-11-22T21:00:00Z"}, "devices": [
		{"id": "d1", "mac": "` + mac + `", "macs": ["` + mac + `"], "first": "2026-11-22T20:05:00Z", "last": "2026-11-22T20:55:00Z",
		 "mud_url": {"url": "https://mud.lamps.example/lp-110.json", "via": "dhcpv4"}` + rest + `},
		{"id": "d2", "mac": "02:00:5e:10:00:02", "identity": {"maker": "Other", "model": "X"}}],
		"findings": [` + findings + `]}`
}

func clear(device, role, direction string, confidence float64, ids ...string) string {
	list, _ := json.Marshal(ids)
	return fmt.Sprintf(`{"id": "f1", "kind": "clear.credentials", "device": %q, "role": %q, "confidence": %g, "norms": %s, "direction": %q,
		"first": "2026-11-22T20:10:00Z", "last": "2026-11-22T20:10:00Z", "text": {"en": {"title": "A password in clear", "seen": "By FTP."}, "fr": {"title": "Un mot de passe en clair", "seen": "Par FTP."}},
		"evidence": [{"packets": [12], "flow": "1:x="}]}`, device, role, confidence, list, direction)
}

// probed is a transcript with these checks, such as "login.default bad", and more members.
func probed(t testing.TB, change func(*Transcript), list ...string) string {
	t.Helper()
	x := &Transcript{
		Schema: TranscriptSchema, Device: Target{Address: "192.168.1.20", MAC: mac}, Started: "2026-11-23T10:00:00Z", Ended: "2026-11-23T10:02:00Z", Whole: true,
		Tried: []string{"tcp/23", "tcp/80", "tcp/443"},
	}
	for _, c := range list {
		check, outcome, _ := strings.Cut(c, " ")
		x.Checks = append(x.Checks, Check{Check: check, Port: "tcp/23", Outcome: outcome, Detail: "as it was"})
	}
	if change != nil {
		change(x)
	}
	x.SHA256 = x.Digest()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func weigh(t testing.TB, in Input) *Result {
	t.Helper()
	in.Product, in.Catalogue = product(t), catalogue(t)
	r, err := Assess(&in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t *testing.T, r *Result, id string, c label.Class, v Verdict, reasons ...string) {
	t.Helper()
	n := r.Norm(id)
	if n.Class != c || n.Verdict != v {
		t.Errorf("%s is %s and %s, want %s and %s: %v", id, n.Class, n.Verdict, c, v, n.Reasons)
	}
	for _, key := range reasons {
		if !slices.ContainsFunc(n.Reasons, func(s Said) bool { return s.Key == "assess.reason."+key }) {
			t.Errorf("%s: no reason %s in %v", id, key, n.Reasons)
		}
	}
}

func TestOfWhatNobodySaysNothingIsKnown(t *testing.T) {
	r := weigh(t, Input{})
	if len(r.Norms) != 78 {
		t.Errorf("%d norms, and ETSI EN 303 645 has 78", len(r.Norms))
	}
	for i := range r.Norms {
		want(t, r, r.Norms[i].ID, label.NotClaimed, Inconclusive, "nothing")
		if len(r.Norms[i].Raise) == 0 {
			t.Errorf("%s: nothing would raise it", r.Norms[i].ID)
		}
	}
}

func TestSilenceSupportsNothing(t *testing.T) {
	r := weigh(t, Input{
		Declaration: declare(t, "", "", "5.1-1 yes", "5.5-1 yes", "5.5-5 yes"),
		Evidence:    []Evidence{evidence(t, inspected("", "")), evidence(t, probed(t, nil))},
	})
	for _, id := range []string{"etsi.5.1-1", "etsi.5.5-1", "etsi.5.5-5"} {
		want(t, r, id, label.Declared, Inconclusive, "declared.yes")
	}
}

func TestTheWordOfTheMakerAlonePassesNothing(t *testing.T) {
	r := weigh(t, Input{Declaration: declare(t, "", "", "5.1-1 yes", "5.3-3 no", "5.3-13 yes")})
	want(t, r, "etsi.5.1-1", label.Declared, Inconclusive, "declared.yes")
	want(t, r, "etsi.5.3-3", label.NotClaimed, Fail, "declared.no")
	if n := r.Norm("etsi.5.1-1"); !slices.ContainsFunc(n.Raise, func(s Said) bool { return s.Key == "assess.raise.ixit" }) {
		t.Errorf("the table AuthMech is empty, and nobody says it: %v", n.Raise)
	}
}

func TestWhatWasFoundCountsMoreThanWhatWasDeclared(t *testing.T) {
	r := weigh(t, Input{
		Declaration: declare(t, "", "", "5.1-1 yes", "5.1-3 yes"),
		Evidence:    []Evidence{evidence(t, inspected(clear("d1", "actor", "refutes", 0.95, "etsi.5.1-3"), "")), evidence(t, probed(t, nil, "login.default bad"))},
	})
	want(t, r, "etsi.5.1-3", label.Refuted, Fail, "declared.yes", "contradiction", "finding")
	want(t, r, "etsi.5.1-1", label.Refuted, Fail, "declared.yes", "contradiction", "check.login.default.bad")
	want(t, r, "psti.1", label.Refuted, Fail, "check.login.default.bad")
	n := r.Norm("etsi.5.1-3")
	if n.First != "2026-11-22T20:05:00Z" || n.Sources != 1 || n.Severity() != finding.High {
		t.Errorf("seen since %q in %d sources, severity %s", n.First, n.Sources, n.Severity())
	}
	if at := n.Reasons[2].At; len(at) != 1 || at[0].Source != 1 || !slices.Equal(at[0].Packets, []uint64{12}) {
		t.Errorf("it points at %+v", at)
	}
	for lang, text := range map[locale.Lang]string{locale.English: "A password in clear. By FTP.", locale.French: "Un mot de passe en clair. Par FTP."} {
		if got := n.Reasons[2].Text(locale.New(lang)); !strings.Contains(got, text) {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

func TestAFindingCountsOnlyIfTheDeviceDidItForSure(t *testing.T) {
	for name, f := range map[string]string{
		"another device": clear("d2", "actor", "refutes", 0.95, "etsi.5.1-3"),
		"it suffers it":  clear("d1", "target", "refutes", 0.95, "etsi.5.1-3"),
		"unsure":         clear("d1", "actor", "refutes", 0.5, "etsi.5.1-3"),
		"says nothing":   clear("d1", "actor", "neither", 0.95, "etsi.5.1-3"),
	} {
		r := weigh(t, Input{Evidence: []Evidence{evidence(t, inspected(f, ""))}})
		if n := r.Norm("etsi.5.1-3"); n.Class != label.NotClaimed || n.Verdict != Inconclusive {
			t.Errorf("%s: %s, %s", name, n.Class, n.Verdict)
		}
	}
}

// The catalogue says what evidence can do; a file that claims more is not believed.
func TestTheDirectionOfEvidenceIsTheCatalogues(t *testing.T) {
	for _, n := range catalogue(t).All() {
		for _, direction := range []string{"refutes", "supports"} {
			r := weigh(t, Input{Evidence: []Evidence{evidence(t, inspected(clear("d1", "actor", direction, 0.95, n.ID), ""))}})
			got := r.Norm(n.ID)
			refuted, supported := got.Class == label.Refuted, got.Class == label.Seen
			if refuted != (direction == "refutes" && n.Evidence.Refutes()) || supported != (direction == "supports" && n.Evidence.Confirms()) {
				t.Errorf("%s, whose evidence can %s: a finding that %s makes it %s", n.ID, n.Evidence, direction, got.Class)
			}
		}
	}
}

func TestChecksPromiseOnlyWhatTheCatalogueAllows(t *testing.T) {
	c := catalogue(t)
	for _, a := range Checks() {
		if len(a.Refutes)+len(a.Supports) == 0 {
			t.Errorf("%s says nothing of any norm", a.Check)
		}
		for _, id := range a.Refutes {
			if n, ok := c.Norm(id); !ok || !n.Evidence.Refutes() {
				t.Errorf("%s refutes %s, which evidence cannot", a.Check, id)
			}
		}
		for _, id := range a.Supports {
			if n, ok := c.Norm(id); !ok || !n.Evidence.Confirms() {
				t.Errorf("%s supports %s, which evidence cannot", a.Check, id)
			}
		}
		for _, outcome := range []string{Bad, Good} {
			for _, l := range locale.Languages {
				key := "assess.reason.check." + a.Check + "." + outcome
				if needed := outcome == Bad && a.Refutes != nil || outcome == Good && a.Supports != nil; needed && locale.New(l).Text(key) == key {
					t.Errorf("no words for %s in %s", key, l)
				}
			}
		}
	}
	for provision := range needs {
		if _, ok := c.Norm("etsi." + provision); !ok {
			t.Errorf("a table is needed for %s, which is no provision", provision)
		}
	}
	for _, n := range c.All() {
		if _, ok := needs[n.SourceID]; n.Source == etsi && n.SourceID != "5.0-1" && !ok {
			t.Errorf("nothing says what %s is tested with", n.ID)
		}
	}
	(&IXIT{}).missing("5.1-4") // panics if a table has another name
}

func TestNotApplicableIsOnlyWhatADeclaredConditionMakesSo(t *testing.T) {
	// 5.1-1 depends on feature a, 5.1-5 on condition 14 and feature e, 5.2-1 on nothing.
	said := declare(t, `"features": {"a": false}, "conditions": {"14": true}`, "", "5.1-1 n/a", "5.1-5 n/a", "5.2-1 n/a")
	r := weigh(t, Input{Declaration: said})
	want(t, r, "etsi.5.1-1", label.Declared, NotApplicable, "declared.na", "condition.false")
	want(t, r, "etsi.5.1-5", label.NotClaimed, Inconclusive, "condition.unsaid")
	want(t, r, "etsi.5.2-1", label.NotClaimed, Inconclusive, "condition.unsaid")
	if c := r.Statement().Class("etsi.5.1-1"); c != label.NotClaimed {
		t.Errorf("on the label, what does not apply is %s", c)
	}

	// A default password refutes 5.1-1 whatever is said of conditions; a log-in that holds back shows that there is one.
	r = weigh(t, Input{Declaration: said, Evidence: []Evidence{evidence(t, probed(t, nil, "login.default bad"))}})
	want(t, r, "etsi.5.1-1", label.Refuted, Fail)
	r = weigh(t, Input{Declaration: said, Evidence: []Evidence{evidence(t, probed(t, nil, "login.guessing good"))}})
	want(t, r, "etsi.5.1-1", label.NotClaimed, Inconclusive, "condition.seen")
}

func TestWhatIsReallySeenSupports(t *testing.T) {
	ixit := `"UpdMech": [{"id": "Upd-1", "description": "over the air", "network": true, "servers": ["fw.lamps.example"]}]`
	said := declare(t, "", ixit, "5.1-5 yes", "5.3-2 yes", "5.5-1 yes", "5.2-1 yes")
	peers := func(service string) string {
		return `, "peers": [{"name": "fw.lamps.example", "scope": "internet", "services": ["` + service + `"], "bytes": 9000}]`
	}
	r := weigh(t, Input{Declaration: said, Evidence: []Evidence{
		evidence(t, inspected("", peers("tcp/443 tls"))), evidence(t, probed(t, nil, "login.guessing good", "tls.version good", "security.txt good")),
	}})
	want(t, r, "etsi.5.1-5", label.Seen, Pass, "check.login.guessing.good")
	want(t, r, "etsi.5.3-2", label.Seen, Inconclusive, "update.seen")
	want(t, r, "etsi.5.5-1", label.Seen, Inconclusive, "check.tls.version.good")
	want(t, r, "etsi.5.2-1", label.WebChecked, Inconclusive, "check.security.txt.good")

	for _, service := range []string{"tcp/80 http", "tcp/443"} {
		r = weigh(t, Input{Declaration: said, Evidence: []Evidence{evidence(t, inspected("", peers(service)))}})
		want(t, r, "etsi.5.3-2", label.Declared, Inconclusive)
	}
	// a server that looks like one for updates is one where the maker says so
	for server, class := range map[string]label.Class{"fw.lamps.example": label.Seen, "fw.other.example": label.Declared} {
		seen := probed(t, func(x *Transcript) { x.Checks[0].Detail = server }, "update.traffic good")
		r = weigh(t, Input{Declaration: said, Evidence: []Evidence{evidence(t, seen)}})
		want(t, r, "etsi.5.3-2", class, Inconclusive)
	}
	r = weigh(t, Input{Declaration: said, Lab: "example-lab", Evidence: []Evidence{evidence(t, probed(t, nil, "login.guessing good", "tls.version good"))}})
	want(t, r, "etsi.5.1-5", label.LabTested, Pass)
	want(t, r, "etsi.5.5-1", label.Seen, Inconclusive) // a laboratory that sees a part has not tested the whole
}

func TestLookingForUpdatesRegularlyIsSeenOnlyOverADay(t *testing.T) {
	said := declare(t, "", `"UpdMech": [{"id": "Upd-1", "description": "over the air", "servers": ["fw.lamps.example"]}]`, "5.3-5 yes")
	line := func(hour float64, device, name string, in int) string {
		return fmt.Sprintf(`{"ts": %f, "uid": "1", "id.orig_h": "192.0.2.7", "service": "ssl", "conn_state": "SF", "orig_bytes": 500, "resp_bytes": %d, "orig_l2_addr": %q, "names": [%q], "community_id": "1:x="}`+"\n",
			1795377900+hour*3600, in, device, name)
	}
	visits := func(device, name string, in int, hours ...float64) (text string) {
		for _, h := range hours {
			text += line(h, device, name, in)
		}
		return text
	}
	for _, tt := range []struct {
		name, text string
		want       label.Class
	}{
		{"three times in two days", visits(mac, "fw.lamps.example", 400, 0, 24, 48), label.Seen},
		{"three times in an hour", visits(mac, "fw.lamps.example", 400, 0, 0.4, 0.9), label.Declared},
		{"twice", visits(mac, "fw.lamps.example", 400, 0, 48), label.Declared},
		{"no answer", visits(mac, "fw.lamps.example", 0, 0, 24, 48), label.Declared},
		{"another server", visits(mac, "ads.example", 400, 0, 24, 48), label.Declared},
		{"another device", visits("02:00:5e:10:00:02", "fw.lamps.example", 400, 0, 24, 48), label.Declared},
	} {
		e, err := ParseEvidence("flows", []byte(tt.text))
		if err != nil || e.Kind != Flows {
			t.Fatalf("%s: %v, %v", tt.name, e, err)
		}
		if err := e.Find(product(t), mac); err != nil {
			t.Fatal(err)
		}
		if n := weigh(t, Input{Declaration: said, Evidence: []Evidence{*e}}).Norm("etsi.5.3-5"); n.Class != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, n.Class, tt.want)
		}
	}
}

func TestEncryptionIsSeenOnlyWhereNothingIsInClear(t *testing.T) {
	line := func(service, version string, in int) string {
		return fmt.Sprintf(`{"ts": 1795377900, "uid": "1", "id.orig_h": "192.0.2.7", "service": %q, "tls": %q, "orig_bytes": 500, "resp_bytes": %d, "orig_l2_addr": %q, "names": []}`+"\n", service, version, in, mac)
	}
	for _, tt := range []struct {
		name, text string
		want       label.Class
	}{
		{"TLS 1.3", line("tls", "1.3", 9) + line("dns", "", 9), label.Seen},
		{"QUIC", line("quic", "", 9), label.Seen},
		{"one in clear", line("tls", "1.3", 9) + line("http", "", 9), label.NotClaimed},
		{"one of which nothing is known", line("tls", "1.3", 9) + line("", "", 9), label.NotClaimed},
		{"an old one", line("tls", "1.0", 9), label.NotClaimed},
		{"TLS of a version that was not seen", line("tls", "", 9), label.NotClaimed},
		{"nobody answered", line("tls", "1.3", 0), label.NotClaimed},
		{"names alone", line("dns", "", 9), label.NotClaimed},
	} {
		e, err := ParseEvidence("flows", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Find(product(t), mac); err != nil {
			t.Fatal(err)
		}
		if n := weigh(t, Input{Evidence: []Evidence{*e}}).Norm("etsi.5.5-1"); n.Class != tt.want || n.Verdict != Inconclusive {
			t.Errorf("%s: %s, %s; want %s", tt.name, n.Class, n.Verdict, tt.want)
		}
	}
}

func TestOpenPortsAreHeldAgainstTheDeclaration(t *testing.T) {
	open := func(x *Transcript) { x.Open = []Service{{Port: "tcp/80"}, {Port: "tcp/23"}} }
	web := `{"id": "Web", "description": "set-up page", "ports": ["tcp/80"], "enabled": true}`
	telnet := `{"id": "Telnet", "description": "for repair", "ports": ["tcp/23"], "enabled": %v}`
	for _, tt := range []struct {
		name, ixit string
		want       label.Class
	}{
		{"nothing is declared", "", label.Declared},
		{"one is not", `"SoftServ": [` + web + `]`, label.Refuted},
		{"one is declared off", `"SoftServ": [` + web + `, ` + fmt.Sprintf(telnet, false) + `]`, label.Refuted},
		{"all are", `"SoftServ": [` + web + `, ` + fmt.Sprintf(telnet, true) + `]`, label.Seen},
	} {
		r := weigh(t, Input{Declaration: declare(t, "", tt.ixit, "5.6-1 yes", "5.6-5 yes"), Evidence: []Evidence{evidence(t, probed(t, open))}})
		if n := r.Norm("etsi.5.6-1"); n.Class != tt.want || n.Verdict == Pass {
			t.Errorf("%s: %s, %s; want %s", tt.name, n.Class, n.Verdict, tt.want)
		}
	}
}

func TestTheSameKeyOnTwoUnitsIsNoSecret(t *testing.T) {
	unit := func(mac string) Evidence {
		return evidence(t, probed(t, func(x *Transcript) {
			x.Device.MAC, x.Keys = mac, []Key{{Port: "tcp/22", Kind: "ssh", SHA256: reportDigest}}
		}))
	}
	r := weigh(t, Input{Evidence: []Evidence{unit(mac), unit(mac)}})
	want(t, r, "etsi.5.4-4", label.NotClaimed, Inconclusive)
	r = weigh(t, Input{Evidence: []Evidence{unit(mac), unit("02:00:5e:10:00:09")}})
	want(t, r, "etsi.5.4-4", label.Refuted, Fail, "key.shared")
}

func TestTheModelIsNamedByTheDeviceItself(t *testing.T) {
	for value, want := range map[string]label.Class{"Example LP-110 v2": label.Seen, "LP-1100": label.NotClaimed, "XLP-110": label.NotClaimed} {
		rest := `, "identity": {"because": [{"fact": "upnp.model_name", "value": "` + value + `", "packet": 7}]}`
		if n := weigh(t, Input{Evidence: []Evidence{evidence(t, inspected("", rest))}}).Norm("etsi.5.3-16"); n.Class != want {
			t.Errorf("%q: %s, want %s", value, n.Class, want)
		}
	}
	rest := `, "identity": {"because": [{"fact": "oui.assignee", "value": "LP-110"}]}`
	if n := weigh(t, Input{Evidence: []Evidence{evidence(t, inspected("", rest))}}).Norm("etsi.5.3-16"); n.Class != label.NotClaimed {
		t.Errorf("what others say of it counts: %s", n.Class)
	}
}

func TestAReportCountsOnlyIfItIsAtHandAndOfTheLaboratory(t *testing.T) {
	e := evidence(t, report)
	said := declare(t, "", "", "5.4-1 yes")
	said.Documents[0].SHA256 = e.SHA256
	for _, tt := range []struct {
		name, lab string
		files     []Evidence
		want      label.Class
	}{
		{"named in the declaration alone", "example-lab", nil, label.Declared},
		{"of a laboratory that nobody named", "", []Evidence{e}, label.Declared},
		{"of another laboratory", "other-lab", []Evidence{e}, label.Declared},
		{"with one letter changed", "example-lab", []Evidence{evidence(t, report+".")}, label.Declared},
		{"at hand", "example-lab", []Evidence{e}, label.LabTested},
	} {
		n := weigh(t, Input{Declaration: said, Lab: tt.lab, Evidence: tt.files}).Norm("etsi.5.4-1")
		if n.Class != tt.want || (n.Verdict == Pass) != (tt.want == label.LabTested) {
			t.Errorf("%s: %s, %s", tt.name, n.Class, n.Verdict)
		}
	}
}

func TestTheProductIsNeverGuessed(t *testing.T) {
	p := product(t)
	other := strings.Replace(inspected("", ""), "lp-110.json", "another.json", 1)
	e, err := ParseEvidence("e", []byte(other))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Find(p, ""); !errors.Is(err, ErrEvidence) {
		t.Errorf("it took a device for the product: %v, %s", err, e.Device)
	}
	if err := e.Find(p, "02:00:5e:10:00:02"); err != nil || e.Device != "02:00:5e:10:00:02" {
		t.Errorf("%v, %s", err, e.Device)
	}
	e, _ = ParseEvidence("t", []byte(probed(t, nil)))
	if err := e.Find(p, "02:00:5e:10:00:02"); !errors.Is(err, ErrEvidence) {
		t.Errorf("it took the transcript of another device: %v", err)
	}
}

func TestWhatTheMakerSaysTwiceMustAgree(t *testing.T) {
	d := declare(t, "", `"UserInfo": {"support_period": "2029-01-01"}, "ExtSens": [{"id": "Mic", "description": "hears", "sensor": "audio"}]`, "5.3-13 yes", "5.3-14 n/a")
	d.Model, d.ICS.Provisions[1].Justification = "LP-111", ""
	r := weigh(t, Input{Declaration: d, Evidence: []Evidence{evidence(t, "a letter")}})
	var keys []string
	for _, s := range r.Problems {
		keys = append(keys, strings.TrimPrefix(s.Key, "assess.problem."))
	}
	if !slices.Equal(keys, []string{"other", "support", "sensor", "paper"}) {
		t.Errorf("problems: %v", keys)
	}
	want(t, r, "etsi.5.0-1", label.NotClaimed, Inconclusive, "unjustified")
}

func TestTheStatementCanBeSigned(t *testing.T) {
	r := weigh(t, Input{Declaration: declare(t, "", "", "5.1-2 yes"), Evidence: []Evidence{evidence(t, probed(t, nil, "login.guessing good", "login.default bad"))}})
	s := r.Statement()
	s.Issued = label.DayOf(label.Day(20000).Time())
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	for id, c := range map[string]label.Class{"etsi.5.1-1": label.Refuted, "etsi.5.1-2": label.Declared, "etsi.5.1-5": label.Seen, "etsi.5.4-1": label.NotClaimed} {
		if got := s.Class(id); got != c {
			t.Errorf("%s is %s, want %s", id, got, c)
		}
	}
	if len(r.Product.Norms) > 0 {
		t.Error("the product was changed")
	}
}

func TestWhatIsWrongInAFileIsSaid(t *testing.T) {
	c := catalogue(t)
	for _, tt := range []struct{ change, to, says string }{
		{`"by": "B"`, `"by": " "`, "nobody declares it"},
		{`"2026-11-20"`, `"soon"`, "2026-11-20"},
		{`"5.1-1"`, `"5.99-1"`, "5.99-1"},
		{`"yes"`, `"perhaps"`, "none of yes, no, n/a"},
		{`"features": {"a"`, `"features": {"zz"`, "zz"},
		{`"documents": ["D"]`, `"documents": ["E"]`, `"E"`},
		{reportDigest, "abc", "SHA-256"},
		{`"ports": ["tcp/80"]`, `"ports": ["web"]`, "no port"},
		{`"id": "Web"`, `"id": ""`, "SoftServ[0]"},
		{`"by": "B"`, `"by": "B", "bye": 1`, "bye"},
		{`"plimsoll.declaration/1"`, `"plimsoll.declaration/2"`, "declaration/2"},
		{`"factor": "password"`, `"factor": "luck"`, "luck"},
	} {
		text := `{"schema": "plimsoll.declaration/1", "by": "B", "date": "2026-11-20", "gtin": "09506000134352", "model": "M",
			"ics": {"features": {"a": true}, "provisions": [{"provision": "5.1-1", "support": "yes", "documents": ["D"]}]},
			"ixit": {"AuthMech": [{"id": "A", "description": "d", "factor": "password"}], "SoftServ": [{"id": "Web", "description": "d", "ports": ["tcp/80"]}]},
			"documents": [{"id": "D", "title": "t", "kind": "manual", "sha256": "` + reportDigest + `"}]}`
		parse := func(text string) error {
			d, err := ParseDeclaration([]byte(text), "")
			if err == nil {
				err = d.check(c)
			}
			return err
		}
		if err := parse(text); err != nil {
			t.Fatal(err)
		}
		if err := parse(strings.Replace(text, tt.change, tt.to, 1)); !errors.Is(err, ErrDeclaration) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.to, err)
		}
	}
	for text, says := range map[string]string{
		"[]":                               "cannot unmarshal",
		`{}`:                               "GTIN",
		`{"schema": "plimsoll.product/9"}`: "plimsoll.product/9",
		strings.Replace(productFile, `"sensors": ["power"]`, `"norms": {"etsi.5.1-1": "lab-tested"}`, 1): "evidence alone",
		strings.Replace(productFile, `352"`, `353"`, 1):                                                  "check digit",
		strings.Replace(productFile, `"power"`, `"smell"`, 1):                                            "smell",
		strings.Replace(productFile, `"maker"`, `"makr"`, 1):                                             "makr",
	} {
		if _, err := ParseProduct([]byte(text)); !errors.Is(err, ErrProduct) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, want %q", text, err, says)
		}
	}
	altered := strings.Replace(probed(t, nil, "login.default bad"), "bad", "good", 1)
	for text, says := range map[string]string{
		altered:                          "altered",
		`{"schema": "plimsoll.norms/1"}`: "plimsoll.norms/1",
		`{"schema": "plimsoll.inspect/1", "devices": 1}`: "evidence",
	} {
		if _, err := ParseEvidence("e", []byte(text)); !errors.Is(err, ErrEvidence) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, want %q", text, err, says)
		}
	}
}

// Whatever is handed in, what comes out can be signed, and nothing passes on the word of a document that nobody named.
func FuzzAssess(f *testing.F) {
	f.Add([]byte(probed(f, nil, "login.default bad", "login.guessing good")), []byte(`{"schema": "plimsoll.declaration/1", "by": "B", "date": "2026-11-20", "gtin": "09506000134352", "ics": {"provisions": [{"provision": "5.1-1", "support": "n/a"}]}, "ixit": {}}`))
	f.Add([]byte(inspected(clear("d1", "actor", "supports", 1, "etsi.5.5-1"), "")), []byte(`{}`))
	f.Add([]byte(`{"uid": "1", "id.orig_h": "192.0.2.7", "ts": 1e308}`), []byte(`{"schema": "plimsoll.declaration/1"}`))
	p, c := product(f), catalogue(f)
	f.Fuzz(func(t *testing.T, file, declaration []byte) {
		in := Input{Product: p, Catalogue: c}
		if d, err := ParseDeclaration(declaration, ""); err == nil {
			in.Declaration = d
		}
		e, err := ParseEvidence("e", file)
		if err == nil && e.Find(p, "") == nil {
			in.Evidence = append(in.Evidence, *e)
		}
		r, err := Assess(&in)
		if err != nil {
			return
		}
		s := r.Statement()
		s.Issued = 20000
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		for i := range r.Norms {
			n := &r.Norms[i]
			if n.Class == label.LabTested {
				t.Fatalf("%s was tested by a laboratory that nobody named", n.ID)
			}
			if n.Class == label.Refuted && n.Verdict != Fail || n.Verdict == Pass && n.Class < label.WebChecked {
				t.Fatalf("%s: %s, %s", n.ID, n.Class, n.Verdict)
			}
		}
	})
}
