package lab

import (
	"fmt"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

// Fifty is a home of fifty devices, seen for a day: as much as a home is likely to hold. Each speaks with its maker's
// cloud and with a few others, the bulbs with their hub; one has been taken over and looks for others on the Internet.
func Fifty() *Home {
	h := &Home{
		Seed:   50,
		Start:  time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC),
		Length: 24 * time.Hour,
		LAN4:   netip.MustParsePrefix("192.168.1.0/24"),
		LAN6:   netip.MustParsePrefix("2001:db8:1d:1::/64"),
		Domain: "home.arpa",
		Router: router(),
	}
	const clouds = 12
	for i := range clouds {
		h.Servers = append(h.Servers, Server{
			Name: fmt.Sprintf("service-%d.region-%d.devices.cloud.example.net", i+1, i%3+1), Distance: time.Duration(9+7*i) * time.Millisecond,
			IPv4: []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + i)})},
		})
	}
	h.Servers = append(h.Servers, Server{Name: "pool.ntp.org", Distance: 14 * time.Millisecond, IPv4: []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, 99})}})
	makers := []frame.MAC{
		{0x10, 0xd5, 0x61}, {0x50, 0xc7, 0xbf}, {0x24, 0x0a, 0xc4}, {0x00, 0x17, 0x88}, {0x44, 0x19, 0xb6}, {0x5c, 0xaa, 0xfd}, {0x8c, 0x79, 0xf5},
	}
	words := []string{"lamp", "plug", "sensor", "hub", "camera", "speaker", "tv", "thermostat", "printer", "vacuum"}
	for i := range 49 { // and the router
		mac := makers[i%len(makers)]
		mac[5] = byte(i + 1)
		name := fmt.Sprintf("%s-%d", words[i%len(words)], i+1)
		h.Devices = append(h.Devices, Device{
			Name: name, Category: "other", Kind: device.IoT, MACs: []frame.MAC{mac}, Stack: Small,
			Arrives: time.Duration(i+1) * 2 * time.Second, DHCP: DHCP{Hostname: name, Parameters: []byte{1, 3, 6, 15, 28}},
			Script: func(a *Actor) {
				a.Join()
				a.NTP("pool.ntp.org")
				if i == 17 {
					a.ScanTelnet(60, 200*time.Millisecond)
				}
				n := 0
				a.Every(2*time.Hour, func() {
					a.HTTPS(h.Servers[(i+n)%clouds].Name, 300+10*i, 900)
					n++
				})
			},
		})
	}
	return h
}
