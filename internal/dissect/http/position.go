package http

import "encoding/binary"

// position is where the octets to come stand in the stream. It is kept in eight octets of scratch memory.
type position struct {
	phase    phase
	interest interest
	chunked  bool   // the body comes in chunks
	count    uint64 // octets left of the body or chunk, or octets of the head that were searched for its end
}

type phase uint8

const (
	atStart   phase = iota // of a message
	inHead                 // of a message, whose end was not found yet
	inBody                 // or in a chunk of it
	atSize                 // of the next chunk
	inTrailer              // after the last chunk
)

// interest is what a body may tell.
type interest uint8

const (
	nothing interest = iota
	aDescription
	aControl
	aPage
	aForm
)

const (
	countBits = 56
	maxCount  = 1<<countBits - 1
	toTheEnd  = maxCount // the body ends with the stream
)

func load(scratch []byte) (p position) {
	if len(scratch) < 8 {
		return p
	}
	v := binary.BigEndian.Uint64(scratch)
	return position{
		phase:    min(phase(v>>countBits&7), inTrailer),
		interest: min(interest(v>>(countBits+3)&7), aForm),
		chunked:  v>>(countBits+6)&1 != 0,
		count:    v & maxCount,
	}
}

func (p *position) save(scratch []byte) []byte {
	if *p == (position{}) {
		return scratch[:0]
	}
	v := p.count | uint64(p.phase)<<countBits | uint64(p.interest)<<(countBits+3)
	if p.chunked {
		v |= 1 << (countBits + 6)
	}
	return binary.BigEndian.AppendUint64(scratch[:0], v)
}
