package learn

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// entry is what one entry of the file, or the pair of both directions, is made of.
type entry struct {
	item
	ports portRange // instead of item.Port
	count
}

// Why something that was seen is not in the file.
const (
	sweep    = "sweep"    // many addresses that were tried and hardly answered: a scan must not become a right
	nameless = "nameless" // very many addresses on the Internet to which no name led: peer to peer, or worse
)

// LeftOut is something that was seen and is not in the file.
type LeftOut struct {
	Why     string    `json:"why"`     // sweep or nameless
	Service string    `json:"service"` // such as tcp/23
	Flows   uint64    `json:"flows"`
	Peers   int       `json:"peers"` // addresses, at least
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// entries are the entries of the file, in its order, and what is left out.
func (l *Learner) entries() (list []entry, out []LeftOut) {
	pattern := families(l.names())
	skip := l.suspicious(&out)
	type group struct {
		item
		ports map[uint16]*count
	}
	groups := map[item]*group{}
	for _, k := range l.sorted() {
		if k.tried() && skip[k.service()] {
			continue
		}
		g := k
		g.Port = 0
		if p, ok := pattern[k.Peer]; ok {
			g.Peer = p
		} else if solicited(k.Peer) {
			g.Peer = solicitedNodes.String()
		}
		if groups[g] == nil {
			groups[g] = &group{g, map[uint16]*count{}}
		}
		n := groups[g].ports[k.Port]
		if n == nil {
			n = &count{}
			groups[g].ports[k.Port] = n
		}
		n.add(l.items[k])
	}
	for _, g := range groups {
		ports := slices.Collect(maps.Keys(g.ports))
		joined := ranges(ports, g.Scope == Broadcast || g.Scope == Local && g.Began)
		if g.Proto != tcp && g.Proto != udp {
			joined = joined[:0]
			for _, p := range ports {
				joined = append(joined, portRange{p, p})
			}
		}
		for _, r := range joined {
			e := entry{item: g.item, ports: r}
			for p, n := range g.ports {
				if p >= r.low && p <= r.high {
					e.count.add(n)
				}
			}
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Or(-compareBool(a.Began, b.Began), cmp.Compare(a.Scope, b.Scope), compareNames(a.Peer, b.Peer), cmp.Compare(a.Proto, b.Proto),
			cmp.Compare(a.ports.low, b.ports.low), cmp.Compare(a.From, b.From), compareBool(a.Resolver, b.Resolver))
	})
	return list, out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareNames puts names of one domain beside each other.
func compareNames(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	if isAddress(a) || isAddress(b) {
		return cmp.Compare(a, b)
	}
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

func (l *Learner) sorted() []item {
	return slices.SortedFunc(maps.Keys(l.items), func(a, b item) int {
		return cmp.Or(compareBool(a.Began, b.Began), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Proto, b.Proto),
			cmp.Compare(a.Port, b.Port), cmp.Compare(a.From, b.From), compareBool(a.Resolver, b.Resolver))
	})
}

// names are those that the device asked for.
func (l *Learner) names() (list []string) {
	for k := range l.items {
		if k.Scope == Internet && k.Peer != "" && !isAddress(k.Peer) {
			list = append(list, k.Peer)
		}
	}
	return list
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// service is what is tried at many addresses.
type service struct {
	began bool
	proto uint8
	scope Scope
	port  uint16
}

func (k item) service() service { return service{k.Began, k.Proto, k.Scope, k.Port} }

// tried reports whether an item may be part of a sweep: nothing led there but the address.
func (k item) tried() bool {
	return (k.Scope == Local || k.Scope == Internet && isAddress(k.Peer)) && !k.Resolver && k.From == 0
}

// How many addresses, hardly answered, are a sweep.
const (
	sweepAddresses = 8
	sweepAnswered  = 5 // one in so many, or more, is no sweep
)

// suspicious finds the services that the device tried at many addresses to which no name led it. What such a device
// does may be done by somebody else through it, and must not become a right of it.
func (l *Learner) suspicious(out *[]LeftOut) map[service]bool {
	type total struct {
		count
		peers int
	}
	totals := map[service]*total{}
	for k, n := range l.items {
		if !k.tried() {
			continue
		}
		s := k.service()
		if totals[s] == nil {
			totals[s] = &total{}
		}
		totals[s].count.add(n)
		totals[s].peers++
		if k.Scope == Local {
			totals[s].peers = len(n.Addresses)
		}
	}
	skip := map[service]bool{}
	for s, t := range totals {
		why := ""
		switch {
		case t.peers >= sweepAddresses && t.Answered*sweepAnswered < t.Flows:
			why = sweep
		case s.scope == Internet && t.peers > maxLiterals:
			why = nameless
		default:
			continue
		}
		skip[s] = true
		*out = append(*out, LeftOut{why, fmt.Sprintf("%s/%d", protoName(s.proto), s.port), t.Flows, t.peers, t.First, t.Last})
	}
	slices.SortFunc(*out, func(a, b LeftOut) int { return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(a.Service, b.Service)) })
	return skip
}

// solicitedNodes are the groups by which IPv6 asks who has an address (RFC 4291 §2.7.1): another for each neighbour.
var solicitedNodes = netip.MustParsePrefix("ff02::1:ff00:0/104")

func solicited(peer string) bool {
	a, err := netip.ParseAddr(peer)
	return err == nil && solicitedNodes.Contains(a)
}

func protoName(p uint8) string {
	switch p {
	case tcp:
		return "tcp"
	case udp:
		return "udp"
	case icmp:
		return "icmp"
	case icmpv6:
		return "icmpv6"
	case igmp:
		return "igmp"
	}
	return fmt.Sprintf("ip-%d", p)
}
