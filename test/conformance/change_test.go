package conformance

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// stream sends datagrams from a device to an address, at a steady rate, and counts those that came.
type stream struct {
	sent, came atomic.Int64
	end        chan struct{}
	ended      chan struct{}
}

const streamPort = 5050

// streams begins a stream. The other end answers the first, so that it is a conversation.
func (s *scene) streams(from *thing, to netip.AddrPort) *stream {
	t := s.t
	t.Helper()
	x := &stream{end: make(chan struct{}), ended: make(chan struct{})}
	var in, out *net.UDPConn
	err := s.internet.do(func() (err error) {
		if in, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(to)); err != nil {
			return err
		}
		raw, err := in.SyscallConn()
		if err != nil {
			return err
		}
		return raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20) })
	})
	if err == nil {
		err = from.do(func() (err error) {
			out, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), out.Close() })
	first := make(chan struct{})
	go func() {
		buf := make([]byte, 64)
		for {
			n, sender, err := in.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if binary.BigEndian.Uint64(buf[:n]) == 0 {
				_, _ = in.WriteToUDPAddrPort(buf[:n], sender)
				continue
			}
			x.came.Add(1)
		}
	}()
	go func() {
		defer close(x.ended)
		_ = out.SetReadDeadline(time.Now().Add(patience))
		_, _ = out.Write(make([]byte, 8))
		_, _ = out.Read(make([]byte, 8))
		close(first)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := uint64(1); ; n++ {
			select {
			case <-x.end:
				return
			case <-tick.C:
			}
			if _, err := out.Write(binary.BigEndian.AppendUint64(nil, n)); err == nil {
				x.sent.Add(1)
			}
		}
	}()
	<-first
	return x
}

// lost ends a stream, and is how many of its datagrams did not come.
func (x *stream) lost() int64 {
	close(x.end)
	<-x.ended
	for end := time.Now().Add(patience); time.Now().Before(end) && x.came.Load() < x.sent.Load(); {
		time.Sleep(10 * time.Millisecond)
	}
	return x.sent.Load() - x.came.Load()
}

// member is a device that is no more than the frames that it sends.
type member struct {
	number int
	mac    frame.MAC
}

// TestRulesChangeUnderLoad: many devices join while others speak, each is held to its own file, and nobody else loses a
// packet.
func TestRulesChangeUnderLoad(t *testing.T) {
	const devices = 300
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		crowd := s.add("crowd", 250)
		free := s.add("free", 30)
		from, to := listed()
		s.start()
		s.join(s.maker.publish(t, "dut", append(from, toHost(22, 17, streamPort)), to, s.signer, nil))
		free.join(t, f)
		s.settles(s.dut)
		held, other := s.streams(s.dut, netip.AddrPortFrom(wide(f, 22), streamPort)), s.streams(free, netip.AddrPortFrom(wide(f, 21), streamPort))
		var members []member
		var joining [][]byte
		said := 0
		for i := range devices {
			m := member{300 + i, macOf(300 + i)}
			members = append(members, m)
			// each file lists a port of its own
			joining = append(joining, m.joins(f, s.maker.publish(t, fmt.Sprint("member", i), []entry{toHost(23, 17, 10_000+i)}, nil, s.signer, nil))...)
			crowd.send(t, "eth0", joining[said:]...)
			said = len(joining)
		}
		began := time.Now()
		ear := s.internet.overhear(t, "eth0")
		says := func(port func(i int) int) int {
			frames, came := [][]byte{}, []chan struct{}{}
			for i, m := range members {
				token := newToken()
				came = append(came, ear.expect(token))
				frames = append(frames, udpFrame(routerMAC, m.mac, netip.AddrPortFrom(lan(f, m.number), 5559), netip.AddrPortFrom(wide(f, 23), uint16(port(i))), append(mark[:len(mark):len(mark)], token...)))
			}
			crowd.send(t, "eth0", frames...)
			late, n := time.After(patience), 0
			for _, c := range came {
				select {
				case <-c:
					n++
				case <-late:
					late = time.After(0)
				}
			}
			return n
		}
		own, next := func(i int) int { return 10_000 + i }, func(i int) int { return 10_000 + (i+1)%devices }
		limit := 60 * time.Second
		if another() {
			limit = 5 * time.Second
		}
		for round := 1; time.Since(began) < limit && says(next) > 0; round++ {
			if round%20 == 0 { // who gets no answer asks again (RFC 2131 §4.1): a busy machine has no room for all of a burst
				crowd.send(t, "eth0", joining...)
			}
			time.Sleep(500 * time.Millisecond)
		}
		t.Logf("%d devices held within %v", devices, time.Since(began).Round(100*time.Millisecond))
		v := fmt.Sprintf("300-devices-v%d ", f)
		b.check(t, v+"devices that reach what their own file lists", devices, says(own))
		b.check(t, v+"devices that reach what another’s file lists", 0, says(next))
		v = fmt.Sprintf("swap-v%d ", f)
		b.check(t, v+"packets of a device that is held, lost while the others joined", int64(0), held.lost())
		b.check(t, v+"packets of a device that is not, likewise", int64(0), other.lost())
		t.Logf("of %d and %d", held.sent.Load(), other.sent.Load())
	})
}

// joins is the frames by which a member asks for its address, says its MUD URL, and shows its address.
func (m member) joins(family int, url string) [][]byte {
	var ask []byte
	if family == 6 {
		ask = frame6(dhcpv6Request, m.number, m.mac, url)
	} else {
		q := append(message4(1, m.number, m.mac), 53, 1, dhcpRequest, 50, 4)
		q = append(append(q, lan(4, m.number).AsSlice()...), 161, byte(len(url)))
		q = append(append(q, url...), 255)
		ask = udpFrame(wire.Broadcast, m.mac, netip.MustParseAddrPort("0.0.0.0:68"), netip.MustParseAddrPort("255.255.255.255:67"), q)
	}
	hello := udpFrame(routerMAC, m.mac, netip.AddrPortFrom(lan(family, m.number), 5559), netip.AddrPortFrom(lan(family, 1), 9), []byte("hello"))
	return [][]byte{ask, claim(routerMAC, m.mac, lan(family, m.number), lan(family, 1)), hello}
}

// TestRevokingEndsWhatIsUnderWayByEitherFamily: what a person refuses is silent at once, conversations included.
func TestRevokingEndsConversationsOfEachKind(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		own(t)
		s := enforcedOf(t, f)
		v := fmt.Sprintf("revoke-v%d ", f)
		_ = s.dut.leads("cloud.maker.example", f)
		conversations := []struct {
			name string
			*conversation
		}{
			{"TCP that the device began", s.dut.begin(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 23), service))},
			{"UDP that the device began", s.dut.begin(&s.receiver, "udp", netip.AddrPortFrom(wide(f, 23), service))},
			{"TCP with where a name led", s.dut.begin(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 20), service))},
			{"TCP that a peer began", s.internet.beginFrom(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 24), 0), netip.AddrPortFrom(lan(f, 10), inward))},
		}
		try := func(when string, expected bool) {
			var tries []probe
			for _, c := range conversations {
				tries = append(tries, probe{v + c.name + ", " + when, expected, func() bool { return c.answered() }})
			}
			b.try(t, tries...)
		}
		try("before", true)
		s.mustAsk("admit", s.dut.mac.String(), "--as", "none")
		try("after the device was refused", false)
	})
}

// TestAGatewayThatIsNotThere: it crashes, and what is known stays held; it starts with no way to the Internet, and holds
// what it held.
func TestAGatewayThatIsNotThere(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		peer := s.add("peer", 30)
		peer.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, 30), other))
		s.start()
		s.join(s.publishGood())
		peer.join(t, f)
		s.settles(s.dut)
		_ = s.dut.leads("cloud.maker.example", f)
		c := s.dut.begin(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 23), service))
		r := &s.receiver
		at := func(n int) netip.AddrPort { return netip.AddrPortFrom(wide(f, n), service) }
		near := netip.AddrPortFrom(lan(f, 30), other)
		try := func(v string, internet bool) {
			list := []probe{{v + "the device to a neighbour", false, func() bool { return s.dut.reaches(r, "tcp", near) }}}
			if internet {
				list = append(list,
					probe{v + "the device to what its file lists", true, func() bool { return s.dut.reaches(r, "tcp", at(23)) }},
					probe{v + "the device to where a name leads that its file lists", true, func() bool { return s.dut.reaches(r, "tcp", at(20)) }},
					probe{v + "the device to a stranger", false, func() bool { return s.dut.reaches(r, "tcp", at(30)) }},
					probe{v + "a stranger to the device", false, func() bool { return fromInternet(s, f, 30, netip.AddrPortFrom(lan(f, 10), inward)) }},
					probe{v + "another device, which is not held, to the Internet", true, func() bool { return peer.reaches(r, "tcp", at(30)) }})
			}
			b.try(t, list...)
		}
		b.check(t, fmt.Sprintf("crash-v%d a conversation of the device, before", f), true, c.arrives())
		s.stop(syscall.SIGKILL)
		b.check(t, fmt.Sprintf("crash-v%d the same after the gateway crashed", f), true, c.arrives())
		try(fmt.Sprintf("crash-v%d ", f), true)
		s.reboot()
		v := fmt.Sprintf("reboot-v%d ", f)
		try(v+"without Internet: ", false)
		s.wanBack()
		s.within("the Internet is there", func() bool { return peer.reaches(r, "tcp", at(30)) })
		s.within("names lead somewhere", func() bool { return s.dut.leads("cloud.maker.example", f) })
		try(v+"Internet again: ", true)
	})
}

// reboot starts the gateway on a machine that was started anew, where the makers’ servers, and all else on the Internet,
// cannot be reached.
func (s *scene) reboot() {
	s.gateway.ip(s.t, "link set wan0 down")
	if err := s.gateway.run("nft", "flush", "ruleset"); err != nil {
		s.t.Fatal(err)
	}
	s.launch()
}

// wanBack brings the way to the Internet back, and what the kernel took away with it.
func (s *scene) wanBack() {
	s.gateway.batch(s.t, []string{
		"link set wan0 up", "addr replace " + wan6.String() + " dev wan0 nodad",
		"route replace default via " + wide(4, 1).String(), "route replace default via " + wide(6, 1).String(),
	})
}
