package enforce

import (
	"context"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/mud"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// asked is a kernel that remembers what it was asked for.
type asked struct {
	gateway *nft.Gateway
	applied int
	taken   bool // somebody took the rules away
	said    []string
}

func (k *asked) Apply(_ context.Context, g *nft.Gateway) error {
	k.gateway, k.taken = g, false
	k.applied++
	return nil
}

func (k *asked) Commit(_ context.Context, _ frame.MAC, names []string, _ []netip.Addr, _ time.Time) error {
	k.said = append(k.said, names...)
	return nil
}
func (k *asked) Standing(frame.MAC, []string, []netip.Addr, time.Time) bool { return false }
func (k *asked) Intact(context.Context) (bool, error)                       { return !k.taken, nil }
func (k *asked) Repair()                                                    {}
func (k *asked) Forget(frame.MAC)                                           {}

func (k *asked) Device(a netip.Addr) (m frame.MAC, ok bool) {
	for _, d := range k.gateway.Devices {
		if slices.Contains(d.Addresses, a) {
			return d.MAC, true
		}
	}
	return m, false
}

func device(n byte, state home.State, addresses ...string) *home.Device {
	d := &home.Device{ID: string('a' + rune(n)), MACs: []frame.MAC{{2, 0, 0, 0, 0, n}}, First: noon.Add(time.Duration(n) * -time.Hour), Last: noon}
	d.State = state
	for _, a := range addresses {
		d.Addresses = append(d.Addresses, netip.MustParseAddr(a))
	}
	return d
}

func enforcer(t *testing.T, k *asked, list *[]*home.Device) *Enforcer {
	t.Helper()
	return &Enforcer{
		Kernel: k, Devices: func() []*home.Device { return *list }, Now: func() time.Time { return noon },
		File: func(_ context.Context, sha string) (*mud.File, error) {
			if sha != "good" {
				return nil, fs.ErrNotExist
			}
			return &mud.File{URL: "https://maker.example/lamp.json"}, nil
		},
		Network: func() (*Network, error) {
			return &Network{
				LAN: "lan0", WAN: "wan0", Own: []netip.Addr{netip.MustParseAddr("10.9.0.1")}, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")},
			}, nil
		},
	}
}

func TestStancesBecomeTreatments(t *testing.T) {
	held, lost := device(1, home.Held), device(2, home.Held)
	held.File, lost.File = "good", "lost"
	apart := device(3, home.Learning)
	apart.Admission = home.DeviceOnly
	list := []*home.Device{held, lost, apart, device(4, home.Learning), device(5, home.Rehearsing), device(6, home.Refused), device(7, home.Quarantined)}
	k := &asked{}
	e := enforcer(t, k, &list)
	if err := e.Apply(t.Context()); err != nil {
		t.Fatal("a file that is lost keeps others from being enforced:", err)
	}
	if err := e.Refresh(t.Context()); err == nil {
		t.Error("nobody says that a file is lost")
	}
	want := []nft.Treatment{nft.Held, nft.Held, nft.Apart, nft.Free, nft.Free, nft.Refused, nft.Quarantined}
	for i, d := range k.gateway.Devices {
		if d.Treatment != want[i] {
			t.Errorf("%s (%s): treatment %d, want %d", list[i].ID, list[i].State, d.Treatment, want[i])
		}
	}
	if k.gateway.Devices[0].Policy == nil || k.gateway.Devices[1].Policy != nil {
		t.Error("the device with a file must have a policy, and the one without none")
	}
}

func TestRulesAreMadeAnewOnlyWhenSomethingChanged(t *testing.T) {
	list := []*home.Device{device(1, home.Free, "10.9.0.11")}
	k := &asked{}
	e := enforcer(t, k, &list)
	refresh := func() {
		t.Helper()
		if err := e.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	refresh()
	refresh()
	if k.applied != 1 {
		t.Errorf("applied %d times", k.applied)
	}
	k.taken = true
	refresh()
	if k.applied != 2 {
		t.Error("rules that somebody took away are not put back")
	}
	list = []*home.Device{device(1, home.Free, "10.9.0.11", "10.9.0.12")}
	refresh()
	if k.applied != 3 || len(k.gateway.Devices[0].Addresses) != 2 {
		t.Error("a second address is not bound")
	}
}

func TestWhoHasAnAddressKeepsItWhileItIsThere(t *testing.T) {
	owner := device(1, home.Free, "10.9.0.11")
	list := []*home.Device{owner}
	k := &asked{}
	e := enforcer(t, k, &list)
	has := func() string {
		t.Helper()
		if err := e.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, _ := k.Device(netip.MustParseAddr("10.9.0.11"))
		return m.String()
	}
	first := has()
	thief := device(9, home.Free, "10.9.0.11") // seen for longer
	moved := device(1, home.Free)              // what was seen says that the address is another’s now
	list = []*home.Device{moved, thief}
	if got := has(); got != first {
		t.Errorf("the address went to %s", got)
	}
	moved.Last = noon.Add(-2 * Absence)
	if got := has(); got != thief.MACs[0].String() {
		t.Errorf("the address of who is away stays with %s", got)
	}
}

func TestAnAddressThatWasGivenBackIsNobodys(t *testing.T) {
	d := device(1, home.Held, "10.9.0.11")
	d.Leases = []home.Lease{{Address: d.Addresses[0], Until: noon.Add(-time.Second)}}
	list := []*home.Device{d}
	k := &asked{}
	e := enforcer(t, k, &list)
	if err := e.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(k.gateway.Devices[0].Addresses) != 0 {
		t.Error("it is bound")
	}
	d.Last = noon.Add(time.Minute) // it goes on all the same
	if err := e.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(k.gateway.Devices[0].Addresses) != 1 {
		t.Error("malware gave the address back to have no rules")
	}
}

func TestADelegatedPrefixThatWasGivenBackTakesItsAddressesAlong(t *testing.T) {
	d := device(1, home.Held, "fd09::1", "2001:db8:5::1", "2001:db8:6::1")
	d.Leases = []home.Lease{{Address: netip.MustParseAddr("2001:db8:5::"), Bits: 48, Until: noon.Add(-time.Second)}}
	list := []*home.Device{d}
	k := &asked{}
	if err := enforcer(t, k, &list).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []netip.Addr{netip.MustParseAddr("2001:db8:6::1"), netip.MustParseAddr("fd09::1")}
	if got := k.gateway.Devices[0].Addresses; !slices.Equal(got, want) {
		t.Errorf("%v are bound, want %v", got, want)
	}
}

func TestADeviceIsHeldUnderEachOfItsLinkLayerAddresses(t *testing.T) {
	d := device(1, home.Held, "10.9.0.11")
	d.MACs = append([]frame.MAC{{2, 0, 0, 0, 9, 9}}, d.MACs...) // it has another one since
	d.File = "good"
	d.Exceptions = []home.Exception{{Party: home.Party{Address: netip.MustParseAddr("45.1.2.3")}}}
	list := []*home.Device{d}
	k := &asked{}
	if err := enforcer(t, k, &list).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(k.gateway.Devices); n != 2 {
		t.Fatalf("rules for %d of its addresses", n)
	}
	for i, x := range k.gateway.Devices {
		if x.MAC != d.MACs[i] || x.Treatment != nft.Held || x.Policy == nil || says(k, i, 0, frame.ProtoTCP, "45.1.2.3", 1) != 1 || says(k, i, 0, frame.ProtoTCP, "45.1.2.4", 1) != 0 {
			t.Errorf("%s: %+v", x.MAC, x)
		}
	}
}

func TestNamesOutliveTheProgramAndATornLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "names.jsonl")
	now := func() time.Time { return noon }
	j, err := OpenJournal(name, now)
	if err != nil {
		t.Fatal(err)
	}
	list := []*home.Device{device(1, home.Held, "10.9.0.11")}
	k := &asked{}
	e := enforcer(t, k, &list)
	e.Journal = j
	if err := e.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	to := []netip.Addr{netip.MustParseAddr("45.1.2.3")}
	for _, s := range []string{"a.example", "b.example"} {
		if err := e.Commit(t.Context(), list[0].Addresses[0], []string{s}, to, noon.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Commit(t.Context(), list[0].Addresses[0], []string{"old.example"}, to, noon.Add(-2*kept)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(data, `{"mac":"02:00`...), 0o600); err != nil { // no power any more
		t.Fatal(err)
	}
	if j, err = OpenJournal(name, now); err != nil {
		t.Fatal(err)
	}
	again := &asked{gateway: &nft.Gateway{}}
	e = enforcer(t, again, &list)
	e.Journal = j
	if err := e.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(again.said)
	if !slices.Equal(again.said, []string{"a.example", "b.example"}) {
		t.Errorf("recalled %v", again.said)
	}
}
