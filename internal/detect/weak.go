package detect

import (
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
)

// weak finds TLS of versions that nobody should use any more (RFC 8996, RFC 7568), and cipher suites that protect
// nothing or little (RFC 9325, Section 4.2), where a server chose them. What a client merely offers is told as less:
// it is there for old servers.
type weak struct{ *Watch }

func newWeak(w *Watch) Detector {
	return Detector{Fact: weak{w}.fact, Facts: []string{"tls.version", "tls.cipher", "tls.weak_ciphers"}}
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
			w.chosen(f, old)
		} else if f.Lookup("hello") == nil {
			w.client(f, old)
		}
	case "tls.cipher":
		for name := range strings.SplitSeq(string(f.Lookup("weak")), ",") {
			if name != "" {
				w.chosen(f, weakness(name))
			}
		}
	case "tls.weak_ciphers":
		for name := range strings.SplitSeq(string(f.Value), ",") {
			if name = weakness(name); broken[name] || name == "rc4" || name == "des" {
				w.client(f, name)
			}
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
	s.Actor, s.Details = client, []finding.Detail{{Key: "peer", Value: w.call(server, client.MAC)}, {Key: "weakness", Value: name}}
	s.Holds = func(v *View) bool { return v.Outside(server) } // at home it is the server's fault
	w.Raise(s)
	s.Actor, s.Details = server, []finding.Detail{{Key: "peer", Value: w.call(client, server.MAC)}, {Key: "weakness", Value: name}}
	s.Holds = nil
	w.Raise(s)
}

// client tells of what a client offers.
func (w weak) client(f *Fact, name string) {
	client, server := f.Sender(), f.Receiver()
	w.Raise(Sighting{
		Kind: finding.TLSWeak, Actor: client, Key: "offers " + name, Severity: finding.Low, Confidence: 0.6, Time: f.Time,
		Details:  []finding.Detail{{Key: "peer", Value: w.call(server, client.MAC)}, {Key: "weakness", Value: name}},
		Evidence: f.Evidence("the client offers " + name), Weigh: byKind(finding.Low, finding.Info, finding.Info),
	})
}
