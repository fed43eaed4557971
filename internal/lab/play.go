package lab

import (
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/handshake"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// Trace is what was captured while a home was played.
type Trace struct {
	Packets []wire.Packet // in time order
	Truth   Truth
	Keys    string // of all TLS and QUIC connections, in the format of SSLKEYLOGFILE
}

// play is the state of a home being played. Scripts run one after the other, each with a clock of its own;
// what they send is put in order at the end.
type play struct {
	home      *Home
	actors    []*Actor // the router first
	servers   []*host
	authority *handshake.Authority
	issued    map[string]*handshake.Server
	rng       *rand.Rand // of the servers
	sent      []sent
	finding   []int // those being played
	findings  []Finding
	keys      strings.Builder
	err       error
}

type sent struct {
	time    int64
	data    []byte
	finding []int
}

// Actor is a device being played. Its verbs send packets and let its clock run on; they do nothing once
// something has gone wrong, which Play then tells.
type Actor struct {
	host
	*Device
	play  *play
	rng   *rand.Rand
	now   int64 // nanoseconds since the Unix epoch
	began int64
	turn  int // which of Device.MACs it has
	port  uint16
	known map[netip.Addr]int64 // neighbours, and until when they are known
	names map[string]int64     // names asked, and until when the answer holds
	truth DeviceTruth
}

var errUnknown = errors.New("no device or server of that name")

// Play plays the home.
func (h *Home) Play() (*Trace, error) {
	p := &play{home: h, issued: map[string]*handshake.Server{}, rng: h.source("")}
	p.authority = handshake.NewAuthority(h.source("authority"), h.Start)
	p.enter(&h.Router)
	for i := range h.Devices {
		p.enter(&h.Devices[i])
	}
	for i := range h.Servers {
		s := &h.Servers[i]
		hops := uint8(64 - 4 - s.Distance/(3*time.Millisecond))
		at := &host{mac: p.router().mac, distance: s.Distance, hops: hops, stack: Linux, server: s}
		if len(s.IPv4) > 0 {
			at.v4 = s.IPv4[0]
		}
		if len(s.IPv6) > 0 {
			at.v6 = s.IPv6[0]
		}
		p.servers = append(p.servers, at)
	}
	for _, a := range p.actors {
		if a.Script != nil {
			a.Script(a)
		}
	}
	if p.err != nil {
		return nil, fmt.Errorf("play the home: %w", p.err)
	}
	return p.trace(), nil
}

func (p *play) router() *Actor { return p.actors[0] }

// enter makes the actor of d, with the addresses that it will have.
func (p *play) enter(d *Device) {
	a := &Actor{Device: d, play: p, rng: p.home.source(d.Name), known: map[netip.Addr]int64{}, names: map[string]int64{}}
	a.stack = d.Stack
	a.hops = d.Stack.Hops
	a.distance = time.Duration(400+a.rng.IntN(1600)) * time.Microsecond
	a.port = 49152 + uint16(a.rng.IntN(12000))
	a.id = uint16(a.rng.Uint32())
	a.began = p.home.Start.Add(d.Arrives).UnixNano()
	a.now = a.began
	a.truth = DeviceTruth{Name: d.Name, Kind: d.Kind, Category: d.Category, Maker: d.Maker, Model: d.Model}
	p.actors = append(p.actors, a)
	a.take(0)
	if len(p.actors) == 1 {
		a.v4 = p.home.LAN4.Addr().Next()
		a.v6 = p.home.LAN6.Addr().Next()
		a.distance = 150 * time.Microsecond
	}
}

// take gives a its i-th link-layer address, and the IP addresses that come with it.
func (a *Actor) take(i int) {
	h := a.play.home
	a.turn = i
	a.mac = a.MACs[i]
	switch {
	case i == 0 && a.IPv4.IsValid():
		a.v4 = a.IPv4
	default:
		four := h.LAN4.Addr().As4()
		four[3] = byte(100 + len(a.play.actors) + 20*i)
		a.v4 = netip.AddrFrom4(four)
	}
	linkLocal := netip.MustParsePrefix("fe80::/64")
	switch a.IPv6 {
	case FromMAC:
		a.local, a.v6 = wire.EUI64(linkLocal, a.mac), wire.EUI64(h.LAN6, a.mac)
	case Opaque:
		a.local, a.v6 = opaque(linkLocal, a.rng), opaque(h.LAN6, a.rng)
	}
}

func opaque(prefix netip.Prefix, r *rand.Rand) netip.Addr {
	b := prefix.Addr().As16()
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	return netip.AddrFrom16(b)
}

// find is the device or server that is called name.
func (p *play) find(name string) *host {
	for _, a := range p.actors {
		if a.Name == name {
			return &a.host
		}
	}
	for _, s := range p.servers {
		if s.server.Name == name {
			return s
		}
	}
	p.fail(fmt.Errorf("%w: %q", errUnknown, name))
	return &p.router().host
}

func (p *play) actor(name string) *Actor {
	for _, a := range p.actors {
		if a.Name == name {
			return a
		}
	}
	p.fail(fmt.Errorf("%w: %q", errUnknown, name))
	return p.router()
}

func (p *play) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// speaker is the TLS side of h, with a certificate for its names.
func (p *play) speaker(h *host) *handshake.Server {
	key := h.v4.String()
	if h.server != nil {
		key = h.server.Name
	}
	if s := p.issued[key]; s != nil {
		return s
	}
	s := &handshake.Server{Version: handshake.TLS13, ALPN: []string{"http/1.1"}}
	r := p.home.source("certificate of " + key)
	switch {
	case h.server == nil:
		s.Version = handshake.TLS12
		s.Certificate = handshake.SelfSigned(r, p.home.Start, pkix.Name{CommonName: key}, h.v4, false)
	case h.server.Weak:
		s.Version = handshake.TLS10
		s.Certificate = handshake.SelfSigned(r, p.home.Start, pkix.Name{CommonName: key}, netip.Addr{}, true)
	default:
		if h.server.Newest != 0 {
			s.Version = h.server.Newest
		}
		s.Certificate = p.authority.Issue(r, key)
	}
	p.issued[key] = s
	return s
}

// Wait lets time pass.
func (a *Actor) Wait(d time.Duration) { a.now += int64(d) }

// Between waits for a time in [least, most).
func (a *Actor) Between(least, most time.Duration) {
	a.Wait(least + time.Duration(a.rng.Int64N(int64(most-least))))
}

// Until waits until d after the start of the capture.
func (a *Actor) Until(d time.Duration) {
	a.now = max(a.now, a.play.home.Start.Add(d).UnixNano())
}

// Every does something about each period from now to the end of the capture.
func (a *Actor) Every(period time.Duration, do func()) {
	end := a.play.home.Start.Add(a.play.home.Length).UnixNano()
	for next := a.now; next < end; next += int64(period) {
		a.now = max(a.now, next)
		a.Between(0, period/50+1)
		if a.now >= end {
			return
		}
		do()
	}
}

// Meanwhile does something beside what follows: the clock is put back afterwards.
func (a *Actor) Meanwhile(do func()) {
	now := a.now
	do()
	a.now = now
}

// time is the clock of a.
func (a *Actor) time() time.Time { return time.Unix(0, a.now).UTC() }

// emit puts a frame in the capture.
func (p *play) emit(t int64, f []byte) {
	if p.err != nil {
		return
	}
	if frame.MAC(f[6:12]) != p.router().mac {
		f = wire.Pad(f) // what the router sends itself is captured before its hardware pads it
	}
	p.sent = append(p.sent, sent{t, f, p.finding})
}

// ip sends a datagram from one host to another, or to a group, cut where it is too long for Ethernet.
func (p *play) ip(t int64, from *host, to frame.MAC, h wire.IP, payload []byte) {
	from.id++
	h.ID = from.id
	h.May = from.stack == Small // which does not look for the path's MTU
	if h.Hops == 0 {
		h.Hops = from.hops
	}
	kind := uint16(wire.TypeIPv4)
	if h.Src.Is6() {
		kind = wire.TypeIPv6
	}
	size := 1480
	if kind == wire.TypeIPv6 {
		size = 1448
	}
	f := wire.Ethernet(to, from.mac, kind, h.Packet(payload))
	if len(payload) <= 1480 && len(f) <= 1514 {
		p.emit(t, f)
		return
	}
	for i, piece := range wire.Fragment(f, size, uint32(h.ID)<<16|0x5a5a) {
		p.emit(t+int64(i)*12000, piece)
	}
}

// udp sends a datagram.
func (p *play) udp(t int64, from *host, to frame.MAC, src, dst netip.AddrPort, data []byte) {
	h := wire.IP{Src: src.Addr(), Dst: dst.Addr(), Proto: wire.ProtoUDP}
	if dst.Addr().IsMulticast() {
		to = wire.Group(dst.Addr())
		h.Hops = 255 // mDNS, RFC 6762, Section 11
		if dst.Port() == 1900 {
			h.Hops = 4 // UPnP Device Architecture 2.0, Section 1.2.2
		}
	}
	p.ip(t, from, to, h, wire.UDP(src, dst, data))
}

// after is when the answer of h is captured to something that was captured at t.
func (p *play) after(t int64, h *host) int64 {
	d := int64(h.distance)
	return t + d + p.rng.Int64N(d/8+50000)
}

// newPort is the next ephemeral port of a.
func (a *Actor) newPort() uint16 {
	a.port += 1 + uint16(a.rng.IntN(5))
	if a.port < 49152 || a.port > 65000 {
		a.port = 49152
	}
	return a.port
}

// over6 reports whether a speaks to h over IPv6.
func (a *Actor) over6(h *host) bool { return a.Prefer6 && a.v6.IsValid() && h.v6.IsValid() }

// ask sends a datagram to a port of peer, and shows its answers. It returns the ports used.
func (a *Actor) ask(peer *host, port uint16, request []byte, answers ...[]byte) (src, dst netip.AddrPort) {
	return a.askFrom(a.newPort(), peer, port, request, answers...)
}

func (a *Actor) askFrom(from uint16, peer *host, port uint16, request []byte, answers ...[]byte) (src, dst netip.AddrPort) {
	v6 := a.over6(peer)
	a.reach(peer, v6)
	src = netip.AddrPortFrom(a.addr(v6), from)
	dst = netip.AddrPortFrom(peer.addr(v6), port)
	a.play.udp(a.now, &a.host, peer.mac, src, dst, request)
	for _, b := range answers {
		a.now = a.play.after(a.now, peer)
		a.play.udp(a.now, peer, a.mac, dst, src, b)
	}
	a.Between(50*time.Microsecond, 500*time.Microsecond)
	return src, dst
}

// cast sends a datagram to a multicast group or to everyone.
func (a *Actor) cast(from uint16, to netip.AddrPort, data []byte) {
	src := netip.AddrPortFrom(a.v4, from)
	if to.Addr().Is6() {
		src = netip.AddrPortFrom(a.local, from)
	}
	a.play.udp(a.now, &a.host, wire.Broadcast, src, to, data)
	a.Between(20*time.Microsecond, 200*time.Microsecond)
}

// broadcast is the address of everyone on the LAN.
func (a *Actor) broadcast() netip.Addr {
	b := a.play.home.LAN4.Addr().As4()
	host := ^uint32(0) >> a.play.home.LAN4.Bits()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|host)
	return netip.AddrFrom4(b)
}

func (p *play) trace() *Trace {
	slices.SortStableFunc(p.sent, func(x, y sent) int { return int(min(1, max(-1, x.time-y.time))) })
	t := &Trace{Keys: p.keys.String()}
	for i, s := range p.sent {
		t.Packets = append(t.Packets, wire.Packet{Time: s.time, Data: s.data})
		for _, f := range s.finding {
			p.findings[f].saw(i+1, s.time)
		}
	}
	t.Truth = p.truth()
	return t
}
