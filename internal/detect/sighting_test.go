package detect

import (
	"testing"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// Any number of strangers may do what a device of the network does once: it is found all the same, and nothing is lost.
func TestStrangersTakeNoRoomFromDevices(t *testing.T) {
	s := set(t, Config{})
	see := func(p party) Sighting {
		return Sighting{
			Kind: finding.LegacyService, Actor: Party{p.mac, p.addr()}, Key: "telnet", Severity: finding.Medium, Confidence: 0.9, Time: s.now(),
			Details:  []finding.Detail{{Key: "peer", Value: ""}, {Key: "protocol", Value: "telnet"}},
			Evidence: finding.Evidence{Packets: []uint64{1}, Note: "telnet.banner"},
		}
	}
	for i := range 3 * maxRecords {
		stranger := party{mac: frame.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}, ip: "198.51.100.7"}
		s.Raise(see(stranger))
		again := s.Again(finding.LegacyService, Party{stranger.mac, stranger.addr()}, Party{}, "telnet of others", finding.Medium, s.now())
		if full := i+1 >= maxRecords; again != full {
			t.Fatalf("stranger %d: seen again %v, with room for %d", i, again, maxRecords)
		}
	}
	if s.Again(finding.LegacyService, Party{lamp.mac, lamp.addr()}, Party{}, "telnet", finding.Medium, s.now()) {
		t.Error("no room is made for a device")
	}
	s.Raise(see(lamp))
	s.want(finding.LegacyService, lamp, finding.Actor, finding.Medium)
	if n := s.Lost(); n != 0 {
		t.Errorf("%d are said to be lost, none of which is missed", n)
	}
}
