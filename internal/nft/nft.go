// Package nft makes the rules of nftables that a home gateway enforces, and puts them into the kernel: tables of
// Plimsoll's own in the families inet and, where there is need, bridge and arp.
//
// A packet is looked at in a few steps, whatever the number of devices: what belongs to a conversation that was
// allowed passes; a verdict map leads from the sender's link-layer address to the chain of what it may begin; another
// from the receiver's address to the chain of what others may begin with it; who is in neither map is not held. In a
// chain, most entries are elements of one set, whose key is address, protocol and port; so its length does not grow
// with them either. What a set without intervals cannot say has a rule for each kind of other end.
package nft

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// Table is the name of Plimsoll's tables, one in each family. Nothing outside of them is read or changed.
const Table = "plimsoll"

// Treatment is what the gateway does about a device.
type Treatment uint8

// The treatments.
const (
	Free        Treatment = iota // not held: it may do what any device may
	Apart                        // the Internet and the gateway's services, but no conversation begun with other devices here
	Held                         // what its policy says; without one, Apart
	Quarantined                  // names, the servers that repair it, and the page that says why; nothing else
	Refused                      // nothing
)

// Device is a device of the household, as enforcement sees it.
type Device struct {
	MAC       frame.MAC
	Addresses []netip.Addr // bound to it: nobody else may use them
	Treatment Treatment
	Policy    *policy.Policy // of a Held one
	Repair    []string       // DNS names that a Quarantined one may reach: those of its updates
	MayMap    bool           // it may ask the router to open ports, though it is held
}

// Link is an interface of the LAN.
type Link struct {
	Name   string
	Bridge bool // its ports are held apart in the family bridge too
	// What devices that are held exchange with others on the bridge is led to the gateway, and meets the rules for
	// routed packets. MAC is the gateway's there.
	Routed4, Routed6 bool
	MAC              frame.MAC
	// The ports are kept apart, and the gateway answers for all: see Isolation.
	Isolated bool
}

// Opening is a service that the household opened to the Internet.
type Opening struct {
	To    netip.Addr
	Proto uint8 // frame.ProtoTCP or frame.ProtoUDP
	Port  uint16
}

// Service is a protocol and port of the router itself.
type Service struct {
	Proto uint8
	Port  uint16
}

// Resolver is how names are resolved.
type Resolver struct {
	Port     uint16       // of Plimsoll's own, on each address of the gateway, 53 where it can; 0: none, and nothing is brought back to it
	Stopped  bool         // it is not there: the fallback holds
	Fallback []netip.Addr // of both families at most one: where queries go then; none: where they were sent
}

// Ceilings are how much one device may send without an answer, whatever its treatment. 0 stands for the default, -1 for
// no ceiling.
type Ceilings struct {
	New   int // packets of conversations that nobody has answered yet, in a second; default 1,000, bursts of five seconds' worth
	Small int // of these, those that are not TCP and have at most 128 octets; default 500, bursts of five seconds' worth
}

// Gateway is all that the rules depend on. The zero value holds nobody.
type Gateway struct {
	LAN      []Link
	WAN      []string       // interfaces toward the Internet
	Own      []netip.Addr   // the gateway's addresses on the LAN, link-local ones too
	Prefixes []netip.Prefix // of the LAN: only their addresses leave, and none of them comes in
	Devices  []Device
	Unknown  Treatment // of devices that are not in Devices: Free, Apart or Refused

	Resolver  Resolver
	Page      uint16         // port of the page, on the gateway, that tells why a device is in quarantine; 0: none
	Ceilings  Ceilings       //
	Inbound   bool           // whoever is outside may begin conversations with devices that are not held
	Open      []Opening      // else, only these, and what the router's own firewall maps to an inside address
	Mapping   []Service      // where the router takes requests to open ports; nil: PCP, NAT-PMP and the usual ports of UPnP IGD
	Forbidden []netip.Prefix // destinations that nobody may reach
}

// mapping are the services of the router that open ports: NAT-PMP and PCP (RFC 6886, RFC 6887), and UPnP IGD as
// miniupnpd and makers' routers have it.
var mapping = []Service{
	{frame.ProtoUDP, 5351},
	{frame.ProtoTCP, 1780},
	{frame.ProtoTCP, 2189},
	{frame.ProtoTCP, 2869},
	{frame.ProtoTCP, 5000},
	{frame.ProtoTCP, 5431},
	{frame.ProtoTCP, 49000},
	{frame.ProtoTCP, 49152},
}

// Rules makes the ruleset. at is the time, in nanoseconds since the Unix epoch, from which what DNS said is kept until
// it ends. The same gateway gives the same rules, in whatever order its devices come.
func (g *Gateway) Rules(at int64) (*Ruleset, error) { return g.rules(at, nil) }

// rules makes the ruleset with the parts of an older one, of policies that it has too. What DNS said is then as it was.
func (g *Gateway) rules(at int64, old *Ruleset) (*Ruleset, error) {
	if err := g.check(); err != nil {
		return nil, fmt.Errorf("make rules: %w", err)
	}
	sorted := slices.Clone(g.Devices)
	slices.SortFunc(sorted, func(a, b Device) int { return cmp.Compare(a.MAC.Uint64(), b.MAC.Uint64()) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1].MAC == sorted[i].MAC {
			return nil, fmt.Errorf("make rules: two devices are %s", sorted[i].MAC)
		}
	}
	for i := range sorted {
		sorted[i].Policy = g.effective(&sorted[i])
	}
	r := &Ruleset{devices: sorted, basis: fmt.Sprint(g.Resolver.Port, g.Page, g.Prefixes)}
	parts := func(family string) map[*policy.Policy]*part {
		if old == nil || old.basis != r.basis {
			return nil
		}
		for _, t := range old.tables {
			if t.family == family {
				return t.parts
			}
		}
		return nil
	}
	r.tables = append(r.tables, g.inet(sorted, at, parts("inet")))
	if slices.ContainsFunc(g.LAN, func(l Link) bool { return l.Bridge }) {
		r.tables = append(r.tables, g.bridge(sorted, at, parts("bridge")))
	}
	if slices.ContainsFunc(g.LAN, func(l Link) bool { return !l.Bridge }) {
		r.tables = append(r.tables, g.arp(sorted))
	}
	return r, nil
}

// check refuses what would not be a ruleset, or another one.
func (g *Gateway) check() error {
	var names []string
	for _, l := range g.LAN {
		names = append(names, l.Name)
	}
	for _, n := range append(names, g.WAN...) {
		if n == "" || len(n) > 15 || strings.ContainsFunc(n, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"\\*/", r) }) {
			return fmt.Errorf("%q is no name of an interface", n)
		}
	}
	if g.Unknown == Held || g.Unknown == Quarantined {
		return fmt.Errorf("devices that are not known cannot be held to anything")
	}
	return nil
}

// effective is the policy that a device is held to, or nil.
func (g *Gateway) effective(d *Device) *policy.Policy {
	switch d.Treatment {
	case Held:
		return d.Policy
	case Quarantined:
		if d.Policy != nil && d.Policy.URL == repairURL { // made before
			return d.Policy
		}
		return g.repair(d)
	}
	return nil
}

// links are the names of the interfaces of the LAN, all or those that are no bridges.
func (g *Gateway) links(all bool) []string {
	var list []string
	for _, l := range g.LAN {
		if all || !l.Bridge {
			list = append(list, l.Name)
		}
	}
	return list
}

// bindings say which addresses belong to whom. An address that two devices claim belongs to the first; what no one
// device has, to none.
func bindings(devices []Device) (list []binding) {
	taken := map[netip.Addr]bool{}
	for i := range devices {
		own := slices.Clone(devices[i].Addresses)
		if p := devices[i].Policy; p != nil {
			own = append(own, p.Own...)
		}
		for j := range own {
			own[j] = own[j].Unmap().WithZone("")
		}
		slices.SortFunc(own, netip.Addr.Compare)
		for _, a := range own {
			if !taken[a] && a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() {
				taken[a] = true
				list = append(list, binding{a, &devices[i]})
			}
		}
	}
	return list
}

type binding struct {
	addr   netip.Addr
	device *Device
}
