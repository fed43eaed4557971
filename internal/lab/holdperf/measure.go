//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// file is what one device may do: fifty services, each of another peer.
func file(i int) *mud.File {
	acl := mud.ACL{Name: "from"}
	for j := range entries {
		acl.ACEs = append(acl.ACEs, mud.ACE{Name: strconv.Itoa(j), Action: mud.Accept, Matches: mud.Matches{
			IPv4: &mud.IP{Destination: netip.PrefixFrom(peer(i, j), 32)}, UDP: &mud.UDP{Destination: &mud.Ports{Operator: mud.Equal, Port: portOf(j)}},
		}})
	}
	for _, more := range []mud.Matches{
		{IPv4: &mud.IP{DestinationDNSName: "*.fresh.example"}, UDP: &mud.UDP{Destination: &mud.Ports{Operator: mud.Equal, Port: 443}}},
		{IPv4: &mud.IP{Destination: netip.MustParsePrefix("10.3.0.2/32")}, TCP: &mud.TCP{Destination: &mud.Ports{Operator: mud.Equal, Port: 5201}}},
	} {
		acl.ACEs = append(acl.ACEs, mud.ACE{Name: "more", Action: mud.Accept, Matches: more})
	}
	return &mud.File{URL: "https://things.example/" + strconv.Itoa(i), FromDevice: []string{"from"}, ACLs: []mud.ACL{acl}}
}

func compile(i int, f *mud.File) *policy.Policy {
	return policy.Compile(f, &policy.Context{
		Device: policy.Device{MAC: mac(i), Addresses: []netip.Addr{address(i)}, URL: f.URL},
		Local:  []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Gateway: []netip.Addr{netip.MustParseAddr("10.1.0.1")},
	})
}

func gateway() *nft.Gateway {
	g := &nft.Gateway{
		LAN: []nft.Link{{Name: "lan0"}, {Name: "dev0"}}, WAN: []string{"net0", "srv0"}, Own: []netip.Addr{netip.MustParseAddr("10.1.0.1")},
		Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/24")}, Resolver: nft.Resolver{Port: 53}, Page: 8080,
		Ceilings: nft.Ceilings{New: 50_000_000, Small: 50_000_000}, // counted like any, and never reached
	}
	for i := range devices {
		g.Devices = append(g.Devices, nft.Device{MAC: mac(i), Addresses: []netip.Addr{address(i)}, Treatment: nft.Held, Policy: compile(i, file(i))})
	}
	return g
}

// The rulesets beside which Plimsoll's stands. Connections are tracked beside each.
const (
	passing   = "table inet other {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tct state established,related accept\n\t\taccept\n\t}\n}\n"
	stateless = "table inet other {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\taccept\n\t}\n}\n"
)

// translation is what every home gateway has, whatever else it does: connections are tracked, and addresses translated.
// No packet here meets the rule, so that they can be told apart.
const translation = "table ip translation {\n\tchain out {\n\t\ttype nat hook postrouting priority srcnat;\n\t\toifname nowhere masquerade\n\t}\n}\n"

// linear is the same services as a list of rules.
func linear() string {
	var b strings.Builder
	b.WriteString("table inet other {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tiifname { net0, srv0 } ct state established,related accept\n")
	for i := range devices {
		for j := range entries {
			fmt.Fprintf(&b, "\t\tether saddr %s ip daddr %s udp dport %d accept\n", mac(i), peer(i, j), portOf(j))
		}
	}
	b.WriteString("\t\tether saddr " + mac(0).String() + " tcp dport 5201 accept\n\t}\n}\n")
	return b.String()
}

// ruleset is one that is measured.
type ruleset struct {
	name string
	load func(context.Context) error
}

const (
	accepting = iota
	untracked
	ours
	list
	rulesets
)

func measure(ctx context.Context, rounds int, out io.Writer) error {
	if err := house(ctx); err != nil {
		return err
	}
	if err := command(ctx, translation, "nft", "-f", "-"); err != nil {
		return err
	}
	k, err := nft.Open("")
	if err != nil {
		return err
	}
	lan, err := newTap("lan1")
	if err != nil {
		return err
	}
	wan, err := newTap("net1")
	if err != nil {
		return err
	}
	g := gateway()
	other := func(text string) func(context.Context) error {
		return func(ctx context.Context) error {
			return errors.Join(k.Remove(ctx), command(ctx, "table inet other\ndelete table inet other\n"+text, "nft", "-f", "-"))
		}
	}
	all := [rulesets]ruleset{
		{"accept-only", other(passing)},
		{"accept-only, states not looked at", other(stateless)},
		{"Plimsoll", func(ctx context.Context) error {
			return errors.Join(command(ctx, "table inet other\ndelete table inet other\n", "nft", "-f", "-"), k.Apply(ctx, g))
		}},
		{"linear list", other(linear())},
	}
	answered, asked := traffic(lan, wan, 7000), traffic(lan, wan, 17000)
	tcp, err := newStream(ctx)
	if err != nil {
		return err
	}
	defer tcp.close()
	var established, beginning, bulk [rulesets][]float64
	for range rounds {
		for n, r := range all {
			if err := r.load(ctx); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if err := answered.open(lan, wan); err != nil {
				return err
			}
			for _, x := range []struct {
				of   *flows
				into *[]float64
			}{{answered, &established[n]}, {asked, &beginning[n]}} {
				rate, err := pour(lan, x.of.there, "net1", 700*time.Millisecond)
				if err != nil {
					return err
				}
				*x.into = append(*x.into, rate)
			}
			rate, err := tcp.run()
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			bulk[n] = append(bulk[n], rate)
		}
	}
	fmt.Fprintf(out, "| ruleset | small packets of conversations, k/s | in times of accept-only | that begin, k/s | in times of accept-only | TCP, Gbit/s | in times of accept-only |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for n, r := range all {
		fmt.Fprintf(out, "| %s | %.0f | %s | %.0f | %s | %.1f | %s |\n", r.name, median(established[n])/1e3, ratio(established[n], established[accepting]),
			median(beginning[n])/1e3, ratio(beginning[n], beginning[accepting]), median(bulk[n])/1e9, ratio(bulk[n], bulk[accepting]))
	}
	fmt.Fprintln(out)
	if err := all[ours].load(ctx); err != nil {
		return err
	}
	rows, err := changes(ctx, k, g, lan, wan, rounds)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "| what | measured | bar |\n| --- | ---: | ---: |\n%s", rows)
	fmt.Fprintf(out, "\n%s: %d devices × %d entries; Linux %s, %d cores, %s. Medians of %d rounds, in which the rulesets take turns.\n",
		time.Now().Format(date), devices, entries, release(), runtime.NumCPU(), runtime.Version(), rounds)
	return k.Remove(ctx)
}

func release() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(b))
}

func median[T ~float64 | ~int64](list []T) T {
	s := slices.Sorted(slices.Values(list))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// ratio is the median of those of one round, which share their noise.
func ratio(a, b []float64) string {
	var list []float64
	for i := range a {
		list = append(list, a[i]/b[i])
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(list), slices.Min(list), slices.Max(list))
}

// flows are conversations of all devices: each with ten of its peers.
type flows struct{ there, back []*batch }

func traffic(_, _ *tap, base uint16) *flows {
	lan0, _ := net.InterfaceByName("lan0")
	net0, _ := net.InterfaceByName("net0")
	var there, back [][]byte
	for j := 0; j < entries; j += 5 {
		for i := range devices {
			src, dst := netip.AddrPortFrom(address(i), base+uint16(j)), netip.AddrPortFrom(peer(i, j), portOf(j))
			there = append(there, datagram(mac(i), [6]byte(lan0.HardwareAddr), src, dst, 0))
			back = append(back, datagram(peerMAC, [6]byte(net0.HardwareAddr), dst, src, 0))
		}
	}
	f := &flows{}
	for part := range slices.Chunk(there, 50) {
		f.there = append(f.there, newBatch(part))
	}
	for part := range slices.Chunk(back, 50) {
		f.back = append(f.back, newBatch(part))
	}
	return f
}

// open begins and answers each conversation.
func (f *flows) open(lan, wan *tap) error {
	for i := range f.there {
		if err := lan.send(f.there[i]); err != nil {
			return err
		}
		time.Sleep(500 * time.Microsecond)
		if err := wan.send(f.back[i]); err != nil {
			return err
		}
		time.Sleep(200 * time.Microsecond)
	}
	return nil
}

// changes measures how fast the rules change, and what is lost meanwhile.
func changes(ctx context.Context, k *nft.Kernel, g *nft.Gateway, lan, wan *tap, rounds int) (string, error) {
	var rows strings.Builder
	row := func(what, measured, bar string) { fmt.Fprintf(&rows, "| %s | %s | %s |\n", what, measured, bar) }
	timed := func(f func() error) (time.Duration, error) {
		start := time.Now()
		err := f()
		return time.Since(start), err
	}
	span := func(list []time.Duration) string {
		return fmt.Sprintf("%.1f ms (%.1f–%.1f)", ms(median(list)), ms(slices.Min(list)), ms(slices.Max(list)))
	}
	var first, one []time.Duration
	for range rounds {
		if err := k.Remove(ctx); err != nil {
			return "", err
		}
		d, err := timed(func() error { return k.Apply(ctx, g) })
		if err != nil {
			return "", err
		}
		first = append(first, d)
	}
	row("first load", span(first), "200 ms")
	for n := range 5 * rounds {
		f := file(7)
		f.ACLs[0].ACEs = f.ACLs[0].ACEs[n%25:]
		g.Devices[7].Policy = compile(7, f)
		d, err := timed(func() error { return k.Apply(ctx, g) })
		if err != nil {
			return "", err
		}
		one = append(one, d)
	}
	row("change of one device", span(one), "20 ms")

	lost, sent, swaps, err := swapping(ctx, k, g, lan)
	if err != nil {
		return "", err
	}
	row(fmt.Sprintf("packets of another device lost in %d changes and %d loads of everything, of %d", swaps, swaps/4, sent), strconv.FormatUint(lost, 10), "0")

	var commit []time.Duration
	lan0, _ := net.InterfaceByName("lan0")
	before, err := received("net1")
	if err != nil {
		return "", err
	}
	const fresh = 10_000
	for n := range fresh {
		a := netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})
		d, err := timed(func() error {
			return k.Commit(ctx, mac(n%devices), []string{"n" + strconv.Itoa(n) + ".fresh.example"}, []netip.Addr{a}, time.Now().Add(5*time.Minute))
		})
		if err != nil {
			return "", err
		}
		commit = append(commit, d)
		b := newBatch([][]byte{datagram(mac(n%devices), [6]byte(lan0.HardwareAddr), netip.AddrPortFrom(address(n%devices), 30000), netip.AddrPortFrom(a, 443), uint32(n))})
		if err := lan.send(b); err != nil {
			return "", err
		}
	}
	after, err := settled("net1", before+fresh)
	if err != nil {
		return "", err
	}
	slices.Sort(commit)
	row("answer of DNS to standing rule, p99", fmt.Sprintf("%.2f ms (median %.2f)", ms(commit[fresh*99/100]), ms(median(commit))), "2 ms")
	row(fmt.Sprintf("first packets lost, of %d fresh names connected to at once", fresh), strconv.Itoa(int(fresh)-int(after-before)), "0")

	var silence []time.Duration
	for range rounds {
		d, err := revoking(ctx, k, g, lan)
		if err != nil {
			return "", err
		}
		silence = append(silence, d)
	}
	row("revocation to silence of live conversations", span(silence), "100 ms")
	return rows.String(), nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// steady sends packets of one device at a steady rate until told to stop, and counts them.
func steady(lan *tap, i int, done *atomic.Bool) (sent uint64) {
	lan0, _ := net.InterfaceByName("lan0")
	b := newBatch([][]byte{datagram(mac(i), [6]byte(lan0.HardwareAddr), netip.AddrPortFrom(address(i), 31000), netip.AddrPortFrom(peer(i, 0), portOf(0)), 0)})
	for !done.Load() { // what was missed is not caught up with: a burst may be more than a queue holds
		for range 4 {
			if lan.send(b) != nil {
				return sent
			}
			sent++
		}
		time.Sleep(150 * time.Microsecond)
	}
	return sent
}

// swapping counts what is lost of one device while the rules of another change.
func swapping(ctx context.Context, k *nft.Kernel, g *nft.Gateway, lan *tap) (lost, sent uint64, swaps int, err error) {
	before, err := received("net1")
	if err != nil {
		return
	}
	var done atomic.Bool
	count := make(chan uint64)
	go func() { count <- steady(lan, 3, &done) }()
	for swaps = range 40 {
		f := file(7)
		f.ACLs[0].ACEs = f.ACLs[0].ACEs[swaps%25:]
		g.Devices[7].Policy = compile(7, f)
		if swaps%4 == 3 {
			k.Repair()
		}
		if err = k.Apply(ctx, g); err != nil {
			break
		}
	}
	done.Store(true)
	sent = <-count
	after, e := settled("net1", before+sent)
	if got := after - before; got < sent { // a frame of the kernel’s own, such as ARP, may be among them
		lost = sent - got
	}
	return lost, sent, swaps + 1, errors.Join(err, e)
}

// revoking is how long a device is heard of after it was refused.
func revoking(ctx context.Context, k *nft.Kernel, g *nft.Gateway, lan *tap) (time.Duration, error) {
	var done atomic.Bool
	count := make(chan uint64)
	go func() { count <- steady(lan, 5, &done) }()
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	applied := make(chan error, 1)
	was := g.Devices[5]
	g.Devices[5] = nft.Device{MAC: was.MAC, Addresses: was.Addresses, Treatment: nft.Refused}
	go func() { applied <- k.Apply(ctx, g) }()
	last, heard := start, uint64(0)
	for time.Since(last) < 60*time.Millisecond {
		n, err := received("net1")
		if err != nil {
			return 0, err
		}
		if n != heard {
			heard, last = n, time.Now()
		}
		time.Sleep(200 * time.Microsecond)
	}
	err := <-applied
	done.Store(true)
	<-count
	g.Devices[5] = was
	return last.Sub(start), errors.Join(err, k.Apply(ctx, g))
}
