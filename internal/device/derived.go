package device

import (
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
)

// Own is the addresses of the device itself, in the order in which they came.
func (d *Device) Own() []Address {
	var own []Address
	for _, a := range d.Addresses {
		if a.own {
			own = append(own, a)
		}
	}
	return own
}

// Traffic is what the device itself sent and was sent, that of others which it carried excluded.
func (d *Device) Traffic() Count {
	c := d.rest
	for i := range d.Addresses {
		if d.Addresses[i].own {
			c.add(d.Addresses[i].Traffic)
		}
	}
	return c
}

// hostFacts are the facts by which a device names itself, best first.
var hostFacts = []string{
	"dhcp.hostname", "dhcp.fqdn", "dhcpv6.fqdn", "mdns.hostname", "nbns.name", "lldp.system_name", "smb.hostname", "llmnr.name",
}

// Hostnames is the names that the device gives itself, without duplicates.
func (d *Device) Hostnames() []string {
	var names []string
	for _, fact := range hostFacts {
		observations := d.Observations
		if len(d.said.list) > 0 { // packets still come
			observations = d.said.of(fact, d.facts)
		}
		for i := range observations {
			o := &observations[i]
			if o.Fact != fact || o.Value == "" || o.Lookup("group") == "true" || o.Lookup("group") == "1" {
				continue
			}
			name := strings.TrimSuffix(o.Value, ".local")
			if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) && len(names) < 8 {
				names = append(names, name)
			}
		}
	}
	return names
}

// Derived is what the traffic of a device shows as a whole, as observations of packet 0. service names a peer's protocol.
func (d *Device) Derived(n *Network, service func(uint8) string) []Observation {
	var list []Observation
	type key struct{ fact, value string }
	index := map[key]int{}
	add := func(fact, value, detail string) {
		if i, ok := index[key{fact, value}]; ok {
			list[i].Count++
			return
		}
		index[key{fact, value}] = len(list)
		o := Observation{Fact: fact, Value: value, Count: 1}
		if detail != "" {
			o.Detail = []Detail{{"service", detail}}
		}
		list = append(list, o)
	}
	internet := 0
	for i := range d.Peers {
		p := &d.Peers[i]
		scope := n.Scope(p.Addr)
		port := ServiceName(p.Proto, p.Port)
		switch {
		case !p.Initiated && p.Answered && p.Port != 0:
			add("flow.listens", port, service(p.Service))
		case p.Initiated && p.Port != 0:
			if p.Answered || p.Proto == frame.ProtoUDP {
				add("flow.connects", port, service(p.Service))
			}
		}
		if p.Initiated && scope == "internet" {
			internet++
			for _, name := range p.Names {
				add("flow.peer", name, "")
			}
		}
	}
	if internet > 0 || d.OtherPeers > 0 {
		add("traffic.peers", strconv.FormatUint(uint64(internet)+d.OtherPeers, 10), "")
	}
	if d.Gateway {
		value := ""
		for _, a := range d.Addresses {
			if a.own {
				value = a.Addr.Netip().String()
				break
			}
		}
		add("net.gateway", value, "")
	}
	if d.DHCPServer {
		add("net.dhcp_server", "yes", "")
	}
	if d.Resolver {
		add("net.resolver", "yes", "")
	}
	if d.Advertiser {
		add("net.router_advertiser", "yes", "")
	}
	return list
}

// ServiceName is how a transport protocol and port are written: "tcp/443", "udp/53", "icmp", or "ip/47".
func ServiceName(proto uint8, port uint16) string {
	var name string
	switch proto {
	case frame.ProtoTCP:
		name = "tcp/"
	case frame.ProtoUDP:
		name = "udp/"
	case frame.ProtoSCTP:
		name = "sctp/"
	case frame.ProtoICMP, frame.ProtoICMPv6:
		return "icmp"
	case frame.ProtoIGMP:
		return "igmp"
	default:
		return "ip/" + strconv.Itoa(int(proto))
	}
	return name + strconv.Itoa(int(port))
}
