package lab

import (
	"encoding/binary"
	"net/netip"

	"plimsoll.example/plimsoll/internal/lab/handshake"
)

// stream is what messages are exchanged on: a connection, or TLS over one.
type stream interface {
	Send(data []byte)
	Recv(data []byte)
}

// Secure is TLS over a connection.
type Secure struct {
	conn    *Conn
	session *handshake.Session
}

func (a *Actor) hello() *handshake.Client {
	if a.Hello != nil {
		return a.Hello
	}
	return handshake.Library()
}

// TLS begins TLS on c. The client, which began the connection, calls the server name; "" sends no name.
func (c *Conn) TLS(name string) *Secure { return c.TLSAs(c.a.hello(), name) }

// TLSAs is TLS with another client than the device's usual one.
func (c *Conn) TLSAs(client *handshake.Client, name string) *Secure {
	p := c.a.play
	session, err := handshake.Dial(c.a.rng, client, p.speaker(c.ends[1].host), name)
	if err != nil {
		p.fail(err)
		return &Secure{conn: c}
	}
	p.keys.WriteString(session.Keys)
	for _, f := range session.Flights {
		side := 1
		if f.FromClient {
			side = 0
		}
		c.write(side, f.Data)
	}
	return &Secure{c, session}
}

// Send sends data from the actor, Recv to it.
func (s *Secure) Send(data []byte) { s.write(s.conn.mine, data) }

// Recv lets the other side send data.
func (s *Secure) Recv(data []byte) { s.write(1-s.conn.mine, data) }

func (s *Secure) write(side int, data []byte) {
	if s.session != nil {
		s.conn.write(side, s.session.Seal(side == 0, data))
	}
}

// Close ends TLS and the connection.
func (s *Secure) Close() {
	if s.session != nil {
		s.conn.write(s.conn.mine, s.session.Close(s.conn.mine == 0))
	}
	s.conn.Close()
}

// HTTPS makes a request of up octets, answered with down octets, to a server over TLS.
func (a *Actor) HTTPS(name string, up, down int) {
	s := a.Dial(name, 443).TLS(name)
	a.exchange(s, name, "POST", "/v1/state", up, down)
	s.Close()
}

// QUIC makes a request that is answered with down octets over HTTP/3.
func (a *Actor) QUIC(name string, down int, opts handshake.QUICOptions) {
	if a.names[name] <= a.now {
		a.ResolveHTTPS(name)
	}
	peer := a.play.find(name)
	v6 := a.over6(peer)
	a.reach(peer, v6)
	q, err := handshake.DialQUIC(a.rng, a.hello(), a.play.speaker(peer), name, opts)
	if err != nil {
		a.play.fail(err)
		return
	}
	a.play.keys.WriteString(q.Keys)
	src, dst := netip.AddrPortFrom(a.addr(v6), a.newPort()), netip.AddrPortFrom(peer.addr(v6), 443)
	last := true
	say := func(client bool, datagram []byte) {
		from, to := &a.host, peer
		s, d := src, dst
		if !client {
			from, to, s, d = to, from, d, s
		}
		if client != last {
			a.now = a.play.after(a.now, from)
			last = client
		}
		a.play.udp(a.now, from, to.mac, s, d, datagram)
		a.now += int64(30000 + a.rng.IntN(40000))
	}
	for _, f := range q.Flights {
		say(f.FromClient, f.Data)
	}
	// A request for "/" and its answer, with fields of QPACK's static table (RFC 9204, Appendix A).
	fields := append([]byte{0, 0, 0xd1, 0xd7, 0xc1, 0x50, byte(len(name))}, name...)
	for _, d := range q.Seal(true, h3(1, fields)) {
		say(true, d)
	}
	answer := append(h3(1, []byte{0, 0, 0xd9}), h3(0, octets(a.rng, down))...)
	for _, d := range q.Seal(false, answer) {
		say(false, d)
	}
}

// h3 is a frame of HTTP/3 (RFC 9114, Section 7.1).
func h3(kind byte, data []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind}, 0x80000000|uint32(len(data)))
	return append(b, data...)
}
