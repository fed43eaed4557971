package capture

import (
	"bytes"
	"io"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

// generate writes n packets of sizes as they occur in homes.
func generate(tb testing.TB, start func(io.Writer, frame.LinkType) (*Writer, error), n int) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w, err := start(&buf, frame.LinkEthernet)
	if err != nil {
		tb.Fatal(err)
	}
	data := make([]byte, 1514)
	for i := range data {
		data[i] = byte(i)
	}
	sizes := []int{60, 66, 90, 1514, 60, 342, 74, 66}
	for i := range n {
		size := sizes[i%len(sizes)]
		if err := w.WritePacket(1_700_000_000_000_000_000+int64(i)*1_000_001, data[:size], size); err != nil {
			tb.Fatal(err)
		}
	}
	return buf.Bytes()
}

func benchmarkWalk(b *testing.B, file []byte) {
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	var batch Batch
	packets := 0
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file), "generated")
		if err != nil {
			b.Fatal(err)
		}
		for r.Next(&batch) == nil {
			packets += len(batch.Records)
		}
	}
	b.ReportMetric(float64(packets)/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(packets), "ns/packet")
}

func BenchmarkWalkPcap(b *testing.B) {
	benchmarkWalk(b, generate(b, NewWriter, 20_000))
}

func BenchmarkWalkPcapng(b *testing.B) {
	benchmarkWalk(b, generate(b, NewPcapngWriter, 20_000))
}

// BenchmarkRead is the floor: the same reads without a walk.
func BenchmarkRead(b *testing.B) {
	file := generate(b, NewWriter, 20_000)
	b.SetBytes(int64(len(file)))
	data := make([]byte, BatchSize)
	for b.Loop() {
		r := bytes.NewReader(file)
		for n := 1; n > 0; n, _ = fill(r, data) {
		}
	}
}
