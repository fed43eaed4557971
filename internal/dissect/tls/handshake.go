package tls

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Types of handshake messages (IANA "TLS HandshakeType").
const (
	clientHello   = 1
	serverHello   = 2
	verifyRequest = 3 // HelloVerifyRequest of DTLS
	certificate   = 11
)

// maxMessage bounds what is awaited of one handshake message. A hello is under 16 KiB; of a
// Certificate message only the first certificate is awaited.
const maxMessage = dissect.MaxScratch - 16

// wanted is how many of the size octets of a message's body are needed to make use of it, as far as
// the beginning b of the body tells: the octets of a type that is of no interest are not needed.
func wanted(kind byte, size int, b []byte) int {
	switch kind {
	case clientHello, serverHello:
		return size
	case certificate:
		const head = 6 // length of the list, length of its first certificate
		if size < head || len(b) < head || uint24(b)+3 != size || uint24(b[3:])+head > size {
			return min(size, head)
		}
		return head + uint24(b[3:])
	}
	return 0
}

const messageHead = 4 // type, length

// need is how many octets of the message that b begins with are needed, its head included.
func need(b []byte) int {
	if len(b) < messageHead {
		return messageHead
	}
	return messageHead + wanted(b[0], uint24(b[1:]), b[messageHead:])
}

// handshake makes facts of the messages that one side sends in the clear.
type handshake struct {
	transport Transport
	side      string // who speaks: client or server
	retry     bool   // it has sent a HelloRetryRequest
	out       *dissect.Facts
}

// message takes the wanted octets of one message's body. It answers No if that is not what it claims to be.
func (h *handshake) message(kind byte, body []byte) dissect.State {
	switch kind {
	case clientHello:
		h.side = "client"
		var hello ClientHello
		if ParseClientHello(body, &hello) != nil {
			return dissect.No
		}
		hello.AddFacts(h.transport, h.out)
		return dissect.Next // its certificate, up to TLS 1.2
	case serverHello:
		h.side = "server"
		var hello ServerHello
		if ParseServerHello(body, &hello) != nil {
			return dissect.No
		}
		hello.AddFacts(h.transport, h.out)
		h.retry = hello.Retry
		if hidesCertificates(hello.Version) && !hello.Retry {
			return dissect.Done
		}
		return dissect.Next
	case certificate:
		if len(body) > 6 {
			addCertificate(body[6:], h.side, h.transport, h.out)
		}
	}
	return dissect.Done // a Certificate comes before all that is left
}

func uint24(b []byte) int {
	return int(b[0])<<16 | int(binary.BigEndian.Uint16(b[1:]))
}
