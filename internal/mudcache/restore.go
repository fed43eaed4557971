package mudcache

import (
	"fmt"

	"plimsoll.example/plimsoll/mud"
)

// Kept is what is kept of a MUD URL, without asking its server.
func (c *Cache) Kept(link string) (*Entry, error) {
	u, err := parseURL(link)
	if err != nil {
		return nil, fmt.Errorf("read kept MUD file %.200q: %w", link, err)
	}
	link = u.String()
	defer c.lock(link)()
	return c.load(link)
}

// Check finds what no entry has.
func (e *Entry) Check() error {
	if _, err := parseURL(e.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	for name, v := range map[string]*Version{"current": e.Current, "next": e.Next} {
		switch {
		case v == nil:
		case len(v.File) > MaxFile || len(v.Signature) > mud.MaxSignature:
			return fmt.Errorf("%s: it has too many octets", name)
		case digest(v.File) != v.SHA256:
			return fmt.Errorf("%s.sha256: it is not that of the file", name)
		case len(v.Notes) > 64 || len(v.Reason) > 4096 || len(v.Signer) > 4096:
			return fmt.Errorf("%s: it says too much", name)
		}
	}
	return nil
}

// Restore takes in an entry that was kept elsewhere, where nothing is kept of its URL. Whose signature a file has is
// found anew, with who is trusted here; what is not good waits for approval. The server is asked again soon.
func (c *Cache) Restore(e *Entry) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("restore MUD file: %w", err)
	}
	u, err := parseURL(e.URL)
	if err != nil {
		return fmt.Errorf("restore MUD file: %w", err)
	}
	defer c.lock(u.String())()
	old, err := c.load(u.String())
	if err != nil {
		return err
	}
	if old.Current != nil || old.Next != nil {
		return nil // what was fetched here is the newer
	}
	fresh := &Entry{URL: u.String(), Checked: e.Checked}
	if err := c.room(fresh); err != nil {
		return err
	}
	v := e.Current
	if v == nil {
		return nil // it will be fetched
	}
	copied := Version{SHA256: v.SHA256, Fetched: v.Fetched, State: Unsigned, Reason: "the file names no signature (RFC 8520 §3.4)", File: v.File, Signature: v.Signature}
	if peek(v.File).Signature != "" {
		c.judge(&copied, nil)
	}
	if copied.State == Verified {
		fresh.Current = &copied
	} else {
		fresh.Next = &copied
	}
	return c.save(fresh)
}
