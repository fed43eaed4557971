package home

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/device"
)

// Verb is something that can be decided about a device.
type Verb string

// The verbs. Those of people and of the program are the same; Decision.Actor tells who it was.
const (
	Admit      Verb = "admit"      // Argument: full, device-only or none
	Rehearse   Verb = "rehearse"   // Argument: SHA-256 of the file
	HoldTo     Verb = "hold"       // hold it to its file, without (more) rehearsal
	Release    Verb = "release"    // let it go free
	Quarantine Verb = "quarantine" // Argument: why, maybe until when
	Confirm    Verb = "confirm"    // yes, it stays in quarantine
	WatchOn    Verb = "watch"      // out of quarantine, and watched; rehearsed, if it has a file. Argument: quarantine, if it is to be cut off again when it does the same again
	Except     Verb = "except"     // Argument: whom it may reach too, for what, until when; see Exception
	Disallow   Verb = "disallow"   // Argument: an exception, or all to a party, that are no more
	Control    Verb = "controller" // Argument: who controls it, in which class; see Controller
	Uncontrol  Verb = "no-controller"
	Accept     Verb = "accept"       // Argument: the MUD URL that it says now, or SHA-256 of the file that is offered; "" is whichever waits
	Bind       Verb = "label"        // Argument: SHA-256 of its label; "": it has none
	OnLabel    Verb = "label-action" // Argument: see LabelAction
	Passed     Verb = "passed"       // of the program alone: since it was let back it did not do again what it was cut off for
	Failed     Verb = "failed"       // of the program alone: it did it again. Argument: the finding
	Learn      Verb = "learn"        // of the program alone: it turned out to be a thing with one purpose, and is to be held
	Describe   Verb = "describe"     // Argument: what was said of the device; changes no stance
	NoteOn     Verb = "note"         // Argument: a finding, what it is to the household, and what it was; changes no stance
	Join       Verb = "join"         // Argument: the ID of the device that it is one with
	Split      Verb = "split"        // Argument: the ID of its part that is another device
	Undo       Verb = "undo"         // Argument: the number of the decision
	Import     Verb = "import"       // Argument: what was taken in; see Household.Import
)

// Decision is one entry of the audit log: who did what, when, and what it changed.
type Decision struct {
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"` // uid:0, plimsoll, …
	Verb     Verb      `json:"verb"`
	Device   string    `json:"device"`
	Argument string    `json:"argument,omitempty"`
	Before   Stance    `json:"before"`
	After    Stance    `json:"after"`
	Said     *Said     `json:"said,omitempty"`   // of Describe
	Undone   int64     `json:"undone,omitempty"` // the decision that undid it; 0: none did
}

// What a decision can be refused for.
var (
	ErrUnknown = errors.New("no such device")
	ErrNoFile  = errors.New("there is nothing to hold it to yet")
	ErrConsent = errors.New("a phone or computer is cut off only when a person says so")
	ErrVerb    = errors.New("cannot be decided")
	ErrStale   = errors.New("something else was decided since")

	ErrNoRegistry = errors.New("no registry is trusted")
	ErrLabel      = errors.New("by the registries that are trusted the label is not genuine")
	ErrOther      = errors.New("the sticker is of another device")
)

// Program is the actor of what nobody but the program decides.
const Program = "plimsoll"

// Rehearsal is how long a file is rehearsed before a device is held to it, unless the household says otherwise.
const Rehearsal = 72 * time.Hour

// decide is what becomes of a device by a decision. It changes nothing else, and reads no clock.
func decide(d *Device, verb Verb, argument, actor string, now time.Time, rehearsal time.Duration) (Stance, error) {
	s := d.Stance
	s.Exceptions, s.Left, s.Controllers = slices.Clone(s.Exceptions), slices.Clone(s.Left), slices.Clone(s.Controllers)
	become := func(state State) {
		if s.State != state {
			s.State, s.Since = state, now
		}
		if state != Rehearsing {
			s.Until = time.Time{}
		}
		if state != Quarantined {
			s.Reason, s.Confirmed, s.Was = "", false, ""
		}
	}
	// hold begins with the rehearsal of what it is to be held to
	prepare := func() {
		switch {
		case s.File == "":
			become(Learning)
		case rehearsal > 0:
			become(Rehearsing)
			s.Until = now.Add(rehearsal)
		default:
			become(Held)
		}
	}
	switch verb {
	case Admit:
		switch a := Admission(argument); a {
		case Full:
			s.Admission = a
			become(Free)
		case None:
			s.Admission = a
			become(Refused)
		case DeviceOnly:
			s.Admission = a
			prepare()
		default:
			return s, fmt.Errorf("%w: %q is none of full, device-only, none", ErrVerb, argument)
		}
	case Rehearse:
		if argument != "" {
			s.take(argument, d.MUDURL())
		}
		if s.File == "" {
			return s, ErrNoFile
		}
		become(Rehearsing)
		s.Until = now.Add(max(rehearsal, time.Minute))
	case HoldTo:
		if argument != "" {
			s.take(argument, d.MUDURL())
		}
		if s.File == "" {
			return s, ErrNoFile
		}
		s.Admission = DeviceOnly
		become(Held)
	case Release:
		s.Admission, s.Retest = Full, Retest{}
		become(Free)
	case Quarantine:
		if actor == Program && d.Kind() != device.IoT {
			return s, ErrConsent
		}
		reason, until, err := parseQuarantine(argument, now)
		if err != nil {
			return s, err
		}
		if s.State != Quarantined {
			s.Was = s.State
		}
		become(Quarantined)
		s.Reason, s.Confirmed, s.Until, s.Retest = reason, actor != Program, until, Retest{}
		if !until.IsZero() {
			s.Since = now // from when on the time goes by
		}
	case Confirm:
		if s.State != Quarantined {
			return s, fmt.Errorf("%w: it is not in quarantine", ErrVerb)
		}
		s.Confirmed, s.Until = true, time.Time{}
	case WatchOn:
		if s.State != Quarantined {
			return s, fmt.Errorf("%w: it is not in quarantine", ErrVerb)
		}
		if !slices.Contains([]LabelAction{"", Tell, CutOff}, LabelAction(argument)) {
			return s, fmt.Errorf("%w: %.40q is none of tell, quarantine", ErrVerb, argument)
		}
		s.Retest = Retest{For: s.Reason, Since: now, Until: now.Add(Watching), CutOff: argument == string(CutOff)}
		if s.Retest.CutOff && d.Kind() != device.IoT {
			return s, ErrConsent
		}
		if d.Admitted() == DeviceOnly {
			prepare()
		} else {
			become(Free)
		}
	case Except, Disallow:
		e, err := parseException(argument)
		if err != nil {
			return s, err
		}
		if verb == Except {
			return s, s.except(e, now)
		}
		return s, s.disallow(e)
	case Control, Uncontrol:
		c, err := parseController(argument)
		if err != nil {
			return s, err
		}
		if verb == Control {
			return s, s.control(c)
		}
		return s, s.uncontrol(c)
	case Bind:
		if argument != "" && !digestForm.MatchString(argument) {
			return s, fmt.Errorf("%w: %q is no SHA-256", ErrVerb, argument)
		}
		s.LabelFile = argument
	case OnLabel:
		s.LabelAction = LabelAction(argument)
		if s.LabelAction != "" && s.LabelAction != Tell && s.LabelAction != CutOff {
			return s, fmt.Errorf("%w: %q is none of tell, quarantine", ErrVerb, argument)
		}
	case Accept:
		u := d.Waits()
		switch o := d.Offers(); {
		case o != nil && (argument == o.File || argument == "" && u == ""):
			s.take(o.File, d.MUDURL())
			s.Admission = DeviceOnly
			if s.State == Learning || s.State == Rehearsing {
				prepare()
			}
		case d.MUDURL() != "" && (argument == d.MUDURL() || argument == ""):
			s.move(d.MUDURL())
		default:
			return s, fmt.Errorf("%w: neither its MUD URL nor the file that is offered is %q", ErrVerb, argument)
		}
	default:
		return s, fmt.Errorf("%w: %q is no verb", ErrVerb, verb)
	}
	return s, nil
}

const (
	maxExceptions = 64
	maxLeft       = 16
)

// take is to be held to a file. The first one says which MUD URL is the device’s own.
func (s *Stance) take(file, url string) {
	s.File = file
	if s.URL == "" {
		s.URL = url
	}
}

// move is to have another MUD URL.
func (s *Stance) move(url string) {
	if s.URL != "" && s.URL != url && !slices.Contains(s.Left, s.URL) {
		s.Left = append(s.Left, s.URL)
		s.Left = s.Left[max(0, len(s.Left)-maxLeft):]
	}
	s.URL = url
}

// arrive is the stance of a device that was not seen before.
func arrive(d *Device, now time.Time) Stance {
	s := Stance{State: Free, Since: now}
	if d.Admitted() == DeviceOnly {
		s.State = Learning
	}
	return s
}

// due is what the time that goes by decides about a device: a rehearsal that is over ends in being held, what was
// allowed for a time, or cut off for a time, is so no more, what was let back and did no harm since has passed, and what turns out to be a thing with one purpose, as few do by their first packets, is to
// be held as if that had been seen at once. The other way round it takes a person: malware can make a thing look like a
// computer.
func due(d *Device, now time.Time, rehearsal time.Duration) (list []Decision) {
	s := d.Stance
	if s.State == Free && s.Admission == "" && d.Default() == DeviceOnly {
		s.State, s.Since = Learning, now
		list = append(list, Decision{Verb: Learn, After: s})
	}
	if s.State == Rehearsing && !s.Until.IsZero() && !now.Before(s.Until) {
		s.State, s.Since, s.Until = Held, now, time.Time{}
		list = append(list, Decision{Verb: HoldTo, After: s})
	}
	if s.State == Quarantined && !s.Until.IsZero() && !now.Before(s.Until) {
		if after, err := over(d, now, rehearsal); err == nil {
			s = after
			list = append(list, Decision{Verb: WatchOn, After: s})
		}
	}
	if verb, ok := s.retested(d.Last, now); ok {
		list = append(list, Decision{Verb: verb, After: s})
	}
	for _, e := range slices.Clone(s.Exceptions) {
		if e.Holds(now) {
			continue
		}
		s.Exceptions = slices.DeleteFunc(slices.Clone(s.Exceptions), func(x Exception) bool { return x == e })
		list = append(list, Decision{Verb: Disallow, Argument: e.String(), After: s})
	}
	return list
}
