package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/detect"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/norms"
)

// Bounds on what the page shows, so that it stays a page; --json has all of it.
const (
	mostDevices  = 200
	mostInBand   = 60
	mostFindings = 12 // of a device
	mostEvidence = 6  // of a finding
	mostPackets  = 10 // of a piece of evidence
	mostReasons  = 8  // in the technical part
	shownReasons = 3
	longest      = 120 // characters of a value from the wire
)

// edition is the page in one language. Its fields are what the template shows, in the order in which it does.
type edition struct {
	words    report.Words
	First    bool     // shown when the page is opened
	Sentence []string // by its clauses, none of which is to be broken
	Read     string
	Actions  []action
	Rest     string // where there are none
	Bands    []band
	Devices  []card
	More     string // devices that are not shown
	Note     string // on the countries of addresses
	Guide    []advice
	Glossary []guide.Term
	Annex    annex
}

// Lang is the language of the edition; Other is the other one.
func (e *edition) Lang() locale.Lang { return e.words.Lang() }

// Other is the language that the reader can change to.
func (e *edition) Other() locale.Lang {
	if e.Lang() == locale.French {
		return locale.English
	}
	return locale.French
}

// T is a message of the catalogue, for the template.
func (e *edition) T(key string, args ...any) string { return e.words.Text(key, args...) }

// action is one thing to do first.
type action struct {
	State   grade.State
	Word    string
	Devices string
	Do      string
	Title   string
	Anchor  string // of the device
}

// band is the devices of one state on the load line.
type band struct {
	State grade.State
	Word  string
	Count string
	Means string
	Marks []mark
	More  string
}

// mark is one device on the load line.
type mark struct{ Name, Anchor string }

// advice is what is good to know of a category of devices.
type advice struct {
	Category string
	Topics   []topic
}

type topic struct {
	Name  string
	Cells []cell
}

type cell struct{ Stage, Text, Source string }

// annex is the technical part for the whole capture.
type annex struct {
	Facts      []row
	Warnings   []string
	Norms      []row
	Thresholds []row
	Version    string
}

// row is a name and its values.
type row struct {
	Name   string
	Values []string
}

func newEdition(r *inspect.Result, w report.Words, o Options) *edition {
	e := &edition{words: w}
	findings := report.Index(r)
	e.Sentence = clauses(w.Sentence(r))
	if r.Capture.Packets > 0 {
		e.Read = w.Read(r)
	}
	devices := make([]*inspect.Device, len(r.Devices))
	for i := range r.Devices {
		devices[i] = &r.Devices[i]
	}
	// the most pressing first, else in the order of the inspection
	slices.SortStableFunc(devices, func(a, b *inspect.Device) int {
		return cmp.Compare(slices.Index(grade.States[:], a.Grade.State), slices.Index(grade.States[:], b.Grade.State))
	})
	anchors := make(map[*inspect.Device]string)
	for i, d := range devices[:min(len(devices), mostDevices)] {
		anchors[d] = string(e.Lang()) + "-" + strconv.Itoa(i+1)
	}
	e.Note = report.CountriesOf(w.Catalogue, r)
	actions := report.Actions(r)
	for i := range actions {
		a := &actions[i]
		e.Actions = append(e.Actions, action{
			State: a.State, Word: w.State(a.State), Devices: w.Names(a), Do: w.Do(a), Title: w.Finding(a.Finding).Title, Anchor: anchors[a.Devices[0]],
		})
	}
	if len(actions) == 0 && len(devices) > 0 {
		e.Rest = w.Rest(r)
	}
	for _, s := range [...]grade.State{grade.Fine, grade.Check, grade.Act, grade.Unknown} {
		e.Bands = append(e.Bands, newBand(w, s, devices, anchors))
	}
	for _, d := range devices[:min(len(devices), mostDevices)] {
		e.Devices = append(e.Devices, newCard(w, d, anchors[d], findings, r.Capture.Files, o.Held))
	}
	if n := len(devices) - mostDevices; n > 0 {
		e.More = w.Text("report.devices.more", "n", n)
	}
	for _, category := range device.Categories {
		if slices.ContainsFunc(devices, func(d *inspect.Device) bool { return d.Identity.Category == category }) {
			e.advise(category)
		}
	}
	e.Glossary = guide.Glossary(w.Catalogue)
	e.Annex = newAnnex(w, r, o)
	return e
}

// advise adds what the guide says of a category.
func (e *edition) advise(category string) {
	a := advice{Category: locale.Capital(e.words.Text("category." + category))}
	for _, c := range guide.Cells(e.words.Catalogue, category) {
		name := e.words.Text("guide.topic." + c.Topic)
		if n := len(a.Topics); n == 0 || a.Topics[n-1].Name != name {
			a.Topics = append(a.Topics, topic{Name: name})
		}
		t := &a.Topics[len(a.Topics)-1]
		t.Cells = append(t.Cells, cell{e.words.Text("guide.stage." + c.Stage), c.Text, c.Source})
	}
	if len(a.Topics) > 0 {
		e.Guide = append(e.Guide, a)
	}
}

func newBand(w report.Words, s grade.State, devices []*inspect.Device, anchors map[*inspect.Device]string) band {
	b := band{State: s, Word: locale.Capital(w.State(s)), Means: w.Text("report.means." + s.String())}
	n := 0
	for _, d := range devices {
		if d.Grade.State != s {
			continue
		}
		n++
		if anchor, ok := anchors[d]; ok && len(b.Marks) < mostInBand {
			b.Marks = append(b.Marks, mark{shorten(w.Name(d)), anchor})
		}
	}
	b.Count = w.Number(int64(n))
	if more := n - len(b.Marks); more > 0 {
		b.More = w.Text("inspect.more", "n", more)
	}
	return b
}

func newAnnex(w report.Words, r *inspect.Result, o Options) annex {
	c := &r.Capture
	a := annex{Version: o.Version}
	if o.Warnings != nil {
		a.Warnings = o.Warnings(w.Catalogue)
	} else {
		a.Warnings = c.Warnings
	}
	add := func(key string, values ...string) {
		if values = slices.DeleteFunc(values, func(s string) bool { return s == "" }); len(values) > 0 {
			a.Facts = append(a.Facts, row{w.Text("report.fact." + key), values})
		}
	}
	add("files", c.Files...)
	add("packets", w.Number(int64(c.Packets)))
	add("size", w.Size(locale.Octets(c.Octets)))
	add("first", when(w, c.First))
	add("last", when(w, c.Last))
	add("links", c.LinkTypes...)
	if c.Cut {
		add("cut", w.Text("report.yes"))
	}
	if c.Undecoded > 0 {
		add("undecoded", w.Number(int64(c.Undecoded)))
	}
	if n := c.Evicted.Flows; n > 0 {
		add("evicted.flows", w.Number(int64(n)))
	}
	if n := c.Evicted.Devices; n > 0 {
		add("evicted.devices", w.Number(int64(n)))
	}
	for _, t := range detect.Thresholds() {
		value := t.Default
		if set, ok := o.Thresholds[t.Name]; ok {
			value = set
		}
		a.Thresholds = append(a.Thresholds, row{t.Name, []string{strconv.FormatFloat(value, 'g', -1, 64) + " " + t.Unit}})
	}
	named := make(map[string][]string)
	for i := range r.Findings {
		for _, n := range r.Findings[i].Norms {
			if k := string(r.Findings[i].Kind); !slices.Contains(named[n], k) {
				named[n] = append(named[n], k)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(named)) {
		slices.Sort(named[id])
		a.Norms = append(a.Norms, row{id, append(normWords(w, o.Norms, id), strings.Join(named[id], ", "))})
	}
	return a
}

// normWords are the title of a norm, where it comes from, and whether its entry was checked against that.
func normWords(w report.Words, c *norms.Catalogue, id string) (list []string) {
	if c == nil {
		return nil
	}
	n, ok := c.Norm(id)
	if !ok {
		return nil
	}
	lang := string(w.Lang())
	list = append(list, n.Title.In(lang))
	if s, ok := c.Source(n.Source); ok {
		list = append(list, s.Title.In(lang)+", "+s.Edition+", "+n.SourceID)
	}
	if n.State != norms.Verified {
		list = append(list, w.Text("report.norms.unverified"))
	}
	return list
}

// clauses are the parts of a sentence that end in a comma or a stop.
func clauses(s string) (list []string) {
	from := 0
	for i := 1; i < len(s); i++ {
		if s[i] == ' ' && (s[i-1] == ',' || s[i-1] == '.') {
			list = append(list, s[from:i])
			from = i + 1
		}
	}
	return append(list, s[from:])
}

// when is an instant of the capture, in words, with its seconds and time zone.
func when(w report.Words, s string) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return ""
	}
	return w.Date(t.UTC()) + ", " + t.UTC().Format("15:04:05") + " UTC"
}

// shorten cuts what came from the wire.
func shorten(s string) string { return report.Cut(s, longest) }
