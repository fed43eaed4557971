package report

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
)

// Bounds on what the report for a terminal shows; --json has all of it.
const (
	shownPeers    = 6
	shownReasons  = 3
	shownFindings = 5
	shownDevices  = 3   // that an action names
	widest        = 34  // characters of a column
	lineWidth     = 100 // characters of a line
)

// Text writes what was found: the sentence, what to do first, a line for each device, then the story of each.
func Text(w io.Writer, r *inspect.Result, c *locale.Catalogue) error {
	p := printer{bufio.NewWriter(w), In(c, r)}
	p.summary(r)
	if len(r.Devices) > 0 {
		p.actions(r)
		p.line("")
		p.table(r.Devices)
		findings := Index(r)
		for i := range r.Devices {
			p.line("")
			p.device(&r.Devices[i], findings)
		}
	}
	if note := CountriesOf(p.c.Catalogue, r); note != "" {
		p.line("")
		p.fold("", note)
	}
	p.warnings(r)
	return p.w.Flush()
}

// Table writes a line for each device and nothing else.
func Table(w io.Writer, r *inspect.Result, c *locale.Catalogue) error {
	p := printer{bufio.NewWriter(w), In(c, r)}
	if len(r.Devices) == 0 {
		p.summary(r)
	} else {
		p.table(r.Devices)
	}
	p.warnings(r)
	return p.w.Flush()
}

// printer keeps the first error of its writer, which Flush returns.
type printer struct {
	w *bufio.Writer
	c Words
}

func (p printer) line(s string) {
	p.w.WriteString(s)
	p.w.WriteByte('\n')
}

// story is a line of a device's story, folded where it is long.
func (p printer) story(s string) { p.fold("  ", s) }

// fold writes s with that indent, which grows by two where the line is folded.
func (p printer) fold(indent, s string) {
	width := 0
	for i, word := range strings.Split(s, " ") { // not at no-break spaces
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			p.w.WriteString(indent)
			width = len(indent)
		case width+1+n > lineWidth:
			p.w.WriteString("\n  " + indent)
			width = len(indent) + 2
		default:
			p.w.WriteByte(' ')
			width++
		}
		p.w.WriteString(word)
		width += n
	}
	p.w.WriteByte('\n')
}

func (p printer) summary(r *inspect.Result) {
	p.line(p.c.Sentence(r))
	if r.Capture.Packets > 0 {
		p.line(p.c.Read(r))
	}
}

// actions are what to do first.
func (p printer) actions(r *inspect.Result) {
	actions := Actions(r)
	p.line("")
	if len(actions) == 0 {
		p.line(p.c.Rest(r))
		return
	}
	p.line(p.c.Text("report.first"))
	for i := range actions {
		p.fold("  ", p.c.Number(int64(i+1))+". "+p.c.Text("report.action", "devices", p.c.Names(&actions[i]), "do", p.c.Do(&actions[i])))
		p.fold("     ", "("+p.c.Finding(actions[i].Finding).Title+")")
	}
}

func (p printer) warnings(r *inspect.Result) {
	if len(r.Capture.Warnings) == 0 {
		return
	}
	p.line("")
	for _, w := range r.Capture.Warnings {
		p.line(p.c.Text("inspect.warning", "text", w))
	}
}

func (p printer) table(devices []inspect.Device) {
	rows := [][]string{{
		p.c.Text("inspect.column.device"), p.c.Text("inspect.column.state"), p.c.Text("inspect.column.what"), p.c.Text("inspect.column.address"),
		p.c.Text("inspect.column.sent"), p.c.Text("inspect.column.received"),
	}}
	for i := range devices {
		d := &devices[i]
		rows = append(rows, []string{
			Cut(p.c.Name(d), widest), p.c.State(d.Grade.State), Cut(p.c.What(&d.Identity), widest), cmp.Or(Address(d), "-"),
			p.c.Size(locale.Octets(d.Traffic.OctetsOut)), p.c.Size(locale.Octets(d.Traffic.OctetsIn)),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i >= 4 { // numbers stand at the right
				b.WriteString(pad + cell + "  ")
			} else {
				b.WriteString(cell + pad + "  ")
			}
		}
		p.line(strings.TrimRight(b.String(), " "))
	}
}

func (p printer) device(d *inspect.Device, findings Findings) {
	where := slices.DeleteFunc([]string{d.MAC, Address(d)}, func(s string) bool { return s == "" })
	p.line(p.c.Name(d) + " (" + strings.Join(where, ", ") + ")")
	p.story(p.c.Because(d, findings))
	p.findings(findings.Of(d))
	p.story(p.c.Identity(&d.Identity))
	if reasons := p.c.Reasons(&d.Identity, shownReasons, widest); len(reasons) > 0 {
		p.story(p.c.Text("inspect.because", "reasons", reasons))
	}
	if d.Randomised {
		p.story(p.c.Text("inspect.randomised", "n", len(d.MACs)))
	}
	if d.MUDURL != nil {
		p.story(p.c.Text("inspect.mud", "url", d.MUDURL.URL))
	}
	quiet := d.Others == nil
	for _, scope := range [...]string{"internet", "lan", "gateway"} {
		var list []string
		more := 0
		for i := range d.Peers {
			switch peer := &d.Peers[i]; {
			case peer.Scope != scope:
			case len(list) == shownPeers:
				more++
			default:
				list = append(list, p.peer(peer))
			}
		}
		if more > 0 {
			list = append(list, p.c.Text("inspect.more", "n", more))
		}
		if len(list) > 0 {
			quiet = false
			p.story(p.c.Text("inspect.peers."+scope, "list", strings.Join(list, "; ")))
		}
	}
	if nearby := p.nearby(d); len(nearby) > 0 {
		quiet = false
		p.story(p.c.Text("inspect.peers.multicast", "list", strings.Join(nearby, ", ")))
	}
	if d.Others != nil {
		p.story(p.c.Text("inspect.others", "n", d.Others.Flows))
	}
	switch {
	case d.Carries:
		p.story(p.c.Text("inspect.carried"))
	case quiet && d.Traffic.PacketsOut > 0:
		p.story(p.c.Text("inspect.hidden"))
	case quiet:
		p.story(p.c.Text("inspect.quiet"))
	}
}

// nearby is what a device says to all around it, in words.
func (p printer) nearby(d *inspect.Device) []string {
	var list []string
	for i := range d.Peers {
		if d.Peers[i].Scope == "multicast" {
			list = append(list, p.c.Services(d.Peers[i].Services)...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (p printer) peer(q *inspect.Peer) string {
	name := p.c.Peer(q)
	words := p.c.Services(q.Services)
	if n := len(words) - 4; n > 0 {
		words = append(words[:4], "+"+p.c.Number(int64(n)))
	}
	about := strings.Join(words, ", ")
	if len(q.Countries) > 0 {
		about = strings.TrimPrefix(about+" · "+countriesOf(p.c, q), " · ")
	}
	if about != "" {
		name += " (" + about + ")"
	}
	return name + " " + p.c.Size(locale.Octets(q.Octets))
}

// findings are what was found of a device, the worst first, in words.
func (p printer) findings(list []*inspect.Finding) {
	var before []string
	for _, f := range list[:min(len(list), shownFindings)] {
		text := p.c.Finding(f)
		p.fold("  ", "* "+text.Title)
		p.fold("    ", text.Seen)
		if len(text.Do) > 0 && slices.Equal(text.Do, before) {
			p.fold("    ", p.c.Text("inspect.same"))
			continue
		}
		before = text.Do
		for i, do := range text.Do {
			p.fold("    ", p.c.Number(int64(i+1))+". "+do)
		}
	}
	if n := len(list) - shownFindings; n > 0 {
		p.fold("  ", "* "+p.c.Text("inspect.more", "n", n))
	}
}
