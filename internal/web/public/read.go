package public

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"plimsoll.example/plimsoll/internal/picture"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// How long others may keep what is read.
const (
	shortly = 30 * time.Second
	forever = 365 * 24 * time.Hour
)

func gtinOf(text string) (uint64, error) {
	if !label.ValidGTIN(text) {
		return 0, wrong("gtin", "a GTIN of 8, 12, 13 or 14 digits with the right check digit")
	}
	return strconv.ParseUint(text, 10, 64)
}

func hashOf(text, name string) (h label.Hash, err error) {
	if err := h.UnmarshalText([]byte(text)); err != nil {
		return h, wrong(name, "a SHA-256 in hexadecimal digits")
	}
	return h, nil
}

func number(r *http.Request, name string, otherwise, most int64) (int64, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, wrong(name, fmt.Sprintf("a number up to %d", most))
	}
	return n, nil
}

func (s *Site) products(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	q := r.URL.Query()
	for _, name := range []string{"q", "maker", "category"} {
		if len(q.Get(name)) > registry.MaxQuery {
			return nil, wrong(name, fmt.Sprintf("at most %d octets", registry.MaxQuery))
		}
	}
	limit, err := number(r, "limit", 20, 100)
	if err != nil {
		return nil, err
	}
	after, err := number(r, "after", 0, 99_999_999_999_999)
	if err != nil {
		return nil, err
	}
	query := &registry.Query{Words: registry.Words(q.Get("q")), Maker: q.Get("maker"), Category: q.Get("category"), After: uint64(after), Limit: int(limit)}
	if q.Get("q") != "" && len(query.Words) == 0 {
		return nil, wrong("q", "words")
	}
	list, err := s.Registry.Store.Products(r.Context(), query)
	if err != nil {
		return nil, err
	}
	type found struct {
		GTIN     string `json:"gtin"`
		Maker    string `json:"maker"`
		Model    string `json:"model"`
		Category string `json:"category"`
	}
	v := struct {
		Products []found `json:"products"`
		Next     string  `json:"next"` // the after of the next page, or ""
	}{Products: []found{}}
	for _, p := range list {
		v.Products = append(v.Products, found{fmt.Sprintf("%014d", p.GTIN), p.Maker, p.Model, p.Category})
	}
	if len(list) == int(limit) && limit > 0 {
		v.Next = v.Products[len(list)-1].GTIN
	}
	return &answer{value: v, age: shortly}, nil
}

func (s *Site) product(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	gtin, err := gtinOf(r.PathValue("gtin"))
	if err != nil {
		return nil, err
	}
	v, err := s.viewProduct(r.Context(), gtin)
	return &answer{value: v, age: shortly}, err
}

// labels are those of a product, or all behind a place in the log.
func (s *Site) labels(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	var list []*registry.Label
	next := int64(-1)
	if text := r.URL.Query().Get("gtin"); text != "" {
		gtin, err := gtinOf(text)
		if err != nil {
			return nil, err
		}
		if list, err = s.Registry.Store.LabelsOf(r.Context(), gtin, maxLabels); err != nil {
			return nil, err
		}
	} else {
		limit, err := number(r, "limit", 20, 100)
		if err != nil {
			return nil, err
		}
		from, err := number(r, "from", 0, 1<<62)
		if err != nil {
			return nil, err
		}
		if list, err = s.Registry.Store.Labels(r.Context(), from-1, int(limit)); err != nil {
			return nil, err
		}
		if len(list) == int(limit) && limit > 0 {
			next = int64(list[len(list)-1].Index) + 1
		}
	}
	v := struct {
		Labels []*labelView `json:"labels"`
		Next   int64        `json:"next"` // the from of the next page, or -1
	}{[]*labelView{}, next}
	for _, l := range list {
		one, err := s.viewLabel(r.Context(), l)
		if err != nil {
			return nil, err
		}
		v.Labels = append(v.Labels, one)
	}
	return &answer{value: v, age: shortly}, nil
}

func (s *Site) find(r *http.Request) (*registry.Label, error) {
	id, err := hashOf(r.PathValue("id"), "id")
	if err != nil {
		return nil, err
	}
	return s.Registry.Store.Label(r.Context(), id)
}

func (s *Site) label(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	l, err := s.find(r)
	if err != nil {
		return nil, err
	}
	v, err := s.viewLabel(r.Context(), l)
	return &answer{value: v, age: shortly}, err
}

// envelope is the label as it is printed: with its path to the landmark of its day once that day is over.
func (s *Site) envelope(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	l, err := s.find(r)
	if err != nil {
		return nil, err
	}
	st, err := l.Statement()
	if err != nil {
		return nil, err
	}
	e := &label.Envelope{Version: label.Version, Label: l.Sign1}
	if e.Proof, err = s.Proofs.Landmark(r.Context(), st.Issued, l.Index); err != nil {
		return nil, err
	}
	body, err := e.Marshal()
	return &answer{media: "application/cbor", body: body, age: shortly}, err
}

func (s *Site) proof(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 63)
	if err != nil {
		return nil, wrong("index", "that of a leaf")
	}
	body, err := s.Proofs.Proof(r.Context(), index)
	return &answer{media: "text/plain; charset=utf-8", body: body}, err
}

// document is the one whose hash is asked for.
func (s *Site) document(r *http.Request) (*registry.Document, label.Hash, error) {
	h, err := hashOf(r.PathValue("hash"), "hash")
	if err != nil {
		return nil, h, err
	}
	d, err := s.Registry.Store.Document(r.Context(), h)
	return d, h, err
}

// evidence is a document as it was sent. It is of a stranger: a browser shows it as text, or not at all.
func (s *Site) evidence(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	d, h, err := s.document(r)
	if err != nil {
		return nil, err
	}
	media := d.Media
	if media != "application/json" && media != "text/plain" {
		media = "application/octet-stream"
	}
	return &answer{
		media: media, body: d.Body, age: forever, etag: `"` + h.String() + `"`,
		header: map[string]string{"Content-Disposition": "attachment", "Content-Security-Policy": "default-src 'none'; sandbox"},
	}, nil
}

// picture is what a product looks like, as package picture drew it when the label was asked for.
func (s *Site) picture(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	d, h, err := s.document(r)
	if err != nil {
		return nil, err
	}
	if d.Media != picture.Media { // evidence is at another address
		return nil, fmt.Errorf("picture %s: %w", h, registry.ErrUnknown)
	}
	return &answer{media: d.Media, body: d.Body, age: forever, etag: `"` + h.String() + `"`}, nil
}

// compare puts two or three products side by side, and names what differs in what their newest labels say.
func (s *Site) compare(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	list := r.URL.Query()["gtin"]
	if len(list) < 2 || len(list) > 3 {
		return nil, wrong("gtin", "there two or three times")
	}
	v := struct {
		Products []*productView `json:"products"`
		Differs  []string       `json:"differs"`
	}{[]*productView{}, []string{}}
	for _, text := range list {
		gtin, err := gtinOf(text)
		if err != nil {
			return nil, err
		}
		p, err := s.viewProduct(r.Context(), gtin)
		if err != nil {
			return nil, err
		}
		p.Labels = p.Labels[:1]
		v.Products = append(v.Products, p)
	}
	for _, f := range compared {
		first := f.of(&v.Products[0].Labels[0])
		if slices.ContainsFunc(v.Products[1:], func(p *productView) bool { return f.of(&p.Labels[0]) != first }) {
			v.Differs = append(v.Differs, f.name)
		}
	}
	return &answer{value: v, age: shortly}, nil
}

// compared are the facts that products are compared by.
var compared = []struct {
	name string
	of   func(*labelView) string
}{
	{"status", func(l *labelView) string { return string(l.Status) }},
	{"support_until", func(l *labelView) string { return l.Product.Support.String() }},
	{"sensors", func(l *labelView) string { return fmt.Sprint(l.Product.Sensors) }},
	{"practices", func(l *labelView) string { return fmt.Sprint(l.Product.Practices) }},
	{"norms", func(l *labelView) string { return fmt.Sprintf("%d %x", l.Product.Profile, l.Product.Norms) }},
	{"category", func(l *labelView) string { return l.Category }},
	{"issuer", func(l *labelView) string { return l.Issuer.ID }},
}

func (s *Site) issuers(http.ResponseWriter, *http.Request) (*answer, error) {
	return &answer{value: map[string]any{"issuers": s.Registry.Accounts()}, age: shortly}, nil
}

// nextIndex is an account, with the next status index that it has not used.
func (s *Site) nextIndex(_ http.ResponseWriter, r *http.Request) (*answer, error) {
	for _, a := range s.Registry.Accounts() {
		if a.ID != r.PathValue("account") {
			continue
		}
		v := struct {
			registry.Account
			Next *uint32 `json:"next_index"` // null: it has none
		}{Account: a}
		if n, err := s.Registry.Next(r.Context(), a.ID); err == nil {
			v.Next = &n
		} else if !registry.IsRefusal(err) {
			return nil, err
		}
		return &answer{value: v}, nil
	}
	return nil, fmt.Errorf("account %.40q: %w", r.PathValue("account"), registry.ErrUnknown)
}

func (s *Site) published() (*registry.Publication, error) {
	p := s.Registry.Publication()
	if p == nil {
		return nil, fmt.Errorf("%w: nothing was published yet", registry.ErrRepair)
	}
	return p, nil
}

func (s *Site) statusList(http.ResponseWriter, *http.Request) (*answer, error) {
	p, err := s.published()
	if err != nil {
		return nil, err
	}
	return &answer{media: "application/statuslist+cwt", body: p.List, age: shortly, etag: p.ListTag}, nil
}

func (s *Site) bundle(http.ResponseWriter, *http.Request) (*answer, error) {
	p, err := s.published()
	if err != nil {
		return nil, err
	}
	return &answer{media: "application/vnd.plimsoll.bundle", body: p.Bundle, age: shortly, etag: p.BundleTag}, nil
}

func (s *Site) key(http.ResponseWriter, *http.Request) (*answer, error) {
	return &answer{value: map[string]any{"name": s.Registry.Name, "key": []byte(s.Registry.Public())}, age: shortly}, nil
}

func (s *Site) health(http.ResponseWriter, *http.Request) (*answer, error) {
	if s.Registry.Broken() {
		return nil, registry.ErrRepair
	}
	p, err := s.published()
	if err != nil {
		return nil, err
	}
	return &answer{value: map[string]any{"status": "ok", "published": rfc3339(p.Made)}}, nil
}

func (s *Site) openapi(http.ResponseWriter, *http.Request) (*answer, error) {
	return &answer{media: "application/json", body: openAPI, age: shortly}, nil
}
