package advisory_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/version"
	"plimsoll.example/plimsoll/label"
)

var (
	cam    = advisory.Product{ID: "cam", Maker: "Example Cameras", Model: "EX-210", Firmware: version.Range{From: "3.1", To: ""}}
	active = advisory.Standing{Status: label.Active}
)

const today label.Day = 20785

// flaw is a record about the camera’s versions before 3.2.1.
func flaw(source advisory.Source, id string, edit func(*advisory.Advisory)) *advisory.Advisory {
	a := &advisory.Advisory{
		Source: source, Kind: advisory.Flaw, ID: id, Names: []string{id}, Feed: string(source), Digest: strings.Repeat("0", 64),
		Affected: []advisory.Affected{{Says: advisory.IsAffected, Maker: "Example Cameras", Product: "EX-210", Versions: []version.Span{{From: "3.0", Before: "3.2.1"}}, Fixed: []string{"3.2.1"}}},
	}
	if edit != nil {
		edit(a)
	}
	return a
}

func kevEntry(id string) *advisory.Advisory {
	return flaw(advisory.KEV, id, func(a *advisory.Advisory) {
		a.Exploited = true
		a.Affected[0].Versions, a.Affected[0].Fixed = nil, nil
	})
}

// vex is the word of a maker that all versions of the camera are not affected.
func vex(id, voice string, edit func(*advisory.Affected)) *advisory.Advisory {
	return flaw(advisory.CSAF, id, func(a *advisory.Advisory) {
		a.Voice = voice
		a.Affected[0] = advisory.Affected{Says: advisory.NotAffected, Maker: "Example Cameras", Product: "EX-210", All: true, Why: "vulnerable_code_not_present"}
		if edit != nil {
			edit(&a.Affected[0])
		}
	})
}

// decide is what follows for a product, as words: the act, the cause, and why.
func decide(t *testing.T, p advisory.Product, now advisory.Standing, list ...*advisory.Advisory) (out []string, changes []advisory.Change) {
	t.Helper()
	index := advisory.NewIndex([]*advisory.Product{&p}, nil)
	var matches []advisory.Match
	var gone []*advisory.Case
	for _, c := range advisory.Join(list) {
		matches = append(matches, index.Match(c)...)
		if c.Withdrawn() {
			gone = append(gone, c)
		}
	}
	changes = advisory.Decide(&p, now, matches, gone, nil, today)
	for _, c := range changes {
		out = append(out, string(c.Act)+" "+c.Cause+" "+c.Because)
	}
	return out, changes
}

func TestWhatFollowsFromWhatIsKnown(t *testing.T) {
	const id = "CVE-2026-0001"
	hw := cam
	hw.Hardware = "2"
	fixed := cam
	fixed.Firmware.From = "3.2.1"
	with := func(edit func(*advisory.Standing)) advisory.Standing {
		s := active
		edit(&s)
		return s
	}
	suspended := advisory.Standing{Status: label.Suspended, Case: id}
	part := cam
	part.Components = []advisory.Component{{Name: "busybox", Version: "1.35.0", PURL: "pkg:generic/busybox@1.35.0"}}
	inPart := func(exploited bool) *advisory.Advisory {
		return flaw(advisory.OSV, id, func(a *advisory.Advisory) {
			a.Exploited = exploited
			a.Affected[0] = advisory.Affected{Says: advisory.IsAffected, PURL: "pkg:generic/busybox", Versions: []version.Span{{Before: "1.36"}}}
		})
	}
	ended := cam
	ended.Support = today - 1
	over := cam
	over.Expires = today - 1

	for name, c := range map[string]struct {
		p    advisory.Product
		now  advisory.Standing
		list []*advisory.Advisory
		want string
	}{
		"nothing is known":                       {cam, active, nil, ""},
		"a flaw that nobody exploits":            {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, nil)}, "open CVE-2026-0001 vulnerable"},
		"told once":                              {cam, with(func(s *advisory.Standing) { s.Open = []string{id} }), []*advisory.Advisory{flaw(advisory.CVE, id, nil)}, ""},
		"closed by somebody":                     {cam, with(func(s *advisory.Standing) { s.Closed = []string{id} }), []*advisory.Advisory{flaw(advisory.CVE, id, nil)}, ""},
		"exploited, and versions are known":      {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id)}, "suspend CVE-2026-0001 exploited"},
		"exploited, and closed when it was not":  {cam, with(func(s *advisory.Standing) { s.Closed = []string{id} }), []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id)}, "suspend CVE-2026-0001 exploited"},
		"exploited, and a person lifted it":      {cam, with(func(s *advisory.Standing) { s.Settled = []string{id} }), []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id)}, ""},
		"exploited, and no versions are known":   {cam, active, []*advisory.Advisory{kevEntry(id)}, "open CVE-2026-0001 exploited-unsure"},
		"exploited, in versions that are older":  {fixed, active, []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id)}, ""},
		"exploited, in another revision":         {hw, active, []*advisory.Advisory{flaw(advisory.CVE, id, func(a *advisory.Advisory) { a.Exploited, a.Affected[0].Hardware = true, "3" })}, ""},
		"exploited, in a revision, ours unknown": {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, func(a *advisory.Advisory) { a.Exploited, a.Affected[0].Hardware = true, "3" })}, "open CVE-2026-0001 exploited-unsure"},
		"exploited, and withdrawn":               {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, func(a *advisory.Advisory) { a.Exploited, a.Withdrawn = true, true })}, ""},
		"the maker clears it":                    {cam, with(func(s *advisory.Standing) { s.Open = []string{id} }), []*advisory.Advisory{flaw(advisory.CVE, id, nil), vex(id, "Example Cameras", nil)}, "close CVE-2026-0001 not-affected"},
		"somebody else clears it":                {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, nil), vex(id, "", nil)}, "open CVE-2026-0001 vulnerable"},
		"the maker clears another version":       {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, nil), vex(id, "Example Cameras", func(f *advisory.Affected) { f.All, f.Versions = false, []version.Span{version.One("3.9")} })}, "open CVE-2026-0001 vulnerable"},
		"the maker disputes what is exploited":   {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id), vex(id, "Example Cameras", nil)}, "open CVE-2026-0001 disputed"},
		"nobody knows yet":                       {cam, active, []*advisory.Advisory{flaw(advisory.CSAF, id, func(a *advisory.Advisory) { a.Affected[0].Says = advisory.Investigating })}, ""},
		"a part has it":                          {part, active, []*advisory.Advisory{inPart(false)}, "open CVE-2026-0001 component"},
		"a part has it, and it is exploited":     {part, active, []*advisory.Advisory{inPart(true)}, "open CVE-2026-0001 exploited-unsure"},
		"suspended, and there is firmware":       {cam, suspended, []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id)}, "propose-restore CVE-2026-0001 fixed"},
		"suspended, and it was proposed":         {cam, advisory.Standing{Status: label.Suspended, Case: id, Asked: []string{id}}, []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id)}, ""},
		"suspended, and all is withdrawn":        {cam, suspended, []*advisory.Advisory{flaw(advisory.CVE, id, func(a *advisory.Advisory) { a.Withdrawn = true })}, "propose-restore CVE-2026-0001 withdrawn"},
		"open, and all is withdrawn":             {cam, with(func(s *advisory.Standing) { s.Open = []string{id} }), []*advisory.Advisory{flaw(advisory.CVE, id, func(a *advisory.Advisory) { a.Withdrawn = true })}, "close CVE-2026-0001 withdrawn"},
		"suspended for it, another is exploited": {cam, suspended, []*advisory.Advisory{flaw(advisory.CVE, "CVE-2026-0002", func(a *advisory.Advisory) { a.Exploited = true })}, "open CVE-2026-0002 exploited"},
		"support has ended":                      {ended, active, nil, "expire support-ended support-ended"},
		"the label has ended":                    {over, active, nil, "expire label-ended label-ended"},
		"it was withdrawn":                       {ended, advisory.Standing{Status: label.Withdrawn}, []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id)}, ""},
		"two are exploited":                      {cam, active, []*advisory.Advisory{flaw(advisory.CVE, id, nil), kevEntry(id), flaw(advisory.CVE, "CVE-2026-0002", func(a *advisory.Advisory) { a.Exploited = true })}, "suspend CVE-2026-0001 exploited; open CVE-2026-0002 exploited"},
	} {
		got, changes := decide(t, c.p, c.now, c.list...)
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
		// done is done: with what was decided taken in, nothing more follows
		status := c.now.Status
		var kept []advisory.Evidence
		for _, ch := range changes {
			if kept = append(kept, ch.Evidence); !ch.Act.Person() {
				status = ch.To
			}
		}
		if c.now.Case == "" && len(c.now.Open)+len(c.now.Closed)+len(c.now.Settled) == 0 {
			next, _ := decide(t, c.p, advisory.Replay(status, kept), c.list...)
			next = slices.DeleteFunc(next, func(s string) bool { return strings.HasPrefix(s, "propose-") })
			if len(next) > 0 {
				t.Errorf("%s: and then %q", name, next)
			}
		}
	}
}

func TestHomesCanAskAndNotSuspend(t *testing.T) {
	got := advisory.Decide(&cam, active, nil, nil, []advisory.Refutation{{Norm: "etsi.5.1-1", Homes: advisory.RefutingHomes}, {Norm: "etsi.5.5-1", Homes: advisory.RefutingHomes - 1}}, today)
	if len(got) != 1 || got[0].Act != advisory.ProposeSuspend || got[0].Evidence.Norm != "etsi.5.1-1" || !got[0].Act.Person() {
		t.Errorf("%+v", got)
	}
}

func TestACertificateAndAContactAreForAPerson(t *testing.T) {
	p := cam
	p.Matter = advisory.Matter{Vendor: 65521, Product: 1}
	revoked := &advisory.Advisory{Source: advisory.DCL, Kind: advisory.Certificate, ID: "65521/1/3/matter", Affected: []advisory.Affected{{Says: advisory.IsAffected, Matter: p.Matter, Versions: []version.Span{version.One("3.1")}}}}
	contact := &advisory.Advisory{Source: advisory.SecurityTxt, Kind: advisory.Contact, ID: "security.txt", Voice: "Example Cameras", Expires: today - 1, Affected: []advisory.Affected{{Says: advisory.Investigating, All: true}}}
	got, _ := decide(t, p, active, revoked, contact)
	if want := "open 65521/1/3/matter certificate-revoked; open security.txt contact-expired"; strings.Join(got, "; ") != want {
		t.Errorf("%q", got)
	}
}

func TestEvidenceNamesTheRecordsAndIsAlwaysTheSame(t *testing.T) {
	list := []*advisory.Advisory{flaw(advisory.CVE, "CVE-2026-0001", nil), kevEntry("CVE-2026-0001")}
	_, changes := decide(t, cam, active, list...)
	slices.Reverse(list)
	_, again := decide(t, cam, active, list...)
	a, digest, err := changes[0].Evidence.JSON()
	if err != nil {
		t.Fatal(err)
	}
	b, digestAgain, _ := again[0].Evidence.JSON()
	if string(a) != string(b) || digest != digestAgain {
		t.Errorf("%s\n%s", a, b)
	}
	for _, want := range []string{`"by":"plimsoll.advisory.rules/1"`, `"act":"suspend"`, `"source":"kev"`, `"source":"cve"`, `"sha256":"000`, `"threshold":0.9`, `"fixed":["3.2.1"]`} {
		if !strings.Contains(string(a), want) {
			t.Errorf("no %s in %s", want, a)
		}
	}
}

func TestRecordsOfOneFlawAreOneCase(t *testing.T) {
	euvd := flaw(advisory.EUVD, "EUVD-2026-1", func(a *advisory.Advisory) { a.Names = []string{"EUVD-2026-1", "GHSA-aaaa-bbbb-cccc"} })
	osv := flaw(advisory.OSV, "GHSA-aaaa-bbbb-cccc", func(a *advisory.Advisory) { a.Names = []string{"ghsa-aaaa-bbbb-cccc", "CVE-2026-0009"} })
	other := flaw(advisory.CVE, "CVE-2026-0010", nil)
	cases := advisory.Join([]*advisory.Advisory{euvd, other, osv})
	if len(cases) != 2 || cases[0].ID != "CVE-2026-0009" || len(cases[0].Advisories) != 2 {
		t.Errorf("%+v", cases)
	}
	// A name that is none of the CVE List gives no case its name.
	odd := flaw(advisory.OSV, "X-1", func(a *advisory.Advisory) {
		a.Names = []string{"CVE-2026-0010", "CVE-\u00a0", "CVE-2026-0001 and more"}
	})
	if cases = advisory.Join([]*advisory.Advisory{odd, other}); len(cases) != 1 || cases[0].ID != "CVE-2026-0010" {
		t.Errorf("%+v", cases)
	}
}

// What the list says that the IEEE calls a maker is what the IEEE calls it.
func TestAliasesOfMakersAreThoseOfTheirSource(t *testing.T) {
	registry, err := os.ReadFile("../oui/registry.bin")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("aliases.json")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.ToLower(string(registry))
	for line := range strings.Lines(string(data)) {
		if !strings.Contains(line, `"source": "IEEE MA-L"`) {
			continue
		}
		names := strings.Split(line, `"`)
		if !slices.ContainsFunc(names, func(n string) bool { return len(n) > 6 && strings.Contains(known, strings.ToLower(n)) }) {
			t.Errorf("the IEEE knows none of %s", line)
		}
	}
	for _, wrong := range []string{
		`{"makers": [{"name": "A1", "aliases": ["B1"]}]}`, `{"makers": [{"name": "A1", "aliases": ["B1"], "source": "s"}, {"name": "C1", "aliases": ["b-1"], "source": "s"}]}`,
		`{"related": [{"name": "A1", "other": "A1", "why": "w", "source": "s"}]}`, `{"products": [{"maker": "A1", "model": "x", "source": "s"}]}`, `[`,
	} {
		if _, err := advisory.ParseAliases([]byte(wrong)); err == nil {
			t.Errorf("taken: %s", wrong)
		}
	}
}

// Whatever makers and models are called, a product is itself, and matching ends.
func FuzzMatch(f *testing.F) {
	f.Add("D-Link", "DIR-859 Rev. A1 (EU)", "1.04B05", "D-Link Corporation", "DIR-859, DIR-860L", "< 1.05")
	f.Add("", "", "", "", "", "")
	f.Add("A/S", "+++", "v", "n/a", "Multiple Routers", "all")
	f.Fuzz(func(t *testing.T, maker, model, firmware, theirMaker, theirProduct, versions string) {
		p := advisory.Product{ID: "p", Maker: maker, Model: model, Firmware: version.Range{From: firmware, To: firmware}}
		span, ok := version.ParseSpan(versions)
		a := flaw(advisory.CVE, "CVE-2026-0001", func(a *advisory.Advisory) {
			a.Exploited = true
			a.Affected[0] = advisory.Affected{Says: advisory.IsAffected, Maker: theirMaker, Product: theirProduct}
			if ok {
				a.Affected[0].Versions = []version.Span{span}
			}
		})
		index := advisory.NewIndex([]*advisory.Product{&p}, nil)
		for _, m := range index.Match(advisory.Join([]*advisory.Advisory{a})[0]) {
			if m.Confidence < 0 || m.Confidence > 1 || len(m.Reasons) == 0 {
				t.Errorf("%+v", m)
			}
		}
		for _, c := range advisory.Decide(&p, active, index.Match(advisory.Join([]*advisory.Advisory{a})[0]), nil, nil, today) {
			if c.Act == advisory.Suspend && !ok {
				t.Error("suspended for versions that nobody could read")
			}
		}
		if u, ok := advisory.ParsePURL(model); ok && (u.Type == "" || u.Name == "") {
			t.Errorf("%+v", u)
		}
	})
}
