package dhcpv4

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

// packet is a message of the client 02:00:00:00:00:0a with options in hexadecimal.
type packet struct {
	op                    byte
	ciaddr, yiaddr        string // hexadecimal; empty: zero
	sname, file           string // hexadecimal, from the beginning of the field
	options               string
	chaddr                string // empty: the client's
	hardwareAddressLength byte   // 0: 6
}

func (p packet) build(t testing.TB) []byte {
	d := make([]byte, 240)
	d[0], d[1], d[2] = p.op, 1, 6
	if p.hardwareAddressLength != 0 {
		d[2] = p.hardwareAddressLength
	}
	if p.chaddr == "" {
		p.chaddr = "02000000000a"
	}
	copy(d[12:16], dissecttest.Hex(t, p.ciaddr))
	copy(d[16:20], dissecttest.Hex(t, p.yiaddr))
	copy(d[28:44], dissecttest.Hex(t, p.chaddr))
	copy(d[44:108], dissecttest.Hex(t, p.sname))
	copy(d[108:236], dissecttest.Hex(t, p.file))
	copy(d[236:], []byte{99, 130, 83, 99})
	return append(d, dissecttest.Hex(t, p.options)...)
}

func message(t testing.TB, p packet) *dissect.Message {
	return &dissect.Message{Data: p.build(t), Src: netip.MustParseAddrPort("192.168.1.1:67")}
}

func TestDissect(t *testing.T) {
	const url = "68747470733a2f2f6d75642e6578616d706c652f6c616d70" // https://mud.example/lamp
	for _, test := range []struct {
		name   string
		packet packet
		want   []string
	}{
		{"discover", packet{op: 1, options: "350101" + "3d0701 02000000000a" + "3204c0a80105" + "0c046c616d70" + "3c0861636d6520312e30" +
			"3707 01 79 03 06 0f 77 fc" + "a11c" + url + "20 783d31" + "ff"}, []string{
			"dhcp.hostname lamp",
			"dhcp.requested_address 192.168.1.5",
			"dhcp.parameters 1,121,3,6,15,119,252",
			"dhcp.vendor_class acme 1.0",
			"dhcp.client_id 0102000000000a",
			"dhcp.mud_url https://mud.example/lamp",
			"dhcp.options 53,61,50,12,60,55,161 message=discover",
		}},
		{"renewal", packet{op: 1, ciaddr: "c0a80105", options: "350103 3702 0103 00 ff 0c0478787878"}, []string{
			"dhcp.address 192.168.1.5", "dhcp.parameters 1,3", "dhcp.options 53,55 message=request",
		}},
		{"classes", packet{op: 1, options: "350108" + "7c09 000001bf 04 61636d65" + "4d05 04 75736572" + "ff"}, []string{
			"dhcp.vendor_class acme enterprise=447", "dhcp.user_class user", "dhcp.options 53,124,77 message=inform",
		}},
		{"domain name in ASCII", packet{op: 1, options: "350103 510c 00 00 00 6c616d702e686f6d65 ff"}, []string{
			"dhcp.fqdn lamp.home", "dhcp.options 53,81 message=request",
		}},
		{"domain name on the wire", packet{op: 1, options: "350103 510e 04 00 00 046c616d7004686f6d6500 ff"}, []string{
			"dhcp.fqdn lamp.home", "dhcp.options 53,81 message=request",
		}},
		{"name that counts its NUL", packet{op: 1, options: "350103 0c056c616d7000 ff"}, []string{
			"dhcp.hostname lamp", "dhcp.options 53,12 message=request",
		}},
		{"decline", packet{op: 1, options: "350104 3204c0a80105 ff"}, []string{
			"dhcp.decline 192.168.1.5", "dhcp.options 53,50 message=decline",
		}},
		{"overload", packet{op: 1, options: "350101 340103 ff", file: "0c046c616d70ff", sname: "3c0461636d65"}, []string{
			"dhcp.hostname lamp", "dhcp.vendor_class acme", "dhcp.options 53,52,12,60 message=discover",
		}},
		{"option in parts", packet{op: 1, options: "350101 a10c" + url[:24] + "3701 03 a10c" + url[24:] + "ff"}, []string{
			"dhcp.parameters 3", "dhcp.mud_url https://mud.example/lamp", "dhcp.options 53,161,55,161 message=discover",
		}},
		{"cut", packet{op: 1, options: "350101 3704 0103"}, []string{"dhcp.options 53 message=discover"}},
		{"offer", packet{op: 2, yiaddr: "c0a80105", options: "350102 3604c0a80101 0104ffffff00 0304c0a80101 ff"}, []string{
			"dhcp.server 192.168.1.1 router=192.168.1.1 mask=255.255.255.0",
		}},
		{"acknowledgement", packet{op: 2, yiaddr: "c0a80105", options: "350105 3604c0a801fe 0104ffffff00 0304c0a80101 0608c0a8010109090909 330400000e10 0f04686f6d65 ff"}, []string{
			"dhcp.server 192.168.1.254 router=192.168.1.1 mask=255.255.255.0 dns=192.168.1.1,9.9.9.9 domain=home",
			"dhcp.lease 192.168.1.5 server=192.168.1.254 router=192.168.1.1 mask=255.255.255.0 dns=192.168.1.1,9.9.9.9 domain=home seconds=3600 @02:00:00:00:00:0a",
		}},
		{"BOOTP reply", packet{op: 2, yiaddr: "c0a80105", options: "ff"}, []string{
			"dhcp.server 192.168.1.1", "dhcp.lease 192.168.1.5 server=192.168.1.1 @02:00:00:00:00:0a",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := message(t, test.packet)
			m.SrcMAC = dissecttest.Sender
			if test.packet.op == bootReply {
				m.SrcMAC = dissecttest.Receiver
			}
			got, _, s := dissecttest.Call(t, Dissect, m)
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestRelayedFactsAreAboutTheClient(t *testing.T) {
	m := message(t, packet{op: 1, options: "350101 0c046c616d70 ff"})
	m.SrcMAC = dissecttest.Receiver
	got, _, _ := dissecttest.Call(t, Dissect, m)
	dissecttest.Equal(t, got, []string{
		"dhcp.hostname lamp @02:00:00:00:00:0a",
		"dhcp.options 53,12 message=discover sender=02:00:00:00:00:0b @02:00:00:00:00:0a",
	})
}

func TestRejects(t *testing.T) {
	for name, p := range map[string]packet{
		"operation":         {op: 3, options: "ff"},
		"hardware length":   {op: 1, options: "ff", hardwareAddressLength: 16},
		"no client":         {op: 1, options: "ff", chaddr: "000000000000"},
		"client of a group": {op: 1, options: "ff", chaddr: "01005e000001"},
	} {
		if _, _, s := dissecttest.Call(t, Dissect, message(t, p)); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
	m := message(t, packet{op: 1, options: "350101ff"})
	m.Data[237] = 0
	if _, _, s := dissecttest.Call(t, Dissect, m); s != dissect.No {
		t.Errorf("without cookie: state %d", s)
	}
}

func TestManyPartsAreBounded(t *testing.T) {
	m := message(t, packet{op: 1, options: strings.Repeat("0c0161", 20000)})
	var out dissect.Facts
	Dissect(m, &out)
	if got := len(out.Value(0)); got != maxValue {
		t.Errorf("name of %d octets", got)
	}
}

func TestDissectAllocatesNothing(t *testing.T) {
	m := message(t, packet{op: 1, options: "350101 3d0701 02000000000a 3204c0a80105 0c046c616d70 3707 0179 03060f77fc ff"})
	m.SrcMAC = dissecttest.Sender
	var out dissect.Facts
	if n := testing.AllocsPerRun(100, func() { out.Reset(); Dissect(m, &out) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(packet{op: 1, options: "350101 3d0701 02000000000a 3204c0a80105 0c046c616d70 3707 0179 03060f77fc ff"}.build(f))
	f.Add(packet{op: 1, options: "350101 340103 ff", file: "0c046c616d70ff", sname: "3c0461636d65"}.build(f))
	f.Add(packet{op: 1, options: "350103 510e 04 00 00 046c616d7004686f6d6500 7c09 000001bf 04 61636d65 ff"}.build(f))
	f.Add(packet{op: 2, yiaddr: "c0a80105", options: "350105 3604c0a801fe 0104ffffff00 0608c0a8010109090909 330400000e10 ff"}.build(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
	})
}
