package feed

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/internal/durable"
)

// maxFiles bounds the documents of a folder or a zip file; the CVE List has some 350 000.
const maxFiles = 1_000_000

// source is one feed, and what was in it when it was good last.
type source struct {
	Feed
	dir     string // where copies are kept
	fetcher *Fetcher
	aliases *advisory.Aliases

	last  standing
	got   *content           // nil: nothing yet
	print string             // of a file or folder that was read, to see that it changed
	files map[string]fileSum // of a folder
}

// fileSum is a document of a folder, as it was read.
type fileSum struct {
	size int64
	at   time.Time
	content
}

// stem is where the copy of a feed is kept, without ending.
func (s *source) stem() string {
	sum := sha256.Sum256([]byte(s.Location))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:12]))
}

// recall reads what is remembered of the feed from another run.
func (s *source) recall() {
	data, err := os.ReadFile(s.stem() + ".json")
	if err != nil || json.Unmarshal(data, &s.last) != nil || s.last.Location != s.Location {
		s.last = standing{}
	}
	s.last.Location = s.Location
}

// refresh reads the feed if it changed, or, with again, whether it did or not. What is wrong with it leaves the last good
// content in place.
func (s *source) refresh(ctx context.Context, again bool, now time.Time, keep func(*advisory.Advisory) bool) (changed bool, err error) {
	u, err := parseURL(s.Location)
	if err != nil {
		return false, err
	}
	if u == nil {
		return s.local(again, now, keep)
	}
	kept := s.stem() + ".data"
	if s.got == nil || again { // from the copy, so that a server that is away now changes nothing
		if s.last.SHA256 != "" {
			c, err := s.read(kept, keep)
			switch {
			case err == nil:
				s.got, changed = c, true
			case errors.Is(err, fs.ErrNotExist), errors.Is(err, record.ErrFormat), errors.Is(err, ErrUnknown): // it is fetched anew
				s.last = standing{Location: s.Location, Records: s.last.Records, Whole: s.last.Whole, Released: s.last.Released}
			default:
				return false, err
			}
		}
	}
	file, last, fresh, err := s.fetcher.get(ctx, u, s.dir, &s.last)
	if err != nil {
		return changed, fmt.Errorf("fetch %s: %w", u.Redacted(), err)
	}
	if file == "" {
		return changed, nil
	}
	defer os.Remove(file)
	if !fresh {
		s.last = last
		return changed, s.remember()
	}
	c, err := s.read(file, keep)
	if err == nil {
		err = s.last.accept(c, now)
	}
	if err != nil {
		return changed, fmt.Errorf("read %s: %w", u.Redacted(), err)
	}
	if err := os.Rename(file, kept); err != nil {
		return changed, err
	}
	s.took(c, last)
	return true, s.remember()
}

func (s *source) took(c *content, last standing) {
	last.Records, last.Whole = c.Records, c.Whole
	if c.Released.After(last.Released) {
		last.Released = c.Released
	}
	s.last, s.got = last, c
}

func (s *source) remember() error {
	data, err := json.Marshal(s.last)
	if err != nil {
		return err
	}
	return durable.WriteFile(s.stem()+".json", data, 0o600)
}

// local reads a file or folder.
func (s *source) local(again bool, now time.Time, keep func(*advisory.Advisory) bool) (bool, error) {
	info, err := os.Stat(s.Location)
	if err != nil {
		return false, err
	}
	var c *content
	print := ""
	if info.IsDir() {
		c, print, err = s.folder(again, keep)
	} else {
		print = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		if print != s.print || again {
			c, err = s.read(s.Location, keep)
		}
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", s.Location, err)
	}
	if print == s.print && !again {
		return false, nil
	}
	if err := s.last.accept(c, now); err != nil {
		return false, fmt.Errorf("read %s: %w", s.Location, err)
	}
	s.print = print
	s.took(c, s.last)
	return true, s.remember()
}

// read reads a file: a document, or a zip file of them.
func (s *source) read(name string, keep func(*advisory.Advisory) bool) (*content, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := &content{}
	r := bufio.NewReaderSize(io.LimitReader(f, MaxBytes), peeked)
	peek, err := r.Peek(peeked)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.HasPrefix(peek, []byte("PK\x03\x04")) {
		return c, c.take(&s.Feed, s.Location, peek, r, s.aliases, keep)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", record.ErrFormat, err)
	}
	return c, s.zipped(z, c, keep)
}

// zipped reads the JSON documents of a zip file. One that is not of a known format is counted, as in a folder.
func (s *source) zipped(z *zip.Reader, c *content, keep func(*advisory.Advisory) bool) error {
	if len(z.File) > maxFiles {
		return fmt.Errorf("%w: %d files, at most %d are read", record.ErrLarge, len(z.File), maxFiles)
	}
	total := int64(0)
	for _, f := range z.File {
		if !document(f.Name) || f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%w: %w", record.ErrFormat, err)
		}
		counted := &counter{r: io.LimitReader(r, record.Max+1)}
		err = s.one(c, f.Name, counted, keep)
		total += counted.n
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		if total > 8*MaxBytes {
			return fmt.Errorf("%w: it unpacks to more than %d octets", record.ErrLarge, int64(8*MaxBytes))
		}
	}
	return enough(c)
}

// enough makes a collection a whole catalogue, if anything in it could be read.
func enough(c *content) error {
	if c.Records == 0 && c.Skipped > 0 {
		return fmt.Errorf("%w: of its %d documents none could be read", record.ErrFormat, c.Skipped)
	}
	c.Whole = true
	return nil
}

// one reads a document of a collection.
func (s *source) one(c *content, name string, r io.Reader, keep func(*advisory.Advisory) bool) error {
	in := bufio.NewReaderSize(r, peeked)
	peek, err := in.Peek(peeked)
	if err == nil || errors.Is(err, io.EOF) {
		err = c.take(&s.Feed, s.Location+"#"+name, peek, in, s.aliases, keep)
	}
	switch {
	case errors.Is(err, ErrUnknown), errors.Is(err, record.ErrFormat), errors.Is(err, zip.ErrChecksum):
		c.Skipped++
		return nil
	}
	return err
}

func document(name string) bool {
	base := filepath.Base(name)
	return strings.EqualFold(filepath.Ext(base), ".json") && !strings.HasPrefix(base, ".") && base != "delta.json" && base != "deltaLog.json"
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// folder reads the documents of a folder that changed. Links are not followed.
func (s *source) folder(again bool, keep func(*advisory.Advisory) bool) (*content, string, error) {
	sum, found := sha256.New(), map[string]fileSum{}
	err := filepath.WalkDir(s.Location, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !document(name) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // gone since
				return nil
			}
			return err
		}
		if len(found) >= maxFiles {
			return fmt.Errorf("%w: more than %d files", record.ErrLarge, maxFiles)
		}
		fmt.Fprintln(sum, name, info.Size(), info.ModTime().UnixNano())
		found[name] = fileSum{size: info.Size(), at: info.ModTime()}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	print := hex.EncodeToString(sum.Sum(nil))
	if print == s.print && !again {
		return s.got, print, nil
	}
	c := &content{}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := found[name]
		if was, ok := s.files[name]; ok && !again && was.size == f.size && was.at.Equal(f.at) {
			f = was
		} else if err := s.file(name, &f, keep); err != nil {
			return nil, "", err
		}
		found[name] = f
		c.add(&f.content)
	}
	if err := enough(c); err != nil {
		return nil, "", err
	}
	s.files = found
	return c, print, nil
}

func (s *source) file(name string, f *fileSum, keep func(*advisory.Advisory) bool) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	return s.one(&f.content, filepath.Base(name), io.LimitReader(in, record.Max+1), keep)
}

func (c *content) add(d *content) {
	c.Advisories = append(c.Advisories, d.Advisories...)
	c.Bills = append(c.Bills, d.Bills...)
	c.Records += d.Records
	c.Skipped += d.Skipped
	if d.Source != "" {
		c.Source = d.Source
	}
	if d.Released.After(c.Released) {
		c.Released = d.Released
	}
}
