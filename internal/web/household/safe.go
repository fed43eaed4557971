package household

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
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
		list = append(list, r.Words.Text("household.safe."+strconv.Itoa(i+1)))
	}
	return &page.View{Template: "safe.html", Title: r.Words.Text("household.safe"), Data: list}, nil
}

// looker is somebody who looked at what a device does, and when last.
type looker struct{ Name, When string }

// lookedEvery is how often it is kept that somebody looks.
const lookedEvery = time.Hour

// lookedAt is under which name it is kept who looked.
func lookedAt(d *home.Device) string { return "looked " + d.ID }

// seen is a page of what a device does: its page, its rehearsal, a letter about it, the file of evidence. It is kept who looks.
// Who has the machine or a token, or reads what is told of all devices at once, is not seen; the page of safety says so.
func (p *Pages) seen(show func(r *page.Request, d *home.Device) (*page.View, error)) page.Handler {
	return func(r *page.Request) (*page.View, error) {
		d, err := p.Household.Find(r.PathValue("device"))
		if err != nil {
			return nil, problem(err)
		}
		if err := p.noteLooker(r, d); err != nil {
			return nil, err
		}
		return show(r, d)
	}
}

func (p *Pages) noteLooker(r *page.Request, d *home.Device) error {
	if p.site.Door == nil || r.Viewer.Name == "" {
		return nil
	}
	ticks, err := p.History.Ticks(r.Context(), lookedAt(d))
	if err != nil {
		return err
	}
	now := p.Now().UTC()
	if now.Sub(ticks[r.Viewer.Name].At) < lookedEvery {
		return nil
	}
	return p.History.Tick(r.Context(), lookedAt(d), r.Viewer.Name, &home.Tick{At: now, By: p.actor(r)})
}

// lookers are those who looked, the latest first. Where nobody signs in there are none.
func (p *Pages) lookers(r *page.Request, d *home.Device) (list []looker, err error) {
	if p.site.Door == nil {
		return nil, nil
	}
	ticks, err := p.History.Ticks(r.Context(), lookedAt(d))
	if err != nil {
		return nil, err
	}
	names := slices.SortedFunc(maps.Keys(ticks), func(a, b string) int { return cmp.Or(ticks[b].At.Compare(ticks[a].At), strings.Compare(a, b)) })
	for _, n := range names {
		list = append(list, looker{called(r.Words, n), r.Words.Time(ticks[n].At.Local())})
	}
	return list, nil
}
