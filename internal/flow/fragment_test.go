package flow

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

// piece is a fragment of a datagram as the wire brings it.
type piece struct {
	frame.Frame
	data []byte
}

// split cuts a datagram into fragments of at most size octets of payload, a multiple of eight.
func split(id uint32, datagram []byte, size int) (pieces []piece) {
	for at := 0; at < len(datagram); at += size {
		end := min(at+size, len(datagram))
		f := frame.Frame{
			Depth: frame.Network, Proto: frame.ProtoUDP, Src: hostA, Dst: hostB, Fragment: true, FragID: id,
			FragOffset: uint16(at), MoreFragments: end < len(datagram), PayloadWire: uint32(end - at),
		}
		pieces = append(pieces, piece{f, datagram[at:end]})
	}
	return pieces
}

func octets(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

// join adds fragments a millisecond apart, and returns the datagrams that came together and those that did not.
func join(pieces []piece) (whole, abandoned []Datagram, f *Fragments) {
	f = new(Fragments)
	lost := func(d *Datagram) { abandoned = append(abandoned, *d) }
	for i := range pieces {
		p := &pieces[i]
		if d := f.Add(&p.Frame, p.data, int64(i)*second/1000, uint32(len(p.data))+34, lost); d != nil {
			c := *d
			c.Payload = bytes.Clone(d.Payload)
			whole = append(whole, c)
		}
	}
	f.Flush(lost)
	return whole, abandoned, f
}

func TestFragmentsComeTogether(t *testing.T) {
	datagram := octets(2500)
	p := split(9, datagram, 1000)
	tiny := split(9, octets(64), 8)
	other := split(10, octets(2500), 1000)
	overlapping := p[1]
	overlapping.FragOffset -= 8
	within := p[1]
	within.FragOffset, within.data, within.PayloadWire = 1096, within.data[96:196], 100
	same := p[1]
	same.data = bytes.Repeat([]byte{0xff}, 1000)
	secondEnd := p[2]
	secondEnd.FragOffset += 504
	endWithin := p[0]
	endWithin.MoreFragments = false
	beyondEnd := p[2]
	beyondEnd.FragOffset, beyondEnd.MoreFragments = 2504, true
	empty := p[1]
	empty.data, empty.PayloadWire = nil, 0
	cut := p[1]
	cut.data = cut.data[:500]
	huge := p[2]
	huge.FragOffset = 65528
	for _, c := range []struct {
		name  string
		in    []piece
		whole int
		lost  uint64
	}{
		{"in order", p, 1, 0},
		{"reversed", []piece{p[2], p[1], p[0]}, 1, 0},
		{"the last first", []piece{p[2], p[0], p[1]}, 1, 0},
		{"each twice", []piece{p[0], p[0], p[1], p[1], p[2]}, 1, 0},
		{"the last twice", []piece{p[2], p[2], p[0], p[1]}, 1, 0},
		{"a copy with other octets counts for nothing", []piece{p[0], p[1], same, p[2]}, 1, 0},
		{"two datagrams in turn", []piece{p[0], other[0], p[1], other[1], other[2], p[2]}, 2, 0},
		{"one after the other with the same number", append(slices.Clone(p), p...), 2, 0},
		{"eight octets each", tiny, 1, 0},
		{"one is missing", []piece{p[0], p[2]}, 0, 1},
		{"the last is missing", []piece{p[0], p[1]}, 0, 1},
		{"overlap, RFC 5722", []piece{p[0], overlapping, p[1], p[2]}, 0, 1},
		{"overlap from within", []piece{p[0], p[1], within, p[2]}, 0, 1},
		{"overlap around", []piece{p[0], within, p[1], p[2]}, 0, 1},
		{"two ends", []piece{p[0], p[2], secondEnd, p[1]}, 0, 1},
		{"an end within", []piece{p[1], endWithin, p[0], p[2]}, 0, 1},
		{"behind the end", []piece{p[2], beyondEnd, p[0], p[1]}, 0, 1},
		{"nothing in it", []piece{p[0], empty, p[1], p[2]}, 0, 1},
		{"cut by the capture", []piece{p[0], cut, p[2]}, 0, 1},
		{"larger than IP allows", []piece{p[0], p[1], huge}, 0, 1},
		{"too many", split(9, octets(8*(maxFragments+1)), 8), 0, 1},
		{"as many as may be", split(9, octets(8*maxFragments), 8), 1, 0},
		{"the largest datagram", split(9, octets(maxDatagram), 1480), 1, 0},
		{"the largest at the smallest MTU", split(9, octets(maxDatagram), 552), 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole, abandoned, f := join(c.in)
			if len(whole) != c.whole || f.Lost != c.lost || len(abandoned) != int(c.lost) {
				t.Fatalf("%d datagrams came together, %d did not (%d told)", len(whole), f.Lost, len(abandoned))
			}
			var count, wire, inWire uint64
			for _, d := range slices.Concat(whole, abandoned) {
				count += d.Count
				wire += uint64(d.Wire)
			}
			for _, p := range c.in {
				inWire += uint64(len(p.data)) + 34
			}
			if count != uint64(len(c.in)) || wire != inWire {
				t.Errorf("%d fragments with %d octets, want %d with %d", count, wire, len(c.in), inWire)
			}
			for _, d := range whole {
				if !bytes.Equal(d.Payload, octets(len(d.Payload))) || d.Head.FragOffset != 0 || d.First != 0 && c.whole == 1 {
					t.Errorf("%d octets, not those that were sent; head at %d, first at %d", len(d.Payload), d.Head.FragOffset, d.First)
				}
			}
		})
	}
}

func TestDatagramsAreNotMixed(t *testing.T) {
	a := split(9, octets(2000), 1000)
	for _, c := range []struct {
		name   string
		change func(f *frame.Frame)
	}{
		{"sender", func(f *frame.Frame) { f.Src = frame.AddrFrom4([4]byte{192, 168, 1, 21}) }},
		{"receiver", func(f *frame.Frame) { f.Dst = hostA }},
		{"protocol", func(f *frame.Frame) { f.Proto = frame.ProtoICMP }},
		{"number", func(f *frame.Frame) { f.FragID++ }},
	} {
		b := slices.Clone(a)
		c.change(&b[1].Frame)
		if whole, _, f := join(b); len(whole) != 0 || f.Lost != 2 {
			t.Errorf("another %s: %d datagrams came together, %d did not", c.name, len(whole), f.Lost)
		}
	}
}

func TestFragmentsThatComeTooLate(t *testing.T) {
	for _, c := range []struct {
		after int64
		whole bool
	}{{int64(fragmentExpiry), true}, {int64(fragmentExpiry) + 1, false}} {
		var f Fragments
		p := split(9, octets(2000), 1000)
		lost := 0
		f.Add(&p[0].Frame, p[0].data, 5, 1034, func(*Datagram) { lost++ })
		d := f.Add(&p[1].Frame, p[1].data, 5+c.after, 1034, func(*Datagram) { lost++ })
		if (d != nil) != c.whole || (lost == 0) != c.whole {
			t.Errorf("%d ns later: joined %v, %d lost", c.after, d != nil, lost)
		}
	}
}

func TestFragmentsThatWaitAreBounded(t *testing.T) {
	var f Fragments
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rng := rand.New(rand.NewPCG(1, 9))
	var added, told, joined uint64
	lost := func(d *Datagram) { told += d.Count }
	now := int64(0)
	for i := range 20_000 {
		size := []int{16, 3000, 20000, maxDatagram}[rng.IntN(4)]
		p := split(uint32(i), octets(size), 1480&^7)
		if rng.IntN(3) > 0 {
			p = p[len(p)-1:] // the end alone takes memory for all that should come before
		}
		for _, x := range p {
			added++
			if d := f.Add(&x.Frame, x.data, now, 100, lost); d != nil {
				joined += d.Count
			}
			if f.waiting > maxWaiting {
				t.Fatalf("%d octets wait", f.waiting)
			}
			now += second / 10_000
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > maxWaiting+maxDatagram+256<<10 {
		t.Errorf("%d octets of memory are in use", grown)
	}
	f.Flush(lost)
	if told+joined != added || joined == 0 || told == 0 {
		t.Errorf("%d fragments: %d in datagrams, %d abandoned", added, joined, told)
	}
	if f.waiting != 0 {
		t.Errorf("%d octets wait after all was given up", f.waiting)
	}
	runtime.KeepAlive(&f)
}

func TestRefusedDatagramsTakeNoMemory(t *testing.T) {
	var f Fragments
	p := split(9, octets(60000), 1480)
	overlapping := p[3]
	overlapping.FragOffset -= 8
	for _, x := range append(p[:20:20], overlapping, p[20]) {
		f.Add(&x.Frame, x.data, 0, 100, func(*Datagram) {})
	}
	if f.waiting != 0 {
		t.Errorf("%d octets wait for nothing", f.waiting)
	}
}

// FuzzFragments cuts a datagram where the octets say, and brings the pieces in the order that they say, some of them
// moved or lost. What comes together must be what was cut.
func FuzzFragments(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint16(100))
	f.Add([]byte{0, 3, 1, 255, 2, 0, 9, 130, 4}, uint16(3000))
	f.Add([]byte{7, 6, 5, 4, 3, 2, 1, 0, 128, 129, 130, 200, 255, 17}, uint16(65535))
	f.Fuzz(func(t *testing.T, script []byte, size uint16) {
		datagram := octets(int(size))
		p := split(1, datagram, (1+len(script))*8)
		var fr Fragments
		var added, told uint64
		lost := func(d *Datagram) { told += d.Count }
		now := int64(0)
		for _, b := range script {
			if len(p) == 0 {
				break
			}
			x := p[int(b&63)%len(p)]
			moved := false
			switch b >> 6 {
			case 1:
				x.FragID = uint32(b & 3)
			case 2:
				x.FragOffset += uint16(b) << 3
				moved = b != 0
			case 3:
				now += int64(b) * second / 4
			}
			d := fr.Add(&x.Frame, x.data, now, 10, lost)
			added++
			if d != nil {
				told += d.Count
				// pieces that were moved may fit by chance: the length is what the end says
				if !moved && len(d.Payload) > maxDatagram {
					t.Fatalf("%d octets", len(d.Payload))
				}
				if d.Wire != uint32(d.Count)*10 || d.Count == 0 || len(d.Payload) == 0 {
					t.Fatalf("%d fragments, %d octets, payload %d", d.Count, d.Wire, len(d.Payload))
				}
			}
			if fr.waiting > maxWaiting || fr.waiting < 0 {
				t.Fatalf("%d octets wait", fr.waiting)
			}
		}
		fr.Flush(lost)
		if told != added || fr.waiting != 0 {
			t.Fatalf("%d fragments of %d, %d octets wait", told, added, fr.waiting)
		}
	})
}

// TestAnyOrderOfFragments joins what was cut at random in any order, with copies.
func TestAnyOrderOfFragments(t *testing.T) {
	for n := range uint64(300) {
		rng := rand.New(rand.NewPCG(2, n))
		datagram := octets(1 + rng.IntN(maxDatagram))
		var p []piece
		for _, x := range split(uint32(n), datagram, max(8, (len(datagram)/(1+rng.IntN(maxFragments-1))+8)&^7)) {
			p = append(p, x)
			if rng.IntN(4) == 0 {
				p = append(p, x)
			}
		}
		rng.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		whole, _, _ := join(p)
		if len(whole) == 0 || !bytes.Equal(whole[0].Payload, datagram) {
			t.Fatalf("%d octets in %d pieces did not come together as they were", len(datagram), len(p))
		}
	}
}
