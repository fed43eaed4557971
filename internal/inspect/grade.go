package inspect

import (
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/grade"
)

// evidence is how much was seen of a device. identified is whether it could be told what it is.
func evidence(d *device.Device, identified, whole bool) grade.Evidence {
	e := grade.Evidence{Identified: identified, Watched: time.Duration(d.Last - d.First), Whole: whole}
	var all, known uint64
	for i := range d.Peers {
		p := &d.Peers[i]
		all += p.Octets
		if serviceName(p.Service) != "" {
			known += p.Octets
		}
	}
	all += d.OtherOctets
	if all > 0 {
		e.Packets = d.Traffic().PacketsOut
		e.Understood = float64(known) / float64(all)
	}
	return e
}

// grade gives each device its grade, from the findings about it and from how much was seen of it.
func (r *Result) grade() {
	signs := make(map[string][]grade.Sign)
	for i := range r.Findings {
		f := &r.Findings[i]
		signs[f.Device] = append(signs[f.Device], grade.Sign{ID: f.ID, Role: f.Role, Severity: f.Severity, Confidence: f.Confidence})
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		d.Grade = grade.Of(signs[d.ID], d.Grade.Evidence)
	}
}
