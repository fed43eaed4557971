package flow

import (
	"math/bits"

	"plimsoll.example/plimsoll/internal/frame"
)

// Step is what the latest packet did to a TCP connection.
type Step uint8

// The steps.
const (
	StepNone        Step = iota
	StepEstablished      // the initiator acknowledged the answer to its SYN, seen or not: the handshake is complete
	StepRefused          // a reset came before that
	StepClosed           // both sides, or a reset, ended what was established
)

// Step is what the packet that was added last, with the flags given, did. It is asked once for each packet.
func (f *Flow) Step(flags uint8) Step {
	switch established := f.marks&markEstablished != 0; {
	case f.over():
		if established {
			f.marks &^= markEstablished
			return StepClosed
		}
		if flags&frame.RST != 0 && f.How == HowSYN {
			return StepRefused
		}
	case !established && f.How == HowSYN && f.hist.any(Orig, letterA, letterD, letterF):
		f.marks |= markEstablished
		return StepEstablished
	}
	return StepNone
}

// Ender is the side that ended a TCP connection first, by FIN or RST; ok is false for none.
func (f *Flow) Ender() (side int, ok bool) {
	n := min(bits.OnesCount16(uint16(f.hist)), maxHistory)
	for i := range n {
		switch l := letter(f.hist >> (16 + 4*i) & 15); l {
		case letterF, letterR, letterI, letterF + 8, letterR + 8, letterI + 8:
			return int(l / 8), true
		}
	}
	return 0, false
}
