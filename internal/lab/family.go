package lab

import (
	"fmt"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab/handshake"
)

// Family is a home of fourteen devices that does a bit of everything in a quarter of an hour. The devices,
// and the names that they ask for, are of kinds that can be bought; all addresses on the Internet are
// those kept for documentation.
func Family() *Home {
	h := &Home{
		Seed:   2026,
		Start:  time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC),
		Length: 15 * time.Minute,
		LAN4:   netip.MustParsePrefix("192.168.1.0/24"),
		LAN6:   netip.MustParsePrefix("2001:db8:1d:1::/64"),
		Domain: "home.arpa",
		Router: router(),
		Devices: []Device{
			hub(), plug(), bulb(), camera(), speaker(), tv(), thermostat(), printer(), doorbell(), nas(), sensor(),
			phone(), laptop(),
		},
	}
	for i, s := range [...]struct {
		name string
		away int // milliseconds
		six  bool
		tls  uint16
		via  []string
	}{
		{"pool.ntp.org", 14, true, 0, nil},
		{"time.windows.com", 31, false, 0, []string{"twc.trafficmanager.example"}},
		{"discovery.meethue.com", 22, false, handshake.TLS12, nil},
		{"diagnostics.meethue.com", 23, false, 0, []string{"hue.lb.example.net"}},
		{"devs.tplinkcloud.com", 38, false, handshake.TLS12, []string{"eu-devs.tplink.example"}},
		{"m1.tuyaeu.com", 26, false, handshake.TLS12, nil},
		{"a1.tuyaeu.com", 27, false, handshake.TLS12, nil},
		{"dev.hik-connect.com", 41, false, handshake.TLS12, nil},
		{"msmetrics.ws.sonos.com", 19, false, 0, []string{"sonos.cdn.example"}},
		{"radio.example.net", 12, true, 0, nil},
		{"cdn.samsungcloudsolution.com", 18, true, 0, []string{"samsung.cdn.example", "edge7.cdn.example"}},
		{"osb.samsungqbe.com", 33, false, handshake.TLS12, nil},
		{"video.example.com", 9, true, 0, []string{"video.cdn.example"}},
		{"home.ecobee.com", 96, false, handshake.TLS12, nil},
		{"xmpp005.hpeprint.com", 34, false, handshake.TLS12, nil},
		{"api.ring.com", 89, false, 0, nil},
		{"fw.ring.com", 91, false, handshake.TLS12, nil},
		{"stun.example.net", 17, true, 0, nil},
		{"update.synology.com", 28, true, 0, nil},
		{"coap.example.net", 20, true, 0, nil},
		{"connectivitycheck.gstatic.com", 8, true, 0, nil},
		{"www.example.org", 8, true, 0, nil},
		{"news.example.com", 11, true, 0, []string{"news.cdn.example"}},
		{"mail.example.org", 15, true, 0, nil},
		{"www.msftconnecttest.com", 13, true, 0, []string{"ncsi.cdn.example"}},
		{"maps.example.com", 10, true, 0, nil},
	} {
		n := byte(i + 10)
		server := Server{
			Name: s.name, Via: s.via, Newest: s.tls, Distance: time.Duration(s.away) * time.Millisecond,
			IPv4: []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, n})},
		}
		if s.six {
			server.IPv6 = []netip.Addr{netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x5e, 15: n})}
		}
		if s.via != nil { // a cluster
			server.IPv4 = append(server.IPv4, netip.AddrFrom4([4]byte{203, 0, 113, 100 + n}))
		}
		h.Servers = append(h.Servers, server)
	}
	h.Servers = append(h.Servers, Server{
		Name: "alarm.example.com", Distance: 44 * time.Millisecond, Weak: true,
		IPv4: []netip.Addr{netip.MustParseAddr("198.51.100.77")},
	})
	return h
}

func macs(list ...string) []frame.MAC {
	var out []frame.MAC
	for _, s := range list {
		m, err := frame.ParseMAC(s)
		if err != nil {
			panic(err) // a constant of this package
		}
		out = append(out, m)
	}
	return out
}

func ip4(last byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 1, last}) }

func router() Device {
	return Device{
		Name: "router", Maker: "ASUS", Model: "RT-AX58U", Category: "router", Kind: device.Infrastructure,
		MACs: macs("04:d4:c4:6e:10:38"), IPv6: FromMAC, Stack: Linux,
		UPnP: &UPnP{
			UUID: "04d4c46e-1038-4a10-9000-04d4c46e1038", Server: "AsusWRT/386 UPnP/1.1 MiniUPnPd/2.2.0", Port: 1990, Path: "/rootDesc.xml",
			Kind: "urn:schemas-upnp-org:device:InternetGatewayDevice:1", Services: []string{"urn:schemas-upnp-org:service:Layer3Forwarding:1", wanIPConnection},
			FriendlyName: "RT-AX58U", Manufacturer: "ASUSTeK Computer Inc.", ModelName: "RT-AX58U", ModelNumber: "386.4", Description: "RT-AX58U",
		},
		LLDP: &LLDP{Port: "br0", SystemName: "RT-AX58U", Description: "Linux 4.19", Capabilities: 0x001c},
		Script: func(a *Actor) {
			a.has(a.v4)
			a.has(a.v6)
			a.has(a.local)
			a.Wait(2 * time.Second)
			a.Every(5*time.Minute, func() {
				a.AdvertiseRouter()
				a.Wait(time.Second)
				a.Advertise()
				a.Wait(time.Second)
				a.AnnounceLink()
			})
		},
	}
}

func hub() Device {
	return Device{
		Name: "hub", Maker: "Philips", Model: "Hue Bridge BSB002", Category: "hub", Kind: device.IoT,
		MACs: macs("00:17:88:5f:2a:c1"), IPv4: ip4(20), IPv6: FromMAC, Stack: Linux, Hello: handshake.Embedded(), Arrives: 3 * time.Second,
		DHCP:     DHCP{Hostname: "Philips-hue", Parameters: []byte{1, 3, 6, 12, 15, 28, 42}, ClientID: true},
		Host:     "Philips-hue",
		Services: []Service{{"_hue._tcp", "Hue Bridge - 5F2AC1", 443, []string{"bridgeid=001788fffe5f2ac1", "modelid=BSB002"}}, {"_hap._tcp", "Hue Bridge - 5F2AC1", 8080, []string{"c#=12", "ff=1", "id=4B:11:9A:20:7E:31", "md=BSB002", "pv=1.1", "s#=1", "sf=1", "ci=2"}}},
		UPnP: &UPnP{
			UUID: "2f402f80-da50-11e1-9b23-0017885f2ac1", Server: "Hue/1.0 UPnP/1.0 IpBridge/1.65.0", Port: 80, Path: "/description.xml",
			Kind:         "urn:schemas-upnp-org:device:Basic:1",
			FriendlyName: "Hue Bridge (192.168.1.20)", Manufacturer: "Signify", ModelName: "Philips hue bridge 2015", ModelNumber: "BSB002", Description: "Philips hue Personal Wireless Lighting",
		},
		Script: func(a *Actor) {
			a.Join()
			a.Announce()
			a.Advertise()
			a.NTP("pool.ntp.org")
			a.HTTPS("discovery.meethue.com", 320, 180)
			a.Every(6*time.Minute, func() {
				a.Wait(20 * time.Second)
				a.HTTPS("diagnostics.meethue.com", 800, 120)
			})
		},
	}
}

func plug() Device {
	return Device{
		Name: "plug", Maker: "TP-Link", Model: "HS110(EU)", Category: "plug", Kind: device.IoT,
		MACs: macs("50:c7:bf:1d:77:0e"), IPv4: ip4(21), Stack: Small, Hello: handshake.Embedded(), Arrives: 5 * time.Second,
		DHCP: DHCP{Hostname: "HS110", Parameters: []byte{1, 3, 28, 6}},
		Script: func(a *Actor) {
			a.Join()
			a.NTP("pool.ntp.org")
			s := a.Dial("devs.tplinkcloud.com", 50443).TLS("devs.tplinkcloud.com")
			s.Send(octets(a.rng, 420))
			s.Recv(octets(a.rng, 260))
			a.Every(2*time.Minute, func() {
				a.Wait(30 * time.Second)
				s.Send(octets(a.rng, 90))
				s.Recv(octets(a.rng, 90))
			})
		},
	}
}

func bulb() Device {
	return Device{
		Name: "bulb", Maker: "Tuya", Category: "light", Kind: device.IoT,
		MACs: macs("10:d5:61:a8:04:9b"), IPv4: ip4(22), Stack: Small, Hello: handshake.Embedded(), Arrives: 8 * time.Second,
		DHCP: DHCP{Hostname: "wlan0", Parameters: []byte{1, 3, 28, 6}},
		Script: func(a *Actor) {
			a.Join()
			a.Meanwhile(func() { a.Every(40*time.Second, func() { a.Tuya("3.3", "keym9qkuywghyrvs") }) })
			a.HTTPS("a1.tuyaeu.com", 500, 400)
			s := a.Dial("m1.tuyaeu.com", 8883).TLS("m1.tuyaeu.com")
			m := a.MQTT(s, "tuya_bf1049a8", "bf1049a8", "not-a-real-password")
			m.Subscribe("smart/device/in/bf1049a8")
			a.Every(time.Minute, m.Ping)
		},
	}
}

func camera() Device {
	return Device{
		Name: "camera", Maker: "Hikvision", Model: "DS-2CD2042WD-I", Category: "camera", Kind: device.IoT,
		MACs: macs("44:19:b6:8e:3f:52"), IPv4: ip4(23), IPv6: FromMAC, Stack: Linux, Hello: handshake.Embedded(), Arrives: 11 * time.Second,
		DHCP:  DHCP{Hostname: "DS-2CD2042WD-I", VendorClass: "udhcp 1.20.2", Parameters: []byte{1, 3, 6, 12, 15, 28, 42}},
		LLDP:  &LLDP{Port: "eth0", SystemName: "IPCamera", Description: "IP camera", Capabilities: 0x0080, MUD: "https://mud.example.com/camera.json", Manufacturer: "HIKVISION", Model: "DS-2CD2042WD-I", Firmware: "V5.4.5"},
		Agent: "HikConnect/5.4",
		Script: func(a *Actor) {
			a.Join()
			a.Meanwhile(func() { a.Every(3*time.Minute, a.AnnounceLink) })
			a.NTP("pool.ntp.org")
			a.HTTPS("dev.hik-connect.com", 600, 300)
			a.Until(4 * time.Minute)
			a.Finding("clear.credentials", "nas", func() {
				a.Upload("nas", "DiskStation FTP server ready.", "camera", "not-a-real-password", "motion-20260504-180400.jpg", 9000)
			})
			a.Until(7 * time.Minute)
			a.Finding("tls.weak", "alarm.example.com", func() {
				s := a.Dial("alarm.example.com", 443).TLSAs(handshake.Legacy(), "alarm.example.com")
				s.Send(a.request("alarm.example.com", "POST", "/event", "", octets(a.rng, 700)))
				s.Recv(a.response("200 OK", "Apache/2.2.15", "text/plain", "", []byte("ok")))
				s.Close()
			})
		},
	}
}

func speaker() Device {
	return Device{
		Name: "speaker", Maker: "Sonos", Model: "Sonos One", Category: "speaker", Kind: device.IoT,
		MACs: macs("5c:aa:fd:93:40:d6"), IPv4: ip4(24), IPv6: FromMAC, Stack: Linux, Arrives: 14 * time.Second,
		DHCP:     DHCP{Hostname: "SonosZP", Parameters: []byte{1, 3, 6, 12, 15, 28, 33, 121}, ClientID: true},
		Host:     "Sonos-5CAAFD9340D6",
		Services: []Service{{"_sonos._tcp", "5CAAFD9340D6@Kitchen", 1443, []string{"info=/api/v1/players/RINCON_5CAAFD9340D601400/info", "vers=3", "protovers=1.38.0", "bootseq=41"}}, {"_spotify-connect._tcp", "sonos5CAAFD9340D6", 1400, []string{"VERSION=1.0", "CPath=/spotifyzc"}}},
		UPnP: &UPnP{
			UUID: "RINCON_5CAAFD9340D601400", Server: "Linux UPnP/1.0 Sonos/79.1-56030 (ZPS18)", Port: 1400, Path: "/xml/device_description.xml",
			Kind: "urn:schemas-upnp-org:device:ZonePlayer:1", Services: []string{"urn:schemas-upnp-org:service:AVTransport:1"},
			FriendlyName: "192.168.1.24 - Sonos One", Manufacturer: "Sonos, Inc.", ModelName: "Sonos One", ModelNumber: "S18", Description: "Sonos One",
		},
		Agent: "Linux UPnP/1.0 Sonos/79.1-56030 (ZPS18)",
		Script: func(a *Actor) {
			a.Join()
			a.Announce()
			a.Advertise()
			a.NTP("pool.ntp.org")
			a.HTTPS("msmetrics.ws.sonos.com", 700, 90)
			a.Until(5 * time.Minute)
			a.Get("radio.example.net", 80, "/live.mp3", "Icy-MetaData: 1\r\n", Page{"200 OK", "Icecast 2.4.4", "audio/mpeg", "icy-name: Lab FM\r\n", string(octets(a.rng, 12000))})
		},
	}
}

func tv() Device {
	return Device{
		Name: "tv", Maker: "Samsung", Model: "UE43TU7000", Category: "tv", Kind: device.IoT,
		MACs: macs("8c:79:f5:22:b7:14"), IPv4: ip4(25), IPv6: Opaque, Prefer6: true, Stack: Linux, Hello: handshake.Plain(handshake.Browser()), Arrives: 18 * time.Second,
		DHCP:     DHCP{Hostname: "Samsung", VendorClass: "udhcp 1.31.0", Parameters: []byte{1, 3, 6, 12, 15, 28, 42}},
		Host:     "Samsung",
		Services: []Service{{"_airplay._tcp", "Samsung TU7000", 7000, []string{"deviceid=8C:79:F5:22:B7:14", "features=0x7F8AD0,0x10BCF46", "manufacturer=Samsung", "model=UE43TU7000", "srcvers=377.40.00"}}},
		UPnP: &UPnP{
			UUID: "9c2e7a10-66c1-4b21-8a47-8c79f522b714", Server: "SHP, UPnP/1.0, Samsung UPnP SDK/1.0", Port: 9197, Path: "/dmr",
			Kind: "urn:schemas-upnp-org:device:MediaRenderer:1", Services: []string{"urn:schemas-upnp-org:service:RenderingControl:1", "urn:schemas-upnp-org:service:AVTransport:1"},
			FriendlyName: "[TV] Living room", Manufacturer: "Samsung Electronics", ModelName: "UE43TU7000", ModelNumber: "AllShare1.0", Description: "Samsung TV DMR",
		},
		Agent: "Mozilla/5.0 (SMART-TV; LINUX; Tizen 5.5) AppleWebKit/537.36 (KHTML, like Gecko) 69.0.3497.106/5.5 TV Safari/537.36",
		Script: func(a *Actor) {
			a.Join()
			a.Announce()
			a.Advertise()
			a.HTTPS("osb.samsungqbe.com", 300, 500)
			a.HTTPS("cdn.samsungcloudsolution.com", 200, 4000)
			a.Until(3 * time.Minute)
			a.QUIC("video.example.com", 24000, handshake.QUICOptions{Version: handshake.QUICv1})
			a.Until(13 * time.Minute)
			a.Farewell()
		},
	}
}

func thermostat() Device {
	return Device{
		Name: "thermostat", Maker: "ecobee", Model: "ecobee3 lite", Category: "thermostat", Kind: device.IoT,
		MACs: macs("44:61:32:0c:9d:e8"), IPv4: ip4(26), Stack: Stack{Hops: 64, Window: 29200, SACK: true}, Hello: handshake.Embedded(), Arrives: 21 * time.Second,
		DHCP:     DHCP{Hostname: "ecobee3lite", Parameters: []byte{1, 3, 6, 15, 26, 28, 51, 58, 59}, ClientID: true, MUD: "https://mud.example.com/ecobee3-lite.json"},
		Host:     "ecobee3lite",
		Services: []Service{{"_hap._tcp", "Hallway", 1200, []string{"c#=3", "ff=1", "id=9A:2B:71:C4:0E:55", "md=ecobee3 lite", "pv=1.1", "s#=1", "sf=0", "ci=9"}}},
		Script: func(a *Actor) {
			a.Join()
			a.Announce()
			a.NTP("pool.ntp.org")
			s := a.Dial("home.ecobee.com", 8190).TLS("home.ecobee.com")
			s.Send(octets(a.rng, 350))
			s.Recv(octets(a.rng, 200))
			a.Every(3*time.Minute, func() {
				a.Wait(45 * time.Second)
				s.Send(octets(a.rng, 180))
				s.Recv(octets(a.rng, 60))
			})
		},
	}
}

func printer() Device {
	txt := []string{"txtvers=1", "qtotal=1", "rp=ipp/print", "ty=HP OfficeJet Pro 8710", "product=(HP OfficeJet Pro 8710)", "usb_MFG=HP", "usb_MDL=OfficeJet Pro 8710", "pdl=application/pdf,image/urf", "URF=CP1,RS300,SRGB24"}
	return Device{
		Name: "printer", Maker: "HP", Model: "OfficeJet Pro 8710", Category: "printer", Kind: device.IoT,
		MACs: macs("3c:d9:2b:71:5e:a0"), IPv4: ip4(27), IPv6: FromMAC, Stack: Stack{Hops: 255, Window: 8760, SACK: true}, Hello: handshake.Embedded(), Arrives: 25 * time.Second,
		DHCP:     DHCP{Hostname: "HP715EA0", VendorClass: "Hewlett-Packard OfficeJet", Parameters: []byte{1, 3, 44, 6, 81, 69, 12, 67, 66, 150, 7, 15}, FQDN: "HP715EA0"},
		Host:     "HP715EA0",
		Services: []Service{{"_ipp._tcp", "HP OfficeJet Pro 8710 [715EA0]", 631, txt}, {"_http._tcp", "HP OfficeJet Pro 8710 [715EA0]", 80, nil}},
		Script: func(a *Actor) {
			a.Join()
			a.NBNS("HP715EA0", 0, true)
			a.Announce()
			a.HTTPS("xmpp005.hpeprint.com", 500, 300)
		},
	}
}

func doorbell() Device {
	return Device{
		Name: "doorbell", Maker: "Ring", Model: "Video Doorbell", Category: "doorbell", Kind: device.IoT,
		MACs: macs("90:48:6c:d3:08:71"), IPv4: ip4(28), Stack: Small, Hello: handshake.Embedded(), Arrives: 6 * time.Minute,
		DHCP: DHCP{Hostname: "RingDoorbell-71", Parameters: []byte{1, 3, 6, 12, 15}},
		Script: func(a *Actor) {
			a.Join()
			a.HTTPS("fw.ring.com", 260, 180)
			a.STUN("stun.example.net", "ring-webrtc")
			a.HTTPS("fw.ring.com", 9000, 120)
		},
	}
}

func nas() Device {
	return Device{
		Name: "nas", Maker: "Synology", Model: "DS220+", Category: "nas", Kind: device.General,
		MACs: macs("00:11:32:b4:6f:29"), IPv4: ip4(10), IPv6: FromMAC, Prefer6: true, Stack: Linux, Arrives: 1 * time.Second,
		DHCP:     DHCP{Hostname: "DiskStation", VendorClass: "synology_geminilake_220+", Parameters: []byte{1, 3, 6, 12, 15, 28, 33, 42}, ClientID: true},
		Host:     "DiskStation",
		Services: []Service{{"_smb._tcp", "DiskStation", 445, nil}, {"_http._tcp", "DiskStation", 5000, []string{"vendor=Synology", "model=DS220+", "serial=0000LAB000000", "version_major=7", "version_minor=2", "admin_port=5000", "secure_admin_port=5001", "mac_address=00:11:32:b4:6f:29"}}, {"_device-info._tcp", "DiskStation", 0, []string{"model=Xserve"}}},
		UPnP: &UPnP{
			UUID: "73796e6f-6473-6d00-0000-001132b46f29", Server: "Synology/DSM/192.168.1.10", Port: 5000, Path: "/ssdp/desc-DSM-eth0.xml",
			Kind: "urn:schemas-upnp-org:device:Basic:1", FriendlyName: "DiskStation (DS220+)", Manufacturer: "Synology", ModelName: "DS220+", ModelNumber: "DS220+ 7.2-64570", Description: "Synology NAS",
		},
		Script: func(a *Actor) {
			a.Join()
			a.Announce()
			a.Advertise()
			a.NTP("pool.ntp.org")
			a.HTTPS("update.synology.com", 250, 900)
			a.Until(2 * time.Minute)
			a.Finding("exposed.portmap", "router", func() { a.MapPort("TCP", 5001, 5001, "DSM") })
		},
	}
}

func sensor() Device {
	return Device{
		Name: "sensor", Category: "sensor", Kind: device.IoT,
		MACs: macs("24:0a:c4:e1:52:8d"), IPv4: ip4(29), IPv6: FromMAC, Prefer6: true, Stack: Small, Arrives: 30 * time.Second,
		DHCP:   DHCP{Hostname: "airsensor-528d", Parameters: []byte{1, 3, 28, 6, 15, 44, 46, 47, 31, 33, 121, 43}},
		DHCPv6: &DHCPv6{Enterprise: 32473, VendorClass: "air-sensor 2.1", FQDN: "airsensor-528d.home.arpa", MUD: "https://mud.example.com/air-sensor.json"},
		Script: func(a *Actor) {
			a.Join()
			a.NTP("pool.ntp.org")
			a.CoAP("coap.example.net", 2, []string{"register"}, `{"ep":"airsensor-528d"}`, "")
			a.Finding("clear.credentials", "nas", func() {
				m := a.MQTT(a.Dial("nas", 1883), "airsensor-528d", "air", "not-a-real-password")
				a.Every(time.Minute, func() {
					m.Publish("home/air/hall", fmt.Sprintf(`{"co2":%d,"temperature":%.1f}`, 600+a.rng.IntN(200), 20+a.rng.Float64()))
				})
			})
		},
	}
}

func phone() Device {
	agent := handshake.QUICOptions{Version: handshake.QUICv1, Agent: "Chrome/136.0.7103.61 Linux; Android 14; Pixel 8", Scatter: true}
	return Device{
		Name: "phone", Maker: "Google", Model: "Pixel 8", Category: "phone", Kind: device.General,
		MACs: macs("ba:5c:31:90:d7:4e", "62:0f:e8:17:3a:c9"), IPv6: Opaque, Prefer6: true, Stack: Linux, Hello: handshake.Browser(), Arrives: 40 * time.Second,
		DHCP:  DHCP{Hostname: "Pixel-8", VendorClass: "android-dhcp-14", Parameters: []byte{1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108}, ClientID: true},
		Agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Mobile Safari/537.36",
		Script: func(a *Actor) {
			online := func() {
				a.Join()
				a.Get("connectivitycheck.gstatic.com", 80, "/generate_204", "", Page{Status: "204 No Content"})
				a.QUIC("www.example.org", 3000, agent)
				a.Browse("_googlecast._tcp", "_spotify-connect._tcp", "_hue._tcp", "_airplay._tcp")
			}
			online()
			a.FindKasa("plug")
			a.SwitchKasa("plug")
			a.QUIC("news.example.com", 8000, agent)
			a.HTTPS("mail.example.org", 900, 2500)
			a.Until(9 * time.Minute)
			a.Rotate()
			a.Get("connectivitycheck.gstatic.com", 80, "/generate_204", "", Page{Status: "204 No Content"})
			a.QUIC("maps.example.com", 4000, agent)
			a.Browse("_googlecast._tcp", "_hap._tcp")
		},
	}
}

func laptop() Device {
	return Device{
		Name: "laptop", Maker: "Dell", Category: "computer", Kind: device.General,
		MACs: macs("f8:bc:12:6d:e3:97"), IPv4: ip4(40), IPv6: Opaque, Prefer6: true, Stack: Windows, Hello: handshake.Browser(), Arrives: 70 * time.Second,
		DHCP:  DHCP{Hostname: "DESKTOP-K3V2Q9", VendorClass: "MSFT 5.0", Parameters: []byte{1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252}, ClientID: true, FQDN: "DESKTOP-K3V2Q9"},
		Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36",
		Script: func(a *Actor) {
			a.Join()
			a.NBNS("DESKTOP-K3V2Q9", 0, true)
			a.LLMNR("wpad")
			a.Get("www.msftconnecttest.com", 80, "/connecttest.txt", "", Page{"200 OK", "", "text/plain", "", "Microsoft Connect Test"})
			a.NTP("time.windows.com")
			a.Ping("router")
			a.Search("upnp:rootdevice")
			a.Describe("hub")
			a.Describe("router")
			a.Browse("_ipp._tcp", "_smb._tcp")
			a.QUIC("www.example.org", 2500, handshake.QUICOptions{Version: handshake.QUICv2})

			c := a.Dial("news.example.com", 443)
			c.Lose() // the hello is sent twice
			s := c.TLS("news.example.com")
			c.Reorder()
			a.exchange(s, "news.example.com", "GET", "/", 0, 9000)
			s.Close()

			a.ResolveTCP("maps.example.com")
			a.HTTPS("mail.example.org", 400, 1500)
			a.Until(5 * time.Minute)
			a.SNMP("printer", "public", "HP ETHERNET MULTI-ENVIRONMENT,SN:LAB0000000,FN:TH68P3Z0,SVCID:27125,PID:HP OfficeJet Pro 8710")
			a.Post("printer", 631, "/ipp/print", "Content-Type: application/ipp\r\n", "\x02\x00\x00\x0b\x00\x00\x00\x01\x01\x47\x00\x12attributes-charset\x00\x05utf-8\x48\x00\x1battributes-natural-language\x00\x02en\x03",
				Page{"200 OK", "HP HTTP Server; HP OfficeJet Pro 8710 - D9L18A", "application/ipp", "", "\x02\x00\x00\x00\x00\x00\x00\x01\x01\x47\x00\x12attributes-charset\x00\x05utf-8\x48\x00\x1battributes-natural-language\x00\x02en\x03"})
			ssh := a.Dial("nas", 22)
			ssh.SSH(OpenSSH, OpenSSH8, 1, 1600)
			ssh.Close()
			a.Probe("camera")
			a.Finding("clear.credentials", "camera", func() { a.Watch("camera", "viewer", "not-a-real-password", 25) })
			a.Refused("tv", 8001)
			a.TFTP("router", "RT-AX58U.cfg", 900)
		},
	}
}
