package home

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

// maxParts bounds the devices that are said to be one.
const maxParts = 32

// part is the part of a device that has an ID; nil: none has.
func (d *Device) part(id string) *Device {
	for _, p := range d.Parts {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// HasID reports whether a device has that ID, or had it in part before somebody said what it is one with.
func (d *Device) HasID(id string) bool { return d.ID == id || d.part(id) != nil }

// Under is the ID under which is kept what a link-layer address of the device does: that of its part, so that each has its
// own when they are two again.
func (d *Device) Under(m frame.MAC) string {
	for _, p := range d.Parts {
		if slices.Contains(p.MACs, m) {
			return p.ID
		}
	}
	return d.ID
}

// join says that two devices are one: the first, which has all that the other had.
func (h *Household) join(ctx context.Context, actor string, d *Device, word string) (*Decision, error) {
	other, err := h.Find(word)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	whole, err := d.with(other)
	if err != nil {
		return nil, fmt.Errorf("join %s: %w", d.Title(), err)
	}
	by := &Decision{Actor: actor, Verb: Join, Device: d.ID, Argument: other.ID, Before: d.Stance, After: whole.Stance}
	return h.takeOver(ctx, &Takeover{Devices: []*Device{whole}, Gone: []string{other.ID}, By: by})
}

// with is a device that is one with another.
func (d *Device) with(o *Device) (*Device, error) {
	parts := slices.Concat(d.parts(), o.parts())
	switch {
	case d.ID == o.ID:
		return nil, fmt.Errorf("%w: it is one already", ErrVerb)
	case len(parts) > maxParts || len(d.MACs)+len(o.MACs) > maxMACs:
		return nil, fmt.Errorf("%w: it would be too many in one", ErrVerb)
	}
	w := d.clone()
	w.Parts = parts
	w.absorb(o)
	w.Name, w.Room = cmp.Or(d.Name, o.Name), cmp.Or(d.Room, o.Room)
	w.Corrected, w.Care = cmp.Or(d.Corrected, o.Corrected), cmp.Or(d.Care, o.Care)
	w.Apart = slices.DeleteFunc(add(d.Apart, o.Apart, maxParts), w.HasID)
	w.Stance = w.together(&d.Stance, &o.Stance)
	return w, nil
}

// parts are what a device was made one of; of one that was not, it alone, as it is.
func (d *Device) parts() []*Device {
	if len(d.Parts) > 0 {
		return d.Parts
	}
	p := d.clone()
	p.Label, p.Offer, p.Apart = nil, nil, nil // which are old when they are read
	return []*Device{p}
}

// absorb takes over what was seen of another device.
func (d *Device) absorb(o *Device) {
	d.MACs, d.Hostnames, d.Addresses = add(d.MACs, o.MACs, maxMACs), add(d.Hostnames, o.Hostnames, maxHostnames), add(d.Addresses, o.Addresses, maxKnown)
	d.Leases = add(d.Leases, o.Leases, maxLeases)
	if o.Identity.Confidence > d.Identity.Confidence {
		d.Identity = o.Identity
	}
	if d.First.IsZero() || !o.First.IsZero() && o.First.Before(d.First) {
		d.First = o.First
	}
	if o.Last.After(d.Last) {
		d.Last = o.Last
	}
	for _, u := range o.MUD {
		if !slices.ContainsFunc(d.MUD, func(x MUDURL) bool { return x.Via == u.Via }) {
			d.Says(u)
		}
	}
}

// add is a list with what of another is not in it, at most limit of them.
func add[T comparable](list, more []T, limit int) []T {
	list = slices.Clone(list)
	for _, x := range more {
		if len(list) < limit && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// together is the stance of a device that two became: whichever stops more, so that saying that it is another is no way out
// of quarantine, with what people allowed of either.
func (d *Device) together(a, b *Stance) Stance {
	if slices.Index(States, b.State) > slices.Index(States, a.State) {
		a, b = b, a
	}
	s := *a
	if s.File == "" && s.State != Learning { // what it learns is learned of both
		s.File, s.URL, s.Left = b.File, b.URL, slices.Clone(b.Left)
	}
	if s.LabelFile == "" {
		s.LabelFile, s.LabelAction = b.LabelFile, cmp.Or(s.LabelAction, b.LabelAction)
	}
	own := func(id string) bool { return id != "" && d.HasID(id) }
	s.Exceptions = slices.DeleteFunc(add(a.Exceptions, b.Exceptions, maxExceptions), func(e Exception) bool { return own(e.Device) })
	s.Controllers = slices.DeleteFunc(add(a.Controllers, b.Controllers, maxControllers), func(c Controller) bool { return own(c.Device) })
	return s
}

// split says that a part of a device is another one. The part is named by its ID, a link-layer address or its name; where
// there are two parts, either name means the same.
func (h *Household) split(ctx context.Context, actor string, d *Device, word string) (*Decision, error) {
	p, err := d.named(word)
	if err != nil {
		return nil, fmt.Errorf("split %s: %w", d.Title(), err)
	}
	if h.Len() >= MaxDevices {
		return nil, fmt.Errorf("split %s: %w: there are %d devices", d.Title(), ErrVerb, h.Len())
	}
	rest, part := d.without(p)
	if d.State == Quarantined || d.State == Refused { // nobody gets out by being two
		s := &part.Stance
		s.State, s.Since, s.Until, s.Reason, s.Confirmed, s.Was, s.Retest = d.State, d.Since, d.Stance.Until, d.Reason, d.Confirmed, d.Was, Retest{}
		if d.State == Refused {
			s.Admission = d.Admission
		}
	}
	rest.Apart, part.Apart = add(rest.Apart, []string{part.ID}, maxParts), add(part.Apart, []string{rest.ID}, maxParts)
	by := &Decision{Actor: actor, Verb: Split, Device: d.ID, Argument: p.ID, Before: d.Stance, After: rest.Stance}
	return h.takeOver(ctx, &Takeover{Devices: []*Device{rest, part}, By: by})
}

// named is the part that a word means, which is not the first.
func (d *Device) named(word string) (*Device, error) {
	if len(d.Parts) < 2 {
		return nil, fmt.Errorf("%w: nobody said that it is one with another", ErrVerb)
	}
	m, macErr := frame.ParseMAC(word)
	i := slices.IndexFunc(d.Parts, func(p *Device) bool {
		return p.ID == word || macErr == nil && slices.Contains(p.MACs, m) || strings.EqualFold(p.Title(), word)
	})
	switch {
	case len(d.Parts) == 2 && (word == "" || i == 0):
		return d.Parts[1], nil
	case i < 0:
		return nil, fmt.Errorf("%w: no part of it is %.80q", ErrVerb, word)
	case i == 0:
		return nil, fmt.Errorf("%w: name the part that is another device", ErrVerb)
	}
	return d.Parts[i], nil
}

// without is a device without one of its parts, and that part.
func (d *Device) without(p *Device) (rest, part *Device) {
	part = p.clone()
	rest = d.clone()
	rest.Parts = slices.DeleteFunc(slices.Clone(d.Parts), func(x *Device) bool { return x.ID == p.ID })
	seen := rest.Parts[0].clone()
	for _, x := range rest.Parts[1:] {
		seen.absorb(x)
	}
	if len(rest.Parts) == 1 {
		rest.Parts = nil
	}
	rest.MACs = slices.DeleteFunc(rest.MACs, func(m frame.MAC) bool { return slices.Contains(p.MACs, m) })
	rest.MUD = slices.DeleteFunc(rest.MUD, func(u MUDURL) bool { return slices.Contains(p.MUD, u) && !slices.Contains(seen.MUD, u) })
	rest.Hostnames, rest.Addresses, rest.Leases, rest.Identity, rest.First = seen.Hostnames, seen.Addresses, seen.Leases, seen.Identity, seen.First
	// what was said of the part alone goes with it
	giveBack(&rest.Name, seen.Name, p.Name)
	giveBack(&rest.Room, seen.Room, p.Room)
	giveBack(&rest.Corrected, seen.Corrected, p.Corrected)
	giveBack(&rest.Care, seen.Care, p.Care)
	return rest, part
}

// giveBack makes of a word of the household what it was before it was taken from another device.
func giveBack[T any](now *T, own, others T) {
	if reflect.DeepEqual(*now, others) {
		*now = own
	}
}

// rejoin undoes a join, or a split, if nothing else was decided about these devices since.
func (h *Household) rejoin(ctx context.Context, actor string, last *Decision) (*Decision, error) {
	stale := fmt.Errorf("undo decision %d: %w", last.Seq, ErrStale)
	d, err := h.Find(last.Device)
	if err != nil || d.ID != last.Device || last.Undone != 0 || !h.follows(ctx, d, last) {
		return nil, stale
	}
	t := &Takeover{By: &Decision{Actor: actor, Verb: Undo, Device: d.ID, Argument: fmt.Sprint(last.Seq), Before: d.Stance, After: last.Before}}
	if last.Verb == Join {
		p := d.part(last.Argument)
		if p == nil || h.Len() >= MaxDevices {
			return nil, stale
		}
		whole, part := d.without(p)
		whole.Stance = last.Before
		t.Devices = []*Device{whole, part}
		return h.takeOver(ctx, t)
	}
	o, err := h.Find(last.Argument)
	if err != nil || o.ID != last.Argument {
		return nil, stale
	}
	if list, err := h.Ledger.Decisions(ctx, o.ID, 0, 1); err != nil || len(list) > 0 && list[0].Seq > last.Seq {
		return nil, stale
	}
	whole, err := d.with(o)
	if err != nil {
		return nil, stale
	}
	whole.Stance = last.Before
	t.Devices, t.Gone = []*Device{whole}, []string{o.ID}
	return h.takeOver(ctx, t)
}

// gather makes one sighting of those of devices that a person said are one, and leaves out of a sighting the addresses of
// devices that a person said are others.
func (h *Household) gather(list []Sighting) []Sighting {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var out []Sighting
	at := map[string]int{} // in out, by the ID of a device that has parts
	for i := range list {
		s := list[i]
		known := slices.IndexFunc(s.MACs, func(m frame.MAC) bool { return h.byMAC[m] != "" })
		if known < 0 {
			out = append(out, s)
			continue
		}
		d := h.devices[h.byMAC[s.MACs[known]]]
		if len(d.Apart) > 0 {
			s.MACs = slices.DeleteFunc(slices.Clone(s.MACs), func(m frame.MAC) bool { return slices.Contains(d.Apart, h.byMAC[m]) })
		}
		if len(d.Parts) == 0 {
			out = append(out, s)
			continue
		}
		j, again := at[d.ID]
		if !again {
			at[d.ID] = len(out)
			// in the order in which they are known: which of them was seen last changes all the time
			s.MACs = add(slices.DeleteFunc(slices.Clone(s.MACs), func(m frame.MAC) bool { return slices.Contains(d.MACs, m) }), d.MACs, maxMACs)
			out = append(out, s)
			continue
		}
		out[j] = out[j].and(&s)
	}
	return out
}

// and is one sighting of what was seen twice.
func (s Sighting) and(o *Sighting) Sighting {
	d := &Device{MACs: s.MACs, Hostnames: s.Hostnames, Addresses: s.Addresses, Identity: s.Identity, First: s.First, Last: s.Last, MUD: slices.Clone(s.MUD)}
	d.absorb(&Device{MACs: o.MACs, Hostnames: o.Hostnames, Addresses: o.Addresses, Identity: o.Identity, First: o.First, Last: o.Last, MUD: o.MUD})
	return Sighting{MACs: d.MACs, Hostnames: d.Hostnames, Addresses: d.Addresses, Identity: d.Identity, First: d.First, Last: d.Last, MUD: d.MUD}
}

// Likeness is that another device may be the same one.
type Likeness struct {
	Device  *Device
	Because []Sign
}

// Sign is why two devices may be one.
type Sign string

// The signs.
const (
	SameName  Sign = "name"    // they give themselves one
	SameModel Sign = "model"   // of one maker
	Turns     Sign = "turns"   // one was not seen any more when the other came
	Made      Sign = "made-up" // one has an address that devices make up for themselves, to be recognised by nobody
)

// weights are how much each sign says. Several must come together: a home has more than one lamp of a model.
var weights = map[Sign]int{SameName: 2, SameModel: 2, Turns: 2, Made: 1}

// Bounds of likenesses: the least weight, and how many.
const (
	likely     = 3
	mostLikely = 3
)

// Likely are the devices that may be the same as one, the likeliest first.
func (h *Household) Likely(d *Device) (list []Likeness) {
	weight := map[*Device]int{}
	for _, o := range h.Devices() {
		if o.ID == d.ID || slices.Contains(d.Apart, o.ID) || !alike(d.Is(), o.Is()) {
			continue
		}
		l := Likeness{Device: o}
		if slices.ContainsFunc(d.Hostnames, func(s string) bool {
			return slices.ContainsFunc(o.Hostnames, func(t string) bool { return strings.EqualFold(s, t) })
		}) {
			l.Because = append(l.Because, SameName)
		}
		if a, b := d.Is(), o.Is(); a.Maker != "" && a.Model != "" && a.Maker == b.Maker && a.Model == b.Model {
			l.Because = append(l.Because, SameModel)
		}
		turns, made := d.Last.Before(o.First) || o.Last.Before(d.First), d.madeUp() || o.madeUp()
		if turns {
			l.Because = append(l.Because, Turns)
		}
		if made {
			l.Because = append(l.Because, Made)
		}
		for _, s := range l.Because {
			weight[o] += weights[s]
		}
		if made && !turns { // a phone has one such address at a time
			weight[o] -= weights[Turns]
		}
		if weight[o] >= likely {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(a, b Likeness) int {
		return cmp.Or(weight[b.Device]-weight[a.Device], b.Device.Last.Compare(a.Device.Last))
	})
	return list[:min(len(list), mostLikely)]
}

// alike reports whether nothing that is known keeps two identities from being of one device.
func alike(a, b device.Identity) bool {
	same := func(x, y string) bool { return x == "" || y == "" || x == y }
	kind := func(k device.Kind) string {
		if k == device.Unknown {
			return ""
		}
		return string(k)
	}
	return same(kind(a.Kind), kind(b.Kind)) && same(a.Category, b.Category) && same(a.Maker, b.Maker)
}

// madeUp reports whether the address in use is one that a device makes up (IEEE 802, the bit of local administration).
func (d *Device) madeUp() bool { return len(d.MACs) > 0 && d.MACs[0].IsLocal() }
