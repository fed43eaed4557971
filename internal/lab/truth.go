package lab

import (
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

// Truth is what is true of a capture, whatever a reader makes of it.
type Truth struct {
	Schema   string        `json:"schema"`
	Devices  []DeviceTruth `json:"devices"`
	Findings []Finding     `json:"findings,omitempty"`
}

// DeviceTruth is what is true of one device.
type DeviceTruth struct {
	Name      string      `json:"name"`
	MACs      []string    `json:"macs"` // in the order in which it had them
	Kind      device.Kind `json:"kind"`
	Category  string      `json:"category"`
	Maker     string      `json:"maker"`
	Model     string      `json:"model"`
	Hostnames []string    `json:"hostnames,omitempty"` // DHCP and mDNS
	Addresses []string    `json:"addresses"`
	MUD       *MUDTruth   `json:"mud_url,omitempty"`
	Asked     []string    `json:"asked,omitempty"` // names that it looked up
}

// MUDTruth is a MUD URL and how it was told.
type MUDTruth struct {
	URL string `json:"url"`
	Via string `json:"via"`
}

// Finding is an attack or a weakness that the capture shows.
type Finding struct {
	Kind    string    `json:"kind"`   // as the contracts name it
	Device  string    `json:"device"` // that does it
	Target  string    `json:"target,omitempty"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Packets [2]int    `json:"packets"` // numbers of the first and the last packet, counting from 1
	Count   int       `json:"count"`   // packets
}

func (x *Finding) saw(number int, t int64) {
	if x.Count == 0 {
		x.First, x.Packets[0] = time.Unix(0, t).UTC(), number
	}
	x.Last, x.Packets[1] = time.Unix(0, t).UTC(), number
	x.Count++
}

// JSON is the truth as it is kept beside a capture.
func (t Truth) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(t, "", "  ")
	return append(b, '\n'), err
}

func (p *play) truth() Truth {
	t := Truth{Schema: "plimsoll.lab.truth/1", Findings: p.findings}
	seen := map[frame.MAC]bool{}
	for _, s := range p.sent {
		seen[frame.MAC(s.data[6:12])] = true
	}
	for _, a := range p.actors {
		d := a.truth
		for _, m := range a.MACs {
			if seen[m] {
				d.MACs = append(d.MACs, m.String())
			}
		}
		if len(d.MACs) == 0 {
			continue
		}
		a.settle(&d)
		t.Devices = append(t.Devices, d)
	}
	return t
}

// has notes that a took an address.
func (a *Actor) has(addr netip.Addr) {
	if s := addr.String(); addr.IsValid() && !slices.Contains(a.truth.Addresses, s) {
		a.truth.Addresses = append(a.truth.Addresses, s)
	}
}

// called notes that a said a host name of its own.
func (a *Actor) called(name string) {
	if name != "" && !slices.Contains(a.truth.Hostnames, name) {
		a.truth.Hostnames = append(a.truth.Hostnames, name)
	}
}

func (a *Actor) settle(d *DeviceTruth) {
	slices.Sort(d.Asked)
	d.Asked = slices.Compact(d.Asked)
}
