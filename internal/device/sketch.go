package device

import (
	"math"
	"math/bits"

	"plimsoll.example/plimsoll/internal/frame"
)

// sketch counts distinct devices in little memory, by linear counting (Whang et al., 1990): within a few percent up
// to some 300,000.
type sketch struct {
	bits []uint64 // made when the first device comes
}

const sketchBits = 1 << 16

func (s *sketch) add(m frame.MAC) {
	if s.bits == nil {
		s.bits = make([]uint64, sketchBits/64)
	}
	h := m.Uint64() // mixed as SplitMix64 does, since linear counting wants chance
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb >> 48
	s.bits[h/64] |= 1 << (h % 64)
}

func (s *sketch) count() uint64 {
	if s.bits == nil {
		return 0
	}
	zero := 0
	for _, b := range s.bits {
		zero += 64 - bits.OnesCount64(b)
	}
	return uint64(math.Round(sketchBits * math.Log(sketchBits/math.Max(1, float64(zero)))))
}
