package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/inspect"
)

func TestCountriesAreReadFromAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "countries.bin")
	if _, err := openCountries(name); err == nil {
		t.Error("a file that is not there is read")
	}
	block, err := country.Pack(time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC), []country.Range{
		{First: netip.MustParseAddr("9.0.0.0"), Last: netip.MustParseAddr("9.255.255.255"), Country: "FR"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for content, good := range map[string]bool{block: true, block[:len(block)-1]: false, "": false} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := openCountries(name)
		var f *fault
		switch {
		case good && (err != nil || x.Lookup(netip.MustParseAddr("9.1.2.3")) != "FR" || x.AsOf.Year() != 2027):
			t.Errorf("%v, as of %s", err, x.AsOf)
		case !good && (!errors.As(err, &f) || !errors.Is(err, country.ErrBlock)):
			t.Errorf("of %d octets: %v", len(content), err)
		}
	}
}

// A gateway notes the countries of whom a device reached, and not of all that a scan tries.
func TestAGatewayNotesTheCountriesThatDevicesReach(t *testing.T) {
	g := &gateway{gatewayFlags: gatewayFlags{countries: country.Builtin()}}
	mac := frame.MAC{2, 0, 0, 0, 0, 1}
	g.names.Store(mac, "d1")
	addr := func(s string) frame.Addr { return frame.Addr(netip.MustParseAddr(s).As16()) }
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	talk := func(to string, answered uint64, names ...string) {
		f := &flow.Flow{Proto: 6, First: at.UnixNano(), Last: at.Add(time.Minute).UnixNano(), MAC: [2]frame.MAC{mac, {2, 0, 0, 0, 0, 9}}}
		f.Addr, f.Octets = [2]frame.Addr{addr("192.168.1.7"), addr(to)}, [2]uint64{100, answered}
		g.count(&inspect.FlowRecord{Flow: f, Names: names})
	}
	talk("137.194.2.1", 100, "www.example.fr")
	talk("132.204.8.1", 0, "quiet.example.ca")
	talk("129.132.19.216", 100)
	talk("2001:4860:4860::8888", 0) // tried, and nobody answered
	talk("192.168.1.2", 100, "nas")
	talk("198.51.100.1", 100, "nowhere.example")
	got := map[string]home.Reach{}
	for _, r := range g.reaches.Take() {
		got[r.Peer] = r
	}
	want := map[string]string{"www.example.fr": "FR", "quiet.example.ca": "CA", "129.132.19.216": "CH"}
	for peer, where := range want {
		if r := got[peer]; r != (home.Reach{Device: "d1", Peer: peer, Country: where, First: r.First, Last: r.Last}) || !r.First.Equal(at) || !r.Last.Equal(at.Add(time.Minute)) {
			t.Errorf("%s: %+v", peer, r)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	if len(g.reaches.Take()) != 0 {
		t.Error("what was taken is told again")
	}
}

// What is not of IP stays in the home: its link-layer addresses are no addresses on the Internet.
func TestWhatIsNotOfIPCountsAsOfTheHome(t *testing.T) {
	g := &gateway{gatewayFlags: gatewayFlags{countries: country.Builtin()}}
	mac := frame.MAC{2, 0, 0, 0, 0, 1}
	g.names.Store(mac, "d1")
	f := &flow.Flow{MAC: [2]frame.MAC{mac, {2, 0, 0, 0, 0, 9}}, Octets: [2]uint64{100, 100}}
	f.Addr = [2]frame.Addr{{0: 1, 10: 2, 15: 1}, {0: 1, 10: 2, 15: 9}}
	g.count(&inspect.FlowRecord{Flow: f})
	if list := g.meter.Take(); len(list) != 1 || list[0].Scope != "lan" {
		t.Errorf("%+v", list)
	}
}
