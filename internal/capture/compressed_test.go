package capture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func gzipped(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, part := range parts { // one member each
		w := gzip.NewWriter(&buf)
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

func TestCompressedFilesReadAsPlainOnes(t *testing.T) {
	for name, start := range writers {
		plain := generate(t, start, 2000)
		want, _ := read(t, plain)
		half := len(plain) / 2
		skippable := join([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, []byte("note"))
		for packing, file := range map[string][]byte{
			"gzip":            gzipped(t, plain),
			"gzip, 3 members": gzipped(t, plain[:10], plain[10:half], plain[half:]),
			"zstd":            zstandard(t, plain),
			"zstd, 2 frames":  join(skippable, zstandard(t, plain[:half]), skippable, zstandard(t, plain[half:])),
		} {
			t.Run(name+"/"+packing, func(t *testing.T) {
				got, r := read(t, file)
				if !slices.Equal(got, want) || r.Damage() != nil {
					t.Errorf("%d packets, want %d; damage %v", len(got), len(want), r.Damage())
				}
				if r.Bytes() != int64(len(file)) {
					t.Errorf("%d octets read of %d", r.Bytes(), len(file))
				}
			})
		}
	}
}

func TestCutCompressedFileIsReadToTheCut(t *testing.T) {
	plain := generate(t, NewWriter, 20_000)
	for name, file := range map[string][]byte{"gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
		t.Run(name, func(t *testing.T) {
			got, r := read(t, file[:len(file)/2])
			d := r.Damage()
			if len(got) < 1000 || len(got) >= 20_000 {
				t.Errorf("%d packets", len(got))
			}
			if d == nil || !d.Cut || d.What != name+" data" || d.Offset <= 0 || d.Offset >= int64(len(plain)) {
				t.Errorf("damage %+v", d)
			}
			file[len(file)/2] ^= 0x55
			file[len(file)/2+1] ^= 0x55
			if _, r := read(t, file); r.Damage() == nil {
				t.Error("corrupt data give no damage")
			}
		})
	}
}

func TestTwiceCompressedIsRefused(t *testing.T) {
	plain := generate(t, NewWriter, 5)
	for name, file := range map[string][]byte{
		"gzip in gzip": gzipped(t, gzipped(t, plain)),
		"zstd in gzip": gzipped(t, zstandard(t, plain)),
		"gzip in zstd": zstandard(t, gzipped(t, plain)),
	} {
		_, err := NewReader(bytes.NewReader(file), "x")
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(fe.Found, "twice") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestCompressedRubbishIsAnError(t *testing.T) {
	for name, file := range map[string]string{
		"gzip header only": "\x1f\x8b\x08\x00",
		"zstd header only": "\x28\xb5\x2f\xfd",
		"gzip rubbish":     "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff",
	} {
		if _, err := NewReader(strings.NewReader(file), "some.file"); err == nil || !strings.Contains(err.Error(), "some.file") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	var fe *FormatError
	if _, err := NewReader(bytes.NewReader(gzipped(t, []byte("hello"))), "x"); !errors.As(err, &fe) || fe.Found != `the text "hello"` {
		t.Errorf("gzip of a text: error %v", err)
	}
}

func TestLargeZstdWindowIsRefused(t *testing.T) {
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, bytes.NewReader(generate(t, NewWriter, 20_000))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewReader(&buf, "x"); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("error %v", err)
	}
}

// A bomb is only a long capture of empty frames: it takes time, not memory.
func TestBombTakesNoMemory(t *testing.T) {
	empty := join(pcapHeader(orders["little"], pcapMicro, 4, 1), make([]byte, 64<<20))
	for name, file := range map[string][]byte{"gzip": gzipped(t, empty), "zstd": zstandard(t, empty)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := NewReader(bytes.NewReader(file), name)
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		var n uint64
		for r.Next(&b) == nil {
			n += uint64(len(b.Records))
		}
		runtime.ReadMemStats(&after)
		if n != 4<<20 || n != r.Packets() {
			t.Errorf("%s: %d packets", name, n)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
			t.Errorf("%s: %d octets allocated", name, used)
		}
	}
}
