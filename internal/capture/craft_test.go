package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

// packet is a frame as a test wants it: free of its batch.
type packet struct {
	Time   int64
	Number uint64
	Wire   uint32
	Link   frame.LinkType
	File   uint16
	Data   string
}

// collect reads until the end and checks what must hold of any batch.
func collect(t testing.TB, next func(*Batch) error) []packet {
	t.Helper()
	var packets []packet
	last := map[uint16]uint64{}
	b := new(Batch)
	for {
		err := next(b)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatalf("Next: %v", err)
			}
			if len(b.Records) != 0 {
				t.Fatalf("%d records come with io.EOF", len(b.Records))
			}
			return packets
		}
		if len(b.Records) == 0 {
			t.Fatal("a batch without records")
		}
		if cap(b.Data) > maxBlock+BatchSize {
			t.Fatalf("a batch holds %d octets", cap(b.Data))
		}
		for i, r := range b.Records {
			if int64(r.Offset)+int64(r.Len) > int64(len(b.Data)) {
				t.Fatalf("record %d reaches beyond the batch", r.Number)
			}
			if r.Wire < r.Len || r.Len > maxFrame {
				t.Fatalf("record %d: %d octets of %d", r.Number, r.Len, r.Wire)
			}
			if r.Number <= last[r.File] {
				t.Fatalf("record %d comes after %d", r.Number, last[r.File])
			}
			last[r.File] = r.Number
			packets = append(packets, packet{r.Time, r.Number, r.Wire, r.Link, r.File, string(b.Frame(i))})
		}
	}
}

// read reads a whole capture that must be one.
func read(t testing.TB, file []byte) ([]packet, *Reader) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return collect(t, r.Next), r
}

// order is a byte order for crafting files.
type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

var orders = map[string]order{"little": binary.LittleEndian, "big": binary.BigEndian}

// u32s are values in order o.
func u32s(o order, values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = o.AppendUint32(b, v)
	}
	return b
}

// join puts parts of a file together.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// pcapHeader is the header of a pcap file of version 2.minor.
func pcapHeader(o order, magic uint32, minor uint16, link uint32) []byte {
	b := u32s(o, magic)
	b = o.AppendUint16(o.AppendUint16(b, 2), minor)
	return append(b, u32s(o, 0, 0, 0, link)...)
}

// block is a pcapng block.
func block(o order, kind uint32, body ...[]byte) []byte {
	b := join(body...)
	b = append(b, make([]byte, -len(b)&3)...)
	size := uint32(len(b) + minBlock)
	return join(u32s(o, kind, size), b, u32s(o, size))
}

func section(o order) []byte {
	return block(o, blockSection, u32s(o, byteOrderMagic), o.AppendUint16(o.AppendUint16(nil, 1), 0), bytes.Repeat([]byte{0xff}, 8))
}

func describeInterface(o order, link uint16, snap uint32, options ...[]byte) []byte {
	return block(o, blockInterface, o.AppendUint32(o.AppendUint16(o.AppendUint16(nil, link), 0), snap), join(options...))
}

func option(o order, code uint16, value []byte) []byte {
	b := o.AppendUint16(o.AppendUint16(nil, code), uint16(len(value)))
	return join(b, value, make([]byte, -len(value)&3))
}

func enhanced(o order, id uint32, ticks uint64, data string, wire uint32) []byte {
	return block(o, blockPacket, u32s(o, id, uint32(ticks>>32), uint32(ticks), uint32(len(data)), wire), []byte(data))
}
