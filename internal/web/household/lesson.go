package household

import (
	"io/fs"
	"slices"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
)

// lesson takes two minutes, and is made of the devices at home. None tells what a person looked at.
type lesson struct {
	Name, Title string
	Lead        string
	Devices     []mention
	Steps       []string
	Ask, Answer string
	Done        string
	Detail      bool // pages of devices may be looked at
	Drill       bool
	Hide        bool // the devices are the answer
	Saved       string
	Tried       []*tried // of a drill whose outcome is noted, device by device
}

// lessons is the page of all of them. The badge is of the home: there is none of a person, and nobody counts days.
type lessons struct {
	List  []*lesson
	Badge string // where all were done
}

// course is all lessons, in order. what is the devices that one is made of, and the answer to its question.
var course = []struct {
	name  string
	drill bool
	what  func(e *everything, d *home.Device) bool
}{
	{"here", false, func(*everything, *home.Device) bool { return true }},
	{"names", true, func(_ *everything, d *home.Device) bool {
		return d.Kind() == device.Unknown || d.Kind() == "" || d.Name == ""
	}},
	{"senses", false, func(_ *everything, d *home.Device) bool {
		return slices.Contains(can[d.Is().Category], "sees") || slices.Contains(can[d.Is().Category], "hears")
	}},
	{"talk", false, func(e *everything, d *home.Device) bool { return d.Kind() == device.IoT && e.said[d.ID].Flows > 0 }},
	{"cut", true, func(_ *everything, d *home.Device) bool { return d.Kind() == device.IoT }},
	{"outage", true, func(_ *everything, d *home.Device) bool { return d.Kind() == device.IoT }},
	{"scam", false, nil},
}

// lessonSteps is how many steps the texts have.
const lessonSteps = 3

func newLesson(w *locale.Catalogue, e *everything, i int, ticks map[string]home.Tick) *lesson {
	c := &course[i]
	key := "household.lesson." + c.name
	x := &lesson{Name: c.name, Title: w.Text(key), Lead: w.Text(key + ".lead"), Ask: w.Text(key + ".ask"), Drill: c.drill, Hide: c.name == "here"}
	n := 0
	for _, d := range e.devices {
		if c.what == nil || !c.what(e, d) {
			continue
		}
		if n++; x.Hide || len(x.Devices) < mostMentions {
			x.Devices = append(x.Devices, mention{d.ID, d.Title(), d.Room})
		}
	}
	for s := 1; s <= lessonSteps; s++ {
		x.Steps = append(x.Steps, w.Text(key+"."+string(rune('0'+s))))
	}
	x.Answer = w.Text(key+".answer", "n", n)
	if t, ok := ticks[c.name]; ok {
		x.Done = w.Text("household.list.done", "day", w.Date(t.At.Local()))
	}
	return x
}

// nextLesson is the first that nobody did yet, nil where all are done.
func nextLesson(w *locale.Catalogue, e *everything, ticks map[string]home.Tick) *lesson {
	for i := range course {
		if _, ok := ticks[course[i].name]; !ok {
			return newLesson(w, e, i, ticks)
		}
	}
	return nil
}

func (p *Pages) lessons(r *page.Request) (*page.View, error) {
	ticks, err := p.History.Ticks(r.Context(), "lessons")
	if err != nil {
		return nil, err
	}
	var list []*lesson
	for i := range course {
		list = append(list, newLesson(r.Words, &everything{}, i, ticks))
	}
	x := &lessons{list, ""}
	if nextLesson(r.Words, &everything{}, ticks) == nil {
		x.Badge = r.Words.Text("household.lessons.badge")
	}
	return &page.View{Template: "lessons.html", Title: r.Words.Text("household.lessons"), Data: x}, nil
}

func (p *Pages) lesson(r *page.Request) (*page.View, error) {
	for i := range course {
		if course[i].name != r.PathValue("lesson") {
			continue
		}
		e, err := p.look(r.Context())
		if err != nil {
			return nil, err
		}
		ticks, err := p.History.Ticks(r.Context(), "lessons")
		if err != nil {
			return nil, err
		}
		x := newLesson(r.Words, e, i, ticks)
		x.Detail, x.Saved = p.may(r.Viewer, detail), saved(r)
		if x.Name == "outage" && p.may(r.Viewer, decide) {
			x.Tried = p.drill(r)
		}
		return &page.View{Template: "lesson.html", Title: x.Title, Data: x}, nil
	}
	return nil, fs.ErrNotExist
}

// learned notes that a lesson was done.
func (p *Pages) learned(r *page.Request) (*page.View, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	name := r.PathValue("lesson")
	for i := range course {
		if course[i].name == name {
			return p.ticked(r, "lessons", name, "/lessons")
		}
	}
	return nil, fs.ErrNotExist
}
