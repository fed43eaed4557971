package inspect

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
)

// pipeline takes blocks of packets through the stages: read, decoded, shown to every worker, collected. Reading and
// collecting are done one block after the other, in the order of the history, and so is what one worker does; all else
// goes on side by side. Any core does whatever can be done next, so that none waits while there is work, and a block
// mostly stays in the caches of the core that read it.
type pipeline struct {
	engine *Engine
	ctx    context.Context
	next   func(*capture.Batch) error

	mu        sync.Mutex
	change    sync.Cond // something can be done that could not
	changes   atomic.Uint32
	waiting   int      // cores that wait for change
	vain      int      // how often they are to look for one but shortly
	blocks    []*block // block i of the history is in i modulo their number
	room      int      // for more blocks than all cores are busy with, octets
	read      uint64   // blocks that were read
	collected uint64   // blocks that were collected
	seen      []uint64 // by worker: blocks that it has seen
	busy      []bool   // by worker: some core does its work
	reading   bool
	ended     bool // there is nothing more to read
	err       error

	// of who reads
	seq uint64 // place in the history of the next packet
}

func newPipeline(ctx context.Context, e *Engine, next func(*capture.Batch) error) *pipeline {
	p := &pipeline{
		engine: e, ctx: ctx, next: next, seq: 1,
		blocks: make([]*block, maxBlocks), room: spareRoom,
		seen: make([]uint64, len(e.workers)), busy: make([]bool, len(e.workers)+1),
	}
	p.change.L = &p.mu
	for i := range p.blocks {
		p.blocks[i] = newBlock(len(e.workers))
	}
	return p
}

func (p *pipeline) block(i uint64) *block { return p.blocks[i%uint64(len(p.blocks))] }

// run does what can be done until all is done, on one core. The first core rather collects, since what it needs for that
// is then in its caches, and so does one that is alone, which ends the way of a block before it reads the next. The others
// rather read ahead, so that none is without work while another reads.
func (p *pipeline) run(own int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.collected < p.read || p.reading || !p.ended {
		if own == 0 && p.collect() || own > 0 && p.fetch() {
			continue
		}
		if !p.work(own) && !p.fetch() && !p.collect() {
			p.wait()
		}
	}
}

// A core that has nothing to do looks for a change before it goes to sleep, since to sleep and be woken costs more than
// most steps of a block do: at first for some 200 µs, but after it did so in vain, as it does where packets come slowly,
// some times for a tenth of that only.
const (
	spins  = 100_000
	spared = 16
)

// wait waits for something to do.
func (p *pipeline) wait() {
	before, looks := p.changes.Load(), spins
	if p.vain > 0 {
		p.vain--
		looks /= 10
	}
	p.mu.Unlock()
	for i := 0; i < looks && p.changes.Load() == before; i++ {
	}
	p.mu.Lock()
	if p.changes.Load() == before {
		if looks == spins {
			p.vain = spared
		}
		p.waiting++
		p.change.Wait()
		p.waiting--
	}
}

// outside does f without the lock. What follows it, up to the next unlocking, changes what can be done.
func (p *pipeline) outside(f func()) {
	p.mu.Unlock()
	f()
	p.mu.Lock()
	p.changes.Add(1)
	if p.waiting > 0 {
		p.change.Broadcast()
	}
}

// collect collects the earliest block, if all workers have seen it.
func (p *pipeline) collect() bool {
	collecting := len(p.seen) // its place in busy
	if p.busy[collecting] || p.collected == p.read {
		return false
	}
	for _, n := range p.seen {
		if n == p.collected {
			return false
		}
	}
	p.busy[collecting] = true
	p.outside(func() { p.engine.collect(p.block(p.collected)) })
	p.busy[collecting] = false
	p.room += p.block(p.collected).size()
	p.collected++
	p.ended = p.ended || p.engine.err != nil // who listens can't any more
	return true
}

// work shows a block to a worker: the one that is most behind, for whom the others' blocks wait, or rather own, whose
// tables this core has in its caches.
func (p *pipeline) work(own int) bool {
	w, least := -1, p.read
	for i, n := range p.seen {
		if i == own && n > p.collected {
			n--
		}
		if n < least && !p.busy[i] && p.seen[i] < p.read && p.block(p.seen[i]).decoded {
			w, least = i, n
		}
	}
	if w < 0 {
		return false
	}
	p.busy[w] = true
	p.outside(func() { p.engine.workers[w].block(p.block(p.seen[w])) })
	p.busy[w] = false
	p.seen[w]++
	return true
}

// full is that no more blocks may be under way than there are: enough that no core waits for another, and while there is
// room some more, since those of large packets are soon done.
func (p *pipeline) full() bool {
	n, enough := p.read-p.collected, uint64(len(p.seen))+2
	return n == uint64(len(p.blocks)) || n >= enough && p.room <= 0
}

// free is the roomiest of the blocks that are not under way, so that those of many packets are mostly the same few.
func (p *pipeline) free() *block {
	at := &p.blocks[p.read%uint64(len(p.blocks))]
	for i := p.read + 1; i < p.collected+uint64(len(p.blocks)); i++ {
		if other := &p.blocks[i%uint64(len(p.blocks))]; cap((*other).frames) > cap((*at).frames) {
			*at, *other = *other, *at
		}
	}
	return *at
}

// fetch reads a block and decodes it, if there is room for one.
func (p *pipeline) fetch() bool {
	if p.reading || p.ended || p.full() {
		return false
	}
	b := p.free()
	b.decoded = false
	p.reading = true
	var err error
	p.outside(func() {
		if err = p.ctx.Err(); err == nil {
			err = p.next(&b.Batch)
		} else {
			b.Records = b.Records[:0]
		}
	})
	p.reading = false
	if err != nil {
		p.ended = true
		if !errors.Is(err, io.EOF) && p.ctx.Err() == nil {
			p.err = err
		}
	}
	silent := len(b.Records) == 0
	if silent && (err != nil || !p.engine.cfg.Ongoing) {
		return true
	}
	b.seq = p.seq
	p.seq += uint64(len(b.Records))
	p.room -= b.size()
	p.read++
	p.outside(func() {
		if silent {
			b.silence(time.Now().UnixNano())
		} else {
			b.decode(p.engine.seed)
		}
	})
	b.decoded = true
	return true
}
