package detect

import (
	"slices"
	"strconv"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

var spoofARPThresholds = []Threshold{
	{"spoof.arp.silence", 600, "seconds", "without a word from who has an address, after which another may take it: leases are given again, and devices replaced"},
	{"spoof.arp.grace", 2, "seconds", "that packets are on their way from who had an address before"},
	{"spoof.arp.claims", 2, "addresses", "that one device claims besides others' owners, so that it is no accident: two devices that were given one address by mistake claim that alone"},
}

// spoofARP finds who says that an address is his while its owner is there, and so has the owner's packets sent to him.
type spoofARP struct {
	*Watch
	silence, grace int64
	claims         int
	owners         *Table[frame.Addr, ownership]
	claimed        *Table[frame.MAC, claimed]
	contested      map[frame.Addr]bool
	ways           *Table[frame.MAC, way] // by which router a device reaches the Internet
	carriers       *Table[frame.MAC, int] // how many conversations a router carried
}

// ownership is who has an address, and who else says so.
type ownership struct {
	owner, rival frame.MAC
	heard        int64 // when the owner was last
	since        int64 // when the rival said so first
	packets      [2]uint64
	file         uint16
	record       *Record
}

// claimed is the addresses that a device says are its own.
type claimed struct {
	list    [8]frame.Addr
	n       int
	last    int64
	told    uint64 // in which packet it said the last new one
	answers int    // that told of one, as who is asked gives, and who was not asked
	took    *Record
}

type way struct {
	router frame.MAC
	last   int64
}

func newSpoofARP(w *Watch) Detector {
	s := &spoofARP{
		Watch: w, silence: w.Span("spoof.arp.silence"), grace: w.Span("spoof.arp.grace"), claims: int(w.Threshold("spoof.arp.claims")),
		owners: NewTable[frame.Addr, ownership](1024), claimed: NewTable[frame.MAC, claimed](512), contested: map[frame.Addr]bool{},
		ways: NewTable[frame.MAC, way](512), carriers: NewTable[frame.MAC, int](128),
	}
	return Detector{Fact: s.fact, Event: s.event, Facts: []string{"arp.address"}}
}

// virtual reports whether a link-layer address is one that routers share, so that one may stand in for another: VRRP and
// CARP (RFC 9568, Section 7.3), HSRP and GLBP (Cisco).
func virtual(m frame.MAC) bool {
	for _, p := range [...][5]byte{{0, 0, 0x5e, 0, 1}, {0, 0, 0x5e, 0, 2}, {0, 0, 0x0c, 7, 0xac}, {0, 7, 0xb4, 0, 1}} {
		if [5]byte(m[:5]) == p {
			return true
		}
	}
	return [4]byte(m[:4]) == [4]byte{0, 0, 0x0c, 0x9f}
}

func (s *spoofARP) fact(f *Fact) {
	a, ok := frame.ParseAddr(f.Value)
	if !ok || !a.Is4() || isUnspecified(&a) || a[12] == 169 && a[13] == 254 { // link-local: taken without asking anybody
		return
	}
	who := f.Frame.SrcMAC
	if who.IsZero() || virtual(who) {
		return
	}
	s.claim(who, a, f)
	o, fresh := s.owners.Get(a)
	switch {
	case fresh || o.owner == who && o.rival.IsZero():
		o.owner, o.heard = who, f.Time
		if fresh {
			o.packets[0], o.file = f.Number, f.File
		}
	case o.owner == who:
		s.again(a, o, f.Time, f.Evidence(""))
	case o.rival != who:
		if f.Time-o.heard > s.silence {
			*o = ownership{owner: who, heard: f.Time, packets: [2]uint64{f.Number}, file: f.File}
			delete(s.contested, a)
			return
		}
		o.rival, o.since, o.packets[1] = who, f.Time, f.Number
		if len(s.contested) < 256 {
			s.contested[a] = true
		}
	default:
		if f.Time-o.heard > s.silence { // the owner did not come back
			*o = ownership{owner: who, heard: f.Time, packets: [2]uint64{f.Number}, file: f.File}
			delete(s.contested, a)
		} else if o.record != nil {
			o.record.Add(1, f.Time)
		}
	}
}

// claim notes that a device says that an address is its own.
func (s *spoofARP) claim(who frame.MAC, a frame.Addr, f *Fact) {
	c, _ := s.claimed.Get(who)
	if !slices.Contains(c.list[:min(c.n, len(c.list))], a) {
		c.list[c.n%len(c.list)] = a
		c.n++
		c.told = f.Number
		if string(f.Lookup("op")) == "reply" {
			c.answers++
		}
	}
	c.last = f.Time
}

// again is word of an address's owner after somebody else claimed it: both are there.
func (s *spoofARP) again(a frame.Addr, o *ownership, at int64, proof finding.Evidence) {
	o.heard = at
	if at-o.since < s.grace {
		return
	}
	if o.record != nil {
		o.record.Add(1, at)
		return
	}
	actor, victim := o.rival, o.owner
	mine, theirs := s.claimed.Look(actor), s.claimed.Look(victim)
	if mine != nil && theirs != nil && theirs.n > mine.n {
		actor, victim = victim, actor // who claimed first did not have it first
	}
	proof.Packets, proof.File, proof.Note = []uint64{o.packets[0], o.packets[1]}, o.file, "claimed by "+device.Name(o.owner)+", by "+device.Name(o.rival)+", and used by the first again"
	o.record = s.raise(a, actor, Party{MAC: victim, Addr: a}, o.since, at, proof)
}

func (s *spoofARP) raise(a frame.Addr, actor frame.MAC, victim Party, first, at int64, proof finding.Evidence) *Record {
	deliberate := func() bool {
		c := s.claimed.Look(actor)
		return c != nil && c.n >= s.claims
	}
	r := s.Raise(Sighting{
		Kind: finding.SpoofARP, Actor: Party{MAC: actor}, Target: victim, Key: a.Netip().String(), Severity: finding.High, Confidence: 0.8, First: first, Time: at,
		Details: []finding.Detail{{Key: "address", Value: a.Netip().String()}}, Evidence: proof,
		Weigh: func(*View, *device.Device) finding.Severity {
			if deliberate() {
				return finding.High
			}
			return finding.Low // most likely two that were given one address
		},
	})
	if c := s.claimed.Look(actor); c != nil {
		c.took = r
	}
	return r
}

const etherARP = 0x0806

// insists finds who tells one device again and again what it did not ask for, of more addresses than one: so poison is
// kept fresh. What is asked for by ARP is answered, and then there are two sides.
func (s *spoofARP) insists(e *Event) {
	if e.Step != Grew || e.Port[flow.Resp] != etherARP || e.Packets[flow.Resp] > 0 || e.MAC[flow.Resp].IsGroup() || virtual(e.MAC[flow.Orig]) {
		return
	}
	c := s.claimed.Look(e.MAC[flow.Orig])
	if c == nil || c.n < s.claims || c.answers == 0 || c.took != nil || e.Time-c.last > s.silence {
		return
	}
	proof := e.Evidence("ARP packets to one that never answers, with claims to " + strconv.Itoa(c.n) + " addresses")
	proof.Packets = []uint64{c.told, e.Number}
	a := c.list[(c.n-1)%len(c.list)]
	owner := Party{}
	if o := s.owners.Look(a); o != nil && o.owner != e.MAC[flow.Orig] {
		owner = Party{MAC: o.owner, Addr: a}
	}
	s.raise(a, e.MAC[flow.Orig], owner, c.last, e.Time, proof)
}

// event hears of owners whose address is contested, and sees by whom devices reach the Internet.
func (s *spoofARP) event(e *Event) {
	if e.Proto == 0 {
		s.insists(e)
		return
	}
	if !e.Addr[0].Is4() {
		return
	}
	if len(s.contested) > 0 && s.contested[e.Addr[e.Dir]] {
		if o := s.owners.Look(e.Addr[e.Dir]); o != nil && o.owner == e.MAC[e.Dir] && !o.rival.IsZero() {
			s.again(e.Addr[e.Dir], o, e.Time, e.Evidence(""))
		}
	}
	client, router := e.MAC[flow.Orig], e.MAC[flow.Resp]
	if !device.IsLocal(&e.Addr[flow.Orig]) || device.IsLocal(&e.Addr[flow.Resp]) || !unicast(e.Addr[flow.Resp]) || router.IsGroup() {
		return
	}
	switch e.Step {
	case Began:
		c := s.claimed.Look(router)
		if c == nil {
			return
		}
		w := s.ways.Look(client)
		if w == nil || w.router == router || e.Time-w.last > s.silence || e.Time-c.last > s.silence || s.carriers.Look(router) != nil || virtual(router) || virtual(w.router) {
			return
		}
		// Its packets go to another than before, who has just said that an address is his, and never carried any.
		a := c.list[(c.n-1)%len(c.list)]
		if c.took != nil {
			c.took.Add(1, e.Time)
			return
		}
		proof := e.Evidence("packets to the Internet go to " + device.Name(router) + " and no longer to " + device.Name(w.router))
		proof.Packets = []uint64{c.told, e.Number}
		r := s.raise(a, router, Party{MAC: w.router}, c.last, e.Time, proof)
		r.Holds = func(*View) bool {
			c := s.claimed.Look(router)
			return c != nil && c.n >= s.claims // else it is a router that took over
		}
	case Answered:
		if e.Dir != flow.Resp {
			return
		}
		if c := s.claimed.Look(router); c != nil && c.took != nil {
			return // who took it over is no way
		}
		w, _ := s.ways.Get(client)
		w.router, w.last = router, e.Time
		n, _ := s.carriers.Get(router)
		*n++
	}
}
