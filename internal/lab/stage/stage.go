//go:build linux

// Package stage plays a home on real networks: its devices on the ports of a bridge, a gateway that routes, and an Internet
// on the other side, each in a network namespace, so that rules of the gateway stop what they stop. What a party says waits
// for what it answers to: where a packet did not get through, nothing follows from it.
package stage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/netns"
)

// The interfaces of the gateway.
const (
	LAN = "br0"
	WAN = "wan0"
)

// upstream is who resolves names outside.
var upstream = netip.AddrFrom4([4]byte{192, 0, 2, 53})

// Stage is the networks of one home. The gateway is where the process is.
type Stage struct {
	home            *lab.Home
	router          frame.MAC
	things, outside *netns.Namespace
	ports           map[frame.MAC]int // of the devices: the interface in things
	wan, out        frame.MAC         // link-layer addresses of the two ends of the line
	names           net.PacketConn    // where queries come in
	devices, far    *socket           // on all ports, and on the far end of the line
	near            *socket           // on the bridge, for what the router itself says

	mu    sync.Mutex
	bound map[netip.Addr]frame.MAC // who has an address of the home
	talks map[pair]*talk
}

// Upstream is the address of who resolves names.
func (s *Stage) Upstream() netip.Addr { return upstream }

// Tools says which program is missing that Build needs; nil: none is.
func Tools() error {
	for _, name := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("the program %s is missing: %w", name, err)
		}
	}
	return nil
}

// errShared is that the process is not in a network of its own.
var errShared = errors.New("the networks of a home are made in a network namespace of its own, and this one has other interfaces that are up")

// alone reports an error where the process’s network has more than the loopback interface. Those of tunnels, which the kernel
// puts into each namespace, are down.
func alone() error {
	list, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	for _, x := range list {
		if x.Flags&net.FlagLoopback == 0 && x.Flags&net.FlagUp != 0 {
			return fmt.Errorf("%w: %s", errShared, x.Name)
		}
	}
	return nil
}

// Build makes the networks of a home. The process must be in a network namespace of its own, with nothing in it. page is the TCP port of the
// gateway that devices may come to, beside that of names.
func Build(h *lab.Home, page uint16) (s *Stage, err error) {
	if err := Tools(); err != nil {
		return nil, err
	}
	if err := alone(); err != nil {
		return nil, err
	}
	s = &Stage{home: h, router: h.Router.MACs[0], ports: map[frame.MAC]int{}, bound: map[netip.Addr]frame.MAC{}, talks: map[pair]*talk{}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.things, err = netns.New(); err != nil {
		return nil, err
	}
	if s.outside, err = netns.New(); err != nil {
		return nil, err
	}
	if err := s.link(page); err != nil {
		return nil, fmt.Errorf("make the networks of a home: %w", err)
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open the networks of a home: %w", err)
	}
	return s, nil
}

// Close takes the networks away, but for what is in the process’s own.
func (s *Stage) Close() {
	for _, c := range []*socket{s.devices, s.far, s.near} {
		if c != nil {
			c.close()
		}
	}
	if s.names != nil {
		_ = s.names.Close()
	}
	for _, n := range []*netns.Namespace{s.things, s.outside} {
		if n != nil {
			n.Close()
		}
	}
}

// link makes the interfaces, and gives those of the gateway their addresses.
func (s *Stage) link(page uint16) error {
	var gateway *netns.Namespace
	quiet := []string{"ipv6/conf/all/disable_ipv6", "ipv6/conf/default/disable_ipv6"}
	still := []string{"ipv6/conf/all/accept_dad", "ipv6/conf/default/accept_dad", "ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter", "ipv4/conf/all/send_redirects", "ipv4/conf/default/send_redirects"}
	bridged := []string{"bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables", "bridge/bridge-nf-call-arptables"}
	router := func(p netip.Prefix) string { return netip.PrefixFrom(p.Addr().Next(), p.Bits()).String() }
	lines := []string{
		"link set lo up", "link add " + LAN + " type bridge mcast_snooping 0", "link set " + LAN + " address " + s.router.String(),
		"link add " + WAN + " type veth peer name out0 netns " + s.outside.Path(),
		"link set " + LAN + " up", "link set " + WAN + " up",
		"addr add " + router(s.home.LAN4) + " dev " + LAN, "addr add " + router(s.home.LAN6) + " dev " + LAN + " nodad",
		"addr add 192.0.2.1/24 dev " + WAN, "addr add 2001:db8:ffff::1/64 dev " + WAN + " nodad",
	}
	var up []string
	for i := range s.home.Devices {
		lines = append(lines, fmt.Sprintf("link add d%d type veth peer name t%d netns %s", i, i, s.things.Path()), fmt.Sprintf("link set d%d master %s up", i, LAN))
		up = append(up, fmt.Sprintf("link set t%d up", i))
	}
	input := fmt.Sprintf(`table inet stage {
	chain input {
		type filter hook input priority 10
		iifname != %q accept
		udp dport 53 accept
		tcp dport { 53, %d } accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
		drop
	}
}`, LAN, page)
	return firstOf(
		func() error { return s.things.Set("1", quiet...) },
		func() error { return s.outside.Set("0", still...) },
		func() error { return gateway.Set("0", append(still, bridged...)...) },
		func() error { return gateway.IP(lines...) },
		func() error { return gateway.Set("1", "ipv4/ip_forward", "ipv6/conf/all/forwarding") },
		func() error { return s.things.IP(up...) },
		func() error {
			return s.outside.IP("link set lo up", "link set out0 up", "addr add "+upstream.String()+"/24 dev out0", "addr add 2001:db8:ffff::53/64 dev out0 nodad")
		},
		func() error {
			return gateway.IP("route add default via "+upstream.String(), "route add default via 2001:db8:ffff::53")
		},
		// The router of the play answers for itself what it is asked: the kernel must not say that nobody listens.
		func() error { return gateway.Run([]string{input}, "nft", "-f", "-") },
		func() error { return gateway.Set("1", "netfilter/nf_conntrack_tcp_be_liberal") }, // conversations that began before
	)
}

// firstOf does one thing after the other, until one fails.
func firstOf(list ...func() error) error {
	for _, f := range list {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// open opens the sockets, and learns which interface is whose.
func (s *Stage) open() error {
	address := func(name string, m *frame.MAC) error {
		i, err := net.InterfaceByName(name)
		if err == nil {
			copy(m[:], i.HardwareAddr)
		}
		return err
	}
	err := s.things.Do(func() (err error) {
		for i := range s.home.Devices {
			itf, err := net.InterfaceByName(fmt.Sprintf("t%d", i))
			if err != nil {
				return err
			}
			for _, m := range s.home.Devices[i].MACs {
				s.ports[m] = itf.Index
			}
		}
		s.devices, err = newSocket(0)
		return err
	})
	if err != nil {
		return err
	}
	err = s.outside.Do(func() (err error) {
		if err := address("out0", &s.out); err != nil {
			return err
		}
		if s.names, err = net.ListenPacket("udp", netip.AddrPortFrom(upstream, 53).String()); err != nil {
			return err
		}
		s.far, err = open("out0")
		return err
	})
	if err != nil {
		return err
	}
	if err := address(WAN, &s.wan); err != nil {
		return err
	}
	s.near, err = open(LAN)
	return err
}

// socket sends and receives whole frames (packet(7)).
type socket struct {
	file   *os.File
	index  int // of the interface; 0: all of them
	closed atomic.Bool
}

func (c *socket) close() {
	c.closed.Store(true)
	_ = c.file.Close()
}

func open(name string) (*socket, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	return newSocket(i.Index)
}

func newSocket(index int) (*socket, error) {
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL}) // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("socket for frames: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20) // less does as well
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("socket for frames: %w", err)
	}
	return &socket{file: os.NewFile(uintptr(fd), "packet"), index: index}, nil
}

// send sends a frame by an interface. What has no room is lost, as on a wire.
func (c *socket) send(b []byte, index int) {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.Sendto(int(fd), b, 0, &unix.SockaddrLinklayer{Ifindex: index})
	})
}

// receive calls f for each frame that comes in by an interface, until the socket is closed.
func (c *socket) receive(f func(b []byte, index int)) error {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	b := make([]byte, 1<<16)
	for {
		n, index := 0, 0
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			size, from, err := unix.Recvfrom(int(fd), b, 0)
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				return errors.Is(err, unix.EINTR)
			}
			failed = err
			if at, ok := from.(*unix.SockaddrLinklayer); ok && at.Pkttype != unix.PACKET_OUTGOING {
				n, index = size, at.Ifindex
			}
			return true
		})
		switch {
		case c.closed.Load():
			return nil
		case err != nil:
			return err
		case errors.Is(failed, unix.ENETDOWN):
		case failed != nil:
			return failed
		case n > 0:
			f(b[:n], index)
		}
	}
}

// answer answers queries until ctx ends.
func (s *Stage) answer(ctx context.Context) error {
	b := make([]byte, 4096)
	for {
		n, from, err := s.names.ReadFrom(b)
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // an ICMP error of somebody
			continue
		}
		if a := s.home.Answer(b[:n]); a != nil {
			_, _ = s.names.WriteTo(a, from) // who does not hear it asks again
		}
	}
}
