package capture

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// survive reads whatever file is, in batches of about size octets, and checks what must hold.
func survive(t *testing.T, file []byte, size int) ([]packet, *Damage) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), "hostile")
	if err != nil {
		return nil, nil
	}
	defer r.Close()
	packets := collect(t, func(b *Batch) error { return r.next(b, size) })
	if d := r.Damage(); d != nil && (d.Offset < 0 || d.Offset > r.count || d.What == "") {
		t.Fatalf("damage %+v in %d octets", *d, r.count)
	}
	if r.packed == "" {
		frames := 0
		for _, p := range packets {
			frames += len(p.Data)
		}
		if frames > len(file) {
			t.Fatalf("%d octets of frames in a file of %d", frames, len(file))
		}
	}
	if cap(r.rest) > maxBlock+BatchSize {
		t.Fatalf("%d octets kept between batches", cap(r.rest))
	}
	return packets, r.Damage()
}

// surviveEach checks that what is read does not depend on how much is read at a time.
func surviveEach(t *testing.T, file []byte) {
	t.Helper()
	packets, damage := survive(t, file, BatchSize)
	again, same := survive(t, file, 50)
	if !slices.Equal(packets, again) {
		t.Fatalf("%d packets in large batches, %d in small ones", len(packets), len(again))
	}
	if (damage == nil) != (same == nil) || damage != nil && *damage != *same {
		t.Fatalf("damage %v in large batches, %v in small ones", damage, same)
	}
}

// specimens are captures of each kind, small enough to mutate.
func specimens(t testing.TB) [][]byte {
	t.Helper()
	var files [][]byte
	for _, start := range writers {
		files = append(files, generate(t, start, 3))
	}
	for _, o := range orders {
		start := join(section(o), describeInterface(o, 1, 0), describeInterface(o, 101, 96, option(o, 9, []byte{0x80 | 20}), option(o, 14, o.AppendUint64(nil, 7)), u32s(o, 0)))
		files = append(files,
			join(pcapHeader(o, pcapMicro, 4, 1), u32s(o, 1, 2, 3, 4), []byte("abc"), u32s(o, 1, 2, 0, 0), u32s(o, 1, 2, 5, 5), []byte("hello")),
			join(pcapHeader(o, pcapModified, 3, 113), u32s(o, 1, 2, 4, 3, 0, 0), []byte("abc"), u32s(o, 1, 2, 0, 0, 0, 0)),
			join(start, enhanced(o, 0, 5, "hello", 9), block(o, 5, make([]byte, 60)), enhanced(o, 1, 1<<40, "x", 1), block(o, blockJournal, make([]byte, 90)),
				block(o, blockSimple, u32s(o, 5), []byte("hello")), block(o, blockPacketOld, u32s(o, 0, 0, 0, 2, 2), []byte("hi")), start, enhanced(o, 0, 1, "", 0)))
	}
	for _, file := range files[:2] {
		files = append(files, gzipped(t, file), zstandard(t, file))
	}
	return append(files, []byte("hello, world"), nil)
}

// mutate damages a copy of a file as disks, networks and attackers do.
func mutate(rng *rand.Rand, files [][]byte) []byte {
	file := slices.Clone(files[rng.IntN(len(files))])
	switch rng.IntN(5) {
	case 0: // random octets after a beginning that convinces
		file = file[:min(len(file), rng.IntN(64))]
		for range rng.IntN(300) {
			file = append(file, byte(rng.Uint32()))
		}
	case 1: // cut
		file = file[:rng.IntN(len(file)+1)]
	case 2: // another file in the middle
		other := files[rng.IntN(len(files))]
		file = slices.Insert(file, rng.IntN(len(file)+1), other[rng.IntN(len(other)+1):]...)
	}
	for range rng.IntN(6) {
		if len(file) == 0 {
			break
		}
		switch i := rng.IntN(len(file)); rng.IntN(3) {
		case 0:
			file[i] ^= 1 << rng.IntN(8)
		case 1:
			file[i] = []byte{0, 1, 0x7f, 0x80, 0xff}[rng.IntN(5)]
		case 2: // a length or a count that is extreme
			copy(file[i&^3:], u32s(orders["little"], []uint32{0, 1, 1 << 20, 1 << 31, 1<<32 - 1, 1<<32 - 4}[rng.IntN(6)]))
		}
	}
	return file
}

func TestMutatedFilesDoNoHarm(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 26))
	files := specimens(t)
	dir := t.TempDir()
	for i := range 2000 {
		file := mutate(rng, files)
		surviveEach(t, file)
		if i%10 == 0 {
			surviveHistory(t, dir, file, mutate(rng, files))
		}
	}
}

// surviveHistory reads two files and a good one as a history, which must give the packets of each.
func surviveHistory(t *testing.T, dir string, files ...[]byte) {
	t.Helper()
	files = append(files, generate(t, NewWriter, 3))
	var paths []string
	want := 0
	for i, file := range files {
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
		packets, _ := survive(t, file, BatchSize)
		want += len(packets)
	}
	h, err := OpenHistory(paths, nil)
	if err != nil {
		var fe *FormatError
		if errors.As(err, &fe) && fe.Name == paths[len(paths)-1] {
			t.Fatalf("the good file: %v", err)
		}
		return
	}
	defer h.Close()
	if got := collect(t, h.Next); len(got) != want {
		t.Fatalf("a history of %d packets, want %d", len(got), want)
	}
	for i, f := range h.Files() {
		if _, damage := survive(t, files[i], BatchSize); (damage == nil) != (f.Damage == nil) || damage != nil && *damage != *f.Damage {
			t.Fatalf("%s: damage %v, want %v", f.Path, f.Damage, damage)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, file := range specimens(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if r, err := NewReader(bytes.NewReader(file), "fuzz"); err == nil && r.packed != "" {
			r.Close()
			t.Skip("compressed: gzip and zstd are fuzzed by their authors")
		}
		surviveEach(t, file)
	})
}

func FuzzHistory(f *testing.F) {
	files := specimens(f)
	for i := range files {
		f.Add(files[i], files[(i+1)%len(files)])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		surviveHistory(t, t.TempDir(), a, b)
	})
}

// A reader that never gives anything, nor ends, is an error and no hang.
func TestIdleReaderIsAnError(t *testing.T) {
	if _, err := NewReader(idle{}, "idle"); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
