package inspect

import (
	"math"

	"plimsoll.example/plimsoll/internal/detect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// event is a step of a flow, as a worker sees it: what the block does not hold of it anyway. It has no pointers.
type event struct {
	at      uint32 // place of the packet in the block
	step    detect.Step
	dir     uint8
	service uint8 // index in the protocol table, +1
	ender   uint8
	fresh   bool
	port    [2]uint16
	packets [2]uint32 // at most MaxUint32, like what follows
	octets  [2]uint32
	payload [2]uint32
	first   int64
}

// Bounds between which growth is told.
const (
	growsFrom = 16   // packets of one direction: before that, few flows are of interest by their size
	growsBy   = 1024 // packets, once it has that many
)

// step tells the detectors what the packet f, with place seq in the history, made of its flow, if that is a step.
func (w *worker) step(fl *flow.Flow, dir int, begun bool, f *frame.Frame, seq uint64) {
	n := fl.Packets[dir]
	if begun {
		w.tell(detect.Began, fl, dir, seq)
	} else if n == 1 && (f.Proto != frame.ProtoTCP || f.Flags&frame.RST == 0) {
		w.tell(detect.Answered, fl, dir, seq)
	}
	if f.Proto == frame.ProtoTCP {
		switch fl.Step(f.Flags) {
		case flow.StepEstablished:
			w.tell(detect.Established, fl, dir, seq)
		case flow.StepRefused:
			w.tell(detect.Refused, fl, dir, seq)
		case flow.StepClosed:
			w.tell(detect.Closed, fl, dir, seq)
		}
	}
	if n >= growsFrom && (n&(n-1) == 0 || n%growsBy == 0) {
		w.tell(detect.Grew, fl, dir, seq)
	}
}

func (w *worker) tell(step detect.Step, fl *flow.Flow, dir int, seq uint64) {
	var ender int
	if step == detect.Closed {
		ender, _ = fl.Ender()
	}
	list := append(w.share.events, event{})
	w.share.events = list
	x := &list[len(list)-1] // field by field: as one literal it would be made elsewhere and copied
	x.at, x.step, x.dir, x.ender = uint32(seq-w.cur.seq), step, uint8(dir), uint8(ender)
	x.service, x.fresh, x.port, x.first = fl.Service, fl.Fresh(), fl.Port, fl.First
	for side := range x.packets {
		x.packets[side] = uint32(min(fl.Packets[side], math.MaxUint32))
		x.octets[side] = uint32(min(fl.Octets[side], math.MaxUint32))
		x.payload[side] = uint32(min(fl.Payload[side], math.MaxUint32))
	}
}

// heard reports whether somebody hears a message also when it was said before: how often a device asks for a neighbour
// tells detectors what for, and how often it asks for a name that its MUD file does not know is told to people.
func (w *worker) heard(f *frame.Frame) bool {
	return f.EtherType == frame.EtherARP && w.watched || f.DstPort == dnsPort && w.asked
}

const dnsPort = 53

// step shows a step to the detectors.
func (e *Engine) step(b *block, x *event) {
	f, r := &b.frames[x.at], &b.Records[x.at]
	o := x.dir    // which end sent the packet
	v := &e.event // as in tell
	v.Step, v.Dir, v.Proto, v.Flags, v.TTL, v.Ender, v.Fresh = x.step, o, f.Proto, f.Flags, f.TTL, x.ender, x.fresh
	v.Service = serviceName(x.service)
	v.Addr[o], v.Addr[1-o] = f.Src, f.Dst
	v.MAC[o], v.MAC[1-o] = f.SrcMAC, f.DstMAC
	for side := range x.packets {
		v.Packets[side], v.Octets[side], v.Payload[side] = uint64(x.packets[side]), uint64(x.octets[side]), uint64(x.payload[side])
	}
	v.Port, v.First, v.Time, v.Seq, v.Number, v.File, v.Size = x.port, x.first, r.Time, b.seq+uint64(x.at), r.Number, r.File, f.PayloadWire
	if f.Depth < frame.Network {
		v.Proto = 0
	}
	e.watch.Event(v)
}

// told goes through what the workers saw in a block, in the order of the packets: of one packet, the step of its flow
// comes before what it says.
func (e *Engine) told(b *block) {
	var facts, events [flow.Shards]int
	for {
		next, of, isEvent := uint64(math.MaxUint64), 0, false
		for w := range b.shares {
			share := &b.shares[w]
			if events[w] < len(share.events) {
				if seq := b.seq + uint64(share.events[events[w]].at); seq < next || seq == next && !isEvent {
					next, of, isEvent = seq, w, true
				}
			}
			if facts[w] < share.facts.Len() {
				if seq := share.facts.At(facts[w]).Seq; seq < next {
					next, of, isEvent = seq, w, false
				}
			}
		}
		switch {
		case next == math.MaxUint64:
			return
		case isEvent:
			e.step(b, &b.shares[of].events[events[of]])
			events[of]++
		default:
			e.fact(b, &b.shares[of].facts, facts[of])
			facts[of]++
		}
	}
}
