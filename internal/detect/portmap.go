package detect

import (
	"slices"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
)

// portmap finds who asks the router to let the Internet in.
type portmap struct{ *Watch }

func newPortmap(w *Watch) Detector {
	return Detector{Fact: portmap{w}.fact, Facts: []string{"igd.portmap"}}
}

// openings are ports by which a device is commanded: remote shells, screens, files and settings.
var openings = []string{
	"tcp/21", "tcp/22", "tcp/23", "tcp/80", "tcp/81", "tcp/139", "tcp/443", "tcp/445", "tcp/554", "tcp/1883", "tcp/2323", "tcp/3389", "tcp/5000", "tcp/5001", "tcp/5555",
	"tcp/5900", "tcp/7547", "tcp/8000", "tcp/8080", "tcp/8081", "tcp/8443", "tcp/9100", "tcp/37777", "udp/161",
}

// shells are those of them that are never meant for the Internet.
var shells = []string{"tcp/22", "tcp/23", "tcp/139", "tcp/445", "tcp/2323", "tcp/3389", "tcp/5555", "tcp/5900", "tcp/7547"}

func (p portmap) fact(f *Fact) {
	if string(f.Lookup("side")) != "request" || string(f.Lookup("op")) == "delete" || string(f.Lookup("enabled")) == "0" {
		return
	}
	who, router := f.whom()
	service, inside := text(f.Value), text(f.Lookup("internal_port"))
	door, shell := slices.Contains(openings, service), slices.Contains(shells, service)
	if proto := service[:min(4, len(service))]; inside != "" {
		door, shell = door || slices.Contains(openings, proto+inside), shell || slices.Contains(shells, proto+inside)
	}
	p.Raise(Sighting{
		Kind: finding.ExposedPortmap, Actor: who, Target: router, Key: service, Severity: finding.Medium, Confidence: 0.95, Time: f.Time,
		Details:  []finding.Detail{{Key: "service", Value: service}, {Key: "protocol", Value: text(f.Lookup("via"))}},
		Evidence: f.Evidence("mapping of " + service + " asked for"),
		Weigh: func(v *View, d *device.Device) finding.Severity {
			switch kind := v.Kind(d); {
			case shell && kind != device.General:
				return finding.High
			case kind == device.General && !door:
				return finding.Low // games, calls and file exchange do that
			case kind == device.General && shell:
				return finding.Medium
			}
			return finding.Medium
		},
	})
}
