package flow

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

func TestOctetsThatAreNotConsumedStay(t *testing.T) {
	s := NewStreams(10_000)
	var a, b App
	if s.Pending(&a) != nil || s.Held(&a) || s.Scratch(&a) != nil {
		t.Error("something is kept from the beginning")
	}
	s.Append(&a, []byte("hello "))
	s.Append(&b, []byte("other"))
	if all, ok := s.Append(&a, []byte("world")); !ok || string(all) != "hello world" {
		t.Errorf("%q", all)
	}
	s.Consume(&a, 6)
	if got := s.Pending(&a); string(got) != "world" {
		t.Errorf("%q", got)
	}
	s.Consume(&a, 100)
	if got := s.Pending(&a); len(got) != 0 {
		t.Errorf("%q is left of what was consumed", got)
	}
	s.Drop(&a)
	s.Drop(&a)
	if got := s.Pending(&b); string(got) != "other" {
		t.Errorf("%q", got)
	}
	var c App
	s.Append(&c, []byte("new"))
	if got := s.Pending(&c); string(got) != "new" || len(s.Scratch(&c)) > 0 {
		t.Errorf("%q, scratch %q: what a former stream left", got, s.Scratch(&c))
	}
}

func TestScratchLasts(t *testing.T) {
	s := NewStreams(1000)
	var a App
	if !s.SetScratch(&a, nil) || a.Stream != 0 {
		t.Error("nothing takes a stream")
	}
	s.SetScratch(&a, []byte("one"))
	if !s.SetScratch(&a, append(s.Scratch(&a), " two"...)) || string(s.Scratch(&a)) != "one two" {
		t.Errorf("%q", s.Scratch(&a))
	}
	s.SetScratch(&a, s.Scratch(&a)[:2])
	if !s.SetScratch(&a, append(s.Scratch(&a), 'e')) || string(s.Scratch(&a)) != "one" {
		t.Errorf("%q", s.Scratch(&a))
	}
	if s.SetScratch(&a, make([]byte, 2000)) || string(s.Scratch(&a)) != "one" || s.Lost != 1 {
		t.Errorf("more than there is memory for: %q, lost %d", s.Scratch(&a), s.Lost)
	}
	if !s.SetScratch(&a, nil) || len(s.Scratch(&a)) != 0 {
		t.Errorf("%q", s.Scratch(&a))
	}
}

// take removes the segments that wait, as far as they join next.
func take(s *Streams, a *App, next uint32, skip bool) string {
	var got []string
	for {
		b, end, ok := s.TakeHeld(a, next, skip)
		if !ok {
			return strings.Join(got, "|")
		}
		got, skip = append(got, string(b)), false
		if int32(end-next) > 0 {
			next = end
		}
	}
}

func TestHeldSegmentsComeInOrder(t *testing.T) {
	const base = uint32(0xfffffffa) // the sequence numbers wrap at "g"
	text := "abcdefghijklmnopqrstuvwxyz"
	for _, c := range []struct {
		name  string
		hold  [][2]int // from, to
		next  int
		skip  bool
		want  string
		waits bool
	}{
		{"in order", [][2]int{{2, 5}, {5, 9}, {9, 12}}, 2, false, "cde|fghi|jkl", false},
		{"reversed", [][2]int{{9, 12}, {5, 9}, {2, 5}}, 2, false, "cde|fghi|jkl", false},
		{"a gap before them", [][2]int{{3, 5}, {5, 7}}, 2, false, "", true},
		{"a gap, given up", [][2]int{{3, 5}, {5, 7}}, 2, true, "de|fg", false},
		{"a gap between", [][2]int{{2, 5}, {6, 9}}, 2, false, "cde", true},
		{"seen in part", [][2]int{{2, 6}}, 4, false, "ef", false},
		{"seen whole", [][2]int{{2, 6}, {3, 9}}, 7, false, "|hi", false},
		{"twice", [][2]int{{2, 6}, {2, 6}}, 2, false, "cdef|", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewStreams(100_000)
			var a App
			for _, h := range c.hold {
				if !s.Hold(&a, base+uint32(h[0]), []byte(text[h[0]:h[1]])) {
					t.Fatal("refused")
				}
			}
			if got := take(s, &a, base+uint32(c.next), c.skip); got != c.want || s.Held(&a) != c.waits {
				t.Errorf("%q, want %q; more waits: %v", got, c.want, s.Held(&a))
			}
		})
	}
}

func TestHeldSegmentsAreBounded(t *testing.T) {
	s := NewStreams(1 << 20)
	var many, large App
	for i := range maxHeld {
		if !s.Hold(&many, uint32(i), []byte{1}) {
			t.Fatalf("segment %d is refused", i)
		}
	}
	if s.Hold(&many, 100, []byte{1}) {
		t.Error("a segment too many is held")
	}
	n := 0
	for s.Hold(&large, uint32(n), make([]byte, 9000)) {
		n++
	}
	if n != maxHeldOctets/9000 {
		t.Errorf("%d segments of 9000 octets are held", n)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	const limit = 1 << 20
	for _, c := range []struct {
		name string
		size int // of what is kept for each direction
	}{{"an octet each", 1}, {"much each", 30_000}} {
		for _, keep := range []struct {
			name string
			keep func(s *Streams, a *App, b []byte) bool
		}{
			{"pending", func(s *Streams, a *App, b []byte) bool { _, ok := s.Append(a, b); return ok }},
			{"consumed but for an octet", func(s *Streams, a *App, b []byte) bool {
				_, ok := s.Append(a, append([]byte{0}, b...))
				s.Consume(a, len(b))
				return ok
			}},
			{"scratch", func(s *Streams, a *App, b []byte) bool { return s.SetScratch(a, b) }},
			{"held", func(s *Streams, a *App, b []byte) bool { return s.Hold(a, 5, b) }},
		} {
			t.Run(c.name+"/"+keep.name, func(t *testing.T) {
				s := NewStreams(limit)
				apps := make([]App, 20_000)
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				kept := 0
				for i := range apps {
					if keep.keep(s, &apps[i], make([]byte, c.size)) {
						kept++
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > limit*3/2 || s.octets > limit {
					t.Errorf("%d octets of memory are in use, %d counted, of %d", grown, s.octets, limit)
				}
				if kept == 0 || kept == len(apps) || s.Lost != uint64(len(apps)-kept) {
					t.Errorf("%d kept, %d lost", kept, s.Lost)
				}
				// when all is over, others have room again
				for i := range apps {
					s.Drop(&apps[i])
				}
				var a App
				if _, ok := s.Append(&a, make([]byte, 32<<10)); !ok {
					t.Error("nothing is left for who comes later")
				}
				runtime.KeepAlive(s)
			})
		}
	}
}

// TestStreamsKeepWhatTheyAreGiven does at random what the engine does, and compares with a model.
func TestStreamsKeepWhatTheyAreGiven(t *testing.T) {
	for n := range uint64(30) {
		rng := rand.New(rand.NewPCG(3, n))
		s := NewStreams([]int{5_000, 50_000, 1 << 20}[n%3])
		var apps [20]App
		var pending, scratch [20][]byte
		for step := range 1000 {
			i := rng.IntN(len(apps))
			a := &apps[i]
			b := make([]byte, rng.IntN(300))
			for j := range b {
				b[j] = byte(rng.Uint32())
			}
			switch rng.IntN(6) {
			case 0, 1:
				if all, ok := s.Append(a, b); ok {
					pending[i] = append(pending[i], b...)
					if !bytes.Equal(all, pending[i]) {
						t.Fatalf("seed %d, step %d: Append", n, step)
					}
				}
			case 2:
				k := rng.IntN(500)
				s.Consume(a, k)
				pending[i] = pending[i][min(k, len(pending[i])):]
			case 3:
				next := append(s.Scratch(a), b...) // in place, if there is room
				want := bytes.Clone(next)
				if rng.IntN(4) == 0 {
					next, want = nil, nil
				}
				if s.SetScratch(a, next) {
					scratch[i] = want
				}
			case 4:
				s.Hold(a, rng.Uint32N(5), b)
			case 5:
				if rng.IntN(4) == 0 {
					s.Drop(a)
					pending[i], scratch[i] = nil, nil
				} else {
					s.TakeHeld(a, rng.Uint32N(5), rng.IntN(2) == 0)
				}
			}
			if !bytes.Equal(s.Pending(a), pending[i]) || !bytes.Equal(s.Scratch(a), scratch[i]) {
				t.Fatalf("seed %d, step %d: other octets are kept", n, step)
			}
			count := 0
			for j := range s.list {
				st := &s.list[j]
				count += cap(st.data) + cap(st.scratch)
				for _, h := range st.held {
					count += heldSize + len(h.data)
				}
			}
			for _, lists := range s.spare {
				for _, list := range lists {
					for _, b := range list {
						count += cap(b)
					}
				}
			}
			count += (len(s.list) - len(s.free)) * streamSize
			if count != s.octets || count > s.max {
				t.Fatalf("seed %d, step %d: %d octets, counted %d, at most %d", n, step, count, s.octets, s.max)
			}
		}
	}
}
