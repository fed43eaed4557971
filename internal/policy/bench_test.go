package policy

import (
	"fmt"
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

const (
	manyDevices = 200
	manyEntries = 50
)

// The kinds of entries that a policy may be full of. Each makes the i-th of them.
var full = map[string]func(i int) mud.ACE{
	"names": func(i int) mud.ACE { // what published files have most
		return accept("name", mud.Matches{
			IPv4: &mud.IP{DestinationDNSName: fmt.Sprintf("host%d.example", i)}, TCP: &mud.TCP{Destination: eq(443), DirectionInitiated: mud.FromDevice},
		})
	},
	"ranges": func(i int) mud.ACE { // all of one protocol, and for anyone: no entry can be left out
		low := uint16(1000 + 100*i)
		return accept("range", mud.Matches{IPv4: &mud.IP{}, TCP: &mud.TCP{Destination: &mud.Ports{Operator: mud.Range, Port: low, Upper: low + 50}}})
	},
	"prefixes": func(i int) mud.ACE { // prefixes within prefixes
		return accept("prefix", mud.Matches{
			IPv4: &mud.IP{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, byte(i), 0}), 8+i%24).Masked()}, TCP: &mud.TCP{Destination: eq(uint16(9000 + i))},
		})
	},
	"headers": func(i int) mud.ACE {
		return accept("dscp", mud.Matches{IPv4: &mud.IP{DSCP: number(uint8(i)), Source: netip.MustParsePrefix("192.168.0.0/16")}, TCP: &mud.TCP{}})
	},
}

// crowd is a network of devices that each have a full policy.
func crowd(ace func(i int) mud.ACE) (*mud.File, []*Context) {
	var aces []mud.ACE
	for i := range manyEntries {
		aces = append(aces, ace(i))
	}
	f := file(aces, nil)
	c := Context{Local: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}, Gateway: []netip.Addr{netip.MustParseAddr(gateway)}}
	for i := range manyDevices {
		c.Peers = append(c.Peers, Device{
			MAC: frame.MAC{2, 0, 0, 0, 0, byte(i)}, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 168, 2, byte(i)})}, URL: f.URL,
		})
	}
	var list []*Context
	for i := range manyDevices {
		of := c.Of(frame.MAC{2, 0, 0, 0, 0, byte(i)})
		list = append(list, &of)
	}
	return f, list
}

func compileAll(f *mud.File, contexts []*Context) []*Policy {
	list := make([]*Policy, 0, len(contexts))
	for _, c := range contexts {
		list = append(list, Compile(f, c))
	}
	return list
}

// BenchmarkDecide is one decision among many devices, of what the last entry allows and of what none does.
func BenchmarkDecide(b *testing.B) {
	for _, name := range []string{"names", "ranges", "prefixes", "headers"} {
		f, contexts := crowd(full[name])
		list := compileAll(f, contexts)
		for _, p := range list {
			for i := range manyEntries {
				for n := range 4 {
					p.Learn(fmt.Sprintf("host%d.example", i), netip.AddrFrom4([4]byte{198, 51, byte(n), byte(i)}), Forever)
				}
			}
		}
		home := NewHome(list)
		for what, t := range map[string]Tuple{
			"allowed": {Dst: addr("198.51.3.49"), DstPort: 443},
			"stopped": {Dst: addr("203.0.113.77"), DstPort: 444},
		} {
			if what == "allowed" && name != "names" {
				t.Dst, t.DstPort = addr("203.0.49.1"), map[string]uint16{"ranges": 5920, "prefixes": 9049}[name]
			}
			t.Proto, t.SrcPort, t.Src = frame.ProtoTCP, 40000, addr("192.168.2.9")
			b.Run(name+"/"+what, func(b *testing.B) {
				b.ReportAllocs()
				i := byte(0)
				for b.Loop() {
					t.From[0], t.From[5] = 2, i
					i = (i + 7) % manyDevices
					home.Decide(&t, 0)
				}
			})
		}
	}
}

// BenchmarkCompile is 200 devices with 50 entries each.
func BenchmarkCompile(b *testing.B) {
	for _, name := range []string{"names", "ranges", "prefixes", "classes"} {
		ace := full[name]
		if name == "classes" {
			ace = func(int) mud.ACE {
				return accept("friends", mud.Matches{TCP: &mud.TCP{}, MUD: &mud.MUD{SameManufacturer: true}})
			}
		}
		f, contexts := crowd(ace)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				compileAll(f, contexts)
			}
		})
	}
}

func TestDecidingAllocatesNothing(t *testing.T) {
	f, contexts := crowd(full["names"])
	home := NewHome(compileAll(f, contexts[:1]))
	tuple := Tuple{From: contexts[0].Device.MAC, Src: addr("192.168.2.0"), Dst: addr(cloud), DstPort: 443, Proto: tcp}
	if n := testing.AllocsPerRun(100, func() { home.Decide(&tuple, 0) }); n != 0 {
		t.Errorf("%v allocations for each decision", n)
	}
}
