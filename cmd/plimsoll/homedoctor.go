package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/enforce"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/nft"
)

// Verdict is how one thing is that the gateway needs.
type verdict string

const (
	fine    verdict = "ok"
	suspect verdict = "warning" // it works, with something that a person should know
	broken  verdict = "problem" // it cannot work so
)

// examined is what the doctor says of one thing. The catalogue has what to do, under home.doctor.NAME.
type examined struct {
	Name    string  `json:"name"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail,omitempty"`
	Do      string  `json:"do,omitempty"`
}

// diagnosis is what `home doctor --json` prints.
type diagnosis struct {
	Schema string     `json:"schema"`
	Checks []examined `json:"checks"`
}

type doctor struct {
	env
	words    *locale.Catalogue
	lan, wan string
	state    string
	port     uint16
}

func newHomeDoctor(e env, words *locale.Catalogue) *cobra.Command {
	d := doctor{env: e, words: words, port: 53}
	asJSON := false
	c := &cobra.Command{Use: "doctor", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		x := diagnosis{Schema: "plimsoll.home.doctor/1", Checks: d.examine(c.Context())}
		if err := d.tell(x, asJSON); err != nil {
			return err
		}
		for _, k := range x.Checks {
			if k.Verdict == broken {
				return &fault{key: "error.home.doctor"}
			}
		}
		return nil
	}}
	f := c.Flags()
	f.StringVar(&d.lan, "lan", "", "")
	f.StringVar(&d.wan, "wan", "", "")
	f.StringVar(&d.state, "state", "", "")
	f.Func("dns-port", "", func(s string) (err error) {
		d.port, err = parsePort(s)
		return err
	})
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

func (d *doctor) tell(x diagnosis, asJSON bool) error {
	for i := range x.Checks {
		if k := &x.Checks[i]; k.Verdict != fine {
			k.Do = d.words.Text("home.doctor." + k.Name)
		}
	}
	if asJSON {
		return printJSON(d.out, x)
	}
	r := remote{env: d.env}
	var lines []string
	for _, k := range x.Checks {
		lines = append(lines, fmt.Sprintf("%-10s %-14s %s", d.words.Text("home.verdict."+string(k.Verdict)), k.Name, k.Detail))
		if k.Do != "" {
			lines = append(lines, "           "+k.Do)
		}
	}
	return r.print(lines)
}

// examine looks at everything that a gateway needs. It changes nothing that lasts.
func (d *doctor) examine(ctx context.Context) []examined {
	list := []examined{d.privileges(), d.tool(ctx), d.kernel(ctx)}
	for _, f := range []func(context.Context) (examined, bool){
		d.bridgeFilter, d.forwarding, d.interfaces, d.neighbours, d.others, d.resolvers, d.clock, d.folder, d.offload,
	} {
		if x, ok := f(ctx); ok {
			list = append(list, x)
		}
	}
	return list
}

func (d *doctor) privileges() examined {
	x := examined{Name: "privileges", Verdict: fine}
	data := make([]unix.CapUserData, 2)
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
		return examined{x.Name, broken, err.Error(), ""}
	}
	for _, c := range []struct {
		name string
		bit  uint
	}{{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN}, {"CAP_NET_BIND_SERVICE", unix.CAP_NET_BIND_SERVICE}, {"CAP_NET_RAW", unix.CAP_NET_RAW}} {
		if data[c.bit/32].Effective>>(c.bit%32)&1 == 0 {
			x.Verdict = broken
			x.Detail += c.name + " "
		}
	}
	return x
}

var toolVersion = regexp.MustCompile(`v(\d+)\.(\d+)\.(\d+)`)

func (d *doctor) tool(ctx context.Context) examined {
	out, err := exec.CommandContext(ctx, "nft", "--version").Output()
	if err != nil {
		return examined{"nft", broken, err.Error(), ""}
	}
	x := examined{"nft", fine, strings.TrimSpace(string(out)), ""}
	var major, minor, patch int
	if m := toolVersion.FindString(x.Detail); m != "" {
		_, _ = fmt.Sscanf(m, "v%d.%d.%d", &major, &minor, &patch)
	}
	if major*10000+minor*100+patch < 10002 {
		x.Verdict = broken
	}
	return x
}

// probe is a table with all that the rules use of the kernel. nft checks it in the kernel, and loads nothing.
const probe = `table inet plimsoll_probe {
	set s { type ipv4_addr . inet_proto . inet_service; flags timeout; }
	set d { type ether_addr; size 16; flags dynamic; }
	map m { type ether_addr : verdict; }
	chain f {
		type filter hook forward priority 0;
		ct state established accept
		ip daddr . meta l4proto . th dport @s accept
		update @d { ether saddr limit rate over 10/second burst 5 packets } drop
		ether saddr vmap @m
		fib daddr type local accept
		meta l4proto tcp reject with tcp reset
	}
	chain n {
		type nat hook prerouting priority -110;
		meta l4proto tcp redirect to :53
	}
}
table bridge plimsoll_probe {
	chain f {
		type filter hook forward priority 0;
		ether type ip accept
	}
}
table arp plimsoll_probe {
	chain f {
		type filter hook input priority 0;
		arp saddr ip 192.0.2.1 drop
	}
}
`

func (d *doctor) kernel(ctx context.Context) examined {
	for _, part := range strings.SplitAfter(probe, "\n}\n") { // a family the kernel lacks is told by itself
		cmd := exec.CommandContext(ctx, "nft", "--check", "-f", "-")
		cmd.Stdin = strings.NewReader(part)
		if out, err := cmd.CombinedOutput(); err != nil {
			line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			return examined{"kernel", broken, line, ""}
		}
	}
	return examined{Name: "kernel", Verdict: fine}
}

// bridgeFilter: with br_netfilter, what stays on a bridge goes through the rules for what is routed too.
func (d *doctor) bridgeFilter(context.Context) (examined, bool) {
	x := examined{Name: "br_netfilter", Verdict: fine}
	for _, name := range []string{"iptables", "ip6tables", "arptables"} {
		if v, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-" + name); err == nil && strings.TrimSpace(string(v)) != "0" {
			x.Verdict = suspect
			x.Detail += "bridge-nf-call-" + name + "=1 "
		}
	}
	return x, true
}

func (d *doctor) forwarding(context.Context) (examined, bool) {
	x := examined{Name: "forwarding", Verdict: fine}
	for _, name := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		if v, err := os.ReadFile("/proc/sys/net/" + name); err == nil && strings.TrimSpace(string(v)) == "0" {
			x.Verdict = suspect
			x.Detail += strings.ReplaceAll(name, "/", ".") + "=0 "
		}
	}
	return x, true
}

func (d *doctor) interfaces(context.Context) (examined, bool) {
	x := examined{Name: "interfaces", Verdict: fine}
	for _, name := range []string{d.lan, d.wan} {
		if name == "" {
			continue
		}
		i, err := net.InterfaceByName(name)
		switch {
		case err != nil:
			x.Verdict = broken
			x.Detail += name + ": " + err.Error() + " "
		case i.Flags&net.FlagUp == 0:
			x.Verdict = suspect
			x.Detail += name + ": down "
		}
	}
	return x, d.lan != "" || d.wan != ""
}

// neighbours: what devices exchange without passing a port of ours, nobody here sees.
func (d *doctor) neighbours(context.Context) (examined, bool) {
	x := examined{Name: "neighbours", Verdict: fine}
	n, err := enforce.Look(d.lan, d.wan)
	if d.lan == "" || err != nil {
		return x, false // that is told already
	}
	ports, err := nft.Ports(d.lan)
	switch {
	case !n.Bridge:
		x.Verdict, x.Detail = suspect, d.lan+": no bridge"
	case err != nil:
		x.Verdict, x.Detail = suspect, err.Error()
	case len(ports) < 2:
		x.Verdict, x.Detail = suspect, fmt.Sprintf("%s: %d port", d.lan, len(ports))
	default:
		x.Detail = d.lan + ": " + strings.Join(ports, " ")
	}
	return x, true
}

var baseChain = regexp.MustCompile(`type (filter|nat|route) hook (forward|prerouting|input)`)

// others are the firewalls that are here already. They go on as they are: a packet passes if all of them let it.
func (d *doctor) others(ctx context.Context) (examined, bool) {
	out, err := exec.CommandContext(ctx, "nft", "-t", "list", "ruleset").Output()
	if err != nil {
		return examined{}, false
	}
	x := examined{Name: "firewalls", Verdict: fine}
	table := ""
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) >= 3 && f[0] == "table" {
			table = f[1] + " " + f[2]
		}
		if baseChain.MatchString(line) && !strings.HasSuffix(table, " "+nft.Table) && !strings.Contains(x.Detail, table) {
			x.Verdict = suspect
			x.Detail += table + "; "
		}
	}
	return x, true
}

// resolvers: another one may have the port.
func (d *doctor) resolvers(context.Context) (examined, bool) {
	x := examined{Name: "resolver", Verdict: fine}
	at := netip.AddrPortFrom(netip.IPv4Unspecified(), d.port)
	if i, err := net.InterfaceByName(d.lan); d.lan != "" && err == nil {
		list, _ := i.Addrs()
		for _, a := range list {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
				at = netip.AddrPortFrom(p.Addr(), d.port)
			}
		}
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	switch {
	case err == nil:
		_ = c.Close()
	case errors.Is(err, unix.EADDRINUSE):
		if c, err := net.Dial("unix", socketPath("", d.getenv)); err == nil {
			_ = c.Close()
			return x, true // it is ours, most likely
		}
		x.Verdict, x.Detail = broken, at.String()
	default:
		x.Verdict, x.Detail = suspect, err.Error()
	}
	return x, d.port != 0
}

func (d *doctor) clock(context.Context) (examined, bool) {
	x := examined{Name: "clock", Verdict: fine, Detail: time.Now().UTC().Format(time.DateTime) + " UTC"}
	if time.Now().Before(floor()) {
		x.Verdict = broken
	}
	return x, true
}

// roomNeeded is the disk space below which the doctor warns, octets.
const roomNeeded = 256 << 20

func (d *doctor) folder(context.Context) (examined, bool) {
	dir := stateDir(d.state, d.getenv)
	x := examined{Name: "disk", Verdict: fine, Detail: dir}
	at := dir
	for { // the nearest folder that is there
		if _, err := os.Stat(at); err == nil || !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(at, &s); err != nil {
		return examined{x.Name, broken, err.Error(), ""}, true
	}
	if free := s.Bavail * uint64(s.Bsize); free < roomNeeded {
		x.Verdict, x.Detail = suspect, dir+": "+d.words.Size(locale.Octets(free))
	}
	if unix.Access(at, unix.W_OK) != nil || s.Flags&unix.ST_RDONLY != 0 {
		x.Verdict = broken
	}
	return x, true
}

// offload: flows that bypass the rules are neither seen nor stopped.
func (d *doctor) offload(ctx context.Context) (examined, bool) {
	out, err := exec.CommandContext(ctx, "nft", "list", "flowtables").Output()
	if err != nil {
		return examined{}, false
	}
	x := examined{Name: "offload", Verdict: fine}
	if strings.Contains(string(out), "flowtable ") {
		x.Verdict = suspect
	}
	return x, true
}
