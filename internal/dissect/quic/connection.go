package quic

import (
	"slices"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/tls"
)

// connection is what is known of a client's connection. Between datagrams it lies in the Scratch of the
// message: whether there are keys (one octet), the keys, and the pieces of the hello.
type connection struct {
	m     *dissect.Message
	out   *dissect.Facts
	keys  keys
	keyed bool
	tried bool // to derive keys in this datagram: once is enough
}

const scratchHead = 1 + len(keys{})

func (c *connection) load() bool {
	s := c.m.Scratch
	if len(s) < scratchHead {
		return false
	}
	c.keyed = s[0] != 0
	c.keys = keys(s[1:])
	return true
}

func (c *connection) store() {
	c.grow(0)
	c.m.Scratch[0] = 0
	if c.keyed {
		c.m.Scratch[0] = 1
	}
	copy(c.m.Scratch[1:], c.keys[:])
}

// grow makes room in Scratch for n octets more than there are, and for the head.
func (c *connection) grow(n int) {
	if len(c.m.Scratch) < scratchHead {
		c.m.Scratch = append(c.m.Scratch[:0], make([]byte, scratchHead)...)
	}
	c.m.Scratch = slices.Grow(c.m.Scratch, n)
}

// open returns the frames of an Initial packet, or nil if it is not from the client.
func (c *connection) open(p *packet) []byte {
	if c.keyed {
		if frames := c.keys.open(p.octets, p.number); frames != nil {
			return frames
		}
	}
	if c.tried {
		return nil
	}
	c.tried = true
	k := p.derive(p.destination)
	frames := k.open(p.octets, p.number)
	if frames != nil {
		if c.keyed { // after a Retry the hello begins anew (RFC 9001, Section 5.2)
			c.m.Scratch = c.m.Scratch[:0]
		}
		c.keys, c.keyed = k, true
	}
	return frames
}

// Frames that may be in an Initial packet (RFC 9000, Section 12.4).
const (
	framePadding = 0x00
	framePing    = 0x01
	frameACK     = 0x02
	frameACKECN  = 0x03
	frameCrypto  = 0x06
	frameCryptoT = 0x08 // the same in version T050
)

// read takes the CRYPTO frames of a packet, and answers Done when the hello is whole, or cannot be had.
func (c *connection) read(p *packet, b []byte) dissect.State {
	if p.google {
		addGoogle(b, c.out)
		return dissect.Done
	}
	for len(b) > 0 {
		kind := b[0]
		b = b[1:]
		ok := true
		switch kind {
		case framePadding, framePing:
		case frameACK, frameACKECN:
			b, ok = skipACK(b, kind == frameACKECN)
		case frameCrypto, frameCryptoT:
			var offset, n uint64
			if offset, b, ok = varint(b); ok {
				n, b, ok = varint(b)
			}
			if !ok || n > uint64(len(b)) || offset > dissect.MaxScratch {
				return dissect.Done
			}
			if c.crypto(int(offset), b[:n]) == dissect.Done {
				return dissect.Done
			}
			b = b[n:]
		default:
			return dissect.Next // the client closes the connection, or breaks the rules
		}
		if !ok {
			return dissect.Next
		}
	}
	return dissect.Next
}

// skipACK returns what follows an ACK frame (RFC 9000, Section 19.3).
func skipACK(b []byte, ecn bool) ([]byte, bool) {
	var ranges uint64
	ok := true
	for i := 0; i < 4 && ok; i++ { // largest acknowledged, delay, count of ranges, first range
		var v uint64
		if v, b, ok = varint(b); i == 2 {
			ranges = v
		}
	}
	rest := 2 * min(ranges, uint64(len(b)))
	if ecn {
		rest += 3
	}
	for ; rest > 0 && ok; rest-- {
		_, b, ok = varint(b)
	}
	return b, ok
}

// crypto takes a piece of the stream of handshake messages, the first of which is the hello.
func (c *connection) crypto(offset int, b []byte) dissect.State {
	if offset == 0 && len(c.m.Scratch) <= scratchHead {
		if s := c.hello(b); s == dissect.Done {
			return s
		}
	}
	c.grow(len(b) + tls.FragmentHead)
	pieces := tls.Fragments(c.m.Scratch[scratchHead:])
	if !pieces.Add(offset, b, dissect.MaxScratch-scratchHead) {
		return dissect.Done
	}
	c.m.Scratch = c.m.Scratch[:scratchHead+len(pieces)]
	return dissect.Next
}

// join tells of the hello, if all of it has come in pieces.
func (c *connection) join() dissect.State {
	if len(c.m.Scratch) <= scratchHead {
		return dissect.Next
	}
	return c.hello(tls.Fragments(c.m.Scratch[scratchHead:]).Join())
}

// hello tells of the hello that b begins with, if all of it is there. It answers Done too if this is no hello.
func (c *connection) hello(b []byte) dissect.State {
	const head = 4
	if len(b) < head {
		return dissect.Next
	}
	size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if b[0] != clientHello || size > dissect.MaxScratch {
		return dissect.Done
	}
	if len(b) < head+size {
		return dissect.Next
	}
	var h tls.ClientHello
	if tls.ParseClientHello(b[head:head+size], &h) == nil {
		h.AddFacts(tls.QUIC, c.out)
		if agent := userAgent(h.Transport); len(agent) > 0 {
			c.out.Add("quic.user_agent", agent)
		}
	}
	return dissect.Done
}

const clientHello = 1 // RFC 8446, Section 4

// userAgent is what Chrome used to say of itself in a transport parameter of its own.
func userAgent(parameters []byte) []byte {
	const googleUserAgent = 0x3129
	for len(parameters) > 0 {
		id, b, ok := varint(parameters)
		n, b, ok2 := varint(b)
		if !ok || !ok2 || n > uint64(len(b)) {
			return nil
		}
		if id == googleUserAgent {
			return b[:n]
		}
		parameters = b[n:]
	}
	return nil
}
