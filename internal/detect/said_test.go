package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
)

// Each case is said on a stage of its own. A severity of none means that nothing is to be found.
const none = finding.Severity(99)

type said struct {
	name     string
	do       func(s *stage)
	kind     finding.Kind
	who      party
	severity finding.Severity
	details  []string
}

func play(t *testing.T, cases []said) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := set(t, Config{})
			c.do(s)
			if c.severity == none {
				s.none(c.kind, c.name, finding.Info)
				return
			}
			s.want(c.kind, c.who, finding.Actor, c.severity, c.details...)
		})
	}
}

func TestCredentialsInTheClearAreFound(t *testing.T) {
	kind := finding.ClearCredentials
	play(t, []said{
		{"a password leaves the house", func(s *stage) { s.say(camera, cloud, "auth.cleartext", "http", "scheme", "basic") }, kind, camera, finding.High, []string{"protocol", "http", "peer", cloud.ip}},
		{"a password stays in the house", func(s *stage) { s.say(lamp, camera, "auth.cleartext", "telnet") }, kind, lamp, finding.Medium, nil},
		{"the community that everybody knows, at home", func(s *stage) { s.say(laptop, camera.on(161), "auth.cleartext", "snmp", "default", "1") }, kind, laptop, finding.Low, nil},
		{"a digest at home", func(s *stage) { s.say(laptop, camera, "auth.cleartext", "rtsp", "scheme", "digest") }, kind, laptop, finding.Low, nil},
		{"what may be a key in a query", func(s *stage) { s.say(camera, cloud, "auth.cleartext", "http", "scheme", "query") }, kind, camera, finding.Medium, nil},
		{"somebody outside logs in", func(s *stage) { s.say(mallet, camera.on(23), "auth.cleartext", "telnet") }, kind, camera, finding.High, []string{"peer", mallet.ip}},
		{"an answer repeats the community", func(s *stage) { s.say(cloud.on(161), lamp, "auth.cleartext", "snmp", "default", "1") }, kind, lamp, none, nil},
	})
}

func TestContentInTheClearIsFound(t *testing.T) {
	kind := finding.ClearContent
	mail := func(s *stage) { s.meet(camera, cloud.on(25), frame.ProtoTCP, "smtp", "", 4000) }
	play(t, []said{
		{"pictures leave the house", func(s *stage) { s.say(camera, cloud, "rtsp.sdp", "x", "media", "video") }, kind, camera, finding.High, []string{"protocol", "rtsp"}},
		{"pictures stay in the house", func(s *stage) {
			s.say(camera, laptop, "http.content_type", "multipart/x-mixed-replace; boundary=x", "side", "server")
		}, kind, camera, finding.Low, nil},
		{"a form", func(s *stage) {
			s.say(lamp, cloud, "http.content_type", "application/x-www-form-urlencoded", "side", "client")
		}, kind, lamp, finding.Medium, nil},
		{"a form of a person", func(s *stage) { s.say(laptop, cloud, "http.content_type", "multipart/form-data", "side", "client") }, kind, laptop, finding.Low, nil},
		{"a form with nothing in it", func(s *stage) {
			s.say(lamp, cloud, "http.content_type", "application/x-www-form-urlencoded", "side", "client", "length", "0")
		}, kind, lamp, none, nil},
		{"mail", mail, kind, camera, finding.Medium, []string{"protocol", "smtp"}},
		{"mail that goes on encrypted", func(s *stage) {
			s.say(cloud.on(25), camera, "mail.starttls", "tls", "protocol", "smtp")
			mail(s)
		}, kind, camera, none, nil},
		{"a page", func(s *stage) { s.say(cloud, laptop, "http.content_type", "text/html", "side", "server") }, kind, laptop, none, nil},
		{"a film of a person", func(s *stage) { s.say(cloud, laptop, "http.content_type", "video/mp4", "side", "server") }, kind, laptop, none, nil},
	})
}

// Who mines digital money is found without a list, whichever side of the conversation was seen; who keeps the pool is not.
func TestMinersAreFound(t *testing.T) {
	kind := finding.IndicatorMatch
	pool := cloud.on(3333)
	play(t, []said{
		{"a camera", func(s *stage) {
			s.say(camera, pool, "stratum.method", "login", "agent", "XMRig/6.21.0")
			s.say(pool, camera, "stratum.method", "job")
		}, kind, camera, finding.High, []string{"peer", cloud.ip, "feed", finding.FeedMining}},
		{"a computer", func(s *stage) { s.say(laptop, pool, "stratum.method", "mining.subscribe") }, kind, laptop, finding.Medium, nil},
		{"what the pool says alone", func(s *stage) { s.say(pool, camera, "stratum.method", "mining.notify") }, kind, camera, finding.High, nil},
		{"a pool at home", func(s *stage) { s.say(mallet, laptop.on(3333), "stratum.method", "mining.subscribe") }, kind, laptop, none, nil},
	})
	s := set(t, Config{})
	s.say(camera, pool, "stratum.method", "login")
	s.say(pool, camera, "stratum.method", "job")
	if list := s.found(kind); len(list) != 1 || list[0].Count != 1 {
		t.Errorf("one conversation is found as %+v", list)
	}
}

func TestProgramsFetchedInTheClearAreFound(t *testing.T) {
	kind := finding.ClearFirmware
	get := func(who party, path, of, length string) func(s *stage) {
		return func(s *stage) {
			s.say(who, cloud.on(80), "http.host", "update.example", "method", "GET", "path", path)
			s.say(cloud.on(80), who, "http.content_type", of, "side", "server", "length", length)
		}
	}
	play(t, []said{
		{"an image", get(lamp, "/v2/lamp-1.4.bin", "application/octet-stream", "900000"), kind, lamp, finding.Medium, []string{"file", "lamp-1.4.bin", "peer", cloud.ip}},
		{"a path that says so", get(lamp, "/firmware/lamp", "application/octet-stream", "900000"), kind, lamp, finding.Medium, nil},
		{"by TFTP", func(s *stage) { s.say(camera, cloud.on(69), "tftp.file", "bot.arm7", "op", "read") }, kind, camera, finding.Medium, nil},
		{"a program of a person", get(laptop, "/x.bin", "application/octet-stream", "900000"), kind, laptop, finding.Info, nil},
		{"a page about firmware", get(lamp, "/firmware/index.html", "text/html", "900000"), kind, lamp, none, nil},
		{"settings", get(lamp, "/firmware/version", "application/octet-stream", "40"), kind, lamp, none, nil},
		{"data", get(lamp, "/forecast", "application/octet-stream", "90000"), kind, lamp, none, nil},
	})
}

func TestOldTLSIsFound(t *testing.T) {
	kind := finding.TLSWeak
	chosen := func(server, client party, version string) func(s *stage) {
		return func(s *stage) { s.say(server, client, "tls.version", version, "side", "server") }
	}
	play(t, []said{
		{"an old version", chosen(cloud, lamp, "1.0"), kind, lamp, finding.Medium, []string{"weakness", "TLS 1.0", "peer", cloud.ip}},
		{"an old version of a person's", chosen(cloud, laptop, "1.1"), kind, laptop, finding.Low, nil},
		{"at home it is the server's", chosen(camera.on(443), laptop, "1.0"), kind, camera, finding.Low, nil},
		{"no encryption", func(s *stage) { s.say(cloud, laptop, "tls.cipher", "TLS_RSA_WITH_NULL_SHA", "weak", "null") }, kind, laptop, finding.Medium, []string{"weakness", "null"}},
		{"weak suites are offered", func(s *stage) { s.say(lamp, cloud, "tls.weak_ciphers", "export,rc4") }, kind, lamp, finding.Info, nil},
		{"a version of today", chosen(cloud, lamp, "1.2"), kind, lamp, none, nil},
		{"3DES is offered", func(s *stage) { s.say(lamp, cloud, "tls.weak_ciphers", "3des") }, kind, lamp, none, nil},
	})
}

func TestManyServersElsewhereLeaveRoomForADevice(t *testing.T) {
	s := set(t, Config{})
	for i := range 2000 {
		far := cloud
		far.ip = fmt.Sprintf("198.18.%d.%d", i/250, 1+i%250)
		s.say(far, lamp, "tls.version", "1.0", "side", "server")
	}
	s.say(cloud, camera, "tls.version", "1.0", "side", "server")
	for _, f := range s.found(finding.TLSWeak) {
		if f.Device == camera.mac.String() {
			return
		}
	}
	t.Error("nothing is found of the camera")
}

func TestCertificatesThatProveNothingAreFound(t *testing.T) {
	kind := finding.TLSCertificate
	shows := func(server, client party, sent uint64, sni string, fields ...string) func(s *stage) {
		return func(s *stage) {
			if sni != "" {
				s.say(client, server, "tls.sni", sni)
			}
			s.say(server, client, "tls.certificate", "cloud.example", append([]string{"side", "server"}, fields...)...)
			s.end(client, server, frame.ProtoTCP, "tls", sni, sent)
		}
	}
	play(t, []said{
		{"expired", shows(cloud, lamp, 4000, "", "not_after", "2026-01-01T00:00:00Z"), kind, lamp, finding.Medium, []string{"fault", "expired", "peer", cloud.ip}},
		{"to come", shows(cloud, lamp, 4000, "", "not_before", "2027-01-01T00:00:00Z"), kind, lamp, finding.Medium, []string{"fault", "not-yet-valid"}},
		{"self-signed", shows(cloud, lamp, 4000, "cloud.example", "self_signed", "1"), kind, lamp, finding.Medium, []string{"fault", "self-signed", "peer", "cloud.example"}},
		{"of another", shows(cloud, lamp, 4000, "api.example", "names", "cloud.example,*.cloud.example"), kind, lamp, finding.Medium, []string{"fault", "wrong-name"}},
		{"a person may have been asked", shows(cloud, laptop, 4000, "", "self_signed", "1"), kind, laptop, finding.Low, nil},
		{"good", shows(cloud, lamp, 4000, "a.cloud.example", "names", "cloud.example,*.cloud.example", "not_after", "2027-01-01T00:00:00Z", "not_before", "2025-01-01T00:00:00Z"), kind, lamp, none, nil},
		{"refused", shows(cloud, lamp, 300, "", "self_signed", "1"), kind, lamp, none, nil},
		{"at home", shows(camera.on(443), laptop, 4000, "", "self_signed", "1"), kind, laptop, none, nil},
		{"an alert", func(s *stage) {
			s.say(lamp, cloud, "tls.alert", "unknown_ca")
			shows(cloud, lamp, 4000, "", "self_signed", "1")(s)
		}, kind, lamp, none, nil},
	})
}

func TestWhatIsOpenToTheWorldIsFound(t *testing.T) {
	play(t, []said{
		{"a shell is opened", func(s *stage) {
			s.say(camera, router, "igd.portmap", "tcp/23", "side", "request", "via", "upnp", "op", "add")
		}, finding.ExposedPortmap, camera, finding.High, []string{"service", "tcp/23", "protocol", "upnp"}},
		{"a shell behind another port", func(s *stage) {
			s.say(camera, router, "igd.portmap", "tcp/40023", "side", "request", "via", "pcp", "op", "add", "internal_port", "23")
		}, finding.ExposedPortmap, camera, finding.High, nil},
		{"a thing opens a port", func(s *stage) {
			s.say(camera, router, "igd.portmap", "udp/40000", "side", "request", "via", "pcp", "op", "add")
		}, finding.ExposedPortmap, camera, finding.Medium, nil},
		{"a game", func(s *stage) {
			s.say(laptop, router, "igd.portmap", "udp/3074", "side", "request", "via", "upnp", "op", "add")
		}, finding.ExposedPortmap, laptop, finding.Low, nil},
		{"a port is closed", func(s *stage) { s.say(laptop, router, "igd.portmap", "udp/3074", "side", "request", "op", "delete") }, finding.ExposedPortmap, laptop, none, nil},

		{"somebody calls and is answered", func(s *stage) { s.meet(mallet, camera.on(23), frame.ProtoTCP, "telnet", "", 100) }, finding.ExposedService, camera, finding.High, []string{"peer", mallet.ip, "service", "tcp/23"}},
		{"a web server of a thing", func(s *stage) { s.meet(mallet, camera.on(8080), frame.ProtoTCP, "http", "", 100) }, finding.ExposedService, camera, finding.Medium, nil},
		{"names for anybody", func(s *stage) { s.meet(mallet, camera.on(53), frame.ProtoUDP, "dns", "", 100) }, finding.ExposedService, camera, finding.Medium, nil},
		{"file exchange of a person", func(s *stage) { s.meet(mallet, laptop.on(51413), frame.ProtoTCP, "", "", 100) }, finding.ExposedService, laptop, finding.Low, nil},
		{"nobody answers", func(s *stage) { s.step(Began, mallet, camera.on(23), frame.ProtoTCP) }, finding.ExposedService, camera, none, nil},
		{"a call over UDP", func(s *stage) { s.meet(mallet, laptop.on(50123), frame.ProtoUDP, "", "", 100) }, finding.ExposedService, laptop, none, nil},
		{"at home", func(s *stage) { s.meet(laptop, camera.on(80), frame.ProtoTCP, "http", "", 100) }, finding.ExposedService, camera, none, nil},
	})
}

func TestServicesOfLongAgoAreFound(t *testing.T) {
	kind := finding.LegacyService
	play(t, []said{
		{"telnet", func(s *stage) { s.say(camera.on(23), laptop, "telnet.prompt", "login:", "kind", "login") }, kind, camera, finding.Medium, []string{"protocol", "telnet", "peer", laptop.ip}},
		{"telnet of others", func(s *stage) { s.say(cloud.on(23), lamp, "telnet.banner", "hello") }, kind, lamp, finding.Medium, nil},
		{"SMB 1", func(s *stage) { s.say(camera.on(445), laptop, "smb.dialect", "NT LM 0.12", "side", "server") }, kind, camera, finding.Medium, []string{"protocol", "smb1"}},
		{"SNMP 2", func(s *stage) { s.say(camera.on(161), laptop, "snmp.version", "2c") }, kind, camera, finding.Low, []string{"protocol", "snmpv2c"}},
		{"SSL 3", func(s *stage) { s.say(camera.on(443), laptop, "tls.version", "ssl3", "side", "server") }, kind, camera, finding.Medium, nil},
		{"rsh", func(s *stage) { s.meet(laptop, camera.on(514), frame.ProtoTCP, "", "", 100) }, kind, camera, finding.Medium, []string{"protocol", "rsh"}},
		{"TFTP", func(s *stage) { s.say(lamp, camera.on(69), "tftp.file", "settings", "op", "read") }, kind, camera, finding.Low, nil},
		{"SMB 3 is chosen", func(s *stage) { s.say(camera.on(445), laptop, "smb.dialect", "3.1.1", "side", "server") }, kind, camera, none, nil},
		{"SNMP 3", func(s *stage) { s.say(camera.on(161), laptop, "snmp.version", "3") }, kind, camera, none, nil},
		{"an answer that nobody asked for", func(s *stage) { s.say(cloud.on(161), lamp, "snmp.version", "2c") }, kind, lamp, none, nil},
	})
}

func TestOtherResolversAreFound(t *testing.T) {
	kind := finding.DNSBypass
	resolver := party{router.mac, "8.8.8.8", 53, ""}
	play(t, []said{
		{"plain", func(s *stage) { s.meet(lamp, resolver, frame.ProtoUDP, "dns", "", 40) }, kind, lamp, finding.Low, []string{"peer", "8.8.8.8", "protocol", "dns"}},
		{"over TLS", func(s *stage) { s.meet(laptop, resolver.on(853), frame.ProtoTCP, "tls", "", 400) }, kind, laptop, finding.Info, []string{"protocol", "dot"}},
		{"over HTTPS", func(s *stage) { s.say(lamp, cloud, "tls.sni", "dns.google") }, kind, lamp, finding.Low, []string{"protocol", "doh", "peer", "dns.google"}},
		{"a customer's over HTTPS", func(s *stage) { s.say(lamp, cloud, "tls.sni", "abc123.dns.nextdns.io") }, kind, lamp, finding.Low, nil},
		{"the router", func(s *stage) { s.meet(lamp, router, frame.ProtoUDP, "dns", "", 40) }, kind, lamp, none, nil},
		{"one that the network told", func(s *stage) {
			s.say(router, lamp, "ra.rdnss", "8.8.8.8")
			s.meet(lamp, resolver, frame.ProtoUDP, "dns", "", 40)
		}, kind, lamp, none, nil},
		{"the resolver itself", func(s *stage) {
			s.say(camera.on(53), lamp, "dns.server", camera.ip)
			s.meet(camera, resolver, frame.ProtoUDP, "dns", "", 40)
		}, kind, camera, none, nil},
	})
}

func TestNamesThatCarryDataAreFound(t *testing.T) {
	kind := finding.DNSTunnel
	ask := func(n int, of string, name func(i int) string) func(s *stage) {
		return func(s *stage) {
			for i := range n {
				s.at += 200 * time.Millisecond
				s.say(lamp, router, "dns.query", name(i), "type", of)
			}
		}
	}
	hex := func(n, i int) string {
		var b strings.Builder
		for j := range n {
			b.WriteByte("0123456789abcdef"[(i*7919+j*j*31+i*j*17)>>3&15])
		}
		return b.String()
	}
	play(t, []said{
		{"records that programs do not want", ask(30, "TXT", func(i int) string { return hex(60, i) + "." + hex(40, i+1) + ".t.example" }), kind, lamp, finding.High, []string{"domain", "t.example"}},
		{"octets as they are", ask(30, "NULL", func(i int) string {
			return string([]byte{'0', byte(200 + i), 'k', byte(i + 128)}) + strings.Repeat("\xe3\xb2", 30+i) + ".t.example"
		}), kind, lamp, finding.High, nil},
		{"addresses", ask(80, "A", func(i int) string { return hex(60, i) + ".exfil.example" }), kind, lamp, finding.High, nil},
		{"for a server that is asked itself", ask(40, "TXT", func(i int) string { return "dnscat." + hex(40, i) }), kind, lamp, finding.High, []string{"domain", "dnscat"}},
		{"hosts of a content network", ask(80, "A", func(i int) string { return fmt.Sprintf("r%d---sn-%s.content.example", i, hex(8, i)) }), kind, lamp, none, nil},
		{"one long name again and again", ask(200, "TXT", func(int) string { return hex(60, 1) + ".id.example" }), kind, lamp, none, nil},
		{"a list of senders of mail", ask(200, "TXT", func(i int) string { return fmt.Sprintf("%d.%d.113.203.zen.spamhaus.org", i, i) }), kind, lamp, none, nil},
		{"a virus scanner", ask(200, "A", func(i int) string { return "0.0.0.0.1.0.0.4e." + hex(26, i) + ".avqs.mcafee.com" }), kind, lamp, none, nil},
		{"names of addresses", ask(200, "PTR", func(i int) string { return fmt.Sprintf("%d.100.51.198.in-addr.arpa", i) }), kind, lamp, none, nil},
		{"words", ask(200, "A", func(i int) string { return fmt.Sprintf("user-profile-pictures-number-%d.photos.example", i) }), kind, lamp, none, nil},
	})
}

func TestNamesMadeByAProgramAreFound(t *testing.T) {
	kind := finding.DNSGenerated
	miss := func(s *stage, name string) {
		s.at += time.Second
		s.say(router, lamp, "dns.answer", name, "about", "rcode", "NXDOMAIN")
	}
	play(t, []said{
		{"letters drawn by chance", func(s *stage) {
			for i := range 20 {
				miss(s, string([]byte{"qzxvkjwy"[i%8], "bcdfghjk"[i/2%8], 'x', "plmkznjb"[i*3%8], 'w', 'v', "tgbyhnuj"[i*5%8], 'k', byte('a' + i)})+".info")
			}
		}, kind, lamp, finding.High, nil},
		{"three tries of a browser", func(s *stage) {
			for _, n := range []string{"qkzxwvjpld", "xvwkqjzpoi", "zkqxwjvmn"} {
				miss(s, n)
				miss(s, n+".lan")
				miss(s, n+".home.example")
			}
		}, kind, lamp, none, nil},
		{"names that the network completes", func(s *stage) {
			s.say(router, lamp, "dhcp.server", router.ip, "domain", "family.example")
			for i := range 30 {
				miss(s, fmt.Sprintf("qx%dzkvwj.family.example", i))
			}
		}, kind, lamp, none, nil},
		{"mistyped words", func(s *stage) {
			for _, n := range []string{
				"weathernetwerk", "googgle", "facebok", "newspapper", "televison", "restaurantes", "holidaytrips", "shoppinglist", "librarybooks", "musicstream",
				"gardentools", "kitchenrecipes", "footballscores", "traintickets", "bankonline", "schoolmeals", "cinematickets", "bicycleparts",
			} {
				miss(s, n+".com")
			}
		}, kind, lamp, none, nil},
		{"one domain that is gone", func(s *stage) {
			for i := range 60 {
				miss(s, fmt.Sprintf("api%d.qxzkvwjbd.com", i))
			}
		}, kind, lamp, none, nil},
	})
}
