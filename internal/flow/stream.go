package flow

import "math/bits"

// Streams keeps, for directions of flows that are still being dissected, the octets that no dissector has consumed:
// the beginning of a message that goes on in the next segment, and segments that came early. Its memory is bounded.
type Streams struct {
	max    int // octets
	octets int // of memory that the streams take, spare one included
	list   []stream
	free   []uint32
	spare  [2]spare // of data and of scratch: what was pending can still be read when scratch takes memory
	Lost   uint64   // times that there was no memory to go on with a direction
}

// NewStreams makes a pool that takes at most limit octets.
func NewStreams(limit int) *Streams { return &Streams{max: limit} }

type stream struct {
	data    []byte // in order, not consumed
	scratch []byte // the dissector's
	held    []held // came early, in order of sequence number
}

type held struct {
	seq  uint32
	data []byte
}

// spare is memory that was given back, for what comes next: by the logarithm of its size, all sizes being powers of two.
type spare [maxClass + 1][][]byte

const (
	ofData    = 0
	ofScratch = 1

	minClass = 6  // 64 octets
	maxClass = 16 // twice what a dissector is ever shown
)

const (
	maxHeld       = 16       // segments that came early, for each direction
	maxHeldOctets = 64 << 10 // in them

	// about what a stream and a segment that is held take beside their octets
	streamSize = 128
	heldSize   = 64
)

// get is the stream of a direction, which begins one where there is none; nil when the pool is full.
func (s *Streams) get(a *App) *stream {
	if a.Stream == 0 {
		if !s.take(streamSize) {
			return nil
		}
		if n := len(s.free); n > 0 {
			a.Stream = s.free[n-1]
			s.free = s.free[:n-1]
		} else {
			s.list = append(s.list, stream{})
			a.Stream = uint32(len(s.list))
		}
	}
	return &s.list[a.Stream-1]
}

// Drop forgets what is kept for a direction.
func (s *Streams) Drop(a *App) {
	if a.Stream == 0 {
		return
	}
	st := &s.list[a.Stream-1]
	for i := range st.held {
		s.octets -= heldSize + len(st.held[i].data)
	}
	s.giveBack(ofData, st.data)
	s.giveBack(ofScratch, st.scratch)
	*st = stream{}
	s.octets -= streamSize
	s.free = append(s.free, a.Stream)
	a.Stream = 0
}

// Pending is what was kept of a direction's stream, in order. It is valid until the next call.
func (s *Streams) Pending(a *App) []byte {
	if a.Stream == 0 {
		return nil
	}
	return s.list[a.Stream-1].data
}

// Scratch is the dissector's memory for a direction.
func (s *Streams) Scratch(a *App) []byte {
	if a.Stream == 0 {
		return nil
	}
	return s.list[a.Stream-1].scratch
}

// SetScratch keeps what the dissector left. It reports false, and keeps nothing new, when the pool is full.
func (s *Streams) SetScratch(a *App, b []byte) bool {
	if len(b) == 0 {
		if a.Stream != 0 {
			st := &s.list[a.Stream-1]
			s.giveBack(ofScratch, st.scratch)
			st.scratch = nil
		}
		return true
	}
	st := s.get(a)
	if st == nil {
		return false
	}
	room, ok := s.grow(ofScratch, st.scratch, len(b))
	if ok {
		st.scratch = append(room[:0], b...) // onto itself, if the dissector appended in place
	}
	return ok
}

// Append joins b to what is pending, and returns all of it. It reports false when the pool is full.
func (s *Streams) Append(a *App, b []byte) ([]byte, bool) {
	st := s.get(a)
	if st == nil {
		return nil, false
	}
	room, ok := s.grow(ofData, st.data, len(st.data)+len(b))
	if !ok {
		return nil, false
	}
	st.data = append(room, b...)
	return st.data, true
}

// Consume forgets the first n octets of what is pending.
func (s *Streams) Consume(a *App, n int) {
	if a.Stream == 0 || n == 0 {
		return
	}
	st := &s.list[a.Stream-1]
	if n >= len(st.data) {
		s.giveBack(ofData, st.data)
		st.data = nil
		return
	}
	st.data = st.data[:copy(st.data, st.data[n:])]
}

// Hold keeps a segment that came early. It reports false when there are too many.
func (s *Streams) Hold(a *App, seq uint32, b []byte) bool {
	st := s.get(a)
	if st == nil {
		return false
	}
	total := len(b)
	for i := range st.held {
		total += len(st.held[i].data)
	}
	if len(st.held) >= maxHeld || total > maxHeldOctets || !s.take(heldSize+len(b)) {
		return false
	}
	at := len(st.held)
	for at > 0 && int32(st.held[at-1].seq-seq) > 0 {
		at--
	}
	st.held = append(st.held, held{})
	copy(st.held[at+1:], st.held[at:])
	st.held[at] = held{seq, append([]byte(nil), b...)}
	return true
}

// Held reports whether segments wait for what came before them.
func (s *Streams) Held(a *App) bool { return a.Stream != 0 && len(s.list[a.Stream-1].held) > 0 }

// TakeHeld removes the first segment that waits, if it begins at or before next, or whatever it begins with when
// skip is set. It returns the part that lies at or after next, and where that ends.
func (s *Streams) TakeHeld(a *App, next uint32, skip bool) (b []byte, end uint32, ok bool) {
	if !s.Held(a) {
		return nil, 0, false
	}
	st := &s.list[a.Stream-1]
	h := st.held[0]
	early := int32(next - h.seq)
	if early < 0 && !skip {
		return nil, 0, false
	}
	n := copy(st.held, st.held[1:])
	st.held[n] = held{}
	st.held = st.held[:n]
	s.octets -= heldSize + len(h.data)
	end = h.seq + uint32(len(h.data))
	if early > 0 {
		h.data = h.data[min(int(early), len(h.data)):]
	}
	return h.data, end, true
}

// grow is b with room for n octets in all. It reports false when the pool has no room for them.
func (s *Streams) grow(of int, b []byte, n int) ([]byte, bool) {
	if n <= cap(b) {
		return b, true
	}
	class := max(bits.Len(uint(n-1)), minClass)
	var room []byte
	if class <= maxClass {
		if list := s.spare[of][class]; len(list) > 0 {
			room = list[len(list)-1]
			s.spare[of][class] = list[:len(list)-1]
		}
	}
	if room == nil {
		size := n
		if class <= maxClass && s.octets+1<<class <= s.max {
			size = 1 << class
		}
		if !s.take(size) {
			return b, false
		}
		room = make([]byte, 0, size)
	}
	room = append(room, b...)
	s.giveBack(of, b)
	return room, true
}

// giveBack takes the memory b, which is no longer needed.
func (s *Streams) giveBack(of int, b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if cap(b) != 1<<max(class, 0) || class < minClass || class > maxClass {
		s.octets -= cap(b)
		return
	}
	s.spare[of][class] = append(s.spare[of][class], b[:0])
}

// take takes n octets of memory, those of what is spare if there are no others.
func (s *Streams) take(n int) bool {
	if s.octets+n > s.max {
		for of := range s.spare {
			for class := range s.spare[of] {
				s.octets -= len(s.spare[of][class]) << class
				s.spare[of][class] = nil
			}
		}
	}
	if s.octets+n > s.max {
		s.Lost++
		return false
	}
	s.octets += n
	return true
}
