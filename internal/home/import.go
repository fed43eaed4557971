package home

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
)

// Takeover is what an import, or that two devices are one, or the undoing of it, makes of what is kept: all or nothing.
type Takeover struct {
	Devices   []*Device // that are new or other, each with its stance
	Gone      []string  // IDs of devices that are no more
	Decisions []*Decision
	Files     []*File
	Notes     []Note
	Settings  *Settings // nil: they stay
	Ticks     []*Ticked
	Before    []byte    // of an import: what was before, for the undoing
	By        *Decision // which the ledger numbers
}

// Import takes in what another household, or this one, exported, in somebody’s name. What the file says of a device
// takes the place of what is known and decided here, if it is the same device: by its ID or a link-layer address. What
// was seen of it last stays. Devices that are here alone stay too, or go if replace is set. Decisions are added to the
// audit log, which loses none. What it says of the home takes the place of that. It is one decision, and can be undone until another one is made.
func (h *Household) Import(ctx context.Context, actor string, x *Export, replace bool) (*Decision, error) {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	here := h.Devices()
	devices, gone, names := merge(here, x.Devices, replace)
	fresh := slices.DeleteFunc(slices.Clone(devices), func(d *Device) bool {
		return slices.ContainsFunc(here, func(x *Device) bool { return x.ID == d.ID })
	})
	if len(here)-len(gone)+len(fresh) > MaxDevices {
		return nil, fmt.Errorf("import: %w: there would be more than %d devices", ErrExport, MaxDevices)
	}
	was := replaced{Devices: here, Now: x.Settings}
	var err error
	if was.Settings, err = h.Ledger.Settings(ctx); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	before, err := json.Marshal(was)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	t := &Takeover{Devices: devices, Gone: gone, Files: x.Files, Settings: x.Settings, Before: before}
	for _, d := range x.Decisions {
		c := *d
		c.Device = names.of(c.Device)
		names.stance(&c.Before)
		names.stance(&c.After)
		t.Decisions = append(t.Decisions, &c)
	}
	for _, n := range x.Notes {
		n.Device = names.of(n.Device)
		t.Notes = append(t.Notes, n)
	}
	now := h.Now().UTC()
	for _, n := range x.Ticks {
		c := *n
		if c.At.After(now) { // by a clock that is ahead
			c.At = now
		}
		words := strings.Split(c.Item, " ")
		for i := range words {
			words[i] = names.of(words[i])
		}
		c.Item = strings.Join(words, " ")
		t.Ticks = append(t.Ticks, &c)
	}
	how := "merge"
	if replace {
		how = "replace"
	}
	t.By = &Decision{Actor: actor, Verb: Import, Argument: fmt.Sprintf("%s devices=%d decisions=%d files=%d", how, len(x.Devices), len(x.Decisions), len(x.Files))}
	return h.takeOver(ctx, t)
}

// takeOver keeps what is taken in, takes it in, and puts it in force.
func (h *Household) takeOver(ctx context.Context, t *Takeover) (*Decision, error) {
	t.By.At = h.Now().UTC()
	if err := h.Ledger.TakeOver(ctx, t); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", t.By.Verb, ErrKeep, err)
	}
	h.mu.Lock()
	for _, id := range t.Gone {
		if d := h.devices[id]; d != nil {
			for _, m := range d.MACs {
				delete(h.byMAC, m)
			}
			delete(h.devices, id)
			delete(h.kept, id)
		}
	}
	for _, d := range t.Devices {
		h.put(d)
		h.kept[d.ID] = d
	}
	h.mu.Unlock()
	return t.By, h.enforce(ctx)
}

// replaced is what an import takes the place of, and the settings that it brings.
type replaced struct {
	Devices       []*Device
	Settings, Now *Settings
}

// unimport is the undoing of an import: devices are as they were. Those that came with it go, unless they were seen. Settings
// are as they were, unless somebody changed them since.
func (h *Household) unimport(ctx context.Context, actor string, last *Decision) (*Decision, error) {
	if newest, err := h.Ledger.Last(ctx); err != nil || newest.Seq != last.Seq || last.Undone != 0 {
		return nil, fmt.Errorf("undo decision %d: %w", last.Seq, ErrStale)
	}
	body, err := h.Ledger.Snapshot(ctx, last.Seq)
	if err != nil {
		return nil, fmt.Errorf("undo decision %d: %w", last.Seq, err)
	}
	var was replaced
	if err = json.Unmarshal(body, &was); err != nil {
		err = json.Unmarshal(body, &was.Devices) // as it was kept once
	}
	if err != nil {
		return nil, fmt.Errorf("undo decision %d: read what was before: %w", last.Seq, err)
	}
	t := &Takeover{Devices: was.Devices, By: &Decision{Actor: actor, Verb: Undo, Argument: fmt.Sprint(last.Seq)}}
	if was.Now != nil {
		now, err := h.Ledger.Settings(ctx)
		if err != nil {
			return nil, fmt.Errorf("undo decision %d: %w", last.Seq, err)
		}
		if *now == *was.Now {
			t.Settings = was.Settings
		}
	}
	for _, d := range h.Devices() {
		i := slices.IndexFunc(t.Devices, func(x *Device) bool { return x.ID == d.ID })
		switch {
		case i >= 0:
			if len(t.Devices[i].Parts) == len(d.Parts) { // what was seen was of this device
				t.Devices[i].seen(d)
			}
		case !d.Last.After(last.At):
			t.Gone = append(t.Gone, d.ID)
		default: // it came meanwhile, and nobody decided anything about it but the file
			c := d.clone()
			c.Stance = arrive(c, h.Now().UTC())
			t.Devices = append(t.Devices, c)
		}
	}
	return h.takeOver(ctx, t)
}

// renamed is the ID of each device of a file here, by that in the file.
type renamed map[string]string

func (r renamed) of(id string) string { return cmp.Or(r[id], id) }

// stance puts the IDs of here into a stance.
func (r renamed) stance(s *Stance) {
	s.Exceptions, s.Controllers = slices.Clone(s.Exceptions), slices.Clone(s.Controllers)
	for i := range s.Exceptions {
		s.Exceptions[i].Device = r.of(s.Exceptions[i].Device)
	}
	for i := range s.Controllers {
		s.Controllers[i].Device = r.of(s.Controllers[i].Device)
	}
}

// merge is the devices that a file brings, as they will be here, and those that are no more.
func merge(here, file []*Device, replace bool) (devices []*Device, gone []string, names renamed) {
	names = renamed{}
	theirs, left := map[frame.MAC]bool{}, map[string]*Device{}
	for _, d := range file {
		for _, m := range d.MACs {
			theirs[m] = true
		}
	}
	for _, d := range here {
		left[d.ID] = d
	}
	for _, d := range file {
		var same []*Device
		for _, x := range here {
			if left[x.ID] != nil && (x.HasID(d.ID) || d.HasID(x.ID) || x.shares(d)) {
				same = append(same, x)
			}
		}
		first := d.parts()[0]
		slices.SortStableFunc(same, func(a, b *Device) int {
			return cmp.Or(compareBool(b.ID == d.ID, a.ID == d.ID), compareBool(b.shares(first), a.shares(first)))
		})
		c := d.clone()
		c.Label = nil // of that nobody but a registry has to say anything
		for i, x := range same {
			delete(left, x.ID)
			if i == 0 {
				names[d.ID], c.ID = x.ID, x.ID
			} else {
				gone = append(gone, x.ID)
			}
			for _, m := range x.MACs {
				if !slices.Contains(c.MACs, m) && !theirs[m] {
					c.MACs = append(c.MACs, m)
				}
			}
			c.seen(x)
		}
		c.rename(same, names)
		devices = append(devices, c)
	}
	for _, c := range devices {
		names.stance(&c.Stance)
	}
	for _, x := range here {
		if replace && left[x.ID] != nil {
			gone = append(gone, x.ID)
		}
	}
	return devices, gone, names
}

// rename gives the parts of a device of a file the IDs that the same devices have here.
func (d *Device) rename(same []*Device, names renamed) {
	for i, p := range d.Parts {
		c := p.clone()
		if i == 0 { // itself
			c.ID = d.ID
		}
		for _, x := range same {
			if i > 0 && !d.HasID(x.ID) && x.shares(p) {
				names[p.ID], c.ID = x.ID, x.ID
				break
			}
		}
		d.Parts[i] = c
	}
}

// shares reports whether two devices have a link-layer address in common.
func (d *Device) shares(o *Device) bool {
	return slices.ContainsFunc(d.MACs, func(m frame.MAC) bool { return slices.Contains(o.MACs, m) })
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// seen takes over what was seen of a device, if that is the newer.
func (d *Device) seen(x *Device) {
	d.Label = x.Label
	if !x.First.IsZero() && x.First.Before(d.First) {
		d.First = x.First
	}
	if !x.Last.After(d.Last) {
		return
	}
	d.Last, d.Addresses, d.Leases = x.Last, x.Addresses, x.Leases
	if len(x.Hostnames) > 0 {
		d.Hostnames = x.Hostnames
	}
	if len(x.MACs) > 0 && slices.Contains(d.MACs, x.MACs[0]) { // the one in use first
		d.MACs = append([]frame.MAC{x.MACs[0]}, slices.DeleteFunc(slices.Clone(d.MACs), func(m frame.MAC) bool { return m == x.MACs[0] })...)
	}
}
