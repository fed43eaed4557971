// Package mdns dissects multicast DNS and DNS-based service discovery: the names, addresses, services
// and service texts that a device announces for itself, and the services that it looks for.
package mdns

import (
	"bytes"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dns"
)

const (
	port      = 5353
	maxFacts  = 128 // of one message
	usualName = 256 // octets of a name that fit on the stack; more of them only if escaped
)

// Dissect is a dissect.Func for multicast DNS, RFC 6762, and DNS-SD, RFC 6763. The format is that of
// DNS, so that only the port tells them apart.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	src, dst := m.Src.Port(), m.Dst.Port()
	if m.Stream || src != port && dst != port || src == 53 || dst == 53 {
		return 0, dissect.No
	}
	h, ok := dns.ReadHeader(m.Data)
	// Besides QR, AA, TC and RD all bits must be zero on transmission, RFC 6762, Section 18.
	if !ok || h.Flags&^0x8700 != 0 || int(h.Questions)+h.Records() == 0 {
		return 0, dissect.No
	}
	t := teller{msg: m.Data, out: out, limit: out.Len() + maxFacts}
	if !t.message(&h) {
		return 0, dissect.No
	}
	return len(m.Data), dissect.Next
}

// teller turns the records of one message into facts.
type teller struct {
	msg   []byte
	out   *dissect.Facts
	limit int // of facts
	host  int // offset of the owner's name of the address told last, 0 if none
}

// message reads what the header announces, as far as it is well-formed: the capture may have cut it. It is
// false, with nothing added, if not even the first entry is, and not only because it is cut.
func (t *teller) message(h *dns.Header) bool {
	off, read := dns.HeaderLen, 0
	for range h.Questions {
		q, end, ok := dns.ReadQuestion(t.msg, off)
		if !ok {
			return read > 0 || cutShort(t.msg, off)
		}
		if read == 0 && !t.good(q.Name, q.Class) {
			return false
		}
		off = end
		read++
		if !h.Response() && t.more() {
			t.query(q)
		}
	}
	for i := range h.Records() {
		r, ok := dns.ReadRecord(t.msg, off)
		cut := !ok && r.End > len(t.msg)
		if cut {
			r.End = len(t.msg)
		}
		if !ok && !cut {
			return read > 0 || cutShort(t.msg, off)
		}
		if read == 0 && !t.good(r.Name, r.Class) {
			return false
		}
		off = r.End
		read++
		// A response tells of its sender. A query tells what its sender already knows of others (the
		// answer section, RFC 6762, Section 7.1), and what it wants to be called (the authority
		// section, Section 8.2).
		probe := i >= int(h.Answers) && i < int(h.Answers)+int(h.Authorities)
		if (h.Response() || probe) && t.more() {
			t.record(&r)
		}
		if cut {
			break
		}
	}
	return true
}

func (t *teller) more() bool { return t.out.Len() < t.limit }

// good reports whether an entry can be of this protocol. It is asked of the first one only: if that is
// wrong, the message is something else.
func (t *teller) good(name int, class uint16) bool {
	class &= 0x7fff // the first bit asks for unicast, or tells that others are to forget: Sections 5.4, 10.2
	if class != dns.ClassIN && class != dns.ClassAny {
		return false
	}
	var buf [usualName]byte
	_, _, ok := dns.AppendName(buf[:0], t.msg, name)
	return ok
}

// cutShort reports whether msg ends inside of the entry at off, which is well-formed so far.
func cutShort(msg []byte, off int) bool {
	const longest = 10 // octets between the name of a record and its data
	for off < len(msg) {
		switch c := int(msg[off]); {
		case c == 0:
			return len(msg)-off-1 < longest
		case c >= 64:
			return false
		default:
			off += 1 + c
		}
	}
	return true
}

func (t *teller) query(q dns.Question) {
	var buf [usualName]byte
	s, ok := service(t.msg, q.Name)
	if !ok {
		return
	}
	if s.found() {
		t.out.Add("mdns.query", s.appendName(buf[:0]))
	} else if name, _, ok := dns.AppendName(buf[:0], t.msg, q.Name); ok {
		t.out.Add("mdns.query", name)
	}
	var word [16]byte
	t.out.Field("type", dns.AppendType(word[:0], q.Type))
	t.details(&s)
}

// details adds the parts of a service's name that come before its type.
func (t *teller) details(s *serviceName) {
	if len(s.instance) > 0 {
		t.out.Field("instance", s.instance)
	}
	if len(s.subtype) > 0 {
		t.out.Field("subtype", s.subtype)
	}
}

func (t *teller) record(r *dns.Record) {
	data := t.msg[r.Data:r.End]
	switch r.Type {
	case dns.TypeA, dns.TypeAAAA:
		if r.TTL > 0 { // zero takes it back, RFC 6762, Section 10.1
			t.address(r, data)
		}
	case dns.TypePTR:
		t.pointer(r)
	case dns.TypeSRV:
		t.location(r)
	case dns.TypeTXT:
		t.text(r, data)
	case dns.TypeHINFO:
		cpu, rest := characterString(data)
		if system, _ := characterString(rest); len(system) > 0 {
			t.out.Add("mdns.hinfo", system)
			t.out.Field("cpu", cpu)
		}
	}
}

func (t *teller) address(r *dns.Record, data []byte) {
	a, ok := netip.AddrFromSlice(data)
	if !ok || a.Is4() != (r.Type == dns.TypeA) {
		return
	}
	var buf, last [usualName]byte
	host, _, ok := dns.AppendName(buf[:0], t.msg, r.Name)
	if !ok {
		return
	}
	known := false
	if t.host > 0 {
		before, _, _ := dns.AppendName(last[:0], t.msg, t.host)
		known = bytes.Equal(before, host)
	}
	t.host = r.Name
	if !known {
		t.out.Add("mdns.hostname", host)
	}
	if t.more() {
		t.out.AddAddr("mdns.address", a)
		t.out.Field("host", host)
	}
}

// pointer tells of a service instance, RFC 6763, Section 4.1, or of a service type, Section 9.
func (t *teller) pointer(r *dns.Record) {
	owner, ok := service(t.msg, r.Name)
	if !ok || !owner.found() {
		return
	}
	target, ok := service(t.msg[:r.End], r.Data)
	if !ok || !target.found() {
		return
	}
	var buf [usualName]byte
	t.out.Add("mdns.service", target.appendName(buf[:0]))
	target.subtype = owner.subtype
	t.details(&target)
}

// location tells where a service instance is: priority, weight, port and host, RFC 2782.
func (t *teller) location(r *dns.Record) {
	if r.End-r.Data < 7 {
		return
	}
	s, ok := service(t.msg, r.Name)
	if !ok || !s.found() {
		return
	}
	var buf [usualName]byte
	t.out.Add("mdns.service", s.appendName(buf[:0]))
	t.details(&s)
	if host, _, ok := dns.AppendName(buf[:0], t.msg[:r.End], r.Data+6); ok {
		t.out.Field("host", host)
	}
	t.out.FieldUint("port", uint64(t.msg[r.Data+4])<<8|uint64(t.msg[r.Data+5]))
}

// text tells the keys and values of a service instance, RFC 6763, Section 6.
func (t *teller) text(r *dns.Record, data []byte) {
	s, ok := service(t.msg, r.Name)
	if !ok || !s.found() {
		return
	}
	var buf [usualName]byte
	name := s.appendName(buf[:0])
	for len(data) > 0 && t.more() {
		var pair []byte
		pair, data = characterString(data)
		if len(pair) == 0 || pair[0] == '=' { // a key is never empty, RFC 6763, Section 6.4
			continue
		}
		if n := secret(&s, pair); n > 0 {
			var room [64]byte
			t.out.Add("mdns.txt", append(append(room[:0], pair[:n]...), '*'))
		} else {
			t.out.Add("mdns.txt", pair)
		}
		t.out.Field("service", name)
		t.details(&s)
	}
}

// secret is the size of a pair's key with the equals sign if what follows is a secret, else 0. Services that ask for a
// password may tell it: p is its key by the registrations of those that do.
func secret(s *serviceName, pair []byte) int {
	n := bytes.IndexByte(pair, '=')
	if n < 0 || n > 16 || n+1 == len(pair) {
		return 0
	}
	key := pair[:n]
	if equal(key, "p") && isAnyOf(s.service, "_http", "_https", "_ftp", "_ssh", "_sftp-ssh", "_telnet", "_webdav", "_webdavs") ||
		isAnyOf(key, "password", "passwd", "passphrase", "pass", "psk", "secret", "token", "apikey", "api_key") {
		return n + 1
	}
	return 0
}

func isAnyOf(label []byte, words ...string) bool {
	for _, w := range words {
		if equal(label, w) {
			return true
		}
	}
	return false
}

// characterString divides b after its first string, RFC 1035, Section 3.3. What is cut short is nothing.
func characterString(b []byte) (s, rest []byte) {
	if len(b) == 0 || len(b) <= int(b[0]) {
		return nil, nil
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:]
}
