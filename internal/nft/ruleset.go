package nft

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/policy"
)

// Ruleset is rules as they are put into the kernel.
type Ruleset struct {
	tables  []*table
	devices []Device // sorted, each with the policy that it is held to
	basis   string   // what the parts of devices depend on beside their policies

	byPolicy map[*policy.Policy][]follow // made when asked for
}

// table is one of Plimsoll's tables.
type table struct {
	family  string
	objects []*object
	at      map[string]*object
	follows []follow
	parts   map[*policy.Policy]*part
}

// follow is a set whose elements are where a name leads.
type follow struct {
	policy *policy.Policy
	entry  *policy.Entry
	family uint8
	set    string
	// The elements are addresses with each of these services of the entry; none: addresses alone.
	services []service
}

// service is the protocol and port in the element of a set.
type service struct {
	proto uint8
	port  uint16
}

// object is a set, map, counter or chain.
type object struct {
	kind, name string
	head       string   // what is said of it before its elements or rules, a line each
	elements   []string // of a set or map
	// The kernel, or DNS, alters the elements: they are no part of what the object is.
	lives bool
	rules string // of a chain, a line each
}

func newTable(family string) *table {
	return &table{family: family, at: map[string]*object{}, parts: map[*policy.Policy]*part{}}
}

func (t *table) add(o *object) {
	t.objects = append(t.objects, o)
	t.at[o.name] = o
}

// set adds a set; flags and what else is said of it are lines of head.
func (t *table) set(name, key string, elements []string, lives bool, head ...string) {
	t.add(newSet(name, key, elements, lives, head))
}

func newSet(name, key string, elements []string, lives bool, head []string) *object {
	return &object{kind: "set", name: name, head: lines(append([]string{key}, head...)), elements: elements, lives: lives}
}

// verdicts adds a verdict map.
func (t *table) verdicts(name, key string, elements []string) {
	t.add(&object{kind: "map", name: name, head: lines([]string{"type " + key + " : verdict"}), elements: elements})
}

// chain adds a chain.
func (t *table) chain(name, head, rules string) {
	if head != "" {
		head = lines([]string{head})
	}
	t.add(&object{kind: "chain", name: name, head: head, rules: rules})
}

func lines(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString("\t\t" + s + "\n")
	}
	return b.String()
}

func (o *object) write(b *strings.Builder, elements bool) {
	fmt.Fprintf(b, "\n\t%s %s {\n%s", o.kind, o.name, o.head)
	if elements && len(o.elements) > 0 {
		fmt.Fprintf(b, "\t\telements = { %s }\n", strings.Join(o.elements, ",\n\t\t\t"))
	}
	b.WriteString(o.rules + "\t}\n")
}

// String is the whole ruleset as nft -f reads it: in one transaction, its tables take the place of those there.
func (r *Ruleset) String() string {
	var b strings.Builder
	for _, t := range r.tables {
		t.replace(&b)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (t *table) replace(b *strings.Builder) {
	fmt.Fprintf(b, "table %[1]s %[2]s\ndelete table %[1]s %[2]s\n\n", t.family, Table)
	t.define(b)
}

func (t *table) define(b *strings.Builder) {
	fmt.Fprintf(b, "table %s %s {", t.family, Table)
	for _, o := range t.objects {
		o.write(b, true)
	}
	b.WriteString("}\n\n")
}

// refill makes a table that stands, by its listing without elements, this one: what is in both is emptied and filled
// again, in the same transaction, for a packet on its way through a table that goes finds the sets of it empty, and is
// lost. ok is false where there is something that only goes with the table.
func (t *table) refill(b *strings.Builder, listing string) (ok bool) {
	var emptied, chains, sets strings.Builder
	for line := range strings.Lines(listing) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "{" || f[0] == "table" {
			continue
		}
		gone := &sets
		switch f[0] {
		case "chain":
			gone = &chains
		case "set", "map":
			fmt.Fprintf(&emptied, "flush %s %s %s %s\n", f[0], t.family, Table, f[1])
		default:
			return false
		}
		if o := t.at[f[1]]; o == nil || o.kind != f[0] {
			fmt.Fprintf(gone, "delete %s %s %s %s\n", f[0], t.family, Table, f[1])
		}
	}
	fmt.Fprintf(b, "flush table %s %s\n%s%s%s\n", t.family, Table, emptied.String(), chains.String(), sets.String())
	t.define(b)
	return true
}

// Since is what makes an older ruleset, as it stands in the kernel, this one: in one transaction, and "" where they are
// the same. What lives in both stays as it is.
func (r *Ruleset) Since(old *Ruleset) string {
	text, changes := r.since(old)
	if text != "" {
		return text
	}
	var b strings.Builder
	for _, c := range changes {
		verb, element := "add", c.element
		if c.drop {
			verb, element = "delete", keys([]string{element})[0]
		}
		fmt.Fprintf(&b, "%s element %s %s %s { %s }\n", verb, c.family, Table, c.set, element)
	}
	return b.String()
}

// since is either a text for nft, or, where nothing but elements changes, these alone.
func (r *Ruleset) since(old *Ruleset) (text string, changes []change) {
	var b strings.Builder
	structure := false
	for _, o := range old.tables {
		if !slices.ContainsFunc(r.tables, func(t *table) bool { return t.family == o.family }) {
			fmt.Fprintf(&b, "delete table %s %s\n", o.family, Table)
			structure = true
		}
	}
	for _, t := range r.tables {
		before := newTable(t.family)
		for _, o := range old.tables {
			if o.family == t.family {
				before = o
			}
		}
		more, deep := t.since(&b, before)
		structure = structure || deep
		changes = append(changes, more...)
	}
	if structure {
		return b.String(), nil
	}
	return "", changes
}

// change is an element that a set or map loses or gains.
type change struct {
	family  string
	set     string
	element string
	drop    bool
	timeout uint64 // ms; 0: it stays
}

func (t *table) since(b *strings.Builder, old *table) (changes []change, structure bool) {
	var gone, emptied, lost, made, gained strings.Builder
	again := map[string]bool{} // sets that are made again, under the same name
	for _, o := range t.objects {
		if was := old.at[o.name]; was != nil && o.kind != "chain" && (was.head != o.head || was.kind != o.kind) {
			again[o.name] = true
		}
	}
	mentions := func(rules string) bool {
		for name := range again {
			if strings.Contains(rules, "@"+name+" ") || strings.Contains(rules, "@"+name+"\n") {
				return true
			}
		}
		return false
	}
	say := func(b *strings.Builder, verb, kind string, o *object, more string) {
		fmt.Fprintf(b, "%s %s %s %s %s%s\n", verb, kind, t.family, Table, o.name, more)
	}
	for _, o := range t.objects {
		was := old.at[o.name]
		switch {
		case was == o:
			if o.kind == "chain" && mentions(o.rules) {
				say(&emptied, "flush", "chain", o, "")
				o.write(&made, false)
			}
		case was == nil || again[o.name]:
			o.write(&made, true)
		case o.kind == "chain" && (was.rules != o.rules || mentions(o.rules)):
			say(&emptied, "flush", "chain", o, "")
			o.write(&made, false)
		case o.kind != "chain" && !o.lives:
			out, in := difference(was.elements, o.elements)
			if len(out)+len(in) > 0 && (strings.Contains(o.head, "interval") || strings.Contains(o.head, "typeof")) {
				structure = true // only nft knows how these are written
			}
			for _, e := range out {
				changes = append(changes, change{family: t.family, set: o.name, element: e, drop: true})
			}
			for _, e := range in {
				changes = append(changes, change{family: t.family, set: o.name, element: e})
			}
			if len(out) > 0 {
				say(&lost, "delete", "element", o, " { "+strings.Join(keys(out), ", ")+" }")
			}
			if len(in) > 0 {
				say(&gained, "add", "element", o, " { "+strings.Join(in, ", ")+" }")
			}
		}
	}
	for _, o := range old.objects {
		if t.at[o.name] != nil && !again[o.name] {
			continue
		}
		if o.kind == "chain" {
			say(&emptied, "flush", "chain", o, "")
		}
	}
	// a chain can go when no rule and no element leads to it, a set when no rule speaks of it
	for _, kind := range []string{"map", "chain", "set"} {
		for _, o := range old.objects {
			if o.kind == kind && (t.at[o.name] == nil || again[o.name]) {
				say(&gone, "delete", kind, o, "")
			}
		}
	}
	structure = structure || emptied.Len()+gone.Len()+made.Len() > 0
	b.WriteString(emptied.String() + lost.String() + gone.String())
	if made.Len() > 0 {
		fmt.Fprintf(b, "table %s %s {%s}\n", t.family, Table, made.String())
	}
	b.WriteString(gained.String())
	return changes, structure
}

// difference is what is in one sorted or unsorted list only.
func difference(a, b []string) (onlyA, onlyB []string) {
	inA, inB := map[string]bool{}, map[string]bool{}
	for _, s := range a {
		inA[s] = true
	}
	for _, s := range b {
		inB[s] = true
		if !inA[s] {
			onlyB = append(onlyB, s)
		}
	}
	for _, s := range a {
		if !inB[s] {
			onlyA = append(onlyA, s)
		}
	}
	return onlyA, onlyB
}

// keys are the elements of a map without what they lead to.
func keys(elements []string) []string {
	list := make([]string, len(elements))
	for i, e := range elements {
		list[i], _, _ = strings.Cut(e, " : ")
	}
	return list
}
