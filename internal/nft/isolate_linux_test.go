package nft

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/mud"
)

// answered reports whether the gateway tells a device, with its own link-layer address, that it is the neighbour.
func (h *houses) answered(to string, matches func(frame []byte) bool) bool {
	buf := make([]byte, 2048)
	for range 50 {
		for {
			n, _, err := unix.Recvfrom(h.taps[to], buf, 0)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				break
			}
			if frame.MAC(buf[6:12]) == h.own && matches(buf[:n]) {
				return true
			}
		}
		time.Sleep(20 * time.Millisecond) // the kernel takes its time to answer for others (RFC 4861: up to a second)
	}
	return false
}

func TestIsolatedPortsSpeakByWayOfTheRules(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		i := &Isolation{Bridge: "br0", Ports: []string{"lamp0", "hub0", "phone0"}}
		if err := i.Set(true); err != nil {
			t.Fatal(err)
		}
		if err := i.Answer(append(addressesOf("hub"), addressesOf("lamp")...), true); err != nil {
			t.Fatal(err)
		}
		h.apply(gateway(lampOf([]mud.ACE{accept("hub", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}, UDP: &mud.UDP{Destination: eq(5683)}})}, nil), thing("hub", Free), thing("phone", Free)))

		ask := []byte{0, 1, 8, 0, 6, 4, 0, 1}
		ask = append(append(ask, lampMAC[:]...), addresses["lamp"][0].AsSlice()...)
		ask = append(append(ask, make([]byte, 6)...), addresses["hub"][0].AsSlice()...)
		h.raw("lamp", wire.Ethernet(wire.Broadcast, lampMAC, 0x0806, ask))
		if !h.answered("lamp", func(f []byte) bool { return binary.BigEndian.Uint16(f[12:]) == 0x0806 && f[21] == 2 }) {
			t.Error("the gateway does not answer by ARP for the hub")
		}
		group := wire.Solicited(addresses["hub"][1])
		body := append(append([]byte{0, 0, 0, 0}, addresses["hub"][1].AsSlice()...), append([]byte{1, 1}, lampMAC[:]...)...)
		h.raw("lamp", wire.Ethernet(wire.Group(group), lampMAC, wire.TypeIPv6, wire.IP{Src: addresses["lamp"][1], Dst: group, Proto: frame.ProtoICMPv6, Hops: 255}.Packet(wire.ICMPv6(addresses["lamp"][1], group, 135, 0, body))))
		if !h.answered("lamp", func(f []byte) bool {
			return binary.BigEndian.Uint16(f[12:]) == wire.TypeIPv6 && len(f) > 54 && f[20] == frame.ProtoICMPv6 && f[54] == 136
		}) {
			t.Error("the gateway does not answer by neighbour discovery for the hub")
		}
		each(t, func(t *testing.T, v int, _ uint8) {
			lamp, hub := addresses["lamp"][v], addresses["hub"][v]
			by := func(from string, to frame.MAC, p *probe) *probe {
				h.number++
				h.frame(from, to, p.packet(h.number), p.dst)
				return h.arrivals(h.number)[map[string]string{"lamp": "hub", "hub": "lamp"}[from]]
			}
			if by("lamp", hubMAC, packet(frame.ProtoUDP, lamp, hub, 49000, 5683)) != nil {
				t.Error("isolated ports speak directly")
			}
			if by("hub", h.own, packet(frame.ProtoUDP, hub, lamp, 5683, 49000)) != nil {
				t.Error("the hub answers what it was not asked")
			}
			if by("lamp", h.own, packet(frame.ProtoUDP, lamp, hub, 49000, 5683)) == nil {
				t.Error("what the policy allows does not arrive by way of the gateway")
			}
			if by("hub", h.own, packet(frame.ProtoUDP, hub, lamp, 5683, 49000)) == nil {
				t.Error("the hub’s answer does not arrive")
			}
			if by("lamp", h.own, packet(frame.ProtoUDP, lamp, hub, 49000, 5684)) != nil {
				t.Error("what the policy does not allow arrives by way of the gateway")
			}
		})
		if err := errors.Join(i.Set(false), i.Answer(addressesOf("hub"), false)); err != nil {
			t.Fatal(err)
		}
		if !h.arrives("hub", "phone", packet(frame.ProtoUDP, addresses["hub"][0], addresses["phone"][0], 1, 2)) {
			t.Error("ports stay isolated")
		}
	})
}
