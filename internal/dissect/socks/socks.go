// Package socks recognises SOCKS, version 4 with its extension 4A and version 5 (RFC 1928), and reads where
// a client wants to be taken: a device that serves it carries the traffic of others.
package socks

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const (
	port    = 1080
	maxUser = 64  // octets of a user name that are told
	maxText = 255 // octets of a name in version 4
)

// Dissect reads what a client asks for, and recognises the answers. Message.Scratch of a client that speaks
// version 5 is not empty.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if !m.Stream || len(d) == 0 || d[0] > 5 {
		return 0, dissect.No
	}
	var n int
	var s dissect.State
	switch {
	case len(m.Scratch) > 0 && d[0] == 1:
		n, s = password(m, out)
	case len(m.Scratch) > 0 && d[0] == 5:
		n, s = request5(m, out)
	case d[0] == 5 && m.FromInitiator:
		n, s = greeting(m)
	case d[0] == 4 && m.FromInitiator:
		n, s = request4(m, out)
	case d[0] == 5:
		n, s = answer5(m)
	case d[0] == 0 && m.Src.Port() == port && len(d) == 8 && d[1] >= 90 && d[1] <= 93: // version 4
		n, s = len(d), dissect.Done
	}
	if s == dissect.More && m.Final {
		return 0, dissect.No
	}
	return n, s
}

// greeting reads the list of ways to log in that a client begins with (RFC 1928, Section 3).
func greeting(m *dissect.Message) (int, dissect.State) {
	d := m.Data
	if len(d) < 2 {
		return 0, dissect.More
	}
	size := 2 + int(d[1])
	if size == 2 || size > 12 || len(d) > size && d[size] != 5 && d[size] != 1 {
		return 0, dissect.No
	}
	methods := d[2:min(len(d), size)]
	for i, method := range methods {
		// Assigned by IANA, or private; once each.
		if method > 9 && method < 0x80 || method == 0xff || bytes.IndexByte(methods[:i], method) >= 0 {
			return 0, dissect.No
		}
	}
	if len(d) < size {
		return 0, dissect.More
	}
	m.Scratch = append(m.Scratch, 5)
	return size, dissect.Next
}

// password reads a user name and passes over a password (RFC 1929, Section 2).
func password(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 2 || len(d) < 2+int(d[1])+1 {
		return 0, dissect.More
	}
	user := d[2 : 2+int(d[1])]
	size := 2 + len(user) + 1 + int(d[2+len(user)])
	if len(d) < size {
		return 0, dissect.More
	}
	out.AddString("auth.cleartext", "socks")
	out.Field("user", user[:min(len(user), maxUser)])
	out.FieldAddr("server", m.Dst.Addr())
	return size, dissect.Next
}

// request5 reads where a client of version 5 wants to be taken (RFC 1928, Section 4).
func request5(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	size, s := message5(d)
	if s != dissect.Next || d[1] < 1 || d[1] > 3 {
		return 0, min(s, dissect.More)
	}
	target := d[4 : size-2]
	if d[3] == 3 {
		tell(out, target[1:], d[size-2:size], "5", d[1])
	} else {
		a, _ := netip.AddrFromSlice(target)
		var room [40]byte
		tell(out, a.AppendTo(room[:0]), d[size-2:size], "5", d[1])
	}
	return len(d), dissect.Done
}

// message5 is the length of a request or a reply of version 5: version, command or result, zero, address, port.
func message5(d []byte) (int, dissect.State) {
	if len(d) > 0 && d[0] != 5 || len(d) > 2 && d[2] != 0 {
		return 0, dissect.No
	}
	if len(d) < 5 {
		return 0, dissect.More
	}
	size := 4 + 2
	switch d[3] {
	case 1:
		size += 4
	case 3:
		size += 1 + int(d[4])
	case 4:
		size += 16
	default:
		return 0, dissect.No
	}
	if len(d) < size {
		return 0, dissect.More
	}
	return size, dissect.Next
}

// request4 reads the request that a client of version 4 begins with: command, port, address, user, and in
// 4A, after an address of 0.0.0.x, a name.
func request4(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const fixed = 8
	d := m.Data
	if len(d) > 1 && d[1] != 1 && d[1] != 2 || len(d) > 3 && d[2] == 0 && d[3] == 0 {
		return 0, dissect.No
	}
	if len(d) < fixed {
		return 0, dissect.More
	}
	user, rest, ok := bytes.Cut(d[fixed:], []byte{0})
	var name []byte
	named := binary.BigEndian.Uint32(d[4:]) < 256
	if named {
		name = rest
		if ok {
			name, rest, ok = bytes.Cut(name, []byte{0})
		}
	}
	switch {
	case !line.Text(user) || !line.Text(name) || len(user) > maxText || len(name) > maxText:
		return 0, dissect.No
	case !ok:
		return 0, dissect.More
	case len(rest) > 0 || named && len(name) == 0 || d[4] == 0 && !named: // a client waits after its request
		return 0, dissect.No
	}
	if named {
		tell(out, name, d[2:4], "4", d[1])
	} else {
		var room [16]byte
		tell(out, netip.AddrFrom4([4]byte(d[4:fixed])).AppendTo(room[:0]), d[2:4], "4", d[1])
	}
	return len(d), dissect.Done
}

func tell(out *dissect.Facts, target, port []byte, version string, command byte) {
	out.Add("socks.request", target)
	out.FieldUint("port", uint64(binary.BigEndian.Uint16(port)))
	out.FieldString("version", version)
	switch command {
	case 1:
		out.FieldString("command", "connect")
	case 2:
		out.FieldString("command", "bind")
	case 3:
		out.FieldString("command", "associate")
	}
}

// answer5 recognises a server of version 5: its choice of a method, the result of a login if it asked for one,
// and its reply. On its port the choice is enough; elsewhere two octets are not.
func answer5(m *dissect.Message) (int, dissect.State) {
	d := m.Data
	if len(d) < 2 {
		return 0, dissect.More
	}
	if d[1] > 9 && d[1] < 0x80 {
		return 0, dissect.No
	}
	if m.Src.Port() == port {
		return len(d), dissect.Done
	}
	rest := d[2:]
	if len(rest) > 0 && rest[0] == 1 {
		rest = rest[min(2, len(rest)):]
	}
	if _, s := message5(rest); s != dissect.Next {
		return 0, s
	}
	return len(d), dissect.Done
}
