package advisory

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/advisory/version"
)

// Reason is one step of a match: what was compared, what came of it, and what that is worth.
type Reason struct {
	Step   string  `json:"step"`   // maker, product, hardware, component, version, hint
	Result string  `json:"result"` // a word: locale has what it means
	Theirs string  `json:"theirs"` // what the record says
	Ours   string  `json:"ours"`   // what the label says
	Worth  float64 `json:"worth"`  // in [0,1]: the confidence is the product of all
}

// Match is a product that a case may be about.
type Match struct {
	Product    *Product
	Case       *Case
	Advisory   *Advisory // whose record it is
	Says       Says
	Why        string
	Likeness   Likeness
	Exact      bool // maker and product are surely ours
	Versions   version.Answer
	Fixed      []string
	Component  string // the package URL of the part that the record is about; "" where it is about the product
	Reasons    []Reason
	Confidence float64 // that what is said is true of the product, in [0,1]
}

// What steps are worth. These are judgements; what they come to is measured: see docs/advisories.md.
var worth = map[string]float64{
	"maker.same": 1, "maker.alias": 1, "maker.related": 0.6, "maker.hint": 0.5, "maker.voice": 0.95,
	"product.same": 1, "product.alias": 1, "product.matter": 1, "product.listed": 1,
	"product.variant": 0.7, "product.near": 0.5, "product.wide": 0.3, "product.hint": 0.4,
	"component.same": 1,
	"version.inside": 1, "version.partly": 1, "version.all": 1,
	"version.cannot-say": 0.6, "version.untold": 0.6,
}

// Index finds the products that cases are about.
type Index struct {
	aliases  *Aliases
	keys     map[string][]string // of makers, by their key
	products []entry
	makers   map[string][]int
	matter   map[Matter][]int
	parts    map[string][]part // by package
}

type entry struct {
	*Product
	maker  string
	models []model // of its names, the model first; nil until a record names its maker
}

type part struct{ product, component int }

// NewIndex prepares the search for products, which are not to be changed then. aliases may be nil.
func NewIndex(products []*Product, aliases *Aliases) *Index {
	if aliases == nil {
		aliases = &Aliases{}
	}
	x := &Index{aliases: aliases, keys: map[string][]string{}, makers: map[string][]int{}, matter: map[Matter][]int{}, parts: map[string][]part{}}
	for i, p := range products {
		e := entry{Product: p, maker: aliases.maker(p.Maker)}
		x.products = append(x.products, e)
		if e.maker != "" {
			x.makers[e.maker] = append(x.makers[e.maker], i)
		}
		if p.Matter != (Matter{}) {
			x.matter[p.Matter] = append(x.matter[p.Matter], i)
		}
		for c, component := range p.Components {
			if u, ok := ParsePURL(component.PURL); ok {
				x.parts[u.key()] = append(x.parts[u.key()], part{i, c})
			}
		}
	}
	return x
}

// read takes the names of a product apart, once.
func (x *Index) read(e *entry) (keys []string) {
	if keys = x.keys[e.maker]; keys == nil {
		keys = x.aliases.keys(e.maker)
		x.keys[e.maker] = keys
	}
	if e.models != nil {
		return keys
	}
	for _, n := range x.aliases.names(e.Product) {
		m := parseModel(n, keys)
		if e.Hardware != "" && m.hardware == "" {
			m.hardware = hardwareKey(e.Hardware)
		}
		e.models = append(e.models, m)
	}
	return keys
}

// Wants reports whether an advisory can be about a product here, or tells of a flaw what counts whoever named the product:
// that it is exploited, or that it was none. That is what a reader of large feeds keeps.
func (x *Index) Wants(a *Advisory) bool {
	if a.Exploited || a.Withdrawn || a.Kind == Contact {
		return true
	}
	for i := range a.Affected {
		if len(x.candidates(a, &a.Affected[i])) > 0 {
			return true
		}
		if u, ok := ParsePURL(a.Affected[i].PURL); ok && len(x.parts[u.key()]) > 0 {
			return true
		}
	}
	return false
}

// Match finds the products that a case is about, in the order of the products. One goroutine at a time may call it; Wants
// any number.
func (x *Index) Match(c *Case) []Match {
	var list []Match
	for _, a := range c.Advisories {
		if a.Withdrawn {
			continue
		}
		for i := range a.Affected {
			f := &a.Affected[i]
			for _, p := range x.candidates(a, f) {
				if m, ok := x.product(p, a, f); ok {
					m.Case = c
					list = append(list, m)
				}
			}
			if u, ok := ParsePURL(f.PURL); ok {
				for _, p := range x.parts[u.key()] {
					m := x.component(p, a, f)
					m.Case = c
					list = append(list, m)
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Match) int {
		if o := strings.Compare(a.Product.ID, b.Product.ID); o != 0 {
			return o
		}
		return int((b.Confidence - a.Confidence) * 1e6)
	})
	return list
}

// candidates are the products whose maker, or whose number, a record names.
func (x *Index) candidates(a *Advisory, f *Affected) []int {
	if f.Matter != (Matter{}) {
		return x.matter[f.Matter]
	}
	maker := x.aliases.maker(f.Maker)
	if maker == "" && f.Product == "" && a.Kind != Contact {
		return nil // a package: its maker is not that of the products it is in
	}
	if maker == "" {
		maker = x.aliases.maker(a.Voice)
	}
	if maker == "" {
		maker = x.aliases.maker(cpeOf(f).vendor)
	}
	if maker == "" {
		return nil
	}
	list := slices.Clone(x.makers[maker])
	for _, other := range x.aliases.others[maker] {
		list = append(list, x.makers[other]...)
	}
	slices.Sort(list)
	return list
}

// product compares a record with one product. ok is false where it is about another one.
func (x *Index) product(i int, a *Advisory, f *Affected) (m Match, ok bool) {
	p := &x.products[i]
	m = Match{Product: p.Product, Advisory: a, Says: f.Says, Why: f.Why, Fixed: f.Fixed, Confidence: 1}
	if f.Matter != (Matter{}) {
		m.step("product", "matter", f.Product, p.Model)
		m.Likeness = Same
	} else {
		m.step("maker", x.maker(p, a, f), firstOf(f.Maker, a.Voice, cpeOf(f).vendor), p.Maker)
		m.Likeness = x.likeness(p, f, &m)
	}
	switch m.Likeness {
	case Different, OtherKind:
		return m, false
	}
	m.Exact = m.Likeness == Same && m.Confidence >= 0.95
	m.versions(f, p.Firmware, version.Compare)
	return m, true
}

// maker says how a record’s maker is ours.
func (x *Index) maker(p *entry, a *Advisory, f *Affected) string {
	theirs := firstOf(f.Maker, a.Voice)
	switch key := x.aliases.maker(theirs); {
	case key == "":
		return "hint"
	case key != p.maker:
		return "related"
	case makerKey(f.Maker) == "":
		return "voice"
	case makerKey(theirs) != makerKey(p.Maker):
		return "alias"
	}
	return "same"
}

// likeness says how the name of a record’s product is that of one of ours, and notes it: the best of all names.
func (x *Index) likeness(p *entry, f *Affected, m *Match) Likeness {
	theirs, hint := f.Product, false
	if makerKey(theirs) == "" {
		theirs, hint = cpeOf(f).product, true
	}
	if theirs == "" {
		m.step("product", string(Wide), "", p.Model)
		return Wide
	}
	keys := x.read(p)
	order := []Likeness{Same, Variant, Near, Wide, OtherKind, Different}
	best, alias, among := Different, false, false
	names := listed(theirs)
	for _, n := range names {
		t := parseModel(n, keys)
		if f.Hardware != "" && t.hardware == "" {
			t.hardware = hardwareKey(f.Hardware)
		}
		for i := range p.models {
			l := t.like(&p.models[i])
			if slices.Index(order, l) < slices.Index(order, best) {
				best, alias, among = l, i > 0, len(names) > 1
			}
		}
	}
	result := string(best)
	switch {
	case hint:
		result = "hint"
	case best == Same && alias:
		result = "alias"
	case best == Same && among:
		result = "listed"
	}
	if hint && best == Same {
		best = Near // a CPE alone is no proof
	}
	m.step("product", result, withHardware(theirs, f.Hardware), withHardware(p.Model, p.Hardware))
	return best
}

func withHardware(name, hardware string) string {
	if hardware == "" {
		return name
	}
	return name + " (" + hardware + ")"
}

// component is a record about a part of a product.
func (x *Index) component(p part, a *Advisory, f *Affected) Match {
	product := x.products[p.product].Product
	c := product.Components[p.component]
	u, _ := ParsePURL(c.PURL)
	m := Match{Product: product, Advisory: a, Says: f.Says, Why: f.Why, Fixed: f.Fixed, Component: c.PURL, Likeness: Same, Confidence: 1}
	m.step("component", "same", f.PURL, c.PURL)
	v := firstOf(u.Version, c.Version)
	system := firstOf(f.System, u.System())
	m.versions(f, version.Range{From: v, To: v}, version.Of(system))
	return m
}

// versions says whether the firmware that a label is about is among what a record speaks of.
func (m *Match) versions(f *Affected, ours version.Range, order version.Order) {
	result := ""
	switch {
	case f.All:
		m.Versions, result = version.Inside, "all"
	case len(f.Versions) == 0:
		m.Versions, result = version.CannotSay, "untold"
	case m.Component != "" && ours.From == "":
		m.Versions, result = version.CannotSay, "cannot-say"
	default:
		m.Versions = ours.In(f.Versions, order)
		result = m.Versions.String()
	}
	if m.Versions == version.Outside { // that much is sure
		m.Reasons = append(m.Reasons, Reason{"version", result, spans(f.Versions), reach(ours), 1})
		return
	}
	m.step("version", result, spans(f.Versions), reach(ours))
}

func (m *Match) step(step, result, theirs, ours string) {
	w := worth[step+"."+result]
	m.Reasons = append(m.Reasons, Reason{step, result, clip(theirs), ours, w})
	m.Confidence *= w
}

// maxTold bounds what a reason quotes, octets.
const maxTold = 200

func clip(s string) string {
	if len(s) <= maxTold {
		return s
	}
	return strings.ToValidUTF8(s[:maxTold], "") + "…"
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// spans writes versions as mathematicians do: ≥ 1.0 < 1.2.
func spans(list []version.Span) string {
	var out []string
	for _, s := range list[:min(len(list), 8)] {
		switch {
		case s.From == s.Last && s.From != "":
			out = append(out, s.From)
			continue
		case s == version.Span{}:
			out = append(out, "*")
			continue
		}
		var t []string
		if s.After != "" {
			t = append(t, "> "+s.After)
		} else if s.From != "" {
			t = append(t, "≥ "+s.From)
		}
		if s.Before != "" {
			t = append(t, "< "+s.Before)
		} else if s.Last != "" {
			t = append(t, "≤ "+s.Last)
		}
		out = append(out, strings.Join(t, " "))
	}
	if len(list) > 8 {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

func reach(r version.Range) string {
	if r.From == r.To {
		if r.From == "" {
			return "*"
		}
		return r.From
	}
	return spans([]version.Span{{From: r.From, Last: r.To}})
}

// cpe is what a CPE 2.3 name or a CPE 2.2 URI says of who made what.
type cpe struct{ vendor, product string }

func cpeOf(f *Affected) (c cpe) {
	if len(f.CPEs) == 0 {
		return c
	}
	s := strings.NewReplacer(`\:`, " ", `\`, "").Replace(f.CPEs[0])
	fields := strings.Split(s, ":")
	skip := 3 // cpe:2.3:h:vendor:product
	if strings.HasPrefix(s, "cpe:/") {
		skip = 2
	}
	if len(fields) < skip+2 {
		return c
	}
	return cpe{strings.ReplaceAll(fields[skip], "_", " "), strings.ReplaceAll(fields[skip+1], "_", " ")}
}

// Covers reports whether a feed that was read for x has all that other wants.
func (x *Index) Covers(other *Index) bool {
	for k := range other.makers {
		if _, ok := x.makers[k]; !ok {
			return false
		}
	}
	for k := range other.matter {
		if _, ok := x.matter[k]; !ok {
			return false
		}
	}
	for k := range other.parts {
		if _, ok := x.parts[k]; !ok {
			return false
		}
	}
	return true
}
