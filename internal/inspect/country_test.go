package inspect

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/lab"
)

func TestPeersHaveTheCountriesThatTheirAddressesAreRegisteredIn(t *testing.T) {
	trace, err := lab.Family().Play()
	if err != nil {
		t.Fatal(err)
	}
	ip := netip.MustParseAddr
	block, err := country.Pack(time.Date(2026, 6, 25, 0, 0, 0, 0, time.UTC), []country.Range{
		{First: ip("192.168.0.0"), Last: ip("192.168.255.255"), Country: "FR"}, // a list that claims addresses of the home
		{First: ip("203.0.113.0"), Last: ip("203.0.113.19"), Country: "CA"},
		{First: ip("203.0.113.20"), Last: ip("203.0.113.255"), Country: "US"},
	})
	if err != nil {
		t.Fatal(err)
	}
	table, err := country.Parse(block)
	if err != nil {
		t.Fatal(err)
	}
	r := judged(t, Config{Countries: table}, trace.Packets)
	if want := (Countries{"IPFire Location", "CC BY-SA 4.0", "2026-06-25"}); r.Countries == nil || *r.Countries != want {
		t.Errorf("%+v, want %+v", r.Countries, want)
	}
	seen := map[string]int{}
	for i := range r.Devices {
		for _, p := range r.Devices[i].Peers {
			var want []string
			for _, a := range p.Addresses {
				c := table.Lookup(ip(a))
				if p.Scope == "internet" && c != "" && !slices.Contains(want, c) {
					want = append(want, c)
				}
			}
			slices.Sort(want)
			if !slices.Equal(p.Countries, want) {
				t.Errorf("%s %s %v: %v, want %v", p.Scope, p.Name, p.Addresses, p.Countries, want)
			}
			for _, c := range p.Countries {
				seen[c]++
			}
		}
	}
	if seen["CA"] == 0 || seen["US"] == 0 || seen["FR"] != 0 {
		t.Errorf("countries of peers: %v", seen)
	}
	if r := judged(t, Config{}, trace.Packets); r.Countries != nil || slices.ContainsFunc(r.Devices, func(d Device) bool {
		return slices.ContainsFunc(d.Peers, func(p Peer) bool { return p.Countries != nil })
	}) {
		t.Error("countries without a list")
	}
}
