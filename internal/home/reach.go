package home

import (
	"slices"
	"sync"
	"time"
)

// Reach is that a device talked with a peer at addresses that are registered in a country. Where its data goes from there
// is not known.
type Reach struct {
	Device, Peer string
	Country      string // ISO 3166-1 alpha-2
	First, Last  time.Time
}

// MaxReaches bounds those that are read at once.
const MaxReaches = 20_000

// CountriesOf are those of each peer, by code, each once.
func CountriesOf(list []Reach) map[string][]string {
	of := map[string][]string{}
	for i := range list {
		r := &list[i]
		of[r.Peer] = append(of[r.Peer], r.Country)
	}
	for peer, codes := range of {
		slices.Sort(codes)
		of[peer] = slices.Compact(codes)
	}
	return of
}

// Reaches collects such until they are kept. Any number of goroutines may use it. The zero value is ready.
type Reaches struct {
	mu   sync.Mutex
	list map[reachKey]*Reach
}

type reachKey struct{ device, peer, country string }

// Add takes in one. There are too many of them only in a flood, of which no more is told.
func (x *Reaches) Add(r Reach) {
	k := reachKey{r.Device, r.Peer, r.Country}
	x.mu.Lock()
	defer x.mu.Unlock()
	if known := x.list[k]; known != nil {
		if r.First.Before(known.First) {
			known.First = r.First
		}
		if r.Last.After(known.Last) {
			known.Last = r.Last
		}
		return
	}
	if len(x.list) >= maxMetered {
		return
	}
	if x.list == nil {
		x.list = map[reachKey]*Reach{}
	}
	x.list[k] = &r
}

// Take is what was collected since it was last taken.
func (x *Reaches) Take() []Reach {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := make([]Reach, 0, len(x.list))
	for _, r := range x.list {
		out = append(out, *r)
	}
	x.list = nil
	return out
}
