package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// verify checks the lengths and checksums of an Ethernet frame. It shares no code with what makes them.
func verify(f []byte) error {
	kind, b := binary.BigEndian.Uint16(f[12:]), f[14:]
	for kind == 0x8100 || kind == 0x88a8 {
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	switch kind {
	case 0x0800:
		header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if total > len(b) {
			return fmt.Errorf("IPv4 packet of %d octets in %d", total, len(b))
		}
		if add(b[:header]) != 0xffff {
			return errors.New("IPv4 header checksum")
		}
		if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return nil // a fragment
		}
		return verifyTransport(b[9], b[12:20], b[header:total])
	case 0x86dd:
		total := 40 + int(binary.BigEndian.Uint16(b[4:]))
		if total > len(b) {
			return fmt.Errorf("IPv6 packet of %d octets in %d", total, len(b))
		}
		next, rest := b[6], b[40:total]
		for next == 0 || next == 60 {
			n := 8 + int(rest[1])*8
			next, rest = rest[0], rest[n:]
		}
		if next == 44 {
			return nil
		}
		return verifyTransport(next, b[8:40], rest)
	}
	return nil
}

func verifyTransport(proto byte, addresses, b []byte) error {
	switch proto {
	case 1, 2: // ICMP, IGMP
		if add(b) != 0xffff {
			return fmt.Errorf("checksum of protocol %d", proto)
		}
		return nil
	case 17:
		if n := int(binary.BigEndian.Uint16(b[4:])); n != len(b) {
			return fmt.Errorf("UDP length %d in %d octets", n, len(b))
		}
		if b[6] == 0 && b[7] == 0 {
			return errors.New("UDP without a checksum")
		}
	}
	pseudo := append([]byte(nil), addresses...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(b)))
	pseudo = append(pseudo, 0, 0, 0, proto)
	if add(append(pseudo, b...)) != 0xffff {
		return fmt.Errorf("checksum of protocol %d", proto)
	}
	return nil
}

// add is the ones' complement sum of b.
func add(b []byte) uint16 {
	sum := 0
	for i, x := range b {
		if i%2 == 0 {
			sum += int(x) << 8
		} else {
			sum += int(x)
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// addresses are those in the IP header of f.
func addresses(f []byte) []netip.Addr {
	b := f[14:]
	switch binary.BigEndian.Uint16(f[12:]) {
	case 0x0800:
		return []netip.Addr{netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))}
	case 0x86dd:
		return []netip.Addr{netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))}
	}
	return nil
}

func reserved(a netip.Addr) bool {
	if a.IsPrivate() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32"} {
		if netip.MustParsePrefix(p).Contains(a) {
			return true
		}
	}
	return false
}
