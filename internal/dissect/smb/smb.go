// Package smb reads the beginning of an SMB connection, of version 1 ([MS-SMB]) or 2 and 3 ([MS-SMB2]), over
// TCP or over NetBIOS sessions (RFC 1002, Section 4.3): dialects, and the names of machines and domains. Names
// of users are passed over.
package smb

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/stream"
)

// Packet types of NetBIOS sessions (RFC 1002, Section 4.3.1). SMB over TCP uses the first alone.
const (
	sessionMessage   = 0x00
	sessionRequest   = 0x81
	sessionPositive  = 0x82
	sessionKeepAlive = 0x85

	sessionHeader = 4
)

const portNetBIOS = 139

// Dissect reads either side of a connection until it has logged in.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	if !m.Stream || len(m.Data) == 0 || m.Data[0] != sessionMessage && m.Data[0] < sessionRequest {
		return 0, dissect.No
	}
	return stream.Each(m, false, func(b []byte) (int, dissect.State) { return packet(m, b, out) })
}

// packet reads one packet of the session service.
func packet(m *dissect.Message, b []byte, out *dissect.Facts) (int, dissect.State) {
	size := sessionHeader
	if len(b) >= sessionHeader {
		size += int(binary.BigEndian.Uint32(b) & 0xffffff)
	}
	switch b[0] {
	case sessionMessage:
	case sessionRequest:
		return request(b, size, out)
	case sessionPositive, sessionKeepAlive:
		if m.Src.Port() != portNetBIOS && m.Dst.Port() != portNetBIOS || size != sessionHeader {
			return 0, dissect.No
		}
		if len(b) < size {
			return 0, dissect.More
		}
		return size, dissect.Next
	default:
		return 0, dissect.No
	}
	version, s := magic(b)
	if s != dissect.Next {
		return 0, s
	}
	minimum := header1
	if version == 2 {
		minimum = header2
	}
	switch {
	case size < sessionHeader+minimum:
		return 0, dissect.No
	case version == 3, size > dissect.MaxStream: // encrypted, or somebody's file: the login is over
		return 0, dissect.Done
	case len(b) < size:
		return 0, dissect.More
	}
	read := smb1
	if version == 2 {
		read = smb2
	}
	return size, read(b[sessionHeader:size], out)
}

// magic tells what the session message carries: version 1, 2, or 3 for 2 encrypted.
func magic(b []byte) (version int, s dissect.State) {
	if len(b) < sessionHeader+4 {
		if len(b) > sessionHeader && b[sessionHeader] < 0xfd {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	if string(b[5:8]) == "SMB" {
		switch b[4] {
		case 0xff:
			return 1, dissect.Next
		case 0xfe:
			return 2, dissect.Next
		case 0xfd:
			return 3, dissect.Next
		}
	}
	return 0, dissect.No
}

// request reads the packet that opens a NetBIOS session: the name that is called, and the one that calls.
func request(b []byte, size int, out *dissect.Facts) (int, dissect.State) {
	if len(b) < sessionHeader {
		return 0, dissect.More
	}
	if size != sessionHeader+2*encodedName {
		return 0, dissect.No
	}
	if len(b) < size {
		return 0, dissect.More
	}
	var room [2][16]byte
	_, called := netbiosName(&room[0], b[sessionHeader:])
	name, calling := netbiosName(&room[1], b[sessionHeader+encodedName:])
	if !called || !calling {
		return 0, dissect.No
	}
	out.Add("smb.hostname", name)
	out.FieldString("source", "netbios")
	return size, dissect.Next
}

const encodedName = 34 // octets of a NetBIOS name without scope: length, two for each octet, zero

// netbiosName undoes the first-level encoding of RFC 1001, Section 14.1. The name is without its suffix and
// the spaces that fill it.
func netbiosName(room *[16]byte, b []byte) (name []byte, ok bool) {
	if len(b) < encodedName || b[0] != 32 || b[encodedName-1] != 0 {
		return nil, false
	}
	for i := range room {
		hi, lo := b[1+2*i]-'A', b[2+2*i]-'A'
		if hi > 15 || lo > 15 {
			return nil, false
		}
		room[i] = hi<<4 | lo
	}
	n := 15
	for n > 0 && (room[n-1] == ' ' || room[n-1] == 0) {
		n--
	}
	return room[:n], true
}

func side(response bool) string {
	if response {
		return "server"
	}
	return "client"
}
