package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
)

// Live captures from an interface, through a ring of blocks that the kernel fills (packet(7), TPACKET_V3).
// It is for one goroutine, which opens, reads and closes it.
type Live struct {
	config LiveConfig
	index  int // of the interface
	fd     int
	ring   []byte
	block  int // of the ring, that is to be filled next
	walker ringWalker
	poll   [1]unix.PollFd
	stats  LiveStats
	ports  *ports // nil: are not heard
}

const (
	defaultBlocks = 32
	// pollTime bounds how long Next waits.
	pollTime = 200 * time.Millisecond
	// retireTime is after how long the kernel hands over a block that is not full.
	retireTime = 50 * time.Millisecond
)

// OpenLive begins to capture. It needs CAP_NET_RAW: without, the error is fs.ErrPermission.
func OpenLive(c LiveConfig) (*Live, error) {
	itf, err := net.InterfaceByName(c.Interface)
	if err != nil {
		return nil, unknownInterface(c.Interface)
	}
	if itf.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("interface %s is down", c.Interface)
	}
	if c.Blocks <= 0 {
		c.Blocks = defaultBlocks
	}
	l := &Live{config: c, index: itf.Index, fd: -1}
	if err := l.open(itf.Flags&net.FlagLoopback != 0); err != nil {
		l.Close()
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w (capturing needs CAP_NET_RAW: run as root, or setcap cap_net_raw+ep on the program)", err)
		}
		return nil, fmt.Errorf("capture on %s: %w", c.Interface, err)
	}
	return l, nil
}

func unknownInterface(name string) error {
	var names []string
	if all, err := net.Interfaces(); err == nil {
		for _, itf := range all {
			names = append(names, itf.Name)
		}
	}
	return fmt.Errorf("there is no interface %q; there are: %s", name, strings.Join(names, ", "))
}

func (l *Live) open(loopback bool) error {
	link, cooked, err := linkType(l.config.Interface)
	if err != nil {
		return err
	}
	kind := unix.SOCK_RAW
	if cooked {
		kind = unix.SOCK_DGRAM
	}
	// No protocol yet: the socket must not collect frames of other interfaces before it is bound.
	if l.fd, err = unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("ring version: %w", err)
	}
	const frameSize = 2048 // of no consequence in this version of the ring, but checked
	ring := unix.TpacketReq3{
		Block_size:     BatchSize,
		Block_nr:       uint32(l.config.Blocks),
		Frame_size:     frameSize,
		Frame_nr:       uint32(l.config.Blocks) * (BatchSize / frameSize),
		Retire_blk_tov: uint32(retireTime.Milliseconds()),
	}
	if err := unix.SetsockoptTpacketReq3(l.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &ring); err != nil {
		return fmt.Errorf("ring of %d blocks: %w", l.config.Blocks, err)
	}
	l.ring, err = unix.Mmap(l.fd, 0, l.config.Blocks*BatchSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map ring: %w", err)
	}
	if l.config.Ports {
		if l.ports, err = openPorts(l.index); err != nil {
			return err
		}
	}
	if l.config.Promiscuous {
		m := unix.PacketMreq{Ifindex: int32(l.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(l.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("promiscuous mode: %w", err)
		}
	}
	l.walker = ringWalker{link: link, loopback: loopback}
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL}) // in network order
	if err := unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: l.index}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if g := l.config.Group; g != 0 {
		if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, int(g)|unix.PACKET_FANOUT_HASH<<16); err != nil {
			return fmt.Errorf("join fan-out %d: %w", g, err)
		}
	}
	return nil
}

// linkType asks for the hardware type of an interface (if_arp.h). cooked: its link-layer header is not
// worth having, or not to be relied on.
func linkType(name string) (link frame.LinkType, cooked bool, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, false, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, false, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, req); err != nil {
		return 0, false, fmt.Errorf("hardware type: %w", err)
	}
	switch kind := req.Uint16(); kind {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return frame.LinkEthernet, false, nil
	case unix.ARPHRD_IEEE80211:
		return frame.LinkDot11, false, nil
	case unix.ARPHRD_IEEE80211_PRISM:
		return frame.LinkPrism, false, nil
	case unix.ARPHRD_IEEE80211_RADIOTAP:
		return frame.LinkRadiotap, false, nil
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP, unix.ARPHRD_PPP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6,
		unix.ARPHRD_SIT, unix.ARPHRD_IPGRE, unix.ARPHRD_IP6GRE:
		return frame.LinkRaw, true, nil
	default:
		return 0, false, fmt.Errorf("hardware type %d: %w", kind, errors.ErrUnsupported)
	}
}

// Next fills b with the frames of one block of the ring, reusing its memory. It waits for one no longer
// than 200 ms: b may then hold no frame. When ctx is done it answers ctx.Err().
func (l *Live) Next(ctx context.Context, b *Batch) error {
	b.reset(0)
	if err := ctx.Err(); err != nil {
		return err
	}
	block := l.ring[l.block*BatchSize:][:BatchSize]
	status := (*uint32)(unsafe.Pointer(&block[blockStatus]))
	if atomic.LoadUint32(status)&unix.TP_STATUS_USER == 0 {
		if err := l.wait(); err != nil {
			return fmt.Errorf("capture on %s: %w", l.config.Interface, err)
		}
		if atomic.LoadUint32(status)&unix.TP_STATUS_USER == 0 {
			l.heard(b)
			return nil
		}
	}
	size := min(binary.NativeEndian.Uint32(block[blockLength:]), BatchSize)
	b.reset(int(size))
	copy(b.Data, block)
	atomic.StoreUint32(status, unix.TP_STATUS_KERNEL)
	l.block = (l.block + 1) % l.config.Blocks
	l.walker.walk(b)
	l.heard(b)
	return nil
}

// heard adds what was said to the ports.
func (l *Live) heard(b *Batch) {
	if l.ports != nil {
		l.ports.take(b, &l.walker)
	}
}

// wait waits for a block. An interface that goes down may come up again; one that goes away does not.
func (l *Live) wait() error {
	l.poll[0] = unix.PollFd{Fd: int32(l.fd), Events: unix.POLLIN}
	if _, err := unix.Poll(l.poll[:], int(pollTime.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll: %w", err)
	}
	if l.poll[0].Revents&unix.POLLERR == 0 {
		return nil
	}
	code, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return err
	case code == 0:
		return nil
	case code != int(unix.ENETDOWN):
		return unix.Errno(code)
	}
	if _, err := net.InterfaceByIndex(l.index); err != nil {
		return fmt.Errorf("the interface is gone: %w", unix.ENODEV)
	}
	return nil
}

// LinkType is that of the interface.
func (l *Live) LinkType() frame.LinkType { return l.walker.link }

// Stats counts up to this moment.
func (l *Live) Stats() (LiveStats, error) {
	s, err := unix.GetsockoptTpacketStatsV3(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return l.stats, fmt.Errorf("statistics of %s: %w", l.config.Interface, err)
	}
	l.stats.Received += uint64(s.Packets - min(s.Drops, s.Packets)) // the kernel counts anew each time
	l.stats.Dropped += uint64(s.Drops)
	return l.stats, nil
}

// Close ends the capture.
func (l *Live) Close() error {
	var err error
	if l.ring != nil {
		err = unix.Munmap(l.ring)
		l.ring = nil
	}
	if l.ports != nil {
		err = errors.Join(err, l.ports.close())
		l.ports = nil
	}
	if l.fd >= 0 {
		err = errors.Join(err, unix.Close(l.fd))
		l.fd = -1
	}
	return err
}
