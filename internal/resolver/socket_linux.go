package resolver

import (
	"net/netip"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketsFor says how many sockets listen at one address: one for each core.
func socketsFor() int { return runtime.GOMAXPROCS(0) }

// shareAndTell lets sockets share an address, and if that is any address, tell to which each packet was sent. What the
// kernel tells (IP_PKTINFO, IPV6_PKTINFO) is also how it is told where an answer is to leave from: it goes back as it came.
func shareAndTell(at netip.Addr) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		controlErr := c.Control(func(fd uintptr) {
			if err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil || !at.IsUnspecified() {
				return
			}
			if at.Is4() {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
			} else {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
			}
		})
		if controlErr != nil {
			return controlErr
		}
		return err
	}
}
