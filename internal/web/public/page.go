package public

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var style string

// pages makes the page of a product, and keeps those that were asked for last.
type pages struct {
	page   *template.Template
	policy string
	in     map[locale.Lang]*edition

	mu   sync.RWMutex
	kept map[pageKey]*keptPage
}

// maxPages bounds the pages that are kept: some 10 KB each.
const maxPages = 4096

type pageKey struct {
	gtin uint64
	lang locale.Lang
	day  label.Day // what is over is told by the day
}

type keptPage struct {
	version uint64 // of the product
	body    []byte
	etag    string
}

// edition is what the pages of a language have in common.
type edition struct {
	words *locale.Catalogue
	norms [][][]template.HTML // by profile, norm and class: a row of the list
}

func newPages(catalogue *norms.Catalogue) (*pages, error) {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("read the template of the page: %w", err)
	}
	sum := sha256.Sum256([]byte(style))
	p := &pages{
		page: t, in: map[locale.Lang]*edition{}, kept: map[pageKey]*keptPage{},
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
	for _, l := range locale.Languages {
		p.in[l] = newEdition(locale.New(l), catalogue)
	}
	return p, nil
}

// newEdition writes the rows of all norms once: there are few, and each page has dozens.
func newEdition(words *locale.Catalogue, catalogue *norms.Catalogue) *edition {
	e := &edition{words: words}
	for profile := uint(0); ; profile++ {
		list := label.ProfileNorms(profile)
		if list == nil && profile > 0 {
			return e
		}
		rows := make([][]template.HTML, len(list))
		for i, id := range list {
			title := id
			if n, ok := catalogue.Norm(id); ok {
				title = n.Title.In(string(words.Lang()))
			}
			for c := label.NotClaimed; c <= label.Refuted; c++ {
				row := fmt.Sprintf(`<li class="%s"><span>%s</span> <b>%s</b></li>`, c, template.HTMLEscapeString(title),
					template.HTMLEscapeString(words.Text("product.class."+c.String())))
				rows[i] = append(rows[i], template.HTML(row)) //nolint:gosec // made of our own words
			}
		}
		e.norms = append(e.norms, rows)
	}
}

// view is all that the template is given.
type view struct {
	Lang, Other     locale.Lang
	OtherURL        string
	OtherName       string
	Style           template.CSS
	Registry        string
	Title, Category string
	GTIN            string
	Status          label.Status
	StatusWord      string
	Meaning, Advice string
	AsOf            string
	Height          int // on the load line: where the water stands
	Facts           []fact
	NormsTitle      string
	Counts          string
	Norms           template.HTML
	ChangesTitle    string
	Changes         []changed
	OthersTitle     string
	Others          []string
	Foot            string
	JSON, Logged    string
	JSONURL, LogURL string
}

type fact struct{ Name, Value string }

type changed struct {
	Text, Note string
	Documents  []document
}

type document struct{ URL, Text string }

// heights are where the water stands, by status.
var heights = map[label.Status]int{label.Active: 66, label.Suspended: 30, label.Expired: 44, label.Withdrawn: 10}

// page is the one of a product, as a phone’s camera opens it.
func (s *Site) page(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	gtin, err := gtinOf(r.PathValue("gtin"))
	if err != nil {
		return nil, err
	}
	key := pageKey{gtin, pageLanguage(r), label.DayOf(s.Now())}
	a := &answer{media: "text/html; charset=utf-8", age: shortly, header: map[string]string{
		"Content-Security-Policy": s.pages.policy, "Vary": "Accept-Language", "Content-Language": string(key.lang),
	}}
	version := s.Registry.Version(gtin) // before it is read: what changes meanwhile makes it old
	s.pages.mu.RLock()
	k := s.pages.kept[key]
	s.pages.mu.RUnlock()
	if k == nil || k.version != version {
		p, err := s.viewProduct(r.Context(), gtin)
		if err != nil {
			return nil, err
		}
		if k, err = s.pages.render(s.Registry, p, key); err != nil {
			return nil, err
		}
		k.version = version
		s.pages.keep(key, k)
	}
	a.body, a.etag = k.body, k.etag
	return a, nil
}

func (p *pages) keep(key pageKey, k *keptPage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) >= maxPages {
		for old := range p.kept { // any one: none is asked for much more than others, or it comes back
			delete(p.kept, old)
			break
		}
	}
	p.kept[key] = k
}

// pageLanguage is that of the path, else of ?lang, else the one of Accept-Language that is wanted most.
func pageLanguage(r *http.Request) locale.Lang {
	for _, l := range locale.Languages {
		if strings.HasPrefix(r.URL.Path, "/"+string(l)+"/") {
			return l
		}
	}
	if r.URL.RawQuery != "" {
		if l := locale.Lang(r.URL.Query().Get("lang")); l == locale.English || l == locale.French {
			return l
		}
	}
	best, most := locale.English, 0.0
	accept := r.Header.Get("Accept-Language")
	for part := range strings.SplitSeq(accept[:min(len(accept), 256)], ",") {
		tag, more, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.TrimSpace(more), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if l := locale.Lang(base); q > most && (l == locale.English || l == locale.French) {
			best, most = l, q
		}
	}
	return best
}

func (p *pages) render(r *registry.Registry, product *productView, key pageKey) (*keptPage, error) {
	var b bytes.Buffer
	b.Grow(12 << 10)
	if err := p.page.Execute(&b, p.in[key.lang].view(r, product, key)); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return &keptPage{body: b.Bytes(), etag: etag(b.Bytes())}, nil
}

func (e *edition) view(r *registry.Registry, p *productView, key pageKey) *view {
	w, l := e.words, &p.Labels[0]
	st := l.Product
	v := &view{
		Lang: key.lang, Other: locale.French, OtherName: "Français", Style: template.CSS(style), Registry: shown(r.Name), //nolint:gosec // our own style
		Title: shown(st.Maker + " " + st.Model), GTIN: p.GTIN, Status: l.Status, StatusWord: w.Text("product.status." + string(l.Status)),
		Meaning: w.Text("product.meaning." + string(l.Status)), Advice: w.Text("product.advice." + string(l.Status)),
		AsOf: w.Text("product.as-of", "day", w.Date(key.day.Time())), Height: heights[l.Status],
		NormsTitle: w.Text("product.norms"), ChangesTitle: w.Text("product.changes"), OthersTitle: w.Text("product.others"),
		Foot: w.Text("product.foot"), JSON: w.Text("product.json"), JSONURL: "/api/v1/products/" + p.GTIN,
		Logged: w.Text("product.logged", "leaf", strconv.FormatUint(l.Leaf, 10)), LogURL: fmt.Sprintf("/api/v1/log/%d/proof", l.Leaf),
	}
	if v.Lang == locale.French {
		v.Other, v.OtherName = locale.English, "English"
	}
	v.OtherURL = "/" + string(v.Other) + "/01/" + p.GTIN
	if p.Category != "" {
		if v.Category = w.Text("category." + p.Category); strings.HasPrefix(v.Category, "category.") {
			v.Category = shown(p.Category)
		}
	}
	v.Facts = e.facts(l, key.day)
	v.Norms, v.Counts = e.normRows(st)
	for _, c := range l.Changes {
		x := changed{
			Text: w.Text("product.change."+string(c.Verb), "day", w.Date(at(c.At)), "who", shown(c.By.Name), "why", w.Text("product.reason."+string(c.Reason))),
			Note: shown(c.Note),
		}
		for _, h := range c.Evidence {
			x.Documents = append(x.Documents, document{"/api/v1/evidence/" + h.String(), w.Text("product.document", "hash", h.String()[:12])})
		}
		v.Changes = append(v.Changes, x)
	}
	for i := range p.Labels[1:] {
		o := &p.Labels[i+1]
		v.Others = append(v.Others, w.Text("product.other", "day", w.Date(at(o.Granted)), "who", shown(o.Issuer.Name), "status", w.Text("label.status."+string(o.Status)), "for", e.about(o.Product)))
	}
	return v
}

// facts are what a label says, in the order in which people ask.
func (e *edition) facts(l *labelView, today label.Day) (list []fact) {
	w, st := e.words, l.Product
	add := func(name, value string) { list = append(list, fact{w.Text("product.fact." + name), value}) }
	switch {
	case st.Support == 0:
		add("support", w.Text("product.support.none"))
	case st.Support < today:
		add("support", w.Text("product.support.over", "day", w.Date(st.Support.Time())))
	default:
		add("support", w.Text("product.support.until", "day", w.Date(st.Support.Time())))
	}
	add("sensors", e.list("product.sensor.", st.Sensors.Words(), "product.sensor.none"))
	add("practices", e.list("product.practice.", st.Practices.Words(), "product.practice.none"))
	add("for", e.about(st))
	add("issuer", w.Text("product.granted", "who", shown(l.Issuer.Name), "day", w.Date(st.Issued.Time())))
	if st.Expires != 0 {
		add("expires", w.Date(st.Expires.Time()))
	}
	if st.Contact != "" {
		add("contact", shown(st.Contact))
	}
	if st.MUDURL != "" {
		add("mud", shown(st.MUDURL))
	}
	return list
}

func (e *edition) list(prefix string, words []string, none string) string {
	if len(words) == 0 {
		return e.words.Text(none)
	}
	all := make([]string, 0, len(words))
	for _, x := range words {
		text := e.words.Text(prefix + x)
		if text == prefix+x {
			text = x
		}
		all = append(all, text)
	}
	return e.words.List(all)
}

// about says which hardware and firmware a label is for.
func (e *edition) about(st *label.Statement) string {
	w := e.words
	var parts []string
	if st.Hardware != "" {
		parts = append(parts, w.Text("product.hardware", "name", shown(st.Hardware)))
	}
	from, to := shown(st.Firmware.From), shown(st.Firmware.To)
	switch {
	case from != "" && to != "":
		parts = append(parts, w.Text("product.firmware.between", "from", from, "to", to))
	case from != "":
		parts = append(parts, w.Text("product.firmware.from", "from", from))
	case to != "":
		parts = append(parts, w.Text("product.firmware.to", "to", to))
	default:
		parts = append(parts, w.Text("product.firmware.all"))
	}
	return strings.Join(parts, "; ")
}

// normRows are the norms, those that more is known of first, and how many there are of each class.
func (e *edition) normRows(st *label.Statement) (rows template.HTML, counts string) {
	if st.Profile >= uint(len(e.norms)) {
		return "", ""
	}
	var of [label.Refuted + 1][]template.HTML
	for i := range e.norms[st.Profile] {
		if c := st.ClassAt(i); int(c) < len(of) {
			of[c] = append(of[c], e.norms[st.Profile][i][c])
		}
	}
	var all strings.Builder
	var parts []string
	for _, c := range []label.Class{label.Refuted, label.LabTested, label.Seen, label.WebChecked, label.Declared, label.NotClaimed} {
		for _, row := range of[c] {
			all.WriteString(string(row))
			all.WriteByte('\n')
		}
		if n := len(of[c]); n > 0 {
			parts = append(parts, e.words.Text("label.class."+c.String(), "n", n))
		}
	}
	return template.HTML(all.String()), strings.Join(parts, " ") //nolint:gosec // made of our own rows
}

func at(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}

// shown is a stranger’s text without what cannot be seen or turns the direction of writing (UAX #9 §2).
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Forget has all pages made anew, as for a measurement.
func (s *Site) Forget() {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	clear(s.pages.kept)
}
