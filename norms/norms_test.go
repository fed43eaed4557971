package norms

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

func catalogue(t *testing.T) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCatalogueHasAsManyNormsAsTheSourcesPublish(t *testing.T) {
	c := catalogue(t)
	want := map[string]map[Level]int{ // counted in the sources, not in our data
		"etsi-en-303-645-3.1.3":       {Mandatory: 36, Recommended: 42},
		"nistir-8425":                 {Outcome: 33},
		"ota-iot-trust-framework-2.5": {OTARequired: 31, OTAAdvised: 7, LevelUnknown: 2},
		"uk-psti-2023-1007":           {Mandatory: 3},
		"ctia-iot-test-plan-1.0.1":    {Category1: 6, Category2: 7, Category3: 4},
		"owasp-iot-top10-2018":        {Risk: 10},
		"eu-cra-2024-2847":            {Mandatory: 21},
	}
	got := map[string]map[Level]int{}
	for _, n := range c.All() {
		if got[n.Source] == nil {
			got[n.Source] = map[Level]int{}
		}
		got[n.Source][n.Status.Level]++
	}
	for source, counts := range want {
		for level, count := range counts {
			if got[source][level] != count {
				t.Errorf("%s: %d norms of level %s, want %d", source, got[source][level], level, count)
			}
		}
	}
	if len(c.All()) != 202 || len(c.Sources()) != len(want) || len(c.Kernel("")) != 11 {
		t.Errorf("%d norms of %d sources, %d in the kernel", len(c.All()), len(c.Sources()), len(c.Kernel("")))
	}
}

// V2.1.1 had 33 mandatory and 35 recommended provisions. Those that V3.1.3 has split count once.
func TestHistoryAddsUpToTheEarlierEdition(t *testing.T) {
	counts, seen := map[string]int{}, map[string]bool{}
	for _, n := range catalogue(t).All() {
		for _, h := range n.History {
			if h.Absent || seen[h.SourceID] {
				continue
			}
			seen[h.SourceID] = true
			level, _, _ := strings.Cut(h.Status, " ")
			counts[level]++
			if h.State != Unverified {
				t.Errorf("%s: its status in %s was never checked", n.ID, h.Edition)
			}
		}
	}
	if counts["M"] != 33 || counts["R"] != 35 {
		t.Errorf("V2.1.1 has %v, want 33 M and 35 R", counts)
	}
}

func TestEveryNormCanBeLookedUp(t *testing.T) {
	c := catalogue(t)
	for _, n := range c.All() {
		if got, ok := c.Norm(n.ID); !ok || got.Source != n.Source || got.SourceID != n.SourceID {
			t.Errorf("%s: %v, %v", n.ID, got.ID, ok)
		}
		if _, ok := c.Source(n.Source); !ok {
			t.Errorf("%s: no source %s", n.ID, n.Source)
		}
	}
	for _, id := range []string{"", "etsi", "etsi.9.9-9", "kernel.secure-updates"} {
		if n, ok := c.Norm(id); ok {
			t.Errorf("Norm(%q) = %s", id, n.ID)
		}
	}
}

func TestStatusIsWrittenAsItsTableDoes(t *testing.T) {
	c := catalogue(t)
	for id, want := range map[string]string{
		"etsi.5.1-5":  "M C F (14, e)",
		"etsi.5.3-2":  "M C (15)",
		"etsi.5.3-4B": "R F (h)",
		"etsi.6-7":    "R F (aa)",
		"etsi.5.5-1":  "M",
		"ota.11":      "unknown",
		"cra.I.2i":    "M",
	} {
		if n, _ := c.Norm(id); n.Status.String() != want {
			t.Errorf("%s: %s, want %s", id, n.Status, want)
		}
	}
}

// What nobody could check against its source must say so.
func TestUncheckedEntriesAreMarked(t *testing.T) {
	c := catalogue(t)
	for id, want := range map[string]State{
		"etsi.5.5-1":      Verified,
		"etsi.5.3-4B":     Unverified, // public copies of its status differ
		"etsi.6-8":        Unverified,
		"nist8425.IAC.2b": Unverified,
		"ota.01":          Unverified,
		"ota.11":          TextMissing,
		"ota.12":          TextMissing,
		"ctia.08":         Unverified,
		"psti.1":          Verified,
	} {
		n, _ := c.Norm(id)
		if n.State != want {
			t.Errorf("%s is %s, want %s", id, n.State, want)
		}
		if want != Verified && n.Reason == nil {
			t.Errorf("%s: no reason", id)
		}
	}
	for _, n := range c.All() {
		if n.State == TextMissing && n.Evidence != CanNeither {
			t.Errorf("%s: evidence cannot %s what is not known", n.ID, n.Evidence)
		}
	}
}

func TestKernelGathersWhatSeveralSourcesAsk(t *testing.T) {
	c := catalogue(t)
	for _, k := range c.Kernel("") {
		sources := map[string]bool{}
		for _, id := range k.Norms {
			n, _ := c.Norm(id)
			sources[n.Source] = true
		}
		if len(sources) < 3 {
			t.Errorf("%s is of %d sources alone", k.ID, len(sources))
		}
	}
	shared := c.Kernel("psti.3")
	if len(shared) != 1 || shared[0].ID != "kernel.support-end" || !slices.Contains(shared[0].Norms, "etsi.5.3-13") {
		t.Errorf("Kernel(psti.3) = %v", shared)
	}
	if got := c.Kernel("kernel.secure-updates"); len(got) != 1 || !slices.Contains(got[0].CTA, "security_update_information") {
		t.Errorf("Kernel(kernel.secure-updates) = %v", got)
	}
	if got := c.Kernel("etsi.5.6-8"); got != nil {
		t.Errorf("Kernel(etsi.5.6-8) = %v", got)
	}
}

func TestRelativesAreMutual(t *testing.T) {
	c := catalogue(t)
	for _, n := range c.All() {
		relatives := c.Relatives(n.ID)
		if slices.Contains(relatives, n.ID) {
			t.Errorf("%s is its own relative", n.ID)
		}
		for _, other := range relatives {
			if !slices.Contains(c.Relatives(other), n.ID) {
				t.Errorf("%s names %s, not the other way", n.ID, other)
			}
		}
	}
	if got := c.Relatives("etsi.5.2-1"); !slices.Equal(got, []string{"psti.2", "cra.II.5", "cra.II.6"}) {
		t.Errorf("Relatives(etsi.5.2-1) = %v", got)
	}
}

// named are words of protocols, programs and standards, the same in both languages, and names of sources.
var named = regexp.MustCompile(`^[A-Z0-9][A-Za-z0-9 .()/,-]*$`)

// texts calls f with all texts of the catalogue, each with where it is from.
func texts(c *Catalogue, f func(where string, w Words)) {
	for _, s := range c.Sources() {
		f(s.ID+" title", s.Title)
		f(s.ID+" publisher", s.Publisher)
		for key, w := range s.Conditions {
			f(s.ID+" condition "+key, w)
		}
		for key, w := range s.Features {
			f(s.ID+" feature "+key, w)
		}
		for _, r := range s.References {
			f(s.ID+" reference "+r.ID, r.Text)
		}
	}
	for _, n := range c.All() {
		f(n.ID+" title", n.Title)
		f(n.ID+" text", n.Text)
		f(n.ID+" how", n.How)
		if n.Reason != nil {
			f(n.ID+" reason", *n.Reason)
		}
	}
	for _, k := range c.Kernel("") {
		f(k.ID+" title", k.Title)
		f(k.ID+" text", k.Text)
		if k.Note != nil {
			f(k.ID+" note", *k.Note)
		}
	}
}

func TestTextsAreInBothLanguages(t *testing.T) {
	english := regexp.MustCompile(`(?i)(^|[^\p{L}’-])(the|and|with|that|what|this|these|is|are|of|for|from|by|must|can|when|where|which|who|they|their|its|it|updates?|users?|maker|device)($|[^\p{L}’-])`)
	french := regexp.MustCompile(`(?i)(^|[^\p{L}’-])(le|la|les|un|une|des|du|et|ou|est|sont|dans|avec|pour|par|que|qui|sur|appareil|fabricant)($|[^\p{L}’-])`)
	texts(catalogue(t), func(where string, w Words) {
		switch {
		case w.English == "" || w.French == "":
			t.Errorf("%s: in one language only", where)
		case w.English == w.French && !named.MatchString(w.English):
			t.Errorf("%s: is it translated? %q", where, w.French)
		}
		if m := english.FindString(w.French); m != "" {
			t.Errorf("%s: English %q in French: %q", where, m, w.French)
		}
		if m := french.FindString(w.English); m != "" {
			t.Errorf("%s: French %q in English: %q", where, m, w.English)
		}
	})
}

func TestTextsAreSetWell(t *testing.T) {
	faults := map[string]*regexp.Regexp{
		"a straight quotation mark": regexp.MustCompile(`['"]`),
		"spaces around it, or two":  regexp.MustCompile(`^\s|\s$|  `),
	}
	inFrench := map[string]*regexp.Regexp{
		"a colon without a no-break space before it":    regexp.MustCompile(`[^\x{a0}]:(\s|$)`),
		"an opening guillemet without a no-break space": regexp.MustCompile(`«([^\x{a0}]|$)`),
		"a closing guillemet without a no-break space":  regexp.MustCompile(`(^|[^\x{a0}])»`),
		"a space before a semicolon or a mark":          regexp.MustCompile(`[\s\x{a0}\x{202f}][;!?]`),
		"a percent sign without a no-break space":       regexp.MustCompile(`(^|[^\x{a0}])%`),
		"an English quotation mark":                     regexp.MustCompile(`[“”]`),
	}
	texts(catalogue(t), func(where string, w Words) {
		for fault, re := range faults {
			if re.MatchString(w.English) || re.MatchString(w.French) {
				t.Errorf("%s: %s: %q, %q", where, fault, w.English, w.French)
			}
		}
		for fault, re := range inFrench {
			if re.MatchString(w.French) {
				t.Errorf("%s: %s: %q", where, fault, w.French)
			}
		}
	})
}

func TestTitlesAreShortAndTextsAreSentences(t *testing.T) {
	for _, n := range catalogue(t).All() {
		for _, language := range []string{"en", "fr"} {
			if title := n.Title.In(language); utf8.RuneCountInString(title) > 60 || strings.HasSuffix(title, ".") {
				t.Errorf("%s: %d characters, or a full stop: %q", n.ID, utf8.RuneCountInString(title), title)
			}
			if text := n.Text.In(language); !strings.HasSuffix(text, ".") || strings.Contains(text, ". ") {
				t.Errorf("%s: not one sentence: %q", n.ID, text)
			}
			if how := n.How.In(language); !strings.HasSuffix(how, ".") && !strings.HasSuffix(how, "?") {
				t.Errorf("%s: not a sentence: %q", n.ID, how)
			}
		}
	}
}

func TestTitlesTellTheNormsOfASourceApart(t *testing.T) {
	seen := map[string]string{}
	for _, n := range catalogue(t).All() {
		for _, language := range []string{"en", "fr"} {
			key := language + n.Source + n.Title.In(language)
			if other := seen[key]; other != "" {
				t.Errorf("%s and %s are both called %q", other, n.ID, n.Title.In(language))
			}
			seen[key] = n.ID
		}
	}
}

// files are the catalogue's, with one changed.
func files(t *testing.T, name string, change func(string) string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	list, err := fs.Glob(data, "data/*.json")
	if err != nil || len(list) != len(order)+1 {
		t.Fatalf("data holds %v (%v), and the order names %d sources", list, err, len(order))
	}
	for _, path := range list {
		text, err := data.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if path == "data/"+name {
			text = []byte(change(string(text)))
		}
		all[strings.TrimPrefix(path, "data/")] = &fstest.MapFile{Data: text}
	}
	return all
}

const small = "uk-psti-2023-1007.json"

func TestDamagedDataIsRefusedAndSaysWhere(t *testing.T) {
	for _, fault := range []struct{ name, old, new, want string }{
		{small, `"id": "psti.3"`, `"id": "psti.2"`, "psti.2 is there twice"},
		{small, `"etsi.5.3-13"]`, `"etsi.5.3-99"]`, `psti.3: there is no norm "etsi.5.3-99"`},
		{small, `"pillar": "labelling"`, `"pillar": "labeling"`, `pillar "labeling" is not known`},
		{small, `"evidence": "refute"`, `"evidence": "none"`, "psti.1: channel lan and evidence none"},
		{small, `"state": "verified"`, `"state": "unverified"`, "a reason"},
		{small, `"sources": ["law"]`, `"sources": ["lore"]`, `has no reference "lore"`},
		{small, `"counts": {"M": 3}`, `"counts": {"M": 4}`, "3 norms of level M, and the source has 4"},
		{small, `"M": 3`, `"M": three`, small},
		{small, `"publisher"`, `"colour"`, small + `: json: unknown field "colour"`},
		{"etsi-en-303-645-3.1.3.json", `"features": ["aa"]`, `"features": ["bb"]`, `etsi.6-7: etsi-en-303-645-3.1.3 has no feature "bb"`},
		{"etsi-en-303-645-3.1.3.json", `"conditions": ["15"]`, `"conditions": ["99"]`, `no condition "99"`},
		{"kernel.json", `"psti.3"`, `"psti.4"`, `kernel.support-end: there is no norm "psti.4"`},
		{"kernel.json", `"id": "kernel.erase-data"`, `"id": "kernel.sensors-known"`, "is there twice"},
	} {
		_, err := load(files(t, fault.name, func(text string) string {
			changed := strings.Replace(text, fault.old, fault.new, 1)
			if changed == text {
				t.Errorf("%s has no %s", fault.name, fault.old)
			}
			return changed
		}))
		if err == nil || !strings.Contains(err.Error(), fault.want) {
			t.Errorf("%s instead of %s: %v, want %q", fault.new, fault.old, err, fault.want)
		}
	}
	missing := files(t, "", nil).(fstest.MapFS)
	delete(missing, small)
	if _, err := load(missing); err == nil || !strings.Contains(err.Error(), small) {
		t.Errorf("a file less: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	text, err := data.ReadFile("data/" + small)
	if err != nil {
		f.Fatal(err)
	}
	alone := regexp.MustCompile(`"related": [^\n]*\n`).ReplaceAllString(string(text), "")
	f.Add(alone)
	f.Add(strings.Replace(alone, `"sources"`, `"related": ["psti.1"], "sources"`, 1))
	f.Add(`{"source": {"id": "uk-psti-2023-1007"}, "norms": []}`)
	f.Add(`{"norms": null}`)
	bare := fstest.MapFS{"kernel.json": {Data: []byte(`{"kernel": []}`)}}
	for _, id := range order {
		bare[id+".json"] = &fstest.MapFile{Data: []byte(`{"source": {"id": "` + id + `"}, "norms": []}`)}
	}
	if c, err := load(with(bare, alone)); err != nil || len(c.All()) != 3 {
		f.Fatalf("the first seed is not taken: %v", err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(with(bare, text))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, n := range c.All() {
			if got, ok := c.Norm(n.ID); !ok || got.Source != n.Source || seen[n.ID] {
				t.Errorf("%q: found %v, seen before %v", n.ID, ok, seen[n.ID])
			}
			seen[n.ID] = true
			if n.Title.French == "" || n.State != Verified && n.Reason == nil {
				t.Errorf("%q was taken without its words", n.ID)
			}
			for _, other := range c.Relatives(n.ID) {
				if _, ok := c.Norm(other); !ok {
					t.Errorf("%q names %q", n.ID, other)
				}
			}
		}
	})
}

// with is the files with that text as the small one.
func with(files fstest.MapFS, text string) fs.FS {
	files = maps.Clone(files)
	files[small] = &fstest.MapFile{Data: []byte(text)}
	return files
}
