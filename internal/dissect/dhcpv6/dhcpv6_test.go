package dhcpv6

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const (
	duid    = "0001 000e 0001 0001 00000001 02000000000a"
	server  = "0002 000a 0003 0001 02000000000b"
	url     = "68747470733a2f2f6d75642e6578616d706c652f6c616d70" // https://mud.example/lamp
	linkLoc = "fe80000000000000000000fffe00000a"
	global  = "20010db8000000000000000000000001"
)

func message(t testing.TB, ports [2]uint16, packet string) *dissect.Message {
	a := netip.MustParseAddr("fe80::a")
	return &dissect.Message{
		Data: dissecttest.Hex(t, packet),
		Src:  netip.AddrPortFrom(a, ports[0]), Dst: netip.AddrPortFrom(a, ports[1]),
	}
}

var (
	toServer = [2]uint16{546, 547}
	toClient = [2]uint16{547, 546}
	relaying = [2]uint16{547, 547}
)

func TestDissect(t *testing.T) {
	const (
		clientA = "@02:00:00:00:00:0a"
		clientB = "@02:00:00:00:00:0b"
	)
	for _, test := range []struct {
		name   string
		ports  [2]uint16
		packet string
		want   []string
	}{
		{"solicit", toServer, "01 123456" + duid + "0006 0004 0017 0018" + "0008 0002 0000" +
			"0010 000a 000001bf 0004 61636d65" + "000f 0006 0004 75736572" + "0027 0006 00 046c616d70" +
			"0070 001c" + url + "20 783d31" + "0003 000c 00000001 00000000 00000000", []string{
			"dhcpv6.client_id 000100010000000102000000000a",
			"dhcpv6.vendor_class acme enterprise=447",
			"dhcpv6.user_class user",
			"dhcpv6.fqdn lamp",
			"dhcpv6.mud_url https://mud.example/lamp",
			"dhcpv6.parameters 23,24",
			"dhcpv6.options 1,6,8,16,15,39,112,3 message=solicit",
		}},
		{"advertise", toClient, "02 123456" + duid + server + "0017 0010" + global + "0018 0006 04686f6d6500", []string{
			"dhcpv6.server 0003000102000000000b address=fe80::a dns=2001:db8::1 domain=home",
		}},
		{"reply", toClient, "07 123456" + duid + server +
			"0003 0028 00000001 00000e10 00001c20 0005 0018" + global + "00000e10 00001c20" +
			"0019 0029 00000001 00000e10 00001c20 001a 0019 00000e10 00001c20 38 20010db8000000000000000000000000", []string{
			"dhcpv6.server 0003000102000000000b address=fe80::a",
			"dhcpv6.lease 2001:db8::1 preferred=3600 valid=7200 " + clientB,
			"dhcpv6.prefix 2001:db8::/56 preferred=3600 valid=7200 " + clientB,
		}},
		{"release", toServer, "08 123456" + duid + server +
			"0003 0028 00000001 00000e10 00001c20 0005 0018" + global + "00000000 00000000" +
			"0004 0020 00000002 0005 0018" + "20010db8000000000000000000000002" + "00000000 00000000" +
			"0019 0029 00000001 00000e10 00001c20 001a 0019 00000000 00000000 38 20010db8000000000000000000000000", []string{
			"dhcpv6.client_id 000100010000000102000000000a",
			"dhcpv6.release 2001:db8::1", "dhcpv6.release 2001:db8::2", "dhcpv6.release 2001:db8::/56",
			"dhcpv6.options 1,2,3,4,25 message=release",
		}},
		{"decline", toServer, "09 123456" + duid + server + "0003 0028 00000001 00000e10 00001c20 0005 0018" + global + "00000000 00000000", []string{
			"dhcpv6.client_id 000100010000000102000000000a", "dhcpv6.decline 2001:db8::1", "dhcpv6.options 1,2,3 message=decline",
		}},
		{"renew says what it has, and gives nothing back", toServer, "05 123456" + duid + "0003 0028 00000001 00000e10 00001c20 0005 0018" + global + "00000000 00000000", []string{
			"dhcpv6.client_id 000100010000000102000000000a", "dhcpv6.options 1,3 message=renew",
		}},
		{"relayed, the relay tells who", relaying, "0c 00" + global + linkLoc + "004f 0008 0001 0200000000cc" +
			"0009 0016" + "01 123456" + duid, []string{
			"dhcpv6.client_id 000100010000000102000000000a @02:00:00:00:00:cc",
			"dhcpv6.options 1 message=solicit relayed=1 @02:00:00:00:00:cc",
		}},
		{"relayed, the address tells who", relaying, "0c 00" + global + "fe8000000000000000 0000fffe0000dd" +
			"0009 0016" + "01 123456" + duid, []string{
			"dhcpv6.client_id 000100010000000102000000000a @02:00:00:00:00:dd",
			"dhcpv6.options 1 message=solicit relayed=1 @02:00:00:00:00:dd",
		}},
		{"relayed, the identifier tells who", relaying, "0c 00" + global + "fe80000000000000123456789abcdef0" +
			"0009 0016" + "01 123456" + duid, []string{
			"dhcpv6.client_id 000100010000000102000000000a",
			"dhcpv6.options 1 message=solicit relayed=1",
		}},
		{"relayed, nothing tells who", relaying, "0c 00" + global + "fe80000000000000123456789abcdef0" +
			"0009 000e" + "01 123456 0001 0006 0002 00000001", nil},
		{"relayed reply", relaying, "0d 00" + global + "fe8000000000000000 0000fffe0000dd" +
			"0009 003e" + "07 123456" + server + "0003 0028 00000001 00000e10 00001c20 0005 0018" + global + "00000e10 00001c20", []string{
			"dhcpv6.server 0003000102000000000b address=fe80::a",
			"dhcpv6.lease 2001:db8::1 preferred=3600 valid=7200 @02:00:00:00:00:dd",
		}},
		{"cut", toServer, "01 123456" + duid + "0006 0004 0017", []string{
			"dhcpv6.client_id 000100010000000102000000000a", "dhcpv6.options 1 message=solicit",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, message(t, test.ports, test.packet))
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], " "+clientA)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestRejects(t *testing.T) {
	for name, m := range map[string]*dissect.Message{
		"empty":               message(t, toServer, ""),
		"type":                message(t, toServer, "0e 123456"+duid),
		"ports":               message(t, [2]uint16{5000, 5001}, "01 123456"+duid),
		"no options":          message(t, toServer, "01 123456"),
		"option is cut":       message(t, toServer, "01 123456 0001 000e 0001"),
		"relays within relay": message(t, relaying, nested(20)),
		"relay says nothing":  message(t, relaying, "0c 00"+global+linkLoc),
	} {
		if _, _, s := dissecttest.Call(t, Dissect, m); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

// nested is a message that passed n relays.
func nested(n int) string {
	packet := strings.ReplaceAll("01 123456"+duid, " ", "")
	for range n {
		const digits = "0123456789abcdef"
		size := len(packet) / 2
		packet = "0c00" + global + linkLoc + "0009" +
			string([]byte{digits[size>>12], digits[size>>8&15], digits[size>>4&15], digits[size&15]}) + packet
	}
	return packet
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, "01 123456"+duid+"0010 000a 000001bf 0004 61636d65 0027 0006 00 046c616d70 0070 0018"+url))
	f.Add(dissecttest.Hex(f, "07 123456"+duid+server+"0003 0028 00000001 00000e10 00001c20 0005 0018"+global+"00000e10 00001c20"))
	f.Add(dissecttest.Hex(f, nested(3)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := message(t, toServer, "")
		m.Data = data
		dissecttest.Call(t, Dissect, m)
	})
}
