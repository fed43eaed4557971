package shop

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// found is what a search found.
type found struct {
	Query      string
	Category   string
	Categories []choice
	Asked      bool
	Products   []*product
	More       string // the address of what follows
}

type choice struct {
	Value, Text string
	Chosen      bool
}

func categories(words *locale.Catalogue, chosen string) (list []choice) {
	for _, c := range device.Categories {
		list = append(list, choice{c, categoryName(c, words), c == chosen})
	}
	return list
}

func (p *Pages) start(r *page.Request) (*page.View, error) {
	return &page.View{Template: "find.html", Title: r.Words.Text("shop.find"), Data: &found{Categories: categories(r.Words, "")}, Cache: shortly}, nil
}

// perPage is how many products are shown at a time.
const perPage = 20

func (p *Pages) search(r *page.Request) (*page.View, error) {
	q := r.URL.Query()
	f := &found{Query: q.Get("q"), Category: q.Get("category"), Asked: true}
	f.Categories = categories(r.Words, f.Category)
	if n, ok := gtinOf(f.Query); ok { // somebody typed the number below the bars
		return p.lead(r, n)
	}
	if len(f.Query) > registry.MaxQuery || f.Category != "" && !slices.Contains(device.Categories, f.Category) {
		return nil, &page.Problem{Status: http.StatusBadRequest, Key: "shop.error.query"}
	}
	after, _ := strconv.ParseUint(q.Get("after"), 10, 63)
	query := &registry.Query{Words: registry.Words(f.Query), Category: f.Category, After: after, Limit: perPage}
	view := &page.View{Template: "find.html", Title: r.Words.Text("shop.search"), Data: f, Cache: shortly}
	if len(query.Words) == 0 && strings.TrimSpace(f.Query) != "" { // it has no letter that is looked for
		return view, nil
	}
	list, err := p.Registry.Store.Products(r.Context(), query)
	if err != nil {
		return nil, err
	}
	for _, one := range list {
		x, err := p.product(r.Context(), one.GTIN, r.Words)
		if err != nil {
			return nil, err
		}
		f.Products = append(f.Products, x)
	}
	if len(list) == perPage {
		f.More = "/search?" + url.Values{"q": {f.Query}, "category": {f.Category}, "after": {strconv.FormatUint(list[perPage-1].GTIN, 10)}}.Encode()
	}
	return view, nil
}

// lead leads to the page of a product, or says that it has no label.
func (p *Pages) lead(r *page.Request, gtin uint64) (*page.View, error) {
	x, err := p.product(r.Context(), gtin, r.Words)
	if err != nil {
		return nil, err
	}
	if x.Statement != nil {
		return page.See("/01/" + x.GTIN), nil
	}
	return &page.View{Template: "none.html", Title: x.Verdict, Data: x, Status: http.StatusNotFound}, nil
}

// scanned is what came of a code on a photograph.
type scanned struct {
	Genuine  bool
	Sentence string
	Lines    []string
	Product  *product // nil: it is of none
}

// scan reads a code from a photograph, which is not kept.
func (p *Pages) scan(r *page.Request) (*page.View, error) {
	data, leave, err := p.decoding.Upload(r, "photo", qr.MaxFile)
	if err != nil {
		return nil, err
	}
	defer leave()
	if data == nil {
		return nil, &page.Problem{Status: http.StatusBadRequest, Key: "shop.error.photo", Cause: http.ErrMissingFile}
	}
	text, bars, err := qr.Scan(data)
	for cause, key := range map[error]string{qr.ErrNoPicture: "shop.error.picture", qr.ErrTooLarge: "shop.error.large", qr.ErrNoCode: "shop.error.code"} {
		if errors.Is(err, cause) {
			return nil, &page.Problem{Status: http.StatusUnprocessableEntity, Key: key, Cause: err}
		}
	}
	if err != nil {
		return nil, err
	}
	if bars {
		if n, ok := gtinOf(text); ok {
			if to := beside(r, n); to != "" {
				return page.See(to), nil
			}
			return p.lead(r, n)
		}
		return nil, &page.Problem{Status: http.StatusUnprocessableEntity, Key: "shop.error.code"}
	}
	s, err := p.verify(r.Context(), text, r.Words)
	if err != nil {
		return nil, err
	}
	if s.Genuine && s.Product != nil {
		if n, ok := gtinOf(s.Product.GTIN); ok {
			if to := beside(r, n); to != "" {
				return page.See(to), nil
			}
		}
	}
	return &page.View{Template: "scanned.html", Title: r.Words.Text("shop.scanned"), Data: s}, nil
}

// beside is the address of the comparison that a photograph was taken for, with the product on it; "" for none.
func beside(r *page.Request, gtin uint64) string {
	q := kept(r.MultipartForm.Value)
	if len(q["gtin"]) == 0 {
		return ""
	}
	q.Add("gtin", strconv.FormatUint(gtin, 10))
	return "/compare?" + q.Encode()
}

// verify says what is known of the code of a label: by its signature, by the trust that this registry gives out, and by
// its own log.
func (p *Pages) verify(ctx context.Context, text string, words *locale.Catalogue) (*scanned, error) {
	gtin, data, err := label.ParseLink(text)
	if err != nil {
		return &scanned{Sentence: words.Text("shop.scanned.foreign"), Lines: []string{words.Text("shop.scanned.text", "text", text[:min(len(text), 120)])}}, nil
	}
	s := &scanned{}
	if n, ok := gtinOf(gtin); ok {
		if s.Product, err = p.product(ctx, n, words); err != nil {
			return nil, err
		}
	}
	published := p.Registry.Publication()
	if published == nil {
		return nil, &page.Problem{Status: http.StatusServiceUnavailable, Key: "shop.error.ready"}
	}
	trust, err := label.ParseBundle(published.Bundle, p.Registry.Public())
	if err != nil {
		return nil, err
	}
	envelope, err := label.ParseEnvelope(data)
	var v *label.Verdict
	if err == nil {
		v, err = trust.Verify(envelope, gtin, p.Now())
	}
	if err != nil {
		key := "error.label.not-genuine.signature"
		for cause, k := range map[error]string{
			label.ErrUntrusted: "error.label.not-genuine.untrusted", label.ErrProof: "error.label.not-genuine.proof", label.ErrStatement: "error.label.not-genuine.statement",
		} {
			if errors.Is(err, cause) {
				key = k
			}
		}
		s.Sentence, s.Lines = words.Text("shop.scanned.false"), []string{locale.Capital(words.Text(key)) + "."}
		return s, nil
	}
	l, err := p.Registry.Store.Label(ctx, label.LeafHash(envelope.Label))
	if errors.Is(err, registry.ErrUnknown) {
		s.Sentence, s.Lines = words.Text("shop.scanned.false"), []string{words.Text("shop.scanned.unlogged")}
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	in, err := p.Log.Include(ctx, l.Index, l.ID)
	if err != nil {
		return nil, err
	}
	s.Genuine = true
	s.Sentence = words.Text("label.genuine", "issuer", v.Issuer, "day", words.Date(v.Statement.Issued.Time()))
	s.Lines = []string{
		words.Text("label.status", "status", words.Text("label.status."+string(l.Status)), "day", words.Date(p.Now())),
		words.Text("registry.proof", "log", in.Origin, "index", in.Index, "size", in.Size),
	}
	if newest := s.Product.Labels; len(newest) > 0 && newest[0].ID != l.ID {
		s.Lines = append(s.Lines, words.Text("shop.scanned.older"))
	}
	return s, nil
}
