package nft

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/netnstest"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// randomEntry is one that speaks of the house.
func randomEntry(r *rand.Rand, d mud.Direction, v int) mud.ACE {
	m := mud.Matches{}
	switch r.IntN(4) {
	case 0:
		m.MUD = pick(r, []*mud.MUD{{LocalNetworks: true}, {SameManufacturer: true}, {Controller: "urn:ietf:params:mud:gateway"}})
	case 1:
		a := addresses[pick(r, []string{"lamp", "hub", "phone", "wan", "gateway"})][v]
		x := &mud.IP{Destination: netip.PrefixFrom(a, a.BitLen())}
		if d == mud.ToDevice {
			x = &mud.IP{Source: x.Destination}
		}
		if m.IPv4 = x; v == 1 {
			m.IPv4, m.IPv6 = nil, x
		}
	}
	var p *mud.Ports
	if chance(r, 70) {
		p = eq(pick(r, []uint16{80, 443, 5683}))
	}
	if chance(r, 50) {
		m.TCP = &mud.TCP{Destination: p}
	} else {
		m.UDP = &mud.UDP{Destination: p}
	}
	e := mud.ACE{Name: "x", Matches: m}
	if chance(r, 80) {
		e.Action = mud.Accept
	}
	return e
}

// expected is what the words for the treatments say of the packet that begins a conversation.
func expected(g *Gateway, devices []Device, from, to string, p *probe) bool {
	treatment := func(name string) Treatment {
		for i := range devices {
			if devices[i].MAC == macs[name] {
				return devices[i].Treatment
			}
		}
		if name == "wan" || name == "gateway" {
			return Free
		}
		return g.Unknown
	}
	sender, receiver := treatment(from), treatment(to)
	if sender == Refused || receiver == Refused && slices.ContainsFunc(devices, func(d Device) bool { return d.MAC == macs[to] }) {
		return false
	}
	if sender == Apart {
		switch {
		case to == "gateway":
			return p.Proto == frame.ProtoUDP && (p.DstPort == 53 || p.DstPort == 123) || p.Proto == frame.ProtoTCP && p.DstPort == 53
		case to != "wan" || p.DstPort == 853:
			return false
		}
	}
	var list []*policy.Policy
	for i := range devices {
		if devices[i].Policy != nil && (devices[i].Treatment == Held || devices[i].Treatment == Quarantined) {
			list = append(list, devices[i].Policy)
		}
	}
	home := policy.NewHome(list)
	t := policy.Tuple{From: macs[from], Src: frame.AddrFrom(p.src), Dst: frame.AddrFrom(p.dst), SrcPort: p.SrcPort, DstPort: p.DstPort, Proto: p.Proto}
	if d, by := home.Decide(&t, 0); d.Action == policy.Drop {
		return false
	} else if by != nil && by.Device == macs[to] {
		return true // its own policy lets others begin
	}
	return from != "wan" || g.Inbound
}

// Whatever is decided about the devices of a house, packets arrive as the words say.
func TestRandomTreatmentsHold(t *testing.T) {
	needTools(t, "nft", "ip")
	rounds := 25
	if testing.Short() {
		rounds = 6
	}
	netnstest.Run(t, func(t *testing.T) {
		h := newHouse(t)
		passed, stopped := 0, 0
		for seed := range uint64(rounds) {
			r := rand.New(rand.NewPCG(seed, 11))
			g := gateway()
			g.Unknown, g.Inbound, g.LAN[0].Bridge = pick(r, []Treatment{Free, Apart, Refused}), chance(r, 30), true
			g.LAN[0].Routed4, g.LAN[0].Routed6, g.LAN[0].MAC = chance(r, 50), chance(r, 50), h.own
			for _, name := range []string{"lamp", "hub", "phone"} {
				d := thing(name, pick(r, []Treatment{Free, Apart, Held, Held, Quarantined, Refused}))
				var from, to []mud.ACE
				for range r.IntN(6) {
					from = append(from, randomEntry(r, mud.FromDevice, r.IntN(2)))
					to = append(to, randomEntry(r, mud.ToDevice, r.IntN(2)))
				}
				if d.Treatment == Held {
					c := policy.Context{Device: policy.Device{MAC: d.MAC, Addresses: d.Addresses, URL: "https://lamps.example/" + name}, Local: g.Prefixes, Gateway: g.Own}
					for _, other := range []string{"lamp", "hub"} {
						if other != name {
							c.Peers = append(c.Peers, policy.Device{MAC: macs[other], Addresses: addressesOf(other), URL: "https://lamps.example/" + other})
						}
					}
					d.Policy = policy.Compile(&mud.File{URL: c.Device.URL, FromDevice: []string{"f"}, ToDevice: []string{"t"}, ACLs: []mud.ACL{{Name: "f", ACEs: from}, {Name: "t", ACEs: to}}}, &c)
				}
				d.Policy = g.effective(&d)
				g.Devices = append(g.Devices, d)
			}
			if seed%2 == 0 {
				h.fresh() // else, the rules change
			}
			h.apply(g)
			if err := h.kernel.socket.ask(dropEntry, 4, 2, nil, nil); err != nil {
				t.Fatal(err)
			}
			if err := h.kernel.socket.ask(dropEntry, 4, 10, nil, nil); err != nil {
				t.Fatal(err)
			}
			for n := range 60 {
				from := pick(r, []string{"lamp", "hub", "phone", "stranger", "wan"})
				to := pick(r, []string{"lamp", "hub", "phone", "stranger", "wan", "gateway"})
				if from == to || from == "wan" && to == "gateway" {
					continue
				}
				v := r.IntN(2)
				p := packet(pick(r, []uint8{frame.ProtoTCP, frame.ProtoUDP}), addresses[from][v], addresses[to][v], uint16(10000+100*int(seed)+n), pick(r, []uint16{53, 80, 123, 443, 853, 5683}))
				got, want := h.arrives(from, to, p), expected(g, g.Devices, from, to, p)
				if got != want {
					t.Errorf("seed %d: %s > %s, IPv%d, proto %d, port %d arrives: %v, want %v", seed, from, to, 4+2*v, p.Proto, p.DstPort, got, want)
				}
				if got {
					passed++
				} else {
					stopped++
				}
			}
			if t.Failed() {
				rs, _ := g.Rules(0)
				t.Fatalf("treatments %v, unknown %v:\n%s", g.Devices, g.Unknown, rs)
			}
		}
		if t.Logf("%d packets passed, %d were stopped", passed, stopped); passed < stopped/10 || stopped < passed/10 {
			t.Error("the packets are all of one kind: they prove little")
		}
	})
}
