package nft

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Isolation keeps the ports of a bridge apart: what goes from one to another goes by way of the gateway, where it meets
// the rules for routed packets, under connection tracking. The gateway answers for everybody, by proxy ARP (RFC 3069)
// and, for the addresses that it is told, by proxy neighbour advertisements (RFC 4861 §7.2.8).
type Isolation struct {
	Bridge string
	Ports  []string
}

// Set isolates the ports, or ends that. Ports that are not isolated speak with all.
func (i *Isolation) Set(on bool) error {
	value := byte(0)
	if on {
		value = 1
	}
	for _, x := range []struct{ path, value string }{
		{"ipv4/conf/" + i.Bridge + "/proxy_arp_pvlan", string('0' + value)},
		{"ipv6/conf/" + i.Bridge + "/proxy_ndp", string('0' + value)},
		// or it would tell devices to speak directly, which they cannot
		{"ipv4/conf/" + i.Bridge + "/send_redirects", string('1' - value)},
	} {
		if err := os.WriteFile("/proc/sys/net/"+x.path, []byte(x.value), 0); err != nil {
			return denied(fmt.Errorf("isolate ports of %s: %w", i.Bridge, err))
		}
	}
	for _, name := range i.Ports {
		port, err := net.InterfaceByName(name)
		if err != nil {
			return fmt.Errorf("isolate port %s: %w", name, err)
		}
		body := make([]byte, unix.SizeofIfInfomsg)
		body[0] = unix.AF_BRIDGE
		ne.PutUint32(body[4:], uint32(port.Index))
		body = nest(body, unix.IFLA_PROTINFO, func(b []byte) []byte { return attribute(b, unix.IFLA_BRPORT_ISOLATED, []byte{value}) })
		if err := route(unix.RTM_SETLINK, 0, body); err != nil {
			return denied(fmt.Errorf("isolate port %s: %w", name, err))
		}
	}
	return nil
}

// Answer has the gateway answer for IPv6 addresses, or no more.
func (i *Isolation) Answer(list []netip.Addr, on bool) error {
	bridge, err := net.InterfaceByName(i.Bridge)
	if err != nil {
		return fmt.Errorf("answer for neighbours on %s: %w", i.Bridge, err)
	}
	kind, flags := uint16(unix.RTM_DELNEIGH), uint16(0)
	if on {
		kind, flags = unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE
	}
	for _, a := range list {
		if !a.Is6() || a.Is4In6() {
			continue
		}
		body := make([]byte, 12) // struct ndmsg
		body[0] = unix.AF_INET6
		ne.PutUint32(body[4:], uint32(bridge.Index))
		body[10] = unix.NTF_PROXY
		body = attribute(body, unix.NDA_DST, a.AsSlice())
		if err := route(kind, flags, body); err != nil && !errors.Is(err, unix.ENOENT) {
			return denied(fmt.Errorf("answer for neighbour %s: %w", a, err))
		}
	}
	return nil
}

// route sends one message of rtnetlink(7).
func route(kind, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	msg := ne.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	msg = ne.AppendUint16(msg, kind)
	msg = ne.AppendUint16(msg, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	msg = ne.AppendUint32(msg, 1)
	msg = append(append(msg, 0, 0, 0, 0), body...)
	s := &socket{fd: fd, buffer: make([]byte, 16<<10)}
	return s.send(msg, 1, nil)
}
