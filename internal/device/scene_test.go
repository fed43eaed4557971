package device

import (
	"fmt"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

var (
	router  = at("00:11:22:00:00:01", "192.168.1.1")
	laptop  = at("00:11:22:00:00:20", "192.168.1.20")
	camera  = at("00:11:22:00:00:30", "192.168.1.30")
	server  = router.behind("198.51.100.10") // on the Internet: its packets come from the router
	servers = []end{
		server, router.behind("203.0.113.7"), router.behind("93.184.216.34"), router.behind("1.1.1.1"), router.behind("8.8.8.8"), router.behind("45.33.32.156"),
	}
)

const (
	tcp  = frame.ProtoTCP
	udp  = frame.ProtoUDP
	icmp = frame.ProtoICMP
)

func TestHomeWithARP(t *testing.T) {
	h := newHome(t)
	h.arp(laptop)
	h.arp(router)
	h.talk(laptop, server, tcp, 443)
	h.talk(laptop, router, udp, 53)
	h.talk(camera, servers[1], tcp, 8883)
	h.talk(laptop, camera, tcp, 554)
	h.count(3)
	h.gateways(router)
	h.owns(router, "192.168.1.1")
	h.owns(laptop, "192.168.1.20")
	h.owns(camera, "192.168.1.30")
	h.scopes("198.51.100.10", "internet", "203.0.113.7", "internet", "192.168.1.1", "gateway", "192.168.1.30", "lan", "192.168.1.99", "lan")
	if c := h.device(router).Traffic(); c.Flows != 1 {
		t.Errorf("the router itself has %+v", c)
	}
	if c := h.device(laptop).Traffic(); c.Flows != 3 || c.OctetsOut != 3000 || c.PacketsIn != 30 {
		t.Errorf("the laptop has %+v", c)
	}
	if n := len(h.device(router).Peers); n != 1 {
		t.Errorf("the router has %d peers of its own, want the laptop alone", n)
	}
}

func TestHomeWithoutARP(t *testing.T) { // as where only IP was captured
	for n := 1; n <= len(servers); n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := newHome(t)
			for _, s := range servers[:n] {
				h.talk(laptop, s, tcp, 443)
			}
			h.talk(laptop, camera, tcp, 554)
			h.count(3)
			h.gateways(router)
			h.owns(router)
			h.owns(laptop, "192.168.1.20")
			h.scopes("198.51.100.10", "internet", "192.168.1.20", "lan")
			if c := h.device(router).Traffic(); c.Flows != 0 {
				t.Errorf("the router itself has %+v", c)
			}
			if c := h.device(router).Forwarded; c.Flows == 0 {
				t.Errorf("the router carried %+v", c)
			}
		})
	}
}

func TestRouterThatSpeaksForItself(t *testing.T) {
	for _, bound := range []bool{false, true} {
		h := newHome(t)
		if bound {
			h.arp(router)
		}
		h.talk(laptop, router, udp, 53)
		for _, s := range servers {
			h.talk(laptop, s, tcp, 443)
		}
		h.gateways(router)
		h.owns(router, "192.168.1.1")
		h.scopes("192.168.1.1", "gateway")
	}
}

func TestDHCPNamesTheRouter(t *testing.T) {
	h := newHome(t)
	pihole := at("00:11:22:00:00:02", "192.168.1.2")
	h.tell(pihole, laptop.mac, "dhcp.lease", "192.168.1.20", "server", "192.168.1.2", "router", "192.168.1.1", "mask", "255.255.255.0")
	h.say(pihole, "dhcp.server", "192.168.1.2", "router", "192.168.1.1", "mask", "255.255.255.0")
	h.say(laptop, "dhcp.hostname", "laptop")
	h.arp(router)
	h.arp(laptop)
	h.talk(laptop, pihole, udp, 53)
	h.gateways(router)
	h.scopes("192.168.1.1", "gateway", "192.168.1.2", "lan", "192.168.1.255", "multicast", "192.168.2.255", "lan")
	if d := h.device(pihole); !d.DHCPServer {
		t.Error("the DHCP server is not known as one")
	}
}

func TestIPv6Only(t *testing.T) {
	router := at("00:11:22:00:00:01", "fe80::1")
	laptop := at("00:11:22:00:00:20", "2001:db8:1:2::20")
	camera := at("00:11:22:00:00:30", "2001:db8:1:2::30")
	for _, c := range []struct {
		name  string
		ra    bool
		bound bool
	}{{"router advertisement", true, false}, {"and neighbour discovery", true, true}, {"neighbour discovery alone", false, true}} {
		t.Run(c.name, func(t *testing.T) {
			h := newHome(t)
			if c.ra {
				h.say(router, "ra.router", "fe80::1", "lifetime", "1800")
				h.say(router, "ra.prefix", "2001:db8:1:2::/64", "on_link", "1", "autonomous", "1")
			}
			if c.bound {
				h.arp(router)
				h.arp(laptop)
				h.arp(laptop.from("fe80::20"))
			}
			h.talk(laptop, router.behind("2606:4700::1111"), tcp, 443)
			h.talk(laptop, router.behind("2a00:1450::1"), tcp, 443)
			h.talk(camera, router.behind("2600:9000::1"), tcp, 443)
			h.talk(laptop.from("fe80::20"), router, icmp, 0)
			h.talk(laptop, camera, tcp, 554)
			h.count(3)
			h.gateways(router)
			h.owns(router, "fe80::1")
			h.owns(laptop, "2001:db8:1:2::20", "fe80::20")
			h.owns(camera, "2001:db8:1:2::30")
			h.scopes("2606:4700::1111", "internet", "fe80::1", "gateway", "2001:db8:1:2::30", "lan", "ff02::fb", "multicast")
		})
	}
}

func TestARouterThatIsNoneAnyMore(t *testing.T) {
	h := newHome(t)
	hub := at("00:11:22:00:00:40", "fe80::40") // a Thread border router: it advertises a prefix, and is no default router
	h.say(hub, "ra.router", "fe80::40", "lifetime", "0")
	h.say(hub, "ra.prefix", "fd00:1234::/64")
	h.talk(laptop, hub.from("192.168.1.40"), tcp, 8080)
	h.gateways()
	if !h.device(hub).Advertiser {
		t.Error("it does advertise")
	}
}

func TestManyIPv6AddressesAreOneDevice(t *testing.T) {
	for _, ra := range []bool{true, false} {
		h := newHome(t)
		phone := at("00:11:22:00:00:50", "fe80::50")
		if ra {
			h.say(router.from("fe80::1"), "ra.router", "fe80::1", "lifetime", "1800")
			h.say(router.from("fe80::1"), "ra.prefix", "2001:db8:1:2::/64")
		}
		const days = 100 // each with an address of its own, RFC 8981
		for i := range days {
			h.talk(phone.from(fmt.Sprintf("2001:db8:1:2::%x", 0x1000+i)), router.behind("2606:4700::1111"), tcp, 443)
		}
		h.count(2)
		if d := h.device(phone); d.Gateway || d.Relay {
			t.Errorf("RA %v: the phone is taken for a router", ra)
		} else if c := d.Traffic(); c.Flows != days {
			t.Errorf("RA %v: %d of %d conversations are its own", ra, c.Flows, days)
		}
	}
}

func TestWideAreaLink(t *testing.T) { // captured between a home's router and its provider
	isp := at("00:11:22:00:00:fe", "81.2.3.1")
	home := at("00:11:22:00:00:01", "81.2.3.4")
	home.ttl = 63 // it translates for hosts behind it
	for _, c := range []struct {
		arp     bool
		servers int
	}{{true, 6}, {false, 6}, {true, 1}, {false, 1}} {
		h := newHome(t)
		if c.arp {
			h.arp(isp)
			h.arp(home)
		}
		for _, s := range servers[:c.servers] {
			h.talk(home, end{isp.mac, s.addr, 52}, tcp, 443)
		}
		h.gateways(isp)
		h.owns(home, "81.2.3.4")
		if c.arp {
			h.owns(isp, "81.2.3.1")
		} else {
			h.owns(isp)
		}
		h.scopes("198.51.100.10", "internet", "81.2.3.4", "lan")
	}
}

func TestExtender(t *testing.T) { // it speaks for the hosts behind it with its own link-layer address
	h := newHome(t)
	extender := at("00:11:22:00:00:60", "192.168.1.60")
	h.arp(router)
	h.arp(extender)
	for i := range 5 {
		behind := extender.from(fmt.Sprintf("192.168.1.%d", 61+i))
		h.tell(router, frame.MAC{0, 0x44, 0, 0, 0, byte(i)}, "dhcp.lease", behind.addr.Netip().String(), "router", "192.168.1.1", "mask", "255.255.255.0")
		h.arp(behind)
		h.talk(behind, server, tcp, 443)
	}
	h.talk(laptop, extender, tcp, 80)
	h.gateways(router)
	h.owns(extender, "192.168.1.60", "192.168.1.61", "192.168.1.62", "192.168.1.63", "192.168.1.64", "192.168.1.65")
	h.scopes("192.168.1.63", "lan")
}

func TestContainers(t *testing.T) { // a host that routes for containers of its own, which nobody knows by ARP
	h := newHome(t)
	nas := at("00:11:22:00:00:70", "192.168.1.70")
	h.arp(router)
	h.arp(laptop)
	h.arp(nas)
	h.talk(laptop, nas, tcp, 445)
	h.talk(end{nas.mac, ip("172.17.0.2"), 63}, laptop, tcp, 8123)
	h.talk(laptop, server, tcp, 443)
	h.gateways(router)
	h.owns(nas, "192.168.1.70")
	h.owns(router, "192.168.1.1")
}

func TestAddressBeforeDHCP(t *testing.T) { // many cameras have one of their own until they get another
	h := newHome(t)
	h.say(camera.from("192.168.0.20"), "mdns.hostname", "cam")
	h.call(camera.from("192.168.0.20"), at("00:11:22:00:00:31", "192.168.0.1"), udp, 53)
	h.arp(camera)
	h.talk(camera, server, tcp, 443)
	h.owns(camera, "192.168.0.20", "192.168.1.30")
	if n := len(h.device(camera).Observations); n != 1 {
		t.Errorf("%d observations", n)
	}
}

func TestARPSpoofing(t *testing.T) {
	attacker := at("00:11:22:00:00:66", "192.168.1.66")
	for _, c := range []struct {
		name            string
		early, forwards bool
	}{{"late", false, false}, {"from the beginning", true, false}, {"it passes on what it gets", false, true}} {
		t.Run(c.name, func(t *testing.T) {
			h := newHome(t)
			lie := func() {
				h.say(attacker, "arp.address", "192.168.1.1")
				h.say(attacker, "arp.address", "192.168.1.20")
			}
			if c.early {
				lie()
			}
			h.arp(attacker)
			h.say(router, "dhcp.server", "192.168.1.1", "router", "192.168.1.1", "mask", "255.255.255.0")
			h.arp(router)
			h.arp(laptop)
			h.talk(laptop, server, tcp, 443)
			h.talk(laptop, router, udp, 53)
			lie()
			if c.forwards {
				h.talk(laptop, attacker.behind("203.0.113.7"), tcp, 443)
				h.talk(end{attacker.mac, laptop.addr, 63}, router.behind("203.0.113.7"), tcp, 443)
			}
			h.talk(attacker, router, udp, 53)
			lie()
			h.talk(laptop, router, udp, 53)
			h.finish()
			if got := h.network.Host(router.addr); got != h.device(router) {
				t.Errorf("the router's address is held by %v", got.MAC)
			}
			if got := h.network.Host(laptop.addr); got != h.device(laptop) {
				t.Errorf("the laptop's address is held by %v", got.MAC)
			}
			h.owns(router, "192.168.1.1")
			h.owns(attacker, "192.168.1.66")
			h.owns(laptop, "192.168.1.20")
			if !h.device(router).Gateway {
				t.Error("the router is no gateway any more")
			}
			if h.device(attacker).Gateway && !c.forwards {
				t.Error("the attacker is taken for a gateway")
			}
			h.scopes("192.168.1.1", "gateway", "192.168.1.20", "lan", "198.51.100.10", "internet")
		})
	}
}

func TestProxyARP(t *testing.T) { // a router that answers for the hosts of the network
	h := newHome(t)
	h.arp(router)
	h.say(router, "arp.address", "192.168.1.20")
	h.say(router, "arp.address", "192.168.1.30")
	h.arp(laptop)
	h.arp(camera)
	h.talk(laptop, camera, tcp, 554)
	h.talk(laptop, server, tcp, 443)
	h.owns(router, "192.168.1.1")
	h.owns(laptop, "192.168.1.20")
	h.owns(camera, "192.168.1.30")
	if d := h.network.Host(laptop.addr); d != h.device(laptop) {
		t.Errorf("the laptop's address is held by %v", d.MAC)
	}
}

func TestAddressThatMovesOn(t *testing.T) {
	h := newHome(t)
	old, young := at("00:11:22:00:00:71", "192.168.1.50"), at("00:11:22:00:00:72", "192.168.1.50")
	h.arp(old)
	h.talk(old, server, tcp, 443)
	h.now += 48 * hour
	h.arp(young)
	h.talk(young, server, tcp, 443)
	h.owns(old, "192.168.1.50")
	h.owns(young, "192.168.1.50")
	if d := h.network.Host(old.addr); d != h.device(young) {
		t.Errorf("the address is held by %v, which had it before", d.MAC)
	}
}

func TestForgedSendersMakeNoGateway(t *testing.T) {
	for _, first := range []bool{true, false} {
		h := newHome(t)
		bot := at("00:11:22:00:00:67", "192.168.1.67")
		own := func() {
			h.arp(bot)
			h.talk(bot, server, tcp, 443)
		}
		h.arp(router)
		if first {
			own()
		}
		for i := range 1000 { // a flood with forged senders
			h.call(end{bot.mac, frame.AddrFrom4([4]byte{byte(20 + i/250), byte(i), byte(i * 7), 9}), 64}, router.behind("203.0.113.80"), tcp, 80)
		}
		if !first {
			own()
		}
		h.gateways(router)
		h.owns(router, "192.168.1.1")
		d := h.device(bot)
		found := false
		for _, p := range d.Peers {
			found = found || p.Addr == server.addr
		}
		if !found {
			t.Errorf("first %v: among %d peers is not the one that the bot speaks with", first, len(d.Peers))
		}
		if h.network.Host(bot.addr) != d {
			t.Errorf("first %v: the bot's own address is lost", first)
		}
	}
}

func TestRoutedNetworksAreNoDevices(t *testing.T) { // a router in front of other networks of the house
	h := newHome(t)
	h.arp(router)
	h.arp(laptop)
	for i := range 20 {
		h.talk(end{router.mac, ip(fmt.Sprintf("192.168.%d.9", 10+i)), 63}, laptop, tcp, 22)
	}
	h.talk(laptop, server, tcp, 443)
	h.count(2)
	h.gateways(router)
	h.owns(router, "192.168.1.1")
	h.scopes("192.168.10.9", "lan", "192.168.29.9", "lan")
}

func TestHotspot(t *testing.T) { // a phone is the router, with a randomised address
	h := newHome(t)
	phone := at("da:11:22:00:00:01", "192.168.43.1")
	guest := at("00:11:22:00:00:80", "192.168.43.20")
	h.say(phone, "dhcp.server", "192.168.43.1", "router", "192.168.43.1", "mask", "255.255.255.0")
	h.arp(phone)
	h.arp(guest)
	h.talk(guest, phone.behind("93.184.216.34"), tcp, 443)
	h.gateways(phone)
	h.owns(phone, "192.168.43.1")
	h.scopes("192.168.43.1", "gateway", "93.184.216.34", "internet")
}

func TestTunnel(t *testing.T) { // no link layer: devices are known by their private addresses
	h := newHome(t)
	self := end{Synthetic(ip("10.8.0.2")), ip("10.8.0.2"), 64}
	other := end{Synthetic(ip("10.8.0.1")), ip("10.8.0.1"), 64}
	h.talk(self, other, udp, 53)
	for _, s := range servers {
		h.talk(self, end{addr: s.addr, ttl: 52}, tcp, 443)
	}
	h.count(2)
	h.gateways()
	h.owns(self, "10.8.0.2")
	h.scopes("10.8.0.1", "lan", "1.1.1.1", "internet")
	if n := len(h.device(self).Peers); n != 1+len(servers) {
		t.Errorf("%d peers", n)
	}
}

func TestMDNSAnswersForOthersBindNothing(t *testing.T) {
	h := newHome(t)
	proxy := at("00:11:22:00:00:90", "192.168.1.90")
	h.arp(proxy)
	h.say(proxy, "mdns.address", "192.168.1.30")
	h.talk(camera, server, tcp, 443)
	h.owns(proxy, "192.168.1.90")
	h.owns(camera, "192.168.1.30")
}

func TestScope(t *testing.T) {
	h := newHome(t)
	h.say(router, "dhcp.server", "192.168.1.1", "router", "192.168.1.1", "mask", "255.255.254.0")
	h.arp(router)
	h.arp(laptop)
	h.scopes(
		"224.0.0.251", "multicast", "239.255.255.250", "multicast", "ff02::1", "multicast", "255.255.255.255", "multicast",
		"192.168.1.255", "multicast", "192.168.0.255", "lan", "192.168.1.1", "gateway", "192.168.1.20", "lan",
		"10.9.9.9", "lan", "172.31.0.1", "lan", "172.32.0.1", "internet", "100.64.0.1", "lan", "169.254.3.4", "lan",
		"127.0.0.1", "lan", "::1", "lan", "fe80::9", "lan", "fd00::9", "lan", "2606:4700::1", "internet", "8.8.8.8", "internet",
		"0.0.0.0", "lan", "::", "lan",
	)
}

func TestHostileLeases(t *testing.T) {
	h := newHome(t)
	liar := at("00:11:22:00:00:99", "192.168.1.99")
	h.arp(router)
	for _, mask := range []string{"0.0.0.0", "128.0.0.0", "255.0.255.0", "255.255.255.1", "not a mask", "::"} {
		h.say(liar, "dhcp.server", "8.8.8.8", "mask", mask, "router", "8.8.8.8")
	}
	h.say(liar, "ra.prefix", "::/0")
	h.say(liar, "ra.prefix", "2000::/3")
	h.say(liar, "arp.address", "8.8.4.4")
	h.scopes("8.8.8.8", "internet", "8.8.4.9", "internet", "2606:4700::1", "internet")
}
