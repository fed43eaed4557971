package assess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// pleas are all that is said about one norm.
type pleas struct {
	row     *Provision // of the ICS
	refutes []Said
	class   label.Class // of the best support
	whole   bool        // and it is all that the norm asks for
	support []Said
	aside   []Said // what decides nothing
	first   string
	last    string
	sources map[int]bool
}

// judge gathers what is said about norms.
type judge struct {
	*Input
	result *Result
	cases  map[string]*pleas
	shows  map[string][]Pointer // features of EN 303 645 that were seen
	keys   map[string][]keyOf   // public keys, by digest
	models []Pointer            // where the device names the product’s model itself
}

type keyOf struct {
	device string
	at     Pointer
}

func (j *judge) of(id string) *pleas {
	p := j.cases[id]
	if p == nil {
		p = &pleas{sources: map[int]bool{}}
		j.cases[id] = p
	}
	return p
}

// span widens the time that the evidence about a norm is from.
func (p *pleas) span(e *Evidence, source int) {
	if e == nil {
		return
	}
	p.sources[source] = true
	if e.First != "" && (p.first == "" || e.First < p.first) {
		p.first = e.First
	}
	p.last = max(p.last, e.Last)
}

// refute notes that evidence disproves a norm, if the catalogue lets evidence do that.
func (j *judge) refute(id string, e *Evidence, said Said) {
	n, ok := j.Catalogue.Norm(id)
	if !ok {
		return // evidence of a later edition
	}
	p := j.of(id)
	if !n.Evidence.Refutes() {
		p.aside = append(p.aside, Said{"assess.reason.direction.refutes", nil, said.At})
		return
	}
	p.refutes = append(p.refutes, said)
	p.span(e, said.At[0].Source)
}

// support notes that evidence supports a norm, if the catalogue lets evidence do that.
func (j *judge) support(id string, e *Evidence, class label.Class, whole bool, said Said) {
	n, ok := j.Catalogue.Norm(id)
	if !ok {
		return
	}
	p := j.of(id)
	if !n.Evidence.Confirms() && class != label.LabTested {
		p.aside = append(p.aside, Said{"assess.reason.direction.supports", nil, said.At})
		return
	}
	p.support = append(p.support, said)
	if class > p.class {
		p.class = class
	}
	p.whole = p.whole || whole
	p.span(e, said.At[0].Source)
}

// looked is the class of what captures and probes support: tested only if a laboratory saw all that the norm asks for.
func (j *judge) looked(whole bool) label.Class {
	if j.Lab != "" && whole {
		return label.LabTested
	}
	return label.Seen
}

// decide weighs all that is said about a norm.
func (j *judge) decide(n norms.Norm, p *pleas) Norm {
	out := Norm{Norm: n, First: p.first, Last: p.last, Sources: len(p.sources)}
	declared := supportUnsaid
	if p.row != nil {
		declared = p.row.Support
		out.Reasons = append(out.Reasons, j.declared(p.row))
		if p.row.Support == Supported {
			out.Class = label.Declared
		}
	}
	absent, key := j.condition(&n)
	switch {
	case len(p.refutes) > 0:
		out.Class, out.Verdict = label.Refuted, Fail
		if declared == Supported {
			out.Reasons = append(out.Reasons, Said{Key: "assess.reason.contradiction"})
		}
	case absent && len(j.shows[key]) > 0:
		out.Reasons = append(out.Reasons, Said{"assess.reason.condition.seen", []any{"key", key}, j.shows[key]})
		out.Class = label.NotClaimed
	case absent:
		out.Class, out.Verdict = label.Declared, NotApplicable
		out.Reasons = append(out.Reasons, Said{Key: "assess.reason.condition.false", Args: []any{"key", key}})
	case declared == NotSupported:
		out.Class, out.Verdict = label.NotClaimed, Fail
	case declared == DoesNotApply:
		out.Reasons = append(out.Reasons, Said{Key: "assess.reason.condition.unsaid"})
	case p.class > out.Class:
		out.Class = p.class
		if p.whole {
			out.Verdict = Pass
		}
	}
	out.Reasons = slices.Concat(out.Reasons, p.refutes, p.support, p.aside)
	if len(out.Reasons) == 0 {
		out.Reasons = []Said{{Key: "assess.reason.nothing"}}
	}
	out.Raise = j.raise(&out, p, declared)
	return out
}

// declared says what the maker says of a provision.
func (j *judge) declared(row *Provision) Said {
	at := []Pointer{{At: row.Provision}}
	key := map[Support]string{Supported: "yes", NotSupported: "no", DoesNotApply: "na"}[row.Support]
	text := row.Detail
	if row.Support != Supported {
		text = row.Justification
	}
	if strings.TrimSpace(text) == "" {
		return Said{"assess.reason.declared." + key + ".bare", []any{"by", j.Declaration.By}, at}
	}
	return Said{"assess.reason.declared." + key, []any{"by", j.Declaration.By, "text", text}, at}
}

// condition reports whether the maker declares that a condition of the norm is false, and which.
func (j *judge) condition(n *norms.Norm) (absent bool, key string) {
	if j.Declaration == nil || n.Source != etsi {
		return false, ""
	}
	for _, key := range n.Status.Conditions {
		if holds, said := j.Declaration.ICS.Conditions[key]; said && !holds {
			return true, key
		}
	}
	for _, key := range n.Status.Features {
		if holds, said := j.Declaration.ICS.Features[key]; said && !holds {
			return true, key
		}
	}
	return false, ""
}

// declaration takes the ICS, and what the maker’s answers say together.
func (j *judge) declaration() {
	d := j.Declaration
	if d.GTIN != j.Product.GTIN14() || !strings.EqualFold(d.Model, j.Product.Model) {
		j.problem("assess.problem.other", "declared", d.Model+" ("+d.GTIN+")", "product", j.Product.Model+" ("+j.Product.GTIN14()+")")
	}
	for i := range d.ICS.Provisions {
		row := &d.ICS.Provisions[i]
		n, _ := norm(j.Catalogue, row.Provision)
		j.of(n.ID).row = row
	}
	if u := d.IXIT.UserInfo; u != nil && u.SupportPeriod != "" && j.Product.Support != 0 && u.SupportPeriod != j.Product.Support.String() {
		j.problem("assess.problem.support", "declared", u.SupportPeriod, "product", j.Product.Support.String())
	}
	sensors := j.Product.Sensors.Words()
	for _, s := range d.IXIT.ExtSens {
		if s.Sensor != "" && !slices.Contains(sensors, s.Sensor) {
			j.problem("assess.problem.sensor", "id", s.ID, "sensor", s.Sensor)
		}
	}
	j.reasons()
}

// reasons looks whether each recommendation that is not met, or does not apply, has a reason on record: 5.0-1, of which
// the declaration itself is the evidence.
func (j *judge) reasons() {
	var bare []string
	said := 0
	for _, n := range j.Catalogue.All() {
		p := j.cases[n.ID]
		if n.Source != etsi || p == nil || p.row == nil || p.row.Support == Supported {
			continue
		}
		if said++; strings.TrimSpace(p.row.Justification) == "" {
			bare = append(bare, n.SourceID)
		}
	}
	if p := j.of("etsi.5.0-1"); len(bare) > 0 {
		p.aside = append(p.aside, Said{"assess.reason.unjustified", []any{"list", bare}, []Pointer{{At: "5.0-1"}}})
	} else if said > 0 {
		p.aside = append(p.aside, Said{"assess.reason.justified", []any{"n", said}, []Pointer{{At: "5.0-1"}}})
	}
}

func (j *judge) problem(key string, args ...any) {
	j.result.Problems = append(j.result.Problems, Said{Key: key, Args: args})
}

// evidence takes one file.
func (j *judge) evidence(e *Evidence, source int) error {
	switch e.Kind {
	case Capture:
		if e.Device == "" {
			return fmt.Errorf("%w: %s: nobody said which device is the product", ErrEvidence, e.Name)
		}
		j.capture(e, source)
	case Flows:
		j.flows(e, source)
	case Probe:
		j.probe(e, source)
	case Paper:
		j.paper(e, source)
	case Declared:
	}
	return nil
}

// paper takes a document that was handed in: it is the one that the declaration names, or it says nothing.
func (j *judge) paper(e *Evidence, source int) {
	if j.Declaration == nil {
		j.problem("assess.problem.paper", "name", e.Name)
		return
	}
	i := slices.IndexFunc(j.Declaration.Documents, func(d Document) bool { return d.SHA256 == e.SHA256 })
	if i < 0 {
		j.problem("assess.problem.paper", "name", e.Name)
		return
	}
	doc := &j.Declaration.Documents[i]
	at := []Pointer{{Source: source, At: doc.ID}}
	for k := range j.Declaration.ICS.Provisions {
		row := &j.Declaration.ICS.Provisions[k]
		if n, _ := norm(j.Catalogue, row.Provision); slices.Contains(row.Documents, doc.ID) {
			p := j.of(n.ID)
			p.aside = append(p.aside, Said{"assess.reason.document", []any{"title", doc.Title}, at})
		}
	}
	for _, provision := range doc.Covers {
		n, _ := norm(j.Catalogue, provision)
		if doc.Kind == "test-report" && j.Lab != "" && doc.By == j.Lab {
			j.support(n.ID, e, label.LabTested, true, Said{"assess.reason.report", []any{"title", doc.Title, "lab", j.Lab}, at})
			continue
		}
		p := j.of(n.ID)
		p.aside = append(p.aside, Said{"assess.reason.report.unknown", []any{"title", doc.Title, "by", doc.By}, at})
	}
}

// shared looks for keys that two units share: 5.4-4.
func (j *judge) shared() {
	for _, digest := range slices.Sorted(maps.Keys(j.keys)) {
		list := j.keys[digest]
		var devices []string
		var at []Pointer
		for _, k := range list {
			if k.device != "" && !slices.Contains(devices, k.device) {
				devices, at = append(devices, k.device), append(at, k.at)
			}
		}
		if len(devices) > 1 {
			j.refute("etsi.5.4-4", &j.Evidence[at[0].Source-1], Said{"assess.reason.key.shared", []any{"list", devices}, at})
		}
	}
	if len(j.models) > 0 {
		j.support("etsi.5.3-16", &j.Evidence[j.models[0].Source-1], j.looked(true), true, Said{"assess.reason.model", []any{"model", j.Product.Model}, j.models})
	}
}
