package nft

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/policy"
)

// The priorities: before those of fw4, Docker and libvirt, whose chains see what Plimsoll's let pass. What Plimsoll
// accepts they may still drop.
const (
	guardPriority  = "-190" // after connection tracking, and before what is false could have begun anything
	leadPriority   = "-180" // who sent it was looked at
	natPriority    = "-110"
	filterPriority = "-10"
)

// unasked stops what would answer, or report an error of, a conversation that nobody knows.
const unasked = "\t\ticmp type { 0, 3, 4, 5, 11, 12, 14, 16, 18 } %[1]s\n\t\ticmpv6 type { 1, 2, 3, 4, 129, 137, 140 } %[1]s\n"

// common are the parts of a table that chains of devices need.
func (t *table) common() {
	for _, s := range [][2]string{{"stopped", "ether_addr"}, {"stopped4", "ipv4_addr"}, {"stopped6", "ipv6_addr"}} {
		t.set(s[0], "type "+s[1], nil, true, "size 4096", "flags dynamic")
	}
	t.chain("stop_from", "", "\t\tupdate @stopped { ether saddr counter }\n\t\tdrop\n")
	t.chain("stop_to", "", "\t\tupdate @stopped4 { ip daddr counter }\n\t\tupdate @stopped6 { ip6 daddr counter }\n\t\tdrop\n")
	t.chain("unasked_from", "", fmt.Sprintf(unasked, "goto stop_from"))
	t.chain("unasked_to", "", fmt.Sprintf(unasked, "goto stop_to"))
}

// base writes a chain where packets enter.
func (t *table) base(name, kind, hook, priority string, rules []string) {
	t.chain(name, "type "+kind+" hook "+hook+" priority "+priority+"; policy accept;", lines(rules))
}

// quoted are names of interfaces as a set.
func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strconv.Quote(n)
	}
	slices.Sort(list)
	if len(list) == 1 {
		return list[0]
	}
	return "{ " + strings.Join(slices.Compact(list), ", ") + " }"
}

// inet is the table that routed packets meet, and those from and to the gateway itself.
func (g *Gateway) inet(devices []Device, at int64, old map[*policy.Policy]*part) *table {
	t := newTable("inet")
	r := &renderer{table: t, at: at, part: &part{}, old: old}
	t.common()
	lan, wan := g.links(true), g.WAN
	g.guard(t, devices, g.links(false))

	chains, askers := g.dispatch(r, devices)
	isLAN := ""
	if len(lan) > 0 {
		isLAN = "iifname " + quoted(lan) + " "
	}

	// what may be begun
	begin := []string{"ct state established,related accept"}
	if g.Resolver.Port != 0 {
		if g.Resolver.Port != 53 { // no policy knows of that port
			begin = append(begin, fmt.Sprintf("ct status dnat fib daddr type local meta l4proto { tcp, udp } th dport %d accept", g.Resolver.Port))
		}
		for _, a := range g.Resolver.Fallback {
			begin = append(begin, fmt.Sprintf("ct status dnat %s daddr %s meta l4proto { tcp, udp } th dport 53 accept", header(a), a))
		}
	}
	forward := append([]string{"ct state established,related accept"}, g.ceilings(t, lan)...)
	forward = append(forward, g.edge(t, lan, wan)...)
	if len(g.Forbidden) > 0 {
		forward = append(forward, g.forbidden(t)...)
	}
	begin = append(begin, chains...)
	t.chain("held", "", lines(begin))
	forward = append(forward, "jump held")
	if len(lan) > 0 && len(wan) > 0 && !g.Inbound {
		forward = append(forward, "iifname "+quoted(wan)+" jump inbound")
		g.inbound(t, devices)
	}
	t.base("forward", "filter", "forward", filterPriority, forward)

	input := []string{}
	if ports := g.mappingRules(t, devices); ports != "" {
		input = append(input, isLAN+ports)
	}
	if g.Page != 0 {
		input = append(input, g.captives(t, devices, isLAN))
	}
	t.base("input", "filter", "input", filterPriority, append(input, "jump held"))
	output := []string{}
	if len(lan) > 0 { // two that are held apart must not be told that they can speak directly
		output = append(output, "oifname "+quoted(lan)+" icmp type 5 drop", "oifname "+quoted(lan)+" icmpv6 type 137 drop")
	}
	t.base("output", "filter", "output", filterPriority, append(output, "jump held"))
	g.names(r, devices, askers, isLAN)
	return t
}

func header(a netip.Addr) string {
	if a.Is4() {
		return "ip"
	}
	return "ip6"
}

// dispatch writes the chains of all devices and the maps that lead to them. It gives the rules that look them up, and
// where the names that devices ask for are judged.
func (g *Gateway) dispatch(r *renderer, devices []Device) (rules, askers []string) {
	var senders, known, receivers4, receivers6, receivers []string
	bound := map[*Device][]netip.Addr{}
	for _, b := range bindings(devices) {
		bound[b.device] = append(bound[b.device], b.addr)
	}
	apart := g.Unknown == Apart
	for i := range devices {
		d := &devices[i]
		known = append(known, d.MAC.String())
		var begin, reach, ask string
		switch {
		case d.Treatment == Free:
			continue
		case d.Treatment == Refused:
			begin, reach = "goto stop_from", "goto stop_to"
		case d.Policy != nil:
			begin, reach, ask = "jump "+from(d.MAC), "jump "+to(d.MAC), r.device(g, d.Policy).ask
		default:
			apart = true
			begin, ask = "jump apart", "names"
		}
		senders = append(senders, d.MAC.String()+" : "+begin)
		if ask != "" {
			askers = append(askers, d.MAC.String()+" : goto "+ask)
		}
		if reach == "" {
			continue
		}
		receivers = append(receivers, d.MAC.String()+" : "+reach)
		for _, a := range bound[d] {
			if a.Is4() {
				receivers4 = append(receivers4, a.String()+" : "+reach)
			} else {
				receivers6 = append(receivers6, a.String()+" : "+reach)
			}
		}
	}
	if apart {
		g.apart(r)
	}
	r.verdicts("senders", "ether_addr", senders)
	rules = append(rules, "ether saddr vmap @senders")
	if g.Unknown != Free && len(g.LAN) > 0 {
		r.table.set("known", "type ether_addr", known, false)
		begin := map[Treatment]string{Apart: "jump apart", Refused: "goto stop_from"}[g.Unknown]
		match := "ether saddr != @known "
		if r.family == "inet" {
			match = "iifname " + quoted(g.links(true)) + " " + match
		}
		rules = append(rules, match+begin)
	}
	if r.family == "bridge" {
		r.verdicts("receivers", "ether_addr", receivers)
		return append(rules, "ether daddr vmap @receivers"), askers
	}
	r.verdicts("receivers4", "ipv4_addr", receivers4)
	r.verdicts("receivers6", "ipv6_addr", receivers6)
	return append(rules, "ip daddr vmap @receivers4", "ip6 daddr vmap @receivers6"), askers
}

// apart writes the chain of devices that are to be held, and nobody knows yet to what: they may use the Internet, the
// gateway's names and time, and speak to groups; others here may begin to speak with them, not they with others.
func (g *Gateway) apart(r *renderer) {
	if r.table.at["apart"] != nil {
		return
	}
	rules := []string{
		"jump unasked_from",
		"icmpv6 type { 131, 132, 133, 134, 135, 136, 143 } return",
		"udp dport . udp sport { 67 . 68, 547 . 546 } return",
		"ip daddr { 224.0.0.0/4, 255.255.255.255 } return",
		"ip6 daddr ff00::/8 return",
	}
	own := g.own()
	for _, f := range []uint8{4, 6} {
		if list := family(own, f); len(list) > 0 {
			elements, _ := prefixes(list)
			ip := map[uint8]string{4: "ip", 6: "ip6"}[f]
			at := ip + " daddr { " + strings.Join(elements, ", ") + " } "
			rules = append(rules, at+"meta l4proto . th dport { udp . 53, tcp . 53, udp . 123 } return",
				at+map[uint8]string{4: "icmp type 8", 6: "icmpv6 type 128"}[f]+" return")
		}
	}
	if r.family == "inet" {
		rules = append(rules, "fib daddr type local goto stop_from")
	}
	rules = append(rules, "th dport 853 meta l4proto { tcp, udp } goto stop_from")
	for _, f := range []uint8{4, 6} {
		if list := family(g.Prefixes, f); len(list) > 0 {
			rules = append(rules, fmt.Sprintf("%s daddr @%s goto stop_from", map[uint8]string{4: "ip", 6: "ip6"}[f], r.addresses(list, f)))
		}
	}
	rules = append(rules, "ip6 daddr fe80::/10 goto stop_from")
	r.table.chain("apart", "", lines(rules))
}

func (g *Gateway) own() (list []netip.Prefix) {
	for _, a := range g.Own {
		a = a.Unmap().WithZone("")
		list = append(list, netip.PrefixFrom(a, a.BitLen()))
	}
	return list
}

// family is those of a family, in order and each once.
func family(list []netip.Prefix, f uint8) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		if p.Addr().Is4() == (f == 4) {
			out = append(out, p.Masked())
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.CompactFunc(out, netip.Prefix.Overlaps)
}

// mappingRules is the rule that keeps held devices from having the router open ports.
func (g *Gateway) mappingRules(t *table, devices []Device) string {
	var held []string
	for i := range devices {
		if d := &devices[i]; d.Treatment != Free && !d.MayMap {
			held = append(held, d.MAC.String())
		}
	}
	list := g.Mapping
	if list == nil {
		list = mapping
	}
	if len(held) == 0 || len(list) == 0 {
		return ""
	}
	t.set("unmapped", "type ether_addr", held, false)
	var services []string
	for _, s := range list {
		services = append(services, protocolName(int16(s.Proto))+" . "+strconv.Itoa(int(s.Port)))
	}
	return "ether saddr @unmapped meta l4proto . th dport { " + strings.Join(services, ", ") + " } goto stop_from"
}

// names writes the chains that bring back to Plimsoll's resolver what devices ask of others, and to the page what a
// device in quarantine asks of any web server.
func (g *Gateway) names(r *renderer, devices []Device, askers []string, isLAN string) {
	t := r.table
	if g.Resolver.Port == 0 && g.Page == 0 {
		return
	}
	var rules []string
	if g.Resolver.Port != 0 {
		port := strconv.Itoa(int(g.Resolver.Port))
		ours := "redirect to :" + port
		t.chain("resolver", "", "\t\t"+"meta l4proto { tcp, udp } "+ours+"\n")
		fallback := ""
		for _, a := range g.Resolver.Fallback {
			fallback += "\t\t" + fmt.Sprintf("%s meta l4proto { tcp, udp } dnat %s to %s\n", r.is(map[bool]uint8{true: 4, false: 6}[a.Is4()]), header(a), a)
		}
		t.chain("fallback", "", fallback)
		held, others := "resolver", ""
		switch {
		case g.Resolver.Stopped && fallback != "":
			held, others = "fallback", "fallback"
		case g.Resolver.Stopped:
			held = ""
		case g.Resolver.Port != 53:
			others = "resolver"
		}
		lead := func(to string) (list []string) {
			if to == "" {
				return nil
			}
			return []string{"tcp : goto " + to, "udp : goto " + to}
		}
		t.verdicts("resolution", "inet_proto", lead(held))
		t.verdicts("resolution_own", "inet_proto", lead(others))
		t.chain("names", "", "\t\tmeta l4proto vmap @resolution\n")
		t.verdicts("askers", "ether_addr", askers)
		rules = append(rules, isLAN+"th dport 53 fib daddr type local meta l4proto vmap @resolution_own", isLAN+"th dport 53 meta l4proto { tcp, udp } ether saddr vmap @askers")
		if g.Unknown == Apart && t.at["known"] != nil {
			rules = append(rules, isLAN+"th dport 53 meta l4proto { tcp, udp } ether saddr != @known goto names")
		}
	}
	if g.Page != 0 {
		var captives []string
		for i := range devices {
			if p := devices[i].Policy; devices[i].Treatment == Quarantined && p != nil {
				captives = append(captives, p.Device.String()+" : goto "+t.parts[p].page)
			}
		}
		t.verdicts("captives", "ether_addr", captives)
		rules = append(rules, isLAN+"tcp dport 80 ether saddr vmap @captives")
	}
	t.base("lead_back", "nat", "prerouting", natPriority, rules)
}
