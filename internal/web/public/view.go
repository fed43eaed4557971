package public

import (
	"context"
	"fmt"
	"time"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// party is somebody with an account.
type party struct {
	ID   string        `json:"id"`
	Name string        `json:"name"`
	Role registry.Role `json:"role"`
}

// labelView is what schema/registry-label.json describes.
type labelView struct {
	Schema   string           `json:"schema"`
	ID       label.Hash       `json:"id"`
	Issuer   party            `json:"issuer"`
	Product  *label.Statement `json:"product"`
	Category string           `json:"category"`
	Status   label.Status     `json:"status"`
	Changed  string           `json:"changed"` // RFC 3339, or "" for never
	Granted  string           `json:"granted"`
	Leaf     uint64           `json:"leaf"`              // its index in the log
	Picture  string           `json:"picture,omitempty"` // of the product: where it is
	Changes  []changeView     `json:"changes"`
	Label    []byte           `json:"label"` // COSE_Sign1
}

// changeView is one change of a label.
type changeView struct {
	Number   uint32       `json:"number"`
	Verb     label.Verb   `json:"verb"`
	Status   label.Status `json:"status"` // after it
	At       string       `json:"at"`
	Reason   label.Reason `json:"reason"`
	Note     string       `json:"note"`
	By       party        `json:"by"`
	Evidence []label.Hash `json:"evidence"`
	Leaf     uint64       `json:"leaf"`
	Record   []byte       `json:"record"` // COSE_Sign1
}

// productView is what schema/registry-product.json describes: a product with its labels, the newest first.
type productView struct {
	Schema   string      `json:"schema"`
	GTIN     string      `json:"gtin"`
	Maker    string      `json:"maker"`
	Model    string      `json:"model"`
	Category string      `json:"category"`
	Labels   []labelView `json:"labels"`
	picture  string      // where the newest is on this server, or ""
}

// Bounds of what one answer shows.
const (
	maxLabels  = 20  // of a product
	maxChanges = 100 // of a label
)

func (s *Site) party(id string) party {
	a := s.Registry.Account(id)
	return party{a.ID, a.Name, a.Role}
}

func (s *Site) viewLabel(ctx context.Context, l *registry.Label) (*labelView, error) {
	st, err := l.Statement()
	if err != nil {
		return nil, err
	}
	v := &labelView{
		Schema: "plimsoll.registry.label/1", ID: l.ID, Issuer: s.party(l.Account), Product: st, Category: l.Category, Status: l.Status, Changed: rfc3339(l.Changed),
		Granted: rfc3339(l.Granted), Leaf: l.Index, Changes: []changeView{}, Label: l.Sign1,
	}
	v.Picture = s.pictureURL(l)
	if l.Changes == 0 {
		return v, nil
	}
	list, err := s.Registry.Store.Changes(ctx, l.ID, maxChanges)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		v.Changes = append(v.Changes, s.viewChange(e))
	}
	return v, nil
}

// pictureURL is where the picture of a label’s product is, or "".
func (s *Site) pictureURL(l *registry.Label) string {
	if path := registry.PicturePath(l); path != "" {
		return s.Registry.URL + path
	}
	return ""
}

func (s *Site) viewChange(e *registry.Entry) changeView {
	c := changeView{
		Number: e.Change.Number, Verb: e.Change.Verb, Status: e.Status, At: rfc3339(e.Change.Time()), Reason: e.Change.Reason, Note: e.Change.Note,
		By: s.party(e.Account), Evidence: []label.Hash{}, Leaf: e.Index, Record: e.Body,
	}
	for _, h := range e.Change.Evidence {
		c.Evidence = append(c.Evidence, label.Hash(h))
	}
	return c
}

func (s *Site) viewProduct(ctx context.Context, gtin uint64) (*productView, error) {
	list, err := s.Registry.Store.LabelsOf(ctx, gtin, maxLabels)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("product %014d: %w", gtin, registry.ErrUnknown)
	}
	p := &productView{Schema: "plimsoll.registry.product/1", GTIN: fmt.Sprintf("%014d", gtin), Labels: []labelView{}, picture: registry.PicturePath(list...)}
	for _, l := range list {
		v, err := s.viewLabel(ctx, l)
		if err != nil {
			return nil, err
		}
		p.Labels = append(p.Labels, *v)
		if p.Category == "" {
			p.Category = l.Category
		}
	}
	p.Maker, p.Model = p.Labels[0].Product.Maker, p.Labels[0].Product.Model
	return p, nil
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
