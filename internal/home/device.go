// Package home is the gateway of a household: it watches the devices of a network, explains what they do, and holds
// each to what its maker, or its household, says that it may do.
//
// What a person decides is kept before it is acknowledged, and can be undone. What the network does with each device is
// derived from that alone, so that after any crash it is made the same again.
package home

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

// Mode is what the gateway may do to the network.
type Mode string

// The modes.
const (
	Watch Mode = "watch" // sees and explains, and touches nothing
	Hold  Mode = "hold"  // enforces
)

// Admission is the answer to the question that a new device raises.
type Admission string

// The answers.
const (
	Full       Admission = "full"        // it may go wherever it likes
	DeviceOnly Admission = "device-only" // it may do what such a device is for, and no more
	None       Admission = "none"        // it may go nowhere
)

// State is what is being done about a device.
type State string

// The states. In watch mode none of them has an effect.
const (
	Free        State = "free"        // not held
	Learning    State = "learning"    // to be held, and nobody knows yet to what
	Rehearsing  State = "rehearsing"  // to be held soon: what would be stopped is counted
	Held        State = "held"        // held to its file
	Quarantined State = "quarantined" // cut off, but for what it needs to be repaired
	Refused     State = "refused"     // let nowhere
)

// States are all of them, from the least that is stopped to the most.
var States = []State{Free, Learning, Rehearsing, Held, Quarantined, Refused}

// Device is one thing in the home. Its ID stays when its link-layer address changes.
type Device struct {
	ID        string      `json:"id"`
	MACs      []frame.MAC `json:"macs"` // the one in use first
	Name      string      `json:"name"` // that the household gave it; "" is none
	Room      string      `json:"room"`
	Hostnames []string    `json:"hostnames"` // that it gives itself

	Identity  device.Identity `json:"identity"`
	Corrected *Correction     `json:"corrected,omitempty"` // by the household, who knows better
	Care      *Care           `json:"care,omitempty"`      // what the household notes of it

	Addresses []netip.Addr `json:"addresses"` // bound to it now
	First     time.Time    `json:"first"`
	Last      time.Time    `json:"last"`
	MUD       []MUDURL     `json:"mud"` // that it, or somebody, says; the most trusted first
	Leases    []Lease      `json:"leases,omitempty"`
	Offer     *Offer       `json:"offer,omitempty"` // a file that it could be held to, if the household says so
	Label     *Label       `json:"label,omitempty"` // what is known of LabelFile

	Parts []*Device `json:"parts,omitempty"` // the devices that somebody said are this one, as they were then, the one of its ID first; none: nobody did
	Apart []string  `json:"apart,omitempty"` // IDs of devices that somebody said are others

	Stance
}

// Correction is what the household says that a device is.
type Correction struct {
	Kind     device.Kind `json:"kind"`
	Maker    string      `json:"maker"`
	Model    string      `json:"model"`
	Category string      `json:"category"`
}

// MUDURL is where the file of a device is said to be.
type MUDURL struct {
	URL string    `json:"url"`
	Via string    `json:"via"` // operator, label, lldp, dhcpv4, dhcpv6; see vias
	At  time.Time `json:"at"`
}

// vias are the ways to learn a MUD URL, the most trusted first. What the network says, any malware on the device can
// say too (RFC 8520 §16.1).
var vias = []string{"operator", "label", "lldp", "dhcpv4", "dhcpv6"}

// Stance is what was decided about a device. It is all that enforcement goes by.
type Stance struct {
	Admission Admission `json:"admission"` // "" until somebody answers: the default of its kind holds
	State     State     `json:"state"`
	Since     time.Time `json:"since"`               // of State
	Until     time.Time `json:"until,omitzero"`      // when Rehearsing ends, or being Quarantined; zero: when a person says so
	File      string    `json:"file,omitempty"`      // SHA-256 of the MUD file that it is, or is to be, held to
	URL       string    `json:"url,omitempty"`       // where its file comes from: its MUD URL that was accepted
	Left      []string  `json:"left,omitempty"`      // those that it had before
	Reason    string    `json:"reason,omitempty"`    // finding, or the words of a person, why it is Quarantined
	Confirmed bool      `json:"confirmed,omitempty"` // somebody said yes to the quarantine
	Was       State     `json:"was,omitempty"`       // before it was Quarantined
	Retest    Retest    `json:"retest,omitzero"`     // since it was let back from quarantine

	Exceptions  []Exception  `json:"exceptions,omitempty"`  // what the household lets it do beside its file
	Controllers []Controller `json:"controllers,omitempty"` // that the household named

	LabelFile   string      `json:"label_file,omitempty"`   // SHA-256 of its label: a File of the origin OfLabel
	LabelAction LabelAction `json:"label_action,omitempty"` // for this device; "": as for all
}

// Offer is a file that a device could be held to. Nobody is held to it before a person accepts it.
type Offer struct {
	File   string    `json:"file"`   // its SHA-256
	Origin string    `json:"origin"` // maker or learned
	At     time.Time `json:"at"`
	// Why the file of a maker is not taken as it comes: unsigned, refused, waiting (for the clock), or grows: it allows
	// more. Of one that was learned, how sure it is that it is all: not-yet, somewhat or quite.
	Why     string `json:"why"`
	Flows   uint64 `json:"flows"`   // that are remembered, which it was rehearsed over
	Stopped uint64 `json:"stopped"` // of them
}

// The origins of files.
const (
	Maker   = "maker"
	Learned = "learned"
)

// Offers is the file that is offered, if the device is to be held, and not to that one already; else nil.
func (d *Device) Offers() *Offer {
	if d.Offer == nil || d.Offer.File == d.File || d.State == Free || d.State == Refused {
		return nil
	}
	return d.Offer
}

// Waits is the MUD URL that the device says now, if that is not the one that was accepted and somebody must say whether it
// is to be; else "".
func (d *Device) Waits() string {
	if u := d.MUDURL(); d.Stance.URL != "" && u != "" && u != d.Stance.URL {
		return u
	}
	return ""
}

// Vouched reports whether a person says where the file of the device is.
func (d *Device) Vouched() bool {
	return len(d.MUD) > 0 && (d.MUD[0].Via == "operator" || d.MUD[0].Via == "label")
}

// Kind is what sort of thing a device is, by the household’s word or else by what was seen.
func (d *Device) Kind() device.Kind {
	if c := d.Corrected; c != nil && c.Kind != "" { // asked everywhere: no copy of it
		return c.Kind
	}
	return d.Identity.Kind
}

// Is is what a device is, by the household’s word where it gave one, or else by what was seen.
func (d *Device) Is() device.Identity {
	id := d.Identity
	if c := d.Correction(); c != (Correction{}) {
		id.Kind, id.Maker, id.Model, id.Category = cmp.Or(c.Kind, id.Kind), cmp.Or(c.Maker, id.Maker), cmp.Or(c.Model, id.Model), cmp.Or(c.Category, id.Category)
		if c.Kind != "" && c.Category != "" {
			id.Confidence = 1
		}
	}
	return id
}

// Default is the admission that holds until somebody answers: a thing with one purpose is held to it, and what people
// use for everything is not.
func (d *Device) Default() Admission {
	if d.Kind() == device.IoT {
		return DeviceOnly
	}
	return Full
}

// Admitted is the admission in force.
func (d *Device) Admitted() Admission {
	if d.Admission != "" {
		return d.Admission
	}
	return d.Default()
}

// Title is what to call a device.
func (d *Device) Title() string {
	switch {
	case d.Name != "":
		return d.Name
	case len(d.Hostnames) > 0:
		return d.Hostnames[0]
	case len(d.MACs) > 0:
		return d.MACs[0].String()
	}
	return d.ID
}

// Says notes where the file of a device is said to be. It reports whether that is news.
func (d *Device) Says(u MUDURL) bool {
	i := slices.IndexFunc(d.MUD, func(m MUDURL) bool { return m.Via == u.Via })
	if i >= 0 && d.MUD[i].URL == u.URL {
		return false
	}
	if i >= 0 {
		d.MUD[i] = u
		return true
	}
	d.MUD = append(d.MUD, u)
	slices.SortFunc(d.MUD, func(a, b MUDURL) int { return slices.Index(vias, a.Via) - slices.Index(vias, b.Via) })
	return true
}

// MUDURL is the MUD URL that counts: the most trusted, or "".
func (d *Device) MUDURL() string {
	if len(d.MUD) == 0 {
		return ""
	}
	return d.MUD[0].URL
}
