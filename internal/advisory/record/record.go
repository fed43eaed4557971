// Package record reads the records of published feeds: one at a time, each of bounded size, with the digest that it is
// known by later.
package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds on what strangers write.
const (
	Max         = 16 << 20 // octets of a record
	MaxText     = 1 << 10  // octets of a text that is kept
	MaxAffected = 4096     // products of a record
	MaxVersions = 4096     // runs of versions of a product
)

// Head is what is known of a feed when it was read.
type Head struct {
	Released time.Time // of the catalogue, or the latest change of a record in it; zero where it is not said
	Records  int       // that were read
	Skipped  int       // that were not as their format has them
	Whole    bool      // it is a whole catalogue: one that was in it and is not now was taken out
}

// See notes the date of a record.
func (h *Head) See(t time.Time) {
	h.Records++
	if t.After(h.Released) {
		h.Released = t
	}
}

// ErrFormat is the cause where octets are not of the format that they were taken for.
var ErrFormat = errors.New("not of its format")

// ErrLarge is the cause where something is larger than its bound.
var ErrLarge = errors.New("too large")

// Document reads one JSON document into v and gives its digest.
func Document(r io.Reader, v any) (digest string, err error) {
	data, err := io.ReadAll(io.LimitReader(r, Max+1))
	if err != nil {
		return "", err
	}
	if len(data) > Max {
		return "", fmt.Errorf("%w: more than %d octets", ErrLarge, Max)
	}
	if err := Unmarshal(data, v); err != nil {
		return "", err
	}
	return Digest(data), nil
}

// Unmarshal decodes a record.
func Unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), v); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}

// Digest is the SHA-256 of a record, hexadecimal.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// List reads the records of a document that is a list, or an object with lists as members of those names, and gives each
// as it stands there. Other members go to other, those that are small enough; other may be nil.
func List(r io.Reader, members []string, give func(raw json.RawMessage) error, other func(name string, raw json.RawMessage)) error {
	m := &meter{r: r, left: Max}
	d := json.NewDecoder(m)
	t, err := d.Token()
	switch {
	case err != nil:
		return syntax(d, err)
	case t == json.Delim('['):
		return elements(d, m, give)
	case t != json.Delim('{'):
		return fmt.Errorf("%w: it is neither a list nor an object", ErrFormat)
	}
	for d.More() {
		m.left = Max
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return syntax(d, err)
		}
		if slices.Contains(members, name) {
			t, err := d.Token()
			switch {
			case err != nil:
				return syntax(d, err)
			case t == json.Delim('['):
				if err := elements(d, m, give); err != nil {
					return err
				}
				continue
			case t == nil:
				continue
			case t != json.Delim('{'):
				return fmt.Errorf("%w: at octet %d, %q is no list", ErrFormat, d.InputOffset(), name)
			}
			return fmt.Errorf("%w: at octet %d, %q is one object and no list", ErrFormat, d.InputOffset(), name)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return syntax(d, err)
		}
		if other != nil {
			other(name, raw)
		}
	}
	_, err = d.Token()
	return syntax(d, err)
}

func elements(d *json.Decoder, m *meter, give func(json.RawMessage) error) error {
	for d.More() {
		m.left = Max
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return syntax(d, err)
		}
		if err := give(raw); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return syntax(d, err)
}

func syntax(d *json.Decoder, err error) error {
	switch {
	case err == nil || errors.Is(err, ErrLarge):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ends at octet %d, in the middle", ErrFormat, d.InputOffset())
	}
	var s *json.SyntaxError
	if errors.As(err, &s) {
		return fmt.Errorf("%w: at octet %d: %w", ErrFormat, d.InputOffset(), err)
	}
	return err
}

// meter bounds what is read for one record.
type meter struct {
	r    io.Reader
	left int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("%w: a record has more than %d octets", ErrLarge, Max)
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}

// Text is a text as it is kept: valid UTF-8, and of MaxText octets at most.
func Text(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s[:min(len(s), 2*MaxText)]), "�") // which may take more room
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Texts are a list of texts as it is kept.
func Texts(list []string) (out []string) {
	for _, s := range list[:min(len(list), 64)] {
		if s = Text(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01-02 15:04:05",
	"Jan 2, 2006, 3:04:05 PM", "Jan 2, 2006, 3:04:05\u202fPM",
}

// Time reads a date or time in one of the forms that feeds use; what is none is zero.
func Time(s string) time.Time {
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return time.Time{}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
