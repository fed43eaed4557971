package detect

import (
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// weak finds TLS of versions that nobody should use any more (RFC 8996, RFC 7568), and cipher suites that protect
// nothing or little (RFC 9325, Section 4.2), where a server chose them. What a client merely offers is told as less:
// it is there for old servers.
type weak struct {
	*Watch
	chose *Table[frame.MAC, struct{}] // clients that were given an old version
}

func newWeak(w *Watch) Detector {
	x := weak{w, NewTable[frame.MAC, struct{}](512)}
	return Detector{Fact: x.fact, Facts: []string{"tls.version", "tls.cipher", "tls.weak_ciphers"}}
}

// oldVersions are the words for versions before 1.2.
var oldVersions = map[string]string{"ssl2": "SSL 2", "ssl3": "SSL 3", "1.0": "TLS 1.0", "1.1": "TLS 1.1"}

// broken are weaknesses that leave nothing, or nothing for long, of what TLS is for.
var broken = map[string]bool{"null": true, "anonymous": true, "export": true, "SSL 2": true}

func (w weak) fact(f *Fact) {
	switch f.Name {
	case "tls.version":
		old := oldVersions[string(f.Value)]
		if old == "" {
			return
		}
		if string(f.Lookup("side")) == "server" {
			w.chose.Get(f.Receiver().MAC)
			w.chosen(f, old)
		} else if f.Lookup("hello") == nil {
			w.offers(f, "version", []string{old})
		}
	case "tls.cipher":
		for name := range strings.SplitSeq(string(f.Lookup("weak")), ",") {
			if name != "" {
				w.chosen(f, weakness(name))
			}
		}
	case "tls.weak_ciphers":
		var list []string
		for name := range strings.SplitSeq(string(f.Value), ",") {
			if name = weakness(name); name != "3des" { // of all that are weak, the one that was still usual for long
				list = append(list, name)
			}
		}
		if len(list) > 0 {
			w.offers(f, "ciphers", list)
		}
	}
}

func weakness(name string) string {
	if name = strings.TrimSpace(name); name == "anon" {
		return "anonymous"
	}
	return name
}

// chosen tells of what protects a connection: about the client, and about a server of the network, each once for each
// weakness, whoever the others are.
func (w weak) chosen(f *Fact, name string) {
	server, client := f.Sender(), f.Receiver()
	taken := w.Again(finding.TLSWeak, client, Party{}, name, finding.Medium, f.Time)
	given := w.Again(finding.TLSWeak, server, Party{}, name, finding.Medium, f.Time)
	if taken && given {
		return
	}
	weigh := func(v *View, d *device.Device) finding.Severity {
		switch {
		case !v.Outside(server) && !v.Outside(client):
			return finding.Low
		case v.Kind(d) == device.General && !broken[name]:
			return finding.Low
		}
		return finding.Medium
	}
	s := Sighting{
		Kind: finding.TLSWeak, Key: name, Severity: finding.Medium, Confidence: 0.95, Time: f.Time, Weigh: weigh,
		Evidence: f.Evidence("the server chose " + name),
	}
	if !given {
		s.Actor, s.Details = server, []finding.Detail{{Key: "peer", Value: w.call(client, server.MAC)}, {Key: "weakness", Value: name}}
		w.Raise(s)
	}
	if !taken {
		s.Actor, s.Details = client, []finding.Detail{{Key: "peer", Value: w.call(server, client.MAC)}, {Key: "weakness", Value: name}}
		s.Holds = func(v *View) bool { return v.Outside(server) } // at home it is the server's fault
		w.Raise(s)
	}
}

// offers tells of what a client offers: once for its versions, where none was chosen, and once for its cipher suites.
func (w weak) offers(f *Fact, what string, list []string) {
	client, server := f.Sender(), f.Receiver()
	if w.Again(finding.TLSWeak, client, Party{}, "offers "+what, finding.Info, f.Time) {
		return
	}
	w.Raise(Sighting{
		Kind: finding.TLSWeak, Actor: client, Key: "offers " + what, Severity: finding.Info, Confidence: 0.5, Time: f.Time,
		Details:  []finding.Detail{{Key: "peer", Value: w.call(server, client.MAC)}, {Key: "weakness", Value: list}},
		Evidence: f.Evidence("the client offers " + strings.Join(list, ", ")),
		Holds:    func(*View) bool { return what != "version" || w.chose.Look(client.MAC) == nil },
	})
}
