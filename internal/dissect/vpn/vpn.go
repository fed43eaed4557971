// Package vpn recognises tunnels by how they begin: WireGuard, OpenVPN, and IPsec's key exchange.
package vpn

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Dissect recognises the first message of either side.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	switch {
	case len(d) == 0:
		return 0, dissect.No
	case m.Stream:
		return openVPNStream(m, out)
	case d[0] >= 1 && d[0] <= 4 && wireGuard(m):
		out.AddString("vpn.protocol", "wireguard")
	case openVPN(d):
		out.AddString("vpn.protocol", "openvpn")
	default:
		version := ike(m)
		if version == 0 {
			return 0, dissect.No
		}
		out.AddString("vpn.protocol", "ipsec-ike")
		out.FieldUint("version", uint64(version))
	}
	return len(d), dissect.Done
}

// wireGuard reports whether m is a message of WireGuard (Donenfeld, "WireGuard: Next Generation Kernel Network
// Tunnel", Section 5.4): a type, three zeros, and a length that the type fixes. Data, of which little is fixed,
// counts on the usual port only.
func wireGuard(m *dissect.Message) bool {
	const port = 51820
	d := m.Data
	if len(d) < 32 || d[1]|d[2]|d[3] != 0 {
		return false
	}
	switch d[0] {
	case 1:
		return len(d) == 148
	case 2:
		return len(d) == 92
	case 3:
		return len(d) == 64
	}
	return len(d)%16 == 0 && (m.Src.Port() == port || m.Dst.Port() == port)
}

// Packets of OpenVPN that open a session: operation code and key (OpenVPN, "Network Protocol").
const (
	resetClient2 = 7 << 3
	resetServer2 = 8 << 3
	resetClient3 = 10 << 3 // with a key of the client's own
)

const (
	session = 1 + 8 // operation, session
	counter = 4 + 4 // packet number, time
)

// openVPN reports whether d opens a session of OpenVPN.
func openVPN(d []byte) bool {
	if len(d) < session+5 || binary.BigEndian.Uint64(d[1:]) == 0 {
		return false
	}
	switch d[0] {
	case resetClient2:
		return signed(d, 1+4, 0) || encrypted(d) && len(d) == session+counter+32+1+4
	case resetServer2:
		return signed(d, 1+4+8+4, 1) || signed(d, 1+4, 0) || encrypted(d) && len(d) == session+counter+32+1+4+8+4
	case resetClient3:
		return encrypted(d) && len(d) > session+counter+32+1+4+256
	}
	return false
}

// signed reports whether d ends with the number of packets acknowledged, those packets with the session they
// are of, and the packet's own number, 0; and whether what is before is nothing, or an HMAC of one of the usual
// lengths, and a counter.
func signed(d []byte, tail int, acknowledged byte) bool {
	if len(d) < session+tail {
		return false
	}
	end := d[len(d)-tail:]
	if end[0] != acknowledged || binary.BigEndian.Uint32(end[tail-4:]) != 0 {
		return false
	}
	switch len(d) - session - tail {
	case 0:
		return true
	case counter + 16, counter + 20, counter + 28, counter + 32, counter + 48, counter + 64:
		return begun(d[len(d)-tail-counter:])
	}
	return false
}

// encrypted reports whether a counter follows the session in d, as it does before what tls-crypt encrypts.
func encrypted(d []byte) bool { return len(d) >= session+counter && begun(d[session:]) }

// begun reports whether b begins with a counter of a session that has just begun: a small number, and a time
// after 2001-09-09.
func begun(b []byte) bool {
	n, seconds := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	return n > 0 && n < 64 && seconds > 1e9
}

// openVPNStream reads the first packet over TCP, which its length goes before.
func openVPNStream(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	switch {
	case d[0] > 4 || len(d) > 2 && d[2] != resetClient2 && d[2] != resetServer2 && d[2] != resetClient3:
		return 0, dissect.No
	case len(d) < 2+session+5, len(d) < 2+int(binary.BigEndian.Uint16(d)):
		if m.Final {
			return 0, dissect.No
		}
		return 0, dissect.More
	}
	if !openVPN(d[2 : 2+int(binary.BigEndian.Uint16(d))]) {
		return 0, dissect.No
	}
	out.AddString("vpn.protocol", "openvpn")
	return len(d), dissect.Done
}

// ike is the major version of the IKE message that m is (RFC 7296, Section 3.1; RFC 2408, Section 3.1), or 0. On the
// port for tunnels through address translators four zeros go before it (RFC 3948, Section 2.2).
func ike(m *dissect.Message) byte {
	const header, portNAT = 28, 4500
	d := m.Data
	if (m.Src.Port() == portNAT || m.Dst.Port() == portNAT) && len(d) > 4 && binary.BigEndian.Uint32(d) == 0 {
		d = d[4:]
	}
	if len(d) < header || uint64(binary.BigEndian.Uint32(d[24:])) != uint64(len(d)) || binary.BigEndian.Uint64(d) == 0 {
		return 0
	}
	exchange, flags := d[18], d[19]
	switch d[17] {
	case 0x10:
		if flags <= 7 && (exchange >= 1 && exchange <= 6 || exchange == 32 || exchange == 33) {
			return 1
		}
	case 0x20:
		if flags&^0x38 == 0 && exchange >= 34 && exchange <= 44 {
			return 2
		}
	}
	return 0
}
