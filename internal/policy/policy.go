// Package policy says what one device may do: a MUD file (RFC 8520), set into the network where the device stands,
// in a form that is matched in a fraction of a microsecond and that can say why. Checking, rehearsing and enforcing
// use it alike. It is pure: no clock and no input or output; time is a parameter.
//
// A conversation is judged by the packet that begins it, by the entries for the direction in which that packet goes:
// the first entry that matches decides, and where none does, the packet is stopped. Answers pass with the
// conversation that they belong to. After the entries of the file come those that every device needs to be on a
// network at all, and the RFC's defaults, local DNS and NTP; an entry of the file that drops comes before them.
package policy

import (
	"fmt"
	"net/netip"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

// Action is what an entry, or a policy, does with a packet. The zero value stops it.
type Action uint8

// The actions. A reject of RFC 8519 is a drop (RFC 8520 §8.2 permits that).
const (
	Drop Action = iota
	Accept
)

// String is the word in JSON.
func (a Action) String() string { return [...]string{"drop", "accept"}[a] }

// MarshalText writes the word.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Direction is that of a packet, as seen from the device.
type Direction uint8

// The directions, which index arrays.
const (
	FromDevice Direction = iota
	ToDevice
)

// String is the word of RFC 8520.
func (d Direction) String() string { return [...]string{"from-device", "to-device"}[d] }

// MarshalText writes the word.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the word.
func (d *Direction) UnmarshalText(b []byte) error {
	for _, x := range []Direction{FromDevice, ToDevice} {
		if x.String() == string(b) {
			*d = x
			return nil
		}
	}
	return fmt.Errorf("direction %.20q is neither from-device nor to-device", b)
}

// Origin is where an entry comes from.
type Origin uint8

// The origins: the MUD file, and the defaults that follow it.
const (
	Declared  Origin = iota
	Joining          // DHCP, neighbour discovery, group membership: to be on a network at all
	LocalDNS         // RFC 8520 §4: permitted unless the file drops it
	LocalNTP         // likewise
	Principle        // no entry: whatever is not permitted is stopped
)

// String is the word in JSON and in the keys of messages.
func (o Origin) String() string {
	return [...]string{"declared", "joining", "dns", "ntp", "default"}[o]
}

// MarshalText writes the word.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Any is an entry's protocol, ICMP type or code that is not restricted.
const Any = -1

// Class is how an entry tells who the other end is.
type Class string

// The classes of RFC 8520 §8, and the plain ways of RFC 8519.
const (
	Anyone           Class = ""
	Network          Class = "network" // addresses; Peer.Value is the prefix
	Named            Class = "name"    // a DNS name
	LinkAddress      Class = "link"    // a link-layer address
	LocalNetworks    Class = "local-networks"
	SameManufacturer Class = "same-manufacturer"
	Manufacturer     Class = "manufacturer"  // Value is the authority of the MUD URL
	Model            Class = "model"         // Value is the whole MUD URL
	Controller       Class = "controller"    // Value is a URI
	MyController     Class = "my-controller" //
	Resolvers        Class = "resolvers"     // of the defaults
	TimeServers      Class = "time-servers"  // of the defaults
	Groups           Class = "groups"        // multicast groups, of the defaults
)

// Peer is one thing that an entry says of the other end. An entry may say several, and all must hold.
type Peer struct {
	Class Class  `json:"class"`
	Value string `json:"value,omitempty"`
}

// Entry is one entry of an access control list, set into its network.
type Entry struct {
	ACL, Name string // as in the file: a stranger's text; "" where Origin is not Declared
	Origin    Origin
	Direction Direction
	Action    Action
	Family    uint8            // 4 or 6; 0: either
	Proto     int16            // IP protocol number, or Any
	PeerPorts []mud.PortRange  // nil: any
	OwnPorts  []mud.PortRange  // of the device; nil: any
	ICMPType  int16            // or Any
	ICMPCode  int16            // or Any
	Fields    []Field          // what else the header must hold
	OwnNet    netip.Prefix     // the device's own address; not valid: any
	TLS       []mud.TLSProfile // RFC 9761: the hello is restricted too, which no first packet shows

	Peers    []Peer         // what the file says of the other end: all of it must hold; empty: anyone
	Open     bool           // the other end may have any address of the family
	Follows  string         // else, the DNS name that leads to its addresses: lower case, maybe with "*." before; or ""
	Prefixes []netip.Prefix // else, its addresses, sorted and apart; with a name, those that the name is held to, nil: any

	// Answers: the entry speaks of answers alone, and lets nobody begin a conversation.
	Answers bool
	// Unknown: the file demands what cannot be seen here. Such an entry accepts nothing; one that drops, drops
	// whatever the rest of it matches.
	Unknown bool
	// Never: no packet can match, for the parts of the entry contradict each other or nothing of the kind is here.
	Never bool
}

// begins reports whether the entry can match the packet that begins a conversation.
func (e *Entry) begins() bool { return !e.Never && !e.Answers && (!e.Unknown || e.Action == Drop) }

// Decision is what a policy says of a packet. The zero value stops it.
type Decision struct {
	Action Action
	Reply  bool  // it belongs to a conversation that was allowed
	Entry  int32 // the number of the entry that decided, counting from 1; 0: none did
}

// Policy is what one device may do. Any number of goroutines may call Decide, but not while another one calls Learn.
type Policy struct {
	Device  frame.MAC
	URL     string // the MUD URL
	Entries []Entry
	Own     []netip.Addr // the device's addresses

	rules  []rule            // of the entries, for Decide
	order  [2][kinds][]int32 // by direction and kind of protocol: the entries that can begin a conversation
	peers  table
	follow followers
}

// Beginning are the entries of a direction that can match the packet that begins a conversation, in order.
func (p *Policy) Beginning(d Direction) []*Entry {
	var list []*Entry
	for i := range p.Entries {
		if e := &p.Entries[i]; e.Direction == d && e.begins() {
			list = append(list, e)
		}
	}
	return list
}

// Number is that of one of the policy's entries, counting from 1; 0 for an entry of another one.
func (p *Policy) Number(e *Entry) int {
	for i := range p.Entries {
		if &p.Entries[i] == e {
			return i + 1
		}
	}
	return 0
}
