package report

import (
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
)

// Country is the name of a country, by its code (ISO 3166-1 alpha-2).
func Country(w *locale.Catalogue, code string) string {
	return w.Text("country." + strings.ToLower(code))
}

// Countries are the names of countries, by their codes.
func Countries(w *locale.Catalogue, codes []string) (names []string) {
	for _, c := range codes {
		names = append(names, Country(w, c))
	}
	return names
}

// CountriesNote says in plain words what a country of an address tells, what it does not, and where it is from; asOf is
// the day of that, zero where there is none to tell.
func CountriesNote(w *locale.Catalogue, asOf time.Time) string {
	note := w.Text("country.note")
	if !asOf.IsZero() {
		note += " " + w.Text("country.source", "name", country.Source, "licence", country.Licence, "day", w.Date(asOf))
	}
	return note
}

// CountriesOf says that of a result: "" where no country of any peer is known.
func CountriesOf(w *locale.Catalogue, r *inspect.Result) string {
	if r.Countries == nil {
		return ""
	}
	for i := range r.Devices {
		for j := range r.Devices[i].Peers {
			if len(r.Devices[i].Peers[j].Countries) > 0 {
				asOf, _ := time.Parse(time.DateOnly, r.Countries.AsOf) // zero for what is none
				return CountriesNote(w, asOf)
			}
		}
	}
	return ""
}

// mostCountries bounds those that are named of a peer.
const mostCountries = 4

// countriesOf are the names of the countries that the addresses of a peer are registered in.
func countriesOf(w Words, p *inspect.Peer) string {
	names := Countries(w.Catalogue, p.Countries[:min(len(p.Countries), mostCountries)])
	if n := len(p.Countries) - len(names); n > 0 {
		names = append(names, "+"+w.Number(int64(n)))
	}
	return strings.Join(names, ", ")
}

// registered says where the addresses of a peer are registered, or that it is not known: "" for one at home.
func registered(w Words, p *inspect.Peer) string {
	switch {
	case p.Scope != "internet":
		return ""
	case len(p.Countries) == 0:
		return w.Text("country.unknown")
	}
	return w.Text("country.in", "list", countriesOf(w, p))
}
