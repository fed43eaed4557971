//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// The house: devices on lan1, the Internet on net1, and the gateway between lan0 and net0.
const (
	devices = 200
	entries = 50
)

var peerMAC = frame.MAC{2, 0, 0x5e, 0xff, 0, 1}

func mac(i int) frame.MAC      { return frame.MAC{2, 0, 0x5e, 0x10, byte(i >> 8), byte(i)} }
func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i + 10)}) }
func peer(i, j int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, byte(i), byte(j)}) }
func portOf(j int) uint16      { return uint16(1000 + j) }

// house makes the namespace a gateway.
func house(ctx context.Context) error {
	if err := command(ctx, `link set lo up
link add lan0 type veth peer name lan1
link add net0 type veth peer name net1
link set lan0 up
link set lan1 up
link set net0 up
link set net1 up
addr add 10.1.0.1/16 dev lan0
addr add 203.0.113.1/24 dev net0
neigh add 203.0.113.254 lladdr `+peerMAC.String()+` nud permanent dev net0
route add default via 203.0.113.254
`, "ip", "-batch", "-"); err != nil {
		return err
	}
	var neighbours strings.Builder
	for i := range devices {
		fmt.Fprintf(&neighbours, "neigh add %s lladdr %s nud permanent dev lan0\n", address(i), mac(i))
	}
	if err := command(ctx, neighbours.String(), "ip", "-batch", "-"); err != nil {
		return err
	}
	settings := map[string]string{
		"/proc/sys/net/ipv4/ip_forward": "1", "/proc/sys/net/ipv4/conf/all/rp_filter": "0",
		"/proc/sys/net/ipv4/conf/lan0/rp_filter": "0", "/proc/sys/net/ipv4/conf/net0/rp_filter": "0",
		"/proc/sys/net/ipv6/conf/lan1/disable_ipv6": "1", "/proc/sys/net/ipv6/conf/net1/disable_ipv6": "1",
	}
	for name, value := range settings {
		if err := os.WriteFile(name, []byte(value), 0); err != nil {
			return err
		}
	}
	return nil
}

// tap is a cable’s far end.
type tap struct {
	fd   int
	name string
}

func newTap(name string) (*tap, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
		return nil, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	return &tap{fd, name}, nil
}

// received is the number of packets that came to an interface.
func received(name string) (uint64, error) {
	b, err := os.ReadFile("/proc/net/dev") // of this namespace, which /sys need not be
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return strconv.ParseUint(strings.Fields(rest)[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("no interface %s", name)
}

// settled is the same, when all have come that are awaited, or two seconds have passed: a busy machine takes its time
// with what is queued.
func settled(name string, awaited uint64) (n uint64, err error) {
	for range 400 {
		if n, err = received(name); err != nil || n >= awaited {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return n, err
}

// datagram is a small UDP packet in its frame.
func datagram(from, to frame.MAC, src, dst netip.AddrPort, number uint32) []byte {
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 18), number)
	data = data[:18]
	return wire.Ethernet(to, from, wire.TypeIPv4, wire.IP{Src: src.Addr(), Dst: dst.Addr(), Proto: frame.ProtoUDP, Hops: 64}.Packet(wire.UDP(src, dst, data)))
}

// batch is frames that one system call sends.
type batch struct {
	headers []mmsghdr
	vectors []unix.Iovec
}

type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

func newBatch(frames [][]byte) *batch {
	b := &batch{make([]mmsghdr, len(frames)), make([]unix.Iovec, len(frames))}
	for i, f := range frames {
		b.vectors[i].Base = &f[0]
		b.vectors[i].SetLen(len(f))
		b.headers[i].header.Iov = &b.vectors[i]
		b.headers[i].header.SetIovlen(1)
	}
	return b
}

func (t *tap) send(b *batch) error {
	for at := 0; at < len(b.headers); {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(t.fd), uintptr(unsafe.Pointer(&b.headers[at])), uintptr(len(b.headers)-at), 0, 0, 0)
		if errno == unix.ENOBUFS || errno == unix.EINTR || errno == unix.EAGAIN {
			continue
		}
		if errno != 0 {
			return fmt.Errorf("send: %w", errno)
		}
		at += int(n)
	}
	return nil
}

// pour sends batches for a while, as fast as it goes, and gives the packets that came out at the other end in a second of
// the processor: the kernel forwards each before it returns to the sender, so that what others do meanwhile counts not.
func pour(t *tap, list []*batch, out string, long time.Duration) (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := received(out)
	if err != nil {
		return 0, err
	}
	start, spent := time.Now(), processor()
	for i := 0; time.Since(start) < long; i++ {
		if err := t.send(list[i%len(list)]); err != nil {
			return 0, err
		}
	}
	took := processor() - spent
	after, err := received(out)
	return float64(after-before) / took.Seconds(), err
}

// processor is the time that this thread had of it.
func processor() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}
