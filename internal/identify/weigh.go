package identify

import (
	"cmp"
	"math"
	"slices"
)

// weigh adds up what the hits say of the category: natural logarithms of what it is worth relative to
// what was believed before.
func (k *Knowledge) weigh(w *scratch) [maxCategories]float32 {
	hits := w.hits[:w.n]
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Compare(k.strength(&b), k.strength(&a))
	})
	score := k.logPrior
	var earlier said
	var agreed [maxCategories]bool
	for j := range hits {
		h := &hits[j]
		e := &k.entries[h.entry]
		b := e.what
		if b == nil || k.spoken(hits[:j], h) {
			continue
		}
		support, against := earlier.add(e)
		if against == 0 {
			continue
		}
		h.weight, against = h.damp*support, h.damp*against
		if agreed[b.top] {
			h.weight *= further
			against *= further
		}
		agreed[b.top] = true
		for i := range k.categories {
			if v := b.log[i]; v > 0 {
				score[i] += v * h.weight
			} else {
				score[i] += v * against
			}
		}
	}
	return score
}

// spoken reports whether one observation has had its say: the most precise entry that it matches.
func (k *Knowledge) spoken(before []hit, h *hit) bool {
	for i := range before {
		b := &k.entries[before[i].entry]
		if before[i].from == h.from && b.fact == k.entries[h.entry].fact && b.what != nil {
			return true
		}
	}
	return false
}

// said counts what was said: of each category in each family, and in favour of each maker.
type said struct {
	category [families][maxCategories]uint8
	maker    [maxMakers]struct {
		name string
		in   [families]uint8
	}
	makers int
}

// add counts e and returns how much of it counts, in support of categories and against them. What speaks
// for a maker that something more precise spoke for before, in this family or another, tells of the same
// products once more: that supports little, but it still rules out what the maker does not make.
func (s *said) add(e *entry) (support, against float32) {
	c := &s.category[e.family][e.what.top]
	before := *c
	*c = min(*c+1, 2)
	support = 1
	if e.maker != "" {
		i := 0
		for i < s.makers && s.maker[i].name != e.maker {
			i++
		}
		switch {
		case i < s.makers:
			support = second
			n := &s.maker[i].in[e.family]
			before = max(before, *n)
			*n = min(*n+1, 2)
		case s.makers < len(s.maker):
			s.maker[i].name = e.maker
			s.maker[i].in[e.family] = 1
			s.makers++
		}
	}
	again := [...]float32{1, second, 0}[before]
	return support * again, again
}

// strength orders hits: the more precise first.
func (k *Knowledge) strength(h *hit) float32 {
	if b := k.entries[h.entry].what; b != nil {
		return b.strength * h.damp
	}
	return 0
}

// likelihood is what a score says.
type likelihood struct {
	kind  [kinds]float64 // of the categories of each kind together
	best  int            // the likeliest category
	share float64        // how likely that is
}

// likely turns a score into shares.
func (k *Knowledge) likely(score *[maxCategories]float32) (l likelihood) {
	const negligible = -12
	for i := range k.categories {
		if score[i] > score[l.best] {
			l.best = i
		}
	}
	sum := 0.0
	for i, c := range k.categories {
		if d := score[i] - score[l.best]; d > negligible {
			p := math.Exp(float64(d))
			sum += p
			l.kind[c.kind] += p
		}
	}
	for i := range l.kind {
		l.kind[i] = min(l.kind[i]/sum, mostSure)
	}
	l.share = min(1/sum, mostSure)
	return l
}

// weighMakers scores each maker that a hit names. The clouds that a general-purpose device or a router
// talks to say little of who made it: general is how likely it is one.
func (k *Knowledge) weighMakers(w *scratch, general float32) {
	for j := range w.hits[:w.n] {
		h := &w.hits[j]
		e := &k.entries[h.entry]
		if e.maker == "" {
			continue
		}
		sure := e.makerSure * h.damp
		if e.family == familyCloud {
			sure *= 1 - general
		}
		w.vote(h.maker, e.family, sure)
	}
	for i := range w.makers[:w.nMaker] {
		c := &w.makers[i]
		best, sum := float32(0), float32(0)
		for _, v := range c.logOdds {
			best = max(best, v)
			sum += v
		}
		c.score = float64(best+(sum-best)*further) + logit(priorMaker)
	}
	k.joinBrands(w)
}

// joinBrands lets what speaks for the owner of brands speak for the likeliest of them, if one is likely.
func (k *Knowledge) joinBrands(w *scratch) {
	makers := w.makers[:w.nMaker]
	for j := range makers {
		owner := &makers[j]
		var brand *candidate
		for i := range makers {
			if c := &makers[i]; k.owners[c.name] == owner.name && c.score > 0 && (brand == nil || c.score > brand.score) {
				brand = c
			}
		}
		if brand != nil {
			brand.score += max(0, owner.score-logit(priorMaker)) * further
			owner.joined = true
		}
	}
}

// vote notes that a family speaks for a maker.
func (w *scratch) vote(name string, f family, sure float32) {
	if name == "" || sure <= priorMaker {
		return
	}
	i := slices.IndexFunc(w.makers[:w.nMaker], func(c candidate) bool { return c.name == name })
	if i < 0 {
		if w.nMaker == maxMakers {
			return
		}
		i = w.nMaker
		w.nMaker++
		w.makers[i].name = name
	}
	v := &w.makers[i].logOdds[f]
	*v = max(*v, float32(logit(float64(sure))-logit(priorMaker)))
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// bestMaker is the likeliest maker, and how likely.
func (w *scratch) bestMaker() (name string, sure float64) {
	best := 0.0
	sum := 1.0 // somebody else
	for i := range w.makers[:w.nMaker] {
		if w.makers[i].joined {
			continue
		}
		odds := math.Exp(min(w.makers[i].score, 50))
		sum += odds
		if odds > best {
			best, name = odds, w.makers[i].name
		}
	}
	return name, best / sum
}

// tellsOf reports whether something that names the maker also says of what sort the device is.
func (w *scratch) tellsOf(k *Knowledge, maker string) bool {
	return slices.ContainsFunc(w.hits[:w.n], func(h hit) bool {
		e := &k.entries[h.entry]
		return e.what != nil && e.maker == maker
	})
}
