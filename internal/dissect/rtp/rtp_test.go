package rtp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

// packet is one of a stream.
func packet(payload byte, seq uint16, at, source uint32) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x80, payload}, seq)
	b = binary.BigEndian.AppendUint32(b, at)
	b = binary.BigEndian.AppendUint32(b, source)
	return append(b, "sound or pictures"...)
}

// shown is the last state, and the facts, of datagrams that are shown one after the other as the engine does.
func shown(t *testing.T, datagrams ...[]byte) (facts []string, s dissect.State) {
	t.Helper()
	var scratch []byte
	for _, d := range datagrams {
		m := dissect.Message{
			Data: d, Scratch: scratch, FromInitiator: true,
			Src: netip.MustParseAddrPort("192.0.2.1:40000"), Dst: netip.MustParseAddrPort("192.0.2.2:5004"),
		}
		var lines []string
		lines, _, s = dissecttest.Call(t, Dissect, &m)
		facts = append(facts, lines...)
		scratch = slices.Clone(m.Scratch)
		if s == dissect.No {
			scratch = nil
		}
		if s == dissect.Done {
			break
		}
	}
	return facts, s
}

func TestStreamsAreRecognised(t *testing.T) {
	stream := func(step uint16, tick uint32, n int) (list [][]byte) {
		for i := range n {
			list = append(list, packet(96, 65533+uint16(i)*step, 0xffffff00+uint32(i)*tick, 0xdecade))
		}
		return list
	}
	sender := []byte{0x80, 200, 0, 6, 0, 0xde, 0xca, 0xde, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5}
	for _, tt := range []struct {
		name      string
		datagrams [][]byte
		want      []string
		s         dissect.State
	}{
		{"sound, past the end of the numbers", stream(1, 160, 8), []string{"rtp.stream 96"}, dissect.Done},
		{"a picture in several packets", stream(1, 0, 8), []string{"rtp.stream 96"}, dissect.Done},
		{"some are lost", stream(7, 3000, 8), []string{"rtp.stream 96"}, dissect.Done},
		{"a late one", slices.Insert(stream(1, 160, 8), 2, packet(96, 65533, 0xffffff00-160, 0xdecade)), []string{"rtp.stream 96"}, dissect.Done},
		{"too few", stream(1, 160, 3), nil, dissect.More},
		{"a report", [][]byte{sender}, nil, dissect.Next},
		{"a report that is cut", [][]byte{sender[:20]}, nil, dissect.No},
		{"a number that does not count", stream(0, 160, 8), nil, dissect.No},
		{"a number that leaps", stream(300, 160, 2), nil, dissect.No},
		{"time that runs back", [][]byte{packet(0, 1, 500, 7), packet(0, 2, 400, 7)}, nil, dissect.No},
		{"another source each time", [][]byte{packet(0, 1, 160, 7), packet(0, 2, 320, 8)}, nil, dissect.No},
		{"a payload that nobody has", [][]byte{packet(80, 1, 160, 7)}, nil, dissect.No},
		{"no source", [][]byte{packet(0, 1, 160, 0)}, nil, dissect.No},
		{"too short", [][]byte{packet(0, 1, 160, 7)[:12]}, nil, dissect.No},
		{"another version", [][]byte{append([]byte{0x40}, packet(0, 1, 160, 7)[1:]...)}, nil, dissect.No},
	} {
		got, s := shown(t, tt.datagrams...)
		if s != tt.s || !slices.Equal(got, tt.want) {
			t.Errorf("%s: state %d with %q, want %d with %q", tt.name, s, got, tt.s, tt.want)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(packet(96, 1, 160, 7), packet(96, 2, 320, 7))
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, []byte{0, 0, 0, 7, 0, 1, 0, 0, 0, 160, 255})
	f.Fuzz(func(t *testing.T, b, kept []byte) {
		m := dissect.Message{Data: b, Scratch: kept[:min(len(kept), dissect.MaxScratch)]}
		lines, _, s := dissecttest.Call(t, Dissect, &m)
		if len(lines) > 1 || len(lines) == 1 && s != dissect.Done || s == dissect.More && len(m.Scratch) != scratch {
			t.Fatalf("state %d with %q and %d octets kept", s, lines, len(m.Scratch))
		}
	})
}
