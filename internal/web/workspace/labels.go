package workspace

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// standing is the labels of a product, with what their reader may do about each.
type standing struct {
	GTIN    string
	Labels  []granted
	Reasons []reason
	NoKey   bool
}

type reason struct{ Value, Text string }

type granted struct {
	ID, Name, Line           string
	Suspend, Propose, CanAdd bool
	Verbs                    []reason
	Why                      string // the reason that is likely
}

const mostLabels = 20

func (p *Pages) labels(r *page.Request, who *review.Person) (*page.View, error) {
	text := strings.TrimSpace(r.URL.Query().Get("gtin"))
	s := &standing{GTIN: text, Reasons: reasons(r.Words), NoKey: p.Desk.Key(who.Account.ID) == nil}
	view := &page.View{Template: "labels.html", Title: r.Words.Text("work.labels"), Data: s}
	if text == "" {
		return view, nil
	}
	if !label.ValidGTIN(text) {
		return nil, &page.Problem{Status: http.StatusBadRequest, Key: "shop.error.gtin", Args: []any{"text", text[:min(len(text), 64)]}}
	}
	gtin, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, err
	}
	list, err := p.Desk.Registry.Store.LabelsOf(r.Context(), gtin, mostLabels)
	if err != nil {
		return nil, err
	}
	w := r.Words
	for _, l := range list {
		st, err := l.Statement()
		if err != nil {
			return nil, err
		}
		may := who.Account.Role.May(registry.MayChangeAny) || l.Account == who.Account.ID && who.Account.Role.May(registry.MayChange)
		g := granted{
			ID: l.ID.String(), Name: st.Maker + " " + st.Model, Suspend: may && l.Status == label.Active, CanAdd: who.Account.Role.May(registry.MayNote),
			Line: w.Text("work.label", "day", w.Date(st.Issued.Time()), "who", p.Desk.Registry.Account(l.Account).Name, "status", w.Text("label.status."+string(l.Status))),
		}
		for _, v := range []label.Verb{label.Restore, label.Withdraw} {
			if _, ok := l.Status.Next(v); ok && may {
				g.Verbs = append(g.Verbs, reason{string(v), w.Text("work.propose." + string(v))})
			}
		}
		g.Propose, g.Why = len(g.Verbs) > 0, "maker-request"
		if l.Status == label.Suspended {
			g.Why = "remedied"
		}
		s.Labels = append(s.Labels, g)
	}
	return view, nil
}

func reasons(w *locale.Catalogue) (list []reason) {
	for _, x := range label.Reasons {
		if x != "expired" { // that, the registry says
			list = append(list, reason{string(x), w.Text("product.reason." + string(x))})
		}
	}
	return list
}

// change suspends at once, adds evidence, or proposes what takes two persons.
func (p *Pages) change(r *page.Request, who *review.Person) (*page.View, error) {
	var id label.Hash
	if err := id.UnmarshalText([]byte(r.PathValue("label"))); err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrText, err)
	}
	name, data, err := upload(r, "file", registry.MaxDocument)
	if err != nil {
		return nil, err
	}
	verb, why, note := label.Verb(r.FormValue("verb")), label.Reason(r.FormValue("reason")), strings.TrimSpace(strings.ReplaceAll(r.FormValue("note"), "\r\n", "\n"))
	switch verb {
	case label.Suspend:
		err = p.Desk.Suspend(r.Context(), who, id, why, note)
	case label.Note:
		var documents []registry.Document
		if len(data) > 0 {
			documents = append(documents, registry.Document{Media: media(name), Body: data})
		}
		err = p.Desk.Note(r.Context(), who, id, note, documents...)
	default:
		var c *review.Case
		if c, err = p.Desk.Propose(r.Context(), who, id, verb, why, note); err == nil {
			return page.See("/desk/cases/" + c.ID), nil
		}
	}
	if err != nil {
		return nil, err
	}
	l, err := p.Desk.Registry.Store.Label(r.Context(), id)
	if err != nil {
		return nil, err
	}
	st, err := l.Statement()
	if err != nil {
		return nil, err
	}
	return page.See("/desk/labels?gtin=" + st.GTIN14()), nil
}

// media is the type of a file by its name: a stranger’s word is not taken.
func media(name string) string {
	switch {
	case strings.HasSuffix(name, ".json"):
		return "application/json"
	case strings.HasSuffix(name, ".txt"), strings.HasSuffix(name, ".md"):
		return "text/plain"
	case strings.HasSuffix(name, ".pdf"):
		return "application/pdf"
	}
	return "application/octet-stream"
}

// audited is what accounts did and were refused, for the scheme’s owner.
type audited struct {
	Acts  []audit
	Older int64
}

// audit is one of them. Subject is a case, a label or an account; a case has a page.
type audit struct{ When, Account, Action, Subject, URL, Outcome string }

const perPage = 100

// outcomes are the words for what was done.
var outcomes = map[string]string{"done": "work.audit.done", "by": "work.audit.by", "to": "work.audit.to"}

func (p *Pages) audit(r *page.Request, who *review.Person) (*page.View, error) {
	if who.Account.Role != registry.SchemeOwner {
		return nil, registry.ErrRole
	}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	list, err := p.Desk.Registry.Store.Audits(r.Context(), max(0, before), perPage)
	if err != nil {
		return nil, err
	}
	a := &audited{}
	w := r.Words
	for _, x := range list {
		line := audit{When: w.Time(x.At), Account: x.Account, Action: x.Action, Subject: x.Subject, Outcome: x.Outcome}
		if text := w.Text("work.action." + x.Action); text != "work.action."+x.Action {
			line.Action = text
		}
		if strings.HasPrefix(x.Action, "review-") {
			line.Subject, line.URL = w.Text("work.audit.case", "id", x.Subject[:min(len(x.Subject), 8)]), "/desk/cases/"+x.Subject
		} else if _, err := hex.DecodeString(x.Subject); err == nil && len(x.Subject) == 64 {
			line.Subject = w.Text("work.audit.label", "id", x.Subject[:8])
		}
		if form, person := x.Told(); form != "" {
			line.Outcome = w.Text(outcomes[form], "person", person)
		}
		a.Acts = append(a.Acts, line)
	}
	if len(list) == perPage {
		a.Older = list[perPage-1].Seq
	}
	return &page.View{Template: "audit.html", Title: r.Words.Text("work.nav.audit"), Data: a}, nil
}
