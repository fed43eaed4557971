package igmp

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func message(src string, data []byte) *dissect.Message {
	return &dissect.Message{Data: data, Src: netip.AddrPortFrom(netip.MustParseAddr(src), 0)}
}

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, packet string
		want         []string
	}{
		{"version 1", "1200 0000 e00000fb", []string{"igmp.group 224.0.0.251 type=report version=1"}},
		{"version 2", "1600 0904 effffffa", []string{"igmp.group 239.255.255.250 type=report version=2"}},
		{"leave", "1700 0804 effffffa", []string{"igmp.group 239.255.255.250 type=leave version=2"}},
		{"version 3", "2200 0000 0000 0003" + "04000000 e00000fb" + "03000000 effffffa" + "06010001 e00000fc c0a80101 00000000", []string{
			"igmp.group 224.0.0.251 type=report version=3",
			"igmp.group 239.255.255.250 type=leave version=3",
			"igmp.group 224.0.0.252 type=report version=3",
		}},
		{"version 3 cut", "2200 0000 0000 0003" + "04000000 e00000fb" + "0300", []string{"igmp.group 224.0.0.251 type=report version=3"}},
		{"query 1", "1100 0000 00000000", []string{"igmp.querier 192.168.1.1 version=1"}},
		{"query 2", "1164 0000 00000000", []string{"igmp.querier 192.168.1.1 version=2"}},
		{"query 3", "1164 0000 00000000 027d0000", []string{"igmp.querier 192.168.1.1 version=3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, message("192.168.1.1", dissecttest.Hex(t, test.packet)))
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestDissectMLD(t *testing.T) {
	const mdns = "ff0200000000000000000000000000fb"
	const solicited = "ff0200000000000000000001ff123456"
	for _, test := range []struct {
		name, packet string
		want         []string
	}{
		{"report", "83000000 00000000" + mdns, []string{"mld.group ff02::fb type=report version=1"}},
		{"done", "84000000 00000000" + mdns, []string{"mld.group ff02::fb type=leave version=1"}},
		{"own address", "83000000 00000000" + solicited, nil},
		{"version 2", "8f000000 00000002" + "04000000" + mdns + "04000000" + solicited, []string{"mld.group ff02::fb type=report version=2"}},
		{"query", "82000000 27100000 00000000000000000000000000000000", []string{"mld.querier fe80::1 version=1"}},
		{"query 2", "82000000 27100000 00000000000000000000000000000000 027d0000", []string{"mld.querier fe80::1 version=2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, DissectMLD, message("fe80::1", dissecttest.Hex(t, test.packet)))
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestRejects(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":             "",
		"cut":               "1600 0904 effffa",
		"PIM":               "2000 0000 00000000",
		"group of one host": "1600 0904 c0a80101",
	} {
		if _, _, s := dissecttest.Call(t, Dissect, message("192.168.1.1", dissecttest.Hex(t, packet))); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func TestLongReportIsBounded(t *testing.T) {
	packet := "2200 0000 0000 ffff" + strings.Repeat("04000000 e00000fb", 8000)
	got, _, _ := dissecttest.Call(t, Dissect, message("192.168.1.1", dissecttest.Hex(t, packet)))
	if len(got) != maxGroups {
		t.Errorf("%d facts", len(got))
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, "2200 0000 0000 0002 04000000 e00000fb 06010001 e00000fc c0a80101 00000000"))
	f.Add(dissecttest.Hex(f, "8f000000 00000001 04000000 ff0200000000000000000000000000fb"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, message("192.168.1.1", data))
		dissecttest.Call(t, DissectMLD, message("fe80::1", data))
	})
}
