// Package assess weighs what is known of a product against norms: what its maker declares, what documents, captures and
// probes say. For each norm it gives a class, which is how we know, and a verdict, which is what came of it, with the
// reasons, where each is written, and what would raise the class.
//
// Three rules stand above all others. Nothing is inferred from silence: evidence in which nothing was found says nothing.
// Evidence does to a norm what the catalogue says that it can do (norms.Evidence), and no more. And a norm is not
// applicable only where the maker declares that a condition of it is false.
//
// The package is pure: no clock, no input, no output.
package assess

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// Verdict is what came of the assessment of a norm, in the words of ETSI TS 103 701. The zero value decides nothing.
type Verdict uint8

// The verdicts.
const (
	Inconclusive Verdict = iota
	Pass
	Fail
	NotApplicable
)

var verdicts = [...]string{"inconclusive", "pass", "fail", "not-applicable"}

// String is the word in JSON.
func (v Verdict) String() string { return verdicts[v] }

// MarshalText writes the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word.
func (v *Verdict) UnmarshalText(b []byte) error {
	i := slices.Index(verdicts[:], string(b))
	if i < 0 {
		return fmt.Errorf("verdict %.40q is none of %s", b, strings.Join(verdicts[:], ", "))
	}
	*v = Verdict(i)
	return nil
}

// Input is all that is known.
type Input struct {
	Product     *Product
	Declaration *Declaration // nil: the maker declares nothing
	Evidence    []Evidence
	Lab         string // the laboratory that made the captures and transcripts, and whose reports count; "": none
	Catalogue   *norms.Catalogue
}

// Result is what came of it.
type Result struct {
	Product     *Product
	Declaration *Declaration
	Lab         string
	Evidence    []Evidence
	Norms       []Norm // those of ETSI EN 303 645, and all others that something is known of, in the order of the catalogue
	Problems    []Said // that are of no one norm
}

// Norm is what is known of one norm.
type Norm struct {
	norms.Norm
	Class   label.Class
	Verdict Verdict
	Reasons []Said
	Raise   []Said // what would raise the class, or mend the verdict
	First   string // of the evidence that the class rests on, RFC 3339; "" without one
	Last    string
	Sources int // how many captures, transcripts and documents the class rests on
}

// Said is something to tell people: a message of the catalogue, its arguments, and where it is written.
type Said struct {
	Key  string
	Args []any
	At   []Pointer
}

// Pointer is where something is written.
type Pointer struct {
	Source  int      `json:"source"`            // number of the evidence, from 1; 0 is the declaration
	At      string   `json:"at"`                // finding, check, provision or document in it
	Packets []uint64 `json:"packets,omitempty"` // in the capture
	Flow    string   `json:"flow,omitempty"`    // Community ID
}

// Mandatory reports whether the source of the norm says that it must be met.
func (n *Norm) Mandatory() bool {
	switch n.Status.Level {
	case norms.Mandatory, norms.OTARequired:
		return true
	}
	return false
}

// Severity is how bad it is for whoever would grant a label.
func (n *Norm) Severity() finding.Severity {
	switch {
	case n.Class == label.Refuted && n.Mandatory():
		return finding.High
	case n.Class == label.Refuted, n.Verdict == Fail && n.Mandatory():
		return finding.Medium
	case n.Verdict == Fail:
		return finding.Low
	}
	return finding.Info
}

// Worst is the highest severity among the norms.
func (r *Result) Worst() (worst finding.Severity) {
	for i := range r.Norms {
		worst = max(worst, r.Norms[i].Severity())
	}
	return worst
}

// Norm is what is known of a norm; the zero value for one that was not assessed.
func (r *Result) Norm(id string) Norm {
	for i := range r.Norms {
		if r.Norms[i].ID == id {
			return r.Norms[i]
		}
	}
	return Norm{}
}

// Assess weighs the evidence.
func Assess(in *Input) (*Result, error) {
	r := &Result{Product: in.Product, Declaration: in.Declaration, Lab: in.Lab, Evidence: in.Evidence}
	j := &judge{Input: in, result: r, cases: map[string]*pleas{}}
	if in.Declaration != nil {
		if err := in.Declaration.check(in.Catalogue); err != nil {
			return nil, err
		}
		j.declaration()
	}
	for i := range in.Evidence {
		if err := j.evidence(&in.Evidence[i], i+1); err != nil {
			return nil, err
		}
	}
	j.shared()
	for _, n := range in.Catalogue.All() {
		p := j.cases[n.ID]
		if p == nil {
			if n.Source != etsi {
				continue
			}
			p = &pleas{}
		}
		r.Norms = append(r.Norms, j.decide(n, p))
	}
	return r, nil
}

// etsi is the source that makers declare about: the pro formas of ETSI TS 103 701 are of it.
const etsi = "etsi-en-303-645-3.1.3"

// Statement is the product’s statement with the classes of the norms of its profile, to be signed. A norm that is not
// applicable is not claimed: nobody shall take it for met.
func (r *Result) Statement() *label.Statement {
	s := r.Product.Statement
	s.Norms = make([]byte, (len(label.ProfileNorms(s.Profile))+1)/2)
	for i := range r.Norms {
		c := r.Norms[i].Class
		if r.Norms[i].Verdict == NotApplicable {
			c = label.NotClaimed
		}
		s.SetClass(r.Norms[i].ID, c)
	}
	return &s
}
