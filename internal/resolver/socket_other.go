//go:build !linux

package resolver

import (
	"net/netip"
	"syscall"
)

func socketsFor() int { return 1 }

// shareAndTell leaves sockets as they are: gateways run Linux. Elsewhere one core listens, and only on addresses that are
// named.
func shareAndTell(netip.Addr) func(network, address string, c syscall.RawConn) error { return nil }
