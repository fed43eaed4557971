package vpn

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func message(port uint16, data string) *dissect.Message {
	return &dissect.Message{
		Data: []byte(data),
		Src:  netip.MustParseAddrPort("192.0.2.1:50000"), Dst: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.50"), port),
	}
}

const (
	id    = "sessionA"
	count = "\x00\x00\x00\x01\x67\x40\x00\x00" // packet 1, in November 2024
	reset = "\x38" + id + "\x00\x00\x00\x00\x00"
)

var (
	zeros = strings.Repeat("\x00", 4)
	noise = strings.Repeat("\xa5", 600)
)

func isakmp(version, exchange, flags byte, length int) string {
	return "initiate\x00\x00\x00\x00\x00\x00\x00\x00\x21" + string([]byte{version, exchange, flags}) + zeros +
		"\x00\x00" + string([]byte{byte(length >> 8), byte(length)}) + noise[:length-28]
}

func TestDatagrams(t *testing.T) {
	for _, tt := range []struct {
		name string
		port uint16
		in   string
		want string
	}{
		{"WireGuard initiation", 12345, "\x01\x00\x00\x00" + noise[:144], "wireguard"},
		{"WireGuard response", 12345, "\x02\x00\x00\x00" + noise[:88], "wireguard"},
		{"WireGuard cookie", 12345, "\x03\x00\x00\x00" + noise[:60], "wireguard"},
		{"WireGuard data", 51820, "\x04\x00\x00\x00" + noise[:92], "wireguard"},
		{"WireGuard data elsewhere", 12345, "\x04\x00\x00\x00" + noise[:92], ""},
		{"WireGuard initiation too long", 12345, "\x01\x00\x00\x00" + noise[:145], ""},
		{"OpenVPN", 443, reset, "openvpn"},
		{"OpenVPN, HMAC", 443, "\x38" + id + noise[:20] + count + "\x00\x00\x00\x00\x00", "openvpn"},
		{"OpenVPN, encrypted", 443, "\x38" + id + count + noise[:32+5], "openvpn"},
		{"OpenVPN, key of the client's own", 443, "\x50" + id + count + noise[:32+5+290], "openvpn"},
		{"OpenVPN server", 443, "\x40" + id + "\x01" + zeros + "sessionB" + zeros, "openvpn"},
		{"OpenVPN server, HMAC", 443, "\x40" + id + noise[:32] + count + "\x01" + zeros + "sessionB" + zeros, "openvpn"},
		{"OpenVPN, no counter", 443, "\x38" + id + noise[:28] + "\x00\x00\x00\x00\x00", ""},
		{"OpenVPN, no session", 443, "\x38" + strings.Repeat("\x00", 13), ""},
		{"text", 443, "88888888888888", ""},
		{"IKEv1", 500, isakmp(0x10, 2, 0, 100), "ipsec-ike version=1"},
		{"IKEv2", 500, isakmp(0x20, 34, 8, 300), "ipsec-ike version=2"},
		{"IKEv2 through a translator", 4500, zeros + isakmp(0x20, 35, 8, 300), "ipsec-ike version=2"},
		{"IKE whose length is wrong", 500, isakmp(0x20, 34, 8, 300) + "x", ""},
		{"IKEv3", 500, isakmp(0x30, 34, 8, 300), ""},
		{"IKE without such an exchange", 500, isakmp(0x20, 3, 8, 300), ""},
		{"keep-alive", 4500, "\xff", ""},
		{"DNS", 53, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01", ""},
	} {
		got, _, s := dissecttest.Call(t, Dissect, message(tt.port, tt.in))
		if tt.want == "" {
			if s != dissect.No || len(got) > 0 {
				t.Errorf("%s: state %d, facts %q", tt.name, s, got)
			}
			continue
		}
		if s != dissect.Done {
			t.Errorf("%s: state %d", tt.name, s)
		}
		dissecttest.Equal(t, got, []string{"vpn.protocol " + tt.want})
	}
}

func TestOpenVPNOverTCP(t *testing.T) {
	for in, want := range map[string]dissect.State{
		"\x00\x0e" + reset:          dissect.Done,
		"\x00\x0e" + reset + "more": dissect.Done,
		"\x00\x0d" + reset:          dissect.No,
		"\x00\x0e" + reset[:10]:     dissect.No,
		"\x16\x03\x01\x00\x0e":      dissect.No,
		"GET / HTTP/1.1\r\n\r\n":    dissect.No,
	} {
		for _, size := range []int{1, len(in)} {
			got, s := dissecttest.Stream(t, Dissect, *message(443, ""), dissecttest.Split([]byte(in), size)...)
			if s != want || len(got) > 0 != (s == dissect.Done) {
				t.Errorf("%q: state %d, facts %q", in, s, got)
			}
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(reset), 0, uint16(1194), false)
	f.Add([]byte("\x00\x0e"+reset), 1, uint16(1194), true)
	f.Add([]byte(isakmp(0x20, 34, 8, 300)), 0, uint16(500), false)
	f.Add([]byte(zeros+isakmp(0x10, 2, 0, 60)), 0, uint16(4500), false)
	f.Add([]byte("\x01\x00\x00\x00"+noise[:144]), 0, uint16(1), false)
	f.Fuzz(func(t *testing.T, b []byte, size int, port uint16, stream bool) {
		if !stream {
			dissecttest.Call(t, Dissect, message(port, string(b)))
			return
		}
		dissecttest.Stream(t, Dissect, *message(port, ""), dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
