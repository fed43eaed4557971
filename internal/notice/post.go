package notice

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
)

// Delivery is one message for one channel, from when it is to be sent until it was, or nobody tries any more.
type Delivery struct {
	Channel  string
	Occasion string // a channel has one delivery of each
	At       time.Time
	Until    time.Time // when it is no news any more
	Next     time.Time // when it is tried
	Tries    int
	State    State
	Trouble  string // kind of the last Trouble; "" is none
	Message  Message
}

// State is how a delivery stands.
type State string

// The states of a delivery.
const (
	Waiting State = "waiting"
	Sent    State = "sent"
	GivenUp State = "given-up"
)

// Ledger keeps what must not be forgotten: what was told, and what is still to be.
type Ledger interface {
	// Told are the keys of causes that nobody is told again, with when they were.
	Told(ctx context.Context) (map[string]time.Time, error)
	// Queue keeps deliveries, and keys that are told by them: all or nothing. A delivery of an occasion that its channel has
	// already is left as it was.
	Queue(ctx context.Context, list []*Delivery, told []string, now time.Time) error
	// Forget forgets that these were told.
	Forget(ctx context.Context, told []string) error
	// Deliveries are the newest, at most limit.
	Deliveries(ctx context.Context, limit int) ([]*Delivery, error)
	// SaveDelivery keeps how one stands.
	SaveDelivery(ctx context.Context, d *Delivery) error
	// ForgetDeliveries forgets those from before a time that are not waiting, and those of channels that are no more.
	ForgetDeliveries(ctx context.Context, before time.Time, channels []string) error
}

// Source knows what there is to tell, in the words of a language. A link is for Post to add.
type Source interface {
	Home(ctx context.Context) (string, error) // what it is called; "" is nothing
	Week(ctx context.Context, words *locale.Catalogue) (*Week, error)
	Causes(ctx context.Context, words *locale.Catalogue) ([]Cause, error)
	// Counts are how many devices stand where: fine, check, act, unknown.
	Counts(ctx context.Context) (map[string]int, error)
}

// Post sends what a home has to say. Its settings are in one file; any number of goroutines may use it, and one runs it.
type Post struct {
	Dir    string // where the settings are kept
	Ledger Ledger
	Source Source
	Link   func(locale.Lang) string // to the pages of the home; "" where they have no address that others reach
	Now    func() time.Time
	Log    *slog.Logger
	Floor  time.Time // before it the clock is not set, and nothing is due
	// Fault is told what does not work, or works again.
	Fault func(ctx context.Context, what string, err error)
	// Fixed are channels that are set where the program is started, At and Quiet what is set there of the plan; nil is nothing.
	Fixed []Channel
	At    *Digest
	Quiet *Span

	mu       sync.Mutex
	settings *Settings
	wake     chan struct{}
	words    map[locale.Lang]*locale.Catalogue // reading one takes a while
	brokers  map[string]shown                  // for Step alone
	forgot   time.Time                         // when what was sent was forgotten last; for Step alone
	idle     bool                              // the last Step was for no channel; for Step alone
}

// Bounds of what is sent.
const (
	// Budget is how many times a home interrupts in a day at most; the digest tells the rest.
	Budget = 3

	gap         = 10 * time.Minute // between two interruptions: what happens together is told together
	settling    = 2 * time.Minute  // until it is known what a new device is
	firstDay    = 24 * time.Hour   // after which a new device is news: before, all are
	weekNews    = 3 * 24 * time.Hour
	alertNews   = 24 * time.Hour
	keepFor     = 90 * 24 * time.Hour
	forgetTold  = 31 * 24 * time.Hour // what is no more, is forgotten after that
	forgetEvery = 24 * time.Hour
	look        = 15 * time.Second
	mostShown   = 400 // deliveries that are looked at
)

// backOff is how long to wait after each failure, the last one from then on.
var backOff = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}

// began is the key that is told when alerts are switched on.
const began = "began"

func (p *Post) file() string { return filepath.Join(p.Dir, "notices.json") }

// Open reads the settings. Where they cannot be read, there are none until somebody says others.
func (p *Post) Open() error {
	s, err := load(p.file())
	if err != nil {
		s = &Settings{Plan: DefaultPlan}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings, p.wake, p.words = s, make(chan struct{}, 1), map[locale.Lang]*locale.Catalogue{}
	p.brokers = map[string]shown{}
	for _, l := range locale.Languages {
		p.words[l] = locale.New(l)
	}
	return err
}

// Settings are those in force, with the channels that are fixed first.
func (p *Post) Settings() *Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &Settings{Channels: slices.Concat(p.Fixed, p.settings.Channels), Plan: p.settings.Plan}
	if p.At != nil {
		s.Digest = *p.At
	}
	if p.Quiet != nil {
		s.Quiet = *p.Quiet
	}
	return s
}

// Change changes the settings that are kept. Nothing is changed where change or what it leads to is refused.
func (p *Post) Change(change func(*Settings) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &Settings{Channels: slices.Clone(p.settings.Channels), Plan: p.settings.Plan}
	if err := change(s); err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	if err := s.save(p.file()); err != nil {
		return err
	}
	p.settings = s
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// find is the channel of an ID.
func (p *Post) find(id string) (*Channel, error) {
	s := p.Settings()
	i := slices.IndexFunc(s.Channels, func(c Channel) bool { return c.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("channel %q: %w", id, fs.ErrNotExist)
	}
	return &s.Channels[i], nil
}

// Test sends something at once, to see whether it arrives. The error is a Trouble.
func (p *Post) Test(ctx context.Context, id string) error {
	c, err := p.find(id)
	if err != nil {
		return err
	}
	now := p.Now()
	m := Message{Alert: &Alert{Schema: AlertSchema, Lang: c.Lang, At: now, Test: true, Causes: []Cause{}, Link: p.Link(c.Lang)}}
	m.Alert.Home, _ = p.Source.Home(ctx) // without, it is a test too
	return p.send(ctx, c, &Delivery{Channel: id, Occasion: fmt.Sprintf("test %d", now.UnixNano()), At: now, Message: m})
}

// Last is how the last delivery of each channel stands.
func (p *Post) Last(ctx context.Context) (map[string]*Delivery, error) {
	list, err := p.Ledger.Deliveries(ctx, mostShown)
	if err != nil {
		return nil, err
	}
	last := map[string]*Delivery{}
	for _, d := range list {
		if last[d.Channel] == nil {
			last[d.Channel] = d
		}
	}
	return last, nil
}

// Run sends what is due, until ctx is done.
func (p *Post) Run(ctx context.Context) error {
	for {
		p.fault(ctx, "see what to tell", caught(func() error { return p.Step(ctx) }))
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-time.After(look):
		}
	}
}

func (p *Post) fault(ctx context.Context, what string, err error) {
	if p.Fault != nil {
		p.Fault(ctx, what, err)
	}
}

// faultOf is what does not work where a channel does not.
func faultOf(channel string) string { return "send notices to channel " + channel }

// Step does what is due now.
func (p *Post) Step(ctx context.Context) error {
	if p.Now().Before(p.Floor) {
		return nil
	}
	s := p.Settings()
	nobody := len(s.Channels) == 0
	if nobody && p.idle && p.Now().Sub(p.forgot).Abs() <= forgetEvery {
		return nil
	}
	p.idle = false
	told, err := p.Ledger.Told(ctx)
	if err != nil {
		return err
	}
	if err := p.weekly(ctx, s, told); err != nil {
		return fmt.Errorf("write the digest: %w", err)
	}
	if err := p.alert(ctx, s, told); err != nil {
		return fmt.Errorf("look for what cannot wait: %w", err)
	}
	p.leave(ctx, s) // before anything new is said on the same topics
	if err := p.deliver(ctx, s); err != nil {
		return err
	}
	if err := p.show(ctx, s); err != nil {
		return fmt.Errorf("tell how the home stands: %w", err)
	}
	p.idle = nobody
	return nil
}

// weekly writes the digest where it is due, once for each channel, and marks what it tells to all that are alerted as told.
func (p *Post) weekly(ctx context.Context, s *Settings, told map[string]time.Time) (err error) {
	now := p.Now()
	due := s.last(now)
	var causes []Cause
	var list []*Delivery
	var keys []string
	weeks := map[string]*Week{} // by channel
	for i := range s.Channels {
		c := &s.Channels[i]
		since := "since " + c.ID // when there began to be such a channel: what was due before is none of its
		if at, ok := told[since]; !ok {
			if err := p.Ledger.Queue(ctx, nil, []string{since}, now); err != nil {
				return err
			}
			continue
		} else if due.Before(at) || now.Sub(due) > weekNews {
			continue
		}
		occasion := "week " + due.Format(time.DateOnly)
		if _, done := told[c.ID+" "+occasion]; done {
			continue
		}
		if len(list) == 0 { // before the weeks: what begins in between is not marked, whether a week tells it or not
			if causes, err = p.Source.Causes(ctx, p.words[locale.English]); err != nil {
				return err
			}
		}
		w, err := p.Source.Week(ctx, p.words[c.Lang])
		if err != nil {
			return err
		}
		w.Schema, w.Lang, w.Link = WeekSchema, c.Lang, p.Link(c.Lang)
		weeks[c.ID] = w
		list = append(list, &Delivery{Channel: c.ID, Occasion: occasion, At: now, Until: due.Add(weekNews), Next: now, State: Waiting, Message: Message{Week: w}})
		keys = append(keys, c.ID+" "+occasion)
	}
	if len(list) == 0 {
		return nil
	}
	for _, cause := range causes {
		untold := func(c Channel) bool { return c.Alerts && (weeks[c.ID] == nil || !weeks[c.ID].tells(cause)) }
		if told[cause.Key].IsZero() && cause.known(now) && !slices.ContainsFunc(s.Channels, untold) {
			keys = append(keys, cause.Key)
		}
	}
	if err := p.Ledger.Queue(ctx, list, keys, now); err != nil {
		return err
	}
	for _, k := range keys {
		told[k] = now
	}
	return nil
}

// tells reports whether a cause is among what the digest says of its device: at most three actions are.
func (w *Week) tells(c Cause) bool {
	mentions := map[Class][]Mention{Harm: w.Found, Cut: w.Labels, Newcomer: w.New}[c.Class]
	return slices.ContainsFunc(mentions, func(m Mention) bool { return m.Device == c.Device }) ||
		c.Class != Newcomer && slices.ContainsFunc(w.Actions, func(a Action) bool { return a.Device == c.Device })
}

// known reports whether it can be said what a cause is about.
func (c *Cause) known(now time.Time) bool { return c.Class != Newcomer || now.Sub(c.Since) >= settling }

// alert writes what cannot wait, for the channels that want it.
func (p *Post) alert(ctx context.Context, s *Settings, told map[string]time.Time) error {
	now := p.Now()
	on := slices.DeleteFunc(slices.Clone(s.Channels), func(c Channel) bool { return !c.Alerts })
	start, running := told[began]
	if len(on) == 0 {
		if running {
			if err := p.Ledger.Forget(ctx, []string{began}); err != nil {
				return err
			}
		}
		return p.forget(ctx, told, nil, s, now)
	}
	all, err := p.Source.Causes(ctx, p.words[locale.English])
	if err != nil {
		return err
	}
	if !running { // what is so when alerts are switched on is on the pages already
		keys := []string{began}
		for _, c := range all {
			keys = append(keys, c.Key)
		}
		return p.Ledger.Queue(ctx, nil, keys, now)
	}
	fresh, old := map[string]bool{}, []string{}
	for _, c := range all {
		switch at := told[c.Key]; {
		case !at.IsZero():
		case c.Class == Newcomer && c.Since.Before(start.Add(firstDay)):
			old = append(old, c.Key)
		case !c.known(now):
		default:
			fresh[c.Key] = true
		}
	}
	if len(old) > 0 {
		if err := p.Ledger.Queue(ctx, nil, old, now); err != nil {
			return err
		}
	}
	if err := p.forget(ctx, told, all, s, now); err != nil {
		return err
	}
	if len(fresh) == 0 || s.Quiet.holds(now) {
		return nil
	}
	if ok, err := p.within(ctx, now); err != nil || !ok {
		return err
	}
	var list []*Delivery
	texts := map[locale.Lang]*Alert{}
	occasion := fmt.Sprintf("alert %d", now.UnixNano())
	for i := range on {
		c := &on[i]
		if texts[c.Lang] == nil {
			if texts[c.Lang], err = p.compose(ctx, c.Lang, fresh); err != nil || len(texts[c.Lang].Causes) == 0 { // it is over
				return err
			}
		}
		list = append(list, &Delivery{
			Channel: c.ID, Occasion: occasion, At: now, Until: now.Add(alertNews), Next: now, State: Waiting, Message: Message{Alert: texts[c.Lang]},
		})
	}
	keys := make([]string, 0, len(fresh))
	for k := range fresh {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return p.Ledger.Queue(ctx, list, keys, now)
}

// within reports whether the budget has room for an interruption.
func (p *Post) within(ctx context.Context, now time.Time) (bool, error) {
	list, err := p.Ledger.Deliveries(ctx, mostShown)
	if err != nil {
		return false, err
	}
	times := map[string]bool{}
	for _, d := range list {
		if d.Message.Alert == nil {
			continue
		}
		if now.Sub(d.At).Abs() < gap {
			return false, nil
		}
		if now.Sub(d.At).Abs() < 24*time.Hour {
			times[d.Occasion] = true
		}
	}
	return len(times) < Budget, nil
}

// compose is an alert of causes, in a language: one of each device, the worst first.
func (p *Post) compose(ctx context.Context, lang locale.Lang, fresh map[string]bool) (*Alert, error) {
	all, err := p.Source.Causes(ctx, p.words[lang])
	if err != nil {
		return nil, err
	}
	home, err := p.Source.Home(ctx)
	if err != nil {
		return nil, err
	}
	a := &Alert{Schema: AlertSchema, Lang: lang, Home: home, At: p.Now(), Causes: []Cause{}, Link: p.Link(lang)}
	seen := map[string]bool{}
	for _, class := range classes {
		for _, c := range all {
			if c.Class != class || !fresh[c.Key] || seen[c.Device] {
				continue
			}
			if seen[c.Device] = true; len(a.Causes) < mostCauses {
				a.Causes = append(a.Causes, c)
			} else {
				a.More++
			}
		}
	}
	return a, nil
}

// forget forgets what was told a while ago and is no more.
func (p *Post) forget(ctx context.Context, told map[string]time.Time, all []Cause, s *Settings, now time.Time) error {
	here := map[string]bool{began: true}
	for _, c := range all {
		here[c.Key] = true
	}
	for i := range s.Channels {
		here["since "+s.Channels[i].ID] = true
	}
	var gone []string
	for key, at := range told {
		if !here[key] && now.Sub(at) > forgetTold {
			gone = append(gone, key)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return p.Ledger.Forget(ctx, gone)
}
