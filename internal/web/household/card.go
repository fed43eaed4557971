package household

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// card is one device as it is shown among others.
type card struct {
	ID    string
	Name  string
	What  string
	State grade.State // its place on the load line
	Word  string
	Now   string // what is being done about it
	Worst string // title of its worst finding; "" is none
}

// most of what is read at a time.
const (
	mostFindings = 2000
	mostTraffic  = 20_000
)

// place is where a device stands on the load line, by what was found and by how much was seen of it.
func place(d *home.Device, findings []*home.Noted, traffic []home.Traffic) grade.Grade {
	var signs []grade.Sign
	for _, f := range findings {
		if f.State == home.Open {
			signs = append(signs, grade.Sign{ID: f.ID(), Role: f.Role, Severity: f.Severity, Confidence: f.Confidence})
		}
	}
	e := grade.Evidence{Identified: d.Kind() != device.Unknown, Watched: d.Last.Sub(d.First), Whole: true}
	var all, read uint64
	for i := range traffic {
		t := &traffic[i]
		e.Packets += t.Out / leastPacket
		all += t.Out + t.In
		if strings.Contains(t.Service, " ") { // "tcp/443 tls": the protocol was recognised
			read += t.Out + t.In
		}
	}
	if all > 0 {
		e.Understood = float64(read) / float64(all)
	}
	return grade.Of(signs, e)
}

// leastPacket is how many octets a packet has that says something: what is kept of traffic counts octets alone.
const leastPacket = 100

func newCard(words *locale.Catalogue, d *home.Device, g grade.Grade, findings []*home.Noted) card {
	c := card{
		ID: d.ID, Name: d.Title(), What: what(words, d), State: g.State, Word: locale.Capital(words.Text("grade." + g.State.String())),
		Now: words.Text("household.state." + string(d.State)),
	}
	if list := deciding(g, findings); len(list) > 0 {
		c.Worst = guide.Explain(words, &list[0].Finding, d.Title()).Title
	}
	return c
}

// what says what a device is, in a few words.
func what(words *locale.Catalogue, d *home.Device) string {
	maker, model, category, kind := d.Identity.Maker, d.Identity.Model, d.Identity.Category, d.Kind()
	if c := d.Corrected; c != nil {
		maker, model, category = cmp.Or(c.Maker, maker), cmp.Or(c.Model, model), cmp.Or(c.Category, category)
	}
	key := "category." + category
	switch {
	case category != "":
	case kind != device.Unknown && kind != "":
		key = "kind." + string(kind)
	default:
		key = "category.unknown"
	}
	text := locale.Capital(words.Text(key))
	if product := strings.TrimSpace(maker + " " + strings.TrimSpace(strings.TrimPrefix(model, maker))); product != "" {
		text += ", " + product
	}
	return text
}

// deciding are the findings that put a device where it stands, the worst first.
func deciding(g grade.Grade, findings []*home.Noted) []*home.Noted {
	list := slices.DeleteFunc(slices.Clone(findings), func(f *home.Noted) bool { return !slices.Contains(g.Because, f.ID()) })
	slices.SortStableFunc(list, func(a, b *home.Noted) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Last, a.Last))
	})
	return list
}

// everything is what is known of all devices at one time.
type everything struct {
	devices  []*home.Device
	findings map[string][]*home.Noted
	traffic  map[string][]home.Traffic
	grades   map[string]grade.Grade
}

// look reads it.
func (p *Pages) look(ctx context.Context) (*everything, error) {
	e := &everything{devices: p.Household.Devices(), findings: map[string][]*home.Noted{}, traffic: map[string][]home.Traffic{}, grades: map[string]grade.Grade{}}
	findings, err := p.History.Findings(ctx, "", mostFindings)
	if err != nil {
		return nil, err
	}
	for i := range findings {
		f := &findings[i]
		e.findings[f.Device] = append(e.findings[f.Device], f)
	}
	now := p.Now()
	traffic, err := p.History.Traffic(ctx, "", 24*time.Hour, now.AddDate(0, 0, -7), now, mostTraffic)
	if err != nil {
		return nil, err
	}
	for _, t := range traffic {
		e.traffic[t.Device] = append(e.traffic[t.Device], t)
	}
	for _, d := range e.devices {
		e.grades[d.ID] = place(d, e.findings[d.ID], e.traffic[d.ID])
	}
	return e, nil
}

// open are the findings of a device that somebody should look at: it does them, and nobody said that they are normal.
func open(list []*home.Noted) []*home.Noted {
	return slices.DeleteFunc(slices.Clone(list), func(f *home.Noted) bool { return f.State != home.Open || f.Role != finding.Actor })
}
