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
	Devices           []step // that it is about
	Done              string // when; "" is not yet
	Each              bool   // each device is done by itself
}

// step is a device of a point.
type step struct {
	mention
	Done string // when; "" is not yet
}

// lists are all lists with their points, in order. A point may be about some devices: about says which.
var lists = []struct {
	name  string
	lasts time.Duration // after which a point is to be done again; 0: never
	items []item
}{
	{"tune-up", 330 * 24 * time.Hour, []item{
		{"unknown", isUnknown, false}, {"findings", needsYou, false}, {"names", isNameless, false}, {"gone", isGone, false}, {"support", endsSoon, false}, {"passwords", isThing, true}, {"router", isRouter, false}, {"people", nil, false}, {"backup", nil, false},
	}},
	{"moving-in", 0, []item{{"count", nil, false}, {"reset", isThing, true}, {"router", isRouter, false}, {"owners", isThing, true}, {"names", isNameless, false}, {"guests", nil, false}, {"label", nil, false}}},
	{"moving-out", 0, []item{{"list", isThing, false}, {"wipe", isThing, true}, {"accounts", isThing, true}, {"stay", nil, false}, {"codes", isLock, false}, {"papers", nil, false}, {"backup", nil, false}, {"forget", nil, false}}},
}

type item struct {
	name  string
	about func(p *Pages, r *page.Request, e *everything, d *home.Device) bool // nil: of no device
	each  bool                                                                // device by device
}

// key is what a tick of one device of a point is kept under.
func (i item) key(device string) string { return i.name + " " + device }

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
			done := func(key string) string {
				if t, ok := ticks[key]; ok && (l.lasts == 0 || p.Now().Sub(t.At) < l.lasts) {
					return r.Words.Text("household.list.done", "day", r.Words.Date(t.At.Local()))
				}
				return ""
			}
			pt := point{Item: it.name, Title: r.Words.Text(key), Text: r.Words.Text(key + ".text"), Done: done(it.name), Each: it.each}
			open := 0
			for _, d := range e.devices {
				if it.about == nil || !it.about(p, r, e, d) {
					continue
				}
				s := step{mention: mention{d.ID, d.Title(), d.Room}}
				if it.each {
					if s.Done = done(it.key(d.ID)); s.Done == "" {
						open++
					}
				}
				pt.Devices = append(pt.Devices, s)
			}
			if it.each && len(pt.Devices) > 0 && open == 0 && pt.Done == "" { // one after the other
				pt.Done = pt.Devices[len(pt.Devices)-1].Done
			}
			if pt.Done == "" {
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
		i := slices.IndexFunc(l.items, func(x item) bool { return x.name == it })
		if l.name != name || i < 0 {
			continue
		}
		key := it
		if id := r.PostForm.Get("device"); id != "" {
			d, err := p.Household.Find(id)
			if err != nil {
				return nil, problem(err)
			}
			if !l.items[i].each {
				return nil, problem(home.ErrVerb)
			}
			key = l.items[i].key(d.ID)
		}
		return p.ticked(r, name, key, "/lists/"+name+"#"+it)
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

// due reports whether the list of once a year is due: nobody did a point of it for a year, in a home that is known that long.
func (p *Pages) due(r *page.Request, e *everything) (bool, error) {
	yearly := lists[0]
	ticks, err := p.History.Ticks(r.Context(), yearly.name)
	if err != nil || !p.may(r.Viewer, decide) {
		return false, err
	}
	last := p.Now()
	for _, d := range e.devices {
		if !d.First.IsZero() && d.First.Before(last) {
			last = d.First
		}
	}
	for _, t := range ticks {
		if t.At.After(last) {
			last = t.At
		}
	}
	return p.Now().Sub(last) > yearly.lasts, nil
}
