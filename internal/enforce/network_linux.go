package enforce

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/nft"
)

// Lateral is how devices on one bridge are held in what they exchange with each other.
type Lateral string

// The ways.
const (
	Routed   Lateral = "routed"   // what held devices send or get is led to the gateway, and meets all rules
	Isolated Lateral = "isolated" // the ports are kept apart, so that everything does
	Bridged  Lateral = "bridged"  // it stays on the bridge, whose rules know no names
)

// Network is where the gateway stands.
type Network struct {
	LAN, WAN string
	Bridge   bool           // LAN is a bridge
	MAC      frame.MAC      // the gateway’s on the LAN
	Lateral  Lateral        // what devices on the bridge exchange
	Routes   [2]bool        // the gateway forwards IPv4, and IPv6, on the LAN
	Own      []netip.Addr   // the gateway’s addresses on the LAN
	Prefixes []netip.Prefix // of the LAN
	Unknown  nft.Treatment  // of devices that were not seen yet
	Inbound  bool           // whoever is outside may begin conversations with devices that are not held
}

// Look looks at the interfaces of a gateway.
func Look(lan, wan string) (*Network, error) {
	n := &Network{LAN: lan, WAN: wan, Lateral: Routed}
	i, err := net.InterfaceByName(lan)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", lan, err)
	}
	n.Bridge = isBridge(lan)
	copy(n.MAC[:], i.HardwareAddr)
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
	for f, name := range []string{"ipv4", "ipv6"} {
		value, err := os.ReadFile("/proc/sys/net/" + name + "/conf/" + lan + "/forwarding")
		n.Routes[f] = err == nil && strings.TrimSpace(string(value)) != "0" &&
			slices.ContainsFunc(n.Prefixes, func(p netip.Prefix) bool { return p.Addr().Is4() == (f == 0) })
	}
	return n, nil
}

// link is the LAN as the rules see it.
func (n *Network) link() nft.Link {
	led := n.Bridge && n.Lateral != Bridged
	return nft.Link{Name: n.LAN, Bridge: n.Bridge, Routed4: led && n.Routes[0], Routed6: led && n.Routes[1], MAC: n.MAC, Isolated: n.Bridge && n.Lateral == Isolated}
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
