package detect

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/psl"
)

var generatedThresholds = []Threshold{
	{"dns.generated.names", 15, "names", "that do not exist, of as many domains; a browser tries three when it starts, and none of them in a domain"},
	{"dns.generated.chance", 0.15, "nepers for each letter", "below which names are taken for drawn by chance: words have about 0.7, letters drawn by chance -0.3"},
	{"dns.generated.span", 1200, "seconds", "after which counting begins anew"},
}

// generated finds devices that try names which a program made up, one of which its master will have registered.
type generated struct {
	*Watch
	names   int
	chance  float64
	span    int64
	tries   *Table[frame.MAC, tries]
	domains map[string]bool // that names are completed with here
}

type tries struct {
	seen    distinct
	names   int
	random  float64
	letters int
	first   int64
	packets [4]uint64
	record  *Record
}

func newGenerated(w *Watch) Detector {
	g := &generated{
		w, int(w.Threshold("dns.generated.names")), w.Threshold("dns.generated.chance"), w.Span("dns.generated.span"),
		NewTable[frame.MAC, tries](512),
		map[string]bool{},
	}
	return Detector{Fact: g.fact, Facts: []string{"dns.answer", "dhcp.lease", "dhcp.server", "ra.dnssl"}}
}

// homely are last labels that mean something in a home alone; a name that a network completes has no meaning elsewhere.
var homely = []string{"local", "localdomain", "lan", "home", "internal", "intranet", "private", "corp", "arpa", "belkin", "dlink", "router", "workgroup", "fritz"}

func (g *generated) fact(f *Fact) {
	switch f.Name {
	case "ra.dnssl":
		g.learn(f.Value)
		return
	case "dhcp.lease", "dhcp.server":
		g.learn(f.Lookup("domain"))
		return
	}
	if string(f.Lookup("rcode")) != "NXDOMAIN" {
		return
	}
	name := strings.ToLower(string(f.Value))
	domain := psl.Domain(name)
	if domain == "" || slices.Contains(homely, domain[strings.LastIndexByte(domain, '.')+1:]) || g.completed(name) {
		return
	}
	label, _, _ := strings.Cut(domain, ".")
	if len(label) < 6 {
		return // words of any language are as short
	}
	_, asker := f.whom()
	if f.Subject == f.Frame.DstMAC {
		asker = f.Receiver()
	}
	t, fresh := g.tries.Get(asker.MAC)
	if fresh || f.Time-t.first > g.span && t.record == nil {
		*t = tries{first: f.Time}
	}
	if !t.seen.add(domain) {
		return
	}
	if t.names < len(t.packets) {
		t.packets[t.names] = f.Number
	}
	t.names++
	sum, n := chance(label)
	t.random += sum
	t.letters += n
	if t.record != nil {
		t.record.Add(1, f.Time)
		t.record.Set("count", t.record.Count)
		return
	}
	if t.names < g.names || t.letters == 0 || t.random/float64(t.letters) >= g.chance {
		return
	}
	proof := f.Evidence("names that do not exist, such as " + text([]byte(name)))
	proof.Packets = append(t.packets[:len(t.packets):len(t.packets)], f.Number)
	t.record = g.Raise(Sighting{
		Kind: finding.DNSGenerated, Actor: asker, Severity: finding.High, Confidence: 0.8, Count: uint64(t.names), First: t.first, Time: f.Time, Evidence: proof,
		Details: []finding.Detail{{Key: "count", Value: uint64(t.names)}, {Key: "example", Value: text([]byte(name))}},
		Holds: func(v *View) bool {
			d := v.Owner(asker)
			return d == nil || !d.Resolver // it asks for others
		},
	})
}

func (g *generated) learn(domain []byte) {
	if d := strings.ToLower(strings.Trim(string(domain), ".")); d != "" && len(g.domains) < maxTold {
		g.domains[d] = true
	}
}

// completed reports whether a name is one that a device completed with the domain of the network.
func (g *generated) completed(name string) bool {
	for d := range g.domains {
		if strings.HasSuffix(name, "."+d) {
			return true
		}
	}
	return false
}
