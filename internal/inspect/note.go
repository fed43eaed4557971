package inspect

import (
	"unsafe"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/flow"
)

// note is what dissectors said of a flow that goes into its record. It holds no pointers.
type note struct {
	name      [253]byte // of the responder, as the flow itself says: SNI, Host
	nameLen   uint8
	ja3, ja3s [32]byte // zero: none
	ja4       [36]byte
	tls       uint8 // the version that the responder chose, +1 in tlsVersions; 0: none that is there
}

// tlsVersions are the versions of TLS that a record can name.
var tlsVersions = [...]string{"1.3", "1.2", "1.1", "1.0", "ssl3"}

const noteSize = int(unsafe.Sizeof(note{}))

// take keeps what fact i says of the flow. It reports whether that was anything.
func (n *note) take(facts *dissect.Facts, i int) {
	v := facts.Value(i)
	switch facts.At(i).Name {
	case "tls.sni", "http.host":
		if n.nameLen == 0 && len(v) <= len(n.name) {
			n.nameLen = uint8(copy(n.name[:], v))
		}
	case "tls.ja3":
		if n.ja3[0] == 0 && len(v) == len(n.ja3) {
			n.ja3 = [32]byte(v)
		}
	case "tls.ja3s":
		if n.ja3s[0] == 0 && len(v) == len(n.ja3s) {
			n.ja3s = [32]byte(v)
		}
	case "tls.version":
		for i, name := range tlsVersions {
			if string(v) == name {
				n.tls = uint8(i + 1)
			}
		}
	case "tls.ja4":
		if n.ja4[0] == 0 && len(v) == len(n.ja4) {
			n.ja4 = [36]byte(v)
		}
	}
}

// noted reports whether a fact of this name, said in this direction, goes into the record of its flow.
func noted(name string, dir int) bool {
	switch name {
	case "tls.sni", "http.host", "tls.ja3", "tls.ja4":
		return dir == flow.Orig // a responder does not name itself
	case "tls.version":
		return dir == flow.Resp // what the initiator offers is not what is used
	case "tls.ja3s":
		return true
	}
	return false
}

// notes is a pool of notes, bounded.
type notes struct {
	max    int
	used   int
	chunks []*[notesChunk]note
	free   []uint32
}

// notesChunk is how many notes come at a time: memory that grows by doubling is half empty, and leaves as much behind.
const notesChunk = 32

// at is the note in a slot, +1.
func (p *notes) at(slot uint32) *note { return &p.chunks[(slot-1)/notesChunk][(slot-1)%notesChunk] }

// get is a fresh slot, +1; 0 where there is none.
func (p *notes) get() uint32 {
	if n := len(p.free); n > 0 {
		slot := p.free[n-1]
		p.free = p.free[:n-1]
		*p.at(slot) = note{}
		return slot
	}
	if p.used >= p.max {
		return 0
	}
	if p.used == len(p.chunks)*notesChunk {
		p.chunks = append(p.chunks, new([notesChunk]note))
	}
	p.used++
	return uint32(p.used)
}

func (p *notes) put(slot uint32) { p.free = append(p.free, slot) }
