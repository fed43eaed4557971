package assess

import (
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
)

// sure is the confidence from which a finding counts against a product.
const sure = 0.8

// capture takes what was found in a capture, and what was really seen in it.
func (j *judge) capture(e *Evidence, source int) {
	d := &e.capture.Devices[0]
	for i := range e.capture.Findings {
		f := &e.capture.Findings[i]
		if f.Device != d.ID || f.Role != finding.Actor || f.Direction == finding.Neither {
			continue
		}
		at := []Pointer{}
		for _, x := range f.Evidence {
			at = append(at, Pointer{Source: source, At: "finding " + f.ID, Packets: x.Packets, Flow: x.Flow})
		}
		if len(at) == 0 {
			at = append(at, Pointer{Source: source, At: "finding " + f.ID})
		}
		said := Said{"assess.reason.finding", []any{"title", words{f.Text["en"].Title, f.Text["fr"].Title}, "seen", words{f.Text["en"].Seen, f.Text["fr"].Seen}}, at}
		for _, id := range f.Norms {
			switch {
			case f.Confidence < sure:
				p := j.of(id)
				p.aside = append(p.aside, Said{"assess.reason.finding.unsure", said.Args, at})
			case f.Direction == finding.Refutes:
				j.refute(id, e, said)
			case f.Direction == finding.Supports:
				j.support(id, e, j.looked(false), false, said)
			}
		}
	}
	for _, b := range d.Identity.Because {
		if selfTold[b.Fact] && names(b.Value, j.Product.Model) {
			j.models = append(j.models, Pointer{Source: source, At: b.Fact, Packets: packet(b.Packet)})
		}
	}
	for _, peer := range d.Peers {
		if mechanism := j.updates(peer.Name); mechanism != "" && len(peer.Services) > 0 && !slices.ContainsFunc(peer.Services, func(s string) bool { return !Protects(s) }) {
			j.support("etsi.5.3-2", e, j.looked(false), false, Said{"assess.reason.update.seen", []any{"name", peer.Name, "id", mechanism}, []Pointer{{Source: source, At: "peer " + peer.Name}}})
		}
	}
}

func packet(n uint64) []uint64 {
	if n == 0 {
		return nil
	}
	return []uint64{n}
}

// selfTold are the facts in which a device says itself which model it is.
var selfTold = map[string]bool{
	"mdns.txt": true, "upnp.model_name": true, "upnp.model_number": true, "upnp.friendly_name": true, "kasa.device": true, "dhcp.vendor_class": true,
	"modbus.device": true, "adb.device": true, "pjl.id": true,
}

// names reports whether text has the model in it as a word.
func names(text, model string) bool {
	text, model = strings.ToLower(text), strings.ToLower(model)
	for from := 0; model != ""; {
		i := strings.Index(text[from:], model)
		if i < 0 {
			return false
		}
		at, end := from+i, from+i+len(model)
		if (at == 0 || !isWord(text[at-1])) && (end == len(text) || !isWord(text[end])) {
			return true
		}
		from = at + 1
	}
	return false
}

func isWord(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b >= 0x80 }

// Protects reports whether a service, such as “tcp/443 tls”, is known to be encrypted.
func Protects(service string) bool {
	_, protocol, _ := strings.Cut(service, " ")
	switch protocol {
	case "tls", "ssl", "quic", "dtls":
		return true
	}
	return false
}

// updates is the declared way of updating that asks that server; "" if none does.
func (j *judge) updates(name string) string {
	if j.Declaration == nil || name == "" {
		return ""
	}
	for _, m := range j.Declaration.IXIT.UpdMech {
		for _, server := range m.Servers {
			if strings.EqualFold(strings.TrimSuffix(server, "."), strings.TrimSuffix(name, ".")) {
				return m.ID
			}
		}
	}
	return ""
}

// How often, and for how long, a device must be seen to ask for updates before it is said to look regularly.
const (
	asksAtLeast = 3
	asksFor     = 24 * time.Hour
)

// plumbing is what a device needs to be on a network at all: it says little, and is usual in clear.
var plumbing = map[string]bool{"dns": true, "dhcp": true, "dhcpv6": true, "ntp": true, "mdns": true, "llmnr": true, "ssdp": true}

// encrypted takes how a device’s conversations were protected: 5.5-1. One in clear is no support, and a finding if it
// matters; what was not captured is not known, so that this is never the whole of it.
func (j *judge) encrypted(e *Evidence, source int) {
	var versions []string
	var at []Pointer
	n := 0
	for _, f := range e.flows {
		if f.Out == 0 || f.In == 0 || plumbing[f.Service] {
			continue
		}
		switch {
		case f.Service == "quic":
			f.TLS = "1.3" // RFC 9001, Section 4.2
		case f.TLS == "1.2", f.TLS == "1.3":
		default:
			return
		}
		n++
		if v := "TLS " + f.TLS; !slices.Contains(versions, v) {
			versions = append(versions, v)
			at = append(at, Pointer{Source: source, At: "flow " + f.UID, Flow: f.Community})
		}
	}
	if n > 0 {
		slices.Sort(versions)
		j.support("etsi.5.5-1", e, j.looked(false), false, Said{"assess.reason.encrypted", []any{"n", n, "list", versions}, at})
	}
}

// flows takes the conversations of a device: how they were protected, and when it asked its update servers, 5.3-5.
func (j *judge) flows(e *Evidence, source int) {
	j.encrypted(e, source)
	var times []float64
	name, mechanism := "", ""
	var at []Pointer
	for _, f := range e.flows {
		if f.Out == 0 || f.In == 0 {
			continue // nobody answered
		}
		for _, n := range f.Names {
			if m := j.updates(n); m != "" {
				name, mechanism = n, m
				times = append(times, f.TS)
				if len(at) < 8 {
					at = append(at, Pointer{Source: source, At: "flow " + f.UID, Flow: f.Community})
				}
				break
			}
		}
	}
	slices.Sort(times)
	visits := 0
	for i, t := range times { // what follows within an hour is one visit
		if i == 0 || t-times[i-1] > time.Hour.Seconds() {
			visits++
		}
	}
	if visits < asksAtLeast || times[len(times)-1]-times[0] < asksFor.Seconds() {
		return
	}
	span := time.Duration((times[len(times)-1] - times[0]) * float64(time.Second)).Round(time.Hour)
	j.support("etsi.5.3-5", e, j.looked(true), true, Said{"assess.reason.update.regular", []any{"name", name, "id", mechanism, "n", visits, "span", span}, at})
}
