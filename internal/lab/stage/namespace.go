//go:build linux

package stage

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// namespace is a network of its own. Nobody else has a name for it: it goes with the process, however that ends.
type namespace struct{ fd int }

func newNamespace() (*namespace, error) {
	n := &namespace{}
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
		return nil, fmt.Errorf("make a network namespace: %w", err)
	}
	return n, nil
}

// do does something inside, on a thread of its own. Sockets and processes that it makes stay there. In nil it is where the
// process is.
func (n *namespace) do(f func() error) error {
	if n == nil {
		return f()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Setns(n.fd, unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// path is what other programs find it by, while this one runs.
func (n *namespace) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.fd) }

func (n *namespace) close() { _ = unix.Close(n.fd) }

// ip has the program of that name do things inside, a line each.
func (n *namespace) ip(lines ...string) error { return n.run(lines, "ip", "-batch", "-") }

// run runs a program inside that reads lines.
func (n *namespace) run(lines []string, name string, args ...string) error {
	return n.do(func() error {
		c := exec.Command(name, args...)
		c.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
		}
		return nil
	})
}

// set writes settings of the kernel for a network. Those that are not there are as they should be.
func (n *namespace) set(value string, names ...string) error {
	return n.do(func() error {
		for _, name := range names {
			if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		return nil
	})
}
