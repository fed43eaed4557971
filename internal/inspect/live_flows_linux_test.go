package inspect

import (
	"context"
	"io"
	"math"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/lab"
)

// BenchmarkLiveFlows is what a packet costs the whole engine when that many flows live at a time. Since the traffic is
// made while it is inspected, processor time is counted, less that of the making.
func BenchmarkLiveFlows(b *testing.B) {
	for _, c := range []struct {
		name  string
		flows int
	}{{"1k", 1_000}, {"64k", 64_000}, {"1M", 1_000_000}} {
		b.Run(c.name, func(b *testing.B) {
			measured := 2_000_000
			if testing.Short() {
				if c.flows > 64_000 {
					b.Skip("takes more than 1 GiB and some ten seconds")
				}
				measured /= 10
			}
			b.ReportAllocs()
			var spent time.Duration
			for b.Loop() {
				spent += liveFlows(b, c.flows, measured)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/float64(measured), "ns/packet")
			b.ReportMetric(0, "ns/op") // would include the making
		})
	}
}

// liveFlows is the processor time for the last measured packets of steady traffic.
func liveFlows(b *testing.B, flows, measured int) time.Duration {
	b.Helper()
	// Flows that were under way when the traffic begins are shown to dissectors some times in vain: four messages of
	// each direction. After that it is as it will always be.
	before := 8 * flows
	out, in := io.Pipe()
	making := maker{w: in}
	go func() {
		runtime.LockOSThread()
		in.CloseWithError(lab.Mixed(&making, before+measured, flows))
	}()
	r, err := capture.NewReader(out, "traffic")
	if err != nil {
		b.Fatal(err)
	}
	now := func() time.Duration { return processor(b, syscall.RUSAGE_SELF) - time.Duration(making.spent.Load()) }
	e := New(Config{Flows: 2*flows + 500_000, Memory: math.MaxInt32}) // flows that have ended wait for stragglers
	seen := 0
	var from, to time.Duration
	err = e.Run(context.Background(), func(k *capture.Batch) error {
		err := r.Next(k)
		seen += len(k.Records)
		if from == 0 && seen >= before {
			from = now()
		}
		to = now() // the time-outs of all flows at the end are left out
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	if l := e.Losses(); seen != before+measured || l.Flows > 0 || l.Streams > 0 {
		b.Fatalf("%d packets of %d; lost: %+v", seen, before+measured, l)
	}
	return to - from
}

// maker is where the goroutine that makes traffic writes it to. It notes the processor time of the goroutine's thread.
type maker struct {
	w     io.Writer
	spent atomic.Int64
}

func (m *maker) Write(p []byte) (int, error) {
	m.spent.Store(int64(processor(nil, syscall.RUSAGE_THREAD)))
	return m.w.Write(p)
}

// processor is the processor time that was spent.
func processor(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil && b != nil {
		b.Error(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
