//go:build linux

// Package netns makes networks of their own, and does things inside: for homes that are played with real packets.
package netns

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Namespace is a network of its own (namespaces(7)). Nobody else has a name for it: it goes with the process, however that
// ends. nil is the network that the process is in.
type Namespace struct{ fd int }

// New makes a network that has nothing but a loopback interface, which is down.
func New() (*Namespace, error) {
	n := &Namespace{}
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

// Open is the network that a file of /proc stands for, which another process may have made.
func Open(name string) (*Namespace, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open network namespace %s: %w", name, err)
	}
	return &Namespace{fd}, nil
}

// Do does something inside, on a thread of its own. Sockets and processes that it makes stay there.
func (n *Namespace) Do(f func() error) error {
	if n == nil {
		return f()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // as above
		err := unix.Setns(n.fd, unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// Path is what other programs find it by, while this one runs.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.fd) }

// Close lets go of it. What was made inside keeps it as long as it needs it.
func (n *Namespace) Close() { _ = unix.Close(n.fd) }

// IP has the program of that name do things inside, a line each.
func (n *Namespace) IP(lines ...string) error { return n.Run(lines, "ip", "-batch", "-") }

// Run runs a program inside that reads lines.
func (n *Namespace) Run(lines []string, name string, args ...string) error {
	return n.Do(func() error {
		c := exec.Command(name, args...)
		c.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
		}
		return nil
	})
}

// Set writes settings of the kernel for a network. Those that are not there are as they should be.
func (n *Namespace) Set(value string, names ...string) error {
	return n.Do(func() error {
		for _, name := range names {
			if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		return nil
	})
}
