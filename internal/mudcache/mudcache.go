// Package mudcache is the half of a MUD manager (RFC 8520 §1.6) that gets the files: it fetches them from their makers’
// servers, verifies who signed them, keeps what was good, and looks for newer ones when it is time.
package mudcache

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/mud"
)

// State says what is known of who wrote a file.
type State string

// The states.
const (
	Verified State = "verified" // signed by somebody who is trusted
	Unsigned State = "unsigned" // names no signature: for its owner to approve
	Refused  State = "refused"  // its signature is missing or not good, or its signer not trusted: for an administrator to approve
	Waiting  State = "waiting"  // cannot be judged before the clock is set
)

// Version is a MUD file as it was fetched at one time.
type Version struct {
	SHA256    string    `json:"sha256"` // of File
	Fetched   time.Time `json:"fetched"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"`      // why it is not verified
	Signer    string    `json:"signer,omitempty"`      // subject of the signer’s certificate
	Anchor    string    `json:"anchor,omitempty"`      // SHA-256 of the certificate that the signer’s chain leads to
	Signed    time.Time `json:"signed,omitzero"`       // when, as the signer says
	Expired   bool      `json:"expired,omitempty"`     // the signer’s certificate has expired since
	Approved  string    `json:"approved_by,omitempty"` // who said yes to these octets
	Notes     []string  `json:"notes,omitempty"`       // harmless departures from RFC 8520
	File      []byte    `json:"file"`
	Signature []byte    `json:"signature,omitempty"`
}

// Usable reports whether a device may be held to it.
func (v *Version) Usable() bool { return v != nil && (v.State == Verified || v.Approved != "") }

// sameSigner reports whether the same entity, under the same anchor, signed both.
func (v *Version) sameSigner(w *Version) bool { return v.Signer == w.Signer && v.Anchor == w.Anchor }

// Entry is what is kept of one MUD URL.
type Entry struct {
	URL     string   `json:"url"`
	Current *Version `json:"current,omitempty"` // the last good one, which is in use
	Next    *Version `json:"next,omitempty"`    // fetched, and in use only when somebody approves it

	Checked      time.Time `json:"checked,omitzero"` // when the server was last asked with success
	Due          time.Time `json:"due,omitzero"`     // when it may be asked again (RFC 8520 §3.5)
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	Fault        string    `json:"fault,omitempty"` // why the last try failed; "" if it did not
	Cause        string    `json:"cause,omitempty"` // which of the package's errors that was, by its text
	Faults       int       `json:"faults,omitempty"`
}

// Bounds on what is kept.
const (
	MaxEntries = 512 // URLs; a device can make up as many as it likes
	maxEntry   = 4 * (MaxFile + mud.MaxSignature)
)

// Times between two looks at a server.
const (
	defaultValidity = 48 * time.Hour // RFC 8520 §3.5
	maxValidity     = 30 * 24 * time.Hour
	firstRetry      = 10 * time.Minute
	maxRetry        = 24 * time.Hour
)

// ErrFull is the cause where there is no room for another URL.
var ErrFull = errors.New("the cache of MUD files is full")

// Cache keeps MUD files in a folder. Any number of goroutines may use it; one process must.
type Cache struct {
	Dir     string
	Fetcher Fetcher
	Anchors []*x509.Certificate // who may sign
	// Accept says whether a newer version that is verified, of the same signer, may take the place of an older one
	// without asking. Nil means never.
	Accept func(old, next *Version) bool
	Log    *slog.Logger

	mu    sync.Mutex // guards what follows
	busy  map[string]*turn
	count int // URLs kept, at the most; 0: not counted yet
}

// turn is who is at work on a URL, and how many wait.
type turn struct {
	sync.Mutex
	users int
}

// Get returns what is kept of a MUD URL, after asking its server if it is time to. signer is what mud.Mudsigner says of
// the device, or nil. When the server gives nothing good the error says why, and the entry, if there is one, still has
// the last good file: expiry neither discards a file nor revokes what it allows (RFC 8520 §3.5).
func (c *Cache) Get(ctx context.Context, link string, signer []byte) (*Entry, error) {
	u, err := parseURL(link)
	if err != nil {
		return nil, fmt.Errorf("get MUD file %.200q: %w", link, err)
	}
	link = u.String()
	defer c.lock(link)()
	e, err := c.load(link)
	if err != nil {
		return nil, err
	}
	now := c.Fetcher.now()
	// a time that is yet to come was written when the clock was wrong
	if now.Before(e.Due) && e.Due.Sub(now) <= maxValidity && e.Fault == "" || e.Fault != "" && now.Before(e.Due) && e.Due.Sub(now) <= maxRetry {
		if e.Fault != "" {
			return e, e.failed()
		}
		return e, c.holds(e, signer)
	}
	if err := c.room(e); err != nil {
		return nil, err
	}
	fault := c.refresh(ctx, e, u, signer)
	if ctx.Err() != nil || errors.Is(fault, mud.ErrClock) {
		return e, fault // nothing was learned
	}
	if fault != nil {
		e.Fault, e.Cause = fault.Error(), cause(fault)
		e.Due = now.Add(min(maxRetry, firstRetry<<min(e.Faults, 10)))
		e.Faults++
	} else {
		e.Fault, e.Cause, e.Faults = "", "", 0
	}
	return e, errors.Join(fault, c.save(e), c.holds(e, signer))
}

// kept is a fault of an earlier try.
type kept struct {
	text  string
	cause error // one of the package's errors, or nil
}

func (k *kept) Error() string { return k.text }
func (k *kept) Unwrap() error { return k.cause }

// failed is the fault of the last try, which wraps the same of the package's errors as it did then.
func (e *Entry) failed() error {
	k := &kept{text: e.Fault}
	for _, c := range faults {
		if c.Error() == e.Cause {
			k.cause = c
		}
	}
	return k
}

// cause is the text of the package's error that a fault wraps, or "".
func cause(fault error) string {
	for _, c := range faults {
		if errors.Is(fault, c) {
			return c.Error()
		}
	}
	return ""
}

// holds reports, as an error, that a device names another signer than that of the version in use, which another device
// with the same URL may have brought.
func (c *Cache) holds(e *Entry, signer []byte) error {
	v := e.Current
	if signer == nil || v == nil || v.State != Verified {
		return nil
	}
	_, err := mud.VerifySignature(v.File, v.Signature, mud.Trust{Anchors: c.Anchors, Signer: signer, Now: c.Fetcher.now(), Floor: c.Fetcher.Floor})
	return err
}

// refresh asks the server. What it brings is judged before anything in it is believed.
func (c *Cache) refresh(ctx context.Context, e *Entry, u *url.URL, signer []byte) error {
	known := e.Next
	if known == nil {
		known = e.Current
	}
	etag, modified := e.ETag, e.LastModified
	if known == nil || known.State == Waiting || known.State == Refused {
		etag, modified = "", "" // its signature may be there by now
	}
	a, err := c.Fetcher.get(ctx, e.URL, MaxFile, []string{"application/mud+json"}, etag, modified)
	if err != nil {
		return err
	}
	now := c.Fetcher.now()
	if a.NotModified {
		e.checked(now, known.File, a.MaxAge)
		return nil
	}
	v := &Version{SHA256: digest(a.Body), Fetched: now, File: a.Body, Notes: a.Notes}
	if err := c.verify(ctx, v, u, signer); err != nil {
		return err
	}
	e.ETag, e.LastModified = a.ETag, a.LastModified
	e.checked(now, v.File, a.MaxAge)
	e.take(v, c.Accept)
	return nil
}

// take puts a version in its place.
func (e *Entry) take(v *Version, accept func(old, next *Version) bool) {
	cur := e.Current
	switch {
	case cur != nil && v.SHA256 == cur.SHA256:
		v.Approved = cur.Approved // of these octets
		if cur.State == Verified && (v.State != Verified || !v.sameSigner(cur)) {
			// That its signature has gone is no reason to forget who signed it; nor that somebody else signed it too,
			// who would then be the one whose newer files are taken.
			v = cur
		}
		e.Current, e.Next = v, nil
	case e.Next != nil && v.SHA256 == e.Next.SHA256 && e.Next.State == v.State:
	case v.State == Verified && (cur == nil || cur.State == Verified && v.sameSigner(cur) && accept != nil && accept(cur, v)):
		e.Current, e.Next = v, nil
	default:
		e.Next = v
	}
}

// checked notes that the server was asked, and when it may be again: after the file’s cache-validity, or as long as
// the server says that it stays good, if that is longer (RFC 8520 §3.5).
func (e *Entry) checked(now time.Time, file []byte, maxAge time.Duration) {
	validity := defaultValidity
	if h := peek(file).Validity; h >= 1 && h <= 168 {
		validity = time.Duration(h) * time.Hour
	}
	e.Checked = now
	e.Due = now.Add(min(max(validity, maxAge), maxValidity))
}

// head is what is looked at in a file before it is verified.
type head struct {
	Signature string `json:"mud-signature"`
	Validity  int    `json:"cache-validity"`
}

// peek reads the head of a file; of one that is no MUD file, nothing.
func peek(file []byte) head {
	var root struct {
		MUD head `json:"ietf-mud:mud"`
	}
	_ = json.Unmarshal(file, &root)
	return root.MUD
}

// verify finds who signed a version. It returns an error only if that could not be tried.
func (c *Cache) verify(ctx context.Context, v *Version, u *url.URL, signer []byte) error {
	link := peek(v.File).Signature
	if link == "" {
		v.State, v.Reason = Unsigned, "the file names no signature (RFC 8520 §3.4)"
		return nil
	}
	ref, err := u.Parse(link)
	if err != nil {
		v.State, v.Reason = Refused, fmt.Sprintf("the address of its signature, %.200q, is none", link)
		return nil
	}
	a, err := c.Fetcher.get(ctx, ref.String(), mud.MaxSignature, []string{"application/pkcs7-signature", "application/x-pkcs7-signature"}, "", "")
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, mud.ErrClock) {
			return err
		}
		v.State, v.Reason = Refused, err.Error()
		return nil
	}
	v.Signature, v.Notes = a.Body, append(v.Notes, a.Notes...)
	c.judge(v, signer)
	return nil
}

// judge says whose signature a version has. A signer that is named must be the one.
func (c *Cache) judge(v *Version, signer []byte) {
	s, err := mud.VerifySignature(v.File, v.Signature, mud.Trust{Anchors: c.Anchors, Signer: signer, Now: c.Fetcher.now(), Floor: c.Fetcher.Floor})
	if s != nil {
		v.Signer, v.Signed, v.Expired = s.Signer.Subject.String(), s.Time, s.Expired
	}
	switch {
	case errors.Is(err, mud.ErrClock):
		v.State, v.Reason = Waiting, err.Error()
	case err != nil:
		v.State, v.Reason = Refused, err.Error()
	default:
		v.State, v.Reason, v.Anchor = Verified, "", digest(s.Chain[len(s.Chain)-1].Raw)
	}
}

// Approve says yes, in somebody’s name, to the octets that wait under a URL. It fails if others wait by now.
func (c *Cache) Approve(link, sha256, by string) (*Entry, error) {
	if by == "" {
		return nil, errors.New("approve MUD file: nobody is named who approves it")
	}
	u, err := parseURL(link)
	if err != nil {
		return nil, fmt.Errorf("approve MUD file %.200q: %w", link, err)
	}
	link = u.String()
	defer c.lock(link)()
	e, err := c.load(link)
	if err != nil {
		return nil, err
	}
	if e.Next == nil || e.Next.SHA256 != sha256 {
		return nil, fmt.Errorf("approve MUD file %s: no version with SHA-256 %.64s waits: %w", link, sha256, fs.ErrNotExist)
	}
	e.Next.Approved = by
	e.Current, e.Next = e.Next, nil
	return e, c.save(e)
}

// Forget removes what is kept of a URL.
func (c *Cache) Forget(link string) error {
	u, err := parseURL(link)
	if err != nil {
		return fmt.Errorf("forget MUD file %.200q: %w", link, err)
	}
	link = u.String()
	defer c.lock(link)()
	if err := os.Remove(c.path(link)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget MUD file: %w", err)
	}
	c.mu.Lock()
	c.count = 0
	c.mu.Unlock()
	return nil
}

// Retain forgets all URLs but those of a list: a device can make up as many as it likes, one after another.
func (c *Cache) Retain(links []string) error {
	keep := map[string]bool{}
	for _, link := range links {
		if u, err := parseURL(link); err == nil {
			keep[c.path(u.String())] = true
		}
	}
	names, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
	if err != nil {
		return fmt.Errorf("forget MUD files: %w", err)
	}
	for _, name := range names {
		if keep[name] {
			continue
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget MUD files: %w", err)
		}
	}
	c.mu.Lock()
	c.count = 0
	c.mu.Unlock()
	return nil
}

// lock keeps others from the same URL until what it returns is called. A server that is slow holds up its own only.
func (c *Cache) lock(link string) (unlock func()) {
	c.mu.Lock()
	if c.busy == nil {
		c.busy = map[string]*turn{}
	}
	t := c.busy[link]
	if t == nil {
		t = &turn{}
		c.busy[link] = t
	}
	t.users++
	c.mu.Unlock()
	t.Lock()
	return func() {
		t.Unlock()
		c.mu.Lock()
		defer c.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(c.busy, link)
		}
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (c *Cache) path(link string) string {
	return filepath.Join(c.Dir, digest([]byte(link))[:32]+".json")
}

// load reads what is kept of a URL. A file that is damaged is put aside, not lost, and the URL begins anew.
func (c *Cache) load(link string) (*Entry, error) {
	name := c.path(link)
	fresh := &Entry{URL: link}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load MUD file: %w", err)
	}
	e := &Entry{}
	fault := fmt.Errorf("it has %d octets, at most %d are read", info.Size(), maxEntry)
	if info.Size() <= maxEntry {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("load MUD file: %w", err)
		}
		fault = e.parse(data, link)
	}
	if fault == nil {
		return e, nil
	}
	aside := strings.TrimSuffix(name, ".json") + ".damaged"
	if err := os.Rename(name, aside); err != nil {
		return nil, fmt.Errorf("load MUD file %s: %w; put it aside: %w", name, fault, err)
	}
	c.Log.Warn("a kept MUD file is damaged: it is put aside and fetched again", "path", aside, "fault", fault)
	return fresh, nil
}

// parse reads an entry, and checks that it is whole.
func (e *Entry) parse(data []byte, link string) error {
	if err := json.Unmarshal(data, e); err != nil {
		return err
	}
	if e.URL != link {
		return fmt.Errorf("it is of %.200q", e.URL)
	}
	for _, v := range []*Version{e.Current, e.Next} {
		if v != nil && digest(v.File) != v.SHA256 {
			return errors.New("the file in it is not the one whose digest it gives")
		}
	}
	return nil
}

func (c *Cache) save(e *Entry) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("keep MUD file: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("keep MUD file: %w", err)
	}
	if err := durable.WriteFile(c.path(e.URL), data, 0o600); err != nil {
		return fmt.Errorf("keep MUD file: %w", err)
	}
	return nil
}

// room makes sure that there is room for an entry that is not kept yet.
func (c *Cache) room(e *Entry) error {
	if e.Current != nil || e.Next != nil || e.Fault != "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == 0 || c.count >= MaxEntries { // those that came to nothing were counted too
		names, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
		if err != nil {
			return fmt.Errorf("keep MUD file: %w", err)
		}
		c.count = len(names)
	}
	if c.count >= MaxEntries {
		return fmt.Errorf("get MUD file %s: %w: it holds %d URLs; forget some in %s", e.URL, ErrFull, c.count, c.Dir)
	}
	c.count++
	return nil
}
