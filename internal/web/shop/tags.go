package shop

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"plimsoll.example/plimsoll/internal/labelart"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// shelf is the tags of a shop, to be looked at on its screen, or printed.
type shelf struct {
	Products []*product
	Numbers  string // as the form has them
	Missing  []string
}

// mostTags is how many tags are on a sheet.
const mostTags = 24

func (p *Pages) tags(r *page.Request) (*page.View, error) {
	// a shop pastes its list: numbers, apart by anything
	q := r.URL.Query()
	for _, text := range strings.FieldsFunc(q.Get("numbers"), func(c rune) bool { return c < '0' || c > '9' }) {
		q.Add("gtin", text)
	}
	r.URL.RawQuery = q.Encode()
	all, err := p.wanted(r, mostTags)
	if err != nil {
		return nil, err
	}
	s := &shelf{}
	var numbers []string
	for _, x := range all {
		numbers = append(numbers, x.Digits)
		if x.Statement == nil {
			s.Missing = append(s.Missing, x.Name)
			continue
		}
		s.Products = append(s.Products, x)
	}
	s.Numbers = strings.Join(numbers, " ")
	return &page.View{Template: "tags.html", Title: r.Words.Text("shop.tags"), Data: s, Cache: shortly}, nil
}

// tag is the tag of a product as a file: GTIN.svg or GTIN.pdf, the language of the address first. Each is drawn anew: it
// says what is true today.
func (p *Pages) tag(r *page.Request) (*page.View, error) {
	name := r.PathValue("file")
	kind := path.Ext(name)
	if kind != ".svg" && kind != ".pdf" {
		return nil, fs.ErrNotExist
	}
	x, err := p.known(r, strings.TrimSuffix(name, kind))
	if err != nil {
		return nil, err
	}
	d, err := p.drawTag(r, x)
	if errors.Is(err, labelart.ErrLetter) {
		return nil, &page.Problem{Status: http.StatusUnprocessableEntity, Key: "shop.tags.letter", Cause: err}
	}
	if err != nil {
		return nil, err
	}
	f := &page.File{Name: "plimsoll-" + x.GTIN + kind, Type: "image/svg+xml", Body: d.SVG(), Show: r.URL.Query().Get("show") != "", Keep: shortly}
	if kind == ".pdf" {
		f.Type = "application/pdf"
		if f.Body, err = d.PDF(); err != nil {
			return nil, err
		}
	}
	return &page.View{File: f}, nil
}

// drawTag draws a tag, with the path to the landmark of its day in the code if there is one and it has room for it.
func (p *Pages) drawTag(r *page.Request, x *product) (*labelart.Drawing, error) {
	l := x.Labels[0]
	proof, err := p.Log.Landmark(r.Context(), x.Statement.Issued, l.Index)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(p.Registry.URL)
	if err != nil {
		return nil, err
	}
	words := labelart.Words{r.Words, locale.New(other(r.Words.Lang()))}
	today := labelart.Today{Status: l.Status, Day: label.DayOf(p.Now())}
	for {
		e := &label.Envelope{Version: label.Version, Label: l.Sign1, Proof: proof}
		data, err := e.Marshal()
		if err != nil {
			return nil, err
		}
		d, err := labelart.Tag(x.Statement, label.Link(at.Host, x.Statement, data), today, words)
		if err == nil || proof == nil {
			return d, err
		}
		proof = nil
	}
}

func other(l locale.Lang) locale.Lang {
	if l == locale.French {
		return locale.English
	}
	return locale.French
}
