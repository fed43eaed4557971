package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
)

// card is what the page says of one device.
type card struct {
	Anchor   string
	Name     string
	What     string
	State    grade.State
	Word     string
	Open     bool
	Because  string
	Changes  []string
	Findings []found
	More     string // findings that are not shown
	Identity string
	Reasons  string
	Notes    []string // what else there is to say of it
	Talks    report.Talks
	Promise  promise
	Facts    []row
	Signs    []sign
}

// found is one finding about a device.
type found struct {
	guide.Text
	State  grade.State // that it sets by itself; Unknown where it sets none
	Role   string      // where others do it
	When   string
	Norms  []string
	Proof  []proof
	Rating string
	ID     string
}

// proof is where to look for what proves a finding.
type proof struct{ Packets, File, Flow, Note string }

// promise is what the maker says that the device may do.
type promise struct {
	Text string
	URL  string // text, not a link: a stranger wrote it
	Kept string // whether the device kept to it, where it was held against it
}

// sign is one observation behind the identity, for who checks it.
type sign struct{ Fact, Value, Packet, Weight string }

func newCard(w report.Words, d *inspect.Device, anchor string, findings report.Findings, files []string, held []inspect.Held) card {
	c := card{
		Anchor: anchor, Name: shorten(w.Name(d)), What: locale.Capital(shorten(w.What(&d.Identity))), State: d.Grade.State, Word: locale.Capital(w.State(d.Grade.State)),
		Because: w.Because(d, findings), Changes: w.Changes(d), Identity: w.Identity(&d.Identity), Talks: report.NewTalks(w, &d.Identity, d.Peers, d.Others),
	}
	c.Open = d.Grade.State == grade.Act || d.Grade.State == grade.Check
	if reasons := w.Reasons(&d.Identity, shownReasons, 60); len(reasons) > 0 {
		c.Reasons = w.Text("inspect.because", "reasons", reasons)
	}
	if d.Randomised {
		c.Notes = append(c.Notes, w.Text("inspect.randomised", "n", len(d.MACs)))
	}
	if d.Carries {
		c.Notes = append(c.Notes, w.Text("inspect.carried"))
	} else if len(d.Peers) == 0 && d.Others == nil {
		key := "inspect.quiet"
		if d.Traffic.PacketsOut > 0 {
			key = "inspect.hidden"
		}
		c.Notes = append(c.Notes, w.Text(key))
	}
	list := findings.Of(d)
	for _, f := range list[:min(len(list), mostFindings)] {
		c.Findings = append(c.Findings, newFound(w, f, files))
	}
	if n := len(list) - mostFindings; n > 0 {
		c.More = w.Text("inspect.more", "n", n)
	}
	if d.MUDURL != nil {
		c.Promise = promise{Text: w.Text("report.promise.mud"), URL: shorten(d.MUDURL.URL)}
	} else {
		c.Promise.Text = w.Text("report.promise.none")
	}
	if at := slices.IndexFunc(held, func(h inspect.Held) bool { return h.Device == d.ID }); at >= 0 {
		departures := 0
		for _, f := range list {
			if f.Kind == finding.MUDDeparture {
				departures++
			}
		}
		key := "report.promise.kept"
		if departures > 0 {
			key = "report.promise.broken"
		}
		c.Promise.Kept = w.Text(key, "file", shorten(held[at].Name), "n", departures)
	}
	c.facts(w, d)
	for i := range d.Identity.Because {
		if len(c.Signs) == mostReasons {
			break
		}
		b := &d.Identity.Because[i]
		s := sign{Fact: b.Fact, Value: shorten(b.Value), Weight: w.Decimal(b.Weight, 2), Packet: "–"}
		if b.Packet > 0 {
			s.Packet = strconv.FormatUint(b.Packet, 10)
			if len(files) > 1 {
				s.Packet += " (" + file(files, b.File) + ")"
			}
		}
		c.Signs = append(c.Signs, s)
	}
	return c
}

// facts are the technical facts about a device as a whole.
func (c *card) facts(w report.Words, d *inspect.Device) {
	add := func(key string, values ...string) {
		if values = slices.DeleteFunc(values, func(s string) bool { return s == "" }); len(values) > 0 {
			const most = 16
			if n := len(values) - most; n > 0 {
				values = append(slices.Clone(values[:most]), w.Text("inspect.more", "n", n))
			}
			c.Facts = append(c.Facts, row{w.Text("report.fact." + key), values})
		}
	}
	add("id", d.ID)
	add("macs", d.MACs...)
	add("addresses", d.Addresses...)
	add("names", d.Hostnames...)
	add("first", when(w, d.First))
	add("last", when(w, d.Last))
	add("sent", w.Text("report.amount", "n", d.Traffic.PacketsOut, "size", locale.Octets(d.Traffic.OctetsOut)))
	add("received", w.Text("report.amount", "n", d.Traffic.PacketsIn, "size", locale.Octets(d.Traffic.OctetsIn)))
	e := &d.Grade.Evidence
	add("watched", w.Text("report.watched", "long", e.Watched, "n", e.Packets, "part", locale.Fraction(e.Understood)))
	add("rules", append(slices.Clone(d.Grade.Because), d.Grade.WouldChange...)...)
}

func newFound(w report.Words, f *inspect.Finding, files []string) found {
	out := found{Text: w.Finding(f), ID: f.ID, Norms: f.Norms}
	out.State = grade.Of([]grade.Sign{{ID: f.ID, Role: f.Role, Severity: f.Severity, Confidence: f.Confidence}}, grade.Evidence{}).State
	if f.Role == finding.Target {
		out.Role = w.Text("report.target")
	}
	first, last := when(w, f.First), when(w, f.Last)
	out.When = w.Text("report.when", "n", f.Count, "first", first, "last", last)
	if first == last {
		out.When = w.Text("report.when.at", "n", f.Count, "when", first)
	}
	out.Rating = w.Text("report.rating", "kind", string(f.Kind), "role", string(f.Role), "severity", f.Severity.String(),
		"confidence", locale.Fraction(f.Confidence), "when", when(w, f.Detected))
	for i := range f.Evidence[:min(len(f.Evidence), mostEvidence)] {
		e := &f.Evidence[i]
		p := proof{Flow: e.Flow, Note: shorten(e.Note)}
		var numbers []string
		for _, n := range e.Packets[:min(len(e.Packets), mostPackets)] {
			numbers = append(numbers, strconv.FormatUint(n, 10))
		}
		if len(e.Packets) > mostPackets {
			numbers = append(numbers, "…")
		}
		if len(numbers) > 0 {
			p.Packets = strings.Join(numbers, ", ")
			p.File = file(files, e.File)
		}
		out.Proof = append(out.Proof, p)
	}
	return out
}

// file is the name of a capture by its place in the list.
func file(files []string, i uint16) string {
	if int(i) < len(files) {
		return files[i]
	}
	return fmt.Sprint(i)
}
