// Package ssh reads the clear beginning of SSH (RFC 4253): the banners, and the lists of algorithms whose
// digest, HASSH, tells one implementation from another.
package ssh

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/line"
)

const (
	maxBanner = 255   // octets with CR LF (RFC 4253, Section 4.2)
	maxPacket = 35000 // octets of a whole packet (RFC 4253, Section 6.1)
	kexInit   = 20    // SSH_MSG_KEXINIT (RFC 4253, Section 7.1)

	kexHeader = 4 + 1 + 1 + 16            // packet length, padding length, message, cookie
	minPacket = 1 + 1 + 16 + 10*4 + 1 + 4 // packet length with ten empty lists
)

// Dissect reads the banner, then the first key exchange message, of either side.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if !m.Stream || len(d) == 0 {
		return 0, dissect.No
	}
	switch {
	case d[0] == 'S':
		return banner(m, out)
	case d[0] == 0 && m.Final && len(d) < kexHeader:
		return 0, dissect.No
	case d[0] == 0:
		return keys(m, out)
	}
	return 0, dissect.No
}

func side(m *dissect.Message) string {
	if m.FromInitiator {
		return "client"
	}
	return "server"
}

func banner(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const magic = "SSH-"
	d := m.Data[:min(len(m.Data), maxBanner)]
	if len(d) <= len(magic) {
		if m.Final || !strings.HasPrefix(magic, string(d)) {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	if string(d[:len(magic)]) != magic || d[len(magic)] < '1' || d[len(magic)] > '9' {
		return 0, dissect.No
	}
	text, n := line.Cut(d)
	if n == 0 {
		if len(d) == maxBanner || !line.Text(d) {
			return 0, dissect.No
		}
		if !m.Final {
			return 0, dissect.More
		}
		text, n = d, len(d)
	}
	if !line.Text(text) {
		return 0, dissect.No
	}
	out.Add("ssh.banner", text)
	out.FieldString("side", side(m))
	// Only 2.0, and 1.99 which offers it too (RFC 4253, Section 5.1), go on with the lists.
	if m.Final && n == len(m.Data) || line.Has(text, "SSH-1.") && !line.Has(text, "SSH-1.99-") {
		return n, dissect.Done
	}
	return n, dissect.Next
}

// lists are the names of the name-lists of SSH_MSG_KEXINIT, in their order (RFC 4253, Section 7.1).
type lists struct {
	kex, hostKey                 []byte
	cipher, mac, compression     [2][]byte // client to server, server to client
	languageToServer, languageTo []byte
}

func keys(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < kexHeader {
		// Zero may begin many things: the length tells early.
		if len(d) >= 4 && !plausible(binary.BigEndian.Uint32(d)) || len(d) >= 6 && d[5] != kexInit {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	size := binary.BigEndian.Uint32(d)
	if !plausible(size) || d[5] != kexInit || d[4] < 4 || uint32(d[4]) > size-minPacket {
		return 0, dissect.No
	}
	whole := 4 + int(size)
	if len(d) < whole {
		if m.Final {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	var l lists
	if !l.read(d[kexHeader : whole-int(d[4])]) {
		return 0, dissect.No
	}
	l.tell(m, out)
	return whole, dissect.Done
}

func plausible(size uint32) bool { return size >= minPacket && size <= maxPacket-4 }

// read takes the ten lists from b, which ends before the padding.
func (l *lists) read(b []byte) bool {
	for _, p := range [...]*[]byte{
		&l.kex, &l.hostKey, &l.cipher[0], &l.cipher[1], &l.mac[0], &l.mac[1],
		&l.compression[0], &l.compression[1], &l.languageToServer, &l.languageTo,
	} {
		if len(b) < 4 {
			return false
		}
		n := binary.BigEndian.Uint32(b)
		if uint64(n) > uint64(len(b)-4) {
			return false
		}
		*p = b[4 : 4+n]
		b = b[4+n:]
	}
	return len(b) == 1+4 && len(l.kex) > 0 && line.Text(l.kex) // first_kex_packet_follows, reserved
}

// tell adds the fingerprint: the MD5 of the lists for the direction from this side, joined by semicolons.
func (l *lists) tell(m *dissect.Message, out *dissect.Facts) {
	way := 1
	if m.FromInitiator {
		way = 0
	}
	var room [2048]byte
	b := append(room[:0], l.kex...)
	for _, list := range [...][]byte{l.cipher[way], l.mac[way], l.compression[way]} {
		b = append(append(b, ';'), list...)
	}
	sum := md5.Sum(b)
	var text [2 * md5.Size]byte
	hex.Encode(text[:], sum[:])
	if m.FromInitiator {
		out.Add("ssh.hassh", text[:])
	} else {
		out.Add("ssh.hassh_server", text[:])
	}
	out.Field("kex", l.kex)
	out.Field("host_key", l.hostKey)
	out.Field("cipher", l.cipher[way])
	out.Field("mac", l.mac[way])
}
