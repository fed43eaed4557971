package flow

import (
	"encoding/binary"
	"math/bits"

	"plimsoll.example/plimsoll/internal/frame"
)

// Shards is the number of tables that an engine divides its flows among. It is fixed, so that what is evicted,
// and with that every result, does not depend on how many cores there are.
const Shards = 16

// Shard is the table that a conversation between two addresses belongs to, the same for both directions. All flows
// of a pair of addresses share a table, so that the fragments of a datagram, which carry no ports, meet their flow.
func Shard(a, b *frame.Addr) int {
	x := binary.LittleEndian.Uint64(a[:8]) ^ binary.LittleEndian.Uint64(b[:8])
	y := binary.LittleEndian.Uint64(a[8:]) ^ binary.LittleEndian.Uint64(b[8:])
	return int((x*0x9e3779b97f4a7c15 ^ y*0xc2b2ae3d27d4eb4f) >> 60)
}

// Hash is the same for both directions of a flow. Unlike Shard it depends on a secret, so that nobody can choose
// addresses and ports that collide.
func Hash(seed uint64, f *frame.Frame) uint32 {
	h := side(seed, &f.Src, f.SrcPort) + side(seed, &f.Dst, f.DstPort) + uint64(f.Proto)
	hi, lo := bits.Mul64(h^seed, 0x9e3779b97f4a7c15)
	return uint32((hi ^ lo) >> 16)
}

// side mixes one end. Each operand depends on the secret, and the port comes in by a secret factor: a port added as it
// is would make up for a difference in the address.
func side(seed uint64, a *frame.Addr, port uint16) uint64 {
	factor := seed ^ 0x8ebc6af09c88c6e3 | 1
	hi, lo := bits.Mul64(
		binary.LittleEndian.Uint64(a[:8])^seed^0xe7037ed1a0b428db,
		(binary.LittleEndian.Uint64(a[8:])^bits.RotateLeft64(seed, 32))+uint64(port)*factor)
	return hi ^ lo
}
