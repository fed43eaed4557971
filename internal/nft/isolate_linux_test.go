package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
		before := bridgeState(t)
		i := &Isolation{Bridge: "br0", Except: []string{"stranger0"}, Record: filepath.Join(t.TempDir(), "isolation.json")}
		known := append(addressesOf("hub"), addressesOf("lamp")...)
		if err := i.Keep(known); err != nil {
			t.Fatal(err)
		}
		g := gateway(lampOf([]mud.ACE{accept("hub", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}, UDP: &mud.UDP{Destination: eq(5683)}})}, nil), thing("hub", Free), thing("phone", Free))
		g.LAN[0].Isolated = true
		h.apply(g)

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
		// a device that comes back asks whether anybody has its address: nobody but itself
		free := func(from string, a netip.Addr) bool {
			group := wire.Solicited(a)
			none := netip.IPv6Unspecified()
			h.raw(from, wire.Ethernet(wire.Group(group), macs[from], wire.TypeIPv6, wire.IP{Src: none, Dst: group, Proto: frame.ProtoICMPv6, Hops: 255}.Packet(wire.ICMPv6(none, group, 135, 0, append([]byte{0, 0, 0, 0}, a.AsSlice()...)))))
			return !h.answered(from, func(f []byte) bool {
				return binary.BigEndian.Uint16(f[12:]) == wire.TypeIPv6 && len(f) > 54 && f[54] == 136
			})
		}
		if !free("hub", addresses["hub"][1]) {
			t.Error("the hub is told that its own address is taken")
		}
		if free("lamp", addresses["hub"][1]) {
			t.Error("the lamp is told that the hub’s address is free")
		}
		// a port comes, and one goes
		netnstest.Veth(t, "late0", "late1")
		run(t, "link set late0 master br0\nlink set phone0 nomaster\n", "ip", "-batch", "-")
		if err := i.Keep(known[:2]); err != nil {
			t.Fatal(err)
		}
		if s := bridgeState(t); !strings.Contains(s, "late0 true") || !strings.Contains(s, "stranger0 false") || strings.Contains(s, addresses["lamp"][1].String()) {
			t.Errorf("after a port came and an address was given back:\n%s", s)
		}
		run(t, "link set late0 nomaster\nlink set phone0 master br0\n", "ip", "-batch", "-")
		// killed, and started again: what was before is still known
		again := &Isolation{Bridge: "br0", Except: i.Except, Record: i.Record}
		if err := again.Keep(known); err != nil {
			t.Fatal(err)
		}
		if err := again.Restore(); err != nil {
			t.Fatal(err)
		}
		if s := bridgeState(t); s != before {
			t.Errorf("the bridge is not as before:\n%s\nwant\n%s", s, before)
		}
		if err := again.Restore(); err != nil {
			t.Error("nothing to put back is an error:", err)
		}
		time.Sleep(20 * time.Millisecond)
		if !h.arrives("hub", "phone", packet(frame.ProtoUDP, addresses["hub"][0], addresses["phone"][0], 1, 2)) {
			t.Error("ports stay isolated")
		}
	})
}

// bridgeState is all that isolation may alter.
func bridgeState(t *testing.T) string {
	t.Helper()
	ports, err := portsOf("br0")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range ports {
		fmt.Fprintln(&b, p.name, p.isolated)
	}
	for _, name := range slices.Sorted(maps.Keys((&Isolation{Bridge: "br0"}).Settings())) {
		value, err := setting(name)
		fmt.Fprintln(&b, name, value, err)
	}
	b.WriteString(run(t, "", "ip", "-6", "neigh", "show", "proxy"))
	return b.String()
}

func TestARecordOfABridgeThatNamesOtherThingsIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "isolation.json")
	for _, text := range []string{"{", `{"bridge":"br0","settings":{"ipv4/ip_forward":"0"}}`, `{"bridge":"../all","settings":{"ipv6/conf/../all/proxy_ndp":"0"}}`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&Isolation{Bridge: "br0", Record: name}).Restore(); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
