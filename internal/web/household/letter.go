package household

import (
	"cmp"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// letter is one that is ready to send. Plimsoll sends none.
type letter struct {
	ID, Name string
	To       string // whom, in words
	Where    string // where it is to be sent
	Subject  string
	Body     string
	Mail     string   // a mailto address with all of it (RFC 6068); "" is that the office takes none by mail
	Offices  []option // others that may be the right one
}

// offices are those that look into complaints about privacy in Canada: of the country, and of the provinces whose own law
// holds for firms that do all of it within the province (priv.gc.ca, “File a complaint under PIPEDA”).
var offices = []string{"commissioner", "quebec", "alberta", "british-columbia"}

// mostLetter is how many findings a letter speaks of.
const mostLetter = 6

func (p *Pages) letter(r *page.Request, d *home.Device) (*page.View, error) {
	to := r.PathValue("to")
	kind := to // whose words a letter has: all offices are told the same
	switch {
	case slices.Contains(offices, to):
		kind = offices[0]
	case to != "maker":
		return nil, fs.ErrNotExist
	}
	list, err := p.History.Findings(r.Context(), d.ID, mostFindings)
	if err != nil {
		return nil, err
	}
	l, err := p.labelOf(r, d)
	if err != nil {
		return nil, err
	}
	findings := make([]*home.Noted, len(list))
	for i := range list {
		findings[i] = &list[i]
	}
	w, id := r.Words, d.Is()
	product := strings.TrimSpace(id.Maker + " " + strings.TrimSpace(strings.TrimPrefix(id.Model, id.Maker)))
	say := func(key string, args ...any) string {
		return w.Text("household.letter."+kind+"."+key, append(args, "product", cmp.Or(product, newCard(w, d, place(d, nil, home.Amount{}), nil).What), "maker", cmp.Or(id.Maker, w.Text("household.letter.maker")))...)
	}
	x := &letter{ID: d.ID, Name: d.Title(), To: w.Text("household.letter." + to), Where: w.Text("household.letter." + to + ".where"), Subject: say("subject")}
	if kind != "maker" {
		for _, o := range offices {
			if o != to {
				x.Offices = append(x.Offices, option{Value: "/devices/" + d.ID + "/letter/" + o, Text: w.Text("household.letter." + o)})
			}
		}
	}
	var b strings.Builder
	paragraph := func(s string) { b.WriteString(s + "\n\n") }
	paragraph(w.Text("household.letter."+to+".opening", "maker", cmp.Or(id.Maker, w.Text("household.letter.maker"))))
	paragraph(say("who", "first", w.Date(d.First.Local()), "what", strings.ToLower(w.Text("category."+cmp.Or(id.Category, "unknown")))))
	if seen := seenOf(w, d, open(findings)); seen != "" {
		paragraph(w.Text("household.letter.seen"))
		paragraph(seen)
	} else {
		paragraph(w.Text("household.letter.nothing"))
	}
	reaches, err := p.lately(r, d.ID)
	if err != nil {
		return nil, err
	}
	if where := p.named(w, reaches); where != "" {
		paragraph(w.Text("household.letter.countries", "list", where))
	}
	paragraph(say("ask"))
	paragraph(w.Text("household.letter.how"))
	b.WriteString(say("close") + "\n\n" + w.Text("household.letter.name") + "\n" + w.Date(p.Now().Local()) + "\n")
	x.Body = b.String()
	address := ""
	if l != nil && to == "maker" {
		if mail, ok := strings.CutPrefix(l.Statement.Contact, "mailto:"); ok {
			address, x.Where = url.PathEscape(mail), mail
		} else if l.Statement.Contact != "" {
			x.Where = l.Statement.Contact
		}
	}
	if kind != "maker" { // they take a form, or paper
		return &page.View{Template: "letter.html", Title: w.Text("household.letter.title", "to", x.To), Data: x}, nil
	}
	x.Mail = "mailto:" + address + "?subject=" + field(x.Subject) + "&body=" + field(strings.ReplaceAll(x.Body, "\n", "\r\n"))
	return &page.View{Template: "letter.html", Title: w.Text("household.letter.title", "to", x.To), Data: x}, nil
}

// field is a text in a mailto address (RFC 6068 §2), where a plus sign is no space.
func field(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// seenOf is what was seen of a device, as a list.
func seenOf(w *locale.Catalogue, d *home.Device, findings []*home.Noted) string {
	var lines []string
	for _, f := range findings[:min(len(findings), mostLetter)] {
		t := guide.Explain(w, &f.Finding, outwardName(w, d))
		lines = append(lines, "- "+unlinked(t.Title+". "+t.Seen)+" ("+w.Date(time.Unix(0, f.First).Local())+" – "+w.Date(time.Unix(0, f.Last).Local())+")")
	}
	return strings.Join(lines, "\n")
}
