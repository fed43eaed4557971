package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/sbom"
	"plimsoll.example/plimsoll/internal/advisory/version"
	"plimsoll.example/plimsoll/label"
)

// Interval is how often feeds are looked at. Of what is as it was a server sends nothing but that.
const Interval = 10 * time.Second

// slowest is the longest that a feed that fails is left alone.
const slowest = 5 * time.Minute

// Register is the labels that feeds are watched for.
type Register interface {
	// Revision changes when any of what Holdings gives does.
	Revision(ctx context.Context) (string, error)
	// Holdings are the labels that are active or suspended. They are not changed until the next call.
	Holdings(ctx context.Context) ([]*Holding, error)
	// Apply does what a change says, or what of it the register can do. It keeps the evidence. A change that was applied
	// must show in the standing of the next Holdings.
	Apply(ctx context.Context, c *advisory.Change) error
}

// Holding is one label.
type Holding struct {
	Product  advisory.Product
	Standing advisory.Standing
	Homes    []advisory.Refutation
}

// Watcher watches feeds for a register.
type Watcher struct {
	Feeds    []Feed
	Register Register
	Aliases  *advisory.Aliases
	Fetcher  Fetcher
	Dir      string // where the last good copy of what servers gave is kept
	Interval time.Duration
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now

	mu       sync.Mutex // of all that follows
	sources  []*source
	reports  []Report
	revision string
	holdings []*Holding
	index    *advisory.Index
	day      label.Day
	stale    bool // feeds changed since the last decision
	wants    int  // grows when a feed is to be read again, for other products
	read     []int
	sourceMu []sync.Mutex
}

// Report is how a feed stands.
type Report struct {
	Location string
	Source   advisory.Source // "" until it was read
	Records  int             // in it
	Kept     int             // that may be about a product that is labelled
	Skipped  int             // that could not be read
	Released time.Time
	Err      error // why it is not as new as it could be
}

// Result is what a look at the feeds came to.
type Result struct {
	Feeds   []Report
	Matches []advisory.Match
	Changes []advisory.Change
}

// Open makes the watcher ready: once, before Run or Look.
func (w *Watcher) Open() error {
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Interval <= 0 {
		w.Interval = Interval
	}
	if err := os.MkdirAll(w.Dir, 0o700); err != nil {
		return err
	}
	w.index = advisory.NewIndex(nil, w.Aliases)
	for _, f := range w.Feeds {
		if err := f.Check(); err != nil {
			return err
		}
		s := &source{Feed: f, dir: w.Dir, fetcher: &w.Fetcher, aliases: w.Aliases}
		s.recall()
		w.sources = append(w.sources, s)
		w.reports = append(w.reports, Report{Location: f.Location})
	}
	w.read, w.sourceMu = make([]int, len(w.sources)), make([]sync.Mutex, len(w.sources))
	w.stale = true
	return nil
}

// Run looks at the feeds again and again until ctx ends. A feed that is slow or away holds up no other one.
func (w *Watcher) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	changed := make(chan struct{}, 1)
	for i := range w.sources {
		group.Go(func() error {
			for wait := time.Duration(0); ; {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(wait):
				}
				err := w.refresh(ctx, i)
				wait = w.pause(&w.Feeds[i], wait, err)
				select {
				case changed <- struct{}{}:
				default:
				}
			}
		})
	}
	group.Go(func() error {
		for {
			if _, err := w.decide(ctx); err != nil && ctx.Err() == nil {
				w.Log.WarnContext(ctx, "feeds: what follows could not be decided", "error", err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-changed:
			case <-time.After(w.Interval):
			}
		}
	})
	return group.Wait()
}

// pause is how long a feed is left alone: twice as long each time that it fails, and as long as its server asks. A file or
// folder troubles nobody, and what is put there counts soon, however long it was missing or cut.
func (w *Watcher) pause(f *Feed, last time.Duration, err error) time.Duration {
	if err == nil {
		return w.Interval
	}
	most := slowest
	if u, err := parseURL(f.Location); err == nil && u == nil {
		most = 2 * w.Interval
	}
	var b busy
	wait := min(max(2*last, w.Interval), max(most, w.Interval))
	if errors.As(err, &b) {
		wait = max(wait, b.after)
	}
	return wait
}

// Look reads all feeds once and says what follows, which it applies.
func (w *Watcher) Look(ctx context.Context) (*Result, error) {
	result := &Result{}
	for range 2 { // a bill of materials may name parts that the others are to be read for
		var group errgroup.Group
		for i := range w.sources {
			group.Go(func() error {
				_ = w.refresh(ctx, i) // is in its report
				return nil
			})
		}
		_ = group.Wait()
		r, err := w.decide(ctx)
		if r != nil {
			r.Changes = append(result.Changes, r.Changes...)
			result = r
		}
		if err != nil || !w.again() {
			return result, err
		}
	}
	return result, nil
}

// again reports whether a feed is to be read once more.
func (w *Watcher) again() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.read, func(n int) bool { return n != w.wants })
}

// refresh reads a feed.
func (w *Watcher) refresh(ctx context.Context, i int) error {
	w.sourceMu[i].Lock()
	defer w.sourceMu[i].Unlock()
	if err := w.update(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	s, index, wants, again := w.sources[i], w.index, w.wants, w.read[i] != w.wants
	w.mu.Unlock()
	before := s.last
	work := *s // read aside, so that decisions go on
	changed, err := work.refresh(ctx, again, w.Now(), index.Wants)

	w.mu.Lock()
	defer w.mu.Unlock()
	*s = work
	w.stale = w.stale || changed
	if err == nil || changed {
		w.read[i] = wants
	}
	told := w.reports[i].Err
	r := Report{Location: s.Location, Err: err}
	if c := s.got; c != nil {
		r.Source, r.Records, r.Kept, r.Skipped, r.Released = c.Source, c.Records, len(c.Advisories), c.Skipped, c.Released
	}
	w.reports[i] = r
	switch {
	case err != nil && ctx.Err() == nil && (told == nil || told.Error() != err.Error()):
		w.Log.WarnContext(ctx, "feed is not taken: the last good copy counts", "feed", s.Location, "error", err)
	case err == nil && told != nil:
		w.Log.InfoContext(ctx, "feed is good again", "feed", s.Location)
	case changed:
		w.Log.InfoContext(ctx, "feed changed", "feed", s.Location, "format", string(r.Source), "records", r.Records, "before", before.Records, "skipped", r.Skipped)
	}
	return err
}

// update looks whether the labels changed.
func (w *Watcher) update(ctx context.Context) error {
	revision, err := w.Register.Revision(ctx)
	if err != nil {
		return fmt.Errorf("look for labels: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if revision == w.revision && w.holdings != nil {
		return nil
	}
	list, err := w.Register.Holdings(ctx)
	if err != nil {
		return fmt.Errorf("look for labels: %w", err)
	}
	old := w.index
	w.index = advisory.NewIndex(w.products(list), w.Aliases)
	if !old.Covers(w.index) {
		w.wants++
	}
	w.revision, w.holdings, w.stale = revision, list, true
	return nil
}

// products are those of holdings, each with the parts that bills of materials say are in it.
func (w *Watcher) products(list []*Holding) []*advisory.Product {
	out := make([]*advisory.Product, len(list))
	at := map[*advisory.Product]int{}
	for i, h := range list {
		out[i] = &h.Product
	}
	var bills []*sbom.Bill
	for _, s := range w.sources {
		if s.got != nil {
			bills = append(bills, s.got.Bills...)
		}
	}
	if len(bills) == 0 {
		return out
	}
	for i, p := range out {
		at[p] = i
	}
	index := advisory.NewIndex(slices.Clone(out), w.Aliases)
	for _, b := range bills {
		f := advisory.Affected{Says: advisory.IsAffected, Maker: b.Maker, Product: b.Product, All: b.Version == ""}
		if b.Version != "" {
			f.Versions = []version.Span{version.One(b.Version)}
		}
		for _, m := range index.Match(&advisory.Case{Advisories: []*advisory.Advisory{{Source: b.Source, ID: b.Digest, Affected: []advisory.Affected{f}}}}) {
			if !m.Exact || m.Versions == version.Outside {
				continue
			}
			i := at[m.Product]
			whole := *out[i]
			whole.Components = slices.Concat(whole.Components, b.Parts)
			out[i] = &whole
		}
	}
	return out
}

// decide says what follows from what the feeds say, and applies it. Where nothing changed it does nothing.
func (w *Watcher) decide(ctx context.Context) (*Result, error) {
	if err := w.update(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	result := &Result{Feeds: slices.Clone(w.reports)}
	day := label.DayOf(w.Now())
	if !w.stale && day == w.day {
		return result, nil
	}
	products := w.products(w.holdings)
	index := advisory.NewIndex(products, w.Aliases)
	if !w.index.Covers(index) { // a bill of materials named parts that feeds were not read for
		w.wants++
	}
	w.index = index
	matches, cases := w.matches()
	var errs []error
	for i, h := range w.holdings {
		p := products[i]
		list := matches[p.ID]
		result.Matches = append(result.Matches, list...)
		for _, c := range advisory.Decide(p, h.Standing, list, w.takenBack(h, cases), h.Homes, day) {
			if err := w.Register.Apply(ctx, &c); err != nil {
				errs = append(errs, fmt.Errorf("%s %s: %w", c.Act, c.Product, err))
				continue
			}
			w.Log.InfoContext(ctx, "label: an advisory has a consequence", "act", string(c.Act), "product", c.Product, "cause", c.Cause, "because", c.Because)
			result.Changes = append(result.Changes, c)
		}
	}
	if len(result.Changes) > 0 {
		w.revision = "" // standings are others now
	}
	if len(errs) > 0 {
		return result, errors.Join(errs...)
	}
	w.stale, w.day = false, day
	return result, nil
}

// matches are those of all cases, by product.
func (w *Watcher) matches() (map[string][]advisory.Match, map[string]*advisory.Case) {
	var all []*advisory.Advisory
	for _, s := range w.sources {
		if s.got != nil {
			all = append(all, s.got.Advisories...)
		}
	}
	matches, cases := map[string][]advisory.Match{}, map[string]*advisory.Case{}
	for _, c := range advisory.Join(all) {
		cases[c.ID] = c
		for _, m := range w.index.Match(c) {
			matches[m.Product.ID] = append(matches[m.Product.ID], m)
		}
	}
	return matches, cases
}

// takenBack are the cases that a label has to do with and that their sources took back, or whose exploitation they did.
func (w *Watcher) takenBack(h *Holding, cases map[string]*advisory.Case) (list []*advisory.Case) {
	listed := slices.ContainsFunc(w.sources, func(s *source) bool { return s.got != nil && s.got.Source == advisory.KEV })
	for _, id := range append([]string{h.Standing.Case}, h.Standing.Open...) {
		c := cases[id]
		if c == nil {
			continue
		}
		suspended := id == h.Standing.Case && strings.HasPrefix(id, "CVE-")
		if c.Withdrawn() || suspended && listed && !c.Exploited() {
			list = append(list, c)
		}
	}
	return list
}
