package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

type cases = map[string]struct {
	q      Packet
	passes bool
}

func TestWithoutEntriesOnlyJoiningLocalNamesAndTimePass(t *testing.T) {
	dhcp := Packet{Proto: udp, Peer: addr("255.255.255.255"), Own: addr("0.0.0.0"), PeerPort: 67, OwnPort: 68}
	offer := Packet{Direction: ToDevice, Proto: udp, Peer: addr(gateway), Own: addr(lamp), PeerPort: 67, OwnPort: 68}
	solicit := Packet{Proto: frame.ProtoICMPv6, Type: 135, Peer: addr("ff02::1:ff00:10"), Own: addr(lamp6)}
	judge(t, file(nil, nil), house(), cases{
		"a name from the gateway":      {out(udp, gateway, 53), true},
		"a long name":                  {out(tcp, gateway, 53), true},
		"a name from a stranger":       {out(udp, "8.8.8.8", 53), false},
		"the time from the gateway":    {out(udp, gateway, 123), true},
		"the time from a stranger":     {out(udp, "203.0.113.123", 123), false},
		"DHCP":                         {dhcp, true},
		"a DHCP offer":                 {offer, true},
		"neighbour solicitation":       {solicit, true},
		"group membership":             {Packet{Proto: frame.ProtoIGMP, Peer: addr("224.0.0.22"), Own: addr(lamp)}, true},
		"the web":                      {out(tcp, cloud, 443), false},
		"the gateway's pages":          {out(tcp, gateway, 80), false},
		"whoever asks":                 {in(tcp, phone, 80), false},
		"a ping":                       {Packet{Proto: frame.ProtoICMP, Type: 8, Peer: addr(gateway), Own: addr(lamp)}, false},
		"DHCP from another port":       {Packet{Proto: udp, Peer: addr("255.255.255.255"), PeerPort: 67, OwnPort: 69}, false},
		"neighbour discovery from far": {Packet{Proto: frame.ProtoICMPv6, Type: 135, Peer: addr("2001:db8::1")}, false},
	})
}

func TestResolversOfTheNetworkReplaceTheGateway(t *testing.T) {
	c := house()
	c.Resolvers = []netip.Addr{ip("192.168.1.53"), ip("9.9.9.9")}
	judge(t, file(nil, nil), c, cases{
		"the resolver": {out(udp, "192.168.1.53", 53), true},
		"the other":    {out(udp, "9.9.9.9", 53), true},
		"the gateway":  {out(udp, gateway, 53), false},
	})
}

func TestAnExplicitDropBeatsTheDefault(t *testing.T) {
	judge(t, file([]mud.ACE{drop("no names", mud.Matches{UDP: &mud.UDP{Destination: eq(53)}})}, nil), house(), cases{
		"a name":      {out(udp, gateway, 53), false},
		"a long name": {out(tcp, gateway, 53), true},
		"the time":    {out(udp, gateway, 123), true},
	})
}

func TestTheFirstEntryThatMatchesDecides(t *testing.T) {
	p := judge(t, file([]mud.ACE{
		accept("first", mud.Matches{IPv4: &mud.IP{Destination: prefix(cloud + "/32")}}),
		drop("second", mud.Matches{IPv4: &mud.IP{Destination: prefix("203.0.113.0/24")}}),
		accept("third", mud.Matches{TCP: &mud.TCP{Destination: eq(443)}}),
	}, nil), house(), cases{
		"accepted by the first":  {out(tcp, cloud, 22), true},
		"dropped by the second":  {out(tcp, "203.0.113.6", 443), false},
		"accepted by the third":  {out(tcp, other, 443), true},
		"of the other family":    {out(tcp, "2001:db8::1", 443), true},
		"that nobody speaks of":  {out(tcp, other, 22), false},
		"that is no answer, but": {in(tcp, cloud, 22), false},
	})
	q := out(tcp, "203.0.113.6", 443)
	if d := p.Decide(&q, 0); d.Entry != 2 {
		t.Errorf("entry %d decided, want 2", d.Entry)
	}
}

func TestAllLeavesMustMatch(t *testing.T) {
	m := mud.Matches{
		IPv4: &mud.IP{Destination: prefix("203.0.113.0/24"), DSCP: number(10)},
		TCP:  &mud.TCP{Source: &mud.Ports{Operator: mud.GreaterOrEqual, Port: 1024}, Destination: &mud.Ports{Operator: mud.Range, Port: 8000, Upper: 8010}},
	}
	right := out(tcp, cloud, 8005)
	right.Set(DSCP, 10)
	wrong := right
	wrong.Set(DSCP, 11)
	low := right
	low.OwnPort = 1023
	port := right
	port.PeerPort = 8011
	far := right
	far.Peer = addr(other)
	datagram := right
	datagram.Proto = udp
	judge(t, file([]mud.ACE{accept("all", m)}, nil), house(), cases{
		"all":                 {right, true},
		"an unknown DSCP":     {out(tcp, cloud, 8005), true},
		"another DSCP":        {wrong, false},
		"another source port": {low, false},
		"another port":        {port, false},
		"another address":     {far, false},
		"another protocol":    {datagram, false},
	})
}

func TestOperatorsOnPorts(t *testing.T) {
	for _, x := range []struct {
		ports mud.Ports
		in    []uint16
		not   []uint16
	}{
		{mud.Ports{Operator: mud.Equal, Port: 80}, []uint16{80}, []uint16{79, 81}},
		{mud.Ports{Operator: mud.NotEqual, Port: 80}, []uint16{0, 79, 81, 65535}, []uint16{80}},
		{mud.Ports{Operator: mud.NotEqual, Port: 0}, []uint16{1, 65535}, []uint16{0}},
		{mud.Ports{Operator: mud.NotEqual, Port: 65535}, []uint16{0, 65534}, []uint16{65535}},
		{mud.Ports{Operator: mud.LessOrEqual, Port: 80}, []uint16{0, 80}, []uint16{81, 65535}},
		{mud.Ports{Operator: mud.GreaterOrEqual, Port: 80}, []uint16{80, 65535}, []uint16{0, 79}},
		{mud.Ports{Operator: mud.Range, Port: 80, Upper: 90}, []uint16{80, 85, 90}, []uint16{79, 91}},
		{mud.Ports{Operator: mud.Range, Port: 90, Upper: 80}, nil, []uint16{80, 85, 90}},
	} {
		p := Compile(file([]mud.ACE{accept("ports", mud.Matches{UDP: &mud.UDP{Destination: &x.ports}})}, nil), house())
		for _, port := range x.in {
			if q := out(udp, cloud, port); p.Decide(&q, 0).Action != Accept {
				t.Errorf("%+v: port %d is stopped", x.ports, port)
			}
		}
		for _, port := range x.not {
			if q := out(udp, cloud, port); p.Decide(&q, 0).Action == Accept {
				t.Errorf("%+v: port %d passes", x.ports, port)
			}
		}
	}
}

// An unknown leaf must never widen what a device may do.
func TestAnUnknownMatchKillsItsEntry(t *testing.T) {
	unknown := []mud.Member{{Path: "/matches/ietf-mud:mud/nobody", Value: "[null]"}}
	a := accept("dead", mud.Matches{TCP: &mud.TCP{Destination: eq(443)}})
	d := drop("drops what is known", mud.Matches{TCP: &mud.TCP{Destination: eq(22)}})
	a.Unknown, d.Unknown = unknown, unknown
	all := accept("rest", mud.Matches{TCP: &mud.TCP{Destination: &mud.Ports{Operator: mud.LessOrEqual, Port: 100}}})
	judge(t, file([]mud.ACE{a, d, all}, nil), house(), cases{
		"what the dead entry would accept": {out(tcp, cloud, 443), false},
		"what the other one may drop":      {out(tcp, cloud, 22), false},
		"what neither speaks of":           {out(tcp, cloud, 80), true},
	})
}

func TestLeavesThatNoFirstPacketSettlesKillTheirEntry(t *testing.T) {
	length, id, seq := uint16(100), uint16(7), uint32(1)
	for name, m := range map[string]mud.Matches{
		"hop limit":      {IPv6: &mud.IP{TTL: number(255)}},
		"length":         {IPv4: &mud.IP{Length: &length}},
		"identification": {IPv4: &mud.IP{Identification: &id}},
		"fragment":       {IPv4: &mud.IP{Flags: []string{"fragment"}}},
		"offset":         {IPv4: &mud.IP{Offset: &id}},
		"flow label":     {IPv6: &mud.IP{FlowLabel: &seq}},
		"sequence":       {TCP: &mud.TCP{SequenceNumber: &seq}},
		"window":         {TCP: &mud.TCP{WindowSize: &length}},
		"options":        {TCP: &mud.TCP{Options: []byte{1}}},
		"a strange flag": {TCP: &mud.TCP{Flags: []string{"xyz"}}},
		"UDP length":     {UDP: &mud.UDP{Length: &length}},
		"rest of header": {ICMP: &mud.ICMP{RestOfHeader: []byte{1}}},
		"own name":       {IPv4: &mud.IP{SourceDNSName: "lamp.example"}},
	} {
		p := Compile(file([]mud.ACE{accept(name, m)}, nil), house())
		for _, peer := range []string{cloud, "2001:db8::1"} {
			for _, proto := range []uint8{tcp, udp, frame.ProtoICMP, frame.ProtoICMPv6} {
				if q := out(proto, peer, 443); p.Decide(&q, 0).Action == Accept {
					t.Errorf("%s: protocol %d to %s passes", name, proto, peer)
				}
			}
		}
	}
}

func TestTCPFlagsAreThoseOfTheFirstPacket(t *testing.T) {
	syn, ecn, fin, ack := out(tcp, cloud, 1), out(tcp, cloud, 1), out(tcp, cloud, 1), out(tcp, cloud, 1)
	syn.Set(TCPFlags, 2)
	ecn.Set(TCPFlags, 2|64|128)
	fin.Set(TCPFlags, 1)
	ack.Set(TCPFlags, 2|16)
	judge(t, file([]mud.ACE{accept("syn", mud.Matches{TCP: &mud.TCP{Flags: []string{"syn"}}})}, nil), house(), cases{
		"SYN":          {syn, true},
		"SYN with ECN": {ecn, true},
		"FIN":          {fin, false},
		"SYN and ACK":  {ack, false},
	})
}

func TestTypesOfAccessListsHoldEntriesToAFamily(t *testing.T) {
	f := file([]mud.ACE{accept("tcp", mud.Matches{TCP: &mud.TCP{}})}, nil)
	f.ACLs[0].Type = mud.IPv4ACL
	judge(t, f, house(), cases{"IPv4": {out(tcp, cloud, 1), true}, "IPv6": {out(tcp, "2001:db8::1", 1), false}})
	f.ACLs[0].Type = mud.IPv6ACL
	judge(t, f, house(), cases{"IPv4": {out(tcp, cloud, 1), false}, "IPv6": {out(tcp, "2001:db8::1", 1), true}})
	f.ACLs[0].Type = mud.IPv4ACL
	f.ACLs[0].ACEs[0].Matches.IPv6 = &mud.IP{}
	judge(t, f, house(), cases{"IPv4": {out(tcp, cloud, 1), false}, "IPv6": {out(tcp, "2001:db8::1", 1), false}})
}

func TestSeveralAccessListsAreReadInOrder(t *testing.T) {
	f := file([]mud.ACE{drop("drop", mud.Matches{TCP: &mud.TCP{Destination: eq(80)}})}, nil)
	f.ACLs = append(f.ACLs, mud.ACL{Name: "more", ACEs: []mud.ACE{accept("tcp", mud.Matches{TCP: &mud.TCP{}})}})
	f.FromDevice = []string{"from", "more", "missing"}
	f.ToDevice = nil // may be absent
	judge(t, f, house(), cases{"80": {out(tcp, cloud, 80), false}, "81": {out(tcp, cloud, 81), true}})
}

func TestDirectionInitiatedLetsTheOtherSideOnlyAnswer(t *testing.T) {
	m := mud.Matches{TCP: &mud.TCP{Destination: eq(443), DirectionInitiated: mud.FromDevice}}
	back := mud.Matches{TCP: &mud.TCP{Source: eq(443), DirectionInitiated: mud.FromDevice}}
	answer := in(tcp, cloud, 40000)
	answer.PeerPort = 443
	reply := answer
	reply.Reply = true
	judge(t, file([]mud.ACE{accept("to cloud", m)}, []mud.ACE{accept("from cloud", back)}), house(), cases{
		"the device begins":     {out(tcp, cloud, 443), true},
		"the other side begins": {answer, false},
		"it answers":            {reply, true},
	})
	inward := mud.Matches{TCP: &mud.TCP{Destination: eq(80), DirectionInitiated: mud.ToDevice}}
	outward := mud.Matches{TCP: &mud.TCP{Source: eq(80), DirectionInitiated: mud.ToDevice}}
	begun := out(tcp, phone, 50000)
	begun.OwnPort = 80
	judge(t, file([]mud.ACE{accept("answers", outward)}, []mud.ACE{accept("asks", inward)}), house(), cases{
		"a phone begins":    {in(tcp, phone, 80), true},
		"the device begins": {begun, false},
	})
	judge(t, file([]mud.ACE{accept("any", mud.Matches{TCP: &mud.TCP{Source: eq(80)}})}, nil), house(), cases{
		"nobody says who begins": {begun, true},
	})
}

// A to-device entry with the other end's port alone would open the device to whoever uses that port.
func TestUDPToTheDevicePassesAsAnAnswerAlone(t *testing.T) {
	source := mud.Matches{UDP: &mud.UDP{Source: eq(53)}}
	intruder := in(udp, other, 9999)
	intruder.PeerPort = 53
	served := mud.Matches{UDP: &mud.UDP{Destination: eq(5683)}}
	judge(t, file(nil, []mud.ACE{
		accept("dns", source), accept("coap", served), accept("anyone", mud.Matches{IPv6: &mud.IP{Protocol: number(udp)}}),
	}), house(), cases{
		"from port 53":         {intruder, false},
		"to the device's port": {in(udp, other, 5683), true},
		"no port at all":       {in(udp, "2001:db8::1", 7), false},
	})
	judge(t, file(nil, []mud.ACE{accept("neighbours", mud.Matches{UDP: &mud.UDP{}, MUD: &mud.MUD{LocalNetworks: true}})}), house(), cases{
		"a neighbour": {in(udp, phone, 7), true},
		"a stranger":  {in(udp, other, 7), false},
	})
}

func TestICMPAnswersAndErrorsBeginNothing(t *testing.T) {
	echo := func(typ, code uint8) Packet {
		return Packet{Direction: ToDevice, Proto: frame.ProtoICMP, Type: typ, Code: code, Peer: addr(cloud), Own: addr(lamp)}
	}
	f := file(nil, []mud.ACE{accept("all", mud.Matches{ICMP: &mud.ICMP{}})})
	judge(t, f, house(), cases{
		"echo":        {echo(8, 0), true},
		"echo reply":  {echo(0, 0), false},
		"unreachable": {echo(3, 1), false},
		"redirect":    {echo(5, 0), false},
		"echo, IPv6":  {Packet{Direction: ToDevice, Proto: frame.ProtoICMPv6, Type: 128, Peer: addr("2001:db8::1")}, true},
		"error, IPv6": {Packet{Direction: ToDevice, Proto: frame.ProtoICMPv6, Type: 3, Peer: addr("2001:db8::1")}, false},
	})
	f = file(nil, []mud.ACE{accept("one", mud.Matches{IPv4: &mud.IP{}, ICMP: &mud.ICMP{Type: number(8), Code: number(0)}})})
	judge(t, f, house(), cases{
		"echo":       {echo(8, 0), true},
		"other code": {echo(8, 1), false},
		"timestamp":  {echo(13, 0), false},
		"IPv6":       {Packet{Direction: ToDevice, Proto: frame.ProtoICMPv6, Type: 8, Peer: addr("2001:db8::1")}, false},
	})
}

func TestClassesOfTheOtherEnd(t *testing.T) {
	c := house()
	c.Controllers = map[string][]netip.Addr{"urn:example:hub": {ip(hub)}}
	c.My = []netip.Addr{ip(phone)}
	for name, x := range map[string]struct {
		mud mud.MUD
		who []string
	}{
		"same manufacturer":          {mud.MUD{SameManufacturer: true}, []string{hub}},
		"manufacturer":               {mud.MUD{Manufacturer: "cams.example:8443"}, []string{cam}},
		"manufacturer, another port": {mud.MUD{Manufacturer: "cams.example"}, nil},
		"manufacturer, the port":     {mud.MUD{Manufacturer: "LAMPS.example:443"}, []string{hub}},
		"model":                      {mud.MUD{Model: "https://lamps.example/hub.json"}, []string{hub}},
		"another model":              {mud.MUD{Model: "https://lamps.example/hub"}, nil},
		"local networks":             {mud.MUD{LocalNetworks: true}, []string{hub, cam, phone, gateway, "fd00::99", "fe80::1", "224.0.0.251", "ff02::fb", "239.255.255.250"}},
		"controller":                 {mud.MUD{Controller: "urn:example:hub"}, []string{hub}},
		"unknown controller":         {mud.MUD{Controller: "https://evil.example/"}, nil},
		"my controller":              {mud.MUD{MyController: true}, []string{phone}},
		"DNS":                        {mud.MUD{Controller: "urn:ietf:params:mud:dns"}, []string{gateway}},
		"gateway":                    {mud.MUD{Controller: "urn:ietf:params:mud:gateway"}, []string{gateway}},
		"two at once":                {mud.MUD{LocalNetworks: true, SameManufacturer: true}, []string{hub}},
		"two that exclude":           {mud.MUD{MyController: true, SameManufacturer: true}, nil},
	} {
		p := Compile(file([]mud.ACE{accept(name, mud.Matches{TCP: &mud.TCP{}, MUD: &x.mud})}, nil), c)
		for _, peer := range []string{hub, cam, phone, gateway, cloud, "8.8.8.8", "fd00::99", "fe80::1", "2001:db8::1", "224.0.0.251", "ff02::fb", "239.255.255.250", "232.1.1.1"} {
			q := out(tcp, peer, 4242)
			if got, want := p.Decide(&q, 0).Action == Accept, slices.Contains(x.who, peer); got != want {
				t.Errorf("%s: %s passes: %v, want %v", name, peer, got, want)
			}
		}
	}
}

// Otherwise a device that lies about its URL would join those that prove it.
func TestAClassDoesNotMixWeakAndStrongHolders(t *testing.T) {
	c := house()
	c.Peers[0].Trust = Proven
	c.Peers = append(c.Peers, Device{MAC: frame.MAC{2, 9}, Addresses: []netip.Addr{ip("192.168.1.66")}, URL: "https://lamps.example/hub.json"})
	judge(t, file([]mud.ACE{accept("friends", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}})}, nil), c, cases{
		"who proves it":    {out(tcp, hub, 1), true},
		"who only says so": {out(tcp, "192.168.1.66", 1), false},
	})
}

func TestNamesLeadWhereDNSSaysWhileItHolds(t *testing.T) {
	m := func(name string) mud.Matches {
		return mud.Matches{IPv4: &mud.IP{DestinationDNSName: name}, TCP: &mud.TCP{Destination: eq(443)}}
	}
	p := Compile(file([]mud.ACE{
		accept("one", m("cloud.example")), accept("family", m("*.cdn.example")), accept("literal", m(other)),
	}, nil), house())
	passes := func(peer string, at int64) bool {
		q := out(tcp, peer, 443)
		return p.Decide(&q, at).Action == Accept
	}
	if passes(cloud, 0) {
		t.Error("a name leads somewhere before DNS said where")
	}
	if !p.Learn("Cloud.Example.", ip(cloud), 100) || !p.Learn("a.b.cdn.example", ip("203.0.113.7"), 100) {
		t.Error("entries do not follow their names")
	}
	if p.Learn("example", ip("203.0.113.8"), 100) || p.Learn("cdn.example", ip("203.0.113.8"), 100) || p.Learn("xcloud.example", ip("203.0.113.8"), 100) {
		t.Error("entries follow names that are not theirs")
	}
	p.Learn("cloud.example", ip("2001:db8::5"), 100)
	for peer, want := range map[string]bool{cloud: true, "203.0.113.7": true, "203.0.113.8": false, other: true, "2001:db8::5": false} {
		if passes(peer, 100) != want {
			t.Errorf("%s passes: %v, want %v", peer, !want, want)
		}
	}
	if passes(cloud, 101) {
		t.Error("an answer holds beyond its time")
	}
	p.Learn("cloud.example", ip(cloud), 200)
	p.Learn("cloud.example", ip(cloud), 50)
	if !passes(cloud, 200) {
		t.Error("an answer that was said again does not hold longer")
	}
	p.Forget(150)
	if !passes(cloud, 200) || passes("203.0.113.7", 0) {
		t.Error("Forget gives up the wrong ones")
	}
}

func TestAnswersThatDoNotFitAreNotBelieved(t *testing.T) {
	p := Compile(file([]mud.ACE{accept("all", mud.Matches{IPv6: &mud.IP{DestinationDNSName: "*.example"}})}, nil), house())
	a := ip("2001:db8::").As16()
	for i := range 2 * maxKnown {
		a[14], a[15] = byte(i>>8), byte(i)
		p.Learn("x.example", netip.AddrFrom16(a), Forever)
	}
	if n := len(p.follow.known); n != maxKnown {
		t.Errorf("%d addresses are known, want %d", n, maxKnown)
	}
}

// Below a name that stands for many, whoever serves it can make up names without end.
func TestNamesWithoutEndAreNotKept(t *testing.T) {
	p := Compile(file([]mud.ACE{accept("all", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "*.cdn.example"}})}, nil), house())
	for i := range 2 * maxKnown {
		p.Learn(fmt.Sprintf("%d.cdn.example", i), ip(cloud), 100)
	}
	if n := len(p.follow.said); n != maxKnown {
		t.Errorf("%d names are known, want %d", n, maxKnown)
	}
	q := out(tcp, other, 443)
	if p.Learn("new.cdn.example", ip(other), 300); p.Decide(&q, 200).Action == Accept {
		t.Error("an answer beyond the bound is believed")
	}
	p.Forget(150)
	if p.Learn("new.cdn.example", ip(other), 300); p.Decide(&q, 200).Action != Accept {
		t.Error("there is no room after old answers were given up")
	}
}

func TestLinkLayerAddressesStandForTheirDevices(t *testing.T) {
	broadcast := mud.Matches{Eth: &mud.Eth{Destination: []byte{255, 255, 255, 255, 255, 255}}, IPv4: &mud.IP{}, UDP: &mud.UDP{Destination: eq(9999)}}
	group := mud.Matches{Eth: &mud.Eth{Destination: []byte{1, 0, 0x5e, 0, 0, 0xfb}}, UDP: &mud.UDP{}}
	one := mud.Matches{Eth: &mud.Eth{Destination: hubMAC[:]}, TCP: &mud.TCP{}}
	own := mud.Matches{Eth: &mud.Eth{Source: camMAC[:]}, TCP: &mud.TCP{Destination: eq(7)}}
	arp := uint16(0x0806)
	judge(t, file([]mud.ACE{
		accept("broadcast", broadcast), accept("group", group), accept("one", one), accept("not mine", own),
		accept("arp", mud.Matches{Eth: &mud.Eth{Ethertype: &arp}}),
	}, nil), house(), cases{
		"the limited broadcast":  {out(udp, "255.255.255.255", 9999), true},
		"the directed broadcast": {out(udp, "192.168.1.255", 9999), true},
		"another host":           {out(udp, "192.168.1.254", 9999), false},
		"the group":              {out(udp, "224.0.0.251", 5353), true},
		"another group":          {out(udp, "224.0.0.252", 5353), false},
		"the hub":                {out(tcp, hub, 80), true},
		"the camera":             {out(tcp, cam, 80), false},
		"another's source":       {out(tcp, cloud, 7), false},
		"everything":             {out(udp, cloud, 7), false},
	})
}

func TestOwnAddressOfAnEntryHoldsTheDeviceToIt(t *testing.T) {
	q := out(tcp, cloud, 443)
	q2 := q
	q2.Own = addr("192.168.1.11")
	judge(t, file([]mud.ACE{accept("mine", mud.Matches{IPv4: &mud.IP{Source: prefix(lamp + "/32")}})}, nil), house(), cases{
		"mine": {q, true}, "not mine": {q2, false},
	})
}

func TestBothEndsMustAllow(t *testing.T) {
	c := house()
	lampPolicy := Compile(file([]mud.ACE{accept("hub", mud.Matches{TCP: &mud.TCP{}, MUD: &mud.MUD{SameManufacturer: true}})}, nil), c)
	of := c.Of(hubMAC)
	f := file(nil, []mud.ACE{accept("served", mud.Matches{TCP: &mud.TCP{Destination: eq(80)}})})
	hubPolicy := Compile(f, &of)
	home := NewHome([]*Policy{lampPolicy, hubPolicy})
	for port, want := range map[uint16]Action{80: Accept, 81: Drop} {
		d, by := home.Decide(&Tuple{From: lampMAC, Src: addr(lamp), Dst: addr(hub), SrcPort: 40000, DstPort: port, Proto: tcp}, 0)
		if d.Action != want || by != hubPolicy {
			t.Errorf("port %d: %v by the hub %v, want %v", port, d.Action, by == hubPolicy, want)
		}
	}
	if d, by := home.Decide(&Tuple{From: hubMAC, Src: addr(hub), Dst: addr(cloud), DstPort: 443, Proto: tcp}, 0); d.Action != Drop || by != hubPolicy {
		t.Error("the hub speaks with whom its policy does not name")
	}
	if d, by := home.Decide(&Tuple{From: camMAC, Src: addr(cam), Dst: addr(cloud), DstPort: 443, Proto: tcp}, 0); d.Action != Accept || by != nil {
		t.Error("a device without a policy is held")
	}
}

func TestEntriesBeyondTheBoundAllowNothing(t *testing.T) {
	var aces []mud.ACE
	for i := range maxSelectors {
		aces = append(aces, accept("far", mud.Matches{IPv4: &mud.IP{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 32)}}))
	}
	m := mud.Matches{IPv4: &mud.IP{Destination: prefix(cloud + "/32")}}
	far := out(tcp, "10.1.0.5", 1)
	judge(t, file(append(slices.Clone(aces), accept("beyond", m)), nil), house(), cases{
		"within": {far, true}, "beyond": {out(tcp, cloud, 1), false}, "a name, by default": {out(udp, gateway, 53), false},
	})
	judge(t, file(append(slices.Clone(aces), drop("beyond", m), aces[5]), nil), house(), cases{
		"within": {far, true}, "what a drop beyond speaks of": {out(tcp, cloud, 1), false},
	})
	open := file(append(append([]mud.ACE{accept("open", mud.Matches{UDP: &mud.UDP{}})}, aces...), drop("beyond", m), accept("known", mud.Matches{TCP: &mud.TCP{}})), nil)
	judge(t, open, house(), cases{"behind a drop beyond": {out(tcp, cloud, 1), false}})
}

func TestTheZeroDecisionStops(t *testing.T) {
	if (Decision{}).Action != Drop || (&Policy{}).Decide(&Packet{}, 0).Action != Drop {
		t.Error("the zero value lets packets pass")
	}
}
