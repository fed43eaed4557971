package lab

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/handshake"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// loadStart is the time of the first packet of the captures below.
const loadStart = 1777917600 * int64(time.Second)

// writer gathers packets into large writes.
type writer struct {
	w               io.Writer
	b               []byte
	frame, datagram []byte // memory of the packet being built
	segment         []byte
	time            int64
	step            int64 // between packets
	err             error
}

var loadFile = wire.Pcap{Link: frame.LinkEthernet}

func newWriter(w io.Writer, step time.Duration) *writer {
	return &writer{w: w, b: loadFile.AppendHeader(make([]byte, 0, 1<<20)), time: loadStart, step: int64(step)}
}

func (w *writer) udp(dst, src frame.MAC, h wire.IP, from, to uint16, data []byte) {
	h.Proto = wire.ProtoUDP
	w.segment = wire.AppendUDP(w.segment[:0], netip.AddrPortFrom(h.Src, from), netip.AddrPortFrom(h.Dst, to), data)
	w.packet(dst, src, h)
}

func (w *writer) tcp(dst, src frame.MAC, h wire.IP, s wire.TCP, data []byte) {
	h.Proto = wire.ProtoTCP
	w.segment = s.Append(w.segment[:0], data)
	w.packet(dst, src, h)
}

func (w *writer) packet(dst, src frame.MAC, h wire.IP) {
	kind := uint16(wire.TypeIPv4)
	if h.Src.Is6() {
		kind = wire.TypeIPv6
	}
	w.datagram = h.Append(w.datagram[:0], w.segment)
	w.frame = wire.AppendEthernet(w.frame[:0], dst, src, kind, w.datagram)
	w.b = loadFile.AppendPacket(w.b, wire.Packet{Time: w.time, Data: w.frame})
	w.time += w.step
	if len(w.b) > 1<<20-1<<12 {
		w.flush()
	}
}

func (w *writer) flush() {
	if w.err == nil {
		_, w.err = w.w.Write(w.b)
	}
	w.b = w.b[:0]
}

// Flood writes a capture of n flows of one packet each, with random addresses at every layer and both
// families of IP: the worst that can be done to a table.
func Flood(w io.Writer, n int) error {
	out := newWriter(w, 10*time.Microsecond)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	data := octets(r, 18)
	for range n {
		var macs [16]byte
		binary.BigEndian.PutUint64(macs[:], r.Uint64())
		binary.BigEndian.PutUint64(macs[8:], r.Uint64())
		dst, src := frame.MAC(macs[:6]), frame.MAC(macs[6:12])
		dst[0] &^= 1
		src[0] &^= 1
		h := wire.IP{Hops: 64, ID: uint16(macs[12])}
		if macs[13]&1 == 0 {
			h.Src, h.Dst = anywhere4(r), anywhere4(r)
		} else {
			h.Src, h.Dst = anywhere6(r), anywhere6(r)
		}
		ports := r.Uint32()
		from, to := uint16(ports>>16)|1024, uint16(ports)|1
		if macs[13]&2 == 0 {
			out.udp(dst, src, h, from, to, data)
		} else {
			s := wire.TCP{Src: netip.AddrPortFrom(h.Src, from), Dst: netip.AddrPortFrom(h.Dst, to), Seq: r.Uint32(), Flags: wire.SYN, Window: 1024}
			out.tcp(dst, src, h, s, nil)
		}
	}
	out.flush()
	return out.err
}

// anywhere4 is a random unicast address.
func anywhere4(r *rand.Rand) netip.Addr {
	v := r.Uint32()
	return netip.AddrFrom4([4]byte{1 + byte(v>>24)%223, byte(v >> 16), byte(v >> 8), byte(v)})
}

// anywhere6 is a random address of the prefix kept for documentation.
func anywhere6(r *rand.Rand) netip.Addr {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(b[4:], r.Uint32())
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	return netip.AddrFrom16(b)
}

// mixedDevices is how many devices the traffic of Mixed comes from.
const mixedDevices = 200

// Mixed writes a capture of steady traffic: packets spread evenly over a number of flows that live at the
// same time, three in four of them TLS over TCP, the others UDP. A flow that ends is followed by a new one.
// Each packet belongs to another flow than the one before it, which is the hardest order for a cache.
func Mixed(w io.Writer, packets, flows int) error {
	out := newWriter(w, 10*time.Microsecond)
	flows = max(flows, 1)
	m, err := newMixture()
	if err != nil {
		return err
	}
	stride := int(2654435761 % uint64(flows))
	for gcd(stride, flows) != 1 {
		stride++
	}
	for n, at, round := 0, 0, 0; n < packets; n++ {
		m.packet(out, uint64(at), uint64(round))
		at += stride
		if at >= flows {
			at -= flows
		}
		if n%flows == flows-1 {
			round++
		}
	}
	out.flush()
	return out.err
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// mixture is what the flows of Mixed say.
type mixture struct {
	hellos [64][2][]byte // of client and server
	data   []byte
}

func newMixture() (*mixture, error) {
	r := rand.New(rand.NewPCG(2, 3))
	m := &mixture{data: octets(r, 4096)}
	authority := handshake.NewAuthority(r, time.Unix(0, loadStart).UTC())
	server := &handshake.Server{Certificate: authority.Issue(r, "cloud.example"), Version: handshake.TLS13, ALPN: []string{"http/1.1"}}
	for i := range m.hellos {
		name := "host" + string('a'+rune(i%8)) + ".cloud" + string('a'+rune(i/8)) + ".example"
		s, err := handshake.Dial(r, handshake.Library(), server, name)
		if err != nil {
			return nil, err
		}
		m.hellos[i] = [2][]byte{s.Flights[0].Data, s.Flights[1].Data[:min(1400, len(s.Flights[1].Data))]}
	}
	return m, nil
}

// packet is what a slot sends in a round. Nothing is kept from one packet to the next: what a flow is, and
// where it stands, follows from the two numbers.
func (m *mixture) packet(w *writer, slot, round uint64) {
	h := hash(slot)
	life := uint64(8) << (h & 3) // packets in a flow of this slot
	age := round + h>>8%life
	generation, at := age/life, age%life
	flow := hash(slot<<20 ^ generation)

	device := slot % mixedDevices
	mac := frame.MAC{0x02, 0, 0x5e, 0x20, byte(device >> 8), byte(device)}
	gateway := frame.MAC{0x02, 0, 0x5e, 0x10, 0, 1}
	var near, far netip.Addr
	if h>>2&3 != 0 {
		near = netip.AddrFrom4([4]byte{192, 168, byte(device / 200), byte(10 + device%200)})
		far = netip.AddrFrom4([4]byte{198, 18 + byte(flow&1), byte(flow >> 8), byte(flow >> 16)})
	} else {
		near = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x1d, 0, 1, 13: 0xfe, 14: byte(device >> 8), 15: byte(device)})
		far = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x5e, 13: byte(flow), 14: byte(flow >> 8), 15: byte(flow >> 16)})
	}
	client, server := netip.AddrPortFrom(near, 1024+uint16(flow>>24)%64000), netip.AddrPortFrom(far, 443)
	out := at%2 == 0 // the client speaks first, then they take turns
	src, dst, from, to := client, server, mac, gateway
	if !out {
		src, dst, from, to = server, client, gateway, mac
	}
	ip := wire.IP{Src: src.Addr(), Dst: dst.Addr(), Hops: 64, ID: uint16(age)}
	request, response := 80+int(flow>>32%400), 200+int(flow>>40%1100)

	if h>>4&3 == 0 {
		size := response
		if out {
			size = request
		}
		m.data[0] = 0x40 // a short header of QUIC
		w.udp(to, from, ip, src.Port(), dst.Port(), m.data[:size])
		return
	}

	// SYN, SYN+ACK, ACK with the client's hello, the server's hello, then data in turn, FIN, FIN.
	hello := m.hellos[flow>>50&63]
	sent := [2]uint32{uint32(flow), uint32(flow >> 13)} // next sequence numbers
	var data []byte
	flags := uint8(wire.ACK)
	for i := uint64(0); ; i++ {
		side := i % 2
		data = nil
		flags = wire.ACK
		switch {
		case i == 0:
			flags = wire.SYN
		case i == 1:
			flags = wire.SYN | wire.ACK
		case i >= life-2:
			flags = wire.FIN | wire.ACK
		case i < 4:
			data = hello[side]
		default:
			size := request
			if side == 1 {
				size = response
			}
			data = m.data[1024 : 1024+size]
		}
		if i == at {
			break
		}
		sent[side] += uint32(len(data))
		if flags&(wire.SYN|wire.FIN) != 0 {
			sent[side]++
		}
	}
	s := wire.TCP{Src: src, Dst: dst, Seq: sent[at%2], Flags: flags, Window: 501}
	if flags&wire.ACK != 0 {
		s.Ack = sent[1-at%2]
	}
	if data != nil && at >= 4 {
		copy(m.data[1024:], []byte{23, 3, 3, byte((len(data) - 5) >> 8), byte(len(data) - 5)})
		s.Flags |= wire.PSH
	}
	w.tcp(to, from, ip, s, data)
}

// hash mixes the bits of x (the finaliser of SplitMix64).
func hash(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
