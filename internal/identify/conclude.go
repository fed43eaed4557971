package identify

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
)

// conclude says what follows.
func (k *Knowledge) conclude(s *Subject, w *scratch, l likelihood, maker string, makerSure float64) device.Identity {
	id := device.Identity{Kind: device.Unknown}
	kind := 0
	for i := range l.kind {
		if l.kind[i] > l.kind[kind] {
			kind = i
		}
	}
	best := k.categories[l.best]
	ofCategory := func(b *belief) float32 { return b.log[l.best] }
	ofKind := func(b *belief) float32 { return b.kind[kind] }
	var gain func(*belief) float32 // how much a belief speaks for what is said
	switch {
	case best.said && l.share >= k.least(w, sureCategory, best.share, ofCategory):
		id.Category, id.Kind, id.Confidence, gain = best.name, kindNames[best.kind], l.share, ofCategory
	case l.kind[kind] >= k.least(w, sureKind, k.shareOf(kind), ofKind):
		id.Kind, id.Confidence, gain = kindNames[kind], l.kind[kind], ofKind
	case makerSure >= sureMaker:
		id.Confidence = min(makerSure, mostSure)
	}
	if makerSure >= sureMaker {
		id.Maker = maker
		id.Model = k.model(w, id)
	}
	id.Confidence = math.Round(id.Confidence*1000) / 1000
	id.Because = k.reasons(s, w, id, gain)
	return id
}

// least is how likely something must be to be said: as sure if the device tells of it itself, or if two sorts
// of circumstance agree; surer if there is one alone. A port or a made-up address alone is never enough. prior
// is how likely it was before, and gain how much a belief adds to that.
func (k *Knowledge) least(w *scratch, sure float32, prior float64, gain func(*belief) float32) float64 {
	var agreeing uint32 // families
	alone := func(b *belief, weight float32) float64 {
		return min(prior*math.Exp(float64(gain(b)*weight)), mostSure)
	}
	for j := range w.hits[:w.n] {
		h := &w.hits[j]
		e := &k.entries[h.entry]
		if e.what == nil || h.weight == 0 {
			continue
		}
		p := alone(e.what, h.weight)
		if logit(p)-logit(prior) < agrees {
			continue
		}
		if p >= telling && e.family.tells() {
			return float64(sure)
		}
		agreeing |= 1 << e.family
		if e.where != nil && e.where.field == fieldAssignee {
			agreeing |= 1 << familyOUI
		}
	}
	if w.made != nil && logit(alone(w.made, further))-logit(prior) >= agrees {
		agreeing |= 1 << familyOUI
	}
	switch {
	case bits.OnesCount32(agreeing) >= 2:
		return float64(sure)
	case agreeing == 1<<familyOUI, agreeing == 1<<familyRole, agreeing == 1<<familyTraffic:
		return sureAlone
	}
	return 1
}

// shareOf is how likely a kind was before anything was seen.
func (k *Knowledge) shareOf(kind int) (sum float64) {
	for _, c := range k.categories {
		if int(c.kind) == kind {
			sum += c.share
		}
	}
	return sum
}

// model is the model that the surest hit names, among those that agree with what else is said.
func (k *Knowledge) model(w *scratch, id device.Identity) string {
	best, sure := "", float32(sureModel)
	for j := range w.hits[:w.n] {
		h := &w.hits[j]
		e := &k.entries[h.entry]
		if e.model == "" || e.modelSure < sure || e.modelSure == sure && best != "" {
			continue
		}
		if h.maker != "" && !k.same(h.maker, id.Maker) {
			continue
		}
		if id.Category != "" && e.what != nil && k.categories[e.what.top].name != id.Category {
			continue
		}
		captured := h.captured
		if shouted(e.pattern) && captured == strings.ToLower(captured) {
			captured = strings.ToUpper(captured) // the DNS and its kin are not sure to keep capitals
		}
		if name := strings.TrimSpace(strings.Replace(e.model, "$1", captured, 1)); name != "" {
			best, sure = name, e.modelSure
		}
	}
	return best
}

// shouted reports whether what a pattern captures is written in capitals.
func shouted(p string) bool {
	_, p, _ = strings.Cut(p, "(")
	p, _, _ = strings.Cut(p, ")")
	return p != strings.ToLower(p) && p == strings.ToUpper(p)
}

// reasons lists the observations that speak for id, strongest first.
func (k *Knowledge) reasons(s *Subject, w *scratch, id device.Identity, gain func(*belief) float32) []device.Reason {
	var all [maxHits]struct {
		from   int32
		weight float32
	}
	n := 0
	for j := range w.hits[:w.n] {
		h := &w.hits[j]
		e := &k.entries[h.entry]
		weight := float32(0)
		if gain != nil && e.what != nil {
			weight += max(0, gain(e.what)) * h.weight
		}
		if id.Maker != "" && k.same(h.maker, id.Maker) {
			weight += float32(max(0, logit(float64(e.makerSure))-logit(priorMaker))) * h.damp
		}
		if weight < 0.05 {
			continue
		}
		at := 0
		for at < n && all[at].from != h.from {
			at++
		}
		if at == n {
			n++
			all[at].from = h.from
		}
		all[at].weight = max(all[at].weight, weight)
	}
	slices.SortStableFunc(all[:n], func(a, b struct {
		from   int32
		weight float32
	},
	) int {
		return cmp.Compare(b.weight, a.weight)
	})
	because := make([]device.Reason, min(n, maxReasons))
	for i := range because {
		o := w.observation(s, all[i].from)
		because[i] = device.Reason{Fact: o.Fact, Value: o.Value, Packet: o.Packet, Weight: math.Round(float64(all[i].weight)*100) / 100}
	}
	return because
}

// same reports whether a and b are one maker, or a owns the brand b.
func (k *Knowledge) same(a, b string) bool { return a == b || a != "" && k.owners[b] == a }
