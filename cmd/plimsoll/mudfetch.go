//go:build !gateway

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
)

// fetched is what schema/mud-fetch.json describes.
type fetched struct {
	Schema  string          `json:"schema"`
	URL     string          `json:"url"`
	Current *fetchedVersion `json:"current"` // in use
	Next    *fetchedVersion `json:"next"`    // waits for somebody's yes
	Checked string          `json:"checked"` // RFC 3339
	Due     string          `json:"due"`
	Fault   string          `json:"fault"`
}

type fetchedVersion struct {
	SHA256   string   `json:"sha256"`
	Octets   int      `json:"bytes"`
	State    string   `json:"state"` // verified, unsigned, refused or waiting
	Usable   bool     `json:"usable"`
	Reason   string   `json:"reason"`
	Signer   string   `json:"signer"`
	Signed   string   `json:"signed"`
	Expired  bool     `json:"expired"`
	Fetched  string   `json:"fetched"`
	Approved string   `json:"approved_by"`
	Notes    []string `json:"notes"`
}

// fetching is what the flags of mud fetch say.
type fetching struct {
	env
	words                  *locale.Catalogue
	anchors, roots, device string
	state, out, approve    string
	allow                  []netip.Prefix
	json                   bool
}

func newMUDFetch(e env, words *locale.Catalogue) *cobra.Command {
	in := fetching{env: e, words: words}
	c := &cobra.Command{Use: "fetch", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.mud.url")
		}
		return in.run(c.Context(), args[0])
	}}
	f := c.Flags()
	f.StringVar(&in.anchors, "anchors", "", "")
	f.StringVar(&in.roots, "roots", "", "")
	f.StringVar(&in.device, "device-certificate", "", "")
	f.StringVar(&in.state, "state", "", "")
	f.StringVar(&in.out, "out", "", "")
	f.StringVar(&in.approve, "approve", "", "")
	f.Func("allow", "", func(s string) error {
		p, err := netip.ParsePrefix(s)
		in.allow = append(in.allow, p)
		return err
	})
	f.BoolVar(&in.json, "json", false, "")
	return c
}

func (in *fetching) run(ctx context.Context, url string) error {
	cache := mudcache.Cache{
		Dir:     filepath.Join(stateDir(in.state, in.getenv), "mud"),
		Log:     slog.New(slog.NewTextHandler(in.err, nil)),
		Fetcher: mudcache.Fetcher{Allow: in.allow, Floor: floor(), Agent: "plimsoll/" + version()},
	}
	var signer []byte
	if in.anchors != "" {
		trust, err := readTrust(in.anchors, "", in.device)
		if err != nil {
			return err
		}
		cache.Anchors, signer = trust.Anchors, trust.Signer
	}
	if in.roots != "" {
		list, err := readCertificates(in.roots)
		if err != nil {
			return err
		}
		cache.Fetcher.Roots = x509.NewCertPool()
		for _, c := range list {
			cache.Fetcher.Roots.AddCert(c)
		}
	}
	entry, err := cache.Get(ctx, url, signer)
	if err == nil && in.approve != "" {
		entry, err = cache.Approve(entry.URL, in.approve, approver())
	}
	if entry == nil {
		return err
	}
	if in.json {
		return errors.Join(printJSON(in.env.out, newFetched(entry)), in.keep(entry), err, unverified(entry))
	}
	return errors.Join(in.tell(entry), in.keep(entry), err, unverified(entry))
}

// approver is in whose name a file is approved.
func approver() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user %d", os.Getuid())
}

// unverified is a fault unless there is a file that a device may be held to.
func unverified(e *mudcache.Entry) error {
	if e.Current.Usable() || e.Next == nil {
		return nil
	}
	key := map[mudcache.State]string{
		mudcache.Unsigned: "error.mud.unsigned", mudcache.Refused: "error.mud.refused", mudcache.Waiting: "error.mud.waiting",
		mudcache.Verified: "error.mud.changed",
	}[e.Next.State]
	return &fault{errUnverified, key, []any{"reason", e.Next.Reason, "digest", e.Next.SHA256, "url", e.URL}}
}

// keep writes the file that is in use where --out says; one that waits for approval is not handed out.
func (in *fetching) keep(e *mudcache.Entry) error {
	if in.out == "" || !e.Current.Usable() {
		return nil
	}
	if in.out == "-" {
		_, err := in.env.out.Write(e.Current.File)
		return err
	}
	return durable.WriteFile(in.out, e.Current.File, 0o644)
}

// tell says in words what is known of the file.
func (in *fetching) tell(e *mudcache.Entry) error {
	var lines []string
	say := func(key string, args ...any) { lines = append(lines, in.words.Text(key, args...)) }
	say("mud.fetch.file", "url", e.URL)
	for _, v := range []*mudcache.Version{e.Current, e.Next} {
		if v == nil {
			continue
		}
		state := string(v.State)
		if v.Approved != "" {
			state = "approved"
		}
		if v == e.Next {
			say("mud.fetch.next")
		}
		say("mud.fetch."+state, "signer", v.Signer, "who", v.Approved, "reason", v.Reason)
		say("mud.fetch.digest", "digest", v.SHA256, "size", locale.Octets(len(v.File)), "when", v.Fetched)
		if v.Expired {
			say("mud.fetch.expired")
		}
		for _, n := range v.Notes {
			say("mud.fetch.note", "text", n)
		}
	}
	if !e.Due.IsZero() {
		say("mud.fetch.due", "when", e.Due)
	}
	w := in.env.out
	if in.out == "-" {
		w = in.env.err
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, printable(l)); err != nil {
			return err
		}
	}
	return nil
}

func newFetched(e *mudcache.Entry) fetched {
	return fetched{
		Schema: "plimsoll.mud.fetch/1", URL: e.URL, Current: newFetchedVersion(e.Current), Next: newFetchedVersion(e.Next),
		Checked: rfc3339(e.Checked), Due: rfc3339(e.Due), Fault: e.Fault,
	}
}

func newFetchedVersion(v *mudcache.Version) *fetchedVersion {
	if v == nil {
		return nil
	}
	return &fetchedVersion{
		SHA256: v.SHA256, Octets: len(v.File), State: string(v.State), Usable: v.Usable(), Reason: v.Reason, Signer: v.Signer,
		Signed: rfc3339(v.Signed), Expired: v.Expired, Fetched: rfc3339(v.Fetched), Approved: v.Approved, Notes: append([]string{}, v.Notes...),
	}
}

// rfc3339 is an instant as JSON has it, or "" for none.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
