package flow

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

const (
	second = int64(time.Second)
	isnA   = 0xfffffff0 // so that sequence numbers wrap early
	isnB   = 7000
)

var (
	hostA = frame.AddrFrom4([4]byte{192, 168, 1, 20})
	hostB = frame.AddrFrom4([4]byte{203, 0, 113, 5})
)

// segments reads a TCP conversation between A and B. Each word is a packet: > from A, < from B; flags S, A, F, R; the
// octets of payload; and, after @, where in the stream of its side it begins, if not behind what the side sent last.
// ">SA" is a SYN with ACK; "~5s" lets time pass.
func segments(t testing.TB, script string) (frames []frame.Frame, times []int64) {
	t.Helper()
	next := [2]uint32{isnA, isnB}
	start := [2]uint32{isnA + 1, isnB + 1}
	var now int64
	for word := range strings.FieldsSeq(script) {
		if pause, ok := strings.CutPrefix(word, "~"); ok {
			d, err := time.ParseDuration(pause)
			if err != nil {
				t.Fatalf("script %q: %v", script, err)
			}
			now += int64(d)
			continue
		}
		side := strings.IndexByte("><", word[0])
		if side < 0 {
			t.Fatalf("script %q: %q has no direction", script, word)
		}
		f := frame.Frame{
			Depth: frame.Transport, Proto: frame.ProtoTCP, EtherType: frame.EtherIPv4, TTL: 64,
			Src: hostA, Dst: hostB, SrcPort: 50000, DstPort: 443,
			SrcMAC: frame.MAC{2, 0, 0, 0, 0, 1}, DstMAC: frame.MAC{2, 0, 0, 0, 0, 2},
		}
		if side == 1 {
			f = reversed(f)
		}
		body, at, placed := strings.Cut(word[1:], "@")
		flags := strings.TrimRight(body, "0123456789")
		for _, c := range flags {
			f.Flags |= map[rune]uint8{'S': frame.SYN, 'A': frame.ACK, 'F': frame.FIN, 'R': frame.RST}[c]
		}
		if n, err := strconv.Atoi(body[len(flags):]); err == nil {
			f.PayloadWire = uint32(n)
		}
		f.Seq, f.Ack = next[side], next[1-side]
		if placed {
			n, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				t.Fatalf("script %q: %v", script, err)
			}
			f.Seq = start[side] + uint32(n)
		}
		end := f.Seq + f.PayloadWire
		if f.Flags&(frame.SYN|frame.FIN) != 0 {
			end++
		}
		if f.Flags&frame.SYN != 0 || int32(end-next[side]) > 0 {
			next[side] = end
		}
		frames = append(frames, f)
		times = append(times, now)
		now += second / 100
	}
	return frames, times
}

func reversed(f frame.Frame) frame.Frame {
	f.Src, f.Dst, f.SrcPort, f.DstPort, f.SrcMAC, f.DstMAC = f.Dst, f.Src, f.DstPort, f.SrcPort, f.DstMAC, f.SrcMAC
	return f
}

// converse plays a script into a table of its own, and returns the flows in the order in which they ended.
func converse(t testing.TB, script string) []Flow {
	t.Helper()
	frames, times := segments(t, script)
	var flows []Flow
	table := NewTable(100, func(f *Flow) { flows = append(flows, *f) })
	for i := range frames {
		table.Add(&frames[i], Hash(1, &frames[i]), times[i], 60)
	}
	table.Flush()
	return flows
}

// The states are those of Zeek's conn.log, as its documentation of Conn::Info defines them.
func TestConnectionState(t *testing.T) {
	for _, c := range []struct{ name, script, state, history string }{
		{"attempt without reply", ">S ~1s >S ~2s >S", "S0", "S"},
		{"attempt that an ACK answers", ">S <A", "S0", "Sa"},
		{"established", ">S <SA >A >A100 <A", "S1", "ShADa"},
		{"half open", ">S <SA", "S1", "Sh"},
		{"the handshake's SYN was not captured", "<SA >A >A100", "S1", "hAD"},
		{"opened from both sides", ">S <S >SA <SA", "S1", "SsHh"},
		{"closed", ">S <SA >A >A100 <A200 >FA <FA >A", "SF", "ShADdFf"},
		{"closed by the responder first", ">S <SA >A >A100 <A200 <FA >FA <A", "SF", "ShADdfFa"},
		{"closed, then a straggler is refused", ">S <SA >A >A100 <FA >FA <R", "SF", "ShADfFr"},
		{"closed in a hurry", ">S <SA >A >A100 >FA >R <FA", "SF", "ShADFRf"},
		{"rejected", ">S <RA", "REJ", "Sr"},
		{"rejected again and again", ">S <RA ~500ms >S@-1 <RA@-1 ~500ms >S@-1 <RA@-1", "REJ", "Sr"},
		{"closed by the initiator alone", ">S <SA >A >A100 >FA <A", "S2", "ShADFa"},
		{"closed by the responder alone", ">S <SA >A >A100 <FA >A", "S3", "ShADf"},
		{"aborted by the initiator", ">S <SA >A >A100 >RA", "RSTO", "ShADR"},
		{"scanned, half open", ">S <SA >R", "RSTO", "ShR"},
		{"aborted by the responder", ">S <SA >A >A100 <R", "RSTR", "ShADr"},
		{"attempt, taken back", ">S >R", "RSTOS0", "SR"},
		{"reset out of the blue", ">A100 >R", "OTH", "DR"},
		{"accepted and reset, SYN not captured", "<SA <R", "RSTRH", "hr"},
		{"half open, closed by the initiator", ">S >FA", "SH", "SF"},
		{"half open, closed by the responder", "<SA <FA", "SHR", "hf"},
		{"in midstream", ">A100 <A100 >A <A", "OTH", "DdAa"},
		{"in midstream, closed", ">A100 <A100 >FA <FA", "SF", "DdFf"},
		{"a FIN with RST", ">S <SA >A >FRA", "RSTO", "ShAI"},
		{"a SYN with FIN", ">SF", "SH", "Q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			flows := converse(t, c.script)
			if len(flows) != 1 {
				t.Fatalf("%d flows, want 1", len(flows))
			}
			f := &flows[0]
			if f.State() != c.state || f.History() != c.history {
				t.Errorf("state %s, history %s; want %s, %s", f.State(), f.History(), c.state, c.history)
			}
			if f.Addr != [2]frame.Addr{hostA, hostB} || f.Port != [2]uint16{50000, 443} {
				t.Errorf("from %v to %v: the initiator is the other one", f.Addr[Orig].Netip(), f.Addr[Resp].Netip())
			}
		})
	}
}

func TestStateOfDatagrams(t *testing.T) {
	udp := frame.Frame{Depth: frame.Transport, Proto: frame.ProtoUDP, Src: hostA, Dst: hostB, SrcPort: 40000, DstPort: 53}
	for _, c := range []struct {
		name, state, history string
		frames               []frame.Frame
	}{
		{"asked", "S0", "D", []frame.Frame{udp, udp}},
		{"answered", "SF", "Dd", []frame.Frame{udp, reversed(udp)}},
		{"the question was not captured", "SHR", "d", []frame.Frame{reversed(udp)}},
	} {
		var flows []Flow
		table := NewTable(100, func(f *Flow) { flows = append(flows, *f) })
		for i := range c.frames {
			table.Add(&c.frames[i], Hash(1, &c.frames[i]), 0, 60)
		}
		table.Flush()
		if len(flows) != 1 || flows[0].State() != c.state || flows[0].History() != c.history {
			t.Errorf("%s: %s %s, want %s %s", c.name, flows[0].State(), flows[0].History(), c.state, c.history)
		}
	}
}

func TestPayloadIsCountedOnce(t *testing.T) {
	for _, c := range []struct {
		name, script string
		orig, resp   uint64
	}{
		{"in order, over the wrap of sequence numbers", ">S <SA >A >A100 >A50 <A1000 <A1000 >FA <FA", 150, 2000},
		{"sent again", ">S <SA >A >A100 >A100@0 >A100 >A100@100 >A150@100", 250, 0},
		{"the first segment sent again", ">S <SA >A >A10@0 >A10@0", 10, 0},
		{"out of order", ">S <SA >A >A100@100 >A100@0 >A100@300 >A100@200", 400, 0},
		{"the first two reversed, handshake not captured", ">A100@100 >A100@200", 200, 0},
		{"lost", ">S <SA >A >A100@0 >A100@500", 200, 0},
		{"lost, then other octets again", ">S <SA >A >A100@0 >A100@110 >A100@0", 210, 0}, // never more than what is missing
		{"keep-alive with an octet that was sent", ">S <SA >A >A100 >A1@99 >A1@99 >A1@99", 100, 0},
		{"with SYN and FIN", ">S10 <SA >FA20@10", 30, 0},
		{"a reset's reason", ">S <SA >A100 <RA30", 100, 0},
		{"an attempt with another sequence number", ">S >S@5000 <SA >A100", 100, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			flows := converse(t, c.script)
			if len(flows) != 1 {
				t.Fatalf("%d flows, want 1", len(flows))
			}
			if got := flows[0].Payload; got != [2]uint64{c.orig, c.resp} {
				t.Errorf("payload %v, want %d and %d", got, c.orig, c.resp)
			}
		})
	}
}

func TestReorderedPayloadIsCountedWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		total, window := 0, 1+rng.IntN(20)
		frames, times := segments(t, ">S <SA >A")
		var body []frame.Frame
		for range 1 + rng.IntN(100) {
			f := frames[2]
			f.PayloadWire = uint32(1 + rng.IntN(1460))
			f.Seq = frames[2].Seq + uint32(total)
			total += int(f.PayloadWire)
			body = append(body, f)
		}
		for i := range body { // each comes a little earlier or later
			j := min(len(body)-1, i+rng.IntN(window))
			body[i], body[j] = body[j], body[i]
		}
		var flows []Flow
		table := NewTable(100, func(f *Flow) { flows = append(flows, *f) })
		for i, f := range append(frames, body...) {
			table.Add(&f, Hash(1, &f), times[min(i, 2)], 60)
		}
		table.Flush()
		if len(flows) != 1 || flows[0].Payload[Orig] != uint64(total) {
			t.Fatalf("%d flows, payload %d, want %d", len(flows), flows[0].Payload[Orig], total)
		}
	}
}

func TestPortsAreUsedAgain(t *testing.T) {
	whole := ">S <SA >A >A100 <A100 >FA <FA >A "
	for _, c := range []struct {
		name, script string
		states       string // of the flows, in the order in which they ended
	}{
		{"after both have closed", whole + "~1s " + strings.Replace(whole, ">S", ">S@100000", 1), "SF SF"},
		{"after a reset", ">S <SA >A >RA ~1s >S@100000 <SA >A", "RSTO S1"},
		{"by the other side", whole + "~1s <S@100000 >SA <A", "SF S1"},
		{"after the device lost power", ">S <SA >A >A100 <A100 ~20m >S@100000 <SA >A", "S1 S1"},
		{"a copy of the SYN begins nothing", ">S >S@-1 <SA >A >A100 >S@-1 <A100 >FA <FA >S@-1", "SF"},
		{"stragglers begin nothing", whole + "~9s >A <R", "SF"},
		{"stragglers much later do", whole + "~11s >A", "SF OTH"},
		{"an ACK with SYN begins nothing", whole + "<SA", "SF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var states []string
			for _, f := range converse(t, c.script) {
				states = append(states, f.State())
			}
			if got := strings.Join(states, " "); got != c.states {
				t.Errorf("states %s, want %s", got, c.states)
			}
		})
	}
}

// TestAdvance plays segments as the engine does, and joins what Advance says is new.
func TestAdvance(t *testing.T) {
	frames, _ := segments(t, ">S >A100@0 >A50@50 >A100@50 >A10@200 >A100@150 >A100@150 >A1@249")
	f := new(Flow)
	var got []string
	for i := range frames {
		f.tcp(&frames[i], Orig)
		if frames[i].PayloadWire == 0 {
			continue
		}
		skip, gap := f.Advance(&frames[i], Orig)
		word := strconv.Itoa(int(skip))
		if gap {
			word += " gap"
		}
		got = append(got, word)
	}
	// 50 of the third were seen; 200 leaves 150 to 199 out; the next begins before 210, which 200 moved to
	if s := strings.Join(got, ", "); s != "0, 50, 50, 0 gap, 60, 100, 1" {
		t.Errorf("skip %s", s)
	}
	if f.NextSeq[Orig]-isnA-1 != 250 {
		t.Errorf("next is %d, want 250 behind the SYN", f.NextSeq[Orig]-isnA-1)
	}
}

func TestTheFirstSegmentMayComeLate(t *testing.T) {
	frames, _ := segments(t, ">S >A100@100 >A100@0")
	f := new(Flow)
	for i := range frames {
		f.tcp(&frames[i], Orig)
	}
	if skip, gap := f.Advance(&frames[1], Orig); skip != 0 || !gap {
		t.Errorf("the second segment: skip %d, gap %v; the SYN says where the first begins", skip, gap)
	}
}
