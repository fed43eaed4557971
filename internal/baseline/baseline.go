// Package baseline keeps what is normal for each device of a network from one run to the next: whom it talks to, by
// which services, how much, and at which hours. What was not seen for long counts less and less, and is forgotten
// after 64 days.
//
// All that is kept is in which hours something was seen, and how much was moved in them: so it makes no difference in
// which order and in how many runs captures are learned. Only of a conversation that goes on for hours, from one capture
// to the next, the octets are spread over them in another way. Captures are known by their time: what began within the
// span of one that was learned is not learned again. Two views of one network at the same time are therefore to be
// learned in one run.
package baseline

import (
	"cmp"
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/psl"
)

// Bounds on what is kept. Beyond them, what counts least is forgotten: see weight.
const (
	maxDevices      = 256
	maxDestinations = 128 // of a device
	maxServices     = 32  // of a destination, and that a device offers
	maxAddresses    = 32  // of a destination
	maxMACs         = 16  // of a device
	maxClaims       = 8   // of a device
	maxSpans        = 512
	maxDays         = 64 // that anything is remembered
)

// familyNames is how many names of one registrable domain make a family, which then stands for all names of it: the
// names of content networks and of telemetry have no end.
const familyNames = 4

// HalfLife is after how long what was seen counts half, if not told otherwise: two weeks, so that a holiday
// does not make a device strange, and what was given up in spring does not explain summer.
const HalfLife = 14 * 24 * time.Hour

// Baseline is what is normal. The zero value knows nothing.
type Baseline struct {
	Spans   []Span    `json:"spans"` // of captures that were learned, in order, apart
	Devices []*Device `json:"devices"`

	half   time.Duration // 0: HalfLife
	byMAC  map[string]*Device
	claims map[string]*Device
}

// Span is from when to when a capture lasted, capture time in ns.
type Span struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// Device is what is normal for one device.
type Device struct {
	MACs         []string       `json:"macs"`
	Claims       []string       `json:"claims,omitempty"` // what it alone says, under whichever randomised address
	Seen         Days           `json:"seen"`
	Destinations []*Destination `json:"destinations"`
	Serves       []*Service     `json:"serves,omitempty"` // what it answers
	Volume       []Volume       `json:"volume,omitempty"` // by day, in order
}

// Destination is whom a device talks to: a name, a family of names (*.example.com), the network of an address without a
// name (/24, IPv6 /48), or "lan" for the devices of its own network.
type Destination struct {
	Name      string     `json:"name"`
	Seen      Days       `json:"seen"`
	Addresses []string   `json:"addresses,omitempty"`
	Services  []*Service `json:"services"`
}

// Service is one that is used or offered.
type Service struct {
	Name     string `json:"name"`               // such as tcp/443; udp/dynamic for the ports that are nobody's (RFC 6335, Section 6)
	Protocol string `json:"protocol,omitempty"` // that was recognised
	Seen     Days   `json:"seen"`
}

// Volume is the octets of a day, both ways, by hour of the day in UTC.
type Volume struct {
	Day   int32      `json:"day"` // since the epoch
	Hours [24]uint64 `json:"hours"`
}

// Days are the days on which something was seen, in order.
type Days []Day

// Day is the hours of a day in which something was seen.
type Day struct {
	Day   int32  `json:"day"`   // since the epoch
	Hours uint32 `json:"hours"` // a bit for each, in UTC, from midnight on
}

// add takes hours of a day.
func (d *Days) add(day int32, hours uint32) {
	i, ok := slices.BinarySearchFunc(*d, day, func(x Day, day int32) int { return cmp.Compare(x.Day, day) })
	if !ok {
		*d = slices.Insert(*d, i, Day{Day: day})
	}
	(*d)[i].Hours |= hours
	if n := len(*d) - maxDays; n > 0 {
		*d = slices.Delete(*d, 0, n)
	}
}

func (d *Days) merge(o Days) {
	for _, x := range o {
		d.add(x.Day, x.Hours)
	}
}

// last is the latest day, 0 if there is none.
func (d Days) last() int32 {
	if len(d) == 0 {
		return 0
	}
	return d[len(d)-1].Day
}

// count is on how many days, and in how many hours, of the last 64 days before a day.
func (d Days) count(day int32) (days, hours int) {
	for _, x := range d {
		if day-x.Day < maxDays {
			days++
			hours += bits.OnesCount32(x.Hours)
		}
	}
	return days, hours
}

// weight is what the days count together on a day: each 1, and half as much for each half-life that went by.
func (d Days) weight(day int32, half time.Duration) (sum float64) {
	for _, x := range d {
		if age := day - x.Day; age < maxDays {
			sum += decay(age, half)
		}
	}
	return sum
}

func decay(age int32, half time.Duration) float64 {
	return math.Exp2(-float64(max(age, 0)) * 24 / half.Hours())
}

const day = int64(24 * time.Hour)

// dayOf is the day of a capture time.
func dayOf(at int64) int32 { return int32(at / day) }

// SetHalfLife says after how long what was seen counts half.
func (b *Baseline) SetHalfLife(d time.Duration) { b.half = d }

func (b *Baseline) halfLife() time.Duration { return cmp.Or(b.half, HalfLife) }

// Empty reports whether nothing was learned.
func (b *Baseline) Empty() bool { return b == nil || len(b.Devices) == 0 }

// Covers reports whether what began at a time was learned already.
func (b *Baseline) Covers(at int64) bool {
	i, _ := slices.BinarySearchFunc(b.Spans, at, func(s Span, at int64) int { return cmp.Compare(s.Last, at) })
	return i < len(b.Spans) && b.Spans[i].First <= at
}

// Device is what is known of the device with a link-layer address, or nil.
func (b *Baseline) Device(mac string) *Device {
	if b == nil {
		return nil
	}
	return b.byMAC[mac]
}

// reindex makes devices be found.
func (b *Baseline) reindex() {
	b.byMAC, b.claims = map[string]*Device{}, map[string]*Device{}
	for _, d := range b.Devices {
		for _, m := range d.MACs {
			b.byMAC[m] = d
		}
		for _, c := range d.Claims {
			b.claims[c] = d
		}
	}
}

// Sight is one conversation that a device began.
type Sight struct {
	Name     string     // that led to the other end, or ""
	Addr     netip.Addr // of the other end
	LAN      bool       // which is on the same network
	Proto    string     // tcp, udp …
	Port     uint16
	Protocol string // that was recognised, or ""
	Octets   uint64 // both ways
	First    int64  // capture time, ns
	Last     int64
}

const dynamic = 49152 // where the ports begin that are nobody's

// service is how a service is kept.
func service(proto string, port uint16) string {
	if port >= dynamic {
		return proto + "/dynamic"
	}
	var digits [5]byte
	i := len(digits)
	for {
		i--
		digits[i] = '0' + byte(port%10)
		if port /= 10; port == 0 {
			break
		}
	}
	return proto + "/" + string(digits[i:])
}

// network is what stands for an address without a name.
func network(a netip.Addr) netip.Prefix {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // of fitting length
	return p
}

// destination is the name under which the other end of a conversation is kept.
func (s *Sight) destination() string {
	switch {
	case s.LAN:
		return "lan"
	case s.Name != "":
		return strings.ToLower(s.Name)
	}
	return s.Addr.String() // until it is known that it has no name
}

// Novelty is what is new about a conversation.
type Novelty struct {
	Destination bool    // nobody whom the device talked to before
	Kin         bool    // but a name of the same registrable domain is known
	Service     bool    // a service that it used with nobody before
	Hour        bool    // an hour of the day in which it never talked, though it was seen on several days
	Sure        float64 // in [0,1]: how likely it is that what is new would have been seen before, had it been normal
	Days        int     // on which the device was seen before
	Hours       int     // in which it was seen to talk to somebody before, once for each destination
}

// New reports whether anything but the hour is new.
func (n *Novelty) New() bool { return n.Destination || n.Service }

// quiet is on how many days a device must have been seen before an hour is said to be unusual.
const quiet = 7

// Judge says what is new about a conversation of the device with a link-layer address. ok is false for a device that is
// not known, of which nothing can be said.
func (b *Baseline) Judge(mac string, s *Sight) (n Novelty, ok bool) {
	d := b.Device(mac)
	if d == nil {
		return n, false
	}
	if s.First < 0 {
		return n, false
	}
	today := dayOf(s.First)
	name, kin := s.destination(), ""
	if s.Name != "" && !s.LAN {
		kin = psl.Domain(name)
	}
	svc := service(s.Proto, s.Port)
	n.Destination, n.Service = true, true
	once := 0
	var where netip.Prefix
	if s.Name == "" && !s.LAN {
		where = network(s.Addr)
	}
	for _, x := range d.Destinations {
		days, hours := x.Seen.count(today)
		if days == 0 {
			continue
		}
		n.Hours += hours
		if hours == 1 {
			once++
		}
		if x.Name == name || where.IsValid() && x.holds(where) || kin != "" && x.Name == "*."+kin {
			n.Destination = false
		} else if kin != "" && (x.Name == kin || strings.HasSuffix(x.Name, "."+kin)) {
			n.Kin = true
		}
		for _, v := range x.Services {
			if days, _ := v.Seen.count(today); v.Name == svc && days > 0 {
				n.Service = false
			}
		}
	}
	n.Days, _ = d.Seen.count(today)
	if n.Hours == 0 {
		return n, false
	}
	// How much of what is normal was seen: one less the share of what was seen once (Good, 1953). And a single day
	// tells little of the others.
	n.Sure = (1 - float64(once)/float64(n.Hours)) * float64(n.Days) / float64(n.Days+1)
	n.Hour = n.Days >= quiet && b.usual(d, hourOf(s.First), today) == 0
	return n, true
}

// holds reports whether one of a destination's addresses is of a network.
func (x *Destination) holds(net netip.Prefix) bool {
	return slices.ContainsFunc(x.Addresses, func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && net.Contains(a)
	})
}

func hourOf(at int64) int { return int(at / int64(time.Hour) % 24) }

// usual is how much a device moves in an hour of the day, octets: the mean of the days, of which each counts less the
// longer it is ago.
func (b *Baseline) usual(d *Device, hour int, today int32) float64 {
	sum, weights := 0.0, 0.0
	for i := range d.Volume {
		if v := &d.Volume[i]; today-v.Day < maxDays {
			w := decay(today-v.Day, b.halfLife())
			sum += w * float64(v.Hours[hour])
			weights += w
		}
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}

// Usual is how much the device with a link-layer address moves in the hour of the day of a time, octets; ok is false
// where nothing is known.
func (b *Baseline) Usual(mac string, at int64) (octets float64, ok bool) {
	d := b.Device(mac)
	if d == nil || len(d.Volume) == 0 || at < 0 {
		return 0, false
	}
	return b.usual(d, hourOf(at), dayOf(at)), true
}
