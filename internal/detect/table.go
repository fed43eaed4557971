package detect

// Table keeps a state for each of the keys that were asked for lately, and forgets the one that was quiet longest when
// it is full. Its memory is bounded, and nothing is allocated once it is.
type Table[K comparable, V any] struct {
	max     int
	index   map[K]int32
	entries []tableEntry[K, V]
	newest  int32
	oldest  int32
	// Forget, if set, is called for a state before it is forgotten.
	Forget func(k K, v *V)
}

type tableEntry[K comparable, V any] struct {
	key          K
	newer, older int32 // -1: none
	value        V
}

// NewTable makes a table of limit states at most.
func NewTable[K comparable, V any](limit int) *Table[K, V] {
	return &Table[K, V]{max: limit, index: map[K]int32{}, newest: -1, oldest: -1}
}

// Len is how many states there are.
func (t *Table[K, V]) Len() int { return len(t.entries) }

// Look is the state of a key, or nil; it does not count as asking for it.
func (t *Table[K, V]) Look(k K) *V {
	if i, ok := t.index[k]; ok {
		return &t.entries[i].value
	}
	return nil
}

// Get is the state of a key; fresh, and zero, if there was none. It is valid until the next Get.
func (t *Table[K, V]) Get(k K) (v *V, fresh bool) {
	if t.newest >= 0 && t.entries[t.newest].key == k {
		return &t.entries[t.newest].value, false
	}
	i, ok := t.index[k]
	if ok {
		t.unlink(i)
		t.link(i)
		return &t.entries[i].value, false
	}
	if len(t.entries) < t.max {
		i = int32(len(t.entries))
		t.entries = append(t.entries, tableEntry[K, V]{})
	} else {
		i = t.oldest
		e := &t.entries[i]
		if t.Forget != nil {
			t.Forget(e.key, &e.value)
		}
		t.unlink(i)
		delete(t.index, e.key)
		clear(t.entries[i : i+1])
	}
	t.entries[i].key = k
	t.index[k] = i
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
