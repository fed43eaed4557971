package home

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/mudcache"
)

// ExportSchema names the shape of Export, which schema/home-export.json describes.
const ExportSchema = "plimsoll.home.export/1"

// Export is all that a household knows of its devices, decided, and says of itself. What its devices did is not in it, nor who
// may come in.
type Export struct {
	Schema    string            `json:"schema"`
	Version   string            `json:"version"` // of the program
	At        time.Time         `json:"at"`
	Devices   []*Device         `json:"devices"`
	Decisions []*Decision       `json:"decisions"` // the oldest first, the last MaxDecisions
	Files     []*File           `json:"files"`     // that devices are held to, were offered, or were decided about
	Makers    []*mudcache.Entry `json:"makers"`    // what is kept of their MUD URLs: who signed which file
	Notes     []Note            `json:"notes"`     // of findings that somebody did something about
	Settings  *Settings         `json:"settings,omitempty"`
	Ticks     []*Ticked         `json:"ticks,omitempty"` // of Lists
}

// Note is what the household did about a finding.
type Note struct {
	Kind   finding.Kind `json:"kind"`
	Device string       `json:"device"` // its ID
	Role   finding.Role `json:"role"`
	Key    string       `json:"key,omitempty"` // see finding.Finding
	State  NoteState    `json:"state"`
	Last   time.Time    `json:"last"`
}

// Bounds of an export.
const (
	MaxExport    = 64 << 20 // octets
	MaxDecisions = 20_000
	maxFiles     = 2*MaxDevices + 512
	MaxTicks     = 10_000
	maxNotes     = 10_000
)

func newExport() *Export {
	return &Export{Devices: []*Device{}, Decisions: []*Decision{}, Files: []*File{}, Makers: []*mudcache.Entry{}, Notes: []Note{}}
}

// Export is what is to be exported, but for what is kept of MUD URLs.
func (h *Household) Export(ctx context.Context, version string) (*Export, error) {
	h.deciding.Lock() // so that devices and decisions are of one moment
	defer h.deciding.Unlock()
	x := newExport()
	x.Schema, x.Version, x.At = ExportSchema, version, h.Now().UTC()
	for _, d := range h.Devices() {
		c := d.clone()
		if c.MACs == nil { // known by what was decided about it alone
			continue
		}
		c.Label = nil // it follows from its file, and is old where it is read
		x.Devices = append(x.Devices, c)
	}
	if err := h.Ledger.Contents(ctx, x); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	x.Notes = slices.DeleteFunc(x.Notes, func(n Note) bool { // of devices that are no more
		return !slices.ContainsFunc(x.Devices, func(d *Device) bool { return d.HasID(n.Device) })
	})
	x.Notes = x.Notes[:min(len(x.Notes), maxNotes)]
	return x, nil
}

// ErrExport is the cause where a file is no export, or not one that can be taken in.
var ErrExport = errors.New("cannot be taken in")

// ParseExport reads an export, whoever wrote it, and checks all that is in it. The error says where in the file
// something is wrong.
func ParseExport(r io.Reader) (*Export, error) {
	x := newExport()
	in := &io.LimitedReader{R: r, N: MaxExport + 1}
	d := json.NewDecoder(in)
	d.DisallowUnknownFields()
	err := x.read(d)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows it")
		}
	}
	switch {
	case in.N <= 0:
		err = fmt.Errorf("it has more than %d octets", MaxExport)
	case err == nil:
		err = x.check()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it ends too early")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExport, err)
	}
	return x, nil
}

// read reads one member after the other, so that what is too much is not read, and the error can say where it is.
func (x *Export) read(d *json.Decoder) error {
	if err := delimiter(d, '{', ""); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if seen[name] {
			return fmt.Errorf("%s: it is there twice", name)
		}
		if seen[name] = true; name != "schema" && !seen["schema"] {
			return errors.New("schema: it must come first")
		}
		switch name {
		case "schema":
			if err = member(d, name, &x.Schema); err == nil && x.Schema != ExportSchema {
				err = fmt.Errorf("schema: it is %.40q, and this program knows %s", x.Schema, ExportSchema)
			}
		case "version":
			err = member(d, name, &x.Version)
		case "at":
			err = member(d, name, &x.At)
		case "devices":
			err = members(d, name, MaxDevices, &x.Devices)
		case "decisions":
			err = members(d, name, MaxDecisions, &x.Decisions)
		case "files":
			err = members(d, name, maxFiles, &x.Files)
		case "makers":
			err = members(d, name, mudcache.MaxEntries, &x.Makers)
		case "notes":
			err = members(d, name, maxNotes, &x.Notes)
		case "settings":
			err = member(d, name, &x.Settings)
		case "ticks":
			err = members(d, name, MaxTicks, &x.Ticks)
		default:
			err = fmt.Errorf("%.80q: no such member is known", name)
		}
		if err != nil {
			return err
		}
	}
	if err := delimiter(d, '}', ""); err != nil {
		return err
	}
	for _, name := range []string{"schema", "devices", "decisions", "files"} {
		if !seen[name] {
			return fmt.Errorf("%s: it is missing", name)
		}
	}
	return nil
}

func delimiter(d *json.Decoder, want json.Delim, path string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != want {
		return at(path, fmt.Errorf("a %s is expected", string(rune(want))))
	}
	return nil
}

// at says where an error is.
func at(path string, err error) error {
	if path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func member(d *json.Decoder, path string, v any) error {
	if err := d.Decode(v); err != nil {
		return at(path, reason(err))
	}
	return nil
}

// members reads a list of at most limit.
func members[T any](d *json.Decoder, path string, limit int, list *[]T) error {
	if err := delimiter(d, '[', path); err != nil {
		return err
	}
	for i := 0; d.More(); i++ {
		if i == limit {
			return fmt.Errorf("%s: it has more than %d", path, limit)
		}
		var raw json.RawMessage
		where := fmt.Sprintf("%s[%d]", path, i)
		if err := member(d, where, &raw); err != nil {
			return err
		}
		if bytes.Equal(raw, []byte("null")) {
			return at(where, errors.New("it is null"))
		}
		var v T
		strict := json.NewDecoder(bytes.NewReader(raw))
		strict.DisallowUnknownFields()
		if err := member(strict, where, &v); err != nil {
			return err
		}
		*list = append(*list, v)
	}
	return delimiter(d, ']', path)
}

// reason is an error of package json, with the member that it is in.
func reason(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fmt.Errorf("%s: a %s is no %s", kind.Field, kind.Value, kind.Type)
	}
	return err
}
