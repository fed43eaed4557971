package home

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Lease is an address, or a prefix, that a DHCP server gave to a device, or that the device gave back.
type Lease struct {
	Address netip.Addr `json:"address"`
	Bits    int        `json:"bits,omitempty"`  // of a prefix that was delegated (RFC 8415 §6.3); 0: it is an address
	Until   time.Time  `json:"until"`           // of one that was given back, when that was
	Moved   bool       `json:"moved,omitempty"` // it has another in its place, or somebody else has it now
}

// same reports whether two leases are of one address, or prefix.
func (l *Lease) same(m *Lease) bool { return l.Address == m.Address && l.Bits == m.Bits }

// covers reports whether an address is the one of the lease, or of its prefix.
func (l *Lease) covers(a netip.Addr) bool {
	return l.Address == a || l.Bits > 0 && netip.PrefixFrom(l.Address, l.Bits).Contains(a)
}

// maxLeases bounds what is known of a device, the last ones: by IPv6 it may have several at a time.
const maxLeases = 16

// still is how long after its lease was over a device may be heard of, and be taken for gone all the same.
const still = 10 * time.Second

// Gave reports whether a device has given an address up: its lease is over, and it was not heard of since.
func (d *Device) Gave(a netip.Addr, now time.Time) bool {
	for i := len(d.Leases) - 1; i >= 0; i-- { // the last that was heard of it counts
		if l := &d.Leases[i]; l.covers(a) {
			return l.Moved || now.After(l.Until) && !d.Last.After(l.Until.Add(still))
		}
	}
	return false
}

// Leased reports whether a device has a lease that is not over.
func (d *Device) Leased(now time.Time) bool {
	return slices.ContainsFunc(d.Leases, func(l Lease) bool { return !l.Moved && now.Before(l.Until) })
}

// Leased is a lease, and the link-layer address of the device that has it.
type Leased struct {
	MAC frame.MAC
	Lease
}

// TakeLeases takes in, one after the other, that devices got an address until a time, or gave it back at that time. It
// returns what each device became; of those that are not known it takes nothing in.
func (h *Household) TakeLeases(ctx context.Context, list []Leased) (map[frame.MAC]*Device, error) {
	devices, changed := map[frame.MAC]*Device{}, map[string]*Device{}
	for _, l := range list {
		if !h.knows(l.MAC) {
			continue
		}
		for _, d := range h.lease(l.MAC, l.Lease) {
			changed[d.ID] = d
		}
	}
	for _, l := range list {
		if d, err := h.Find(l.MAC.String()); err == nil {
			devices[l.MAC] = d
		}
	}
	if len(changed) == 0 {
		return devices, nil
	}
	if err := h.keep(ctx, slices.Collect(maps.Values(changed))); err != nil {
		return devices, fmt.Errorf("keep leases: %w", err)
	}
	return devices, nil
}

// lease takes in one lease, and returns the devices that it changes.
func (h *Household) lease(m frame.MAC, l Lease) []*Device {
	now := h.Now()
	given := l.Until.After(now)
	d, _ := h.See(m, func(d *Device) {
		d.Leases = slices.DeleteFunc(slices.Clone(d.Leases), func(x Lease) bool { return x.same(&l) })
		for i := range d.Leases {
			// by IPv4 a host has one at a time (RFC 2131); by IPv6 as many as it is given
			if x := &d.Leases[i]; given && l.Address.Is4() && x.Address.Is4() {
				x.Moved = true
			}
		}
		d.Leases = append(d.Leases, l)
		d.Leases = d.Leases[max(0, len(d.Leases)-maxLeases):]
	})
	changed := []*Device{d}
	if given {
		changed = append(changed, h.lose(d.ID, &l, now)...)
	}
	return changed
}

// lose takes an address that somebody got from those whose lease of it is over, though they are still here.
func (h *Household) lose(to string, l *Lease, now time.Time) (changed []*Device) {
	over := func(x Lease) bool { return x.same(l) && !x.Moved && now.After(x.Until) }
	var losers []*Device
	h.mu.RLock()
	for _, d := range h.devices {
		if d.ID != to && slices.ContainsFunc(d.Leases, over) {
			losers = append(losers, d)
		}
	}
	h.mu.RUnlock()
	for _, d := range losers {
		c, _ := h.See(d.MACs[0], func(d *Device) {
			d.Leases = slices.Clone(d.Leases)
			for i := range d.Leases {
				if over(d.Leases[i]) {
					d.Leases[i].Moved = true
				}
			}
		})
		changed = append(changed, c)
	}
	return changed
}
