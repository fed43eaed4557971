package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running reports whether a process runs, by its number.
func running(pid string) bool {
	state, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(state), ") Z ")
}

// children are the processes that the demonstration started, by their numbers.
func (d *demo) children() (list []string) {
	threads, _ := filepath.Glob("/proc/" + strconv.Itoa(d.process.Pid) + "/task/*/children")
	for _, name := range threads {
		text, _ := os.ReadFile(name)
		list = append(list, strings.Fields(string(text))...)
	}
	return list
}

// However a demonstration ends, what it started ends with it, and with that its networks; its folder goes at once, or when the
// next one begins. It listens on this machine alone.
func TestADemonstrationLeavesNothing(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"that is told to end": syscall.SIGTERM, "that is interrupted": syscall.SIGINT, "that is killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := play(t)
			all := d.children()
			if d.real && len(all) != 1 {
				t.Fatalf("it started %q", all)
			}
			a, err := http.Get(d.at("/en/"))
			if err != nil {
				t.Fatal(err)
			}
			_ = a.Body.Close()
			for _, address := range beyond(t) {
				if c, err := net.DialTimeout("tcp", net.JoinHostPort(address, d.link.Port()), time.Second); err == nil {
					_ = c.Close()
					t.Errorf("it listens on %s", address)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(d.tmp, "*")); len(left) != 1 {
				t.Errorf("it keeps %q; want one folder", left)
			}
			if err := d.process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = d.process.Signal(signal) // once more, as impatient people do
			until := time.Now().Add(15 * time.Second)
			for _, pid := range all {
				for running(pid) {
					if time.Now().After(until) {
						t.Fatalf("process %s runs still", pid)
					}
					time.Sleep(50 * time.Millisecond)
				}
			}
			for {
				c, err := net.DialTimeout("tcp", d.link.Host, time.Second)
				if err != nil {
					break
				}
				_ = c.Close()
				if time.Now().After(until) {
					t.Fatal("somebody answers still")
				}
				time.Sleep(50 * time.Millisecond)
			}
			for left := []string{""}; len(left) > 0; time.Sleep(50 * time.Millisecond) {
				if left, _ = filepath.Glob(filepath.Join(d.tmp, "*")); len(left) > 0 && time.Now().After(until) {
					t.Fatalf("left behind: %q", left)
				}
			}
		})
	}
}

// beyond are the addresses of this machine that others may reach.
func beyond(t *testing.T) (list []string) {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return list
}
