package identify

import (
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}

// A provider's network: many devices of which little is seen.
func BenchmarkIdentify(b *testing.B) {
	k := load(b)
	subjects := []Subject{
		{MAC: frame.MAC{0x50, 0xc7, 0xbf, 1, 2, 3}, Observations: []device.Observation{
			{Fact: "dns.query", Value: "n-devs.tplinkcloud.com", Packet: 1},
			{Fact: "tls.sni", Value: "use1-api.tplinkra.com", Packet: 2},
			{Fact: "dhcp.parameters", Value: "1,3,6,12,15,28", Packet: 3},
		}},
		{MAC: frame.MAC{0x02, 0, 0, 1, 2, 3}, Randomised: true, Observations: []device.Observation{
			{Fact: "dns.query", Value: "www.example.com", Packet: 1},
			{Fact: "dns.query", Value: "gateway.icloud.com", Packet: 1},
			{Fact: "tls.sni", Value: "www.example.com", Packet: 2},
		}},
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k.Identify(subjects[i%len(subjects)])
		i++
	}
}
