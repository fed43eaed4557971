package label

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"fmt"
	"time"
)

// How the day of issue is proved.
const (
	ByLandmark  = "landmark"       // it is in the log of that day
	ByInclusion = "online"         // it is in the log, as a proof of inclusion says that was asked for
	BySignature = "signature-only" // the issuer says so
)

// Stale is how old a bundle may be before the status that it gives is no longer believed, unless Trust.TTL says otherwise.
const Stale = 7 * 24 * time.Hour

// Verdict is what is known of a label. Genuine says that it was granted, and no more.
type Verdict struct {
	Genuine     bool
	Issuer      string
	Statement   *Statement
	IssuedProof string
	Status      Status
	StatusAsOf  time.Time
	Problems    []Problem // what keeps the verdict from being better
}

// Problem is something to know of a verdict: of which kind, and the day that it speaks of, if any.
type Problem struct {
	Kind ProblemKind
	Day  Day
}

// ProblemKind names a kind of problem.
type ProblemKind string

// What keeps a verdict from being better.
const (
	NoBundle     ProblemKind = "no-bundle"     // nothing but a key is there: nothing is known of the log and the status
	Unlisted     ProblemKind = "unlisted"      // the bundle of the day does not know its status yet
	BundleOld    ProblemKind = "bundle-old"    // its status is not known since the day of the bundle
	BundleFuture ProblemKind = "bundle-future" // the bundle is of a day yet to come: the clock may be wrong
	Unlogged     ProblemKind = "unlogged"      // no proof that it was logged: the issuer could have dated it otherwise
	LoggedLater  ProblemKind = "logged-later"  // it says that it was logged on the day, after the bundle was made
)

// Verify says what is known of a label by a bundle of trust, with no network. A bundle that was never made, with the
// zero time, is issuers alone. gtin is that of the link or the pack that it was found on, or "". The error says why it is
// not genuine, and wraps ErrSignature, ErrUntrusted, ErrProof or ErrStatement.
func (t *Trust) Verify(e *Envelope, gtin string, now time.Time) (*Verdict, error) {
	v := &Verdict{Status: Unknown, StatusAsOf: t.Made.UTC(), IssuedProof: BySignature}
	made := DayOf(t.Made)
	var issuers []Issuer
	s, key, err := Open(e.Label, func(id []byte) ed25519.PublicKey {
		for _, i := range t.Issuers {
			if bytes.Equal(KeyID(i.Key), id) {
				issuers = append(issuers, i)
			}
		}
		if len(issuers) == 0 {
			return nil
		}
		return issuers[0].Key
	})
	if err != nil {
		return v, err
	}
	v.Statement = s
	granted := false
	for _, i := range issuers {
		if i.Key.Equal(key) && s.Issued >= i.From && (i.Until == 0 || s.Issued <= i.Until) {
			v.Issuer, granted = i.Name, true
		}
	}
	if !granted {
		return v, fmt.Errorf("%w: %s could not grant labels on %s", ErrUntrusted, issuers[0].Name, s.Issued)
	}
	if gtin != "" && gtin != s.GTIN14() {
		return v, fmt.Errorf("%w: it is for the product %s, and was found on %s", ErrStatement, s.GTIN14(), gtin)
	}
	if t.Made.IsZero() {
		v.Genuine = true
		v.problem(NoBundle, 0)
		if s.Expires != 0 && DayOf(now) > s.Expires {
			v.Status = Expired
		}
		return v, nil
	}
	if err := t.prove(e, v); err != nil {
		return v, err
	}
	v.Genuine = true
	v.Status = t.StatusOf(s.Index)
	age := now.Sub(t.Made)
	switch {
	case v.Status == Withdrawn || v.Status == Suspended:
	case s.Expires != 0 && DayOf(now) > s.Expires:
		v.Status = Expired
	case v.Status == Unknown:
		v.problem(Unlisted, made)
	case age > cmp.Or(t.TTL, Stale):
		v.Status = Unknown
		v.problem(BundleOld, made)
	case age < -time.Hour:
		v.Status = Unknown
		v.problem(BundleFuture, made)
	}
	return v, nil
}

// prove checks the proof that the label was logged on the day that it says.
func (t *Trust) prove(e *Envelope, v *Verdict) error {
	p := e.Proof
	if p == nil {
		v.problem(Unlogged, 0)
		return nil
	}
	if uint64(p.Day) >= uint64(t.FirstDay)+uint64(len(t.Landmarks)) {
		v.problem(LoggedLater, p.Day)
		return nil
	}
	root, ok := t.landmark(p.Day)
	if !ok {
		return fmt.Errorf("%w: nothing was logged on %s", ErrProof, p.Day)
	}
	if p.Root(e.Label) != root {
		return fmt.Errorf("%w: it is not in the log of %s", ErrProof, p.Day)
	}
	if p.Day != v.Statement.Issued {
		return fmt.Errorf("%w: it says that it was issued on %s, and was logged on %s", ErrProof, v.Statement.Issued, p.Day)
	}
	v.IssuedProof = ByLandmark
	return nil
}

func (v *Verdict) problem(kind ProblemKind, day Day) {
	v.Problems = append(v.Problems, Problem{kind, day})
}
