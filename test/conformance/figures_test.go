package conformance

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Figures are no tests: a busy machine would fail them for no fault of the program. internal/lab/holdperf puts them into
// its table.
var figures = flag.Bool("figures", false, "measure, and print rows of the table of docs/performance.md")

// figure prints a row.
func figure(t *testing.T, what, measured, bar string) {
	t.Helper()
	fmt.Printf("figure | %s | %s | %s |\n", what, measured, bar)
}

func measured(t *testing.T) {
	t.Helper()
	if !*figures {
		t.Skip("-figures measures")
	}
	own(t)
}

func spread(list []time.Duration) string {
	s := slices.Sorted(slices.Values(list))
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	return fmt.Sprintf("%.0f ms (%.0f–%.0f)", ms(s[len(s)/2]), ms(s[0]), ms(s[len(s)-1]))
}

// From the message by which a device says its MUD URL, until the receiver of what the file does not list hears it no more:
// with a file that nobody has fetched yet, and with one that was.
func TestFigureJoinToEnforced(t *testing.T) {
	measured(t)
	s := newScene(t)
	s.start()
	const rounds = 9
	from, to := listed()
	for _, kind := range []struct {
		name, bar string
		url       func(round int) string
	}{
		{"join to enforced, file fetched and verified", "2000 ms", func(n int) string {
			return s.maker.publish(t, fmt.Sprintf("thing%d", n), from, to, s.signer, nil)
		}},
		{"join to enforced, file in the cache", "200 ms", func(int) string { return s.maker.url("thing0") }},
	} {
		var took []time.Duration
		for n := range rounds {
			number := 100 + n
			if kind.bar == "200 ms" {
				number += rounds
			}
			d := s.add(fmt.Sprintf("n%d", number), number)
			url := kind.url(n)
			took = append(took, s.silence(t, d, func() { d.dhcp(t, dhcpRequest, url) }))
		}
		figure(t, kind.name, spread(took), kind.bar)
	}
}

// silence is how long after something a device is still heard where no file lets it speak to.
func (s *scene) silence(t *testing.T, d *thing, after func()) time.Duration {
	t.Helper()
	at := netip.AddrPortFrom(wide(4, 30), 9999)
	var u *net.UDPConn
	if err := s.internet.do(func() (err error) {
		u, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	last := make(chan time.Time, 1)
	first := make(chan struct{})
	go func() {
		var heard time.Time
		buf := make([]byte, 64)
		for {
			_ = u.SetReadDeadline(time.Now().Add(3 * time.Second))
			if _, _, err := u.ReadFromUDP(buf); err != nil {
				last <- heard
				return
			}
			if heard.IsZero() {
				close(first)
			}
			heard = time.Now()
		}
	}()
	stop := make(chan struct{})
	defer close(stop)
	if err := d.do(func() error {
		c, err := net.Dial("udp", at.String())
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					_, _ = c.Write([]byte("hello"))
				}
			}
		}()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first:
	case <-time.After(3 * time.Second):
		t.Fatal("the device is not heard")
	}
	began := time.Now()
	after()
	return (<-last).Sub(began)
}

const (
	crowd       = 200
	crowdFrom   = 300 // the number of the first
	crowdFlows  = 1_000_000
	crowdLists  = 50
	crowdPerSec = 10_000
)

// The memory of a gateway that holds 200 devices to 50 entries each, and has seen a million flows of theirs.
func TestFigureMemory(t *testing.T) {
	measured(t)
	small := filepath.Join(t.TempDir(), "plimsoll")
	cmd := exec.Command("go", "build", "-tags", "gateway", "-o", small, "plimsoll.example/plimsoll/cmd/plimsoll")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, b := range []struct{ name, program string }{{"the build for gateways", small}, {"the whole program", ""}} {
		t.Run(b.name, func(t *testing.T) { figureMemory(t, b.name, b.program) })
	}
}

func figureMemory(t *testing.T, build, program string) {
	s := newScene(t)
	s.build = program
	s.internet.ip(t, "route add blackhole 198.18.0.0/15")
	port := s.add("crowd", 299)
	s.start()
	for i := range crowd {
		var from []entry
		for j := range crowdLists / 2 { // of each family
			from = append(from, entry{
				"ipv4": object{"destination-ipv4-network": fmt.Sprintf("198.18.%d.%d/32", i, j), "protocol": 17},
				"ipv6": object{"destination-ipv6-network": fmt.Sprintf("2001:db8:%x::%x/128", i, j), "protocol": 17},
				"udp":  object{"destination-port": object{"operator": "eq", "port": 1000 + j}},
			})
		}
		n := crowdFrom + i
		url := s.maker.publish(t, fmt.Sprintf("crowd%d", i), from, nil, s.signer, nil)
		m := message4(1, n, macOf(n))
		m = append(append(m, 53, 1, dhcpRequest, 50, 4), lan(4, n).AsSlice()...)
		m = append(append(append(m, 161, byte(len(url))), url...), 255)
		all := netip.AddrFrom4([4]byte{255, 255, 255, 255})
		port.send(t, "eth0",
			udpFrame(wire.Broadcast, macOf(n), netip.AddrPortFrom(netip.IPv4Unspecified(), 68), netip.AddrPortFrom(all, 67), m),
			udpFrame(routerMAC, macOf(n), netip.AddrPortFrom(lan(4, n), 1000), netip.AddrPortFrom(lan(4, 1), 9), []byte("hello")),
			udpFrame(routerMAC, macOf(n), netip.AddrPortFrom(lan(6, n), 1000), netip.AddrPortFrom(lan(6, 1), 9), []byte("hello")))
		time.Sleep(5 * time.Millisecond)
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		var status struct{ Devices map[string]int }
		if err := s.ask(&status, "status"); err != nil {
			t.Fatal(err)
		}
		if status.Devices["held"] >= crowd {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not all are held: %v", status.Devices)
		}
	}
	idle := s.memory("VmRSS")
	began := s.counter("plimsoll_packets_total")
	s.pour(t, port)
	seen := s.counter("plimsoll_packets_total") - began
	time.Sleep(15 * time.Second) // for what was seen to be kept
	figure(t, fmt.Sprintf("memory (RSS) of %s, %d devices held to %d entries each", build, crowd, crowdLists), mib(idle), "96 MiB")
	figure(t, fmt.Sprintf("the same after a million flows of theirs, %.0f %% of which it saw: the most at a time", 100*min(1, seen/crowdFlows)), mib(s.memory("VmHWM")), "96 MiB")
	figure(t, "the same afterwards", mib(s.memory("VmRSS")), "96 MiB")
}

func mib(kib float64) string { return fmt.Sprintf("%.0f MiB", math.Ceil(kib/1024)) }

// pour sends the flows, at a steady rate.
func (s *scene) pour(t *testing.T, port *thing) {
	t.Helper()
	err := port.do(func() error {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		at := &unix.SockaddrLinklayer{Ifindex: i.Index}
		began := time.Now()
		for n := range crowdFlows {
			d := crowdFrom + n%crowd
			k := n / crowd
			dst := netip.AddrFrom4([4]byte{198, 18, byte(n % crowd), byte(k % crowdLists)})
			f := udpFrame(routerMAC, macOf(d), netip.AddrPortFrom(lan(4, d), uint16(1024+k)), netip.AddrPortFrom(dst, 4000), []byte("data"))
			for unix.Sendto(fd, f, 0, at) == unix.ENOBUFS {
				time.Sleep(time.Millisecond)
			}
			if n%100 == 99 {
				time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / crowdPerSec)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// memory is a line of what the kernel says of the gateway’s memory, KiB (proc_pid_status(5)).
func (s *scene) memory(name string) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name+":" {
			n, _ := strconv.ParseFloat(f[1], 64)
			return n
		}
	}
	return math.NaN()
}

// counter is one of the gateway’s metrics.
func (s *scene) counter(name string) float64 {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.socket())
	}}}
	resp, err := c.Get("http://gateway/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(data)
	if m == nil {
		s.t.Fatalf("no metric %s", name)
	}
	v, _ := strconv.ParseFloat(string(m[1]), 64)
	return v
}
