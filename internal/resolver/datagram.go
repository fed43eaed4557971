package resolver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// datagram asks by UDP, and by TCP what does not fit or looks wrong. Each query has a port of its own, chosen by the
// kernel, an identifier, and letters (draft-vixie-dnsext-dns0x20) that who cannot see it would have to guess (RFC 5452).
type datagram struct {
	to     netip.AddrPort
	stream *stream
	folds  atomic.Bool // the server does not keep the letters' case
	forged atomic.Uint64
}

// maxForged is how many wrong answers to one query are suffered before the way is changed to one that cannot be forged.
const maxForged = 8

var (
	errForged = errors.New("wrong answers came instead of the right one")
	errCase   = errors.New("the answer has other letters than the question")
)

func (d *datagram) exchange(ctx context.Context, query []byte) ([]byte, error) {
	reply, err := d.byUDP(ctx, query)
	switch {
	case errors.Is(err, errCase):
		if reply, err = d.stream.exchange(ctx, query); err == nil {
			d.folds.Store(true) // it has said so where nobody else could
		}
		return reply, err
	case errors.Is(err, errForged), err == nil && reply[2]&0x02 != 0:
		return d.stream.exchange(ctx, query)
	}
	return reply, err
}

func (d *datagram) byUDP(ctx context.Context, query []byte) ([]byte, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(d.to))
	if err != nil {
		return nil, fmt.Errorf("ask by UDP: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	asked := append([]byte(nil), query...)
	exact := !d.folds.Load()
	if err := disguise(asked, exact); err != nil {
		return nil, err
	}
	if _, err := conn.Write(asked); err != nil {
		return nil, fmt.Errorf("ask by UDP: %w", err)
	}
	buf := make([]byte, 4096)
	for wrong := 0; wrong < maxForged; wrong++ {
		n, err := conn.Read(buf)
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, fmt.Errorf("wait for an answer by UDP: %w", err)
		}
		if answers(buf[:n], asked, exact) {
			return buf[:n], nil
		}
		d.forged.Add(1)
		if exact && answers(buf[:n], asked, false) {
			return nil, errCase
		}
	}
	return nil, errForged
}

// disguise gives a query an identifier and letters that nobody can guess.
func disguise(query []byte, letters bool) error {
	var random [2 + maxName/8 + 1]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("choose an identifier: %w", err)
	}
	query[0], query[1] = random[0], random[1]
	if !letters {
		return nil
	}
	for i := header; i < len(query) && query[i] != 0; {
		n := int(query[i])
		for i++; n > 0; i, n = i+1, n-1 {
			if c := query[i]; 'a' <= c && c <= 'z' && random[2+(i-header)/8]>>((i-header)%8)&1 != 0 {
				query[i] -= 0x20
			}
		}
	}
	return nil
}

func (d *datagram) close() { d.stream.close() }
