//go:build linux

// Command dnsbench measures how fast the resolver answers, beside other forwarders that are installed: all ask the same
// name server on loopback, which knows every name, and are asked by the same clients, in turn, several times.
//
//	go run ./internal/lab/dnsbench [-runs N] [-time D] [-coredns FILE]
//
// It prints a table of medians, and their ratios to ours. dnsmasq and unbound are looked for in PATH.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"plimsoll.example/plimsoll/internal/resolver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "dnsbench:", err)
		os.Exit(1)
	}
}

// forwarder is a program that is measured.
type forwarder struct {
	name string
	args []string // of the program, with its path
	file string   // name of a file that it reads
	text string
	at   string
}

func run(ctx context.Context, args []string, out, talk io.Writer) error {
	flags := flag.NewFlagSet("dnsbench", flag.ContinueOnError)
	flags.SetOutput(talk)
	runs := flags.Int("runs", 3, "how often each is measured")
	span := flags.Duration("time", 2*time.Second, "how long each measurement takes")
	coredns := flags.String("coredns", "coredns", "the program `FILE`")
	role := flags.String("role", "", "for its own use: responder or resolver")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch *role {
	case "responder":
		return respond(ctx, flags.Arg(0))
	case "resolver":
		return forward(ctx, flags.Arg(0), flags.Arg(1))
	}
	if *runs < 1 || *span <= 0 {
		return errors.New("-runs and -time want more than nothing")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dnsbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	list, err := contestants(self, *coredns, talk)
	if err != nil {
		return err
	}
	for _, f := range list {
		stop, err := f.start(ctx, dir, talk)
		if err != nil {
			return err
		}
		defer stop()
	}
	return measure(ctx, list, *runs, *span, out)
}

// contestants are the responder, which is the upstream of all others, and the forwarders that are here.
func contestants(self, coredns string, talk io.Writer) ([]*forwarder, error) {
	var ports [5]string
	for i := range ports {
		p, err := freePort()
		if err != nil {
			return nil, err
		}
		ports[i] = p
	}
	at := func(i int) string { return "127.0.0.1:" + ports[i] }
	list := []*forwarder{
		{name: "upstream itself", args: []string{self, "-role", "responder", at(0)}, at: at(0)},
		{name: "plimsoll", args: []string{self, "-role", "resolver", at(1), at(0)}, at: at(1)},
	}
	others := []*forwarder{
		{
			name: "dnsmasq", at: at(2),
			args: []string{
				"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=" + ports[2],
				"--listen-address=127.0.0.1", "--bind-interfaces", "--server=127.0.0.1#" + ports[0], "--cache-size=10000",
				"--dns-forward-max=1000", "--user=", "--pid-file=",
			},
		},
		{
			name: "CoreDNS", at: at(3), args: []string{coredns, "-conf", "Corefile"}, file: "Corefile",
			text: fmt.Sprintf(".:%s {\n bind 127.0.0.1\n forward . %s\n cache 3600\n}\n", ports[3], at(0)),
		},
		{
			name: "unbound", at: at(4), args: []string{"unbound", "-d", "-c", "unbound.conf"}, file: "unbound.conf",
			text: fmt.Sprintf("server:\n interface: 127.0.0.1\n port: %s\n num-threads: %d\n so-reuseport: yes\n do-not-query-localhost: no\n"+
				" username: \"\"\n chroot: \"\"\n directory: \"\"\n pidfile: \"\"\n use-syslog: no\n verbosity: 0\n module-config: \"iterator\"\n"+
				"remote-control:\n control-enable: no\nforward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@%s\n", ports[4], runtime.NumCPU(), ports[0]),
		},
	}
	for _, f := range others {
		path, err := exec.LookPath(f.args[0])
		if err == nil {
			f.args[0], err = filepath.Abs(path)
		}
		if err != nil {
			fmt.Fprintf(talk, "%s is not here: left out\n", f.name)
			continue
		}
		list = append(list, f)
	}
	return list, nil
}

func freePort() (string, error) {
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer p.Close()
	return fmt.Sprint(p.LocalAddr().(*net.UDPAddr).Port), nil
}

// start runs a forwarder until stop is called, and waits until it answers.
func (f *forwarder) start(ctx context.Context, dir string, talk io.Writer) (stop func(), err error) {
	if f.file != "" {
		if err := os.WriteFile(filepath.Join(dir, f.file), []byte(f.text), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, f.args[0], f.args[1:]...)
	cmd.Dir, cmd.Stderr = dir, talk
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", f.name, err)
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	for range 100 {
		if _, err := once(f.at, fmt.Sprintf("ready-%d", time.Now().UnixNano())); err == nil {
			return stop, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	return nil, fmt.Errorf("%s does not answer", f.name)
}

// forward runs our resolver, with a commit that has nothing to do, as for a device that is not held.
func forward(ctx context.Context, at, upstream string) error {
	listen, err := netip.ParseAddrPort(at)
	if err != nil {
		return err
	}
	r, err := resolver.New(resolver.Config{
		Listen: []netip.AddrPort{listen}, Upstreams: []string{upstream}, Rate: -1,
		Commit:   func(context.Context, netip.Addr, *resolver.Answer) error { return nil },
		Standing: func(netip.Addr, *resolver.Answer) bool { return true },
		Asked:    func(netip.Addr, resolver.Question) {},
	})
	if err != nil {
		return err
	}
	return r.Run(ctx)
}

// result is what one measurement has found.
type result struct {
	cached, uncached float64       // queries per second
	alone            time.Duration // median time of one query that is not in the cache, with nobody else asking
}

func measure(ctx context.Context, list []*forwarder, runs int, span time.Duration, out io.Writer) error {
	results := make([][]result, len(list))
	for n := range runs {
		for i, f := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var r result
			var err error
			tag := fmt.Sprintf("%d-%d-%d", os.Getpid(), n, i)
			if r.cached, err = load(f.at, span, func(k int) string { return fmt.Sprintf("known-%d", k%1000) }); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			if r.uncached, err = load(f.at, span, func(k int) string { return fmt.Sprintf("new-%s-%d", tag, k) }); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			if r.alone, err = latency(f.at, tag); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			results[i] = append(results[i], r)
		}
	}
	medians := make([]result, len(list))
	for i, rs := range results {
		medians[i] = result{
			cached:   median(rs, func(r result) float64 { return r.cached }),
			uncached: median(rs, func(r result) float64 { return r.uncached }),
			alone:    time.Duration(median(rs, func(r result) float64 { return float64(r.alone) })),
		}
	}
	fmt.Fprintln(out, "| forwarder | cached, q/s | ours is × | uncached, q/s | ours is × | one uncached query, µs | added to the upstream's, µs |")
	fmt.Fprintln(out, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
	ours, direct := medians[1], medians[0]
	for i, f := range list {
		m := medians[i]
		fmt.Fprintf(out, "| %s | %.0f | %.2f | %.0f | %.2f | %d | %d |\n", f.name, m.cached, ours.cached/m.cached, m.uncached,
			ours.uncached/m.uncached, m.alone.Microseconds(), (m.alone - direct.alone).Microseconds())
	}
	fmt.Fprintf(out, "\n%s, %d cores, %s; medians of %d runs.\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), strings.TrimPrefix(runtime.Version(), "go"), runs)
	return nil
}

func median(rs []result, of func(result) float64) float64 {
	var list []float64
	for _, r := range rs {
		list = append(list, of(r))
	}
	slices.Sort(list)
	return list[len(list)/2]
}
