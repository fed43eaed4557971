package household_test

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
)

// paths are pages of a home, each kind at least once.
func (h *house) paths() []string {
	at := "/devices/" + h.Camera.ID
	list := []string{
		"/", at, at + "?saved=about", at + "/rehearsal", at + "/rehearsal?file=offered", at + "/letter/maker", at + "/letter/commissioner", "/devices/" + h.Lamp.ID,
		"/protection", "/history", "/week", "/calendar", "/plan", "/lists/tune-up", "/lists/moving-in", "/lists/moving-out", "/guide", "/guide/safe", "/guide/words", "/guide/stage/before",
		"/guide/stage/use", "/guide/stage/trouble", "/lessons", "/settings", "/notices", "/carry", "/people", "/tokens", "/sessions", "/guest",
	}
	for _, l := range []string{"here", "names", "senses", "talk", "cut", "outage", "scam"} {
		list = append(list, "/lessons/"+l)
	}
	for _, c := range device.Categories {
		list = append(list, "/guide/about/"+c)
	}
	return append(list, "/guide/about/"+string(finding.ScanHorizontal))
}

var (
	keyLike  = regexp.MustCompile(`[>" ](household|notice|weekday|page|report|grade|home|guide|label|mud|inspect|reason|category|glance|service)(\.[a-z0-9-]+)+[<" .]`)
	ids      = regexp.MustCompile(` id="([^"]+)"`)
	pointers = regexp.MustCompile(` (?:for|aria-describedby|aria-labelledby|list)="([^"]+)"`)
	inputs   = regexp.MustCompile(`<(?:input|select|textarea) [^>]*>`)
)

// Every page is whole in both languages, and what can be said of its accessibility without a browser holds.
func TestEveryPageIsWholeInBothLanguages(t *testing.T) {
	h := furnish(t, true)
	h.enter(t, "owner")
	for _, path := range h.paths() {
		for _, lang := range []string{"en", "fr"} {
			page := h.get(t, "/"+lang+path)
			name := lang + " " + path
			if h.status != 200 {
				t.Errorf("%s: status %d", name, h.status)
				continue
			}
			_, body, _ := strings.Cut(page, "</header>")
			if key := keyLike.FindString(body); key != "" && !strings.Contains(key, "example") {
				t.Errorf("%s: a message is missing: %s", name, key)
			}
			if m := regexp.MustCompile(`\{[a-z_]+\}`).FindString(body); m != "" {
				t.Errorf("%s: a place is not filled: %s", name, m)
			}
			if n := strings.Count(page, "<h1"); n != 1 {
				t.Errorf("%s: %d headings of the first rank", name, n)
			}
			if bad := regexp.MustCompile(` style="| on[a-z]+="|<script(?:>| [^s])|ZgotmplZ`).FindString(page); bad != "" {
				t.Errorf("%s: %q", name, bad)
			}
			if strings.ContainsRune(page, '\u202e') {
				t.Errorf("%s: a name turns the direction of the page", name)
			}
			var have []string
			for _, m := range ids.FindAllStringSubmatch(page, -1) {
				if slices.Contains(have, m[1]) {
					t.Errorf("%s: id %s is there twice", name, m[1])
				}
				have = append(have, m[1])
			}
			for _, m := range pointers.FindAllStringSubmatch(page, -1) {
				if !slices.Contains(have, m[1]) {
					t.Errorf("%s: it points to %s, which is not there", name, m[1])
				}
			}
			for _, in := range inputs.FindAllString(page, -1) {
				id := ids.FindStringSubmatch(in)
				if !strings.Contains(in, `type="hidden"`) && !strings.Contains(in, `type="checkbox"`) && !strings.Contains(in, `type="radio"`) && (id == nil || !strings.Contains(page, `for="`+id[1]+`"`)) {
					t.Errorf("%s: no label: %s", name, in)
				}
			}
			last := 1
			for _, m := range regexp.MustCompile(`<h([1-6])`).FindAllStringSubmatch(body, -1) {
				rank := int(m[1][0] - '0')
				if rank > last+1 {
					t.Errorf("%s: from a heading of rank %d to one of rank %d", name, last, rank)
				}
				last = rank
			}
		}
	}
}

func TestTheFirstPageSaysWhatIsHereAndWhatToDo(t *testing.T) {
	h := furnish(t, false)
	for lang, want := range map[string][]string{
		"en": {"4 devices.", "1 needs you now", "try", "This device is new. What may it do?", "Only what it is for", "Camera, Lamps &amp; Co", "Protecting your devices from the Internet", "Who is here?"},
		"fr": {"4 appareils.", "Cet appareil est nouveau", "Juste le nécessaire", "Caméra", "Qui est là?"},
	} {
		page := h.get(t, "/"+lang+"/")
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s: the page does not say %q", lang, w)
			}
		}
		if n := strings.Count(page, `<p class="do">`); n > 3 {
			t.Errorf("%s: %d things to do at once", lang, n)
		}
	}
}

func TestADeviceTellsWhatItIsDoesAndWasPromised(t *testing.T) {
	h := furnish(t, false)
	for lang, want := range map[string][]string{
		"en": {
			"It is trying the doors", "How sure is this?", "Whom to call", "Before buying", // the finding, with its nine cells
			"Camera, Lamps & Co: probably", "porch",
			"It talked to 2 addresses on the Internet.", "1 other device in your home", "cloud.lampsco.example: 9 MB", "Its maker", "Updates", "phone",
			"cloud.lampsco.example", "4 of 7 conversations are not in its rules:", "updates.lampsco.example, 4 times. Probably why: it looks for updates.",
			"It does something new", "More than now:", "it would have stopped 1.", // the offer
			"news.example, for tcp/443", "No label is known",
		},
		"fr": {"Est-ce sûr?", "Qui appeler", "autre appareil de la maison", "Mises à jour", "4 conversations sur 7"},
	} {
		page := html.UnescapeString(strings.ReplaceAll(h.get(t, "/"+lang+"/devices/"+h.Camera.ID), "\u00a0", " "))
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s: the page does not say %q", lang, w)
			}
		}
	}
	page := h.get(t, "/en/devices/"+h.Lamp.ID)
	for _, w := range []string{"It does not promise all", "Think now about what comes after it"} {
		if !strings.Contains(html.UnescapeString(page), w) {
			t.Errorf("of its label the page does not say %q", w)
		}
	}
}
