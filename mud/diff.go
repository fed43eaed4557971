package mud

import (
	"cmp"
	"slices"
)

// Change is what became of something that a file allows or forbids. The words are stable.
type Change string

// The changes, in the order in which they are told: what matters most to whoever must agree comes first.
const (
	Added    Change = "allowed"   // was not allowed, and is
	Widened  Change = "widened"   // was allowed in part, and now more of it is
	Removed  Change = "forbidden" // was allowed, and is not
	Narrowed Change = "narrowed"  // was allowed, and now less of it is
	Stopped  Change = "stopped"   // an entry forbids it now by name
	Released Change = "released"  // an entry forbade it by name, and none does now
)

var changeOrder = []Change{Added, Widened, Released, Removed, Narrowed, Stopped}

// Difference is one change between two files.
type Difference struct {
	Change  Change
	Starts  Starts // device, peer or answer
	Peer    Peer
	Service Service
	Family  string // ipv4 or ipv6, where the other one is not the same; else ""

	// What it was, where that was more or less: of the same peer and protocol.
	BeforePeer    Peer
	BeforeService Service
}

// Grows reports whether the change lets the device or others do more than before.
func (d Difference) Grows() bool {
	return d.Change == Added || d.Change == Widened || d.Change == Released
}

// Diff tells what a new file allows and forbids otherwise than the old one. Names and order of entries do not matter, nor
// how a thing is said, so far as each entry goes by itself: what two entries allow together is not seen as one.
func Diff(before, after *File) []Difference {
	a, b := before.halves(), after.halves()
	var list []Difference
	for i := range b {
		x := &b[i]
		if within := slices.ContainsFunc(a, func(y atom) bool { return y.allowed == x.allowed && y.covers(x) }); within {
			continue
		}
		d := x.difference(Stopped)
		if x.allowed {
			d.Change = Added
			// It covers something that was there: more of it.
			if i := slices.IndexFunc(a, func(y atom) bool { return y.allowed && x.covers(&y) }); i >= 0 {
				d.Change, d.BeforePeer, d.BeforeService = Widened, a[i].peer, a[i].service
			}
		}
		list = append(list, d)
	}
	for i := range a {
		y := &a[i]
		if within := slices.ContainsFunc(b, func(x atom) bool { return x.allowed == y.allowed && x.covers(y) }); within {
			continue
		}
		d := y.difference(Released)
		if y.allowed {
			d.Change = Removed
		}
		left := false
		for i := range b {
			if x := &b[i]; y.allowed && x.allowed && y.covers(x) {
				d := x.difference(Narrowed)
				d.BeforePeer, d.BeforeService = y.peer, y.service
				list = append(list, d)
				left = true
			}
		}
		if !left {
			list = append(list, d)
		}
	}
	list = families(list)
	for i, d := range list {
		if d.Family != "" && !slices.ContainsFunc(slices.Concat(a, b), d.elsewhere) {
			list[i].Family = "" // both files are silent on the other family: nothing to tell apart
		}
	}
	return list
}

// elsewhere reports whether an atom is of the same thing in another family.
func (d Difference) elsewhere(a atom) bool {
	return a.starts == d.Starts && a.peer == d.Peer && a.service.compare(d.Service) == 0 && a.rule.family != d.Family
}

// halves are the atoms with who may begin apart.
func (f *File) halves() (list []atom) {
	for _, a := range f.atoms() {
		if a.starts != EitherStarts {
			list = append(list, a)
			continue
		}
		a.starts = DeviceStarts
		list = append(list, a)
		a.starts = PeerStarts
		list = append(list, a)
	}
	return list
}

// covers reports whether a is about all that b is. Rules are compared without who opens TCP connections: the halves say that.
func (a *atom) covers(b *atom) bool {
	x, y := a.rule, b.rule
	x.initiated, y.initiated = "", ""
	if x.direction != y.direction {
		x.direction = y.direction // the two policies' entries of one conversation are each other's mirror
	}
	if x.protocol != 6 {
		return a.starts == b.starts && x.covers(&y)
	}
	// In TCP the ports of who begins are of no account.
	if a.starts == DeviceStarts {
		y.ownPorts = x.ownPorts
	}
	return a.starts == b.starts && x.covers(&y)
}

func (a *atom) difference(c Change) Difference {
	return Difference{Change: c, Starts: a.starts, Peer: a.peer, Service: a.service, Family: a.rule.family}
}

// families makes one of what is the same in IPv4 and IPv6, and sorts.
func families(list []Difference) (out []Difference) {
	for _, d := range list {
		i := slices.IndexFunc(out, func(o Difference) bool { return o.compare(d) == 0 })
		switch {
		case i < 0:
			out = append(out, d)
		case out[i].Family != d.Family:
			out[i].Family = ""
		}
	}
	slices.SortStableFunc(out, Difference.compare)
	return out
}

func (d Difference) compare(o Difference) int {
	return cmp.Or(
		cmp.Compare(slices.Index(changeOrder, d.Change), slices.Index(changeOrder, o.Change)),
		cmp.Compare(startsOrder(d.Starts), startsOrder(o.Starts)),
		d.Peer.compare(o.Peer), d.Service.compare(o.Service),
		d.BeforePeer.compare(o.BeforePeer), d.BeforeService.compare(o.BeforeService))
}

// Text says the change, without its kind.
func (d Difference) Text(w Words) string {
	line := func(p Peer, s Service) string {
		return w.Text("mud.show.line", "peer", p.Text(w), "services", s.Text(w))
	}
	text := w.Text("mud.diff."+string(d.Starts), "line", line(d.Peer, d.Service))
	if name := map[string]string{"ipv4": "IPv4", "ipv6": "IPv6"}[d.Family]; name != "" {
		text = w.Text("mud.diff.family", "line", text, "family", name)
	}
	if d.Change == Widened || d.Change == Narrowed {
		text = w.Text("mud.diff.before", "line", text, "before", line(d.BeforePeer, d.BeforeService))
	}
	return text
}
