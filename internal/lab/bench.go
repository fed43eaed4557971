package lab

import (
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Bench is a maker’s plug on the bench of a laboratory, for a day and a half: it joins, says which model it is, and talks
// to its cloud and to its update server, over TLS alone. It is the capture of the example in docs/assess.md.
func Bench() *Home {
	server := func(name string, ms int, addr string) Server {
		return Server{Name: name, Distance: time.Duration(ms) * time.Millisecond, IPv4: []netip.Addr{netip.MustParseAddr(addr)}}
	}
	return &Home{
		Seed: 303645, Start: time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC), Length: 36 * time.Hour,
		LAN4: netip.MustParsePrefix("192.168.7.0/24"), LAN6: netip.MustParsePrefix("2001:db8:7:1::/64"), Domain: "home.arpa",
		Router: Device{
			Name: "router", Category: "router", MACs: []frame.MAC{{2, 0, 0x5e, 0x70, 0, 1}}, IPv6: FromMAC, Stack: Linux,
		},
		Servers: []Server{
			server("cloud.lamps.example", 20, "198.51.100.10"), server("fw.lamps.example", 25, "198.51.100.20"), server("time.lamps.example", 20, "198.51.100.30"),
		},
		Devices: []Device{{
			Name: "plug", Maker: "Example Lamps", Model: "LP-110", Category: "plug", MACs: []frame.MAC{{2, 0, 0x5e, 0x70, 0, 0x14}},
			IPv4: netip.MustParseAddr("192.168.7.20"), Stack: Linux, Arrives: time.Second, Host: "lp-110-70e4",
			DHCP:     DHCP{Hostname: "lp-110-70e4", Parameters: []byte{1, 3, 6, 12, 15, 42}, MUD: "https://mud.lamps.example/lp-110.json"},
			Services: []Service{{"_hap._tcp", "Plug 70E4", 443, []string{"c#=1", "ff=1", "id=7C:10:44:70:E4:01", "md=LP-110", "pv=1.1", "s#=1", "sf=0", "ci=7"}}},
			Script: func(a *Actor) {
				a.Join()
				a.Announce()
				a.NTP("time.lamps.example")
				a.HTTPS("fw.lamps.example", 420, 1800)
				a.Meanwhile(func() { a.Every(11*time.Hour, func() { a.HTTPS("fw.lamps.example", 420, 1800) }) })
				a.Every(3*time.Hour, func() { a.HTTPS("cloud.lamps.example", 300, 200) })
			},
		}},
	}
}
