package household

import (
	"cmp"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// past is what was decided, the newest first.
type past struct {
	Entries []entry
	Older   int64 // the decision from which the next page goes on; 0: there is none
	Saved   string
	Decide  bool
	Carry   bool // all of it may be taken along
}

type entry struct {
	When, Device, Name, What, Who string
	Undone                        bool
	Decision                      int64
	Undo                          bool // it may be tried to take it back
}

const shownDecisions = 50

func (p *Pages) history(r *page.Request) (*page.View, error) {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // 0, the newest, if it is no number
	list, err := p.History.Decisions(r.Context(), "", max(before, 0), shownDecisions)
	if err != nil {
		return nil, err
	}
	x := &past{Saved: saved(r), Decide: p.may(r.Viewer, decide), Carry: p.may(r.Viewer, carry)}
	newest := map[string]bool{} // of a device, what was decided last can be taken back, and what was said last of a thing
	for _, d := range list {
		name := cmp.Or(d.Device, r.Words.Text("household.everything"))
		device := ""
		if found, err := p.Household.Find(d.Device); err == nil && d.Device != "" {
			name, device = found.Title(), d.Device
		}
		who, ok := strings.CutPrefix(d.Actor, "page:")
		switch {
		case ok:
			who = called(r.Words, who)
		case d.Actor == home.Program:
			who = r.Words.Text("household.program")
		default:
			who = r.Words.Text("household.terminal")
		}
		e := entry{
			When: r.Words.Time(d.At.Local()), Device: device, Name: name, What: r.Words.Text("household.done."+string(d.Verb), "device", name), Who: who,
			Undone: d.Undone != 0, Decision: d.Seq,
		}
		about := d.Device
		switch d.Verb {
		case home.Describe:
			about += " said"
		case home.NoteOn:
			finding, _, _ := strings.Cut(d.Argument, " ")
			about += " " + finding
		}
		if !newest[about] && d.Undone == 0 && d.Verb != home.Undo && before == 0 {
			e.Undo = true
		}
		newest[about] = newest[about] || d.Undone == 0 && d.Actor != home.Program && d.Verb != home.Undo
		x.Entries = append(x.Entries, e)
	}
	if len(list) == shownDecisions {
		x.Older = list[len(list)-1].Seq
	}
	return &page.View{Template: "history.html", Title: r.Words.Text("household.nav.history"), Data: x}, nil
}
