package report

import (
	"cmp"
	"slices"

	"plimsoll.example/plimsoll/internal/finding"
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

// worse puts what the device does before what it suffers, then the more severe and the surer first.
func worse(a, b *inspect.Finding) int {
	return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Confidence, a.Confidence),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// Action is something to do first, for one or more devices with the same finding.
type Action struct {
	State   grade.State // of the worst of the devices
	Finding *inspect.Finding
	Devices []*inspect.Device
}

// mostActions is how many things a person is asked to do at once.
const mostActions = 3

// Actions are up to three things to do first, the most pressing first: one for each kind of finding that set the
// grade of a device.
func Actions(r *inspect.Result) []Action {
	findings := Index(r)
	var list []Action
	index := make(map[finding.Kind]int)
	for i := range r.Devices {
		d := &r.Devices[i]
		for _, id := range d.Grade.Because {
			f, ok := findings[id]
			if !ok {
				continue
			}
			at, ok := index[f.Kind]
			if !ok {
				at = len(list)
				index[f.Kind] = at
				list = append(list, Action{Finding: f})
			}
			a := &list[at]
			a.State = max(a.State, d.Grade.State)
			if worse(f, a.Finding) < 0 {
				a.Finding = f
			}
			if !slices.Contains(a.Devices, d) {
				a.Devices = append(a.Devices, d)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Action) int {
		return cmp.Or(cmp.Compare(b.State, a.State), worse(a.Finding, b.Finding))
	})
	return list[:min(len(list), mostActions)]
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
