package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"plimsoll.example/plimsoll/internal/internet"
)

// Bounds of one attempt.
const (
	patience = 30 * time.Second // for all of it
	calling  = 10 * time.Second // for somebody to answer
	mostRead = 256 << 10        // of what a server says, octets
)

var (
	errOutside = errors.New("what is not encrypted does not leave the house")
	errTooMuch = errors.New("the server says too much")
)

// indoors refuses addresses that are not at home, for net.Dialer.ControlContext: the address that is called counts, whatever
// a name led to before.
func indoors(_ context.Context, _, address string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(address); err != nil || !internet.Home(a.Addr()) {
		return fmt.Errorf("%w: %s", errOutside, address)
	}
	return nil
}

// dialer calls servers; those at home alone, where nothing is encrypted.
func dialer(plain bool) *net.Dialer {
	d := &net.Dialer{Timeout: calling}
	if plain {
		d.ControlContext = indoors
	}
	return d
}

// call connects to a server until ctx is done, for patience at most, and reads a bounded amount of what it says. Closing it
// ends the watch over ctx.
func call(ctx context.Context, address string, plain bool) (net.Conn, error) {
	c, err := dialer(plain).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	return &bounded{Conn: c, left: mostRead, stop: stop}, nil
}

// bounded is a connection of which so much is read, and no more.
type bounded struct {
	net.Conn
	left int
	stop func() bool
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Close ends it.
func (b *bounded) Close() error {
	b.stop()
	return b.Conn.Close()
}

// secure is how TLS is spoken with the server of a channel.
func (c *Channel) secure(host string) (*tls.Config, error) {
	roots, err := c.roots()
	return &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}, err
}
