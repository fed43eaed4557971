// Package nft writes policies as a ruleset of nftables: one table of Plimsoll's own, in the family inet.
//
// A packet is looked at in four steps, whatever the number of devices: what belongs to a conversation that was
// allowed passes; a verdict map leads from the sender's link-layer address to the chain of what it may begin; another
// from the receiver's address to the chain of what others may begin with it; who is in neither map is not held. In a
// chain, most entries are elements of one set, whose key is address, protocol and port; so its length does not grow
// with them either. What a set without intervals cannot say has a rule for each kind of other end.
package nft

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// Table is the name of Plimsoll's table. Nothing outside of it is read or changed.
const Table = "plimsoll"

// Render writes the ruleset that holds each device to its policy, as nft -f reads it: in one transaction it takes the
// place of the table that was there. at is the time, in nanoseconds since the Unix epoch, from which what DNS said is
// kept until it ends. The same policies give the same text, in whatever order they come.
func Render(w io.Writer, policies []*policy.Policy, at int64) error {
	r := renderer{at: at, sets: map[string]string{}, tails: map[string]string{}}
	sorted := slices.Clone(policies)
	slices.SortFunc(sorted, func(a, b *policy.Policy) int { return cmp.Compare(a.Device.Uint64(), b.Device.Uint64()) })
	var senders, receivers4, receivers6 []string
	taken := map[netip.Addr]bool{}
	for i, p := range sorted {
		if i > 0 && sorted[i-1].Device == p.Device {
			return fmt.Errorf("render policies: two of %s", p.Device)
		}
		id := strings.ReplaceAll(p.Device.String(), ":", "")
		from, to := "from_"+id, "to_"+id
		senders = append(senders, p.Device.String()+" : jump "+from)
		own := slices.Clone(p.Own)
		slices.SortFunc(own, netip.Addr.Compare)
		for _, a := range own {
			a = a.Unmap().WithZone("")
			if taken[a] {
				continue
			}
			taken[a] = true
			if a.Is4() {
				receivers4 = append(receivers4, a.String()+" : jump "+to)
			} else {
				receivers6 = append(receivers6, a.String()+" : jump "+to)
			}
		}
		r.chain(p, policy.FromDevice, from)
		r.chain(p, policy.ToDevice, to)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "table inet %[1]s\ndelete table inet %[1]s\n\ntable inet %[1]s {\n", Table)
	b.WriteString(strings.Join(r.declarations, "\n"))
	b.WriteString(icmpAnswers)
	for _, c := range r.chains {
		b.WriteString(c)
	}
	for _, m := range []struct {
		name, key string
		elements  []string
	}{{"senders", "ether_addr", senders}, {"receivers4", "ipv4_addr", receivers4}, {"receivers6", "ipv6_addr", receivers6}} {
		fmt.Fprintf(b, "\n\tmap %s {\n\t\ttype %s : verdict\n", m.name, m.key)
		writeElements(b, m.elements)
		b.WriteString("\t}\n")
	}
	b.WriteString(base)
	b.WriteString("}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write ruleset: %w", err)
	}
	return nil
}

// icmpAnswers stops what would answer, or report an error of, a conversation that nobody knows.
const icmpAnswers = `
	chain unasked {
		icmp type { 0, 3, 4, 5, 11, 12, 14, 16, 18 } drop
		icmpv6 type { 1, 2, 3, 4, 129, 137, 140 } drop
	}
`

// base is where packets enter.
const base = `
	chain held {
		ct state established,related accept
		ether saddr vmap @senders
		ip daddr vmap @receivers4
		ip6 daddr vmap @receivers6
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		jump held
	}

	chain input {
		type filter hook input priority filter; policy accept;
		jump held
	}

	chain output {
		type filter hook output priority filter; policy accept;
		jump held
	}
`

func writeElements(b *bufio.Writer, list []string) {
	if len(list) > 0 {
		fmt.Fprintf(b, "\t\telements = { %s }\n", strings.Join(list, ",\n\t\t\t"))
	}
}

// renderer gathers the parts of a ruleset.
type renderer struct {
	at           int64
	declarations []string
	chains       []string
	sets         map[string]string // names of address sets, by what is in them
	tails        map[string]string // names of chains of defaults, likewise
}

// chain writes the chain of one direction of a device: what it returns from is allowed as far as this device goes.
func (r *renderer) chain(p *policy.Policy, d policy.Direction, name string) {
	entries := p.Beginning(d)
	declared := 0
	for declared < len(entries) && entries[declared].Origin == policy.Declared {
		declared++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n\tchain %s {\n\t\tmeta l4proto { icmp, ipv6-icmp } jump unasked\n", name)
	r.runs(&b, p, d, name, entries[:declared])
	fmt.Fprintf(&b, "\t\tgoto %s\n\t}\n", r.defaults(p, d, entries[declared:]))
	r.chains = append(r.chains, b.String())
}

// runs writes the rules of entries, in runs of one action.
func (r *renderer) runs(b *strings.Builder, p *policy.Policy, d policy.Direction, name string, entries []*policy.Entry) {
	for run, n := 1, 0; n < len(entries); run++ {
		m := n
		for m < len(entries) && entries[m].Action == entries[n].Action { // their order does not matter
			m++
		}
		for _, f := range [...]uint8{4, 6} {
			s := section{renderer: r, policy: p, direction: d, family: f, verdict: "return", name: name + "_" + strconv.Itoa(run) + "_"}
			if entries[n].Action == policy.Drop {
				s.verdict = "counter drop"
			}
			s.render(b, entries[n:m])
		}
		n = m
	}
}

// defaults is the name of the chain of the entries that follow those of a file, which devices share: one goes there
// for good, so that its returns are those of the chain that went there.
func (r *renderer) defaults(p *policy.Policy, d policy.Direction, entries []*policy.Entry) string {
	var key strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&key, e.Direction, e.Action, e.Family, e.Proto, e.PeerPorts, e.OwnPorts, e.ICMPType, e.Prefixes)
	}
	name, ok := r.tails[key.String()]
	if ok {
		return name
	}
	name = "default" + strconv.Itoa(len(r.tails)+1)
	r.tails[key.String()] = name
	var b strings.Builder
	fmt.Fprintf(&b, "\n\tchain %s {\n", name)
	r.runs(&b, p, d, name, entries)
	b.WriteString("\t\tcounter drop\n\t}\n")
	r.chains = append(r.chains, b.String())
	return name
}

// declare adds a set.
func (r *renderer) declare(name, key, flags string, elements []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\tset %s {\n\t\ttype %s\n", name, key)
	if flags != "" {
		fmt.Fprintf(&b, "\t\tflags %s\n", flags)
	}
	if len(elements) > 0 {
		fmt.Fprintf(&b, "\t\telements = { %s }\n", strings.Join(elements, ",\n\t\t\t"))
	}
	b.WriteString("\t}\n")
	r.declarations = append(r.declarations, b.String())
}

// addresses is the name of a set of addresses of a family, shared by all who speak of them.
func (r *renderer) addresses(list []netip.Prefix, f uint8) string {
	elements := make([]string, len(list))
	flags := ""
	for i, p := range list {
		elements[i] = p.String()
		if p.IsSingleIP() {
			elements[i] = p.Addr().String()
		} else {
			flags = "interval"
		}
	}
	text := strings.Join(elements, " ")
	name, ok := r.sets[text]
	if !ok {
		name = "peers" + strconv.Itoa(len(r.sets)+1)
		r.sets[text] = name
		r.declare(name, addressType(f), flags, elements)
	}
	return name
}

func addressType(f uint8) string { return "ipv" + strconv.Itoa(int(f)) + "_addr" }

// timeout is how an element of a set with time-outs is written.
func (r *renderer) timeout(element string, until int64) string {
	if until == policy.Forever {
		return element
	}
	left := max(1, (until-r.at+int64(time.Second)-1)/int64(time.Second))
	return element + " timeout " + strconv.FormatInt(left, 10) + "s"
}

// protocolName is how nft writes a protocol.
func protocolName(n int16) string {
	switch n {
	case frame.ProtoTCP:
		return "tcp"
	case frame.ProtoUDP:
		return "udp"
	}
	return strconv.Itoa(int(n))
}
