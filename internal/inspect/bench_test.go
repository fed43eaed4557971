package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/detect"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/identify"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/wire"
)

// load is a capture in memory.
type load struct {
	data    []byte
	packets int
}

// onLoads runs a benchmark on steady encrypted traffic, as most is, and on a home that speaks all protocols and little
// else. bench goes through the capture once for each step of b.Loop.
func onLoads(b *testing.B, bench func(b *testing.B, l load)) {
	for _, c := range []struct {
		name string
		make func(*testing.B) load
	}{{"mixed", mixedLoad}, {"home", homeLoad}} {
		l := c.make(b)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(l.data)))
			b.ReportAllocs()
			bench(b, l)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(l.packets), "ns/packet")
		})
	}
}

func mixedLoad(b *testing.B) load {
	b.Helper()
	const packets, flows = 100_000, 1_000
	var w bytes.Buffer
	if err := lab.Mixed(&w, packets, flows); err != nil {
		b.Fatal(err)
	}
	return load{w.Bytes(), packets}
}

// homeLoad is the same hour in a home on twenty days.
func homeLoad(b *testing.B) load {
	b.Helper()
	const days = 20
	home, err := lab.Family().Play()
	if err != nil {
		b.Fatal(err)
	}
	file := wire.Pcap{Link: frame.LinkEthernet}
	data := file.AppendHeader(nil)
	for day := range days {
		for _, p := range home.Packets {
			p.Time += int64(day) * int64(24*time.Hour)
			data = file.AppendPacket(data, p)
		}
	}
	return load{data, days * len(home.Packets)}
}

func (l load) open(b *testing.B) *capture.Reader {
	b.Helper()
	r, err := capture.NewReader(bytes.NewReader(l.data), "load")
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// blocks is the capture as the engine's reader hands it on, for one worker.
func (l load) blocks(b *testing.B) (list []*block) {
	b.Helper()
	r := l.open(b)
	for seq := uint64(1); ; {
		k := newBlock(1)
		if err := r.Next(&k.Batch); err != nil {
			break
		}
		k.seq = seq
		seq += uint64(len(k.Records))
		list = append(list, k)
	}
	if d := r.Damage(); d != nil {
		b.Fatal(d)
	}
	return list
}

// decoded is the blocks with their frames.
func (l load) decoded(b *testing.B) []*block {
	b.Helper()
	list := l.blocks(b)
	for _, k := range list {
		k.decode(1)
	}
	return list
}

func BenchmarkWalk(b *testing.B) {
	onLoads(b, func(b *testing.B, l load) {
		var batch capture.Batch
		for b.Loop() {
			for r := l.open(b); r.Next(&batch) == nil; {
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	onLoads(b, func(b *testing.B, l load) {
		list := l.blocks(b)
		for b.Loop() {
			for _, k := range list {
				k.decode(1)
			}
		}
	})
}

func BenchmarkFlow(b *testing.B) {
	onLoads(b, func(b *testing.B, l load) {
		list := l.decoded(b)
		for b.Loop() {
			var tables [flow.Shards]*flow.Table
			for s := range tables {
				tables[s] = flow.NewTable(1<<16, func(*flow.Flow) {})
			}
			for _, k := range list {
				for _, t := range tables {
					t.Expire(k.first)
				}
				for i, s := range k.shards {
					r := &k.Records[i]
					tables[s].Add(&k.frames[i], k.hashes[i], r.Time, r.Wire)
				}
			}
		}
	})
}

// BenchmarkDissect does what a worker does: flows, streams in order, dissectors, up to the facts.
func BenchmarkDissect(b *testing.B) {
	onLoads(b, func(b *testing.B, l load) {
		list := l.decoded(b)
		facts := 0
		for b.Loop() {
			w := New(Config{Workers: 1}).workers[0]
			for _, k := range list {
				w.block(k)
				facts += w.out.Len()
			}
		}
		b.ReportMetric(float64(facts)/float64(b.N)/float64(l.packets), "facts/packet")
	})
}

func BenchmarkInspect(b *testing.B) {
	k, err := identify.Load()
	if err != nil {
		b.Fatal(err)
	}
	onLoads(b, func(b *testing.B, l load) {
		for b.Loop() {
			e := New(Config{})
			if err := e.Run(context.Background(), l.open(b).Next); err != nil {
				b.Fatal(err)
			}
			if err := e.Result(k, nil, nil, false).WriteJSON(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDetect inspects with and without detection, which adds a quarter of the time at most; and a million flows of
// one packet from random senders, where its state stays bounded.
func BenchmarkDetect(b *testing.B) {
	inspect := func(b *testing.B, l load, off bool) {
		for b.Loop() {
			e := New(Config{Detect: detect.Config{Off: off}})
			if err := e.Run(context.Background(), l.open(b).Next); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, off := range []bool{false, true} {
		b.Run(map[bool]string{false: "on", true: "off"}[off], func(b *testing.B) {
			onLoads(b, func(b *testing.B, l load) { inspect(b, l, off) })
			b.Run("flood", func(b *testing.B) {
				const n = 1_000_000
				var w bytes.Buffer
				if err := lab.Flood(&w, n); err != nil {
					b.Fatal(err)
				}
				l := load{w.Bytes(), n}
				b.ReportAllocs()
				inspect(b, l, off)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/packet")
			})
		})
	}
}

// BenchmarkCapture inspects the capture that PLIMSOLL_CAPTURE names, whole; PLIMSOLL_DETECT=off leaves detection out.
func BenchmarkCapture(b *testing.B) {
	path := os.Getenv("PLIMSOLL_CAPTURE")
	if path == "" {
		b.Skip("PLIMSOLL_CAPTURE names no capture")
	}
	var packets uint64
	b.ReportAllocs()
	for b.Loop() {
		h, err := capture.OpenHistory([]string{path}, nil)
		if err != nil {
			b.Fatal(err)
		}
		e := New(Config{Detect: detect.Config{Off: os.Getenv("PLIMSOLL_DETECT") == "off"}})
		if err := e.Run(context.Background(), h.Next); err != nil && !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		packets += e.totals.packets
		h.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(packets), "ns/packet")
}
