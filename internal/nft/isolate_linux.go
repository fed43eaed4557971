package nft

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/durable"
)

// Isolation keeps the ports of a bridge apart: what goes from one to another goes by way of the gateway, where it meets
// the rules for routed packets, under connection tracking. The gateway answers for everybody, by proxy ARP (RFC 3069)
// and, for the addresses that it is told, by proxy neighbour advertisements (RFC 4861 §7.2.8). Link.Isolated has the
// rules fit.
type Isolation struct {
	Bridge string
	Except []string // ports that stay as they are: one that leads to the Internet
	Record string   // a file that says how all was before; while it is there, something is to be put back
}

// before is how a bridge was when nobody had isolated its ports.
type before struct {
	Bridge   string            `json:"bridge"`
	Settings map[string]string `json:"settings"` // below /proc/sys/net
	Ports    map[string]bool   `json:"ports"`    // whether each was isolated
}

// proxied marks the neighbours that the gateway answers for, among those that somebody else entered.
const proxied = 0x70

const ndaProtocol = 12 // NDA_PROTOCOL of linux/neighbour.h, since Linux 5.2

// maxProxied bounds the addresses that the gateway answers for.
const maxProxied = 4096

// Settings are the files below /proc/sys/net that isolating a bridge writes, and what: the gateway answers for others,
// and does not wait up to a second before it does.
func (i *Isolation) Settings() map[string]string {
	return map[string]string{
		"ipv4/conf/" + i.Bridge + "/proxy_arp_pvlan": "1",
		"ipv4/neigh/" + i.Bridge + "/proxy_delay":    "0",
		"ipv6/conf/" + i.Bridge + "/proxy_ndp":       "1",
		"ipv6/neigh/" + i.Bridge + "/proxy_delay":    "0",
	}
}

// Keep isolates the ports that the bridge has now, and answers for the addresses and no others. What was there before
// is written down first, so that Restore finds it whatever happens. It is to be called again when something changed,
// and does nothing when nothing did.
func (i *Isolation) Keep(addresses []netip.Addr) error {
	was, err := i.read()
	if err != nil {
		return err
	}
	if was != nil && was.Bridge != i.Bridge {
		if err := i.Restore(); err != nil {
			return err
		}
		was = nil
	}
	if was == nil {
		was = &before{Bridge: i.Bridge, Settings: map[string]string{}, Ports: map[string]bool{}}
	}
	ports, err := portsOf(i.Bridge)
	if err != nil {
		return err
	}
	ports = slices.DeleteFunc(ports, func(p port) bool { return slices.Contains(i.Except, p.name) })
	news := false
	for name := range i.Settings() {
		if _, ok := was.Settings[name]; ok {
			continue
		}
		switch value, err := setting(name); {
		case errors.Is(err, fs.ErrNotExist): // a kernel without IPv6
		case err != nil:
			return fmt.Errorf("isolate ports of %s: %w", i.Bridge, err)
		default:
			was.Settings[name], news = value, true
		}
	}
	for name := range was.Ports { // one that left comes back as it was made
		if !slices.ContainsFunc(ports, func(p port) bool { return p.name == name }) {
			delete(was.Ports, name)
			news = true
		}
	}
	for _, p := range ports {
		if _, ok := was.Ports[p.name]; !ok {
			was.Ports[p.name], news = p.isolated, true
		}
	}
	if news {
		data, err := json.Marshal(was)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(i.Record, append(data, '\n'), 0o600); err != nil {
			return fmt.Errorf("note how the bridge was: %w", err)
		}
	}
	for name, value := range i.Settings() {
		if _, ok := was.Settings[name]; ok {
			if err := set(name, value); err != nil {
				return denied(fmt.Errorf("isolate ports of %s: %w", i.Bridge, err))
			}
		}
	}
	for _, p := range ports {
		if !p.isolated {
			if err := isolate(p.index, true); err != nil {
				return denied(fmt.Errorf("isolate port %s: %w", p.name, err))
			}
		}
	}
	return proxy(i.Bridge, addresses)
}

// Restore makes the bridge what it was before the first Keep; where nothing was isolated it does nothing. A bridge or
// port that is gone needs nothing.
func (i *Isolation) Restore() error {
	was, err := i.read()
	if was == nil {
		return err
	}
	ports, err := portsOf(was.Bridge)
	if err == nil {
		for _, p := range ports {
			if isolated, ok := was.Ports[p.name]; ok && isolated != p.isolated {
				if err := isolate(p.index, isolated); err != nil {
					return denied(fmt.Errorf("put back port %s: %w", p.name, err))
				}
			}
		}
		if err := proxy(was.Bridge, nil); err != nil {
			return err
		}
	}
	for name, value := range was.Settings {
		if err := set(name, value); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return denied(fmt.Errorf("put back %s: %w", name, err))
		}
	}
	if err := os.Remove(i.Record); err != nil {
		return fmt.Errorf("forget how the bridge was: %w", err)
	}
	return nil
}

// read is what was written down, or nil.
func (i *Isolation) read() (*before, error) {
	data, err := os.ReadFile(i.Record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how the bridge was: %w", err)
	}
	var was before
	if err := json.Unmarshal(data, &was); err != nil {
		return nil, fmt.Errorf("read how the bridge was: %s: %w", i.Record, err)
	}
	for name := range was.Settings { // nothing but what Keep wrote
		if _, ok := (&Isolation{Bridge: was.Bridge}).Settings()[name]; !ok || strings.Contains(was.Bridge, "/") {
			return nil, fmt.Errorf("read how the bridge was: %s names %q", i.Record, name)
		}
	}
	return &was, nil
}

func setting(name string) (string, error) {
	value, err := os.ReadFile("/proc/sys/net/" + name)
	return strings.TrimSpace(string(value)), err
}

// set writes a setting that is another one now.
func set(name, value string) error {
	now, err := setting(name)
	if err != nil || now == value {
		return err
	}
	return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
}

// port is one of a bridge.
type port struct {
	name     string
	index    uint32
	isolated bool
}

// portsOf are those of a bridge, in the order of their names.
func portsOf(name string) (list []port, err error) {
	bridge, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("ports of %s: %w", name, err)
	}
	err = dump(unix.RTM_GETLINK, unix.AF_BRIDGE, unix.RTM_NEWLINK, unix.SizeofIfInfomsg, func(head, body []byte) {
		p, master := port{index: ne.Uint32(head[4:])}, uint32(0)
		attributes(body, func(kind uint16, value []byte) {
			switch {
			case kind == unix.IFLA_IFNAME:
				p.name = string(bytes.TrimRight(value, "\x00"))
			case kind == unix.IFLA_MASTER && len(value) == 4:
				master = ne.Uint32(value)
			case kind == unix.IFLA_PROTINFO:
				attributes(value, func(kind uint16, value []byte) {
					if kind == unix.IFLA_BRPORT_ISOLATED && len(value) == 1 {
						p.isolated = value[0] != 0
					}
				})
			}
		})
		if int(master) == bridge.Index && int(p.index) != bridge.Index {
			list = append(list, p)
		}
	})
	slices.SortFunc(list, func(a, b port) int { return cmp.Compare(a.name, b.name) })
	return list, err
}

// Ports are the names of those of a bridge, in order.
func Ports(bridge string) (names []string, err error) {
	list, err := portsOf(bridge)
	for _, p := range list {
		names = append(names, p.name)
	}
	return names, err
}

func isolate(index uint32, on bool) error {
	value := byte(0)
	if on {
		value = 1
	}
	body := make([]byte, unix.SizeofIfInfomsg)
	body[0] = unix.AF_BRIDGE
	ne.PutUint32(body[4:], index)
	body = nest(body, unix.IFLA_PROTINFO, func(b []byte) []byte { return attribute(b, unix.IFLA_BRPORT_ISOLATED, []byte{value}) })
	return route(unix.RTM_SETLINK, 0, body)
}

// proxy has the gateway answer for IPv6 addresses on a bridge, and for no others that it was told of before.
func proxy(name string, list []netip.Addr) error {
	bridge, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("answer for neighbours on %s: %w", name, err)
	}
	want := map[netip.Addr]bool{}
	for _, a := range list {
		if a = a.WithZone(""); a.Is6() && !a.Is4In6() && !a.IsMulticast() && len(want) < maxProxied {
			want[a] = true
		}
	}
	var gone []netip.Addr
	err = dump(unix.RTM_GETNEIGH, unix.AF_INET6, unix.RTM_NEWNEIGH, unix.SizeofNdMsg, func(head, body []byte) {
		var a netip.Addr
		ours := false
		attributes(body, func(kind uint16, value []byte) {
			switch {
			case kind == unix.NDA_DST:
				a, _ = netip.AddrFromSlice(value)
			case kind == ndaProtocol && len(value) == 1:
				ours = value[0] == proxied
			}
		})
		switch {
		case int(ne.Uint32(head[4:])) != bridge.Index || head[10]&unix.NTF_PROXY == 0:
		case want[a]:
			delete(want, a) // it stands, whoever entered it
		case ours:
			gone = append(gone, a)
		}
	})
	if err != nil {
		return fmt.Errorf("answer for neighbours on %s: %w", name, err)
	}
	tell := func(kind, flags uint16, a netip.Addr) error {
		body := make([]byte, unix.SizeofNdMsg)
		body[0] = unix.AF_INET6
		ne.PutUint32(body[4:], uint32(bridge.Index))
		body[10] = unix.NTF_PROXY
		body = attribute(body, unix.NDA_DST, a.AsSlice())
		body = attribute(body, ndaProtocol, []byte{proxied})
		if err := route(kind, flags, body); err != nil && !errors.Is(err, unix.ENOENT) {
			return denied(fmt.Errorf("answer for neighbour %s: %w", a, err))
		}
		return nil
	}
	for _, a := range gone {
		if err := tell(unix.RTM_DELNEIGH, 0, a); err != nil {
			return err
		}
	}
	for a := range want {
		if err := tell(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, a); err != nil {
			return err
		}
	}
	return nil
}

// dump asks rtnetlink(7) for all of a kind, and calls each with the fixed part of each answer and its attributes. The
// kernel lists the neighbours that it answers for only to who asks for these.
func dump(ask int, family byte, kind uint16, fixed int, each func(head, body []byte)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	head := make([]byte, fixed)
	head[0] = family
	if ask == unix.RTM_GETNEIGH {
		head[10] = unix.NTF_PROXY
	}
	msg := ne.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(head)))
	msg = ne.AppendUint16(msg, uint16(ask))
	msg = ne.AppendUint16(msg, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	msg = append(ne.AppendUint32(msg, 1), 0, 0, 0, 0)
	if err := unix.Sendto(fd, append(msg, head...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return err
		}
		for _, m := range messages {
			switch {
			case m.Header.Type == unix.NLMSG_DONE:
				return nil
			case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
				return unix.Errno(-int32(ne.Uint32(m.Data)))
			case m.Header.Type == kind && len(m.Data) >= fixed:
				each(m.Data[:fixed], m.Data[fixed:])
			}
		}
	}
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
