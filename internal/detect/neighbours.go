package detect

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

var neighbourThresholds = []Threshold{
	{"scan.horizontal.neighbours", 24, "addresses", "of the own network that one device looks up within some minutes and nobody has: devices look up those that they have to do with"},
	{"scan.horizontal.patience", 3.2, "seconds", "before that is judged: a system that looks up for a program asks again after a second, three times (RFC 4861 has the same for IPv6), as phones do for apps that look for screens and speakers; who looks for the sake of looking asks once, or faster"},
}

// neighbours find who goes through the addresses of the own network to see which there are, by ARP.
type neighbours struct {
	*Watch
	limit    int
	patience int64
	states   *Table[frame.MAC, lookups]
	there    *Table[frame.Addr, struct{}] // addresses that answered
}

// lookups is what one device looked up.
type lookups struct {
	addresses [1024]asked // a table; others of the same place are counted as well
	tried     int
	again     int // asked again after a second, as a system does
	hasty     int // asked again sooner
	first     int64
	last      int64
	from      Party
	proof     [4]uint64
	record    *Record
}

type asked struct {
	hash uint32
	at   int64
}

// looksUp is how long an address is remembered to have been asked for.
const looksUp = 300e9

func newNeighbours(w *Watch) Detector {
	n := &neighbours{
		Watch: w, limit: int(w.Threshold("scan.horizontal.neighbours")), patience: w.Span("scan.horizontal.patience"),
		states: NewTable[frame.MAC, lookups](32), there: NewTable[frame.Addr, struct{}](1024),
	}
	return Detector{Fact: n.fact, Facts: []string{"arp.query", "arp.address"}, Finish: n.finish}
}

func (n *neighbours) fact(f *Fact) {
	addr, ok := frame.ParseAddr(f.Value)
	if !ok {
		return
	}
	if f.Name == "arp.address" {
		n.there.Get(addr)
		return
	}
	if n.there.Look(addr) != nil {
		return
	}
	s, fresh := n.states.Get(f.Subject)
	if fresh || f.Time-s.last > looksUp {
		*s = lookups{first: f.Time}
	}
	s.last = f.Time
	s.from = Party{MAC: f.Subject}
	h := hashAddr(&addr)
	// those of one network stand side by side
	if x := &s.addresses[binary.BigEndian.Uint16(addr[14:])%uint16(len(s.addresses))]; x.hash == h {
		if f.Time-x.at < 900e6 {
			s.hasty++
		} else {
			s.again++
		}
		x.at = f.Time
	} else {
		*x = asked{h, f.Time}
		if s.tried < len(s.proof) {
			s.proof[s.tried] = f.Number
		}
		s.tried++
		if s.record != nil {
			s.record.Add(1, f.Time)
			return
		}
	}
	if s.record == nil && s.tried >= n.limit && (s.hasty > n.limit/2 || f.Time-s.first >= n.patience) {
		n.raise(s, f.Time, f.Evidence("ARP requests for addresses that nobody has"))
	}
}

// finish judges those that there was no time for.
func (n *neighbours) finish() {
	for _, s := range n.states.All {
		if s.record == nil && s.tried >= n.limit {
			n.raise(s, s.last, finding.Evidence{Note: "ARP requests for addresses that nobody has"})
		}
	}
}

func (n *neighbours) raise(s *lookups, at int64, proof finding.Evidence) {
	proof.Packets = append(s.proof[:min(s.tried, len(s.proof)):len(s.proof)], proof.Packets...)
	mac := s.from.MAC
	s.record = n.Raise(Sighting{
		Kind: finding.ScanHorizontal, Actor: s.from, Key: "arp", Severity: finding.Low, Confidence: 0.7,
		Count: uint64(s.tried), First: s.first, Time: at, Evidence: proof,
		Details: []finding.Detail{{Key: "service", Value: "arp"}, {Key: "count", Value: Counted}, {Key: "span", Value: Lasting}},
		Holds: func(v *View) bool {
			if d := v.Owner(Party{MAC: mac}); d != nil && d.Gateway {
				return false // it looks up whom the Internet asks for
			}
			s := n.states.Look(mac)
			return s == nil || s.hasty > s.tried/8 || s.again < s.tried+s.tried/2 // a system asks three times
		},
	})
}
