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

// Diff tells what a new file allows and forbids otherwise than the old one. Names of entries do not matter, nor how a
// thing is said, so far as each entry goes by itself: what two entries allow together is not seen as one. Their order
// matters only where one accepts what another drops.
func Diff(before, after *File) []Difference {
	a, b := newIndex(before.halves()), newIndex(after.halves())
	var list []Difference
	for i := range b.atoms {
		x := &b.atoms[i]
		if a.covers(x) {
			continue
		}
		d := x.difference(Stopped)
		if x.allowed {
			d.Change = Added
			if y := a.covered(x); len(y) > 0 { // something of it was there: now it is more
				d.Change, d.BeforePeer, d.BeforeService = Widened, y[0].peer, y[0].service
			}
		}
		list = append(list, d)
	}
	told := map[*atom]bool{}
	for i := range a.atoms {
		y := &a.atoms[i]
		if b.covers(y) {
			continue
		}
		if !y.allowed {
			list = append(list, y.difference(Released))
			continue
		}
		left := b.covered(y)
		if len(left) == 0 {
			list = append(list, y.difference(Removed))
			continue
		}
		// What is left of several is told of one, and each of them with one at least: all with all would be too much.
		untold := slices.DeleteFunc(slices.Clone(left), func(x *atom) bool { return told[x] })
		if len(untold) == 0 {
			untold = left[:1]
		}
		for _, x := range untold {
			told[x] = true
			d := x.difference(Narrowed)
			d.BeforePeer, d.BeforeService = y.peer, y.service
			list = append(list, d)
		}
	}
	for _, d := range []Direction{FromDevice, ToDevice} {
		list = append(list, overtaken(before.rules(d), after.rules(d))...)
	}
	list = families(list)
	elsewhere := map[facet]bool{}
	for _, x := range []*index{a, b} {
		for i := range x.atoms {
			elsewhere[x.atoms[i].facet()] = true
		}
	}
	for i, d := range list {
		other := facet{d.Starts, d.Peer, d.Service.String(), map[string]string{"ipv4": "ipv6", "ipv6": "ipv4"}[d.Family]}
		if !elsewhere[other] {
			list[i].Family = "" // both files are silent on the other family: nothing to tell apart
		}
	}
	return list
}

// overtaken are the drops of the old rules that are still there, and behind an accept now that may take something from
// them which it did not before.
func overtaken(before, after []rule) (list []Difference) {
	// the first of the rules of that action that covers r, or their number
	first := func(rules []rule, a Action, r *rule) int {
		for i := range rules {
			if rules[i].action == a && rules[i].covers(r) {
				return i
			}
		}
		return len(rules)
	}
	accepted := make([]int, len(after)) // in before
	for i := range after {
		accepted[i] = first(before, Accept, &after[i])
	}
	for i := range before {
		y := &before[i]
		if y.action == Accept {
			continue
		}
		still := first(after, Drop, y)
		if still == len(after) {
			continue // it is gone, and that is told
		}
		for j := range after[:still] {
			if x := &after[j]; x.action == Accept && accepted[j] > i && x.mayMeet(y) {
				d := Difference{Change: Released, Starts: DeviceStarts, Peer: y.party.peer(y), Service: Service{y.protocolName(), named(y.peerPorts)}, Family: y.family}
				if y.direction == ToDevice {
					d.Starts, d.Service.Ports = PeerStarts, named(y.ownPorts)
				}
				list = append(list, d)
				break
			}
		}
	}
	return list
}

// facet is what tells one line of a difference from another.
type facet struct {
	starts  Starts
	peer    Peer
	service string
	family  string
}

func (a *atom) facet() facet { return facet{a.starts, a.peer, a.service.String(), a.rule.family} }

// index finds atoms by the name of the peer, without which each would be compared with each.
type index struct {
	atoms  []atom
	byName map[string][]int
	wide   []int // those for any name, or for many
}

func newIndex(atoms []atom) *index {
	x := &index{atoms: atoms, byName: map[string][]int{}}
	for i := range atoms {
		if name := atoms[i].rule.name; name == "" || name[0] == '*' {
			x.wide = append(x.wide, i)
		} else {
			x.byName[name] = append(x.byName[name], i)
		}
	}
	return x
}

// covers reports whether one of the atoms is of the same kind as a, and about all that a is.
func (x *index) covers(a *atom) bool {
	for _, list := range [][]int{x.byName[a.rule.name], x.wide} {
		for _, i := range list {
			if y := &x.atoms[i]; y.allowed == a.allowed && y.covers(a) {
				return true
			}
		}
	}
	return false
}

// covered are the atoms that allow a part of what a allows.
func (x *index) covered(a *atom) (list []*atom) {
	take := func(i int) {
		if y := &x.atoms[i]; y.allowed && a.covers(y) {
			list = append(list, y)
		}
	}
	if name := a.rule.name; name == "" || name[0] == '*' {
		for i := range x.atoms {
			take(i)
		}
		return list
	}
	for _, i := range x.byName[a.rule.name] {
		take(i)
	}
	return list
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

// covers reports whether a is about all that b is. Who may begin is compared in the place of direction and direction-initiated:
// the two policies' entries of one conversation are each other's mirror. In TCP the ports of who begins are of no account.
func (a *atom) covers(b *atom) bool {
	return a.starts == b.starts && a.rule.isWider(&b.rule) &&
		(a.rule.protocol == 6 && a.starts == DeviceStarts || portsWithin(a.rule.ownPorts, b.rule.ownPorts))
}

func (a *atom) difference(c Change) Difference {
	return Difference{Change: c, Starts: a.starts, Peer: a.peer, Service: a.service, Family: a.rule.family}
}

// families makes one of what is the same in IPv4 and IPv6, and sorts.
func families(list []Difference) (out []Difference) {
	type line struct {
		change        Change
		facet, before facet
	}
	seen := map[line]int{}
	for _, d := range list {
		l := line{d.Change, facet{d.Starts, d.Peer, d.Service.String(), ""}, facet{"", d.BeforePeer, d.BeforeService.String(), ""}}
		i, ok := seen[l]
		switch {
		case !ok:
			seen[l] = len(out)
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
