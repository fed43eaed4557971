package nft

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"plimsoll.example/plimsoll/internal/frame"
)

// bound writes the sets that say which addresses belong to whom: those of a device to its link-layer address, those of
// the gateway to none on the LAN.
func (g *Gateway) bound(t *table, devices []Device) {
	var all, pairs [7][]string
	var targets, announced []string
	for _, o := range g.own() {
		all[version(o.Addr())] = append(all[version(o.Addr())], o.Addr().String())
		if o.Addr().Is6() {
			targets = append(targets, raw(o.Addr()))
		}
	}
	own := map[netip.Addr]bool{}
	for _, o := range g.own() {
		own[o.Addr()] = true
	}
	for _, b := range bindings(devices) {
		if own[b.addr] {
			continue
		}
		v := version(b.addr)
		all[v] = append(all[v], b.addr.String())
		pairs[v] = append(pairs[v], b.device.MAC.String()+" . "+b.addr.String())
		if v == 6 {
			targets = append(targets, raw(b.addr))
			announced = append(announced, b.device.MAC.String()+" . "+raw(b.addr))
		}
	}
	for _, f := range []int{4, 6} {
		if f == 6 && t.family == "arp" {
			continue
		}
		t.set("bound"+strconv.Itoa(f), "type "+addressType(uint8(f)), all[f], false)
		t.set("bindings"+strconv.Itoa(f), "type ether_addr . "+addressType(uint8(f)), pairs[f], false)
	}
	if t.family != "arp" {
		t.set("targets", "typeof @th,64,128", targets, false)
		t.set("announced", "typeof ether saddr . @th,64,128", announced, false)
	}
	t.set("spoofing", "type ether_addr", nil, true, "size 4096", "flags dynamic")
	if t.family == "arp" {
		t.chain("spoofed", "", "\t\tupdate @spoofing { arp saddr ether counter }\n\t\tdrop\n")
	} else {
		t.chain("spoofed", "", "\t\tupdate @spoofing { ether saddr counter }\n\t\tdrop\n")
	}
}

func version(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// raw is an address as nft compares it with octets of a message.
func raw(a netip.Addr) string {
	b := a.As16()
	return "0x" + hex.EncodeToString(b[:])
}

// sources are the rules that keep a device from using an address of another one, in packets and in neighbour
// advertisements, and one that is held from being a router (RFC 4861 §4.2: with a lifetime, it is a default router).
var sources = []string{
	"ether saddr . ip saddr @bindings4 accept",
	"icmpv6 type 136 @th,64,128 @targets ether saddr . @th,64,128 != @announced goto spoofed",
	"icmpv6 type 134 @th,48,16 != 0 ether saddr vmap @routers",
	"ether saddr . ip6 saddr @bindings6 accept",
	// looked up again: in a swap of rules, the first look may have come before the swap, and this one after it
	"ip saddr @bound4 ether saddr . ip saddr != @bindings4 goto spoofed",
	"ip6 saddr @bound6 ether saddr . ip6 saddr != @bindings6 goto spoofed",
}

// routers writes the map of those who must not say that they are routers.
func routers(t *table, devices []Device) {
	var held []string
	for i := range devices {
		if devices[i].Treatment != Free {
			held = append(held, devices[i].MAC.String()+" : goto spoofed")
		}
	}
	t.verdicts("routers", "ether_addr", held)
}

// guard writes the chain that stops false sources on interfaces that are no bridges; those of bridges are stopped in
// the family bridge.
func (g *Gateway) guard(t *table, devices []Device, links []string) {
	if len(links) == 0 {
		return
	}
	g.bound(t, devices)
	routers(t, devices)
	t.base("guard", "filter", "prerouting", guardPriority, append([]string{
		"ct state established,related accept", // which was looked at when it began
		"iifname != " + quoted(links) + " accept",
	}, sources...))
}

// claims are the rules that keep a device from saying by ARP that it has an address of another one.
var claims = []string{
	"arp saddr ip @bound4 arp saddr ether . arp saddr ip != @bindings4 goto spoofed",
}

// arp is the table that ARP meets on interfaces that are no bridges.
func (g *Gateway) arp(devices []Device) *table {
	t := newTable("arp")
	g.bound(t, devices)
	rules := []string{}
	for _, c := range claims {
		rules = append(rules, "iifname "+quoted(g.links(false))+" "+c)
	}
	t.base("input", "filter", "input", filterPriority, rules)
	return t
}

// bogons are sources and destinations that no router forwards (RFC 6890).
var bogons = map[string]string{
	"ip":  "{ 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 240.0.0.0/4 }",
	"ip6": "{ ::/127, fe80::/10 }",
}

// edge is the rules between the LAN and the Internet: only addresses of the LAN leave, none of them comes in
// (RFC 2827, RFC 3704), nor what nobody forwards.
func (g *Gateway) edge(t *table, lan, wan []string) (rules []string) {
	if len(lan) == 0 || len(wan) == 0 {
		return nil
	}
	out := []string{}
	in := []string{"ip saddr 224.0.0.0/4 drop", "ip6 saddr ff00::/8 drop"}
	for _, f := range []uint8{4, 6} {
		ip := map[uint8]string{4: "ip", 6: "ip6"}[f]
		out = append(out, ip+" daddr "+bogons[ip]+" goto stop_from")
		in = append(in, ip+" saddr "+bogons[ip]+" drop")
		if list := family(g.Prefixes, f); len(list) > 0 {
			r := renderer{table: t, part: &part{}}
			out = append(out, ip+" saddr != @"+r.addresses(list, f)+" goto spoofed_edge")
			in = append(in, ip+" saddr @"+r.addresses(list, f)+" drop")
		}
	}
	t.set("spoofing_edge", "type ether_addr", nil, true, "size 4096", "flags dynamic")
	t.chain("spoofed_edge", "", "\t\tupdate @spoofing_edge { ether saddr counter }\n\t\tdrop\n")
	t.chain("leaving", "", lines(out))
	t.chain("entering", "", lines(in))
	return []string{
		"iifname " + quoted(lan) + " oifname " + quoted(wan) + " jump leaving",
		"iifname " + quoted(wan) + " jump entering",
	}
}

// forbidden is the rules for destinations that nobody may reach.
func (g *Gateway) forbidden(t *table) (rules []string) {
	for _, f := range []uint8{4, 6} {
		if list := family(g.Forbidden, f); len(list) > 0 {
			elements, flags := prefixes(list)
			t.set("forbidden"+strconv.Itoa(int(f)), "type "+addressType(f), elements, false, flags...)
			ip := map[uint8]string{4: "ip", 6: "ip6"}[f]
			rules = append(rules,
				fmt.Sprintf("%s daddr @forbidden%d goto stop_from", ip, f), fmt.Sprintf("%s saddr @forbidden%d drop", ip, f))
		}
	}
	return rules
}

// inbound writes the chain of what is begun from outside: with devices that are held their policies have judged it,
// and with others only what was opened may be begun.
func (g *Gateway) inbound(t *table, devices []Device) {
	rules := []string{"ct status dnat return", "ip daddr 224.0.0.0/4 return", "ip6 daddr ff00::/8 return"}
	judged := map[int][]string{}
	for _, b := range bindings(devices) {
		if b.device.Policy != nil {
			judged[version(b.addr)] = append(judged[version(b.addr)], b.addr.String())
		}
	}
	opened := map[int][]string{}
	for _, o := range g.Open {
		a := o.To.Unmap().WithZone("")
		if o.Proto == frame.ProtoTCP || o.Proto == frame.ProtoUDP {
			opened[version(a)] = append(opened[version(a)], fmt.Sprintf("%s . %s . %d", a, protocolName(int16(o.Proto)), o.Port))
		}
	}
	for _, f := range []int{4, 6} {
		ip := map[int]string{4: "ip", 6: "ip6"}[f]
		if len(judged[f]) > 0 {
			t.set("judged"+strconv.Itoa(f), "type "+addressType(uint8(f)), judged[f], false)
			rules = append(rules, fmt.Sprintf("%s daddr @judged%d return", ip, f))
		}
		if len(opened[f]) > 0 {
			t.set("opened"+strconv.Itoa(f), "type "+addressType(uint8(f))+" . inet_proto . inet_service", opened[f], false)
			rules = append(rules, fmt.Sprintf("%s daddr . meta l4proto . th dport @opened%d return", ip, f))
		}
	}
	t.chain("inbound", "", lines(append(rules, "counter drop")))
}

// ceilings is the rules that bound what one device sends without being answered, and writes the sets that count it.
func (g *Gateway) ceilings(t *table, lan []string) (rules []string) {
	if len(lan) == 0 {
		return nil
	}
	begun, small := g.Ceilings.New, g.Ceilings.Small
	if begun == 0 {
		begun = 1000
	}
	if small == 0 {
		small = 500
	}
	add := func(name, match string, rate, burst int) {
		if rate < 0 {
			return
		}
		t.set(name, "type ether_addr", nil, true, "size 4096", "flags dynamic")
		rules = append(rules, fmt.Sprintf("iifname %s %s update @%s { ether saddr limit rate over %d/second burst %d packets } goto stop_from",
			quoted(lan), match, name, rate, burst))
	}
	add("small", "meta length <= 128 meta l4proto != tcp", small, 5*small)
	add("begun", "ct state new", begun, 5*begun)
	return rules
}
