package household

import (
	"io/fs"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// checklist is a list that a home goes through: once a year, or when people move.
type checklist struct {
	Name   string
	Lead   string
	Points []point
	Left   string // how many are to be done
	Decide bool
}

// point is one thing to do.
type point struct {
	Item, Title, Text string
	Devices           []mention // that it is about
	Done              string    // when, and by whom; "" is not yet
}

// lists are all lists with their points, in order. A point may be about some devices: about says which.
var lists = []struct {
	name  string
	lasts time.Duration // after which a point is to be done again; 0: never
	items []item
}{
	{"tune-up", 330 * 24 * time.Hour, []item{
		{"unknown", isUnknown}, {"findings", needsYou}, {"names", isNameless}, {"gone", isGone}, {"support", endsSoon}, {"passwords", isThing}, {"router", isRouter}, {"people", nil}, {"backup", nil},
	}},
	{"moving-in", 0, []item{{"count", nil}, {"reset", isThing}, {"router", isRouter}, {"owners", isThing}, {"names", isNameless}, {"guests", nil}, {"label", nil}}},
	{"moving-out", 0, []item{{"list", isThing}, {"wipe", isThing}, {"accounts", isThing}, {"stay", nil}, {"codes", isLock}, {"papers", nil}, {"backup", nil}, {"forget", nil}}},
}

type item struct {
	name  string
	about func(p *Pages, r *page.Request, e *everything, d *home.Device) bool // nil: of no device
}

func isUnknown(_ *Pages, _ *page.Request, _ *everything, d *home.Device) bool {
	return d.Kind() == device.Unknown || d.Kind() == ""
}

func needsYou(_ *Pages, _ *page.Request, e *everything, d *home.Device) bool {
	s := e.grades[d.ID].State
	return s == grade.Act || s == grade.Check
}

func isNameless(_ *Pages, _ *page.Request, _ *everything, d *home.Device) bool {
	return d.Name == "" || d.Room == ""
}

// away is how long a device was not seen before somebody should ask where it is.
const away = 90 * 24 * time.Hour

func isGone(p *Pages, _ *page.Request, _ *everything, d *home.Device) bool {
	return p.Now().Sub(d.Last) > away
}

func endsSoon(p *Pages, r *page.Request, _ *everything, d *home.Device) bool {
	until, _, ok, err := p.lasts(r, d)
	return err == nil && ok && phaseOf(until, p.Now()) != long
}

func isThing(_ *Pages, _ *page.Request, _ *everything, d *home.Device) bool {
	return d.Kind() == device.IoT
}

func isRouter(_ *Pages, _ *page.Request, _ *everything, d *home.Device) bool {
	return d.Kind() == device.Infrastructure
}

func isLock(_ *Pages, _ *page.Request, _ *everything, d *home.Device) bool {
	return slices.Contains([]string{"lock", "alarm", "doorbell", "camera"}, d.Is().Category)
}

func (p *Pages) list(r *page.Request) (*page.View, error) {
	for _, l := range lists {
		if l.name != r.PathValue("list") {
			continue
		}
		e, err := p.look(r.Context())
		if err != nil {
			return nil, err
		}
		ticks, err := p.History.Ticks(r.Context(), l.name)
		if err != nil {
			return nil, err
		}
		x := &checklist{Name: l.name, Lead: r.Words.Text("household.list." + l.name + ".lead"), Decide: p.may(r.Viewer, decide)}
		left := 0
		for _, it := range l.items {
			key := "household.list." + l.name + "." + it.name
			pt := point{Item: it.name, Title: r.Words.Text(key), Text: r.Words.Text(key + ".text")}
			for _, d := range e.devices {
				if it.about != nil && it.about(p, r, e, d) && len(pt.Devices) < mostMentions {
					pt.Devices = append(pt.Devices, mention{d.ID, d.Title(), d.Room})
				}
			}
			if t, ok := ticks[it.name]; ok && (l.lasts == 0 || p.Now().Sub(t.At) < l.lasts) {
				pt.Done = r.Words.Text("household.list.done", "day", r.Words.Date(t.At.Local()))
			} else {
				left++
			}
			x.Points = append(x.Points, pt)
		}
		x.Left = r.Words.Text("household.list.left", "n", left)
		return &page.View{Template: "list.html", Title: r.Words.Text("household.list." + l.name), Data: x}, nil
	}
	return nil, fs.ErrNotExist
}

// tick notes that a point was done, or that it was not.
func (p *Pages) tick(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	name, it := r.PathValue("list"), r.PostForm.Get("item")
	for _, l := range lists {
		if l.name == name && slices.ContainsFunc(l.items, func(x item) bool { return x.name == it }) {
			return p.ticked(r, name, it, "/lists/"+name+"#"+it)
		}
	}
	return nil, fs.ErrNotExist
}

func (p *Pages) ticked(r *page.Request, list, it, to string) (*page.View, error) {
	var t *home.Tick
	if r.PostForm.Get("done") == "yes" {
		t = &home.Tick{At: p.Now().UTC(), By: p.actor(r)}
	}
	if err := p.History.Tick(r.Context(), list, it, t); err != nil {
		return nil, err
	}
	return page.See(to), nil
}
