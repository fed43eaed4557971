package smb

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

const header2 = 64 // [MS-SMB2], Section 2.2.1

// Commands of version 2 ([MS-SMB2], Section 2.2.1.2).
const (
	negotiate2    = 0
	sessionSetup2 = 1
)

func smb2(b []byte, out *dissect.Facts) dissect.State {
	if binary.LittleEndian.Uint16(b[4:]) != header2 {
		return dissect.No
	}
	response := b[16]&1 != 0
	body := b[header2:]
	switch command := binary.LittleEndian.Uint16(b[12:]); {
	case command == negotiate2 && response:
		chosen(body, out)
	case command == negotiate2:
		offered(body, out)
	case command == sessionSetup2 && response:
		security(b, 4, out)
	case command == sessionSetup2:
		security(b, 12, out)
	default:
		return dissect.Done
	}
	return dissect.Next
}

// offered reads a client's dialects ([MS-SMB2], Section 2.2.3).
func offered(body []byte, out *dissect.Facts) {
	const fixed = 36
	if len(body) < fixed {
		return
	}
	var room [64]byte
	list, best := room[:0], uint16(0)
	count := min(int(binary.LittleEndian.Uint16(body[2:])), (len(body)-fixed)/2, 8)
	for i := range count {
		d := binary.LittleEndian.Uint16(body[fixed+2*i:])
		name := dialect2(d)
		if name == "" {
			continue
		}
		if len(list) > 0 {
			list = append(list, ',')
		}
		list, best = append(list, name...), max(best, d)
	}
	if best == 0 {
		return
	}
	out.AddString("smb.dialect", dialect2(best))
	out.FieldString("side", "client")
	out.FieldString("signing", signing(body[4]))
	out.Field("offered", list)
}

// chosen reads the server's dialect ([MS-SMB2], Section 2.2.4).
func chosen(body []byte, out *dissect.Facts) {
	if len(body) < 64 {
		return // an error, or cut
	}
	name := dialect2(binary.LittleEndian.Uint16(body[4:]))
	if name == "" {
		return
	}
	out.AddString("smb.dialect", name)
	out.FieldString("side", "server")
	out.FieldString("signing", signing(body[2]))
}

func dialect2(d uint16) string {
	switch d {
	case 0x0202:
		return "2.0.2"
	case 0x0210:
		return "2.1"
	case 0x02ff:
		return "2.???"
	case 0x0300:
		return "3.0"
	case 0x0302:
		return "3.0.2"
	case 0x0311:
		return "3.1.1"
	}
	return ""
}

// signing names the two bits of the security mode.
func signing(mode byte) string {
	switch {
	case mode&2 != 0:
		return "required"
	case mode&1 != 0:
		return "enabled"
	}
	return "disabled"
}

// security reads the buffer of a session setup, whose offset and length are at the given place of the body.
func security(b []byte, at int, out *dissect.Facts) {
	if len(b) < header2+at+4 {
		return
	}
	from := int(binary.LittleEndian.Uint16(b[header2+at:]))
	size := int(binary.LittleEndian.Uint16(b[header2+at+2:]))
	if from < len(b) {
		ntlm(b[from:min(from+size, len(b))], out)
	}
}
