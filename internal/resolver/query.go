package resolver

import (
	"encoding/binary"
	"strings"

	"github.com/miekg/dns"
)

// Sizes of the wire format, octets (RFC 1035 §4).
const (
	header  = 12
	maxName = 255
	optSize = 11 // an OPT record without options (RFC 6891 §6.1.2)
)

// What a client can take by UDP: at least what RFC 1035 §4.2.1 allows, and never so much that it would be fragmented.
const (
	minUDP = 512
	maxUDP = 1232
)

// query is what a message asks. It keeps what it needs in itself, so that reading one allocates nothing.
type query struct {
	key    [maxName + 3]byte // the name in wire form and lower case, the type, and the flags that make answers differ
	length int               // of the key
	labels int
	end    int // of the question in the message
	qtype  uint16
	size   uint16 // of the largest answer by UDP
	edns   bool
	dnssec bool // DO: signatures are wanted
	wantAD bool
	noTest bool // CD: checking is the client's own
}

const (
	keyDO = 1
	keyCD = 2
)

// drop is a verdict on a message that deserves no answer.
const drop = -1

// read reads a query. It returns the code to answer with if there is something wrong with it, or drop.
func (q *query) read(msg []byte) int {
	q.end, q.edns, q.dnssec, q.size, q.length = 0, false, false, minUDP, 0
	if len(msg) < header || msg[2]&0x80 != 0 {
		return drop
	}
	q.wantAD, q.noTest = msg[3]&0x20 != 0, msg[3]&0x10 != 0
	if msg[2]>>3&0xf != dns.OpcodeQuery {
		return dns.RcodeNotImplemented
	}
	if binary.BigEndian.Uint16(msg[4:]) != 1 || binary.BigEndian.Uint32(msg[6:]) != 0 || binary.BigEndian.Uint16(msg[10:]) > 1 {
		return dns.RcodeFormatError
	}
	n := q.readName(msg)
	if n == 0 || len(msg) < header+n+4 {
		return dns.RcodeFormatError
	}
	q.end = header + n + 4
	q.qtype = binary.BigEndian.Uint16(msg[q.end-4:])
	class := binary.BigEndian.Uint16(msg[q.end-2:])
	if msg[11] == 1 {
		if rcode := q.readOPT(msg[q.end:]); rcode != dns.RcodeSuccess {
			return rcode
		}
	}
	q.key[n], q.key[n+1] = byte(q.qtype>>8), byte(q.qtype)
	q.key[n+2] = 0
	if q.dnssec {
		q.key[n+2] |= keyDO
	}
	if q.noTest {
		q.key[n+2] |= keyCD
	}
	q.length = n + 3
	if class != dns.ClassINET { // who runs here, and what, is nobody's business (CH version.bind)
		return dns.RcodeRefused
	}
	return dns.RcodeSuccess
}

// readName puts the name of the question into the key, and returns its length, or 0.
func (q *query) readName(msg []byte) int {
	at := 0
	for q.labels = 0; ; q.labels++ {
		if header+at >= len(msg) {
			return 0
		}
		l := int(msg[header+at])
		q.key[at] = byte(l)
		at++
		if l == 0 {
			return at
		}
		if l > 63 || at+l >= maxName || header+at+l > len(msg) { // no pointers: there is nothing before to point at
			return 0
		}
		for i, c := range msg[header+at : header+at+l] {
			q.key[at+i] = lower(c)
		}
		at += l
	}
}

// readOPT reads the one additional record that a query may have (RFC 6891 §6.1). Its options are of no account:
// what a client says of itself, such as its subnet (RFC 7871), goes nowhere.
func (q *query) readOPT(rr []byte) int {
	if len(rr) < optSize || rr[0] != 0 || binary.BigEndian.Uint16(rr[1:]) != dns.TypeOPT {
		return dns.RcodeFormatError
	}
	options := rr[optSize:]
	n := int(binary.BigEndian.Uint16(rr[9:]))
	if n > len(options) {
		return dns.RcodeFormatError
	}
	for options = options[:n]; len(options) > 0; {
		if len(options) < 4 {
			return dns.RcodeFormatError
		}
		n := 4 + int(binary.BigEndian.Uint16(options[2:]))
		if n > len(options) {
			return dns.RcodeFormatError
		}
		options = options[n:]
	}
	q.edns = true
	q.size = min(max(binary.BigEndian.Uint16(rr[3:]), minUDP), maxUDP)
	q.dnssec = rr[7]&0x80 != 0
	if rr[6] != 0 {
		return dns.RcodeBadVers
	}
	return dns.RcodeSuccess
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

// cacheKey tells apart all that is answered differently.
func (q *query) cacheKey() []byte { return q.key[:q.length] }

// wireName is the name in lower case.
func (q *query) wireName() []byte { return q.key[:max(q.length-3, 0)] }

// name is the name in lower case with a dot at the end, in presentation form (RFC 1035 §5.1).
func (q *query) name() string {
	s, _, err := dns.UnpackDomainName(q.wireName(), 0)
	if err != nil {
		return "."
	}
	return s
}

// plain is a name in lower case without a dot at the end.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// refusal answers with a code alone, to what may not even be a sound query. It appends to dst.
func (q *query) refusal(dst, msg []byte, rcode int, ede int) []byte {
	start := len(dst)
	dst = append(dst, msg[:header]...)
	h := dst[start:]
	h[2] = h[2]&0x79 | 0x80                   // QR; the opcode and RD stay
	h[3] = h[3]&0x10 | 0x80 | byte(rcode&0xf) // RA; CD stays
	clear(h[4:])
	if q.end > 0 {
		h[5] = 1
		dst = append(dst, msg[header:q.end]...)
	}
	if q.edns {
		dst[start+11] = 1
		dst = q.appendOPT(dst, rcode>>4, ede)
	}
	return dst
}

// noEDE stands for no extended error: 0 is one of its own.
const noEDE = -1

// appendOPT appends the OPT record of an answer, with an extended error (RFC 8914).
func (q *query) appendOPT(dst []byte, extended, ede int) []byte {
	var do byte
	if q.dnssec {
		do = 0x80
	}
	dst = append(dst, 0, 0, byte(dns.TypeOPT), maxUDP>>8, maxUDP&0xff, byte(extended), 0, do, 0, 0, 0)
	if ede != noEDE {
		dst[len(dst)-1] = 6
		dst = append(dst, 0, dns.EDNS0EDE, 0, 2, byte(ede>>8), byte(ede))
	}
	return dst
}

// forward is the message that asks an upstream, with no identifier yet. Padding hides the length of the name from those
// who watch an encrypted connection (RFC 8467 §4.1).
func (q *query) forward(edns, padded bool) []byte {
	name := q.wireName()
	b := make([]byte, header, 160)
	b[2] = 0x01 // RD
	b[3] = 0x20 // AD: say whether you checked (RFC 6840 §5.7)
	if q.noTest {
		b[3] |= 0x10
	}
	b[5] = 1
	b = append(b, name...)
	b = append(b, byte(q.qtype>>8), byte(q.qtype), 0, dns.ClassINET)
	if !edns {
		return b
	}
	b[11] = 1
	b = q.appendOPT(b, 0, noEDE)
	if padded {
		const block = 128
		n := (block - (len(b)+4)%block) % block
		b[len(b)-1] = byte(4 + n)
		b = append(b, 0, dns.EDNS0PADDING, 0, byte(n))
		b = append(b, make([]byte, n)...)
	}
	return b
}

// answers reports whether a message is the answer to what was asked: the same identifier, and the same question.
// The letters' case must be that of the question if exact.
func answers(msg, asked []byte, exact bool) bool {
	if len(msg) < header || len(asked) < header || msg[0] != asked[0] || msg[1] != asked[1] || msg[2]&0xf8 != 0x80 {
		return false
	}
	switch binary.BigEndian.Uint16(msg[4:]) {
	case 0: // a server that could not even read the question, as old ones with EDNS, does not repeat it
		rcode := int(msg[3] & 0xf)
		return len(msg) == header && (rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented)
	case 1:
	default:
		return false
	}
	end := questionEnd(asked)
	if end == 0 || len(msg) < end {
		return false
	}
	for i := header; i < end; i++ {
		if a, b := msg[i], asked[i]; a != b && (exact || lower(a) != lower(b)) {
			return false
		}
	}
	return true
}

// questionEnd is where the one question of a message ends, or 0.
func questionEnd(msg []byte) int {
	at := header
	for at < len(msg) {
		l := int(msg[at])
		at++
		if l == 0 {
			if at+4 > len(msg) {
				return 0
			}
			return at + 4
		}
		if l > 63 {
			return 0
		}
		at += l
	}
	return 0
}
