// Package ndp dissects IPv6 Neighbor Discovery (RFC 4861), with the options by which a router
// configures the hosts of its link.
package ndp

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/dissect"
)

// ICMPv6 types (RFC 4861 §4).
const (
	routerSolicitation    = 133
	routerAdvertisement   = 134
	neighborSolicitation  = 135
	neighborAdvertisement = 136
	redirect              = 137
)

// Dissect reads one ICMPv6 message of Neighbor Discovery. The caller has seen that its hop limit is
// 255, without which it comes from another link and means nothing (RFC 4861 §6.1, §7.1).
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if len(d) < 8 || d[0] < routerSolicitation || d[0] > redirect || d[1] != 0 {
		return 0, dissect.No
	}
	fixed := 24
	switch d[0] {
	case routerSolicitation:
		fixed = 8
	case routerAdvertisement:
		fixed = 16
	case redirect:
		fixed = 40
	}
	if len(d) < fixed {
		return 0, dissect.No
	}
	opts, ok := options(d[fixed:])
	if !ok {
		return 0, dissect.No
	}
	src := m.Src.Addr()

	switch d[0] {
	case routerSolicitation:
		if usable(src) {
			out.AddAddr("ndp.address", src)
			out.FieldString("kind", "rs")
			claimed(m, out, opts, sourceLinkLayer)
		}
	case routerAdvertisement:
		if !src.IsLinkLocalUnicast() {
			return 0, dissect.No
		}
		router(m, out, opts)
	case neighborSolicitation:
		target := netip.AddrFrom16([16]byte(d[8:24]))
		if target.IsMulticast() {
			return 0, dissect.No
		}
		if !usable(src) {
			// Duplicate address detection (RFC 4862 §5.4).
			out.AddAddr("ndp.address", target)
			out.FieldString("kind", "dad")
			break
		}
		out.AddAddr("ndp.address", src)
		out.FieldString("kind", "ns")
		claimed(m, out, opts, sourceLinkLayer)
		out.AddAddr("ndp.query", target)
	case neighborAdvertisement:
		target := netip.AddrFrom16([16]byte(d[8:24]))
		if target.IsMulticast() {
			return 0, dissect.No
		}
		out.AddAddr("ndp.address", target)
		out.FieldString("kind", "na")
		flag(out, "router", d[4]&0x80)
		flag(out, "solicited", d[4]&0x40)
		flag(out, "override", d[4]&0x20)
		claimed(m, out, opts, targetLinkLayer)
	case redirect:
		out.AddAddr("ndp.redirect", netip.AddrFrom16([16]byte(d[8:24])))
		out.FieldAddr("destination", netip.AddrFrom16([16]byte(d[24:40])))
	}
	return len(d), dissect.Next
}

func usable(a netip.Addr) bool { return a.IsValid() && !a.IsUnspecified() }

func flag(out *dissect.Facts, key string, bit byte) {
	if bit != 0 {
		out.FieldString(key, "1")
	}
}

// claimed tells the link-layer address that the message claims, where that is not its sender's.
func claimed(m *dissect.Message, out *dissect.Facts, opts []byte, kind byte) {
	for o := range each(opts) {
		if o[0] == kind && len(o) == 8 && !m.SrcMAC.IsZero() && !bytes.Equal(o[2:8], m.SrcMAC[:]) {
			mac := m.SrcMAC
			copy(mac[:], o[2:8])
			out.FieldString("hardware", mac.String())
			return
		}
	}
}

// router reads a Router Advertisement.
func router(m *dissect.Message, out *dissect.Facts, opts []byte) {
	d := m.Data
	out.AddAddr("ra.router", m.Src.Addr())
	out.FieldUint("lifetime", uint64(binary.BigEndian.Uint16(d[6:])))
	flag(out, "managed", d[5]&0x80)
	flag(out, "other", d[5]&0x40)
	preference(out, d[5])
	claimed(m, out, opts, sourceLinkLayer)

	enough := out.Len() + maxFacts
	for o := range each(opts) {
		if out.Len() >= enough {
			return
		}
		option(out, o)
	}
}

// preference tells a router's or a route's preference where it is not the usual (RFC 4191 §2.1).
func preference(out *dissect.Facts, flags byte) {
	switch flags >> 3 & 3 {
	case 1:
		out.FieldString("preference", "high")
	case 3:
		out.FieldString("preference", "low")
	}
}
