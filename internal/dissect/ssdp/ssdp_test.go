package ssdp

import (
	"fmt"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

var messages = []struct{ name, data, want string }{
	{
		"a search",
		crlf("M-SEARCH * HTTP/1.1\nHOST: 239.255.255.250:1900\nMAN: \"ssdp:discover\"\nMX: 1\nST: urn:dial-multiscreen-org:service:dial:1\nUSER-AGENT: Phone/1.0 Linux\n\n"),
		"ssdp.search=urn:dial-multiscreen-org:service:dial:1\nssdp.user_agent=Phone/1.0 Linux\n",
	},
	{
		"a notification",
		crlf("NOTIFY * HTTP/1.1\nHost:239.255.255.250:1900\nCache-control:max-age=1800\nLocation:http://192.0.2.20:1400/xml/device.xml\nNT:upnp:rootdevice\nNTS:ssdp:alive\nServer:Linux UPnP/1.0 Lamp/2.3\nUSN:uuid:1::upnp:rootdevice\nHue-BridgeID: 001788FFFE000000\n\n"),
		"ssdp.type=upnp:rootdevice\nssdp.location=http://192.0.2.20:1400/xml/device.xml\nssdp.server=Linux UPnP/1.0 Lamp/2.3\nssdp.usn=uuid:1::upnp:rootdevice\nssdp.header=hue-bridgeid value=001788FFFE000000\n",
	},
	{
		"a notification with secrets",
		crlf("NOTIFY * HTTP/1.1\nNT: a\nLocation: http://admin:SECRET@192.0.2.20:80/d.xml?token=SECRET#x\nX-Auth-Token: SECRET\nX-Rate: 5\n\n"),
		"ssdp.type=a\nssdp.location=http://192.0.2.20:80/d.xml\nssdp.header=x-rate value=5\n",
	},
	{
		"goodbye",
		crlf("NOTIFY * HTTP/1.1\nNTS: ssdp:byebye\nNT: uuid:1\nUSN: uuid:1\n\n"),
		"ssdp.type=uuid:1 gone=1\nssdp.usn=uuid:1\n",
	},
	{
		"a notification cut by the capture: the last line may lack its end",
		crlf("NOTIFY * HTTP/1.1\nServer: Lamp/2.3\nLocation: http://192.0.2.2"),
		"ssdp.server=Lamp/2.3\n",
	},
	{
		"a response, with bare line ends",
		"HTTP/1.1 200 OK\nST: ssdp:all\nEXT:\nLOCATION: http://192.0.2.20/d.xml\nUSN: uuid:2\n",
		"ssdp.type=ssdp:all\nssdp.location=http://192.0.2.20/d.xml\nssdp.usn=uuid:2\n",
	},
}

func run(data string) (int, dissect.State, string) {
	var f dissect.Facts
	n, s := Dissect(&dissect.Message{Data: []byte(data)}, &f)
	var b strings.Builder
	for i := range f.Len() {
		fmt.Fprintf(&b, "%s=%s", f.At(i).Name, f.Value(i))
		f.Fields(i, func(k string, v []byte) { fmt.Fprintf(&b, " %s=%s", k, v) })
		b.WriteByte('\n')
	}
	return n, s, b.String()
}

func TestFacts(t *testing.T) {
	for _, c := range messages {
		if n, s, got := run(c.data); n != len(c.data) || s != dissect.Next || got != c.want {
			t.Errorf("%s: n=%d state=%d\n got %s\nwant %s", c.name, n, s, got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, data := range []string{
		"", "M-SEARCH", "HTTP/1.1 200 OK\r\nServer: a\r\n\r\n", "HTTP/1.1 404 Not\r\nST: a\r\n\r\n",
		"NOTIFY sip:a@b SIP/2.0\r\nNT: a\r\n\r\n", "GET / HTTP/1.1\r\nST: a\r\n\r\n", strings.Repeat("\x80", 172),
	} {
		if n, s, got := run(data); n != 0 || s != dissect.No || got != "" {
			t.Errorf("%q: n=%d state=%d %s", data, n, s, got)
		}
	}
}

func TestUsualMessagesDoNotAllocate(t *testing.T) {
	f := new(dissect.Facts)
	for _, c := range messages {
		m := &dissect.Message{Data: []byte(c.data)}
		Dissect(m, f)
		if avg := testing.AllocsPerRun(50, func() { f.Reset(); Dissect(m, f) }); avg != 0 {
			t.Errorf("%s: %v allocations", c.name, avg)
		}
	}
}

func TestFactsAreBounded(t *testing.T) {
	if _, _, got := run("NOTIFY * HTTP/1.1\nNT: a\n" + strings.Repeat("X-Y: z\n", 5000)); strings.Count(got, "\n") > maxHeader+1 {
		t.Errorf("%d facts", strings.Count(got, "\n"))
	}
}

func FuzzDissect(f *testing.F) {
	for _, c := range messages {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if n, s, got := run(data); s == dissect.No && (n != 0 || got != "") || s == dissect.Next && n != len(data) || s == dissect.More {
			t.Fatalf("n=%d of %d state=%d %s", n, len(data), s, got)
		}
	})
}
