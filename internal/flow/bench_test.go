package flow

import (
	"math/rand/v2"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

// BenchmarkTable counts packets to live flows in turn. The flows lie in memory in another order, and the packets come
// in blocks, as from the engine: what a packet costs must hardly depend on how many flows there are.
func BenchmarkTable(b *testing.B) {
	for _, c := range []struct {
		name string
		live int
	}{{"1k", 1 << 10}, {"64k", 64 << 10}, {"1M", 1 << 20}} {
		b.Run(c.name, func(b *testing.B) { benchmarkTable(b, c.live) })
	}
}

func benchmarkTable(b *testing.B, live int) {
	const packets, block = 1 << 20, 64 // as many packets in each case, so that reading them costs the same
	rng := rand.New(rand.NewPCG(1, 2))
	frames := make([]frame.Frame, packets)
	hashes := make([]uint32, packets)
	shards := make([]uint8, packets)
	for i := range frames {
		if i >= live {
			frames[i], hashes[i], shards[i] = frames[i-live], hashes[i-live], shards[i-live]
			continue
		}
		f := &frames[i]
		*f = frame.Frame{
			Depth: frame.Transport, Proto: frame.ProtoUDP, PayloadWire: 100,
			Src: frame.AddrFrom4([4]byte{10, 0, byte(rng.Uint32()), byte(rng.Uint32())}), SrcPort: uint16(rng.Uint32() | 1024),
			Dst: frame.AddrFrom4([4]byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32()), 1}), DstPort: 443,
		}
		hashes[i], shards[i] = Hash(7, f), uint8(Shard(&f.Src, &f.Dst))
	}
	var tables [Shards]*Table
	for i := range tables {
		tables[i] = NewTable(live, func(*Flow) {})
	}
	for _, i := range rng.Perm(live) {
		tables[shards[i]].Add(&frames[i], hashes[i], 0, 142)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		at := i % packets
		if at%block == 0 {
			Warm(&tables, shards[at:at+block], hashes[at:at+block])
		}
		tables[shards[at]].Add(&frames[at], hashes[at], 1, 142)
	}
}
