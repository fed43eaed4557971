package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
)

// Why a device is not probed.
var (
	ErrPublic  = errors.New("it is an address of the Internet: only devices on your own network are probed")
	ErrOffLink = errors.New("it is not on a network that this machine is on")
	ErrNobody  = errors.New("no such device is known here")
	ErrOwn     = errors.New("it is this machine itself")
)

// Link is a network that this machine is on.
type Link struct {
	Interface string
	Own       netip.Addr
	Prefix    netip.Prefix
}

// Links are the networks that this machine is on.
func Links() ([]Link, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	var links []Link
	for _, i := range list {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list the addresses of %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				links = append(links, Link{i.Name, p.Addr(), p.Masked()})
			}
		}
	}
	return links, nil
}

// Allowed reports on which interface an address is, if it may be probed at all: it is private (RFC 1918, RFC 4193,
// RFC 3927, RFC 4291), and on a network that this machine is on. A link-local address of IPv6 has its zone.
func Allowed(a netip.Addr, links []Link) (iface string, err error) {
	plain := a.Unmap().WithZone("")
	if !plain.IsPrivate() && !plain.IsLinkLocalUnicast() {
		return "", fmt.Errorf("%s: %w", a, ErrPublic)
	}
	for _, l := range links {
		switch {
		case l.Own.Unmap().WithZone("") == plain:
			return "", fmt.Errorf("%s: %w", a, ErrOwn)
		case l.Prefix.Contains(plain) && (a.Zone() == "" || a.Zone() == l.Interface):
			if plain.Is6() && plain.IsLinkLocalUnicast() && a.Zone() == "" {
				continue // which of them is not said
			}
			iface = l.Interface
		}
	}
	if iface == "" {
		return "", fmt.Errorf("%s: %w", a, ErrOffLink)
	}
	return iface, nil
}

// Resolve finds the address of a device by its address, its hardware address, or its name. neighbours is what the system
// knows of the networks that it is on; lookup asks for a name.
func Resolve(ctx context.Context, asked string, neighbours map[netip.Addr]frame.MAC, lookup func(context.Context, string) ([]netip.Addr, error)) (netip.Addr, frame.MAC, error) {
	if a, err := netip.ParseAddr(asked); err == nil {
		return a, neighbours[a.Unmap().WithZone("")], nil
	}
	if m, err := frame.ParseMAC(asked); err == nil {
		var best netip.Addr
		for a, has := range neighbours {
			if has == m && (!best.IsValid() || better(a, best)) {
				best = a
			}
		}
		if !best.IsValid() {
			return best, m, fmt.Errorf("%s: %w", asked, ErrNobody)
		}
		return best, m, nil
	}
	list, err := lookup(ctx, strings.TrimSuffix(asked, "."))
	if err != nil || len(list) == 0 {
		return netip.Addr{}, frame.MAC{}, fmt.Errorf("%.80s: %w", asked, ErrNobody)
	}
	best := list[0].Unmap()
	for _, a := range list[1:] {
		if a = a.Unmap(); better(a, best) {
			best = a
		}
	}
	return best, neighbours[best.WithZone("")], nil
}

// better prefers private addresses of IPv4, and else the lower one, so that the choice does not change.
func better(a, b netip.Addr) bool {
	if pa, pb := a.IsPrivate(), b.IsPrivate(); pa != pb {
		return pa
	}
	if a.Is4() != b.Is4() {
		return a.Is4()
	}
	return a.Less(b)
}
