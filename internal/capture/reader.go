package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"plimsoll.example/plimsoll/internal/frame"
)

// Reader reads one capture file, batch by batch. It is for one goroutine.
type Reader struct {
	name   string
	source *source
	stream io.Reader // the capture: source, or what it holds compressed
	packed string    // how it is compressed
	closer []io.Closer
	format format // nil if the file ends within its header

	rest   []byte // octets read and not walked: the beginning of a record
	need   int    // octets without which that record cannot be walked
	skip   int64  // octets to leave out before it
	inside bool   // it is no record, but the end of one
	count  int64  // octets read from the stream
	at     int64  // offset in the stream of what comes after the last record
	err    error  // set once the stream has ended: what Next answers then
	damage *Damage
}

// headSize is how much of a file tells its format: the header of pcap.
const headSize = pcapFileHeader

// Open opens a capture file; "-" is in. A file of another kind is a *FormatError.
func Open(path string, in io.Reader) (*Reader, error) { return open(path, in, 0) }

func open(path string, in io.Reader, file uint16) (*Reader, error) {
	if path == "-" {
		return newReader(in, "standard input", file)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := newReader(f, path, file)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = append(r.closer, f)
	return r, nil
}

// NewReader reads the capture that is in r; name is for messages.
// What is of another kind is a *FormatError.
func NewReader(r io.Reader, name string) (*Reader, error) { return newReader(r, name, 0) }

func newReader(src io.Reader, name string, file uint16) (*Reader, error) {
	r := &Reader{name: name, source: &source{r: src}}
	r.stream = r.source
	head, err := r.head()
	if kind := compression(head); kind != "" {
		r.packed = kind
		unpacked, oops := decompress(kind, io.MultiReader(bytes.NewReader(head), r.source))
		if errors.Is(oops, io.ErrUnexpectedEOF) && r.source.err == nil {
			return nil, r.cut()
		}
		if oops != nil {
			return nil, r.broken(oops)
		}
		r.stream, r.closer = unpacked, append(r.closer, unpacked)
		if head, err = r.head(); compression(head) != "" {
			r.Close()
			return nil, &FormatError{Name: name, Found: "a file that was compressed twice"}
		}
	}
	if len(head) == 0 && errors.Is(err, io.ErrUnexpectedEOF) && r.source.err == nil {
		r.Close()
		return nil, r.cut()
	}
	if err != nil && !errors.Is(err, io.EOF) && (len(head) == 0 || r.source.err != nil) {
		r.Close()
		return nil, r.broken(err)
	}
	if foreign := r.recognise(head, file); foreign != nil {
		r.Close()
		foreign.Name = name
		return nil, foreign
	}
	if err != nil {
		r.end(err)
	}
	return r, nil
}

// cut says that a compressed file ends before anything comes out of it.
func (r *Reader) cut() error {
	return &FormatError{Name: r.name, Found: r.packed + " data that is cut short"}
}

// head reads the beginning of the stream; less than headSize with an error.
func (r *Reader) head() ([]byte, error) {
	head := make([]byte, headSize)
	n, err := fill(r.stream, head)
	return head[:n], err
}

// recognise takes the format from the beginning of the stream.
func (r *Reader) recognise(head []byte, file uint16) (err *FormatError) {
	r.count = int64(len(head))
	if len(head) >= 4 && u32(head, false) == blockSection {
		r.format, err = newPcapng(head, file)
		r.rest, r.need = head, minBlock
		return err
	}
	if _, _, ok := isPcap(head); !ok {
		return &FormatError{Found: describe(head)}
	}
	if len(head) == pcapFileHeader {
		r.format, err = newPcap(head, file)
		r.at = pcapFileHeader
	}
	return err
}

// Next fills b with the next frames, reusing its memory. After the last ones it answers io.EOF, also
// where the file is damaged: see Damage. Where b ends depends on the octets of the file alone.
func (r *Reader) Next(b *Batch) error { return r.next(b, BatchSize) }

// next is Next with room for size octets, or for one record that is larger.
func (r *Reader) next(b *Batch, size int) error {
	b.reset(0)
	for r.err == nil {
		b.reset(max(size, r.need))
		n := copy(b.Data, r.rest)
		m, err := fill(r.stream, b.Data[n:])
		r.count += int64(m)
		b.Data = b.Data[:n+m]
		r.walk(b)
		if err != nil && r.err == nil {
			r.end(err)
		}
		if len(b.Records) > 0 {
			return nil
		}
	}
	return r.err
}

// walk walks the records of b.Data and keeps what is left over for the next batch.
func (r *Reader) walk(b *Batch) {
	from := int(min(r.skip, int64(len(b.Data))))
	r.skip -= int64(from)
	base := r.count - int64(len(b.Data))
	if r.skip > 0 {
		r.rest = r.rest[:0]
		return
	}
	s := r.format.walk(b, from)
	r.at = base + int64(s.used)
	if s.fault != "" {
		r.err, r.damage = io.EOF, &Damage{Offset: r.at, What: s.fault}
		return
	}
	left := b.Data[s.used:]
	if s.skip > 0 {
		r.skip = s.skip - int64(len(left))
		left = nil
	}
	r.rest = append(r.rest[:0], left...)
	r.need, r.inside = s.need, s.inside
}

// end notes that the stream has ended with err, and whether it did so between two records.
func (r *Reader) end(err error) {
	r.err = io.EOF
	switch {
	case r.source.err != nil:
		r.err = r.broken(err)
	case !errors.Is(err, io.EOF):
		r.damage = &Damage{Offset: r.at, What: r.packed + " data", Cut: errors.Is(err, io.ErrUnexpectedEOF)}
	case r.format == nil:
		r.damage = &Damage{What: "file header", Cut: true}
	case r.inside || r.at < r.count:
		r.damage = &Damage{Offset: r.at, What: "record", Cut: true}
	}
}

// broken names the file in an error of reading it, unless the error does.
func (r *Reader) broken(err error) error {
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe):
		return err
	case r.packed != "" && r.source.err == nil:
		return fmt.Errorf("read %s: %s data: %w", r.name, r.packed, err)
	}
	return fmt.Errorf("read %s: %w", r.name, err)
}

// Name is the path or name that the file was opened by.
func (r *Reader) Name() string { return r.name }

// Bytes is how many octets of the file were read, compressed as they are.
func (r *Reader) Bytes() int64 { return r.source.count }

// Packets is the number of the last packet that was read.
func (r *Reader) Packets() uint64 {
	if r.format == nil {
		return 0
	}
	return r.format.packets()
}

// LinkTypes are the link types that the file has announced so far, each once.
func (r *Reader) LinkTypes() []frame.LinkType {
	if r.format == nil {
		return nil
	}
	return r.format.links()
}

// Damage is where the file stops making sense, or nil. It is known once Next has answered io.EOF.
func (r *Reader) Damage() *Damage { return r.damage }

// Close closes the file, if Open opened it.
func (r *Reader) Close() error {
	var err error
	for _, c := range r.closer {
		err = errors.Join(err, c.Close())
	}
	r.closer = nil
	return err
}

// fill reads until p is full or the stream ends, however the reader cuts what it gives.
func fill(r io.Reader, p []byte) (n int, err error) {
	for idle := 0; n < len(p) && err == nil; {
		var m int
		m, err = r.Read(p[n:])
		n += m
		if m > 0 {
			idle = 0
		} else if idle++; err == nil && idle == 100 {
			err = io.ErrNoProgress
		}
	}
	return n, err
}
