package policy

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
)

// Forever is the end of what does not end, ns.
const Forever = int64(math.MaxInt64)

// maxKnown bounds the pairs of a name and an address that one policy knows: below a name that stands for many, a server
// can make up as many as it likes.
const maxKnown = 8192

// followers are the selectors that follow DNS names, and where the names lead.
type followers struct {
	exact map[string][]uint16
	below map[string][]uint16             // names that may stand for whatever lies below
	names map[uint16]string               // of selectors: what each follows
	held  map[uint16][]netip.Prefix       // addresses that a selector is held to besides
	known map[frame.Addr][]answer         // what DNS said
	said  map[string]map[netip.Addr]int64 // likewise, for who asks by name; nanoseconds until which it holds
	pairs int                             // of a name and an address, in said
}

// answer is a selector that an address belongs to, until a time, ns.
type answer struct {
	selector uint16
	until    int64
}

func (f *followers) add(name string, selector uint16, held []netip.Prefix) {
	if f.exact == nil {
		*f = followers{
			exact: map[string][]uint16{}, below: map[string][]uint16{}, names: map[uint16]string{}, held: map[uint16][]netip.Prefix{},
			known: map[frame.Addr][]answer{}, said: map[string]map[netip.Addr]int64{},
		}
	}
	f.names[selector] = name
	into := f.exact
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		into, name = f.below, rest
	}
	into[name] = append(into[name], selector)
	if held != nil {
		f.held[selector] = held
	}
}

// of are the selectors that follow a name.
func (f *followers) of(name string) []uint16 {
	list := slices.Clip(f.exact[name])
	for parent := name; ; {
		_, rest, ok := strings.Cut(parent, ".")
		if !ok {
			return list
		}
		list = append(list, f.below[rest]...)
		parent = rest
	}
}

// Learn tells that the device was told by DNS that a name has an address, and until when the answer holds, in
// nanoseconds since the Unix epoch. It reports whether an entry follows the name. An answer said again holds until
// the later of both times. What does not fit in the bounds is not learned, so that its packets are stopped.
func (p *Policy) Learn(name string, a netip.Addr, until int64) bool {
	f := &p.follow
	name = Hostname(name)
	list := f.of(name)
	if len(list) == 0 {
		return false
	}
	a = a.Unmap().WithZone("")
	if _, again := f.said[name][a]; !again {
		if f.pairs >= maxKnown {
			return true
		}
		f.pairs++
	}
	at := frame.AddrFrom(a)
	have := f.known[at]
next:
	for _, sel := range list {
		if held := f.held[sel]; held != nil && !contains(held, a) {
			continue
		}
		for i := range have {
			if have[i].selector == sel {
				have[i].until = max(have[i].until, until)
				continue next
			}
		}
		have = append(have, answer{sel, until})
	}
	f.known[at] = have
	if f.said[name] == nil {
		f.said[name] = map[netip.Addr]int64{}
	}
	f.said[name][a] = max(f.said[name][a], until)
	return true
}

// Forget gives up answers that held until before a time.
func (p *Policy) Forget(before int64) {
	f := &p.follow
	for a, list := range f.known {
		if list = slices.DeleteFunc(list, func(x answer) bool { return x.until < before }); len(list) == 0 {
			delete(f.known, a)
		} else {
			f.known[a] = list
		}
	}
	for name, said := range f.said {
		for a, until := range said {
			if until < before {
				delete(said, a)
				f.pairs--
			}
		}
		if len(said) == 0 {
			delete(f.said, name)
		}
	}
}

// Until tells where the name of an entry leads at a time, and until when, both in nanoseconds since the Unix epoch.
// A name that stands for those below it leads where all of these do.
func (p *Policy) Until(e *Entry, at int64) map[netip.Addr]int64 {
	list := map[netip.Addr]int64{}
	add := func(name string) {
		for a, until := range p.follow.said[name] {
			if until >= at && (e.Family == 0 || a.Is4() == (e.Family == 4)) && (e.Prefixes == nil || contains(e.Prefixes, a)) {
				list[a] = max(list[a], until)
			}
		}
	}
	if parent, ok := strings.CutPrefix(e.Follows, "*"); ok {
		for n := range p.follow.said {
			if strings.HasSuffix(n, parent) {
				add(n)
			}
		}
	} else {
		add(e.Follows)
	}
	return list
}

// leads reports whether the name of an entry leads to an address at a time.
func (f *followers) leads(name string, to netip.Addr, at int64) bool {
	parent, ok := strings.CutPrefix(name, "*")
	if !ok {
		until, ok := f.said[name][to]
		return ok && until >= at
	}
	// by what follows the names that led there: to look through all names each time would be slow
	return slices.ContainsFunc(f.known[frame.AddrFrom(to)], func(x answer) bool {
		return x.until >= at && strings.HasSuffix(f.names[x.selector], parent)
	})
}

// Knows reports whether an entry that lets the device begin a conversation follows the name, and whether any entry
// follows names at all. A device whose file names those that it talks with has no reason to ask for others.
func (p *Policy) Knows(name string) (follows, any bool) {
	return len(p.follow.of(Hostname(name))) > 0, len(p.follow.exact)+len(p.follow.below) > 0
}

// Hostname is a DNS name as it is compared: in lower case, without a dot at the end.
func Hostname(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func contains(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}
