package capture

import (
	"encoding/binary"
	"math/bits"

	"plimsoll.example/plimsoll/internal/frame"
)

// A format walks the records of one capture file.
type format interface {
	// walk appends a Record for each frame that lies whole in b.Data[from:].
	walk(b *Batch, from int) step
	// links are the link types that the file has announced, each once.
	links() []frame.LinkType
	// packets is how many records were yielded or counted.
	packets() uint64
}

// step is how far a walk came.
type step struct {
	used   int    // octets of Data that are dealt with
	skip   int64  // octets from there on that are of no interest; if not 0, more than Data has
	need   int    // octets from there on, or from after the skipped ones, without which it cannot go on
	inside bool   // used and skip end inside a record
	fault  string // what is wrong with the record there, if that is why the walk ended
}

// Sizes of the headers, and the magic numbers in the order of their writer
// (draft-ietf-opsawg-pcap, Section 4).
const (
	pcapFileHeader   = 24
	pcapRecordHeader = 16
	pcapMicro        = 0xa1b2c3d4
	pcapNano         = 0xa1b23c4d
	pcapModified     = 0xa1b2cd34 // Kuznetzov's: eight more octets in each record header
)

// pcap walks the classic format.
type pcap struct {
	swap   bool  // numbers are big-endian
	legacy bool  // before version 2.4: the two lengths may stand in the other order
	header int   // octets of a record header
	unit   int64 // nanoseconds in one unit of a time's second half
	link   frame.LinkType
	file   uint16
	number uint64 // of the last record
}

// isPcap reports whether head begins a file of the classic format, and its byte order.
func isPcap(head []byte) (magic uint32, swap, ok bool) {
	if len(head) < 4 {
		return 0, false, false
	}
	for _, swap := range []bool{false, true} {
		magic := u32(head, swap)
		switch magic {
		case pcapMicro, pcapNano, pcapModified:
			return magic, swap, true
		}
	}
	return 0, false, false
}

// newPcap reads the file header, of which head holds all. The field for the greatest length is not
// looked at: programs write nonsense there.
func newPcap(head []byte, file uint16) (*pcap, *FormatError) {
	magic, swap, _ := isPcap(head)
	major, minor := u16(head[4:], swap), u16(head[6:], swap)
	if major != 2 {
		return nil, &FormatError{Offset: 4, Found: "pcap of version " + version(major, minor)}
	}
	p := &pcap{
		swap:   swap,
		legacy: minor < 4,
		header: pcapRecordHeader,
		unit:   1000,
		link:   frame.LinkType(u32(head[20:], swap)), // the upper half tells of frame check sequences
		file:   file,
	}
	switch magic {
	case pcapNano:
		p.unit = 1
	case pcapModified:
		p.header += 8
	}
	return p, nil
}

func (p *pcap) links() []frame.LinkType { return []frame.LinkType{p.link} }

func (p *pcap) packets() uint64 { return p.number }

func (p *pcap) walk(b *Batch, from int) step {
	data := b.Data
	header, unit, link, file, number := p.header, p.unit, p.link, p.file, p.number
	s := step{used: from, need: header}
	for len(data)-s.used >= header {
		h := data[s.used:]
		sec, frac := binary.LittleEndian.Uint32(h), binary.LittleEndian.Uint32(h[4:])
		size, wire := binary.LittleEndian.Uint32(h[8:]), binary.LittleEndian.Uint32(h[12:])
		if p.swap {
			sec, frac = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac)
			size, wire = bits.ReverseBytes32(size), bits.ReverseBytes32(wire)
		}
		if size > wire {
			if p.legacy {
				size, wire = wire, size
			} else {
				wire = size
			}
		}
		if size > maxFrame {
			s.fault = "frame too long"
			break
		}
		if whole := header + int(size); len(h) < whole {
			s.need = whole
			break
		}
		number++
		r := b.add()
		r.Time = int64(sec)*1e9 + int64(frac)*unit
		r.Number = number
		r.Offset = uint32(s.used + header)
		r.Len = size
		r.Wire = wire
		r.Link = link
		r.File = file
		s.used += header + int(size)
	}
	p.number = number
	return s
}

// u16 and u32 read a number in little-endian order, or in the other one.
func u16(b []byte, swap bool) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if swap {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func u32(b []byte, swap bool) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if swap {
		v = bits.ReverseBytes32(v)
	}
	return v
}
