package capture

import (
	"bufio"
	"compress/gzip"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow bounds the memory of decompression. It is what a decoder should support at least
	// (RFC 8878, Section 3.1.1.1.2) and what the usual compression levels stay below.
	zstdWindow = 8 << 20
	// compressedRead is how much of a compressed file is read at a time.
	compressedRead = 32 << 10
)

// compression names how a file that begins with head is compressed: "gzip", "zstd" or "".
func compression(head []byte) string {
	switch s := string(head[:min(len(head), 4)]); {
	case strings.HasPrefix(s, "\x1f\x8b"):
		return "gzip"
	case s == "\x28\xb5\x2f\xfd", len(s) == 4 && s[0]&0xf0 == 0x50 && s[1:] == "\x2a\x4d\x18": // a frame, a skippable one
		return "zstd"
	}
	return ""
}

// decompress reads what r holds compressed. Its memory does not depend on what comes out.
func decompress(kind string, r io.Reader) (io.ReadCloser, error) {
	if kind == "gzip" {
		d, err := gzip.NewReader(bufio.NewReaderSize(r, compressedRead))
		if err != nil {
			return nil, err
		}
		return io.NopCloser(d), nil // its Close frees nothing, and answers the error that Read gave
	}
	// One goroutine: the caller's. More would each hold blocks.
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// source is a file's own octets, counted. It tells the errors of reading them from those of
// decompressing them.
type source struct {
	r     io.Reader
	count int64
	err   error // other than io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.count += int64(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
