package ndp

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const (
	target = "20010db8000000000000000000000005"
	lla    = "fe80000000000000000000000000000a"
)

func message(t testing.TB, src, packet string) *dissect.Message {
	return &dissect.Message{
		Data: dissecttest.Hex(t, packet),
		Src:  netip.AddrPortFrom(netip.MustParseAddr(src), 0),
		Dst:  netip.AddrPortFrom(netip.MustParseAddr("ff02::1"), 0),
	}
}

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, src, packet string
		want              []string
	}{
		{"solicitation", "2001:db8::1", "87000000 00000000" + target + "0101 02000000000a", []string{
			"ndp.address 2001:db8::1 kind=ns", "ndp.query 2001:db8::5",
		}},
		{"duplicate address detection", "::", "87000000 00000000" + target + "0e01 0123456789ab", []string{
			"ndp.address 2001:db8::5 kind=dad",
		}},
		{"advertisement of a router", "fe80::a", "88000000 e0000000" + lla + "0201 02000000000a", []string{
			"ndp.address fe80::a kind=na router=1 solicited=1 override=1",
		}},
		{"advertisement in another's name", "fe80::a", "88000000 20000000" + target + "0201 0200000000cc", []string{
			"ndp.address 2001:db8::5 kind=na override=1 hardware=02:00:00:00:00:cc",
		}},
		{"advertisement without option", "fe80::a", "88000000 40000000" + target, []string{
			"ndp.address 2001:db8::5 kind=na solicited=1",
		}},
		{"router solicitation", "fe80::a", "85000000 00000000 0101 02000000000a", []string{"ndp.address fe80::a kind=rs"}},
		{"router solicitation without address", "::", "85000000 00000000", nil},
		{"redirect", "fe80::a", "89000000 00000000" + lla + target, []string{"ndp.redirect fe80::a destination=2001:db8::5"}},
		{"router with all options", "fe80::a", "86000000 40c80708 00000000 00000000" +
			"0101 02000000000a" +
			"0304 40c0 00278d00 00093a80 00000000 20010db8000000000000000000000000" +
			"0501 0000 000005dc" +
			"1802 3008 00000708 20010db800010000" +
			"1905 0000 00000e10 20010db8000000000000000000000053 20010db8000000000000000000000054" +
			"1f03 0000 00000e10 04686f6d65076578616d706c65 00 0000" +
			"2503 68747470733a2f2f612e6578616d706c652f 00000000" +
			"2602 0708 0064ff9b0000000000000000", []string{
			"ra.router fe80::a lifetime=1800 managed=1 other=1 preference=high",
			"ra.prefix 2001:db8::/64 on_link=1 autonomous=1 valid=2592000 preferred=604800",
			"ra.mtu 1500",
			"ra.route 2001:db8:1::/48 lifetime=1800 preference=high",
			"ra.rdnss 2001:db8::53 lifetime=3600",
			"ra.rdnss 2001:db8::54 lifetime=3600",
			"ra.dnssl home.example lifetime=3600",
			"ra.captive_portal https://a.example/",
			"ra.pref64 64:ff9b::/96",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, message(t, test.src, test.packet))
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestRejects(t *testing.T) {
	for name, test := range map[string]struct{ src, packet string }{
		"echo request":              {"fe80::a", "80000000 00010001 00000000"},
		"code":                      {"fe80::a", "87010000 00000000" + target},
		"cut":                       {"fe80::a", "87000000 00000000" + target[:30]},
		"option of length 0":        {"fe80::a", "87000000 00000000" + target + "0100 02000000000a"},
		"multicast target":          {"fe80::a", "87000000 00000000 ff020000000000000000000000000001"},
		"router that is far away":   {"2001:db8::1", "86000000 40000708 00000000 00000000"},
		"router without an address": {"::", "86000000 40000708 00000000 00000000"},
	} {
		if _, _, s := dissecttest.Call(t, Dissect, message(t, test.src, test.packet)); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func TestCutOptionsAreReadToTheCut(t *testing.T) {
	got, _, _ := dissecttest.Call(t, Dissect, message(t, "fe80::a",
		"86000000 40000708 00000000 00000000 0501 0000 000005dc 0304 40c0 00278d00"))
	dissecttest.Equal(t, got, []string{"ra.router fe80::a lifetime=1800", "ra.mtu 1500"})
}

func TestFloodOfOptionsIsBounded(t *testing.T) {
	got, _, _ := dissecttest.Call(t, Dissect, message(t, "fe80::a",
		"86000000 40000708 00000000 00000000"+strings.Repeat("0501 0000 000005dc", 5000)))
	if len(got) > maxFacts+maxPerOption {
		t.Errorf("%d facts", len(got))
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, "87000000 00000000"+target+"0101 02000000000a"))
	f.Add(dissecttest.Hex(f, "88000000 20000000"+target+"0201 0200000000cc"))
	f.Add(dissecttest.Hex(f, "86000000 40c80708 00000000 00000000 0304 40c0 00278d00 00093a80 00000000 20010db8000000000000000000000000"))
	f.Add(dissecttest.Hex(f, "86000000 40c80708 00000000 00000000 1f03 0000 00000e10 04686f6d65076578616d706c65 00 0000 2602 0708 0064ff9b0000000000000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := message(t, "fe80::a", "")
		m.Data = data
		dissecttest.Call(t, Dissect, m)
	})
}
