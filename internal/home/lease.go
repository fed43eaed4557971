package home

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Lease is an address that a DHCP server gave to a device, or that the device gave back.
type Lease struct {
	Address netip.Addr `json:"address"`
	Until   time.Time  `json:"until"`           // of one that was given back, when that was
	Moved   bool       `json:"moved,omitempty"` // it has another one of that family in its place
}

// maxLeases bounds what is known of a device, the last ones.
const maxLeases = 8

// still is how long after its lease was over a device may be heard of, and be taken for gone all the same.
const still = 10 * time.Second

// Gave reports whether a device has given an address up: its lease is over, and it was not heard of since.
func (d *Device) Gave(a netip.Addr, now time.Time) bool {
	i := slices.IndexFunc(d.Leases, func(l Lease) bool { return l.Address == a })
	return i >= 0 && (d.Leases[i].Moved || now.After(d.Leases[i].Until) && !d.Last.After(d.Leases[i].Until.Add(still)))
}

// Lease takes in that a device got an address until a time, or gave it back at that time. Of a device that is not known
// it takes nothing in, and returns nil.
func (h *Household) Lease(ctx context.Context, m frame.MAC, l Lease) (*Device, error) {
	if !h.knows(m) {
		return nil, nil
	}
	d, _ := h.See(m, func(d *Device) {
		d.Leases = slices.DeleteFunc(slices.Clone(d.Leases), func(x Lease) bool { return x.Address == l.Address })
		for i := range d.Leases {
			if x := &d.Leases[i]; x.Address.Is4() == l.Address.Is4() && l.Until.After(h.Now()) {
				x.Moved = true
			}
		}
		d.Leases = append(d.Leases, l)
		d.Leases = d.Leases[max(0, len(d.Leases)-maxLeases):]
	})
	if err := h.keep(ctx, []*Device{d}); err != nil {
		return d, fmt.Errorf("keep lease: %w", err)
	}
	return d, nil
}
