// Package llmnr dissects link-local multicast name resolution, by which devices ask their neighbours
// for a name when DNS has none, and answer to their own.
package llmnr

import (
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dns"
)

const (
	port      = 5355
	maxFacts  = 32  // of one message
	usualName = 256 // octets of a name that fit on the stack; more of them only if escaped
)

// Dissect is a dissect.Func for LLMNR over UDP, RFC 4795. The format is that of DNS, so that only the
// port tells them apart.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if m.Stream || m.Src.Port() != port && m.Dst.Port() != port {
		return 0, dissect.No
	}
	msg := m.Data
	h, ok := dns.ReadHeader(msg)
	// One question, and opcode zero: RFC 4795, Section 2.1.1.
	if !ok || h.Opcode() != dns.OpQuery || h.Questions != 1 || !h.Response() && h.Answers > 0 {
		return 0, dissect.No
	}
	q, off, ok := dns.ReadQuestion(msg, dns.HeaderLen)
	if !ok || q.Class != dns.ClassIN {
		return 0, dissect.No
	}
	var buf [usualName]byte
	name, _, ok := dns.AppendName(buf[:0], msg, q.Name)
	if !ok {
		return 0, dissect.No
	}
	if !h.Response() {
		var word [16]byte
		out.Add("llmnr.query", name)
		out.Field("type", dns.AppendType(word[:0], q.Type))
		return len(msg), dissect.Next
	}
	// Only the owner of a name answers for it, so what is answered is the sender's own.
	limit := out.Len() + maxFacts
	for range h.Answers {
		r, ok := dns.ReadRecord(msg, off)
		if !ok || out.Len() >= limit {
			break
		}
		off = r.End
		data := msg[r.Data:r.End]
		switch r.Type {
		case dns.TypeA, dns.TypeAAAA:
			if a, ok := netip.AddrFromSlice(data); ok && a.Is4() == (r.Type == dns.TypeA) {
				out.Add("llmnr.name", name)
				out.FieldAddr("address", a)
			}
		case dns.TypePTR: // the name was an address
			var buf [usualName]byte
			if target, _, ok := dns.AppendName(buf[:0], msg[:r.End], r.Data); ok {
				out.Add("llmnr.name", target)
			}
		}
	}
	return len(msg), dissect.Next
}
