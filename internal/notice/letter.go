package notice

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/locale"
)

//go:embed letter.html
var letterHTML string

// line is a text in one line, of what a reader can see: no controls, and nothing that turns its direction (UAX #9 §2).
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), func(r rune) bool { return r < 0x80 && unicode.IsSpace(r) }), " ")
	return clip(strings.Map(locale.Visible, s), maxLine)
}

// clip cuts a text off after so many octets, between two letters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const more = "…"
	cut := most - len(more)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}

// part is one part of a letter: a heading, and lines below it.
type part struct {
	Title string
	Items []item
	Order bool // its items are to be done one after the other
}

// item is a device, and what is said of it.
type item struct{ Name, Text, More string }

// page is a letter before it has a form.
type page struct {
	Lang  locale.Lang
	Title string
	Lead  []string
	Parts []part
	Link  string
	Go    string // what the link is called
	Foot  string
}

// subject is a message in a few words.
func subject(words *locale.Catalogue, m Message) string {
	if w := m.Week; w != nil {
		return line(words.Text("notice.week.title", "sentence", w.Sentence))
	}
	a := m.Alert
	if a.Test || len(a.Causes) == 0 {
		return line(words.Text("notice.test.title"))
	}
	c := a.Causes[0]
	if rest := len(a.Causes) - 1 + a.More; rest > 0 {
		return line(words.Text("notice.alert.title.more", "name", c.Name, "what", c.What, "n", rest))
	}
	return line(words.Text("notice.alert.title", "name", c.Name, "what", c.What))
}

// compose is what a message says.
func compose(words *locale.Catalogue, m Message) *page {
	p := &page{Lang: words.Lang(), Title: subject(words, m), Go: words.Text("notice.link"), Foot: words.Text("notice.foot")}
	if w := m.Week; w != nil {
		p.Link = w.Link
		if w.Home != "" {
			p.Lead = append(p.Lead, line(w.Home))
		}
		p.Lead = append(p.Lead, words.Text("household.week.span", "from", w.From.Local(), "to", w.To.Local()), line(w.Sentence))
		first := part{Title: words.Text("report.first.title"), Order: true}
		for _, a := range w.Actions {
			first.Items = append(first.Items, item{line(a.Name), line(a.Do), line(a.Why)})
		}
		switch {
		case len(first.Items) == 0:
			p.Lead = append(p.Lead, words.Text("household.rest"))
		case w.More != "":
			first.Items = append(first.Items, item{"", line(w.More), ""})
		}
		p.Parts = append(p.Parts, first, mentions(words.Text("household.week.new"), w.New), mentions(words.Text("household.found"), w.Found),
			mentions(words.Text("household.week.labels"), w.Labels), mentions(words.Text("household.support"), w.Support))
		return p
	}
	a := m.Alert
	p.Link = a.Link
	if a.Home != "" {
		p.Lead = append(p.Lead, line(a.Home))
	}
	if a.Test {
		p.Lead = append(p.Lead, words.Text("notice.test.text"))
		return p
	}
	x := part{Title: words.Text("notice.alert.lead"), Order: true}
	for _, c := range a.Causes {
		x.Items = append(x.Items, item{line(c.Name), line(c.What), line(c.Do)})
	}
	p.Parts = append(p.Parts, x)
	if a.More > 0 {
		p.Lead = append(p.Lead, words.Text("notice.alert.more", "n", a.More))
	}
	return p
}

func mentions(title string, list []Mention) part {
	x := part{Title: title}
	for _, m := range list {
		x.Items = append(x.Items, item{line(m.Name), line(m.Text), ""})
	}
	return x
}

// says is an item in one line.
func (i item) says(words *locale.Catalogue) string {
	s := i.Text
	if i.Name != "" {
		s = words.Text("notice.item", "name", i.Name, "text", s)
	}
	if i.More != "" {
		s += " " + i.More
	}
	return s
}

// plain is the letter as text.
func (p *page) plain(words *locale.Catalogue) string {
	var b strings.Builder
	for _, l := range p.Lead {
		fmt.Fprintf(&b, "%s\n\n", l)
	}
	for _, x := range p.Parts {
		if len(x.Items) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s\n\n", x.Title)
		for n, i := range x.Items {
			mark := "- "
			if x.Order && i.Name != "" {
				mark = fmt.Sprintf("%d. ", n+1)
			}
			fmt.Fprintf(&b, "%s%s\n", mark, i.says(words))
		}
		b.WriteByte('\n')
	}
	if p.Link != "" {
		fmt.Fprintf(&b, "%s\n%s\n\n", p.Go, p.Link)
	}
	fmt.Fprintf(&b, "-- \n%s\n", p.Foot)
	return b.String()
}

// short is a message as a phone shows it: what is the matter, and what to do.
func short(words *locale.Catalogue, m Message) string {
	p := compose(words, m)
	lines := []string{}
	for _, l := range p.Lead {
		if l != line(p.Title) {
			lines = append(lines, l)
		}
	}
	for n, x := range p.Parts {
		if n > 0 && len(x.Items) > 0 { // what is not to be done is told by its number
			lines = append(lines, words.Text("notice.count", "what", x.Title, "n", len(x.Items)))
			continue
		}
		for _, i := range x.Items {
			lines = append(lines, i.says(words))
		}
	}
	return strings.Join(lines, "\n")
}

// letter is a message as e-mail (RFC 5322): as text, and as HTML that fetches nothing.
func letter(c *Channel, words *locale.Catalogue, m Message, id string, at time.Time) ([]byte, error) {
	p := compose(words, m)
	t, err := template.New("letter").Parse(letterHTML)
	if err != nil {
		return nil, fmt.Errorf("letter: %w", err)
	}
	var html bytes.Buffer
	if err := t.Execute(&html, p); err != nil {
		return nil, fmt.Errorf("letter: %w", err)
	}
	var b, body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for _, x := range []struct{ kind, text string }{{"text/plain", p.plain(words)}, {"text/html", html.String()}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {x.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}, "Content-Language": {string(c.Lang)},
		})
		if err != nil {
			return nil, fmt.Errorf("letter: %w", err)
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(strings.ReplaceAll(x.text, "\n", "\r\n"))); err != nil {
			return nil, fmt.Errorf("letter: %w", err)
		}
		if err := q.Close(); err != nil {
			return nil, fmt.Errorf("letter: %w", err)
		}
	}
	if err := parts.Close(); err != nil {
		return nil, fmt.Errorf("letter: %w", err)
	}
	_, domain, _ := strings.Cut(c.From, "@")
	for _, h := range [][2]string{
		{"From", "Plimsoll <" + c.From + ">"},
		{"To", "<" + c.To + ">"},
		{"Subject", strings.ReplaceAll(mime.QEncoding.Encode("utf-8", p.Title), "?= =?", "?=\r\n =?")}, // folded: a line has at most 998 octets (RFC 5322 §2.1.1)
		{"Date", at.Format("Mon, 02 Jan 2006 15:04:05 -0700")},
		{"Message-ID", "<" + id + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: nobody’s absence answers
		{"Content-Language", string(c.Lang)},
		{"MIME-Version", "1.0"},
		{"Content-Type", "multipart/alternative; boundary=" + parts.Boundary()},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	b.Write(body.Bytes())
	return b.Bytes(), nil
}
