package enforce

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/nft"
)

// Network is where the gateway stands.
type Network struct {
	LAN, WAN string
	Bridge   bool           // LAN is a bridge
	Own      []netip.Addr   // the gateway’s addresses on the LAN
	Prefixes []netip.Prefix // of the LAN
	Unknown  nft.Treatment  // of devices that were not seen yet
	Inbound  bool           // whoever is outside may begin conversations with devices that are not held
}

// Look looks at the interfaces of a gateway.
func Look(lan, wan string) (*Network, error) {
	n := &Network{LAN: lan, WAN: wan}
	i, err := net.InterfaceByName(lan)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", lan, err)
	}
	n.Bridge = isBridge(lan)
	list, err := i.Addrs()
	if err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", lan, err)
	}
	for _, a := range list {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		n.Own = append(n.Own, p.Addr())
		if !p.Addr().IsLinkLocalUnicast() {
			n.Prefixes = append(n.Prefixes, p.Masked())
		}
	}
	slices.SortFunc(n.Own, netip.Addr.Compare)
	slices.SortFunc(n.Prefixes, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	n.Prefixes = slices.Compact(n.Prefixes)
	return n, nil
}

func isBridge(name string) bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, name)
	return err == nil && unix.ByteSliceToString(info.Driver[:]) == "bridge"
}

// Contains reports whether an address is of the LAN.
func (n *Network) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsLinkLocalUnicast() || slices.ContainsFunc(n.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
