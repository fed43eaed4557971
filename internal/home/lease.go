package home

import (
	"context"
	"fmt"
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

// Lease takes in that a device got an address until a time, or gave it back at that time. Of a device that is not known
// it takes nothing in, and returns nil.
func (h *Household) Lease(ctx context.Context, m frame.MAC, l Lease) (*Device, error) {
	if !h.knows(m) {
		return nil, nil
	}
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
	if err := h.keep(ctx, changed); err != nil {
		return d, fmt.Errorf("keep lease: %w", err)
	}
	return d, nil
}

// lose takes an address that somebody got from those whose lease of it is over, though they are still here.
func (h *Household) lose(to string, l *Lease, now time.Time) (changed []*Device) {
	for _, d := range h.Devices() {
		over := func(x Lease) bool { return x.same(l) && !x.Moved && now.After(x.Until) }
		if d.ID == to || !slices.ContainsFunc(d.Leases, over) {
			continue
		}
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
