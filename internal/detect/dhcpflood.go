package detect

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

var dhcpFloodThresholds = []Threshold{
	{"flood.dhcp.clients", 12, "clients", "that one sender asks in the name of, in the time below; a relay sends to a server and not to all"},
	{"flood.dhcp.all", 60, "clients", "that ask in the time below, each for itself: after a power cut all devices of a home ask within a minute"},
	{"flood.dhcp.requests", 60, "requests", "of one client in the time below: one without an answer asks again after 4, 8, 16 seconds (RFC 2131, Section 4.1)"},
	{"flood.dhcp.span", 30, "seconds", "in which that is counted"},
}

// dhcpFlood finds who asks for more addresses than devices want, so that none are left.
type dhcpFlood struct {
	*Watch
	clients, all, requests int
	span                   int64
	senders                *Table[frame.MAC, asking]
	everybody              asking
}

// asking is what a sender asked for in a span.
type asking struct {
	seen    distinct
	clients int
	asked   uint64
	first   int64
	packets [4]uint64
	record  *Record
}

func newDHCPFlood(w *Watch) Detector {
	d := &dhcpFlood{
		Watch: w, clients: int(w.Threshold("flood.dhcp.clients")), all: int(w.Threshold("flood.dhcp.all")),
		requests: int(w.Threshold("flood.dhcp.requests")), span: w.Span("flood.dhcp.span"), senders: NewTable[frame.MAC, asking](512),
	}
	return Detector{Fact: d.fact, Facts: []string{"dhcp.options"}}
}

func (d *dhcpFlood) fact(f *Fact) {
	if m := string(f.Lookup("message")); m != "discover" && m != "request" {
		return
	}
	from := f.Frame.SrcMAC
	if !f.Frame.DstMAC.IsGroup() {
		return // a renewal, or a relay's
	}
	client := device.Name(f.Subject)
	a, _ := d.senders.Get(from)
	d.count(a, client, f)
	if a.clients >= d.clients || int(min(a.asked, 1<<20)) >= d.requests {
		d.raise(a, from, f)
		return
	}
	d.count(&d.everybody, client, f)
	if d.everybody.clients >= d.all {
		d.raise(&d.everybody, from, f) // each under another forged address; this is one of them
	}
}

func (d *dhcpFlood) count(a *asking, client string, f *Fact) {
	if f.Time-a.first > d.span && a.record == nil || a.asked == 0 {
		*a = asking{first: f.Time}
	}
	if a.asked < uint64(len(a.packets)) {
		a.packets[a.asked] = f.Number
	}
	a.asked++
	if a.seen.add(client) {
		a.clients++
	}
}

func (d *dhcpFlood) raise(a *asking, from frame.MAC, f *Fact) {
	rate := float64(a.asked) / max(float64(f.Time-a.first)/1e9, 1)
	if a.record == nil {
		proof := f.Evidence("requests for addresses in the name of many")
		proof.Packets = append(a.packets[:len(a.packets):len(a.packets)], f.Number)
		a.record = d.Raise(Sighting{
			Kind: finding.FloodDHCP, Actor: Party{MAC: from}, Severity: finding.High, Confidence: 0.85, Count: a.asked, First: a.first, Time: f.Time, Evidence: proof,
		})
	} else {
		a.record.Add(1, f.Time)
		a.record.Actor = Party{MAC: from} // of many forged ones, the last is sure to be remembered
	}
	a.record.Set("count", uint64(a.clients))
	a.record.Set("packets", a.asked)
	a.record.Set("rate", uint64(rate))
}
