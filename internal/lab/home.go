// Package lab plays a described home, packet by packet, so that tests, examples and benchmarks have
// captures whose truth is known. The same description gives the same octets.
//
// A Home says who is there; each device's Script says what it does, in the verbs of Actor; Play gives the
// packets in time order and the truth about them. What is captured is what the router's LAN side sees.
package lab

import (
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/handshake"
)

// Home describes a network and what happens on it.
type Home struct {
	Seed    uint64
	Start   time.Time
	Length  time.Duration
	LAN4    netip.Prefix // the router has the first address
	LAN6    netip.Prefix // a /64; the router has ::1
	Domain  string       // of the LAN, as DHCP tells it
	Router  Device
	Devices []Device
	Servers []Server // the Internet, as far as it matters
}

// Device describes one device. Text that stays empty is not sent.
type Device struct {
	Name     string // by which scripts call it
	Maker    string
	Model    string
	Category string // one of device.Categories
	Kind     device.Kind
	MACs     []frame.MAC // more than one: the addresses it takes in turn
	IPv4     netip.Addr  // its first lease; zero: the router chooses
	IPv6     Addressing
	Prefer6  bool // asks and connects over IPv6 where it can
	Stack    Stack
	DHCP     DHCP
	DHCPv6   *DHCPv6
	Host     string    // the host name that it claims by mDNS, without ".local"
	Services []Service // what it offers by DNS-SD
	UPnP     *UPnP
	LLDP     *LLDP
	Hello    *handshake.Client // how it speaks TLS; nil: as a common library does
	Agent    string            // User-Agent
	Arrives  time.Duration     // after the start of the capture
	Script   func(a *Actor)    // what it does from then on
}

// Addressing says how a device makes its IPv6 addresses.
type Addressing uint8

const (
	NoIPv6  Addressing = iota // has none
	FromMAC                   // modified EUI-64 (RFC 4291)
	Opaque                    // stable, and meaning nothing (RFC 7217)
)

// Stack is how an IP stack shows itself.
type Stack struct {
	Hops   uint8  // time to live of what it sends
	Window uint16 // first TCP window
	Scale  uint8  // TCP window scale; 0: option not sent
	Stamps bool   // TCP timestamps
	SACK   bool   // selective acknowledgement permitted
}

// Server is a host on the Internet.
type Server struct {
	Name     string
	Via      []string // canonical names between Name and the addresses, in order
	IPv4     []netip.Addr
	IPv6     []netip.Addr
	Distance time.Duration // round-trip time from the router
	Newest   uint16        // TLS version; 0: TLS 1.3
	Weak     bool          // has an expired certificate of its own, and TLS 1.0
}

// host is one end of a conversation, as seen on the LAN.
type host struct {
	mac      frame.MAC // of a server: the router's
	v4, v6   netip.Addr
	local    netip.Addr // link-local IPv6
	distance time.Duration
	hops     uint8 // what is left of the time to live when it is captured
	stack    Stack
	id       uint16 // of the last IPv4 datagram
	server   *Server
}

func (h *host) addr(v6 bool) netip.Addr {
	if v6 {
		return h.v6
	}
	return h.v4
}

// source is the generator of random numbers of one party, so that a change to one leaves the others alone.
func (h *Home) source(name string) *rand.Rand {
	f := fnv.New64a()
	f.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Seed, f.Sum64()))
}
