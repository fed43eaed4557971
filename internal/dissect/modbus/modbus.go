// Package modbus reads Modbus/TCP (MODBUS Messaging on TCP/IP Implementation Guide V1.0b): which functions a
// client asks for and a controller answers, and what the controller says it is.
package modbus

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
	"plimsoll.example/plimsoll/internal/dissect/stream"
)

const (
	port      = 502
	header    = 7   // transaction, protocol, length, unit
	maxLength = 254 // of unit and PDU (Messaging Guide, Section 3.1.3)
	exception = 128 // is added to the function code of an answer that is a refusal
	seenSize  = 256 / 8
)

// Dissect reads the messages of either side. Each function is told once in each direction: Message.Scratch
// is the set of those that were.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	known := len(m.Scratch) > 0
	if !m.Stream || len(d) == 0 || !known && (len(d) > 2 && d[2] != 0 || len(d) > 4 && d[3]|d[4] != 0) {
		return 0, dissect.No
	}
	return stream.Each(m, known, func(b []byte) (int, dissect.State) {
		if len(b) < header+1 {
			return 0, dissect.More
		}
		size := 6 + int(binary.BigEndian.Uint16(b[4:]))
		switch {
		case size < header+1 || size > 6+maxLength || b[2] != 0 || b[3] != 0:
			return 0, dissect.No
		case size > len(b):
			return 0, dissect.More
		case !valid(m, b[header:size]):
			return 0, dissect.No
		}
		tell(m, b[:size], out)
		return size, dissect.Next
	})
}

// valid reports whether the PDU is one. Away from Modbus's port, where little but zeros has told it from
// others so far, its length must also be right for its function.
func valid(m *dissect.Message, pdu []byte) bool {
	code := pdu[0]
	if name(code&^exception) == "" {
		return false
	}
	if code >= exception {
		return len(pdu) == 2 && pdu[1] > 0 && pdu[1] <= 11 // Application Protocol, Section 7
	}
	if m.Src.Port() == port || m.Dst.Port() == port {
		return true
	}
	switch code {
	case 1, 2, 3, 4: // five octets ask; as many octets answer as the first says
		return len(pdu) == 5 && m.FromInitiator || len(pdu) > 2 && len(pdu) == 2+int(pdu[1])
	case 5, 6:
		return len(pdu) == 5
	case 15, 16:
		return len(pdu) == 5 || len(pdu) > 6 && len(pdu) == 6+int(pdu[5])
	case 43:
		return len(pdu) >= 4 && pdu[1] == deviceIdentification
	}
	return false
}

// name is the name of the function, in the words of the Application Protocol V1.1b3, Section 6, or "".
func name(code byte) string {
	switch code {
	case 1:
		return "read coils"
	case 2:
		return "read discrete inputs"
	case 3:
		return "read holding registers"
	case 4:
		return "read input registers"
	case 5:
		return "write single coil"
	case 6:
		return "write single register"
	case 7:
		return "read exception status"
	case 8:
		return "diagnostics"
	case 11:
		return "get event counter"
	case 12:
		return "get event log"
	case 15:
		return "write multiple coils"
	case 16:
		return "write multiple registers"
	case 17:
		return "report server id"
	case 20:
		return "read file record"
	case 21:
		return "write file record"
	case 22:
		return "mask write register"
	case 23:
		return "read write multiple registers"
	case 24:
		return "read fifo queue"
	case 43:
		return "encapsulated interface"
	case 90:
		return "unity" // Schneider Electric's programming, by use
	}
	return ""
}

func tell(m *dissect.Message, message []byte, out *dissect.Facts) {
	if len(m.Scratch) < seenSize {
		m.Scratch = append(m.Scratch[:0], make([]byte, seenSize)...)
	}
	pdu := message[header:]
	code := pdu[0]
	if bit := byte(1) << (code % 8); m.Scratch[code/8]&bit == 0 {
		m.Scratch[code/8] |= bit
		out.AddUint("modbus.function", uint64(code&^exception))
		out.FieldString("name", name(code&^exception))
		out.FieldUint("unit", uint64(message[header-1]))
		if m.FromInitiator {
			out.FieldString("side", "client")
		} else {
			out.FieldString("side", "server")
		}
		if code >= exception {
			out.FieldUint("exception", uint64(pdu[1]))
		}
	}
	if code == 43 && !m.FromInitiator {
		device(pdu, out)
	}
}

const deviceIdentification = 14 // MEI type (Application Protocol, Section 6.21)

// device reads the answer to Read Device Identification: objects, each a number, a length and text.
func device(pdu []byte, out *dissect.Facts) {
	const fixed = 7
	if len(pdu) < fixed || pdu[1] != deviceIdentification {
		return
	}
	var object [7][]byte
	for b := pdu[fixed:]; len(b) >= 2 && int(b[1]) <= len(b)-2; b = b[2+int(b[1]):] {
		if int(b[0]) < len(object) && line.Text(b[2:2+int(b[1])]) {
			object[b[0]] = b[2 : 2+int(b[1])]
		}
	}
	for _, id := range [...]int{5, 4, 1, 0} { // the model, else the product's name, its code, the vendor
		if len(object[id]) > 0 {
			out.Add("modbus.device", object[id])
			break
		}
		if id == 0 {
			return
		}
	}
	for id, key := range [...]string{"vendor", "code", "revision", "url", "product", "model", "application"} {
		if len(object[id]) > 0 {
			out.Field(key, object[id])
		}
	}
}
