package household

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// thing is the page of one device.
type thing struct {
	card
	Now      string // what is being done about it, in a sentence
	Reasons  []string
	Findings []found
	Talks    []talk
	Choices  []choice // what may be done about it
	Admits   []choice
	Done     *done
}

// found is one finding in words, with what may be done about it.
type found struct {
	guide.Text
	ID    string
	State grade.State
	When  string
}

// talk is whom a device talks to.
type talk struct {
	Peer, Service, Amount string
	Stopped               string
}

// done is what was just decided, with the way back.
type done struct {
	Text     string
	Decision int64
}

// weeks of traffic are shown.
const shownDays = 7

func (p *Pages) device(r *page.Request) (*page.View, error) {
	d, err := p.Household.Find(r.PathValue("device"))
	if err != nil {
		return nil, problem(err)
	}
	list, err := p.History.Findings(r.Context(), d.ID, mostFindings)
	if err != nil {
		return nil, err
	}
	now := p.Now()
	traffic, err := p.History.Traffic(r.Context(), d.ID, 24*time.Hour, now.AddDate(0, 0, -shownDays), now, mostTraffic)
	if err != nil {
		return nil, err
	}
	findings := make([]*home.Noted, len(list))
	for i := range list {
		findings[i] = &list[i]
	}
	g := place(d, findings, traffic)
	t := &thing{card: newCard(r.Words, d, g, open(findings)), Now: r.Words.Text("home.now."+string(d.State), "device", d.Title(), "until", d.Until.Local())}
	for i := range d.Identity.Because {
		b := &d.Identity.Because[i]
		key := "reason." + b.Fact
		s := r.Words.Text(key, "value", b.Value)
		if s == key {
			s = r.Words.Text("reason.other", "fact", b.Fact, "value", b.Value)
		}
		if !slices.Contains(t.Reasons, s) {
			t.Reasons = append(t.Reasons, s)
		}
	}
	for _, f := range open(findings) {
		t.Findings = append(t.Findings, found{
			Text: guide.Explain(r.Words, &f.Finding, d.Title()), ID: f.ID(), When: r.Words.Text("report.when", "n", f.Count, "first", time.Unix(0, f.First), "last", time.Unix(0, f.Last)),
			State: grade.Of([]grade.Sign{{ID: f.ID(), Role: f.Role, Severity: f.Severity, Confidence: f.Confidence}}, grade.Evidence{}).State,
		})
	}
	t.Talks = talks(r.Words, traffic)
	t.Admits = admissions(r.Words, d.Admitted())
	t.Choices = choices(r.Words, d)
	t.Done = p.done(r, d)
	return &page.View{Template: "device.html", Title: d.Title(), Data: t, Live: true}, nil
}

// choices are what may be done about a device as it is now.
func choices(words *locale.Catalogue, d *home.Device) (list []choice) {
	add := func(v home.Verb, grave bool) {
		list = append(list, choice{Verb: string(v), Text: words.Text("household.do." + string(v)), Grave: grave})
	}
	switch d.State {
	case home.Quarantined:
		add(home.WatchOn, false)
		add(home.Release, false)
		if !d.Confirmed {
			add(home.Confirm, true)
		}
		return list
	case home.Rehearsing:
		add(home.HoldTo, false)
		add(home.Release, false)
	case home.Held:
		add(home.Release, false)
	case home.Free, home.Learning:
		if d.File != "" {
			add(home.Rehearse, false)
			add(home.HoldTo, false)
		}
	case home.Refused:
	}
	add(home.Quarantine, true)
	return list
}

// talks adds traffic up by whom it was with.
func talks(words *locale.Catalogue, traffic []home.Traffic) (list []talk) {
	type key struct{ peer, service string }
	sums := map[key]*home.Traffic{}
	var order []key
	for i := range traffic {
		t := &traffic[i]
		k := key{t.Peer, t.Service}
		s := sums[k]
		if s == nil {
			s = &home.Traffic{Peer: t.Peer, Service: t.Service}
			sums[k] = s
			order = append(order, k)
		}
		s.Out, s.In, s.Stopped = s.Out+t.Out, s.In+t.In, s.Stopped+t.Stopped
	}
	slices.SortStableFunc(order, func(a, b key) int { return cmp.Compare(sums[b].Out+sums[b].In, sums[a].Out+sums[a].In) })
	for _, k := range order[:min(len(order), mostTalks)] {
		s := sums[k]
		t := talk{Peer: s.Peer, Service: s.Service, Amount: words.Size(locale.Octets(s.Out + s.In))}
		if s.Stopped > 0 {
			t.Stopped = words.Text("household.stopped", "n", s.Stopped)
		}
		list = append(list, t)
	}
	return list
}

const mostTalks = 60

// done is what the address of the page says was just decided, if that is so.
func (p *Pages) done(r *page.Request, d *home.Device) *done {
	seq, err := strconv.ParseInt(r.URL.Query().Get("done"), 10, 64)
	if err != nil {
		return nil
	}
	list, err := p.History.Decisions(r.Context(), d.ID, seq+1, 1)
	if err != nil || len(list) == 0 || list[0].Seq != seq {
		return nil
	}
	x := &done{Text: r.Words.Text("household.done."+string(list[0].Verb), "device", d.Title())}
	if list[0].Verb != home.Undo && list[0].Undone == 0 {
		x.Decision = seq
	}
	return x
}

// decide does what a form asks.
func (p *Pages) decide(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	made, err := p.Household.Decide(r.Context(), p.actor(r), home.Verb(r.PostForm.Get("verb")), r.PathValue("device"), r.PostForm.Get("argument"))
	if err != nil {
		return nil, problem(err)
	}
	return page.See(fmt.Sprintf("/devices/%s?done=%d", made.Device, made.Seq)), nil
}

func (p *Pages) undo(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	made, err := p.Household.Decide(r.Context(), p.actor(r), home.Undo, "", r.PostForm.Get("decision"))
	if err != nil {
		return nil, problem(err)
	}
	if made.Device == "" { // a file that was taken in
		return page.See("/history"), nil
	}
	return page.See(fmt.Sprintf("/devices/%s?done=%d", made.Device, made.Seq)), nil
}

// actor is who decides, as the audit log names them.
func (p *Pages) actor(r *page.Request) string { return "page:" + cmp.Or(r.Viewer.Name, "owner") }
