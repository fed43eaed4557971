package identify

import (
	"fmt"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
)

// load reads the knowledge or ends the test.
func load(t testing.TB) *Knowledge {
	t.Helper()
	k, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// subject reads lines of "fact value", or of "fact value {field=value}".
func subject(t testing.TB, mac, seen string) Subject {
	t.Helper()
	var s Subject
	if mac != "" {
		var err error
		if s.MAC, err = frame.ParseMAC(mac); err != nil {
			t.Fatal(err)
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(seen), "\n") {
		fact, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		o := device.Observation{Fact: fact, Value: value, Packet: uint64(i + 1), Count: 1}
		if v, detail, ok := strings.Cut(value, " {"); ok {
			key, x, _ := strings.Cut(strings.TrimSuffix(detail, "}"), "=")
			o.Value, o.Detail = v, []device.Detail{{Key: key, Value: x}}
		}
		s.Observations = append(s.Observations, o)
	}
	return s
}

func TestIdentify(t *testing.T) {
	k := load(t)
	for _, tt := range []struct {
		name, mac, seen        string
		maker, model, category string
		kind                   device.Kind
	}{
		{
			"a camera whose host name is its model", "b0:c5:54:12:34:56", `
			dhcp.hostname DCS-8000LH
			dhcp.vendor_class udhcp 1.22.1`,
			"D-Link", "DCS-8000LH", "camera", device.IoT,
		},
		{
			"a water sensor of the same maker", "90:8d:78:12:34:56", "dhcp.hostname DCH-S160",
			"D-Link", "DCH-S160", "sensor", device.IoT,
		},
		{
			"a plug with its region in its name", "50:c7:bf:12:34:56", "dhcp.hostname HS100(EU)",
			"TP-Link", "HS100", "plug", device.IoT,
		},
		{
			"a bulb that answers the local protocol", "50:c7:bf:12:34:56", "kasa.device LB110(EU) {type=IOT.SMARTBULB}",
			"TP-Link", "LB110", "light", device.IoT,
		},
		{
			"a bridge by its accessory record", "00:17:88:12:34:56", `
			mdns.service _hap._tcp {instance=Philips hue - 123456}
			mdns.txt md=BSB002 {service=_hap._tcp}
			mdns.txt ci=2 {service=_hap._tcp}`,
			"Philips", "Hue Bridge", "hub", device.IoT,
		},
		{
			"a plug by its UPnP type", "94:10:3e:12:34:56", `
			ssdp.type urn:Belkin:device:insight:1
			ssdp.location http://192.168.1.20:49153/setup.xml`,
			"Belkin", "WeMo Insight Switch", "plug", device.IoT,
		},
		{
			"a hub of the same maker", "94:10:3e:12:34:56", "ssdp.usn uuid:Bridge-1_0-231442B01005F2::upnp:rootdevice",
			"Belkin", "WeMo Link", "hub", device.IoT,
		},
		{
			"a scale whose address is of the maker of its module", "20:f8:5e:12:34:56", `
			dhcp.hostname GainSpan123456
			dns.query www.fitbit.com`,
			"Fitbit", "", "scale", device.IoT,
		},
		{
			"a module tells neither maker nor sort", "5c:cf:7f:12:34:56", `
			dhcp.hostname ESP_123456
			dhcp.parameters 1,3,28,6,15,44,46,47,31,33,121,43`,
			"", "", "", device.IoT,
		},
		{
			"a speaker by its address alone", "00:0e:58:12:34:56", "", "Sonos", "", "speaker", device.IoT,
		},
		{
			"a maker of many things by its address alone", "50:c7:bf:12:34:56", "", "TP-Link", "", "", device.Unknown,
		},
		{
			"a maker of speakers and plugs by its address and its cloud", "f4:21:ae:12:34:56", `
			dns.query xiaodu.baidu.com
			ssdp.user_agent UPnP/1.0 DLNADOC/1.50 Platinum/1.0.5.13`,
			"Xiaodu", "", "", device.IoT,
		},
		{
			"a speaker of a maker of streamers, with what both announce", "44:65:0d:12:34:56", `
			ssdp.type urn:dial-multiscreen-org:service:dial:1
			mdns.service _spotify-connect._tcp`,
			"Amazon", "", "speaker", device.IoT,
		},
		{
			"the same by its address alone", "44:65:0d:12:34:56", "", "Amazon", "", "", device.Unknown,
		},
		{
			"telephones and routers of one maker by the address alone", "3c:cd:5d:12:34:56", "arp.address 192.168.1.7",
			"Huawei", "", "", device.Unknown,
		},
		{
			"an address of the very first block", "00:00:00:12:34:56", "flow.listens tcp/80", "", "", "", device.Unknown,
		},
		{
			"a made-up address alone", "da:12:34:56:78:9a", "", "", "", "", device.Unknown,
		},
		{
			"a made-up address, and the Web", "02:20:00:00:12:34", `
			dns.query www.example.com
			tls.sni www.example.com
			flow.connects tcp/443
			traffic.peers 3`,
			"", "", "", device.Unknown,
		},
		{
			"a virtual machine's address alone", "52:54:00:12:34:56", "flow.listens tcp/80", "", "", "", device.Unknown,
		},
		{
			"an identity for an address of the Internet layer", "0f:04:c0:a8:01:02", "flow.listens tcp/80", "", "", "", device.Unknown,
		},
		{
			"a port alone", "", "flow.listens tcp/502", "", "", "", device.Unknown,
		},
		{
			"a message broker's port alone", "", "flow.listens tcp/1883", "", "", "", device.Unknown,
		},
		{
			"a resolver that routes nothing", "", `
			net.resolver yes
			flow.listens udp/53`,
			"", "", "", device.Unknown,
		},
		{
			"a router because it is one", "c0:56:27:12:34:56", `
			net.gateway 192.168.1.1
			net.dhcp_server 192.168.1.1`,
			"Belkin", "", "router", device.Infrastructure,
		},
		{
			"a router that asks for others", "c0:56:27:12:34:56", `
			net.gateway 192.168.1.1
			dns.query bridge.meethue.com
			dns.query devs.tplinkcloud.com
			dns.query scalews.withings.net`,
			"Belkin", "", "router", device.Infrastructure,
		},
		{
			"a telephone with a made-up address and many apps", "da:12:34:56:78:9a", `
			dhcp.hostname Galaxy-S9
			dhcp.vendor_class android-dhcp-9
			dns.query connectivitycheck.gstatic.com
			dns.query api.tuyaeu.com
			dns.query www.meethue.com
			dns.query wap.tplinkcloud.com
			dns.query api.ring.com
			dns.query api.netatmo.com`,
			"Samsung", "Galaxy-S9", "phone", device.General,
		},
		{
			"a telephone that names nobody, and apps of three makers", "da:12:34:56:78:9a", `
			dhcp.vendor_class android-dhcp-12
			dns.query www.meethue.com
			dns.query wap.tplinkcloud.com
			dns.query api.ring.com`,
			"", "", "phone", device.General,
		},
		{
			"a portable computer", "a4:83:e7:12:34:56", `
			dhcp.hostname Annas-MacBook-Pro
			dhcp.parameters 1,121,3,6,15,119,252,95,44,46`,
			"Apple", "MacBook", "computer", device.General,
		},
		{
			"a computer with an adapter of another maker", "24:77:03:12:34:56", `
			dhcp.hostname DESKTOP-A1B2C3D
			dhcp.vendor_class MSFT 5.0`,
			"", "", "computer", device.General,
		},
		{
			"a television", "a8:23:fe:12:34:56", `
			dhcp.hostname LGwebOSTV
			ssdp.server WebOS/1.5 UPnP/1.0`,
			"LG", "", "tv", device.IoT,
		},
		{
			"a thermostat whose brand has an owner", "18:b4:30:12:34:56", `
			dns.query weather.nest.com
			dns.query frontdoor.nest.com`,
			"Nest", "Learning Thermostat", "thermostat", device.IoT,
		},
		{
			"a speaker among the things that an owner of many brands sells", "50:dc:e7:12:34:56", `
			dns.query avs-alexa-4-na.amazon.com
			dns.query device-metrics-us.amazon.com
			dns.query www.meethue.com`,
			"Amazon", "Echo", "speaker", device.IoT,
		},
		{
			"a printer", "3c:2a:f4:12:34:56", `
			mdns.service _ipp._tcp {instance=Brother HL-L2350DW series}
			mdns.txt ty=Brother HL-L2350DW series {service=_ipp._tcp}
			flow.listens tcp/9100`,
			"Brother", "HL-L2350DW series", "printer", device.IoT,
		},
		{
			"a maker that no entry knows, by its own mention", "70:b3:d5:f2:f1:23", "upnp.friendly_name Teleplatforms box 12",
			"Teleplatforms", "", "", device.Unknown,
		},
		{
			"a plug that says what it is to a commissioner", "", `
			mdns.service _matterc._udp {instance=0A1B2C3D4E5F6071}
			mdns.txt DT=266 {service=_matterc._udp}
			mdns.txt VP=5010+1 {service=_matterc._udp}`,
			"TP-Link", "", "plug", device.IoT,
		},
		{
			"a storage box", "00:11:32:12:34:56", "dhcp.hostname DiskStation", "Synology", "", "nas", device.General,
		},
		{
			"one that contradicts itself", "", `
			dhcp.hostname DCS-935L
			ssdp.type urn:Belkin:device:insight:1`,
			"", "", "", device.IoT,
		},
		{"nothing at all", "", "", "", "", "", device.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := k.Identify(subject(t, tt.mac, tt.seen))
			got := fmt.Sprintf("%s/%s/%s/%s", id.Maker, id.Model, id.Category, id.Kind)
			if want := fmt.Sprintf("%s/%s/%s/%s", tt.maker, tt.model, tt.category, tt.kind); got != want {
				t.Errorf("got %s (%.2f), want %s", got, id.Confidence, want)
				for _, r := range id.Because {
					t.Logf("%.2f %s %s", r.Weight, r.Fact, r.Value)
				}
			}
		})
	}
}

// The confidence is of the most that is said.
func TestConfidenceIsOfWhatIsSaid(t *testing.T) {
	k := load(t)
	for _, tt := range []struct {
		name, mac, seen string
		least, most     float64
	}{
		{"a category", "00:0e:58:12:34:56", "", 0.88, 0.99},
		{"a kind", "5c:cf:7f:12:34:56", "dhcp.hostname ESP_123456", 0.88, 0.99},
		{"a maker", "44:65:0d:12:34:56", "", 0.96, 0.98},
		{"nothing", "da:12:34:56:78:9a", "", 0, 0},
	} {
		id := k.Identify(subject(t, tt.mac, tt.seen))
		if id.Confidence < tt.least || id.Confidence > tt.most {
			t.Errorf("%s: %s/%s/%s with confidence %v, want %v to %v", tt.name, id.Kind, id.Maker, id.Category, id.Confidence, tt.least, tt.most)
		}
	}
}

func TestReasonsAreTheObservationsBehindIt(t *testing.T) {
	id := load(t).Identify(subject(t, "b0:c5:54:12:34:56", `
		dhcp.vendor_class udhcp 1.22.1
		dhcp.hostname DCS-935L
		http.server no-such-server/1.0
		dns.query signal.mydlink.com`))
	if len(id.Because) < 3 {
		t.Fatalf("%d reasons only: %v", len(id.Because), id.Because)
	}
	first := id.Because[0]
	if first.Fact != "dhcp.hostname" || first.Value != "DCS-935L" || first.Packet != 2 {
		t.Errorf("the strongest reason is %v", first)
	}
	for i, r := range id.Because {
		if i > 0 && r.Weight > id.Because[i-1].Weight {
			t.Errorf("reason %d weighs more than the one before: %v", i, id.Because)
		}
		if r.Fact == "http.server" {
			t.Errorf("what says nothing is a reason: %v", r)
		}
	}
}

func TestIdentifyIsTheSameEachTime(t *testing.T) {
	k := load(t)
	s := subject(t, "50:c7:bf:12:34:56", `
		dhcp.hostname HS110
		dns.query devs.tplinkcloud.com
		flow.listens tcp/9999`)
	want := fmt.Sprint(k.Identify(s))
	for range 10 {
		if got := fmt.Sprint(k.Identify(s)); got != want {
			t.Fatalf("got %s, then %s", want, got)
		}
	}
}

// A hostile device can say anything, as often as it likes.
func TestManyObservationsAreBounded(t *testing.T) {
	k := load(t)
	var s Subject
	for i := range 2000 {
		for _, e := range []string{"DCS-935L", "HS110", "Philips-hue", "iPhone", "LGwebOSTV"} {
			s.Observations = append(s.Observations, device.Observation{Fact: "dhcp.hostname", Value: fmt.Sprintf("%s%d", e, i), Packet: 1})
		}
		s.Observations = append(s.Observations,
			device.Observation{Fact: "dns.query", Value: fmt.Sprintf("%s.meethue.com", strings.Repeat("a.", i%500)), Packet: 1},
			device.Observation{Fact: "http.user_agent", Value: strings.Repeat("Mozilla/5.0 (", 80), Packet: 1})
	}
	id := k.Identify(s)
	if len(id.Because) > maxReasons || id.Confidence > mostSure {
		t.Errorf("%d reasons, confidence %v", len(id.Because), id.Confidence)
	}
}

func FuzzIdentify(f *testing.F) {
	k := load(f)
	f.Add([]byte{0x50, 0xc7, 0xbf, 1, 2, 3}, "dhcp.hostname", "HS110(EU)", "dns.query", "n-devs.tplinkcloud.com")
	f.Add([]byte{0x50, 0xc7, 0xbf, 1, 2, 3}, "", "", "dns.query", "tplinkcloud.com")
	f.Add([]byte{2, 0, 0, 0, 0, 1}, "upnp.manufacturer", "（）, Ltd.", "http.user_agent", "Mozilla/5.0 (Linux; Android 9; SM-G960F) ")
	f.Add([]byte{0, 0, 0, 0, 0, 0}, "mdns.txt", "ty=HP ", "tls.sni", "....")
	f.Fuzz(func(t *testing.T, mac []byte, fact1, value1, fact2, value2 string) {
		s := Subject{Observations: []device.Observation{{Fact: fact1, Value: value1}, {Fact: fact2, Value: value2}}}
		copy(s.MAC[:], mac)
		id := k.Identify(s)
		if id.Confidence < 0 || id.Confidence > mostSure {
			t.Errorf("confidence %v", id.Confidence)
		}
		if id.Category != "" && id.Kind == device.Unknown {
			t.Errorf("category %s of no kind", id.Category)
		}
		if id.Model != "" && id.Maker == "" {
			t.Errorf("model %q of nobody", id.Model)
		}
	})
}
