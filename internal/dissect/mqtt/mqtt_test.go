package mqtt

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

// packetOf is a packet with its fixed header.
func packetOf(first byte, parts ...string) string {
	body := strings.Join(parts, "")
	header := []byte{first}
	n := len(body)
	for ; n > 127; n >>= 7 {
		header = append(header, byte(n&127)|128)
	}
	return string(append(header, byte(n))) + body
}

func str(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }

var (
	client31  = packetOf(0x10, "\x00\x06MQIsdp\x03\x02\x00\x3c", str("lamp-7"))
	client311 = packetOf(0x10, "\x00\x04MQTT\x04\xc6\x00\x3c", str("lamp-7"), str("lamps/7/state"), str("gone"), str("owner"), str("s3cret"))
	client5   = packetOf(0x10, "\x00\x04MQTT\x05\xc6\x00\x3c", "\x05\x11\x00\x00\x00\x0a", str("lamp-7"), "\x00", str("lamps/7/state"), str("gone"), str("owner"), str("s3cret"))
	ping      = packetOf(0xc0)
)

func published(topic, payload string) string { return packetOf(0x30, str(topic), payload) }

func toBroker() dissect.Message {
	return dissect.Message{
		Src: netip.MustParseAddrPort("192.0.2.2:50000"), Dst: netip.MustParseAddrPort("192.0.2.1:1883"), FromInitiator: true,
		SrcMAC: dissecttest.Sender, DstMAC: dissecttest.Receiver,
	}
}

func fromBroker() dissect.Message {
	m := toBroker()
	m.Src, m.Dst, m.FromInitiator = m.Dst, m.Src, false
	m.SrcMAC, m.DstMAC = m.DstMAC, m.SrcMAC
	return m
}

func TestDissect(t *testing.T) {
	elsewhere := toBroker()
	elsewhere.Dst = netip.MustParseAddrPort("192.0.2.1:4000")
	backwards := fromBroker()
	backwards.Src = netip.MustParseAddrPort("192.0.2.1:4000")
	for _, test := range []struct {
		name   string
		m      dissect.Message
		stream string
		want   []string
	}{
		{"3.1", toBroker(), client31, []string{"mqtt.client_id lamp-7 version=3.1 keep_alive=60"}},
		{"3.1.1", elsewhere, client311, []string{
			"mqtt.client_id lamp-7 version=3.1.1 keep_alive=60 user=owner",
			"auth.cleartext mqtt user=owner server=192.0.2.1",
			"mqtt.topic lamps/7/state op=will",
		}},
		{"5", toBroker(), client5, []string{
			"mqtt.client_id lamp-7 version=5 keep_alive=60 user=owner",
			"auth.cleartext mqtt user=owner server=192.0.2.1",
			"mqtt.topic lamps/7/state op=will",
		}},
		{"token as user name", toBroker(), packetOf(0x10, "\x00\x04MQTT\x04\x82\x00\x3c", str(""), str("T0k3n")), []string{
			"mqtt.client_id  version=3.1.1 keep_alive=60",
		}},
		{"bridge", toBroker(), packetOf(0x10, "\x00\x04MQTT\x84\x02\x00\x3c", str("bridge")), []string{
			"mqtt.client_id bridge version=3.1.1 keep_alive=60",
		}},
		{"session", toBroker(), client31 + packetOf(0x82, "\x00\x01", str("lamps/+/set"), "\x00", str("home/#"), "\x01") +
			published("lamps/7/state", strings.Repeat("on", 50)) + ping + published("lamps/7/power", "9"), []string{
			"mqtt.client_id lamp-7 version=3.1 keep_alive=60",
			"mqtt.topic lamps/+/set op=subscribe", "mqtt.topic home/# op=subscribe",
			"mqtt.topic lamps/7/state op=publish", "mqtt.topic lamps/7/power op=publish",
		}},
		{"session of version 5", toBroker(), client5 + packetOf(0x82, "\x00\x01\x02\x0b\x07", str("lamps/+/set"), "\x00") +
			packetOf(0x30, str(""), "\x03\x23\x00\x01on"), []string{
			"mqtt.client_id lamp-7 version=5 keep_alive=60 user=owner",
			"auth.cleartext mqtt user=owner server=192.0.2.1",
			"mqtt.topic lamps/7/state op=will", "mqtt.topic lamps/+/set op=subscribe",
		}},
		{"broker", backwards, packetOf(0x20, "\x00\x00") + packetOf(0x90, "\x00\x01\x00") + published("lamps/7/set", "on"), []string{
			"mqtt.topic lamps/7/set op=publish @02:00:00:00:00:0a",
		}},
		{"refused", fromBroker(), packetOf(0x20, "\x00\x05"), []string{"auth.refused mqtt @02:00:00:00:00:0a"}},
		{"refused in version 5", fromBroker(), packetOf(0x20, "\x00\x86\x00"), []string{"auth.refused mqtt @02:00:00:00:00:0a"}},
		{"refused, but not for a password", fromBroker(), packetOf(0x20, "\x00\x03"), nil},
		{"broker of version 5", fromBroker(), packetOf(0x20, "\x00\x00\x03\x22\x00\x0a") + published("lamps/7/set", "\x00on"), []string{
			"mqtt.topic lamps/7/set op=publish @02:00:00:00:00:0a",
		}},
		{"met on its way", toBroker(), ping + published("lamps/7/state", "on"), []string{"mqtt.topic lamps/7/state op=publish"}},
		{"met while it publishes", toBroker(), published("lamps/7/state", "on"), []string{"mqtt.topic lamps/7/state op=publish"}},
		{"long topic", toBroker(), client31 + published(strings.Repeat("x", 300), "on"), []string{
			"mqtt.client_id lamp-7 version=3.1 keep_alive=60", "mqtt.topic " + strings.Repeat("x", maxTopic) + " op=publish",
		}},
		{"nonsense after the beginning", toBroker(), client31 + "\x00\x00\x00", []string{"mqtt.client_id lamp-7 version=3.1 keep_alive=60"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sizes := []int{1, 2, 3, 5, 7, 50, 1000}
			if strings.HasPrefix(test.name, "met ") {
				sizes = sizes[5:] // such a stream is recognised by whole packets
			}
			for _, size := range sizes {
				got, s := dissecttest.Stream(t, Dissect, test.m, dissecttest.Split([]byte(test.stream), size)...)
				if s == dissect.No {
					t.Fatalf("by %d octets: not recognised", size)
				}
				dissecttest.Equal(t, got, test.want)
			}
		})
	}
}

func TestLongPayloadIsPassedOverWithoutBeingHeld(t *testing.T) {
	m := toBroker()
	m.Stream = true
	m.Data = []byte(client31 + "\x30\xff\xff\x7f" + str("camera/1/frame")) // 2 MiB follow
	if _, n, s := dissecttest.Call(t, Dissect, &m); n != len(m.Data) || s != dissect.Next {
		t.Fatalf("consumed %d of %d, state %d", n, len(m.Data), s)
	}
	payload := make([]byte, 10000)
	for left := 1<<21 - 1 - len(str("camera/1/frame")); left > 0; left -= len(m.Data) {
		m.Data = payload[:min(left, len(payload))]
		if got, n, s := dissecttest.Call(t, Dissect, &m); n != len(m.Data) || s != dissect.Next || got != nil {
			t.Fatalf("consumed %d of %d, state %d, facts %q", n, len(m.Data), s, got)
		}
	}
	m.Data = []byte(published("camera/1/state", "on"))
	got, _, _ := dissecttest.Call(t, Dissect, &m)
	dissecttest.Equal(t, got, []string{"mqtt.topic camera/1/state op=publish"})
}

func TestHugeConnectIsReadToItsBound(t *testing.T) {
	stream := packetOf(0x10, "\x00\x04MQTT\x04\xc6\x00\x3c", str("lamp-7"), str("will"), str(strings.Repeat("x", 60000)), str("owner"), str("s3cret")) + ping
	got, s := dissecttest.Stream(t, Dissect, toBroker(), dissecttest.Split([]byte(stream), 1400)...)
	if s != dissect.Next {
		t.Errorf("state %d", s)
	}
	dissecttest.Equal(t, got, []string{
		"mqtt.client_id lamp-7 version=3.1.1 keep_alive=60", "auth.cleartext mqtt server=192.0.2.1", "mqtt.topic will op=will",
	})
}

func TestRejects(t *testing.T) {
	for name, stream := range map[string]string{
		"text":                 "GET / HTTP/1.1\r\n",
		"TLS":                  "\x16\x03\x01\x02\x00\x01",
		"other protocol":       packetOf(0x10, "\x00\x04QTTM\x04\x02\x00\x3c", str("x")),
		"other level":          packetOf(0x10, "\x00\x04MQTT\x07\x02\x00\x3c", str("x")),
		"endless length":       "\x10\xff\xff\xff\xff\xff",
		"answer with flags":    "\x20\x02\x07\x00",
		"answer of wrong size": "\x20\x05\x00\x00\x07\x00\x00",
		"cut":                  client31[:6],
		"topic to subscribe":   published("a/#", "x"),
	} {
		got, s := dissecttest.Stream(t, Dissect, toBroker(), []byte(stream))
		if s != dissect.No || got != nil {
			t.Errorf("%s: state %d, facts %q", name, s, got)
		}
	}
}

func TestStateIsHostile(t *testing.T) {
	for _, scratch := range []string{"x", "\x05", "\x05\xff\xff\xff\xff\xff\xff\xff\xff", strings.Repeat("\xff", 100)} {
		m := toBroker()
		m.Stream, m.Scratch, m.Data = true, []byte(scratch), []byte(client31)
		dissecttest.Call(t, Dissect, &m)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(client311+ping+published("a/b", "on")), 3)
	f.Add([]byte(client5+packetOf(0x82, "\x00\x01\x02\x0b\x07", str("a/+"), "\x00")), 20)
	f.Add([]byte(packetOf(0x20, "\x00\x00\x03\x22\x00\x0a")+published("a/b", "\x00on")), 5)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		m := toBroker()
		m.Dst = netip.MustParseAddrPort("192.0.2.1:4000")
		dissecttest.SplitAgrees(t, Dissect, m, data, size)
		dissecttest.Stream(t, Dissect, fromBroker(), slices.Collect(slices.Chunk(data, 3))...)
	})
}
