// Package device keeps the inventory of a network: which devices are on it, known by their link-layer identity,
// which addresses are theirs, what was observed of each, and whom each one talks to.
package device

import (
	"hash/maphash"
	"maps"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Bounds on what is kept of one device. What does not fit is counted.
const (
	maxAddresses    = 128 // a phone takes another IPv6 address every day, RFC 8981
	maxUnheard      = 16  // addresses whose first packet nobody answered: whoever forges senders has millions
	maxObservations = 512 // distinct ones
	maxPerFact      = 96  // distinct values of one fact
	maxPeers        = 256
	maxUnanswered   = 64 // peers that never answered: a scanner has millions
	maxPeerNames    = 4
	maxText         = 256 // octets of an observation's value
	maxDetails      = 8
)

// About how many octets of memory the parts of an inventory take.
const (
	deviceSize      = 640
	addressSize     = 128
	observationSize = 224
	peerSize        = 256
	detailSize      = 64
	nameSize        = 32
)

// When memory is short, devices that were seen for less than this, and that nobody answered, make room for others.
const passing = int64(time.Minute)

// Inventory holds the devices of one network. One goroutine owns it.
type Inventory struct {
	Names *Names
	Full  bool // of some devices only a part is known, for want of memory

	refused  sketch // devices that there was no memory for
	hand     int    // of the eviction clock, in order
	futile   int    // requests that are not worth a search
	budget   int    // octets
	used     int
	devices  map[uint64]*Device // by frame.MAC.Uint64
	recent   [64]*Device        // that were asked for lately, in the place of their hash
	order    []*Device
	spare    []*Device // that were forgotten, whose memory serves those that come
	seed     maphash.Seed
	facts    *facts
	prefixes map[netip.Prefix]string // of the LAN, and how each is known
	routers  map[frame.Addr]bool     // addresses that DHCP or a router advertisement name as router
	scratch  []string
	told     []string
}

// NewInventory makes an inventory that takes about budget octets at most.
func NewInventory(budget int) *Inventory {
	return &Inventory{
		Names:    NewNames(budget / 8),
		budget:   budget - budget/8,
		devices:  map[uint64]*Device{},
		seed:     maphash.MakeSeed(),
		facts:    &facts{ids: map[string]uint8{}},
		prefixes: map[netip.Prefix]string{},
		routers:  map[frame.Addr]bool{},
	}
}

// Device is one thing on the network.
type Device struct {
	MAC         frame.MAC // the link-layer identity; see Synthetic
	MACs        []frame.MAC
	First, Last int64 // capture time, ns
	Gateway     bool  // it carries the traffic of others, or says that it does
	Resolver    bool  // it answers DNS queries of others
	DHCPServer  bool
	Advertiser  bool // it sends router advertisements
	Relay       bool // it was seen to send from addresses of other networks

	Addresses    []Address
	Observations []Observation // made by Finish
	Peers        []Peer
	Forwarded    Count  // traffic of others that it carried
	OtherPeers   uint64 // conversations with peers beyond those in Peers
	OtherOctets  uint64 // in them
	Unobserved   uint64 // observations that there was no room for

	used       int   // octets of the inventory's memory
	rest       Count // own traffic that no address has: frames that are not IP, and what there was no memory for
	said       said
	facts      *facts
	perFact    []uint8
	peerIndex  map[peerKey]int32
	unanswered int
	unheard    int  // addresses whose first packet nobody answered
	globals    int  // public addresses among Addresses that were answered and are not known to be its own
	answered   bool // somebody answered it
	router     bool // private addresses spoke with public ones through it
}

// Count is traffic, as the device sent (out) and was sent it (in).
type Count struct {
	Flows                 uint64
	OctetsOut, OctetsIn   uint64
	PacketsOut, PacketsIn uint64
}

func (c *Count) add(o Count) {
	c.Flows += o.Flows
	c.OctetsOut += o.OctetsOut
	c.OctetsIn += o.OctetsIn
	c.PacketsOut += o.PacketsOut
	c.PacketsIn += o.PacketsIn
}

// Synthetic makes an identity for a device of which no link-layer address is known, from its IP address. Its group
// bit is set, which no sender's address has, so that it can't be mistaken for one.
func Synthetic(a frame.Addr) frame.MAC {
	if a.Is4() {
		return frame.MAC{0x0f, 4, a[12], a[13], a[14], a[15]}
	}
	h := uint32(2166136261)
	for _, o := range a[:12] {
		h = (h ^ uint32(o)) * 16777619
	}
	return frame.MAC{0x0f, 6, byte(h), byte(h >> 8), a[14] ^ byte(h>>16), a[15]}
}

// IsSynthetic reports whether an identity was made by Synthetic.
func IsSynthetic(m frame.MAC) bool { return m[0] == 0x0f && (m[1] == 4 || m[1] == 6) }

// Name is how an identity is written: the link-layer address, or where there is none, the IPv4 address that stands for it.
func Name(m frame.MAC) string {
	if IsSynthetic(m) && m[1] == 4 {
		return netip.AddrFrom4([4]byte(m[2:])).String()
	}
	return m.String()
}

// Len is the number of devices.
func (v *Inventory) Len() int { return len(v.order) }

// Evicted is about how many devices there was no memory for.
func (v *Inventory) Evicted() uint64 { return v.refused.count() }

// take gives d n more octets of memory, if need be by forgetting devices that were hardly seen. It reports false when
// there are none.
func (v *Inventory) take(d *Device, n int) bool { return v.room(d, n, v.budget) }

// detail is take for what is known of a device: it leaves a part of the memory to devices that are yet to come, and to
// other devices.
func (v *Inventory) detail(d *Device, n int) bool {
	if d.used+n > v.budget/8 {
		v.Full = true
		return false
	}
	return v.room(d, n, v.budget/8*7)
}

func (v *Inventory) room(d *Device, n, limit int) bool {
	for v.used+n > limit {
		if !v.evict(d) {
			v.Full = true
			return false
		}
	}
	v.used += n
	if d != nil {
		d.used += n
	}
	return true
}

// evict forgets a device other than keep that was seen for a moment only, as those are that a flood of forged
// link-layer addresses makes. It reports false when it finds none nearby.
func (v *Inventory) evict(keep *Device) bool {
	if v.futile > 0 {
		v.futile--
		return false
	}
	for range min(32, len(v.order)) {
		v.hand = (v.hand + 1) % len(v.order)
		d := v.order[v.hand]
		if d == keep || d.answered || d.Gateway || d.DHCPServer || d.Advertiser || d.Last-d.First >= passing {
			continue
		}
		v.refused.add(d.MAC)
		v.used -= d.used
		delete(v.devices, d.MAC.Uint64())
		if r := v.lately(d.MAC); *r == d {
			*r = nil
		}
		last := len(v.order) - 1 // Finish puts them in order again
		v.order[v.hand] = v.order[last]
		v.order[last] = nil
		v.order = v.order[:last]
		v.recycle(d)
		return true
	}
	v.futile = patience
	return false
}

// maxSpare is how many devices are kept to be used again.
const maxSpare = 64

// recycle keeps the memory of a device that is forgotten. Who forges link-layer addresses makes a million of them, and the
// garbage collector, which may have to wait for a processor, would be late.
func (v *Inventory) recycle(d *Device) {
	if len(v.spare) == maxSpare {
		return
	}
	addresses, peers, index := d.Addresses, d.Peers, d.peerIndex
	*d = Device{}
	if cap(addresses) <= 1 && cap(peers) <= 1 { // so that it holds little that it is not counted for
		clear(peers)
		clear(index)
		d.Addresses, d.Peers, d.peerIndex = addresses[:0], peers[:0], index
	}
	v.spare = append(v.spare, d)
}

// blank is a device that nothing is known of yet.
func (v *Inventory) blank() *Device {
	n := len(v.spare)
	if n == 0 {
		return new(Device)
	}
	d := v.spare[n-1]
	v.spare = v.spare[:n-1]
	return d
}

// patience is how many requests go without a search after one that found no device to forget: where all have come to
// stay, searching for each packet of a newcomer would cost more than the packet.
const patience = 64

// lately is where a device with an identity is, if it was asked for lately.
func (v *Inventory) lately(m frame.MAC) **Device {
	return &v.recent[m.Uint64()*0x9e3779b97f4a7c15>>58]
}

// known is the device with an identity, or nil.
func (v *Inventory) known(m frame.MAC) *Device {
	r := v.lately(m)
	if d := *r; d != nil && d.MAC == m {
		return d
	}
	d := v.devices[m.Uint64()]
	if d != nil {
		*r = d
	}
	return d
}

// get is the device with an identity; it begins one for a sender that is new.
func (v *Inventory) get(m frame.MAC, at int64) *Device {
	if d := v.known(m); d != nil {
		d.First, d.Last = min(d.First, at), max(d.Last, at)
		return d
	}
	if m.IsZero() || m.IsGroup() && !IsSynthetic(m) {
		return nil
	}
	if !v.take(nil, deviceSize) {
		v.refused.add(m)
		return nil
	}
	d := v.blank()
	d.MAC, d.First, d.Last, d.used, d.facts = m, at, at, deviceSize, v.facts
	v.devices[m.Uint64()] = d
	v.order = append(v.order, d)
	return d
}

// Clone is a copy of the inventory as it is, for whoever wants to Finish it while the network is watched on.
func (v *Inventory) Clone() *Inventory {
	c := *v
	c.Names = &Names{}
	c.recent = [len(c.recent)]*Device{}
	c.devices, c.spare, c.scratch, c.told = make(map[uint64]*Device, len(v.devices)), nil, nil, nil
	c.order = make([]*Device, len(v.order))
	c.refused.bits = slices.Clone(v.refused.bits)
	c.prefixes, c.routers = maps.Clone(v.prefixes), maps.Clone(v.routers)
	for i, d := range v.order {
		x := *d
		x.MACs, x.Addresses = slices.Clone(d.MACs), slices.Clone(d.Addresses)
		x.Peers = slices.Clone(d.Peers)
		for j := range x.Peers {
			x.Peers[j].Names = slices.Clone(x.Peers[j].Names)
		}
		x.peerIndex = nil
		c.order[i] = &x
		c.devices[d.MAC.Uint64()] = &x
	}
	return &c
}
