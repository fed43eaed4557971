package dns

import "encoding/binary"

// HeaderLen is the size of the fixed part of a message, RFC 1035, Section 4.1.1.
const HeaderLen = 12

// Types that the dissectors of this family read, by IANA's registry.
const (
	TypeA     = 1
	TypeCNAME = 5
	TypePTR   = 12
	TypeHINFO = 13
	TypeTXT   = 16
	TypeAAAA  = 28
	TypeSRV   = 33
	TypeOPT   = 41
	TypeSVCB  = 64
	TypeHTTPS = 65
)

// Classes, RFC 1035, Section 3.2.4, and RFC 6895, Section 3.2.
const (
	ClassIN   = 1
	ClassCH   = 3
	ClassHS   = 4
	ClassNone = 254
	ClassAny  = 255
)

// Opcodes, RFC 6895, Section 2.2.
const (
	OpQuery  = 0
	OpNotify = 4
	OpUpdate = 5
)

// Header is the fixed part of a message.
type Header struct {
	ID, Flags                                    uint16
	Questions, Answers, Authorities, Additionals uint16
}

// ReadHeader reads the header of msg.
func ReadHeader(msg []byte) (h Header, ok bool) {
	if len(msg) < HeaderLen {
		return h, false
	}
	return Header{
		ID:          binary.BigEndian.Uint16(msg),
		Flags:       binary.BigEndian.Uint16(msg[2:]),
		Questions:   binary.BigEndian.Uint16(msg[4:]),
		Answers:     binary.BigEndian.Uint16(msg[6:]),
		Authorities: binary.BigEndian.Uint16(msg[8:]),
		Additionals: binary.BigEndian.Uint16(msg[10:]),
	}, true
}

// Response reports whether the QR bit is set.
func (h *Header) Response() bool { return h.Flags&0x8000 != 0 }

// Opcode is the kind of query.
func (h *Header) Opcode() uint8 { return uint8(h.Flags >> 11 & 0xf) }

// Rcode is the response code, without the bits that EDNS adds.
func (h *Header) Rcode() uint8 { return uint8(h.Flags & 0xf) }

// Records is the number of resource records that the header announces.
func (h *Header) Records() int {
	return int(h.Answers) + int(h.Authorities) + int(h.Additionals)
}

// Fits reports whether what the header announces can be in size octets: the
// smallest question has 5 octets, the smallest record 11.
func (h *Header) Fits(size int) bool {
	return HeaderLen+5*int(h.Questions)+11*h.Records() <= size
}

// Question is one entry of the question section.
type Question struct {
	Name  int // offset of the name in the message
	Type  uint16
	Class uint16
}

// ReadQuestion reads the question at off, and says where it ends.
func ReadQuestion(msg []byte, off int) (q Question, end int, ok bool) {
	at, ok := skipName(msg, off)
	if !ok || at+4 > len(msg) {
		return q, off, false
	}
	return Question{
		Name:  off,
		Type:  binary.BigEndian.Uint16(msg[at:]),
		Class: binary.BigEndian.Uint16(msg[at+2:]),
	}, at + 4, true
}

// Record is one resource record. Its data is msg[Data:End].
type Record struct {
	Name      int // offset of the owner's name in the message
	Type      uint16
	Class     uint16
	TTL       uint32 // seconds
	Data, End int
}

// ReadRecord reads the record at off; the next one begins at its End. If only the record's data is cut
// short, it is not ok but r holds the rest, with an End beyond the message.
func ReadRecord(msg []byte, off int) (r Record, ok bool) {
	at, ok := skipName(msg, off)
	if !ok || at+10 > len(msg) {
		return r, false
	}
	r = Record{
		Name:  off,
		Type:  binary.BigEndian.Uint16(msg[at:]),
		Class: binary.BigEndian.Uint16(msg[at+2:]),
		TTL:   binary.BigEndian.Uint32(msg[at+4:]),
		Data:  at + 10,
		End:   at + 10 + int(binary.BigEndian.Uint16(msg[at+8:])),
	}
	if r.TTL > 1<<31-1 { // RFC 2181, Section 8
		r.TTL = 0
	}
	return r, r.End <= len(msg)
}
