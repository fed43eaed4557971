package home

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/frame"
)

// ledger keeps devices and decisions. It is what survives a crash.
type ledger interface {
	// Devices are all that were saved.
	Devices(ctx context.Context) ([]*Device, error)
	// Record keeps a decision and the stance that it leads to, both or neither, and numbers it. When it returns nil no
	// power cut undoes that.
	Record(ctx context.Context, d *Decision) error
	// Save keeps what was seen of devices, not their stance; it may be lost in a power cut.
	Save(ctx context.Context, list []*Device) error
	// Decision is the one of that number; errors wrap fs.ErrNotExist if there is none.
	Decision(ctx context.Context, seq int64) (*Decision, error)
	// Last is the newest decision of a person that was not undone, and is neither an undoing nor a description.
	Last(ctx context.Context) (*Decision, error)
	// TakeOver keeps all that an import, or that two devices are one, or the undoing of it, makes of what is kept, or nothing of
	// it, and numbers t.By. Decisions that are kept already are not kept twice; others get numbers of their own where theirs
	// are taken. Files and notes are added, and ticks that are newer. What is kept of a device is read as that of the one that it is a part of.
	TakeOver(ctx context.Context, t *Takeover) error
	// Settings are what the household says of itself; nothing, before it said anything.
	Settings(ctx context.Context) (*Settings, error)
	// Snapshot is Takeover.Before of the import of that number.
	Snapshot(ctx context.Context, seq int64) ([]byte, error)
	// Contents puts decisions, files, notes, settings and ticks into an export.
	Contents(ctx context.Context, x *Export) error
	// Decisions are those about a device before a number (0: all), the newest first, at most limit.
	Decisions(ctx context.Context, device string, before int64, limit int) ([]*Decision, error)
	// NoteOf is what a finding of a device is to the household, and SetFinding makes it that; errors wrap fs.ErrNotExist if
	// there is no such finding.
	NoteOf(ctx context.Context, device, finding string) (NoteState, error)
	SetFinding(ctx context.Context, finding string, state NoteState) error
	// Finding is the one of that ID; errors wrap fs.ErrNotExist if there is none. FindingsSince are those of a device that were
	// seen after a time.
	Finding(ctx context.Context, id string) (*Noted, error)
	FindingsSince(ctx context.Context, device string, since time.Time) ([]Noted, error)
}

// Household is the devices of a home and what was decided about them. Any number of goroutines may use it.
type Household struct {
	Ledger ledger
	Now    func() time.Time
	// Elapsed is how much time has gone by, by a clock that nobody sets: so a clock that is set neither ends a rehearsal
	// nor makes one last for years. Nil: Now is right.
	Elapsed func() time.Duration
	// Floor is a time that has passed: before it, the clock is not set.
	Floor time.Time
	// Rehearsal is how long a device’s file is rehearsed before it is held to it; 0: not at all.
	Rehearsal time.Duration
	// LabelAction is what the program does by itself about a label that is suspended or withdrawn; "" is Tell.
	LabelAction LabelAction
	// Enforce makes the network do what the stances say, and returns when it does. It is called after each decision,
	// one call at a time. Nil: nothing is enforced.
	Enforce func(ctx context.Context, list []*Device) error

	deciding sync.Mutex // held from reading a stance to enforcing what it became
	mu       sync.RWMutex
	devices  map[string]*Device // never changed in place: who was given one may keep it
	byMAC    map[frame.MAC]string
	kept     map[string]*Device // as the ledger has them, but for their stances

	ticked  time.Time     // when Tick was called last, for Tick alone
	elapsed time.Duration // then
	ran     time.Time     // when it was called first, by the clock as it is set now
}

// ErrForce is the cause where a decision stands, and is not in force yet.
var ErrForce = errors.New("decided, but not in force yet")

// ErrKeep is the cause where nothing was decided, because it could not be kept: what held goes on.
var ErrKeep = errors.New("it cannot be kept, and so it is not decided")

// Open reads what was kept. It must be called once, before all else.
func (h *Household) Open(ctx context.Context) error {
	list, err := h.Ledger.Devices(ctx)
	if err != nil {
		return fmt.Errorf("open household: %w", err)
	}
	h.devices, h.byMAC, h.kept = map[string]*Device{}, map[frame.MAC]string{}, map[string]*Device{}
	for _, d := range list {
		h.put(d)
		h.kept[d.ID] = d
	}
	return nil
}

// keep keeps what was seen of devices. What could not be kept is tried again when it is seen, or decided about.
func (h *Household) keep(ctx context.Context, list []*Device) error {
	err := h.Ledger.Save(ctx, list)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range list {
		if err == nil {
			h.kept[d.ID] = d
		} else {
			delete(h.kept, d.ID)
		}
	}
	return err
}

// isKept reports whether the ledger has all of a device that is worth keeping.
func (h *Household) isKept(d *Device) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	was := h.kept[d.ID]
	return was != nil && d.like(was)
}

func (h *Household) put(d *Device) {
	h.devices[d.ID] = d
	for _, m := range d.MACs {
		h.byMAC[m] = d.ID
	}
}

// Devices are all, in the order of their IDs. They are not to be changed.
func (h *Household) Devices() []*Device {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.SortedFunc(maps.Values(h.devices), func(a, b *Device) int { return strings.Compare(a.ID, b.ID) })
}

// Find is the device that people mean by a word: its ID, a link-layer address, or its name. It is not to be changed.
func (h *Household) Find(word string) (*Device, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if d := h.devices[word]; d != nil {
		return d, nil
	}
	if m, err := frame.ParseMAC(word); err == nil {
		if d := h.devices[h.byMAC[m]]; d != nil {
			return d, nil
		}
	}
	var found *Device
	for _, d := range h.devices {
		if d.part(word) != nil {
			return d, nil
		}
		if strings.EqualFold(d.Title(), word) {
			if found != nil {
				return nil, fmt.Errorf("%w: several devices are called %q; use a link-layer address", ErrUnknown, word)
			}
			found = d
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, word)
	}
	return found, nil
}

// See takes in what was seen of a device with that link-layer address, new or known: change alters a copy of it. It
// returns what it became, and whether it is new.
func (h *Household) See(mac frame.MAC, change func(*Device)) (d *Device, fresh bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.devices[h.byMAC[mac]]
	if old == nil {
		d, fresh = &Device{ID: newID(), MACs: []frame.MAC{mac}}, true
		change(d)
		d.Stance = arrive(d, h.Now().UTC())
	} else {
		d = old.clone()
		stance := d.Stance
		change(d)
		d.ID, d.Stance = old.ID, stance
		for _, m := range old.MACs {
			delete(h.byMAC, m) // put knows those that it still has
		}
	}
	h.put(d)
	return d, fresh
}

// clone is a device that may be changed.
func (d *Device) clone() *Device {
	c := *d
	c.MACs, c.Hostnames, c.Addresses, c.MUD = slices.Clone(d.MACs), slices.Clone(d.Hostnames), slices.Clone(d.Addresses), slices.Clone(d.MUD)
	c.Parts, c.Apart = slices.Clone(d.Parts), slices.Clone(d.Apart)
	c.Exceptions, c.Left, c.Controllers = slices.Clone(d.Exceptions), slices.Clone(d.Left), slices.Clone(d.Controllers)
	return &c
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return "d" + hex.EncodeToString(b[:])
}

// Decide makes a decision about a device, in somebody’s name. When it returns nil the decision is kept and in force; an
// error that wraps ErrForce says that it is kept, and will be in force later.
func (h *Household) Decide(ctx context.Context, actor string, verb Verb, device, argument string) (*Decision, error) {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	if len(argument) > maxText {
		return nil, fmt.Errorf("%s: %w: the argument has more than %d octets", verb, ErrVerb, maxText)
	}
	if verb == Undo {
		return h.undo(ctx, actor, argument)
	}
	d, err := h.Find(device)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", verb, err)
	}
	switch verb {
	case Join:
		return h.join(ctx, actor, d, argument)
	case Split:
		return h.split(ctx, actor, d, argument)
	}
	argument = h.named(verb, argument)
	after, err := decide(d, verb, argument, actor, h.Now().UTC(), h.Rehearsal)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", verb, d.Title(), err)
	}
	return h.record(ctx, &Decision{Actor: actor, Verb: verb, Device: d.ID, Argument: argument, Before: d.Stance, After: after})
}

// record keeps a decision, takes it in, and puts it in force.
func (h *Household) record(ctx context.Context, d *Decision) (*Decision, error) {
	d.At = h.Now().UTC()
	h.mu.RLock()
	about := h.devices[d.Device]
	h.mu.RUnlock()
	if !h.isKept(about) { // a stance alone says nothing: whose addresses are to be held?
		if err := h.keep(ctx, []*Device{about}); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", d.Verb, ErrKeep, err)
		}
	}
	if err := h.Ledger.Record(ctx, d); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", d.Verb, ErrKeep, err)
	}
	h.mu.Lock()
	c := h.devices[d.Device].clone()
	c.Stance = d.After
	h.put(c)
	h.mu.Unlock()
	return d, h.enforce(ctx)
}

func (h *Household) enforce(ctx context.Context) error {
	if h.Enforce == nil {
		return nil
	}
	// whoever asked may have gone: what was decided must be in force all the same
	if err := h.Enforce(context.WithoutCancel(ctx), h.Devices()); err != nil {
		return fmt.Errorf("%w: %w", ErrForce, err)
	}
	return nil
}

// undo takes back a decision, by its number, or the last one that a person made.
func (h *Household) undo(ctx context.Context, actor, argument string) (*Decision, error) {
	var last *Decision
	var err error
	if argument == "" {
		last, err = h.Ledger.Last(ctx)
	} else {
		var seq int64
		if _, err := fmt.Sscan(argument, &seq); err != nil {
			return nil, fmt.Errorf("undo: %w: %q is no number of a decision", ErrVerb, argument)
		}
		last, err = h.Ledger.Decision(ctx, seq)
	}
	if err != nil {
		return nil, fmt.Errorf("undo: %w", err)
	}
	switch last.Verb {
	case Import:
		return h.unimport(ctx, actor, last)
	case Describe:
		return h.unsay(ctx, actor, last)
	case NoteOn:
		return h.unnote(ctx, actor, last)
	case Join, Split:
		return h.rejoin(ctx, actor, last)
	}
	h.mu.RLock()
	d := h.devices[last.Device]
	h.mu.RUnlock()
	if d == nil || last.Undone != 0 || !h.follows(ctx, d, last) {
		return nil, fmt.Errorf("undo decision %d: %w", last.Seq, ErrStale)
	}
	return h.record(ctx, &Decision{
		Actor: actor, Verb: Undo, Device: d.ID, Argument: fmt.Sprint(last.Seq), Before: d.Stance, After: last.Before,
	})
}

// maxFollowed bounds the decisions of the program that an undoing may take along.
const maxFollowed = 64

// follows reports whether a device is as a decision left it, but for what the program decided in consequence.
func (h *Household) follows(ctx context.Context, d *Device, last *Decision) bool {
	if d.Stance.same(last.After) {
		return true
	}
	list, err := h.Ledger.Decisions(ctx, d.ID, 0, maxFollowed)
	if err != nil || len(list) == 0 || !d.Stance.same(list[0].After) {
		return false
	}
	for _, x := range list {
		switch {
		case x.Seq == last.Seq:
			return true
		case x.Actor != Program && !x.Before.same(x.After):
			return false
		}
	}
	return false
}

// same reports whether two stances are one.
func (s Stance) same(t Stance) bool {
	a, errA := json.Marshal(s)
	b, errB := json.Marshal(t)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// Tick does what is due: rehearsals and quarantines that are over end, exceptions too, what turned out to be a thing is to be
// held, and what was let back is seen to do again, or not, what it was cut off for. It returns the decisions that this took.
func (h *Household) Tick(ctx context.Context) (list []*Decision, err error) {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	now := h.Now().UTC().Round(0)
	jump := h.jump(now)
	var errs []error
	for _, d := range h.Devices() {
		before := d.Stance
		decisions := due(d, now, h.Rehearsal)
		if after, ok := h.moved(before, now, jump); ok {
			decisions = []Decision{{Verb: movedBy(after.State), Argument: after.Reason, After: after}}
		} else if x, err := h.relapse(ctx, d, now); err != nil {
			errs = append(errs, fmt.Errorf("look for what %s was cut off for: %w", d.ID, err))
			decisions = nil // it passes only when that could be seen
		} else if x != nil {
			decisions = []Decision{*x}
		}
		for _, due := range decisions {
			due.Actor, due.Device, due.Before = Program, d.ID, before
			made, err := h.record(ctx, &due)
			if err != nil {
				errs = append(errs, err)
				break
			}
			list, before = append(list, made), made.After
		}
	}
	return list, errors.Join(errs...)
}

// moved is a stance whose times are moved along with a clock that was set; ok is false if there is no need.
func (h *Household) moved(s Stance, now time.Time, jump time.Duration) (_ Stance, ok bool) {
	move := func(since, until *time.Time) {
		switch {
		case until.IsZero():
			return
		case jump != 0 && !since.Before(h.ran.Add(-jump)): // begun by the clock as it was before
			*since, *until = since.Add(jump), until.Add(jump)
		case since.After(now.Add(leap)), since.Before(h.Floor) && !now.Before(h.Floor): // begun by a clock that was wrong
			*since, *until = now, now.Add(until.Sub(*since))
		default:
			return
		}
		ok = true
	}
	if s.State == Rehearsing || s.State == Quarantined {
		move(&s.Since, &s.Until)
	}
	if s.Retest.Going() {
		move(&s.Retest.Since, &s.Retest.Until)
	}
	return s, ok
}

// movedBy is the verb under which the log says that the times of a stance were moved.
func movedBy(s State) Verb {
	switch s {
	case Rehearsing:
		return Rehearse
	case Quarantined:
		return Quarantine
	}
	return WatchOn
}

// leap is from when on a clock is taken for set, and not for one that goes badly.
const leap = time.Minute

// jump is by how much the clock was set since it was called last; less than leap is nothing.
func (h *Household) jump(now time.Time) (jump time.Duration) {
	if h.Elapsed == nil {
		return 0
	}
	elapsed := h.Elapsed()
	if h.ticked.IsZero() {
		h.ran = now.Add(-elapsed)
	} else if jump = now.Sub(h.ticked) - (elapsed - h.elapsed); jump.Abs() < leap {
		jump = 0
	}
	h.ticked, h.elapsed, h.ran = now, elapsed, h.ran.Add(jump)
	return jump
}

// alter changes a device, but not its stance, and keeps that.
func (h *Household) alter(ctx context.Context, id string, change func(*Device)) (*Device, error) {
	h.mu.Lock()
	d := h.devices[id]
	if d == nil {
		h.mu.Unlock()
		return nil, fmt.Errorf("%w: %q", ErrUnknown, id)
	}
	c := d.clone()
	change(c)
	c.ID, c.Stance = d.ID, d.Stance
	if c.Correction() == (Correction{}) {
		c.Corrected = nil
	}
	if c.Noted() == (Care{}) {
		c.Care = nil
	}
	said := c.word()
	if err := said.check(); err != nil { // so that what is exported can be taken in
		h.mu.Unlock()
		return nil, fmt.Errorf("%w: %w", ErrVerb, err)
	}
	h.put(c)
	h.mu.Unlock()
	if err := h.keep(ctx, []*Device{c}); err != nil {
		return nil, fmt.Errorf("keep description: %w", err)
	}
	return c, nil
}

// Propose offers a file for a device, or with nil offers none any more. Nothing is decided by that.
func (h *Household) Propose(ctx context.Context, id string, o *Offer) error {
	_, err := h.alter(ctx, id, func(d *Device) { d.Offer = o })
	return err
}

// MaxPerson is how many letters the name of a person of the home has at most.
const MaxPerson = 40

// Bounds of what is said, octets: of a name, and of an actor, which is a way in and a person’s name.
const (
	maxName  = 128
	maxActor = len("page:") + utf8.UTFMax*MaxPerson
)
