package nft

import (
	"flag"
	"fmt"
	"io"
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
	for name, list := range map[string][]*policy.Policy{
		"none": nil, "lamp": {lampPolicy()}, "two": {policy.Compile(&mud.File{URL: "https://lamps.example/hub.json"}, &hub), lampPolicy()},
	} {
		file := "testdata/" + name + ".nft"
		got := render(t, 0, list...)
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

// BenchmarkRender is 200 devices with the policy of the lamp.
func BenchmarkRender(b *testing.B) {
	var list []*policy.Policy
	for i := range 200 {
		c := house()
		c.Device.MAC[5], c.Device.Addresses = byte(i), []netip.Addr{netip.AddrFrom4([4]byte{192, 168, 1, byte(i)})}
		list = append(list, policy.Compile(lampFile(), c))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Render(io.Discard, list, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// A packet meets the rules of one chain: their number must not grow with the entries.
func TestLengthOfAChainDoesNotGrowWithEntries(t *testing.T) {
	lines := func(names int) int {
		f := &mud.File{URL: "https://lamps.example/lamp.json", FromDevice: []string{"from"}, ACLs: []mud.ACL{{Name: "from"}}}
		c := house()
		for i := range names {
			host := fmt.Sprintf("host%d.example", i)
			f.ACLs[0].ACEs = append(f.ACLs[0].ACEs,
				accept(host, mud.Matches{IPv4: &mud.IP{DestinationDNSName: host}, TCP: &mud.TCP{Destination: eq(443)}}),
				accept(host, mud.Matches{IPv4: &mud.IP{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 32)}, UDP: &mud.UDP{Destination: eq(uint16(1000 + i))}}),
				accept(host, mud.Matches{MUD: &mud.MUD{LocalNetworks: true}, TCP: &mud.TCP{Destination: &mud.Ports{Operator: mud.Range, Port: uint16(100 * i), Upper: uint16(100*i + 50)}}}))
		}
		text := render(t, 0, policy.Compile(f, c))
		_, chain, _ := strings.Cut(text, "chain from_02005e100001 {")
		chain, _, _ = strings.Cut(chain, "}\n\n")
		return strings.Count(chain, "\n")
	}
	if few, many := lines(2), lines(60); few != many {
		t.Errorf("%d rules for 2 of each kind of entry, %d for 60", few, many)
	}
}

func TestEveryAddressOfADeviceIsHeld(t *testing.T) {
	c := house()
	for i := range 5 { // a device may have any number of IPv6 addresses
		c.Device.Addresses = append(c.Device.Addresses, netip.AddrFrom16([16]byte{0xfd, 0, 0, 1, 15: byte(i + 1)}))
	}
	text := render(t, 0, policy.Compile(&mud.File{URL: "https://lamps.example/lamp.json"}, c))
	for _, a := range c.Device.Addresses {
		if !strings.Contains(text, a.String()+" : jump to_02005e100001") {
			t.Errorf("what is sent to %s is not held", a)
		}
	}
}
