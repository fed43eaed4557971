package enforce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/nft"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// Absence is how long a device may be away until others may have its addresses.
const Absence = 10 * time.Minute

// intent is what the rules are to be, and a digest of what they were made of.
func (e *Enforcer) intent(ctx context.Context, n *Network) (g *nft.Gateway, of string, err error) {
	devices := e.Devices()
	bound := e.bindings(devices, n)
	base := situation(devices, bound, n)
	base.Controllers = classes(devices, bound)
	g = &nft.Gateway{
		LAN: []nft.Link{n.link()}, WAN: []string{n.WAN}, Own: n.Own, Prefixes: n.Prefixes,
		Resolver: e.resolver, Unknown: n.Unknown, Inbound: n.Inbound, Page: e.Page,
	}
	if n.WAN == "" {
		g.WAN = nil
	}
	hash := sha256.New()
	note := json.NewEncoder(hash)
	world := digest(base)
	_ = note.Encode([]any{n, e.resolver, e.Page, world})
	gists := map[string]*gist{}
	known, repairs := map[frame.MAC]compiled{}, map[frame.MAC][]string{}
	e.holding = map[frame.MAC]string{}
	var errs []error
	for _, d := range devices {
		for _, m := range d.MACs {
			x := nft.Device{MAC: m, Addresses: bound[m], Treatment: treatment(d), MayMap: d.Admission == home.Full}
			_ = note.Encode([]any{m, x.Addresses, d.Stance.State, d.Stance.Admission, d.File})
			if d.State != home.Free {
				e.holding[m] = d.ID
			}
			if d.File != "" && (x.Treatment == nft.Held || x.Treatment == nft.Quarantined) {
				about, fileErr := e.about(ctx, d.File)
				switch {
				case fileErr != nil:
				case x.Treatment == nft.Quarantined:
					gists[d.File], x.Repair = about, about.repair
				default:
					gists[d.File] = about
					var c compiled
					if c, fileErr = e.compile(ctx, about, d, &base, world, m, devices, bound); fileErr == nil {
						_ = note.Encode(c.of)
						known[m], x.Policy = c, c.policy
					}
				}
				if fileErr != nil {
					errs = append(errs, fmt.Errorf("file of %s: %w", d.ID, fileErr))
					if c, ok := e.known[m]; ok && x.Treatment == nft.Held { // what it was held to, it still is
						known[m], x.Policy = c, c.policy
					}
				}
			}
			if x.Treatment == nft.Quarantined {
				repairs[m] = x.Repair
			}
			g.Devices = append(g.Devices, x)
		}
	}
	e.known, e.gists = known, gists
	e.repairs.Store(&repairs)
	return g, hex.EncodeToString(hash.Sum(nil)), errors.Join(errs...)
}

// treatment is what a stance means for the network. A device that is only learned from, or rehearsed, is not hindered:
// nobody has said yet that it shall be, and a doorbell that stays silent is no way to find out. One that a person let in
// for what it is for alone, is kept apart from the others until it is known what that is.
func treatment(d *home.Device) nft.Treatment {
	switch d.State {
	case home.Held:
		return nft.Held
	case home.Quarantined:
		return nft.Quarantined
	case home.Refused:
		return nft.Refused
	case home.Learning:
		if d.Admission == home.DeviceOnly {
			return nft.Apart
		}
	}
	return nft.Free
}

// gist is what is to be known of a file without reading it again.
type gist struct {
	url    string
	others bool     // it speaks of other devices, so that what they are matters
	repair []string // the names that look like those of updates
}

// stumbled turns a panic into an error, where it is deferred. A file is a stranger’s: if it makes the program stumble,
// that costs its device, and not the rules of all.
func stumbled(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("a defect of the program: %v", p)
	}
}

// about is the gist of a file.
func (e *Enforcer) about(ctx context.Context, sha256 string) (g *gist, err error) {
	defer stumbled(&err)
	if g := e.gists[sha256]; g != nil {
		return g, nil
	}
	f, err := e.File(ctx, sha256)
	if err != nil {
		return nil, err
	}
	g = &gist{url: f.URL, repair: Repair(f)}
	for i := range f.ACLs {
		g.others = g.others || slices.ContainsFunc(f.ACLs[i].ACEs, func(a mud.ACE) bool { return a.Matches.MUD != nil || a.Matches.Eth != nil })
	}
	return g, nil
}

// compile sets the file of a device into the network, unless that is done already. Files are large and policies larger:
// a file is read for that alone, and forgotten. A policy that comes out the same stays the one that it was: what is made
// of it stays too.
func (e *Enforcer) compile(ctx context.Context, about *gist, d *home.Device, base *policy.Context, world string, m frame.MAC, all []*home.Device, bound map[frame.MAC][]netip.Addr) (c compiled, err error) {
	defer stumbled(&err)
	own := policy.Device{MAC: m}
	if i := slices.IndexFunc(base.Peers, func(p policy.Device) bool { return p.MAC == m }); i >= 0 {
		own = base.Peers[i]
	}
	own.URL = about.url
	my, _ := Controllers(d, all, bound)
	more := allowances(d, all, e.Now())
	if !about.others && len(more.From)+len(more.To) == 0 {
		world = digest([]any{base.Local, base.Gateway, base.Resolvers, base.TimeServers})
	}
	of := digest([]any{d.File, world, more, own, my})
	was, ok := e.known[m]
	if ok && was.of == of {
		return was, nil
	}
	file, err := e.File(ctx, d.File)
	if err != nil {
		return compiled{}, err
	}
	at := base.Of(m)
	at.Device, at.My = own, my
	p := policy.Compile(more.widen(file), &at)
	if ok && p.URL == was.policy.URL && slices.Equal(p.Own, was.policy.Own) && reflect.DeepEqual(p.Entries, was.policy.Entries) {
		p = was.policy
	}
	return compiled{of, p}, nil
}

// digest is a short word for a value: those of equal values are equal.
func digest(v any) string {
	data, _ := json.Marshal(v)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// updates are words in the names of servers that devices get their updates from.
var updates = []string{"fw", "firmware", "ota", "fota", "update", "updates", "upgrade"}

// Repair is the names in a file that look like those of its updates: all that a device in quarantine may reach.
func Repair(f *mud.File) (names []string) {
	for _, ace := range f.Entries(mud.FromDevice) {
		for _, ip := range []*mud.IP{ace.Matches.IPv4, ace.Matches.IPv6} {
			if ip == nil || ip.DestinationDNSName == "" || ace.Action != mud.Accept {
				continue
			}
			for label := range strings.FieldsFuncSeq(ip.DestinationDNSName, func(r rune) bool { return r == '.' || r == '-' }) {
				if slices.Contains(updates, strings.TrimRight(label, "0123456789")) && !slices.Contains(names, ip.DestinationDNSName) {
					names = append(names, ip.DestinationDNSName)
				}
			}
		}
	}
	return names
}

// situation is the network as policies see it, with no device in particular.
func situation(devices []*home.Device, bound map[frame.MAC][]netip.Addr, n *Network) policy.Context {
	c := policy.Context{Local: n.Prefixes, Gateway: n.Own}
	for _, d := range devices {
		p := policy.Device{URL: d.MUDURL()}
		if len(d.MUD) > 0 && (d.MUD[0].Via == "operator" || d.MUD[0].Via == "label") {
			p.Trust = policy.Approved
		}
		if d.State == home.Quarantined || d.State == home.Refused {
			p.URL = "" // what is not trusted makes nobody’s class larger
		}
		for _, m := range d.MACs {
			p.MAC, p.Addresses = m, bound[m]
			c.Peers = append(c.Peers, p)
		}
	}
	return c
}

// maxOwned bounds the addresses that are remembered with who has them.
const maxOwned = 16_384

// bindings are the addresses of each link-layer address, by what was seen of the devices and by the kernel’s table of
// neighbours, which knows at once. An address that several devices have had is that of the one that had it first, unless
// that one is away: else whoever takes an address, takes the rights that go with it.
func (e *Enforcer) bindings(devices []*home.Device, n *Network) map[frame.MAC][]netip.Addr {
	present := func(d *home.Device) bool { return e.Now().Sub(d.Last) < Absence }
	here := neighbours(indexOf(n.LAN))
	owner, byMAC, byID := map[netip.Addr]*home.Device{}, map[frame.MAC]*home.Device{}, map[string]*home.Device{}
	usable := func(a netip.Addr) bool {
		return !slices.Contains(n.Own, a) && !a.IsMulticast() && !a.IsUnspecified() && !a.IsLoopback()
	}
	for _, d := range devices {
		byID[d.ID] = d
		for _, m := range d.MACs {
			byMAC[m] = d
		}
	}
	for a, o := range e.owners { // who has it, keeps it, with its interface: two that were one may be two again
		if d := byID[o.id]; d != nil && present(d) && usable(a) && !d.Gave(a, e.Now()) && (o.mac.IsZero() || slices.Contains(d.MACs, o.mac)) {
			owner[a] = d
		}
	}
	for _, d := range devices {
		for _, a := range d.Addresses {
			a = a.Unmap().WithZone("")
			o := owner[a]
			held := o != nil && e.owners[a].id == o.ID
			if usable(a) && !held && !d.Gave(a, e.Now()) && (o == nil || present(d) && !present(o) || present(d) == present(o) && d.First.Before(o.First)) {
				owner[a] = d
			}
		}
	}
	for a, m := range here {
		if d := byMAC[m]; d != nil && owner[a] == nil && usable(a) && !d.Gave(a, e.Now()) {
			owner[a] = d
		}
	}
	bound := map[frame.MAC][]netip.Addr{}
	was := e.owners
	e.owners = map[netip.Addr]owned{}
	for a, d := range owner {
		m := d.MACs[0]
		if at, ok := here[a]; ok && slices.Contains(d.MACs, at) {
			m = at
		} else if len(d.MACs) > 1 { // which of its interfaces has it? Nobody says
			m = frame.MAC{}
		}
		o := owned{d.ID, m}
		if m.IsZero() && was[a].id == d.ID {
			o.mac = was[a].mac
		}
		if len(e.owners) < maxOwned {
			e.owners[a] = o
		}
		if !m.IsZero() {
			bound[m] = append(bound[m], a)
		}
	}
	for _, list := range bound {
		slices.SortFunc(list, netip.Addr.Compare)
	}
	return bound
}
