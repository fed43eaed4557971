package lab_test

import (
	"fmt"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab"
)

func ExampleHome_Play() {
	home := &lab.Home{
		Seed: 1, Start: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Length: 5 * time.Minute,
		LAN4: netip.MustParsePrefix("192.168.1.0/24"), LAN6: netip.MustParsePrefix("2001:db8:1::/64"), Domain: "home.arpa",
		Router:  lab.Device{Name: "router", Category: "router", MACs: []frame.MAC{{2, 0, 0, 0, 0, 1}}, IPv6: lab.FromMAC, Stack: lab.Linux},
		Servers: []lab.Server{{Name: "cloud.example", Distance: 20 * time.Millisecond, IPv4: []netip.Addr{netip.MustParseAddr("203.0.113.7")}}},
		Devices: []lab.Device{{
			Name: "camera", Category: "camera", MACs: []frame.MAC{{2, 0, 0, 0, 0, 2}}, Stack: lab.Small, Arrives: time.Second,
			DHCP: lab.DHCP{Hostname: "cam-1", Parameters: []byte{1, 3, 6}},
			Script: func(a *lab.Actor) {
				a.Join()
				a.Every(time.Minute, func() { a.HTTPS("cloud.example", 200, 50) })
			},
		}},
	}
	trace, err := home.Play()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range trace.Truth.Devices {
		fmt.Println(d.Name, d.MACs, d.Hostnames, d.Asked)
	}
	// Output:
	// router [02:00:00:00:00:01] [] []
	// camera [02:00:00:00:00:02] [cam-1] [cloud.example]
}
