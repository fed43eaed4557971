package home

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/finding"
)

// Watching is how long a device that was let back from quarantine is watched for what it was cut off for.
const Watching = 7 * 24 * time.Hour

// Retest is the proof of a repair: whether a device that was let back from quarantine does again what it was cut off for.
type Retest struct {
	For     string    `json:"for,omitempty"` // why it was cut off: see Stance.Reason
	Since   time.Time `json:"since"`         // when it was let back
	Until   time.Time `json:"until"`
	CutOff  bool      `json:"cut_off,omitempty"` // if it does it again it is cut off again, by the word of who let it back
	Outcome Outcome   `json:"outcome,omitempty"`
	At      time.Time `json:"at,omitzero"`       // of the outcome
	Finding string    `json:"finding,omitempty"` // that shows that it did it again
}

// Outcome is what a retest came to; "" while it goes on.
type Outcome string

// The outcomes.
const (
	Clean Outcome = "clean" // it did not do it again
	Again Outcome = "again"
)

// Going reports whether the device is still watched.
func (r *Retest) Going() bool { return !r.Until.IsZero() && r.Outcome == "" }

// Stands is how a retest stands of a device that was heard of last at a time: going, silent (not heard of since), clean, again.
func (r *Retest) Stands(last time.Time) string {
	switch {
	case !r.Going():
		return string(r.Outcome)
	case !last.After(r.Since):
		return "silent"
	}
	return "going"
}

// Then is what is done if the device does it again.
func (r *Retest) Then() LabelAction {
	if r.CutOff {
		return CutOff
	}
	return Tell
}

// Now is what is being done about a device: its state, with ".until" if a quarantine ends by itself.
func (s *Stance) Now() string {
	if s.State == Quarantined && !s.Until.IsZero() {
		return string(s.State) + ".until"
	}
	return string(s.State)
}

// findingForm is how findings are named.
var findingForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// parseQuarantine reads the argument of Quarantine: REASON [UNTIL]; the reason may have several words, or none.
func parseQuarantine(argument string, now time.Time) (reason string, until time.Time, err error) {
	at := strings.LastIndexByte(argument, ' ')
	t, err := time.Parse(time.RFC3339, argument[at+1:])
	switch {
	case err != nil:
		return argument, time.Time{}, nil
	case !t.After(now):
		return "", t, fmt.Errorf("%w: that time, %s, is over", ErrVerb, t.Format(time.RFC3339))
	}
	return argument[:max(at, 0)], t.UTC(), nil
}

// over is a device whose quarantine was for a time that is over: it is as it was before, and if it was cut off for a finding,
// that is looked for.
func over(d *Device, now time.Time, rehearsal time.Duration) (Stance, error) {
	was := d.Stance
	s, err := decide(d, WatchOn, "", Program, now, rehearsal)
	if err != nil {
		return s, err
	}
	if was.Was == Free || was.Was == Refused || was.Was == Held && was.File != "" {
		s.State, s.Until = was.Was, time.Time{}
	}
	if !findingForm.MatchString(was.Reason) {
		s.Retest = Retest{}
	}
	return s, nil
}

// retested is what the time that goes by makes of a retest. One of a device that was silent for half of it proves nothing,
// and begins anew.
func (s *Stance) retested(last, now time.Time) (Verb, bool) {
	r := &s.Retest
	switch {
	case !r.Going() || now.Before(r.Until):
		return "", false
	case last.Before(r.Since.Add(r.Until.Sub(r.Since) / 2)):
		r.Since, r.Until = now, now.Add(Watching)
		return WatchOn, true
	}
	r.Outcome, r.At = Clean, now
	return Passed, true
}

// relapse is what follows where a device does again what it was cut off for; nil, where it does not.
func (h *Household) relapse(ctx context.Context, d *Device, now time.Time) (*Decision, error) {
	r := &d.Retest
	if !r.Going() {
		return nil, nil
	}
	list, err := h.Ledger.FindingsSince(ctx, d.ID, r.Since)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	kind := finding.Kind(r.For) // as people may say it
	if f, err := h.Ledger.Finding(ctx, r.For); err == nil {
		kind = f.Kind
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	named := slices.ContainsFunc(finding.Kinds(), func(a finding.About) bool { return a.Kind == kind })
	i := slices.IndexFunc(list, func(f Noted) bool {
		same := f.ID() == r.For || f.Kind == kind || !named && f.Severity >= finding.Medium
		return same && f.Role == finding.Actor && f.State != Muted
	})
	if i < 0 {
		return nil, nil
	}
	f, s := &list[i], d.Stance
	if r.CutOff {
		if s, err = decide(d, Quarantine, f.ID(), Program, now, h.Rehearsal); errors.Is(err, ErrConsent) { // it is taken for a computer by now
			s, err = d.Stance, nil
		}
	}
	s.Retest = *r
	s.Retest.Outcome, s.Retest.At, s.Retest.Finding = Again, now, f.ID()
	x := &Decision{Verb: Failed, Argument: f.ID(), After: s}
	if s.State == Quarantined {
		x.Verb = Quarantine
	}
	return x, err
}
