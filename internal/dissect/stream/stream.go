// Package stream goes through the units of one direction of a TCP stream: lines, or messages with a length.
package stream

import "plimsoll.example/plimsoll/internal/dissect"

// Each shows what m begins with to read, unit by unit, and is what a dissector of such units returns. known
// says that the direction was recognised before.
//
// For the unit that rest begins with, read answers Next and its length, at least 1; More if its end has not
// come; Done if nothing of interest comes in it or after it; No if rest does not belong to the protocol, which ends
// the interest in a direction that is known, be it by the units before.
func Each(m *dissect.Message, known bool, read func(rest []byte) (int, dissect.State)) (int, dissect.State) {
	n := 0
	for n < len(m.Data) {
		size, s := read(m.Data[n:])
		if s == dissect.Next && size > 0 {
			n += size
			continue
		}
		known = known || n > 0
		switch {
		case s == dissect.More && !m.Final && n > 0:
			return n, dissect.Next
		case s == dissect.More && !m.Final:
			return 0, dissect.More
		case s == dissect.Done || known:
			return len(m.Data), dissect.Done
		}
		return 0, dissect.No
	}
	if n == 0 { // nothing was shown
		return 0, dissect.No
	}
	return n, dissect.Next
}
