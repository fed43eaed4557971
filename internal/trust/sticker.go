package trust

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
)

// Why the MUD URL of a sticker is not taken, from the least that is missing for it to be.
var (
	ErrStatus   = errors.New("the label that says the same is not active")
	ErrUnlogged = errors.New("the label that says the same is in no log")
	ErrOtherURL = errors.New("the label of this product says another MUD URL")
	ErrNoLabel  = errors.New("no label of this product is known")
)

// refusals are all of them, what is nearest to being taken first.
var refusals = []error{ErrStatus, ErrUnlogged, ErrOtherURL, ErrNoLabel}

// Vouch looks for a label by which the MUD URL of a sticker is taken: anybody can print a sticker (RFC 9238 §8), so a label
// must say the same of the same maker and model, be in the log, and be active. known are labels at hand; the registry is
// asked for those of the product besides, and whether it has the ones at hand on record. The error wraps one of those above,
// or says why nobody could be asked.
func (s *Source) Vouch(ctx context.Context, st *mud.Sticker, known []*label.Envelope) (*Found, error) {
	why := ErrNoLabel
	try := func(f *Found) bool {
		err := judge(st, f)
		if slices.Index(refusals, err) < slices.Index(refusals, why) {
			why = err
		}
		return err == nil
	}
	for _, e := range known {
		if f, err := s.atHand(ctx, e); err == nil && try(f) {
			return f, nil
		}
	}
	list, err := s.Labels(ctx, st.Brand, st.Model)
	for i := range list {
		if try(&list[i]) {
			return &list[i], nil
		}
	}
	if err != nil && errors.Is(why, ErrNoLabel) {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %s %s, %s", why, st.Brand, st.Model, st.URL)
}

// atHand is a label with what is known of it: that it was logged, its proof says, or else the registry’s record.
func (s *Source) atHand(ctx context.Context, e *label.Envelope) (*Found, error) {
	v, err := s.Verify(e)
	if err != nil {
		return nil, err
	}
	if v.IssuedProof == label.ByLandmark {
		return &Found{e, v, true}, nil
	}
	f, err := s.Recorded(ctx, e.Label)
	if err != nil {
		return &Found{e, v, false}, nil // nobody says that it was logged
	}
	return f, nil
}

// judge says why a label does not vouch for a sticker: one of the refusals, or nil.
func judge(st *mud.Sticker, f *Found) error {
	switch said := f.Verdict.Statement; {
	case !strings.EqualFold(said.Maker, st.Brand) || !strings.EqualFold(said.Model, st.Model):
		return ErrNoLabel
	case said.MUDURL != st.URL:
		return ErrOtherURL
	case !f.Logged:
		return ErrUnlogged
	case f.Verdict.Status != label.Active:
		return ErrStatus
	}
	return nil
}
