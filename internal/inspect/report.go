package inspect

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/locale"
)

// Bounds on what the report for people shows; --json has all of it.
const (
	shownPeers   = 6
	shownReasons = 3
	widest       = 34  // characters of a column
	lineWidth    = 100 // characters of a line
)

// Report writes what was found for people: a line for each device, then what each one does.
func Report(w io.Writer, r *Result, c *locale.Catalogue) error {
	p := printer{bufio.NewWriter(w), c}
	p.summary(r)
	if len(r.Devices) > 0 {
		p.line("")
		p.table(r.Devices)
		for i := range r.Devices {
			p.line("")
			p.device(&r.Devices[i])
		}
	}
	p.warnings(r)
	return p.w.Flush()
}

// Table writes a line for each device and nothing else.
func Table(w io.Writer, r *Result, c *locale.Catalogue) error {
	p := printer{bufio.NewWriter(w), c}
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
	c *locale.Catalogue
}

func (p printer) line(s string) {
	p.w.WriteString(s)
	p.w.WriteByte('\n')
}

// story is a line of a device's story, folded where it is long.
func (p printer) story(s string) {
	const indent, hang = "  ", "    "
	width := 0
	for i, word := range strings.Split(s, " ") { // not at no-break spaces
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			p.w.WriteString(indent)
			width = len(indent)
		case width+1+n > lineWidth:
			p.w.WriteString("\n" + hang)
			width = len(hang)
		default:
			p.w.WriteByte(' ')
			width++
		}
		p.w.WriteString(word)
		width += n
	}
	p.w.WriteByte('\n')
}

func (p printer) summary(r *Result) {
	if r.Capture.Packets == 0 {
		p.line(p.c.Text("inspect.empty"))
		return
	}
	named := 0
	for i := range r.Devices {
		if r.Devices[i].Identity.Category != "" {
			named++
		}
	}
	first, last := parse(r.Capture.First), parse(r.Capture.Last)
	p.line(p.c.Text("inspect.summary.devices", "n", len(r.Devices)) + " " + p.c.Text("inspect.summary.named", "n", named))
	p.line(p.c.Text("inspect.summary.capture", "n", r.Capture.Packets, "size", locale.Octets(r.Capture.Octets),
		"when", first, "long", last.Sub(first)))
}

func (p printer) warnings(r *Result) {
	if len(r.Capture.Warnings) == 0 {
		return
	}
	p.line("")
	for _, w := range r.Capture.Warnings {
		p.line(p.c.Text("inspect.warning", "text", w))
	}
}

func (p printer) table(devices []Device) {
	rows := [][]string{{
		p.c.Text("inspect.column.device"), p.c.Text("inspect.column.what"), p.c.Text("inspect.column.address"),
		p.c.Text("inspect.column.sent"), p.c.Text("inspect.column.received"),
	}}
	for i := range devices {
		d := &devices[i]
		rows = append(rows, []string{
			cut(Name(d, p.c)), cut(p.what(d)), address(d),
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
			if i >= 3 { // numbers stand at the right
				b.WriteString(pad + cell + "  ")
			} else {
				b.WriteString(cell + pad + "  ")
			}
		}
		p.line(strings.TrimRight(b.String(), " "))
	}
}

// Name is what a person would call a device.
func Name(d *Device, c *locale.Catalogue) string {
	id := &d.Identity
	switch {
	case len(d.Hostnames) > 0 && !device.Generic(d.Hostnames[0]):
		return d.Hostnames[0]
	case id.Model != "":
		return strings.TrimSpace(id.Maker + " " + id.Model)
	case id.Category != "" && id.Maker != "":
		return id.Maker + " " + c.Text("category."+id.Category)
	case d.MAC != "":
		return d.MAC
	}
	return d.ID
}

// what says what a device is, in a few words.
func (p printer) what(d *Device) string {
	id := &d.Identity
	key := "category." + id.Category
	switch {
	case id.Category != "":
	case id.Kind != device.Unknown:
		key = "kind." + string(id.Kind)
	default:
		key = "category.unknown"
	}
	words := p.c.Text(key)
	if product := strings.TrimSpace(id.Maker + " " + strings.TrimSpace(strings.TrimPrefix(id.Model, id.Maker))); product != "" {
		words += ", " + product
	}
	return words
}

func address(d *Device) string {
	for _, a := range d.Addresses {
		if strings.Contains(a, ".") {
			return a
		}
	}
	if len(d.Addresses) > 0 {
		return d.Addresses[0]
	}
	return "-"
}

func (p printer) device(d *Device) {
	id := &d.Identity
	head := Name(d, p.c) + " (" + strings.Join(slices.DeleteFunc([]string{d.MAC, address(d)}, func(s string) bool { return s == "" || s == "-" }), ", ") + ")"
	p.line(head)
	if id.Category == "" && id.Kind == device.Unknown {
		if id.Maker != "" {
			p.story(p.c.Text("inspect.maker.only", "maker", id.Maker))
		} else {
			p.story(p.c.Text("inspect.unknown"))
		}
	} else {
		p.story(p.c.Text("inspect.is", "what", capital(p.what(d)), "sure", p.sure(id.Confidence), "percent", locale.Fraction(id.Confidence)))
	}
	var reasons []string
	for _, b := range id.Because {
		if len(reasons) == shownReasons {
			break
		}
		if s := p.reason(&b); !slices.Contains(reasons, s) {
			reasons = append(reasons, s)
		}
	}
	if len(reasons) > 0 && id.Kind != device.Unknown {
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
	case d.carried:
		p.story(p.c.Text("inspect.carried"))
	case quiet && d.Traffic.PacketsOut > 0:
		p.story(p.c.Text("inspect.hidden"))
	case quiet:
		p.story(p.c.Text("inspect.quiet"))
	}
}

// nearby is what a device says to all around it, in words.
func (p printer) nearby(d *Device) []string {
	var list []string
	for i := range d.Peers {
		if d.Peers[i].Scope == "multicast" {
			list = append(list, p.services(d.Peers[i].Services)...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// housekeeping is what every device does to find its way: nothing to tell a person.
var housekeeping = [...]string{"icmp", "igmp", "arp", "ndp", "mld", "eapol"}

// services are services, in words where there are any.
func (p printer) services(services []string) []string {
	var list []string
	for _, s := range services {
		transport, protocol, known := strings.Cut(s, " ")
		if slices.Contains(housekeeping[:], transport) || slices.Contains(housekeeping[:], protocol) {
			continue
		}
		word := transport
		if known {
			key := "service." + protocol
			if word = p.c.Text(key); word == key {
				word = s
			}
		}
		if !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	return list
}

func (p printer) sure(confidence float64) string {
	switch {
	case confidence >= 0.9:
		return p.c.Text("inspect.sure.very")
	case confidence >= 0.7:
		return p.c.Text("inspect.sure.quite")
	}
	return p.c.Text("inspect.sure.perhaps")
}

func (p printer) reason(b *device.Reason) string {
	key := "reason." + b.Fact
	value := strings.TrimSuffix(cut(b.Value), ".") // the sentence has its own
	if s := p.c.Text(key, "value", value); s != key {
		return s
	}
	return p.c.Text("reason.other", "fact", b.Fact, "value", value)
}

func (p printer) peer(q *Peer) string {
	name := q.Name
	if name == "" {
		name = strings.Join(q.Addresses[:min(2, len(q.Addresses))], ", ")
		if n := len(q.Addresses) - 2; n > 0 {
			name += " +" + p.c.Number(int64(n))
		}
	}
	words := p.services(q.Services)
	if n := len(words) - 4; n > 0 {
		words = append(words[:4], "+"+p.c.Number(int64(n)))
	}
	if len(words) > 0 {
		name += " (" + strings.Join(words, ", ") + ")"
	}
	return name + " " + p.c.Size(locale.Octets(q.Octets))
}

// capital is s with a capital in front, as a sentence begins.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// cut shortens what came from the wire to what a line can hold.
func cut(s string) string {
	if utf8.RuneCountInString(s) <= widest {
		return s
	}
	r := []rune(s)
	return string(r[:widest-1]) + "…"
}

func parse(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s) // our own writing
	return t
}
