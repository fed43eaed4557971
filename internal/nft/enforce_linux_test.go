package nft

import (
	"fmt"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/mud"
)

// each runs f for IPv4 and for IPv6.
func each(t *testing.T, f func(t *testing.T, v int, icmp uint8)) {
	for v, icmp := range []uint8{frame.ProtoICMP, frame.ProtoICMPv6} {
		t.Run(fmt.Sprintf("IPv%d", 4+2*v), func(t *testing.T) { f(t, v, icmp) })
	}
}

func TestTreatmentsAreAsTheirWordsSay(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		toHub := []mud.ACE{accept("hub", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}, TCP: &mud.TCP{Destination: eq(8080)}}), accept("hub2", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}, UDP: &mud.UDP{Destination: eq(5683)}})}
		cloud := []mud.ACE{accept("cloud", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "cloud.example"}, TCP: &mud.TCP{Destination: eq(443)}}), accept("cloud6", mud.Matches{IPv6: &mud.IP{DestinationDNSName: "cloud.example"}, TCP: &mud.TCP{Destination: eq(443)}})}
		tcp, udp := uint8(frame.ProtoTCP), uint8(frame.ProtoUDP)
		type packetCase struct {
			from, to string
			proto    uint8
			port     uint16
			want     bool
		}
		for _, c := range []struct {
			name    string
			gateway *Gateway
			packets []packetCase
		}{
			{"free", gateway(thing("lamp", Free), thing("phone", Free)), []packetCase{
				{"lamp", "wan", tcp, 80, true},
				{"lamp", "phone", tcp, 22, true},
				{"phone", "lamp", udp, 5683, true},
				{"lamp", "gateway", tcp, 22, true},
				{"wan", "lamp", tcp, 22, false},
				{"stranger", "wan", udp, 9, true},
			}},
			{"held", gateway(lampOf(append(toHub, cloud...), nil), thing("hub", Free), thing("phone", Free)), []packetCase{
				{"lamp", "hub", tcp, 8080, true},
				{"lamp", "hub", tcp, 8081, false},
				{"lamp", "hub", udp, 5683, true},
				{"lamp", "phone", tcp, 8080, false},
				{"phone", "lamp", tcp, 80, false},
				{"lamp", "wan", tcp, 443, false},
				{"lamp", "gateway", tcp, 22, false},
				{"lamp", "gateway", udp, 53, true},
				{"wan", "lamp", tcp, 80, false},
				{"phone", "hub", tcp, 80, true},
				{"phone", "wan", tcp, 80, true},
			}},
			{"apart", gateway(thing("lamp", Apart), thing("phone", Free)), []packetCase{
				{"lamp", "wan", tcp, 443, true},
				{"lamp", "wan", udp, 853, false},
				{"lamp", "phone", tcp, 80, false},
				{"phone", "lamp", tcp, 80, true},
				{"lamp", "gateway", tcp, 22, false},
				{"lamp", "gateway", udp, 53, true},
				{"wan", "lamp", tcp, 80, false},
			}},
			{"refused", gateway(thing("lamp", Refused), thing("phone", Free)), []packetCase{
				{"lamp", "wan", tcp, 443, false},
				{"lamp", "phone", tcp, 80, false},
				{"phone", "lamp", tcp, 80, false},
				{"lamp", "gateway", udp, 53, false},
				{"phone", "wan", udp, 443, true},
			}},
			{"quarantined", gateway(thing("lamp", Quarantined), thing("phone", Free)), []packetCase{
				{"lamp", "wan", tcp, 443, false},
				{"lamp", "phone", udp, 80, false},
				{"phone", "lamp", tcp, 80, false},
				{"lamp", "gateway", udp, 53, true},
				{"lamp", "gateway", tcp, 22, false},
			}},
			{"unknown are apart", func() *Gateway { g := gateway(thing("phone", Free)); g.Unknown = Apart; return g }(), []packetCase{
				{"stranger", "wan", tcp, 443, true},
				{"stranger", "phone", tcp, 80, false},
				{"phone", "stranger", tcp, 80, true},
				{"phone", "wan", tcp, 443, true},
			}},
			{"unknown are refused", func() *Gateway { g := gateway(thing("phone", Free)); g.Unknown = Refused; return g }(), []packetCase{
				{"stranger", "wan", tcp, 443, false},
				{"stranger", "phone", tcp, 80, false},
				{"phone", "wan", tcp, 443, true},
			}},
		} {
			for v := range 2 {
				h.fresh()
				h.apply(c.gateway)
				for i, p := range c.packets {
					src, dst := addresses[p.from][v], addresses[p.to][v]
					if got := h.arrives(p.from, p.to, packet(p.proto, src, dst, uint16(40000+i), p.port)); got != p.want {
						t.Errorf("%s, IPv%d: %s > %s proto %d port %d arrives: %v, want %v", c.name, 4+2*v, p.from, p.to, p.proto, p.port, got, p.want)
					}
				}
				if ok, err := h.kernel.Intact(t.Context()); !ok || err != nil {
					t.Errorf("%s: what was put there does not stand: %v", c.name, err)
				}
			}
			if t.Failed() {
				r, _ := c.gateway.Rules(0)
				t.Fatal(r)
			}
		}
	})
}

func TestNobodyAnswersWhoWasNotAsked(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		any4 := mud.Matches{UDP: &mud.UDP{Destination: eq(5683)}}
		h.apply(gateway(lampOf([]mud.ACE{accept("coap", any4), accept("ping", mud.Matches{ICMP: &mud.ICMP{}})}, nil), thing("hub", Free)))
		each(t, func(t *testing.T, v int, icmp uint8) {
			for _, peer := range []string{"wan", "hub"} { // routed, and on the bridge
				lamp, other := addresses["lamp"][v], addresses[peer][v]
				if h.arrives(peer, "lamp", packet(frame.ProtoUDP, other, lamp, 5683, 41000)) {
					t.Errorf("%s speaks from the port that the lamp may ask, and was not asked", peer)
				}
				if !h.arrives("lamp", peer, packet(frame.ProtoUDP, lamp, other, 41000, 5683)) {
					t.Errorf("the lamp cannot ask %s", peer)
				}
				if !h.arrives(peer, "lamp", packet(frame.ProtoUDP, other, lamp, 5683, 41000)) {
					t.Errorf("%s cannot answer", peer)
				}
				if h.arrives(peer, "lamp", packet(frame.ProtoUDP, other, lamp, 5684, 41000)) {
					t.Errorf("%s answers from another port", peer)
				}
				echo, reply := uint16(8), uint16(0)
				if v == 1 {
					echo, reply = 128, 129
				}
				if h.arrives(peer, "lamp", packet(icmp, other, lamp, reply, 0)) {
					t.Errorf("an echo reply of %s passes that nobody asked for", peer)
				}
				if !h.arrives("lamp", peer, packet(icmp, lamp, other, echo, 0)) {
					t.Errorf("the lamp cannot ping %s", peer)
				}
			}
		})
	})
}

func TestNamesAreReachableWhenCommitReturns(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		cloud := []mud.ACE{accept("cloud", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "cloud.example"}, TCP: &mud.TCP{Destination: eq(443)}}), accept("all below", mud.Matches{IPv6: &mud.IP{DestinationDNSName: "*.example"}, UDP: &mud.UDP{Destination: &mud.Ports{Operator: mud.Range, Port: 440, Upper: 450}}})}
		h.apply(gateway(lampOf(cloud, nil)))
		for i, c := range []struct {
			name  string
			proto uint8
			v     int
			port  uint16
			want  bool
		}{{"cloud.example", frame.ProtoTCP, 0, 443, true}, {"else.example", frame.ProtoUDP, 1, 441, true}, {"other.test", frame.ProtoTCP, 0, 443, false}} {
			h.fresh()
			h.apply(gateway(lampOf(cloud, nil)))
			dst := addresses["wan"][c.v]
			p := packet(c.proto, addresses["lamp"][c.v], dst, uint16(42000+i), c.port)
			wan := addresses["wan"]
			names, addrs, until := []string{"alias.test", c.name}, wan[:], time.Now().Add(time.Minute)
			h.kernel.memory = memory{}
			h.apply(gateway(lampOf(cloud, nil)))
			if h.arrives("lamp", "wan", p) {
				t.Errorf("%s is reached before it was asked for", c.name)
			}
			if h.kernel.Standing(lampMAC, names, addrs, until) {
				t.Errorf("%s is said to stand", c.name)
			}
			for range 2 { // a second time changes nothing
				if err := h.kernel.Commit(t.Context(), lampMAC, names, addrs, until); err != nil {
					t.Fatal(err)
				}
			}
			if !h.kernel.Standing(lampMAC, names, addrs, until) {
				t.Errorf("%s does not stand", c.name)
			}
			p.SrcPort += 100
			if got := h.arrives("lamp", "wan", p); got != c.want {
				t.Errorf("%s: reached %v, want %v", c.name, got, c.want)
			}
			if err := h.kernel.Commit(t.Context(), lampMAC, names, addrs, until.Add(time.Hour)); err != nil { // it stands longer
				t.Fatal(err)
			}
			// a new policy knows what was said to the device
			h.apply(gateway(lampOf(append(cloud, accept("more", mud.Matches{UDP: &mud.UDP{Destination: eq(9)}})), nil)))
			p.SrcPort += 100
			if got := h.arrives("lamp", "wan", p); got != c.want {
				t.Errorf("%s, after a change of the policy: reached %v, want %v", c.name, got, c.want)
			}
		}
	})
}
