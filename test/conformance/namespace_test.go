package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/lab/netns"
)

// namespace is a network of its own.
type namespace struct {
	*netns.Namespace
	name string
}

func newNamespace(t *testing.T, name string) *namespace {
	t.Helper()
	made, err := netns.New()
	if err != nil {
		if os.Getenv("PLIMSOLL_NETNS") == "require" {
			t.Fatalf("the kernel gives no network namespace: %v", err)
		}
		t.Skipf("the kernel gives no network namespace: %v", err)
	}
	t.Cleanup(made.Close)
	n := &namespace{made, name}
	n.ip(t, "link set lo up")
	return n
}

// do does something inside the namespace, and says which one it was where that fails.
func (n *namespace) do(f func() error) error {
	if err := n.Do(f); err != nil {
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
	if err := n.IP(lines...); err != nil {
		t.Fatalf("in %s: %v", n.name, err)
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
	if err := n.Set(value, name); err != nil {
		t.Fatalf("in %s: %v", n.name, err)
	}
}
