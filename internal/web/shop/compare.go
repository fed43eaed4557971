package shop

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/labelart"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// comparison is products beside each other.
type comparison struct {
	Products  []compared
	Different []glance.Row
	Norms     []glance.Row // that differ: there may be dozens
	Same      []glance.Row
	Room      bool   // for one more
	Add       string // what was typed to add one
	Asked     bool   // it was no number
	Found     []offer
	Picture   string // the address of the same as a picture
	Says      string // what the picture says, for who cannot see it
}

type compared struct {
	*product
	Price   string // as it was typed
	Field   string // the name of its price in the form
	Without string // the address of the rest
}

// offer is a product that may be added, with the address of the comparison that has it.
type offer struct {
	*product
	URL string
}

// mostOffered is how many products are offered for a name.
const mostOffered = 6

// kept are the products and prices of a comparison, among what an address or a form has.
func kept(from url.Values) url.Values {
	q := url.Values{}
	for name, values := range from {
		if name == "gtin" || strings.HasPrefix(name, "price-") && label.ValidGTIN(name[len("price-"):]) {
			q[name] = values[:min(len(values), 2*glance.MostCompared)]
		}
	}
	return q
}

// add takes what was typed to add a product: a number is one of the comparison, a name is looked for.
func (p *Pages) add(r *page.Request, c *comparison) error {
	q := r.URL.Query()
	text := strings.TrimSpace(q.Get("add"))
	next := kept(q)
	if n, ok := gtinOf(text); ok {
		next.Add("gtin", strconv.FormatUint(n, 10))
		text = ""
	}
	r.URL.RawQuery = next.Encode()
	if text == "" {
		return nil
	}
	if len(text) > registry.MaxQuery {
		return &page.Problem{Status: http.StatusBadRequest, Key: "shop.error.query"}
	}
	c.Add, c.Asked = text, true
	words := registry.Words(text)
	if len(words) == 0 {
		return nil
	}
	list, err := p.Registry.Store.Products(r.Context(), &registry.Query{Words: words, Limit: mostOffered})
	if err != nil {
		return err
	}
	for _, one := range list {
		x, err := p.product(r.Context(), one.GTIN, r.Words)
		if err != nil {
			return err
		}
		more := kept(q)
		more.Add("gtin", x.GTIN)
		c.Found = append(c.Found, offer{x, "/compare?" + more.Encode()})
	}
	return nil
}

// compare puts up to three products beside each other.
func (p *Pages) compare(r *page.Request) (*page.View, error) {
	c, err := p.comparison(r)
	if err != nil {
		return nil, err
	}
	if len(c.Products) > 1 {
		d, err := p.draw(c, r.Words)
		if err == nil { // a name in letters that cannot be drawn has no picture
			c.Says = d.Says
			c.Picture = "/compare.png?" + r.URL.RawQuery
		}
	}
	return &page.View{Template: "compare.html", Title: r.Words.Text("shop.compare"), Data: c, Cache: shortly}, nil
}

// picture is the same as a picture, to be sent to somebody.
func (p *Pages) picture(r *page.Request) (*page.View, error) {
	c, err := p.comparison(r)
	if err != nil {
		return nil, err
	}
	if len(c.Products) < 2 {
		return nil, &page.Problem{Status: http.StatusBadRequest, Key: "shop.compare.two"}
	}
	d, err := p.draw(c, r.Words)
	if err != nil {
		return nil, &page.Problem{Status: http.StatusUnprocessableEntity, Key: "error.label.print.letter", Cause: err}
	}
	body, err := d.PNG(8)
	if err != nil {
		return nil, err
	}
	return &page.View{File: &page.File{Name: "plimsoll.png", Type: "image/png", Body: body, Show: true, Keep: shortly}}, nil
}

// mostDrawn is how many rows a picture has: what does not fit on a phone, nobody reads.
const mostDrawn = 12

func (p *Pages) draw(c *comparison, words *locale.Catalogue) (*labelart.Drawing, error) {
	var columns []labelart.Column
	for _, x := range c.Products {
		columns = append(columns, labelart.Column{Name: x.Name, Verdict: x.verdict})
	}
	host := p.Registry.URL
	if u, err := url.Parse(host); err == nil {
		host = u.Host
	}
	rows := slices.Concat(c.Different, c.Norms)
	return labelart.Comparison(columns, rows[:min(len(rows), mostDrawn)], words.Text("shop.compare.foot", "day", words.Date(p.Now()), "name", host), words)
}

func (p *Pages) comparison(r *page.Request) (*comparison, error) {
	c := &comparison{}
	if err := p.add(r, c); err != nil {
		return nil, err
	}
	list, err := p.wanted(r, glance.MostCompared)
	if err != nil {
		return nil, err
	}
	c.Room = len(list) < glance.MostCompared
	today := label.DayOf(p.Now())
	var sides []glance.Side
	price := glance.Row{Topic: "price", Name: r.Words.Text("shop.compare.price")}
	priced := false
	for _, x := range list {
		field := "price-" + x.GTIN
		text := strings.TrimSpace(r.URL.Query().Get(field))
		rest := kept(r.URL.Query())
		rest.Del(field)
		rest["gtin"] = slices.DeleteFunc(slices.Clone(rest["gtin"]), func(text string) bool { n, _ := gtinOf(text); return fmt.Sprintf("%014d", n) == x.GTIN })
		c.Products = append(c.Products, compared{x, text[:min(len(text), 16)], field, "/compare?" + rest.Encode()})
		sides = append(sides, glance.Side{Label: x.Statement, Status: x.Status})
		value, known := r.Words.Text("shop.compare.price.none"), false
		if n, ok := glance.Price(text); ok {
			priced = true
			var year float64
			if year, known = glance.EachYear(n, x.Statement, today); known {
				value = r.Words.Text("shop.compare.price.year", "price", r.Words.Decimal(year, 2))
			} else {
				value = r.Words.Text("product.price.none")
			}
		}
		price.Values, price.Known = append(price.Values, value), append(price.Known, known)
	}
	if len(sides) == 0 {
		return c, nil
	}
	c.Different, c.Same = glance.Compare(sides, today, p.Norms, r.Words)
	facts := slices.IndexFunc(c.Different, func(r glance.Row) bool { _, norm := p.Norms.Norm(r.Topic); return norm })
	if facts >= 0 {
		c.Different, c.Norms = slices.Clone(c.Different[:facts]), c.Different[facts:]
	}
	if priced {
		at := min(1, len(c.Different)) // after the verdict, if that differs
		if len(c.Different) > 0 && c.Different[0].Topic != "verdict" {
			at = 0
		}
		c.Different = slices.Insert(c.Different, at, price)
	}
	return c, nil
}

// list is one’s own products: they are in the address, and in one’s own browser.
type list struct {
	Products []*product
}

// Ticked reports whether one of them is among those that are compared first.
func (l *list) Ticked(i int) bool { return i < glance.MostCompared }

// mostSaved is how many a list has.
const mostSaved = 20

func (p *Pages) saved(r *page.Request) (*page.View, error) {
	products, err := p.wanted(r, mostSaved)
	if err != nil {
		return nil, err
	}
	return &page.View{Template: "saved.html", Title: r.Words.Text("shop.saved"), Data: &list{products}}, nil
}

// Without is the address of the list without a product.
func (l *list) Without(gtin string) string {
	rest := slices.DeleteFunc(slices.Clone(l.Products), func(x *product) bool { return x.GTIN == gtin })
	return query("/saved", rest)
}
