// Package nbns dissects NetBIOS over UDP: the name service, in which devices claim and look up names,
// and the datagrams with which they announce themselves to the network neighbourhood.
package nbns

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dns"
)

// Record types and opcodes, RFC 1002, Sections 4.2.1.1 and 4.2.1.3.
const (
	typeNB     = 0x20
	typeNBSTAT = 0x21

	opQuery     = 0
	opRegister  = 5
	opRelease   = 6
	opWait      = 7
	opRefresh   = 8
	opRefresh2  = 9  // as some systems write it
	opMultihome = 15 // a registration that adds an address
)

// Dissect is a dissect.Func for the name service, RFC 1002, Section 4.2. Its names are written in a way
// that nothing else has, so that it is known on any port.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	h, ok := dns.ReadHeader(m.Data)
	if m.Stream || !ok {
		return 0, dissect.No
	}
	if h.Response() {
		ok = h.Questions == 0 && h.Answers <= 1 && response(m, &h, out)
	} else {
		ok = h.Questions == 1 && h.Answers == 0 && h.Authorities == 0 && request(m.Data, &h, out)
	}
	if !ok {
		return 0, dissect.No
	}
	return len(m.Data), dissect.Next
}

func request(msg []byte, h *dns.Header, out *dissect.Facts) bool {
	q, off, ok := dns.ReadQuestion(msg, dns.HeaderLen)
	if !ok || q.Class != dns.ClassIN || q.Type != typeNB && q.Type != typeNBSTAT {
		return false
	}
	n, _, ok := nameAt(msg, q.Name)
	if !ok {
		return false
	}
	switch h.Opcode() {
	case opQuery:
		out.Add("nbns.query", n.text())
		n.fieldSuffix(out)
		if q.Type == typeNBSTAT {
			out.FieldString("type", "NBSTAT")
		} else {
			out.FieldString("type", "NB")
		}
	case opRegister, opRelease, opRefresh, opRefresh2, opMultihome:
		n.add(out)
		// The record of the claim: flags, then the address, RFC 1002, Section 4.2.2.
		if r, ok := dns.ReadRecord(msg, off); ok && r.Type == typeNB && r.End-r.Data >= 6 {
			fieldGroup(binary.BigEndian.Uint16(msg[r.Data:]), out)
			out.FieldAddr("address", netip.AddrFrom4([4]byte(msg[r.Data+2:])))
		}
	default:
		return false
	}
	return true
}

// response tells the names of a sender that answers for itself. A name server answers for others: about
// itself it says nothing.
func response(m *dissect.Message, h *dns.Header, out *dissect.Facts) bool {
	msg := m.Data
	switch h.Opcode() {
	case opQuery, opRegister, opRelease, opWait, opRefresh, opRefresh2, opMultihome:
	default:
		return false
	}
	r, ok := dns.ReadRecord(msg, dns.HeaderLen)
	if !ok || r.Class != dns.ClassIN {
		return false
	}
	n, _, ok := nameAt(msg, r.Name)
	if !ok {
		return false
	}
	data := msg[r.Data:r.End]
	switch r.Type {
	case typeNB:
		if h.Opcode() != opQuery || h.Rcode() != 0 {
			return true
		}
		for ; len(data) >= 6; data = data[6:] {
			if a := netip.AddrFrom4([4]byte(data[2:])); a == m.Src.Addr() {
				n.add(out)
				fieldGroup(binary.BigEndian.Uint16(data), out)
				out.FieldAddr("address", a)
				break
			}
		}
	case typeNBSTAT: // node status, RFC 1002, Section 4.2.18
		if len(data) < 1 {
			return true
		}
		count := int(data[0])
		for data = data[1:]; count > 0 && len(data) >= 18; data = data[18:] {
			count--
			n := name(data)
			n.add(out)
			fieldGroup(binary.BigEndian.Uint16(data[16:]), out)
		}
	case 10: // NULL: there is no such name
	default:
		return false
	}
	return true
}

// name is a NetBIOS name: 15 octets padded with spaces, and a suffix that says what it names.
type name [16]byte

// nameAt decodes the name at off, each half octet of which is a letter from A to P (RFC 1001, Section 14.1).
func nameAt(msg []byte, off int) (n name, end int, ok bool) {
	walk := dns.LabelsAt(msg, off)
	label, ok := walk.Next()
	if !ok || len(label) != 2*len(n) {
		return n, 0, false
	}
	for i := range n {
		high, low := label[2*i]-'A', label[2*i+1]-'A'
		if high > 15 || low > 15 {
			return n, 0, false
		}
		n[i] = high<<4 | low
	}
	for len(label) > 0 { // the scope
		if label, ok = walk.Next(); !ok {
			return n, 0, false
		}
	}
	return n, walk.End(), true
}

func (n *name) text() []byte { return bytes.TrimRight(n[:15], " \x00") }

func (n *name) add(out *dissect.Facts) {
	out.Add("nbns.name", n.text())
	n.fieldSuffix(out)
}

func (n *name) fieldSuffix(out *dissect.Facts) {
	const digits = "0123456789abcdef"
	out.Field("suffix", []byte{digits[n[15]>>4], digits[n[15]&15]})
}

// fieldGroup says whether the name is shared, by the first of its flags.
func fieldGroup(flags uint16, out *dissect.Facts) { out.FieldUint("group", uint64(flags>>15)) }
