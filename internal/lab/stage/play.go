//go:build linux

package stage

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// pair is the two ends of a conversation, the lesser first.
type pair struct {
	a, b  frame.Addr
	p, q  uint16
	proto uint8
}

// talk is what became of a conversation. Each direction has a place.
type talk struct {
	said, heard [2]bool // the last packet of it was sent, and arrived
	over        bool
}

const (
	maxTalks = 16_384
	patience = 100 * time.Millisecond // for a packet to arrive, on a machine that has much to do
)

// side is the conversation of a frame, and its direction.
func side(f *frame.Frame) (pair, int) {
	x := pair{f.Src, f.Dst, f.SrcPort, f.DstPort, f.Proto}
	if string(f.Src[:]) < string(f.Dst[:]) {
		return x, 0
	}
	return pair{f.Dst, f.Src, f.DstPort, f.SrcPort, f.Proto}, 1
}

// Play puts the frames that next gives on the wire, each when it gives it, until next fails.
func (s *Stage) Play(ctx context.Context, next func(context.Context) ([]byte, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.answer(ctx) })
	group.Go(func() error { return s.devices.receive(s.atHome) })
	group.Go(func() error { return s.far.receive(func(b []byte, _ int) { s.arrived(b) }) })
	group.Go(func() error {
		defer s.Close()
		for {
			b, err := next(ctx)
			if err != nil {
				return err
			}
			s.put(b)
		}
	})
	return group.Wait()
}

// Saw takes in a frame that was on the wire before the play began: who has which address.
func (s *Stage) Saw(b []byte) {
	var f frame.Frame
	frame.Decode(&f, frame.LinkEthernet, b, len(b))
	if _, ok := s.ports[f.SrcMAC]; ok {
		s.bind(&f)
	}
}

func (s *Stage) bind(f *frame.Frame) {
	if a := f.Src.Netip(); f.Depth >= frame.Network && s.inside(a) {
		s.mu.Lock()
		s.bound[a] = f.SrcMAC
		s.mu.Unlock()
	}
}

// inside reports whether an address is one of the home.
func (s *Stage) inside(a netip.Addr) bool {
	return s.home.LAN4.Contains(a) || s.home.LAN6.Contains(a) || a.IsLinkLocalUnicast()
}

// router’s own addresses are the first of each network; it has no other that anybody asks.
func (s *Stage) own(a netip.Addr) bool {
	return a == s.home.LAN4.Addr().Next() || a == s.home.LAN6.Addr().Next() || a == wire.EUI64(netip.MustParsePrefix("fe80::/64"), s.router)
}

// put puts a frame where who says it is.
func (s *Stage) put(b []byte) {
	var f frame.Frame
	frame.Decode(&f, frame.LinkEthernet, b, len(b))
	src := f.Src.Netip()
	port, device := s.ports[f.SrcMAC]
	switch {
	case device:
		s.bind(&f)
		if s.follows(&f) {
			s.devices.send(b, port)
		}
	case f.SrcMAC != s.router || kernels(&f, b):
	case f.Depth >= frame.Network && !s.inside(src) && src.IsGlobalUnicast():
		if s.follows(&f) {
			out := append([]byte(nil), b...)
			copy(out, s.wan[:])
			copy(out[6:], s.out[:])
			s.far.send(out, s.far.index)
		}
	default:
		s.near.send(b, s.near.index)
	}
}

// kernels reports whether the kernel or the program under it says this of itself: where the router is, and names.
func kernels(f *frame.Frame, b []byte) bool {
	return f.EtherType == wire.TypeARP || f.Depth >= frame.Transport && f.Proto == frame.ProtoUDP && f.SrcPort == 53 ||
		f.Depth >= frame.Network && f.Proto == frame.ProtoICMPv6 && len(b) > 54 && b[54] == wire.NeighbourAdvertisement
}

// follows reports whether a packet may be sent: if it answers to one, that one arrived. Of a TCP conversation in which a
// packet was lost nothing more comes.
func (s *Stage) follows(f *frame.Frame) bool {
	if f.Depth < frame.Transport || f.Fragment || f.Proto != frame.ProtoTCP && f.Proto != frame.ProtoUDP || s.own(f.Dst.Netip()) || !ends(f) {
		return true
	}
	key, from := side(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.talks[key]
	if t == nil || f.Proto == frame.ProtoTCP && f.Flags&(frame.SYN|frame.ACK) == frame.SYN {
		if len(s.talks) >= maxTalks {
			clear(s.talks)
		}
		t = &talk{}
		s.talks[key] = t
	}
	for end := time.Now().Add(patience); !t.over && t.said[1-from] && !t.heard[1-from]; {
		if time.Now().After(end) {
			t.over = f.Proto == frame.ProtoTCP
			return false
		}
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.mu.Lock()
	}
	if t.over {
		return false
	}
	t.said[from], t.heard[from] = true, false
	return true
}

// ends reports whether a packet goes from one party to one other.
func ends(f *frame.Frame) bool { return !f.DstMAC.IsGroup() && !f.Dst.IsGroup() }

// arrived notes a packet that got through.
func (s *Stage) arrived(b []byte) {
	var f frame.Frame
	frame.Decode(&f, frame.LinkEthernet, b, len(b))
	if f.Depth < frame.Transport {
		return
	}
	key, from := side(&f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.talks[key]; t != nil {
		t.heard[from] = true
	}
}

// atHome is what devices do with a frame that comes to them: they take it, and tell the gateway where they are.
func (s *Stage) atHome(b []byte, port int) {
	if len(b) < 42 {
		return
	}
	var f frame.Frame
	frame.Decode(&f, frame.LinkEthernet, b, len(b))
	if f.SrcMAC == s.router {
		if reply := s.here(&f, b, port); reply != nil {
			s.devices.send(reply, port)
			return
		}
	}
	if s.ports[f.DstMAC] == port {
		s.arrived(b)
	}
}

// here is the answer to a question for a link-layer address (RFC 826, RFC 4861 §7.2), if it is of the device at a port.
func (s *Stage) here(f *frame.Frame, b []byte, port int) []byte {
	var asked netip.Addr
	const arp = 14
	switch {
	case f.EtherType == wire.TypeARP && b[arp+7] == 1:
		asked, _ = netip.AddrFromSlice(b[arp+24 : arp+28])
	case f.Depth >= frame.Network && f.Proto == frame.ProtoICMPv6 && len(b) >= 78 && b[54] == wire.NeighbourSolicitation:
		asked, _ = netip.AddrFromSlice(b[62:78])
	default:
		return nil
	}
	s.mu.Lock()
	m, known := s.bound[asked]
	s.mu.Unlock()
	if !known || s.ports[m] != port {
		return nil
	}
	if asked.Is4() {
		asker, _ := netip.AddrFromSlice(b[arp+14 : arp+18])
		return wire.Ethernet(f.SrcMAC, m, wire.TypeARP, wire.ARP(2, m, asked, frame.MAC(b[arp+8:arp+14]), asker))
	}
	src := f.Src.Netip()
	body := wire.NeighbourTarget(0x60, asked, wire.LinkOption(2, m)) // solicited, override
	h := wire.IP{Src: asked, Dst: src, Proto: wire.ProtoICMPv6, Hops: 255}
	return wire.Ethernet(f.SrcMAC, m, wire.TypeIPv6, h.Packet(wire.ICMPv6(asked, src, wire.NeighbourAdvertisement, 0, body)))
}
