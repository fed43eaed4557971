package household

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/internal/web/page"
)

// plan is one sheet of paper for the day on which something is wrong: what to do, whom to call, what is here.
type plan struct {
	Home     string
	Where    string // the address of these pages
	Steps    []string
	Contacts []contact
	Calls    []string
	Rooms    []*planRoom
}

type planRoom struct {
	Name    string
	Devices []mention
}

// planSteps is how many steps the texts have.
const planSteps = 5

func (p *Pages) plan(r *page.Request) (*page.View, error) {
	s, err := p.History.Settings(r.Context())
	if err != nil {
		return nil, err
	}
	w := r.Words
	x := &plan{Home: s.Name, Where: p.site.Origin(r.Request), Contacts: contacts(s), Calls: guide.Call(w, "maker", "provider", "centre", "police", "advice")}
	for i := range planSteps {
		x.Steps = append(x.Steps, w.Text("household.plan."+strconv.Itoa(i+1)))
	}
	rooms := map[string][]mention{}
	var makers []string
	for _, d := range p.Household.Devices() {
		id := d.Is()
		l, err := p.labelOf(r, d)
		if err != nil {
			return nil, err
		}
		if own := makerOf(w, l); own != "" && !slices.Contains(makers, own) {
			makers = append(makers, own)
		}
		rooms[d.Room] = append(rooms[d.Room], mention{d.ID, d.Title(), locale.Capital(report.Words{Catalogue: w}.What(&id))})
	}
	for name, list := range rooms {
		slices.SortFunc(list, func(a, b mention) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
		x.Rooms = append(x.Rooms, &planRoom{cmp.Or(name, w.Text("household.room.none")), list})
	}
	slices.Sort(makers)
	x.Calls = slices.Insert(x.Calls, 1, makers[:min(len(makers), mostMentions)]...) // below what is said of makers
	slices.SortFunc(x.Rooms, func(a, b *planRoom) int { return strings.Compare(a.Name, b.Name) })
	return &page.View{Template: "plan.html", Title: w.Text("household.plan"), Data: x}, nil
}
