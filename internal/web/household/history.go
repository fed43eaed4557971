package household

import (
	"cmp"
	"strconv"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// past is what was decided, the newest first.
type past struct {
	Entries []entry
	Older   int64 // the decision from which the next page goes on; 0: there is none
}

type entry struct {
	When, Device, Name, What, Who string
	Undone                        bool
	Decision                      int64
}

const shownDecisions = 50

func (p *Pages) history(r *page.Request) (*page.View, error) {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // 0, the newest, if it is no number
	list, err := p.History.Decisions(r.Context(), "", max(before, 0), shownDecisions)
	if err != nil {
		return nil, err
	}
	x := &past{}
	for _, d := range list {
		name := cmp.Or(d.Device, r.Words.Text("household.everything"))
		if found, err := p.Household.Find(d.Device); err == nil {
			name = found.Title()
		}
		who := d.Actor
		if who == home.Program {
			who = r.Words.Text("household.program")
		}
		x.Entries = append(x.Entries, entry{
			When: r.Words.Time(d.At.Local()), Device: d.Device, Name: name, What: r.Words.Text("household.done."+string(d.Verb), "device", name), Who: who,
			Undone: d.Undone != 0, Decision: d.Seq,
		})
	}
	if len(list) == shownDecisions {
		x.Older = list[len(list)-1].Seq
	}
	return &page.View{Template: "history.html", Title: r.Words.Text("household.nav.history"), Data: x}, nil
}
