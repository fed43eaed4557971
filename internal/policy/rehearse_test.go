package policy

import (
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

func talk(q Packet, at int64, names ...string) Conversation {
	return Conversation{Packet: q, Names: names, Told: len(names) > 0, Flows: 1, First: at, Last: at, Flow: "1:x"}
}

func TestARehearsalCountsWhatWouldHaveBeenStopped(t *testing.T) {
	https := mud.Matches{IPv4: &mud.IP{DestinationDNSName: "cloud.example"}, TCP: &mud.TCP{Destination: eq(443)}}
	p := Compile(file([]mud.ACE{accept("cloud", https)}, nil), house())
	r := p.Rehearse([]Conversation{
		talk(out(tcp, cloud, 443), 1, "cloud.example"),
		talk(out(tcp, cloud, 443), 2), // the name led there before
		talk(out(tcp, other, 443), 3, "fw-update.maker.example"),
		talk(out(tcp, other, 443), 4, "fw-update.maker.example"),
		talk(out(udp, other, 123), 5),
		talk(out(udp, gateway, 53), 6),
	})
	if r.Flows != 6 || r.Allowed != 3 || len(r.Stopped) != 2 {
		t.Fatalf("%d flows, %d allowed, %d kinds stopped; want 6, 3, 2", r.Flows, r.Allowed, len(r.Stopped))
	}
	s := r.Stopped[0]
	if s.Peer != "fw-update.maker.example" || s.First.Flows != 2 || s.First.Last != 4 || s.Why != GuessUpdate || s.Nearest != 1 {
		t.Errorf("most often stopped: %s %d times until %d, %s, nearest %d", s.Peer, s.First.Flows, s.First.Last, s.Why, s.Nearest)
	}
	if r.Stopped[1].Peer != other || r.Stopped[1].Why != GuessTime {
		t.Errorf("then: %s, %s", r.Stopped[1].Peer, r.Stopped[1].Why)
	}
	if r.Used[1] != 2 {
		t.Errorf("the first entry allowed %d flows, want 2", r.Used[1])
	}
	d := r.Document(p, locale.New(locale.French), func(s string) string { return s })
	if d.Flows.Stopped != 3 || d.Stopped[0].Guess != "il cherche des mises à jour" || d.Stopped[1].Service != "udp/123" {
		t.Errorf("document: %+v", d)
	}
}

func TestNeighboursMayAnswerWhatADeviceAskedAGroup(t *testing.T) {
	search := mud.Matches{IPv4: &mud.IP{Destination: prefix("239.255.255.250/32")}, UDP: &mud.UDP{Destination: eq(1900)}}
	p := Compile(file([]mud.ACE{accept("search", search)}, nil), house())
	answer := in(udp, hub, 40000)
	answer.PeerPort = 1900
	far := answer
	far.Peer = addr(other)
	elsewhere := answer
	elsewhere.OwnPort = 40001
	second := int64(time.Second)
	r := p.Rehearse([]Conversation{
		talk(out(udp, "239.255.255.250", 1900), 0), talk(answer, second), talk(far, second), talk(elsewhere, second), talk(answer, 60*second),
	})
	if r.Allowed != 2 {
		t.Errorf("%d of 5 pass, want the question and the neighbour's answer in time", r.Allowed)
	}
}

func TestAConversationWhoseBeginningWasNotSeenHasTheBenefitOfTheDoubt(t *testing.T) {
	p := Compile(file([]mud.ACE{accept("all", mud.Matches{TCP: &mud.TCP{Destination: eq(443)}})}, nil), house())
	c := talk(in(tcp, cloud, 40000), 0)
	c.PeerPort = 443
	c.Unsure = true
	if r := p.Rehearse([]Conversation{c}); r.Allowed != 1 {
		t.Error("what may be an answer is stopped")
	}
	c.Unsure = false
	if r := p.Rehearse([]Conversation{c}); r.Allowed != 0 {
		t.Error("what is none passes")
	}
}

func TestFlowsAreSeenFromBothEnds(t *testing.T) {
	f := flow.Flow{
		Addr: [2]frame.Addr{addr(lamp), addr(hub)}, Port: [2]uint16{40000, 80}, Proto: tcp, Packets: [2]uint64{1, 0}, MAC: [2]frame.MAC{lampMAC, hubMAC},
	}
	from, ok1 := Seen(&f, flow.Orig)
	to, ok2 := Seen(&f, flow.Resp)
	if !ok1 || !ok2 || from.Direction != FromDevice || to.Direction != ToDevice || from.PeerPort != 80 || to.OwnPort != 80 {
		t.Errorf("from %+v, to %+v", from.Packet, to.Packet)
	}
	f.Packets = [2]uint64{0, 1} // its port made the sender the responder; nobody asked it
	if c, _ := Seen(&f, flow.Orig); c.Direction != ToDevice || c.PeerPort != 80 || !c.Unsure {
		t.Errorf("an answer without a question: %+v", c.Packet)
	}
	f.How = flow.HowSYNACK // it says that it was asked
	if c, _ := Seen(&f, flow.Orig); c.Direction != FromDevice || c.PeerPort != 80 {
		t.Errorf("an answer to a question that was not captured: %+v", c.Packet)
	}
	f = flow.Flow{Addr: f.Addr, Port: [2]uint16{8, 0}, Proto: frame.ProtoICMP, Packets: [2]uint64{1, 1}}
	if c, ok := Seen(&f, flow.Orig); !ok || c.Type != 8 || c.Code != 0 || c.PeerPort != 0 {
		t.Errorf("a ping: %+v", c.Packet)
	}
	f.Port = [2]uint16{3, 1}
	if _, ok := Seen(&f, flow.Orig); ok {
		t.Error("an error message begins a conversation")
	}
	f = flow.Flow{Addr: [2]frame.Addr{addr(hub), addr("224.0.0.251")}, Port: [2]uint16{5353, 5353}, Proto: udp, Packets: [2]uint64{1, 0}}
	if _, ok := Seen(&f, flow.Resp); ok {
		t.Error("a group is judged as a device")
	}
}

func TestGuesses(t *testing.T) {
	for want, c := range map[Guess]Conversation{
		GuessTime:      talk(out(udp, cloud, 123), 0),
		GuessNames:     talk(out(tcp, cloud, 853), 0),
		GuessUpdate:    talk(out(tcp, cloud, 443), 0, "ota2.maker.example"),
		GuessReach:     talk(out(tcp, cloud, 80), 0, "connectivitycheck.example", "captive.example"),
		GuessDiscovery: talk(out(udp, "224.0.0.251", 5353), 0),
		GuessGroups:    talk(out(frame.ProtoIGMP, "224.0.0.22", 0), 0),
		GuessMeasure:   talk(out(tcp, cloud, 443), 0, "device-metrics-us.example"),
		GuessMedia:     talk(out(udp, cloud, 3478), 0),
		GuessMessages:  talk(out(tcp, cloud, 8883), 0, "x.example"),
		GuessControl:   talk(in(tcp, phone, 8081), 0),
		GuessPing:      talk(Packet{Proto: frame.ProtoICMP, Type: 8, Peer: addr(cloud)}, 0),
		GuessRemote:    talk(in(tcp, other, 23), 0),
		GuessCloud:     talk(out(tcp, cloud, 443), 0, "api.maker.example"),
		GuessInbound:   talk(in(tcp, other, 8081), 0),
		GuessUnknown:   talk(out(tcp, other, 4444), 0),
	} {
		if got := guess(&c); got != want {
			t.Errorf("%v: %s, want %s", c.Names, got, want)
		}
	}
	for _, l := range locale.Languages {
		words := locale.New(l)
		for _, g := range Guesses() {
			if key := "policy.guess." + string(g); words.Text(key) == key {
				t.Errorf("%s has no words for %s", l, g)
			}
		}
		for _, c := range []Class{LinkAddress, LocalNetworks, SameManufacturer, Manufacturer, Model, Controller, MyController, Resolvers, TimeServers, Groups} {
			if key := "policy.peer." + string(c); words.Text(key) == key {
				t.Errorf("%s has no words for %s", l, c)
			}
		}
		for _, leaf := range (0xff &^ LeafDirection &^ 0x80).Strings() {
			if key := "policy.differs." + leaf; words.Text(key) == key {
				t.Errorf("%s has no words for %s", l, leaf)
			}
		}
	}
}

// Whatever a file says and whatever comes, the matcher answers as its entries do when they are read one by one.
func FuzzDecide(f *testing.F) {
	f.Add([]byte(`{"ietf-mud:mud":{"mud-version":1,"mud-url":"https://lamps.example/l.json","last-update":"2026-01-01T00:00:00Z","is-supported":true,"systeminfo":"l",`+
		`"from-device-policy":{"access-lists":{"access-list":[{"name":"a"}]}},"to-device-policy":{"access-lists":{"access-list":[{"name":"a"}]}}},`+
		`"ietf-access-control-list:acls":{"acl":[{"name":"a","type":"ipv4-acl-type","aces":{"ace":[{"name":"x","matches":{"ipv4":{"protocol":6,`+
		`"ietf-acldns:dst-dnsname":"cloud.example"},"tcp":{"destination-port":{"operator":"neq","port":80}}},"actions":{"forwarding":"accept"}}]}}]}}`), true, uint8(6), uint16(443), uint16(40000), uint8(8))
	words := locale.New(locale.French)
	f.Fuzz(func(t *testing.T, data []byte, from bool, proto uint8, peerPort, ownPort uint16, icmp uint8) {
		file, err := mud.Parse(data)
		if err != nil {
			return
		}
		p := Compile(file, house())
		p.Learn("cloud.example", ip(cloud), 10)
		for _, peer := range []string{cloud, other, hub, gateway, "2001:db8::1", "ff02::fb", "255.255.255.255"} {
			q := Packet{Proto: proto, Peer: addr(peer), Own: addr(lamp), PeerPort: peerPort, OwnPort: ownPort, Type: icmp}
			if !from {
				q.Direction = ToDevice
			}
			got := p.Decide(&q, 5)
			if want := slowly(p, &q, 5); got != want {
				t.Errorf("%s: %+v, entry by entry %+v", peer, got, want)
			}
			x := p.Explain(&q, 5)
			if x.Decision != got || int(x.Nearest) > len(p.Entries) {
				t.Errorf("explained as %+v", x)
			}
			if p.Text(&x, &q, peer, words, func(s string) string { return s }) == "" {
				t.Error("nothing explains it")
			}
		}
	})
}

// slowly decides by reading entry after entry.
func slowly(p *Policy, q *Packet, at int64) Decision {
	if kindOf(q.Proto) == kindICMP && IsAnswer(q.Proto, q.Type) {
		return Decision{}
	}
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Direction == q.Direction && e.begins() && p.differs(e, q, at)&^LeafHeader == 0 &&
			!slices.ContainsFunc(e.Fields, func(f Field) bool { return !f.matches(q, e.Action) }) &&
			(!e.OwnNet.IsValid() || e.OwnNet.Contains(q.Own.Netip())) {
			return Decision{Action: e.Action, Entry: int32(i + 1)}
		}
	}
	return Decision{}
}
