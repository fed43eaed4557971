// Package inspect reads a network's packets and tells who is on it and what each one does: from capture through
// frames, flows and facts to devices with an identity.
//
// Packets are read in blocks, one after the other, and decoded; as many workers as there are cores, each for its share
// of the flows, follow conversations and dissect what they say; the facts are collected in the order of the packets.
// Each core does what can be done next. How the work is shared among cores has no influence on the result.
package inspect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"plimsoll.example/plimsoll/internal/baseline"
	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/detect"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// DefaultMemory is enough for a home of 200 devices, and fits a small router, octets.
const DefaultMemory = 64 << 20

// Config is what an inspection may use, and who listens.
type Config struct {
	Memory  int // octets for all tables; 0: DefaultMemory
	Flows   int // live flows at most; 0: as Memory allows
	Workers int // that follow flows, each on a core; 0: as many as there are cores
	// OnFlow, if set, is called for each flow that ends. Record and names are valid during the call.
	OnFlow func(r *FlowRecord) error
	// OnFact, if set, is called for each fact, in the order of the packets.
	OnFact    func(r *FactRecord) error
	Detect    detect.Config // how to watch for what is wrong
	MUD       *MUDFiles     // to hold devices against; nil: none
	Countries country.Table // of peers; the zero Table: they are not told
	// OnBlock, if set, is called after each block of packets; Snapshot may be called from it. The packets wait meanwhile.
	OnBlock func()
	// Remember keeps conversations for Rehearse. Ongoing is for inspections that have no end, of packets as they come: those that
	// go on are kept too, and time goes by where next brings nothing.
	Remember, Ongoing bool
}

// Progress is how far an inspection has come. It may be read at any time.
type Progress struct {
	Packets, Octets atomic.Uint64
	Panics          atomic.Uint64 // messages that a dissector or detector failed on
	stumble         atomic.Pointer[string]
}

// Stumbled says how many messages a dissector or detector failed on, and where at first; nil if none. Each costs itself,
// and not the inspection.
func (p *Progress) Stumbled() error {
	first := p.stumble.Load()
	if first == nil {
		return nil
	}
	return fmt.Errorf("%d messages revealed a defect of the program, at first: %s", p.Panics.Load(), *first)
}

// caught is deferred around what strangers’ messages go through. It reports whether there was a panic.
func (p *Progress) caught(value any) bool {
	if value == nil {
		return false
	}
	if p.Panics.Add(1) == 1 {
		text := fmt.Sprintf("%v\n%s", value, debug.Stack())
		p.stumble.Store(&text)
	}
	return true
}

// shares of Config.Memory, in hundredths. The rest is for the program, the blocks under way, the detectors and the
// collector, which runs all the time where it has no room.
const (
	shareFlows     = 15
	shareStreams   = 4
	shareInventory = 14
)

// Engine is one inspection.
type Engine struct {
	Progress Progress

	cfg       Config
	seed      uint64
	workers   []*worker
	chunks    chunkPool
	inventory *device.Inventory
	watch     *detect.Watch
	spans     []baseline.Span // by file, where it is to be learned
	event     detect.Event    // these three are reused
	ended     detect.Flow
	said      detect.Fact
	totals    totals
	losses    Losses
	err       error // of OnFlow or OnFact

	talks *talks // nil where nobody asks
	held  []Held
	scene seen
}

// maxBlocks bounds the blocks under way, each of up to 1 MiB with what is made of it.
const maxBlocks = 8

// spareRoom is how large all blocks under way may be together before there are no more of them than enough, octets.
const spareRoom = 2 << 20

// spareChunks is how many chunks of ended flows wait for use: 600 KiB, one and a half of each shard for each block under
// way.
const spareChunks = 192

// totals count what went by.
type totals struct {
	packets, octets uint64
	undecoded       uint64
	protected       uint64 // encrypted 802.11
	facts           uint64 // lost
	first, last     int64
	links           map[frame.LinkType]uint64
}

// Network is what was found out of the local network. It may be asked when there is a Result.
func (e *Engine) Network() *device.Network { return e.network() }

// New prepares an inspection.
func New(cfg Config) *Engine {
	if cfg.Memory <= 0 {
		cfg.Memory = DefaultMemory
	}
	if cfg.Workers <= 0 {
		cfg.Workers = min(runtime.GOMAXPROCS(0), flow.Shards)
	}
	cfg.Workers = min(cfg.Workers, flow.Shards)
	if cfg.Flows <= 0 {
		cfg.Flows = cfg.Memory / 100 * shareFlows / (flow.FlowSize + noteSize/4)
	}
	e := &Engine{
		cfg:       cfg,
		seed:      rand.Uint64(),
		chunks:    make(chunkPool, spareChunks),
		inventory: device.NewInventory(cfg.Memory / 100 * shareInventory),
		totals:    totals{links: map[frame.LinkType]uint64{}},
	}
	if !cfg.Detect.Off {
		e.watch = detect.New(cfg.Detect, e.inventory)
	}
	if cfg.MUD != nil || cfg.Remember {
		e.talks = newTalks()
	}
	proto := newProtocols()
	for i := range cfg.Workers {
		e.workers = append(e.workers, newWorker(e, i, proto))
	}
	return e
}

// Run inspects what next brings until it answers io.EOF or ctx is done, in which case what was read is kept and the
// error is nil: whoever cancels knows. next fills a batch; it is not called again before it answers.
func (e *Engine) Run(ctx context.Context, next func(*capture.Batch) error) error {
	p := newPipeline(ctx, e, next)
	var cores sync.WaitGroup
	for i := 1; i < len(e.workers); i++ {
		cores.Go(func() { p.run(i) })
	}
	p.run(0)
	cores.Wait()
	err := p.err
	p = nil // its blocks’ memory serves the naming of devices, like what flush lets go
	e.flush()
	if err != nil {
		return fmt.Errorf("read packets: %w", err)
	}
	return e.err
}

// flush ends what is still under way, one shard after the other, so that no more than one is there twice.
func (e *Engine) flush() {
	for s := range flow.Shards {
		b := newBlock(len(e.workers))
		done := e.workers[s%len(e.workers)].flush(s, b)
		e.flows(b)
		e.losses.Streams += done.streams.Lost
		e.losses.Flows += done.table.Evicted
		e.losses.Datagrams += done.frags.Lost
	}
	e.losses.Panics = e.Progress.Panics.Load()
	e.workers, e.chunks = nil, nil // their memory serves the naming of devices
	if e.cfg.OnBlock != nil {
		e.cfg.OnBlock()
	}
}

// collect takes what the workers found in a block, in the order of the packets.
func (e *Engine) collect(b *block) {
	t := &e.totals
	t.packets += uint64(len(b.Records))
	t.octets += b.octets
	t.undecoded += b.undecoded
	t.protected += b.protected
	if len(b.Records) > 0 {
		if t.first == 0 || b.first < t.first {
			t.first = b.first
		}
		t.last = max(t.last, b.last)
		for _, l := range b.links {
			t.links[l.link] += l.count
		}
	}
	for i := range b.shares {
		t.facts += b.shares[i].facts.Lost
	}
	if e.cfg.Detect.Learner != nil {
		for i := range b.Records {
			e.spans = span(e.spans, &b.Records[i])
		}
	}
	e.Progress.Packets.Store(t.packets)
	e.Progress.Octets.Store(t.octets)

	e.told(b)
	e.flows(b)
	if e.cfg.OnBlock != nil {
		e.cfg.OnBlock()
	}
}

// flows takes the flows that ended in a block.
func (e *Engine) flows(b *block) {
	for s := range flow.Shards {
		out := &b.shares[s%len(b.shares)].ended[s]
		for i, c := range out.chunks {
			for i := range c.flows[:c.n] {
				e.flow(&c.flows[i], out.notes)
			}
			out.chunks[i] = nil
			e.chunks.put(c)
		}
	}
}

func (e *Engine) fact(b *block, facts *dissect.Facts, i int) {
	defer func() { e.Progress.caught(recover()) }()
	f := facts.At(i)
	var number uint64
	var file uint16
	at := f.Seq - b.seq
	if at < uint64(len(b.Records)) {
		number, file = b.Records[at].Number, b.Records[at].File
	}
	if !f.Again { // or the inventory would depend on who listens
		e.inventory.Observe(facts, i, number, file)
	}
	if e.talks != nil && f.Name == "dns.query" {
		e.talks.asks(f.Subject, facts.Value(i), f.Time, number, file)
	}
	if e.talks != nil && f.Name == "tls.offer" && !f.Again && at < uint64(len(b.Records)) {
		e.talks.greets(facts, i, &b.frames[at], number, file)
	}
	if e.watch != nil && at < uint64(len(b.Records)) && (!f.Again || b.frames[at].EtherType == frame.EtherARP) {
		if to := e.watch.Wants(f.Name); to != nil {
			e.said = detect.NewFact(facts, i, &b.frames[at], number, file)
			e.watch.Fact(&e.said, to)
		}
	}
	if e.cfg.OnFact != nil && e.err == nil {
		e.err = e.cfg.OnFact(&FactRecord{facts: facts, i: i, Number: number, File: file})
	}
}

func (e *Engine) flow(f *flow.Flow, notes []note) {
	defer func() { e.Progress.caught(recover()) }()
	var n *note
	name := ""
	if f.Note != 0 {
		n = &notes[f.Note-1]
		name = e.inventory.Names.Intern(n.name[:n.nameLen])
	}
	if e.talks != nil {
		e.talks.flow(f, name, e.inventory.Names)
	}
	if f.End() == flow.EndNot {
		return
	}
	e.inventory.Flow(f, name)
	if e.watch != nil {
		e.ended = detect.Flow{Flow: f, Protocol: serviceName(f.Service), Name: name}
		e.watch.Ended(&e.ended)
	}
	if e.cfg.OnFlow != nil && e.err == nil && f.Proto != 0 {
		e.err = e.cfg.OnFlow(&FlowRecord{Flow: f, note: n, Names: e.inventory.NamesOf(f, name), Told: e.inventory.ToldOf(f)})
	}
}

// Losses is what an inspection could not keep or understand.
type Losses struct {
	Undecoded uint64 // packets whose link layer could not be read
	Protected uint64 // packets encrypted by 802.11
	Datagrams uint64 // sent in fragments that never came together
	Flows     uint64 // ended early, for want of memory
	Devices   uint64 // that there was no memory for, about
	Facts     uint64 // facts and fields of messages that say very much
	Panics    uint64 // messages that a dissector failed on
	Partial   bool   // of some devices only a part is known, for want of memory
	Streams   uint64 // directions of connections that were not looked into, for want of memory
}

// Losses may be asked when Run has returned.
func (e *Engine) Losses() Losses {
	l := e.losses
	l.Undecoded, l.Protected, l.Facts = e.totals.undecoded, e.totals.protected, e.totals.facts
	l.Devices, l.Partial = e.inventory.Evicted(), e.inventory.Full
	return l
}
