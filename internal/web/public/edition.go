package public

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/web/asset"
	"plimsoll.example/plimsoll/label"
)

// view is all that the template is given. Its order is that in which people ask: is it the right one, what of it, until
// when, what it sees and shares, what it needs, who checked.
type view struct {
	Lang, Other             locale.Lang
	OtherURL, OtherName     string
	Style                   template.CSS
	Shapes                  template.HTML
	Registry                string
	Title, Category, Digits string
	Picture, PictureAlt     string // where it is, and what it is of
	Verdict, State, Because string
	Advice, AsOf            string
	Facts                   []fact
	Actions                 []document
	Match                   []string
	Since                   []since
	Price                   string // as it was typed
	EachYear                string
	About                   []fact
	Counts                  string
	Norms                   template.HTML
	Changes                 []changed
	Others                  []string
	Ways                    []document
	words                   *locale.Catalogue
}

// Long reports whether the title would take the room of the facts, were it as large as others.
func (v *view) Long() bool { return utf8.RuneCountInString(v.Title) > 48 }

// T is a message of the catalogue.
func (v *view) T(key string) string { return v.words.Text(key) }

type fact struct {
	Name, Value string
	Known       bool
}

type changed struct {
	Text, Note string
	Documents  []document
}

type document struct{ URL, Text string }

// since is what became different since a pack was printed.
type since struct {
	Day  string
	Rows []string
}

// states are how verdicts look: colour, shape and height on the load line have the names that all pages use.
var states = map[glance.Verdict]string{glance.Good: "fine", glance.Check: "check", glance.Avoid: "act", glance.Unlabelled: "unknown"}

// view is the page of a product; price is what somebody typed, or "".
func (e *edition) view(r *registry.Registry, p *productView, key pageKey, price string) *view {
	w, l := e.words, &p.Labels[0]
	st := l.Product
	verdict, because := glance.Judge(st, l.Status, key.day)
	lang := "/" + string(key.lang)
	digits := strings.TrimLeft(p.GTIN, "0")
	v := e.frame(r, key.lang, p.GTIN)
	v.Title, v.Digits, v.Price = shown(st.Maker+" "+st.Model), digits, price
	v.Verdict, v.State, v.Because = verdict.Text(w), states[verdict], w.Text(string(because))
	v.AsOf = w.Text("product.as-of", "status", w.Text("product.status."+string(l.Status)), "day", w.Date(key.day.Time()))
	v.Actions = []document{{lang + "/compare?gtin=" + p.GTIN, w.Text("product.compare")}, {lang + "/saved?gtin=" + p.GTIN, w.Text("product.save")}}
	v.Match = []string{
		w.Text("product.match.name", "name", v.Title), w.Text("product.match.digits", "digits", digits), w.Text("product.match.address", "name", host(r.URL)),
	}
	v.Ways = []document{
		{lang + "/history/" + p.GTIN, w.Text("product.history")},
		{lang + "/tags?gtin=" + p.GTIN, w.Text("product.tag")},
		{lang + "/norms", w.Text("product.judge")},
		e.proof(l.Leaf),
		{"/api/v1/products/" + p.GTIN, w.Text("product.json")},
	}
	if l.Status != label.Active {
		v.Advice = w.Text("product.advice." + string(l.Status))
	}
	if p.Category != "" {
		if v.Category = w.Text("category." + p.Category); strings.HasPrefix(v.Category, "category.") {
			v.Category = shown(p.Category)
		}
		v.Category = locale.Capital(v.Category)
	}
	if v.Picture = p.picture; v.Picture != "" {
		v.PictureAlt = w.Text("product.picture", "name", v.Title)
		v.Match = slices.Insert(v.Match, 0, w.Text("product.match.picture"))
	}
	v.Facts = e.glanced(l, key.day)
	if price != "" {
		v.EachYear = e.eachYear(price, st, key.day)
	}
	v.About = e.facts(st)
	v.Norms, v.Counts = e.normRows(st)
	v.Since = e.since(p, key.day)
	for _, c := range l.Changes {
		x := changed{
			Text: w.Text("product.change."+string(c.Verb), "day", w.Date(at(c.At)), "who", shown(c.By.Name), "why", w.Text("product.reason."+string(c.Reason))),
			Note: shown(c.Note),
		}
		for _, h := range c.Evidence {
			x.Documents = append(x.Documents, document{"/api/v1/evidence/" + h.String(), w.Text("product.document", "hash", h.String()[:12])})
		}
		x.Documents = append(x.Documents, e.proof(c.Leaf))
		v.Changes = append(v.Changes, x)
	}
	for i := range p.Labels[1:] {
		o := &p.Labels[i+1]
		v.Others = append(v.Others, w.Text("product.other", "day", w.Date(at(o.Granted)), "who", shown(o.Issuer.Name), "status", w.Text("label.status."+string(o.Status)), "for", e.about(o.Product)))
	}
	return v
}

// frame is what is around the page of every product.
func (e *edition) frame(r *registry.Registry, lang locale.Lang, gtin string) *view {
	v := &view{
		words: e.words, Lang: lang, Other: locale.French, OtherName: "Français", Style: template.CSS(style), Shapes: template.HTML(asset.Shapes), //nolint:gosec // our own
		Registry: shown(r.Name),
	}
	if v.Lang == locale.French {
		v.Other, v.OtherName = locale.English, "English"
	}
	v.OtherURL = "/" + string(v.Other) + "/01/" + url.PathEscape(gtin)
	return v
}

// proof leads to what proves that a leaf is in the log.
func (e *edition) proof(leaf uint64) document {
	return document{fmt.Sprintf("/api/v1/log/%d/proof", leaf), e.words.Text("product.logged", "leaf", strconv.FormatUint(leaf, 10))}
}

// host is the name that the address bar must show.
func host(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return at
	}
	return u.Host
}

// glanced are the five facts of a label, with what is known today alone.
func (e *edition) glanced(l *labelView, today label.Day) (list []fact) {
	w := e.words
	for _, f := range glance.Facts(l.Product, w) {
		switch left := glance.Left(l.Product, today, w); {
		case f.Topic == glance.Updates && left != "":
			f.Text = w.Text("product.until", "text", f.Text, "left", left)
		case f.Topic == glance.Checked:
			f.Text += " " + w.Text("product.granted", "who", shown(l.Issuer.Name), "day", w.Date(l.Product.Issued.Time()))
		}
		list = append(list, fact{f.Name, f.Text, f.Known})
	}
	return list
}

// eachYear says what a price comes to for each year of updates.
func (e *edition) eachYear(text string, st *label.Statement, today label.Day) string {
	price, ok := glance.Price(text)
	if !ok {
		return e.words.Text("product.price.wrong")
	}
	year, ok := glance.EachYear(price, st, today)
	if !ok {
		return e.words.Text("product.price.none")
	}
	return e.words.Text("product.price.year", "price", e.words.Decimal(year, 2))
}

// since compares what the pack of each label says with what is true today. A pack says what was so on the day of issue,
// when its label was active.
func (e *edition) since(p *productView, today label.Day) (list []since) {
	w, l := e.words, &p.Labels[0]
	is, _ := glance.Judge(l.Product, l.Status, today)
	after := glance.Facts(l.Product, w)
	for i := range p.Labels {
		old := p.Labels[i].Product
		was, _ := glance.Judge(old, label.Active, old.Issued)
		x := since{Day: w.Text("product.since.day", "day", w.Date(old.Issued.Time()))}
		add := func(name, was, is string) {
			if was != is {
				x.Rows = append(x.Rows, w.Text("product.since.row", "name", name, "was", was, "is", is))
			}
		}
		add(w.Text("glance.verdict"), was.Text(w), is.Text(w))
		for k, f := range glance.Facts(old, w) {
			add(f.Name, f.Text, after[k].Text)
		}
		if len(x.Rows) == 0 {
			x.Rows = []string{w.Text("product.since.none")}
		}
		list = append(list, x)
	}
	return list
}

// facts are what a label says beyond the five.
func (e *edition) facts(st *label.Statement) (list []fact) {
	w := e.words
	add := func(name, value string) {
		if value != "" {
			list = append(list, fact{w.Text("product.fact." + name), value, true})
		}
	}
	add("for", e.about(st))
	if st.Expires != 0 {
		add("expires", w.Date(st.Expires.Time()))
	}
	add("contact", shown(st.Contact))
	add("mud", shown(st.MUDURL))
	add("sbom", shown(st.SBOMURL))
	return list
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
