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
	"plimsoll.example/plimsoll/internal/report"
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

// shownDays of traffic are shown.
const shownDays = 7

// place is where a device stands on the load line, by what was found and by how much it said lately.
func place(d *home.Device, findings []*home.Noted, said home.Amount) grade.Grade {
	var signs []grade.Sign
	for _, f := range findings {
		if f.State == home.Open {
			if s, counts := weighed(d, f, findings); counts {
				signs = append(signs, s)
			}
		}
	}
	e := grade.Evidence{Identified: d.Kind() != device.Unknown && d.Kind() != "", Watched: d.Last.Sub(d.First), Packets: said.Out / leastPacket, Whole: true}
	if all := said.Out + said.In; all > 0 {
		e.Understood = float64(said.Read) / float64(all)
	}
	return grade.Of(signs, e)
}

// leastPacket is how many octets a packet has that says something: what is kept of traffic counts octets alone.
const leastPacket = 100

func newCard(words *locale.Catalogue, d *home.Device, g grade.Grade, findings []*home.Noted) card {
	id := d.Is()
	c := card{
		ID: d.ID, Name: d.Title(), What: locale.Capital(report.Words{Catalogue: words}.What(&id)), State: g.State,
		Word: locale.Capital(words.Text("grade." + g.State.String())), Now: words.Text("household.state."+d.Stance.Now(), "until", d.Stance.Until.Local()),
	}
	if d.Retest.Going() {
		c.Now += " · " + words.Text("household.state.watched", "until", d.Retest.Until.Local())
	}
	if list := deciding(g, findings); len(list) > 0 {
		c.Worst = guide.Title(words, string(list[0].Kind))
	}
	return c
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
	findings map[string][]*home.Noted // that are open, and of which the device is the actor
	said     map[string]home.Amount   // in the last days
	grades   map[string]grade.Grade
}

// look reads it.
func (p *Pages) look(ctx context.Context) (*everything, error) {
	e := &everything{devices: p.Household.Devices(), findings: map[string][]*home.Noted{}, said: map[string]home.Amount{}, grades: map[string]grade.Grade{}}
	findings, err := p.History.OpenFindings(ctx, mostFindings)
	if err != nil {
		return nil, err
	}
	for i := range findings {
		if f := &findings[i]; f.Role == finding.Actor {
			e.findings[f.Device] = append(e.findings[f.Device], f)
		}
	}
	now := p.Now()
	amounts, err := p.History.Amounts(ctx, now.AddDate(0, 0, -shownDays), now)
	if err != nil {
		return nil, err
	}
	for _, a := range amounts {
		e.said[a.Device] = a
	}
	for _, d := range e.devices {
		e.grades[d.ID] = place(d, e.findings[d.ID], e.said[d.ID])
	}
	return e, nil
}

// open are the findings of a device that somebody should look at: it does them, and nobody said that they are normal. The
// worst are first, in an order that stays while they go on.
func open(list []*home.Noted) []*home.Noted {
	list = slices.DeleteFunc(slices.Clone(list), func(f *home.Noted) bool { return f.State != home.Open || f.Role != finding.Actor })
	slices.SortStableFunc(list, func(a, b *home.Noted) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.First, b.First), strings.Compare(a.ID(), b.ID()))
	})
	return list
}

// amount adds up what was said in traffic.
func amount(traffic []home.Traffic) (a home.Amount) {
	for i := range traffic {
		t := &traffic[i]
		a.Out, a.In, a.Flows = a.Out+t.Out, a.In+t.In, a.Flows+t.Flows
		if t.Recognised() {
			a.Read += t.Out + t.In
		}
	}
	return a
}

// ago is the beginning of the days that are shown.
func (p *Pages) ago() time.Time { return p.Now().AddDate(0, 0, -shownDays) }
