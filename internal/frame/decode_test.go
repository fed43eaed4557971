package frame

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"
)

var (
	srcMAC = MAC{0x02, 0, 0, 0, 0, 1}
	dstMAC = MAC{0x02, 0, 0, 0, 0, 2}
)

func eth(etherType uint16, payload ...byte) []byte {
	b := slices.Concat(dstMAC[:], srcMAC[:])
	b = binary.BigEndian.AppendUint16(b, etherType)
	return append(b, payload...)
}

func ip4(proto byte, fragment uint16, payload ...byte) []byte {
	b := make([]byte, 20, 20+len(payload))
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(b[4:], 7)
	binary.BigEndian.PutUint16(b[6:], fragment)
	copy(b[12:], []byte{192, 0, 2, 1, 192, 0, 2, 2})
	return append(b, payload...)
}

func ip6(next byte, payload ...byte) []byte {
	b := make([]byte, 40, 40+len(payload))
	b[0], b[6], b[7] = 0x60, next, 64
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	src, dst := netip.MustParseAddr("2001:db8::1").As16(), netip.MustParseAddr("2001:db8::2").As16()
	copy(b[8:], src[:])
	copy(b[24:], dst[:])
	return append(b, payload...)
}

func udp(payload ...byte) []byte {
	b := []byte{0x04, 0xd2, 0, 53, 0, byte(8 + len(payload)), 0, 0} // 1234 to 53
	return append(b, payload...)
}

func decode(link LinkType, b []byte) Frame {
	var f Frame
	Decode(&f, link, b, len(b))
	return f
}

func TestPortsAndPayloadAreFoundBehindEveryLinkLayer(t *testing.T) {
	payload := []byte("payload")
	datagram := udp(payload...)
	v4, v6 := ip4(ProtoUDP, 0, datagram...), ip6(ProtoUDP, datagram...)
	snap := []byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}
	dot11 := func(flags byte, addresses ...MAC) []byte {
		b := []byte{0x08, flags, 0, 0}
		for i, a := range addresses {
			b = append(b, a[:]...)
			if i == 2 {
				b = append(b, 0, 0)
			}
		}
		return slices.Concat(b, snap, v4)
	}
	bssid := MAC{0x02, 0, 0, 0, 0, 9}
	gre := slices.Concat(ip4(47, 0, slices.Concat([]byte{0x20, 0, 8, 0, 0, 0, 0, 1}, v4)...))
	tests := []struct {
		name string
		link LinkType
		b    []byte
		vlan uint16
		macs bool
	}{
		{"Ethernet, IPv4", LinkEthernet, eth(EtherIPv4, v4...), 0, true},
		{"Ethernet, IPv6", LinkEthernet, eth(EtherIPv6, v6...), 0, true},
		{"Ethernet, padded", LinkEthernet, append(eth(EtherIPv4, v4...), 0, 0, 0, 0), 0, true},
		{"VLAN", LinkEthernet, eth(EtherVLAN, append([]byte{0x20, 5, 8, 0}, v4...)...), 5, true},
		{"QinQ", LinkEthernet, eth(EtherQinQ, append([]byte{0, 9, 0x81, 0, 0, 5, 8, 0}, v4...)...), 5, true},
		{"PPPoE", LinkEthernet, eth(EtherPPPoES, append([]byte{0x11, 0, 0, 1, 0, 0, 0, 0x21}, v4...)...), 0, true},
		{"PPPoE, IPv6", LinkEthernet, eth(EtherPPPoES, append([]byte{0x11, 0, 0, 1, 0, 0, 0, 0x57}, v6...)...), 0, true},
		{"MPLS", LinkEthernet, eth(EtherMPLS, append([]byte{0, 0, 0, 64, 0, 0, 0x11, 64}, v4...)...), 0, true},
		{"802.3 with SNAP", LinkEthernet, eth(uint16(8+len(v4)), slices.Concat(snap, v4)...), 0, true},
		{"raw", LinkRaw, v4, 0, false},
		{"raw, IPv6", LinkIPv6, v6, 0, false},
		{"BSD loopback, little-endian", LinkNull, append([]byte{2, 0, 0, 0}, v4...), 0, false},
		{"BSD loopback, big-endian, IPv6", LinkLoop, append([]byte{0, 0, 0, 24}, v6...), 0, false},
		{"PPP", LinkPPP, append([]byte{0xff, 3, 0, 0x21}, v4...), 0, false},
		{"PPP, compressed", LinkPPP, append([]byte{0x21}, v4...), 0, false},
		{"802.11 to the access point", LinkDot11, dot11(1, bssid, srcMAC, dstMAC), 0, true},
		{"802.11 from the access point", LinkDot11, dot11(2, dstMAC, bssid, srcMAC), 0, true},
		{"802.11 between access points", LinkDot11, dot11(3, bssid, bssid, dstMAC, srcMAC), 0, true},
		{"radiotap", LinkRadiotap, append([]byte{0, 0, 8, 0, 0, 0, 0, 0}, dot11(1, bssid, srcMAC, dstMAC)...), 0, true},
		{"GRE with a key", LinkEthernet, eth(EtherIPv4, gre...), 0, true},
		{"IPv6 in IPv4", LinkEthernet, eth(EtherIPv4, ip4(41, 0, v6...)...), 0, true},
		{"extension headers", LinkEthernet, eth(EtherIPv6, ip6(0, slices.Concat([]byte{60, 0, 1, 4, 0, 0, 0, 0, ProtoUDP, 0, 1, 4, 0, 0, 0, 0}, datagram)...)...), 0, true},
		{"atomic fragment", LinkEthernet, eth(EtherIPv6, ip6(44, slices.Concat([]byte{ProtoUDP, 0, 0, 0, 0, 0, 0, 7}, datagram)...)...), 0, true},
		{"authentication header", LinkEthernet, eth(EtherIPv4, ip4(51, 0, slices.Concat([]byte{ProtoUDP, 4, 0, 0}, make([]byte, 20), datagram)...)...), 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := decode(tt.link, tt.b)
			if f.Depth != Transport || f.SrcPort != 1234 || f.DstPort != 53 || f.Proto != ProtoUDP {
				t.Fatalf("depth %d, proto %d, ports %d and %d; want depth %d, UDP, 1234 and 53", f.Depth, f.Proto, f.SrcPort, f.DstPort, Transport)
			}
			if got := string(tt.b[f.Payload:f.PayloadEnd]); got != string(payload) || f.PayloadWire != uint32(len(payload)) {
				t.Errorf("payload %q (%d on the wire), want %q", got, f.PayloadWire, payload)
			}
			if f.VLAN != tt.vlan {
				t.Errorf("VLAN %d, want %d", f.VLAN, tt.vlan)
			}
			if tt.macs && (f.SrcMAC != srcMAC || f.DstMAC != dstMAC) {
				t.Errorf("link-layer addresses %s to %s, want %s to %s", f.SrcMAC, f.DstMAC, srcMAC, dstMAC)
			}
			if !tt.macs && !f.SrcMAC.IsZero() {
				t.Errorf("link-layer address %s where there is none", f.SrcMAC)
			}
		})
	}
}

func TestCookedFramesHaveTheSender(t *testing.T) {
	v4 := ip4(ProtoUDP, 0, udp()...)
	sll := slices.Concat([]byte{0, 0, 0, 1, 0, 6}, srcMAC[:], []byte{0, 0, 8, 0}, v4)
	sll2 := slices.Concat([]byte{8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6}, srcMAC[:], []byte{0, 0}, v4)
	for link, b := range map[LinkType][]byte{LinkSLL: sll, LinkSLL2: sll2} {
		f := decode(link, b)
		if f.SrcMAC != srcMAC || !f.DstMAC.IsZero() || f.DstPort != 53 {
			t.Errorf("%s: from %s to %s, port %d; want from %s to nobody known, port 53", link, f.SrcMAC, f.DstMAC, f.DstPort, srcMAC)
		}
	}
}

// RFC 1858: a later fragment has no ports, whatever its octets look like.
func TestFragmentsHaveNoPorts(t *testing.T) {
	for name, b := range map[string][]byte{
		"first of IPv4": eth(EtherIPv4, ip4(ProtoUDP, 0x2000, udp()...)...),
		"later of IPv4": eth(EtherIPv4, ip4(ProtoUDP, 3, udp()...)...),
		"first of IPv6": eth(EtherIPv6, ip6(44, append([]byte{ProtoUDP, 0, 0, 1, 0, 0, 0, 7}, udp()...)...)...),
		"later of IPv6": eth(EtherIPv6, ip6(44, append([]byte{ProtoUDP, 0, 0, 24, 0, 0, 0, 7}, udp()...)...)...),
	} {
		f := decode(LinkEthernet, b)
		if !f.Fragment || f.SrcPort != 0 || f.Proto != ProtoUDP || f.FragID != 7 {
			t.Errorf("%s: fragment %t, port %d, proto %d, id %d", name, f.Fragment, f.SrcPort, f.Proto, f.FragID)
		}
		if later := name[:5] == "later"; later != (f.FragOffset == 24) || later == f.MoreFragments {
			t.Errorf("%s: offset %d, more %t", name, f.FragOffset, f.MoreFragments)
		}
	}
}

func TestTCPFields(t *testing.T) {
	h, _ := hex.DecodeString("c3500050" + "00000001" + "00000002" + "60120400" + "00000000" + "02040000")
	f := decode(LinkEthernet, eth(EtherIPv4, ip4(ProtoTCP, 0, append(h, "data"...)...)...))
	if f.Seq != 1 || f.Ack != 2 || f.Flags != SYN|ACK || f.Window != 1024 || f.SrcPort != 50000 || f.DstPort != 80 || f.PayloadWire != 4 {
		t.Errorf("%+v", f)
	}
}

func TestProtectedFramesStopAtTheLink(t *testing.T) {
	b := append([]byte{0x08, 0x41, 0, 0}, make([]byte, 40)...)
	if f := decode(LinkDot11, b); !f.Protected || f.Depth != Link {
		t.Errorf("protected %t, depth %d", f.Protected, f.Depth)
	}
}

// A capture cut to a snap length still counts what the wire carried.
func TestCutFramesKeepTheirLengthOnTheWire(t *testing.T) {
	whole := eth(EtherIPv4, ip4(ProtoUDP, 0, udp(make([]byte, 100)...)...)...)
	var f Frame
	Decode(&f, LinkEthernet, whole[:60], len(whole))
	if f.PayloadWire != 100 || f.PayloadEnd-f.Payload != 18 {
		t.Errorf("payload %d of %d, want 18 of 100", f.PayloadEnd-f.Payload, f.PayloadWire)
	}
}

func TestMACText(t *testing.T) {
	for _, s := range []string{"aa:bb:cc:00:11:22", "AA-BB-CC-00-11-22", "aabbcc001122"} {
		m, err := ParseMAC(s)
		if err != nil || m.String() != "aa:bb:cc:00:11:22" {
			t.Errorf("%s: %s, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "aa:bb:cc", "aa:bb:cc:00:11:2g", "aa:bb:cc:00:11:22:33", "aab:bcc001122"} {
		if m, err := ParseMAC(s); err == nil {
			t.Errorf("%q was read as %s", s, m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	v4, v6 := ip4(ProtoUDP, 0, udp(1, 2, 3)...), ip6(ProtoUDP, udp(1, 2, 3)...)
	f.Add(uint16(LinkEthernet), eth(EtherIPv4, v4...))
	f.Add(uint16(LinkEthernet), eth(EtherIPv6, ip6(0, append([]byte{44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 1}, udp()...)...)...))
	f.Add(uint16(LinkEthernet), eth(EtherPPPoES, append([]byte{0x11, 0, 0, 1, 0, 0, 0, 0x57}, v6...)...))
	f.Add(uint16(LinkEthernet), eth(EtherIPv4, ip4(47, 0, append([]byte{0xb0, 1, 0x88, 0x0b}, v6...)...)...))
	f.Add(uint16(LinkRadiotap), append([]byte{0, 0, 8, 0, 0, 0, 0, 0, 0x88, 3, 0, 0}, make([]byte, 60)...))
	for _, l := range []LinkType{LinkNull, LinkPPP, LinkPPPoE, LinkRaw, LinkDot11, LinkSLL, LinkPrism, LinkSLL2} {
		f.Add(uint16(l), v4)
	}
	f.Fuzz(func(t *testing.T, link uint16, b []byte) {
		var fr Frame
		Decode(&fr, LinkType(link), b, len(b)+7)
		if fr.Payload > fr.PayloadEnd || int(fr.PayloadEnd) > len(b) {
			t.Fatalf("payload from %d to %d of %d", fr.Payload, fr.PayloadEnd, len(b))
		}
		if fr.PayloadWire < fr.PayloadEnd-fr.Payload {
			t.Fatalf("payload of %d octets, %d on the wire", fr.PayloadEnd-fr.Payload, fr.PayloadWire)
		}
		if fr.Depth < Network && (fr.SrcPort|fr.DstPort != 0 || fr.Fragment) {
			t.Fatalf("%+v", fr)
		}
		DecodeTransport(&fr, b)
	})
}

func BenchmarkDecode(b *testing.B) {
	frame := eth(EtherIPv4, ip4(ProtoUDP, 0, udp(make([]byte, 100)...)...)...)
	var f Frame
	b.ReportAllocs()
	for b.Loop() {
		Decode(&f, LinkEthernet, frame, len(frame))
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	frame := eth(EtherIPv6, ip6(ProtoUDP, udp(1, 2, 3)...)...)
	var f Frame
	if n := testing.AllocsPerRun(100, func() { Decode(&f, LinkEthernet, frame, len(frame)) }); n != 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}
