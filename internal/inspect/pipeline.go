package inspect

import (
	"context"
	"errors"
	"io"
	"sync"

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
	waiting   int       // cores that wait for change
	blocks    []*block  // block i of the history is in i modulo their number
	read      uint64    // blocks that were read
	collected uint64    // blocks that were collected
	seen      []uint64  // by worker: blocks that it has seen
	busy      []bool    // by worker: some core does its work
	reading   bool
	ended     bool // there is nothing more to read
	err       error

	// of who reads
	seq uint64 // place in the history of the next packet
}

func newPipeline(ctx context.Context, e *Engine, next func(*capture.Batch) error) *pipeline {
	p := &pipeline{
		engine: e, ctx: ctx, next: next, seq: 1,
		blocks: make([]*block, min(len(e.workers)+3, maxBlocks)),
		seen:   make([]uint64, len(e.workers)), busy: make([]bool, len(e.workers)+1),
	}
	p.change.L = &p.mu
	for i := range p.blocks {
		p.blocks[i] = newBlock(len(e.workers))
	}
	return p
}

func (p *pipeline) block(i uint64) *block { return p.blocks[i%uint64(len(p.blocks))] }

// run does what can be done until all is done, on one core: what ends the way of a block first, and for the worker own
// rather than for another, whose tables another core has in its caches.
func (p *pipeline) run(own int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.collected < p.read || p.reading || !p.ended {
		if !(len(p.seen) > 1 && p.fetch()) && !p.collect() && !p.work(own) && !p.fetch() {
			p.waiting++
			p.change.Wait()
			p.waiting--
		}
	}
	p.change.Broadcast()
}

// outside does f without the lock, and wakes those who may have waited for it.
func (p *pipeline) outside(f func()) {
	p.mu.Unlock()
	f()
	p.mu.Lock()
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
	p.collected++
	p.ended = p.ended || p.engine.err != nil // who listens can't any more
	return true
}

// work shows a block to a worker, if one can go on.
func (p *pipeline) work(own int) bool {
	for i := range p.seen {
		w := (own + i) % len(p.seen)
		if p.busy[w] || p.seen[w] == p.read || !p.block(p.seen[w]).decoded {
			continue
		}
		p.busy[w] = true
		p.outside(func() { p.engine.workers[w].block(p.block(p.seen[w])) })
		p.busy[w] = false
		p.seen[w]++
		return true
	}
	return false
}

// fetch reads a block and decodes it, if there is room for one.
func (p *pipeline) fetch() bool {
	if p.reading || p.ended || p.read-p.collected == uint64(len(p.blocks)) {
		return false
	}
	b := p.block(p.read)
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
	if len(b.Records) == 0 {
		return true
	}
	b.seq = p.seq
	p.seq += uint64(len(b.Records))
	p.read++
	p.outside(func() { b.decode(p.engine.seed) })
	b.decoded = true
	return true
}
