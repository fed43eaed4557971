package nft

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/mud"
)

// What a held device exchanges with others on its bridge is routed, and so under all rules; what others exchange is not.
func TestHeldDevicesSpeakWithNeighboursByWayOfTheRules(t *testing.T) { routedNeighbours(t, "0") }

// Docker has bridged packets meet the rules for routed ones too (br_netfilter).
func TestNeighboursAreHeldTheSameWithBridgeNetfilter(t *testing.T) { routedNeighbours(t, "1") }

func routedNeighbours(t *testing.T, calls string) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		for _, name := range []string{"iptables", "ip6tables"} {
			if err := os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-"+name, []byte(calls), 0); err != nil && calls == "1" {
				t.Skip("the kernel has no br_netfilter: ", err)
			}
		}
		named := func(name string, v int) mud.ACE {
			m := mud.Matches{IPv4: &mud.IP{DestinationDNSName: name}, UDP: &mud.UDP{Destination: eq(5683)}}
			if v == 1 {
				m.IPv4, m.IPv6 = nil, m.IPv4
			}
			return accept(name, m)
		}
		group := func(v int) mud.ACE {
			m := mud.Matches{IPv4: &mud.IP{Destination: netip.MustParsePrefix("224.0.0.251/32")}, UDP: &mud.UDP{Destination: eq(5353)}}
			if v == 1 {
				m.IPv4, m.IPv6 = nil, &mud.IP{Destination: netip.MustParsePrefix("ff02::fb/128")}
			}
			return accept("mdns", m)
		}
		g := gateway(lampOf([]mud.ACE{named("hub.home.example", 0), named("hub.home.example", 1), group(0), group(1)}, nil), thing("hub", Free), thing("phone", Free))
		g.LAN[0].Routed4, g.LAN[0].Routed6, g.LAN[0].MAC = true, true, h.own
		h.apply(g)
		each(t, func(t *testing.T, v int, _ uint8) {
			lamp, hub, phone, gw := addresses["lamp"][v], addresses["hub"][v], addresses["phone"][v], addresses["gateway"][v]
			udp := func(from, to string, port uint16) *probe {
				return packet(frame.ProtoUDP, addresses[from][v], addresses[to][v], 49000, port)
			}
			if h.arrives("lamp", "hub", udp("lamp", "hub", 5683)) {
				t.Error("a name that was not asked for leads to a neighbour")
			}
			if err := h.kernel.Commit(t.Context(), lampMAC, []string{"hub.home.example"}, []netip.Addr{hub}, time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if h.arrives("hub", "lamp", packet(frame.ProtoUDP, hub, lamp, 5683, 49000)) {
				t.Error("the hub answers what it was not asked")
			}
			if !h.arrives("lamp", "hub", udp("lamp", "hub", 5683)) {
				t.Error("a name does not lead to a neighbour")
			}
			if !h.arrives("hub", "lamp", packet(frame.ProtoUDP, hub, lamp, 5683, 49000)) {
				t.Error("the neighbour’s answer does not come")
			}
			for _, c := range []struct {
				from, to string
				p        *probe
				want     bool
			}{
				{"lamp", "hub", udp("lamp", "hub", 5684), false},
				{"lamp", "phone", udp("lamp", "phone", 5683), false},
				{"phone", "lamp", udp("phone", "lamp", 5683), false},
				{"hub", "phone", udp("hub", "phone", 7), true},
				{"phone", "hub", packet(frame.ProtoTCP, phone, hub, 49001, 80), true},
				{"lamp", "gateway", packet(frame.ProtoUDP, lamp, gw, 49000, 53), true},
			} {
				if got := h.arrives(c.from, c.to, c.p); got != c.want {
					t.Errorf("%s > %s, port %d: arrives %v, want %v", c.from, c.to, c.p.DstPort, got, c.want)
				}
			}
			// what goes to groups stays on the bridge: all hear it, and the policy still has its say
			all := [2]netip.Addr{ip("224.0.0.251"), ip("ff02::fb")}[v]
			if got := h.send("lamp", packet(frame.ProtoUDP, lamp, all, 5353, 5353)); got["hub"] == nil || got["phone"] == nil {
				t.Errorf("the lamp’s mDNS comes to %v", got)
			}
			if got := h.send("lamp", packet(frame.ProtoUDP, lamp, all, 5353, 1900)); got["hub"] != nil {
				t.Error("what the policy does not list comes to a group")
			}
			if got := h.send("phone", packet(frame.ProtoUDP, phone, all, 5353, 5353)); got["lamp"] == nil || got["hub"] == nil {
				t.Errorf("the phone’s mDNS comes to %v", got)
			}
		})
		// who asks for an address is answered by who has it
		ask := []byte{0, 1, 8, 0, 6, 4, 0, 2}
		ask = append(append(append(ask, hubMAC[:]...), addresses["hub"][0].AsSlice()...), lampMAC[:]...)
		ask = append(ask, addresses["lamp"][0].AsSlice()...)
		h.number++
		h.raw("hub", wire.Ethernet(lampMAC, hubMAC, 0x0806, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(ask, marker), h.number)))
		if h.arrivals(h.number)["lamp"] == nil {
			t.Error("ARP between neighbours is led away")
		}
		// to be let nowhere ends what is under way
		refused := *g
		refused.Devices = []Device{thing("lamp", Refused), thing("hub", Free), thing("phone", Free)}
		h.apply(&refused)
		for v := range 2 {
			if h.arrives("hub", "lamp", packet(frame.ProtoUDP, addresses["hub"][v], addresses["lamp"][v], 5683, 49000)) || h.arrives("lamp", "hub", packet(frame.ProtoUDP, addresses["lamp"][v], addresses["hub"][v], 49000, 5683)) {
				t.Error("a conversation with a neighbour lives on after the device was refused")
			}
		}
	})
}

// The way back of a unicast DHCP offer is not led away: who gets it has no address yet that could be asked for.
func TestAddressesAreGivenOnTheBridgeItself(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		g := gateway(lampOf(nil, nil), thing("hub", Free))
		g.LAN[0].Routed4, g.LAN[0].Routed6, g.LAN[0].MAC = true, true, h.own
		h.apply(g)
		h.number++
		offer := packet(frame.ProtoUDP, addresses["hub"][0], ip("192.168.1.77"), 67, 68)
		h.frame("hub", lampMAC, offer.packet(h.number), offer.dst)
		if h.arrivals(h.number)["lamp"] == nil {
			t.Error("the offer of an address does not come")
		}
	})
}
