package household

import (
	"cmp"
	"net/netip"
	"slices"

	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
	"plimsoll.example/plimsoll/internal/web/page"
)

// Bounds on what is read and shown of countries.
const (
	mostAbroad = 40 // rows
	mostNamed  = 3  // devices in a row
)

// abroad is one country, and the devices that talked to addresses registered there.
type abroad struct {
	Country string
	Devices []mention
	More    string // of them
	N       string
	n       int
	code    string
}

// lately are the reaches of a device (all devices, for "") in the days that are shown.
func (p *Pages) lately(r *page.Request, device string) ([]home.Reach, error) {
	return p.History.Reaches(r.Context(), device, p.ago(), home.MaxReaches)
}

// locate gives the peers of a device the countries of their addresses. Those of a name are as it was reached.
func (p *Pages) locate(peers []inspect.Peer, reaches []home.Reach) {
	of := home.CountriesOf(reaches)
	for i := range peers {
		q := &peers[i]
		if q.Scope != "internet" {
			continue
		}
		if q.Name == "" && len(q.Addresses) == 1 {
			if a, err := netip.ParseAddr(q.Addresses[0]); err == nil {
				if c := p.Countries.Lookup(a); c != "" {
					q.Countries = []string{c}
				}
			}
			continue
		}
		q.Countries = of[q.Name]
	}
}

// countries are those of some reaches, the one with the most devices first.
func (p *Pages) countries(w *locale.Catalogue, reaches []home.Reach) (list []*abroad) {
	of := map[string]map[string]bool{}
	for i := range reaches {
		r := &reaches[i]
		if of[r.Country] == nil {
			of[r.Country] = map[string]bool{}
		}
		of[r.Country][r.Device] = true
	}
	devices := p.Household.Devices()
	slices.SortFunc(devices, func(a, b *home.Device) int { return cmp.Or(cmp.Compare(a.Title(), b.Title()), cmp.Compare(a.ID, b.ID)) })
	for code, ids := range of {
		x := &abroad{Country: report.Country(w, code), code: code}
		for _, d := range devices {
			if !ids[d.ID] {
				continue
			}
			if x.n++; x.n <= mostNamed {
				x.Devices = append(x.Devices, mention{ID: d.ID, Name: d.Title()})
			}
		}
		if x.n == 0 {
			continue
		}
		if x.n > mostNamed {
			x.More = w.Text("household.countries.more", "n", x.n-mostNamed)
		}
		x.N = w.Number(int64(x.n))
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *abroad) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.code, b.code)) })
	return list[:min(len(list), mostAbroad)]
}

// named are the countries of some reaches in words, the one that most devices reach first: "" if there are none.
func (p *Pages) named(w *locale.Catalogue, reaches []home.Reach) string {
	list := p.countries(w, reaches)
	var names []string
	for i := range list {
		names = append(names, list[i].Country)
	}
	if n := len(names) - mostListed; n > 0 {
		names = append(names[:mostListed], w.Text("household.countries.others", "n", n))
	}
	return w.List(names)
}

// mostListed are as many countries as a sentence names.
const mostListed = 8

// countriesNote says what countries tell, or why there are none of one device, or of the home.
func (p *Pages) countriesNote(w *locale.Catalogue, known bool, of string) string {
	switch {
	case known:
		return report.CountriesNote(w, p.Countries.AsOf)
	case p.Countries == (country.Table{}):
		return w.Text("household.countries.absent")
	}
	return w.Text("household.countries.none." + of)
}
