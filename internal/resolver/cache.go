package resolver

import (
	"hash/maphash"
	"sync"
)

// cache holds answers within a bound of octets. Whom it forgets first is decided by SIEVE (Zhang et al., NSDI 2024):
// entries stand in the order in which they came, and a hand goes round that spares those seen since its last visit. So a
// hit moves nothing, and readers do not wait for each other.
type cache struct {
	seed   maphash.Seed
	shards [16]shard
}

type shard struct {
	mu             sync.RWMutex
	entries        map[string]*entry
	room           int // octets left
	newest, oldest *entry
	hand           *entry
}

func newCache(octets int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].entries = map[string]*entry{}
		c.shards[i].room = octets / len(c.shards)
	}
	return c
}

func (c *cache) shard(key []byte) *shard {
	return &c.shards[maphash.Bytes(c.seed, key)%uint64(len(c.shards))]
}

// get returns what is known, fresh or not, or nil.
func (c *cache) get(key []byte) *entry {
	s := c.shard(key)
	s.mu.RLock()
	e := s.entries[string(key)]
	s.mu.RUnlock()
	if e != nil && !e.seen.Load() {
		e.seen.Store(true)
	}
	return e
}

// put remembers e, in place of what was known. An entry belongs to one place only.
func (c *cache) put(key []byte, e *entry) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.entries[string(key)]; old != nil {
		s.remove(old)
	}
	e.key = string(key)
	size := e.size()
	for s.room < size && s.oldest != nil {
		s.evict()
	}
	if s.room < size {
		return // larger than all the room there is
	}
	s.room -= size
	s.entries[e.key] = e
	if e.older = s.newest; e.older != nil {
		e.older.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

func (s *shard) evict() {
	e := s.hand
	if e == nil {
		e = s.oldest
	}
	for e.seen.Swap(false) {
		if e = e.newer; e == nil {
			e = s.oldest
		}
	}
	s.hand = e
	s.remove(e)
}

func (s *shard) remove(e *entry) {
	if s.hand == e {
		s.hand = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		s.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		s.oldest = e.newer
	}
	delete(s.entries, e.key)
	s.room += e.size()
	e.newer, e.older = nil, nil
}

// clear forgets everything.
func (c *cache) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for s.oldest != nil {
			s.remove(s.oldest)
		}
		s.mu.Unlock()
	}
}
