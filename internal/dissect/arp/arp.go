// Package arp dissects the Address Resolution Protocol for IPv4 (RFC 826, RFC 5227).
package arp

import (
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

const (
	size    = 28
	request = 1
	reply   = 2
)

// Dissect reads one ARP packet: what follows the EtherType.
//
// It tells which address the sender claims (arp.address), whom it asks for (arp.query), and which
// address it means to take if nobody has it (arp.probe).
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < size || binary.BigEndian.Uint16(d[2:]) != frame.EtherIPv4 || d[4] != 6 || d[5] != 4 {
		return 0, dissect.No
	}
	// 1 is Ethernet, 6 the other IEEE 802 networks.
	if hardware := binary.BigEndian.Uint16(d); hardware != 1 && hardware != 6 {
		return 0, dissect.No
	}
	op := binary.BigEndian.Uint16(d[6:])
	if op != request && op != reply {
		return 0, dissect.No
	}
	sha := frame.MAC(d[8:14])
	spa := netip.AddrFrom4([4]byte(d[14:18]))
	tpa := netip.AddrFrom4([4]byte(d[24:28]))

	if spa.IsUnspecified() {
		if op == request && !tpa.IsUnspecified() {
			out.AddAddr("arp.probe", tpa)
		}
		return len(d), dissect.Next
	}
	out.AddAddr("arp.address", spa)
	if op == request {
		out.FieldString("op", "request")
	} else {
		out.FieldString("op", "reply")
	}
	if spa == tpa {
		out.FieldString("gratuitous", "1")
	}
	if sha != m.SrcMAC && !m.SrcMAC.IsZero() {
		// A bridge that translates addresses, proxy ARP, or somebody who speaks for another.
		out.FieldString("hardware", sha.String())
	}
	if op == request && spa != tpa {
		out.AddAddr("arp.query", tpa)
	}
	return len(d), dissect.Next
}
