package indicator

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Feed is what became of a list.
type Feed struct {
	Name    string // as findings name it
	Format  string // plain, csv, or json
	Entries int    // taken
	Skipped map[Skip]int
}

// FormatError is a list that cannot be read, or of which nothing can be.
type FormatError struct {
	Name   string
	Line   int    // counting from 1; 0: not known
	Offset int64  // of JSON, in octets; 0: not known
	Fault  string // one of the keys of faults
	Found  string // what was found there, or ""
}

// faults are what may be wrong with a list, in English.
var faults = map[string]string{
	"binary":  "it holds binary data",
	"cut":     "it is cut: the document does not end",
	"deep":    "its objects are nested too deep",
	"empty":   "it is empty",
	"entry":   "this is no name, address, URL or digest",
	"follows": "something follows the document",
	"json":    "it is no JSON",
	"long":    "a string or a number is too long",
	"many":    "there are too many lists",
	"nothing": "none of its objects is an indicator",
}

func (e *FormatError) Error() string {
	at, found := "", ""
	switch {
	case e.Line > 0:
		at = fmt.Sprintf(", line %d", e.Line)
	case e.Offset > 0:
		at = fmt.Sprintf(", octet %d", e.Offset)
	}
	if e.Found != "" {
		found = fmt.Sprintf(": %q", e.Found)
	}
	return fmt.Sprintf("%s%s: %s%s; lists of abuse.ch (CSV, JSON), MISP events, STIX 2.1 bundles, and plain lists of names and addresses can be read", e.Name, at, faults[e.Fault], found)
}

// LoadFile adds the list in a file to the set.
func (s *Set) LoadFile(name string) (Feed, error) {
	f, err := os.Open(name)
	if err != nil {
		return Feed{}, err
	}
	defer f.Close() // it was only read
	return s.Load(name, f)
}

// Bounds on what a list may hold.
const (
	maxLine  = 64 << 10 // octets
	maxFeeds = 1 << 16
	maxText  = 200 // octets of a reason
)

// Load adds a list to the set. The format is told by its content: JSON begins with a bracket; a table with a header of
// known columns is one of abuse.ch's; anything else is a plain list, one entry a line. A list of which nothing at all
// can be used is an error, a *FormatError; then, and when reading fails, the set holds what was taken before.
func (s *Set) Load(name string, r io.Reader) (Feed, error) {
	if len(s.feeds) == maxFeeds {
		return Feed{}, &FormatError{Name: name, Fault: "many"}
	}
	l := &loader{
		set: s, feed: Feed{Name: feedName(name), Skipped: map[Skip]int{}}, file: name, id: uint16(len(s.feeds)),
		in: bufio.NewReaderSize(r, maxLine),
	}
	s.feeds = append(s.feeds, l.feed.Name)
	head, err := l.in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return l.feed, fmt.Errorf("read %s: %w", name, err)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = l.in.Discard(3) // is buffered
	}
	for {
		c, err := l.in.ReadByte()
		if err != nil {
			return l.feed, l.fault(0, "empty", "")
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			_ = l.in.UnreadByte() // the last operation was ReadByte
			if c == '{' || c == '[' {
				err = l.json()
			} else {
				err = l.lines()
			}
			return l.feed, err
		}
		if c == '\n' {
			l.line++
		}
	}
}

// loader is a list on its way into the set.
type loader struct {
	set  *Set
	feed Feed
	file string
	id   uint16
	in   *bufio.Reader
	line int // that was read last

	bad     string // what the first malformed entry is
	badLine int
}

func (l *loader) fault(line int, fault, found string) error {
	return &FormatError{Name: l.file, Line: line, Fault: fault, Found: found}
}

// feedName is what people call a list: its file without folder and ending.
func feedName(name string) string {
	base := filepath.Base(name)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// took counts an entry.
func (l *loader) took(skip Skip, text string) {
	switch {
	case skip == "":
		l.feed.Entries++
		return
	case skip == Malformed && l.bad == "":
		l.bad, l.badLine = text, l.line
	}
	l.feed.Skipped[skip]++
}

// done is the error of a list in which nothing was found that is an entry of any sort.
func (l *loader) done() error {
	others := 0
	for skip, n := range l.feed.Skipped {
		if skip != Malformed {
			others += n
		}
	}
	if l.feed.Entries == 0 && others == 0 && l.bad != "" {
		return l.fault(l.badLine, "entry", cut(l.bad, 60))
	}
	return nil
}

// record begins an entry.
func (l *loader) record(confidence float64, reason string) record {
	return record{feed: l.id, confidence: uint8(max(0, min(1, confidence))*100 + 0.5), reason: l.set.reason(cut(strings.TrimSpace(reason), maxText))}
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// nextLine reads a line without its end; ok is false when there is none. One that is too long is empty.
func (l *loader) nextLine() (text string, ok bool, err error) {
	b, err := l.in.ReadSlice('\n')
	l.line++
	long := false
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		_, err = l.in.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, fmt.Errorf("read %s: %w", l.file, err)
	}
	if len(b) == 0 && err != nil {
		return "", false, nil
	}
	if long {
		l.took(Malformed, "a line of more than 64 KiB")
		return "", true, nil
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return "", false, l.fault(l.line, "binary", "")
	}
	return strings.TrimSpace(string(b)), true, nil
}

// stamp reads a time as the lists write it, seconds since the epoch; 0 where there is none.
func stamp(s string) uint32 {
	s = strings.TrimSuffix(strings.TrimSpace(s), " UTC")
	for _, layout := range [...]string{time.DateTime, time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil && t.Unix() > 0 && t.Unix() < 1<<32 {
			return uint32(t.Unix())
		}
	}
	return 0
}
