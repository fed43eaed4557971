package nft

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/mud"
)

func TestNobodyUsesTheAddressOfAnother(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		for _, bridged := range []bool{true, false} {
			h.fresh()
			g := gateway(thing("lamp", Free), thing("phone", Free), thing("hub", Free))
			g.LAN[0].Bridge = bridged
			h.apply(g)
			each(t, func(t *testing.T, v int, _ uint8) {
				wan, lamp := addresses["wan"][v], addresses["lamp"][v]
				for i, c := range []struct {
					from string
					src  netip.Addr
					want bool
				}{
					{"lamp", lamp, true},
					{"lamp", addresses["phone"][v], false},
					{"stranger", addresses["phone"][v], false},
					{"lamp", addresses["gateway"][v], false},
					{"stranger", addresses["stranger"][v], true},
					{"lamp", [2]netip.Addr{ip("192.168.1.99"), ip("fd00:1::99")}[v], true}, // one that nobody has: a second address of its own
					{"lamp", [2]netip.Addr{ip("203.0.113.77"), ip("2001:db8:77::1")}[v], false},
				} {
					if got := h.arrives(c.from, "wan", packet(frame.ProtoUDP, c.src, wan, uint16(43000+i), 9)); got != c.want {
						t.Errorf("bridge %v: %s as %s leaves: %v, want %v", bridged, c.from, c.src, got, c.want)
					}
				}
				if h.arrives("wan", "lamp", packet(frame.ProtoUDP, addresses["phone"][v], lamp, 9, 9)) {
					t.Errorf("bridge %v: an address of the LAN comes in from outside", bridged)
				}
			})
			counters, err := h.kernel.Counters(t.Context())
			if err != nil || counters[lampMAC].Spoofed == 0 {
				t.Errorf("bridge %v: what the lamp did is not counted: %v %v", bridged, counters, err)
			}
		}
	})
}

// claim is an ARP reply that says that an address is the sender's.
func claim(from frame.MAC, a netip.Addr) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 2}
	b = append(append(b, from[:]...), a.AsSlice()...)
	b = append(append(b, phoneMAC[:]...), addresses["phone"][0].AsSlice()...)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, marker), 7)
}

func TestNobodyClaimsTheAddressOfAnother(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		h.apply(gateway(thing("lamp", Free), thing("phone", Free), thing("hub", Held)))
		heard := func(from string, to frame.MAC, etherType uint16, body []byte) bool {
			h.number++
			binary.BigEndian.PutUint32(body[len(body)-4:], h.number)
			h.raw(from, wire.Ethernet(to, macs[from], etherType, body))
			return h.arrivals(h.number)["phone"] != nil
		}
		for _, c := range []struct {
			from string
			a    netip.Addr
			want bool
		}{
			{"lamp", addresses["lamp"][0], true},
			{"lamp", addresses["gateway"][0], false},
			{"lamp", addresses["hub"][0], false},
			{"hub", addresses["lamp"][0], false},
			{"stranger", addresses["stranger"][0], true},
			{"stranger", addresses["lamp"][0], false},
		} {
			if got := heard(c.from, phoneMAC, 0x0806, claim(macs[c.from], c.a)); got != c.want {
				t.Errorf("%s says by ARP that it is %s: heard %v, want %v", c.from, c.a, got, c.want)
			}
		}
		for _, c := range []struct {
			from     string
			kind     uint8
			a        netip.Addr
			lifetime uint16
			want     bool
		}{
			{"lamp", 136, addresses["lamp"][1], 0, true},
			{"lamp", 136, addresses["gateway"][1], 0, false},
			{"lamp", 136, addresses["hub"][1], 0, false},
			{"stranger", 136, addresses["stranger"][1], 0, true},
			{"stranger", 136, addresses["lamp"][1], 0, false},
			{"hub", 134, addresses["hub"][1], 1800, false},
			{"lamp", 134, addresses["lamp"][1], 1800, true},
		} {
			src := map[string]netip.Addr{"lamp": ip("fe80::10"), "hub": ip("fe80::20"), "stranger": ip("fe80::40")}[c.from]
			body := append([]byte{0x60, 0, 0, 0}, c.a.AsSlice()...)
			if c.kind == 134 {
				body = append(binary.BigEndian.AppendUint16([]byte{64, 0}, c.lifetime), make([]byte, 8)...)
			}
			body = binary.BigEndian.AppendUint64(body, marker<<32)
			h.number++
			binary.BigEndian.PutUint32(body[len(body)-4:], h.number)
			dst := addresses["phone"][1]
			p := wire.IP{Src: src, Dst: dst, Proto: frame.ProtoICMPv6, Hops: 255}.Packet(wire.ICMPv6(src, dst, c.kind, 0, body))
			h.raw(c.from, wire.Ethernet(phoneMAC, macs[c.from], wire.TypeIPv6, p))
			if got := h.arrivals(h.number)["phone"] != nil; got != c.want {
				t.Errorf("%s says by type %d that it is %s: heard %v, want %v", c.from, c.kind, c.a, got, c.want)
			}
		}
	})
}

func TestNamesAreAskedOfTheGateway(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		own := func(v int) mud.ACE {
			net := netip.PrefixFrom(addresses["wan"][v], addresses["wan"][v].BitLen())
			m := mud.Matches{IPv4: &mud.IP{Destination: net}, UDP: &mud.UDP{Destination: eq(53)}}
			if v == 1 {
				m.IPv4, m.IPv6 = nil, m.IPv4
			}
			return accept("resolver of its own", m)
		}
		other := [2]netip.Addr{ip("198.51.100.53"), ip("2001:db8::53")}
		h.apply(func() *Gateway {
			g := gateway(lampOf([]mud.ACE{own(0), own(1)}, nil), thing("hub", Apart), thing("phone", Free))
			g.Resolver.Port = 5353
			return g
		}())
		each(t, func(t *testing.T, v int, _ uint8) {
			for i, c := range []struct {
				from, to string
				dst      netip.Addr
				port     uint16
			}{
				{"lamp", "wan", addresses["wan"][v], 53},
				{"lamp", "gateway", other[v], 53},
				{"hub", "gateway", other[v], 53},
				{"phone", "wan", other[v], 53},
				{"phone", "gateway", addresses["gateway"][v], 53},
				{"lamp", "", other[v], 853},
				{"hub", "", other[v], 853},
			} {
				got := h.send(c.from, packet(frame.ProtoUDP, addresses[c.from][v], c.dst, uint16(44000+i), c.port))
				if c.to == "" && len(got) > 0 || c.to != "" && got[c.to] == nil {
					t.Errorf("what %s asks of %s:%d arrives at %v, want %q", c.from, c.dst, c.port, got, c.to)
				}
				if c.to == "gateway" && got["gateway"] != nil && got["gateway"].DstPort != 5353 {
					t.Errorf("what %s asks of %s comes to port %d", c.from, c.dst, got["gateway"].DstPort)
				}
			}
		})
		// the resolver is gone, and the operator chose another one
		g := gateway(lampOf(nil, nil), thing("hub", Apart), thing("phone", Free))
		g.Resolver = Resolver{Port: 5353}
		h.apply(g)
		stopped := *g
		stopped.Resolver.Fallback = []netip.Addr{other[0], other[1]}
		h.apply(&stopped)
		again := stopped
		again.Resolver.Stopped = true
		before, _ := stopped.Rules(0)
		after, _ := again.Rules(0)
		if text, changes := after.since(before); text != "" || len(changes) == 0 || len(changes) > 8 {
			t.Errorf("the fallback takes more than elements:\n%s%v", text, changes)
		}
		h.apply(&again)
		each(t, func(t *testing.T, v int, _ uint8) {
			for i, from := range []string{"lamp", "hub", "phone"} {
				got := h.send(from, packet(frame.ProtoUDP, addresses[from][v], addresses["gateway"][v], uint16(45000+i), 53))
				if got["wan"] == nil || got["wan"].dst != other[v] {
					t.Errorf("what %s asks of the gateway arrives at %v", from, got)
				}
			}
		})
		h.apply(&stopped)
		each(t, func(t *testing.T, v int, _ uint8) {
			if got := h.send("lamp", packet(frame.ProtoUDP, addresses["lamp"][v], addresses["gateway"][v], 45100, 53)); got["gateway"] == nil {
				t.Errorf("when the resolver is back, the lamp's questions arrive at %v", got)
			}
		})
	})
}

func TestQuarantineLeavesRepairAndThePage(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		lamp := thing("lamp", Quarantined)
		lamp.Repair = []string{"updates.example"}
		g := gateway(lamp, thing("phone", Free))
		g.Resolver.Port, g.Page = 53, 8085
		h.apply(g)
		repair := []netip.Addr{ip("198.51.100.99"), ip("2001:db8::99")}
		if err := h.kernel.Commit(t.Context(), lampMAC, []string{"updates.example"}, repair, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		each(t, func(t *testing.T, v int, _ uint8) {
			for i, c := range []struct {
				from, to string
				proto    uint8
				dst      netip.Addr
				port     uint16
				at       uint16 // where it comes
			}{
				{"lamp", "wan", frame.ProtoTCP, repair[v], 443, 443},
				{"lamp", "wan", frame.ProtoTCP, repair[v], 80, 80},
				{"lamp", "gateway", frame.ProtoTCP, addresses["wan"][v], 80, 8085},
				{"lamp", "gateway", frame.ProtoUDP, addresses["wan"][v], 53, 53},
				{"lamp", "", frame.ProtoTCP, addresses["wan"][v], 443, 0},
				{"lamp", "", frame.ProtoTCP, addresses["phone"][v], 80, 0},
				{"lamp", "", frame.ProtoTCP, addresses["gateway"][v], 22, 0},
				{"phone", "wan", frame.ProtoTCP, addresses["wan"][v], 80, 80},
				{"lamp", "gateway", frame.ProtoTCP, addresses["gateway"][v], 80, 8085},
				{"lamp", "gateway", frame.ProtoTCP, addresses["gateway"][v], 8085, 8085},
				{"phone", "", frame.ProtoTCP, addresses["gateway"][v], 8085, 0},
				{"wan", "", frame.ProtoTCP, addresses["gateway"][v], 8085, 0},
			} {
				got := h.send(c.from, packet(c.proto, addresses[c.from][v], c.dst, uint16(46000+i), c.port))
				switch {
				case c.to == "" && len(got) > 0:
					t.Errorf("%s > %s:%d arrives at %v", c.from, c.dst, c.port, got)
				case c.to != "" && (got[c.to] == nil || got[c.to].DstPort != c.at):
					t.Errorf("%s > %s:%d arrives at %v, want %s:%d", c.from, c.dst, c.port, got, c.to, c.at)
				}
			}
		})
		counters, err := h.kernel.Counters(t.Context())
		if err != nil || counters[lampMAC].Out == 0 || counters[phoneMAC].Out != 0 {
			t.Errorf("counters %v, %v", counters, err)
		}
	})
}

func TestTheEdgeOfTheHouse(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		everything := []mud.ACE{accept("all", mud.Matches{})}
		lamp := lampOf(everything, everything)
		g := gateway(lamp, thing("phone", Free))
		g.Forbidden = []netip.Prefix{netip.MustParsePrefix("198.51.100.128/25"), netip.MustParsePrefix("2001:db8:bad::/48")}
		g.Open = []Opening{{To: addresses["phone"][0], Proto: frame.ProtoTCP, Port: 8443}, {To: addresses["phone"][1], Proto: frame.ProtoTCP, Port: 8443}}
		h.apply(g)
		each(t, func(t *testing.T, v int, _ uint8) {
			wan, bad := addresses["wan"][v], [2]netip.Addr{ip("198.51.100.200"), ip("2001:db8:bad::1")}[v]
			for i, c := range []struct {
				from, to string
				proto    uint8
				src, dst netip.Addr
				port     uint16
				want     bool
			}{
				{"phone", "wan", frame.ProtoTCP, addresses["phone"][v], bad, 80, false},
				{"lamp", "wan", frame.ProtoTCP, addresses["lamp"][v], bad, 80, false},
				{"wan", "lamp", frame.ProtoTCP, bad, addresses["lamp"][v], 80, false},
				{"wan", "lamp", frame.ProtoTCP, wan, addresses["lamp"][v], 80, true}, // its policy says so
				{"wan", "phone", frame.ProtoTCP, wan, addresses["phone"][v], 80, false},
				{"wan", "phone", frame.ProtoTCP, wan, addresses["phone"][v], 8443, true}, // a person said so
				{"lamp", "gateway", frame.ProtoUDP, addresses["lamp"][v], addresses["gateway"][v], 5351, false},
				{"lamp", "gateway", frame.ProtoTCP, addresses["lamp"][v], addresses["gateway"][v], 5000, false},
				{"lamp", "gateway", frame.ProtoTCP, addresses["lamp"][v], addresses["gateway"][v], 5001, true},
				{"phone", "gateway", frame.ProtoUDP, addresses["phone"][v], addresses["gateway"][v], 5351, true},
				{"phone", "wan", frame.ProtoUDP, addresses["phone"][v], [2]netip.Addr{ip("240.0.0.1"), ip("fe80::1")}[v], 9, false},
			} {
				if got := h.arrives(c.from, c.to, packet(c.proto, c.src, c.dst, uint16(47000+i), c.port)); got != c.want {
					t.Errorf("%s (%s) > %s:%d arrives: %v, want %v", c.from, c.src, c.dst, c.port, got, c.want)
				}
			}
		})
	})
}

// Who is held has the router open no port, unless the household lets it.
func TestWhoOpensPorts(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		everything := []mud.ACE{accept("all", mud.Matches{})}
		for _, bridged := range []bool{true, false} {
			for _, may := range []bool{false, true} {
				h.fresh()
				lamp := lampOf(everything, everything)
				lamp.MayMap = may
				g := gateway(lamp, thing("hub", Apart), thing("phone", Free))
				g.LAN[0].Bridge = bridged
				h.apply(g)
				each(t, func(t *testing.T, v int, _ uint8) {
					for i, s := range mapping {
						for from, want := range map[string]bool{"lamp": may, "hub": false, "phone": true} {
							p := packet(s.Proto, addresses[from][v], addresses["gateway"][v], uint16(48000+i), s.Port)
							if got := h.arrives(from, "gateway", p); got != want {
								t.Errorf("bridge %v, may %v: %s asks port %d: arrives %v, want %v", bridged, may, from, s.Port, got, want)
							}
						}
					}
				})
			}
		}
	})
}

func TestCeilingsBoundOneDeviceAlone(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		for v := range 2 {
			for _, c := range []struct {
				what     string
				proto    uint8
				ceilings Ceilings
			}{
				{"small ones", frame.ProtoUDP, Ceilings{Small: 10, New: 1000}},
				{"those that begin", frame.ProtoTCP, Ceilings{Small: 1000, New: 10}},
			} {
				h.fresh()
				g := gateway(thing("lamp", Free), thing("phone", Free))
				g.Ceilings = c.ceilings
				h.apply(g)
				send := func(from string, port uint16) bool {
					return h.arrives(from, "wan", packet(c.proto, addresses[from][v], addresses["wan"][v], port, 53))
				}
				// a conversation that is answered is not bounded
				h.send("lamp", packet(c.proto, addresses["lamp"][v], addresses["wan"][v], 19999, 53))
				answer := packet(c.proto, addresses["wan"][v], addresses["lamp"][v], 53, 19999)
				answer.flags = frame.SYN | frame.ACK
				h.send("wan", answer)
				passed, began := 0, time.Now()
				for i := range 150 {
					if send("lamp", uint16(20000+i)) {
						passed++
					}
				}
				if most := 60 + int(10*time.Since(began).Seconds()); passed < 45 || passed > most {
					t.Errorf("IPv%d: %d of 150 packets pass a ceiling of ten a second on %s, with bursts of 50", 4+2*v, passed, c.what)
				}
				if !send("phone", 20000) {
					t.Errorf("IPv%d: what the lamp sends counts against the phone", 4+2*v)
				}
				more := packet(c.proto, addresses["lamp"][v], addresses["wan"][v], 19999, 53)
				more.flags = frame.ACK
				if !h.arrives("lamp", "wan", more) {
					t.Errorf("IPv%d: a conversation that was answered is bounded", 4+2*v)
				}
			}
		}
	})
}

// What other programs put into the kernel stays as it is, and goes on to have its say.
func TestRulesOfOthersAreLeftAlone(t *testing.T) {
	needTools(t, "nft", "ip")
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		const others = `table inet fw4 {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "br0" oifname "wan0" tcp dport 443 accept
	}
}
table ip docker {
	chain DOCKER {
		ip saddr 172.17.0.0/16 masquerade
	}
	chain POSTROUTING {
		type nat hook postrouting priority srcnat; policy accept;
		jump DOCKER
	}
}
table bridge libvirt {
	chain forward {
		type filter hook forward priority filter; policy accept;
	}
}
`
		run(t, others, "nft", "-f", "-")
		before := run(t, "", "nft", "list", "ruleset")
		h.apply(gateway(lampOf([]mud.ACE{accept("all", mud.Matches{})}, nil), thing("phone", Free)))
		for _, c := range []struct {
			port uint16
			want bool
		}{{443, true}, {80, false}} {
			for _, from := range []string{"lamp", "phone"} {
				if got := h.arrives(from, "wan", packet(frame.ProtoTCP, addresses[from][0], addresses["wan"][0], 40000+c.port, c.port)); got != c.want {
					t.Errorf("%s, port %d, with another firewall: %v, want %v", from, c.port, got, c.want)
				}
			}
		}
		// another program loads its own rules anew: ours stand
		run(t, "flush chain ip docker DOCKER\nadd rule ip docker DOCKER ip saddr 172.17.0.0/16 masquerade\n", "nft", "-f", "-")
		if ok, err := h.kernel.Intact(t.Context()); !ok || err != nil {
			t.Errorf("after a change of others, ours is said not to stand: %v", err)
		}
		// somebody alters ours
		run(t, "flush chain inet plimsoll held\n", "nft", "-f", "-")
		if ok, err := h.kernel.Intact(t.Context()); ok || err != nil {
			t.Errorf("that our rules were altered goes unnoticed: %v", err)
		}
		h.kernel.Repair()
		h.apply(gateway(lampOf(nil, nil), thing("phone", Free)))
		if h.arrives("lamp", "wan", packet(frame.ProtoTCP, addresses["lamp"][0], addresses["wan"][0], 41443, 443)) {
			t.Error("after repair, the lamp is not held")
		}
		if err := h.kernel.Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := run(t, "", "nft", "list", "ruleset"); after != before || strings.Contains(after, Table) {
			t.Errorf("after removal the rules are not as before:\n%s\nwant\n%s", after, before)
		}
	})
}
