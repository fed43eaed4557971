// Package remote recognises the protocols by which a screen is seen from afar: the Remote Framebuffer
// protocol of VNC (RFC 6143), and the Remote Desktop Protocol ([MS-RDPBCGR]).
package remote

import (
	"strings"

	"plimsoll.example/plimsoll/internal/dissect"
)

const maxTypes = 16 // of security that are told

// VNC reads the version that either side speaks, and the ways the server has to keep strangers out.
func VNC(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	const magic, size = "RFB ", 12 // "RFB 003.008\n" (RFC 6143, Section 7.1.1)
	d := m.Data
	if !m.Stream || len(d) == 0 {
		return 0, dissect.No
	}
	if len(m.Scratch) > 0 {
		return vncSecurity(m, m.Scratch[0], out)
	}
	if len(d) < size {
		if m.Final || !strings.HasPrefix(magic, string(d[:min(len(d), len(magic))])) {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	if string(d[:len(magic)]) != magic || d[7] != '.' || d[11] != '\n' || !digits(d[4:7]) || !digits(d[8:11]) {
		return 0, dissect.No
	}
	out.Add("remote.vnc", d[4:11])
	out.FieldString("side", side(m))
	if m.FromInitiator {
		return len(d), dissect.Done
	}
	m.Scratch = append(m.Scratch, d[10]) // the minor version decides how the security types look
	return size, dissect.Next
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// vncSecurity reads the server's security types: a list of octets or, before version 3.7, one number
// (RFC 6143, Section 7.1.2 and Appendix A).
func vncSecurity(m *dissect.Message, minor byte, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	var types []byte
	switch {
	case minor < '7' && len(d) >= 4:
		types = d[3:4]
	case minor >= '7' && len(d) >= 1+int(d[0]):
		types = d[1 : 1+int(d[0])]
	case !m.Final:
		return 0, dissect.More
	}
	last := ""
	for _, t := range types[:min(len(types), maxTypes)] {
		if name := securityType(t); name != last {
			out.AddString("remote.vnc_security", name)
			last = name
		}
	}
	return len(d), dissect.Done
}

func securityType(t byte) string {
	switch t {
	case 0:
		return "invalid"
	case 1:
		return "none"
	case 2:
		return "vnc"
	case 16:
		return "tight"
	case 18:
		return "tls"
	case 19:
		return "vencrypt"
	case 30, 33, 35, 36:
		return "apple"
	}
	return "other"
}

func side(m *dissect.Message) string {
	if m.FromInitiator {
		return "client"
	}
	return "server"
}
