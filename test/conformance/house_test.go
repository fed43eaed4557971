package conformance

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/certtest"
)

// Where things are.
var (
	lan4, lan6 = netip.MustParsePrefix("192.168.77.1/24"), netip.MustParsePrefix("fd77::1/64")
	wan4, wan6 = netip.MustParsePrefix("45.45.45.254/24"), netip.MustParsePrefix("2a45::fe/64")
)

func lan(family, n int) netip.Addr  { return host(family, lan4, lan6, n) }
func wide(family, n int) netip.Addr { return host(family, wan4, wan6, n) }

// host is the address with a number in one of two networks.
func host(family int, v4, v6 netip.Prefix, n int) netip.Addr {
	if family == 6 {
		b := v6.Addr().As16()
		b[15] = byte(n)
		return netip.AddrFrom16(b)
	}
	b := v4.Addr().As4()
	b[3] = byte(n)
	return netip.AddrFrom4(b)
}

// thing is a device of the home.
type thing struct {
	*namespace
	mac    net.HardwareAddr
	number int
}

// house is a home: a gateway, its devices, and an Internet.
type house struct {
	receiver
	t        *testing.T
	gateway  *namespace
	internet *namespace
	dir      string
	root     *certtest.Holder // who vouches for servers
	anchor   *certtest.Holder // who vouches for signers
	flags    []string
	process  *exec.Cmd
	log      bytes.Buffer
	names    names
}

// program is the gateway’s; it is built once.
var program = sync.OnceValues(func() (string, error) {
	if name := os.Getenv("CONFORMANCE_PROGRAM"); name != "" {
		return name, nil
	}
	dir, err := os.MkdirTemp("", "plimsoll-conformance-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "plimsoll")
	cmd := exec.Command("go", "build", "-o", name, "plimsoll.example/plimsoll/cmd/plimsoll")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is given to people
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w: %s", err, out)
	}
	return name, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if name, err := program(); err == nil && os.Getenv("CONFORMANCE_PROGRAM") == "" {
		_ = os.RemoveAll(filepath.Dir(name))
	}
	os.Exit(code)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves the houses out: they take a minute")
	}
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root here")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the program %s is missing", tool)
		}
	}
	h := &house{t: t, gateway: newNamespace(t, "gateway"), internet: newNamespace(t, "internet"), dir: t.TempDir()}
	g := h.gateway
	g.ip(t, "link add br0 type bridge")
	g.ip(t, "link add wan0 type veth peer name eth0 netns "+h.internet.path())
	for _, name := range []string{"bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables", "bridge/bridge-nf-call-arptables"} {
		g.set(t, name, "0")
	}
	for _, n := range []*namespace{g, h.internet} {
		for _, i := range []string{"all", "default", "br0", "wan0", "eth0"} {
			n.set(t, "ipv6/conf/"+i+"/accept_dad", "0")
		}
	}
	g.set(t, "ipv4/ip_forward", "1")
	g.set(t, "ipv6/conf/all/forwarding", "1")
	g.ip(t, "link set br0 up")
	g.ip(t, "link set wan0 up")
	for _, p := range []netip.Prefix{lan4, lan6} {
		g.ip(t, "addr add "+p.String()+" dev br0 "+nodad(p))
	}
	for _, p := range []netip.Prefix{wan4, wan6} {
		g.ip(t, "addr add "+p.String()+" dev wan0 "+nodad(p))
	}
	i := h.internet
	i.ip(t, "link set eth0 up")
	for _, n := range []int{1, 10, 11, 12, 20, 21, 22, 23, 24, 30, 53} {
		for _, f := range []int{4, 6} {
			a := wide(f, n)
			p := netip.PrefixFrom(a, map[int]int{4: 24, 6: 64}[f])
			i.ip(t, "addr add "+p.String()+" dev eth0 "+nodad(p))
		}
	}
	i.ip(t, "route add "+lan4.Masked().String()+" via "+wan4.Addr().String())
	i.ip(t, "-6 route add "+lan6.Masked().String()+" via "+wan6.Addr().String())
	g.ip(t, "route add default via "+wide(4, 1).String())
	g.ip(t, "-6 route add default via "+wide(6, 1).String())
	h.root, h.anchor = certtest.Issue(t, nil, "web root", nil), certtest.Issue(t, nil, "signing root", nil)
	h.names.serve(t, i, netip.AddrPortFrom(wide(4, 53), 53))
	h.flags = []string{
		"home", "run", "--lan", "br0", "--wan", "wan0", "--mode", "hold", "--rehearsal", "0s", "--state", h.dir, "--socket", h.socket(),
		"--anchors", save(t, h.anchor, h.dir, "anchors.pem"), "--roots", save(t, h.root, h.dir, "roots.pem"), "--allow", "45.45.45.0/24",
		"--upstream", wide(4, 53).String(), "--inbound",
	}
	return h
}

func nodad(p netip.Prefix) string {
	if p.Addr().Is6() {
		return "nodad"
	}
	return ""
}

func (h *house) socket() string { return filepath.Join(h.dir, "control") }

// add brings a device into the home. It is not heard of before it does something.
func (h *house) add(name string, number int) *thing {
	t := h.t
	t.Helper()
	d := &thing{namespace: newNamespace(t, name), number: number}
	h.gateway.ip(t, "link add p-"+name+" type veth peer name eth0 netns "+d.path())
	h.gateway.ip(t, "link set p-"+name+" master br0")
	h.gateway.ip(t, "link set p-"+name+" up")
	d.mac = net.HardwareAddr{0x3c, 0x71, 0xbf, 0, 0, byte(number)}
	d.set(t, "ipv6/conf/all/accept_dad", "0")
	d.set(t, "ipv6/conf/default/accept_dad", "0")
	d.ip(t, "link set eth0 address "+d.mac.String())
	d.ip(t, "link set eth0 up")
	for _, f := range []int{4, 6} {
		p := netip.PrefixFrom(lan(f, number), map[int]int{4: 24, 6: 64}[f])
		d.ip(t, "addr add "+p.String()+" dev eth0 "+nodad(p))
	}
	d.ip(t, "route add default via "+lan4.Addr().String())
	d.ip(t, "-6 route add default via "+lan6.Addr().String())
	return d
}

// start starts the gateway, and waits until it says that it runs.
func (h *house) start() {
	t := h.t
	t.Helper()
	name, err := program()
	if err != nil {
		t.Fatal(err)
	}
	h.process = exec.Command(name, h.flags...)
	h.process.Stderr = &h.log
	if err := h.gateway.do(h.process.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the gateway’s log:\n%s", h.log.String())
		}
	})
	h.until("the gateway runs", func() bool { return h.ask(nil, "status") == nil })
	h.until("the gateway resolves names", func() bool {
		_, err := (&thing{namespace: h.gateway}).lookUp("cloud.maker.example", 4)
		return err == nil
	})
}

// stop ends the gateway.
func (h *house) stop(signal syscall.Signal) {
	if h.process == nil {
		return
	}
	_ = h.process.Process.Signal(signal)
	_ = h.process.Wait()
	h.process = nil
}

// ask calls the program’s verbs, and reads what they print into v.
func (h *house) ask(v any, args ...string) error {
	name, err := program()
	if err != nil {
		return err
	}
	cmd := exec.Command(name, append([]string{"home"}, append(args, "--json", "--socket", h.socket())...)...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, complaint.String())
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(out.Bytes(), v)
}

// known is what the gateway says of a device.
type known struct {
	State     string
	File, URL string
	Addresses []string
	MACs      []string
	MUD       []struct{ URL, Via string }
}

func (h *house) device(d *thing) (k known) {
	var list struct{ Devices []known }
	if err := h.ask(&list, "devices"); err != nil {
		h.t.Fatal(err)
	}
	for _, x := range list.Devices {
		for _, m := range x.MACs {
			if m == d.mac.String() {
				return x
			}
		}
	}
	return k
}

// until waits until something is so.
func (h *house) until(what string, so func() bool) {
	h.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if so() {
			return
		}
	}
	h.t.Fatalf("%s: not within 15 s\n%s", what, h.log.String())
}

// rules is the gateway’s table, as nft lists it.
func (h *house) rules() string {
	var out []byte
	_ = h.gateway.do(func() (err error) {
		out, err = exec.Command("nft", "list", "table", "inet", "plimsoll").Output()
		return err
	})
	return string(out)
}

// dhcp has the device say something by DHCP: 3 to have its address, with its MUD URL, 7 to give it back (RFC 2131).
func (d *thing) dhcp(t *testing.T, kind byte, url string) {
	t.Helper()
	address := lan(4, d.number).AsSlice()
	m := make([]byte, 236, 600)
	m[0], m[1], m[2] = 1, 1, 6
	binary.BigEndian.PutUint32(m[4:], 0x77000000|uint32(d.number))
	copy(m[28:], d.mac)
	if kind == 7 {
		copy(m[12:], address)
	}
	m = append(m, 99, 130, 83, 99, 53, 1, kind)
	if kind != 7 {
		m = append(append(m, 50, 4), address...)
	}
	m = append(append(m, 12, byte(len(d.name))), d.name...)
	if url != "" {
		m = append(append(m, 161, byte(len(url))), url...)
	}
	m = append(m, 255)
	err := d.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
			unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "eth0"),
			unix.Bind(fd, &unix.SockaddrInet4{Port: 68}),
			unix.Sendto(fd, m, 0, &unix.SockaddrInet4{Port: 67, Addr: [4]byte{255, 255, 255, 255}}))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lease has the DHCP server of the home give a device its address for a time (RFC 2131).
func (h *house) lease(d *thing, seconds uint32) {
	h.t.Helper()
	m := make([]byte, 236, 600)
	m[0], m[1], m[2] = 2, 1, 6
	binary.BigEndian.PutUint32(m[4:], 0x77000000|uint32(d.number))
	copy(m[16:], lan(4, d.number).AsSlice())
	copy(m[28:], d.mac)
	m = append(m, 99, 130, 83, 99, 53, 1, 5, 54, 4)
	m = append(append(m, lan(4, 1).AsSlice()...), 51, 4)
	m = append(binary.BigEndian.AppendUint32(m, seconds), 255)
	err := h.gateway.do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
			unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "br0"),
			unix.Bind(fd, &unix.SockaddrInet4{Port: 67}),
			unix.Sendto(fd, m, 0, &unix.SockaddrInet4{Port: 68, Addr: [4]byte{255, 255, 255, 255}}))
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// lookUp asks the gateway where a name leads.
func (d *thing) lookUp(name string, family int) (list []netip.Addr, err error) {
	var conn net.Conn
	err = d.do(func() (err error) {
		conn, err = net.DialTimeout("udp", netip.AddrPortFrom(lan(4, 1), 53).String(), time.Second)
		return err
	})
	if err != nil {
		return nil, err
	}
	c := &dns.Conn{Conn: conn}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(4 * time.Second))
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), map[int]uint16{4: dns.TypeA, 6: dns.TypeAAAA}[family])
	if err := c.WriteMsg(q); err != nil {
		return nil, err
	}
	answer, err := c.ReadMsg()
	if err != nil {
		return nil, err
	}
	for _, rr := range answer.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			a, _ := netip.AddrFromSlice(rr.A.To4())
			list = append(list, a)
		case *dns.AAAA:
			a, _ := netip.AddrFromSlice(rr.AAAA)
			list = append(list, a)
		}
	}
	if answer.Rcode != dns.RcodeSuccess {
		return nil, errors.New(dns.RcodeToString[answer.Rcode])
	}
	return list, nil
}

// names is the DNS of the Internet.
type names struct {
	mu    sync.Mutex
	known map[string][]netip.Addr
}

func (n *names) lead(name string, to ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string][]netip.Addr{}
	}
	n.known[name] = to
}

func (n *names) serve(t *testing.T, in *namespace, at netip.AddrPort) {
	t.Helper()
	err := in.do(func() error {
		u, err := net.ListenPacket("udp", at.String())
		if err != nil {
			return err
		}
		s := &dns.Server{PacketConn: u, Handler: n}
		go func() { _ = s.ActivateAndServe() }()
		t.Cleanup(func() { _ = u.Close() })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (n *names) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	n.mu.Lock()
	defer n.mu.Unlock()
	list, ok := n.known[strings.ToLower(strings.TrimSuffix(q.Question[0].Name, "."))]
	if !ok {
		m.Rcode = dns.RcodeNameError
	}
	for _, a := range list {
		h := dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}
		switch {
		case a.Is4() && q.Question[0].Qtype == dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: h, A: a.AsSlice()})
		case a.Is6() && q.Question[0].Qtype == dns.TypeAAAA:
			h.Rrtype = dns.TypeAAAA
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: h, AAAA: a.AsSlice()})
		}
	}
	_ = w.WriteMsg(m)
}

// hello has a device say something to the gateway, under an address.
func (d *thing) hello(from netip.Addr) {
	family := 4
	if from.Is6() {
		family = 6
	}
	_ = d.do(func() error {
		c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(lan(family, 1), 9)))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("hello"))
		return err
	})
}
