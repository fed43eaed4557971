package nft

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

var update = flag.Bool("update", false, "write the golden files anew")

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func eq(port uint16) *mud.Ports { return &mud.Ports{Operator: mud.Equal, Port: port} }

func number(n uint8) *uint8 { return &n }

var (
	lampMAC = frame.MAC{2, 0, 0x5e, 0x10, 0, 1}
	hubMAC  = frame.MAC{2, 0, 0x5e, 0x10, 0, 2}
)

func house() *policy.Context {
	return &policy.Context{
		Device: policy.Device{MAC: lampMAC, Addresses: []netip.Addr{ip("192.168.1.10"), ip("fd00:1::10")}, URL: "https://lamps.example/lamp.json"},
		Peers: []policy.Device{
			{MAC: hubMAC, Addresses: []netip.Addr{ip("192.168.2.20"), ip("fd00:2::20")}, URL: "https://lamps.example/hub.json"},
		},
		Local:   []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("192.168.2.0/24"), netip.MustParsePrefix("fd00:1::/64"), netip.MustParsePrefix("fd00:2::/64")},
		Gateway: []netip.Addr{ip("192.168.1.1"), ip("fd00:1::1")},
	}
}

func accept(name string, m mud.Matches) mud.ACE {
	return mud.ACE{Name: name, Matches: m, Action: mud.Accept}
}

// lampFile has an entry of each kind that the text treats in its own way.
func lampFile() *mud.File {
	return &mud.File{
		URL: "https://lamps.example/lamp.json", FromDevice: []string{"from"}, ToDevice: []string{"to"},
		ACLs: []mud.ACL{{Name: "from", ACEs: []mud.ACE{
			accept("cloud", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "cloud.example"}, TCP: &mud.TCP{Destination: eq(443), DirectionInitiated: mud.FromDevice}}),
			accept("cloud6", mud.Matches{IPv6: &mud.IP{DestinationDNSName: "cloud.example"}, TCP: &mud.TCP{Destination: eq(443), DirectionInitiated: mud.FromDevice}}),
			accept("media", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "*.media.example"}, UDP: &mud.UDP{Destination: &mud.Ports{Operator: mud.Range, Port: 6000, Upper: 6010}}}),
			accept("friends", mud.Matches{MUD: &mud.MUD{SameManufacturer: true}, TCP: &mud.TCP{Destination: eq(8080)}}),
			{Name: "not this one", Matches: mud.Matches{IPv4: &mud.IP{Destination: netip.MustParsePrefix("203.0.113.64/26")}}},
			accept("lab", mud.Matches{IPv4: &mud.IP{Destination: netip.MustParsePrefix("203.0.113.0/24"), DSCP: number(10)}, TCP: &mud.TCP{Flags: []string{"syn"}}}),
			accept("mdns", mud.Matches{MUD: &mud.MUD{LocalNetworks: true}, UDP: &mud.UDP{Source: eq(5353), Destination: eq(5353)}}),
			accept("near", mud.Matches{MUD: &mud.MUD{LocalNetworks: true}, TCP: &mud.TCP{Destination: &mud.Ports{Operator: mud.NotEqual, Port: 23}}}),
			accept("ping", mud.Matches{IPv4: &mud.IP{}, ICMP: &mud.ICMP{Type: number(8), Code: number(0)}}),
			accept("gre", mud.Matches{IPv4: &mud.IP{Protocol: number(47)}}),
		}}, {Name: "to", ACEs: []mud.ACE{
			accept("page", mud.Matches{MUD: &mud.MUD{LocalNetworks: true}, TCP: &mud.TCP{Destination: eq(80)}}),
			accept("answers", mud.Matches{UDP: &mud.UDP{Source: eq(6000)}}),
			accept("mine", mud.Matches{IPv4: &mud.IP{Destination: netip.MustParsePrefix("192.168.1.10/32")}, UDP: &mud.UDP{Destination: eq(5683)}}),
		}}},
	}
}

func lampPolicy() *policy.Policy {
	p := policy.Compile(lampFile(), house())
	p.Learn("cloud.example", ip("198.51.100.7"), 90e9)
	p.Learn("cloud.example", ip("2001:db8::7"), policy.Forever)
	p.Learn("a.media.example", ip("198.51.100.8"), 30e9)
	return p
}

// held is a gateway that holds devices to policies, and does nothing else.
func held(list ...*policy.Policy) *Gateway {
	g := &Gateway{}
	for _, p := range list {
		g.Devices = append(g.Devices, Device{MAC: p.Device, Addresses: p.Own, Treatment: Held, Policy: p})
	}
	return g
}

func rules(t *testing.T, g *Gateway, at int64) *Ruleset {
	t.Helper()
	r, err := g.Rules(at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func render(t *testing.T, at int64, list ...*policy.Policy) string {
	t.Helper()
	return rules(t, held(list...), at).String()
}

func TestRulesetIsAsReviewed(t *testing.T) {
	hub := house().Of(hubMAC)
	two := held(policy.Compile(&mud.File{URL: "https://lamps.example/hub.json"}, &hub), lampPolicy())
	for name, g := range map[string]*Gateway{"none": {}, "lamp": held(lampPolicy()), "two": two, "gateway": wholeGateway(), "plain": plainGateway()} {
		file := "testdata/" + name + ".nft"
		got := rules(t, g, 0).String()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
}

// wholeGateway has all that a gateway can have, on a bridge; plainGateway is on an interface that is none.
func wholeGateway() *Gateway {
	lamp := lampPolicy()
	return &Gateway{
		LAN: []Link{{Name: "br-lan", Bridge: true}}, WAN: []string{"wan", "wan6"},
		Own: []netip.Addr{ip("192.168.1.1"), ip("fd00:1::1"), ip("fe80::1")}, Prefixes: house().Local,
		Devices: []Device{
			{MAC: lamp.Device, Addresses: lamp.Own, Treatment: Held, Policy: lamp},
			{MAC: hubMAC, Addresses: []netip.Addr{ip("192.168.2.20"), ip("fd00:2::20")}, Treatment: Quarantined, Repair: []string{"updates.example"}},
			{MAC: frame.MAC{2, 0, 0x5e, 0x10, 0, 3}, Addresses: []netip.Addr{ip("192.168.1.30")}, Treatment: Apart, MayMap: true},
			{MAC: frame.MAC{2, 0, 0x5e, 0x10, 0, 4}, Addresses: []netip.Addr{ip("192.168.1.40"), ip("fe80::40")}, Treatment: Refused},
			{MAC: frame.MAC{2, 0, 0x5e, 0x10, 0, 5}, Addresses: []netip.Addr{ip("192.168.1.50"), ip("fd00:1::50")}},
		},
		Unknown: Apart, Resolver: Resolver{Port: 53, Fallback: []netip.Addr{ip("9.9.9.9"), ip("2620:fe::fe")}}, Page: 8085,
		Open:      []Opening{{To: ip("192.168.1.50"), Proto: frame.ProtoTCP, Port: 443}},
		Forbidden: []netip.Prefix{netip.MustParsePrefix("198.51.100.128/25"), netip.MustParsePrefix("2001:db8:bad::/48"), netip.MustParsePrefix("203.0.113.9/32")},
	}
}

func plainGateway() *Gateway {
	g := wholeGateway()
	g.LAN = []Link{{Name: "eth1"}, {Name: "wlan0"}}
	g.Unknown, g.Inbound, g.Resolver.Stopped = Refused, true, true
	return g
}

func TestNamesOfInterfacesCannotBecomeRules(t *testing.T) {
	for _, name := range []string{"", "a b", "a\"b", "a;b\n", "sixteen-octets-xx", "wild*"} {
		g := wholeGateway()
		g.WAN = []string{name}
		if _, err := g.Rules(0); err == nil {
			t.Errorf("%q is taken for an interface", name)
		}
	}
}

func TestRulesetDoesNotDependOnTheOrderOfPolicies(t *testing.T) {
	of := house().Of(hubMAC)
	hub := policy.Compile(lampFile(), &of)
	if render(t, 0, hub, lampPolicy()) != render(t, 0, lampPolicy(), hub) {
		t.Error("the order changes the text")
	}
	if _, err := held(hub, hub).Rules(0); err == nil {
		t.Error("two policies of one device are rendered")
	}
}

func TestAnswersThatEndedAreNotRendered(t *testing.T) {
	text := render(t, 60e9, lampPolicy())
	if !strings.Contains(text, "198.51.100.7 . tcp . 443 timeout 30s") || strings.Contains(text, "198.51.100.8") {
		t.Errorf("at 60 s:\n%s", text)
	}
}

// What a stranger wrote must not become part of the ruleset.
func TestTextOfTheFileNeverReachesTheRuleset(t *testing.T) {
	const evil = "x\" ; } flush ruleset\n# \\`$(id)"
	f := lampFile()
	f.URL, f.SystemInfo, f.MfgName = evil, evil, evil
	for i := range f.ACLs {
		for j := range f.ACLs[i].ACEs {
			e := &f.ACLs[i].ACEs[j]
			e.Name = evil
			if m := e.Matches.IPv4; m != nil && m.DestinationDNSName != "" {
				m.DestinationDNSName = evil
			}
			if m := e.Matches.MUD; m != nil && m.SameManufacturer {
				*m = mud.MUD{Manufacturer: evil, Model: evil, Controller: evil}
			}
		}
		f.ACLs[i].Name = evil
		f.FromDevice, f.ToDevice = []string{evil}, []string{evil}
	}
	p := policy.Compile(f, house())
	p.Learn(evil, ip("198.51.100.7"), policy.Forever)
	if text := render(t, 0, p); strings.Contains(text, "flush") || strings.ContainsAny(text, "`$#\"\\") {
		t.Errorf("the file's text is in it:\n%s", text)
	}
}
