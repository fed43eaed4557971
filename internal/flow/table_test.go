package flow

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/frame"
)

const seed = 0x1234

func packet(proto uint8, src, dst frame.Addr, sport, dport uint16) frame.Frame {
	return frame.Frame{
		Depth: frame.Transport, Proto: proto, Src: src, Dst: dst, SrcPort: sport, DstPort: dport,
		SrcMAC: frame.MAC{2, 0, 0, 0, 0, src[15]}, DstMAC: frame.MAC{2, 0, 0, 0, 0, dst[15]}, PayloadWire: 10,
	}
}

func TestInitiator(t *testing.T) {
	group4, group6 := frame.AddrFrom4([4]byte{239, 255, 255, 250}), frame.Addr{0: 0xff, 1: 2, 15: 0xfb}
	tcp := func(flags uint8, sport, dport uint16) frame.Frame {
		f := packet(frame.ProtoTCP, hostA, hostB, sport, dport)
		f.Flags = flags
		return f
	}
	for _, c := range []struct {
		name   string
		first  frame.Frame // from A
		from   frame.Addr
		how    How
		opened bool
	}{
		{"SYN", tcp(frame.SYN, 443, 50000), hostA, HowSYN, true},
		{"SYN with ACK", tcp(frame.SYN|frame.ACK, 50000, 50001), hostB, HowSYNACK, true},
		{"to a service", tcp(frame.ACK, 50000, 443), hostA, HowPorts, false},
		{"from a service", tcp(frame.ACK, 443, 50000), hostB, HowPorts, false},
		{"from a service of users to one of the system", tcp(frame.ACK, 8080, 443), hostA, HowPorts, false},
		{"between high ports", tcp(frame.ACK, 50000, 50001), hostA, HowFirst, false},
		{"between services", packet(frame.ProtoUDP, hostA, hostB, 123, 123), hostA, HowFirst, true},
		{"an answer", packet(frame.ProtoUDP, hostA, hostB, 53, 50000), hostB, HowPorts, true},
		{"from a service to a group", packet(frame.ProtoUDP, hostA, group4, 1900, 50000), hostA, HowFirst, true},
		{"from a service to a group, IPv6", packet(frame.ProtoUDP, hostA, group6, 5353, 50000), hostA, HowFirst, true},
		{"ping", packet(frame.ProtoICMP, hostA, hostB, 8, 0), hostA, HowFirst, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := NewTable(16, func(*Flow) {})
			f, dir, begun := table.Add(&c.first, Hash(seed, &c.first), 0, 60)
			if !begun || f.Addr[Orig] != c.from || f.How != c.how || f.Fresh() != c.opened {
				t.Errorf("from %v by %v, opened %v; want %v by %v, %v",
					f.Addr[Orig].Netip(), f.How, f.Fresh(), c.from.Netip(), c.how, c.opened)
			}
			if want := map[bool]int{true: Orig, false: Resp}[c.from == hostA]; dir != want || f.Packets[dir] != 1 {
				t.Errorf("the packet goes in direction %d, want %d", dir, want)
			}
			if f.MAC[dir] != c.first.SrcMAC || f.MAC[1-dir] != c.first.DstMAC || f.Port[dir] != c.first.SrcPort {
				t.Errorf("ends are mixed up: %+v", f)
			}
		})
	}
}

func TestFramesThatAreNotIP(t *testing.T) {
	table := NewTable(16, func(*Flow) {})
	arp := frame.Frame{Depth: frame.Link, Src: frame.Addr{15: 1}, Dst: frame.Addr{15: 2}, SrcPort: frame.EtherARP, DstPort: frame.EtherARP}
	table.Add(&arp, Hash(seed, &arp), 0, 42)
	answer := reversed(arp)
	f, dir, begun := table.Add(&answer, Hash(seed, &answer), 0, 42)
	if begun || dir != Resp || f.Proto != 0 || f.Port[Resp] != frame.EtherARP || f.State() != "OTH" || f.CommunityID() != "" {
		t.Errorf("%v %d %+v", begun, dir, f)
	}
}

func TestICMPThatNobodyAnswersIsOneWay(t *testing.T) {
	table := NewTable(16, func(*Flow) {})
	there, back := packet(frame.ProtoICMP, hostA, hostB, 3, 3), packet(frame.ProtoICMP, hostB, hostA, 3, 3) // port unreachable
	table.Add(&there, Hash(seed, &there), 0, 60)
	if _, dir, begun := table.Add(&back, Hash(seed, &back), 0, 60); !begun || dir != Orig {
		t.Error("what two hosts complain of to each other is one flow")
	}
	ping, pong := packet(frame.ProtoICMP, hostA, hostB, 8, 0), packet(frame.ProtoICMP, hostB, hostA, 0, 8)
	table.Add(&ping, Hash(seed, &ping), 0, 60)
	if _, dir, begun := table.Add(&pong, Hash(seed, &pong), 0, 60); begun || dir != Resp {
		t.Error("an echo's answer is a flow of its own")
	}
}

func TestTimeOuts(t *testing.T) {
	udp := packet(frame.ProtoUDP, hostA, hostB, 50000, 50001)
	icmp := packet(frame.ProtoICMP, hostA, hostB, 8, 0)
	link := frame.Frame{Depth: frame.Link, Src: hostA, Dst: hostB}
	tcp := func(script string) []frame.Frame { f, _ := segments(t, script); return f }
	for _, c := range []struct {
		name   string
		frames []frame.Frame // the last is the one that comes late
		idle   time.Duration
	}{
		{"UDP without answer", []frame.Frame{udp, udp}, IdleAttempted},
		{"UDP", []frame.Frame{udp, reversed(udp), udp}, IdleUDP},
		{"ICMP", []frame.Frame{icmp, icmp}, IdleICMP},
		{"not IP", []frame.Frame{link, link}, IdleLink},
		{"TCP attempt", tcp(">S >S@-1"), IdleOpening},
		{"TCP half open", tcp(">S <SA <SA@-1"), IdleOpening},
		{"TCP seen in one direction", tcp(">A10 >A10"), IdleOpening},
		{"TCP", tcp(">S <SA >A >A10"), IdleTCP},
		{"TCP in midstream", tcp(">A10 <A10 >A10"), IdleTCP},
		{"TCP closed by one side", tcp(">S <SA >A >FA <A"), IdleTCP},
		{"TCP closed", tcp(">S <SA >A >FA <FA >A"), IdleClosed},
		{"TCP reset", tcp(">S <SA >A >RA <A"), IdleClosed},
	} {
		for _, expire := range []bool{false, true} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/expire=%v/late=%v", c.name, expire, late), func(t *testing.T) {
					ended := 0
					table := NewTable(16, func(*Flow) { ended++ })
					const begin = 1_700_000_000*second + 123
					table.Expire(begin)
					for i := range c.frames[:len(c.frames)-1] {
						table.Add(&c.frames[i], Hash(seed, &c.frames[i]), begin, 60)
					}
					now := begin + int64(c.idle)
					if late {
						now++
					}
					if expire {
						table.Expire(now)
					}
					last := &c.frames[len(c.frames)-1]
					if _, _, begun := table.Add(last, Hash(seed, last), now, 60); begun != late {
						t.Errorf("a packet %v after the last: another flow %v, want %v", time.Duration(now-begin), begun, late)
					}
				})
			}
		}
	}
}

// traffic is random packets of a few hosts in the order of their times, with silences of all lengths.
func traffic(rng *rand.Rand, n int) (frames []frame.Frame, times []int64) {
	now := rng.Int64N(1000 * second)
	pauses := []int64{0, second / 1000, second / 3, 5 * second, 9 * second, 35 * second, 200 * second, 3590 * second, 20000 * second}
	pauses = pauses[:1+rng.IntN(len(pauses))]
	for range n {
		f := packet([]uint8{frame.ProtoTCP, frame.ProtoUDP, frame.ProtoICMP, 47}[rng.IntN(4)], hostA, hostB, 0, 0)
		f.Src[15], f.Dst[15] = byte(rng.IntN(4)), byte(rng.IntN(4))
		switch f.Proto {
		case frame.ProtoICMP:
			f.SrcPort, f.DstPort = uint16(rng.IntN(2)*8), uint16(rng.IntN(2)*8)
		case frame.ProtoTCP, frame.ProtoUDP:
			f.SrcPort, f.DstPort = []uint16{53, 443, 50000}[rng.IntN(3)], []uint16{53, 443, 50000}[rng.IntN(3)]
		}
		if f.Proto == frame.ProtoTCP {
			f.Flags = uint8(rng.Uint32()) & 31
			f.Seq, f.PayloadWire = rng.Uint32N(1000), rng.Uint32N(3)*100
		}
		frames = append(frames, f)
		times = append(times, now)
		now += pauses[min(rng.IntN(1+rng.IntN(len(pauses)*3)), len(pauses)-1)]
	}
	return frames, times
}

// record is what a flow is told apart by, and what was counted.
type record struct {
	From, To         string
	First, Last      int64
	State, History   string
	Packets, Payload [2]uint64
}

// play adds packets to a table, calls between before each, and returns the flows in the order of their beginnings.
func play(frames []frame.Frame, times []int64, limit int, between func(t *Table, i int)) (records []record, evicted uint64) {
	table := NewTable(limit, func(f *Flow) {
		records = append(records, record{
			fmt.Sprint(f.Addr[Orig].Netip(), " ", f.Port[Orig]), fmt.Sprint(f.Addr[Resp].Netip(), " ", f.Port[Resp], " ", f.Proto),
			f.First, f.Last, f.State(), f.History(), f.Packets, f.Payload,
		})
	})
	for i := range frames {
		between(table, i)
		table.Add(&frames[i], Hash(seed, &frames[i]), times[i], 60)
	}
	table.Flush()
	slices.SortFunc(records, func(a, b record) int {
		if a.First != b.First {
			return int(min(max(a.First-b.First, -1), 1))
		}
		if a.Last != b.Last {
			return int(min(max(a.Last-b.Last, -1), 1))
		}
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	return records, table.Evicted
}

func TestExpireDoesNotChangeFlows(t *testing.T) {
	for n := range uint64(60) {
		rng := rand.New(rand.NewPCG(5, n))
		frames, times := traffic(rng, 500)
		never, _ := play(frames, times, 1000, func(*Table, int) {})
		always, _ := play(frames, times, 1000, func(table *Table, i int) { table.Expire(times[i]) })
		sometimes, _ := play(frames, times, 1000, func(table *Table, i int) {
			if rng.IntN(50) == 0 {
				table.Expire(times[i])
			}
		})
		if diff := cmp.Diff(never, always); diff != "" {
			t.Fatalf("seed %d: flows without and with Expire before each packet:\n%s", n, diff)
		}
		if diff := cmp.Diff(never, sometimes); diff != "" {
			t.Fatalf("seed %d: flows without and with Expire now and then:\n%s", n, diff)
		}
	}
}

func TestEveryPacketIsInOneFlow(t *testing.T) {
	evictions := map[int]uint64{}
	for n := range uint64(25) {
		rng := rand.New(rand.NewPCG(6, n))
		frames, times := traffic(rng, 2000)
		for _, limit := range []int{16, 40, 1000} {
			largest := 0
			records, evicted := play(frames, times, limit, func(table *Table, i int) {
				largest = max(largest, table.Live())
				if i%10 == 0 {
					table.Expire(times[i])
				}
			})
			var sum uint64
			for _, r := range records {
				sum += r.Packets[Orig] + r.Packets[Resp]
				if r.Last < r.First || r.Packets[Orig]+r.Packets[Resp] == 0 {
					t.Fatalf("%+v", r)
				}
			}
			if sum != uint64(len(frames)) || largest > limit {
				t.Fatalf("seed %d: at most %d flows: %d packets of %d, %d live", n, limit, sum, len(frames), largest)
			}
			evictions[limit] += evicted
		}
	}
	if evictions[16] == 0 || evictions[1000] != 0 {
		t.Errorf("evicted, by the number of flows that there may be: %v", evictions)
	}
}

func TestBusyFlowsStayWhenTheTableIsFull(t *testing.T) {
	const limit, busy = 100, 20
	lost, ended := 0, 0
	table := NewTable(limit, func(f *Flow) {
		ended++
		if f.Port[Resp] == 443 && f.End() == EndEvicted {
			lost++
		}
	})
	talk := func(port uint16, now int64) {
		f := packet(frame.ProtoUDP, hostA, hostB, port, 443)
		table.Add(&f, Hash(seed, &f), now, 60)
		f = reversed(f)
		table.Add(&f, Hash(seed, &f), now, 60)
	}
	const flood = 10_000
	for i := range flood {
		now := int64(i) * second / 1000
		if i%50 == 0 {
			for port := range uint16(busy) {
				talk(40000+port, now)
			}
		}
		f := packet(frame.ProtoUDP, frame.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), hostB, 5000, 6000)
		table.Add(&f, Hash(seed, &f), now, 60)
	}
	if table.Live() != limit || lost != 0 || ended != flood+busy-limit || table.Evicted != uint64(ended) {
		t.Errorf("%d live, %d busy ones evicted, %d ended, %d counted as evicted", table.Live(), lost, ended, table.Evicted)
	}
}

func TestWhatHadEndedIsNotCountedAsEvicted(t *testing.T) {
	table := NewTable(16, func(*Flow) {})
	for i := range 100 {
		f := packet(frame.ProtoUDP, hostA, hostB, uint16(2000+i), 6000)
		table.Add(&f, Hash(seed, &f), int64(i)*int64(IdleAttempted), 60)
	}
	if table.Evicted != 0 || table.Live() != 16 {
		t.Errorf("%d evicted, %d live", table.Evicted, table.Live())
	}
}

func TestExpireFreesMemory(t *testing.T) {
	for _, clock := range []struct {
		name string
		step int64
	}{{"steady", second}, {"silent for a day", 86400 * second}, {"set back a day", -86400 * second}} {
		t.Run(clock.name, func(t *testing.T) {
			table := NewTable(1000, func(*Flow) {})
			now := 2_000_000 * second
			table.Expire(now)
			for i := range 100 {
				f := packet(frame.ProtoUDP, hostA, hostB, uint16(2000+i), 6000)
				table.Add(&f, Hash(seed, &f), now, 60)
			}
			now += clock.step
			table.Expire(now)
			for i := range 100 {
				f := packet(frame.ProtoUDP, hostA, hostB, uint16(3000+i), 6000)
				table.Add(&f, Hash(seed, &f), now, 60)
			}
			before := table.Live()
			for range int64(IdleAttempted/time.Second) + 2 {
				now += second
				table.Expire(now)
			}
			if left := table.Live(); left > before-100 {
				t.Errorf("%d of %d flows are left", left, before)
			}
		})
	}
}

func TestATableIsUsableAfterFlush(t *testing.T) {
	ended := map[End]int{}
	table := NewTable(16, func(f *Flow) { ended[f.End()]++ })
	for round := range 3 {
		for i := range 20 {
			f := packet(frame.ProtoUDP, hostA, hostB, uint16(2000+i), 6000)
			table.Add(&f, Hash(seed, &f), int64(round)*second, 60)
		}
		table.Flush()
	}
	if ended[EndEvicted] != 3*4 || ended[EndFlush] != 3*16 || table.Live() != 0 {
		t.Errorf("ended %v, %d live", ended, table.Live())
	}
}

func TestWarmChangesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	frames, times := traffic(rng, 3000)
	plain, _ := play(frames, times, 60, func(*Table, int) {})
	warm, _ := play(frames, times, 60, func(table *Table, i int) {
		shards, hashes := make([]uint8, 100), make([]uint32, 100)
		for j := range hashes {
			shards[j], hashes[j] = uint8(rng.IntN(Shards)), Hash(seed, &frames[min(i+j, len(frames)-1)])
		}
		Warm(&[Shards]*Table{3: table}, shards, hashes)
	})
	if diff := cmp.Diff(plain, warm); diff != "" {
		t.Error(diff)
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	table := NewTable(64, func(*Flow) {})
	frames, times := traffic(rand.New(rand.NewPCG(8, 8)), 4000)
	add := func() { // the same traffic again and again: flows begin, go on, time out, and are evicted
		for i := range frames {
			if i%20 == 0 {
				table.Expire(times[i])
			}
			table.Add(&frames[i], Hash(seed, &frames[i]), times[i], 60)
		}
		table.Flush()
	}
	if n := testing.AllocsPerRun(5, add); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFlowSize(t *testing.T) {
	const n = 200_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := NewTable(n, func(*Flow) {})
	for i := range 2 * n {
		f := packet(frame.ProtoUDP, frame.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), hostB, 5000, 6000)
		table.Add(&f, Hash(seed, &f), 0, 60)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / n; each > FlowSize {
		t.Errorf("a flow takes %.0f octets, more than FlowSize %d", each, FlowSize)
	}
	runtime.KeepAlive(table)
}

// FuzzTable plays packets that the octets choose, five octets each, to a small table.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 2, 0, 0, 1, 0, 2 | 16, 1, 0, 1, 0, 16, 0, 9, 1})
	f.Add([]byte("a table of flows under a random load, with TCP flags, sequence numbers and time-outs"))
	f.Fuzz(func(t *testing.T, script []byte) {
		const limit = 16
		var packets, octets, ended, live uint64
		table := NewTable(limit, func(f *Flow) {
			packets += f.Packets[Orig] + f.Packets[Resp]
			octets += f.Octets[Orig] + f.Octets[Resp]
			ended++
			live--
			if h := f.History(); len(h) > maxHistory || f.State() == "" || f.Last < f.First {
				t.Fatalf("%s %s %d %d", h, f.State(), f.First, f.Last)
			}
			for d := range 2 {
				if f.Payload[d] > f.Packets[d]*255 {
					t.Fatalf("%d octets of payload in %d packets", f.Payload[d], f.Packets[d])
				}
			}
		})
		var now int64
		var added uint64
		for ; len(script) >= 5; script = script[5:] {
			b := script[:5]
			p := packet([]uint8{frame.ProtoTCP, frame.ProtoTCP, frame.ProtoUDP, frame.ProtoICMP}[b[0]&3], hostA, hostB, uint16(b[0]>>2&7), uint16(b[0]>>5))
			if b[4]&1 != 0 {
				p = reversed(p)
			}
			p.Flags, p.PayloadWire, p.Seq = b[1], uint32(b[2]), uint32(b[3])<<24+uint32(b[2])
			now += int64(b[4]>>1) * int64(b[3]) * second / 4
			if b[4]&2 != 0 {
				table.Expire(now)
			}
			fl, dir, begun := table.Add(&p, Hash(seed, &p), now, 60)
			added++
			if begun {
				live++
			}
			if fl.Addr[dir] != p.Src || fl.Port[dir] != p.SrcPort || fl.Last != now || int(live) != table.Live() || live > limit {
				t.Fatalf("%+v in direction %d of %+v; %d live", p, dir, fl, table.Live())
			}
			fl.Advance(&p, dir)
		}
		table.Flush()
		if packets != added || octets != added*60 || table.Live() != 0 {
			t.Fatalf("%d packets of %d, %d octets, %d live", packets, added, octets, table.Live())
		}
	})
}
