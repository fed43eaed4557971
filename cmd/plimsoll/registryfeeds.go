//go:build !gateway

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/feed"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// watchFeeds is a watcher of a registry that looks at feeds and lets rules on advisories change its labels. dir is where
// copies of feeds are kept.
func watchFeeds(locations []string, dir string, interval time.Duration, log *slog.Logger) func(context.Context, *registry.Registry) error {
	return func(ctx context.Context, r *registry.Registry) error {
		aliases, err := advisory.LoadAliases()
		if err != nil {
			return err
		}
		w := &feed.Watcher{
			Register: newFeedRegister(r), Aliases: aliases, Fetcher: feed.Fetcher{Agent: "plimsoll/" + version()}, Dir: dir, Interval: interval, Log: log, Now: r.Now,
		}
		for _, l := range locations {
			w.Feeds = append(w.Feeds, feed.Parse(l))
		}
		if err := w.Open(); err != nil {
			return err
		}
		if err := w.Run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	}
}

// feedRegister is the labels of a registry, as feeds are watched for them. Of a large registry it reads only what is new.
type feedRegister struct {
	registry *registry.Registry
	labels   map[label.Hash]*feed.Holding
	seen     int64 // the last label’s place in the log
	events   int64 // the last event’s
}

func newFeedRegister(r *registry.Registry) *feedRegister {
	return &feedRegister{registry: r, labels: map[label.Hash]*feed.Holding{}, seen: -1, events: -1}
}

// Revision is the size of the log: nothing changes that is not in it.
func (f *feedRegister) Revision(ctx context.Context) (string, error) {
	n, err := f.registry.Log.Size(ctx)
	return fmt.Sprint(n), err
}

// How many labels or events are read at a time, and how many that were read before once more: more than are under way at a
// time.
const (
	pageOf = 1000
	reread = 8 * pageOf
)

// Holdings are the labels that are active or suspended.
func (f *feedRegister) Holdings(ctx context.Context) ([]*feed.Holding, error) {
	changed := map[label.Hash]bool{}
	// What is logged later may be shown earlier: so a piece is read again.
	for after := max(-1, f.seen-reread); ; {
		list, err := f.registry.Store.Labels(ctx, after, pageOf)
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			after = int64(l.Index)
			if f.labels[l.ID] == nil {
				if err := f.add(l); err != nil {
					return nil, err
				}
				changed[l.ID] = l.Changes > 0
			}
		}
		f.seen = max(f.seen, after)
		if len(list) < pageOf {
			break
		}
	}
	last := f.events
	for before := int64(0); f.events >= 0; { // the first time all labels were just read
		list, err := f.registry.Store.Events(ctx, before, pageOf)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			before, last = int64(e.Index), max(last, int64(e.Index))
			if e.Kind == registry.Change {
				changed[e.Label] = true
			}
		}
		if len(list) < pageOf || before <= max(1, f.events-reread) {
			break
		}
	}
	for id, is := range changed {
		if is {
			if err := f.replay(ctx, id); err != nil {
				return nil, err
			}
		}
	}
	f.events = max(last, f.seen, 0)
	var out []*feed.Holding
	for _, h := range f.labels {
		if h.Standing.Status == label.Active || h.Standing.Status == label.Suspended {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *feed.Holding) int { return strings.Compare(a.Product.ID, b.Product.ID) })
	return out, nil
}

func (f *feedRegister) add(l *registry.Label) error {
	s, err := l.Statement()
	if err != nil {
		return fmt.Errorf("read label %s: %w", l.ID, err)
	}
	h := &feed.Holding{Product: advisory.Of(s), Standing: advisory.Standing{Status: l.Status}}
	h.Product.ID = l.ID.String() // a product may have several labels
	f.labels[l.ID] = h
	return nil
}

// replay finds out how a label stands from its changes. Evidence counts if the registry itself gave it; of people, that who
// may change the label calls a case remedied in a note.
func (f *feedRegister) replay(ctx context.Context, id label.Hash) error {
	l, err := f.registry.Store.Label(ctx, id)
	if err != nil {
		return err
	}
	if f.labels[id] == nil {
		if err := f.add(l); err != nil {
			return err
		}
	}
	list, err := f.registry.Store.Changes(ctx, id, int(l.Changes)+1)
	if err != nil {
		return err
	}
	var kept []advisory.Evidence
	var settled []string
	for _, e := range list {
		if e.Change == nil {
			continue
		}
		if e.Account != registry.Self {
			role := f.registry.Account(e.Account).Role
			if e.Change.Reason == "remedied" && (role == registry.SchemeOwner || role == registry.CertificationBody) {
				settled = append(settled, strings.Fields(e.Change.Note)...)
			}
			continue
		}
		for _, hash := range e.Change.Evidence {
			d, err := f.registry.Store.Document(ctx, label.Hash(hash))
			if errors.Is(err, registry.ErrUnknown) {
				continue
			}
			if err != nil {
				return err
			}
			var ev advisory.Evidence
			if json.Unmarshal(d.Body, &ev) == nil && ev.Schema == advisory.EvidenceSchema {
				kept = append(kept, ev)
			}
		}
	}
	s := advisory.Replay(l.Status, kept)
	s.Settled = append(s.Settled, settled...)
	f.labels[id] = &feed.Holding{Product: f.labels[id].Product, Standing: s} // what was given is not changed
	return nil
}

// verbs are what the registry does for each act, and why in its words. What waits for a person is a note.
var verbs = map[advisory.Act]struct {
	verb   label.Verb
	reason label.Reason
}{
	advisory.Open: {label.Note, "advisory"}, advisory.Close: {label.Note, "remedied"}, advisory.Suspend: {label.Suspend, "exploited"},
	advisory.Expire: {label.Expire, "expired"}, advisory.ProposeSuspend: {label.Note, "evidence-refuted"}, advisory.ProposeRestore: {label.Note, "remedied"},
}

// Apply makes a change of a label, signed by the registry, with its evidence.
func (f *feedRegister) Apply(ctx context.Context, c *advisory.Change) error {
	body, _, err := c.Evidence.JSON()
	if err != nil {
		return err
	}
	var id label.Hash
	if err := id.UnmarshalText([]byte(c.Product)); err != nil {
		return err
	}
	do := verbs[c.Act]
	if c.Because == "support-ended" {
		do.reason = "support-ended"
	}
	note := strings.Join(strings.Fields(printable(c.Cause)), " ")
	if len(note) > 200 {
		note = strings.ToValidUTF8(note[:200], "")
	}
	_, err = f.registry.Decide(ctx, id, do.verb, do.reason, note+" "+string(c.Act)+" "+c.Because, registry.Document{Media: "application/json", Body: body})
	if errors.Is(err, registry.ErrStatus) { // somebody was faster: what follows now is another question
		return nil
	}
	return err
}
