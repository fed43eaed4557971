// Package bacnet reads BACnet/IP (ANSI/ASHRAE 135, Annex J): which devices of a building say that they are
// there, and what they answer about themselves.
package bacnet

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Kinds of APDU (Clause 20.1) and the services that are read (Clauses 16.10 and 15.5).
const (
	unconfirmed  = 1
	complexAck   = 3
	iAm          = 0
	readProperty = 12

	deviceObject = 8 // type of the object that stands for the device (Clause 12.11)
)

// Dissect reads one datagram.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const bvlc = 4 // type, function, length
	d := m.Data
	if m.Stream || len(d) < bvlc+2 || d[0] != 0x81 || d[1] > 11 || int(binary.BigEndian.Uint16(d[2:])) != len(d) {
		return 0, dissect.No
	}
	b := d[bvlc:]
	switch d[1] {
	case 4: // forwarded for another, whose address goes before the rest
		if len(b) < 6+2 {
			return 0, dissect.No
		}
		b = b[6:]
	case 9, 10, 11: // unicast, broadcast, or by way of a distributor
	default:
		return len(d), dissect.Next // between distributors of broadcasts
	}
	apdu, network, ok := npdu(b)
	if !ok {
		return 0, dissect.No
	}
	if len(apdu) > 2 && apdu[0]>>4 == unconfirmed && apdu[1] == iAm {
		announced(apdu[2:], network, out)
	}
	if len(apdu) > 3 && apdu[0] == complexAck<<4 && apdu[2] == readProperty {
		property(apdu[3:], network, out)
	}
	return len(d), dissect.Next
}

// npdu reads the network layer's header (Clause 6.2): the APDU is nil if it is not of an application, and the
// network is 0 if the sender is on this one.
func npdu(b []byte) (apdu []byte, network uint16, ok bool) {
	const (
		layerMessage = 0x80
		destination  = 0x20
		source       = 0x08
		reserved     = 0x50
	)
	control := b[1]
	if b[0] != 1 || control&reserved != 0 {
		return nil, 0, false
	}
	b = b[2:]
	for _, has := range [...]byte{destination, source} {
		if control&has == 0 {
			continue
		}
		if len(b) < 3 || len(b) < 3+int(b[2]) {
			return nil, 0, false
		}
		if has == source {
			network = binary.BigEndian.Uint16(b)
		}
		b = b[3+int(b[2]):]
	}
	if control&destination != 0 { // hop count
		if len(b) == 0 {
			return nil, 0, false
		}
		b = b[1:]
	}
	if control&layerMessage != 0 {
		return nil, network, true
	}
	return b, network, true
}

// announced reads I-Am: the device, the longest APDU it takes, segmentation, and the vendor, each with its tag
// (Clause 20.2).
func announced(b []byte, network uint16, out *dissect.Facts) {
	if len(b) < 5 || b[0] != 0xc4 {
		return
	}
	id := binary.BigEndian.Uint32(b[1:])
	if id>>22 != deviceObject {
		return
	}
	out.AddUint("bacnet.device", uint64(id&(1<<22-1)))
	if network != 0 {
		out.FieldUint("network", uint64(network))
	}
	_, b, ok := unsigned(b[5:], 0x20)
	if !ok {
		return
	}
	_, b, ok = unsigned(b, 0x90)
	if !ok {
		return
	}
	if vendor, _, ok := unsigned(b, 0x20); ok {
		out.FieldUint("vendor", uint64(vendor))
	}
}

// unsigned reads a number of one to four octets that has the given tag.
func unsigned(b []byte, tag byte) (v uint32, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&^7 != tag {
		return 0, nil, false
	}
	n := int(b[0] & 7)
	if n == 0 || n > 4 || len(b) < 1+n {
		return 0, nil, false
	}
	for _, c := range b[1 : 1+n] {
		v = v<<8 | uint32(c)
	}
	return v, b[1+n:], true
}

// property reads the answer to ReadProperty: object, property, and the value between brackets. Those of the
// device that are text are told.
func property(b []byte, network uint16, out *dissect.Facts) {
	if len(b) < 5 || b[0] != 0x0c || binary.BigEndian.Uint32(b[1:])>>22 != deviceObject {
		return
	}
	id, b, ok := unsigned(b[5:], 0x18)
	name := propertyName(id)
	if !ok || name == "" || len(b) < 4 || b[0] != 0x3e {
		return
	}
	// A text: its tag says that a length follows, of an octet for the character set and the text.
	size, text := int(b[1]&7), b[2:]
	if b[1]>>4 != 7 || size > 5 {
		return
	}
	if size == 5 {
		size, text = int(text[0]), text[1:]
	}
	if size < 2 || size > 253 || len(text) < size || text[0] != 0 {
		return
	}
	out.Add("bacnet.property", text[1:size])
	out.FieldString("property", name)
	if network != 0 {
		out.FieldUint("network", uint64(network))
	}
}

func propertyName(id uint32) string {
	switch id {
	case 12:
		return "application-software-version"
	case 28:
		return "description"
	case 44:
		return "firmware-revision"
	case 70:
		return "model-name"
	case 77:
		return "object-name"
	case 121:
		return "vendor-name"
	}
	return ""
}
