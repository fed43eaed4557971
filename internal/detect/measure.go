package detect

import (
	"encoding/binary"
	"math"
	"math/bits"

	"plimsoll.example/plimsoll/internal/frame"
)

// faded is a count that fades: what was counted one half-life ago counts half.
type faded struct {
	n  float64
	at int64
}

// add counts n more, seen from since until now, and returns the count. What took longer than the half-life counts as
// what of it is left.
func (f *faded) add(n float64, since, now, half int64) float64 {
	if dt := now - f.at; dt > 0 {
		f.n *= math.Exp2(-float64(dt) / float64(half))
		f.at = now
	}
	if span := float64(now-since) / float64(half) * math.Ln2; span > 0.01 {
		n *= -math.Expm1(-span) / span
	}
	f.n += n
	return f.n
}

// ring remembers the hashes that it was shown last.
type ring struct {
	seen [32]uint32
	next uint8
}

func (r *ring) has(h uint32) bool {
	for _, s := range r.seen {
		if s == h {
			return true
		}
	}
	return false
}

// add reports whether the hash is new to it.
func (r *ring) add(h uint32) bool {
	if r.has(h) {
		return false
	}
	r.seen[r.next%uint8(len(r.seen))] = h
	r.next++
	return true
}

// mix stirs x into a hash. There is no secret in it, so that each run gives the same.
func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x^0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
	return hi ^ lo
}

func mixAddr(h uint64, a *frame.Addr) uint64 {
	if h = mix(h, binary.LittleEndian.Uint64(a[8:])); !a.Is4() {
		h = mix(h, binary.LittleEndian.Uint64(a[:8]))
	}
	return h
}

// hashAddr is never 0, which is an empty place.
func hashAddr(a *frame.Addr) uint32 { return uint32(mixAddr(0, a)) | 1 }

// door lets only those in who knock often: most of what goes by comes once or twice, and needs no state. It may let in
// somebody whose knocks others have made; that costs a little.
type door struct {
	knocks [8192]uint8
	need   uint8
	half   int64 // all is halved after so long
	at     int64
}

func newDoor(need uint8, half int64) *door { return &door{need: need, half: half} }

// knock counts, and reports whether it was often enough.
func (d *door) knock(h uint64, now int64) bool {
	if now-d.at >= d.half {
		for i := 0; i < len(d.knocks); i += 8 { // eight together, since there are long captures of little
			n := binary.NativeEndian.Uint64(d.knocks[i:])
			binary.NativeEndian.PutUint64(d.knocks[i:], n>>1&0x7f7f7f7f7f7f7f7f)
		}
		d.at = now
	}
	n := &d.knocks[h%uint64(len(d.knocks))]
	if *n < d.need {
		*n++
	}
	return *n >= d.need
}

// open reports whether who knocked was let in, perhaps.
func (d *door) open(h uint64) bool { return d.knocks[h%uint64(len(d.knocks))] >= d.need/2 }

// majority is who most of a run of packets come from, if anyone sends more than half (Boyer and Moore).
type majority[T comparable] struct {
	who  T
	lead uint32
}

func (m *majority[T]) add(x T) {
	switch {
	case m.who == x:
		m.lead++
	case m.lead == 0:
		m.who, m.lead = x, 1
	default:
		m.lead--
	}
}

// source is who sends a run of packets: one address; one device that forges addresses; or many.
type source struct {
	parties majority[Party]
	macs    majority[frame.MAC]
	n, here uint32 // packets; and those from next door
}

func (s *source) add(e *Event) {
	s.parties.add(e.Party(int(e.Dir)))
	s.macs.add(e.MAC[e.Dir])
	s.n++
	if nextDoor(e.TTL) {
		s.here++
	}
}

// crowd reports whether no address sent much of it.
func (s *source) crowd() bool { return s.parties.lead < s.n/4 }

// party is one address if that sent nearly all, or else the device that did, if they come from no further away.
func (s *source) party() Party {
	switch {
	case s.parties.lead >= s.n/2+s.n/4:
		return s.parties.who
	case s.macs.lead >= s.n/2 && s.here >= s.n-s.n/10:
		return Party{MAC: s.macs.who}
	}
	return Party{}
}

// nextDoor reports whether a time to live is what hosts begin with: what a router carries has lost a hop or more
// (RFC 1812 §5.3.1).
func nextDoor(ttl uint8) bool { return ttl == 32 || ttl == 64 || ttl == 128 || ttl == 255 }

// paces tells how fast flows grow.
type paces struct{ table *Table[flowKey, pace] }

type flowKey struct {
	addr  [2]frame.Addr
	port  [2]uint16
	proto uint8
}

type pace struct {
	packets uint64
	at      int64
}

func newPaces() paces { return paces{NewTable[flowKey, pace](1024)} }

// grew is how many packets the sender of the packet has sent in the flow since it was asked last, and since when: at
// least that packet, also where a clock that was set back makes a new flow look like the last one.
func (p paces) grew(e *Event) (n uint64, since int64) {
	key := flowKey{e.Addr, e.Port, e.Proto}
	if e.Dir != 0 {
		key.addr[0], key.addr[1] = key.addr[1], key.addr[0]
		key.port[0], key.port[1] = key.port[1], key.port[0]
	}
	s, fresh := p.table.Get(key)
	if fresh || s.at < e.First || s.packets > e.Packets[e.Dir] {
		*s = pace{0, e.First}
	}
	n, since = max(1, e.Packets[e.Dir]-s.packets), s.at
	*s = pace{e.Packets[e.Dir], e.Time}
	return n, since
}

// isGroup reports whether an address is that of a group, or broadcast.
func isGroup(a *frame.Addr) bool {
	return a[0] == 0xff || a.Is4() && (a[12]>>4 == 14 || *a == frame.Addr{10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff})
}

// isUnspecified reports whether an address is none: 0.0.0.0 or ::.
func isUnspecified(a *frame.Addr) bool { return a.IsZero() || *a == frame.Addr{10: 0xff, 11: 0xff} }

// ports is a set of ports.
type ports [1024]uint64

func portSet(list ...uint16) *ports {
	p := new(ports)
	for _, n := range list {
		p[n/64] |= 1 << (n % 64)
	}
	return p
}

func (p *ports) has(n uint16) bool { return p[n/64]>>(n%64)&1 != 0 }
