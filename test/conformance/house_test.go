package conformance

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
	"plimsoll.example/plimsoll/internal/frame"
)

// Where things are.
var (
	lan4, lan6 = netip.MustParsePrefix("192.168.76.1/22"), netip.MustParsePrefix("fd77::1/64")
	wan4, wan6 = netip.MustParsePrefix("45.45.45.254/24"), netip.MustParsePrefix("2a45::fe/64")

	routerMAC = frame.MAC{2, 0, 0x77, 0, 0, 1} // of br0
	wanMAC    = frame.MAC{2, 0, 0x77, 0, 0, 2} // of wan0
)

func lan(family, n int) netip.Addr  { return host(family, lan4, lan6, n) }
func wide(family, n int) netip.Addr { return host(family, wan4, wan6, n) }

// host is the address with a number, less than a thousand, in one of two networks.
func host(family int, v4, v6 netip.Prefix, n int) netip.Addr {
	if family == 6 {
		b := v6.Addr().As16()
		b[14], b[15] = byte(n>>8), byte(n)
		return netip.AddrFrom16(b)
	}
	b := v4.Addr().As4()
	b[2], b[3] = b[2]+byte(n>>8), byte(n)
	return netip.AddrFrom4(b)
}

// within is an address with the length of its network’s prefix.
func within(a netip.Addr) netip.Prefix {
	for _, p := range []netip.Prefix{lan4, lan6, wan4, wan6} {
		if p.Contains(a) {
			return netip.PrefixFrom(a, p.Bits())
		}
	}
	panic("no network has " + a.String())
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
	run      string           // the folder of the gateway’s socket, in dir
	environ  []string         // of the gateway; nil: that of the test
	root     *certtest.Holder // who vouches for servers
	anchor   *certtest.Holder // who vouches for signers
	flags    []string
	build    string // of the program, if not the whole one
	process  *exec.Cmd
	running  bool // another’s gateway
	log      bytes.Buffer
	names    names
}

func newHouse(t *testing.T) *house {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves the houses out: they take a minute")
	}
	if os.Geteuid() != 0 {
		missing(t, "network namespaces need root here")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "the program "+tool+" is missing")
		}
	}
	h := &house{t: t, gateway: newNamespace(t, "gateway"), internet: newNamespace(t, "internet"), dir: t.TempDir()}
	g, i := h.gateway, h.internet
	g.ip(t, "link add br0 type bridge")
	g.ip(t, "link add wan0 type veth peer name eth0 netns "+i.Path())
	for _, name := range []string{"bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables", "bridge/bridge-nf-call-arptables"} {
		g.set(t, name, "0")
	}
	for _, n := range []*namespace{g, i} {
		for _, dev := range []string{"all", "default", "br0", "wan0", "eth0"} {
			n.set(t, "ipv6/conf/"+dev+"/accept_dad", "0")
		}
	}
	g.set(t, "ipv4/ip_forward", "1")
	g.set(t, "ipv6/conf/all/forwarding", "1")
	lines := []string{
		"link set br0 address " + routerMAC.String(), "link set wan0 address " + wanMAC.String(), "link set br0 up", "link set wan0 up",
	}
	for _, a := range []netip.Prefix{lan4, lan6} {
		lines = append(lines, "addr add "+a.String()+" dev br0 "+nodad(a))
	}
	for _, a := range []netip.Prefix{wan4, wan6} {
		lines = append(lines, "addr add "+a.String()+" dev wan0 "+nodad(a))
	}
	g.batch(t, append(lines, "route add default via "+wide(4, 1).String(), "route add default via "+wide(6, 1).String()))
	lines = []string{"link set eth0 up"}
	for _, f := range []int{4, 6} {
		for _, n := range slices.Concat(span(1, 1), span(10, 14), span(20, 30), span(53, 53), span(100, 149)) {
			p := within(wide(f, n))
			lines = append(lines, "addr add "+p.String()+" dev eth0 "+nodad(p))
		}
	}
	i.batch(t, append(lines,
		"route add "+lan4.Masked().String()+" via "+wan4.Addr().String(), "route add "+lan6.Masked().String()+" via "+wan6.Addr().String()))
	h.root, h.anchor = certtest.Issue(t, nil, "web root", nil), certtest.Issue(t, nil, "signing root", nil)
	for _, f := range []int{4, 6} {
		h.names.serve(t, i, netip.AddrPortFrom(wide(f, 53), 53))
	}
	h.flags = []string{
		"home", "run", "--lan", "br0", "--wan", "wan0", "--mode", "hold", "--rehearsal", "0s", "--state", h.dir, "--socket", h.socket(),
		"--anchors", save(t, h.anchor, h.dir, "anchors.pem"), "--roots", save(t, h.root, h.dir, "roots.pem"),
		"--allow", wan4.Masked().String(), "--allow", wan6.Masked().String(), "--upstream", wide(4, 53).String(), "--inbound",
	}
	return h
}

// missing leaves a test out, unless it must not be.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PLIMSOLL_NETNS") == "require" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// span are the numbers from one to another.
func span(from, to int) (list []int) {
	for n := from; n <= to; n++ {
		list = append(list, n)
	}
	return list
}

func nodad(p netip.Prefix) string {
	if p.Addr().Is6() {
		return "nodad"
	}
	return ""
}

func (h *house) socket() string { return filepath.Join(h.dir, h.run, "control") }

// add brings a device into the home. It is not heard of before it does something.
func (h *house) add(name string, number int) *thing {
	t := h.t
	t.Helper()
	d := &thing{namespace: newNamespace(t, name), number: number}
	h.gateway.batch(t, []string{
		"link add p-" + name + " type veth peer name eth0 netns " + d.Path(), "link set p-" + name + " master br0", "link set p-" + name + " up",
	})
	m := macOf(number)
	d.mac = m[:]
	d.set(t, "ipv6/conf/all/accept_dad", "0")
	d.set(t, "ipv6/conf/default/accept_dad", "0")
	lines := []string{"link set eth0 address " + d.mac.String(), "link set eth0 up"}
	for _, f := range []int{4, 6} {
		p := within(lan(f, number))
		lines = append(lines, "addr add "+p.String()+" dev eth0 "+nodad(p))
	}
	d.batch(t, append(lines, "route add default via "+lan4.Addr().String(), "route add default via "+lan6.Addr().String()))
	d.ready(t, "eth0")
	h.gateway.ready(t, "p-"+name)
	return d
}

// macOf is the link-layer address of the device with a number: one of a maker of parts for things with one purpose.
func macOf(number int) frame.MAC {
	return frame.MAC{0x3c, 0x71, 0xbf, 0, byte(number >> 8), byte(number)}
}

// link is the link-layer address of a device.
func (d *thing) link() frame.MAC { return frame.MAC(d.mac) }

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
