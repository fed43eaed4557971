// Package eapol recognises port access control, IEEE 802.1X: EAP over LAN.
package eapol

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

// Dissect reads one EAPOL packet: what follows the EtherType. It tells the packet type (eapol.type),
// and nothing of what is within: identities and key material stay on the wire.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 4 || d[0] == 0 || d[0] > 3 || int(binary.BigEndian.Uint16(d[2:])) > len(d)-4 {
		return 0, dissect.No
	}
	kind := ""
	switch d[1] { // IEEE 802.1X-2020, Table 11-3
	case 0:
		kind = "eap"
	case 1:
		kind = "start"
	case 2:
		kind = "logoff"
	case 3:
		kind = "key"
	case 5:
		kind = "mka"
	default:
		return 0, dissect.No
	}
	out.AddString("eapol.type", kind)
	out.FieldUint("version", uint64(d[0]))
	return len(d), dissect.Next
}
