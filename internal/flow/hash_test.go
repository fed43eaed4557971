package flow

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

func randomPacket(rng *rand.Rand) frame.Frame {
	f := packet(uint8(rng.Uint32()), hostA, hostB, uint16(rng.Uint32()), uint16(rng.Uint32()))
	for _, a := range []*frame.Addr{&f.Src, &f.Dst} {
		if rng.IntN(2) == 0 {
			binary.BigEndian.PutUint32(a[12:], rng.Uint32())
		} else {
			binary.BigEndian.PutUint64(a[:], rng.Uint64())
			binary.BigEndian.PutUint64(a[8:], rng.Uint64())
		}
	}
	return f
}

func TestHashAndShardAreThoseOfBothDirections(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		f := randomPacket(rng)
		r := reversed(f)
		seed := rng.Uint64()
		if Hash(seed, &f) != Hash(seed, &r) || Shard(&f.Src, &f.Dst) != Shard(&r.Src, &r.Dst) {
			t.Fatalf("%+v", f)
		}
		if s := Shard(&f.Src, &f.Dst); s < 0 || s >= Shards {
			t.Fatalf("shard %d", s)
		}
	}
}

// What one host can choose to make flows collide: a difference in the address that the port makes up for, IPv6
// addresses that a multiplication turns to zero, all ports, all hosts of a network.
func TestNobodyCanChooseFlowsThatCollide(t *testing.T) {
	const n = 1 << 15
	for _, c := range []struct {
		name string
		make func(i int) frame.Frame
	}{
		{"address against port", func(i int) frame.Frame {
			f := packet(frame.ProtoUDP, hostA, hostB, 0, 53)
			binary.LittleEndian.PutUint16(f.Src[12:], uint16(i))
			f.SrcPort = uint16(i)
			return f
		}},
		{"address against address", func(i int) frame.Frame {
			f := packet(frame.ProtoUDP, hostA, hostB, 5000, 53)
			binary.BigEndian.PutUint16(f.Src[12:], uint16(i))
			binary.BigEndian.PutUint16(f.Dst[12:], uint16(-i))
			return f
		}},
		{"networks of one interface identifier", func(i int) frame.Frame {
			f := packet(frame.ProtoUDP, frame.Addr{}, hostB, 5000, 53)
			binary.BigEndian.PutUint64(f.Src[:], uint64(i)<<32)
			binary.LittleEndian.PutUint64(f.Src[8:], 0x8ebc6af09c88c6e3^5000<<32)
			return f
		}},
		{"ports", func(i int) frame.Frame { return packet(frame.ProtoUDP, hostA, hostB, uint16(i), 53) }},
		{"ports of both", func(i int) frame.Frame { return packet(frame.ProtoUDP, hostA, hostB, uint16(i), uint16(i>>8)) }},
		{"hosts", func(i int) frame.Frame {
			f := packet(frame.ProtoUDP, hostA, hostB, 5000, 53)
			binary.BigEndian.PutUint16(f.Dst[14:], uint16(i))
			return f
		}},
	} {
		for _, seed := range []uint64{0, 1, 0x9e3779b97f4a7c15, 1 << 63, 0xdeadbeefcafe} {
			seen := map[uint32]int{}
			low := map[uint32]int{} // what the index of a table goes by
			worst := 0
			for i := range n {
				f := c.make(i)
				h := Hash(seed, &f)
				seen[h]++
				low[h&(2*n-1)]++
				worst = max(worst, low[h&(2*n-1)])
			}
			if len(seen) < n-10 || worst > 12 { // by chance, n*n/2^33 collide
				t.Errorf("%s, secret %x: %d hashes of %d flows, %d in one cell", c.name, seed, len(seen), n, worst)
			}
		}
	}
}

func TestShardsShareTheTrafficOfAHome(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, c := range []struct {
		name string
		make func() (a, b frame.Addr)
	}{
		{"one camera, many servers", func() (a, b frame.Addr) {
			return hostA, frame.AddrFrom4([4]byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())})
		}},
		{"many devices, one server", func() (a, b frame.Addr) {
			return frame.AddrFrom4([4]byte{192, 168, 1, byte(rng.Uint32())}), hostB
		}},
		{"devices with each other", func() (a, b frame.Addr) {
			return frame.AddrFrom4([4]byte{192, 168, 1, byte(rng.Uint32())}), frame.AddrFrom4([4]byte{192, 168, 1, byte(rng.Uint32())})
		}},
		{"a scan of a network, IPv6", func() (a, b frame.Addr) {
			return frame.Addr{0: 0xfd, 15: 1}, frame.Addr{0: 0xfd, 14: byte(rng.Uint32()), 15: byte(rng.Uint32())}
		}},
	} {
		const n = 16_000
		var count [Shards]int
		for range n {
			a, b := c.make()
			count[Shard(&a, &b)]++
		}
		for _, k := range count {
			if k > 2*n/Shards {
				t.Errorf("%s: shards have %v of %d", c.name, count, n)
				break
			}
		}
	}
}
