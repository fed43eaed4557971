package capture

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
)

// ports hears what neighbours say to the next device alone, such as LLDP: a bridge passes it neither on nor up to itself
// (IEEE 802.1Q §8.6.3), so that it is there on its ports only.
type ports struct {
	bridge int // index
	fd     int
	buffer [2048]byte
	ours   map[int]bool // ports of the bridge, by index
	looked time.Time
}

const (
	maxSaid   = 16          // frames that are taken at a time
	lookAgain = time.Second // how often it is looked which ports there are, at the most
)

func openPorts(bridge int) (*ports, error) {
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_LLDP >> 8, unix.ETH_P_LLDP & 0xff}) // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(protocol))
	if err != nil {
		return nil, fmt.Errorf("hear the ports: %w", err)
	}
	return &ports{bridge: bridge, fd: fd}, nil
}

// take adds to b what was said since.
func (p *ports) take(b *Batch, w *ringWalker) {
	for range maxSaid {
		n, from, err := unix.Recvfrom(p.fd, p.buffer[:], 0)
		if err != nil {
			return
		}
		if l, ok := from.(*unix.SockaddrLinklayer); !ok || l.Pkttype == unix.PACKET_OUTGOING || !p.has(l.Ifindex) {
			continue
		}
		w.number++
		r := b.add()
		*r = Record{Time: time.Now().UnixNano(), Number: w.number, Offset: uint32(len(b.Data)), Len: uint32(n), Wire: uint32(n), Link: frame.LinkEthernet}
		b.Data = append(b.Data, p.buffer[:n]...)
	}
}

// has reports whether an interface is a port of the bridge.
func (p *ports) has(index int) bool {
	if now := time.Now(); now.Sub(p.looked) >= lookAgain {
		p.looked, p.ours = now, members(p.bridge)
	}
	return p.ours[index]
}

// members are the interfaces whose master is a bridge.
func members(bridge int) map[int]bool {
	list := map[int]bool{}
	table, err := syscall.NetlinkRIB(unix.RTM_GETLINK, unix.AF_UNSPEC)
	if err != nil {
		return list
	}
	messages, err := syscall.ParseNetlinkMessage(table)
	if err != nil {
		return list
	}
	for i := range messages {
		attributes, err := syscall.ParseNetlinkRouteAttr(&messages[i])
		if messages[i].Header.Type != unix.RTM_NEWLINK || err != nil {
			continue
		}
		for _, a := range attributes {
			if a.Attr.Type == unix.IFLA_MASTER && len(a.Value) == 4 && int(binary.NativeEndian.Uint32(a.Value)) == bridge {
				list[int(int32(binary.NativeEndian.Uint32(messages[i].Data[4:])))] = true
			}
		}
	}
	return list
}

func (p *ports) close() error { return unix.Close(p.fd) }
