// Package trust is what labels are held against: the bundles of the registries that a household trusts, fetched, verified,
// kept, and looked for again. Of a registry it believes what its key signed, and that time does not go back.
package trust

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/label"
)

// Interval is how often a registry is asked for what is new. It answers in some hundred octets that nothing is.
const Interval = 15 * time.Second

// TTL is how old a bundle may be before its word that a label is active is not taken. Registries make one each hour.
const TTL = 24 * time.Hour

// ahead is how far a registry’s clock may be before ours.
const ahead = time.Hour

// What a registry can do that its bundle is not taken, beside what label.ParseBundle finds.
var (
	ErrRolledBack = errors.New("the bundle is older than the one that is kept")
	ErrRewritten  = errors.New("the bundle has another log than the one that is kept")
	ErrFuture     = errors.New("the bundle is of a time yet to come: this clock, or the registry’s, is wrong")
	ErrNone       = errors.New("nothing was had of the registry yet")
)

// Source is a registry whose word is taken. Any number of goroutines may use it.
type Source struct {
	URL    string            // https, or http to an address in Allow
	Key    ed25519.PublicKey // of the registry
	Dir    string            // where its last good bundle is kept
	Allow  []netip.Prefix    // addresses that may be connected to although they are not on the Internet
	Roots  *x509.CertPool    // who may vouch for the server; nil: the system’s
	Agent  string            // what we call ourselves
	Now    func() time.Time
	client *http.Client

	asking sync.Mutex // by one at a time
	mu     sync.Mutex // of what follows
	kept   *label.Trust
	tag    string // ETag of what is kept
}

// Open checks the address of a source and reads what was kept of it: once, before all else. A file that is not good is as
// one that is not there, and said.
func (s *Source) Open() error {
	if err := s.connect(); err != nil {
		return err
	}
	data, err := os.ReadFile(s.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := label.ParseBundle(data, s.Key)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.file(), err)
	}
	t.TTL = TTL
	s.kept = t
	return nil
}

// file is where the bundle is kept: another key is another source.
func (s *Source) file() string {
	sum := sha256.Sum256(append([]byte(s.URL+"\n"), s.Key...))
	return filepath.Join(s.Dir, fmt.Sprintf("%x.bundle", sum[:8]))
}

// Trust is the last good bundle, or nil.
func (s *Source) Trust() *label.Trust {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

// Verify says what is known of a label by the last good bundle. The error is of label.Trust.Verify, or ErrNone.
func (s *Source) Verify(e *label.Envelope) (*label.Verdict, error) {
	t := s.Trust()
	if t == nil {
		return &label.Verdict{Status: label.Unknown}, ErrNone
	}
	return t.Verify(e, "", s.Now())
}

// Refresh asks the registry for its bundle, unless it is as it was, and takes it if it is good. What is not good changes
// nothing: the last good one is kept.
func (s *Source) Refresh(ctx context.Context) (changed bool, err error) {
	s.asking.Lock()
	defer s.asking.Unlock()
	s.mu.Lock()
	kept, tag := s.kept, s.tag
	s.mu.Unlock()
	a, err := s.get(ctx, "/api/v1/bundle", tag, label.MaxBundle)
	if err != nil || a.unchanged {
		return false, err
	}
	next, err := label.ParseBundle(a.body, s.Key)
	if err != nil {
		return false, fmt.Errorf("bundle of %s: %w", s.URL, err)
	}
	if err := Follows(kept, next, s.Now()); err != nil {
		return false, fmt.Errorf("bundle of %s: %w", s.URL, err)
	}
	next.TTL = TTL
	if err = os.MkdirAll(s.Dir, 0o700); err == nil {
		err = durable.WriteFile(s.file(), a.body, 0o600)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.tag = next, a.tag
	return true, err // what could not be kept counts all the same
}

// Follows says why a bundle cannot come after the one that is kept.
func Follows(kept, next *label.Trust, now time.Time) error {
	if next.Made.Sub(now) > ahead {
		return fmt.Errorf("%w: %s", ErrFuture, next.Made.UTC().Format(time.RFC3339))
	}
	if kept == nil {
		return nil
	}
	if next.Made.Before(kept.Made) {
		return fmt.Errorf("%w: %s is before %s", ErrRolledBack, next.Made.UTC().Format(time.RFC3339), kept.Made.UTC().Format(time.RFC3339))
	}
	for i, root := range kept.Landmarks {
		day := kept.FirstDay + label.Day(i)
		if root == ([32]byte{}) {
			continue
		}
		if day < next.FirstDay || int(day-next.FirstDay) >= len(next.Landmarks) || next.Landmarks[day-next.FirstDay] != root {
			return fmt.Errorf("%w: the landmark of %s", ErrRewritten, day)
		}
	}
	return nil
}
