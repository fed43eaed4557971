package household

import (
	"cmp"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// asked is the list of what somebody who may not decide wants looked at: a point is a device, or all of the home.
const asked = "asked"

// whole is the point that is about all of the home.
const whole = "home"

// ask notes that somebody wants who may decide to look at a device, or at the home.
func (p *Pages) ask(r *page.Request) (*page.View, error) {
	return p.asking(r, &home.Tick{At: p.Now().UTC(), By: p.actor(r)}, "/?saved=asked")
}

// looked notes that somebody who may decide looked.
func (p *Pages) looked(r *page.Request) (*page.View, error) {
	return p.asking(r, nil, "/?saved=looked")
}

func (p *Pages) asking(r *page.Request, t *home.Tick, to string) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	about := cmp.Or(r.PostForm.Get("device"), whole)
	if about != whole {
		d, err := p.Household.Find(about)
		if err != nil {
			return nil, problem(err)
		}
		about = d.ID
	}
	if err := p.History.Tick(r.Context(), asked, about, t); err != nil {
		return nil, err
	}
	return page.See(to), nil
}

// requests are what is asked for, as things to do for who may decide, the latest first.
func (p *Pages) requests(r *page.Request, known map[string]*home.Device) (list []action, err error) {
	if !p.may(r.Viewer, decide) {
		return nil, nil
	}
	ticks, err := p.History.Ticks(r.Context(), asked)
	if err != nil {
		return nil, err
	}
	var items []string
	for about := range ticks {
		if known[about] != nil || about == whole {
			items = append(items, about)
		}
	}
	slices.SortFunc(items, func(a, b string) int { return cmp.Or(ticks[b].At.Compare(ticks[a].At), strings.Compare(a, b)) })
	for _, about := range items {
		t := ticks[about]
		a := action{
			State: grade.Unknown, Name: r.Words.Text("household.everything"), To: "/looked",
			Do:  r.Words.Text("household.asked", "who", called(r.Words, strings.TrimPrefix(t.By, "page:"))),
			Why: r.Words.Text("household.asked.when", "time", r.Words.Time(t.At.Local())), Choices: []choice{{Text: r.Words.Text("household.asked.looked"), Means: r.Words.Text("household.asked.looked.means")}},
		}
		if d := known[about]; d != nil {
			a.Device, a.Name = d.ID, d.Title()
		}
		list = append(list, a)
	}
	return list, nil
}
