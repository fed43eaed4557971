// Package report says what an inspection found in a person's language: the sentence, what to do first, and the story
// of each device. It has the words that all reports share, and the report for a terminal.
package report

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
)

// namedFindings is how many findings the sentence about a device names.
const namedFindings = 2

// Words tells what was found in one language.
type Words struct {
	*locale.Catalogue
	at map[string]*inspect.Device // by address
}

// In is the words of a language for a result.
func In(c *locale.Catalogue, r *inspect.Result) Words {
	return Words{c, byAddress(r)}
}

// With is the same words in another language.
func (w Words) With(c *locale.Catalogue) Words { return Words{c, w.at} }

func byAddress(r *inspect.Result) map[string]*inspect.Device {
	at := make(map[string]*inspect.Device, len(r.Devices))
	for i := range r.Devices {
		for _, a := range r.Devices[i].Addresses {
			at[a] = &r.Devices[i]
		}
	}
	return at
}

// Peer is what a person would call a peer: the name that led to it, the device that it is, or its addresses.
func (w Words) Peer(p *inspect.Peer) string {
	if p.Name != "" {
		return p.Name
	}
	for _, a := range p.Addresses {
		if d := w.at[a]; d != nil && p.Scope != "internet" {
			return w.Name(d)
		}
	}
	name := strings.Join(p.Addresses[:min(2, len(p.Addresses))], ", ")
	if n := len(p.Addresses) - 2; n > 0 {
		name += " +" + w.Number(int64(n))
	}
	return name
}

// Name is what a person would call a device.
func (w Words) Name(d *inspect.Device) string { return inspect.Name(d, w.Catalogue) }

// What says what a device is, in a few words.
func (w Words) What(id *device.Identity) string {
	key := "category." + id.Category
	switch {
	case id.Category != "":
	case id.Kind != device.Unknown:
		key = "kind." + string(id.Kind)
	default:
		key = "category.unknown"
	}
	words := w.Text(key)
	if product := strings.TrimSpace(id.Maker + " " + strings.TrimSpace(strings.TrimPrefix(id.Model, id.Maker))); product != "" {
		words += ", " + product
	}
	return words
}

// Identity says what a device is and how sure that is, in a sentence.
func (w Words) Identity(id *device.Identity) string {
	switch {
	case id.Category != "" || id.Kind != device.Unknown:
		return w.Text("inspect.is", "what", locale.Capital(w.What(id)), "sure", w.Sure(id.Confidence), "percent", locale.Fraction(id.Confidence))
	case id.Maker != "":
		return w.Text("inspect.maker.only", "maker", id.Maker)
	}
	return w.Text("inspect.unknown")
}

// Reasons are the strongest reasons for the identity, in words, at most n. Values longer than limit are cut.
func (w Words) Reasons(id *device.Identity, n, limit int) (reasons []string) {
	if id.Kind == device.Unknown {
		return nil
	}
	for i := range id.Because {
		if len(reasons) == n {
			break
		}
		if s := w.Reason(&id.Because[i], limit); !slices.Contains(reasons, s) {
			reasons = append(reasons, s)
		}
	}
	return reasons
}

// Reason is one observation behind an identity, in words.
func (w Words) Reason(b *device.Reason, limit int) string {
	key := "reason." + b.Fact
	value := strings.TrimSuffix(Cut(b.Value, limit), ".") // the sentence has its own
	if s := w.Text(key, "value", value); s != key {
		return s
	}
	return w.Text("reason.other", "fact", b.Fact, "value", value)
}

// Sure is a confidence as a word.
func (w Words) Sure(confidence float64) string {
	switch {
	case confidence >= 0.9:
		return w.Text("inspect.sure.very")
	case confidence >= 0.7:
		return w.Text("inspect.sure.quite")
	}
	return w.Text("inspect.sure.perhaps")
}

// State is the word for a state.
func (w Words) State(s grade.State) string { return w.Text("grade." + s.String()) }

// Because says why a device has its grade, in a sentence: its worst findings, or what was not seen of it.
func (w Words) Because(d *inspect.Device, findings Findings) string {
	var reasons []string
	for _, f := range findings.deciding(d) {
		if title := strings.TrimSuffix(w.Finding(f).Title, "."); !slices.Contains(reasons, title) {
			reasons = append(reasons, title)
		}
	}
	if n := len(reasons) - namedFindings; n > 0 {
		reasons = append(reasons[:namedFindings], locale.Capital(w.Text("inspect.more", "n", n)))
	}
	if len(reasons) > 0 {
		return w.Text("grade.is", "state", locale.Capital(w.State(d.Grade.State)), "reasons", strings.Join(reasons, ". "))
	}
	if d.Grade.State == grade.Fine && slices.ContainsFunc(findings.Of(d), func(f *inspect.Finding) bool { return f.Role == finding.Actor }) {
		return w.Text("grade.is", "state", locale.Capital(w.State(grade.Fine)), "reasons", w.Text("report.small"))
	}
	for _, rule := range d.Grade.Because {
		if rule == "traffic.unread" && d.Grade.Evidence.Packets == 0 {
			continue // who said nothing was not read, of course
		}
		reasons = append(reasons, w.Text("grade.because."+rule))
	}
	return w.Text("grade.is", "state", locale.Capital(w.State(d.Grade.State)), "reasons", strings.Join(reasons, "; "))
}

// Changes says what would change the grade, a sentence each.
func (w Words) Changes(d *inspect.Device) (list []string) {
	for _, c := range d.Grade.WouldChange {
		list = append(list, w.Text("grade.change."+c))
	}
	return list
}

// Sentence is the whole network in one line: 11 devices. 9 fine, 1 to check, 1 we do not know.
func (w Words) Sentence(r *inspect.Result) string {
	if r.Capture.Packets == 0 {
		return w.Text("inspect.empty")
	}
	counts := make(map[grade.State]int)
	for i := range r.Devices {
		counts[r.Devices[i].Grade.State]++
	}
	var parts []string
	for _, s := range [...]grade.State{grade.Fine, grade.Check, grade.Act, grade.Unknown} {
		if n := counts[s]; n > 0 {
			parts = append(parts, w.Text("report.sentence."+s.String(), "n", n))
		}
	}
	sentence := w.Text("report.sentence.devices", "n", len(r.Devices))
	if len(parts) > 0 {
		sentence += " " + locale.Capital(strings.Join(parts, ", ")) + "."
	}
	return sentence
}

// Read says what was read, in a sentence.
func (w Words) Read(r *inspect.Result) string {
	first, last := instant(r.Capture.First), instant(r.Capture.Last)
	return w.Text("inspect.summary.capture", "n", r.Capture.Packets, "size", locale.Octets(r.Capture.Octets),
		"when", first, "long", last.Sub(first))
}

// Finding is the text of a finding.
func (w Words) Finding(f *inspect.Finding) guide.Text { return f.Text[string(w.Lang())] }

// housekeeping is what every device does to find its way: nothing to tell a person.
var housekeeping = [...]string{"icmp", "igmp", "arp", "ndp", "mld", "eapol"}

// Services are services in words where there are any, without housekeeping.
func (w Words) Services(services []string) (list []string) {
	for _, s := range services {
		transport, protocol, known := strings.Cut(s, " ")
		if slices.Contains(housekeeping[:], transport) || slices.Contains(housekeeping[:], protocol) {
			continue
		}
		word := transport
		if known {
			key := "service." + protocol
			if word = w.Text(key); word == key {
				word = s
			}
		}
		if !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	return list
}

// Address is the address that people know a device by, or "".
func Address(d *inspect.Device) string {
	for _, a := range d.Addresses {
		if strings.Contains(a, ".") {
			return a
		}
	}
	if len(d.Addresses) > 0 {
		return d.Addresses[0]
	}
	return ""
}

// Cut shortens what came from the wire to so many characters.
func Cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

func instant(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s) // our own writing
	return t
}
