package conformance

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"
)

// router is a server of PCP (RFC 6887) and NAT-PMP (RFC 6886) in the gateway: it grants what it is asked for.
func (n *namespace) router(t *testing.T, at netip.AddrPort) {
	t.Helper()
	err := n.do(func() error {
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = u.Close() })
		go func() {
			buf := make([]byte, 1100)
			for {
				n, from, err := u.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				switch {
				case n >= 60 && buf[0] == 2 && buf[1] == 1: // PCP MAP
					buf[1], buf[3] = 0x81, 0
					_, _ = u.WriteToUDPAddrPort(buf[:60], from)
				case n >= 12 && buf[0] == 0 && (buf[1] == 1 || buf[1] == 2): // NAT-PMP
					answer := append([]byte{0, buf[1] + 128, 0, 0, 0, 0, 0, 1}, buf[4:12]...)
					_, _ = u.WriteToUDPAddrPort(answer, from)
				}
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// opens reports whether the router opens a port for a device that asks so: by PCP with MAP (RFC 6887 §11.1), or by
// NAT-PMP (RFC 6886 §3.3).
func (d *thing) opens(family int, pcp bool) bool {
	ask := []byte{0, 2, 0, 0}
	ask = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(ask, inward), inward)
	ask = binary.BigEndian.AppendUint32(ask, 3600)
	if pcp {
		own := lan(family, d.number).As16()
		ask = append(append([]byte{2, 1, 0, 0, 0, 0, 14, 16}, own[:]...), make([]byte, 12)...)
		ask = append(ask, 6, 0, 0, 0)
		ask = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(ask, inward), inward)
		ask = append(ask, make([]byte, 16)...)
	}
	var c net.Conn
	err := d.do(func() (err error) {
		c, err = net.Dial("udp", netip.AddrPortFrom(lan(family, 1), 5351).String())
		return err
	})
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(ask); err != nil {
		return false
	}
	answer := make([]byte, 1100)
	n, err := c.Read(answer)
	return err == nil && n >= 16 && answer[1]&0x80 != 0 && answer[3] == 0
}

// A device that is held has the router open no ports to it, by none of the protocols that routers have for that.
func TestAHeldDeviceOpensNoPorts(t *testing.T) {
	t.Parallel()
	own(t)
	var b table
	defer b.print(t)
	s := newScene(t)
	free := s.add("free", 20)
	from, to := listed()
	from = append(from, entry{"ietf-mud:mud": object{"controller": "urn:ietf:params:mud:gateway"}, "ip": object{"protocol": 17}, "udp": port("destination", 5351)})
	s.start()
	for _, f := range []int{4, 6} {
		s.gateway.router(t, netip.AddrPortFrom(lan(f, 1), 5351))
	}
	const igd = 5000 // UPnP IGD, as miniupnpd has it
	for _, f := range []int{4, 6} {
		s.gateway.listen(t, &s.receiver, netip.AddrPortFrom(lan(f, 1), igd))
	}
	free.join(t, 4)
	for _, f := range []int{4, 6} {
		free.hello(lan(f, 20))
	}
	s.join(s.maker.publish(t, "dut", from, to, s.signer, nil))
	s.settles(s.dut)
	families(t, func(t *testing.T, f int) {
		v := fmt.Sprintf("open-ports-v%d ", f)
		at := netip.AddrPortFrom(lan(f, 1), igd)
		b.try(
			t,
			probe{v + "held: PCP, though its file lists it", false, func() bool { return s.dut.opens(f, true) }},
			probe{v + "held: NAT-PMP, though its file lists it", false, func() bool { return s.dut.opens(f, false) }},
			probe{v + "held: UPnP IGD", false, func() bool { return s.dut.reaches(&s.receiver, "tcp", at) }},
			probe{v + "free: PCP", true, func() bool { return free.opens(f, true) }},
			probe{v + "free: NAT-PMP", true, func() bool { return free.opens(f, false) }},
			probe{v + "free: UPnP IGD", true, func() bool { return free.reaches(&s.receiver, "tcp", at) }},
		)
	})
	s.mustAsk("admit", "dut", "--as", "full")
	families(t, func(t *testing.T, f int) {
		v := fmt.Sprintf("open-ports-v%d ", f)
		b.check(t, v+"the household lets it: PCP", true, s.dut.opens(f, true))
		b.check(t, v+"the household lets it: NAT-PMP", true, s.dut.opens(f, false))
	})
}
