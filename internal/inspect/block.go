package inspect

import (
	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// block is a batch of packets on its way through the stages. Its memory is reused.
type block struct {
	capture.Batch
	seq     uint64 // place in the history of Records[0], counting from 1
	frames  []frame.Frame
	hashes  []uint32
	shards  []uint8
	decoded bool

	// of this block alone
	octets      uint64
	undecoded   uint64
	protected   uint64
	first, last int64
	links       []linkCount

	shares []share // by worker
}

// share is what one worker makes of a block.
type share struct {
	facts  dissect.Facts
	events []event
	ended  [flow.Shards]ended // of its own shards
	_      [128]byte          // cores write to theirs side by side, and a processor fetches two lines of its cache at once
}

type linkCount struct {
	link  frame.LinkType
	count uint64
}

// ended is the flows of one shard that ended while a block was processed. After a silence many end at once, so they
// come in chunks that all blocks share.
type ended struct {
	chunks []*chunk
	notes  []note
}

type chunk struct {
	n     int
	flows [16]flow.Flow // few, as most shards end some in each block
}

// chunkPool keeps chunks that are not in use, up to its capacity.
type chunkPool chan *chunk

func (p chunkPool) get() *chunk {
	select {
	case c := <-p:
		c.n = 0
		return c
	default:
		return new(chunk)
	}
}

func (p chunkPool) put(c *chunk) {
	select {
	case p <- c:
	default:
	}
}

// add appends a flow and returns its place.
func (e *ended) add(f *flow.Flow, p chunkPool) *flow.Flow {
	if n := len(e.chunks); n == 0 || e.chunks[n-1].n == len(chunk{}.flows) {
		e.chunks = append(e.chunks, p.get())
	}
	c := e.chunks[len(e.chunks)-1]
	c.flows[c.n] = *f
	c.n++
	return &c.flows[c.n-1]
}

func newBlock(workers int) *block {
	return &block{shares: make([]share, workers)}
}

// size is what a block takes while it is under way, octets: its packets, and about as much as is made of each.
func (b *block) size() int { return len(b.Data) + len(b.Records)<<10 }

// silence is a block without packets, by which time goes by all the same.
func (b *block) silence(now int64) {
	b.frames, b.hashes, b.shards, b.links = b.frames[:0], b.hashes[:0], b.shards[:0], b.links[:0]
	b.octets, b.undecoded, b.protected = 0, 0, 0
	b.first, b.last = now, now
}

// decode reads the headers of all frames, and says which shard each belongs to.
func (b *block) decode(seed uint64) {
	n := len(b.Records)
	if cap(b.frames) < n {
		size := n + n/4
		b.frames, b.hashes, b.shards = make([]frame.Frame, size), make([]uint32, size), make([]uint8, size)
	}
	b.frames, b.hashes, b.shards = b.frames[:n], b.hashes[:n], b.shards[:n]
	b.octets, b.undecoded, b.protected = 0, 0, 0
	b.first, b.last = b.Records[0].Time, b.Records[0].Time
	b.links = b.links[:0]
	link, run := b.Records[0].Link, uint64(0)
	for i := range b.Records {
		r := &b.Records[i]
		f := &b.frames[i]
		frame.Decode(f, r.Link, b.Data[r.Offset:r.Offset+r.Len], int(r.Wire))
		// a group address sends nothing: what claims to is hidden, not believed
		if f.SrcMAC.IsGroup() {
			f.SrcMAC = frame.MAC{}
		}
		if device.IsSynthetic(f.DstMAC) {
			f.DstMAC = frame.MAC{}
		}
		b.octets += uint64(r.Wire)
		b.first, b.last = min(b.first, r.Time), max(b.last, r.Time)
		if r.Link != link {
			b.countLink(link, run)
			link, run = r.Link, 0
		}
		run++
		if f.Depth < frame.Network {
			if f.Protected {
				b.protected++
			} else if f.Depth == frame.Nothing {
				b.undecoded++
			}
			// what is not IP belongs to a conversation of link-layer addresses
			f.Src, f.Dst = linkAddr(f.SrcMAC), linkAddr(f.DstMAC)
			f.SrcPort, f.DstPort = f.EtherType, f.EtherType
		} else if f.SrcMAC.IsZero() {
			name(f)
		}
		b.shards[i] = uint8(flow.Shard(&f.Src, &f.Dst))
		b.hashes[i] = flow.Hash(seed, f)
	}
	b.countLink(link, run)
}

func (b *block) countLink(link frame.LinkType, n uint64) {
	for i := range b.links {
		if b.links[i].link == link {
			b.links[i].count += n
			return
		}
	}
	b.links = append(b.links, linkCount{link, n})
}

// name gives devices an identity where the link has none: raw IP, tunnels, cooked captures.
func name(f *frame.Frame) {
	if device.IsLocal(&f.Src) {
		f.SrcMAC = device.Synthetic(f.Src)
	}
	if f.DstMAC.IsZero() && device.IsLocal(&f.Dst) {
		f.DstMAC = device.Synthetic(f.Dst)
	}
}

// linkAddr is a link-layer address in the place of an IP address, in the discard-only range (RFC 6666).
func linkAddr(m frame.MAC) frame.Addr {
	a := frame.Addr{0: 1}
	copy(a[10:], m[:])
	return a
}
