//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stream is TCP from a device to a server, each with a network stack of its own.
type stream struct {
	client, server *exec.Cmd
	ask            io.Writer
	answers        io.Reader
}

// newStream makes both, on cables of their own: dev0 and srv0 are the gateway's ends.
func newStream(ctx context.Context) (*stream, error) {
	s := &stream{client: self(ctx, "client", syscall.CLONE_NEWNET), server: self(ctx, "server", syscall.CLONE_NEWNET)}
	var err error
	if s.ask, err = s.client.StdinPipe(); err != nil {
		return nil, err
	}
	if s.answers, err = s.client.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := errors.Join(s.client.Start(), s.server.Start()); err != nil {
		return nil, err
	}
	time.Sleep(100 * time.Millisecond) // for them to be in their namespaces
	return s, command(ctx, fmt.Sprintf(`link add dev0 type veth peer name dev1
link add srv0 type veth peer name srv1
link set dev1 netns %d
link set srv1 netns %d
link set dev0 up
link set srv0 up
addr add 10.2.0.1/24 dev dev0
addr add 10.3.0.1/24 dev srv0
neigh add 10.2.0.2 lladdr %s nud permanent dev dev0
`, s.client.Process.Pid, s.server.Process.Pid, mac(0)), "ip", "-batch", "-")
}

func (s *stream) close() {
	for _, c := range []*exec.Cmd{s.client, s.server} {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// run is the rate of one connection, bit/s.
func (s *stream) run() (float64, error) {
	if _, err := io.WriteString(s.ask, "g"); err != nil {
		return 0, err
	}
	b := make([]byte, 64)
	n, err := s.answers.Read(b)
	if err != nil {
		return 0, fmt.Errorf("the client of TCP: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(b[:n])), 64)
}

// arrive sets up the cable once it is in this namespace.
func arrive(ctx context.Context, name, script string) error {
	for range 500 {
		if _, err := net.InterfaceByName(name); err == nil {
			return command(ctx, script, "ip", "-batch", "-")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the cable %s does not come", name)
}

func server(ctx context.Context) error {
	if err := arrive(ctx, "srv1", "link set lo up\nlink set srv1 up\naddr add 10.3.0.2/24 dev srv1\nroute add default via 10.3.0.1\n"); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "10.3.0.2:5201")
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 256<<10))
			fmt.Fprint(c, n)
			c.Close()
		}()
	}
}

func client(ctx context.Context) error {
	if err := arrive(ctx, "dev1", "link set dev1 address "+mac(0).String()+"\nlink set lo up\nlink set dev1 up\naddr add 10.2.0.2/24 dev dev1\nroute add default via 10.2.0.1\n"); err != nil {
		return err
	}
	b, data := make([]byte, 32), make([]byte, 128<<10)
	for {
		if _, err := syscall.Read(0, b[:1]); err != nil {
			return err
		}
		c, err := (&net.Dialer{Timeout: 5 * time.Second}).Dial("tcp", "10.3.0.2:5201")
		if err != nil {
			return err
		}
		start := time.Now()
		for time.Since(start) < time.Second {
			if _, err := c.Write(data); err != nil {
				return err
			}
		}
		_ = c.(*net.TCPConn).CloseWrite()
		n, err := c.Read(b)
		if err != nil {
			return err
		}
		took := time.Since(start).Seconds()
		c.Close()
		octets, err := strconv.ParseFloat(string(b[:n]), 64)
		if err != nil {
			return err
		}
		fmt.Println(octets * 8 / took)
	}
}
