//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const header = 12

// question is a query for the address of a name below example.
func question(dst []byte, id uint16, label string) []byte {
	dst = append(dst[:0], byte(id>>8), byte(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, byte(len(label)))
	dst = append(dst, label...)
	return append(dst, "\x07example\x00\x00\x01\x00\x01"...)
}

// respond answers every query by UDP with the same address, on all cores.
func respond(ctx context.Context, at string) error {
	share := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }), err)
	}}
	var group sync.WaitGroup
	for range runtime.NumCPU() {
		p, err := share.ListenPacket(ctx, "udp4", at)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { _ = p.Close() })
		group.Go(func() { answer(p.(*net.UDPConn)) })
	}
	group.Wait()
	return nil
}

func answer(conn *net.UDPConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		end := header
		for end < n && buf[end] != 0 {
			end += 1 + int(buf[end])
		}
		if end += 5; end > n {
			continue
		}
		buf[2], buf[3] = 0x80|buf[2]&1, 0x80
		clear(buf[6:header])
		buf[7] = 1
		out := append(buf[:end], 0xc0, header, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 93, 184, 215, 14)
		_, _ = conn.WriteToUDPAddrPort(out, from)
	}
}

var errAnswer = errors.New("not the answer that was expected")

// once asks and waits.
func once(at, label string) (time.Duration, error) {
	conn, err := net.Dial("udp", at)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return ask(conn, question(nil, 7, label), make([]byte, 4096))
}

func ask(conn net.Conn, query, buf []byte) (time.Duration, error) {
	begun := time.Now()
	if _, err := conn.Write(query); err != nil {
		return 0, err
	}
	_ = conn.SetReadDeadline(begun.Add(2 * time.Second))
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return 0, err
		}
		if n < header || buf[0] != query[0] || buf[1] != query[1] {
			continue // of a query that was given up
		}
		if buf[3]&0xf != 0 || buf[7] == 0 {
			return 0, fmt.Errorf("%w: %x", errAnswer, buf[:n])
		}
		return time.Since(begun), nil
	}
}

const (
	clients = 16 // sockets
	window  = 4  // queries of a socket that wait at a time
)

// load asks for a while, as fast as answers come, and returns how many came in a second. The first name of each client is
// asked until the time is over; what is lost is asked no more.
func load(at string, span time.Duration, label func(k int) string) (float64, error) {
	var next, done atomic.Int64
	var group sync.WaitGroup
	errs := make(chan error, clients)
	end := time.Now().Add(span)
	begun := time.Now()
	for range clients {
		group.Go(func() {
			if err := client(at, end, &next, &done, label); err != nil {
				errs <- err
			}
		})
	}
	group.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
		return float64(done.Load()) / time.Since(begun).Seconds(), nil
	}
}

func client(at string, end time.Time, next, done *atomic.Int64, label func(k int) string) error {
	conn, err := net.Dial("udp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	out, in := make([]byte, 0, 512), make([]byte, 4096)
	send := func() error {
		k := next.Add(1)
		out = question(out, uint16(k), label(int(k)))
		_, err := conn.Write(out)
		return err
	}
	waiting := 0
	for time.Now().Before(end) {
		for ; waiting < window; waiting++ {
			if err := send(); err != nil {
				return err
			}
		}
		_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := conn.Read(in)
		if err != nil {
			waiting = 0 // lost, all of them
			continue
		}
		waiting--
		if n >= header && in[3]&0xf == 0 && binary.BigEndian.Uint16(in[6:]) > 0 {
			done.Add(1)
		}
	}
	return nil
}

// latency is the median time of queries for new names, one at a time.
func latency(at, tag string) (time.Duration, error) {
	conn, err := net.Dial("udp", at)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	buf := make([]byte, 4096)
	var list []time.Duration
	for k := range 2000 {
		d, err := ask(conn, question(nil, uint16(k), fmt.Sprintf("alone-%s-%d", tag, k)), buf)
		if err != nil {
			return 0, err
		}
		list = append(list, d)
	}
	slices.Sort(list)
	return list[len(list)/2], nil
}
