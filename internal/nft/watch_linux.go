package nft

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Watch calls taken whenever somebody takes away tables, chains, rules or sets, Plimsoll or another, until ctx is done.
func Watch(ctx context.Context, taken func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("watch rules: %w", err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.NFNLGRP_NFTABLES - 1)}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000})); err != nil {
		return fmt.Errorf("watch rules: %w", err)
	}
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case errors.Is(err, unix.ENOBUFS): // too much came to tell what
			taken()
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("watch rules: %w", err)
		case takes(buf[:n]):
			taken()
		}
	}
	return nil
}

// takes reports whether one of the messages says that something was taken away.
func takes(b []byte) bool {
	for len(b) >= unix.NLMSG_HDRLEN {
		size, kind := int(ne.Uint32(b)), ne.Uint16(b[4:])
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return false
		}
		if kind>>8 == subsystemNFTables {
			switch kind & 0xff {
			case unix.NFT_MSG_DELTABLE, unix.NFT_MSG_DELCHAIN, unix.NFT_MSG_DELRULE, unix.NFT_MSG_DELSET:
				return true
			}
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return false
}
