package flow

import (
	"math"

	"plimsoll.example/plimsoll/internal/frame"
)

// endState is what one side of a TCP connection has shown.
type endState uint8

const (
	inactive    endState = iota
	synSent              // SYN
	synAckSent           // SYN with ACK, the other side's SYN was not seen
	partial              // packets, but its SYN was not seen
	established          // both sides sent their SYN
	closed               // FIN
	reset                // RST
)

// State is what became of the conversation, in the words of Zeek's conn_state: S0 attempted, S1 established,
// SF established and closed, REJ rejected, S2 and S3 closed by one side alone, RSTO and RSTR broken off, and so on.
func (f *Flow) State() string {
	switch f.Proto {
	case frame.ProtoTCP:
		return f.stateTCP()
	case frame.ProtoUDP:
		switch {
		case f.Answered():
			return "SF"
		case f.Packets[Orig] > 0:
			return "S0"
		}
		return "SHR"
	}
	return "OTH"
}

func (f *Flow) stateTCP() string {
	o, r := f.state[Orig], f.state[Resp]
	// a side without a handshake of its own: the conversation is half known
	oHalf, rHalf := o == inactive || o == partial, r == inactive || r == partial
	switch {
	case r == reset && (o == synSent || o == reset && f.Payload[Orig]+f.Payload[Resp] == 0):
		return "REJ"
	case r == reset && oHalf:
		return "RSTRH"
	case r == reset:
		return "RSTR"
	case o == reset && !rHalf:
		return "RSTO"
	case o == reset && f.hist.any(Orig, letterS) && !f.hist.any(Orig, letterH, letterA, letterF, letterI, letterQ):
		return "RSTOS0"
	case o == reset:
		return "OTH"
	case o == closed && r == closed:
		return "SF"
	case o == closed && rHalf:
		return "SH"
	case o == closed:
		return "S2"
	case r == closed && oHalf:
		return "SHR"
	case r == closed:
		return "S3"
	case o == established && r == established:
		return "S1"
	case o == synSent && r == inactive:
		return "S0"
	}
	return "OTH"
}

// over reports whether a TCP connection has ended, so that a new SYN begins another.
func (f *Flow) over() bool {
	return f.state[Orig] == closed && f.state[Resp] == closed || f.state[Orig] == reset || f.state[Resp] == reset
}

// again reports whether the packet p, which belongs to the flow by its addresses and ports, begins another
// conversation: it is a SYN, the connection has ended or was established, and this is no copy of its first SYN.
func (f *Flow) again(p *frame.Frame, dir int) bool {
	if p.Proto != frame.ProtoTCP || p.Flags&(frame.SYN|frame.ACK|frame.RST) != frame.SYN {
		return false
	}
	first := f.high[dir] - f.missing[dir] - uint32(f.Payload[dir])
	if f.seqKnown(dir) && p.Seq+1 == first {
		return false
	}
	return f.over() || f.state[dir] >= partial
}

// tcp follows the connection by a packet that was sent in direction dir.
func (f *Flow) tcp(p *frame.Frame, dir int) {
	switch flags := p.Flags & (frame.SYN | frame.FIN | frame.RST); {
	case flags == 0 && p.PayloadWire > 0:
		f.hist.add(dir, letterD)
	case flags == 0 && p.Flags&frame.ACK != 0:
		f.hist.add(dir, letterA)
	case flags == 0: // nothing
	case flags&frame.FIN != 0 && flags&frame.RST != 0:
		f.hist.add(dir, letterI)
	case flags&frame.SYN != 0 && flags != frame.SYN:
		f.hist.add(dir, letterQ)
	case flags == frame.SYN && p.Flags&frame.ACK != 0:
		f.hist.add(dir, letterH)
	case flags == frame.SYN:
		f.hist.add(dir, letterS)
	case flags == frame.FIN:
		f.hist.add(dir, letterF)
	default:
		f.hist.add(dir, letterR)
	}
	f.sequence(p, dir)
	f.advanceState(p, dir)
}

func (f *Flow) advanceState(p *frame.Frame, dir int) {
	own, other := &f.state[dir], &f.state[1-dir]
	ack := p.Flags&frame.ACK != 0
	switch {
	case p.Flags&frame.RST != 0:
		if *own != closed || *other != closed { // after both FINs it is a straggler
			*own = reset
		}
		return
	case p.Flags&frame.SYN != 0:
		if ack {
			*own = max(*own, synAckSent)
		} else {
			*own = max(*own, synSent)
		}
		if *own <= synAckSent && (*other == synSent || *other == synAckSent) {
			*own, *other = established, established
		}
	case *own != inactive:
	case *other == synAckSent && ack: // the SYN of this side was not captured
		*own, *other = established, established
	case dir == Resp && *other == synSent && p.PayloadWire == 0 && p.Flags&frame.FIN == 0:
		// an ACK in answer to a SYN opens nothing (RFC 5961 §4)
	default:
		*own = partial
	}
	if p.Flags&frame.FIN != 0 {
		*own = max(*own, closed)
		if *other == reset && f.hist.any(1-dir, letterF) {
			*other = closed // its RST came after its FIN: they parted in peace
		}
	}
}

// sequence counts what of the payload was not seen before.
func (f *Flow) sequence(p *frame.Frame, dir int) {
	if p.Flags&frame.RST != 0 {
		return // what comes with it is a reason, no part of the stream (RFC 9293 §3.5.3)
	}
	seq, n := p.Seq, p.PayloadWire
	if p.Flags&frame.SYN != 0 {
		seq++
		if f.Payload[dir] == 0 { // the last attempt counts
			f.startAt(dir, seq)
		}
	}
	if n == 0 {
		return
	}
	if !f.seqKnown(dir) {
		f.startAt(dir, seq)
	}
	high, end := f.high[dir], seq+n
	switch {
	case int32(seq-high) > 0: // octets before it are missing
		f.missing[dir] += min(seq-high, math.MaxUint32-f.missing[dir])
		f.Payload[dir] += uint64(n)
		f.high[dir] = end
	case int32(end-high) > 0:
		f.Payload[dir] += uint64(end - high)
		f.high[dir] = end
	default: // sent again, or what was missing
		late := min(n, f.missing[dir])
		f.missing[dir] -= late
		f.Payload[dir] += uint64(late)
	}
}

func (f *Flow) startAt(dir int, seq uint32) {
	f.marks |= markSeqOrig << dir
	f.NextSeq[dir], f.high[dir], f.missing[dir] = seq, seq, 0
}

// Advance moves the direction's NextSeq past a segment, and returns where in the segment octets begin that were
// not seen before, and whether octets before it are missing. The engine calls it once for each TCP segment.
func (f *Flow) Advance(p *frame.Frame, dir int) (skip uint32, gap bool) {
	seq := p.Seq
	if p.Flags&frame.SYN != 0 {
		seq++
	}
	if !f.seqKnown(dir) {
		f.startAt(dir, seq)
	}
	next, end := f.NextSeq[dir], seq+p.PayloadWire
	if int32(seq-next) > 0 {
		gap = true
	} else {
		skip = min(next-seq, p.PayloadWire)
	}
	if int32(end-next) > 0 {
		f.NextSeq[dir] = end
	}
	return skip, gap
}
