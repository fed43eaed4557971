package home

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// Sighting is a device as it was seen on the network.
type Sighting struct {
	MACs        []frame.MAC // the one in use first
	Hostnames   []string
	Identity    device.Identity
	Addresses   []netip.Addr
	First, Last time.Time
	MUD         []MUDURL
}

// MaxDevices bounds the devices of a home: who makes up link-layer addresses must not fill the memory.
const MaxDevices = 2048

// News is what an observation brought.
type News struct {
	Fresh   []*Device // that were not here before
	URLs    []*Device // whose MUD URL is another
	Crowded int       // devices that there was no room for
}

// Observe takes in who was seen on the network, and keeps what is new of it.
func (h *Household) Observe(ctx context.Context, list []Sighting) (*News, error) {
	n := &News{}
	var changed []*Device
	list = h.gather(list)
	for i := range list {
		s := &list[i]
		if len(s.MACs) == 0 {
			continue
		}
		at := slices.IndexFunc(s.MACs, h.knows)
		if at < 0 && h.Len() >= MaxDevices {
			n.Crowded++
			continue
		}
		url := ""
		d, fresh := h.See(s.MACs[max(at, 0)], func(d *Device) {
			url = d.MUDURL()
			d.take(s)
		})
		if fresh {
			n.Fresh = append(n.Fresh, d)
		}
		if !h.isKept(d) {
			changed = append(changed, d)
		}
		if d.MUDURL() != url {
			n.URLs = append(n.URLs, d)
		}
	}
	if len(changed) > 0 {
		if err := h.keep(ctx, changed); err != nil {
			return n, fmt.Errorf("keep what was seen: %w", err)
		}
	}
	return n, nil
}

// Len is the number of devices.
func (h *Household) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.devices)
}

func (h *Household) knows(m frame.MAC) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, ok := h.byMAC[m]
	return ok
}

// worth is how long a device is seen again before that alone is kept.
const worth = 5 * time.Minute

// like reports whether nothing that is worth keeping has changed since a device was as it was.
func (d *Device) like(was *Device) bool {
	return slices.Equal(d.MACs, was.MACs) && slices.Equal(d.Hostnames, was.Hostnames) && slices.Equal(d.Addresses, was.Addresses) &&
		d.Identity.Kind == was.Identity.Kind && d.Identity.Maker == was.Identity.Maker && d.Identity.Model == was.Identity.Model &&
		d.Identity.Category == was.Identity.Category && slices.Equal(d.MUD, was.MUD) && d.Last.Sub(was.Last) < worth
}

// maxKnown bounds the addresses that are known of a device, the last ones.
const maxKnown = 32

// maxMACs bounds the link-layer addresses of a device: who hides behind random ones has one after another. It is far more
// than honest ones have, since one that is forgotten is not held.
const maxMACs = 1024

// take takes in a sighting. An identity that was known for surer stays: after a start little is known.
func (d *Device) take(s *Sighting) {
	macs := slices.Clone(s.MACs)
	for _, m := range d.MACs {
		if !slices.Contains(macs, m) {
			macs = append(macs, m)
		}
	}
	d.MACs = macs[:min(len(macs), maxMACs)]
	if len(s.Hostnames) > 0 {
		d.Hostnames = s.Hostnames
	}
	// after a start little was seen yet: a device has the addresses still that it had before
	list := slices.Clone(s.Addresses)
	for _, a := range d.Addresses {
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	d.Addresses = list[:min(len(list), maxKnown)]
	if s.Identity.Confidence >= d.Identity.Confidence {
		d.Identity = s.Identity
	}
	if d.First.IsZero() || s.First.Before(d.First) {
		d.First = s.First
	}
	if s.Last.After(d.Last) {
		d.Last = s.Last
	}
	for _, u := range s.MUD {
		d.Says(u)
	}
}

// Name puts findings under the IDs of the household’s devices, or of their parts. Those about others are left out.
func (h *Household) Name(list []finding.Finding) (out []Noted) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, f := range list {
		m, err := frame.ParseMAC(f.Device)
		if err != nil {
			continue
		}
		id, ok := h.byMAC[m]
		if !ok {
			continue
		}
		f.Device = h.devices[id].Under(m)
		out = append(out, Noted{Finding: f, State: Open})
	}
	return out
}
