package remote

import (
	"bytes"
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const (
	portRDP = 3389
	maxUser = 64 // octets of a user name that are told
)

// Connection PDUs of X.224 (ISO/IEC 8073, Section 13), with the credit in the low bits.
const (
	connectionRequest = 0xe0
	connectionConfirm = 0xd0
)

// Types of RDP's negotiation ([MS-RDPBCGR], Section 2.2.1.1.1 and 2.2.1.2).
const (
	negotiationRequest  = 1
	negotiationResponse = 2
	negotiationFailure  = 3
)

// RDP reads the first message of either side: what protection is asked for, and what is chosen.
func RDP(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const header = 4 + 7 // TPKT (RFC 1006, Section 6), X.224
	d := m.Data
	if !m.Stream || len(d) == 0 || d[0] != 3 || len(d) > 1 && d[1] != 0 || m.Final && len(d) < header {
		return 0, dissect.No
	}
	if len(d) < header {
		return 0, dissect.More
	}
	size := int(binary.BigEndian.Uint16(d[2:]))
	pdu := d[5]
	if size < header || size > 512 || int(d[4]) != size-5 || pdu != connectionRequest && pdu != connectionConfirm || d[10] != 0 {
		return 0, dissect.No
	}
	if len(d) < size {
		if m.Final {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	body, user := d[header:size], []byte(nil)
	if pdu == connectionRequest {
		// A cookie, or a token for a balancer of load, comes first.
		if l, n := line.Cut(body); n > 0 && line.Has(l, "COOKIE: ") {
			user, _ = bytes.CutPrefix(l, []byte("Cookie: mstshash="))
			if len(user) == len(l) {
				user = nil
			}
			body = body[n:]
		} else if len(body) == 0 && m.Dst.Port() != portRDP {
			return 0, dissect.No // others begin with X.224 too
		}
	} else if len(body) == 0 && m.Src.Port() != portRDP {
		return 0, dissect.No
	}
	protection, ok := protection(pdu, body)
	if !ok {
		return 0, dissect.No
	}
	out.AddString("remote.rdp", protection)
	if pdu == connectionRequest {
		out.FieldString("side", "client")
	} else {
		out.FieldString("side", "server")
	}
	if len(user) > 0 {
		out.Field("user", user[:min(len(user), maxUser)])
	}
	return len(d), dissect.Done
}

// protection reads the negotiation that ends a message of connection; without one it is RDP's own.
func protection(pdu byte, b []byte) (name string, ok bool) {
	if len(b) == 0 {
		return "rdp", true
	}
	if len(b) < 8 || binary.LittleEndian.Uint16(b[2:]) != 8 {
		return "", false
	}
	protocols := binary.LittleEndian.Uint32(b[4:])
	switch {
	case pdu == connectionConfirm && b[0] == negotiationFailure:
		return "refused", true
	case pdu == connectionConfirm && b[0] != negotiationResponse, pdu == connectionRequest && b[0] != negotiationRequest:
		return "", false
	case protocols&(2|8) != 0:
		return "credssp", true
	case protocols&4 != 0:
		return "rdstls", true
	case protocols&16 != 0:
		return "aad", true
	case protocols&1 != 0:
		return "tls", true
	}
	return "rdp", true
}
