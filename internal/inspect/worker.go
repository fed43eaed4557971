package inspect

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// How long a dissection may go on without result.
const (
	maxTries = 4  // messages of one direction that no protocol recognises
	maxCalls = 64 // messages that one segment or datagram may hold
)

// worker follows the flows of its shards: those whose number, divided by the number of workers, leaves its index.
type worker struct {
	engine  *Engine
	index   int
	shards  [flow.Shards]*shard // its own; the others are nil
	tables  [flow.Shards]*flow.Table
	proto   *protocols
	message dissect.Message // reused

	spare []byte // for what a dissector begins to keep

	// as the engine has them, beside which who collects writes all the time
	seed    uint64
	chunks  chunkPool
	watched bool // by detectors
	asked   bool // for whom devices talk to
	listens bool // somebody, to each fact

	// of the block under way
	cur   *block
	share *share
	out   *dissect.Facts
	*shard
}

// shard is a share of the flows, with memory of its own: what it has room for does not depend on who looks after it.
type shard struct {
	index   int
	table   *flow.Table
	frags   flow.Fragments
	streams *flow.Streams
	notes   notes
	said    [1 << 12]uint64 // hashes of datagrams that were dissected lately
}

func newWorker(e *Engine, index int, proto *protocols) *worker {
	w := &worker{
		engine: e, index: index, proto: proto, spare: make([]byte, 0, dissect.MaxScratch),
		seed: e.seed, chunks: e.chunks, watched: e.watch != nil, asked: e.talks != nil, listens: e.cfg.OnFact != nil,
	}
	for s := index; s < flow.Shards; s += e.cfg.Workers {
		w.shards[s] = &shard{
			index:   s,
			table:   flow.NewTable(e.cfg.Flows/flow.Shards, w.ended),
			streams: flow.NewStreams(e.cfg.Memory / 100 * shareStreams / flow.Shards),
			notes:   notes{max: max(16, e.cfg.Flows/4/flow.Shards)},
		}
		w.tables[s] = w.shards[s].table
		if e.cfg.Ongoing {
			w.tables[s].Goes = w.goes
		}
	}
	return w
}

// own calls yield for each shard of the worker, in order.
func (w *worker) own(yield func(*shard)) {
	for _, s := range w.shards {
		if s != nil {
			w.shard = s
			yield(s)
		}
	}
}

func (w *worker) begin(b *block) {
	w.cur = b
	w.share = &b.shares[w.index]
	w.out = &w.share.facts
	w.out.Reset()
	w.out.Lost = 0
	w.share.events = w.share.events[:0]
	w.own(func(s *shard) {
		out := &w.share.ended[s.index]
		out.chunks, out.notes = out.chunks[:0], out.notes[:0]
	})
}

// block handles the packets of b that belong to the worker.
func (w *worker) block(b *block) {
	w.begin(b)
	w.own(func(s *shard) { s.table.Expire(b.first) })
	for from := 0; from < len(b.shards); {
		from = w.packets(b, from)
	}
}

// Bounds of looking ahead in the flow table, which pays only where the table does not fit the processor's caches.
const (
	ahead    = 64      // packets: few enough that what Warm fetched is still there
	warmFrom = 1 << 13 // live flows
)

// packets handles the packets of b from one on, and returns with which one to go on: behind the last, or behind one
// whose dissector panicked. None may, but one that does costs its message and not the capture.
func (w *worker) packets(b *block, from int) (next int) {
	defer func() {
		if w.engine.Progress.caught(recover()) {
			next++
		}
	}()
	live := 0
	for _, t := range w.tables {
		if t != nil {
			live += t.Live()
		}
	}
	for next = from; next < len(b.shards); next++ {
		if live >= warmFrom && (next-from)%ahead == 0 {
			to := min(next+ahead, len(b.shards))
			flow.Warm(&w.tables, b.shards[next:to], b.hashes[next:to])
		}
		if w.shard = w.shards[b.shards[next]]; w.shard != nil {
			w.packet(&b.frames[next], &b.Records[next], b.hashes[next], b.seq+uint64(next))
		}
	}
	return next
}

// flush ends the flows of one of its shards, and gives the shard up.
func (w *worker) flush(s int, b *block) (done *shard) {
	w.cur, w.share, w.shard = b, &b.shares[w.index], w.shards[s]
	w.frags.Flush(w.abandoned)
	w.table.Flush()
	w.shards[s], w.tables[s] = nil, nil
	return w.shard
}

// ended is called by the tables.
func (w *worker) ended(f *flow.Flow) {
	for d := range f.App {
		w.streams.Drop(&f.App[d])
	}
	out := &w.share.ended[w.shard.index]
	e := out.add(f, w.chunks)
	if f.Note != 0 {
		out.notes = append(out.notes, *w.notes.at(f.Note))
		w.notes.put(f.Note)
		e.Note = uint32(len(out.notes))
	}
}

// goes tells of a flow that goes on.
func (w *worker) goes(f *flow.Flow) {
	out := &w.share.ended[w.shard.index]
	e := out.add(f, w.chunks)
	if f.Note != 0 {
		out.notes = append(out.notes, *w.notes.at(f.Note))
		e.Note = uint32(len(out.notes))
	}
}

func (w *worker) packet(f *frame.Frame, r *capture.Record, hash uint32, seq uint64) {
	data := w.cur.Data[r.Offset : r.Offset+r.Len]
	if f.Fragment {
		d := w.frags.Add(f, data[f.Payload:f.PayloadEnd], r.Time, r.Wire, w.abandoned)
		if d != nil {
			frame.DecodeTransport(&d.Head, d.Payload)
			w.flow(&d.Head, d.Payload, r, flow.Hash(w.seed, &d.Head), seq, d.Wire, d.Count)
		}
		return
	}
	w.flow(f, data, r, hash, seq, r.Wire, 1)
}

// abandoned counts the fragments of a datagram that was never complete.
func (w *worker) abandoned(d *flow.Datagram) {
	fl, dir, begun := w.table.Add(&d.Head, flow.Hash(w.seed, &d.Head), d.First, d.Wire)
	fl.Packets[dir] += d.Count - 1
	if begun {
		fl.App[flow.Orig].Over, fl.App[flow.Resp].Over = true, true
	}
}

// flow counts a packet to its flow and shows what it says to a dissector. data holds what f's offsets refer to.
func (w *worker) flow(f *frame.Frame, data []byte, r *capture.Record, hash uint32, seq uint64, wire uint32, packets uint64) {
	fl, dir, begun := w.table.Add(f, hash, r.Time, wire)
	if begun {
		fl.Number, fl.File = r.Number, r.File
	}
	fl.Packets[dir] += packets - 1
	if w.watched {
		w.step(fl, dir, begun, f, seq)
	}
	app := &fl.App[dir]
	if f.Proto == frame.ProtoTCP {
		if f.Depth == frame.Transport && f.PayloadWire > 0 {
			w.segment(fl, dir, app, f, data[f.Payload:f.PayloadEnd], r.Time, seq)
		} else if f.Flags&(frame.FIN|frame.RST) != 0 && !app.Over && app.Stream != 0 {
			w.finish(fl, dir, app, f, r.Time, seq)
		}
		return
	}
	if app.Over || f.Payload == f.PayloadEnd && fl.Proto != 0 || forgedNDP(f) {
		return
	}
	w.datagram(fl, dir, app, f, data[f.Payload:f.PayloadEnd], r.Time, seq)
}

// forgedNDP reports whether a neighbour discovery message came through a router, which none may (RFC 4861 §7.1).
func forgedNDP(f *frame.Frame) bool {
	return f.Proto == frame.ProtoICMPv6 && f.TTL != 255 && f.SrcPort >= 133 && f.SrcPort <= 137
}

// fill prepares the message that dissectors see.
func (w *worker) fill(fl *flow.Flow, dir int, f *frame.Frame, time int64, seq uint64) *dissect.Message {
	m := &w.message
	// one by one, as a composite value is twice as slow; Data and Scratch are the callers' to set
	m.Time, m.SrcMAC, m.DstMAC = time, f.SrcMAC, f.DstMAC
	m.Stream, m.Final, m.FromInitiator = f.Proto == frame.ProtoTCP, false, dir == flow.Orig
	m.Src, m.Dst = netip.AddrPort{}, netip.AddrPort{}
	if fl.Proto != 0 {
		m.Src = netip.AddrPortFrom(f.Src.Netip(), f.SrcPort)
		m.Dst = netip.AddrPortFrom(f.Dst.Netip(), f.DstPort)
	}
	w.out.Begin(f.SrcMAC, time, seq)
	if fl.Proto != 0 {
		w.out.From(f.Src)
	}
	return m
}

// datagram shows one datagram, or the payload of a frame that is not IP.
func (w *worker) datagram(fl *flow.Flow, dir int, app *flow.App, f *frame.Frame, payload []byte, time int64, seq uint64) {
	again := app.State == uint8(dissect.Next) && app.Stream == 0 && w.repeated(f, payload)
	if again && !w.listens && !w.heard(f) {
		return // announcements come again and again, and say nothing new
	}
	m := w.fill(fl, dir, f, time, seq)
	m.Data = payload
	if again {
		w.out.Repeat(true)
		w.call(app, app.Protocol, m) // for who listens; it changes nothing
		return
	}
	before := w.out.Len()
	p, _, s := w.try(fl, dir, app, m)
	w.settle(fl, dir, app, p, s, before)
}

// repeated reports whether the sender has lately sent the same datagram, and remembers this one. The hash has no
// secret, so that the answer is the same in each run: who finds two messages of one hash hides his own words only.
func (s *shard) repeated(f *frame.Frame, payload []byte) bool {
	h := uint64(len(payload))<<48 ^ f.SrcMAC.Uint64()
	h = mix(h, f.DstMAC.Uint64())
	h = mix(h, binary.LittleEndian.Uint64(f.Src[8:]))
	h = mix(h, binary.LittleEndian.Uint64(f.Dst[8:]))
	for len(payload) >= 16 {
		hi, lo := bits.Mul64(h^binary.LittleEndian.Uint64(payload)^0x9e3779b97f4a7c15, binary.LittleEndian.Uint64(payload[8:])^0xbf58476d1ce4e5b9)
		h = hi ^ lo
		payload = payload[16:]
	}
	if len(payload) >= 8 {
		h = mix(h, binary.LittleEndian.Uint64(payload))
		payload = payload[8:]
	}
	var rest [8]byte
	copy(rest[:], payload)
	h = mix(h, binary.LittleEndian.Uint64(rest[:]))
	at := &s.said[h%uint64(len(s.said))]
	same := *at == h
	*at = h
	return same
}

func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x^0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
	return hi ^ lo
}

// try shows the message to the protocol that the direction speaks, or else to each that it may speak.
func (w *worker) try(fl *flow.Flow, dir int, app *flow.App, m *dissect.Message) (protocol uint8, n int, s dissect.State) {
	if p := app.Protocol; p != 0 {
		if n, s = w.call(app, p, m); s != dissect.No {
			return p, n, s
		}
		w.streams.SetScratch(app, nil)
	}
	first, all := w.proto.candidates(fl, dir)
	for _, p := range first[1:] {
		if p != 0 {
			if n, s = w.call(app, p, m); s != dissect.No {
				return p, n, s
			}
		}
	}
	for _, p := range all {
		if !first.has(p) {
			if n, s = w.call(app, p, m); s != dissect.No {
				return p, n, s
			}
		}
	}
	return 0, 0, dissect.No
}

func (w *worker) call(app *flow.App, p uint8, m *dissect.Message) (int, dissect.State) {
	m.Scratch = w.spare[:0] // what a dissector leaves there is copied
	if app.Protocol == p {
		if kept := w.streams.Scratch(app); cap(kept)-len(kept) < len(m.Data) {
			m.Scratch = append(m.Scratch, kept...) // there is room for more
		} else {
			m.Scratch = kept
		}
	}
	at := w.out.Len()
	w.out.Allow(len(m.Data))
	n, s := protocolTable[p-1].dissect(m, w.out)
	if s == dissect.No {
		w.out.Truncate(at)
	}
	w.out.About(m.SrcMAC)
	return n, s
}

// settle takes note of what a dissector found. It reports whether the direction goes on.
func (w *worker) settle(fl *flow.Flow, dir int, app *flow.App, p uint8, s dissect.State, before int) bool {
	for i := before; i < w.out.Len(); i++ {
		if noted(w.out.At(i).Name, dir) {
			if fl.Note == 0 {
				fl.Note = w.notes.get()
			}
			if fl.Note != 0 {
				w.notes.at(fl.Note).take(w.out, i)
			}
		}
	}
	if s == dissect.No && app.State == uint8(dissect.More) && fl.Proto != frame.ProtoTCP {
		app.Protocol = 0 // it only looked like that for a while
	}
	app.State = uint8(s)
	switch s {
	case dissect.No:
		if app.Protocol == 0 || fl.Proto == frame.ProtoTCP {
			if app.Tries++; app.Tries >= maxTries {
				w.over(fl, dir, app)
				return false
			}
		}
		return true
	case dissect.More, dissect.Next:
		app.Protocol = p
		if s == dissect.Next {
			fl.Service = p
		}
		if !w.streams.SetScratch(app, w.message.Scratch[:min(len(w.message.Scratch), dissect.MaxScratch)]) {
			w.over(fl, dir, app)
			return false
		}
		return true
	}
	fl.Service = p
	if protocolTable[p-1].hands {
		w.streams.Drop(app)
		*app = flow.App{Tries: app.Tries + 1}
		if app.Tries >= maxTries {
			w.over(fl, dir, app)
			return false
		}
		return true
	}
	w.over(fl, dir, app)
	return false
}

func (w *worker) over(fl *flow.Flow, dir int, app *flow.App) {
	app.Over = true
	w.streams.Drop(app)
}
