// Package learn makes a MUD file (RFC 8520) out of what a device was seen to do: the smallest honest one, for devices
// whose maker gives none.
//
// Each conversation becomes an item: who began it, with whom, for what. Names stand for addresses wherever a name led
// there. Items become entries, and are widened only where what was seen shows a pattern: names of one family, ports that
// change each time, peers in the home. The same conversations in any order, in one go or in several, give the same file.
package learn

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Scope is where the other side of a conversation is.
type Scope string

// The scopes.
const (
	Internet  Scope = "internet"
	Local     Scope = "local"   // on a local network, but not the router
	Gateway   Scope = "gateway" // the router
	Multicast Scope = "multicast"
	Broadcast Scope = "broadcast"
)

// Transport protocols, by IP protocol number.
const (
	icmp   = 1
	igmp   = 2
	tcp    = 6
	udp    = 17
	icmpv6 = 58
)

// Conversation is one flow of the device, as it was seen.
type Conversation struct {
	First, Last time.Time  // capture time
	Began       bool       // the device began it
	Answered    bool       // the other side of who began it has sent something
	Proto       uint8      // IP protocol number
	Own         netip.Addr // the device's; looked at by Gather alone
	Peer        netip.Addr
	Scope       Scope
	Names       []string // that led the device to Peer, the one that it asked for last first
	Resolver    bool     // Peer answers DNS queries of the network
	Port        uint16   // the device's, or the ICMP type
	PeerPort    uint16   // the peer's, or the ICMP code
	Packets     uint64
	Flows       uint64 // how many such conversations it stands for; 0 is 1
}

// Bounds of what is learned of one device.
const (
	maxItems     = 4096
	maxAddresses = 8  // of an item that are told
	maxLiterals  = 32 // addresses on the Internet without a name: more look like a scan, or peer to peer
	maxDays      = 31
)

// item is what conversations have in common. It is the key that they are counted under.
type item struct {
	Began    bool   `json:"began"`
	Proto    uint8  `json:"proto"`
	Scope    Scope  `json:"scope"`
	Peer     string `json:"peer"` // a name, or an address; "" where the scope says it all
	Port     uint16 `json:"port"` // of whoever was called, or the ICMP type
	From     uint16 `json:"from,omitempty"`
	Resolver bool   `json:"resolver,omitempty"`
}

// count is how often, and when.
type count struct {
	Flows     uint64       `json:"flows"`
	Packets   uint64       `json:"packets"`
	Answered  uint64       `json:"answered"`
	First     time.Time    `json:"first"`
	Last      time.Time    `json:"last"`
	Days      []string     `json:"days"` // on which it was seen, in UTC; the last of many
	V4        bool         `json:"ipv4,omitempty"`
	V6        bool         `json:"ipv6,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // some of those that a name led to
}

// Learner collects what one device does. The zero value is ready.
type Learner struct {
	Lost  uint64 // conversations of kinds beyond what there is room for
	items map[item]*count
}

// Add takes in a conversation.
func (l *Learner) Add(c *Conversation) {
	k := c.item()
	n := l.items[k]
	if n == nil {
		if len(l.items) >= maxItems {
			l.Lost += max(c.Flows, 1)
			return
		}
		if l.items == nil {
			l.items = map[item]*count{}
		}
		n = &count{}
		l.items[k] = n
	}
	flows := max(c.Flows, 1)
	answered := flows
	if !c.Answered {
		answered = 0
	}
	one := count{
		Flows: flows, Packets: c.Packets, Answered: answered, First: c.First.UTC(), Last: c.Last.UTC(),
		Days: days(c.First, c.Last), V4: c.Peer.Is4(), V6: c.Peer.Is6(),
	}
	if k.Peer != c.Peer.String() {
		one.Addresses = []netip.Addr{c.Peer}
	}
	n.add(&one)
}

// days are those on which a conversation went on.
func days(first, last time.Time) (list []string) {
	for d := last.UTC().Truncate(24 * time.Hour); !d.Before(first.UTC().Truncate(24*time.Hour)) && len(list) < maxDays; d = d.AddDate(0, 0, -1) {
		list = append(list, d.Format(time.DateOnly))
	}
	slices.Reverse(list)
	return list
}

// add joins two counts. It does not matter in which order.
func (n *count) add(m *count) {
	if n.Flows == 0 {
		*n = *m
		n.Days, n.Addresses = slices.Clone(m.Days), slices.Clone(m.Addresses)
		return
	}
	n.Flows, n.Packets, n.Answered = n.Flows+m.Flows, n.Packets+m.Packets, n.Answered+m.Answered
	if m.First.Before(n.First) {
		n.First = m.First
	}
	if m.Last.After(n.Last) {
		n.Last = m.Last
	}
	n.V4, n.V6 = n.V4 || m.V4, n.V6 || m.V6
	n.Days = union(n.Days, m.Days, cmp.Compare[string])
	n.Days = n.Days[max(0, len(n.Days)-maxDays):]
	n.Addresses = union(n.Addresses, m.Addresses, netip.Addr.Compare)
	n.Addresses = n.Addresses[:min(len(n.Addresses), maxAddresses)]
}

// union is all of two sorted lists, sorted, each once.
func union[T comparable](a, b []T, compare func(T, T) int) []T {
	list := slices.Concat(a, b)
	slices.SortFunc(list, compare)
	return slices.Compact(list)
}

// item is what a conversation is counted under.
func (c *Conversation) item() item {
	k := item{Began: c.Began, Proto: c.Proto, Scope: c.Scope}
	switch c.Proto {
	case tcp, udp:
		k.Port = c.PeerPort
		if !c.Began {
			k.Port = c.Port
		}
	case icmp, icmpv6:
		k.Port = c.Port
	}
	switch {
	case c.Scope == Multicast || c.Scope == Broadcast:
		k.Peer = c.Peer.String()
		if !c.Began && (c.Scope == Multicast || c.Scope == Broadcast) {
			k.Peer = "" // what others say to all
		}
	case c.Scope == Local || c.Scope == Gateway:
		k.Scope = Local
		k.Resolver = c.Resolver && c.Began && k.Port == 53
		// an answer to a question that went to all comes from a port that is known, to one that is not
		if c.Proto == udp && !c.Began && !c.Answered && c.Port >= ephemeral && discovery[c.PeerPort] {
			k.Port, k.From = 0, c.PeerPort
		}
	default:
		k.Peer = c.Peer.String()
		if len(c.Names) > 0 {
			if n := strings.ToLower(strings.TrimSuffix(c.Names[0], ".")); len(n) <= 253 && hostName.MatchString(n) && !isAddress(n) {
				k.Peer = n
			}
		}
		k.Resolver = c.Resolver && c.Began && k.Port == 53
		if k.Resolver {
			k.Peer = ""
		}
	}
	return k
}

// ephemeral is the lowest port that systems choose for whoever begins a conversation (RFC 6335 §6 says 49152; Linux
// says 32768, and small systems begin at 1024).
const ephemeral = 1024

// discovery is the ports that answers to a question to all come from: mDNS (RFC 6762 §5.1), SSDP, LLMNR, WS-Discovery, CoAP.
var discovery = map[uint16]bool{5353: true, 1900: true, 5355: true, 3702: true, 5683: true}
