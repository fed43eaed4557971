package assess

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/label"
)

// probe takes the transcript of a probe.
func (j *judge) probe(e *Evidence, source int) {
	t := e.transcript
	for i := range t.Checks {
		c := &t.Checks[i]
		a, _ := about(c.Check)
		at := []Pointer{{Source: source, At: fmt.Sprintf("check %d", i+1)}}
		for _, key := range a.Shows {
			if j.shows == nil {
				j.shows = map[string][]Pointer{}
			}
			j.shows[key] = append(j.shows[key], at...)
		}
		said := Said{"assess.reason.check." + c.Check + "." + c.Outcome, []any{"port", c.Port, "detail", c.Detail}, at}
		class := j.looked(a.Whole)
		if a.Web {
			class = label.WebChecked
		}
		switch c.Outcome {
		case Bad:
			for _, id := range a.Refutes {
				j.refute(id, e, said)
			}
		case Good:
			if a.Declared && j.updates(c.Detail) == "" {
				continue
			}
			for _, id := range a.Supports {
				j.support(id, e, class, a.Whole, said)
			}
		}
	}
	for _, k := range t.Keys {
		if j.keys == nil {
			j.keys = map[string][]keyOf{}
		}
		j.keys[k.SHA256] = append(j.keys[k.SHA256], keyOf{t.Device.MAC, Pointer{Source: source, At: "key of " + k.Port}})
	}
	for _, m := range t.Told.Models {
		if names(m, j.Product.Model) {
			j.models = append(j.models, Pointer{Source: source, At: "told " + m})
			break
		}
	}
	j.ports(e, source)
}

// ports compares what is open with what the maker says that must be: 5.6-1 and 5.6-5.
func (j *judge) ports(e *Evidence, source int) {
	if j.Declaration == nil || len(e.transcript.Open) == 0 {
		return
	}
	x := &j.Declaration.IXIT
	if len(x.SoftServ)+len(x.LogIntf) == 0 {
		return // the maker does not say: that is told as a table that is missing
	}
	var declared []string
	for _, s := range x.SoftServ {
		if s.Enabled {
			declared = append(declared, s.Ports...)
		}
	}
	for _, l := range x.LogIntf {
		if l.Enabled {
			declared = append(declared, l.Ports...)
		}
	}
	var stray, open []string
	for _, s := range e.transcript.Open {
		open = append(open, s.Port)
		if !slices.Contains(declared, s.Port) {
			stray = append(stray, s.Port)
		}
	}
	at := []Pointer{{Source: source, At: "open " + strings.Join(open, ", ")}}
	if len(stray) > 0 {
		for _, id := range []string{"etsi.5.6-1", "etsi.5.6-5"} {
			j.refute(id, e, Said{"assess.reason.ports.stray", []any{"list", stray}, at})
		}
		return
	}
	j.support("etsi.5.6-1", e, j.looked(false), false, Said{"assess.reason.ports.declared", []any{"list", open, "n", len(e.transcript.Tried)}, at})
}
