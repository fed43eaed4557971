package capture

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"plimsoll.example/plimsoll/internal/frame"
)

// History reads several capture files as one, in the order of their times. Files that do not overlap are
// read one after the other, their batches handed on as they are; those that do are merged. A file is open
// only while the history is within it. It is for one goroutine.
type History struct {
	in      io.Reader
	files   []file    // as given
	pending []int     // files not begun, earliest first
	open    []*cursor // files begun: a heap, see merge
	err     error     // what Next answers from here on
}

// File is what is known so far of one file of a history.
type File struct {
	Path    string
	Size    int64  // in octets, 0 if it cannot be known
	Bytes   int64  // of them read
	Packets uint64 // read
	Links   []frame.LinkType
	Damage  *Damage // nil: none found
}

type file struct {
	File
	first  int64   // time of the first frame
	cursor *cursor // nil: not open
}

// peekSize is enough to see the first frame of nearly all files.
const peekSize = 4 << 10

// OpenHistory looks into each file, to order them by the time of their first frame; "-" is in.
// A file that cannot be read is an error that names it: a *FormatError if it is no capture.
func OpenHistory(paths []string, in io.Reader) (*History, error) {
	if len(paths) > math.MaxUint16+1 {
		return nil, fmt.Errorf("%d files are too many: at most %d make one history", len(paths), math.MaxUint16+1)
	}
	h := &History{in: in, files: make([]file, len(paths))}
	var peek Batch
	stdin := false
	for i, path := range paths {
		if path == "-" && stdin {
			h.Close()
			return nil, errors.New("standard input is given twice")
		}
		stdin = stdin || path == "-"
		h.files[i].Path = path
		if err := h.peek(i, &peek); err != nil {
			h.Close()
			return nil, err
		}
	}
	slices.SortStableFunc(h.pending, func(i, j int) int { return cmp.Compare(h.files[i].first, h.files[j].first) })
	return h, nil
}

// peek reads the first frame of file i. The file stays open if it is the only one, or can be read only once.
func (h *History) peek(i int, peek *Batch) error {
	c, err := h.begin(i)
	if err != nil {
		return err
	}
	h.pending = append(h.pending, i)
	f := &h.files[i]
	again := false
	if f.Path != "-" {
		if info, err := os.Stat(f.Path); err == nil && info.Mode().IsRegular() {
			again, f.Size = true, info.Size()
		}
	}
	if len(h.files) == 1 {
		return nil
	}
	size := peekSize
	if !again {
		peek, size = &c.batch, BatchSize
	}
	switch err := c.Reader.next(peek, size); {
	case errors.Is(err, io.EOF):
		h.pending = h.pending[:len(h.pending)-1]
		return f.finish()
	case err != nil:
		return err
	}
	f.first = peek.Records[0].Time
	if again {
		f.cursor = nil
		return c.Close()
	}
	return nil
}

// begin opens file i, unless it is open.
func (h *History) begin(i int) (*cursor, error) {
	f := &h.files[i]
	if f.cursor == nil {
		r, err := open(f.Path, h.in, uint16(i))
		if err != nil {
			return nil, err
		}
		f.cursor = &cursor{Reader: r, file: i}
	}
	return f.cursor, nil
}

// finish closes a file, and keeps what is known of it.
func (f *file) finish() error {
	f.note()
	err := f.cursor.Close()
	f.cursor = nil
	return err
}

// note brings up to date what is known of a file.
func (f *file) note() {
	if r := f.cursor; r != nil {
		f.Bytes, f.Packets, f.Links, f.Damage = r.Bytes(), r.Packets(), r.LinkTypes(), r.Damage()
	}
}

// Next fills b with the next frames. After the last ones it answers io.EOF. Frames of one file keep the
// order that they have there; those of several with the same time are in the order of the files as given.
func (h *History) Next(b *Batch) error {
	b.reset(0)
	for h.err == nil {
		switch {
		case len(h.open) == 0 && len(h.pending) == 0:
			h.err = io.EOF
		case len(h.open) == 0:
			h.err = h.advance()
		case len(h.open) == 1 && h.open[0].empty():
			h.err = h.pass(b)
		default:
			h.err = h.merge(b)
		}
		if len(b.Records) > 0 {
			return nil
		}
	}
	return h.err
}

// pass reads the next batch of the only open file into b, and keeps it back if there are frames of
// others to come in between.
func (h *History) pass(b *Batch) error {
	c := h.open[0]
	switch err := c.Reader.Next(b); {
	case errors.Is(err, io.EOF):
		return h.drop()
	case err != nil:
		return err
	}
	if !h.alone(b.Records, c.file) {
		c.put(b)
	}
	return nil
}

// Files tells what is known so far of each file, as given.
func (h *History) Files() []File {
	files := make([]File, len(h.files))
	for i := range h.files {
		h.files[i].note()
		files[i] = h.files[i].File
	}
	return files
}

// Bytes is how many octets of all files were read, compressed as they are.
func (h *History) Bytes() int64 {
	var n int64
	for i := range h.files {
		h.files[i].note()
		n += h.files[i].Bytes
	}
	return n
}

// Close closes what is open. What is known of the files stays known.
func (h *History) Close() error {
	var err error
	for i := range h.files {
		if h.files[i].cursor != nil {
			err = errors.Join(err, h.files[i].finish())
		}
	}
	h.open, h.pending = nil, nil
	return err
}
