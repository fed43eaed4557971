package detect

import "hash/maphash"

// Table keeps a state for each of the keys that were asked for lately, and forgets the one that was quiet longest when
// it is full. Its memory is bounded, and nothing is allocated once it is.
type Table[K comparable, V any] struct {
	max     int
	seed    maphash.Seed
	index   []int32 // open addressing, linear probing; places in entries, +1; a power of two, half of it empty at least
	entries []tableEntry[K, V]
	newest  int32
	oldest  int32
	// Forget, if set, is called for a state before it is forgotten.
	Forget func(k K, v *V)
}

type tableEntry[K comparable, V any] struct {
	key          K
	hash         uint32
	newer, older int32 // -1: none
	value        V
}

// NewTable makes a table of limit states at most.
func NewTable[K comparable, V any](limit int) *Table[K, V] {
	return &Table[K, V]{max: limit, seed: maphash.MakeSeed(), newest: -1, oldest: -1}
}

// Len is how many states there are.
func (t *Table[K, V]) Len() int { return len(t.entries) }

// Look is the state of a key, or nil; it does not count as asking for it.
func (t *Table[K, V]) Look(k K) *V {
	if len(t.entries) == 0 { // as most are where all is well
		return nil
	}
	if i := t.find(k, t.hash(k)); i >= 0 {
		return &t.entries[i].value
	}
	return nil
}

// Get is the state of a key; fresh, and zero, if there was none. It is valid until the next Get.
func (t *Table[K, V]) Get(k K) (v *V, fresh bool) {
	if t.newest >= 0 && t.entries[t.newest].key == k {
		return &t.entries[t.newest].value, false
	}
	hash := t.hash(k)
	i := t.find(k, hash)
	if i >= 0 {
		t.unlink(i)
		t.link(i)
		return &t.entries[i].value, false
	}
	if n := len(t.entries); n < t.max {
		if n == cap(t.entries) {
			t.grow()
		}
		i = int32(n)
		t.entries = t.entries[:n+1]
	} else {
		i = t.oldest
		e := &t.entries[i]
		if t.Forget != nil {
			t.Forget(e.key, &e.value)
		}
		t.unlink(i)
		t.remove(i)
		clear(t.entries[i : i+1])
	}
	t.entries[i].key, t.entries[i].hash = k, hash
	t.insert(i)
	t.link(i)
	return &t.entries[i].value, true
}

// All calls yield for each state, the one that was quiet longest first.
func (t *Table[K, V]) All(yield func(K, *V) bool) {
	for i := t.oldest; i >= 0; i = t.entries[i].newer {
		if !yield(t.entries[i].key, &t.entries[i].value) {
			return
		}
	}
}

func (t *Table[K, V]) hash(k K) uint32 { return uint32(maphash.Comparable(t.seed, k)) }

// find is the place of a key, or -1.
func (t *Table[K, V]) find(k K, hash uint32) int32 {
	if len(t.index) == 0 {
		return -1
	}
	mask := uint32(len(t.index) - 1)
	for at := hash & mask; t.index[at] != 0; at = (at + 1) & mask {
		if e := &t.entries[t.index[at]-1]; e.hash == hash && e.key == k {
			return t.index[at] - 1
		}
	}
	return -1
}

func (t *Table[K, V]) insert(i int32) {
	mask := uint32(len(t.index) - 1)
	at := t.entries[i].hash & mask
	for t.index[at] != 0 {
		at = (at + 1) & mask
	}
	t.index[at] = i + 1
}

// remove takes an entry out of the index. Those behind it, up to the next gap, move up where they may.
func (t *Table[K, V]) remove(i int32) {
	mask := uint32(len(t.index) - 1)
	gap := t.entries[i].hash & mask
	for t.index[gap] != i+1 {
		gap = (gap + 1) & mask
	}
	for at := (gap + 1) & mask; t.index[at] != 0; at = (at + 1) & mask {
		if home := t.entries[t.index[at]-1].hash & mask; (at-home)&mask >= (at-gap)&mask {
			t.index[gap] = t.index[at]
			gap = at
		}
	}
	t.index[gap] = 0
}

// grow makes room for twice as many states, or as many as there may be.
func (t *Table[K, V]) grow() {
	n := min(max(2*len(t.entries), 8), t.max)
	entries := make([]tableEntry[K, V], len(t.entries), n)
	copy(entries, t.entries)
	t.entries = entries
	size := 16
	for size < 2*n {
		size *= 2
	}
	t.index = make([]int32, size)
	for i := range t.entries {
		t.insert(int32(i))
	}
}

func (t *Table[K, V]) link(i int32) {
	e := &t.entries[i]
	e.newer, e.older = -1, t.newest
	if t.newest >= 0 {
		t.entries[t.newest].newer = i
	} else {
		t.oldest = i
	}
	t.newest = i
}

func (t *Table[K, V]) unlink(i int32) {
	e := &t.entries[i]
	if e.newer >= 0 {
		t.entries[e.newer].older = e.older
	} else {
		t.newest = e.older
	}
	if e.older >= 0 {
		t.entries[e.older].newer = e.newer
	} else {
		t.oldest = e.newer
	}
}
