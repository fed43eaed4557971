package household

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/web/page"
)

// calendar is until when smart devices get updates, the first to end at the top.
type calendar struct {
	Rows    []*ending
	Unknown []mention // of which nobody says until when
}

// ending is a device whose updates end on a day.
type ending struct {
	mention
	Warn  bool
	until time.Time
}

func (p *Pages) calendar(r *page.Request) (*page.View, error) {
	x, now := &calendar{}, p.Now()
	for _, d := range p.Household.Devices() {
		until, own, ok, err := p.lasts(r, d)
		if err != nil {
			return nil, err
		}
		m := mention{d.ID, d.Title(), d.Room}
		switch {
		case ok:
			s := newSupport(r, until, now)
			if m.Text = s.Text; own {
				m.Text += " " + r.Words.Text("household.support.own")
			}
			x.Rows = append(x.Rows, &ending{m, s.Warn, until})
		case d.Kind() == device.IoT:
			x.Unknown = append(x.Unknown, m)
		}
	}
	slices.SortFunc(x.Rows, func(a, b *ending) int { return cmp.Or(a.until.Compare(b.until), strings.Compare(a.Name, b.Name)) })
	return &page.View{Template: "calendar.html", Title: r.Words.Text("household.support"), Data: x}, nil
}
