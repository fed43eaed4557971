package nft

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// bridge is the table that packets between ports of a bridge meet. The kernel tracks no connections there that all
// builds of it have, so the table remembers conversations itself: who may answer whom, for as long as they speak.
func (g *Gateway) bridge(devices []Device, at int64, old map[*policy.Policy]*part) *table {
	t := newTable("bridge")
	t.common()
	g.bound(t, devices)
	routers(t, devices)
	t.base("guard", "filter", "prerouting", guardPriority, append([]string{
		claims[0],
		"arp saddr ip @bound4 ether saddr . arp saddr ip != @bindings4 goto spoofed",
	}, sources...))

	r := &renderer{table: t, at: at, local: g.Prefixes, part: &part{}, old: old}
	rules, _ := g.dispatch(r, devices)
	var held []string
	for i := range devices {
		if devices[i].Treatment != Free {
			held = append(held, devices[i].MAC.String())
		}
	}
	t.set("held", "type ether_addr", held, false)
	g.lead(t)
	var before, after []string
	before = append(before, "ether type arp accept")
	for _, f := range []string{"4", "6"} {
		ip := map[string]string{"4": "ip", "6": "ip6"}[f]
		talk := func(s, d, ports string) string {
			return fmt.Sprintf("%s %s . %s %s . meta l4proto . %s", ip, s, ip, d, ports)
		}
		there, back := talk("saddr", "daddr", "th sport . th dport"), talk("daddr", "saddr", "th dport . th sport")
		key := "type " + addressType(f[0]-'0') + " . " + addressType(f[0]-'0') + " . inet_proto . inet_service . inet_service"
		t.set("talks"+f, key, nil, true, "size 65536", "flags dynamic,timeout")
		for _, x := range [][2]string{{"tcp", "2h"}, {"udp", "3m"}} {
			match := "meta l4proto " + x[0] + " "
			before = append(before, fmt.Sprintf("%s%s @talks%s update @talks%s { %s timeout %s } update @talks%s { %s timeout %s } accept",
				match, there, f, f, there, x[1], f, back, x[1]))
			after = append(after, fmt.Sprintf("%supdate @talks%s { %s timeout %s } update @talks%s { %s timeout %s } accept",
				match, f, there, x[1], f, back, x[1]))
		}
		// who was asked by ICMP may answer
		icmp := "icmp"
		asks, answers := "{ 8, 13 }", "{ 0, 14 }"
		if f == "6" {
			icmp, asks, answers = "icmpv6", "128", "129"
		}
		t.set("pings"+f, "type "+addressType(f[0]-'0')+" . "+addressType(f[0]-'0'), nil, true, "size 4096", "flags dynamic,timeout")
		before = append(before, fmt.Sprintf("%s type %s %s saddr . %s daddr @pings%s accept", icmp, answers, ip, ip, f))
		after = append(after, fmt.Sprintf("%s type %s update @pings%s { %s daddr . %s saddr timeout 30s }", icmp, asks, f, ip, ip))
	}
	t.chain("talk", "", lines(after))
	t.base("forward", "filter", "forward", filterPriority, append(append(before, rules...),
		"ether saddr @held jump talk", "ether daddr @held jump talk"))
	return t
}

// lead writes the chain that leads what devices that are held exchange with others on the bridge to the gateway itself,
// which routes it: so it meets connection tracking and the rules for routed packets, which know names. Others go on
// speaking with each other directly. What finds addresses, or gives them, is never led away, nor is what goes to groups.
// Not all kernels tell of which bridge a port is: where the LAN is several of them, nothing is led.
func (g *Gateway) lead(t *table) {
	bridges := slices.DeleteFunc(slices.Clone(g.LAN), func(l Link) bool { return !l.Bridge })
	if len(bridges) != 1 {
		return
	}
	l := bridges[0]
	if l.Isolated { // who asks whether its own address is free must not be told that the gateway has it (RFC 4862 §5.4)
		t.base("input", "filter", "input", filterPriority, []string{"icmpv6 type 135 ip6 saddr :: ether saddr . @th,64,128 @announced drop"})
	}
	var families []string
	if l.Routed4 {
		families = append(families, "ip")
	}
	if l.Routed6 {
		families = append(families, "ip6")
	}
	if len(families) == 0 || l.MAC == (frame.MAC{}) {
		return
	}
	rules := []string{
		"ether daddr & 01:00:00:00:00:00 != 00:00:00:00:00:00 accept",
		"ether daddr " + l.MAC.String() + " accept",
		"icmpv6 type { 133, 134, 135, 136, 137 } accept",
		"udp dport { 67, 68, 546, 547 } accept",
	}
	to := fmt.Sprintf("meta pkttype set host ether daddr set %s accept", l.MAC)
	sides := []string{"ether saddr @held ", "ether daddr @held "}
	if l.Isolated { // who knows another’s link-layer address from before the ports were kept apart, still uses it
		sides = []string{""}
	}
	for _, side := range sides {
		rules = append(rules, "ether type { "+strings.Join(families, ", ")+" } "+side+to)
	}
	t.base("lead", "filter", "prerouting", leadPriority, rules)
}
