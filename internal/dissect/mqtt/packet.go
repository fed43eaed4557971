package mqtt

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// packet reads the packet that d begins with. It returns the octets that were read, and those of the
// packet that follow them and say nothing. A packet that cannot be one ends the reading.
func packet(m *dissect.Message, out *dissect.Facts, level byte, d []byte) (used int, rest uint64, s dissect.State) {
	header, size, s := fixed(d)
	switch {
	case s == dissect.More:
		return 0, 0, s
	case s == dissect.No, d[0]>>4 == 0:
		return 0, 0, dissect.Done
	}
	body := d[header:]
	need := 0
	switch kind := d[0] >> 4; {
	case kind == connect, kind == subscribe && level != midway:
		need = min(size, maxRead)
	case kind == connack:
		need = min(size, 2)
	case kind == publish:
		need = min(size, 2)
		if len(body) >= 2 {
			need = min(size, 2+min(int(binary.BigEndian.Uint16(body)), maxTopic))
		}
	}
	if len(body) < need {
		return 0, 0, dissect.More
	}
	if d[0]>>4 == connack && need == 2 && refuses(body[1]) {
		out.AddString("auth.refused", "mqtt")
	}
	if body = body[:need:need]; need > 2 {
		switch d[0] >> 4 {
		case connect:
			client(m, out, body)
		case subscribe:
			filters(out, level, body)
		case publish:
			topic(out, "publish", body[2:])
		}
	}
	return header + need, uint64(size - need), dissect.Next
}

// refuses reports whether a return or reason code of CONNACK is about a name and password (MQTT 3.1.1 §3.2.2.3, MQTT 5
// §3.2.2.2): they are wrong, or it is not authorized.
func refuses(code byte) bool { return code == 4 || code == 5 || code == 0x86 || code == 0x87 }

func topic(out *dissect.Facts, op string, v []byte) {
	if len(v) > 0 {
		out.Add("mqtt.topic", v[:min(len(v), maxTopic)])
		out.FieldString("op", op)
	}
}

// Flags of CONNECT (MQTT 5 §3.1.2.3).
const (
	withWill     = 0x04
	withPassword = 0x40
	withUser     = 0x80
)

// client reads what follows the fixed header of CONNECT.
func client(m *dissect.Message, out *dissect.Facts, b []byte) {
	_, b, ok := text(b) // protocol name
	if !ok || len(b) < 4 {
		return
	}
	level, flags, keepAlive := b[0]&^0x80, b[1], binary.BigEndian.Uint16(b[2:])
	b, ok = properties(level, b[4:])
	id, b, there := text(b)
	if !ok || !there {
		return
	}
	var will, user []byte
	if flags&withWill != 0 {
		b, ok = properties(level, b)
		will, b, there = text(b)
		_, b, _ = text(b) // message
		ok = ok && there
	}
	if flags&withUser != 0 && ok {
		user, _, _ = text(b)
		user = user[:min(len(user), maxUser)]
	}
	out.Add("mqtt.client_id", id)
	switch level {
	case level31:
		out.FieldString("version", "3.1")
	case level311:
		out.FieldString("version", "3.1.1")
	case level5:
		out.FieldString("version", "5")
	}
	out.FieldUint("keep_alive", uint64(keepAlive))

	// A user name that comes without a password may well be the secret itself: an access token.
	if flags&withPassword != 0 {
		if len(user) > 0 {
			out.Field("user", user)
		}
		out.AddString("auth.cleartext", "mqtt")
		if len(user) > 0 {
			out.Field("user", user)
		}
		if a := m.Dst.Addr(); a.IsValid() {
			out.FieldAddr("server", a)
		}
	}
	topic(out, "will", will)
}

// filters reads what follows the fixed header of SUBSCRIBE: the packet's number, properties, and
// topics, each with an octet of options.
func filters(out *dissect.Facts, level byte, b []byte) {
	if len(b) < 2 {
		return
	}
	b, ok := properties(level, b[2:])
	if !ok {
		return
	}
	for range maxFilters {
		var filter []byte
		if filter, b, ok = text(b); !ok || len(b) == 0 {
			return
		}
		topic(out, "subscribe", filter)
		b = b[1:]
	}
}

// text is the text that b begins with, behind its length.
func text(b []byte) (v, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if n > len(b) {
		return nil, nil, false
	}
	return b[2:n:n], b[n:], true
}

// properties passes over properties, which version 5 has.
func properties(level byte, b []byte) (rest []byte, ok bool) {
	if level != level5 {
		return b, true
	}
	n, b, ok := varint(b)
	if !ok || n > len(b) {
		return nil, false
	}
	return b[n:], true
}
