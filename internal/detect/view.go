package detect

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// View tells who is who on the network.
type View struct {
	watch   *Watch
	network *device.Network // nil while the capture goes on
	kinds   func(*device.Device) device.Kind
}

// Kind is what sort of device one is, unknown while the capture goes on.
func (v *View) Kind(d *device.Device) device.Kind {
	if v.kinds == nil {
		return device.Unknown
	}
	return v.kinds(d)
}

// Outside reports whether a party is on the Internet, as far as is known.
func (v *View) Outside(p Party) bool {
	return !p.Addr.IsZero() && v.Scope(p.Addr) == "internet" && v.Owner(p) == nil
}

// Owner is the device of the network that a party is, or nil: then it is on the Internet, or not known.
func (v *View) Owner(p Party) *device.Device {
	if p.IsZero() {
		return nil
	}
	if v.network == nil {
		return v.watch.inventory.Owner(p.MAC, p.Addr)
	}
	return v.network.Owner(p.MAC, p.Addr)
}

// here reports whether somebody whom a finding of the kind would be about is a device of the network.
func (v *View) here(kind finding.Kind, actor, target Party) bool {
	for _, role := range kind.About().Roles {
		if role == finding.Actor && v.Owner(actor) != nil || role == finding.Target && v.Owner(target) != nil {
			return true
		}
	}
	return false
}

// Scope says where an address is: "multicast", "gateway", "lan" or "internet".
func (v *View) Scope(a frame.Addr) string {
	if v.network == nil {
		if device.IsLocal(&a) {
			return "lan"
		}
		return "internet"
	}
	return v.network.Scope(a)
}

// call is what people call a party, as somebody else knows it at some time: its name, or its address.
func (v *View) call(p Party, by frame.MAC, at int64) string {
	if d := v.Owner(p); d != nil {
		if names := d.Hostnames(); len(names) > 0 {
			return names[0]
		}
		if p.Addr.IsZero() {
			return d.ID()
		}
	}
	if p.Addr.IsZero() {
		return device.Name(p.MAC)
	}
	for _, n := range v.watch.Names(by, p.Addr, at) {
		if _, err := netip.ParseAddr(n); err != nil {
			return device.Printable([]byte(n), 253)
		}
	}
	if v.network != nil { // what conversations themselves said: SNI, Host
		if d := v.network.Owner(by, frame.Addr{}); d != nil {
			for i := range d.Peers {
				if q := &d.Peers[i]; q.Addr == p.Addr && len(q.Names) > 0 {
					return device.Printable([]byte(q.Names[0]), 253)
				}
			}
		}
	}
	return p.Addr.Netip().String()
}

// Findings are what was found, worst first. network is what the inventory made of the network at the end, and kinds
// tells what sort each of its devices is.
func (w *Watch) Findings(network *device.Network, kinds func(*device.Device) device.Kind) []finding.Finding {
	v := &View{w, network, kinds}
	var list []finding.Finding
	index := map[string]int{}
	for _, r := range w.records.list {
		for f := range v.resolve(r) {
			id := f.ID()
			at, ok := index[id]
			if !ok {
				index[id] = len(list)
				list = append(list, f)
				continue
			}
			join(&list[at], &f)
		}
	}
	list = limit(list)
	for i := range list {
		count(&list[i])
	}
	return list
}

// Suffers calls yield for each target, with when it was seen: a victim that never answers is a device all the same.
func (w *Watch) Suffers(yield func(m frame.MAC, a frame.Addr, first, last int64)) {
	for _, r := range w.records.list {
		if !r.Target.IsZero() {
			yield(r.Target.MAC, r.Target.Addr, r.First, r.Last)
		}
	}
}

// tell says that a record is new, for each role in which it is a finding by what is known now.
func (w *Watch) tell(r *Record) {
	for f, d := range (&View{watch: w}).resolve(r) {
		count(&f)
		w.cfg.OnFinding(&f, d)
	}
}

// resolve goes through the findings that a record is, each with its device.
func (v *View) resolve(r *Record) iter.Seq2[finding.Finding, *device.Device] {
	return func(yield func(finding.Finding, *device.Device) bool) {
		if r.Holds != nil && !r.Holds(v) {
			return
		}
		for _, role := range r.Kind.About().Roles {
			own, other, severity := r.Actor, r.Target, r.Severity
			if role == finding.Target {
				own, other = other, own
				severity = cmp.Or(r.Suffered, severity)
			}
			if d := v.Owner(own); d != nil && !yield(v.about(r, d, role, severity, own, other), d) {
				return
			}
		}
	}
}

// about is the finding that a record is about a device, which has a role and is the party own.
func (v *View) about(r *Record, d *device.Device, role finding.Role, severity finding.Severity, own, other Party) finding.Finding {
	if r.Weigh != nil {
		severity = r.Weigh(v, d)
	}
	f := finding.Finding{
		Kind: r.Kind, Device: d.ID(), Role: role, Key: r.Key, Severity: severity, Confidence: r.Confidence,
		First: r.First, Last: r.Last, Detected: r.Detected, Count: r.Count,
		Details: slices.Clone(r.Details), Evidence: slices.Clone(r.evidence),
	}
	if slices.Contains(r.Kind.About().Details, "peer") && f.Detail("peer") == nil {
		peer := ""
		if !other.IsZero() {
			peer = v.call(other, own.MAC, r.Last)
		}
		f.Details = append(f.Details, finding.Detail{Key: "peer", Value: peer})
	}
	return f
}

// count gives values to the details that change with each packet.
func count(f *finding.Finding) {
	for i := range f.Details {
		if l, ok := f.Details[i].Value.(late); ok && l == Counted {
			f.Details[i].Value = f.Count
		} else if ok {
			f.Details[i].Value = time.Duration(f.Last - f.First)
		}
	}
}

// join adds a finding to another of the same ID.
func join(f, g *finding.Finding) {
	if g.Severity > f.Severity {
		f.Details = g.Details
	}
	f.Severity, f.Confidence = max(f.Severity, g.Severity), max(f.Confidence, g.Confidence)
	f.First, f.Last, f.Detected = min(f.First, g.First), max(f.Last, g.Last), min(f.Detected, g.Detected)
	f.Count += g.Count
	f.Evidence = append(f.Evidence, g.Evidence[:min(len(g.Evidence), maxEvidence-len(f.Evidence))]...)
}

// limit puts findings in order, the worst first, and keeps so many of each kind and device as people read.
func limit(list []finding.Finding) []finding.Finding {
	slices.SortFunc(list, func(a, b finding.Finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.First, b.First), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Device, b.Device), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Key, b.Key))
	})
	type group struct {
		kind   finding.Kind
		device string
		role   finding.Role
	}
	seen, last := map[group]int{}, map[group]int{}
	kept := list[:0]
	for i := range list {
		g := group{list[i].Kind, list[i].Device, list[i].Role}
		if seen[g]++; seen[g] > maxFindings {
			f := &kept[last[g]]
			f.Count += list[i].Count
			f.First, f.Last = min(f.First, list[i].First), max(f.Last, list[i].Last)
			continue
		}
		last[g] = len(kept)
		kept = append(kept, list[i])
	}
	return kept
}
