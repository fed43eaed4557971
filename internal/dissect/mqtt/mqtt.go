// Package mqtt dissects MQTT over TCP: versions 3.1, 3.1.1 (ISO/IEC 20922) and 5 (OASIS). What is
// published is passed over as it comes, however long it is; passwords are not kept.
package mqtt

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

const port = 1883

// Packet types (MQTT 5, Table 2-1).
const (
	connect   = 1
	connack   = 2
	publish   = 3
	puback    = 4
	subscribe = 8
	pingreq   = 12
	pingresp  = 13
)

// Bounds on what is read and told of one packet, octets and facts.
const (
	maxRead    = 16 << 10
	maxTopic   = 128
	maxUser    = 64
	maxFilters = 64
)

// Protocol levels of CONNECT; anything else that memory.level holds is a stream met on its way.
const (
	level31  = 3
	level311 = 4
	level5   = 5
	midway   = 1
)

// memory is what lasts from one call to the next.
type memory struct {
	level byte   // 0: not yet recognised
	skip  uint64 // octets of a packet that are still to pass over
}

func recall(scratch []byte) memory {
	if len(scratch) != 9 {
		return memory{}
	}
	return memory{scratch[0], binary.BigEndian.Uint64(scratch[1:])}
}

func (k memory) keep(scratch []byte) []byte {
	return binary.BigEndian.AppendUint64(append(scratch[:0], k.level), k.skip)
}

// Dissect reads one direction of a connection. What a broker sends is about the client too: it is what
// the client has asked for.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	k := recall(m.Scratch)
	if k.level == 0 {
		var s dissect.State
		if k.level, s = begins(m); s != dissect.Next {
			return 0, s
		}
	}
	if m.Src.Port() == port || m.Dst.Port() != port && !m.FromInitiator {
		out.About(m.DstMAC)
	}
	n := 0
	for {
		pass := min(k.skip, uint64(len(m.Data)-n))
		n += int(pass)
		k.skip -= pass
		if n == len(m.Data) {
			m.Scratch = k.keep(m.Scratch)
			return n, dissect.Next
		}
		used, rest, s := packet(m, out, k.level, m.Data[n:])
		n += used
		k.skip = rest
		if s == dissect.More && m.Final {
			s = dissect.Done
		}
		if s != dissect.Next {
			m.Scratch = k.keep(m.Scratch)
			return n, s
		}
	}
}

// begins recognises the first packet of one direction, or of a connection older than the capture on
// the port of MQTT, and tells the protocol level.
func begins(m *dissect.Message) (level byte, s dissect.State) {
	d := m.Data
	if len(d) == 0 {
		return 0, dissect.No
	}
	known := m.Src.Port() == port || m.Dst.Port() == port
	switch d[0] {
	case connect << 4, connack << 4:
	default:
		if known && underway(d) {
			return midway, dissect.Next
		}
		return 0, dissect.No
	}
	header, size, s := fixed(d)
	switch {
	case s != dissect.Next:
	case d[0]>>4 == connect:
		level, s = greets(d[header:])
	case known || !m.FromInitiator:
		level, s = greeted(size, d[header:])
	default:
		s = dissect.No
	}
	if s == dissect.More && m.Final {
		s = dissect.No
	}
	return level, s
}

// greets reads the protocol name and level of CONNECT.
func greets(body []byte) (level byte, s dissect.State) {
	for _, name := range [...]string{"\x00\x04MQTT", "\x00\x06MQIsdp"} {
		n := min(len(name), len(body))
		if string(body[:n]) != name[:n] {
			continue
		}
		if len(body) <= len(name) {
			return 0, dissect.More
		}
		level = body[len(name)] &^ 0x80 // bridges between brokers set the highest bit
		if level >= level31 && level <= level5 {
			return level, dissect.Next
		}
	}
	return 0, dissect.No
}

// greeted checks CONNACK: flags, return code, and in version 5 properties that fill the rest.
func greeted(size int, body []byte) (level byte, s dissect.State) {
	if size < 2 || size > maxRead {
		return 0, dissect.No
	}
	if len(body) < min(size, 5) {
		return 0, dissect.More
	}
	flags, code := body[0], body[1]
	if flags > 1 {
		return 0, dissect.No
	}
	if size == 2 {
		if code > 5 {
			return 0, dissect.No
		}
		return level311, dissect.Next
	}
	properties, rest, ok := varint(body[2:])
	if !ok || code > 0 && code < 0x80 || 2+(len(body)-2-len(rest))+properties != size {
		return 0, dissect.No
	}
	return level5, dissect.Next
}

// underway recognises packets that connections are made of.
func underway(d []byte) bool {
	switch d[0] >> 4 {
	case pingreq, pingresp:
		return d[0]&15 == 0 && len(d) >= 2 && d[1] == 0
	case puback:
		return d[0]&15 == 0 && len(d) == 4 && d[1] == 2
	case publish:
		header, size, s := fixed(d)
		body := d[header:]
		if s != dissect.Next || d[0]&6 == 6 || len(body) < 3 {
			return false
		}
		n := int(binary.BigEndian.Uint16(body))
		if n == 0 || 2+n > size || 2+n > len(body) {
			return false
		}
		for _, c := range body[2 : 2+n] {
			if c < ' ' || c == '+' || c == '#' { // wildcards are for subscribing
				return false
			}
		}
		return true
	}
	return false
}

// fixed reads the fixed header: its own size, and the size of what follows it.
func fixed(d []byte) (header, size int, s dissect.State) {
	size, rest, ok := varint(d[1:])
	switch {
	case ok:
		return len(d) - len(rest), size, dissect.Next
	case len(d) <= 4:
		return 0, 0, dissect.More
	}
	return 0, 0, dissect.No
}

// varint reads a number of at most four octets (MQTT 5 §1.5.5).
func varint(b []byte) (v int, rest []byte, ok bool) {
	for i, c := range b[:min(len(b), 4)] {
		v |= int(c&0x7f) << (7 * i)
		if c&0x80 == 0 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}
