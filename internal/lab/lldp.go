package lab

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// LLDP is what a device tells its neighbour on the cable (IEEE 802.1AB).
type LLDP struct {
	Port         string
	SystemName   string
	Description  string
	Capabilities uint16
	MUD          string // RFC 8520, Section 12
	Manufacturer string // these three in the inventory of LLDP-MED (ANSI/TIA-1057)
	Model        string
	Firmware     string
}

// AnnounceLink sends the device's LLDP frame.
func (a *Actor) AnnounceLink() {
	d := a.LLDP
	var b []byte
	tlv := func(kind uint16, value []byte) {
		b = binary.BigEndian.AppendUint16(b, kind<<9|uint16(len(value)))
		b = append(b, value...)
	}
	text := func(kind uint16, head []byte, s string) {
		if s != "" {
			tlv(kind, append(head, s...))
		}
	}
	tlv(1, append([]byte{4}, a.mac[:]...))
	text(2, []byte{5}, d.Port)
	tlv(3, []byte{0, 120})
	text(5, nil, d.SystemName)
	text(6, nil, d.Description)
	tlv(7, binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, d.Capabilities), d.Capabilities))
	management := append([]byte{5, 1}, a.v4.AsSlice()...)
	tlv(8, append(management, 2, 0, 0, 0, 1, 0))
	if d.Manufacturer != "" {
		med := []byte{0x00, 0x12, 0xbb}
		tlv(127, append(med[:3:3], 1, 0, 0x21, 3)) // capabilities and inventory; endpoint class III
		text(127, append(med[:3:3], 6), d.Firmware)
		text(127, append(med[:3:3], 9), d.Manufacturer)
		text(127, append(med[:3:3], 10), d.Model)
	}
	text(127, []byte{0x00, 0x00, 0x5e, 1}, d.MUD)
	tlv(0, nil)
	a.play.emit(a.now, wire.Ethernet(frame.MAC{0x01, 0x80, 0xc2, 0, 0, 0x0e}, a.mac, wire.TypeLLDP, b))
	if d.MUD != "" && a.truth.MUD == nil {
		a.truth.MUD = &MUDTruth{d.MUD, "lldp"}
	}
}
