package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/trust"
	"plimsoll.example/plimsoll/internal/web/page"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// openLabels gets ready to follow labels, by what was kept of the registries that the household trusts.
func (g *gateway) openLabels(ctx context.Context, dir string) (err error) {
	if len(g.registries) != len(g.registryKeys) {
		return wrongUsage("error.home.registry.keys")
	}
	var list []*trust.Source
	for i, url := range g.registries {
		s := &trust.Source{URL: url, Dir: filepath.Join(dir, "trust"), Allow: g.allow, Roots: g.cache.Fetcher.Roots, Agent: g.cache.Fetcher.Agent, Now: time.Now}
		if s.Key, err = readPublicKey(g.registryKeys[i]); err != nil {
			return err
		}
		if err := trust.CheckURL(url, g.allow); err != nil {
			return wrongUsage("error.home.registry.url", "url", url)
		}
		g.fault(ctx, "keep the word of "+url, s.Open())
		list = append(list, s)
	}
	g.labels = newLabels(g, list)
	return nil
}

// labels is what the gateway does about the labels of devices.
type labels struct {
	household *home.Household
	store     labelStore
	sources   []*trust.Source
	interval  time.Duration
	fault     func(ctx context.Context, what string, err error)
	log       *slog.Logger
	news      *page.Events

	mu        sync.Mutex // one look at a time
	envelopes map[string]*label.Envelope
	shown     map[string]restoration // by the file of a label
	faults    sync.Map               // URL of a registry to why there is nothing newer
	changed   chan struct{}
}

func newLabels(g *gateway, sources []*trust.Source) *labels {
	return &labels{
		household: g.household, store: g.store, sources: sources, interval: g.registryInterval, fault: g.fault, log: g.log, news: &g.news,
		envelopes: map[string]*label.Envelope{}, shown: map[string]restoration{}, changed: make(chan struct{}, 1),
	}
}

// labelStore is what of a store the labels need.
type labelStore interface {
	File(ctx context.Context, sha256 string) (*home.File, error)
	SaveFile(ctx context.Context, f *home.File) error
	Findings(ctx context.Context, device string, limit int) ([]home.Noted, error)
	SaveFindings(ctx context.Context, list []home.Noted) error
	SetFinding(ctx context.Context, id string, state home.NoteState) error
	Decisions(ctx context.Context, device string, before int64, limit int) ([]*home.Decision, error)
}

// restoration is whether a registry showed who restored a label, by which bundle it was asked.
type restoration struct {
	asOf     time.Time
	restored bool
}

// run keeps what is known of labels as new as the registries have it.
func (l *labels) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range l.sources {
		group.Go(func() error { return l.follow(ctx, s) })
	}
	group.Go(func() error {
		tick := time.NewTicker(lookAtLabels)
		defer tick.Stop()
		for {
			l.fault(ctx, "keep what is known of labels", l.look(ctx))
			select {
			case <-ctx.Done():
				return nil
			case <-l.changed:
			case <-tick.C: // labels expire, and bundles get old
			}
		}
	})
	return group.Wait()
}

const (
	lookAtLabels = 10 * time.Second
	slowest      = time.Minute // that a registry is asked again that is away
)

// follow asks one registry again and again. Homes that were started together do not stay together.
func (l *labels) follow(ctx context.Context, s *trust.Source) error {
	wait := l.interval
	for {
		changed, err := s.Refresh(ctx)
		l.fault(ctx, "registry "+s.URL, err)
		if err != nil {
			wait = min(2*wait, max(slowest, l.interval))
			l.faults.Store(s.URL, err)
		} else {
			wait = l.interval
			l.faults.Delete(s.URL)
		}
		if changed {
			select {
			case l.changed <- struct{}{}:
			default:
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait - time.Duration(rand.Int64N(int64(wait)/10+1))):
		}
	}
}

// look finds out how the label of each device stands, and does what follows.
func (l *labels) look(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, d := range l.household.Devices() {
		if d.LabelFile == "" && d.Label == nil {
			continue
		}
		if err := l.update(ctx, d); err != nil && ctx.Err() == nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.ID, err))
		}
	}
	return errors.Join(errs...)
}

// worth is how much newer the word of a registry is before that alone is kept.
const worth = 5 * time.Minute

func (l *labels) update(ctx context.Context, d *home.Device) error {
	if d.LabelFile == "" {
		if _, err := l.household.Labelled(ctx, d.ID, nil); err != nil {
			return err
		}
		return l.settle(ctx, d.ID, nil)
	}
	e, err := l.envelope(ctx, d.LabelFile)
	if err != nil {
		return err
	}
	was := d.Label
	if was == nil || was.File != d.LabelFile {
		if was, err = newKnown(d.LabelFile, e); err != nil {
			return err
		}
	}
	v, s := l.verdict(e)
	url := ""
	if s != nil {
		url = s.URL
	}
	next := was.Stands(v, url, func(since time.Time) (bool, error) { return l.restored(ctx, s, was, v.StatusAsOf, since) })
	list := next.Findings(d.ID, l.household.Now())
	for i := range list {
		if list[i].Kind != finding.SupportEnded {
			next.Trouble = list[i].ID()
		}
	}
	if d.Label == nil || d.Label.File != next.File || !next.Same(d.Label) || next.AsOf.Sub(d.Label.AsOf) >= worth {
		if d.Label == nil || d.Label.Status != next.Status {
			l.log.InfoContext(ctx, "label", "device", d.ID, "status", next.Status, "as_of", next.AsOf, "problems", next.Problems)
		}
		if d, err = l.household.Labelled(ctx, d.ID, next); err != nil {
			return err
		}
	}
	if err := l.settle(ctx, d.ID, list); err != nil {
		return err
	}
	return l.cut(ctx, d)
}

// newKnown is what a label itself says.
func newKnown(file string, e *label.Envelope) (*home.Label, error) {
	s, err := e.Statement()
	if err != nil {
		return nil, err
	}
	return &home.Label{
		File: file, ID: label.LeafHash(e.Label), GTIN: s.GTIN14(), Maker: s.Maker, Model: s.Model, Issued: s.Issued, Support: s.Support, MUDURL: s.MUDURL,
		Status: label.Unknown, Problems: []string{},
	}, nil
}

// envelope is the label of a file.
func (l *labels) envelope(ctx context.Context, file string) (*label.Envelope, error) {
	if e := l.envelopes[file]; e != nil {
		return e, nil
	}
	f, err := l.store.File(ctx, file)
	if err != nil {
		return nil, err
	}
	e, err := label.ParseEnvelope(f.Body)
	if err == nil {
		l.envelopes[file] = e
	}
	return e, err
}

// verdict is that of the first registry by whose bundle a label is genuine; nil where there is none.
func (l *labels) verdict(e *label.Envelope) (*label.Verdict, *trust.Source) {
	for _, s := range l.sources {
		if v, err := s.Verify(e); err == nil {
			return v, s
		}
	}
	return nil, nil
}

// restored asks, once for each bundle, whether the registry shows who restored a label.
func (l *labels) restored(ctx context.Context, s *trust.Source, of *home.Label, asOf, since time.Time) (bool, error) {
	was := l.shown[of.File]
	if was.asOf.Equal(asOf) {
		return was.restored, nil
	}
	ok, err := s.Restored(ctx, of.ID, since)
	l.fault(ctx, "record of label "+of.ID.String(), err)
	if err == nil {
		l.shown[of.File] = restoration{asOf, ok}
	}
	return ok, err
}

// settle makes the open findings about the label of a device what they are to be. Pages were told of the label before
// they could read these, and are told again.
func (l *labels) settle(ctx context.Context, id string, want []finding.Finding) error {
	have, err := l.store.Findings(ctx, id, 1000)
	if err != nil {
		return err
	}
	changed := false
	defer func() {
		if changed {
			l.news.Changed()
		}
	}()
	var fresh []home.Noted
	for i := range want {
		if !slices.ContainsFunc(have, func(n home.Noted) bool { return n.ID() == want[i].ID() }) {
			fresh = append(fresh, home.Noted{Finding: want[i], State: home.Open})
		}
	}
	for i := range have {
		n := &have[i]
		if !slices.Contains(home.LabelKinds, n.Kind) || n.State == home.Done || slices.ContainsFunc(want, func(f finding.Finding) bool { return f.ID() == n.ID() }) {
			continue
		}
		if err := l.store.SetFinding(ctx, n.ID(), home.Done); err != nil {
			return err
		}
		changed = true
	}
	if len(fresh) == 0 {
		return nil
	}
	changed = true
	return l.store.SaveFindings(ctx, fresh)
}

// maxDecided bounds the decisions that are looked through.
const maxDecided = 1000

// cut cuts a device off for its label, if the household chose so: once for each suspension. Who lets it out again has the
// last word.
func (l *labels) cut(ctx context.Context, d *home.Device) error {
	if !d.Cut(l.household.LabelAction) {
		return nil
	}
	list, err := l.store.Decisions(ctx, d.ID, 0, maxDecided)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(x *home.Decision) bool {
		return x.Actor == home.Program && x.Verb == home.Quarantine && x.Argument == d.Label.Trouble
	}) {
		return nil
	}
	_, err = l.household.Decide(ctx, home.Program, home.Quarantine, d.ID, d.Label.Trouble)
	return err
}

// bind says that a label is a device’s.
func (l *labels) bind(ctx context.Context, actor string, d *home.Device, body []byte) (*home.Decision, error) {
	if len(l.sources) == 0 {
		return nil, home.ErrNoRegistry
	}
	e, err := label.ParseEnvelope(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", home.ErrLabel, err)
	}
	l.ask(ctx)
	why := []error{}
	for _, s := range l.sources {
		_, err := s.Verify(e)
		if err == nil {
			return l.take(ctx, actor, d, e)
		}
		why = append(why, err)
	}
	if slices.ContainsFunc(why, func(err error) bool { return errors.Is(err, trust.ErrNone) }) {
		return nil, errors.Join(why...)
	}
	return nil, fmt.Errorf("%w: %w", home.ErrLabel, errors.Join(why...))
}

// ask asks all registries now, as somebody waits for what they say.
func (l *labels) ask(ctx context.Context) {
	for _, s := range l.sources {
		if _, err := s.Refresh(ctx); err != nil {
			l.log.InfoContext(ctx, "ask registry", "url", s.URL, "error", err)
		}
	}
}

// take keeps a label that is genuine, decides that it is the device’s, and does what follows.
func (l *labels) take(ctx context.Context, actor string, d *home.Device, e *label.Envelope) (*home.Decision, error) {
	body, err := e.Marshal()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	file := hex.EncodeToString(sum[:])
	if err := l.store.SaveFile(ctx, &home.File{SHA256: file, At: l.household.Now().UTC(), Origin: home.OfLabel, Body: body}); err != nil {
		return nil, err
	}
	decided, err := l.household.Decide(ctx, actor, home.Bind, d.ID, file)
	if decided != nil {
		err = errors.Join(err, l.look(ctx))
	}
	return decided, err
}

// sticker takes the MUD URL of the sticker on a device, if a label says the same: that label is then the device’s.
func (l *labels) sticker(ctx context.Context, actor string, d *home.Device, s *mud.Sticker) (*home.Decision, error) {
	if len(l.sources) == 0 {
		return nil, home.ErrNoRegistry
	}
	if len(s.MAC) == 6 && !slices.Contains(d.MACs, [6]byte(s.MAC)) {
		return nil, fmt.Errorf("%w: it is of %s", home.ErrOther, s.MAC)
	}
	l.ask(ctx)
	var known []*label.Envelope
	l.mu.Lock()
	for _, x := range l.household.Devices() {
		if x.LabelFile == "" {
			continue
		}
		if e, err := l.envelope(ctx, x.LabelFile); err == nil {
			known = append(known, e)
		}
	}
	l.mu.Unlock()
	var why []error
	for _, source := range l.sources {
		f, err := source.Vouch(ctx, s, known)
		if err == nil {
			return l.take(ctx, actor, d, f.Envelope)
		}
		why = append(why, err)
	}
	return nil, errors.Join(why...)
}

// code takes the text of the code on a device, or on its box: its sticker, or the link of its label.
func (l *labels) code(ctx context.Context, actor string, d *home.Device, text string) (*home.Decision, error) {
	s, err := mud.ParseSticker(text)
	if err == nil {
		return l.sticker(ctx, actor, d, s)
	}
	if errors.Is(err, mud.ErrHostile) {
		return nil, err
	}
	_, envelope, err := label.ParseLink(text)
	if err != nil {
		return nil, err
	}
	return l.bind(ctx, actor, d, envelope)
}

// status is how the registries stand.
func (l *labels) status() []home.RegistryStatus {
	list := []home.RegistryStatus{}
	for _, s := range l.sources {
		r := home.RegistryStatus{URL: s.URL}
		if t := s.Trust(); t != nil {
			r.Name, r.AsOf = t.Registry, t.Made.UTC()
		}
		if why, ok := l.faults.Load(s.URL); ok {
			r.Fault = why.(error).Error()
		}
		list = append(list, r)
	}
	return list
}
