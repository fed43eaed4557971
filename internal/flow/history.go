package flow

import "math/bits"

// history is the events of a flow in the order in which each came first. Its low 16 bits tell which there were; the
// others are four bits for each, the first lowest.
type history uint64

// letter is an event, as Zeek's conn.log writes it; the responder's are lower-case.
type letter uint8

const (
	letterS letter = iota // SYN
	letterH               // SYN with ACK: the handshake
	letterA               // ACK alone
	letterD               // data
	letterF               // FIN
	letterR               // RST
	letterI               // FIN and RST together
	letterQ               // SYN together with FIN or RST
)

const (
	letters    = "SHADFRIQshadfriq"
	maxHistory = 12 // more than any conversation that is not nonsense has
)

func (h *history) add(dir int, l letter) {
	code := history(l) + 8*history(dir)
	if *h>>code&1 != 0 {
		return
	}
	if n := bits.OnesCount16(uint16(*h)); n < maxHistory {
		*h |= code << (16 + 4*n)
	}
	*h |= 1 << code
}

// any reports whether one of the events was seen in a direction.
func (h history) any(dir int, events ...letter) bool {
	for _, l := range events {
		if h>>(history(l)+8*history(dir))&1 != 0 {
			return true
		}
	}
	return false
}

// History tells the order of events in Zeek's letters: S SYN, H SYN with ACK, A ACK alone, D data, F FIN, R RST,
// I FIN with RST, Q SYN with FIN or RST; upper case from the initiator, lower case from the responder, each letter once.
func (f *Flow) History() string {
	var b [maxHistory]byte
	n := min(bits.OnesCount16(uint16(f.hist)), maxHistory)
	for i := range n {
		b[i] = letters[f.hist>>(16+4*i)&15]
	}
	return string(b[:n])
}
