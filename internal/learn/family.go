package learn

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// leastFamily is how many names of a family must have been seen before one that was not is believed to be of it.
const leastFamily = 3

// families finds names that one pattern makes, such as 0.pool.example, 1.pool.example, 2.pool.example, and returns for
// each of them the pattern, *.pool.example, which in a MUD file stands for whatever lies below. It is a family only if
//
//   - leastFamily names or more differ in their first label alone;
//   - that label is made, not chosen: it holds a digit in each, and is short, or much of it is digits;
//   - what follows belongs to one owner. Below a public suffix, which is what clouds and content networks let their
//     customers have names under, everybody's neighbour is a stranger (publicsuffix.org, its private part included).
func families(names []string) map[string]string {
	byParent := map[string][]string{}
	for _, n := range names {
		label, parent, ok := strings.Cut(n, ".")
		if ok && made(label) && owned(parent) {
			byParent[parent] = append(byParent[parent], n)
		}
	}
	pattern := map[string]string{}
	for parent, list := range byParent {
		slices.Sort(list)
		if list = slices.Compact(list); len(list) < leastFamily {
			continue
		}
		for _, n := range list {
			pattern[n] = "*." + parent
		}
	}
	return pattern
}

// owned reports whether all names directly below a domain are of one owner.
func owned(domain string) bool {
	_, err := publicsuffix.EffectiveTLDPlusOne(domain)
	return err == nil
}

// made reports whether a label looks like one that a program made up.
func made(label string) bool {
	digits, turns, kind := 0, 0, -1
	for i := range len(label) {
		k := 0
		if label[i] >= '0' && label[i] <= '9' {
			digits++
			k = 1
		}
		if kind >= 0 && k != kind {
			turns++
		}
		kind = k
	}
	return digits > 0 && (digits*4 >= len(label) || turns >= 3 || len(label) <= 8)
}

// portRange is ports that a service changes among.
type portRange struct{ low, high uint16 }

// The ports that may be joined to a range, and how many it takes.
const (
	leastPorts   = 5
	leastAtHome  = 3     // in the home, where less is at stake, and callbacks go to a port that is another each time
	firstDynamic = 49152 // RFC 6335 §6
)

// ranges joins ports of one service with one peer to ranges, where so many of them, all above those that are assigned
// to services, were seen that they must be chosen anew each time. Others stay as they are.
func ranges(ports []uint16, atHome bool) (list []portRange) {
	slices.Sort(ports)
	ports = slices.Compact(ports)
	if from, _ := slices.BinarySearch(ports, ephemeral); atHome && len(ports)-from >= leastAtHome && spread(ports[from:]) {
		for _, p := range ports[:from] {
			list = append(list, portRange{p, p})
		}
		return append(list, portRange{ephemeral, 65535})
	}
	for _, group := range [][2]uint16{{0, ephemeral - 1}, {ephemeral, firstDynamic - 1}, {firstDynamic, 65535}} {
		from, _ := slices.BinarySearch(ports, group[0])
		to, found := slices.BinarySearch(ports, group[1])
		if found {
			to++
		}
		in := ports[from:to]
		switch {
		case group[0] == firstDynamic && len(in) >= leastPorts:
			list = append(list, portRange{firstDynamic, 65535})
		case group[0] == ephemeral && len(in) >= 2*leastPorts:
			list = append(list, portRange{in[0], in[len(in)-1]})
		default:
			for _, p := range in {
				list = append(list, portRange{p, p})
			}
		}
	}
	slices.SortFunc(list, func(a, b portRange) int { return cmp.Compare(a.low, b.low) })
	return list
}

// spread reports whether ports lie so far apart that they must be chosen by chance: services have their fixed ones, and
// those that are counted up lie side by side.
func spread(ports []uint16) bool { return ports[len(ports)-1]-ports[0] >= 1000 }
