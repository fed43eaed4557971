package resolver

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Bounds of TCP (RFC 7766 §6).
const (
	idleTCP      = 10 * time.Second
	maxTCP       = 256 // connections
	maxTCPClient = 16  // connections of a client
	maxPerTCP    = 32  // queries of a connection that wait
	writeTime    = 3 * time.Second
)

// Run answers until ctx is done, and returns when all that it has begun is over. It is to be called once. Its error is
// that it cannot listen.
func (r *Resolver) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	r.life = ctx
	defer func() {
		cancel()
		for _, u := range r.upstreams {
			u.close()
		}
		r.group.Wait()
		for _, u := range r.upstreams {
			u.close() // what came back meanwhile
		}
	}()
	errs := make(chan error, 1)
	report := func(err error) {
		select {
		case errs <- err:
		default:
		}
	}
	var sockets []func() error
	var bound []netip.AddrPort
	tcp := &tcpServer{r: r, clients: map[netip.Addr]int{}}
	for _, at := range r.cfg.Listen {
		packets, l, err := listen(ctx, at)
		if err != nil {
			return fmt.Errorf("listen for DNS on %s: %w", at, err)
		}
		for _, c := range packets {
			context.AfterFunc(ctx, func() { _ = c.Close() })
			sockets = append(sockets, func() error { return r.persist(func() error { return r.serveUDP(ctx, c, at.Addr().IsUnspecified()) }) })
		}
		context.AfterFunc(ctx, func() { _ = l.Close() })
		sockets = append(sockets, func() error { return r.persist(func() error { return tcp.serve(ctx, l) }) })
		bound = append(bound, l.Addr().(*net.TCPAddr).AddrPort())
	}
	for _, serve := range sockets { // all of them, or none
		r.group.Go(func() { report(serve()) })
	}
	r.bound <- bound
	select {
	case <-ctx.Done():
		return nil
	case err := <-errs:
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}

// Ready waits until the resolver listens, and returns where: with port 0 configured, the port that was free. It is for
// one caller, once.
func (r *Resolver) Ready(ctx context.Context) ([]netip.AddrPort, error) {
	select {
	case at := <-r.bound:
		return at, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the resolver: %w", ctx.Err())
	}
}

// listen opens the sockets of an address. Port 0 is any that is free by UDP and by TCP, which the first found need not
// be.
func listen(ctx context.Context, at netip.AddrPort) (packets []*net.UDPConn, l net.Listener, err error) {
	for range 10 {
		if packets, l, err = open(ctx, at); err == nil || at.Port() != 0 {
			break
		}
	}
	return packets, l, err
}

// open opens a UDP socket for each core, among which the kernel shares out the clients, and a TCP socket.
func open(ctx context.Context, at netip.AddrPort) (packets []*net.UDPConn, l net.Listener, err error) {
	family := "4"
	if at.Addr().Is6() {
		family = "6" // that alone, so that the other may have a socket of its own
	}
	defer func() {
		if err != nil {
			for _, c := range packets {
				_ = c.Close()
			}
		}
	}()
	conf := net.ListenConfig{Control: shareAndTell(at.Addr())}
	for range socketsFor() {
		c, err := conf.ListenPacket(ctx, "udp"+family, at.String())
		if err != nil {
			return packets, nil, err
		}
		udp := c.(*net.UDPConn)
		packets = append(packets, udp)
		at = netip.AddrPortFrom(at.Addr(), uint16(udp.LocalAddr().(*net.UDPAddr).Port))
		_ = udp.SetReadBuffer(1 << 20) // or what the kernel allows
	}
	l, err = (&net.ListenConfig{}).Listen(ctx, "tcp"+family, at.String())
	return packets, l, err
}

// clientOf is the address of a client as others know it.
func clientOf(a netip.AddrPort) netip.Addr { return a.Addr().Unmap().WithZone("") }

// welcome reports whether a client is to be answered at all, and counts if not.
func (r *Resolver) welcome(client netip.Addr, now time.Time) bool {
	if !client.IsLoopback() && !r.cfg.Inside(client) {
		r.Counters.Outside.Add(1)
		return false
	}
	if !r.limits.allow(client, now) {
		r.Counters.Limited.Add(1)
		return false
	}
	return true
}

// serveUDP answers the queries of one socket. With tell, the kernel says which of this machine's addresses each was sent to,
// and the answer leaves from there.
func (r *Resolver) serveUDP(ctx context.Context, conn *net.UDPConn, tell bool) error {
	in := make([]byte, 4096)
	out := make([]byte, 0, maxUDP)
	var to []byte
	if tell {
		to = make([]byte, 128)
	}
	var q query
	for {
		n, toLen, _, from, err := conn.ReadMsgUDPAddrPort(in, to)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			r.cfg.Log.WarnContext(ctx, "a DNS query could not be received", "error", err)
			select { // whatever it is, it is not to keep this core busy
			case <-ctx.Done():
				return nil
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		r.Counters.Queries.Add(1)
		now := time.Now()
		client := clientOf(from)
		if !r.welcome(client, now) {
			continue
		}
		msg := in[:n]
		if rcode := q.read(msg); rcode != dns.RcodeSuccess {
			r.Counters.Malformed.Add(1)
			if rcode != drop {
				out = q.refusal(out[:0], msg, rcode, noEDE)
				_, _, _ = conn.WriteMsgUDPAddrPort(out, to[:toLen], from)
			}
			continue
		}
		var e *entry
		if out, e = r.quick(out[:0], msg, &q, client, now, int(q.size)); e != nil {
			_, _, _ = conn.WriteMsgUDPAddrPort(out, to[:toLen], from)
			if r.cfg.Asked != nil {
				r.cfg.Asked(client, Question{e.answer.Name, q.qtype, e.rcode, true})
			}
			continue
		}
		r.slowly(ctx, conn, msg, &q, from, to[:toLen])
	}
}

// slowly answers a query by UDP in a goroutine of its own, unless the client has too many already.
func (r *Resolver) slowly(ctx context.Context, conn *net.UDPConn, msg []byte, q *query, from netip.AddrPort, to []byte) {
	client := clientOf(from)
	leave, ok := r.enter(client)
	if !ok {
		return
	}
	buf := append(append(make([]byte, 0, len(msg)+len(to)), msg...), to...)
	msg, to = buf[:len(msg)], buf[len(msg):]
	own := *q
	r.group.Go(func() {
		defer leave()
		out, asked := r.thorough(ctx, msg, &own, client, int(own.size))
		if _, _, err := conn.WriteMsgUDPAddrPort(out, to, from); err == nil && r.cfg.Asked != nil {
			r.cfg.Asked(client, asked)
		}
	})
}

// enter counts a query that waits. It reports false if the client, or those with whom it shares a bound, have too many.
func (r *Resolver) enter(client netip.Addr) (leave func(), ok bool) {
	b := client.As16()
	h := uint32(2166136261) // FNV-1a
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	n := &r.waiting[h>>16%uint32(len(r.waiting))]
	if n.Add(1) > maxWaiting {
		n.Add(-1)
		r.Counters.Busy.Add(1)
		return nil, false
	}
	return func() { n.Add(-1) }, true
}

// tcpServer answers by TCP.
type tcpServer struct {
	r       *Resolver
	mu      sync.Mutex
	clients map[netip.Addr]int // connections
	all     int
}

func (s *tcpServer) serve(ctx context.Context, l net.Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			s.r.cfg.Log.WarnContext(ctx, "a DNS connection could not be accepted", "error", err)
			select { // too many open files, perhaps: that passes
			case <-ctx.Done():
				return nil
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		client := clientOf(conn.RemoteAddr().(*net.TCPAddr).AddrPort())
		if !s.r.welcome(client, time.Now()) || !s.enter(client) {
			_ = conn.Close()
			continue
		}
		s.r.group.Go(func() {
			defer s.leave(client)
			s.r.guard(func() { s.r.serveTCP(ctx, conn, client) })
		})
	}
}

func (s *tcpServer) enter(client netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxTCP || s.clients[client] >= maxTCPClient {
		s.r.Counters.Busy.Add(1)
		return false
	}
	s.all++
	s.clients[client]++
	return true
}

func (s *tcpServer) leave(client netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.clients[client]--; s.clients[client] == 0 {
		delete(s.clients, client)
	}
}

// serveTCP answers the queries of a connection, each as soon as its answer is there.
func (r *Resolver) serveTCP(ctx context.Context, conn net.Conn, client netip.Addr) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var write sync.Mutex
	var group sync.WaitGroup
	defer conn.Close()
	defer group.Wait()
	answer := func(out []byte) {
		write.Lock()
		defer write.Unlock()
		_ = conn.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := conn.Write(out); err != nil {
			_ = conn.Close()
		}
	}
	framed := func(out []byte) []byte {
		binary.BigEndian.PutUint16(out, uint16(len(out)-2))
		return out
	}
	places := make(chan struct{}, maxPerTCP)
	in := bufio.NewReaderSize(conn, 1024)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(idleTCP))
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(length[:]))
		if n > 4096 { // no query is that long
			return
		}
		msg := make([]byte, n)
		if _, err := io.ReadFull(in, msg); err != nil {
			return
		}
		r.Counters.Queries.Add(1)
		if now := time.Now(); !r.limits.allow(client, now) {
			r.Counters.Limited.Add(1)
			return
		}
		q := new(query)
		if rcode := q.read(msg); rcode != dns.RcodeSuccess {
			r.Counters.Malformed.Add(1)
			if rcode == drop {
				return
			}
			answer(framed(q.refusal(make([]byte, 2, 512), msg, rcode, noEDE)))
			continue
		}
		out, e := r.quick(make([]byte, 2, 1024), msg, q, client, time.Now(), dns.MaxMsgSize)
		if e != nil {
			answer(framed(out))
			if r.cfg.Asked != nil {
				r.cfg.Asked(client, Question{e.answer.Name, q.qtype, e.rcode, true})
			}
			continue
		}
		select {
		case places <- struct{}{}: // beyond that, the client waits
		case <-ctx.Done():
			return
		}
		leave, ok := r.enter(client)
		if !ok {
			return
		}
		group.Go(func() {
			defer func() { leave(); <-places }()
			out, asked := r.thorough(ctx, msg, q, client, dns.MaxMsgSize)
			answer(framed(append(make([]byte, 2, 2+len(out)), out...)))
			if r.cfg.Asked != nil {
				r.cfg.Asked(client, asked)
			}
		})
	}
}
