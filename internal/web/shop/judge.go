package shop

import (
	"io/fs"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// judging is how labels are judged: all of it is made of the rules and of the catalogue that the program itself uses.
type judging struct {
	Rules   []rule
	Classes []class
	Core    []normLine
	Sources []source
}

type rule struct{ State, Verdict, Because string }

type class struct{ Name, Means string }

type normLine struct{ ID, Title, Level string }

type source struct {
	Title, URL string
	Norms      []normLine
}

func (p *Pages) judge(r *page.Request) (*page.View, error) {
	w, j := r.Words, &judging{}
	for _, x := range glance.Rules() {
		j.Rules = append(j.Rules, rule{states[x.Verdict], x.Verdict.Text(w), w.Text(string(x.Because))})
	}
	j.Rules = append(j.Rules, rule{states[glance.Unlabelled], glance.Unlabelled.Text(w), w.Text("glance.because.none")})
	for c := label.NotClaimed; c <= label.Refuted; c++ {
		j.Classes = append(j.Classes, class{locale.Capital(w.Text("glance.class." + c.String())), w.Text("shop.class." + c.String())})
	}
	for _, id := range glance.Core() {
		if n, ok := p.Norms.Norm(id); ok {
			j.Core = append(j.Core, lineOf(&n, w))
		}
	}
	for _, s := range p.Norms.Sources() {
		x := source{Title: in(s.Title, w) + ", " + s.Edition + " (" + in(s.Publisher, w) + ")", URL: s.URL}
		for _, n := range p.Norms.All() {
			if n.Source == s.ID {
				x.Norms = append(x.Norms, lineOf(&n, w))
			}
		}
		j.Sources = append(j.Sources, x)
	}
	return &page.View{Template: "judge.html", Title: w.Text("shop.judge"), Data: j, Cache: shortly}, nil
}

func in(text norms.Words, w *locale.Catalogue) string { return text.In(string(w.Lang())) }

func levelOf(n *norms.Norm, w *locale.Catalogue) string {
	return w.Text("norms.level." + strings.ToLower(string(n.Status.Level)))
}

func lineOf(n *norms.Norm, w *locale.Catalogue) normLine {
	return normLine{n.ID, in(n.Title, w), levelOf(n, w)}
}

// judged is one norm: what is asked, how it is assessed, what evidence can and cannot do.
type judged struct {
	ID      string
	Text    string
	Doubt   string // why it is not wholly checked against its source
	Rows    []string
	How     string
	Power   string
	Related []normLine
	URL     string
}

func (p *Pages) norm(r *page.Request) (*page.View, error) {
	n, ok := p.Norms.Norm(r.PathValue("norm"))
	if !ok {
		return nil, fs.ErrNotExist
	}
	w := r.Words
	s, _ := p.Norms.Source(n.Source)
	j := &judged{ID: n.ID, Text: in(n.Text, w), URL: s.URL}
	if n.Reason != nil {
		j.Doubt = w.Text("norms.state."+string(n.State), "reason", in(*n.Reason, w))
	}
	say := func(key string, args ...any) { j.Rows = append(j.Rows, w.Text("norms."+key, args...)) }
	say("source", "title", in(s.Title, w), "edition", s.Edition, "publisher", in(s.Publisher, w), "number", n.SourceID)
	say("status", "status", levelOf(&n, w))
	for _, key := range n.Status.Conditions {
		say("condition", "key", key, "text", in(s.Conditions[key], w))
	}
	for _, key := range n.Status.Features {
		say("feature", "key", key, "text", in(s.Features[key], w))
	}
	say("pillar", "pillar", w.Text("norms.pillar."+string(n.Pillar)))
	j.How = in(n.How, w)
	if n.State != norms.TextMissing {
		var by []string
		for _, a := range slices.Concat([]norms.Assessment{n.Assessment}, n.Also) {
			by = append(by, w.Text("norms.assessment."+string(a)))
		}
		j.How = w.Text("norms.how", "ways", by, "text", j.How)
		j.Power = w.Text("norms.channel", "channel", w.Text("norms.channel."+string(n.Channel))) + " " + w.Text("norms.evidence", "power", w.Text("norms.evidence."+string(n.Evidence)))
	}
	for _, id := range p.Norms.Relatives(n.ID) {
		if x, ok := p.Norms.Norm(id); ok {
			j.Related = append(j.Related, lineOf(&x, w))
		}
	}
	return &page.View{Template: "norm.html", Title: in(n.Title, w), Data: j, Cache: shortly}, nil
}

// openData is what can be downloaded.
type openData struct {
	Files []download
	Key   string // of the registry, PEM-less: hexadecimal
	Rate  string
	Steps []string
}

type download struct{ URL, Name, Means string }

func (p *Pages) data(r *page.Request) (*page.View, error) {
	w := r.Words
	d := &openData{Rate: w.Text("shop.data.rate", "n", int(p.Rate))}
	for _, f := range [][2]string{
		{"/api/v1/dump", "dump"},
		{"/api/v1/bundle", "bundle"},
		{"/api/v1/status-list", "status-list"},
		{"/api/v1/feed.atom", "atom"},
		{"/api/v1/feed.json", "feed"},
		{"/checkpoint", "checkpoint"},
		{"/api/v1/issuers", "issuers"},
		{"/api/v1/key", "key"},
		{"/api/v1/openapi.json", "api"},
	} {
		d.Files = append(d.Files, download{f[0], w.Text("shop.data." + f[1]), w.Text("shop.data." + f[1] + ".means")})
	}
	for _, step := range []string{"one", "two", "three"} {
		d.Steps = append(d.Steps, w.Text("shop.data.verify."+step))
	}
	return &page.View{Template: "data.html", Title: w.Text("shop.data"), Data: d, Cache: shortly}, nil
}
