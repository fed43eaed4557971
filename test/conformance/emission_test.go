package conformance

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Messages by which a device gets its address, and gives it back (RFC 2131 §3.1, RFC 8415 §7.3).
const (
	dhcpRequest, dhcpAck, dhcpRelease          = 3, 5, 7
	dhcpv6Request, dhcpv6Reply, dhcpv6Releases = 3, 7, 8
	dhcpv6Decline                              = 9
)

// join has a device ask for its address, with its MUD URLs ("": none), and say something under its addresses of both
// families.
func (d *thing) join(t *testing.T, family int, urls ...string) {
	t.Helper()
	if family == 4 {
		d.dhcp(t, dhcpRequest, urls...)
	} else {
		d.dhcpv6(t, dhcpv6Request, urls...)
	}
	d.hello(lan(4, d.number))
	d.hello(lan(6, d.number))
}

// release has a device give its address of a family back.
func (d *thing) release(t *testing.T, family int) {
	t.Helper()
	if family == 4 {
		d.dhcp(t, dhcpRelease)
	} else {
		d.dhcpv6(t, dhcpv6Releases)
	}
}

// lease has the DHCP server of the home give a device its address of a family for a time.
func (h *house) leaseOf(d *thing, family int, seconds uint32) {
	if family == 4 {
		h.lease(d, seconds)
		return
	}
	m := message6(dhcpv6Reply, d.number, d.link())
	m = append(m, option6(2, duid(routerMAC))...)
	m = append(m, option6(3, association(lan(6, d.number), seconds))...)
	src, dst := netip.AddrPortFrom(linkLocal(routerMAC), 547), netip.AddrPortFrom(linkLocal(d.link()), 546)
	h.gateway.send(h.t, "br0", udpFrame(d.link(), routerMAC, src, dst, m))
}

// dhcp has the device say something by DHCP.
func (d *thing) dhcp(t *testing.T, kind byte, urls ...string) {
	t.Helper()
	m := message4(1, d.number, d.link())
	if kind == dhcpRelease {
		copy(m[12:], lan(4, d.number).AsSlice())
	}
	m = append(m, 53, 1, kind)
	if kind != dhcpRelease {
		m = append(append(m, 50, 4), lan(4, d.number).AsSlice()...)
	}
	m = append(append(m, 12, byte(len(d.name))), d.name...)
	for _, url := range urls {
		if url != "" {
			m = append(append(m, 161, byte(len(url))), url...)
		}
	}
	d.broadcast(t, "eth0", 68, 67, append(m, 255))
}

// lease has the DHCP server of the home give a device its address for a time (RFC 2131).
func (h *house) lease(d *thing, seconds uint32) {
	h.t.Helper()
	m := message4(2, d.number, d.link())
	copy(m[16:], lan(4, d.number).AsSlice())
	m = append(m, 53, 1, dhcpAck, 54, 4)
	m = append(append(m, lan(4, 1).AsSlice()...), 51, 4)
	h.gateway.broadcast(h.t, "br0", 67, 68, append(binary.BigEndian.AppendUint32(m, seconds), 255))
}

// message4 is the fixed part of a message of a client (1) or to it (2), and the cookie before its options.
func message4(op byte, number int, client frame.MAC) []byte {
	m := make([]byte, 236, 600)
	m[0], m[1], m[2] = op, 1, 6
	binary.BigEndian.PutUint32(m[4:], 0x77000000|uint32(number))
	copy(m[28:], client[:])
	return append(m, 99, 130, 83, 99)
}

// broadcast sends a datagram to everybody on an interface.
func (n *namespace) broadcast(t *testing.T, dev string, from, to int, data []byte) {
	t.Helper()
	err := n.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, dev),
			unix.Bind(fd, &unix.SockaddrInet4{Port: from}),
			unix.Sendto(fd, data, 0, &unix.SockaddrInet4{Port: to, Addr: [4]byte{255, 255, 255, 255}}))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dhcpv6 has the device say something by DHCPv6.
func (d *thing) dhcpv6(t *testing.T, kind byte, urls ...string) {
	t.Helper()
	d.send(t, "eth0", frame6(kind, d.number, d.link(), urls...))
}

// frame6 is what a device says by DHCPv6 to all servers (RFC 8415 §7.1).
func frame6(kind byte, number int, client frame.MAC, urls ...string) []byte {
	m := message6(kind, number, client)
	m = append(m, option6(2, duid(routerMAC))...)
	m = append(m, option6(3, association(lan(6, number), 3600))...)
	for _, url := range urls {
		if url != "" {
			m = append(m, option6(112, []byte(url))...)
		}
	}
	group := netip.MustParseAddr("ff02::1:2")
	return udpFrame(wire.Group(group), client, netip.AddrPortFrom(linkLocal(client), 546), netip.AddrPortFrom(group, 547), m)
}

// message6 is the beginning of a message: its kind, transaction, and who the client is.
func message6(kind byte, number int, client frame.MAC) []byte {
	return append([]byte{kind, 0x77, byte(number >> 8), byte(number)}, option6(1, duid(client))...)
}

func option6(code uint16, value []byte) []byte {
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, code), uint16(len(value))), value...)
}

// duid is an identifier made of a link-layer address (RFC 8415 §11.4).
func duid(m frame.MAC) []byte { return append([]byte{0, 3, 0, 1}, m[:]...) }

// association is an address for a time, in an IA_NA (RFC 8415 §21.4, §21.6).
func association(a netip.Addr, seconds uint32) []byte {
	v := binary.BigEndian.AppendUint32(a.AsSlice(), seconds)
	return append(make([]byte, 12), option6(5, binary.BigEndian.AppendUint32(v, seconds))...)
}

func linkLocal(m frame.MAC) netip.Addr { return wire.EUI64(netip.MustParsePrefix("fe80::/64"), m) }

// lldp has the device say its MUD URL by LLDP (RFC 8520 §11).
func (d *thing) lldp(t *testing.T, url string) {
	t.Helper()
	var m []byte
	add := func(kind int, value []byte) {
		m = append(binary.BigEndian.AppendUint16(m, uint16(kind<<9|len(value))), value...)
	}
	add(1, append([]byte{4}, d.mac...))                   // chassis: its link-layer address
	add(2, []byte("\x05eth0"))                            // port
	add(3, []byte{0, 120})                                // time to live
	add(127, append([]byte{0x00, 0x00, 0x5e, 1}, url...)) // IANA’s OUI, subtype 1
	add(0, nil)
	d.send(t, "eth0", wire.Pad(wire.Ethernet(frame.MAC{0x01, 0x80, 0xc2, 0, 0, 0x0e}, d.link(), wire.TypeLLDP, m)))
}
