// Package capture brings captured frames in: from pcap and pcapng files, compressed or not, and from
// a live interface. Frames travel in batches, so that the cost per frame is a few nanoseconds.
package capture

import "plimsoll.example/plimsoll/internal/frame"

// Record says where one captured frame lies in its batch, and what is known of it.
type Record struct {
	Time   int64          // capture time, nanoseconds since the Unix epoch
	Number uint64         // place in its file, counting from 1, as Wireshark shows it
	Offset uint32         // of the frame in Batch.Data
	Len    uint32         // octets captured
	Wire   uint32         // octets on the wire, at least Len
	Link   frame.LinkType // link-layer header type
	File   uint16         // which file of the history, counting from 0
}

// Batch is a block of captured octets and the frames in it, in order. Its memory is reused:
// what it holds is valid until it is given to Next again.
type Batch struct {
	Data    []byte
	Records []Record
}

// Frame is the octets of record i.
func (b *Batch) Frame(i int) []byte {
	r := &b.Records[i]
	return b.Data[r.Offset : r.Offset+r.Len : r.Offset+r.Len]
}

// BatchSize is the memory of one batch's Data in octets. A larger frame grows its batch.
const BatchSize = 128 << 10

// maxFrame is the largest frame that is believed. Wireshark stops at 256 KiB.
const maxFrame = 1 << 20

// reset empties b and gives its Data n octets, of any content.
func (b *Batch) reset(n int) {
	b.Records = b.Records[:0]
	if cap(b.Data) < n {
		b.Data = make([]byte, n)
	}
	b.Data = b.Data[:n]
}

// add is a new last Record, to be filled in. It may hold what it held before. Appending a composite
// value is twice as slow: the compiler builds it elsewhere first.
func (b *Batch) add() *Record {
	if len(b.Records) == cap(b.Records) {
		b.Records = append(b.Records, Record{})
	} else {
		b.Records = b.Records[:len(b.Records)+1]
	}
	return &b.Records[len(b.Records)-1]
}
