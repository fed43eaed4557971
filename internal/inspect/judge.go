package inspect

import (
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/locale"
)

// judge puts findings into the result, each in the words of all languages, and names them with their devices.
func (r *Result) judge(list []finding.Finding) {
	index := make(map[string]*Device, len(r.Devices))
	for i := range r.Devices {
		index[r.Devices[i].ID] = &r.Devices[i]
	}
	var languages []*locale.Catalogue
	for _, l := range locale.Languages {
		languages = append(languages, locale.New(l))
	}
	told := make([]Finding, len(list))
	onAllCores(len(list), 8, func(i int) {
		f := &list[i]
		d := index[f.Device]
		if d == nil {
			return
		}
		about := f.Kind.About()
		out := Finding{
			ID: f.ID(), Kind: f.Kind, Device: f.Device, Role: f.Role, Severity: f.Severity, Confidence: f.Confidence,
			Norms: []string{}, Direction: finding.Neither,
			First: instant(f.First), Last: instant(f.Last), Detected: instant(f.Detected), Count: f.Count,
			Text: map[string]guide.Text{}, Evidence: []Evidence{},
		}
		if f.Role == finding.Actor { // to be a target says nothing of a product
			out.Norms, out.Direction = append(out.Norms, about.Norms...), about.Direction
		}
		for _, words := range languages {
			out.Text[string(words.Lang())] = whole(guide.Explain(words, f, Name(d, words)))
		}
		for _, e := range f.Evidence {
			out.Evidence = append(out.Evidence, Evidence{append([]uint64{}, e.Packets...), e.File, e.Flow, e.Note, e.Ends})
		}
		told[i] = out
	})
	for i := range told {
		if d := index[told[i].Device]; d != nil {
			d.Findings = append(d.Findings, told[i].ID)
			r.Findings = append(r.Findings, told[i])
		}
	}
}

// whole has lists where there is nothing to list, as the schema says.
func whole(t guide.Text) guide.Text {
	t.Do, t.Who, t.Call = append([]string{}, t.Do...), append([]string{}, t.Who...), append([]string{}, t.Call...)
	return t
}
