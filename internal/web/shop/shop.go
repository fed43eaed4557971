// Package shop is the pages of a registry for who is about to buy a product, has one, or sells some: search by name, bar
// code or a photograph, a comparison, a list of one’s own, the history of a label with its proofs, tags for a shelf, what
// can be downloaded, and how labels are judged. The page of a product itself is in package public.
//
// Whoever looks is not asked who they are, and nothing is kept of what they looked for: a list is in its address, and in
// their own browser.
package shop

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

//go:embed pages/*.html
var templates embed.FS

// book is the log, as far as pages show it.
type book interface {
	Include(ctx context.Context, index uint64, hash label.Hash) (*registry.Inclusion, error)
	Landmark(ctx context.Context, day label.Day, index uint64) (*label.Proof, error)
}

// Pages are those of one registry.
type Pages struct {
	Registry *registry.Registry
	Log      book
	Norms    *norms.Catalogue
	Rate     float64 // what may be written a second by one account or address, for the page that says so
	Now      func() time.Time
	Logger   *slog.Logger

	decoding page.Places // a place for each photograph that is read
}

// mostDecoding is how many photographs are read at a time: one can take some hundred megabytes.
const mostDecoding = 2

// Site is the pages as they are served. hosts are the names of the server.
func (p *Pages) Site(version string, hosts []string) (*page.Site, error) {
	pages, err := fs.Sub(templates, "pages")
	if err != nil {
		return nil, err
	}
	p.decoding = make(page.Places, mostDecoding)
	s := &page.Site{
		Name: "registry", Templates: pages, Hosts: hosts, Version: version, Log: p.Logger, Foot: "shop.foot",
		Links: []page.Link{
			{Key: "shop.nav.find", Path: "/"},
			{Key: "shop.nav.compare", Path: "/compare"},
			{Key: "shop.nav.saved", Path: "/saved"},
			{Key: "shop.nav.norms", Path: "/norms"},
			{Key: "shop.nav.data", Path: "/data"},
			{Key: "shop.nav.work", Path: "/desk"},
		},
	}
	s.Handle("GET /", p.start)
	s.Handle("GET /search", p.search)
	s.Handle("POST /scan", p.scan)
	s.Handle("GET /compare", p.compare)
	s.Handle("GET /compare.png", p.picture)
	s.Handle("GET /saved", p.saved)
	s.Handle("GET /history/{gtin}", p.history)
	s.Handle("GET /tags", p.tags)
	s.Handle("GET /tags/{file}", p.tag)
	s.Handle("GET /norms", p.judge)
	s.Handle("GET /norms/{norm}", p.norm)
	s.Handle("GET /data", p.data)
	return s, nil
}

// shortly is how long others may keep a page that is the same for everybody.
const shortly = "public, max-age=30"

// product is one as the pages show it. Of one that is not in the registry nothing but its number is known.
type product struct {
	GTIN      string // 14 digits
	Digits    string // as below the bars
	Name      string
	Category  string
	State     string // fine, check, act or unknown
	Verdict   string
	Because   string
	Left      string // how long there are updates
	Picture   string // where it is, or ""
	Alt       string // what it is of
	Labels    []*registry.Label
	Statement *label.Statement // of the newest
	Status    label.Status
	verdict   glance.Verdict
}

// states are how verdicts look.
var states = map[glance.Verdict]string{glance.Good: "fine", glance.Check: "check", glance.Avoid: "act", glance.Unlabelled: "unknown"}

// mostLabels is how many labels of a product are shown.
const mostLabels = 20

// product looks one up.
func (p *Pages) product(ctx context.Context, gtin uint64, words *locale.Catalogue) (*product, error) {
	x := &product{GTIN: fmt.Sprintf("%014d", gtin), Digits: strconv.FormatUint(gtin, 10), Status: label.Unknown}
	var err error
	if x.Labels, err = p.Registry.Store.LabelsOf(ctx, gtin, mostLabels); err != nil {
		return nil, err
	}
	today := label.DayOf(p.Now())
	if len(x.Labels) > 0 {
		newest := x.Labels[0]
		if x.Statement, err = newest.Statement(); err != nil {
			return nil, err
		}
		x.Status, x.Name = newest.Status, x.Statement.Maker+" "+x.Statement.Model
		x.Category = categoryName(newest.Category, words)
		x.Alt = words.Text("product.picture", "name", x.Name)
		x.Picture = registry.PicturePath(x.Labels...)
	} else {
		x.Name = words.Text("shop.unlabelled", "digits", x.Digits)
	}
	var because glance.Reason
	x.verdict, because = glance.Judge(x.Statement, x.Status, today)
	x.State, x.Verdict, x.Left = states[x.verdict], x.verdict.Text(words), glance.Left(x.Statement, today, words)
	if because == "" {
		because = "glance.because.none"
	}
	x.Because = words.Text(string(because))
	return x, nil
}

// categoryName is a category in words.
func categoryName(category string, words *locale.Catalogue) string {
	if category == "" {
		return ""
	}
	if text := words.Text("category." + category); text != "category."+category {
		return locale.Capital(text)
	}
	return category
}

// gtinOf reads the number of a product as somebody types it, with or without spaces.
func gtinOf(text string) (uint64, bool) {
	text = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' || r == '\u202f' {
			return -1
		}
		return r
	}, text[:min(len(text), 64)])
	if !label.ValidGTIN(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil
}

// gtins are those of an address, each once, at most so many.
func gtins(r *page.Request, most int) (list []uint64, err error) {
	seen := map[uint64]bool{}
	for _, text := range r.URL.Query()["gtin"] {
		if strings.TrimSpace(text) == "" {
			continue
		}
		n, ok := gtinOf(text)
		if !ok {
			return nil, &page.Problem{Status: http.StatusBadRequest, Key: "shop.error.gtin", Args: []any{"text", text[:min(len(text), 64)]}}
		}
		if !seen[n] && len(list) < most {
			list = append(list, n)
		}
		seen[n] = true
	}
	return list, nil
}

// wanted are the products of an address.
func (p *Pages) wanted(r *page.Request, most int) (list []*product, err error) {
	numbers, err := gtins(r, most)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		x, err := p.product(r.Context(), n, r.Words)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

// known is the one product of a path, which must have a label.
func (p *Pages) known(r *page.Request, text string) (*product, error) {
	n, ok := gtinOf(text)
	if !ok {
		return nil, &page.Problem{Status: http.StatusBadRequest, Key: "shop.error.gtin", Args: []any{"text", text[:min(len(text), 64)]}}
	}
	x, err := p.product(r.Context(), n, r.Words)
	if err == nil && x.Statement == nil {
		err = fmt.Errorf("product %014d: %w", n, errors.Join(registry.ErrUnknown, fs.ErrNotExist))
	}
	return x, err
}

// query is an address with products in it.
func query(path string, list []*product) string {
	for i, x := range list {
		path += map[bool]string{true: "?", false: "&"}[i == 0] + "gtin=" + x.GTIN
	}
	return path
}
