// Package dns dissects the domain name system over UDP and TCP: who asked for which name, and to which
// addresses the answers led. It also reads messages and names for the protocols that share DNS's format.
//
// The reader is our own because multicast DNS has dots inside labels, which the usual parsers refuse
// with the whole message, and because a refusal here must cost nothing.
package dns

import (
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Bounds on what one message may tell.
const (
	maxAnswers = 256  // facts
	maxRecords = 1024 // records looked at
	usualName  = 256  // octets of a name that fit on the stack; more of them only if escaped
)

const port = 53

// Dissect is a dissect.Func for DNS, RFC 1035. Where neither port is 53 it accepts only a message that
// is beyond doubt; the ports of the protocols that look like DNS are left to them.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	strict := m.Src.Port() != port && m.Dst.Port() != port
	if strict && (sibling(m.Src.Port()) || sibling(m.Dst.Port())) {
		return 0, dissect.No
	}
	if m.Stream {
		return stream(m, out, strict)
	}
	if !message(m, m.Data, out, strict) {
		return 0, dissect.No
	}
	return len(m.Data), dissect.Next
}

// sibling reports whether port belongs to NetBIOS names, multicast DNS or LLMNR.
func sibling(port uint16) bool { return port == 137 || port == 5353 || port == 5355 }

// stream reads messages that each follow their length, RFC 7766, Section 8.
func stream(m *dissect.Message, out *dissect.Facts, strict bool) (n int, s dissect.State) {
	for len(m.Data)-n > 2 {
		size := int(binary.BigEndian.Uint16(m.Data[n:]))
		msg := m.Data[n+2:]
		h, ok := ReadHeader(msg)
		if size < HeaderLen || ok && !plausible(&h, size, strict) {
			return refuse(n)
		}
		if len(msg) < size {
			if !m.Final {
				return n, dissect.More
			}
			// Too long to be kept, or cut: a known server's message is read as far as it goes.
			if strict || !message(m, msg, out, false) {
				return refuse(n)
			}
			return len(m.Data), dissect.Done
		}
		if !message(m, msg[:size], out, strict) {
			return refuse(n)
		}
		n += 2 + size
	}
	switch {
	case n == len(m.Data) && n > 0:
		return n, dissect.Next
	case m.Final:
		return refuse(n)
	}
	return n, dissect.More
}

// refuse is the answer to octets at n that are not DNS.
func refuse(n int) (int, dissect.State) {
	if n > 0 {
		return n, dissect.Done
	}
	return 0, dissect.No
}

// plausible reports whether a message of size octets can begin with h.
func plausible(h *Header, size int, strict bool) bool {
	switch h.Opcode() {
	case OpQuery:
		if !h.Response() && h.Rcode() != 0 {
			return false
		}
	case OpNotify, OpUpdate:
		if strict {
			return false
		}
	default:
		return false
	}
	if h.Questions != 1 && (strict || h.Questions != 0 || !h.Response()) {
		return false
	}
	if !strict {
		return true
	}
	if h.Flags&0x0040 != 0 || !h.Fits(size) { // the Z bit must be zero
		return false
	}
	// A query asks: no answer, no response code, not cut, not authoritative.
	return h.Response() || h.Answers == 0 && h.Authorities == 0 && h.Additionals <= 2 && h.Flags&0x060f == 0
}

// message reads one message. It adds nothing when it says no.
func message(m *dissect.Message, msg []byte, out *dissect.Facts, strict bool) bool {
	h, ok := ReadHeader(msg)
	if !ok || !plausible(&h, len(msg), strict) {
		return false
	}
	if h.Questions == 0 { // an error, or a transfer goes on: nothing is told, but what is there must be right
		return complete(&h, msg, HeaderLen)
	}
	q, off, ok := ReadQuestion(msg, HeaderLen)
	if !ok || q.Type == 0 || !known(q.Class) || strict && !complete(&h, msg, off) {
		return false
	}
	var buf [usualName]byte
	name, _, ok := AppendName(buf[:0], msg, q.Name)
	if !ok {
		return false
	}
	switch {
	case h.Response():
		answer(m, &h, q, name, msg, off, out)
	case h.Opcode() == OpQuery:
		out.Add("dns.query", name)
		fieldType(q.Type, out)
		if q.Class == ClassCH {
			out.FieldString("class", "CH")
		}
	case h.Opcode() == OpUpdate:
		update(&h, msg, off, out)
	}
	return true
}

func known(class uint16) bool {
	return class == ClassIN || class == ClassCH || class == ClassHS || class == ClassNone || class == ClassAny
}

// complete reports whether the records from off on are well-formed and end where the message does.
func complete(h *Header, msg []byte, off int) bool {
	for range h.Records() {
		r, ok := ReadRecord(msg, off)
		if !ok || !known(r.Class) && r.Type != TypeOPT {
			return false
		}
		off = r.End
	}
	return off == len(msg)
}

// answer tells what a response says, about the one who asked.
func answer(m *dissect.Message, h *Header, q Question, name, msg []byte, off int, out *dissect.Facts) {
	rcode := h.Rcode()
	if src := m.Src.Addr(); src.IsValid() && h.Opcode() == OpQuery && (rcode == 0 || rcode == 3) {
		out.About(m.SrcMAC) // an earlier message of the stream may have been about another
		out.AddAddr("dns.server", src)
	}
	out.About(m.DstMAC)
	if h.Opcode() != OpQuery {
		return
	}
	if rcode != 0 {
		var buf [16]byte
		out.Add("dns.answer", name)
		fieldType(q.Type, out)
		out.Field("rcode", appendRcode(buf[:0], rcode))
	}
	chain := chainTTL(h, msg, off)
	limit := out.Len() + maxAnswers
	for range min(int(h.Answers), maxRecords) {
		r, ok := ReadRecord(msg, off)
		if !ok || out.Len() >= limit {
			return
		}
		off = r.End
		if r.Class != ClassIN {
			continue
		}
		r.TTL = min(r.TTL, chain)
		switch r.Type {
		case TypeA, TypeAAAA:
			if a, ok := netip.AddrFromSlice(msg[r.Data:r.End]); ok && a.Is4() == (r.Type == TypeA) {
				address(a, &r, q, name, msg, out)
			}
		case TypeSVCB, TypeHTTPS:
			service(&r, q, name, msg, out)
		}
	}
}

// chainTTL is the lowest TTL of the aliases in the answer section. They are found in any order, and all
// lead to the addresses.
func chainTTL(h *Header, msg []byte, off int) uint32 {
	ttl := ^uint32(0)
	if h.Answers < 2 {
		return ttl
	}
	for range min(int(h.Answers), maxRecords) {
		r, ok := ReadRecord(msg, off)
		if !ok {
			break
		}
		if r.Type == TypeCNAME {
			ttl = min(ttl, r.TTL)
		}
		off = r.End
	}
	return ttl
}

// address tells that name led to a. The value is always the name that was asked for, so that an answer
// can give no address to a name of somebody else.
func address(a netip.Addr, r *Record, q Question, name, msg []byte, out *dissect.Facts) {
	out.Add("dns.answer", name)
	out.FieldAddr("address", a)
	fieldType(r.Type, out)
	out.FieldUint("ttl", uint64(r.TTL))
	if int(msg[r.Name]) == 0xc0 && int(msg[r.Name+1]) == q.Name {
		return
	}
	var buf [usualName]byte
	if owner, _, ok := AppendName(buf[:0], msg, r.Name); ok && string(owner) != string(name) {
		out.Field("cname", owner)
	}
}

// update tells the addresses that the sender registers, RFC 2136, Section 2.5: they follow the prerequisites.
func update(h *Header, msg []byte, off int, out *dissect.Facts) {
	var buf [usualName]byte
	limit := out.Len() + maxAnswers
	for i := range min(int(h.Answers)+int(h.Authorities), maxRecords) {
		r, ok := ReadRecord(msg, off)
		if !ok || out.Len() >= limit {
			return
		}
		off = r.End
		if i < int(h.Answers) || r.Class != ClassIN || r.Type != TypeA && r.Type != TypeAAAA {
			continue
		}
		a, ok := netip.AddrFromSlice(msg[r.Data:r.End])
		if !ok {
			continue
		}
		if name, _, ok := AppendName(buf[:0], msg, r.Name); ok {
			out.Add("dns.update", name)
			out.FieldAddr("address", a)
		}
	}
}

func fieldType(t uint16, out *dissect.Facts) {
	var buf [16]byte
	out.Field("type", AppendType(buf[:0], t))
}
