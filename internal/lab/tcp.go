package lab

import (
	"encoding/binary"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Conn is a TCP connection. Side 0 began it.
type Conn struct {
	a       *Actor // whose clock runs
	ends    [2]end
	last    int // side that sent last
	mine    int // side that a is
	lose    bool
	reorder bool
	owed    [2]int64 // since when a side has not acknowledged what it got; 0: nothing is owed
}

type end struct {
	host   *host
	mac    frame.MAC // where the other side sends to
	addr   netip.AddrPort
	seq    uint32
	acked  uint32 // of the other side's sequence
	stamp  uint32 // base of the timestamps
	echo   uint32 // last timestamp got
	window uint16
}

// Dial connects to a port of a device or server, by name.
func (a *Actor) Dial(to string, port uint16) *Conn {
	peer := a.resolve(to)
	return a.dial(peer, port)
}

func (a *Actor) dial(peer *host, port uint16) *Conn {
	v6 := a.over6(peer)
	a.reach(peer, v6)
	c := a.conn(&a.host, netip.AddrPortFrom(a.addr(v6), a.newPort()), peer, netip.AddrPortFrom(peer.addr(v6), port))
	c.open()
	return c
}

// Accept takes a connection to a port of a from a server on the Internet, as a port mapping lets it in.
func (a *Actor) Accept(from string, port uint16) *Conn {
	peer := a.play.find(from)
	c := a.conn(peer, netip.AddrPortFrom(peer.v4, 30000+uint16(a.rng.IntN(20000))), &a.host, netip.AddrPortFrom(a.v4, port))
	c.mine = 1
	c.open()
	return c
}

// Refused tries a port that is closed.
func (a *Actor) Refused(to string, port uint16) {
	peer := a.resolve(to)
	v6 := a.over6(peer)
	a.reach(peer, v6)
	c := a.conn(&a.host, netip.AddrPortFrom(a.addr(v6), a.newPort()), peer, netip.AddrPortFrom(peer.addr(v6), port))
	c.refuse()
}

func (a *Actor) conn(from *host, src netip.AddrPort, to *host, dst netip.AddrPort) *Conn {
	c := &Conn{a: a}
	for i, h := range [2]*host{from, to} {
		c.ends[i] = end{host: h, mac: h.mac, seq: a.rng.Uint32(), stamp: a.rng.Uint32(), window: h.stack.Window}
	}
	c.ends[0].addr, c.ends[1].addr = src, dst
	return c
}

func (c *Conn) open() {
	c.segment(0, wire.SYN, nil)
	c.hand(1)
	c.segment(1, wire.SYN|wire.ACK, nil)
	c.hand(0)
	c.segment(0, wire.ACK, nil)
}

func (c *Conn) refuse() {
	c.segment(0, wire.SYN, nil)
	c.hand(1)
	c.ends[1].seq = 0 // RFC 9293, Section 3.10.7.1
	c.segment(1, wire.RST|wire.ACK, nil)
	c.hand(0)
}

// hand lets the time pass until side can answer what the other sent.
func (c *Conn) hand(side int) {
	if c.last != side {
		c.a.now = c.a.play.after(c.a.now, c.ends[side].host)
		c.last = side
	}
}

// segment emits one segment of side now.
func (c *Conn) segment(side int, flags uint8, data []byte) {
	c.segmentAt(c.a.now, side, flags, data)
	c.a.Wait(time.Duration(15+c.a.rng.IntN(40)) * time.Microsecond)
}

func (c *Conn) segmentAt(t int64, side int, flags uint8, data []byte) {
	me, you := &c.ends[side], &c.ends[1-side]
	h := wire.TCP{Src: me.addr, Dst: you.addr, Seq: me.seq, Flags: flags, Window: me.window}
	if flags&wire.ACK != 0 {
		h.Ack = you.seq
		me.acked = you.seq
		c.owed[side] = 0
	}
	h.Options = c.options(t, side, flags)
	if flags&wire.SYN == 0 && me.host.stack.Scale > 0 && you.host.stack.Scale > 0 {
		h.Window = 501
	}
	if flags&wire.RST != 0 {
		h.Window = 0
	}
	c.a.play.ip(t, me.host, you.mac, wire.IP{Src: me.addr.Addr(), Dst: you.addr.Addr(), Proto: wire.ProtoTCP}, h.Segment(data))
	me.seq += uint32(len(data))
	if flags&(wire.SYN|wire.FIN) != 0 {
		me.seq++
	}
}

// options are those of a segment: on a SYN what the stack offers, later timestamps if both have them.
func (c *Conn) options(t int64, side int, flags uint8) []byte {
	me, you := &c.ends[side], &c.ends[1-side]
	s := me.host.stack
	if flags&wire.RST != 0 {
		return nil
	}
	stamps := s.Stamps && (you.host.stack.Stamps || flags&(wire.SYN|wire.ACK) == wire.SYN)
	var b []byte
	if flags&wire.SYN != 0 {
		b = append(b, 2, 4, byte(c.mss()>>8), byte(c.mss()))
		answer := flags&wire.ACK != 0
		sack := s.SACK && (!answer || you.host.stack.SACK)
		scale := s.Scale > 0 && (!answer || you.host.stack.Scale > 0)
		switch {
		case sack:
			b = append(b, 4, 2)
		case stamps:
			b = append(b, 1, 1)
		}
		if stamps {
			b = c.stamp(b, t, side)
		} else if sack {
			b = append(b, 1, 1)
		}
		if scale {
			b = append(b, 1, 3, 3, s.Scale)
		}
		return b
	}
	if stamps {
		b = c.stamp([]byte{1, 1}, t, side)
	}
	return b
}

// stamp appends the timestamps option (RFC 7323, Section 3).
func (c *Conn) stamp(b []byte, t int64, side int) []byte {
	me, you := &c.ends[side], &c.ends[1-side]
	now := me.stamp + uint32(t/int64(time.Millisecond))
	b = binary.BigEndian.AppendUint32(append(b, 8, 10), now)
	you.echo = now
	return binary.BigEndian.AppendUint32(b, me.echo)
}

func (c *Conn) mss() int {
	if c.ends[0].addr.Addr().Is6() {
		return 1440
	}
	return 1460
}

// Send sends data from the actor, Recv to it.
func (c *Conn) Send(data []byte) { c.write(c.mine, data) }

// Recv lets the other side send data.
func (c *Conn) Recv(data []byte) { c.write(1-c.mine, data) }

// Lose makes the network lose the next segment after it was captured: it is captured again when it is
// sent again.
func (c *Conn) Lose() { c.lose = true }

// Reorder makes the first two segments of the next message change places.
func (c *Conn) Reorder() { c.reorder = true }

func (c *Conn) write(side int, data []byte) {
	c.hand(side)
	c.settle(1 - side)
	me, you := &c.ends[side], &c.ends[1-side]
	size := c.mss()
	if me.host.stack.Stamps && you.host.stack.Stamps {
		size -= 12
	}
	for n := 1; len(data) > 0; n++ {
		part := data[:min(size, len(data))]
		data = data[len(part):]
		flags := uint8(wire.ACK)
		if len(data) == 0 {
			flags |= wire.PSH
		}
		if c.lose {
			c.lose = false
			c.segment(side, flags, part)
			me.seq -= uint32(len(part))
			c.a.Wait(230 * time.Millisecond)
		}
		if c.reorder && len(data) > 0 {
			c.reorder = false
			late := data[:min(size, len(data))]
			data = data[len(late):]
			me.seq += uint32(len(part))
			c.segment(side, flags, late)
			me.seq -= uint32(len(part) + len(late))
			c.segment(side, flags, part)
			me.seq += uint32(len(late))
			n++
		} else {
			c.segment(side, flags, part)
		}
		c.owed[1-side] = c.a.now
		if n%2 == 0 && len(data) > 0 {
			c.segmentAt(c.a.play.after(c.a.now, you.host), 1-side, wire.ACK, nil)
		}
	}
}

// settle lets side acknowledge what it still has to: late, as it had nothing to send.
func (c *Conn) settle(side int) {
	if c.owed[side] == 0 {
		return
	}
	due := c.owed[side] + int64(40*time.Millisecond)
	c.a.now = max(c.a.now, due+int64(c.ends[side].host.distance))
	c.segmentAt(due, side, wire.ACK, nil)
	c.owed[side] = 0
}

// Close ends the connection from the actor's side.
func (c *Conn) Close() { c.close(c.mine) }

// CloseRemote ends it from the other.
func (c *Conn) CloseRemote() { c.close(1 - c.mine) }

func (c *Conn) close(side int) {
	c.hand(side)
	c.settle(1 - side)
	c.segment(side, wire.FIN|wire.ACK, nil)
	c.hand(1 - side)
	c.segment(1-side, wire.FIN|wire.ACK, nil)
	c.hand(side)
	c.segment(side, wire.ACK, nil)
}

// Reset breaks the connection off from the actor's side.
func (c *Conn) Reset() {
	c.hand(c.mine)
	c.segment(c.mine, wire.RST|wire.ACK, nil)
}
