package tls

import "encoding/binary"

// Fragments are the pieces of one message that have come so far, in any order: each is its offset and
// its length, of two octets each, and its octets. They lie in one slice, so that they can be kept in the
// Scratch of a message; what is found in it is not trusted. The memory taken is that of the pieces.
type Fragments []byte

// FragmentHead is how many octets each piece takes besides its own.
const FragmentHead = 4

// maxFragments bounds the pieces of one message. A client that shuffles its hello on purpose sends a few dozen.
const maxFragments = 128

// Add keeps a piece, up to limit octets in all, and reports whether it could. What is known already
// is not kept again.
func (f *Fragments) Add(offset int, b []byte, limit int) bool {
	if len(b) == 0 {
		return true
	}
	if offset+len(b) > 1<<16-1 {
		return false
	}
	count, last := 0, -1
	for i := 0; i+FragmentHead <= len(*f); count++ {
		at, piece := f.piece(i)
		if at <= offset && offset+len(b) <= at+len(piece) {
			return true
		}
		last = i
		i += FragmentHead + len(piece)
	}
	if last >= 0 && len(*f)+len(b) <= limit {
		if at, piece := f.piece(last); at+len(piece) == offset {
			binary.BigEndian.PutUint16((*f)[last+2:], uint16(len(piece)+len(b)))
			*f = append(*f, b...)
			return true
		}
	}
	if count >= maxFragments || len(*f)+FragmentHead+len(b) > limit {
		return false
	}
	*f = binary.BigEndian.AppendUint16(*f, uint16(offset))
	*f = binary.BigEndian.AppendUint16(*f, uint16(len(b)))
	*f = append(*f, b...)
	return true
}

// Join is the message from its beginning up to the first gap. It aliases f if one piece is all of it.
func (f Fragments) Join() []byte {
	first := f.from(0)
	next := f.from(len(first))
	if len(next) == 0 {
		return first
	}
	whole := make([]byte, 0, len(f))
	for next = first; len(next) > 0; next = f.from(len(whole)) {
		whole = append(whole, next...)
	}
	return whole
}

// from is the longest run of octets from offset on that one piece has.
func (f Fragments) from(offset int) (run []byte) {
	for i := 0; i+FragmentHead <= len(f); {
		at, piece := f.piece(i)
		if at <= offset && offset-at < len(piece) && len(piece)-(offset-at) > len(run) {
			run = piece[offset-at:]
		}
		i += FragmentHead + len(piece)
	}
	return run
}

// piece is the one that begins at index i.
func (f Fragments) piece(i int) (offset int, b []byte) {
	offset = int(binary.BigEndian.Uint16(f[i:]))
	n := int(binary.BigEndian.Uint16(f[i+2:]))
	b = f[i+FragmentHead:]
	return offset, b[:min(n, len(b))]
}
