package baseline

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"

	"plimsoll.example/plimsoll/internal/durable"
)

// The file is JSON, compressed with gzip: people can read it with zcat, and its checksum tells of damage.
const (
	schema  = "plimsoll.baseline/1"
	maxFile = 64 << 20 // octets of JSON
)

// file is the form on disk.
type file struct {
	Schema string `json:"schema"`
	*Baseline
}

// FileError is a file that is no baseline which can be read. It is left as it is.
type FileError struct {
	Name string
	Kind string // damaged, newer, or other: of another program
	Err  error
}

func (e *FileError) Error() string {
	what := map[string]string{
		"damaged": "it is damaged; bring back a copy, or name another file to learn anew",
		"newer":   "a newer Plimsoll wrote it; use that one, or name another file to learn anew",
		"other":   "it is no baseline; name another file",
	}[e.Kind]
	return fmt.Sprintf("baseline %s: %s (%v)", e.Name, what, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// Load reads a baseline. Of a file that is not there it is empty, and found is false. A file that is damaged, newer than
// this program, or something else is a *FileError.
func Load(name string) (b *Baseline, found bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		b = &Baseline{}
		b.reindex()
		return b, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close() // it was only read
	b, err = Read(f)
	var bad *FileError
	if errors.As(err, &bad) {
		bad.Name = name
	}
	return b, err == nil, err
}

// Read reads a baseline from what Write wrote.
func Read(r io.Reader) (*Baseline, error) {
	in := bufio.NewReader(r)
	if head, err := in.Peek(2); string(head) != "\x1f\x8b" { // RFC 1952, Section 2.3.1
		return nil, &FileError{Kind: "other", Err: cmp.Or(err, errors.New("it is not compressed with gzip"))}
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, &FileError{Kind: "damaged", Err: err}
	}
	data, err := io.ReadAll(io.LimitReader(z, maxFile+1))
	if err != nil {
		return nil, &FileError{Kind: "damaged", Err: err}
	}
	if len(data) > maxFile {
		return nil, &FileError{Kind: "other", Err: fmt.Errorf("it holds more than %d octets", maxFile)}
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, &FileError{Kind: "damaged", Err: err}
	}
	var version int
	if n, _ := fmt.Sscanf(head.Schema, "plimsoll.baseline/%d", &version); n == 0 {
		return nil, &FileError{Kind: "other", Err: fmt.Errorf("its schema is %q", head.Schema)}
	}
	if head.Schema != schema {
		return nil, &FileError{Kind: "newer", Err: fmt.Errorf("its schema is %q, not %q", head.Schema, schema)}
	}
	b := &Baseline{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file{Baseline: b}); err != nil {
		return nil, &FileError{Kind: "damaged", Err: err}
	}
	if err := b.check(); err != nil {
		return nil, &FileError{Kind: "damaged", Err: err}
	}
	b.reindex()
	return b, nil
}

// check finds what this program would not have written.
func (b *Baseline) check() error {
	for i, s := range b.Spans {
		if s.Last < s.First || i > 0 && s.First <= b.Spans[i-1].Last {
			return fmt.Errorf("span %d is out of order", i)
		}
	}
	if len(b.Devices) > maxDevices || len(b.Spans) > maxSpans {
		return errors.New("it holds more than is ever kept")
	}
	seen := map[string]bool{}
	for i, d := range b.Devices {
		if d == nil || len(d.MACs) == 0 || !d.Seen.valid() || len(d.Destinations) > maxDestinations || len(d.Volume) > maxDays || !services(d.Serves) {
			return fmt.Errorf("device %d is not whole", i)
		}
		for _, m := range d.MACs {
			if a, err := net.ParseMAC(m); err != nil || a.String() != m || seen[m] {
				return fmt.Errorf("device %d has the address %q", i, m)
			}
			seen[m] = true
		}
		for j, x := range d.Destinations {
			if x == nil || x.Name == "" || !x.Seen.valid() || !services(x.Services) || len(x.Addresses) > maxAddresses {
				return fmt.Errorf("destination %d of device %d is not whole", j, i)
			}
		}
		for j := range d.Volume {
			if v := d.Volume[j].Day; v < 0 || v > latest || j > 0 && v <= d.Volume[j-1].Day {
				return fmt.Errorf("the days of device %d are out of order", i)
			}
		}
	}
	return nil
}

// latest is a day that no capture has come to: the time of a packet in ns ends in 2262.
const latest = 110_000

func (d Days) valid() bool {
	for i, x := range d {
		if x.Day < 0 || x.Day > latest || x.Hours == 0 || x.Hours >= 1<<24 || i > 0 && x.Day <= d[i-1].Day {
			return false
		}
	}
	return len(d) > 0 && len(d) <= maxDays
}

func services(list []*Service) bool {
	for _, s := range list {
		if s == nil || s.Name == "" || !s.Seen.valid() {
			return false
		}
	}
	return len(list) <= maxServices
}

// Write writes a baseline that Read can read, or none. The same one gives the same octets.
func (b *Baseline) Write(w io.Writer) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	e := json.NewEncoder(&bounded{z, maxFile})
	e.SetEscapeHTML(false)
	if b.Spans == nil {
		b.Spans = []Span{}
	}
	if b.Devices == nil {
		b.Devices = []*Device{}
	}
	if err := e.Encode(file{schema, b}); err != nil {
		return err
	}
	return z.Close()
}

// bounded passes on so many octets at most.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("it would hold more than %d octets, and could not be read again", maxFile)
	}
	return b.w.Write(p)
}

// Save writes a baseline to a file in place of what is there, whole or not at all.
func (b *Baseline) Save(name string) error {
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return durable.WriteFile(name, out.Bytes(), 0o600)
}
