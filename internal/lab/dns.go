package lab

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// Types of DNS records.
const (
	typeA     = 1
	typeCNAME = 5
	typeSOA   = 6
	typeNULL  = 10
	typePTR   = 12
	typeTXT   = 16
	typeAAAA  = 28
	typeSRV   = 33
	typeNSEC  = 47
	typeHTTPS = 65

	classFlush = 0x8001 // mDNS: Internet class, replaces what was known (RFC 6762, Section 10.2)
)

// answerTTL is how long the answers of the lab's resolver hold.
const answerTTL = 300 * time.Second

// rr is a resource record. Its data is head, then target as a name that may be compressed, then tail.
type rr struct {
	name       string
	kind       uint16
	class      uint16 // 0: Internet
	ttl        uint32
	head, tail []byte
	target     string
}

// message is a DNS message (RFC 1035, Section 4).
type message struct {
	id        uint16
	flags     uint16
	question  string
	qtype     uint16
	qclass    uint16 // 0: Internet
	questions []rr   // further ones
	answers   []rr
	authority []rr
	extra     []rr
	edns      bool
}

// pack writes m, with names compressed.
func (m *message) pack() []byte {
	names := map[string]int{}
	b := binary.BigEndian.AppendUint16(nil, m.id)
	b = binary.BigEndian.AppendUint16(b, m.flags)
	questions := m.questions
	if m.question != "" {
		questions = append([]rr{{name: m.question, kind: m.qtype, class: m.qclass}}, questions...)
	}
	extra := len(m.extra)
	if m.edns {
		extra++
	}
	for _, n := range [...]int{len(questions), len(m.answers), len(m.authority), extra} {
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	for _, q := range questions {
		b = packName(b, q.name, names)
		b = binary.BigEndian.AppendUint16(b, q.kind)
		b = binary.BigEndian.AppendUint16(b, max(q.class, 1))
	}
	for _, section := range [...][]rr{m.answers, m.authority, m.extra} {
		for _, r := range section {
			b = packName(b, r.name, names)
			b = binary.BigEndian.AppendUint16(b, r.kind)
			b = binary.BigEndian.AppendUint16(b, max(r.class, 1))
			b = binary.BigEndian.AppendUint32(b, r.ttl)
			at := len(b)
			b = append(append(b, 0, 0), r.head...)
			if r.target != "" {
				b = packName(b, r.target, names)
			}
			b = append(b, r.tail...)
			binary.BigEndian.PutUint16(b[at:], uint16(len(b)-at-2))
		}
	}
	if m.edns {
		b = append(b, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0) // RFC 6891, 1232 octets
	}
	return b
}

func packName(b []byte, name string, seen map[string]int) []byte {
	for name != "" {
		if at, ok := seen[name]; ok {
			return binary.BigEndian.AppendUint16(b, 0xc000|uint16(at))
		}
		if len(b) < 0x4000 {
			seen[name] = len(b)
		}
		label, rest, _ := strings.Cut(name, ".")
		b = append(append(b, byte(len(label))), label...)
		name = rest
	}
	return append(b, 0)
}

// resolve finds the host called name: a device of the home, or a server, whose name is looked up unless
// its answer still holds.
func (a *Actor) resolve(name string) *host {
	h := a.play.find(name)
	if h.server != nil && a.names[name] <= a.now {
		a.Resolve(name)
	}
	return h
}

// Resolve asks the router for the addresses of name.
func (a *Actor) Resolve(name string) {
	a.query(name, typeA)
	if a.v6.IsValid() {
		a.query(name, typeAAAA)
	}
}

// ResolveHTTPS asks for the HTTPS record as well, as browsers do (RFC 9460).
func (a *Actor) ResolveHTTPS(name string) {
	a.query(name, typeHTTPS)
	a.Resolve(name)
}

func (a *Actor) query(name string, kind uint16) {
	request := message{id: uint16(a.rng.Uint32()), flags: 0x0100, question: name, qtype: kind, edns: a.stack != Small}
	response := a.play.answer(&request)
	a.ask(&a.play.router().host, 53, request.pack(), response.pack())
	if response.flags&0x0f == 0 {
		a.asked(name)
	}
}

// queryRaw asks for a record of some kind, and gets it.
func (a *Actor) queryRaw(name string, kind uint16, answer []byte) {
	request := message{id: uint16(a.rng.Uint32()), flags: 0x0100, question: name, qtype: kind, edns: true}
	response := request
	response.flags = 0x8180
	response.answers = []rr{{name: name, kind: kind, ttl: 0, tail: answer}}
	a.ask(&a.play.router().host, 53, request.pack(), response.pack())
}

// ResolveTCP asks over TCP, as after a truncated answer.
func (a *Actor) ResolveTCP(name string) {
	request := message{id: uint16(a.rng.Uint32()), flags: 0x0100, question: name, qtype: typeA}
	short := request
	short.flags = 0x8380 // truncated
	a.ask(&a.play.router().host, 53, request.pack(), short.pack())
	c := a.Dial(a.play.router().Name, 53)
	full := a.play.answer(&request)
	c.Send(vector16(request.pack()))
	c.Recv(vector16(full.pack()))
	c.Close()
	a.asked(name)
}

func (a *Actor) asked(name string) {
	a.names[name] = a.now + int64(answerTTL)
	a.truth.Asked = append(a.truth.Asked, name)
}

// Answer is what a resolver says to a query about the servers of a home, as it came by UDP; nil to what is no query with one
// question.
func (h *Home) Answer(query []byte) []byte {
	const header = 12
	if len(query) < header || query[2]&0x80 != 0 || binary.BigEndian.Uint16(query[4:]) != 1 {
		return nil
	}
	var names []string
	at := header
	for {
		if at >= len(query) {
			return nil
		}
		n := int(query[at])
		if at++; n == 0 {
			break
		}
		if n > 63 || at+n > len(query) {
			return nil
		}
		names = append(names, string(query[at:at+n]))
		at += n
	}
	if at+4 > len(query) || len(names) == 0 {
		return nil
	}
	q := &message{id: binary.BigEndian.Uint16(query), question: strings.Join(names, "."), qtype: binary.BigEndian.Uint16(query[at:])}
	return h.answer(q).pack()
}

// answer is what the router's resolver says to a question.
func (p *play) answer(q *message) *message { return p.home.answer(q) }

func (h *Home) answer(q *message) *message {
	m := *q
	m.flags = 0x8180
	var s *Server
	for i := range h.Servers {
		if strings.EqualFold(h.Servers[i].Name, q.question) {
			s = &h.Servers[i]
		}
	}
	if s == nil {
		m.flags |= 3 // no such name
		m.authority = []rr{soa(q.question)}
		return &m
	}
	ttl := uint32(answerTTL / time.Second)
	name := q.question
	for _, via := range s.Via {
		m.answers = append(m.answers, rr{name: name, kind: typeCNAME, ttl: ttl, target: via})
		name = via
	}
	switch q.qtype {
	case typeA:
		for _, a := range s.IPv4 {
			m.answers = append(m.answers, address(name, a, ttl))
		}
	case typeAAAA:
		for _, a := range s.IPv6 {
			m.answers = append(m.answers, address(name, a, ttl))
		}
	case typeHTTPS:
		if len(s.IPv6) > 0 {
			m.answers = append(m.answers, https(name, s, ttl))
		}
	}
	if len(m.answers) == len(s.Via) {
		m.authority = []rr{soa(name)}
	}
	return &m
}

func address(name string, a netip.Addr, ttl uint32) rr {
	kind := uint16(typeA)
	if a.Is6() {
		kind = typeAAAA
	}
	return rr{name: name, kind: kind, ttl: ttl, tail: a.AsSlice()}
}

// https is a record in service mode with alpn and address hints (RFC 9460, Section 7).
func https(name string, s *Server, ttl uint32) rr {
	b := []byte{0, 1, 0, 0, 1, 0, 6, 2, 'h', '3', 2, 'h', '2'}
	for _, hints := range [...]struct {
		key   byte
		addrs []netip.Addr
	}{{4, s.IPv4}, {6, s.IPv6}} {
		var all []byte
		for _, a := range hints.addrs {
			all = append(all, a.AsSlice()...)
		}
		b = append(append(b, 0, hints.key), vector16(all)...)
	}
	return rr{name: name, kind: typeHTTPS, ttl: ttl, tail: b}
}

// soa says who is responsible where there is no answer (RFC 2308).
func soa(name string) rr {
	zone := name
	if parts := strings.Split(name, "."); len(parts) > 2 {
		zone = strings.Join(parts[len(parts)-2:], ".")
	}
	tail := labels("hostmaster." + zone)
	for _, v := range [...]uint32{2026050401, 7200, 900, 1209600, 300} {
		tail = binary.BigEndian.AppendUint32(tail, v)
	}
	return rr{name: zone, kind: typeSOA, ttl: 300, target: "ns1." + zone, tail: tail}
}

func octets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
