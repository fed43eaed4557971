package upnp

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

var (
	device  = frame.MAC{2, 0, 0, 0, 0, 1}
	gateway = frame.MAC{2, 0, 0, 0, 0, 2}
)

func lines(f *dissect.Facts) string {
	var b strings.Builder
	for i := range f.Len() {
		fmt.Fprintf(&b, "%s=%s", f.At(i).Name, f.Value(i))
		f.Fields(i, func(k string, v []byte) { fmt.Fprintf(&b, " %s=%s", k, v) })
		b.WriteByte('\n')
	}
	return b.String()
}

const description = `<?xml version="1.0"?>
<!-- <device><friendlyName>not this</friendlyName></device> -->
<root xmlns="urn:schemas-upnp-org:device-1-0" configId='1>2'>
 <specVersion><major>1</major><minor>0</minor></specVersion>
 <device>
  <deviceType>urn:schemas-upnp-org:device:MediaRenderer:1</deviceType>
  <friendlyName> Salon &amp; caf&#233; </friendlyName>
  <manufacturer><![CDATA[Acme <Audio>]]></manufacturer>
  <modelDescription>
     A speaker   for the home
  </modelDescription>
  <modelName>S100</modelName>
  <modelNumber/>
  <serialNumber>123</serialNumber>
  <serviceList><service><serviceType>urn:schemas-upnp-org:service:AVTransport:1</serviceType></service></serviceList>
  <deviceList><device>
   <deviceType>urn:schemas-upnp-org:device:ZonePlayer:1</deviceType>
   <friendlyName>Inner</friendlyName><modelName>Inner</modelName>
  </device></deviceList>
 </device>
</root>`

func TestDescribe(t *testing.T) {
	const want = "upnp.device_type=urn:schemas-upnp-org:device:MediaRenderer:1\n" +
		"upnp.friendly_name=Salon & café\n" +
		"upnp.manufacturer=Acme <Audio>\n" +
		"upnp.model_description=A speaker for the home\n" +
		"upnp.model_name=S100\n" +
		"upnp.service=urn:schemas-upnp-org:service:AVTransport:1\n" +
		"upnp.device_type=urn:schemas-upnp-org:device:ZonePlayer:1\n"
	var f dissect.Facts
	if !Describe([]byte(description), &f) || lines(&f) != want {
		t.Errorf("got %s\nwant %s", lines(&f), want)
	}
	t.Run("a cut description tells what it has", func(t *testing.T) {
		var f dissect.Facts
		cut, _, _ := strings.Cut(description, "<modelName>")
		if !Describe([]byte(cut), &f) || !strings.HasPrefix(want, lines(&f)) || f.Len() != 4 {
			t.Errorf("got %s", lines(&f))
		}
	})
	t.Run("other documents are not descriptions", func(t *testing.T) {
		for _, s := range []string{
			"", "<", "<a", "</", "<!--", "<root>", "<device><modelName>x</modelName></device>",
			`<e:propertyset><e:property><modelName>x</modelName></e:property></e:propertyset>`, "no tags at all",
		} {
			var f dissect.Facts
			if Describe([]byte(s), &f) || f.Len() > 0 {
				t.Errorf("%q: %s", s, lines(&f))
			}
		}
	})
	t.Run("the number of facts is bounded", func(t *testing.T) {
		var f dissect.Facts
		Describe([]byte("<root><device>"+strings.Repeat("<deviceType>a</deviceType><serviceType>b</serviceType><modelName>c</modelName>", 500)), &f)
		if f.Len() != maxDevices+maxServices+1 {
			t.Errorf("%d facts", f.Len())
		}
	})
}

func soap(action, fields string) []byte {
	return []byte(`<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:` + action +
		` xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">` + fields + `</u:` + action + `></s:Body></s:Envelope>`)
}

func TestControl(t *testing.T) {
	for _, c := range []struct{ action, fields, want string }{
		{
			"AddPortMapping", `<NewRemoteHost></NewRemoteHost><NewExternalPort>8080</NewExternalPort><NewProtocol>TCP</NewProtocol><NewInternalPort>80</NewInternalPort>` +
				`<NewInternalClient>192.0.2.20</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>Cam &lt;1&gt;</NewPortMappingDescription><NewLeaseDuration>0</NewLeaseDuration>`,
			"igd.portmap=tcp/8080 via=upnp side=request op=add internal_port=80 internal=192.0.2.20 description=Cam <1> lease=0\n",
		},
		{
			"DeletePortMapping", `<NewRemoteHost/><NewExternalPort> 8080 </NewExternalPort><NewProtocol>udp</NewProtocol>`,
			"igd.portmap=udp/8080 via=upnp side=request op=delete internal_port=0\n",
		},
		{
			"AddPinhole", `<RemoteHost></RemoteHost><RemotePort>0</RemotePort><InternalClient>2001:db8::20</InternalClient><InternalPort>443</InternalPort><Protocol>6</Protocol><LeaseTime>3600</LeaseTime>`,
			"igd.portmap=tcp/443 via=upnp side=request op=add internal_port=443 internal=2001:db8::20 lease=3600\n",
		},
		{
			"AddAnyPortMapping", `<NewExternalPort>99999</NewExternalPort><NewProtocol>UDP</NewProtocol>`,
			"igd.portmap=udp/0 via=upnp side=request op=add internal_port=0\n",
		},
		{"GetExternalIPAddress", ``, ""},
	} {
		var f dissect.Facts
		if ok := Control(soap(c.action, c.fields), &f); ok != (c.want != "") || lines(&f) != c.want {
			t.Errorf("%s: got %q, want %q", c.action, lines(&f), c.want)
		}
	}
}

func wire(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

const (
	natpmpAdd    = "00 02 0000 0050 1f90 00000e10"
	natpmpDelete = "00 01 0000 0050 0000 00000000"
	natpmpAnswer = "00 82 0000 00001234 0050 1f90 00000e10"
	pcpAdd       = "02 01 0000 00001c20 00000000000000000000ffffc0000214" + "0102030405060708090a0b0c 06 000000 01bb 01bb 00000000000000000000ffff00000000"
	pcpAnswer    = "02 81 00 00 00001c20 00001234 000000000000000000000000" + "0102030405060708090a0b0c 06 000000 01bb 05dc 00000000000000000000ffffcb007109"
	pcpRefused   = "02 81 00 02 0000001e 00001234 000000000000000000000000" + "0102030405060708090a0b0c 06 000000 01bb 01bb 00000000000000000000000000000000"
)

func TestPCP(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"NAT-PMP asks", natpmpAdd, "igd.portmap=tcp/8080 via=natpmp side=request op=add internal_port=80 internal=192.0.2.20 lease=3600\n"},
		{"NAT-PMP takes back", natpmpDelete, "igd.portmap=udp/0 via=natpmp side=request op=delete internal_port=80 internal=192.0.2.20 lease=0\n"},
		{"NAT-PMP grants", natpmpAnswer, "igd.portmap=tcp/8080 via=natpmp side=response op=add internal_port=80 internal=192.0.2.20 lease=3600 result=0\n"},
		{"the external address is nobody's mapping", "00 00", ""},
		{"PCP asks", pcpAdd, "igd.portmap=tcp/443 via=pcp side=request op=add internal_port=443 internal=192.0.2.20 lease=7200\n"},
		{"PCP grants another port", pcpAnswer, "igd.portmap=tcp/1500 via=pcp side=response op=add internal_port=443 internal=192.0.2.20 external=203.0.113.9 lease=7200 result=0\n"},
		{"PCP refuses", pcpRefused, "igd.portmap=tcp/443 via=pcp side=response op=add internal_port=443 internal=192.0.2.20 lease=30 result=2\n"},
		{"PCP announces itself", "02 80 00 00 00000000 00001234 000000000000000000000000", ""},
	} {
		m := &dissect.Message{Data: wire(c.data), Src: netip.MustParseAddrPort("192.0.2.20:50000"), Dst: netip.MustParseAddrPort("192.0.2.1:5351"), SrcMAC: device, DstMAC: gateway}
		if m.Data[1] >= 0x80 {
			m.Src, m.Dst, m.SrcMAC, m.DstMAC = m.Dst, m.Src, m.DstMAC, m.SrcMAC
		}
		var f dissect.Facts
		f.Begin(m.SrcMAC, 0, 1)
		if n, s := DissectPCP(m, &f); n != len(m.Data) || s != dissect.Next || lines(&f) != c.want {
			t.Errorf("%s: n=%d state=%d\n got %q\nwant %q", c.name, n, s, lines(&f), c.want)
		}
		for i := range f.Len() {
			if f.At(i).Subject != device {
				t.Errorf("%s: told about %s", c.name, f.At(i).Subject)
			}
		}
	}
	m := &dissect.Message{Src: netip.MustParseAddrPort("192.0.2.20:50000"), Dst: netip.MustParseAddrPort("192.0.2.1:5351")}
	whole := wire(pcpAdd)
	for i := range whole {
		m.Data = whole[:i]
		if _, s := DissectPCP(m, new(dissect.Facts)); s != dissect.No {
			t.Errorf("took %x", m.Data)
		}
	}
	m.Data, m.Dst = whole, netip.MustParseAddrPort("192.0.2.1:53")
	if _, s := DissectPCP(m, new(dissect.Facts)); s != dissect.No {
		t.Error("took a message of another port")
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte(description))
	f.Add(soap("AddPortMapping", "<NewExternalPort>1</NewExternalPort>"))
	f.Add([]byte("<root><device><modelName>&#x10ffff;&#233;&amp;&bad;&#;&</modelName>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out dissect.Facts
		if !Describe(data, &out) && out.Len() > 0 {
			t.Fatal("told without knowing")
		}
		out.Reset()
		if !Control(data, &out) && out.Len() > 0 {
			t.Fatal("told without knowing")
		}
		if got := AppendText(nil, data); len(got) > len(data) {
			t.Fatalf("%q grew to %q", data, got)
		}
	})
}

func FuzzDissectPCP(f *testing.F) {
	for _, s := range []string{natpmpAdd, natpmpAnswer, pcpAdd, pcpAnswer} {
		f.Add(wire(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var out dissect.Facts
		m := &dissect.Message{Data: data, Src: netip.MustParseAddrPort("192.0.2.20:5351"), Dst: netip.MustParseAddrPort("192.0.2.1:5351")}
		n, s := DissectPCP(m, &out)
		if s == dissect.No && (n != 0 || out.Len() > 0) || s == dissect.Next && n != len(data) || out.Len() > 1 {
			t.Fatalf("n=%d state=%d %s", n, s, lines(&out))
		}
	})
}
