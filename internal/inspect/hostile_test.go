package inspect

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
)

// mutations is how many damaged captures the loop test reads.
const mutations = 10_000

// Flipped bits, cuts, copied and removed pieces, and plain noise: nothing panics, nothing hangs, and what can't be read
// is told with its place.
func TestDamagedCapturesDoNoHarm(t *testing.T) {
	var seeds [][]byte
	for _, path := range captures(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b[:min(len(b), 24<<10)])
	}
	n := mutations
	if testing.Short() {
		n /= 20
	}
	r := rand.New(rand.NewPCG(1, 2))
	told := 0
	for i := range n {
		b := mutate(r, seeds[i%len(seeds)])
		done := make(chan bool, 1)
		go func() { done <- inspectBytes(t, b) }()
		select {
		case bad := <-done:
			if bad {
				told++
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("mutation %d of seed %d hangs", i, i%len(seeds))
		}
	}
	if told == 0 {
		t.Error("no damage was told")
	}
	t.Logf("%d captures read, damage told of %d", n, told)
}

// inspectBytes reports whether damage was told.
func inspectBytes(t *testing.T, b []byte) bool {
	r, err := capture.NewReader(bytes.NewReader(b), "mutation")
	var format *capture.FormatError
	if errors.As(err, &format) {
		return true
	}
	if err != nil {
		t.Errorf("an error without its place: %v", err)
		return false
	}
	e := New(Config{Memory: leastTestMemory, Flows: 512, Workers: 2})
	if err := e.Run(context.Background(), r.Next); err != nil {
		t.Errorf("an error that is not told as damage: %v", err)
	}
	e.inventory.Finish()
	d := r.Damage()
	return d != nil && d.What != ""
}

const leastTestMemory = 4 << 20

func mutate(r *rand.Rand, seed []byte) []byte {
	b := bytes.Clone(seed)
	switch r.IntN(8) {
	case 0: // cut
		return b[:r.IntN(len(b))]
	case 1: // noise behind a whole header
		for i := 24; i < len(b); i++ {
			b[i] = byte(r.Uint32())
		}
		return b
	case 2: // a piece is missing
		at := r.IntN(len(b))
		return append(b[:at:at], b[min(len(b), at+1+r.IntN(64)):]...)
	case 3: // a piece is there twice
		at := r.IntN(len(b))
		end := min(len(b), at+1+r.IntN(256))
		return append(b[:end:end], b[at:]...)
	}
	for range 1 + r.IntN(200) { // flipped bits, and octets at the ends of their range
		at := r.IntN(len(b))
		switch r.IntN(4) {
		case 0:
			b[at] = 0xff
		case 1:
			b[at] = 0
		default:
			b[at] ^= 1 << r.IntN(8)
		}
	}
	return b
}

// FuzzFrames shows frames of any kind to the whole engine, several in one capture so that flows have a history.
func FuzzFrames(f *testing.F) {
	for _, path := range captures(f) {
		h, err := capture.OpenHistory([]string{path}, nil)
		if err != nil {
			f.Fatal(err)
		}
		var b capture.Batch
		if err := h.Next(&b); err == nil {
			for i := 0; i < len(b.Records) && i < 400; i += 20 {
				r := b.Records[i]
				f.Add(uint16(r.Link), b.Data[r.Offset:r.Offset+r.Len])
			}
		}
		h.Close()
	}
	f.Fuzz(func(t *testing.T, link uint16, data []byte) {
		var w bytes.Buffer
		pcap, err := capture.NewWriter(&w, 1)
		if err != nil {
			t.Fatal(err)
		}
		const pieces = 4
		for i := range pieces { // the frame itself, and parts of it
			if err := pcap.WritePacket(int64(i)*1e9, data[:len(data)-i*len(data)/8], len(data)); err != nil {
				return
			}
		}
		b := w.Bytes()
		b[20], b[21] = byte(link), byte(link>>8)
		inspectBytes(t, b)
	})
}
