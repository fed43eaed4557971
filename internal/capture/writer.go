package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"plimsoll.example/plimsoll/internal/frame"
)

// Writer writes a capture file with times in nanoseconds. It writes each packet at once and
// in one piece, so w may want a buffer.
type Writer struct {
	w    io.Writer
	link frame.LinkType
	ng   bool
	buf  []byte
}

// NewWriter begins a pcap file on w.
func NewWriter(w io.Writer, link frame.LinkType) (*Writer, error) {
	return begin(&Writer{w: w, link: link})
}

// NewPcapngWriter begins a pcapng file with one interface on w.
func NewPcapngWriter(w io.Writer, link frame.LinkType) (*Writer, error) {
	return begin(&Writer{w: w, link: link, ng: true})
}

func begin(w *Writer) (*Writer, error) {
	le := binary.LittleEndian
	if w.ng {
		w.u32(blockSection, sectionHeader, byteOrderMagic)
		w.buf = le.AppendUint16(w.buf, 1)
		w.buf = le.AppendUint16(w.buf, 0)
		w.u32(math.MaxUint32, math.MaxUint32, sectionHeader) // the section's length: not known
		w.u32(blockInterface, 32, uint32(w.link), 0)
		w.buf = append(w.buf, 9, 0, 1, 0, 9, 0, 0, 0) // if_tsresol: 10^-9 of a second
		w.u32(0, 32)                                  // opt_endofopt, and the length again
	} else {
		w.u32(pcapNano)
		w.buf = le.AppendUint16(w.buf, 2)
		w.buf = le.AppendUint16(w.buf, 4)
		w.u32(0, 0, maxFrame, uint32(w.link))
	}
	return w, w.flush()
}

// WritePacket writes one packet: its time in nanoseconds since the Unix epoch, the octets that were
// captured, and how many there were on the wire.
func (w *Writer) WritePacket(time int64, data []byte, wire int) error {
	if len(data) > maxFrame {
		return fmt.Errorf("write packet: %d octets are more than %d", len(data), maxFrame)
	}
	if time < 0 || !w.ng && time/1e9 > math.MaxUint32 {
		return fmt.Errorf("write packet: time %d cannot be written", time)
	}
	size, wire32 := uint32(len(data)), uint32(max(len(data), wire))
	if w.ng {
		pad := -len(data) & 3
		block := uint32(32 + len(data) + pad)
		w.u32(blockPacket, block, 0, uint32(time>>32), uint32(time), size, wire32)
		w.buf = append(w.buf, data...)
		w.buf = append(w.buf, make([]byte, pad)...)
		w.u32(block)
	} else {
		w.u32(uint32(time/1e9), uint32(time%1e9), size, wire32)
		w.buf = append(w.buf, data...)
	}
	return w.flush()
}

func (w *Writer) u32(values ...uint32) {
	for _, v := range values {
		w.buf = binary.LittleEndian.AppendUint32(w.buf, v)
	}
}

func (w *Writer) flush() error {
	_, err := w.w.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}
