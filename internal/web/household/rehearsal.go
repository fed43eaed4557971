package household

import (
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/internal/web/page"
)

// trial is what the rules of a device would have stopped.
type trial struct {
	ID, Name string
	Offered  bool // the rules are those that are offered
	Sum      string
	Rows     []wouldStop
	Accept   *choice
	Decide   bool
}

// wouldStop is one thing that would have been stopped.
type wouldStop struct {
	Peer, Often, Guess, Text string
	Allow                    *choice // what lets it go on; nil: it is others who begin
}

func (p *Pages) rehearsal(r *page.Request, d *home.Device) (*page.View, error) {
	t := &trial{ID: d.ID, Name: d.Title(), Offered: r.URL.Query().Get("file") == "offered" && d.Offers() != nil, Decide: p.may(r.Viewer, decide)}
	x, err := p.Rehearse(r.Context(), d, t.Offered, r.Words)
	if err != nil {
		return nil, problem(err)
	}
	t.Sum = kept(r, x)
	for i := range x.Stopped {
		s := &x.Stopped[i]
		row := wouldStop{Peer: report.Cut(s.Peer, longest), Often: r.Words.Text("household.often", "n", s.Count), Guess: r.Words.Text("mud.rehearse.guess", "guess", s.Guess), Text: s.Text}
		if _, _, ok := home.ParseService(s.Service); ok && s.Direction == policy.FromDevice && d.File != "" {
			row.Allow = &choice{Verb: string(home.Except), Argument: s.Peer + " " + s.Service, Text: r.Words.Text("household.except.this")}
		}
		t.Rows = append(t.Rows, row)
	}
	if o := d.Offers(); t.Offered && o != nil {
		t.Accept = &choice{Verb: string(home.Accept), Argument: o.File, Text: r.Words.Text("household.accept")}
	}
	return &page.View{Template: "rehearsal.html", Title: r.Words.Text("household.rehearsal", "device", d.Title()), Data: t}, nil
}
