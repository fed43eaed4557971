package auth

import (
	"net/netip"
	"sync"
	"time"
)

// How often somebody may try to come in.
const (
	burst   = 10          // attempts at once
	refill  = time.Minute // until there is one more
	sources = 4096        // that are remembered
)

// limiter counts attempts by where they come from; IPv6 by the network, for one machine has all of its addresses.
type limiter struct {
	mu     sync.Mutex
	counts map[netip.Prefix]*bucket
}

type bucket struct {
	left int
	at   time.Time
}

func newLimiter() *limiter { return &limiter{counts: map[netip.Prefix]*bucket{}} }

// source is what is counted; who has no address shares one count.
func source(from netip.Addr) netip.Prefix {
	from = from.Unmap().WithZone("")
	bits := 32
	if from.Is6() {
		bits = 64
	}
	key, err := from.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return key
}

// back gives an attempt back.
func (l *limiter) back(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.counts[source(from)]; b != nil {
		b.left = min(burst, b.left+1)
	}
}

// allow takes one attempt, if there is one left. Where more sources come than are remembered, those that were full
// again are forgotten first; if none is, the new one waits.
func (l *limiter) allow(from netip.Addr, now time.Time) bool {
	key := source(from)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.counts[key]
	if b == nil {
		if len(l.counts) >= sources && !l.forget(now) {
			return false
		}
		b = &bucket{burst, now}
		l.counts[key] = b
	}
	if n := int(now.Sub(b.at) / refill); n > 0 {
		b.left, b.at = min(burst, b.left+n), now
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

func (l *limiter) forget(now time.Time) (some bool) {
	for k, b := range l.counts {
		if now.Sub(b.at) > burst*refill {
			delete(l.counts, k)
			some = true
		}
	}
	return some
}
