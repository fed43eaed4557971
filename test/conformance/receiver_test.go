package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"
)

// receiver takes what comes to a service, and remembers it: nothing else says what a gateway lets through.
type receiver struct {
	mu   sync.Mutex
	came map[string]chan struct{}
}

func (r *receiver) expect(token string) chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.came == nil {
		r.came = map[string]chan struct{}{}
	}
	c := make(chan struct{})
	r.came[token] = c
	return c
}

func (r *receiver) take(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.came[token]; c != nil {
		close(c)
		delete(r.came, token)
	}
}

const tokenSize = 16

// listen takes TCP and UDP at an address. Each message is answered with itself.
func (n *namespace) listen(t *testing.T, r *receiver, at netip.AddrPort) {
	t.Helper()
	n.echo(t, at, r.talk, func(message []byte, _ net.Addr) { r.take(string(message[:min(len(message), tokenSize)])) })
}

// echo listens at an address until the test is over: who comes by TCP is given to talk, what comes by UDP to take, and
// answered with itself.
func (n *namespace) echo(t *testing.T, at netip.AddrPort, talk func(net.Conn), take func(message []byte, from net.Addr)) {
	t.Helper()
	err := n.do(func() error {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err != nil {
			return err
		}
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return errors.Join(err, l.Close())
		}
		t.Cleanup(func() { _, _ = l.Close(), u.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go talk(c)
			}
		}()
		go func() {
			buf := make([]byte, 64<<10)
			for {
				n, from, err := u.ReadFromUDP(buf)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil { // such as that an answer found nobody
					continue
				}
				take(buf[:n], from)
				_, _ = u.WriteToUDP(buf[:n], from)
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *receiver) talk(c net.Conn) {
	defer c.Close()
	buf := make([]byte, tokenSize)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		r.take(string(buf[:n]))
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// patience is how long something may take to come through. Nothing here is far away.
const patience = time.Second

// conversation is one that was begun.
type conversation struct {
	net.Conn
	to *receiver
}

// begin begins a conversation; nil if nobody answers.
func (n *namespace) begin(to *receiver, network string, at netip.AddrPort) *conversation {
	var c net.Conn
	err := n.do(func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err = (&net.Dialer{}).DialContext(ctx, network, at.String())
		return err
	})
	if err != nil {
		return nil
	}
	return &conversation{c, to}
}

// arrives reports whether what is said now arrives.
func (c *conversation) arrives() bool { return c.arrivesWith(0) }

// arrivesWith is arrives, for a message of so many octets more.
func (c *conversation) arrivesWith(more int) bool {
	if c == nil {
		return false
	}
	token := newToken()
	came := c.to.expect(token)
	if _, err := c.Write(append([]byte(token), make([]byte, more)...)); err != nil {
		return false
	}
	select {
	case <-came:
		return true
	case <-time.After(patience):
		return false
	}
}

// answered reports whether what is said now comes back.
func (c *conversation) answered() bool {
	if c == nil {
		return false
	}
	token := []byte(newToken())
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(token); err != nil {
		return false
	}
	buf := make([]byte, tokenSize)
	for { // what was said before comes back too
		if _, err := io.ReadFull(c, buf); err != nil {
			return false
		}
		if bytes.Equal(buf, token) {
			return true
		}
	}
}

// reaches reports whether a conversation that begins now arrives at its receiver. One that a standstill may have kept from
// it is begun again, a few times.
func (n *namespace) reaches(to *receiver, network string, at netip.AddrPort) bool {
	for range 5 {
		began := time.Now()
		if c := n.begin(to, network, at); c != nil {
			arrives := c.arrives()
			c.Close()
			if arrives {
				return true
			}
		}
		if !stoodStill(began) {
			break
		}
	}
	return false
}

// reachesFrom is reaches by TCP, from one of the addresses of the namespace.
func (n *namespace) reachesFrom(to *receiver, from netip.Addr, at netip.AddrPort) bool {
	c := n.beginFrom(to, "tcp", netip.AddrPortFrom(from, 0), at)
	if c == nil {
		return false
	}
	defer c.Close()
	return c.arrives()
}

// beginFrom is begin, from one of the addresses of the namespace; a port of 0 is any.
func (n *namespace) beginFrom(to *receiver, network string, from, at netip.AddrPort) *conversation {
	var c net.Conn
	err := n.do(func() (err error) {
		d := net.Dialer{Timeout: patience, LocalAddr: net.TCPAddrFromAddrPort(from)}
		if network == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(from)
		}
		c, err = d.Dial(network, at.String())
		return err
	})
	if err != nil {
		return nil
	}
	return &conversation{c, to}
}

// isRefused reports whether an error says that nobody listens there.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
