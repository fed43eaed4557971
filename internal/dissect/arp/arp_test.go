package arp

import (
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, packet string
		want         []string
	}{
		{"request", "0001080006040001 02000000000a c0a80105 000000000000 c0a80101", []string{
			"arp.address 192.168.1.5 op=request", "arp.query 192.168.1.1",
		}},
		{"reply with padding", "0001080006040002 02000000000a c0a80105 02000000000b c0a80101 000000000000000000000000000000000000", []string{
			"arp.address 192.168.1.5 op=reply",
		}},
		{"announcement", "0001080006040001 02000000000a c0a80105 000000000000 c0a80105", []string{
			"arp.address 192.168.1.5 op=request gratuitous=1",
		}},
		{"probe", "0001080006040001 02000000000a 00000000 000000000000 c0a80105", []string{"arp.probe 192.168.1.5"}},
		{"in another's name", "0001080006040002 0200000000cc c0a80101 02000000000b c0a80107", []string{
			"arp.address 192.168.1.1 op=reply hardware=02:00:00:00:00:cc",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: dissecttest.Hex(t, test.packet)})
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestRejects(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":       "",
		"cut":         "0001080006040001 02000000000a c0a80105 000000000000 c0a801",
		"IPv6":        "000186dd06040001 02000000000a c0a80105 000000000000 c0a80101",
		"long MAC":    "0001080008040001 02000000000a c0a80105 000000000000 c0a80101",
		"InfiniBand":  "0020080006040001 02000000000a c0a80105 000000000000 c0a80101",
		"reverse ARP": "0001080006040003 02000000000a c0a80105 000000000000 c0a80101",
	} {
		if _, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: dissecttest.Hex(t, packet)}); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, "0001080006040001 02000000000a c0a80105 000000000000 c0a80101"))
	f.Add(dissecttest.Hex(f, "0006080006040002 0200000000cc c0a80105 02000000000b c0a80101"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
	})
}
