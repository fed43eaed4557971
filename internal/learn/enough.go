package learn

import "time"

// Enough says how sure it is that all that the device does has been seen.
type Enough struct {
	Flows   uint64        `json:"flows"`
	Days    int           `json:"days"`
	Span    time.Duration `json:"span_ns"`
	Settled time.Duration `json:"settled_ns"` // since an entry was last added
	// Missing is the chance that the next conversation is of a kind that was not seen yet: the share of the
	// conversations that are the only one of their entry (Good, Biometrika 40, 1953).
	Missing float64 `json:"missing"`
	Sure    Sure    `json:"sure"`
}

// Sure is a verdict. The zero value is none.
type Sure string

// The verdicts.
const (
	NotYet   Sure = "not-yet"  // too short, or new things still come
	Somewhat Sure = "somewhat" // a day and more, and little new
	Quite    Sure = "quite"    // a week and more, and nothing new for a third of it
)

func (l *Learner) enough(list []entry) Enough {
	e := Enough{Sure: NotYet}
	var first, last, added time.Time
	once := uint64(0)
	seen := map[string]bool{}
	for i := range list {
		n := &list[i].count
		e.Flows += n.Flows
		if n.Flows == 1 {
			once++
		}
		if first.IsZero() || n.First.Before(first) {
			first = n.First
		}
		if n.Last.After(last) {
			last = n.Last
		}
		if n.First.After(added) {
			added = n.First
		}
		for _, d := range n.Days {
			seen[d] = true
		}
	}
	if e.Flows == 0 {
		e.Missing = 1
		return e
	}
	e.Days, e.Span, e.Settled = len(seen), last.Sub(first), last.Sub(added)
	e.Missing = float64(once) / float64(e.Flows)
	switch {
	case e.Span >= 7*24*time.Hour && e.Settled >= e.Span/3 && e.Missing <= 0.01:
		e.Sure = Quite
	case e.Span >= 24*time.Hour && e.Missing <= 0.05:
		e.Sure = Somewhat
	}
	return e
}
