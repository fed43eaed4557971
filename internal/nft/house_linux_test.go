package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// houses is a gateway in a namespace of its own, with a bridge that lamp, hub, phone and stranger are on, and a cable
// to the Internet. What these send and receive are frames; the gateway alone has a network stack.
type houses struct {
	t       *testing.T
	taps    map[string]int // sockets at the far ends, and of the gateway itself: raw4, raw6
	own     frame.MAC      // of the gateway on the bridge
	outside frame.MAC      // of the gateway toward the Internet
	kernel  *Kernel
	number  uint32
}

var (
	phoneMAC    = frame.MAC{2, 0, 0x5e, 0x10, 0, 3}
	strangerMAC = frame.MAC{2, 0, 0x5e, 0x10, 0, 4}
	macs        = map[string]frame.MAC{"lamp": lampMAC, "hub": hubMAC, "phone": phoneMAC, "stranger": strangerMAC, "wan": otherMAC}
	addresses   = map[string][2]netip.Addr{
		"lamp": {ip("192.168.1.10"), ip("fd00:1::10")}, "hub": {ip("192.168.1.20"), ip("fd00:1::20")},
		"phone": {ip("192.168.1.30"), ip("fd00:1::30")}, "stranger": {ip("192.168.1.40"), ip("fd00:1::40")},
		"gateway": {ip("192.168.1.1"), ip("fd00:1::1")}, "wan": {ip("198.51.100.7"), ip("2001:db8::7")},
	}
)

func needTools(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("PLIMSOLL_NETNS") == "require" {
				t.Fatal(err)
			}
			t.Skipf("the program %s is missing", tool)
		}
	}
}

func run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func newHouse(t *testing.T) *houses {
	t.Helper()
	h := &houses{t: t, taps: map[string]int{}}
	var b strings.Builder
	b.WriteString("link add br0 type bridge mcast_snooping 0\nlink set br0 up\n")
	netnstest.Veth(t, "wan0", "wan1")
	for _, name := range []string{"lamp", "hub", "phone", "stranger"} {
		netnstest.Veth(t, name+"0", name+"1")
		b.WriteString("link set " + name + "0 master br0\n")
	}
	run(t, b.String(), "ip", "-batch", "-")
	settings := map[string]string{
		"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1", "ipv4/conf/all/rp_filter": "0", "ipv4/conf/br0/rp_filter": "0",
		"ipv4/conf/wan0/rp_filter": "0", "ipv6/conf/br0/accept_dad": "0", "ipv6/conf/wan0/accept_dad": "0", "ipv4/conf/all/send_redirects": "0",
		"ipv4/conf/br0/send_redirects": "0", "ipv4/icmp_ratelimit": "0",
	}
	for _, name := range []string{"lamp", "hub", "phone", "stranger", "wan"} {
		settings["ipv6/conf/"+name+"1/disable_ipv6"] = "1"
	}
	for name, value := range settings {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"iptables", "ip6tables", "arptables"} { // or rules for routed packets meet bridged ones too
		_ = os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-"+name, []byte("0"), 0)
	}
	b.Reset()
	b.WriteString("addr add 192.168.1.1/24 dev br0\naddr add fd00:1::1/64 dev br0 nodad\naddr add 203.0.113.1/24 dev wan0\naddr add 2001:db8:ffff::1/64 dev wan0 nodad\n")
	for _, a := range []string{"203.0.113.254", "2001:db8:ffff::fe"} {
		fmt.Fprintf(&b, "neigh add %s lladdr %s nud permanent dev wan0\nroute add default via %s\n", a, otherMAC, a)
	}
	for name, list := range addresses {
		for _, a := range list {
			if name != "wan" && name != "gateway" {
				fmt.Fprintf(&b, "neigh add %s lladdr %s nud permanent dev br0\n", a, macs[name])
			}
		}
	}
	run(t, b.String(), "ip", "-batch", "-")
	for _, name := range []string{"lamp", "hub", "phone", "stranger", "wan"} {
		h.taps[name] = newTap(t, name).fd
	}
	for _, x := range []string{"br0", "wan0"} {
		i, err := net.InterfaceByName(x)
		if err != nil {
			t.Fatal(err)
		}
		if x == "br0" {
			h.own = frame.MAC(i.HardwareAddr)
		} else {
			h.outside = frame.MAC(i.HardwareAddr)
		}
	}
	for _, f := range []int{unix.AF_INET, unix.AF_INET6} {
		for _, proto := range []int{unix.IPPROTO_TCP, unix.IPPROTO_UDP, map[int]int{unix.AF_INET: unix.IPPROTO_ICMP, unix.AF_INET6: unix.IPPROTO_ICMPV6}[f]} {
			fd, err := unix.Socket(f, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Close(fd) })
			h.taps[fmt.Sprintf("gateway%d-%d", f, proto)] = fd
		}
	}
	k, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	h.kernel = k
	time.Sleep(20 * time.Millisecond) // for the ports to forward
	return h
}

// gateway is that of the house.
func gateway(devices ...Device) *Gateway {
	return &Gateway{
		LAN: []Link{{Name: "br0", Bridge: true}}, WAN: []string{"wan0"},
		Own: []netip.Addr{ip("192.168.1.1"), ip("fd00:1::1")}, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd00:1::/64")},
		Devices: devices,
	}
}

func thing(name string, treatment Treatment) Device {
	a := addresses[name]
	return Device{MAC: macs[name], Addresses: a[:], Treatment: treatment}
}

// lampOf is the lamp, held to what the entries say.
func lampOf(from, to []mud.ACE) Device {
	d := thing("lamp", Held)
	d.Policy = policy.Compile(&mud.File{URL: "https://lamps.example/lamp.json", FromDevice: []string{"from"}, ToDevice: []string{"to"}, ACLs: []mud.ACL{{Name: "from", ACEs: from}, {Name: "to", ACEs: to}}}, &policy.Context{
		Device: policy.Device{MAC: lampMAC, Addresses: d.Addresses, URL: "https://lamps.example/lamp.json"},
		Peers:  []policy.Device{{MAC: hubMAC, Addresses: []netip.Addr{addresses["hub"][0], addresses["hub"][1]}, URL: "https://lamps.example/hub.json"}},
		Local:  []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd00:1::/64")}, Gateway: []netip.Addr{ip("192.168.1.1"), ip("fd00:1::1")},
	})
	return d
}

func (h *houses) apply(g *Gateway) {
	h.t.Helper()
	if err := h.kernel.Apply(h.t.Context(), g); err != nil {
		h.t.Fatal(err)
	}
}

// fresh forgets all conversations, and all rules.
func (h *houses) fresh() {
	h.t.Helper()
	if err := h.kernel.Remove(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	for _, f := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := h.kernel.socket.ask(dropEntry, unix.NLM_F_ACK, f, nil, nil); err != nil {
			h.t.Fatal(err)
		}
	}
}

// packet is a probe between two places; ports are of UDP or TCP, or type and code.
func packet(proto uint8, src, dst netip.Addr, srcPort, dstPort uint16) *probe {
	p := &probe{src: src, dst: dst, flags: frame.SYN}
	p.Proto, p.SrcPort, p.DstPort = proto, srcPort, dstPort
	return p
}

// send sends a packet from a place, and tells where it arrived.
func (h *houses) send(from string, p *probe) map[string]*probe {
	h.t.Helper()
	h.number++
	h.frame(from, h.to(from, p.dst), p.packet(h.number), p.dst)
	return h.arrivals(h.number)
}

func (h *houses) to(from string, dst netip.Addr) frame.MAC {
	if from == "wan" {
		return h.outside
	}
	if dst.IsMulticast() {
		return wire.Group(dst)
	}
	for name, list := range addresses {
		if name != "wan" && name != "gateway" && (list[0] == dst || list[1] == dst) {
			return macs[name]
		}
	}
	return h.own
}

func (h *houses) frame(from string, to frame.MAC, body []byte, dst netip.Addr) {
	h.t.Helper()
	etherType := uint16(wire.TypeIPv4)
	if dst.Is6() {
		etherType = wire.TypeIPv6
	}
	if err := unix.Send(h.taps[from], wire.Ethernet(to, macs[from], etherType, body), 0); err != nil {
		h.t.Fatal(err)
	}
}

// arrivals are the places where a packet with that number came, each with its addresses and ports as they came.
func (h *houses) arrivals(number uint32) map[string]*probe {
	got := map[string]*probe{}
	buf := make([]byte, 2048)
	for range 2 {
		for name, fd := range h.taps {
			for {
				n, from, err := unix.Recvfrom(fd, buf, 0)
				if errors.Is(err, unix.EINTR) {
					continue
				}
				if err != nil {
					break
				}
				if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
					continue
				}
				b := buf[:n]
				if len(b) < 8 || binary.BigEndian.Uint32(b[len(b)-8:]) != marker || binary.BigEndian.Uint32(b[len(b)-4:]) != number {
					continue
				}
				p := &probe{}
				if place, ok := strings.CutPrefix(name, "gateway"); ok {
					name = "gateway"
					if strings.HasPrefix(place, "2-") {
						b = b[20:]
					}
				} else if b = b[14:]; b[0] == 0 { // ARP
				} else if b[0]>>4 == 4 {
					p.src, p.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
					b = b[20:]
				} else {
					p.src, p.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
					b = b[40:]
				}
				p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
				got[name] = p
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return got
}

// arrives reports whether a packet comes where it is to go.
func (h *houses) arrives(from, to string, p *probe) bool {
	h.t.Helper()
	return h.send(from, p)[to] != nil
}

// raw sends a whole frame.
func (h *houses) raw(from string, f []byte) {
	h.t.Helper()
	if err := unix.Send(h.taps[from], f, 0); err != nil {
		h.t.Fatal(err)
	}
}

func addressesOf(name string) []netip.Addr {
	a := addresses[name]
	return a[:]
}
