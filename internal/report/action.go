package report

import (
	"cmp"
	"slices"

	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/inspect"
)

// Findings are the findings of a capture by their identifiers.
type Findings map[string]*inspect.Finding

// Index is the findings of r by their identifiers.
func Index(r *inspect.Result) Findings {
	list := make(Findings, len(r.Findings))
	for i := range r.Findings {
		list[r.Findings[i].ID] = &r.Findings[i]
	}
	return list
}

// Of is the findings about a device, the worst first.
func (f Findings) Of(d *inspect.Device) (list []*inspect.Finding) {
	for _, id := range d.Findings {
		if x, ok := f[id]; ok {
			list = append(list, x)
		}
	}
	slices.SortStableFunc(list, worse)
	return list
}

// worse puts what the device does before what it suffers, then the more severe first, attacks before faults, and the
// surer first.
func worse(a, b *inspect.Finding) int {
	return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(b.Severity, a.Severity), cmp.Compare(fault(a), fault(b)),
		cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

func fault(f *inspect.Finding) int {
	if f.Kind.About().Attack {
		return 0
	}
	return 1
}

// deciding are the findings that set the grade of a device, the worst first.
func (f Findings) deciding(d *inspect.Device) []*inspect.Finding {
	return slices.DeleteFunc(f.Of(d), func(x *inspect.Finding) bool { return !slices.Contains(d.Grade.Because, x.ID) })
}

// Action is something to do first, for one or more devices with the same finding.
type Action struct {
	State   grade.State // of the devices
	Finding *inspect.Finding
	Devices []*inspect.Device
}

// mostActions is how many things a person is asked to do at once.
const mostActions = 3

// Actions are up to three things to do first, the most pressing first. Each device that needs somebody has its worst
// finding told before another has its second; after that only faults are told of, as the attacks of
// one device have one cause. Devices of one state with findings of one kind are told of together, and what is asked for once is not
// asked for again.
func Actions(r *inspect.Result) []Action {
	findings := Index(r)
	deciding := make(map[*inspect.Device][]*inspect.Finding)
	deepest := 0
	for i := range r.Devices {
		d := &r.Devices[i]
		if list := findings.deciding(d); len(list) > 0 {
			list = append(list[:1], slices.DeleteFunc(list[1:], func(f *inspect.Finding) bool { return fault(f) == 0 })...)
			deciding[d] = list
			deepest = max(deepest, len(list))
		}
	}
	var list []Action
	for depth := 0; depth < deepest && len(list) < mostActions; depth++ {
		var more []Action
		for i := range r.Devices {
			d := &r.Devices[i]
			if depth < len(deciding[d]) && !asked(list, deciding[d][depth], d) {
				more = join(more, deciding[d][depth], d)
			}
		}
		slices.SortStableFunc(more, func(a, b Action) int {
			return cmp.Or(cmp.Compare(b.State, a.State), worse(a.Finding, b.Finding))
		})
		list = append(list, more...)
	}
	return list[:min(len(list), mostActions)]
}

// join adds a finding to the action for its kind and the device's state.
func join(list []Action, f *inspect.Finding, d *inspect.Device) []Action {
	at := slices.IndexFunc(list, func(a Action) bool { return a.Finding.Kind == f.Kind && a.State == d.Grade.State })
	if at < 0 {
		return append(list, Action{d.Grade.State, f, []*inspect.Device{d}})
	}
	a := &list[at]
	if worse(f, a.Finding) < 0 {
		a.Finding = f
	}
	a.Devices = append(a.Devices, d)
	return list
}

// asked reports whether a device's owner is already asked to do what a finding asks for first.
func asked(list []Action, f *inspect.Finding, d *inspect.Device) bool {
	return slices.ContainsFunc(list, func(a Action) bool {
		return slices.Contains(a.Devices, d) && (a.Finding.Kind == f.Kind || first(a.Finding) == first(f))
	})
}

func first(f *inspect.Finding) string {
	do := f.Text["en"].Do
	if len(do) == 0 {
		return f.ID
	}
	return do[0]
}

// Names are the devices that an action is for, the first few by name.
func (w Words) Names(a *Action) string {
	var names []string
	for _, d := range a.Devices[:min(len(a.Devices), shownDevices)] {
		names = append(names, w.Name(d))
	}
	if n := len(a.Devices) - shownDevices; n > 0 {
		names = append(names, w.Text("report.more", "n", n))
	}
	return w.List(names)
}

// Do is the first thing to do about an action's finding, or its title where the guide has no step.
func (w Words) Do(a *Action) string {
	text := w.Finding(a.Finding)
	if len(text.Do) > 0 {
		return text.Do[0]
	}
	return text.Title
}

// Rest is what is said where there is nothing to do.
func (w Words) Rest(r *inspect.Result) string {
	for i := range r.Devices {
		if r.Devices[i].Grade.State == grade.Unknown {
			return w.Text("report.watch")
		}
	}
	return w.Text("report.rest")
}
