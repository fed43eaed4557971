package lab

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

// frames are the packets of a capture written by Flood or Mixed.
func frames(t *testing.T, b []byte) [][]byte {
	t.Helper()
	var list [][]byte
	for b = b[24:]; len(b) > 0; {
		n := int(binary.LittleEndian.Uint32(b[8:]))
		list = append(list, b[16:16+n])
		b = b[16+n:]
	}
	return list
}

// key is the conversation that a frame belongs to, whichever way it goes.
func key(f []byte) string {
	b := f[14:]
	var a, z []byte
	if f[12] == 0x08 {
		a, z = append(bytes.Clone(b[12:16]), b[20:22]...), append(bytes.Clone(b[16:20]), b[22:24]...)
	} else {
		a, z = append(bytes.Clone(b[8:24]), b[40:42]...), append(bytes.Clone(b[24:40]), b[42:44]...)
	}
	if bytes.Compare(a, z) > 0 {
		a, z = z, a
	}
	return string(a) + string(z)
}

func TestFloodHasOneFlowForEachPacket(t *testing.T) {
	const n = 5000
	var b bytes.Buffer
	if err := Flood(&b, n); err != nil {
		t.Fatal(err)
	}
	list := frames(t, b.Bytes())
	flows := map[string]bool{}
	for i, f := range list {
		if err := verify(f); err != nil {
			t.Fatalf("packet %d: %v", i+1, err)
		}
		if f[0]&1 != 0 || f[6]&1 != 0 {
			t.Fatalf("packet %d has a group address", i+1)
		}
		flows[key(f)] = true
	}
	if len(list) != n || len(flows) != n {
		t.Errorf("%d packets in %d flows, want %d of each", len(list), len(flows), n)
	}
}

func TestMixedKeepsItsFlowsAlive(t *testing.T) {
	for _, flows := range []int{1, 2, 100, 1000} {
		const rounds = 100
		var b bytes.Buffer
		if err := Mixed(&b, rounds*flows, flows); err != nil {
			t.Fatal(err)
		}
		list := frames(t, b.Bytes())
		if len(list) != rounds*flows {
			t.Fatalf("%d packets, want %d", len(list), rounds*flows)
		}
		next := map[string]uint32{} // of each direction of each TCP flow
		for i, f := range list {
			if err := verify(f); err != nil {
				t.Fatalf("%d flows: packet %d: %v", flows, i+1, err)
			}
			ip, proto, at := f[14:], f[23], 20
			if f[12] != 0x08 {
				proto, at = f[20], 40
			}
			if proto != 6 {
				continue
			}
			s := ip[at:]
			seq, flags := binary.BigEndian.Uint32(s[4:]), s[13]
			direction := string(ip[8:at]) + string(s[:4])
			if f[12] == 0x08 {
				direction = string(ip[12:at]) + string(s[:4])
			}
			if want, ok := next[direction]; ok && want != seq && flags&2 == 0 {
				t.Fatalf("%d flows: packet %d has sequence %d, want %d", flows, i+1, seq, want)
			}
			next[direction] = seq + uint32(len(s)-20) + uint32(flags&1) + uint32(flags>>1&1)
		}
		for r := range rounds {
			live := map[string]bool{}
			for _, f := range list[r*flows : (r+1)*flows] {
				live[key(f)] = true
			}
			if len(live) != flows {
				t.Fatalf("%d flows are live in round %d, want %d", len(live), r, flows)
			}
		}
	}
}

func BenchmarkFlood(b *testing.B) {
	b.ReportAllocs()
	if err := Flood(io.Discard, b.N); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkMixed(b *testing.B) {
	b.ReportAllocs()
	if err := Mixed(io.Discard, b.N, 100000); err != nil {
		b.Fatal(err)
	}
}
