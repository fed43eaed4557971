package workspace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/picture"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// overview is what somebody has to do.
type overview struct {
	Person, Account, Role string
	Maker, Changes        bool // what they may do here
	Open, Over            []line
}

// line is a case in a list.
type line struct{ ID, Name, State, When string }

func (p *Pages) overview(r *page.Request, who *review.Person) (*page.View, error) {
	list, err := p.Desk.List(r.Context(), who)
	if err != nil {
		return nil, err
	}
	w := r.Words
	o := &overview{
		Person: who.Name, Account: who.Account.Name, Role: w.Text("registry.role." + string(who.Account.Role)),
		Maker: who.Account.Role == registry.Manufacturer, Changes: true,
	}
	for _, c := range list {
		x := line{c.ID, c.Name, p.state(c, w), w.Date(c.Began.At)}
		if c.State == review.Done || c.State == review.Closed {
			o.Over = append(o.Over, x)
		} else {
			o.Open = append(o.Open, x)
		}
	}
	return &page.View{Template: "work.html", Title: w.Text("work.title"), Data: o}, nil
}

// state says how far a case is.
func (p *Pages) state(c *review.Case, w *locale.Catalogue) string {
	if c.Kind == review.Change {
		return w.Text("work.change."+string(c.State), "verb", w.Text("work.verb."+string(c.Verb)))
	}
	return w.Text("work.state." + string(c.State))
}

// upload is a file of a form, bounded; nil where there is none.
func upload(r *page.Request, field string, most int) (name string, data []byte, err error) {
	name, data, err = page.Upload(r, field, most)
	if len(data) > most {
		return "", nil, fmt.Errorf("%w: a file of more than %d octets", registry.ErrText, most)
	}
	return name, data, err
}

func (p *Pages) begin(r *page.Request, who *review.Person) (*page.View, error) {
	_, data, err := upload(r, "product", review.MaxProduct)
	if err != nil {
		return nil, err
	}
	c, err := p.Desk.Begin(r.Context(), who, data, strings.ToLower(strings.TrimSpace(r.FormValue("device"))))
	if err != nil {
		return nil, err
	}
	return page.See("/desk/cases/" + c.ID), nil
}

// shown is a case with all that its reader may do.
type shown struct {
	*review.Case
	StateText string
	Acts      []string
	Files     []sent
	Verdict   string
	State     string // fine, check, act or unknown
	Because   string
	Facts     []glance.Fact
	Counts    []string
	Problems  []string
	Groups    []group
	Bodies    []registry.Account
	Labelled  string // its GTIN, where it has labels
	Picture   string // what the product looks like: where that is, or ""
	Alt       string
	CanDepict, CanAdd, CanAsk, CanPropose, CanReturn, CanConfirm,
	Same, // the reader proposed it
	NoKey bool
}

type sent struct{ Name, URL, By string }

// group is norms of which the same can be said.
type group struct {
	Title string
	Open  bool // it is to be done first
	Told  bool // each norm with its reasons; else they are folded
	Norms []weighed
}

type weighed struct {
	Title, Class, Verdict string
	Reasons, Raise        []string
}

var states = map[glance.Verdict]string{glance.Good: "fine", glance.Check: "check", glance.Avoid: "act", glance.Unlabelled: "unknown"}

func (p *Pages) show(r *page.Request, who *review.Person) (*page.View, error) {
	c, err := p.Desk.Find(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	w := r.Words
	s := &shown{Case: c, StateText: p.state(c, w)}
	act := func(key string, a *review.Act) {
		if a != nil {
			s.Acts = append(s.Acts, w.Text("work.act."+key, "person", a.Person, "account", p.Desk.Registry.Account(a.Account).Name, "when", w.Time(a.At)))
		}
	}
	act("began", &c.Began)
	act("proposed", c.Propose)
	act("decided", c.Decide)
	own := c.Account == who.Account.ID && who.Account.Role == registry.Manufacturer
	decides := c.Kind == review.Grant && c.Body == who.Account.ID && who.Account.Role.May(registry.MayGrant) ||
		c.Kind == review.Change && (who.Account.Role.May(registry.MayChangeAny) || c.Body == who.Account.ID && who.Account.Role.May(registry.MayChange))
	lab := who.Account.Role == registry.Lab && (c.State == review.Draft || c.State == review.Asked)
	s.CanAdd = c.Kind == review.Grant && (own && c.State == review.Draft || lab)
	s.CanDepict = own && c.Kind == review.Grant && c.State == review.Draft
	if n := len(c.Pictures); n > 0 {
		s.Picture, s.Alt = "/desk/cases/"+c.ID+"/picture.jpg?"+c.Pictures[n-1].SHA256.String()[:12], w.Text("product.picture", "name", c.Name)
	}
	s.CanAsk = own && c.Kind == review.Grant && c.State == review.Draft
	s.CanPropose = decides && c.State == review.Asked
	s.CanReturn = decides && (c.State == review.Asked || c.State == review.Proposed)
	s.Same = c.Propose != nil && c.Propose.Person == who.Name
	s.CanConfirm = decides && c.State == review.Proposed && !s.Same
	s.NoKey = decides && p.Desk.Key(who.Account.ID) == nil
	if s.CanAsk {
		for _, a := range p.Desk.Registry.Accounts() {
			if a.Role.May(registry.MayGrant) {
				s.Bodies = append(s.Bodies, a)
			}
		}
	}
	if c.Kind == review.Change || c.State == review.Done {
		s.Labelled = fmt.Sprintf("%014d", c.GTIN)
	}
	for _, f := range c.Files {
		s.Files = append(s.Files, sent{f.Name, "/desk/cases/" + c.ID + "/files/" + f.SHA256.String(), w.Text("work.file", "person", f.Person, "account", p.Desk.Registry.Account(f.Account).Name, "size", locale.Octets(f.Size))})
	}
	if c.Kind == review.Grant {
		result, err := p.Desk.Assess(r.Context(), c)
		if err != nil {
			return nil, err
		}
		p.weigh(s, result, w)
	}
	return &page.View{Template: "case.html", Title: c.Name, Data: s}, nil
}

// weigh says what came of the assessment, what to mend first.
func (p *Pages) weigh(s *shown, result *assess.Result, w *locale.Catalogue) {
	st := result.Statement()
	v, because := glance.Judge(st, label.Active, label.DayOf(p.Now()))
	s.Verdict, s.State, s.Because, s.Facts = v.Text(w), states[v], w.Text(string(because)), glance.Facts(st, w)
	for c := label.Refuted; ; c-- {
		if n := result.Summary().Classes[c.String()]; n > 0 {
			s.Counts = append(s.Counts, w.Text("label.class."+c.String(), "n", n))
		}
		if c == label.NotClaimed {
			break
		}
	}
	for i := range result.Problems {
		s.Problems = append(s.Problems, result.Problems[i].Text(w))
	}
	groups := [...]group{{Title: "work.group.mend", Open: true, Told: true}, {Title: "work.group.must", Open: true}, {Title: "work.group.may"}, {Title: "work.group.done"}}
	for i := range result.Norms {
		n := &result.Norms[i]
		x := weighed{Title: n.Title.In(string(w.Lang())), Class: w.Text("glance.class." + n.Class.String()), Verdict: w.Text("assess.verdict." + n.Verdict.String())}
		for k := range n.Reasons {
			x.Reasons = append(x.Reasons, n.Reasons[k].Text(w))
		}
		for k := range n.Raise {
			x.Raise = append(x.Raise, n.Raise[k].Text(w))
		}
		at := 2
		switch {
		case n.Verdict == assess.Fail:
			at = 0
		case len(n.Raise) == 0 || n.Verdict == assess.NotApplicable:
			at = 3
		case n.Mandatory() && n.Verdict == assess.Inconclusive:
			at = 1
		}
		groups[at].Norms = append(groups[at].Norms, x)
	}
	for _, g := range groups {
		if len(g.Norms) > 0 {
			g.Title = w.Text(g.Title, "n", len(g.Norms))
			s.Groups = append(s.Groups, g)
		}
	}
}

func (p *Pages) add(r *page.Request, who *review.Person) (*page.View, error) {
	name, data, err := upload(r, "file", review.MaxFile)
	if err != nil {
		return nil, err
	}
	if err := p.Desk.Add(r.Context(), who, r.PathValue("id"), name, data); err != nil {
		return nil, err
	}
	return page.See("/desk/cases/" + r.PathValue("id")), nil
}

// file is one that was handed in. It is of a stranger: a browser keeps it, and does not show it.
func (p *Pages) file(r *page.Request, who *review.Person) (*page.View, error) {
	c, err := p.Desk.Find(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.Files, func(f review.File) bool { return f.SHA256.String() == r.PathValue("sum") })
	if i < 0 {
		return nil, registry.ErrUnknown
	}
	body, err := p.Desk.Store.CaseFile(r.Context(), c.ID, c.Files[i].SHA256)
	if err != nil {
		return nil, err
	}
	return &page.View{File: &page.File{Name: c.Files[i].Name, Type: "application/octet-stream", Body: body}}, nil
}

// picture is what the product of a case looks like.
func (p *Pages) picture(r *page.Request, who *review.Person) (*page.View, error) {
	c, err := p.Desk.Find(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	body, err := p.Desk.PictureOf(r.Context(), c)
	if err == nil && body == nil {
		err = registry.ErrUnknown
	}
	return &page.View{File: &page.File{Name: "picture.jpg", Type: picture.Media, Body: body, Show: true}}, err
}

// depict takes a picture of the product.
func (p *Pages) depict(r *page.Request, who *review.Person) (*page.View, error) {
	data, leave, err := p.drawing.Upload(r, "picture", picture.MaxFile)
	if err != nil {
		return nil, err
	}
	defer leave()
	id := r.PathValue("id")
	return page.See("/desk/cases/" + id), p.Desk.Picture(r.Context(), who, id, data)
}

// statement is what a grant would say, to be signed elsewhere.
func (p *Pages) statement(r *page.Request, who *review.Person) (*page.View, error) {
	c, err := p.Desk.Find(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if c.Kind != review.Grant || c.Body != who.Account.ID {
		return nil, registry.ErrRole
	}
	s, err := p.Desk.Statement(r.Context(), c)
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return &page.View{File: &page.File{Name: "statement-" + c.ID + ".json", Type: "application/json", Body: append(body, '\n')}}, nil
}

func (p *Pages) ask(r *page.Request, who *review.Person) (*page.View, error) {
	id := r.PathValue("id")
	return page.See("/desk/cases/" + id), p.Desk.Ask(r.Context(), who, id, r.FormValue("body"))
}

func (p *Pages) propose(r *page.Request, who *review.Person) (*page.View, error) {
	id := r.PathValue("id")
	return page.See("/desk/cases/" + id), p.Desk.For(r.Context(), who, id)
}

func (p *Pages) turnDown(r *page.Request, who *review.Person) (*page.View, error) {
	id := r.PathValue("id")
	return page.See("/desk"), p.Desk.Return(r.Context(), who, id, strings.TrimSpace(r.FormValue("note")))
}

func (p *Pages) confirm(r *page.Request, who *review.Person) (*page.View, error) {
	id := r.PathValue("id")
	_, signed, err := upload(r, "signed", registry.MaxSign1)
	if err != nil {
		return nil, err
	}
	if len(signed) == 0 {
		signed = nil
	} else if e, err := label.ParseEnvelope(signed); err == nil { // the file of plimsoll label sign
		signed = e.Label
	}
	return page.See("/desk/cases/" + id), p.Desk.Confirm(r.Context(), who, id, signed)
}
