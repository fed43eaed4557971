package device

import (
	"slices"
	"testing"

	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

func TestPeersAreOneForEachService(t *testing.T) {
	h := newHome(t)
	for range 3 {
		h.talk(laptop, server, tcp, 443)
	}
	h.talk(laptop, server, udp, 443)
	h.talk(laptop, server, tcp, 80)
	h.talk(camera, laptop, tcp, 445)
	h.call(laptop, at("00:11:22:00:00:05", "192.168.1.5"), tcp, 22)
	h.talk(laptop, server, icmp, 0)
	d := h.device(laptop)
	if len(d.Peers) != 6 {
		t.Fatalf("%d peers", len(d.Peers))
	}
	if p := d.Peers[0]; p.Flows != 3 || p.Octets != 6000 || p.Packets != 60 || !p.Answered || !p.Initiated || p.Last <= p.First {
		t.Errorf("%+v", p)
	}
	if p := d.Peers[3]; p.Initiated || p.Port != 445 || p.Addr != camera.addr {
		t.Errorf("%+v: the camera called", p)
	}
	if p := d.Peers[4]; p.Answered {
		t.Errorf("%+v: nobody answered", p)
	}
	if p := d.Peers[5]; p.Port != 0 || p.Proto != icmp {
		t.Errorf("%+v", p)
	}
}

func TestScannersHaveFewPeers(t *testing.T) {
	h := newHome(t)
	for i := range 1000 {
		h.call(camera, end{router.mac, frame.AddrFrom4([4]byte{20, 1, byte(i >> 8), byte(i)}), 52}, tcp, 23)
	}
	h.talk(camera, server, tcp, 8883)
	for range 2 {
		h.talk(camera, router.behind("20.1.0.7"), tcp, 23) // one of them answers in the end, twice
	}
	h.call(camera, router.behind("20.2.0.1"), tcp, 23)
	d := h.device(camera)
	if len(d.Peers) != maxUnanswered+2 || d.OtherPeers != 1000-maxUnanswered || d.OtherOctets != 100*(1000-maxUnanswered) {
		t.Errorf("%d peers, %d others with %d octets", len(d.Peers), d.OtherPeers, d.OtherOctets)
	}
	if !slices.ContainsFunc(d.Peers, func(p Peer) bool { return p.Addr == server.addr }) {
		t.Error("the cloud of the camera is lost among what it scans")
	}
}

func TestGroupsArePeers(t *testing.T) {
	h := newHome(t)
	group := end{frame.MAC{1, 0, 0x5e, 0, 0, 0xfb}, ip("224.0.0.251"), 0}
	cam := camera
	cam.ttl = 1 // as many multicast senders do
	for range maxUnanswered + 1 {
		h.call(cam, group, udp, 5353)
	}
	h.talk(camera, server, tcp, 443)
	h.count(2)
	d := h.device(camera)
	if len(d.Peers) != 2 || d.Peers[0].Flows != maxUnanswered+1 || h.network.Scope(d.Peers[0].Addr) != "multicast" {
		t.Errorf("%d peers: %+v", len(d.Peers), d.Peers)
	}
	h.owns(camera, "192.168.1.30")
}

func TestTrafficWithoutAnAddressIsItsOwn(t *testing.T) {
	h := newHome(t)
	nobody := end{camera.mac, ip("0.0.0.0"), 64}
	all := end{frame.MAC{255, 255, 255, 255, 255, 255}, ip("255.255.255.255"), 64}
	h.call(nobody, all, udp, 67)                                                                                                                  // DHCP
	h.call(end{camera.mac, ip("::"), 255}, all, icmp, 0)                                                                                          // duplicate address detection
	h.Flow(&flow.Flow{MAC: [2]frame.MAC{camera.mac, all.mac}, Packets: [2]uint64{1, 0}, Octets: [2]uint64{60, 0}, First: h.now, Last: h.now}, "") // ARP
	d := h.device(camera)
	if c := d.Traffic(); c.Flows != 3 || c.OctetsOut != 260 || d.Forwarded.Flows != 0 {
		t.Errorf("%+v, carried %+v", c, d.Forwarded)
	}
	h.gateways()
}

func TestWhatIsOnlySpokenToIsNoDevice(t *testing.T) {
	h := newHome(t)
	h.call(laptop, camera, tcp, 80)
	h.tell(laptop, frame.MAC{0, 9, 9, 9, 9, 9}, "dhcp.hostname", "ghost") // a forged client address
	h.count(1)
}

func TestDerived(t *testing.T) {
	h := newHome(t)
	h.say(router, "dhcp.server", "192.168.1.1", "router", "192.168.1.1", "mask", "255.255.255.0")
	h.arp(router)
	h.talk(laptop, router, udp, 53)
	h.say(router, "dns.server", "192.168.1.1")
	h.talk(laptop, server, tcp, 443)
	h.talk(laptop, camera, tcp, 554)
	names := func(d *Device) map[string]string {
		got := map[string]string{}
		for _, o := range d.Derived(h.network, func(uint8) string { return "" }) {
			got[o.Fact] = o.Value
		}
		return got
	}
	got := names(h.device(router))
	if got["net.gateway"] != "192.168.1.1" || got["net.dhcp_server"] != "yes" || got["net.resolver"] != "yes" || got["flow.listens"] != "udp/53" {
		t.Errorf("the router: %v", got)
	}
	if got := names(h.device(camera)); got["flow.listens"] != "tcp/554" || got["net.gateway"] != "" || got["traffic.peers"] != "" {
		t.Errorf("the camera: %v", got)
	}
	if got := names(h.device(laptop)); got["traffic.peers"] != "1" || got["net.resolver"] != "" {
		t.Errorf("the laptop: %v", got)
	}
}

func TestStrangersSpeakThroughTheRouter(t *testing.T) { // what they say is not the router's
	for _, n := range []int{1, len(servers)} {
		h := newHome(t)
		h.say(server, "http.server", "nginx") // before its flow ends
		h.say(server, "dns.server", "198.51.100.10")
		h.say(router, "http.server", "router httpd")
		h.arp(router)
		for _, s := range servers[:n] {
			h.talk(laptop, s, tcp, 80)
			h.say(s, "ssh.banner", "SSH-2.0-stranger")
		}
		h.talk(laptop, router, tcp, 80)
		d := h.device(router)
		if len(d.Observations) != 1 || d.Observations[0].Value != "router httpd" || d.Resolver {
			t.Errorf("%d servers: the router said %+v", n, d.Observations)
		}
	}
}
