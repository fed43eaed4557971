package flow

import (
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Time-outs after which a flow without packets has ended. Those for UDP and ICMP keep to RFC 4787 §4.3 and
// RFC 5508 §3.2; established TCP is kept longer than common keep-alives, within what memory allows.
const (
	IdleTCP       = time.Hour
	IdleOpening   = time.Minute      // TCP before the handshake is complete
	IdleClosed    = 10 * time.Second // TCP after FIN or RST: stragglers
	IdleUDP       = 3 * time.Minute
	IdleICMP      = time.Minute
	IdleLink      = 10 * time.Minute // frames that are not IP
	IdleAttempted = 30 * time.Second // UDP that nobody answered
)

const (
	chunkBits = 7 // 32 KiB: many shards have few flows
	chunkSize = 1 << chunkBits
	chunkMask = chunkSize - 1

	tick       = int64(time.Second) // of the wheel
	wheelSlots = 4096               // longer than the longest time-out
	none       = 0
	lastOfList = ^uint32(0)
)

// FlowSize is about how many octets of memory one flow takes in a Table, its share of the index included.
const FlowSize = 256

// Table holds the live flows of one shard. One goroutine owns it.
type Table struct {
	max     int
	ended   func(*Flow)
	chunks  []*[chunkSize]Flow
	free    []uint32 // slots that were used and are free
	used    int      // slots ever used
	live    int
	index   []cell   // open addressing, linear probing; a power of two
	hand    uint32   // of the eviction clock
	wheel   []uint32 // lists of slots, each the number of its first + 1
	next    []uint32 // by slot: the next of its list + 1; apart from the flows, so that a list is followed without waiting for them
	now     int64    // the tick that the wheel has reached
	started bool
	warmth  uint32 // what Warm read
	Evicted uint64 // flows that were ended early because the table was full

	// Goes, if set, is called for each flow that goes on when its time-out has gone by since it began, or since the last
	// call: who waits for the end of a long one waits for days. The flow is valid during the call, and its End is EndNot.
	Goes func(*Flow)
}

type cell struct{ hash, slot uint32 } // slot number + 1; 0: empty

// NewTable makes a table of at most limit flows. It calls ended for each flow that ends; the flow is valid during the call.
func NewTable(limit int, ended func(*Flow)) *Table {
	return &Table{max: max(limit, 16), ended: ended, index: make([]cell, 64), wheel: make([]uint32, wheelSlots)}
}

// Live is the number of flows in the table.
func (t *Table) Live() int { return t.live }

func (t *Table) at(slot uint32) *Flow { return &t.chunks[slot>>chunkBits][slot&chunkMask] }

// Add counts the frame f, which has the hash of Hash and was seen at time now, to its flow, and begins one where
// there is none. It returns the flow, valid until the next call, and the direction of the frame.
func (t *Table) Add(f *frame.Frame, hash uint32, now int64, wire uint32) (fl *Flow, dir int, begun bool) {
	mask := uint32(len(t.index) - 1)
	for i := hash & mask; t.index[i].slot != none; i = (i + 1) & mask {
		if t.index[i].hash != hash {
			continue
		}
		fl = t.at(t.index[i].slot - 1)
		if dir = fl.direction(f); dir < 0 {
			continue
		}
		if now-fl.Last <= int64(fl.idle()) && !fl.again(f, dir) {
			fl.count(f, dir, now, wire)
			return fl, dir, false
		}
		t.remove(i, EndIdle)
		break
	}
	fl, dir = t.begin(f, hash, now, wire)
	return fl, dir, true
}

// ahead is how many packets Warm looks at together: enough for the processor to fetch from memory for all at once.
const ahead = 32

// Warm brings into the processor's caches what Add needs for packets of the given shards and hashes. With a million
// flows, Add would wait for memory several times for each packet; for many packets together it waits once. Packets
// of shards that have no table here are left out.
func Warm(tables *[Shards]*Table, shards []uint8, hashes []uint32) {
	for len(shards) > 0 {
		n := min(len(shards), ahead)
		var sum uint32 // so that what is read is used
		for i, s := range shards[:n] {
			if t := tables[s%Shards]; t != nil { // first the index alone: no branch here depends on it
				sum += t.index[hashes[i]&uint32(len(t.index)-1)].slot
			}
		}
		for i, s := range shards[:n] {
			if t := tables[s%Shards]; t != nil {
				if slot := t.find(hashes[i]); slot != none {
					fl := t.at(slot - 1)
					sum += fl.hash + uint32(fl.Packets[Orig]) + uint32(fl.hist) // of each cache line
				}
				t.warmth = sum
			}
		}
		shards, hashes = shards[n:], hashes[n:]
	}
}

// find is the first slot, +1, whose flow has the hash; none where there is no such flow.
func (t *Table) find(hash uint32) uint32 {
	mask := uint32(len(t.index) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if c := t.index[i]; c.hash == hash || c.slot == none {
			return c.slot
		}
	}
}

// direction is in which direction of the flow the frame f goes, or -1 where it does not belong to it.
func (f *Flow) direction(p *frame.Frame) int {
	switch {
	case f.Addr[Orig] == p.Src && f.Addr[Resp] == p.Dst && f.Port[Orig] == p.SrcPort && f.Port[Resp] == p.DstPort && f.Proto == p.Proto:
		return Orig
	case f.Addr[Orig] == p.Dst && f.Addr[Resp] == p.Src && f.Port[Orig] == p.DstPort && f.Port[Resp] == p.SrcPort && f.Proto == p.Proto:
		if f.oneWay() {
			return -1
		}
		return Resp
	}
	return -1
}

// oneWay reports whether the flow is of an ICMP type that nobody answers: its ports are type and code.
func (f *Flow) oneWay() bool {
	return (f.Proto == frame.ProtoICMP || f.Proto == frame.ProtoICMPv6) && !frame.ICMPAnswered(f.Proto, f.Port[Orig])
}

func (t *Table) begin(f *frame.Frame, hash uint32, now int64, wire uint32) (*Flow, int) {
	if t.live >= t.max {
		t.evict(now)
	}
	var slot uint32
	if n := len(t.free); n > 0 {
		slot = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		if t.used>>chunkBits == len(t.chunks) {
			c := new([chunkSize]Flow)
			clear(c[:]) // writes to each page: memory that is read first, were it to check the pointer, costs two page faults
			t.chunks = append(t.chunks, c)
		}
		t.next = append(t.next, none)
		slot = uint32(t.used)
		t.used++
	}
	fl := t.at(slot) // a freed slot stays in its wheel list until the wheel comes round
	*fl = Flow{marks: markUsed, hash: hash, First: now, Last: now}
	dir := fl.open(f)
	fl.count(f, dir, now, wire)
	fl.marks &^= markRecent
	t.live++
	if t.live*2 > len(t.index) {
		t.grow()
	}
	t.insert(hash, slot)
	t.schedule(slot, fl)
	return fl, dir
}

// open fills in the endpoints, and returns the direction of the first frame.
func (f *Flow) open(p *frame.Frame) int {
	dir := Orig
	f.How = HowFirst
	f.Proto = p.Proto
	switch {
	case p.Depth < frame.Network:
		f.Proto = 0
	case p.Proto == frame.ProtoTCP && p.Flags&frame.SYN != 0:
		f.How = HowSYN
		f.marks |= markFresh
		if p.Flags&frame.ACK != 0 {
			f.How, dir = HowSYNACK, Resp
		}
	case p.Proto == frame.ProtoTCP || p.Proto == frame.ProtoUDP:
		if p.Proto == frame.ProtoUDP {
			f.marks |= markFresh
		}
		// a multicast group never answers, and is never the initiator
		if from, to := service(p.SrcPort), service(p.DstPort); from > to && p.Dst[0] != 0xff && (!p.Dst.Is4() || p.Dst[12]>>4 != 14) {
			f.How, dir = HowPorts, Resp
		} else if to > from {
			f.How = HowPorts
		}
	}
	f.Addr[dir], f.Addr[1-dir] = p.Src, p.Dst
	f.Port[dir], f.Port[1-dir] = p.SrcPort, p.DstPort
	f.MAC[dir], f.MAC[1-dir] = p.SrcMAC, p.DstMAC
	f.VLAN = p.VLAN
	return dir
}

// service says how much a port looks like that of a service: 2 a system port (RFC 6335), 1 a well-known user port, 0 neither.
func service(port uint16) int {
	if port != 0 && port < 1024 {
		return 2
	}
	switch port {
	case 1883, 1900, 3389, 3478, 5060, 5222, 5228, 5353, 5355, 5683, 5684, 6667, 6668, 8080, 8443, 8883, 9999:
		return 1
	}
	return 0
}

func (f *Flow) count(p *frame.Frame, dir int, now int64, wire uint32) {
	f.Last = max(f.Last, now)
	f.marks |= markRecent
	f.Packets[dir]++
	f.Octets[dir] += uint64(wire)
	first := f.Packets[dir] == 1
	if first {
		f.TTL[dir] = p.TTL
		f.MAC[dir] = p.SrcMAC // what a side sends from counts more than what it was sent to
	}
	if p.Proto == frame.ProtoTCP && p.Depth == frame.Transport {
		f.tcp(p, dir)
		return
	}
	f.Payload[dir] += uint64(p.PayloadWire)
	if first {
		f.hist.add(dir, letterD)
	}
}

// schedule puts a slot on the wheel, unless it is there: then the wheel comes by all the same.
func (t *Table) schedule(slot uint32, fl *Flow) {
	if t.next[slot] != none {
		return
	}
	at := (fl.Last + int64(fl.idle())) / tick
	at = min(max(at, t.now+1), t.now+wheelSlots-1)
	head := &t.wheel[at&(wheelSlots-1)]
	t.next[slot] = *head
	if *head == none {
		t.next[slot] = lastOfList
	}
	*head = slot + 1
}

// Expire ends the flows whose time-out is over at time now. Calling it often costs little; it bounds memory, and has
// no influence on which packets belong to one flow.
func (t *Table) Expire(now int64) {
	to := now / tick
	if !t.started || to < t.now { // the first time, or the clock was set back
		t.now, t.started = to, true
		return
	}
	var list [ahead]uint32
	t.now = max(t.now, to-wheelSlots) // after a long silence, each list is looked at once
	for t.now < to {
		t.now++
		head := &t.wheel[t.now&(wheelSlots-1)]
		slot := *head
		*head = none
		for slot != none && slot != lastOfList {
			n := 0
			for ; n < ahead && slot != none && slot != lastOfList; n++ {
				list[n] = slot - 1
				slot = t.next[slot-1]
			}
			t.warm(list[:n])
			for _, slot := range list[:n] {
				t.expire(slot, now)
			}
		}
	}
}

// expire looks at a flow whose turn on the wheel it is.
func (t *Table) expire(slot uint32, now int64) {
	fl := t.at(slot)
	t.next[slot] = none
	switch {
	case fl.marks&markUsed == 0:
	case now-fl.Last > int64(fl.idle()):
		t.removeSlot(slot, EndIdle)
	default:
		if t.Goes != nil {
			fl.marks |= marks(EndNot) << shiftEnd
			t.Goes(fl)
			fl.marks &^= 3 << shiftEnd
		}
		t.schedule(slot, fl)
	}
}

// warm does for the flows in some slots what Warm does for packets.
func (t *Table) warm(slots []uint32) {
	var sum uint32
	for _, slot := range slots {
		fl := t.at(slot)
		sum += t.index[fl.hash&uint32(len(t.index)-1)].slot + uint32(fl.marks) + uint32(fl.Packets[Orig])
	}
	t.warmth = sum
}

// Flush ends all flows, in the order of their slots.
func (t *Table) Flush() {
	for slot := range uint32(t.used) {
		if t.at(slot).marks&markUsed != 0 {
			t.removeSlot(slot, EndFlush)
		}
	}
}

// evict ends one flow: the first that the hand finds without a second packet since it last passed.
func (t *Table) evict(now int64) {
	for {
		slot := t.hand % uint32(t.used)
		t.hand = slot + 1
		fl := t.at(slot)
		switch {
		case fl.marks&markUsed == 0:
		case now-fl.Last > int64(fl.idle()): // it was over
			t.removeSlot(slot, EndIdle)
			return
		case fl.marks&markRecent != 0:
			fl.marks &^= markRecent
		default:
			t.Evicted++
			t.removeSlot(slot, EndEvicted)
			return
		}
	}
}

func (t *Table) removeSlot(slot uint32, why End) {
	mask := uint32(len(t.index) - 1)
	i := t.at(slot).hash & mask
	for t.index[i].slot != slot+1 {
		i = (i + 1) & mask
	}
	t.remove(i, why)
}

// remove ends the flow in cell i of the index, and closes the gap (Knuth, TAOCP 6.4, algorithm R).
func (t *Table) remove(i uint32, why End) {
	slot := t.index[i].slot - 1
	fl := t.at(slot)
	fl.marks |= marks(why) * markEnd
	t.ended(fl)
	fl.marks = 0
	t.free = append(t.free, slot)
	t.live--
	mask := uint32(len(t.index) - 1)
	j := i
	for {
		j = (j + 1) & mask
		c := t.index[j]
		if c.slot == none {
			break
		}
		if home := c.hash & mask; (j-home)&mask >= (j-i)&mask {
			t.index[i] = c
			i = j
		}
	}
	t.index[i] = cell{}
}

func (t *Table) insert(hash, slot uint32) {
	mask := uint32(len(t.index) - 1)
	i := hash & mask
	for t.index[i].slot != none {
		i = (i + 1) & mask
	}
	t.index[i] = cell{hash, slot + 1}
}

func (t *Table) grow() {
	old := t.index
	t.index = make([]cell, 2*len(old))
	for _, c := range old {
		if c.slot != none {
			t.insert(c.hash, c.slot-1)
		}
	}
}
