// Package igmp dissects membership in multicast groups: IGMP for IPv4 (RFC 1112, RFC 2236, RFC 3376)
// and MLD for IPv6 (RFC 2710, RFC 3810).
package igmp

import (
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
)

// IGMP types (IANA).
const (
	query    = 0x11
	reportV1 = 0x12
	reportV2 = 0x16
	leave    = 0x17
	reportV3 = 0x22
)

// ICMPv6 types of MLD (IANA).
const (
	listenerQuery    = 130
	listenerReport   = 131
	listenerDone     = 132
	listenerReportV2 = 143
)

// Record types which, if the record names no source, say that the group was left (RFC 3376 §4.2.12).
const (
	modeIsInclude   = 1
	changeToInclude = 3
)

// maxGroups bounds the facts of one report.
const maxGroups = 64

// Dissect reads one IGMP message: the payload of an IPv4 packet with protocol 2.
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 8 {
		return 0, dissect.No
	}
	switch d[0] {
	case query:
		switch { // RFC 3376 §7.1
		case len(d) >= 12:
			querier(m, out, "igmp.querier", 3)
		case d[1] != 0:
			querier(m, out, "igmp.querier", 2)
		default:
			querier(m, out, "igmp.querier", 1)
		}
	case reportV1, reportV2, leave:
		g := netip.AddrFrom4([4]byte(d[4:8]))
		if !g.IsMulticast() {
			return 0, dissect.No
		}
		version := uint64(2)
		if d[0] == reportV1 {
			version = 1
		}
		group(out, "igmp.group", g, d[0] == leave, version)
	case reportV3:
		records(d, 4, func(g netip.Addr, left bool) { group(out, "igmp.group", g, left, 3) })
	default:
		return 0, dissect.No
	}
	return len(d), dissect.Next
}

// DissectMLD reads one ICMPv6 message of Multicast Listener Discovery. Solicited-node groups
// (RFC 4291 §2.7.1) are left out: a host is in one for each of its own addresses.
func DissectMLD(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 8 || d[1] != 0 {
		return 0, dissect.No
	}
	switch d[0] {
	case listenerQuery:
		switch {
		case len(d) >= 28: // RFC 3810 §8.1
			querier(m, out, "mld.querier", 2)
		case len(d) >= 24:
			querier(m, out, "mld.querier", 1)
		default:
			return 0, dissect.No
		}
	case listenerReport, listenerDone:
		if len(d) < 24 || d[8] != 0xff {
			return 0, dissect.No
		}
		if g := netip.AddrFrom16([16]byte(d[8:24])); !solicitedNode(g) {
			group(out, "mld.group", g, d[0] == listenerDone, 1)
		}
	case listenerReportV2:
		records(d, 16, func(g netip.Addr, left bool) {
			if !solicitedNode(g) {
				group(out, "mld.group", g, left, 2)
			}
		})
	default:
		return 0, dissect.No
	}
	return len(d), dissect.Next
}

func querier(m *dissect.Message, out *dissect.Facts, name string, version uint64) {
	if src := m.Src.Addr(); src.IsValid() && !src.IsUnspecified() {
		out.AddAddr(name, src)
		out.FieldUint("version", version)
	}
}

func group(out *dissect.Facts, name string, g netip.Addr, left bool, version uint64) {
	out.AddAddr(name, g)
	if left {
		out.FieldString("type", "leave")
	} else {
		out.FieldString("type", "report")
	}
	out.FieldUint("version", version)
}

// records calls yield for each group of a report of IGMPv3 or MLDv2, which differ in the size of an address.
func records(d []byte, size int, yield func(g netip.Addr, left bool)) {
	n := min(int(binary.BigEndian.Uint16(d[6:])), maxGroups)
	d = d[8:]
	for ; n > 0 && len(d) >= 4+size; n-- {
		sources := int(binary.BigEndian.Uint16(d[2:]))
		left := sources == 0 && (d[0] == modeIsInclude || d[0] == changeToInclude)
		if g, _ := netip.AddrFromSlice(d[4 : 4+size]); g.IsMulticast() {
			yield(g, left)
		}
		d = d[min(4+size+sources*size+int(d[1])*4, len(d)):]
	}
}

func solicitedNode(g netip.Addr) bool {
	a := g.As16()
	return [13]byte(a[:13]) == [13]byte{0xff, 2, 11: 1, 12: 0xff}
}
