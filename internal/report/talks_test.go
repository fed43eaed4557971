package report_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/report"
)

func TestPeersAreGroupedByWhatTheyAreFor(t *testing.T) {
	id := device.Identity{Maker: "TP-Link", Because: []device.Reason{{Fact: "dns.query", Value: "cloud.test", Weight: 2}}}
	for _, tt := range []struct {
		peer inspect.Peer
		want string
	}{
		{inspect.Peer{Name: "devs.tplinkcloud.com", Scope: "internet", Services: []string{"tcp/443 tls"}}, "maker"},
		{inspect.Peer{Name: "eu.cloud.test", Scope: "internet", Services: []string{"tcp/443 tls"}}, "maker"},
		{inspect.Peer{Name: "notcloud.test", Scope: "internet", Services: []string{"tcp/443 tls"}}, "internet"},
		{inspect.Peer{Name: "fw-download.example.com", Scope: "internet", Services: []string{"tcp/80 http"}}, "update"},
		{inspect.Peer{Name: "stats.g.doubleclick.net", Scope: "internet", Services: []string{"tcp/443 tls"}}, "tracker"},
		{inspect.Peer{Name: "Firmware-Updates.SamsungAds.com.", Scope: "internet", Services: []string{"tcp/443 tls"}}, "tracker"},
		{inspect.Peer{Name: "notdoubleclick.net", Scope: "internet", Services: []string{"tcp/443 tls"}}, "internet"},
		{inspect.Peer{Name: "net", Scope: "internet", Services: []string{"tcp/443 tls"}}, "internet"},
		{inspect.Peer{Name: "pool.ntp.org", Scope: "internet", Services: []string{"udp/123 ntp"}}, "clock"},
		{inspect.Peer{Scope: "internet", Services: []string{"udp/53 dns"}}, "names"},
		{inspect.Peer{Scope: "internet", Services: []string{"udp/53 dns", "tcp/443 tls"}}, "internet"},
		{inspect.Peer{Scope: "internet", Services: []string{"udp/123"}}, "clock"},
		{inspect.Peer{Scope: "internet", Services: []string{"tcp/53", "udp/53"}}, "names"},
		{inspect.Peer{Scope: "internet"}, "internet"},
		{inspect.Peer{Name: "nas", Scope: "lan", Services: []string{"udp/123 ntp"}}, "home"},
		{inspect.Peer{Scope: "gateway"}, "router"},
		{inspect.Peer{Scope: "multicast"}, "nearby"},
	} {
		if got := report.Purpose(&id, &tt.peer); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.peer, got, tt.want)
		}
	}
}

func TestCountriesOfPeersAreShownWithWhatTheyTell(t *testing.T) {
	w := report.Words{Catalogue: locale.New(locale.French)}
	peers := []inspect.Peer{
		{Name: "cloud.example", Scope: "internet", Addresses: []string{"192.0.2.1"}, Services: []string{"tcp/443 tls"}, Octets: 9, Countries: []string{"CA", "US"}},
		{Name: "far.example", Scope: "internet", Addresses: []string{"192.0.2.2"}, Octets: 8},
		{Name: "wide.example", Scope: "internet", Addresses: []string{"192.0.2.3"}, Octets: 7, Countries: []string{"AT", "BE", "CH", "DE", "FR", "GB"}},
		{Name: "nas", Scope: "lan", Addresses: []string{"192.168.1.2"}, Octets: 6},
	}
	talks := report.NewTalks(w, &device.Identity{}, peers, nil)
	got := map[string]string{}
	var groups []string
	for _, g := range talks.Groups {
		groups = append(groups, g.Purpose)
		for _, r := range g.Rows {
			got[r.Name] = r.About
		}
	}
	if want := []string{"But inconnu", "À la maison"}; !slices.Equal(groups, want) {
		t.Errorf("groups %q, want %q", groups, want)
	}
	want := map[string]string{
		"cloud.example": "chiffré · adresse enregistrée\u00a0: Canada, États-Unis", "far.example": "pays inconnu",
		"wide.example": "adresse enregistrée\u00a0: Autriche, Belgique, Suisse, Allemagne, +2", "nas": "",
	}
	if !talks.Known || !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if report.NewTalks(w, &device.Identity{}, peers[1:2], nil).Known {
		t.Error("a country is said to be known, and none is")
	}
	r := &inspect.Result{Countries: &inspect.Countries{AsOf: "2026-06-25"}, Devices: []inspect.Device{{Peers: peers}}}
	if note := report.CountriesOf(w.Catalogue, r); !strings.Contains(note, "IPFire Location") || !strings.Contains(note, "25 juin 2026") || !strings.Contains(note, "CC BY-SA 4.0") {
		t.Error(note)
	}
	r.Devices[0].Peers = peers[1:2]
	if note := report.CountriesOf(w.Catalogue, r); note != "" {
		t.Errorf("without any country: %s", note)
	}
}

// A home remembers peers by their names alone: nothing is looked for that need not be there.
func TestPeersWithoutAddressesAreDrawn(t *testing.T) {
	words := report.In(locale.New(locale.English), &inspect.Result{})
	peers := []inspect.Peer{
		{Name: "b.example", Scope: "internet", Octets: 7},
		{Name: "a.example", Scope: "internet", Octets: 7},
		{Scope: "multicast", Octets: 7},
		{Addresses: []string{"192.0.2.1"}, Scope: "internet", Octets: 7},
	}
	talks := report.NewTalks(words, &device.Identity{}, peers, nil)
	var names []string
	for _, l := range talks.Picture.Labels {
		names = append(names, l.Text)
	}
	if a, b := slices.Index(names, "a.example"), slices.Index(names, "b.example"); a < 0 || b < 0 {
		t.Errorf("drawn: %q", names)
	}
}
