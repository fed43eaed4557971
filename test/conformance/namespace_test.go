package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// namespace is a network of its own.
type namespace struct {
	name string
	fd   int
}

func newNamespace(t *testing.T, name string) *namespace {
	t.Helper()
	n := &namespace{name: name}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			n.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		made <- err
	}()
	if err := <-made; err != nil {
		if os.Getenv("PLIMSOLL_NETNS") == "require" {
			t.Fatalf("the kernel gives no network namespace: %v", err)
		}
		t.Skipf("the kernel gives no network namespace: %v", err)
	}
	t.Cleanup(func() { _ = unix.Close(n.fd) })
	n.ip(t, "link set lo up")
	return n
}

// do does something inside the namespace, on a thread of its own. Sockets and processes that it makes stay there.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Setns(n.fd, unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return fmt.Errorf("in %s: %w", n.name, err)
	}
	return nil
}

func (n *namespace) ip(t *testing.T, args string) {
	t.Helper()
	if err := n.run("ip", strings.Fields(args)...); err != nil {
		t.Fatal(err)
	}
}

// batch has ip do many things at once.
func (n *namespace) batch(t *testing.T, lines []string) {
	t.Helper()
	err := n.do(func() error {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ip -batch: %w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (n *namespace) run(name string, args ...string) error {
	return n.do(func() error {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
		}
		return nil
	})
}

// ready waits until an interface that is up drops nothing any more: the kernel attaches its queue in the background.
func (n *namespace) ready(t *testing.T, dev string) {
	t.Helper()
	for range 500 {
		var out []byte
		err := n.do(func() (err error) {
			out, err = exec.Command("ip", "-o", "link", "show", dev).Output()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(out), "LOWER_UP") && !strings.Contains(string(out), "qdisc noop ") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s of %s does not become ready", dev, n.name)
}

// set writes a setting of the kernel. Those that are not there are as they should be.
func (n *namespace) set(t *testing.T, name, value string) {
	t.Helper()
	err := n.do(func() error { return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0) })
	if err != nil && !strings.Contains(err.Error(), "no such file") {
		t.Fatal(err)
	}
}

// path is what other programs find the namespace by.
func (n *namespace) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.fd) }
