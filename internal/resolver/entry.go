package resolver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// entry is an answer as it goes out, but for what differs from client to client. It never changes once made.
type entry struct {
	wire   []byte   // header, question in lower case, records; no OPT
	ttls   []uint16 // where in wire the times to live are
	rcode  int
	ede    int  // extended error, or noEDE
	secure bool // an upstream that we can believe says that it checked the signatures (AD)
	answer Answer
	made   time.Time
	until  time.Time // the end of the first record; TTLs count down to it
	dead   time.Time // until when it may be served stale
	place
}

// place is an entry's in the cache.
type place struct {
	key          string
	newer, older *entry
	seen         atomic.Bool
}

var errTooLong = errors.New("the answer has more than 65,535 octets")

// newEntry packs an answer. Its records must live at least until its time is over.
func newEntry(q *query, rcode int, answer, authority []dns.RR, now time.Time, ttl time.Duration) (*entry, error) {
	m := dns.Msg{Compress: true, Answer: answer, Ns: authority}
	m.Response, m.RecursionAvailable, m.Rcode = true, true, rcode
	m.Question = []dns.Question{{Name: q.name(), Qtype: q.qtype, Qclass: dns.ClassINET}}
	wire, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("pack an answer: %w", err)
	}
	if len(wire) > dns.MaxMsgSize-optSize-6 {
		return nil, errTooLong
	}
	// Some records can be read and written that say less than they must. What we could not read is told to nobody.
	if err := new(dns.Msg).Unpack(wire); err != nil {
		return nil, fmt.Errorf("pack an answer: %w", err)
	}
	e := &entry{wire: append([]byte(nil), wire...), rcode: rcode, ede: noEDE, made: now, until: now.Add(ttl)}
	if e.ttls, err = ttlPlaces(e.wire); err != nil {
		return nil, err
	}
	e.dead = e.until
	e.answer = Answer{Name: plain(q.name()), Until: e.until}
	return e, nil
}

// ttlPlaces finds the TTLs of a message of ours.
func ttlPlaces(wire []byte) ([]uint16, error) {
	n := int(binary.BigEndian.Uint16(wire[6:])) + int(binary.BigEndian.Uint16(wire[8:])) + int(binary.BigEndian.Uint16(wire[10:]))
	at := questionEnd(wire)
	if at == 0 {
		return nil, errors.New("an answer without a question")
	}
	places := make([]uint16, 0, n)
	for range n {
		for at < len(wire) && wire[at] != 0 && wire[at] < 0xc0 {
			at += 1 + int(wire[at])
		}
		if at < len(wire) && wire[at] >= 0xc0 {
			at++
		}
		at++
		if at+10 > len(wire) {
			return nil, fmt.Errorf("a record that ends at octet %d of %d", at+10, len(wire))
		}
		places = append(places, uint16(at+4))
		at += 10 + int(binary.BigEndian.Uint16(wire[at+8:]))
	}
	if at != len(wire) {
		return nil, fmt.Errorf("records that end at octet %d of %d", at, len(wire))
	}
	return places, nil
}

// size is about what an entry takes in memory, octets.
func (e *entry) size() int {
	n := 400 + len(e.wire) + 2*len(e.ttls) + 2*len(e.key) + 24*len(e.answer.Addresses)
	for _, a := range e.answer.Aliases {
		n += 16 + len(a)
	}
	return n
}

// leads reports whether a client could use the answer to connect to somebody.
func (e *entry) leads() bool { return len(e.answer.Addresses)+len(e.answer.Aliases) > 0 }

// fresh reports whether its time is not over.
func (e *entry) fresh(now time.Time) bool { return now.Before(e.until) }

// append writes the answer to a query whose client can take limit octets: its own identifier, letters and flags, and
// what is left of the time. It allocates nothing if dst has room. An answer that is too long is left out, and the client
// told to come by TCP.
func (e *entry) append(dst, msg []byte, q *query, now time.Time, limit int) []byte {
	start := len(dst)
	size := len(e.wire)
	if q.edns {
		size += optSize
		if e.ede != noEDE {
			size += 6
		}
	}
	tooLong := size > limit
	if tooLong {
		dst = append(dst, e.wire[:q.end]...)
		clear(dst[start+6 : start+header])
	} else {
		dst = append(dst, e.wire...)
	}
	out := dst[start:]
	copy(out[header:q.end], msg[header:q.end])
	out[0], out[1] = msg[0], msg[1]
	out[2] = 0x80 | msg[2]&0x01
	if tooLong {
		out[2] |= 0x02
	}
	out[3] = 0x80 | msg[3]&0x10 | byte(e.rcode&0xf)
	if e.secure && (q.wantAD || q.dnssec) { // RFC 6840 §5.8
		out[3] |= 0x20
	}
	if !tooLong {
		left := uint32(max(e.until.Sub(now), 0) / time.Second)
		for _, at := range e.ttls {
			binary.BigEndian.PutUint32(out[at:], left)
		}
	}
	if q.edns {
		out[11]++
		dst = q.appendOPT(dst, 0, e.ede)
	}
	return dst
}

// Serving stale (RFC 8767 §5).
const (
	staleTTL  = 30 * time.Second // that a stale answer is given, and until upstreams are asked again
	staleWait = 1800 * time.Millisecond
	edeStale  = 3 // RFC 8914 §4.4
)

// revived is an answer whose time is over, for a little while longer.
func (e *entry) revived(now time.Time) *entry {
	n := &entry{
		wire: e.wire, ttls: e.ttls, rcode: e.rcode, ede: edeStale, secure: e.secure, answer: e.answer,
		made: now, until: now.Add(staleTTL), dead: e.dead,
	}
	n.answer.Until = n.until
	return n
}
