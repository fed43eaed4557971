package household

import (
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// digest is one week of a home.
type digest struct {
	From, To string
	Sentence []string
	Actions  []action
	More     string
	Rest     string
	New      []mention
	Found    []mention
	Most     []mention // the devices that said most
	Gone     []mention // that were not seen this week
	Decided  string
	Flows    string
	Abroad   string    // the countries of the addresses that devices talked to
	Support  []mention // whose updates end soon
	Labels   []mention // whose status changed

	all *everything
}

// foundOf is what was found of a device, one mention a kind: where there is more than one of it, what each of them saw.
func (p *Pages) foundOf(w *locale.Catalogue, d *home.Device, list []*home.Noted) (all []mention) {
	at, seen := map[string]int{}, map[string][]string{}
	for _, f := range list {
		t := p.explain(w, f, d)
		if _, ok := at[t.Title]; !ok {
			at[t.Title] = len(all)
			all = append(all, mention{d.ID, d.Title(), t.Title})
		}
		if !slices.Contains(seen[t.Title], t.Seen) {
			seen[t.Title] = append(seen[t.Title], t.Seen)
		}
	}
	for title, i := range at {
		if s := seen[title]; len(s) > 1 {
			all[i].Text = title + ". " + strings.Join(s[:min(len(s), mostCauses)], " ")
			if n := len(s) - mostCauses; n > 0 {
				all[i].Text += " " + w.Text("inspect.more", "n", n)
			}
		}
	}
	return all
}

// mostCauses is how many findings of one kind and device are told of together.
const mostCauses = 3

// mention is a device, and what is said of it.
type mention struct{ ID, Name, Text string }

// mostMentions bounds a list of a digest.
const mostMentions = 12

func (p *Pages) week(r *page.Request) (*page.View, error) {
	x, err := p.digest(r)
	if err != nil {
		return nil, err
	}
	return &page.View{Template: "week.html", Title: r.Words.Text("household.nav.week"), Data: x}, nil
}

// digest is the week until now.
func (p *Pages) digest(r *page.Request) (*digest, error) {
	e, err := p.look(r.Context())
	if err != nil {
		return nil, err
	}
	now, from, w := p.Now(), p.ago(), r.Words
	x := &digest{From: w.Date(from.Local()), To: w.Date(now.Local()), all: e, Labels: changedLabels(w, e.devices, from)}
	var flows uint64
	for _, d := range e.devices {
		a := e.said[d.ID]
		flows += a.Flows
		if d.First.After(from) {
			x.New = append(x.New, mention{d.ID, d.Title(), newCard(w, d, grade.Grade{}, nil).What})
		}
		if d.Last.Before(from) {
			x.Gone = append(x.Gone, mention{d.ID, d.Title(), w.Text("household.week.last", "day", w.Date(d.Last.Local()))})
		}
		var told []*home.Noted
		for _, f := range e.findings[d.ID] {
			if time.Unix(0, f.Last).After(from) && (d.Label == nil || !slices.Contains(home.LabelKinds, f.Kind)) {
				told = append(told, f)
			}
		}
		x.Found = append(x.Found, p.foundOf(w, d, told)...)
		until, _, ok, err := p.lasts(r, d)
		if err != nil {
			return nil, err
		}
		if ok {
			if s := newSupport(r, until, now); s.Warn {
				x.Support = append(x.Support, mention{d.ID, d.Title(), s.Text})
			}
		}
	}
	x.Sentence = sentence(w, len(e.devices), e.counts())
	if x.Actions, x.More, err = p.actions(r, e, p.Status().Asks, mostActions); err != nil {
		return nil, err
	}
	if len(x.Actions) == 0 {
		x.Rest = w.Text("household.rest")
	}
	things := slices.DeleteFunc(slices.Clone(e.devices), func(d *home.Device) bool { return d.Kind() != device.IoT || e.said[d.ID].Out+e.said[d.ID].In == 0 })
	slices.SortStableFunc(things, func(a, b *home.Device) int {
		x, y := e.said[a.ID].Out+e.said[a.ID].In, e.said[b.ID].Out+e.said[b.ID].In
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	for _, d := range things[:min(len(things), mostActions)] {
		a := e.said[d.ID]
		x.Most = append(x.Most, mention{d.ID, d.Title(), w.Text("household.does.much", "out", locale.Octets(a.Out), "in", locale.Octets(a.In))})
	}
	for _, list := range []*[]mention{&x.New, &x.Found, &x.Gone, &x.Support, &x.Labels} {
		*list = (*list)[:min(len(*list), mostMentions)]
	}
	decisions, err := p.History.Decisions(r.Context(), "", 0, shownDecisions)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, d := range decisions {
		if d.At.After(from) {
			n++
		}
	}
	x.Decided = w.Text("household.week.decided", "n", n)
	x.Flows = w.Text("household.week.flows", "n", flows)
	reaches, err := p.lately(r, "")
	if err != nil {
		return nil, err
	}
	if where := p.named(w, reaches); where != "" {
		x.Abroad = w.Text("household.week.countries", "list", where)
	}
	return x, nil
}
