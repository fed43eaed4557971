package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/device"
)

// errTooLong is why reading stops: the device says more than is listened to.
var errTooLong = errors.New("it says more than is read")

// conn is one exchange: it counts, and ends by itself.
type conn struct {
	net.Conn
	r     *run
	n     int // number of the exchange
	begun time.Time
	stop  func() bool // of what ends it with the probe

	mu      sync.Mutex // of what follows: those it is lent to read and write in goroutines of their own
	in, out int
	fault   string
}

// lent is a connection in the hands of a library, which may close it whenever it likes, and late: only the probe itself
// writes the transcript.
type lent struct{ *conn }

func (l lent) Close() error { return l.Conn.Close() }

// dial connects to a port of the device after a pause, for a bounded time. what says in short what for.
func (r *run) dial(ctx context.Context, network string, port uint16, what string) (*conn, error) {
	if !r.pause(ctx, r.Pace) {
		return nil, ctx.Err()
	}
	begun := r.Now()
	r.t.Exchanges = append(r.t.Exchanges, assess.Exchange{
		N: r.next(), AtMS: begun.Sub(r.begun).Milliseconds(), Port: portName(network, port), Sent: show(what),
	})
	c := &conn{r: r, n: len(r.t.Exchanges), begun: begun}
	dialer := net.Dialer{Timeout: dialTime}
	nc, err := dialer.DialContext(ctx, network, netip.AddrPortFrom(r.Address, port).String())
	if err != nil {
		c.note(err)
		c.end()
		return nil, err
	}
	c.Conn = nc
	deadline := time.Now().Add(r.talk)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := nc.SetDeadline(deadline); err != nil {
		_ = nc.Close()
		return nil, err
	}
	c.stop = context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	return c, nil
}

func portName(network string, port uint16) string {
	return strings.TrimRight(network, "46") + "/" + strconv.Itoa(int(port))
}

func (c *conn) exchange() *assess.Exchange { return &c.r.t.Exchanges[c.n-1] }

func (c *conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	left := maxExchange - c.in
	c.mu.Unlock()
	if left <= 0 {
		c.note(errTooLong)
		return 0, errTooLong
	}
	n, err := c.Conn.Read(b[:min(len(b), left)])
	c.count(n, 0, err)
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.count(0, n, err)
	return n, err
}

func (c *conn) count(in, out int, err error) {
	c.mu.Lock()
	c.in, c.out = c.in+in, c.out+out
	c.mu.Unlock()
	c.note(err)
}

// received notes in short what the device said. It must hold no secret.
func (c *conn) received(format string, args ...any) {
	c.exchange().Received = show(fmt.Sprintf(format, args...))
}

// note keeps the first fault.
func (c *conn) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || c.fault != "" || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	switch {
	case errors.Is(err, errTooLong):
		c.fault = "too-long"
	case errors.Is(err, syscall.ECONNREFUSED):
		c.fault = "refused"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), timedOut(err):
		c.fault = "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		c.fault = "reset"
	default:
		c.fault = "other"
	}
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// end writes down how the exchange went.
func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.exchange()
	x.OctetsIn, x.OctetsOut, x.TookMS, x.Fault = c.in, c.out, c.r.Now().Sub(c.begun).Milliseconds(), c.fault
}

func (c *conn) Close() error {
	c.end()
	c.stop()
	return c.Conn.Close()
}

// until reads until done says that there is enough, or there is no more; what was read is returned either way.
func (c *conn) until(limit int, patience time.Duration, done func([]byte) bool) []byte {
	quiet := time.Now().Add(patience)
	var text []byte
	b := make([]byte, 1024)
	for len(text) < limit && !done(text) {
		if err := c.SetReadDeadline(quiet); err != nil {
			break
		}
		n, err := c.Read(b)
		text = append(text, b[:n]...)
		if err != nil {
			break
		}
	}
	return text[:min(len(text), limit)]
}

// line reads one line.
func (c *conn) line() string {
	text := c.until(512, 2*c.r.greet, func(b []byte) bool { return strings.Contains(string(b), "\n") })
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

// show is text from the wire as it may stand in a transcript: printable, and cut.
func show(s string) string {
	return device.Printable([]byte(strings.Join(strings.Fields(s), " ")), maxText)
}
