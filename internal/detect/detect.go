// Package detect watches what goes by and raises findings: signs of attack, and norms that are broken.
//
// Each detector is a file of its own, and watches for one thing. It sees steps in the life of flows (Event), flows that
// ended (Flow) and what protocols said (Fact), all in the order of the packets, with the capture time as its only
// clock: so a file and a live wire give the same, on any number of cores. To write one:
//
//   - Write a constructor, func newThing(w *Watch) Detector, that makes the state and returns the functions that are to
//     be called; those that are nil are not. State is bounded: use Table, which forgets what was quiet longest.
//   - Name its thresholds in a []Threshold, each with unit, default and reason, and read them once, in the
//     constructor, with w.Threshold.
//   - Add a row to the table of detectors, below.
//   - When it sees something, call w.Raise with a Sighting, and keep the Record that it returns to add to it what comes
//     later. Say who does it and who suffers it by link-layer and IP address, as in the packet. Who of them is a device
//     of the network is decided when findings are read, for only then it is known; see Sighting.
//   - Test it on a played attack and on what merely looks like one.
//
// The detector of horizontal scans, in horizontal.go, is an example of all this.
package detect

import (
	"slices"

	"plimsoll.example/plimsoll/internal/baseline"
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/indicator"
)

// detectors is the table of all detectors.
func detectors() []row {
	return []row{
		{newBeacons, beaconThresholds},
		{newBypass, nil},
		{newCertificate, certificateThresholds},
		{newCollision, collisionThresholds},
		{newContent, contentThresholds},
		{newCredentials, nil},
		{newDHCPFlood, dhcpFloodThresholds},
		{newDNSTunnel, tunnelThresholds},
		{newEchoes, echoThresholds},
		{newExposed, nil},
		{newFirmware, firmwareThresholds},
		{newFloods, floodThresholds},
		{newForgers, forgeThresholds},
		{newGenerated, generatedThresholds},
		{newGuesses, guessThresholds},
		{newHorizontal, horizontalThresholds},
		{newIndicators, indicatorThresholds},
		{newLegacy, nil},
		{newMiners, nil},
		{newNeighbours, neighbourThresholds},
		{newNewDestination, newDestinationThresholds},
		{newPortmap, nil},
		{newReflect, reflectThresholds},
		{newSpoofARP, spoofARPThresholds},
		{newSpoofRouter, spoofRouterThresholds},
		{newVertical, verticalThresholds},
		{newWeak, nil},
	}
}

type row struct {
	make       func(*Watch) Detector
	thresholds []Threshold
}

// Detector is what watches. A function that is nil is not called. What they are given is valid during the call.
type Detector struct {
	Event  func(*Event)
	Steps  []Step // that Event is called for; nil: all
	Ended  func(*Flow)
	Fact   func(*Fact)
	Facts  []string // names of the facts that Fact is called for; of messages that are repeated, ARP's alone
	Finish func()   // the capture has ended
}

// Config says how to watch.
type Config struct {
	Off        bool               // nothing is watched for
	Thresholds map[string]float64 // by name; the others have their defaults
	Indicators *indicator.Set     // what is on lists; nil: nothing
	Baseline   *baseline.Baseline // what was normal before; it and Learner are set together, or not at all
	Learner    *baseline.Learner  // takes what is seen
	// OnFinding, if set, is called when a finding is first raised, about the device that it is about as far as is known
	// then. It runs between the packets, so it must be short.
	OnFinding func(f *finding.Finding, d *device.Device)
}

// Watch is what the detectors have in common: the thresholds, the findings, and the names of things.
type Watch struct {
	cfg       Config
	inventory *device.Inventory
	detectors []Detector
	facts     map[string]Audience
	events    [Closed + 1][]func(*Event)
	ended     []func(*Flow)
	records   records
	now       int64 // capture time of the latest packet, ns
}

// New begins to watch a network. The inventory is the one that is kept of it.
func New(cfg Config, inventory *device.Inventory) *Watch {
	w := &Watch{cfg: cfg, inventory: inventory, facts: map[string]Audience{}}
	w.records.index, w.records.ofKind = map[recordKey]*Record{}, map[finding.Kind]int{}
	for _, row := range detectors() {
		d := row.make(w)
		w.detectors = append(w.detectors, d)
		for _, name := range d.Facts {
			w.facts[name] = append(w.facts[name], d.Fact)
		}
		if d.Event != nil {
			for s := range Closed + 1 {
				if d.Steps == nil || slices.Contains(d.Steps, s) {
					w.events[s] = append(w.events[s], d.Event)
				}
			}
		}
		if d.Ended != nil {
			w.ended = append(w.ended, d.Ended)
		}
	}
	return w
}

// Event shows a step of a flow to the detectors.
func (w *Watch) Event(e *Event) {
	w.now = max(w.now, e.Time)
	for _, f := range w.events[e.Step] {
		f(e)
	}
}

// Ended shows a flow that ended.
func (w *Watch) Ended(f *Flow) {
	for _, g := range w.ended {
		g(f)
	}
}

// Wants is whom to show facts of the name to, or nil.
func (w *Watch) Wants(name string) Audience { return w.facts[name] }

// Audience is detectors that ask for facts of one name.
type Audience []func(*Fact)

// Fact shows a fact to those who ask for its name.
func (w *Watch) Fact(f *Fact, to Audience) {
	w.now = max(w.now, f.Time)
	for _, g := range to {
		g(f)
	}
}

// Finish says that the capture has ended, before Findings.
func (w *Watch) Finish() {
	for _, d := range w.detectors {
		if d.Finish != nil {
			d.Finish()
		}
	}
}

// Now is the capture time of the latest packet, ns.
func (w *Watch) Now() int64 { return w.now }

// Names is the names that led a client to an address at some time, as DNS told it. The list is the caller's.
func (w *Watch) Names(client frame.MAC, a frame.Addr, at int64) []string {
	return w.inventory.Names.Lookup(client, a, at, nil)
}
