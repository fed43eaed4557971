package detect

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/baseline"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/indicator"
)

// link is somebody as seen below IP.
func link(p party) party { return party{mac: p.mac, kind: p.kind} }

func (s *stage) claim(who, to party, ip string) {
	s.at += 100 * time.Millisecond
	s.say(link(who), link(to), "arp.address", ip, "op", "reply")
}

// at gives a party an address.
func (p party) at(ip string) party { p.ip = ip; return p }

// flood has one send so many ARP packets to another, who answers none.
func (s *stage) flood(from, to party, n uint64) {
	s.seq++
	s.Event(&Event{
		Step: Grew, MAC: [2]frame.MAC{from.mac, to.mac}, Port: [2]uint16{0x0806, 0x0806}, Packets: [2]uint64{n, 0},
		First: s.now(), Time: s.now(), Seq: s.seq, Number: s.seq,
	})
}

func TestWhoTakesAddressesIsFound(t *testing.T) {
	kind := finding.SpoofARP
	attack := func(s *stage) {
		s.at = time.Minute
		s.claim(camera, laptop, router.ip)
		s.claim(camera, router, laptop.ip)
		s.at += 10 * time.Second
		s.meet(laptop, router.on(53), frame.ProtoUDP, "dns", "", 40) // both are there still
	}
	play(t, []said{
		{"the router's and a victim's", attack, kind, camera, finding.High, []string{"address", router.ip}},
		{"the way to the Internet changes", func(s *stage) {
			s.meet(laptop, cloud, frame.ProtoTCP, "tls", "", 400)
			s.at = time.Minute
			s.claim(camera, laptop, "192.168.1.254") // an address whose owner nobody saw
			far := cloud
			far.mac = camera.mac
			s.meet(laptop.on(40100), far, frame.ProtoTCP, "tls", "", 400)
		}, kind, camera, finding.High, []string{"address", "192.168.1.254"}},
		{"one side of a conversation that only one side has", func(s *stage) {
			s.claim(camera, router, camera.ip)
			s.claim(camera, laptop, "192.168.1.254")
			s.flood(camera, laptop, 16)
		}, kind, camera, finding.High, []string{"address", "192.168.1.254"}},
		{"a router with two addresses that is answered", func(s *stage) {
			s.claim(router, laptop, "192.168.1.254")
			s.at += time.Minute
			s.step(Answered, link(router).at("192.168.1.1"), link(laptop).at("192.168.1.40"), 0)
		}, kind, router, none, nil},
		{"two that were given one address", func(s *stage) {
			other := party{frame.MAC{0x00, 0x11, 0x32, 0, 0, 9}, laptop.ip, 40000, ""}
			s.claim(other, router, laptop.ip)
			s.at += time.Minute
			s.claim(laptop, router, laptop.ip)
		}, kind, party{mac: frame.MAC{0x00, 0x11, 0x32, 0, 0, 9}}, finding.Low, nil},
		{"a lease that is given again", func(s *stage) {
			s.at = time.Hour
			s.claim(camera, router, laptop.ip)
			s.at += time.Minute
			s.claim(camera, lamp, laptop.ip)
		}, kind, camera, none, nil},
		{"a device that moves from cable to radio", func(s *stage) {
			s.at = time.Minute
			s.claim(party{mac: frame.MAC{0xf8, 0xbc, 0x12, 0, 0, 5}}, router, laptop.ip)
			s.at = 20 * time.Minute
			s.claim(party{mac: frame.MAC{0xf8, 0xbc, 0x12, 0, 0, 5}}, router, laptop.ip)
		}, kind, laptop, none, nil},
		{"routers that stand in for each other", func(s *stage) {
			vrrp := party{mac: frame.MAC{0, 0, 0x5e, 0, 1, 7}}
			s.claim(vrrp, laptop, router.ip)
			s.at += time.Minute
			s.claim(router, laptop, router.ip)
			s.claim(vrrp, laptop, router.ip)
		}, kind, router, none, nil},
	})
	s := set(t, Config{})
	attack(s)
	roles := map[string]string{}
	for _, f := range s.found(kind) {
		roles[string(f.Role)+" "+f.Key] = f.Device
	}
	if roles["target "+router.ip] != router.mac.String() {
		t.Errorf("who suffers: %v", roles)
	}
}

func TestWhoPosesAsRouterIsFound(t *testing.T) {
	kind := finding.SpoofRouter
	fe80 := func(p party, ip string) party { p.ip = ip; return p }
	rogue, real, sensors := fe80(camera, "fe80::bad"), fe80(router, "fe80::1"), fe80(lamp, "fe80::2")
	carry := func(s *stage) { s.meet(laptop, cloud, frame.ProtoTCP, "tls", "", 400) }
	play(t, []said{
		{"a second router", func(s *stage) {
			s.say(real, laptop, "ra.router", real.ip, "lifetime", "1800")
			s.at = 5 * time.Minute
			s.say(rogue, laptop, "ra.router", rogue.ip, "lifetime", "1800")
		}, kind, camera, finding.High, []string{"address", "fe80::bad"}},
		{"a second DHCP server", func(s *stage) {
			s.say(router, laptop, "dhcp.server", router.ip, "router", router.ip)
			s.at = 5 * time.Minute
			s.say(camera, laptop, "dhcp.server", camera.ip, "router", camera.ip)
		}, kind, camera, finding.High, nil},
		{"a redirect by who is no router", func(s *stage) {
			carry(s)
			s.say(rogue, laptop, "ndp.redirect", "fe80::bad", "destination", "2001:db8::1")
		}, kind, camera, finding.High, nil},
		{"a router that nobody uses", func(s *stage) {
			s.say(rogue, laptop, "ra.router", rogue.ip, "lifetime", "1800")
			for range 12 {
				carry(s)
			}
			s.at = 10 * time.Second
			s.say(rogue, laptop, "ra.router", rogue.ip, "lifetime", "1800")
		}, kind, camera, finding.Medium, nil},
		{"one that wants to be before the others", func(s *stage) {
			s.say(real, laptop, "ra.router", real.ip, "lifetime", "1800")
			s.at = 10 * time.Second
			s.say(rogue, laptop, "ra.router", rogue.ip, "lifetime", "1800", "preference", "high")
		}, kind, camera, finding.High, nil},
		{"two routers that were there before", func(s *stage) {
			for range 10 {
				s.say(real, laptop, "ra.router", real.ip, "lifetime", "1800")
				s.say(sensors, laptop, "ra.router", sensors.ip, "lifetime", "1800")
				s.at += time.Minute
			}
		}, kind, lamp, none, nil},
		{"a hub that leads to sensors", func(s *stage) {
			s.say(real, laptop, "ra.router", real.ip, "lifetime", "1800")
			s.at = 5 * time.Minute
			s.say(sensors, laptop, "ra.router", sensors.ip, "lifetime", "0")
		}, kind, lamp, none, nil},
		{"a router that is replaced", func(s *stage) {
			s.say(real, laptop, "ra.router", real.ip, "lifetime", "1800")
			s.at = 2 * time.Hour
			s.say(rogue, laptop, "ra.router", rogue.ip, "lifetime", "1800")
		}, kind, camera, none, nil},
		{"a second router that carries traffic", func(s *stage) {
			s.say(real, laptop, "ra.router", real.ip, "lifetime", "1800")
			s.at = 5 * time.Minute
			via := cloud
			via.mac = camera.mac
			s.meet(laptop, via, frame.ProtoTCP, "tls", "", 400)
			s.say(rogue, laptop, "ra.router", rogue.ip, "lifetime", "1800")
		}, kind, camera, none, nil},
	})
}

func TestWhoAsksForAllAddressesIsFound(t *testing.T) {
	everybody := party{mac: frame.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	ask := func(s *stage, sender party, client frame.MAC, to party) {
		s.seq++
		f := s.headers(link(sender), to)
		f.Depth = frame.Transport
		s.facts.Reset()
		s.facts.Begin(sender.mac, s.now(), s.seq)
		s.facts.About(client)
		s.facts.AddString("dhcp.options", "53")
		s.facts.FieldString("message", "discover")
		s.inventory.Observe(&s.facts, 0, s.seq, 0)
		x := NewFact(&s.facts, 0, &f, s.seq, 0)
		s.Fact(&x, s.Wants(x.Name))
	}
	client := func(i int) frame.MAC { return frame.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)} }
	play(t, []said{
		{"in the name of others", func(s *stage) {
			for i := range 30 {
				s.at += 20 * time.Millisecond
				ask(s, camera, client(i), everybody)
			}
		}, finding.FloodDHCP, camera, finding.High, nil},
		{"again and again", func(s *stage) {
			for range 200 {
				s.at += 20 * time.Millisecond
				ask(s, camera, camera.mac, everybody)
			}
		}, finding.FloodDHCP, camera, finding.High, nil},
		{"a relay", func(s *stage) {
			for i := range 30 {
				ask(s, camera, client(i), router)
			}
		}, finding.FloodDHCP, camera, none, nil},
		{"a home after a power cut", func(s *stage) {
			for i := range 40 {
				s.at += 300 * time.Millisecond
				for range 3 {
					ask(s, party{mac: client(i)}, client(i), everybody)
				}
			}
		}, finding.FloodDHCP, camera, none, nil},
	})
}

func TestTwoThatAnswerToOneNameAreFound(t *testing.T) {
	kind := finding.NameCollision
	call := func(s *stage, who party, fact, name string, fields ...string) {
		s.at += time.Minute
		s.say(who, laptop, fact, name, fields...)
	}
	play(t, []said{
		{"both are there", func(s *stage) {
			call(s, lamp, "mdns.hostname", "Kitchen.local")
			call(s, camera, "mdns.hostname", "kitchen.local")
			call(s, lamp, "mdns.hostname", "Kitchen.local")
		}, kind, camera, finding.Low, []string{"name", "kitchen", "peer", lamp.mac.String()}},
		{"one after the other", func(s *stage) {
			call(s, lamp, "mdns.hostname", "kitchen.local")
			call(s, camera, "mdns.hostname", "kitchen.local")
			call(s, camera, "mdns.hostname", "kitchen.local")
		}, kind, camera, none, nil},
		{"a name that many give themselves", func(s *stage) {
			call(s, lamp, "mdns.hostname", "android.local")
			call(s, camera, "mdns.hostname", "android.local")
			call(s, lamp, "mdns.hostname", "android.local")
		}, kind, camera, none, nil},
		{"a group", func(s *stage) {
			for _, p := range []party{lamp, camera, lamp} {
				call(s, p, "nbns.name", "WORKGROUP", "group", "1")
			}
		}, kind, camera, none, nil},
		{"two of one model", func(s *stage) {
			twin := lamp
			twin.mac[5], twin.ip = 9, "192.168.1.99"
			for _, p := range []party{lamp, twin, lamp} {
				call(s, p, "dhcp.hostname", "smartlamp")
			}
		}, kind, lamp, none, nil},
	})
}

func TestWhatIsOnAListIsFound(t *testing.T) {
	var lists indicator.Set
	for name, text := range map[string]string{
		"threatfox.csv": "# \"first_seen_utc\",\"ioc_value\",\"ioc_type\",\"malware_printable\",\"confidence_level\"\n" +
			"\"2026-05-01 00:00:00\",\"cnc.example\",\"domain\",\"Mirai\",\"100\"\n\"2026-05-01 00:00:00\",\"203.0.113.66:50000\",\"ip:port\",\"Mirai\",\"60\"\n" +
			"\"2026-05-01 00:00:00\",\"http://files.example/bins/mips\",\"url\",\"Mozi\",\"90\"\n",
		"hosts.txt": "0.0.0.0 ads.example\n", "ja3.csv": "# ja3_md5,Firstseen,Lastseen,Listingreason\n00112233445566778899aabbccddeeff,2026-05-01 00:00:00,,Dridex\n",
		"stix.json": `{"type":"indicator","pattern":"[domain-name:value='one.example' AND domain-name:value='two.example']","valid_from":"2026-01-01T00:00:00Z","confidence":90}`,
	} {
		if _, err := lists.Load(name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []said{
		{"a name is asked for", func(s *stage) { s.say(lamp, router, "dns.query", "a.CNC.example") }, "", lamp, finding.High, []string{"peer", "a.CNC.example", "feed", "threatfox"}},
		{"a name of a connection", func(s *stage) { s.say(lamp, cloud, "tls.sni", "cnc.example") }, "", lamp, finding.High, nil},
		{"an address is called", func(s *stage) { s.meet(lamp, mallet, frame.ProtoTCP, "", "", 10) }, "", lamp, finding.Medium, []string{"peer", mallet.ip}},
		{"an address calls and is answered", func(s *stage) { s.meet(mallet, camera.on(23), frame.ProtoTCP, "", "", 10) }, "", camera, finding.Medium, nil},
		{"a file", func(s *stage) { s.say(camera, cloud.on(80), "http.host", "files.example", "path", "/bins/mips") }, "", camera, finding.High, nil},
		{"a client", func(s *stage) { s.say(camera, cloud, "tls.ja3", "00112233445566778899aabbccddeeff") }, "", camera, finding.Low, nil},
		{"advertising", func(s *stage) { s.say(lamp, router, "dns.query", "ads.example") }, "", lamp, finding.Low, nil},
		{"both of two", func(s *stage) {
			s.say(lamp, router, "dns.query", "one.example")
			s.say(lamp, router, "dns.query", "two.example")
		}, "", lamp, finding.High, nil},
		{"one of two", func(s *stage) { s.say(lamp, router, "dns.query", "one.example") }, "", lamp, none, nil},
		{"another name", func(s *stage) { s.say(lamp, router, "dns.query", "cloud.example") }, "", lamp, none, nil},
		{"an address that calls in vain", func(s *stage) { s.step(Began, mallet, camera.on(23), frame.ProtoTCP) }, "", camera, none, nil},
		{"another port", func(s *stage) { s.meet(lamp, mallet.on(80), frame.ProtoTCP, "", "", 10) }, "", lamp, none, nil},
		{"a resolver asks for others", func(s *stage) {
			s.say(camera.on(53), lamp, "dns.server", camera.ip)
			s.say(camera, cloud.on(53), "dns.query", "cnc.example")
		}, "", camera, none, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := set(t, Config{Indicators: &lists})
			c.do(s)
			if c.severity == none {
				s.none(finding.IndicatorMatch, c.name, finding.Info)
				return
			}
			s.want(finding.IndicatorMatch, c.who, finding.Actor, c.severity, c.details...)
		})
	}
}

func TestWhatIsNewAfterTheBaselineIsFound(t *testing.T) {
	b, _, err := baseline.Load(filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	live := func(s *stage) {
		for h := range 4 {
			s.at = time.Duration(h) * time.Hour
			s.meet(lamp, cloud, frame.ProtoTCP, "tls", "cloud.example.com", 500)
			s.meet(laptop, cloud, frame.ProtoTCP, "tls", "mail.example.com", 500)
		}
	}
	day := func(n int, do func(s *stage)) *stage {
		l := baseline.NewLearner(b)
		s := set(t, Config{Baseline: b, Learner: l})
		s.start = opening.Add(time.Duration(n) * 24 * time.Hour)
		live(s)
		do(s)
		first := s.start.UnixNano()
		if n < 3 {
			b = l.Finish([]baseline.Member{{MACs: []string{lamp.mac.String()}}, {MACs: []string{laptop.mac.String()}}}, []baseline.Span{{First: first, Last: first + int64(20*time.Hour)}})
		}
		return s
	}
	for n := range 3 {
		s := day(n, func(*stage) {})
		s.none(finding.NewDestination, "the same each day", finding.Info)
	}
	for _, c := range []said{
		{"a stranger", func(s *stage) { s.meet(lamp, mallet.on(6667), frame.ProtoTCP, "irc", "irc.example.org", 90) }, "", lamp, finding.Medium, []string{"peer", "irc.example.org", "service", "tcp/6667 irc"}},
		{"an address", func(s *stage) { s.meet(lamp, mallet.on(443), frame.ProtoTCP, "tls", "", 90) }, "", lamp, finding.Medium, []string{"peer", mallet.ip}},
		{"another service", func(s *stage) { s.meet(lamp, cloud.on(22), frame.ProtoTCP, "ssh", "cloud.example.com", 90) }, "", lamp, finding.Medium, nil},
		{"its maker's other server", func(s *stage) { s.meet(lamp, cloud, frame.ProtoTCP, "tls", "update.example.com", 90) }, "", lamp, finding.Info, nil},
		{"a person's new page", func(s *stage) { s.meet(laptop, mallet.on(443), frame.ProtoTCP, "tls", "news.example.org", 90) }, "", laptop, finding.Info, nil},
		{"one that never answers", func(s *stage) { s.step(Began, lamp, mallet.on(443), frame.ProtoTCP) }, "", lamp, none, nil},
		{"who was never here before", func(s *stage) { s.meet(camera, mallet.on(443), frame.ProtoTCP, "tls", "", 90) }, "", camera, none, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := day(3, c.do)
			if c.severity == none {
				s.none(finding.NewDestination, c.name, finding.Info)
				return
			}
			s.want(finding.NewDestination, c.who, finding.Actor, c.severity, c.details...)
		})
	}
}
