package ntp

import (
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const rest = "00000000 00000000" // root delay and dispersion

func message(data []byte, from, to uint16) *dissect.Message {
	a := netip.MustParseAddr("192.0.2.1")
	return &dissect.Message{Data: data, Src: netip.AddrPortFrom(a, from), Dst: netip.AddrPortFrom(a, to)}
}

// times is the rest of a message about time, from the reference identifier on.
func times(reference string) string {
	return rest + reference + "0000000000000000 0000000000000000 0000000000000000 e5f0000000000000"
}

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, packet string
		from, to     uint16
		want         string
		state        dissect.State
	}{
		{"client", "230006ec" + times("00000000"), 5000, 123, "ntp.version 4 mode=client", dissect.Done},
		{"client of version 3", "1b000000" + times("00000000"), 123, 123, "ntp.version 3 mode=client", dissect.Done},
		{"server", "240203e8" + times("c0000201"), 123, 5000, "ntp.version 4 mode=server stratum=2", dissect.Done},
		{"clock", "240103e8" + times("47505300"), 123, 5000, "ntp.version 4 mode=server stratum=1 reference=GPS", dissect.Done},
		{"refusal", "e40003e8" + times("52415445"), 123, 5000, "ntp.version 4 mode=server stratum=0 reference=RATE", dissect.Done},
		{"version 1, client", "08000000" + times("00000000"), 5000, 123, "ntp.version 1 mode=client", dissect.Done},
		{"version 1, server", "08020000" + times("00000000"), 123, 5000, "ntp.version 1 mode=server stratum=2", dissect.Done},
		{"broadcast", "25020000" + times("00000000"), 123, 123, "ntp.version 4 mode=broadcast stratum=2", dissect.Done},
		{"control", "160100010000000000000000", 5000, 123, "ntp.version 2 mode=control operation=1", dissect.Next},
		{"answer to control", "168200010000000000000000", 123, 5000, "ntp.version 2 mode=control operation=2 response=1", dissect.Next},
		{"list of clients", "1700032a00000000", 5000, 123, "ntp.version 2 mode=private request=42", dissect.Next},
		{"list of clients, answer", "d700032a00060048", 123, 5000, "ntp.version 2 mode=private request=42 response=1", dissect.Next},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, message(dissecttest.Hex(t, test.packet), test.from, test.to))
			if s != test.state {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, []string{test.want})
		})
	}
}

func TestRejects(t *testing.T) {
	for name, m := range map[string]*dissect.Message{
		"other port":   message(dissecttest.Hex(t, "230006ec"+times("00000000")), 5000, 5001),
		"cut":          message(dissecttest.Hex(t, "230006ec"+rest), 5000, 123),
		"version 0":    message(dissecttest.Hex(t, "030006ec"+times("00000000")), 5000, 123),
		"version 5":    message(dissecttest.Hex(t, "2b0006ec"+times("00000000")), 5000, 123),
		"mode 0":       message(dissecttest.Hex(t, "200006ec"+times("00000000")), 5000, 123),
		"stratum":      message(dissecttest.Hex(t, "231106ec"+times("00000000")), 5000, 123),
		"cut control":  message(dissecttest.Hex(t, "1601000100000000"), 5000, 123),
		"name lookup":  message([]byte("\x16\x03\x01"), 5000, 123),
		"empty":        message(nil, 5000, 123),
		"uneven bytes": message(dissecttest.Hex(t, "230006ec"+times("00000000")+"00"), 5000, 123),
	} {
		if _, _, s := dissecttest.Call(t, Dissect, m); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, "230006ec"+times("00000000")))
	f.Add(dissecttest.Hex(f, "240103e8"+times("47505300")))
	f.Add(dissecttest.Hex(f, "1700032a00000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, message(data, 5000, 123))
	})
}
