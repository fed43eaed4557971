package detect

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// legacy finds services that were given up long ago, for they protect nothing: about who offers them, or where that is
// on the Internet, about who uses them.
type legacy struct {
	*Watch
	guarded *Table[conversation, struct{}] // file exchange that went on encrypted
	others  map[string]string              // by protocol, the key of a sighting about who uses it
}

func newLegacy(w *Watch) Detector {
	l := &legacy{w, NewTable[conversation, struct{}](256), map[string]string{}}
	return Detector{Fact: l.fact, Event: l.event, Steps: []Step{Established}, Facts: []string{
		"telnet.banner", "telnet.prompt", "ftp.banner", "ftp.user", "ftp.starttls", "smb.dialect", "tls.version", "snmp.version", "tftp.file", "adb.device", "ssh.banner",
		"remote.vnc_security",
	}}
}

// rude are the services of Berkeley's r-commands and finger, which are known by port alone.
var rude = map[uint16]string{512: "rexec", 513: "rlogin", 514: "rsh", 79: "finger"}

// ssl and snmp are the versions that protect nothing, by what facts call them.
var (
	ssl  = map[string]string{"ssl2": "ssl2", "ssl3": "ssl3"}
	snmp = map[string]string{"1": "snmpv1", "2c": "snmpv2c"}
)

func (l *legacy) fact(f *Fact) {
	server, client := f.Sender(), f.Receiver()
	switch f.Name {
	case "telnet.banner", "telnet.prompt":
		l.raise(f, "telnet", server, client, finding.Medium)
	case "ftp.starttls":
		l.guarded.Get(f.conversation())
	case "ftp.banner":
		l.raise(f, "ftp", server, client, finding.Low)
	case "ftp.user":
		if l.guarded.Look(f.conversation()) == nil {
			l.raise(f, "ftp", client, server, finding.Medium)
		}
	case "smb.dialect":
		if string(f.Lookup("side")) == "server" && (string(f.Value) == "NT LM 0.12" || f.begins("LANMAN") || f.begins("PC NETWORK")) {
			l.raise(f, "smb1", server, client, finding.Medium)
		}
	case "tls.version":
		if name := ssl[string(f.Value)]; name != "" && string(f.Lookup("side")) == "server" {
			l.raise(f, name, server, client, finding.Medium)
		}
	case "snmp.version":
		if name := snmp[string(f.Value)]; name != "" {
			if f.Frame.SrcPort == 161 { // an answer says that it is offered; a request, that it is used
				l.raise(f, name, server, Party{}, finding.Low)
			} else {
				l.raise(f, name, client, server, finding.Low)
			}
		}
	case "tftp.file":
		l.raise(f, "tftp", client, server, finding.Low)
	case "ssh.banner":
		if f.begins("SSH-1.") && !f.begins("SSH-1.99") && string(f.Lookup("side")) == "server" {
			l.raise(f, "ssh1", server, client, finding.Medium)
		}
	case "adb.device":
		l.raise(f, "adb", server, client, finding.Medium)
	case "remote.vnc_security":
		if string(f.Value) == "none" {
			l.raise(f, "vnc", server, client, finding.Medium)
		}
	}
}

func (l *legacy) event(e *Event) {
	if name := rude[e.Port[flow.Resp]]; name != "" && e.Step == Established && e.Proto == frame.ProtoTCP {
		l.tell(name, e.Party(flow.Resp), e.Party(flow.Orig), finding.Medium, e.Time, func() finding.Evidence {
			return e.Evidence("connection to the port of " + name)
		})
	}
}

func (l *legacy) raise(f *Fact, protocol string, server, client Party, severity finding.Severity) {
	if unicast(server.Addr) {
		l.tell(protocol, server, client, severity, f.Time, func() finding.Evidence {
			return f.Evidence(f.Name + " " + text(f.Value[:min(len(f.Value), 60)]))
		})
	}
}

// tell keeps one sighting for each device that offers a protocol, and for each that uses one outside. Without a client,
// nobody is known to have wanted it.
func (l *legacy) tell(protocol string, server, client Party, severity finding.Severity, at int64, proof func() finding.Evidence) {
	others := l.others[protocol]
	if others == "" {
		others = protocol + " of others"
		l.others[protocol] = others
	}
	offered := l.Again(finding.LegacyService, server, Party{}, protocol, severity, at)
	used := client.IsZero() || l.Again(finding.LegacyService, client, Party{}, others, severity, at)
	if offered && used {
		return
	}
	weigh := func(v *View, d *device.Device) finding.Severity {
		if protocol == "ssl3" && v.Kind(d) == device.General {
			return finding.Low
		}
		return severity
	}
	s := Sighting{
		Kind: finding.LegacyService, Actor: server, Key: protocol, Severity: severity, Confidence: 0.9, Time: at, Evidence: proof(), Weigh: weigh,
	}
	if !offered {
		peer := ""
		if !client.IsZero() {
			peer = l.call(client, server.MAC)
		}
		s.Details = []finding.Detail{{Key: "peer", Value: peer}, {Key: "protocol", Value: protocol}}
		l.Raise(s)
	}
	if !used {
		s.Actor, s.Key = client, others
		s.Details = []finding.Detail{{Key: "peer", Value: l.call(server, client.MAC)}, {Key: "protocol", Value: protocol}}
		s.Holds = func(v *View) bool { return v.Outside(server) }
		l.Raise(s)
	}
}
