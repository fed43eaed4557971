package policy

import (
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/mud"
)

// Each test here is a fault that was shipped by others who hold devices to MUD files.

// NAMIB leaves local-networks out, which makes the entry one for the whole Internet.
func TestLocalNetworksAreNotTheInternet(t *testing.T) {
	judge(t, file([]mud.ACE{accept("near", mud.Matches{TCP: &mud.TCP{}, MUD: &mud.MUD{LocalNetworks: true}})}, nil), house(), cases{
		"a neighbour":          {out(tcp, phone, 80), true},
		"the Internet":         {out(tcp, cloud, 80), false},
		"the Internet, IPv6":   {out(tcp, "2001:db8::1", 80), false},
		"another private net":  {out(tcp, "10.9.9.9", 80), false},
		"a group of the world": {out(tcp, "224.0.1.129", 80), false},
	})
}

// osMUD ignores entries about devices of the same house, and NAMIB and SPIN do not see what stays within one network:
// whether it passes a router is no part of the decision.
func TestDevicesOfTheSameHouseAreHeldToo(t *testing.T) {
	judge(t, file(
		[]mud.ACE{accept("friends", mud.Matches{TCP: &mud.TCP{}, MUD: &mud.MUD{SameManufacturer: true}})},
		[]mud.ACE{accept("app", mud.Matches{TCP: &mud.TCP{Destination: eq(80)}, MUD: &mud.MUD{LocalNetworks: true}})},
	), house(), cases{
		"a friend":             {out(tcp, hub, 8080), true},
		"a camera of another":  {out(tcp, cam, 8080), false},
		"the phone asks":       {in(tcp, phone, 80), true},
		"the phone asks more":  {in(tcp, phone, 22), false},
		"the friend asks back": {in(tcp, hub, 22), false},
	})
}

// Cisco’s manager knows only the makers that somebody configured (issue 21): the MUD URLs of the house tell them.
func TestAnyMakerIsKnownByTheMUDURLsOfItsDevices(t *testing.T) {
	c := house()
	c.Peers[1].URL = "https://mud.nobody-configured.example/a/cam.json"
	judge(t, file([]mud.ACE{accept("cams", mud.Matches{TCP: &mud.TCP{}, MUD: &mud.MUD{Manufacturer: "mud.nobody-configured.example"}})}, nil), c, cases{
		"its camera": {out(tcp, cam, 80), true}, "another device": {out(tcp, hub, 80), false},
	})
}

// Cisco’s manager takes a file with a policy for one direction alone for none (issue 6).
func TestAPolicyForOneDirectionLeavesTheOtherClosed(t *testing.T) {
	f := file([]mud.ACE{accept("cloud", mud.Matches{IPv4: &mud.IP{DestinationDNSName: cloud}, TCP: &mud.TCP{Destination: eq(443)}})}, nil)
	f.ToDevice, f.ACLs = nil, f.ACLs[:1]
	judge(t, f, house(), cases{"from it": {out(tcp, cloud, 443), true}, "to it": {in(tcp, cloud, 443), false}})
	f = file(nil, []mud.ACE{accept("app", mud.Matches{TCP: &mud.TCP{Destination: eq(80)}})})
	f.FromDevice, f.ACLs = nil, f.ACLs[1:]
	judge(t, f, house(), cases{"from it": {out(tcp, phone, 80), false}, "to it": {in(tcp, phone, 80), true}})
}

// Cisco’s comparison is inverted: a device whose entry says that it begins could be called by anyone.
func TestWhoeverMayBeginIsNotTheOtherOne(t *testing.T) {
	for direction, begins := range map[mud.Direction]bool{mud.FromDevice: true, mud.ToDevice: false} {
		m := mud.Matches{TCP: &mud.TCP{DirectionInitiated: direction}}
		judge(t, file([]mud.ACE{accept("out", m)}, []mud.ACE{accept("in", m)}), house(), cases{
			string(direction) + ": the device begins":  {out(tcp, cloud, 443), begins},
			string(direction) + ": the other end does": {in(tcp, cloud, 443), !begins},
		})
	}
}

// SPIN and NIST-MUD treat IPv6 otherwise than IPv4 or not at all.
func TestBothFamiliesAreDecidedAlike(t *testing.T) {
	for name, m := range map[string]mud.Matches{
		"a name":         {TCP: &mud.TCP{Destination: eq(443)}},
		"local networks": {TCP: &mud.TCP{Destination: eq(443)}, MUD: &mud.MUD{LocalNetworks: true}},
		"a class":        {TCP: &mud.TCP{Destination: eq(443)}, MUD: &mud.MUD{SameManufacturer: true}},
	} {
		c := house()
		c.Peers[0].Addresses = append(c.Peers[0].Addresses, ip("fd00::20"))
		var four, six mud.Matches
		four, six = m, m
		four.IPv4, six.IPv6 = &mud.IP{}, &mud.IP{}
		if name == "a name" {
			four.IPv4.DestinationDNSName, six.IPv6.DestinationDNSName = "cloud.example", "cloud.example"
		}
		p := Compile(file([]mud.ACE{accept("4", four), accept("6", six)}, nil), c)
		for _, a := range []string{cloud, "2001:db8::5"} {
			p.Learn("cloud.example", ip(a), Forever)
		}
		for _, pair := range [][2]string{{cloud, "2001:db8::5"}, {hub, "fd00::20"}, {"203.0.113.77", "2001:db8::77"}, {phone, "fd00::77"}} {
			for _, port := range []uint16{443, 80} {
				a, b := out(tcp, pair[0], port), out(tcp, pair[1], port)
				if x, y := p.Decide(&a, 0).Action, p.Decide(&b, 0).Action; x != y {
					t.Errorf("%s: %s to %s, %s to %s", name, x, pair[0], y, pair[1])
				}
			}
		}
	}
}

// osMUD, Cisco’s manager, NIST-MUD and Micronets look names up once. A name that leads elsewhere by now leads there alone.
func TestANameThatMovedLeadsToItsNewAddress(t *testing.T) {
	p := Compile(file([]mud.ACE{accept("cloud", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "cloud.example"}})}, nil), house())
	p.Learn("cloud.example", ip("203.0.113.5"), 100)
	p.Learn("cloud.example", ip("203.0.113.6"), 200)
	for _, x := range []struct {
		peer string
		at   int64
		want Action
	}{{"203.0.113.5", 50, Accept}, {"203.0.113.5", 150, Drop}, {"203.0.113.6", 150, Accept}} {
		q := out(tcp, x.peer, 443)
		if got := p.Decide(&q, x.at).Action; got != x.want {
			t.Errorf("%s at %d: %s, want %s", x.peer, x.at, got, x.want)
		}
	}
}

// osMUD leaves a device to itself whose address changes with its lease, and NAMIB knows one address of each family: a
// policy is for the device, whatever its addresses.
func TestAnotherAddressOfTheDeviceIsHeldAlike(t *testing.T) {
	p := Compile(file([]mud.ACE{accept("cloud", mud.Matches{IPv4: &mud.IP{DestinationDNSName: cloud}, TCP: &mud.TCP{Destination: eq(443)}})}, nil), house())
	home := NewHome([]*Policy{p})
	for _, own := range []string{lamp, "192.168.1.222", "169.254.7.7"} {
		for port, want := range map[uint16]Action{443: Accept, 80: Drop} {
			tuple := Tuple{From: lampMAC, Src: addr(own), Dst: addr(cloud), SrcPort: 40000, DstPort: port, Proto: tcp}
			if d, by := home.Decide(&tuple, 0); d.Action != want || by != p && want == Drop {
				t.Errorf("from %s to port %d: %s", own, port, d.Action)
			}
		}
	}
}

// Micronets lets pass what no entry forbids.
func TestAFileThatOnlyForbidsAllowsNothingMore(t *testing.T) {
	bad := mud.Matches{IPv4: &mud.IP{Destination: netip.MustParsePrefix("203.0.113.0/24")}}
	judge(t, file([]mud.ACE{drop("bad", bad)}, nil), house(), cases{
		"what it forbids":        {out(tcp, "203.0.113.9", 443), false},
		"what it does not speak": {out(tcp, "198.51.100.9", 443), false},
		"its defaults":           {out(udp, gateway, 53), true},
	})
}
