package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

var (
	alice = frame.MAC{0x02, 0, 0x5e, 0, 0, 1}
	bob   = frame.MAC{0x02, 0, 0x5e, 0, 0, 2}
	a4    = netip.MustParseAddr("192.0.2.1")
	b4    = netip.MustParseAddr("192.0.2.2")
	a6    = netip.MustParseAddr("2001:db8::1")
	b6    = netip.MustParseAddr("2001:db8::2")
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestChecksum(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   string
		want uint16
	}{
		{"RFC 1071, Section 3", "0001f203f4f5f6f7", ^uint16(0xddf2)},
		{"odd length", "0001f203f4f5f6", ^uint16(0xdcfb)},
		{"nothing", "", 0xffff},
		{"two octets", "abcd", ^uint16(0xabcd)},
	} {
		if got := Checksum(0, unhex(t, tc.in)); got != tc.want {
			t.Errorf("%s: %#04x, want %#04x", tc.name, got, tc.want)
		}
	}
}

func TestDerivedAddresses(t *testing.T) {
	m := frame.MAC{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde} // RFC 4291, Appendix A
	if got, want := EUI64(netip.MustParsePrefix("fe80::/64"), m), netip.MustParseAddr("fe80::3656:78ff:fe9a:bcde"); got != want {
		t.Errorf("EUI-64: %v, want %v", got, want)
	}
	// RFC 4291, Section 2.7.1
	if got, want := Solicited(netip.MustParseAddr("4037::1:800:200e:8c6c")), netip.MustParseAddr("ff02::1:ff0e:8c6c"); got != want {
		t.Errorf("solicited-node: %v, want %v", got, want)
	}
	if got, want := Group(netip.MustParseAddr("224.0.0.251")).String(), "01:00:5e:00:00:fb"; got != want {
		t.Errorf("group: %s, want %s", got, want)
	}
	if got, want := Group(netip.MustParseAddr("ff02::1:ff0e:8c6c")).String(), "33:33:ff:0e:8c:6c"; got != want {
		t.Errorf("group: %s, want %s", got, want)
	}
}

// datagram is a UDP datagram of n octets in an Ethernet frame.
func datagram(v6 bool, n int) []byte {
	src, dst, kind := a4, b4, uint16(TypeIPv4)
	if v6 {
		src, dst, kind = a6, b6, TypeIPv6
	}
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i)
	}
	u := UDP(netip.AddrPortFrom(src, 1000), netip.AddrPortFrom(dst, 2000), data)
	return Ethernet(bob, alice, kind, IP{Src: src, Dst: dst, Proto: ProtoUDP, Hops: 64, ID: 7}.Packet(u))
}

func TestPiecesMakeTheDatagram(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		whole := datagram(v6, 333)
		header := 20
		if v6 {
			header = 40
		}
		body := Datagram(whole)[header:]
		pieces := Fragment(whole, 64, 0x01020304)
		if want := (len(body) + 63) / 64; len(pieces) != want {
			t.Fatalf("%d pieces, want %d", len(pieces), want)
		}
		var joined []byte
		for i, f := range pieces {
			d := Datagram(f)
			var offset int
			var more bool
			var piece []byte
			if v6 {
				field := binary.BigEndian.Uint16(d[42:])
				offset, more, piece = int(field&^7), field&1 != 0, d[48:]
				if d[6] != 44 || d[40] != ProtoUDP {
					t.Errorf("piece %d: next headers %d, %d", i, d[6], d[40])
				}
			} else {
				field := binary.BigEndian.Uint16(d[6:])
				offset, more, piece = int(field&0x1fff)*8, field&0x2000 != 0, d[20:]
				if Checksum(0, d[:20]) != 0 {
					t.Errorf("piece %d: header checksum", i)
				}
			}
			if offset != len(joined) || more != (i < len(pieces)-1) {
				t.Errorf("piece %d at %d, more: %v", i, offset, more)
			}
			joined = append(joined, piece...)
		}
		if !bytes.Equal(joined, body) {
			t.Error("the pieces do not make the datagram")
		}
	}
	if f := datagram(false, 20); len(Fragment(f, 64, 0)) != 1 {
		t.Error("a short datagram was cut")
	}
}

func TestEncapsulationsCarryTheDatagram(t *testing.T) {
	arp := Pad(Ethernet(Broadcast, alice, TypeARP, make([]byte, 28)))
	for _, v6 := range []bool{false, true} {
		f := Pad(datagram(v6, 3)) // so short that it is padded
		want := Datagram(f)
		if len(want) == len(f)-14 && !v6 {
			t.Fatal("the frame has no padding to leave out")
		}
		for _, tc := range []struct {
			name   string
			got    []byte
			header int
			tail   int
			arp    []byte // what becomes of ARP
		}{
			{"raw", want, 0, 0, Datagram(arp)},
			{"PPP", PPP(f), 2, 0, PPP(arp)},
			{"null", Null(f, binary.LittleEndian), 4, 0, Null(arp, binary.LittleEndian)},
			{"802.11", Dot11(f, bob, 9), 34, 0, nil},
			{"radiotap", Radiotap(f, bob, 9), 15 + 34, 4, nil},
		} {
			if !bytes.Equal(tc.got[tc.header:len(tc.got)-tc.tail], want) {
				t.Errorf("%s: the datagram is not what it was: %x", tc.name, tc.got)
			}
			if tc.arp != nil {
				t.Errorf("%s: carries ARP", tc.name)
			}
		}
	}
}

func TestCookedHeadersSayWhoSent(t *testing.T) {
	f := datagram(false, 30)
	for _, tc := range []struct {
		name string
		self frame.MAC
		want byte
	}{{"sender", alice, 4}, {"receiver", bob, 0}, {"other", frame.MAC{2, 9}, 3}} {
		if got := SLL(f, tc.self)[1]; got != tc.want {
			t.Errorf("SLL seen by %s: type %d, want %d", tc.name, got, tc.want)
		}
		if got := SLL2(f, tc.self)[10]; got != tc.want {
			t.Errorf("SLL2 seen by %s: type %d, want %d", tc.name, got, tc.want)
		}
	}
	if got := SLL(Ethernet(Broadcast, alice, TypeARP, nil), bob)[1]; got != 1 {
		t.Errorf("broadcast: type %d, want 1", got)
	}
}

func TestExtensionsKeepTheTransport(t *testing.T) {
	f := datagram(true, 50)
	d, was := Datagram(Extend(f)), Datagram(f)
	if d[6] != 0 || d[40] != 60 || d[48] != ProtoUDP {
		t.Fatalf("next headers %d, %d, %d", d[6], d[40], d[48])
	}
	if !bytes.Equal(d[64:], was[40:]) {
		t.Error("the transport is not what it was")
	}
	if g := datagram(false, 50); !bytes.Equal(Extend(g), g) {
		t.Error("IPv4 was changed")
	}
}

func TestPcapHeaders(t *testing.T) {
	p := Packet{Time: 1_700_000_000_123_456_789, Data: []byte{1, 2, 3}, Wire: 9}
	for _, tc := range []struct {
		name         string
		file         Pcap
		header, head string
	}{
		{"microseconds", Pcap{Link: frame.LinkEthernet}, "d4c3b2a1020004000000000000000000" + "0000040001000000", "00f1536540e20100" + "0300000009000000"},
		{"nanoseconds", Pcap{Link: frame.LinkEthernet, Nano: true}, "4d3cb2a1020004000000000000000000" + "0000040001000000", "00f1536515cd5b07" + "0300000009000000"},
		{"big-endian", Pcap{Link: frame.LinkRaw, BigEndian: true}, "a1b2c3d4000200040000000000000000" + "0004000000000065", "6553f1000001e240" + "0000000300000009"},
	} {
		if got := hex.EncodeToString(tc.file.AppendHeader(nil)); got != tc.header {
			t.Errorf("%s: header %s, want %s", tc.name, got, tc.header)
		}
		if got := hex.EncodeToString(tc.file.AppendPacket(nil, p)); got != tc.head+"010203" {
			t.Errorf("%s: packet %s, want %s", tc.name, got, tc.head+"010203")
		}
	}
}

func TestPcapngBlocksAreWhole(t *testing.T) {
	for _, big := range []bool{false, true} {
		var b bytes.Buffer
		file := Pcapng{BigEndian: big, Comment: "odd", Interfaces: []Interface{{"a", frame.LinkEthernet, 9}, {"b", frame.LinkRaw, 6}}}
		packets := []Packet{{Time: 5, Data: []byte{1}}, {Time: 2000, Data: []byte{1, 2, 3, 4}, Interface: 1}}
		if err := file.Write(&b, packets); err != nil {
			t.Fatal(err)
		}
		var o binary.ByteOrder = binary.LittleEndian
		if big {
			o = binary.BigEndian
		}
		var kinds []uint32
		for rest := b.Bytes(); len(rest) > 0; {
			kind, n := o.Uint32(rest), o.Uint32(rest[4:])
			if n%4 != 0 || int(n) > len(rest) || o.Uint32(rest[n-4:]) != n {
				t.Fatalf("block of type %d has length %d, and %d at its end", kind, n, o.Uint32(rest[n-4:]))
			}
			kinds = append(kinds, kind)
			rest = rest[n:]
		}
		want := []uint32{blockSection, blockInterface, blockInterface, blockPacket, blockPacket, blockStatistics, blockStatistics}
		if len(kinds) != len(want) {
			t.Fatalf("blocks %v, want %v", kinds, want)
		}
		for i := range want {
			if kinds[i] != want[i] {
				t.Errorf("block %d is of type %d, want %d", i, kinds[i], want[i])
			}
		}
	}
}

func TestNeighbourMessages(t *testing.T) {
	asker, asked := frame.MAC{2, 0, 0, 0, 0, 1}, frame.MAC{2, 0, 0, 0, 0, 2}
	// RFC 826: hardware, protocol, their lengths, what is said, and the addresses of who says it and to whom
	if got, want := ARP(2, asked, netip.MustParseAddr("192.0.2.2"), asker, netip.MustParseAddr("192.0.2.1")),
		unhex(t, "0001080006040002"+"020000000002c0000202"+"020000000001c0000201"); !bytes.Equal(got, want) {
		t.Errorf("ARP: %x, want %x", got, want)
	}
	// RFC 4861, Section 4.4: flags, target, and its link-layer address in units of eight octets
	if got, want := NeighbourTarget(0x60, netip.MustParseAddr("2001:db8::2"), LinkOption(2, asked)),
		unhex(t, "60000000"+"20010db8000000000000000000000002"+"0201020000000002"); !bytes.Equal(got, want) {
		t.Errorf("neighbour advertisement: %x, want %x", got, want)
	}
}
