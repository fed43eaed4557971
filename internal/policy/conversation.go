package policy

import (
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
)

// Conversation is one that was seen, or several alike: of one device with one peer, about one service.
type Conversation struct {
	Packet               // that began it, as the device's policy sees it
	Unsure      bool     // it may as well be that the other side began it: that was not seen, or the port is that of a service
	Answered    bool     // both sides spoke
	Names       []string // that led the device to the peer: as DNS told it, else as the conversation itself said
	Told        bool     // DNS told it
	Flows       uint64
	Packets     uint64
	Octets      uint64 // on the wire
	First, Last int64  // capture time, ns
	Flow        string // Community ID of the first one
	Number      uint64 // its first packet's place in its file
	File        uint16
	Protocol    string  // that was recognised, or ""
	Hellos      []Hello // of the device, if it began the conversation
}

// Remembered is a conversation, with whose it is.
type Remembered struct {
	Device frame.MAC
	Conversation
}

// Seen is a flow as the policy of the device at one of its ends sees it. ok is false for what no policy judges: frames
// that are not IP, what is sent to a group as its members see it, and ICMP messages that only answer.
func Seen(f *flow.Flow, side int) (c Conversation, ok bool) {
	if f.Proto == 0 {
		return c, false
	}
	begun := flow.Orig // the side that sent the first packet, as far as is known
	if f.Packets[flow.Orig] == 0 && f.How != flow.HowSYNACK {
		begun = flow.Resp // its port made it the responder; yet nobody asked it
	}
	t := Tuple{
		From: f.MAC[begun], Src: f.Addr[begun], Dst: f.Addr[1-begun], SrcPort: f.Port[begun], DstPort: f.Port[1-begun], Proto: f.Proto,
	}
	if f.Proto == frame.ProtoICMP || f.Proto == frame.ProtoICMPv6 {
		if IsAnswer(f.Proto, uint8(t.SrcPort)) {
			return c, false
		}
		if frame.ICMPAnswered(f.Proto, t.SrcPort) {
			t.DstPort = 0 // it holds the type of the answer
		}
	}
	c = Conversation{
		Unsure: f.Proto == frame.ProtoTCP && !f.Fresh() || begun == flow.Resp, Answered: f.Answered(),
		Flows: 1, Packets: f.Packets[0] + f.Packets[1], Octets: f.Octets[0] + f.Octets[1], First: f.First, Last: f.Last, Number: f.Number, File: f.File,
	}
	if side == begun {
		c.Packet = t.Sent()
		return c, true
	}
	c.Packet = t.Received()
	return c, !t.Dst.IsGroup()
}

// reversed is the conversation as if the other side had begun it.
func (q Packet) reversed() Packet {
	q.Direction = 1 - q.Direction
	return q
}
