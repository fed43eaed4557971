package resolver

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// limits bounds how much one client may ask. It is a table of a fixed size: who has asked for the longest time nothing
// is forgotten first, which only ever allows more.
type limits struct {
	seed  maphash.Seed
	start time.Time
	each  time.Duration // between two queries in the long run
	sets  []limitSet
}

type limitSet struct {
	mu      sync.Mutex
	clients [4]struct {
		who  netip.Prefix
		next time.Duration // since start: when the client will have made up for what it has asked
	}
}

const (
	limitSets = 1024
	burst     = 2 * time.Second // of queries, at once
	// A home has one /64 for all, so it may ask for more than each of its addresses.
	networkShare = 8
)

func newLimits(perSecond int, now time.Time) *limits {
	return &limits{
		seed: maphash.MakeSeed(), start: now, each: time.Second / time.Duration(perSecond), sets: make([]limitSet, limitSets),
	}
}

// allow counts a query of a client, and reports whether it is to be answered.
func (l *limits) allow(client netip.Addr, now time.Time) bool {
	if l == nil {
		return true
	}
	at := now.Sub(l.start)
	if !l.take(netip.PrefixFrom(client, client.BitLen()), at, l.each) {
		return false
	}
	if client.Is4() {
		return true
	}
	network, err := client.Prefix(64)
	return err == nil && l.take(network, at, l.each/networkShare)
}

// take is the generic cell rate algorithm (ITU-T I.371).
func (l *limits) take(who netip.Prefix, at, each time.Duration) bool {
	set := &l.sets[maphash.Comparable(l.seed, who)%limitSets]
	set.mu.Lock()
	defer set.mu.Unlock()
	place := &set.clients[0]
	for i := range set.clients {
		c := &set.clients[i]
		if c.who == who {
			place = c
			break
		}
		if c.next < place.next {
			place = c
		}
	}
	if place.who != who {
		place.who, place.next = who, 0
	}
	next := max(place.next, at) + each
	if next > at+burst {
		return false
	}
	place.next = next
	return true
}
