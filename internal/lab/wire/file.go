package wire

import (
	"encoding/binary"
	"io"

	"plimsoll.example/plimsoll/internal/frame"
)

// Packet is one captured frame.
type Packet struct {
	Time      int64  // nanoseconds since the Unix epoch
	Data      []byte // what was captured
	Wire      int    // octets on the wire, where more than was captured
	Interface int    // pcapng: which of the file's interfaces, from 0
}

// Pcap is a classic capture file. The zero value with a link type is the most common form:
// little-endian, microseconds.
type Pcap struct {
	Link      frame.LinkType
	BigEndian bool
	Nano      bool // times in nanoseconds
	Snap      int  // octets kept of a packet; 0: 262144
}

const snapLength = 262144

func (f Pcap) order() binary.AppendByteOrder {
	if f.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// AppendHeader appends the header of the file.
func (f Pcap) AppendHeader(b []byte) []byte {
	o := f.order()
	magic := uint32(0xa1b2c3d4)
	if f.Nano {
		magic = 0xa1b23c4d
	}
	if f.Snap == 0 {
		f.Snap = snapLength
	}
	b = o.AppendUint32(b, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, 4)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = o.AppendUint32(b, uint32(f.Snap))
	return o.AppendUint32(b, uint32(f.Link))
}

// AppendPacket appends one packet.
func (f Pcap) AppendPacket(b []byte, p Packet) []byte {
	o := f.order()
	wire := max(p.Wire, len(p.Data))
	if f.Snap > 0 && len(p.Data) > f.Snap {
		p.Data = p.Data[:f.Snap]
	}
	part := p.Time % 1e9
	if !f.Nano {
		part /= 1e3
	}
	b = o.AppendUint32(b, uint32(p.Time/1e9))
	b = o.AppendUint32(b, uint32(part))
	b = o.AppendUint32(b, uint32(len(p.Data)))
	b = o.AppendUint32(b, uint32(wire))
	return append(b, p.Data...)
}

// Write writes a file of packets.
func (f Pcap) Write(w io.Writer, packets []Packet) error {
	b := f.AppendHeader(nil)
	for _, p := range packets {
		b = f.AppendPacket(b, p)
	}
	_, err := w.Write(b)
	return err
}

// Pcapng is a capture file of the next generation (draft-ietf-opsawg-pcapng).
type Pcapng struct {
	Interfaces []Interface
	BigEndian  bool
	Comment    string
}

// Interface describes where packets were captured.
type Interface struct {
	Name       string
	Link       frame.LinkType
	Resolution uint8 // of the time, as a power of ten: 6 for microseconds, 9 for nanoseconds
}

// Block types and options of pcapng.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockStatistics = 5
	blockPacket     = 6

	optComment       = 1
	optName          = 2
	optResolution    = 9
	optApplication   = 4
	optReceived      = 4
	sectionByteOrder = 0x1a2b3c4d
)

// Write writes a file of packets: one section, its interfaces, the packets, and how many there were.
func (f Pcapng) Write(w io.Writer, packets []Packet) error {
	var o binary.AppendByteOrder = binary.LittleEndian
	if f.BigEndian {
		o = binary.BigEndian
	}
	body := o.AppendUint32(nil, sectionByteOrder)
	body = o.AppendUint16(body, 1)
	body = o.AppendUint16(body, 0)
	body = o.AppendUint64(body, 1<<64-1) // length of the section: not said
	if f.Comment != "" {
		body = option(o, body, optComment, []byte(f.Comment))
	}
	body = option(o, body, optApplication, []byte("plimsoll lab"))
	b := block(o, nil, blockSection, option(o, body, 0, nil))

	for _, i := range f.Interfaces {
		body = o.AppendUint16(nil, uint16(i.Link))
		body = o.AppendUint16(body, 0)
		body = o.AppendUint32(body, snapLength)
		body = option(o, body, optName, []byte(i.Name))
		body = option(o, body, optResolution, []byte{i.Resolution})
		b = block(o, b, blockInterface, option(o, body, 0, nil))
	}
	counts := make([]uint64, len(f.Interfaces))
	var last int64
	for _, p := range packets {
		body = o.AppendUint32(body[:0], uint32(p.Interface))
		body = stamp(o, body, p.Time, f.Interfaces[p.Interface].Resolution)
		body = o.AppendUint32(body, uint32(len(p.Data)))
		body = o.AppendUint32(body, uint32(max(p.Wire, len(p.Data))))
		b = block(o, b, blockPacket, append(body, p.Data...))
		counts[p.Interface]++
		last = p.Time
	}
	for i, n := range counts {
		body = o.AppendUint32(body[:0], uint32(i))
		body = stamp(o, body, last, f.Interfaces[i].Resolution)
		body = option(o, body, optReceived, o.AppendUint64(nil, n))
		b = block(o, b, blockStatistics, option(o, body, 0, nil))
	}
	_, err := w.Write(b)
	return err
}

func stamp(o binary.AppendByteOrder, b []byte, t int64, resolution uint8) []byte {
	for r := resolution; r < 9; r++ {
		t /= 10
	}
	b = o.AppendUint32(b, uint32(t>>32))
	return o.AppendUint32(b, uint32(t))
}

func option(o binary.AppendByteOrder, b []byte, code uint16, value []byte) []byte {
	b = o.AppendUint16(b, code)
	b = o.AppendUint16(b, uint16(len(value)))
	return pad4(append(b, value...), len(value))
}

func block(o binary.AppendByteOrder, b []byte, kind uint32, body []byte) []byte {
	n := uint32(12 + (len(body)+3)&^3)
	b = o.AppendUint32(b, kind)
	b = o.AppendUint32(b, n)
	b = pad4(append(b, body...), len(body))
	return o.AppendUint32(b, n)
}

func pad4(b []byte, n int) []byte {
	for ; n%4 != 0; n++ {
		b = append(b, 0)
	}
	return b
}
