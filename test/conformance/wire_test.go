package conformance

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// mark is before the word in a frame that somebody listens for.
var mark = []byte("<conformance>")

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// send sends frames as they are.
func (n *namespace) send(t *testing.T, dev string, frames ...[]byte) {
	t.Helper()
	err := n.do(func() error {
		i, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, f := range frames {
			if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("send from %s: %v", n.name, err)
	}
}

// overhear takes every frame that comes to an interface, for whomever it is, and remembers the words in them.
func (n *namespace) overhear(t *testing.T, dev string) *receiver {
	t.Helper()
	r := &receiver{}
	fd := -1
	err := n.do(func() error {
		i, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20),
			unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC}),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: i.Index}))
	})
	if err != nil {
		t.Fatal(err)
	}
	end, ended := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		close(end)
		<-ended
		_ = unix.Close(fd)
	})
	go func() {
		defer close(ended)
		buf := make([]byte, 64<<10)
		for {
			select {
			case <-end:
				return
			default:
			}
			size, from, err := unix.Recvfrom(fd, buf, 0)
			if err != nil {
				continue
			}
			if l, ok := from.(*unix.SockaddrLinklayer); ok && l.Pkttype == unix.PACKET_OUTGOING {
				continue
			}
			if at := bytes.Index(buf[:size], mark); at >= 0 && at+len(mark)+tokenSize <= size {
				r.take(string(buf[at+len(mark):][:tokenSize]))
			}
		}
	}()
	return r
}

// comes reports whether any of the frames that make makes around a word comes to where somebody listens.
func (n *namespace) comes(t *testing.T, dev string, ear *receiver, make func(word []byte) [][]byte) bool {
	token := newToken()
	came := ear.expect(token)
	n.send(t, dev, make(append(bytes.Clone(mark), token...))...)
	select {
	case <-came:
		return true
	case <-time.After(patience):
		return false
	}
}

func newToken() string {
	var raw [tokenSize / 2]byte
	_, _ = rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}

// packet is a frame with an IP packet.
func packet(to, from frame.MAC, src, dst netip.Addr, proto uint8, payload []byte) []byte {
	kind := uint16(wire.TypeIPv4)
	if dst.Is6() {
		kind = wire.TypeIPv6
	}
	return wire.Ethernet(to, from, kind, wire.IP{Src: src, Dst: dst, Proto: proto, Hops: 64, May: true}.Packet(payload))
}

func udpFrame(to, from frame.MAC, src, dst netip.AddrPort, data []byte) []byte {
	return packet(to, from, src.Addr(), dst.Addr(), wire.ProtoUDP, wire.UDP(src, dst, data))
}

// echo is an echo request, or the answer to one (RFC 792, RFC 4443 §4), with an identifier.
func echo(to, from frame.MAC, src, dst netip.Addr, answer bool, id byte, data []byte) []byte {
	body := append([]byte{0x77, id, 0, 1}, data...)
	if dst.Is4() {
		kind := uint8(8)
		if answer {
			kind = 0
		}
		return packet(to, from, src, dst, wire.ProtoICMP, wire.ICMP(kind, 0, body))
	}
	kind := uint8(128)
	if answer {
		kind = 129
	}
	return packet(to, from, src, dst, wire.ProtoICMPv6, wire.ICMPv6(src, dst, kind, 0, body))
}

// claim is what says, unasked, that an address is at a link-layer address: an ARP answer (RFC 826), or a neighbour
// advertisement that overrides what is known (RFC 4861 §4.4).
func claim(to, from frame.MAC, a, toldTo netip.Addr) []byte {
	if a.Is4() {
		m := []byte{0, 1, 8, 0, 6, 4, 0, 2}
		m = append(append(m, from[:]...), a.AsSlice()...)
		m = append(append(m, to[:]...), toldTo.AsSlice()...)
		return wire.Pad(wire.Ethernet(to, from, wire.TypeARP, m))
	}
	body := append([]byte{0x20, 0, 0, 0}, a.AsSlice()...)
	body = append(append(body, 2, 1), from[:]...)
	m := wire.ICMPv6(a, toldTo, 136, 0, body)
	return wire.Ethernet(to, from, wire.TypeIPv6, wire.IP{Src: a, Dst: toldTo, Proto: wire.ProtoICMPv6, Hops: 255}.Packet(m))
}

// advertise is a router advertisement (RFC 4861 §4.2): with a lifetime, its sender is a default router; with a prefix,
// whoever hears it makes addresses in it. A word makes it known again, as an option that nobody knows.
func advertise(from frame.MAC, lifetime uint16, prefix netip.Prefix, word []byte) []byte {
	body := []byte{64, 0, byte(lifetime >> 8), byte(lifetime), 0, 0, 0, 0, 0, 0, 0, 0}
	if prefix.IsValid() {
		option := []byte{3, 4, byte(prefix.Bits()), 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0, 0}
		body = append(append(body, option...), prefix.Masked().Addr().AsSlice()...)
	}
	if len(word) > 0 {
		size := (len(word) + 2 + 7) / 8
		option := make([]byte, 8*size)
		option[0], option[1] = 253, byte(size) // experimental (RFC 4727 §5.1.3)
		copy(option[2:], word)
		body = append(body, option...)
	}
	src, dst := linkLocal(from), netip.MustParseAddr("ff02::1")
	m := wire.ICMPv6(src, dst, 134, 0, body)
	return wire.Ethernet(wire.Group(dst), from, wire.TypeIPv6, wire.IP{Src: src, Dst: dst, Proto: wire.ProtoICMPv6, Hops: 255}.Packet(m))
}
