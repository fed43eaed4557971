// Package rtp recognises sound and pictures in real time (RTP and RTCP, RFC 3550), whether encrypted (SRTP, RFC 3711) or
// not: the headers are the same, and only a description, by RTSP or SIP, tells which it is.
package rtp

import (
	"encoding/binary"

	"plimsoll.example/plimsoll/internal/dissect"
)

const (
	header    = 12 // octets
	enough    = 4  // packets in a row that continue each other
	maxGap    = 64 // sequence numbers that may be missing between two, or by which one comes late
	maxLeap   = 90_000 * 10
	scratch   = 11 // octets of Message.Scratch: source, sequence number, timestamp, packets
	firstRTCP = 200
	lastRTCP  = 207
)

// Dissect recognises a stream by packets that continue each other: one source, sequence numbers that count up, time
// that does not run back (RFC 3550, Appendix A.1).
func Dissect(m *dissect.Message, out *dissect.Facts) (int, dissect.State) {
	d := m.Data
	if m.Stream || len(d) < 8 || d[0]>>6 != 2 {
		return 0, dissect.No
	}
	if d[1] >= firstRTCP && d[1] <= lastRTCP {
		if !control(d) {
			return 0, dissect.No
		}
		return len(d), dissect.Next
	}
	payload := d[1] & 0x7f
	if len(d) <= header+int(d[0]&0xf)*4 || !assigned(payload) {
		return 0, dissect.No
	}
	seq, at, source := binary.BigEndian.Uint16(d[2:]), binary.BigEndian.Uint32(d[4:]), binary.BigEndian.Uint32(d[8:])
	count := byte(1)
	if s := m.Scratch; len(s) == scratch {
		if binary.BigEndian.Uint32(s) != source {
			return 0, dissect.No
		}
		step := int16(seq - binary.BigEndian.Uint16(s[4:]))
		leap := int32(at - binary.BigEndian.Uint32(s[6:]))
		switch {
		case step == 0 || step > maxGap || step < -maxGap || leap > maxLeap || leap < -maxLeap:
			return 0, dissect.No
		case step < 0: // late
			return len(d), dissect.More
		case leap < 0:
			return 0, dissect.No
		}
		count = s[10] + 1
	}
	if source == 0 || count == 0 {
		return 0, dissect.No
	}
	if count >= enough {
		out.AddUint("rtp.stream", uint64(payload))
		return len(d), dissect.Done
	}
	s := binary.BigEndian.AppendUint32(m.Scratch[:0], source)
	s = binary.BigEndian.AppendUint16(s, seq)
	s = binary.BigEndian.AppendUint32(s, at)
	m.Scratch = append(s, count)
	return len(d), dissect.More
}

// assigned reports whether a payload type is one that RFC 3551, Section 6, gives out or leaves to descriptions.
func assigned(payload byte) bool {
	return payload <= 18 || payload >= 25 && payload <= 34 || payload >= 96
}

// control reports whether d is RTCP packets, one behind the other, up to the end: the first is a report, or what
// reduced-size packets begin with (RFC 3550 §6.1, RFC 5506).
func control(d []byte) bool {
	for len(d) > 0 {
		if len(d) < 8 || d[0]>>6 != 2 || d[1] < firstRTCP || d[1] > lastRTCP {
			return false
		}
		n := 4 * (1 + int(binary.BigEndian.Uint16(d[2:])))
		if n < 8 || n > len(d) {
			return false
		}
		d = d[n:]
	}
	return true
}
