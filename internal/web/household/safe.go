package household

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// safePoints is how many points the texts have for whom somebody at home uses devices against.
const safePoints = 6

// safe is the page for them. All who may come in may read it.
func (p *Pages) safe(r *page.Request) (*page.View, error) {
	var list []string
	for i := range safePoints {
		list = append(list, r.Words.Text("household.safe."+string(rune('1'+i))))
	}
	return &page.View{Template: "safe.html", Title: r.Words.Text("household.safe"), Data: list}, nil
}

// looker is somebody who looked at the page of a device, and when last.
type looker struct{ Name, When string }

// lookedEvery is how often it is kept that somebody looks.
const lookedEvery = time.Hour

// lookers are those who looked at the page of a device, the latest first, with who does now: nobody watches unseen. Where
// nobody signs in there are none.
func (p *Pages) lookers(r *page.Request, d *home.Device) (list []looker, err error) {
	if p.site.Door == nil || r.Viewer.Name == "" {
		return nil, nil
	}
	name := "looked " + d.ID
	ticks, err := p.History.Ticks(r.Context(), name)
	if err != nil {
		return nil, err
	}
	now := p.Now().UTC()
	if now.Sub(ticks[r.Viewer.Name].At) >= lookedEvery {
		ticks[r.Viewer.Name] = home.Tick{At: now, By: p.actor(r)}
		if err := p.History.Tick(r.Context(), name, r.Viewer.Name, &home.Tick{At: now, By: p.actor(r)}); err != nil {
			return nil, err
		}
	}
	var names []string
	for n := range ticks {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(ticks[b].At.Compare(ticks[a].At), strings.Compare(a, b)) })
	for _, n := range names[:min(len(names), mostMentions)] {
		list = append(list, looker{n, r.Words.Time(ticks[n].At.Local())})
	}
	return list, nil
}
