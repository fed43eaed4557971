package household

import (
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
)

// senses is what a home sees and hears, for who is there as a guest.
type senses struct {
	Home    string
	Groups  []sensing
	Unknown string // devices of which nobody knows what they are
	Note    string // what countries tell
}

// sensing is the devices that have one sense.
type sensing struct {
	Title, Means string
	Devices      []*sensor
	Countries    string // of the addresses that they talked to lately
}

type sensor struct{ Name, Room, Source string }

// can is what devices of a category can sense, as such devices do. A label that says more counts more.
var can = map[string][]string{
	"camera": {"sees", "hears"}, "doorbell": {"sees", "hears"}, "speaker": {"hears"}, "tv": {"hears"}, "toy": {"hears"}, "vacuum": {"sees", "moves"},
	"sensor": {"moves"}, "thermostat": {"moves"}, "alarm": {"moves"}, "lock": {"moves"}, "wearable": {"body"}, "health": {"body"}, "scale": {"body"},
	"phone": nil, "tablet": nil, "computer": nil,
}

// sensed are the senses, by what a label calls sensors.
var sensed = map[string]string{
	"video": "sees", "images": "sees", "audio": "hears", "motion": "moves", "presence": "moves", "position": "moves", "radio": "moves", "physiological": "body",
}

// sensesInOrder are all, in the order in which people care.
var sensesInOrder = []string{"sees", "hears", "moves", "body"}

// guest is for everybody where the household opened it, else for those who are known.
func (p *Pages) guest(r *page.Request) (*page.View, error) {
	s, err := p.History.Settings(r.Context())
	if err != nil {
		return nil, err
	}
	switch {
	case s.GuestPage, p.may(r.Viewer, visit):
	case r.Viewer == (page.Viewer{}):
		return page.See("/sign-in?" + url.Values{"to": {"/guest"}}.Encode()), nil
	default:
		return nil, fs.ErrPermission
	}
	w := r.Words
	x := &senses{Home: s.Name}
	groups := map[string][]*sensor{}
	reaches, err := p.lately(r, "")
	if err != nil {
		return nil, err
	}
	senseOf := map[string][]string{} // by the ID of a device
	unknown := 0
	for _, d := range p.Household.Devices() {
		id := d.Is()
		l, err := p.labelOf(r, d)
		if err != nil {
			return nil, err
		}
		list, source := can[id.Category], "usual"
		if l != nil && l.Statement.Sensors != 0 {
			list, source = labelSenses(l.Statement), "label"
		}
		if id.Kind == device.Unknown || id.Kind == "" {
			unknown++
		}
		name := d.Name
		if name == "" { // what it calls itself may say more of somebody than a guest should know
			name = locale.Capital(w.Text("category." + orUnknown(id.Category)))
		}
		senseOf[d.ID] = list
		for _, sense := range list {
			groups[sense] = append(groups[sense], &sensor{name, d.Room, w.Text("household.guest.source." + source)})
		}
	}
	for _, sense := range sensesInOrder {
		if len(groups[sense]) == 0 {
			continue
		}
		slices.SortFunc(groups[sense], func(a, b *sensor) int { return strings.Compare(a.Room+"\x00"+a.Name, b.Room+"\x00"+b.Name) })
		g := sensing{Title: w.Text("household.guest." + sense), Means: w.Text("household.guest." + sense + ".means"), Devices: groups[sense]}
		theirs := slices.DeleteFunc(slices.Clone(reaches), func(r home.Reach) bool { return !slices.Contains(senseOf[r.Device], sense) })
		if where := p.named(w, theirs); where != "" {
			g.Countries = w.Text("household.guest.countries", "list", where)
			x.Note = p.countriesNote(w, true, "home")
		}
		x.Groups = append(x.Groups, g)
	}
	if unknown > 0 {
		x.Unknown = w.Text("household.guest.unknown", "n", unknown)
	}
	return &page.View{Template: "guest.html", Title: w.Text("household.guest"), Data: x}, nil
}

func orUnknown(category string) string {
	if category == "" {
		return "unknown"
	}
	return category
}

func labelSenses(s *label.Statement) (list []string) {
	for _, word := range s.Sensors.Words() {
		if sense := sensed[word]; sense != "" && !slices.Contains(list, sense) {
			list = append(list, sense)
		}
	}
	return list
}
