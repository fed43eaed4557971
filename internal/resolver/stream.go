package resolver

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// stream asks by TCP or TLS, many queries at a time on one connection, whose answers come in any order (RFC 7766 §6.2.1,
// RFC 7858 §3.3). The connection is made when it is needed, and closed when it is not.
type stream struct {
	to   netip.AddrPort
	conf *tls.Config // nil: no TLS

	mu      sync.Mutex
	conn    *streamConn
	dialing chan struct{} // closed when who is making a connection is done
	closed  bool
}

const (
	idleUpstream = 10 * time.Second // before we close a connection that nobody uses
	stallTime    = 3 * time.Second  // without any answer while queries wait, before we believe that it is dead
	dialTime     = 4 * time.Second
	maxInFlight  = 512 // queries of a connection that wait
)

var (
	errBusy   = errors.New("too many queries wait for the upstream")
	errClosed = errors.New("the resolver has stopped")
	errBroken = errors.New("the upstream closed the connection")
)

func newStream(to netip.AddrPort, conf *tls.Config) *stream { return &stream{to: to, conf: conf} }

func (s *stream) exchange(ctx context.Context, query []byte) ([]byte, error) {
	for {
		c, used, err := s.get(ctx)
		if err != nil {
			return nil, err
		}
		reply, err := c.exchange(ctx, query)
		if err == nil || !used || ctx.Err() != nil || !errors.Is(err, errBroken) {
			return reply, err
		}
		// The server was tired of a connection that has been used before: that is not its failure (RFC 7766 §6.2.3).
	}
}

// get returns the connection, and whether it was there before.
func (s *stream) get(ctx context.Context) (c *streamConn, used bool, err error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, false, errClosed
		}
		if c := s.conn; c != nil && !c.isBroken() {
			s.mu.Unlock()
			return c, true, nil
		}
		if wait := s.dialing; wait != nil {
			s.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return nil, false, fmt.Errorf("wait for a connection: %w", ctx.Err())
			}
		}
		done := make(chan struct{})
		s.dialing = done
		s.mu.Unlock()

		c, err := s.dial(ctx)
		s.mu.Lock()
		s.dialing = nil
		if err == nil && s.closed {
			c.fail(errClosed)
			err = errClosed
		}
		if err == nil {
			s.conn = c
		}
		s.mu.Unlock()
		close(done)
		return c, false, err
	}
}

func (s *stream) dial(ctx context.Context) (*streamConn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	var conn net.Conn
	var err error
	var d net.Dialer
	if s.conf == nil {
		conn, err = d.DialContext(ctx, "tcp", s.to.String())
	} else {
		conn, err = (&tls.Dialer{NetDialer: &d, Config: s.conf}).DialContext(ctx, "tcp", s.to.String())
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the upstream: %w", err)
	}
	c := &streamConn{conn: conn, waiting: map[uint16]waiter{}, done: make(chan struct{})}
	go c.read()
	return c, nil
}

func (s *stream) close() {
	s.mu.Lock()
	s.closed = true
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		c.fail(errClosed)
		<-c.done
	}
}

// streamConn is one connection.
type streamConn struct {
	conn net.Conn
	done chan struct{} // closed when nobody reads any more

	write   sync.Mutex
	mu      sync.Mutex
	waiting map[uint16]waiter
	err     error
}

type waiter struct {
	asked []byte
	reply chan []byte // closed without one when the connection breaks
}

func (c *streamConn) isBroken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

func (c *streamConn) exchange(ctx context.Context, query []byte) ([]byte, error) {
	msg := make([]byte, 2, 2+len(query))
	binary.BigEndian.PutUint16(msg, uint16(len(query)))
	msg = append(msg, query...)
	w := waiter{msg[2:], make(chan []byte, 1)}
	id, err := c.enter(w)
	if err != nil {
		return nil, err
	}
	defer c.leave(id)
	c.write.Lock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(queryTime))
	_, err = c.conn.Write(msg)
	c.write.Unlock()
	if err != nil {
		c.fail(err)
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	select {
	case reply, ok := <-w.reply:
		if !ok {
			return nil, errBroken
		}
		return reply, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for an answer: %w", ctx.Err())
	}
}

// enter puts a query among those that wait, under an identifier that no other has.
func (c *streamConn) enter(w waiter) (uint16, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, fmt.Errorf("%w: %w", errBroken, c.err)
	}
	if len(c.waiting) >= maxInFlight {
		return 0, errBusy
	}
	for {
		if _, err := rand.Read(w.asked[:2]); err != nil {
			return 0, fmt.Errorf("choose an identifier: %w", err)
		}
		id := binary.BigEndian.Uint16(w.asked)
		if _, taken := c.waiting[id]; !taken {
			if len(c.waiting) == 0 {
				_ = c.conn.SetReadDeadline(time.Now().Add(stallTime))
			}
			c.waiting[id] = w
			return id, nil
		}
	}
}

func (c *streamConn) leave(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
	if len(c.waiting) == 0 && c.err == nil {
		_ = c.conn.SetReadDeadline(time.Now().Add(idleUpstream))
	}
}

// read hands out answers until the connection breaks. One that answers nothing that was asked breaks it: by this way
// there is no innocent reason for that, but that who asked has given up.
func (c *streamConn) read() {
	defer close(c.done)
	in := bufio.NewReaderSize(c.conn, 4096)
	for {
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			c.fail(err)
			return
		}
		reply := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(in, reply); err != nil {
			c.fail(err)
			return
		}
		if len(reply) < header {
			c.fail(errors.New("an answer of less than 12 octets"))
			return
		}
		id := binary.BigEndian.Uint16(reply)
		c.mu.Lock()
		w, ok := c.waiting[id]
		if ok && answers(reply, w.asked, false) {
			delete(c.waiting, id)
			w.reply <- reply
			if len(c.waiting) > 0 {
				_ = c.conn.SetReadDeadline(time.Now().Add(stallTime))
			}
		}
		c.mu.Unlock()
		if ok && !answers(reply, w.asked, false) {
			c.fail(errors.New("an answer to another question"))
			return
		}
	}
}

// fail breaks the connection, for all who wait.
func (c *streamConn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	_ = c.conn.Close()
	for id, w := range c.waiting {
		delete(c.waiting, id)
		close(w.reply)
	}
}
