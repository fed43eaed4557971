// Package lldp dissects the Link Layer Discovery Protocol (IEEE 802.1AB), with the inventory of
// LLDP-MED (ANSI/TIA-1057) and the MUD URL of RFC 8520.
package lldp

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

// TLV types (IEEE 802.1AB-2016, Table 8-1).
const (
	endOfMessage      = 0
	chassisID         = 1
	portID            = 2
	timeToLive        = 3
	portDescription   = 4
	systemName        = 5
	systemDescription = 6
	capabilities      = 7
	managementAddress = 8
	organisation      = 127
)

// Organisationally specific TLVs: the organisation's OUI, then its subtype. The serial number and the
// asset identifier of LLDP-MED name one piece and its owner, and are passed over.
const (
	mudURL       = 0x00005e_01 // RFC 8520 §12
	portVLAN     = 0x0080c2_01
	medHardware  = 0x0012bb_05
	medFirmware  = 0x0012bb_06
	medSoftware  = 0x0012bb_07
	medMaker     = 0x0012bb_09
	medModel     = 0x0012bb_0a
	maxAddresses = 4
)

// Address families (IANA, Address Family Numbers).
const (
	familyIPv4 = 1
	familyIPv6 = 2
)

// Dissect reads one LLDP data unit: what follows the EtherType. It begins with a chassis ID, a port ID
// and a time to live, in that order.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	chassis, rest := next(d, chassisID)
	port, rest := next(rest, portID)
	ttl, rest := next(rest, timeToLive)
	if len(chassis) < 2 || len(port) < 2 || len(ttl) < 2 {
		return 0, dissect.No
	}
	identifier(out, "lldp.chassis", chassis, [...]byte{4: isMAC, 5: isAddress})
	out.FieldUint("ttl", uint64(binary.BigEndian.Uint16(ttl)))
	identifier(out, "lldp.port", port, [...]byte{3: isMAC, 4: isAddress, 5: isText})

	addresses := 0
	for len(rest) >= 2 {
		kind := rest[0] >> 1
		var v []byte
		if v, rest = next(rest, kind); v == nil || kind == endOfMessage {
			break
		}
		switch kind {
		case portDescription:
			text(out, "lldp.port_description", v)
		case systemName:
			text(out, "lldp.system_name", v)
		case systemDescription:
			text(out, "lldp.system_description", v)
		case capabilities:
			if len(v) >= 4 {
				enabled(out, binary.BigEndian.Uint16(v), binary.BigEndian.Uint16(v[2:]))
			}
		case managementAddress:
			if len(v) > 1 && int(v[0]) < len(v) && addresses < maxAddresses {
				if a, ok := address(v[1 : 1+int(v[0])]); ok {
					addresses++
					out.AddAddr("lldp.address", a)
				}
			}
		case organisation:
			if len(v) > 4 {
				specific(out, binary.BigEndian.Uint32(v), v[4:])
			}
		}
	}
	return len(d), dissect.Next
}

// next is the value of the first TLV of b, which must be of the kind given, and what follows it. The
// value is nil if there is none, or if it is cut.
func next(b []byte, kind byte) (value, rest []byte) {
	if len(b) < 2 || b[0]>>1 != kind {
		return nil, nil
	}
	n := 2 + int(binary.BigEndian.Uint16(b)&0x1ff)
	if n > len(b) {
		return nil, nil
	}
	return b[2:n:n], b[n:]
}

func specific(out *dissect.Facts, kind uint32, v []byte) {
	switch kind {
	case mudURL:
		text(out, "lldp.mud_url", v)
	case portVLAN:
		if len(v) == 2 {
			out.AddUint("lldp.vlan", uint64(binary.BigEndian.Uint16(v)))
		}
	case medHardware:
		text(out, "lldp.hardware", v)
	case medFirmware:
		text(out, "lldp.firmware", v)
	case medSoftware:
		text(out, "lldp.software", v)
	case medMaker:
		text(out, "lldp.manufacturer", v)
	case medModel:
		text(out, "lldp.model", v)
	}
}

// What a chassis or port identifier is made of; anything else is told as text.
const (
	isText = iota
	isMAC
	isAddress
)

// identifier tells a chassis or port ID, whose first octet, the subtype, says what it is made of.
func identifier(out *dissect.Facts, name string, v []byte, made [6]byte) {
	subtype, v := v[0], v[1:]
	what := byte(isText)
	if int(subtype) < len(made) {
		what = made[subtype]
	}
	a, isIP := address(v)
	switch {
	case what == isMAC && len(v) == 6:
		out.AddString(name, frame.MAC(v).String())
	case what == isAddress && isIP:
		out.AddAddr(name, a)
	default:
		out.Add(name, bytes.TrimRight(v, "\x00"))
	}
	out.FieldUint("subtype", uint64(subtype))
}

// address reads an address that begins with its family.
func address(v []byte) (netip.Addr, bool) {
	switch {
	case len(v) == 5 && v[0] == familyIPv4, len(v) == 17 && v[0] == familyIPv6:
		return netip.AddrFromSlice(v[1:])
	}
	return netip.Addr{}, false
}

// enabled tells the capabilities that are in use, and those that are there (IEEE 802.1AB-2016, Table 8-4).
func enabled(out *dissect.Facts, there, used uint16) {
	var buf [128]byte
	out.Add("lldp.capabilities", words(buf[:0], used))
	out.Field("supported", words(buf[:0], there))
}

func words(b []byte, bits uint16) []byte {
	for i, name := range [...]string{
		"other", "repeater", "bridge", "access-point", "router", "telephone", "docsis", "station", "c-vlan", "s-vlan", "two-port-relay",
	} {
		if bits>>i&1 == 0 {
			continue
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	return b
}

func text(out *dissect.Facts, name string, v []byte) {
	if v = bytes.TrimRight(v, "\x00"); len(v) > 0 {
		out.Add(name, v)
	}
}
