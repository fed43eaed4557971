package tls

import (
	"bytes"
	"encoding/binary"
	"slices"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	dtlsRecordHead  = 13 // RFC 6347, Section 4.1
	dtlsMessageHead = 12 // RFC 6347, Section 4.2.2
)

// DissectDTLS reads the datagrams of one direction of a UDP flow. Messages that come in fragments are joined in
// Scratch, one at a time: that with the highest sequence number, as a client that was asked for a
// cookie begins anew.
func DissectDTLS(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	b := m.Data
	if !isDTLSRecord(b) {
		return 0, dissect.No
	}
	h := handshake{transport: DTLS, side: "server", out: out} // of a client the hello only is read
	facts := out.Len()
	for isDTLSRecord(b) {
		if binary.BigEndian.Uint16(b[3:]) != 0 { // from epoch 1 on all is encrypted
			return len(m.Data), dissect.Done
		}
		n := dtlsRecordHead + int(binary.BigEndian.Uint16(b[11:]))
		body := b[dtlsRecordHead:n]
		kind := b[0]
		b = b[n:]
		switch kind {
		case handshakeRecord:
			for len(body) > 0 {
				var state dissect.State
				state, body = h.fragment(m, body)
				if state == dissect.No && out.Len() == facts && len(m.Scratch) == 0 {
					return 0, dissect.No
				}
				if state != dissect.Next {
					return len(m.Data), dissect.Done
				}
			}
		case alert:
			if len(body) != 2 {
				return len(m.Data), dissect.Done
			}
			if body[0] == fatal {
				addAlert(body[1], DTLS, out)
				return len(m.Data), dissect.Done
			}
		default:
			return len(m.Data), dissect.Done
		}
	}
	if len(m.Scratch) > 0 && out.Len() == facts {
		return len(m.Data), dissect.More
	}
	return len(m.Data), dissect.Next
}

// isDTLSRecord reports whether b begins with a whole record.
func isDTLSRecord(b []byte) bool {
	if len(b) < dtlsRecordHead || b[0] < changeCipherSpec || b[0] > heartbeat {
		return false
	}
	switch binary.BigEndian.Uint16(b[1:]) {
	case dtls10, dtls12, dtls09:
	default:
		return false
	}
	n := int(binary.BigEndian.Uint16(b[11:]))
	return 0 < n && n <= maxRecord && dtlsRecordHead+n <= len(b)
}

// fragment takes one fragment of a handshake message, and returns what follows it.
func (h *handshake) fragment(m *dissect.Message, b []byte) (dissect.State, []byte) {
	if len(b) < dtlsMessageHead {
		return dissect.No, nil
	}
	kind, size, offset, n := b[0], uint24(b[1:]), uint24(b[6:]), uint24(b[9:])
	if n > len(b)-dtlsMessageHead || offset+n > size {
		return dissect.No, nil
	}
	body, rest := b[dtlsMessageHead:dtlsMessageHead+n], b[dtlsMessageHead+n:]
	switch kind {
	case verifyRequest:
		return dissect.Next, rest
	case clientHello, serverHello, certificate:
	default:
		return dissect.Done, nil
	}
	if n < size {
		ok := false
		if body, ok = collect(m, b[:dtlsKey], offset, body); !ok {
			return dissect.Done, nil
		}
		if len(body) < wanted(kind, size, body) {
			return dissect.Next, rest
		}
		m.Scratch = m.Scratch[:0]
	}
	state := h.message(kind, body[:wanted(kind, size, body)])
	if state == dissect.Next && kind == clientHello {
		state = dissect.Done // it would be sent again, with a cookie or because it was lost
	}
	return state, rest
}

// dtlsKey is how many octets of a message's head are the same in all its fragments: type, length, sequence number.
const dtlsKey = 6

// collect adds a fragment to those of the same message in Scratch, and returns what the message begins with. It
// reports whether there was room.
func collect(m *dissect.Message, key []byte, offset int, b []byte) ([]byte, bool) {
	s := slices.Grow(m.Scratch, dtlsKey+FragmentHead+len(b))
	if len(s) < dtlsKey || !bytes.Equal(s[:dtlsKey], key) {
		if len(s) >= dtlsKey && binary.BigEndian.Uint16(key[4:]) < binary.BigEndian.Uint16(s[4:]) {
			return nil, true // of an earlier message
		}
		s = append(s[:0], key...)
	}
	pieces := Fragments(s[dtlsKey:])
	if !pieces.Add(offset, b, maxMessage) {
		return nil, false
	}
	m.Scratch = s[:dtlsKey+len(pieces)]
	return pieces.Join(), true
}
