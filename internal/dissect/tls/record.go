// Package tls dissects what TLS and DTLS say before they encrypt: both hellos, and up to version 1.2
// the certificates.
//
// Of the fingerprints, JA3, JA3S and JA4 are made. They are worth what a client's word is worth: whoever
// wants to look like another can.
package tls

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Record types (RFC 8446, Section 5.1).
const (
	changeCipherSpec = 20
	alert            = 21
	handshakeRecord  = 22
	applicationData  = 23
	heartbeat        = 24 // RFC 6520
)

const (
	recordHead = 5
	maxRecord  = 1<<14 + 2048 // RFC 5246, Section 6.2.3
)

// Dissect reads one direction of a TCP stream from the beginning of any record on, so that it can be
// called where a protocol turns to TLS in the middle of a stream.
//
// A message may come in many records, and a record may hold many messages. What comes of an
// unfinished message is kept in Scratch, so that all of Data is consumed and nothing is read twice.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	facts, n := out.Len(), 0
	s := stream{handshake: handshake{transport: TCP, side: "server", out: out}, m: m}
	if m.FromInitiator {
		s.side = "client"
	}
	fresh := !s.load()
	if fresh {
		switch recognise(m.Data) {
		case dissect.No:
			return 0, dissect.No
		case dissect.More:
			if m.Final {
				return 0, dissect.No
			}
			return 0, dissect.More
		case dissect.Done:
			return len(m.Data), dissect.Done
		}
		if isSSL2(m.Data) {
			n = addSSL2(m.Data, out)
		}
	}
	n, state := s.read(n)
	switch {
	case state == dissect.No && fresh && out.Len() == facts:
		return 0, dissect.No
	case state != dissect.Next || m.Final:
		return n, dissect.Done
	}
	s.store()
	if n == 0 {
		return 0, dissect.More
	}
	return n, dissect.Next
}

// recognise looks at the first octets that a side sends. Done means that they are of TLS, and tell nothing.
func recognise(b []byte) dissect.State {
	if len(b) == 0 {
		return dissect.More
	}
	if b[0]&0x80 != 0 {
		return recogniseSSL2(b)
	}
	if b[0] < changeCipherSpec || b[0] > heartbeat ||
		len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4 {
		return dissect.No
	}
	if len(b) < recordHead {
		return dissect.More
	}
	if !isRecord(b) {
		return dissect.No
	}
	size := int(binary.BigEndian.Uint16(b[3:]))
	switch b[0] {
	case handshakeRecord:
		b = b[recordHead:min(len(b), recordHead+size)]
		if len(b) == 0 {
			return dissect.More
		}
		switch b[0] {
		case clientHello, serverHello:
			if len(b) > 1 && b[1] != 0 || len(b) > 2 && b[2] >= maxMessage>>8 {
				return dissect.No
			}
			return dissect.Next
		case certificate:
			return dissect.Next
		}
	case alert:
		if size == 2 {
			return dissect.Next
		}
	}
	return dissect.Done
}

// isRecord reports whether b begins with the head of a record.
func isRecord(b []byte) bool {
	n := binary.BigEndian.Uint16(b[3:])
	return changeCipherSpec <= b[0] && b[0] <= heartbeat && b[1] == 3 && b[2] <= 4 && 0 < n && n <= maxRecord
}

// stream is what is remembered of one direction between two calls: in the Scratch of the message, after a head,
// lies the beginning of a handshake message whose end has not come.
type stream struct {
	handshake
	m    *dissect.Message
	left int // octets to come of the record at hand
}

const streamHead = 3 // retry, left (2)

func (s *stream) load() bool {
	head := s.m.Scratch
	if len(head) < streamHead {
		s.m.Scratch = head[:0]
		return false
	}
	s.retry = head[0] != 0
	s.left = int(binary.BigEndian.Uint16(head[1:]))
	return true
}

// store writes the head. Between records that hold whole messages there is nothing to remember.
func (s *stream) store() {
	if !s.retry && s.left == 0 && len(s.held()) == 0 {
		s.m.Scratch = s.m.Scratch[:0]
		return
	}
	s.hold(nil)
	s.m.Scratch[0] = 0
	if s.retry {
		s.m.Scratch[0] = 1
	}
	binary.BigEndian.PutUint16(s.m.Scratch[1:], uint16(s.left))
}

func (s *stream) held() []byte { return s.m.Scratch[min(streamHead, len(s.m.Scratch)):] }

func (s *stream) hold(b []byte) {
	if len(s.m.Scratch) < streamHead {
		s.m.Scratch = append(s.m.Scratch[:0], make([]byte, streamHead)...)
	}
	s.m.Scratch = append(s.m.Scratch, b...)
}

// read consumes records from Data[n:] on, as far as they have come, and returns where it stopped.
func (s *stream) read(n int) (int, dissect.State) {
	for {
		b := s.m.Data[n:]
		if s.left == 0 {
			if len(b) < recordHead {
				return n, dissect.Next
			}
			if !isRecord(b) {
				return n, dissect.Done
			}
			size := int(binary.BigEndian.Uint16(b[3:]))
			switch {
			case b[0] == handshakeRecord:
				s.left = size
				n += recordHead
				b = b[recordHead:]
			case size == 2 && b[0] == alert, size == 1 && b[0] == changeCipherSpec && s.retry:
				if len(b) < recordHead+size {
					return n, dissect.Next
				}
				n += recordHead + size
				if b[0] == alert && b[recordHead] == fatal {
					addAlert(b[recordHead+1], s.transport, s.out)
					return n, dissect.Done
				}
				continue // a warning does not end the handshake
			default:
				return n, dissect.Done // what follows is encrypted
			}
		}
		part := b[:min(len(b), s.left)]
		if len(part) == 0 {
			return n, dissect.Next
		}
		n += len(part)
		s.left -= len(part)
		if state := s.take(part); state != dissect.Next {
			return n, state
		}
	}
}

// take takes the next octets of the handshake messages.
func (s *stream) take(part []byte) dissect.State {
	for len(part) > 0 {
		b := part
		if held := s.held(); len(held) > 0 {
			k := min(max(need(held)-len(held), 0), len(part))
			s.hold(part[:k])
			b, part = s.held(), part[k:]
		}
		n := need(b)
		if n > maxMessage {
			return dissect.Done
		}
		if n > len(b) {
			if len(s.held()) == 0 {
				s.hold(part)
				part = nil
			}
			continue
		}
		if state := s.message(b[0], b[messageHead:n]); state != dissect.Next {
			return state
		}
		if len(s.held()) > 0 {
			s.m.Scratch = s.m.Scratch[:streamHead]
		} else {
			part = part[n:]
		}
	}
	return dissect.Next
}
