// Package internet says which addresses are on the Internet and which are at home, and keeps connections to the former: who
// connects to a server that somebody else names must not be led into the network at home.
package internet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrAddress is the cause where an address is not on the Internet.
var ErrAddress = errors.New("address is not on the Internet")

// Judge is for net.Dialer.ControlContext: it refuses to connect to an address that is not on the Internet, but for those
// allowed. It sees the address that the connection is made to: a name that was looked up once more, and leads elsewhere by
// now, does not get past it.
func Judge(allow []netip.Prefix) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrAddress, address)
		}
		return check(ap.Addr().Unmap().WithZone(""), allow)
	}
}

func check(a netip.Addr, allow []netip.Prefix) error {
	for _, p := range allow {
		if p.Contains(a) {
			return nil
		}
	}
	public := a
	if nat64.Contains(a) { // what counts is whom the translator connects to
		b := a.As16()
		public = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, s := range special {
		if s.Contains(public) {
			return fmt.Errorf("%w: %s lies in %s", ErrAddress, a, s)
		}
	}
	return nil
}

// Home reports whether an address is one that homes use (RFC 1918, RFC 4193, link-local), or this machine’s.
func Home(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() }

// Loopback reports whether a host, as it is written, is this machine.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// special are the addresses that a name on the Internet has no business to lead to: those that IANA's registries of
// special-purpose addresses (RFC 6890) call not globally reachable, those that embed an IPv4 address, and multicast.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

// nat64 is the prefix under which translators show IPv4 addresses to IPv6 networks (RFC 6052 §2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
