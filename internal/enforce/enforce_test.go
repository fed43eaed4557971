package enforce

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/policy"
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
func (k *asked) Text(*nft.Gateway) (string, error)                          { return "", nil }
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

// A file is read again only when what it speaks of is another.
func TestPoliciesStandWhileWhatTheirFilesSpeakOfIsTheSame(t *testing.T) {
	lamp, hub := device(1, home.Held, "10.9.0.11"), device(2, home.Held, "10.9.0.12")
	lamp.File, hub.File = "plain", "kin"
	list := []*home.Device{lamp, hub}
	k := &asked{}
	e := enforcer(t, k, &list)
	read := map[string]int{}
	e.File = func(_ context.Context, sha string) (*mud.File, error) {
		read[sha]++
		f := &mud.File{URL: "https://maker.example/" + sha, FromDevice: []string{"f"}, ACLs: []mud.ACL{{Name: "f"}}}
		ace := mud.ACE{Name: "a", Action: mud.Accept, Matches: mud.Matches{IPv4: &mud.IP{DestinationDNSName: "fw.maker.example"}}}
		if sha == "kin" {
			ace.Matches = mud.Matches{MUD: &mud.MUD{SameManufacturer: true}}
		}
		f.ACLs[0].ACEs = []mud.ACE{ace}
		return f, nil
	}
	policies := func() (of [2]*policy.Policy) {
		t.Helper()
		if err := e.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		return [2]*policy.Policy{k.gateway.Devices[0].Policy, k.gateway.Devices[1].Policy}
	}
	before := policies()
	if policies() != before || read["plain"] > 2 || read["kin"] > 2 {
		t.Errorf("nothing changed, and files were read again: %v", read)
	}
	kin := device(3, home.Free, "10.9.0.13")
	kin.MUD = []home.MUDURL{{URL: "https://maker.example/bulb", Via: "dhcpv4"}}
	list = append(list, kin)
	after := policies()
	if after[0] != before[0] {
		t.Error("a neighbour came, and the policy of a device that speaks of none was made anew")
	}
	if after[1] == before[1] {
		t.Error("a neighbour came, and the policy of a device that speaks of its kin stayed")
	}
	list = []*home.Device{device(1, home.Held, "10.9.0.11", "10.9.0.19"), list[1], list[2]}
	list[0].File = "plain"
	if policies()[0] == after[0] {
		t.Error("a device has another address, and its policy stayed")
	}
	list[0] = device(1, home.Quarantined, "10.9.0.11")
	list[0].File = "plain"
	policies()
	if d := k.gateway.Devices[0]; !slices.Equal(d.Repair, []string{"fw.maker.example"}) {
		t.Errorf("in quarantine, it may ask for %v", d.Repair)
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

// A file that makes the program stumble costs its device, which may then begin no conversation at home, and nobody else.
func TestAFileThatRevealsADefectKeepsNobodyElseFromBeingHeld(t *testing.T) {
	bad, good := device(1, home.Held, "10.9.0.11"), device(2, home.Held, "10.9.0.12")
	bad.File, good.File = "bad", "good"
	list := []*home.Device{bad, good}
	k := &asked{}
	e := enforcer(t, k, &list)
	files := e.File
	e.File = func(ctx context.Context, sha string) (*mud.File, error) {
		if sha == "bad" {
			return nil, nil // which package policy does not expect
		}
		return files(ctx, sha)
	}
	if err := e.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), bad.ID) || strings.Contains(err.Error(), "file of "+good.ID) {
		t.Errorf("%v", err)
	}
	for _, d := range k.gateway.Devices {
		if held := d.Policy != nil; d.Treatment != nft.Held || held != (d.MAC == good.MACs[0]) {
			t.Errorf("%+v", d)
		}
	}
}

// A device whose file cannot be read any more is held to what it was held to.
func TestADeviceWhoseFileCannotBeReadAnyMoreStaysHeldToIt(t *testing.T) {
	d := device(1, home.Held, "10.9.0.11")
	d.File = "good"
	list := []*home.Device{d}
	k := &asked{}
	e := enforcer(t, k, &list)
	if err := e.Apply(t.Context()); err != nil || k.gateway.Devices[0].Policy == nil {
		t.Fatal(err)
	}
	e.File = func(context.Context, string) (*mud.File, error) { return nil, fs.ErrPermission }
	e.gists, k.taken = nil, true
	if err := e.Refresh(t.Context()); !errors.Is(err, fs.ErrPermission) || k.gateway.Devices[0].Policy == nil {
		t.Errorf("%v, %+v", err, k.gateway.Devices[0])
	}
}

// What could not be written is written when it can be, all of it.
func TestNamesThatCouldNotBeKeptAreKeptWhenTheyCan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	name := filepath.Join(dir, "names.jsonl")
	j, err := OpenJournal(name, func() time.Time { return noon })
	if err == nil || j == nil {
		t.Fatal("a folder that is not there")
	}
	said := Said{MAC: frame.MAC{2, 0, 0, 0, 0, 1}, Names: []string{"cloud.maker.example"}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Until: noon.Add(time.Hour)}
	j.Add(said)
	if j.Fault() == nil || len(j.All()) != 1 {
		t.Errorf("%v, %v", j.Fault(), j.All())
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	j.tried = time.Time{}
	if err := j.Fault(); err != nil {
		t.Fatal(err)
	}
	said.Names = []string{"other.maker.example"}
	j.Add(said)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenJournal(name, func() time.Time { return noon })
	if err != nil || len(again.All()) != 2 {
		t.Errorf("%v, %v", again.All(), err)
	}
	_ = again.Close()
}
