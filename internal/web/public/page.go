package public

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"plimsoll.example/plimsoll/internal/glance"
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

// maxPages bounds the pages that are kept: some 15 KB each.
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

func newPages(catalogue *norms.Catalogue, words func(locale.Lang) *locale.Catalogue) (*pages, error) {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("read the template of the page: %w", err)
	}
	sum := sha256.Sum256([]byte(style))
	p := &pages{
		page: t, in: map[locale.Lang]*edition{}, kept: map[pageKey]*keptPage{},
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	}
	for _, l := range locale.Languages {
		p.in[l] = newEdition(words(l), catalogue)
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
					template.HTMLEscapeString(words.Text("glance.class."+c.String())))
				rows[i] = append(rows[i], template.HTML(row)) //nolint:gosec // made of our own words
			}
		}
		e.norms = append(e.norms, rows)
	}
}

// page is the one of a product, as a phone’s camera opens it. Where there is none, a browser is told so in words, and a
// program as by all other addresses.
func (s *Site) page(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	lang := pageLanguage(r)
	a := &answer{media: "text/html; charset=utf-8", age: shortly, header: map[string]string{
		"Content-Security-Policy": s.pages.policy, "Vary": "Accept, Accept-Language", "Content-Language": string(lang),
	}}
	gtin, err := gtinOf(r.PathValue("gtin"))
	if err == nil {
		err = s.fill(r, a, pageKey{gtin, lang, label.DayOf(s.Now())})
	}
	if (errors.Is(err, registry.ErrUnknown) || errors.Is(err, errRequest)) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		return a, s.pages.absent(a, s.Registry, lang, r.PathValue("gtin"), err)
	}
	return a, err
}

// fill makes the page of a product, or takes the one that is kept.
func (s *Site) fill(r *http.Request, a *answer, key pageKey) (err error) {
	if price := queried(r, "price"); price != "" {
		a.body, err = s.priced(r.Context(), key, price[:min(len(price), 16)])
		return err
	}
	version := s.Registry.Version(key.gtin) // before it is read: what changes meanwhile makes it old
	s.pages.mu.RLock()
	k := s.pages.kept[key]
	s.pages.mu.RUnlock()
	if k == nil || k.version != version {
		p, err := s.viewProduct(r.Context(), key.gtin)
		if err != nil {
			return err
		}
		body, err := s.pages.render(s.Registry, p, key, "")
		if err != nil {
			return err
		}
		k = &keptPage{version, body, etag(body)}
		s.pages.keep(key, k)
	}
	a.body, a.etag = k.body, k.etag
	return nil
}

// absent is the page where there is no product: nobody has looked at it, or the number is none.
func (p *pages) absent(a *answer, r *registry.Registry, lang locale.Lang, text string, cause error) error {
	w := p.in[lang].words
	text = shown(text[:min(len(text), 64)])
	v := p.in[lang].frame(r, lang, text)
	v.Title = w.Text("shop.unlabelled", "digits", strings.TrimLeft(text, "0"))
	v.State, v.Verdict, v.Because, v.Advice = states[glance.Unlabelled], glance.Unlabelled.Text(w), w.Text("glance.because.none"), w.Text("shop.none.help")
	a.status = http.StatusNotFound
	if !errors.Is(cause, registry.ErrUnknown) {
		v.Verdict, v.Because, v.Advice, a.status = w.Text("glance.unknown"), w.Text("shop.error.gtin", "text", text), w.Text("product.match.no"), http.StatusBadRequest
	}
	var b bytes.Buffer
	if err := p.page.ExecuteTemplate(&b, "absent", v); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	a.body = b.Bytes()
	return nil
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
	if l := locale.Lang(queried(r, "lang")); l == locale.English || l == locale.French {
		return l
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

func (p *pages) render(r *registry.Registry, product *productView, key pageKey, price string) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(16 << 10)
	if err := p.page.Execute(&b, p.in[key.lang].view(r, product, key, price)); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return b.Bytes(), nil
}

// queried is a parameter of the address, or "".
func queried(r *http.Request, name string) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return r.URL.Query().Get(name)
}

// priced is a page with what a price comes to. It is of one person: it is not kept.
func (s *Site) priced(ctx context.Context, key pageKey, price string) ([]byte, error) {
	p, err := s.viewProduct(ctx, key.gtin)
	if err != nil {
		return nil, err
	}
	return s.pages.render(s.Registry, p, key, price)
}

// Forget has all pages made anew, as for a measurement.
func (s *Site) Forget() {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	clear(s.pages.kept)
}
