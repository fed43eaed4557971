package eapol

import (
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func TestDissect(t *testing.T) {
	for _, test := range []struct{ packet, want string }{
		{"01010000", "eapol.type start version=1"},
		{"02000005 0201000501", "eapol.type eap version=2"},
		{"02030004 02008a00 000000", "eapol.type key version=2"}, // padded
		{"03050000", "eapol.type mka version=3"},
	} {
		got, _, _ := dissecttest.Call(t, Dissect, &dissect.Message{Data: dissecttest.Hex(t, test.packet)})
		dissecttest.Equal(t, got, []string{test.want})
	}
	for _, packet := range []string{"", "010100", "00010000", "01090000", "02000005 02010005"} {
		if _, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: dissecttest.Hex(t, packet)}); s != dissect.No {
			t.Errorf("%s: state %d", packet, s)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, "02030004 02008a00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
	})
}
