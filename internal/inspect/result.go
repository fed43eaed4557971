package inspect

import (
	"cmp"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll.example/plimsoll/internal/country"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/grade"
	"plimsoll.example/plimsoll/internal/guide"
	"plimsoll.example/plimsoll/internal/identify"
)

// Schema names the shape of Result, which schema/inspect.json describes.
const Schema = "plimsoll.inspect/1"

// Result is what an inspection found.
type Result struct {
	Schema   string    `json:"schema"`
	Capture  Capture   `json:"capture"`
	Devices  []Device  `json:"devices"`
	Findings []Finding `json:"findings"`
	// Countries is where the countries of peers come from; nil where none were looked up.
	Countries *Countries `json:"countries,omitempty"`

	found []finding.Finding
}

// Found are the findings as they are kept.
func (r *Result) Found() []finding.Finding { return r.found }

// Capture is what was read.
type Capture struct {
	Files     []string `json:"files"`
	Packets   uint64   `json:"packets"`
	Octets    uint64   `json:"bytes"` // on the wire
	First     string   `json:"first"` // RFC 3339
	Last      string   `json:"last"`
	LinkTypes []string `json:"link_types"`
	Cut       bool     `json:"cut"`
	Undecoded uint64   `json:"undecoded"`
	Evicted   Evicted  `json:"evicted"`
	Warnings  []string `json:"warnings"`
}

// Evicted is what was forgotten to stay within the bounds on memory.
type Evicted struct {
	Flows   uint64 `json:"flows"`
	Devices uint64 `json:"devices"`
}

// Device is one thing on the network.
type Device struct {
	ID         string          `json:"id"`
	MAC        string          `json:"mac"`
	MACs       []string        `json:"macs"`
	Randomised bool            `json:"randomised"`
	Addresses  []string        `json:"addresses"`
	Hostnames  []string        `json:"hostnames"`
	First      string          `json:"first"`
	Last       string          `json:"last"`
	Identity   device.Identity `json:"identity"`
	MUDURL     *MUDURL         `json:"mud_url"`
	Traffic    Traffic         `json:"traffic"`
	Peers      []Peer          `json:"peers"`
	Others     *Others         `json:"others,omitempty"`
	Carries    bool            `json:"carries,omitempty"` // the traffic of others
	Grade      grade.Grade     `json:"grade"`
	Findings   []string        `json:"findings"`
}

// MUDURL is where a device says that its MUD file is.
type MUDURL struct {
	URL string `json:"url"`
	Via string `json:"via"` // dhcpv4, dhcpv6 or lldp
}

// Traffic is what a device itself sent and was sent, in octets on the wire.
type Traffic struct {
	Flows      uint64 `json:"flows"`
	OctetsOut  uint64 `json:"bytes_out"`
	OctetsIn   uint64 `json:"bytes_in"`
	PacketsOut uint64 `json:"packets_out"`
	PacketsIn  uint64 `json:"packets_in"`
}

// Peer is whom a device talks with: a name, or an address without one.
type Peer struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Scope     string   `json:"scope"` // internet, lan, gateway or multicast
	Services  []string `json:"services"`
	Octets    uint64   `json:"bytes"`
	Countries []string `json:"countries,omitempty"` // that the addresses are registered in, ISO 3166-1 alpha-2
}

// Countries is a list of the countries that addresses are registered in.
type Countries struct {
	Source  string `json:"source"`
	Licence string `json:"licence"`
	AsOf    string `json:"as_of"` // 2006-01-02
}

// Others is the conversations that the list of peers has no room for.
type Others struct {
	Flows  uint64 `json:"flows"`
	Octets uint64 `json:"bytes"`
}

// Finding is one norm broken, or one sign of attack, by one device. The words of finding.Finding apply.
type Finding struct {
	ID         string                `json:"id"`
	Kind       finding.Kind          `json:"kind"`
	Device     string                `json:"device"`
	Role       finding.Role          `json:"role"`
	Severity   finding.Severity      `json:"severity"`
	Confidence float64               `json:"confidence"`
	Norms      []string              `json:"norms"`
	Direction  finding.Direction     `json:"direction"`
	First      string                `json:"first"`
	Last       string                `json:"last"`
	Detected   string                `json:"detected"`
	Count      uint64                `json:"count"`
	Text       map[string]guide.Text `json:"text"` // by language: en, fr
	Evidence   []Evidence            `json:"evidence"`
}

// Evidence points at what proves a finding.
type Evidence struct {
	Packets []uint64 `json:"packets"`
	File    uint16   `json:"file,omitempty"`
	Flow    string   `json:"flow"`
	Note    string   `json:"note"`

	Ends finding.Ends `json:"-"`
}

// Result says what was found. files are the captures as they were given; warnings are for people.
func (e *Engine) Result(k *identify.Knowledge, files, warnings []string, cut bool) *Result {
	if e.watch != nil {
		e.watch.Finish()
	}
	l := e.Losses()
	r := e.result(k, e.inventory, l.Streams)
	r.Capture.Files, r.Capture.Warnings = append(r.Capture.Files, files...), append(r.Capture.Warnings, warnings...)
	r.Capture.Cut, r.Capture.Undecoded, r.Capture.Evicted = cut, l.Undecoded, Evicted{Flows: l.Flows, Devices: l.Devices}
	return r
}

// Snapshot says what was found so far, while Run goes on. It is called from Config.OnBlock, and nowhere else. What was
// lost is told by Result alone.
func (e *Engine) Snapshot(k *identify.Knowledge) *Result { return e.result(k, e.inventory.Clone(), 0) }

// result says what an inventory holds, which it finishes. unread is the directions of connections that were not looked into.
func (e *Engine) result(k *identify.Knowledge, inventory *device.Inventory, unread uint64) *Result {
	t := &e.totals
	whole := e.watch != nil && e.watch.Lost() == 0 && !inventory.Full && inventory.Evicted() == 0 && unread == 0
	r := &Result{
		Schema: Schema,
		Capture: Capture{
			Files: []string{}, Packets: t.packets, Octets: t.octets, LinkTypes: linkTypes(t.links), Warnings: []string{},
		},
		Findings: []Finding{},
	}
	if t.packets > 0 {
		r.Capture.First, r.Capture.Last = instant(t.first), instant(t.last)
	}
	if t := &e.cfg.Countries; !t.AsOf.IsZero() {
		r.Countries = &Countries{Source: country.Source, Licence: country.Licence, AsOf: t.AsOf.Format(time.DateOnly)}
	}
	if e.watch != nil {
		e.watch.Suffers(inventory.Victim)
	}
	devices, network := inventory.Finish()
	e.scene, e.held = seen{devices, network}, nil
	r.Devices = make([]Device, len(devices))
	// naming 20,000 devices is worth all the cores
	onAllCores(len(devices), 32, func(i int) { r.Devices[i] = describe(k, devices[i], network, &e.cfg.Countries, whole) })
	kinds := make(map[*device.Device]device.Kind, len(devices))
	for i, d := range devices {
		kinds[d] = r.Devices[i].Identity.Kind
	}
	order(r.Devices)
	var list []finding.Finding
	if e.watch != nil {
		list = e.watch.Findings(network, func(d *device.Device) device.Kind { return kinds[d] })
	}
	list = append(list, e.departures(r, devices, network)...)
	slices.SortStableFunc(list, func(a, b finding.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	r.found = list
	r.judge(list)
	r.grade()
	return r
}

// onAllCores does each of n small jobs, a few at a time on whichever core is free.
func onAllCores(n, few int, job func(i int)) {
	var (
		next  atomic.Int64
		cores sync.WaitGroup
	)
	for range min(runtime.GOMAXPROCS(0), (n+few-1)/few) {
		cores.Go(func() {
			for from := int(next.Add(int64(few))) - few; from < n; from = int(next.Add(int64(few))) - few {
				for i := from; i < min(from+few, n); i++ {
					job(i)
				}
			}
		})
	}
	cores.Wait()
}

// order sorts devices by their ranks, then by their names. It moves each but once, since they are large.
func order(devices []Device) {
	type place struct {
		rank, from int
		id         string
	}
	places := make([]place, len(devices))
	for i := range devices {
		places[i] = place{rank(&devices[i]), i, devices[i].ID}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.id, b.id), cmp.Compare(a.from, b.from))
	})
	for start := range places { // along each cycle of the permutation
		held, to := devices[start], start
		for places[to].from != start {
			from := places[to].from
			devices[to], places[to].from = devices[from], to
			to = from
		}
		devices[to], places[to].from = held, to
	}
}

// ranks puts the network's own equipment first, what nobody could name last.
var ranks = [...]device.Kind{device.Infrastructure, device.IoT, device.General, device.Unknown}

func rank(d *Device) int { return slices.Index(ranks[:], d.Identity.Kind) }

func describe(k *identify.Knowledge, d *device.Device, n *device.Network, where *country.Table, whole bool) Device {
	observations := append(d.Derived(n, serviceName), d.Observations...)
	out := Device{
		ID: d.ID(), MAC: d.MAC.String(), Randomised: d.Randomised(),
		MACs: []string{}, Addresses: []string{}, Hostnames: append([]string{}, d.Hostnames()...),
		First: instant(d.First), Last: instant(d.Last),
		Identity: k.Identify(identify.Subject{MAC: d.MAC, Randomised: d.Randomised(), Observations: observations}),
		Findings: []string{},
	}
	if out.Identity.Because == nil {
		out.Identity.Because = []device.Reason{}
	}
	for _, m := range d.MACs {
		out.MACs = append(out.MACs, m.String())
	}
	for _, a := range d.Own() {
		if s := a.Addr.Netip().String(); !slices.Contains(out.Addresses, s) {
			out.Addresses = append(out.Addresses, s)
		}
	}
	if device.IsSynthetic(d.MAC) {
		out.MAC, out.MACs, out.Randomised = "", []string{}, false
	}
	out.MUDURL = mudURL(d)
	t := d.Traffic()
	out.Traffic = Traffic{t.Flows, t.OctetsOut, t.OctetsIn, t.PacketsOut, t.PacketsIn}
	out.Peers = peers(d, n, where)
	out.Carries = d.Forwarded.PacketsIn+d.Forwarded.PacketsOut > 0 && d.Gateway
	out.Grade.Evidence = evidence(d, out.Identity.Kind != device.Unknown, whole)
	if d.OtherPeers > 0 {
		out.Others = &Others{d.OtherPeers, d.OtherOctets}
	}
	return out
}

// mudVias are the facts that bring a MUD URL, surest first (RFC 8520 §1.8).
var mudVias = [...]struct{ fact, via string }{
	{"lldp.mud_url", "lldp"}, {"dhcp.mud_url", "dhcpv4"}, {"dhcpv6.mud_url", "dhcpv6"},
}

// peers groups the addresses that a device talks with by name, most octets first.
func peers(d *device.Device, n *device.Network, where *country.Table) []Peer {
	out := make([]Peer, 0, min(len(d.Peers), 16))
	index := make(map[string]int, len(d.Peers))
	for i := range d.Peers {
		p := &d.Peers[i]
		address := p.Addr.Netip().String()
		scope := n.Scope(p.Addr)
		name := peerName(p, n)
		key := name
		if name == "" {
			key = address
		}
		key += " " + scope
		at, ok := index[key]
		if !ok {
			at = len(out)
			index[key] = at
			out = append(out, Peer{Name: name, Addresses: []string{}, Scope: scope, Services: []string{}})
		}
		q := &out[at]
		q.Octets += p.Octets
		if !slices.Contains(q.Addresses, address) {
			q.Addresses = append(q.Addresses, address)
			if c := where.Lookup(p.Addr.Netip()); c != "" && scope == "internet" && !slices.Contains(q.Countries, c) {
				q.Countries = append(q.Countries, c)
			}
		}
		service := device.ServiceName(p.Proto, p.Port)
		if s := serviceName(p.Service); s != "" {
			service += " " + s
		}
		if !slices.Contains(q.Services, service) {
			q.Services = append(q.Services, service)
		}
	}
	for i := range out {
		slices.Sort(out[i].Addresses)
		slices.Sort(out[i].Services)
		slices.Sort(out[i].Countries)
	}
	slices.SortFunc(out, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(b.Octets, a.Octets), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Addresses[0], b.Addresses[0]))
	})
	return out
}

// peerName is what a peer is called: by itself if it is on the network, else by the names that led to it.
func peerName(p *device.Peer, n *device.Network) string {
	if host := n.Host(p.Addr); host != nil {
		if names := host.Hostnames(); len(names) > 0 {
			return names[0]
		}
	}
	for _, name := range p.Names {
		if _, err := netip.ParseAddr(name); err != nil {
			return device.Printable([]byte(name), 253)
		}
	}
	return ""
}

func linkTypes(counts map[frame.LinkType]uint64) []string {
	names := []string{}
	for l := range counts {
		name := l.String()
		if name == "" {
			name = "LINKTYPE_" + strconv.Itoa(int(l))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// instant is a capture time as the contracts write it.
func instant(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
