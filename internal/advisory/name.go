package advisory

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxWords bounds the words of a name that are looked at.
const maxWords = 64

// words are those of a name in lower case, without punctuation and accents. A plus is a word: it sets models apart.
func words(s string) []string {
	s = strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if plain, ok := accents[r]; ok {
			return plain
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		if r == '+' {
			return r
		}
		return ' '
	}, strings.ReplaceAll(s, "'", ""))
	list := strings.Fields(strings.ReplaceAll(s, "+", " plus "))
	return list[:min(len(list), maxWords)]
}

var accents = map[rune]rune{
	'à': 'a', 'á': 'a', 'â': 'a', 'ä': 'a', 'å': 'a', 'ç': 'c', 'è': 'e', 'é': 'e', 'ê': 'e', 'ë': 'e', 'í': 'i', 'î': 'i', 'ï': 'i',
	'ñ': 'n', 'ó': 'o', 'ô': 'o', 'ö': 'o', 'ø': 'o', 'ú': 'u', 'û': 'u', 'ü': 'u',
}

// legal are words for what kind of company it is, in which sources differ.
var legal = set("inc incorporated llc ltd limited co corp corporation company gmbh ag kg sa sas sarl srl spa bv nv oy oyj ab as aps kk pty plc pte sdn bhd the and")

func set(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// makerKey is a maker’s name such that what differs in writing alone is equal: TP-Link, tp_link and TP-LINK Ltd.
func makerKey(name string) string {
	list := initials(words(name))
	for len(list) > 1 && legal[list[len(list)-1]] {
		list = list[:len(list)-1]
	}
	if len(list) > 1 && list[0] == "the" {
		list = list[1:]
	}
	if key := strings.Join(list, ""); !slices.Contains([]string{"na", "unknown", "unspecified", "none", "vendor", "various", "multiple"}, key) {
		return key
	}
	return ""
}

// initials writes single letters in a row as one word: B.V. and BV are the same.
func initials(list []string) (out []string) {
	open := false
	for _, w := range list {
		single := len(w) == 1 && isWord(w)
		if single && open {
			out[len(out)-1] += w
			continue
		}
		out, open = append(out, w), single
	}
	return out
}

// model is the name of a product taken apart.
type model struct {
	core     []string        // what sets it apart from others of its maker
	kinds    map[string]bool // what sort of thing it says it is
	hardware string
	region   string
	family   bool // it names many
}

var (
	// filler are words that sources add or leave out at will.
	filler = set("firmware software device ip network smart wireless wifi gigabit dual band iot the products product by for version hardware")
	// kindWords tell what sort of thing a product is; two that differ are two products, even under one number.
	kindWords = map[string]string{
		"router": "router", "routers": "router", "gateway": "router", "camera": "camera", "cameras": "camera", "cam": "camera", "ipcam": "camera", "doorbell": "doorbell",
		"plug": "plug", "socket": "plug", "outlet": "plug", "bulb": "light", "lamp": "light", "light": "light", "lights": "light", "lock": "lock", "speaker": "speaker",
		"hub": "hub", "bridge": "hub", "switch": "switch", "thermostat": "thermostat", "nas": "nas", "nvr": "recorder", "dvr": "recorder", "recorder": "recorder",
		"printer": "printer", "tv": "tv", "television": "tv", "vacuum": "vacuum", "modem": "modem", "extender": "extender", "repeater": "extender", "sensor": "sensor",
		"baby": "monitor", "monitor": "monitor", "access": "accesspoint", "point": "accesspoint", "ap": "accesspoint", "garage": "garage", "scale": "scale", "watch": "watch",
	}
	// many are words of records about more than one product.
	many = set("multiple various several all certain select selected some other family series range routers cameras devices products models")
	// regions are those that makers build different hardware or firmware for.
	regions = set("eu us uk jp cn au ca kr in br tw sg ru za de fr row global international na apac emea")

	revision = regexp.MustCompile(`(?i)\b(?:hardware|hw|rev(?:ision)?|ver(?:sion)?|v)[ .:_-]{0,3}([a-z]?[0-9]{1,2}(?:\.[0-9])?|[a-h])(?:$|[^0-9a-z.])`)
	bracket  = regexp.MustCompile(`[(\[]([^()\[\]]*)[)\]]`)
	wifi     = regexp.MustCompile(`(?i)\bwi-?fi[ -]?([4-7]e?\b)?`)
)

// parseModel takes the name of a product apart. makers are the keys of its maker, which it may begin with.
func parseModel(name string, makers []string) (m model) {
	name = wifi.ReplaceAllString(name[:min(len(name), 512)], " ")
	m.kinds = map[string]bool{}
	if at := revision.FindStringSubmatchIndex(name); at != nil {
		m.hardware = hardwareKey(name[at[2]:at[3]])
		name = name[:at[0]] + " " + name[at[3]:]
	}
	name = bracket.ReplaceAllStringFunc(name, func(s string) string {
		inside := strings.ToLower(strings.TrimSpace(s[1 : len(s)-1]))
		if regions[inside] {
			m.region = inside
			return " "
		}
		return " " + s[1:len(s)-1] + " "
	})
	list := withoutMaker(words(name), makers)
	if n := len(list); n > 1 && regions[list[n-1]] && list[n-1] != "na" {
		m.region, list = list[n-1], list[:n-1]
	}
	for _, w := range list {
		m.family = m.family || many[w]
		kind := kindWords[w]
		switch {
		case kind != "":
			m.kinds[kind] = true
		case filler[w] || many[w]:
		default:
			m.core = append(m.core, w)
		}
	}
	m.core = joined(m.core)
	if len(m.core) == 0 && !m.family && m.hardware != "" { // Cam v3: what it is and its number is all of its name
		for _, w := range list {
			if kind := kindWords[w]; kind != "" {
				m.core = append(m.core, kind)
			}
		}
	}
	return m
}

// withoutMaker takes the maker’s name off the front.
func withoutMaker(list, makers []string) []string {
	for n := min(4, len(list)-1); n > 0; n-- {
		if slices.Contains(makers, strings.Join(list[:n], "")) {
			return withoutLegal(list[n:])
		}
	}
	return list
}

func withoutLegal(list []string) []string {
	for len(list) > 1 && legal[list[0]] && len(list[0]) > 1 {
		list = list[1:]
	}
	return list
}

// joined writes DIR 859 and DIR-859 as one word: letters, then digits.
func joined(list []string) (out []string) {
	for _, w := range list {
		if n := len(out); n > 0 && isWord(out[n-1]) && w[0] >= '0' && w[0] <= '9' {
			out[n-1] += w
			continue
		}
		out = append(out, w)
	}
	return out
}

func isWord(s string) bool { return !strings.ContainsAny(s, "0123456789") }

// hardwareKey is a revision such that 2, v2, V2.0 and rev. 2 are equal.
func hardwareKey(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, prefix := range []string{"hardware", "hw", "revision", "rev", "version", "ver", "v"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && strings.Trim(rest, " .:_-") != "" {
			s = strings.Trim(rest, " .:_-")
		}
	}
	return strings.TrimSuffix(s, ".0")
}

// numbered reports whether a name has a number by which its maker tells models apart.
func (m *model) numbered() bool {
	return slices.ContainsFunc(m.core, func(w string) bool { return !isWord(w) })
}

// Likeness is how much the name of a product in a record is that of a product of ours.
type Likeness string

// How much, from most to least.
const (
	Same      Likeness = "same"
	Variant   Likeness = "variant"   // the same, of a revision or for a region that cannot be told to be ours
	Near      Likeness = "near"      // the number is the same, and there are other words
	Wide      Likeness = "wide"      // the record speaks of many products of the maker
	OtherKind Likeness = "other"     // a revision or for a region that is not ours
	Different Likeness = "different" // none of these
)

// like says how a name in a record is like one of ours.
func (m *model) like(ours *model) Likeness {
	if len(m.core) == 0 {
		if m.fits(ours) {
			return Wide
		}
		return Different
	}
	if !slices.Equal(m.core, ours.core) {
		if m.shares(ours) || m.family && len(m.core) < len(ours.core) && slices.Equal(m.core, ours.core[:len(m.core)]) {
			return Near
		}
		return Different
	}
	if ours.numbered() {
		if !m.fits(ours) {
			return Near
		}
	} else if len(m.kinds) != len(ours.kinds) || !m.fits(ours) {
		return Different
	}
	if m.family {
		return Near
	}
	switch {
	case m.hardware != "" && ours.hardware != "" && m.hardware != ours.hardware:
		return OtherKind
	case m.region != "" && ours.region != "" && m.region != ours.region:
		return OtherKind
	case m.hardware != "" && ours.hardware == "" || m.region != "" && ours.region == "":
		return Variant
	}
	return Same
}

// fits reports whether two names do not say different sorts of things.
func (m *model) fits(n *model) bool {
	if len(m.kinds) == 0 || len(n.kinds) == 0 {
		return true
	}
	for k := range m.kinds {
		if n.kinds[k] {
			return true
		}
	}
	return false
}

// shares reports whether both have the same numbers, and one has words more.
func (m *model) shares(n *model) bool {
	numbers := func(list []string) (out []string) {
		for _, w := range list {
			if !isWord(w) && len(w) > 1 {
				out = append(out, w)
			}
		}
		return out
	}
	a, b := numbers(m.core), numbers(n.core)
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	return slices.ContainsFunc(a, func(w string) bool { return slices.Contains(b, w) })
}

var listSeparator = regexp.MustCompile(`(?i)\s*(?:[,;|&\n]|\s/\s|\s(?:and|or|et)\s)\s*`)

// listed are the names in a record’s product, which may be a list of them.
func listed(product string) []string {
	list := listSeparator.Split(product[:min(len(product), 4096)], 256)
	return slices.DeleteFunc(list, func(s string) bool { return strings.TrimSpace(s) == "" })
}
