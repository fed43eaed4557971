package household

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/web/page"
)

// outage is what smart devices do while there is no Internet: as people saw it, or else as labels say.
type outage struct {
	Sum    string
	Groups []outageGroup
}

type outageGroup struct {
	Title   string
	Devices []mention
}

// offline is what a device does without Internet, and whether a label alone says so; "" is that nobody knows.
func (p *Pages) offline(r *page.Request, d *home.Device) (does home.Offline, promised bool, err error) {
	if does = d.Noted().Offline; does != "" {
		return does, false, nil
	}
	l, err := p.labelOf(r, d)
	if err != nil || l == nil {
		return "", false, err
	}
	if l.Statement.Practices.Has("works-offline") { // that it does not say so means nothing
		return home.WorksOffline, true, nil
	}
	return "", false, nil
}

func (p *Pages) newOutage(r *page.Request) (*outage, error) {
	groups := map[home.Offline][]mention{}
	for _, d := range p.Household.Devices() {
		if d.Kind() != device.IoT {
			continue
		}
		does, promised, err := p.offline(r, d)
		if err != nil {
			return nil, err
		}
		m := mention{ID: d.ID, Name: d.Title()}
		if promised {
			m.Text = r.Words.Text("household.outage.promised")
		}
		groups[does] = append(groups[does], m)
	}
	x := &outage{Sum: r.Words.Text("household.outage.none")}
	if n := len(groups[home.StopsOffline]); n > 0 {
		x.Sum = r.Words.Text("household.outage.sum", "n", n)
	}
	for _, g := range []struct {
		does home.Offline
		key  string
	}{{home.StopsOffline, "stops"}, {home.WorksOffline, "works"}, {"", "untried"}} {
		if list := groups[g.does]; len(list) > 0 {
			slices.SortFunc(list, func(a, b mention) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
			x.Groups = append(x.Groups, outageGroup{r.Words.Text("household.care.offline." + g.key), list})
		}
	}
	return x, nil
}

// tried is a device in a drill, and what it may have done.
type tried struct {
	mention
	Choices []option
}

func (p *Pages) drill(r *page.Request) (list []*tried) {
	for _, d := range p.Household.Devices() {
		if d.Kind() != device.IoT {
			continue
		}
		x := &tried{mention: mention{d.ID, d.Title(), d.Room}}
		for _, o := range []home.Offline{home.WorksOffline, home.StopsOffline} {
			x.Choices = append(x.Choices, option{string(o), r.Words.Text("household.care.offline." + string(o)), d.Noted().Offline == o})
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *tried) int {
		return strings.Compare(a.Text+"\x00"+strings.ToLower(a.Name), b.Text+"\x00"+strings.ToLower(b.Name))
	})
	return list
}
