package enforce

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/frame"
)

// Said is what DNS told a device.
type Said struct {
	MAC       frame.MAC    `json:"mac"`
	Names     []string     `json:"names"`
	Addresses []netip.Addr `json:"addresses"`
	Until     time.Time    `json:"until"`
}

// Journal keeps what DNS told devices in a file, a line for each answer, so that after a crash the same names lead to
// the same addresses. It is written before the device is told; a power cut may lose the last of it, and then devices ask
// again. Any number of goroutines may use it.
type Journal struct {
	name string
	now  func() time.Time

	mu    sync.Mutex
	file  *os.File
	size  int
	known map[string]Said // by device and names
	err   error
	tried time.Time // when it was last tried to write all of it
}

// Bounds of a journal: octets of its file, and answers.
const (
	maxJournal = 8 << 20
	maxSaid    = 20_000
	// kept is how long after its end an answer is kept: conversations that it led to may live on.
	kept = time.Hour
)

// OpenJournal opens a journal, and makes it if it is not there. Lines that are not whole are left out.
func OpenJournal(name string, now func() time.Time) (*Journal, error) {
	j := &Journal{name: name, now: now, known: map[string]Said{}}
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open journal of names: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s Said
		if json.Unmarshal(lines.Bytes(), &s) == nil && len(s.Names) > 0 && len(j.known) < maxSaid {
			j.known[s.key()] = s
		}
	}
	j.err = j.rewrite()
	return j, j.err
}

func (s *Said) key() string {
	b := make([]byte, 0, 128)
	b = append(b, s.MAC[:]...)
	for _, n := range s.Names {
		b = append(append(b, n...), ' ')
	}
	for _, a := range s.Addresses {
		b = a.AppendTo(append(b, ' '))
	}
	return string(b)
}

// Add takes note of an answer. What cannot be written is remembered all the same; Fault says why.
func (j *Journal) Add(s Said) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := s.key()
	old, ok := j.known[k]
	if ok && !s.Until.After(old.Until) || !ok && len(j.known) >= maxSaid {
		return
	}
	s.Names = append([]string(nil), s.Names...)
	s.Addresses = append([]netip.Addr(nil), s.Addresses...)
	for i, n := range s.Names {
		s.Names[i] = strings.Clone(n)
	}
	j.known[k] = s
	line, err := json.Marshal(s)
	if err != nil {
		return
	}
	if j.size+len(line) >= maxJournal {
		j.err = j.rewrite()
		return
	}
	if j.err != nil || j.file == nil { // Fault writes all of it, when it can
		return
	}
	n, err := j.file.Write(append(line, '\n'))
	j.size += n
	if j.err = err; err != nil && n > 0 {
		_, _ = j.file.WriteString("\n") // what follows is a line of its own
	}
}

// Forget leaves out what a device was told.
func (j *Journal) Forget(m frame.MAC) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := len(j.known)
	for k, s := range j.known {
		if s.MAC == m {
			delete(j.known, k)
		}
	}
	if len(j.known) < n {
		j.err = j.rewrite()
	}
}

// rewrite leaves out what is over.
func (j *Journal) rewrite() error {
	var b bytes.Buffer
	for k, s := range j.known {
		if j.now().After(s.Until.Add(kept)) {
			delete(j.known, k)
			continue
		}
		line, err := json.Marshal(s)
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	if err := durable.WriteFile(j.name, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("keep journal of names: %w", err)
	}
	if j.file != nil { // which has no name any more
		_ = j.file.Close()
		j.file = nil
	}
	f, err := os.OpenFile(j.name, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep journal of names: %w", err)
	}
	j.file, j.size = f, b.Len()
	return nil
}

// All is what is known.
func (j *Journal) All() []Said {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make([]Said, 0, len(j.known))
	for _, s := range j.known {
		list = append(list, s)
	}
	return list
}

// retry is how often it is tried to write what could not be written.
const retry = 2 * time.Second

// Fault is why answers are not written, or nil. It tries again now and then.
func (j *Journal) Fault() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil && time.Since(j.tried) >= retry {
		j.tried = time.Now()
		j.err = j.rewrite()
	}
	return j.err
}

// Close closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
