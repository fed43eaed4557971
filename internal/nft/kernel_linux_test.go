package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/internal/policy"
)

// The matcher and the kernel must give the same answer, whatever the policy and the packet.
func TestMatcherAndKernelAgree(t *testing.T) {
	policies, packets := 40, 250
	if testing.Short() {
		policies = 8
	}
	for _, tool := range []string{"nft", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the program %s is missing: %v", tool, err)
		}
	}
	netnstest.Run(t, func(t *testing.T) {
		r := newRouter(t)
		passed, stopped := 0, 0
		for seed := range uint64(policies) {
			rng := rand.New(rand.NewPCG(seed, 2))
			lamp, hub := randomPolicies(rng)
			home := policy.NewHome([]*policy.Policy{lamp, hub})
			text := render(t, 0, lamp, hub)
			r.load(t, text)
			var list []*probe
			alone := map[string]bool{}
			for range packets {
				p := randomProbe(rng)
				if pair := p.pair(); !alone[pair] {
					alone[pair] = true
					list = append(list, p)
				}
			}
			got := r.send(t, list)
			var answers []*probe
			for i, p := range list {
				d, by := home.Decide(&p.Tuple, 0)
				if want := d.Action == policy.Accept; got[i] != want {
					t.Errorf("seed %d: %v: kernel passes %v, matcher %v by entry %d of %v", seed, p, got[i], want, d.Entry, by == lamp)
				}
				if d.Action == policy.Accept {
					passed++
					if a := p.answer(); a != nil {
						answers = append(answers, a)
					}
				} else {
					stopped++
				}
			}
			for i, ok := range r.send(t, answers) {
				if !ok {
					t.Errorf("seed %d: the answer %v to what was allowed is stopped", seed, answers[i])
				}
			}
			if t.Failed() {
				t.Fatalf("ruleset of seed %d:\n%s", seed, text)
			}
		}
		t.Logf("%d packets passed, %d were stopped", passed, stopped)
		if passed < policies*packets/20 || stopped < policies*packets/20 {
			t.Error("the packets are all of one kind: they prove little")
		}
	})
}

func TestKernelTakesTheGoldenRulesets(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skipf("the program nft is missing: %v", err)
	}
	files, err := filepath.Glob("testdata/*.nft")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rulesets: %v", err)
	}
	netnstest.Run(t, func(t *testing.T) {
		for _, f := range files {
			for range 2 { // the second takes the place of the first
				if out, err := exec.Command("nft", "-f", f).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", f, err, out)
				}
			}
		}
	})
}

// router is a namespace that forwards between lan1, where the lamp is, and net1, where all others are.
type router struct {
	lan, net *tap
	raw      []int // what reached the router itself
	dir      string
}

// tap is the far end of a cable of the router.
type tap struct {
	fd  int
	mac frame.MAC // of the router, at the near end
}

var otherMAC = frame.MAC{2, 0, 0x5e, 0x10, 0, 0x99}

func newRouter(t *testing.T) *router {
	t.Helper()
	netnstest.Veth(t, "lan0", "lan1")
	netnstest.Veth(t, "net0", "net1")
	for name, value := range map[string]string{
		"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1", "ipv4/conf/all/rp_filter": "0", "ipv4/conf/lan0/rp_filter": "0",
		"ipv4/conf/net0/rp_filter": "0", "ipv6/conf/lan1/disable_ipv6": "1", "ipv6/conf/net1/disable_ipv6": "1",
		"ipv6/conf/lan0/accept_dad": "0", "ipv6/conf/net0/accept_dad": "0", "ipv4/conf/all/send_redirects": "0",
		"ipv4/icmp_ratelimit": "0", "ipv4/icmp_echo_ignore_broadcasts": "1",
	} {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
			t.Skipf("the namespace does not let its settings be changed: %v", err)
		}
	}
	for _, name := range []string{"iptables", "ip6tables", "arptables"} { // or rules for routed packets meet bridged ones too
		_ = os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-"+name, []byte("0"), 0) // where there are no bridges, that's well too
	}
	var batch strings.Builder
	for _, line := range []string{
		"addr add 192.168.1.1/24 dev lan0", "addr add fd00:1::1/64 dev lan0 nodad",
		"addr add 192.168.2.1/24 dev net0", "addr add fd00:2::1/64 dev net0 nodad",
		"neigh add 192.168.2.254 lladdr " + otherMAC.String() + " nud permanent dev net0",
		"neigh add fd00:2::254 lladdr " + otherMAC.String() + " nud permanent dev net0",
		"route add default via 192.168.2.254", "route add default via fd00:2::254",
	} {
		batch.WriteString(line + "\n")
	}
	for a, m := range map[string]frame.MAC{"192.168.2.20": hubMAC, "fd00:2::20": hubMAC, "192.168.2.30": otherMAC, "fd00:2::30": otherMAC} {
		fmt.Fprintf(&batch, "neigh add %s lladdr %s nud permanent dev net0\n", a, m)
	}
	for _, a := range []string{"192.168.1.10", "fd00:1::10"} {
		fmt.Fprintf(&batch, "neigh add %s lladdr %s nud permanent dev lan0\n", a, lampMAC)
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(batch.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v\n%s", err, out)
	}
	r := &router{lan: newTap(t, "lan"), net: newTap(t, "net"), dir: t.TempDir()}
	for _, x := range [][2]int{
		{unix.AF_INET, unix.IPPROTO_TCP},
		{unix.AF_INET, unix.IPPROTO_UDP},
		{unix.AF_INET, unix.IPPROTO_ICMP},
		{unix.AF_INET, 47},
		{unix.AF_INET6, unix.IPPROTO_TCP},
		{unix.AF_INET6, unix.IPPROTO_UDP},
		{unix.AF_INET6, unix.IPPROTO_ICMPV6},
		{unix.AF_INET6, 47},
	} {
		fd, err := unix.Socket(x[0], unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, x[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		room(fd)
		r.raw = append(r.raw, fd)
	}
	return r
}

func newTap(t *testing.T, name string) *tap {
	t.Helper()
	near, err := net.InterfaceByName(name + "0")
	if err != nil {
		t.Fatal(err)
	}
	far, err := net.InterfaceByName(name + "1")
	if err != nil {
		t.Fatal(err)
	}
	all := uint16(unix.ETH_P_ALL)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all<<8|all>>8))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all<<8 | all>>8, Ifindex: far.Index}); err != nil {
		t.Fatal(err)
	}
	room(fd)
	return &tap{fd: fd, mac: frame.MAC(near.HardwareAddr)}
}

// room makes the buffer of a socket large enough for all that a test sends before it reads.
func room(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20) }

// load puts the ruleset in place, and makes the kernel forget all conversations.
func (r *router) load(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(r.dir, "ruleset.nft")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("nft", "-f", file).CombinedOutput(); err != nil {
		if strings.Contains(string(out), "Operation not supported") {
			t.Skipf("the kernel has no nftables as needed:\n%s", out)
		}
		t.Fatalf("nft: %v\n%s\n%s", err, out, text)
	}
	const deleteConntrack = 1<<8 | 2 // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ne := binary.NativeEndian
	msg := ne.AppendUint32(nil, unix.SizeofNlMsghdr+4)
	msg = ne.AppendUint16(msg, deleteConntrack)
	msg = ne.AppendUint16(msg, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	msg = append(msg, make([]byte, 12)...) // sequence, port, and of all families
	if err := unix.Sendto(fd, msg, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	if n, _, err := unix.Recvfrom(fd, answer, 0); err != nil || n < unix.SizeofNlMsghdr+4 {
		t.Fatalf("forget conversations: %v", err)
	} else if code := int32(ne.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
		t.Skipf("the kernel cannot forget conversations: %v", unix.Errno(-code))
	}
}

// probe is a packet that is sent to see whether it arrives.
type probe struct {
	policy.Tuple
	src, dst  netip.Addr
	flags     uint8
	dscp, ecn uint8
}

// pair is what the kernel knows a conversation by: two that have it in common would be one to it.
func (p *probe) pair() string {
	a, b := netip.AddrPortFrom(p.src, p.SrcPort).String(), netip.AddrPortFrom(p.dst, p.DstPort).String()
	if p.Proto == frame.ProtoICMP || p.Proto == frame.ProtoICMPv6 {
		return a + b // each has an identifier of its own
	}
	return fmt.Sprint(p.Proto, min(a, b), max(a, b))
}

func (p *probe) String() string {
	return fmt.Sprintf("%v %v:%d > %v:%d proto %d flags %#x dscp %d ecn %d", p.From, p.src, p.SrcPort, p.dst, p.DstPort, p.Proto, p.flags, p.dscp, p.ecn)
}

var gateways = []netip.Addr{ip("192.168.1.1"), ip("fd00:1::1"), ip("192.168.2.1"), ip("fd00:2::1"), ip("255.255.255.255")}

// send sends the packets and tells which arrived where they were to go: the oracle is the receiver, not the rules.
func (r *router) send(t *testing.T, list []*probe) []bool {
	t.Helper()
	r.drain(nil)
	for i, p := range list {
		from := r.net
		if p.From == lampMAC {
			from = r.lan
		}
		to := from.mac
		if p.dst == ip("255.255.255.255") {
			to = wire.Broadcast
		}
		etherType := uint16(wire.TypeIPv4)
		if !p.dst.Is4() {
			etherType = wire.TypeIPv6
		}
		if err := unix.Send(from.fd, wire.Ethernet(to, p.From, etherType, p.packet(uint32(i+1))), 0); err != nil {
			t.Fatalf("send %v: %v", p, err)
		}
	}
	// what comes last tells that the others went through or will not
	arrived := make([]bool, len(list)+1)
	last := &probe{src: ip("192.168.2.30"), dst: ip("192.168.2.30"), Tuple: policy.Tuple{From: otherMAC, Proto: 253}}
	count := func(fd int, b []byte) {
		if len(b) < 8 || binary.BigEndian.Uint32(b[len(b)-8:]) != marker {
			return
		}
		n := int(binary.BigEndian.Uint32(b[len(b)-4:]))
		if n == 0 || n > len(arrived) {
			return
		}
		if n == len(arrived) {
			arrived[n-1] = true
			return
		}
		p := list[n-1]
		switch {
		case contains(gateways, p.dst):
			arrived[n-1] = arrived[n-1] || fd != r.lan.fd && fd != r.net.fd
		case p.From == lampMAC:
			arrived[n-1] = arrived[n-1] || fd == r.net.fd
		default:
			arrived[n-1] = arrived[n-1] || fd == r.lan.fd
		}
	}
	for _, from := range []*tap{r.net, r.lan} {
		arrived[len(list)] = false
		if err := unix.Send(from.fd, wire.Ethernet(from.mac, otherMAC, wire.TypeIPv4, last.packet(uint32(len(list)+1))), 0); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); !arrived[len(list)]; r.drain(count) {
			if time.Now().After(deadline) {
				t.Fatal("the router does not forward")
			}
		}
	}
	time.Sleep(2 * time.Millisecond)
	r.drain(count)
	return arrived[:len(list)]
}

func contains(list []netip.Addr, a netip.Addr) bool {
	for _, x := range list {
		if x == a {
			return true
		}
	}
	return false
}

// drain reads what has arrived. What the far ends sent themselves is not among it.
func (r *router) drain(each func(fd int, b []byte)) {
	buf := make([]byte, 2048)
	for _, fd := range append([]int{r.lan.fd, r.net.fd}, r.raw...) {
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
			if each != nil {
				each(fd, buf[:n])
			}
		}
	}
}

// marker comes before a probe's number, at the end of its packet.
const marker = 0x504c4d53

// packet is the probe as it goes over the wire.
func (p *probe) packet(n uint32) []byte {
	mark := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, marker), n)
	src, dst := netip.AddrPortFrom(p.src, p.SrcPort), netip.AddrPortFrom(p.dst, p.DstPort)
	var payload []byte
	switch p.Proto {
	case frame.ProtoTCP:
		h := wire.TCP{Src: src, Dst: dst, Seq: 1000, Flags: p.flags, Window: 65535}
		if p.flags&frame.ACK != 0 {
			h.Ack = 1000 + 1 + uint32(len(mark))
		}
		payload = h.Segment(mark)
	case frame.ProtoUDP:
		payload = wire.UDP(src, dst, mark)
	case frame.ProtoICMP:
		payload = wire.ICMP(uint8(p.SrcPort), uint8(p.DstPort), append([]byte{byte(n >> 8), byte(n), 0, 1}, mark...))
	case frame.ProtoICMPv6:
		payload = wire.ICMPv6(p.src, p.dst, uint8(p.SrcPort), uint8(p.DstPort), append([]byte{byte(n >> 8), byte(n), 0, 1}, mark...))
	default:
		payload = append([]byte{0, 0, 8, 0}, mark...)
	}
	b := wire.IP{Src: p.src, Dst: p.dst, Proto: p.Proto, Hops: 64}.Packet(payload)
	class := p.dscp<<2 | p.ecn
	if p.src.Is4() {
		b[1] = class
		b[10], b[11] = 0, 0
		binary.BigEndian.PutUint16(b[10:], wire.Checksum(0, b[:20]))
	} else {
		b[0] |= class >> 4
		b[1] |= class << 4
	}
	return b
}

// answer is what the other end sends back, or nil where nobody answers such a packet.
func (p *probe) answer() *probe {
	if contains(gateways, p.dst) || p.Proto == frame.ProtoTCP && p.flags&0x3f != frame.SYN || p.Proto == 47 {
		return nil
	}
	a := *p
	a.src, a.dst, a.Src, a.Dst = p.dst, p.src, p.Dst, p.Src
	a.SrcPort, a.DstPort = p.DstPort, p.SrcPort
	a.From = lampMAC
	if p.From == lampMAC {
		a.From = otherMAC
		if p.dst == ip("192.168.2.20") || p.dst == ip("fd00:2::20") {
			a.From = hubMAC
		}
	}
	switch p.Proto {
	case frame.ProtoTCP:
		a.flags = frame.SYN | frame.ACK
	case frame.ProtoICMP, frame.ProtoICMPv6:
		return nil // the kernel pairs them by an identifier that a probe does not keep
	}
	return &a
}
