package shop

import (
	"fmt"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// past is all that happened to the labels of a product, each with what proves it.
type past struct {
	Product *product
	Labels  []era
	Log     string // which log, how large, with which root
	Root    string
	Signers string
}

// era is what happened to one label, the newest first.
type era struct {
	Title  string
	Events []event
}

// event is a grant or a change.
type event struct {
	What, Note string
	Proved     string // that its leaf was found in the log, and verified
	Landmark   string // of a grant: what closed its day
	Files      []file
}

type file struct{ URL, Text string }

// mostChanges is how many changes of a label are shown.
const mostChanges = 100

// history shows the labels of a product from the newest to the oldest, and what was done about each.
func (p *Pages) history(r *page.Request) (*page.View, error) {
	x, err := p.known(r, r.PathValue("gtin"))
	if err != nil {
		return nil, err
	}
	w, h := r.Words, &past{Product: x}
	for _, l := range x.Labels {
		changes, err := p.Registry.Store.Changes(r.Context(), l.ID, mostChanges)
		if err != nil {
			return nil, err
		}
		var told era
		for i := len(changes) - 1; i >= 0; i-- {
			c := changes[i]
			e := event{
				What: w.Text("product.change."+string(c.Change.Verb), "day", w.Date(c.Change.Time()), "who", p.Registry.Account(c.Account).Name, "why", w.Text("product.reason."+string(c.Change.Reason))),
				Note: c.Change.Note,
			}
			for _, d := range c.Change.Evidence {
				hash := label.Hash(d)
				e.Files = append(e.Files, file{"/api/v1/evidence/" + hash.String(), w.Text("product.document", "hash", hash.String()[:12])})
			}
			if err := p.prove(r, h, &e, c.Index, c.Hash); err != nil {
				return nil, err
			}
			told.Events = append(told.Events, e)
		}
		s, err := l.Statement()
		if err != nil {
			return nil, err
		}
		e := event{What: w.Text("shop.history.granted", "day", w.Date(s.Issued.Time()), "who", p.Registry.Account(l.Account).Name)}
		if err := p.prove(r, h, &e, l.Index, l.ID); err != nil {
			return nil, err
		}
		mark, err := p.Log.Landmark(r.Context(), s.Issued, l.Index)
		switch {
		case err != nil:
			return nil, err
		case mark == nil:
			e.Landmark = w.Text("shop.history.landmark.none")
		default:
			e.Landmark = w.Text("shop.history.landmark", "day", w.Date(mark.Day.Time()), "root", fmt.Sprintf("%x", mark.Root(l.Sign1)))
			e.Files = append(e.Files, file{"/landmark/" + mark.Day.String(), w.Text("shop.history.landmark.file")})
		}
		e.Files = append(e.Files, file{"/api/v1/labels/" + l.ID.String() + "/envelope", w.Text("shop.history.label")})
		told.Events = append(told.Events, e)
		told.Title = w.Text("shop.history.of", "day", w.Date(s.Issued.Time()), "status", w.Text("label.status."+string(l.Status)))
		h.Labels = append(h.Labels, told)
	}
	return &page.View{Template: "history.html", Title: w.Text("shop.history", "name", x.Name), Data: h, Cache: shortly}, nil
}

// prove verifies that a leaf is in the log, and says so.
func (p *Pages) prove(r *page.Request, h *past, e *event, index uint64, hash label.Hash) error {
	in, err := p.Log.Include(r.Context(), index, hash)
	if err != nil {
		return err
	}
	w := r.Words
	if h.Log == "" {
		h.Log = w.Text("shop.history.log", "log", in.Origin, "size", in.Size)
		h.Root = fmt.Sprintf("%x", in.Root)
		h.Signers = signers(in, w)
	}
	e.Proved = w.Text("shop.history.proved", "index", in.Index)
	e.Files = append(e.Files, file{fmt.Sprintf("/api/v1/log/%d/proof", index), w.Text("shop.history.proof")})
	return nil
}

// signers says which witnesses cosigned.
func signers(in *registry.Inclusion, w *locale.Catalogue) string {
	if len(in.Cosigners) == 0 {
		return w.Text("shop.history.witnesses.none")
	}
	return w.Text("shop.history.witnesses", "list", in.Cosigners)
}
