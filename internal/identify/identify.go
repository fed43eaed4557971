// Package identify says what a device is: kind, maker, model and category, with a confidence and the
// observations behind it.
//
// It knows nothing but what the files in the folder knowledge say. Each of their entries tells how sure
// one would be of a category and of a maker having seen this one thing; what several observations say is
// combined as independent evidence unless they belong to one family, where the strongest speaks for all.
package identify

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

// Subject is a device to be identified.
type Subject struct {
	MAC          frame.MAC
	Randomised   bool                 // MAC was made up, by the device or its software
	Observations []device.Observation // distinct by fact and value, in the order first seen
}

// What it takes to say something. Below, silence is the better answer.
const (
	sureCategory = 0.60
	sureKind     = 0.70
	telling      = 0.45 // of one observation: how likely it makes what it tells of
	sureAlone    = 0.88 // a category or kind that only one sort of circumstance speaks for
	sureMaker    = 0.75
	sureModel    = 0.60
	mostSure     = 0.99 // no passive look is surer

	maxHits    = 128 // entries that may speak of one device
	maxMakers  = 24  // makers that may be weighed for one device
	maxReasons = 8

	second  = 0.30 // weight of the second that says the same in one family; the third has none
	further = 0.85 // weight of what agrees with something stronger of another family: they are not quite independent

	agrees     = 0.5  // what it must add to the logarithm of the odds to be said to agree
	priorMaker = 0.01 // share of a maker before anything was seen
)

// hit is an entry that matched an observation.
type hit struct {
	maker    string // that it names, or ""
	captured string
	from     int32   // the observation; below zero: own observation -1-from
	damp     float32 // of a cloud among several: how much of it counts
	weight   float32 // how much of what it says of the category counts
	entry    uint16
}

// scratch is the memory of one identification.
type scratch struct {
	hits     [maxHits]hit
	n        int
	own      [4]device.Observation // what was derived, not observed
	nOwn     int
	makers   [maxMakers]candidate
	nMaker   int
	assignee string  // of the address, as the IEEE writes it
	made     *belief // what the maker makes, where no hit brought it
}

// candidate is a maker that is weighed.
type candidate struct {
	name    string
	logOdds [families]float32 // of the strongest of each family: what it adds to the logarithm of the odds
	score   float64           // logarithm of the odds, all families together
	joined  bool              // with a brand of its own
}

// Identify weighs what was observed of one device.
func (k *Knowledge) Identify(s Subject) device.Identity {
	var w scratch
	k.collect(&s, &w)
	score := k.weigh(&w)
	l := k.likely(&score)
	k.weighMakers(&w, float32(min(l.kind[kindGeneral]+l.kind[kindInfrastructure], mostSure)))
	maker, sure := w.bestMaker()
	if m := k.makes[maker]; m != nil && sure >= 0.5 && !w.tellsOf(k, maker) {
		// What a maker makes is evidence too, unless what told of the maker already brought it.
		for i := range k.categories {
			score[i] += m.log[i] * float32(sure) * further
		}
		w.made = m
		l = k.likely(&score)
	}
	return k.conclude(&s, &w, l, maker, sure)
}
