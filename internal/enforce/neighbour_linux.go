package enforce

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
)

// maxNeighbours bounds what is taken from the kernel’s table, which it bounds itself.
const maxNeighbours = 8192

// neighbours are the addresses on an interface that the kernel has spoken with, each with its link-layer address; an
// index of 0 stands for all interfaces.
func neighbours(index int) map[netip.Addr]frame.MAC {
	known := map[netip.Addr]frame.MAC{}
	table, err := syscall.NetlinkRIB(unix.RTM_GETNEIGH, unix.AF_UNSPEC)
	if err != nil {
		return known
	}
	messages, err := syscall.ParseNetlinkMessage(table)
	if err != nil {
		return known
	}
	for i := range messages {
		b := messages[i].Data
		if messages[i].Header.Type != unix.RTM_NEWNEIGH || len(b) < unix.SizeofNdMsg || len(known) >= maxNeighbours {
			continue
		}
		if at := int(int32(binary.NativeEndian.Uint32(b[4:]))); index != 0 && at != index {
			continue
		}
		if a, m, ok := entry(b[unix.SizeofNdMsg:]); ok {
			known[a] = m
		}
	}
	return known
}

// entry reads the attributes of an entry.
func entry(b []byte) (a netip.Addr, m frame.MAC, ok bool) {
	for len(b) >= unix.SizeofRtAttr {
		size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if size < unix.SizeofRtAttr || size > len(b) {
			break
		}
		value := b[unix.SizeofRtAttr:size]
		switch kind {
		case unix.NDA_DST:
			a, _ = netip.AddrFromSlice(value)
		case unix.NDA_LLADDR:
			ok = len(value) == len(m)
			copy(m[:], value)
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return a.Unmap(), m, ok && a.IsValid() && m != frame.MAC{}
}

// neighbour is the link-layer address that the kernel knows an address by.
func neighbour(a netip.Addr) (frame.MAC, bool) {
	m, ok := neighbours(0)[a.Unmap().WithZone("")]
	return m, ok
}

// WatchNeighbours calls changed whenever the kernel meets a neighbour, or an interface or its addresses change, until
// ctx is done.
func WatchNeighbours(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("watch neighbours: %w", err)
	}
	defer unix.Close(fd)
	err = unix.Bind(fd, &unix.SockaddrNetlink{
		Family: unix.AF_NETLINK, Groups: unix.RTMGRP_NEIGH | unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR,
	})
	if err != nil {
		return fmt.Errorf("watch neighbours: %w", err)
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000}); err != nil {
		return fmt.Errorf("watch neighbours: %w", err)
	}
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil {
		_, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case err == nil, errors.Is(err, unix.ENOBUFS): // too many came: something changed, that much is sure
			changed()
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		default:
			return fmt.Errorf("watch neighbours: %w", err)
		}
	}
	return nil
}

func indexOf(name string) int {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0
	}
	return i.Index
}

// Neighbours are the addresses that the kernel has spoken with on any interface, each with its link-layer address.
func Neighbours() map[netip.Addr]frame.MAC { return neighbours(0) }
